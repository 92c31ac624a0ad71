"""The grammar of definitions as JSON Schema, for editors: made from the models that check definitions. Pure.

Any value of a kind may be given by cases (`{$by: parameter, value: …}`), whose own values have the same form, or null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.core.kinds.definition import KindDefinition, SystemDefinition
from reconciler.core.kinds.fields import FORMS, KEYWORDS
from reconciler.core.model import JsonObject
from reconciler.core.pointer import Path, format_pointer

_TEXT: JsonObject = {"type": "string", "minLength": 1}
_FLAG: JsonObject = {"type": "boolean"}
_FORM: JsonObject = {"enum": list(FORMS)}

KEYWORD_SCHEMAS: Mapping[str, JsonObject] = {
    "x-name": _TEXT,
    "x-request": {
        "anyOf": [
            _TEXT,
            {"type": "object", "properties": {"create": _TEXT, "update": _TEXT}, "additionalProperties": False},
        ]
    },
    "x-response": _TEXT,
    "x-form": {"anyOf": [_FORM, {"type": "array", "items": _FORM}]},
    "x-list": {"enum": ["ordered", "set"]},
    "x-key": {"type": "array", "items": _TEXT, "minItems": 1},
    "x-map": {"enum": ["whole", "keys"]},
    "x-absent": {},
    "x-means": {"type": "object", "minProperties": 1},
    "x-mask": {"type": "string", "format": "regex"},
    "x-present": _TEXT,
    "x-kept": _FLAG,
    "x-immutable": _FLAG,
    "x-sensitive": _FLAG,
    "x-sensitiveWhen": {"type": "object", "minProperties": 1},
    "x-createOnly": _FLAG,
    "x-updateOnly": _FLAG,
    "x-ref": _TEXT,
    "x-unit": _TEXT,
    "x-message": _TEXT,
    "x-evidence": {"enum": ["stated", "documented", "inferred", "unknown"]},
}
"""What each of our keywords takes in a JSON Schema."""

_SCHEMA: JsonObject = {"$ref": "#/$defs/FieldSchema"}
_SCHEMAS: JsonObject = {"type": "object", "additionalProperties": _SCHEMA}
_SCHEMA_LIST: JsonObject = {"type": "array", "items": _SCHEMA, "minItems": 1}
_TYPE: JsonObject = {"enum": ["object", "array", "string", "integer", "number", "boolean", "null"]}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_NAMES: JsonObject = {"type": "array", "items": {"type": "string"}}

_STANDARD: Mapping[str, tuple[JsonObject, str]] = {
    "type": ({"anyOf": [_TYPE, {"type": "array", "items": _TYPE}]}, "Type, or a list of types; null: can be cleared."),
    "description": ({"type": "string"}, "What the field is, in one sentence."),
    "properties": (_SCHEMAS, "Fields by name."),
    "required": (_NAMES, "Fields that every manifest states."),
    "additionalProperties": (_SCHEMA, "Schema of other members; false: there are none."),
    "patternProperties": (_SCHEMAS, "Fields by regular expression."),
    "propertyNames": (_SCHEMA, "Schema of the names."),
    "dependentRequired": ({"type": "object", "additionalProperties": _NAMES}, "Fields that a field needs beside it."),
    "items": (_SCHEMA, "Schema of the items of a list."),
    "enum": ({"type": "array"}, "The only values."),
    "const": ({}, "The only value."),
    "default": ({}, "The value that the API takes when none is sent; it never fills anything in."),
    "examples": ({"type": "array"}, "Good values."),
    "readOnly": (_FLAG, "Computed by the server: no manifest states it."),
    "writeOnly": (_FLAG, "Never answered, so never compared."),
    "format": ({"type": "string"}, "Such as date-time, uri or email."),
    "pattern": ({"type": "string", "format": "regex"}, "A regular expression, found anywhere."),
    "minimum": ({"type": "number"}, "Least value."),
    "maximum": ({"type": "number"}, "Greatest value."),
    "minLength": (_COUNT, "Fewest characters."),
    "maxLength": (_COUNT, "Most characters."),
    "minItems": (_COUNT, "Fewest items."),
    "maxItems": (_COUNT, "Most items."),
    "uniqueItems": (_FLAG, "No item stands in the list twice."),
    "allOf": (_SCHEMA_LIST, "All of these hold."),
    "anyOf": (_SCHEMA_LIST, "One of these holds."),
    "oneOf": (_SCHEMA_LIST, "Exactly one of these holds."),
    "not": (_SCHEMA, "This does not hold."),
    "if": (_SCHEMA, "Where this holds, `then` has to, and `else` where not."),
    "then": (_SCHEMA, "What has to hold where `if` does."),
    "else": (_SCHEMA, "What has to hold where `if` does not."),
    "$ref": ({"type": "string", "pattern": "^#(/|$)"}, "A part of the same schema, as #/$defs/name."),
    "$defs": (_SCHEMAS, "Parts to refer to."),
}
"""The keywords of JSON Schema that editors are told about; the others are allowed as well."""


def definition_schema() -> JsonObject:
    """Return the JSON Schema of one document of a definition file: a system or a kind."""
    system = SystemDefinition.model_json_schema()
    kind = KindDefinition.model_json_schema()
    models: JsonObject = {**system.pop("$defs"), **kind.pop("$defs")}
    models |= {"SystemDefinition": system, "KindDefinition": kind}
    finished = {name: _finish(model, ("$defs", name)) for name, model in sorted(models.items())}
    finished["FieldSchema"] = _finish(_field_schema(), ("$defs", "FieldSchema"))
    finished["Cases"] = {
        "title": "Cases",
        "description": "A value that depends on a parameter of the system, such as an edition.",
        "type": "object",
        "required": ["$by"],
        "properties": {
            "$by": {"type": "string", "description": "A parameter of the system; each of its values has a case here."}
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Definitions of systems and kinds",
        "description": "One document of a definition file: `system:` describes an API, `kind:` a resource type.",
        "type": "object",
        "if": {"required": ["system"]},
        "then": {"$ref": "#/$defs/SystemDefinition"},
        "else": {"$ref": "#/$defs/KindDefinition"},
        "$defs": dict(sorted(finished.items())),
    }


def _field_schema() -> JsonObject:
    """Return the schema of JSON Schemas in definitions, with our keywords."""
    properties = {name: {"description": text, **schema} for name, (schema, text) in _STANDARD.items()}
    properties |= {name: {"description": _sentence(KEYWORDS[name]), **s} for name, s in KEYWORD_SCHEMAS.items()}
    known = "|".join(re.escape(name.removeprefix("x-")) for name in KEYWORDS)
    return {
        "title": "Field schema",
        "description": "A JSON Schema 2020-12 with the x-… keywords.",
        "type": ["object", "boolean"],
        "properties": properties,
        "patternProperties": {f"^x-(?!({known})$)": False},
    }


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


# --------------------------------------------------------------------------- finishing what the models give

_FREE_SCHEMAS = frozenset({("KindDefinition", "schema"), ("SystemDefinition", "parameters")})
_WITHOUT_CASES = frozenset({"SystemDefinition", "ErrorClass"})
_PLAIN_KEYS = frozenset({("KindDefinition", "apiVersion"), ("KindDefinition", "kind")})


def _finish(model: JsonObject, path: Path) -> JsonObject:
    """Return a model's schema with plain titles and, where a kind may have them, cases at every value."""
    name = str(path[-1])
    finished = {**model, "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()}
    if "properties" in model:
        finished["properties"] = {
            key: _property((name, key), schema, (*path, "properties", key))
            for key, schema in model["properties"].items()
        }
    return finished


def _property(place: tuple[str, str], schema: JsonObject, path: Path) -> JsonObject:
    plain = {key: value for key, value in schema.items() if key not in ("title",) and (key, value) != ("default", None)}
    if place in _FREE_SCHEMAS:
        plain = {"description": plain["description"], **_SCHEMA}
    if place[0] in _WITHOUT_CASES or place in _PLAIN_KEYS:
        return plain
    return _with_cases(plain, path)


def _with_cases(schema: JsonObject, path: Path) -> JsonObject:
    """Return `schema`, which stands at `path`, for a value or for its cases; so for what is inside it."""
    if not schema:
        return schema
    inside: JsonObject = dict(schema)
    described: JsonObject = {key: inside.pop(key) for key in ("description", "default") if key in inside}
    # What the branch below holds stands one step deeper, which its own references have to name.
    inside = _inner(inside, (*path, "else"))
    itself: JsonObject = {"$ref": "#" + format_pointer(path)}
    return {
        **described,
        "if": {"$ref": "#/$defs/Cases"},
        "then": {"patternProperties": {"^[^$]": {"anyOf": [{"type": "null"}, itself]}}},
        "else": inside,
    }


def _inner(schema: JsonObject, path: Path) -> JsonObject:
    found = dict(schema)
    for keyword in ("items", "additionalProperties"):
        if isinstance(found.get(keyword), dict):
            found[keyword] = _with_cases(found[keyword], (*path, keyword))
    if "anyOf" in found:
        found["anyOf"] = [
            _inner(branch, (*path, "anyOf", index)) if isinstance(branch, dict) else branch
            for index, branch in enumerate(found["anyOf"])
        ]
    return found
