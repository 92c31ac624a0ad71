"""One JSON Schema for the manifests of all kinds, for editors that complete, explain and check while one types. Pure.

Wherever a value may stand, a text with a `${…}` may stand as well, since what it will be is not known to an editor;
nothing is called wrong because of it. A condition that such a text leaves open demands neither of its branches. For
that, each part of a schema is made `lenient` (right unless it is surely wrong) or `strict` (surely right).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from reconciler.core.kinds.catalog import Kind
from reconciler.core.manifests.expressions import SORTS
from reconciler.core.model import Json, JsonObject
from reconciler.core.records import dataclass

_EXPRESSION: JsonObject = {"$ref": "#/$defs/expression"}
_SORTS = "|".join(SORTS)
_PATTERN = rf"(^|[^$])\$\{{({_SORTS}):[^{{}}]+\}}"

_DEFINITIONS: JsonObject = {
    "expression": {
        "description": "Text with ${ref:Kind/name}, ${env:NAME}, ${var:name} or ${file:path} in it.",
        "type": "string",
        "pattern": _PATTERN,
    },
    "metadata": {
        "description": "Who the object is in Git.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Unique per kind; with the kind it is the address, as in system.Kind/name.",
                "type": "string",
                "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$",
            },
            "labels": {
                "description": "For selectors, as in `-l team=support`; never sent.",
                "type": ["object", "null"],
                "additionalProperties": {"type": "string"},
            },
        },
    },
    "lifecycle": {
        "description": "What may happen to the object.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "protect": {"description": "Never deleted or replaced, whatever the policy.", "type": "boolean"},
            "lookup": {"description": "Only found, never created, changed or deleted.", "type": "boolean"},
            "replace": {
                "description": "May be replaced by a new object where a field cannot change.",
                "type": "boolean",
            },
            "adopt": {
                "description": "Whether an object that is there and not recorded becomes managed, or the id of it.",
                "oneOf": [
                    {"type": "boolean"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["id"],
                        "properties": {"id": {"type": ["string", "integer"]}},
                    },
                ],
            },
            "ignore": {
                "description": "Pointers to fields of spec that are stated on create and left alone afterwards.",
                "type": "array",
                "items": {"type": "string", "pattern": "^/"},
                "examples": [["/timeout"]],
            },
        },
    },
}


def manifests_schema(kinds: Sequence[Kind]) -> JsonObject:
    """Return the schema of one manifest of any of `kinds`."""
    versions = list(dict.fromkeys(kind.definition.api_version for kind in kinds))
    branches: list[JsonObject] = []
    for version in versions:
        names = [kind.name for kind in kinds if kind.definition.api_version == version]
        branches.append(_when({"apiVersion": version}, {"properties": {"kind": {"enum": names}}}))
    definitions = dict(_DEFINITIONS)
    for kind in kinds:
        definitions |= _definitions_of(kind)
        chosen = {"apiVersion": kind.definition.api_version, "kind": kind.name}
        branches.append(_when(chosen, {"$ref": f"#/$defs/{kind.full_name}"}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Manifests",
        "description": "One document of a manifest file: an object that is to exist as it is stated here.",
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"description": "System and version of the kind.", "enum": versions},
            "kind": {"description": "What sort of object it is.", "enum": list(dict.fromkeys(k.name for k in kinds))},
            "metadata": {"$ref": "#/$defs/metadata"},
            "lifecycle": {"$ref": "#/$defs/lifecycle"},
            "spec": {"description": "The fields that are to be managed; a field that is left out is left alone."},
        },
        "allOf": branches,
        "$defs": definitions,
    }


def _when(constants: Mapping[str, Json], then: JsonObject) -> JsonObject:
    condition = {
        "required": list(constants),
        "properties": {name: {"const": value} for name, value in constants.items()},
    }
    return {"if": condition, "then": then}


# --------------------------------------------------------------------------- one kind


def _definitions_of(kind: Kind) -> JsonObject:
    name = kind.full_name
    definition = kind.definition
    schema = {k: v for k, v in definition.schema_.items() if k not in ("required", "$defs", "description")}
    required = [field for field in definition.schema_.get("required", []) if field != definition.identity.name]
    type_of_spec: Json = "object" if required else ["object", "null"]
    schema = {**schema, "type": type_of_spec, "properties": _settable(kind)}
    work = _Rewriting(home=f"#/$defs/{name}.spec")
    spec = work.part(schema, lenient=True)
    shared = definition.schema_.get("$defs", {})
    inner = {key: work.part(value, lenient=True) for key, value in shared.items()}
    for key in shared if work.strict_needed else ():
        inner[f"{key}.strict"] = work.part(shared[key], lenient=False)
    if inner:
        spec["$defs"] = inner
    description = " ".join(definition.description.split())
    if definition.examples:
        spec["examples"] = list(definition.examples)
    lookup = {"required": ["lifecycle"], "properties": {"lifecycle": _when_true("lookup")}}
    to_find = [field for field in required if field in definition.identity.key]
    return {
        name: {
            "description": description,
            "properties": {"spec": {"$ref": f"#/$defs/{name}.spec"}},
            "if": lookup,
            "then": {"properties": {"spec": {"required": to_find}}},
            "else": {"properties": {"spec": {"required": required}}},
        },
        f"{name}.spec": {"description": description, **spec},
    }


def _when_true(name: str) -> JsonObject:
    return {"type": "object", "required": [name], "properties": {name: {"const": True}}}


def _settable(kind: Kind) -> JsonObject:
    """Return the properties of a spec; what the server sets may not be stated."""
    properties = kind.definition.schema_.get("properties", {})
    return {name: False if kind.fields.child(name).read_only else value for name, value in properties.items()}


# --------------------------------------------------------------------------- leniency

_VALUES_BY_NAME = ("properties", "patternProperties")
_VALUES = ("items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains")
_LISTS = ("allOf", "anyOf", "oneOf")
_ANNOTATIONS = ("title", "description", "default", "examples", "deprecated")


@dataclass(slots=True, kw_only=True)
class _Rewriting:
    """Rewrites the schema of one kind, whose parts are then found below `home`."""

    home: str
    strict_needed: bool = field(default=False)

    def part(self, schema: Any, *, lenient: bool) -> Any:
        """Return a part of the schema that says nothing about whether a `${…}` may stand in its place."""
        if not isinstance(schema, dict):
            return schema
        found: JsonObject = {}
        for keyword, value in schema.items():
            if keyword in ("if", "then", "else", "readOnly", "writeOnly") or keyword.startswith("x-"):
                continue
            found[keyword] = self._keyword(keyword, value, lenient=lenient)
        if "oneOf" in found and lenient:
            # Two of its branches may both be possible while a value is open.
            found.setdefault("allOf", []).append({"anyOf": found.pop("oneOf")})
        conditions = self._conditions(schema, lenient=lenient)
        if len(conditions) == 1:
            found |= conditions[0]
        elif conditions:
            found.setdefault("allOf", []).extend(conditions)
        return self._explained(schema, found)

    def _keyword(self, keyword: str, value: Any, *, lenient: bool) -> Any:
        if keyword in _VALUES_BY_NAME:
            return {name: self.value(inner, lenient=lenient) for name, inner in value.items()}
        if keyword in _VALUES:
            return self.value(value, lenient=lenient)
        if keyword == "prefixItems":
            return [self.value(inner, lenient=lenient) for inner in value]
        if keyword in _LISTS:
            return [self.part(inner, lenient=lenient) for inner in value]
        if keyword == "dependentSchemas":
            return {name: self.part(inner, lenient=lenient) for name, inner in value.items()}
        if keyword == "propertyNames":
            return self.part(value, lenient=lenient)
        if keyword == "not":
            return self.part(value, lenient=not lenient)
        return self._reference(value, lenient=lenient) if keyword == "$ref" else value

    def value(self, schema: Any, *, lenient: bool) -> Any:
        """Return the schema of a value in whose place a `${…}` may stand."""
        if not isinstance(schema, dict):
            return schema
        plain = self.part(schema, lenient=lenient)
        if not lenient:
            return {"allOf": [{"not": _EXPRESSION}, plain]}
        said = {keyword: plain.pop(keyword) for keyword in _ANNOTATIONS if keyword in plain}
        return {**said, "if": _EXPRESSION, "else": plain} if plain else said

    def _conditions(self, schema: JsonObject, *, lenient: bool) -> list[JsonObject]:
        found: list[JsonObject] = []
        if "if" in schema and "then" in schema:
            # Seen leniently, only what is surely so demands anything; seen strictly, all that may be so does.
            condition = self.part(schema["if"], lenient=not lenient)
            found.append({"if": condition, "then": self.part(schema["then"], lenient=lenient)})
        if "if" in schema and "else" in schema:
            condition = self.part(schema["if"], lenient=lenient)
            found.append({"if": condition, "else": self.part(schema["else"], lenient=lenient)})
        return found

    def _reference(self, reference: str, *, lenient: bool) -> str:
        if not lenient and reference.startswith("#/$defs/"):
            self.strict_needed = True
            name, slash, rest = reference.removeprefix("#/$defs/").partition("/")
            return f"{self.home}/$defs/{name}.strict{slash}{rest}"
        return self.home + reference.removeprefix("#")

    def _explained(self, schema: JsonObject, found: JsonObject) -> JsonObject:
        """Put into words what our keywords mean: editors show descriptions, and some an error message of ours."""
        words = [" ".join(str(schema.get("description", "")).split())]
        if schema.get("x-unit"):
            words.append(f"Unit: {schema['x-unit']}.")
        if schema.get("x-ref"):
            words.append(f"Best as a reference: ${{ref:{schema['x-ref']}/name}}.")
        if schema.get("x-sensitive"):
            words.append("Secret: write ${env:NAME} or ${file:path}, never the value itself.")
        if schema.get("x-sensitiveWhen"):
            named = (f"{name} is {_listed(values)}" for name, values in schema["x-sensitiveWhen"].items())
            words.append(f"Secret while {' and '.join(named)}: write ${{env:NAME}} or ${{file:path}} then.")
        if schema.get("x-immutable"):
            words.append("It cannot change once the object exists.")
        text = " ".join(word for word in words if word)
        if text:
            found["description"] = text
        if schema.get("x-message"):
            found["errorMessage"] = schema["x-message"]
        return found


def _listed(values: Json) -> str:
    return " or ".join(json.dumps(value) for value in (values if isinstance(values, list) else [values]))
