"""The last line of defence: known secret values taken out of what leaves the program. Pure.

Plans and reports are redacted by path, where they are made. This here is for what comes from elsewhere: error texts
in which a server repeats what it was sent, log lines, tracebacks, and live values that hold a secret of another field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reconciler.core.model import Json
from reconciler.core.spellings import LONG, finder, lower, parts, spellings
from reconciler.core.spellings import with_spaces as with_spaces

STAND_IN = "(sensitive)"
MIN_LENGTH = 4  # shorter ones would blot out innocent text, and cannot be secrets worth the name

_FARTHEST = 256  # characters that belong to a word at most
_INSIDE_A_NAME = re.compile(r"[\w./-]")

# Members of documents by what they hold. What is in none of them is replaced whole where it holds a secret.
_NAMES = frozenset(
    {"action", "address", "addresses", "becauseOf", "cause", "code", "dependsOn", "digest", "format", "kind", "kinds"}
    | {"name", "operation", "planDigest", "replaced", "severity", "source", "status", "system", "systems", "target"}
    | {"tool", "version", "waitsFor"}
)
_PROSE = frozenset(
    {"caveats", "detail", "doubt", "guard", "headline", "hint", "message", "note", "notes", "reason", "summary"}
    | {"title", "unreadable", "why"}
)
_DATA = frozenset({"after", "before", "body", "held", "now", "plannedOn", "spec", "wanted"})


class _Patterns(NamedTuple):
    whole: re.Pattern[str] | None  # long secrets, in lower-case text
    anywhere: re.Pattern[str] | None  # the same, and what gives them away
    words: re.Pattern[str] | None  # short ones, as they are


class Redactor:
    """Replaces secret values in text and JSON, in all their spellings.

    In text a long secret goes with the word that it stands in, a short one only where it is a word. In JSON a value
    that holds a long secret is replaced whole, names are left alone, and messages are text.
    """

    def __init__(self, secret_values: Iterable[str] = ()) -> None:
        self._values: dict[str, None] = {}  # only grows, a value at a time: threads may add to it
        self._names: set[str] = set()
        self._made = (0, _patterns_for(()))  # of how many values
        self.add(secret_values)

    def __repr__(self) -> str:
        return f"Redactor({len(self._values)} secrets)"

    def add(self, secret_values: Iterable[str]) -> None:
        """Learn more secret values."""
        for value in secret_values:
            if len(value) >= MIN_LENGTH and value not in ("true", "false", "null"):
                self._values[value] = None

    def exempt(self, names: Iterable[str]) -> None:
        """Learn names that are shown as they are: addresses and paths of manifests that hold no secret."""
        self._names.update(names)

    def text(self, text: str) -> str:
        """Return `text` without any known secret."""
        made = self._patterns()
        if made.anywhere is None and made.words is None:
            return text
        kept, end = [], 0
        for start, stop in _merged(self._found(text, made)):
            kept += [text[end:start], STAND_IN]
            end = stop
        return "".join([*kept, text[end:]]) if kept else text

    def holds_secret(self, text: str) -> bool:
        """Tell whether `text` is, or holds, a known secret: a short one only where it is all there is."""
        whole = self._patterns().whole
        return (whole is not None and whole.search(lower(text)) is not None) or (
            MIN_LENGTH <= len(text) < LONG and text in self._values
        )

    def secret_in_name(self, name: str) -> bool:
        """Tell whether a name holds a known secret: one that is no part of a longer word, or too long for chance."""
        whole = self._patterns().whole
        for found in whole.finditer(lower(name)) if whole is not None else ():
            start, stop = found.span()
            begins = start == 0 or not _is_word(name[start - 1])
            ends = stop == len(name) or not _is_word(name[stop])
            if (begins and ends) or stop - start >= 2 * LONG:
                return True
        return False

    def json(self, value: Json, stand_in: Json = STAND_IN) -> Json:
        """Return a document without known secrets; `stand_in` is put in the place of data that hold one."""
        made = self._patterns()
        return value if made.whole is None and made.words is None else self._document(value, made.whole, stand_in)

    def data(self, value: Json, stand_in: Json = STAND_IN) -> Json:
        """Return data, in which no member has a meaning of its own, without known secrets."""
        return self._without(value, self._patterns().whole, stand_in)

    def _document(self, value: Json, whole: re.Pattern[str] | None, stand_in: Json) -> Json:
        if isinstance(value, dict):
            return {name: self._member(name, item, value, whole, stand_in) for name, item in value.items()}
        if isinstance(value, list):
            return [self._document(item, whole, stand_in) for item in value]
        return self._without(value, whole, STAND_IN)

    def _member(self, name: str, item: Json, around: Json, whole: re.Pattern[str] | None, stand_in: Json) -> Json:
        if name in _DATA:
            return self._without(item, whole, stand_in)
        if isinstance(item, dict) and name not in _PROSE:
            return self._document(item, whole, stand_in)
        if name in _NAMES or (name == "path" and "line" in around):
            return item if not isinstance(item, list) else [*item]
        return self._prose(item) if name in _PROSE else self._document(item, whole, stand_in)

    def _prose(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self._prose(item) for name, item in value.items()}
        return [self._prose(item) for item in value] if isinstance(value, list) else value

    def _without(self, value: Json, whole: re.Pattern[str] | None, stand_in: Json) -> Json:
        if whole is None:
            return value
        if isinstance(value, str):
            return stand_in if whole.search(lower(value)) else value
        if isinstance(value, dict):
            return {
                STAND_IN if whole.search(lower(name)) else name: self._without(item, whole, stand_in)
                for name, item in value.items()
            }
        return [self._without(item, whole, stand_in) for item in value] if isinstance(value, list) else value

    def _patterns(self) -> _Patterns:
        count, made = self._made
        if count != len(self._values):
            values = list(self._values)
            made = _patterns_for(values)
            self._made = (len(values), made)
        return made

    def _found(self, text: str, made: _Patterns) -> Iterator[tuple[int, int]]:
        if made.anywhere is not None:
            for found in made.anywhere.finditer(lower(text)):
                start, stop = found.span()
                # Half of a word tells the other half, and what is cut inside a word is read as another word.
                while start > 0 and stop - start < _FARTHEST and _is_word(text[start - 1]):
                    start -= 1
                while stop < len(text) and stop - start < 2 * _FARTHEST and _is_word(text[stop]):
                    stop += 1
                if not self._is_name(text, start, stop):
                    yield start, stop
        for found in made.words.finditer(text) if made.words is not None else ():
            if not self._is_name(text, *found.span()):
                yield found.span()

    def _is_name(self, text: str, start: int, stop: int) -> bool:
        """Tell whether the place is in a name that was found to hold no secret."""
        if not self._names:
            return False
        first = max(0, start - _FARTHEST)
        while start > first and _INSIDE_A_NAME.match(text[start - 1]):
            start -= 1
        last = min(len(text), stop + _FARTHEST)
        while stop < last and _INSIDE_A_NAME.match(text[stop]):
            stop += 1
        return text[start:stop].strip(".") in self._names


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _patterns_for(values: Iterable[str]) -> _Patterns:
    whole: set[str] = set()
    anywhere: set[str] = set()
    words: set[str] = set()
    parts_as_words: set[str] = set()
    for value in values:
        if len(value) < LONG:
            words.add(value)
            continue
        whole |= spellings(value)
        for part, only_as_word in parts(value):
            (parts_as_words if only_as_word else anywhere).add(part)
    either = [re.escape(one) for one in sorted(words, key=len, reverse=True)]
    either += [f"(?i:{re.escape(one)})" for one in sorted(parts_as_words, key=len, reverse=True)]
    return _Patterns(
        whole=finder(whole),
        anywhere=finder(whole | anywhere),
        words=re.compile(rf"(?<!\w)(?:{'|'.join(either)})(?!\w)") if either else None,
    )


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    begun: tuple[int, int] | None = None
    for start, stop in sorted(spans):
        if begun is None or start >= begun[1]:
            if begun is not None:
                yield begun
            begun = (start, stop)
        else:
            begun = (begun[0], max(begun[1], stop))
    if begun is not None:
        yield begun
