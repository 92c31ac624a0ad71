"""Fields that contradict themselves: keywords that do not go together, that have no effect, or that nothing fits. Pure.

The schema is walked as it is written, so that each finding stands at its own place; what `$ref` and `allOf` add to a
field is looked at where that stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reconciler.core.kinds.checks.finding import Bound, Finding, Findings, doubt
from reconciler.core.kinds.fields import KEYWORDS, FieldInfo
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean

_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
_INSIDE = (
    "additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems", "contains",
    "not", "if", "then", "else",
)  # fmt: skip
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")


def subschemas(schema: Json, path: Path) -> Iterator[tuple[Path, JsonObject]]:
    """Yield every object among a schema and its subschemas with its path, outer ones first."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in _BY_NAME:
        for name, inner in schema.get(keyword, {}).items():
            yield from subschemas(inner, (*path, keyword, name))
    for keyword in _INSIDE:
        yield from subschemas(schema.get(keyword), (*path, keyword))
    for keyword in _LISTS:
        for index, inner in enumerate(schema.get(keyword, [])):
            yield from subschemas(inner, (*path, keyword, index))


# --------------------------------------------------------------------------- pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two keywords that do not go together on one field."""

    one: str
    other: str
    message: str
    hint: str = ""
    fatal: bool = True


PAIRS = (
    Pair(
        one="readOnly",
        other="writeOnly",
        message="nobody could read or write it",
        hint="the server sets it, or hides it",
    ),
    Pair(one="readOnly", other="x-createOnly", message="the server sets it, so no create sends it"),
    Pair(one="readOnly", other="x-updateOnly", message="the server sets it, so no update sends it"),
    Pair(
        one="x-createOnly",
        other="x-updateOnly",
        message="it could never be sent",
        hint="x-createOnly: only a create sends it; x-updateOnly: only an update does",
    ),
    Pair(
        one="x-immutable",
        other="x-updateOnly",
        message="an update has to set it, and an update must not change it",
        hint="remove x-immutable",
    ),
    Pair(one="readOnly", other="x-immutable", message="x-immutable has no effect: no manifest states it", fatal=False),
    Pair(one="readOnly", other="x-present", message="x-present has no effect: no manifest states it", fatal=False),
    Pair(
        one="readOnly",
        other="x-sensitiveWhen",
        message="x-sensitiveWhen has no effect: it is never compared",
        fatal=False,
    ),
    Pair(
        one="writeOnly",
        other="x-sensitiveWhen",
        message="it is never answered, so what hides it at times cannot be told from what hides it always",
        hint="remove writeOnly, or write x-sensitive: true",
    ),
    Pair(one="x-mask", other="writeOnly", message="x-mask has no effect: it is never answered", fatal=False),
    Pair(one="x-means", other="writeOnly", message="x-means has no effect: it is never answered", fatal=False),
    Pair(one="x-means", other="readOnly", message="x-means has no effect: it is never compared", fatal=False),
)


def contradictory_pairs(bound: Bound) -> Findings:
    """Yield keywords that do not go together on one field."""
    for path, schema in subschemas(bound.definition.schema_, ("schema",)):
        for pair in PAIRS:
            if _is_on(schema, pair.one) and _is_on(schema, pair.other):
                message = f"{pair.one} and {pair.other}: {pair.message}"
                made = Finding if pair.fatal else doubt
                yield made((*path, pair.other), message, pair.hint, at_key=True)


def _is_on(schema: JsonObject, keyword: str) -> bool:
    return keyword in schema and schema[keyword] is not False


# --------------------------------------------------------------------------- keywords

STANDARD = frozenset(
    [
        "$anchor",
        "$comment",
        "$defs",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$ref",
        "$schema",
        "$vocabulary",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "contains",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "deprecated",
        "description",
        "else",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "if",
        "items",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "patternProperties",
        "prefixItems",
        "properties",
        "propertyNames",
        "readOnly",
        "required",
        "then",
        "title",
        "type",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
        "writeOnly",
    ]
)
"""The keywords of JSON Schema 2020-12."""


