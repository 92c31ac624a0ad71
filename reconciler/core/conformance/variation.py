"""Values to try a field with: another valid one, the same in another order, none. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json, strictly_equal
from reconciler.core.errors import Refused
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.kinds.template import variables
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import MISSING, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_gate import CompiledSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What to try on one object: its spec, and values that a person gave for some of its fields."""

    kind: Kind
    spec: JsonObject = field(repr=False)
    given: Mapping[str, Json] = field(default_factory=dict, repr=False)

    def changeable(self) -> list[str]:
        """Return the stated fields that an update can change, by the definition, in order."""
        fixed = {*self.kind.key, *self.kind.scope}
        for call in self.kind.definition.write.update:
            fixed |= {str(v.steps[0]) for v in variables(call.path) if v.root == "spec"}
        fields = self.kind.fields.properties
        return sorted(
            name
            for name in {*self.spec, *self.given}
            if name in fields and name not in fixed and not _is_fixed(fields[name])
        )

    def other_value(self, name: str) -> Any:
        """Return another valid value for a field, or MISSING when none could be thought of."""
        if name in self.given:
            return self.given[name]
        if name in switches(self.kind):
            return MISSING  # another value asks for other fields, or gives those that are there another meaning
        for value in _others(self.kind.fields.child(name), self.spec.get(name, MISSING), name, self.kind):
            if not strictly_equal(value, self.spec.get(name)) and self.fits({**self.spec, name: value}):
                return value
        return MISSING

    def is_sure_of(self, name: str, value: Json) -> bool:
        """Tell whether the server has to take `value`: a person gave it, or the schema leaves no doubt about it."""
        if name in self.given or value is None or isinstance(value, bool):
            return True
        stated = self.spec.get(name)
        if isinstance(value, list) and isinstance(stated, list):
            return all(any(strictly_equal(item, known) for known in stated) for item in value)
        return "enum" in self.kind.fields.child(name).schema

    def fits(self, spec: JsonObject) -> bool:
        """Tell whether the schema takes `spec`."""
        return CompiledSchema(self.kind.definition.schema_).is_valid(spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Which resource is the scratch object, and the values that a person gave to change its fields to."""

    address: Address
    given: Mapping[str, Json] = field(default_factory=dict, repr=False)


def refuse_what_cannot_be_verified(kind: Kind) -> None:
    """Raise Refused for kinds of which no scratch object can be made, or taken away again."""
    write, why = kind.definition.write, ""
    if kind.definition.identity.singleton or write.create is None:
        why = "its objects are never created, so none of them would be this command's own"
    elif write.inside is not None:
        why = "its objects live in a document of another one, which is not this command's own"
    elif write.delete is None or write.delete.call is None:
        why = "it has no call that deletes (write.delete.call), so the scratch object would stay"
    elif kind.unreadable:
        why = "its objects cannot be read, so nothing could be seen"
    if why:
        raise Refused(f"{kind.full_name} cannot be verified: {why}", hint="try it by hand on a system for tests")


def _is_fixed(info: FieldInfo) -> bool:
    return info.read_only or info.immutable or info.create_only or info.reference is not None


def _others(info: FieldInfo, value: Any, name: str, kind: Kind) -> Iterator[Json]:
    """Yield values near `value`, and those that the schema and the examples name."""
    schema = info.schema
    for example in (*kind.definition.examples, {name: schema.get("default")}):
        value_there = example.get(name)
        if value_there is not None and "${" not in canonical_json(value_there):  # nothing fills references in here
            yield value_there
    yield from (one for one in [*schema.get("enum", []), *schema.get("examples", [])] if one is not None)
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        step = schema.get("multipleOf", 1)
        yield from (value + step, value - step)
    elif isinstance(value, str):
        yield from (f"{value}-2", f"{value}2", value[:-1])
    elif isinstance(value, list):
        yield value[:-1]
        yield from ([*value[:-1], other] for other in _others(info.child(0), value[-1] if value else MISSING, "", kind))
    elif isinstance(value, dict):
        for member, inner in value.items():
            yield from ({**value, member: other} for other in _others(info.child(member), inner, "", kind))


def may_be_null(info: FieldInfo) -> bool:
    """Tell whether a manifest may clear the field by stating null."""
    return "null" in info.types


def reversed_list(value: Json) -> Json | None:
    """Return a list the other way round, None where that would be the same."""
    if not isinstance(value, list) or strictly_equal(value, value[::-1]):
        return None
    return value[::-1]


def switches(kind: Kind) -> frozenset[str]:
    """Return the top-level fields on whose values it depends which other fields there are, or what they mean."""
    found = set(_tested(kind.definition.schema_, inside=False))
    for info in kind.fields.properties.values():
        found |= {telltale.name for telltale in info.sensitive_when}
    definition = kind.definition
    conditions = [*definition.read.ready, *definition.read.failed]
    for call in definition.write.update:
        conditions += [*call.when, *call.refuse]
    by_response = {info.response_name: name for name, info in kind.fields.properties.items()}
    of_values = (one for one in conditions if one.model_fields_set & {"equals", "one_of", "matches"})
    steps = (parse_pointer(condition.at)[:1] for condition in of_values)
    return frozenset(found | {by_response.get(str(step[0]), str(step[0])) for step in steps if step})


def _tested(schema: Json, *, inside: bool) -> Iterator[str]:
    """Yield the top-level fields whose values a schema tests to choose between its parts."""
    if not isinstance(schema, dict):
        return
    for name, inner in schema.get("properties", {}).items() if inside else ():
        if isinstance(inner, dict) and ("const" in inner or "enum" in inner):
            yield name
    yield from schema.get("dependentSchemas", {})
    yield from schema.get("dependentRequired", {})
    for keyword in ("if", "not", "oneOf", "anyOf", "allOf", "then", "else"):
        parts = schema.get(keyword, [])
        choosing = inside or keyword in ("if", "not", "oneOf", "anyOf")
        for part in parts if isinstance(parts, list) else [parts]:
            yield from _tested(part, inside=choosing)
