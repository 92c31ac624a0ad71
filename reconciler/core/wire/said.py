"""What an answer says went wrong, in words for people, whatever it is written in. Pure.

The pointers of the kind's own rule come first, then the search by shape; where neither finds a reason, people are shown
the answer itself, shortened, and without what its members' names call a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.core.json_decoding import UnusableError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import FieldInfo, walk
from reconciler.core.model import Json, Response
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.redaction import STAND_IN, with_spaces
from reconciler.core.wire.markup import is_markup, is_page, read_markup
from reconciler.core.wire.reasons import Reason, in_words, letters, reasons_in

_LONGEST = 500  # characters of a server's words that are shown
_LONGEST_VALUE, _MOST_ITEMS = 80, 5  # characters of a text, and items of a list, in an answer that is shown itself
_SECRET = re.compile(r"passw|secret|token|apikey|accesskey|privatekey|credential|authorization|cookie")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an answer says. `body` is all of it, where no reason was found and `text` shows it shortened."""

    text: str
    reasons: tuple[Reason, ...] = ()
    body: str = ""
    signing_in: bool = False


def what_is_said(kind: Kind, response: Response, pointers: Sequence[str] = ()) -> Said:
    """Return what the failed `response` says; `pointers` are where the kind says that its words are."""
    text = response.redact(response.text().strip())
    if not text:
        return Said(text="an empty answer")
    body = response.fit_to_show(json_or_missing(response))
    if body is not MISSING:
        return _by_rule(kind, body, pointers) or _found(kind, body) or _answer_itself(kind, body)
    if is_markup(response.content_type, text):
        markup = read_markup(text)
        ruled = _by_rule(kind, markup.tree, pointers)
        if ruled is not None:
            return ruled
        if is_page(response.content_type, text):
            asks = " that asks to sign in," if markup.asks_to_sign_in else ""
            words = "; ".join(dict.fromkeys(one for one in (markup.title, markup.heading) if one))
            shown = f"an HTML page{asks} instead of JSON{f': {_line(words)}' if words else ''}"
            return Said(text=shown, body=with_spaces(text), signing_in=markup.asks_to_sign_in)
        return _found(kind, markup.tree) or _as_text(markup.text, "the answer is ")
    if response.is_text:
        broken = "broken JSON: " if text.startswith(("{", "[")) else ""
        return _by_rule(kind, text, pointers) or _as_text(text, broken)
    return Said(text=f"{len(response.content)} bytes that are neither JSON nor text")


def reason_in(kind: Kind, body: Any) -> str:
    """Return what an object or a report says of its own failure, or a stand-in when it says nothing."""
    found = () if body is MISSING else reasons_in(body, _names(kind))
    states = ("/status/message", "/statusMessage", "/reason", "/state", "/status")
    said = in_words(found) or next((text for at in states for text in _texts(body, at)), "")
    return _line(said) or "no reason given"


def json_or_missing(response: Response | None) -> Any:
    """Return the decoded body of an answer, or MISSING when there is none."""
    if response is None or not response.content.strip():
        return MISSING
    try:
        return response.json()
    except ValueError:
        return MISSING


def nature(response: Response) -> str:
    """Return what an answer is that should have been JSON and is not."""
    text = response.redact(response.text().strip())
    if not text:
        return "empty"
    if is_markup(response.content_type, text):
        markup = read_markup(text)
        if not is_page(response.content_type, text):
            return "XML instead of JSON"
        asks = " that asks to sign in" if markup.asks_to_sign_in else ""
        return f"an HTML page{asks}{f': {_line(markup.title)}' if markup.title else ''}"
    try:
        response.json()
    except ValueError as error:
        if isinstance(error, UnicodeError):
            return "something that is not JSON in UTF-8, and its Content-Type names no other charset"
        if isinstance(error, UnusableError):
            return f"no JSON that anything is made of: {error}"
    # What lists show may be secret, and nothing tells where in it: only what is plain text is repeated.
    shown = f": {_line(text)}" if response.is_text and not re.search(r"[\[{\"=]", text) else ""
    return f"something that is not JSON{shown}"


# --------------------------------------------------------------------------- reasons


def _by_rule(kind: Kind, body: Any, pointers: Sequence[str]) -> Said | None:
    for pointer in pointers:
        texts = list(_texts(body, pointer))
        found = tuple(reasons_in(body, _names(kind)))
        if texts:
            return Said(text=_line("; ".join(dict.fromkeys(texts))), reasons=found)
        inner = [one for one in _at(body, pointer) if isinstance(one, (dict, list))]
        said = [reason for one in inner for reason in reasons_in(one, _names(kind))]
        if said:
            return Said(text=_line(in_words(said)), reasons=tuple(said))
    return None


def _texts(body: Any, pointer: str) -> Iterator[str]:
    for value in _at(body, pointer):
        if isinstance(value, str) and _line(value):
            yield _line(value)


def _at(body: Any, pointer: str) -> Iterator[Any]:
    """Yield what `pointer` names, where the step `*` is every item or member."""
    before, star, rest = pointer.partition("/*")
    found = get(body, parse_pointer(pointer))
    if found is not MISSING:
        yield found
    elif star and (not rest or rest.startswith("/")):
        inner = get(body, parse_pointer(before))
        for one in inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ():
            yield from _at(one, rest)


def _found(kind: Kind, body: Json) -> Said | None:
    reasons = tuple(reasons_in(body, _names(kind)))
    text = _line(in_words(reasons))
    return Said(text=text, reasons=reasons) if text else None


def _names(kind: Kind) -> set[str]:
    fields = kind.fields.properties.values()
    return {name for one in fields for name in _spellings(one)}


def _spellings(info: FieldInfo) -> set[str]:
    return {info.name, info.create_name, info.update_name, info.response_name} - {""}


# --------------------------------------------------------------------------- the answer itself


def _answer_itself(kind: Kind, body: Json) -> Said:
    secret = {
        letters(n) for _, info in walk(kind.fields) if info.sensitive or info.write_only for n in _spellings(info)
    }
    text, whole = (json.dumps(_masked(body, secret, cut=cut), ensure_ascii=False) for cut in (True, False))
    line = _line(text)
    return Said(text=f"the answer is {line}", body="" if line == whole else with_spaces(whole))


def _masked(value: Json, secret: set[str], *, cut: bool) -> Json:
    """Return `value` without what the kind or the names of members call a secret; `cut`: long parts shortened."""
    if isinstance(value, dict):
        return {n: STAND_IN if v and _is_secret(n, secret) else _masked(v, secret, cut=cut) for n, v in value.items()}
    if isinstance(value, list):
        shown = [_masked(item, secret, cut=cut) for item in (value[:_MOST_ITEMS] if cut else value)]
        return [*shown, "…"] if len(shown) < len(value) else shown
    return _shortened(value, _LONGEST_VALUE) if cut and isinstance(value, str) else value


def _is_secret(name: str, secret: set[str]) -> bool:
    return letters(name) in secret or _SECRET.search(letters(name)) is not None


def _as_text(text: str, said: str) -> Said:
    return Said(text=said + _line(text), body=with_spaces(text) if len(text) > _LONGEST else "")


def _line(text: str) -> str:
    # One line and no control characters: the text comes from outside and ends up on a terminal.
    return _shortened(with_spaces(text[: 4 * _LONGEST]), _LONGEST)


def _shortened(text: str, longest: int) -> str:
    """Cut a long text after a whole word: servers repeat what they were sent, and half a secret is not recognised."""
    return text if len(text) <= longest else text[:longest].rpartition(" ")[0].rstrip() + " …"