def unknown_keywords(bound: Bound) -> Findings:
    """Yield keywords that JSON Schema does not have: it lets them pass, and they say nothing."""
    for path, schema in subschemas(bound.definition.schema_, ("schema",)):
        for keyword in schema:
            if keyword not in STANDARD and not keyword.startswith("x-"):
                message = f"JSON Schema 2020-12 has no keyword {keyword!r}, so it has no effect"
                yield doubt((*path, keyword), message, did_you_mean(keyword, [*STANDARD, *KEYWORDS]), at_key=True)


# --------------------------------------------------------------------------- types

_NUMBERS = frozenset({"integer", "number"})
_SCALARS = _NUMBERS | {"string", "boolean"}

TYPES_OF_KEYWORDS: Mapping[str, frozenset[str]] = {
    "x-list": frozenset({"array"}),
    "x-key": frozenset({"array"}),
    "x-map": frozenset({"object"}),
    "x-means": _SCALARS,
    "x-mask": frozenset({"string"}),
    "x-unit": _NUMBERS | {"string"},
    "x-form": _SCALARS,
    "x-ref": _SCALARS | {"array"},
    "pattern": frozenset({"string"}),
    "minLength": frozenset({"string"}),
    "maxLength": frozenset({"string"}),
    "format": _SCALARS,
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "exclusiveMinimum": _NUMBERS,
    "exclusiveMaximum": _NUMBERS,
    "multipleOf": _NUMBERS,
    "items": frozenset({"array"}),
    "minItems": frozenset({"array"}),
    "maxItems": frozenset({"array"}),
    "uniqueItems": frozenset({"array"}),
    "properties": frozenset({"object"}),
    "required": frozenset({"object"}),
    "additionalProperties": frozenset({"object"}),
    "propertyNames": frozenset({"object"}),
}
"""The types of which a keyword says anything."""

TYPES_OF_FORMS: Mapping[str, frozenset[str]] = {
    "int64": frozenset({"integer", "string"}),
    "number": frozenset({"integer", "number", "string"}),
    **dict.fromkeys(
        (
            "base64",
            "base64-text",
            "case-insensitive",
            "duration",
            "lower",
            "nfc",
            "timestamp",
            "trim",
            "upper",
            "url",
            "uuid-base64",
        ),
        frozenset({"string"}),
    ),
}
_WORDS = {"object": "a mapping", "array": "a list", "string": "text", "integer": "an integer", "number": "a number"}


def unfitting_types(bound: Bound) -> Findings:
    """Yield keywords and forms that say nothing about values of the type that stands beside them."""
    for path, schema in subschemas(bound.definition.schema_, ("schema",)):
        types = _types(schema)
        if not types:
            continue
        found = " or ".join(sorted(_WORDS.get(name, name) for name in types))
        for keyword, fitting in TYPES_OF_KEYWORDS.items():
            if keyword in schema and not types & fitting:
                ours = keyword.startswith("x-")
                message = f"{keyword} is about {' or '.join(sorted(_WORDS.get(t, t) for t in fitting))}, not {found}"
                yield (Finding if ours else doubt)(
                    (*path, keyword), message, "remove it, or correct `type`", at_key=True
                )
        forms = schema.get("x-form", [])
        for form in [forms] if isinstance(forms, str) else forms:
            fitting = TYPES_OF_FORMS.get(form, _SCALARS)
            if not types & fitting:
                message = f"the form {form} is about {' or '.join(sorted(_WORDS[t] for t in fitting))}, not {found}"
                yield Finding((*path, "x-form"), message, "remove it, or correct `type`")


def _types(schema: JsonObject) -> frozenset[str]:
    declared = schema.get("type", [])
    return frozenset([declared] if isinstance(declared, str) else declared) - {"null"}


# --------------------------------------------------------------------------- ranges

RANGES = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)


