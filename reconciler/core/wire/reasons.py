"""What an error answer says went wrong, found by its shape: texts, and the fields that they are about. Pure.

Frameworks disagree on names and nesting, and agree on shape: an object holds a text under one of a few names, perhaps
the name of a field next to it, and more such objects in lists below; or its members are named like fields and hold
lists of texts. What a request sent is often repeated in an answer and is never taken for a reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from reconciler.core.model import Json

_DEEPEST = 12  # levels of an answer that are searched
_MOST = 8  # reasons that are shown of one answer


class Reason(NamedTuple):
    """One thing that an answer says. `field` is the path of the field as the answer names it; empty: none."""

    text: str
    field: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{'.'.join(self.field)}: {self.text}" if self.field else self.text


def letters(name: str) -> str:
    """Return `name` as it compares across spellings: letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


# The likelier to hold a sentence, the earlier.
_TEXTS = (
    "message", "msg", "detail", "messages", "reason", "error", "err", "exception", "fault", "text", "details",
    "description", "explanation", "diagnostics", "cause", "summary", "title", "value",
)  # fmt: skip
_NAMED_AS_TEXT = re.compile(
    r"(?!.*(id|code|type|link|url)$)(.+(message|messages|msg)|(err|error|fault|failure|exception|problem|status|result)"
    r"(str|string|text|summary|description|desc|detail|details|reason|info))"
)
"""Longer names of texts, as frameworks make them: `errorMessage`, `error_description`, `faultstring`."""

_AMBIGUOUS = frozenset((
    "reason", "text", "details", "description", "explanation", "cause", "summary", "title", "value",
))  # fmt: skip
"""Those that are fields of many objects as well."""

_MORE = frozenset((
    "detail", "details", "description", "explanation", "errordetail", "errordetails", "errordescription",
))  # fmt: skip
"""Those that go into what another one says."""

_CODES = ("code", "errorcode", "type", "keyword", "classification", "rule")
_FIELDS = (
    "field", "fieldname", "fieldnames", "fieldpath", "parameter", "param", "paramname", "property", "propertyname",
    "propertypath", "attribute", "attributename", "pointer", "fields", "instancepath", "datapath", "loc", "source",
    "errorlocation", "location", "path", "target", "key", "member", "name", "argument",
)  # fmt: skip
_FIELDS_OF_ANY = frozenset(_FIELDS[: _FIELDS.index("instancepath")])
"""Those that name a field also in the outermost object, where the others are about the request."""

_ABOUT_ERRORS = re.compile(r"err(or|s$)|messag|violation|failure|problem|issue|invalid|fault|exception|reason|cause")
_LISTS = frozenset((
    "details", "detail", "validation", "extensions", "data", "result", "response", "body", "modelstate", "status",
))  # fmt: skip
_BY_FIELD = frozenset(("fields", "details", "detail", "validation", "modelstate"))

_WHOLE = frozenset(("nonfielderrors", "all", "base", "general", "object", "root", "self", "globalerrors", "json"))
"""Members that say something about the object as a whole, where others are named like fields."""

_NEVER = frozenset((
    "timestamp", "time", "date", "status", "statuscode", "documentationurl", "docs", "docurl", "helpurl", "help",
    "moreinfo", "links", "link", "href", "url", "uri", "requestid", "traceid", "correlationid", "instance", "meta",
    "trace", "stack", "stacktrace", "rejectedvalue", "attemptedvalue", "input", "received", "actual", "given",
    "currentvalue", "oldvalue", "newvalue", "ctx", "context", "arguments", "bindingfailure", "objectname", "logref",
    "request", "requestbody", "params", "config", "version", "apiversion", "debug", "host", "server", "method",
    "value", "keys", "locations",
))  # fmt: skip
"""Members that are no reason: what was sent, where to read on, and what the server knows itself by."""

_FAILING = ("status", "fail")  # JSend: `data` is then named like the fields
_ITEM = "[]"  # marks what holds an item of a list

_ROOTS = frozenset(("body", "query", "header", "headers", "data", "attributes", "request", "payload", "input"))


def reasons_in(body: Json, fields: Collection[str] = ()) -> list[Reason]:
    """Return what `body` says went wrong, the general before the particular.

    `fields` are the names of the kind's fields, on the wire too: text in members of these names is what was stored or
    sent unless the member is a list, as a list of texts is what frameworks answer about a field.
    """
    found = (
        Reason(one.text.strip(), one.field)
        for one in _Search(frozenset(map(letters, fields))).look(body, (), 0, within="")
    )
    return [one for one in dict.fromkeys(found) if one.text and not (_EMPTY.fullmatch(one.text) and not one.field)]


