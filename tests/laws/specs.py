"""Random valid specs of any kind: an example of it, changed field by field as far as its schema allows.

The libraries that draw values from JSON Schemas do not work with current versions of hypothesis, so the few keywords
that the kinds use are drawn here; whatever is drawn is kept only if the schema takes it.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import get, parse_pointer
from reconciler.core.schema.schema_gate import CompiledSchema

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
FORMATS: dict[str, SearchStrategy[Json]] = {
    "date-time": st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z"),
    "date": st.dates().map(str),
    "uuid": st.uuids().map(str),
    "email": NAMES.map(lambda name: f"{name}@example.com"),
    "uri": NAMES.map(lambda name: f"https://{name}.example.com/x"),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
}


@st.composite
def specs(draw: DrawFn, kind: Kind) -> JsonObject:
    """Draw a valid spec of `kind`, its references filled in."""
    schema = _compiled(kind)
    spec: JsonObject = dict(draw(st.sampled_from(_bases(kind))))
    for name, info in draw(st.permutations(sorted(kind.fields.properties.items()))):
        if info.read_only:
            continue
        choice = draw(st.sampled_from(("keep", "drop", "draw", "draw")))
        if choice == "drop":
            trial = {key: value for key, value in spec.items() if key != name}
        elif choice == "draw":
            trial = {**spec, name: draw(values(info.schema, kind.definition.schema_))}
        else:
            continue
        if schema.is_valid(trial):
            spec = trial
    return spec


@functools.cache
def _compiled_by_id(identity: int, kind_name: str) -> list[CompiledSchema]:
    del identity, kind_name
    return []


def _compiled(kind: Kind) -> CompiledSchema:
    held = _compiled_by_id(id(kind), kind.full_name)
    if not held:
        held.append(CompiledSchema(kind.definition.schema_))
    return held[0]


def _bases(kind: Kind) -> list[JsonObject]:
    """Return the examples of a kind that are valid with their references filled in; at the least what is required."""
    filled = [_filled(example) for example in kind.definition.examples]
    good = [example for example in filled if _compiled(kind).is_valid(example)]
    assert good, f"{kind.full_name} has no valid example"
    return good


def _filled(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return re.sub(r"\$\{[^}]*\}", "0b0c1d52-7f1e-4d3a-9c55-2f6d1c0a7e10", value) if isinstance(value, str) else value


def values(schema: Any, root: JsonObject) -> SearchStrategy[Any]:
    """Return a strategy of values that a subschema may take; not all of them need to be valid."""
    if not isinstance(schema, dict):
        return st.one_of(TEXT, st.integers(0, 9), st.booleans())
    if "$ref" in schema:
        return values(get(root, parse_pointer(schema["$ref"][1:])), root)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for combiner in ("oneOf", "anyOf", "allOf"):
        if schema.get(combiner) and "type" not in schema:
            return st.one_of([values(branch, root) for branch in schema[combiner]])
    types = schema.get("type", "string" if "properties" not in schema else "object")
    return st.one_of([_of_type(one, schema, root) for one in ([types] if isinstance(types, str) else types)])


def _of_type(name: str, schema: JsonObject, root: JsonObject) -> SearchStrategy[Any]:
    match name:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            low = schema.get("minimum", 0)
            return st.integers(low, max(low, schema.get("maximum", low + 10_000)))
        case "number":
            low = schema.get("minimum", 0)
            return st.floats(low, max(low, schema.get("maximum", low + 100)), allow_nan=False, width=32)
        case "array":
            return st.lists(
                values(schema.get("items"), root),
                min_size=schema.get("minItems", 0),
                max_size=schema.get("maxItems", 3),
            )
        case "object":
            return _objects(schema, root)
        case _:
            return _texts(schema)


def _objects(schema: JsonObject, root: JsonObject) -> SearchStrategy[Any]:
    properties = {
        key: values(inner, root)
        for key, inner in schema.get("properties", {}).items()
        if not (isinstance(inner, dict) and inner.get("readOnly"))
    }
    if properties:
        required = {key: value for key, value in properties.items() if key in schema.get("required", [])}
        optional = {key: value for key, value in properties.items() if key not in required}
        return st.fixed_dictionaries(required, optional=optional)
    inner = schema.get("additionalProperties")
    return st.dictionaries(NAMES, values(inner, root) if isinstance(inner, dict) else TEXT, max_size=3)


def _texts(schema: JsonObject) -> SearchStrategy[Any]:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    if "pattern" in schema:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII)).map(lambda text: text.strip("\n"))
    return TEXT


def shuffled(draw: DrawFn, info: FieldInfo, value: Json) -> Json:
    """Return `value` with its members in another order, and so the items of sets."""
    if isinstance(value, dict):
        names = draw(st.permutations(sorted(value)))
        return {name: shuffled(draw, info.child(name), value[name]) for name in names}
    if isinstance(value, list):
        items = [shuffled(draw, info.child(0), item) for item in value]
        return draw(st.permutations(items)) if info.is_set and items else items
    return value