def empty_ranges(bound: Bound) -> Findings:
    """Yield ranges in which no value lies, and required members that a closed object cannot have."""
    for path, schema in subschemas(bound.definition.schema_, ("schema",)):
        for low, high in RANGES:
            if low in schema and high in schema and schema[low] > schema[high]:
                message = f"{low} {schema[low]} is more than {high} {schema[high]}: no value fits"
                yield Finding((*path, low), message)
        if schema.get("additionalProperties") is False and not schema.keys() & {"patternProperties", "$ref"}:
            known = schema.get("properties", {})
            for index, name in enumerate(schema.get("required", [])):
                if name not in known:
                    message = f"required names {name!r}, which is no field here and may not be added"
                    yield Finding((*path, "required", index), message, did_you_mean(name, known))


# --------------------------------------------------------------------------- fields of the kind


def contradictory_fields(bound: Bound) -> Findings:
    """Yield what is wrong with the spec as a whole: its type, who sets what, and names on the wire."""
    schema = bound.definition.schema_
    if schema.get("type") != "object":
        yield Finding(("schema",), "a spec is a mapping", "state `type: object` in the schema", at_key=True)
    elif "additionalProperties" not in schema and "unevaluatedProperties" not in schema:
        message = "misspelt fields of a manifest would pass unnoticed"
        yield doubt(("schema",), message, "state `additionalProperties: false` in the schema", at_key=True)
    for index, name in enumerate(schema.get("required", [])):
        if bound.fields.child(name).read_only:
            message = f"{name!r} is required and readOnly: no manifest could state it"
            yield Finding(("schema", "required", index), message, "remove it from `required`")
    write = bound.definition.write
    for name, info in bound.fields.properties.items():
        place = ("schema", "properties", name)
        if info.presence is not None and not (info.write_only or info.mask is not None or info.sensitive_when):
            message = f"x-present has no effect: {name!r} is not writeOnly, so its own value is compared"
            yield doubt((*place, "x-present"), message, "add writeOnly: true", at_key=True)
        if info.kept and info.mask is None and not info.write_only:
            message = f"x-kept has no effect: {name!r} is answered as it is"
            yield doubt((*place, "x-kept"), message, "remove it, or add writeOnly or x-mask", at_key=True)
        if info.mask is not None and not info.sensitive:
            yield doubt(
                (*place, "x-mask"), f"{name!r} is masked by the server, and shown here", "add x-sensitive: true"
            )
        if info.update_only and not write.update:
            yield Finding((*place, "x-updateOnly"), f"there is no update that could set {name!r}", at_key=True)
        if info.create_only and write.create is None:
            yield doubt((*place, "x-createOnly"), f"there is no create that could send {name!r}", at_key=True)
    yield from _double_names(bound.fields, ("schema",))


_SPELLINGS: tuple[tuple[str, Callable[[FieldInfo], str]], ...] = (
    ("a create", lambda info: "" if info.read_only or info.update_only else info.create_name),
    ("an update", lambda info: "" if info.read_only or info.create_only else info.update_name),
    ("an answer", lambda info: "" if info.write_only else info.response_name),
)


def _double_names(info: FieldInfo, path: Path) -> Findings:
    """Yield fields that have one name on the wire, at any depth that is written without references."""
    told: set[tuple[str, str]] = set()
    for words, spelling in _SPELLINGS:
        names: dict[str, str] = {}
        for name, child in info.properties.items():
            wire = spelling(child)
            if wire and wire in names and (names[wire], name) not in told:
                told.add((names[wire], name))
                message = f"{name!r} and {names[wire]!r} are both called {wire!r} in {words}"
                yield Finding(
                    (*path, "properties", name), message, "correct x-name, x-request or x-response", at_key=True
                )
            names.setdefault(wire, name)
    for name, child in info.properties.items():
        yield from _double_names(child, (*path, "properties", name))
        if child.items is not None:
            yield from _double_names(child.items, (*path, "properties", name, "items"))


CHECKS = (contradictory_pairs, unknown_keywords, unfitting_types, empty_ranges, contradictory_fields)
