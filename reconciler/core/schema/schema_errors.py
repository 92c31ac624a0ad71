"""Mistakes that JSON Schema finds, in words for the person who wrote the manifest. Pure.

Values that are secret never appear in a message, nor does any mapping or list: a secret could stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import Path, starts_with
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_gate import CompiledSchema
from reconciler.core.suggest import did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPE_NAMES = {"object": "mapping", "array": "list", "null": "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaProblem:
    """One mistake in an instance. `at_key` points at the member's name instead of its value."""

    path: Path
    code: str
    message: str
    hint: str = ""
    at_key: bool = False
    restricts: bool = False  # a rule about the value, such as a limit or a pattern, rather than about its shape


def mistakes(
    schema: CompiledSchema, instance: Json, *, hidden: Callable[[Path], bool], unknown: frozenset[Path]
) -> list[SchemaProblem]:
    """Return every mistake in `instance`, by path.

    `hidden` tells which paths hold secrets. Values at the `unknown` paths are references whose value is not known
    yet: what is wrong with the text that stands in for them is not the person's mistake.
    """
    errors = list(schema.errors(instance))
    if not errors:
        return []
    found: dict[tuple[Path, str], SchemaProblem] = {}
    mistyped = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    for error in errors:
        if error.validator in ("enum", "const") and tuple(error.absolute_path) in mistyped:
            continue  # of the wrong type: then it is none of the choices either
        for mistake in _explain(error, hidden, unknown):
            restricts = error.validator != "type" and mistake.code not in ("missing-field", "unknown-field")
            found.setdefault((mistake.path, mistake.message), replace(mistake, restricts=restricts))
    if not found and not unknown:
        for error in errors:  # each field is known, and some are not allowed together with the others
            for mistake in _not_together(error):
                found[mistake.path, mistake.message] = mistake
    return sorted(found.values(), key=lambda m: [str(step) for step in m.path])


def _explain(
    error: ValidationError, hidden: Callable[[Path], bool], unknown: frozenset[Path]
) -> Iterator[SchemaProblem]:
    path: Path = tuple(error.absolute_path)
    if any(starts_with(path, stand_in) for stand_in in unknown):
        return
    if error.validator in ("anyOf", "oneOf") and error.context:
        yield from _explain_branches(error, path, hidden, unknown)
        return
    schema: Any = error.schema if isinstance(error.schema, dict) else {}
    name: Any = error.instance
    of_name = "propertyNames" in error.absolute_schema_path and isinstance(name, str)
    if of_name:
        path = (*path, name)
    if "x-message" in schema and error.validator != "additionalProperties":
        yield SchemaProblem(path=path, code="invalid-value", message=schema["x-message"], at_key=of_name)
        return
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_fields(error, path, schema)
    elif error.validator == "required":
        yield from _missing_field(error, path, schema)
    elif error.validator == "dependentRequired":
        yield from _missing_companions(error, path)
    else:
        yield _wrong_value(error, path, schema, hide=hidden(path) and not of_name, at_key=of_name)


