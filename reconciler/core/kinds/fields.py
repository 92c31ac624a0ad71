"""What a kind's JSON Schema says about each field besides its validity: spelling, form, ordering, who sets it. Pure.

The schema is walked once into a tree of `FieldInfo`. Standard annotations (`readOnly`, `writeOnly`, `default`) and
the `x-…` keywords listed in `KEYWORDS` may stand on any subschema, also behind a local `$ref` or inside `allOf`,
`anyOf`, `oneOf`, `if`, `then` and `else`; what several of them say about one field is put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import MISSING, Path, get, parse_pointer
from reconciler.core.records import dataclass

KEYWORDS: Mapping[str, str] = {
    "x-name": "spelling on the wire, where it differs from the manifest's",
    "x-request": "spelling in requests only: a text, or {create: …, update: …}",
    "x-response": "spelling in answers only",
    "x-form": "form on the wire: one of the forms, or a list of them",
    "x-list": "ordered (default) or set",
    "x-key": "fields that tell the items of a list apart",
    "x-map": "whole (default of maps without fixed fields): stated keys are all; keys: only those are managed",
    "x-absent": "the value that a field left out of an answer stands for",
    "x-means": "texts that only answers hold, and the value that each of them stands for",
    "x-mask": "a regular expression for what the server shows in place of a secret",
    "x-present": "the sibling field that tells whether a hidden value is set",
    "x-kept": "a full body that leaves the secret out, or holds its mask, does not change it",
    "x-immutable": "a change means another object",
    "x-sensitive": "never shown",
    "x-sensitiveWhen": "never shown, nor answered, while fields beside it have these values, as in {visible: false}",
    "x-createOnly": "sent on create only, and not compared afterwards",
    "x-updateOnly": "cannot be set on create: create, then update",
    "x-ref": "the kind whose id this field holds",
    "x-unit": "unit of the number; for people",
    "x-message": "what a person is told when this part of the schema fails",
    "x-evidence": "stated (default), documented, inferred or unknown; for people",
}

FORMS = (
    "base64",
    "base64-text",
    "case-insensitive",
    "duration",
    "int64",
    "lower",
    "nfc",
    "number",
    "timestamp",
    "trim",
    "upper",
    "url",
    "uuid-base64",
)

_COMBINERS = ("allOf", "anyOf", "oneOf")
_CONDITIONALS = ("if", "then", "else")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telltale:
    """A field beside another one that is secret as long as this one has one of `values`."""

    name: str
    values: tuple[Json, ...]
    default: Json = MISSING  # what it counts as where nothing states it

    def tells(self, siblings: Mapping[str, Json]) -> bool:
        """Tell whether it has one of the values among the `siblings`, which are named as in a manifest."""
        found = siblings.get(self.name)
        found = self.default if found is None else found
        return any(isinstance(found, bool) == isinstance(value, bool) and found == value for value in self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """What is known about one field; `properties`, `values` and `items` lead to what it contains."""

    name: str = ""
    types: frozenset[str] = frozenset()
    create_name: str = ""  # spelling in a create request
    update_name: str = ""
    response_name: str = ""
    forms: tuple[str, ...] = ()
    is_set: bool = False
    key: tuple[str, ...] = ()
    ownership: str | None = None  # x-map: whole or keys
    absent: Json = MISSING  # x-absent
    default: Json = MISSING
    means: Mapping[str, Json] = field(default_factory=dict)
    mask: str | None = None
    presence: str | None = None
    kept: bool = False  # x-kept
    read_only: bool = False
    write_only: bool = False
    immutable: bool = False
    sensitive: bool = False
    sensitive_when: tuple[Telltale, ...] = ()
    create_only: bool = False
    update_only: bool = False
    reference: str | None = None
    unit: str = ""
    description: str = ""
    evidence: str = ""
    schema: JsonObject = field(default_factory=dict, compare=False, repr=False)
    properties: Mapping[str, FieldInfo] = field(default_factory=dict, compare=False, repr=False)
    values: FieldInfo | None = field(default=None, compare=False, repr=False)  # of a free map
    items: FieldInfo | None = field(default=None, compare=False, repr=False)
    # What holds of anything below it, so that most walks through thousands of objects need not begin.
    respelled: bool = field(default=False, compare=False, repr=False)  # a name differs in answers
    computed: bool = field(default=False, compare=False, repr=False)  # a field is set by the server
    computed_in: frozenset[str] = field(default=frozenset(), compare=False, repr=False)  # the properties where one is
    telling: bool = field(default=False, compare=False, repr=False)  # a field is secret or not by those beside it
    # Equal values on both sides mean that the field is equal, whatever is remembered of it.
    is_plain: bool = field(default=True, compare=False, repr=False)
    is_plain_below: bool = field(default=True, compare=False, repr=False)  # the same of all fields directly below
    once: bool = field(default=False, compare=False, repr=False)  # a field directly below is sent on create only

    @property
    def is_whole(self) -> bool:
        """Tell whether an object is managed as one value: what the manifest does not state in it is not to be there.

        That is so for maps whose keys are data, unless `x-map: keys`, and for any object with `x-map: whole`.
        """
        if self.ownership is not None:
            return self.ownership == "whole"
        return not self.properties

    def child(self, step: str | int) -> FieldInfo:
        """Return what is known about the member or item `step`; an empty FieldInfo when nothing is."""
        if isinstance(step, int):
            return self.items or EMPTY
        return self.properties.get(step) or self.values or EMPTY

    def at(self, path: Path) -> FieldInfo:
        """Return what is known about the field at `path`, where items of lists are named by index."""
        found = self
        for step in path:
            found = found.items if found.items is not None else found.child(step)  # keyed items: any step
        return found

    def hides(self, path: Path, *, ever: bool = False) -> bool:
        """Tell whether the field at `path`, or anything that contains it, must never be shown.

        With `ever`, also where that depends on the fields beside it.
        """
        found = self
        for step in (*path, None):
            if found.sensitive or (ever and found.sensitive_when):
                return True
            if step is not None:
                found = found.items if found.items is not None else found.child(step)
        return False

    def is_secret_beside(self, siblings: Mapping[str, Json]) -> bool:
        """Tell whether the fields beside this one make it a secret that answers do not show."""
        return bool(self.sensitive_when) and all(telltale.tells(siblings) for telltale in self.sensitive_when)


EMPTY = FieldInfo()


def read_fields(schema: JsonObject) -> FieldInfo:
    """Return the tree of what `schema` says about its fields. The schema itself must be valid already."""
    return _read("", [schema], schema, ())


def _read(name: str, schemas: list[JsonObject], root: JsonObject, trail: tuple[int, ...]) -> FieldInfo:
    parts = [part for schema in schemas for part in _parts(schema, root, ())]
    identities = tuple(id(schema) for schema in schemas)
    # A recursive schema has no end: below its second round nothing is known about the fields.
    if any(trail.count(identity) > 1 for identity in identities):
        return EMPTY
    trail = (*trail, *identities)
    properties: dict[str, list[JsonObject]] = {}
    for part in parts:
        for key, value in part.get("properties", {}).items():
            if isinstance(value, dict):
                properties.setdefault(key, []).append(value)
    values = [v for part in parts if isinstance(v := part.get("additionalProperties"), dict)]
    values += [v for part in parts for v in part.get("patternProperties", {}).values() if isinstance(v, dict)]
    items = [v for part in parts if isinstance(v := part.get("items"), dict)]
    info = _annotations(name, parts)
    children = {key: _read(key, value, root, trail) for key, value in properties.items()}
    return _summed_up(
        replace(
            info,
            properties={key: _with_defaults(child, children) for key, child in children.items()},
            values=_read("", values, root, trail) if values else None,
            items=_read("", items, root, trail) if items else None,
        )
    )


def _summed_up(info: FieldInfo) -> FieldInfo:
    inner = [*info.properties.values(), *(one for one in (info.values, info.items) if one is not None)]
    return replace(
        info,
        respelled=any(one.respelled or one.response_name != one.name for one in inner),
        computed=any(one.computed or one.read_only for one in inner),
        computed_in=frozenset(name for name, one in info.properties.items() if one.computed or one.read_only),
        telling=any(one.telling or bool(one.sensitive_when) for one in inner),
        once=any(one.create_only for one in info.properties.values()),
        is_plain=not (info.forms or info.mask or info.write_only or info.presence or info.sensitive_when),
        is_plain_below=all(one.is_plain for one in inner),
    )


def _with_defaults(child: FieldInfo, siblings: Mapping[str, FieldInfo]) -> FieldInfo:
    telltales = [replace(one, default=siblings.get(one.name, EMPTY).default) for one in child.sensitive_when]
    return replace(child, sensitive_when=tuple(telltales)) if telltales else child


def _parts(schema: JsonObject, root: JsonObject, seen: tuple[str, ...]) -> Iterator[JsonObject]:
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#") and reference not in seen:
        target = get(root, parse_pointer(reference[1:]))
        if isinstance(target, dict):
            yield from _parts(target, root, (*seen, reference))
    for keyword in _COMBINERS:
        for branch in schema.get(keyword, []):
            if isinstance(branch, dict):
                yield from _parts(branch, root, seen)
    for keyword in _CONDITIONALS:
        branch = schema.get(keyword)
        if isinstance(branch, dict):
            yield from _parts(branch, root, seen)


def _annotations(name: str, parts: list[JsonObject]) -> FieldInfo:
    def first(keyword: str, fallback: Any = None) -> Any:
        return next((part[keyword] for part in parts if keyword in part), fallback)

    def flag(keyword: str) -> bool:
        return any(part.get(keyword) is True for part in parts)

    both = first("x-name", name)
    request = first("x-request", both)
    by_verb = request if isinstance(request, dict) else {"create": request, "update": request}
    forms = first("x-form", [])
    types: set[str] = set()
    for part in parts:
        declared = part.get("type", [])
        types.update([declared] if isinstance(declared, str) else declared)
    return FieldInfo(
        name=name,
        types=frozenset(types),
        create_name=by_verb.get("create", both),
        update_name=by_verb.get("update", both),
        response_name=first("x-response", both),
        forms=tuple([forms] if isinstance(forms, str) else forms),
        is_set=first("x-list") == "set",
        key=tuple(first("x-key", [])),
        ownership=first("x-map"),
        absent=first("x-absent", MISSING),
        default=first("default", MISSING),
        means=first("x-means", {}),
        mask=first("x-mask"),
        presence=first("x-present"),
        kept=flag("x-kept"),
        read_only=flag("readOnly"),
        write_only=flag("writeOnly"),
        immutable=flag("x-immutable"),
        sensitive=flag("x-sensitive"),
        sensitive_when=tuple(
            Telltale(name=beside, values=tuple(values) if isinstance(values, list) else (values,))
            for beside, values in first("x-sensitiveWhen", {}).items()
        ),
        create_only=flag("x-createOnly"),
        update_only=flag("x-updateOnly"),
        reference=first("x-ref"),
        unit=first("x-unit", ""),
        description=first("description", ""),
        evidence=first("x-evidence", ""),
        schema=parts[0] if parts else {},
    )


def walk(info: FieldInfo, path: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Yield every field below `info` with its path, parents first; items and map values as the step `*`."""
    for name, child in info.properties.items():
        yield (*path, name), child
        yield from walk(child, (*path, name))
    for inner in (info.values, info.items):
        if inner is not None:
            yield (*path, "*"), inner
            yield from walk(inner, (*path, "*"))


def secrets_of(info: FieldInfo, value: Json, path: Path = ()) -> Iterator[Path]:
    """Yield the places in `value`, named as in a manifest, that the fields beside them make secret.

    Items of lists are named by index.
    """
    if not info.telling:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            child = info.child(name)
            if child.is_secret_beside(value):
                yield (*path, name)
            yield from secrets_of(child, item, (*path, name))
    elif isinstance(value, list) and info.items is not None:
        for index, item in enumerate(value):
            yield from secrets_of(info.items, item, (*path, index))