def in_words(reasons: Sequence[Reason]) -> str:
    """Return `reasons` as one text, each thing once, "" where there are none."""
    sentences = [one for one in reasons if one.field or not _PHRASE.fullmatch(one.text)] or reasons
    said: list[str] = []
    for one in sentences:
        # A text that a more general one holds already adds nothing.
        if not any(str(one) in other or (one.text in other and len(one.text) > _TELLING) for other in said):
            said.append(str(one))
    *firsts, last = said[:_MOST] or [""]
    return "; ".join([*(text.rstrip(".") for text in firsts), last])


_TELLING = 12  # characters of a text that is not found in another by accident
_PHRASE = re.compile(
    r"bad request|unprocessable( entity| content)?|conflict|internal server error|invalid|not found|unauthorized|"
    r"forbidden",
    re.IGNORECASE,
)
"""What a status says already."""
_EMPTY = re.compile(r"error|errors|failed|failure|fail|false|about:blank|none|null|ok|\d*", re.IGNORECASE)


def _is_sentence(text: str) -> bool:
    return " " in text.strip() and not _PHRASE.fullmatch(text.strip())


class _Search:
    def __init__(self, known: frozenset[str]) -> None:
        self.known = known

    def look(self, value: Any, field: tuple[str, ...], depth: int, *, within: str) -> Iterator[Reason]:
        """Yield what `value` says, which is about `field` and is the member `within`."""
        if depth > _DEEPEST:
            return
        if isinstance(value, str):
            yield Reason(value, field)
        elif isinstance(value, list):
            for item in value:
                yield from self.look(item, field, depth + 1, within=within + _ITEM)
        elif isinstance(value, dict):
            yield from self._object(value, field, depth, within)

    def _object(self, value: dict[str, Any], field: tuple[str, ...], depth: int, within: str) -> Iterator[Reason]:
        members = {letters(name): name for name in value}
        texts = self._texts(value, members, depth, within)
        own, named_by = self._named(value, members, depth) if texts or within else ((), "")
        about = own or field
        for name in texts:
            yield from self.look(value[name], about, depth + 1, within=letters(name))
        if not texts and (about or _ABOUT_ERRORS.search(within)):
            code = next((value[members[n]] for n in _CODES if n in members and _is_words(value[members[n]])), None)
            if code is not None and not any(isinstance(v, (dict, list)) and v for v in value.values()):
                yield Reason(code, about)
                return
        by_field = not texts and _is_by_field(value, within)
        stored = depth == 0 and self._is_stored(value)
        failing = not texts and _FAILING in [(letters(name), inner) for name, inner in value.items()]
        for name, inner in value.items():
            if failing and letters(name) == "data":
                yield from self.look(inner, about, depth + 1, within="detail")
            elif name not in texts and name != named_by and not (stored and letters(name) in self.known):
                yield from self._member(name, inner, about, depth, by_field=by_field, said=bool(texts))

    def _is_stored(self, value: dict[str, Any]) -> bool:
        """Tell whether `value` looks like an object of the kind rather than like one that is about it."""
        plain = [item for name, item in value.items() if letters(name) in self.known and not isinstance(item, list)]
        return len(plain) > 1 or (len(plain) == 1 and not isinstance(plain[0], (str, dict)))

    def _texts(self, value: dict[str, Any], members: dict[str, str], depth: int, within: str) -> list[str]:
        """Return the members that hold what the object says itself: one, or a code with the sentence that explains it.

        In the outermost object, what is named like a field of the kind is what is stored.
        """
        stored = depth == 0 and self._is_stored(value)
        longer = (name for name in members if _NAMED_AS_TEXT.fullmatch(name))
        found: list[str] = []
        for name in dict.fromkeys((*longer, *_TEXTS)):
            if name not in members or (name in self.known and depth == 0) or (name in _AMBIGUOUS and stored):
                continue
            if name == "value" and within not in ("message", "error", "detail"):
                continue  # OData's way to say in which language a text is
            text, said = value[members[name]], [value[one] for one in found]
            if isinstance(text, str) and _printable(text):
                if any(_is_sentence(one) for one in said) and not (name in _MORE and _is_sentence(text)):
                    continue
                if not said or (_is_sentence(text) and not any(text in one for one in said)):
                    found.append(members[name])
            elif not found and "message" in name and _are_texts(text):
                return [members[name]]
        return found

    def _named(self, value: dict[str, Any], members: dict[str, str], depth: int) -> tuple[tuple[str, ...], str]:
        """Return the path of the field that an error object names, and the member that does."""
        for name in _FIELDS:
            if name not in members or (depth == 0 and name not in _FIELDS_OF_ANY):
                continue
            named = value[members[name]]
            if isinstance(named, list) and name not in ("loc", "path", "fieldnames", "fields"):
                continue
            several = isinstance(named, list) and name.startswith("field")
            path = _path(named[0] if several and named else named)
            if not path or (name == "name" and re.search(r"(Error|Exception|Fault)$", path[-1])):
                continue
            if name == "path" and isinstance(named, list) and self.known and letters(path[0]) not in self.known:
                continue  # GraphQL's path is one in its answer
            return path, members[name]
        return (), ""

    def _member(
        self, name: str, inner: Any, about: tuple[str, ...], depth: int, *, by_field: bool, said: bool
    ) -> Iterator[Reason]:
        plain = letters(name)
        deeper = (*about, *_path(name))
        if plain in _WHOLE or (_holds_errors(plain) and not (by_field and isinstance(inner, str))):
            if not isinstance(inner, str) or not (said or plain in _CODES):
                yield from self.look(inner, about, depth + 1, within=plain if plain not in _WHOLE else "errors")
        elif plain in _NEVER and plain not in self.known:
            return
        elif _are_texts(inner):
            # Where an object has a text of its own, a list of texts may be what was stored, but for fields of the kind.
            if plain in self.known or by_field or not said:
                yield from self.look(inner, deeper, depth + 1, within="errors")
        elif by_field and isinstance(inner, (str, dict)) and plain not in _CODES:
            yield from self.look(inner, deeper, depth + 1, within="errors")
        elif isinstance(inner, dict):
            below = deeper if _holds_texts_only(inner) and plain not in _ROOTS else about
            yield from self.look(inner, below, depth + 1, within="errors" if below is deeper else plain)
        elif isinstance(inner, list) and plain in self.known:
            for index, item in enumerate(inner):
                if isinstance(item, dict) and _holds_texts_only(item):
                    yield from self.look(item, (*deeper, str(index)), depth + 1, within="errors")
        elif isinstance(inner, list):
            yield from self.look([one for one in inner if isinstance(one, (dict, list))], about, depth, within=plain)


