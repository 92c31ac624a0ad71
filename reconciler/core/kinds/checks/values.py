"""Values in a definition that its own schema refuses: defaults, enums, what is absent, examples. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.canonical import strictly_equal
from reconciler.core.kinds.checks.finding import Bound, Finding, Findings, doubt
from reconciler.core.kinds.checks.schemas import subschemas
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import Path
from reconciler.core.schema.schema_errors import SchemaProblem, mistakes
from reconciler.core.schema.schema_gate import CompiledSchema


def schema_values(schema: JsonObject, path: Path) -> Findings:
    """Yield the defaults, enums and other values in a JSON Schema that itself refuses."""
    for place, inner in subschemas(schema, path):
        for keyword, index, value in _values(inner):
            wrong = _wrong(schema, inner, value, keyword)
            if wrong is not None:
                where = (*place, keyword) if index is None else (*place, keyword, index)
                shown = "it" if inner.get("x-sensitive") else f"{value!r}"
                yield doubt(where, f"{keyword}: {shown} does not fit the schema itself: {wrong.message}", wrong.hint)
        enum = inner.get("enum", [])
        for index, value in enumerate(enum):
            if any(strictly_equal(value, one) for one in enum[:index]):
                yield doubt((*place, "enum", index), f"enum holds {value!r} twice")


def _values(schema: JsonObject) -> Iterator[tuple[str, int | str | None, Json]]:
    for keyword in ("default", "x-absent", "const"):
        if keyword in schema:
            yield keyword, None, schema[keyword]
    for text, value in schema.get("x-means", {}).items():
        yield "x-means", text, value
    for keyword in ("enum", "examples"):
        for index, value in enumerate(schema.get(keyword, [])):
            yield keyword, index, value


def _wrong(root: JsonObject, schema: JsonObject, value: Json, keyword: str) -> SchemaProblem | None:
    if keyword == "x-absent" and value is None:
        return None
    if keyword in ("enum", "const"):
        # What else stands beside them may be there to take single values out again.
        schema = {"type": schema["type"]} if "type" in schema else {}
    rules = {k: v for k, v in schema.items() if k not in ("default", "examples", "x-absent", "x-means")}
    # References are looked up in the whole schema.
    if "$defs" in root and "$defs" not in rules:
        rules = {**rules, "$defs": root["$defs"]}
    found = mistakes(CompiledSchema(rules), value, hidden=lambda path: False, unknown=frozenset())
    return found[0] if found else None


def refused_values(bound: Bound) -> Findings:
    """Yield values in a kind's schema that it refuses itself."""
    yield from schema_values(bound.definition.schema_, ("schema",))


# --------------------------------------------------------------------------- examples


def refused_examples(bound: Bound) -> Findings:
    """Yield what is wrong with the examples, as `validate` would find it in a manifest."""
    definition = bound.definition
    validator = CompiledSchema(definition.schema_)
    for index, example in enumerate(definition.examples):
        filled = {definition.identity.name: "example", **example} if definition.identity.name else example
        unknown = frozenset(_expressions(example))
        for mistake in mistakes(validator, filled, hidden=bound.fields.hides, unknown=unknown):
            place = ("examples", index, *mistake.path)
            yield Finding(place, f"the example is refused: {_where(mistake)}", mistake.hint, at_key=mistake.at_key)
        for name in example:
            if bound.fields.child(name).read_only:
                message = f"the example is refused: {name!r} is set by the server"
                yield Finding(("examples", index, name), message, "remove it", at_key=True)


def _where(mistake: SchemaProblem) -> str:
    where = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in mistake.path).lstrip(".")
    return f"{where}: {mistake.message}" if where and not mistake.at_key else mistake.message


def _expressions(value: Json, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of values that are filled in later."""
    if isinstance(value, str) and "${" in value.replace("$${", ""):
        yield path
    elif isinstance(value, (dict, list)):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _expressions(inner, (*path, step))


CHECKS = (refused_values, refused_examples)