def _explain_branches(
    error: ValidationError, path: Path, hidden: Callable[[Path], bool], unknown: frozenset[Path]
) -> Iterator[SchemaProblem]:
    """Explain the branch that came nearest: the one whose mistakes are fewest and deepest."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.relative_schema_path[0]), []).append(inner)
    if any(starts_with(tuple(inner.absolute_path), p) for b in branches.values() for inner in b for p in unknown):
        return
    if all(inner.validator == "type" and not inner.relative_path for b in branches.values() for inner in b):
        names = [name for b in branches.values() for inner in b for name in _names(inner.validator_value)]
        message, hint = _wrong_type(error.instance, list(dict.fromkeys(names)), hide=hidden(path))
        yield SchemaProblem(path=path, code="invalid-value", message=message, hint=hint)
        return
    nearest = min(branches.values(), key=lambda b: (len(b), -max(len(i.absolute_path) for i in b)))
    for inner in nearest:
        yield from _explain(inner, hidden, unknown)


def _not_together(error: ValidationError) -> Iterator[SchemaProblem]:
    """Yield the fields that the parts of a schema which hold do not speak of."""
    for name in re.findall(r"'([^']+)'", error.message) if error.validator == "unevaluatedProperties" else ():
        path: Path = (*error.absolute_path, name)
        message = f"the field {name!r} is not allowed together with the others"
        yield SchemaProblem(path=path, code="unknown-field", message=message, hint="leave it out", at_key=True)


def _named_in(schema: Json, keyword: str) -> dict[str, Json]:
    """Return the members of `properties` or `patternProperties`, in all parts of the schema that apply in place."""
    found: dict[str, Json] = {}
    parts = [schema]
    while parts:
        part = parts.pop()
        if not isinstance(part, dict):
            continue
        found = {**part.get(keyword, {}), **found}
        for inside in ("allOf", "anyOf", "oneOf"):
            parts += part.get(inside, [])
        parts += [part[name] for name in ("if", "then", "else") if name in part]
        parts += part.get("dependentSchemas", {}).values()
    return found


def _unknown_fields(error: ValidationError, path: Path, schema: JsonObject) -> Iterator[SchemaProblem]:
    in_place = error.validator == "unevaluatedProperties"
    known = _named_in(schema, "properties") if in_place else schema.get("properties", {})
    patterns = _named_in(schema, "patternProperties") if in_place else schema.get("patternProperties", {})
    instance: Any = error.instance
    for name in instance:
        if name not in known and not any(re.search(pattern, name) for pattern in patterns):
            hint = did_you_mean(name, known) or (
                "known fields: " + ", ".join(sorted(known)) if 0 < len(known) <= 12 else ""
            )
            yield SchemaProblem(
                path=(*path, name),
                code="unknown-field",
                message=f"unknown field {name!r}",
                hint=hint,
                at_key=True,
            )


def _missing_field(error: ValidationError, path: Path, schema: JsonObject) -> Iterator[SchemaProblem]:
    instance: Any = error.instance
    for name in schema.get("required", ()):
        if name not in instance:
            about = schema.get("properties", {}).get(name, {})
            hint = " ".join(about.get("description", "").split()) if isinstance(about, dict) else ""
            yield SchemaProblem(path=path, code="missing-field", message=f"the field {name!r} is required", hint=hint)


def _missing_companions(error: ValidationError, path: Path) -> Iterator[SchemaProblem]:
    instance: Any = error.instance
    wanted: Any = error.validator_value
    for name, companions in wanted.items():
        for companion in companions if name in instance else ():
            if companion not in instance:
                message = f"the field {companion!r} is required beside {name!r}"
                yield SchemaProblem(
                    path=path, code="missing-field", message=message, hint=f"add it, or remove {name!r}"
                )


def _wrong_value(error: ValidationError, path: Path, schema: JsonObject, *, hide: bool, at_key: bool) -> SchemaProblem:
    instance: Any = error.instance
    wanted: Any = error.validator_value
    shown = "the value" if hide or isinstance(instance, (dict, list)) else _short(instance)
    if at_key:
        shown = f"the name {shown}"
    rule: Any = error.validator
    hint = ""
    match rule:
        case "type":
            message, hint = _wrong_type(instance, _names(wanted), hide=hide, unit=str(schema.get("x-unit") or ""))
        case "enum":
            message = f"{shown} is not one of {', '.join(_short(v) for v in wanted)}"
            hint = "" if hide else did_you_mean(str(instance), [str(v) for v in wanted])
        case "const":
            message = f"{shown} must be {_short(wanted)}"
        case None | "not" if not wanted:  # the schema is `false`
            message = f"{shown} is not allowed here"
        case _ if rule in _LIMITS:
            unit = f" {schema['x-unit']}" if schema.get("x-unit") else ""
            message = _LIMITS[rule].format(shown=shown, wanted=wanted, unit=unit)
        case _:
            message = f"{shown} is not allowed here ({rule})"
    hint = hint or " ".join(str(schema.get("description", "")).split())
    return SchemaProblem(path=path, code="invalid-value", message=message, hint=hint, at_key=at_key)


_LIMITS = {
    "minimum": "{shown} is too small: at least {wanted}{unit}",
    "exclusiveMinimum": "{shown} is too small: more than {wanted}{unit}",
    "maximum": "{shown} is too large: at most {wanted}{unit}",
    "exclusiveMaximum": "{shown} is too large: less than {wanted}{unit}",
    "multipleOf": "{shown} is not a multiple of {wanted}{unit}",
    "minLength": "{shown} is too short: at least {wanted} characters",
    "maxLength": "{shown} is too long: at most {wanted} characters",
    "pattern": "{shown} does not match {wanted}",
    "format": "{shown} is not of the form {wanted}",
    "minItems": "too few items: at least {wanted}",
    "maxItems": "too many items: at most {wanted}",
    "uniqueItems": "the same item stands in the list twice",
    "minProperties": "too few fields: at least {wanted}",
    "maxProperties": "too many fields: at most {wanted}",
}


def _names(types: Any) -> list[str]:
    return [types] if isinstance(types, str) else list(types)


def _wrong_type(instance: Json, names: list[str], *, hide: bool, unit: str = "") -> tuple[str, str]:
    """Return message and hint for a value that has none of the types in `names`."""
    expected = " or ".join(_TYPE_NAMES.get(name, name) for name in names)
    hint = ""
    if instance is None:
        hint = "null clears a field, and this one cannot be cleared; leave it out to leave it unmanaged"
    elif isinstance(instance, str) and not hide and _unquoted_fits(instance, names):
        hint = "remove the quotes"
    elif isinstance(instance, str) and not hide and (number := _WITH_UNIT.fullmatch(instance)) and _may_count(names):
        hint = _number_alone(int(number[1]), number[2], unit)
    elif "string" in names and isinstance(instance, (bool, int, float)):
        hint = "put it in quotes"
    return f"expected {expected}, got {_type_name(instance)}", hint


_WITH_UNIT = re.compile(r"(\d{1,18})\s*([A-Za-z%]{1,12})")
_DURATIONS = {
    1: ("ms", "millis", "millisecond", "milliseconds"),
    1000: ("s", "sec", "secs", "second", "seconds"),
    60_000: ("m", "min", "mins", "minute", "minutes"),
    3_600_000: ("h", "hour", "hours"),
    86_400_000: ("d", "day", "days"),
}
_MILLISECONDS = {word: count for count, words in _DURATIONS.items() for word in words}


def _number_alone(number: int, stated: str, unit: str) -> str:
    """Return what to write in place of a number with a unit: in the unit of the field, where that is known."""
    if stated.casefold() == unit.casefold():
        return f"write the number alone: {number}"
    factors = [_MILLISECONDS.get(word.casefold()) for word in (stated, unit)]
    if factors[0] and factors[1] and number * factors[0] % factors[1] == 0:
        return f"write the number alone, in {unit}: {number * factors[0] // factors[1]}"
    return f"write the number alone, in {unit or 'the unit of the field'}"


def _unquoted_fits(text: str, names: list[str]) -> bool:
    if text in ("true", "false"):
        return "boolean" in names
    return text.lstrip("-").isdigit() and _may_count(names)


def _may_count(names: list[str]) -> bool:
    return bool({"integer", "number"} & set(names))


def _type_name(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "mapping"


def _short(value: Json) -> str:
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