def _holds_errors(plain: str) -> bool:
    return plain in _LISTS or _ABOUT_ERRORS.search(plain) is not None


def _is_by_field(value: dict[str, Any], within: str) -> bool:
    """Tell whether the members of an object called `within` are named like the fields that they are about."""
    if within.endswith(_ITEM) or any(isinstance(v, list) and v and not _are_texts(v) for v in value.values()):
        return False
    return within in _BY_FIELD or _ABOUT_ERRORS.search(within) is not None


def _holds_texts_only(value: dict[str, Any]) -> bool:
    """Tell whether `value` holds lists of texts, or more such objects, and nothing else."""
    return bool(value) and all(
        _are_texts(item) or (isinstance(item, dict) and _holds_texts_only(item)) for item in value.values()
    )


def _path(named: Any) -> tuple[str, ...]:
    """Return the steps of a field's name in one of the ways to write it: pointer, dots, brackets, list."""
    if isinstance(named, dict):
        inner = {letters(name): item for name, item in named.items()}
        return next((_path(inner[n]) for n in ("pointer", "parameter", "attribute", "field") if n in inner), ())
    if isinstance(named, list):
        if not named or isinstance(named[0], (dict, list)):
            return ()
        # Steps of one path begin with where the request was read; otherwise these are several fields.
        steps = [str(step) for step in named if isinstance(step, (str, int)) and not isinstance(step, bool)]
    elif isinstance(named, str) and 0 < len(named) <= 200 and not re.search(r"\s", named.strip()):
        text = named.strip().removeprefix("#").removeprefix("$")
        steps = [step for step in re.split(r"[./\[\]'\"]+", text) if step]
    else:
        return ()
    while len(steps) > 1 and letters(steps[0]) in _ROOTS:
        steps = steps[1:]
    return tuple(steps)


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "://" not in value


def _printable(text: str) -> bool:
    return any(c.isprintable() and not c.isspace() for c in text)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
