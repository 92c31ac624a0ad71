"""Mistakes that JSON Schema finds, in words for the person who wrote the manifest. Pure.

Values that are secret never appear in a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import Path, starts_with
from reconciler.core.suggest import did_you_mean

_TYPE_NAMES = {"object": "mapping", "array": "list", "null": "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in an instance. `at_key` points at the member's name instead of its value."""

    path: Path
    code: str
    message: str
    hint: str = ""
    at_key: bool = False


def compile_schema(schema: JsonObject) -> Validator:
    """Return a validator that is built once and used for every instance. The schema must be valid."""
    return Draft202012Validator(schema, format_checker=FormatChecker())


def mistakes(
    validator: Validator, instance: Json, *, hidden: Callable[[Path], bool], unknown: frozenset[Path]
) -> list[Mistake]:
    """Return every mistake in `instance`, in document order.

    `hidden` tells which paths hold secrets. Values at the `unknown` paths are references whose value is not known
    yet: what is wrong with the text that stands in for them is not the person's mistake.
    """
    found: dict[tuple[Path, str], Mistake] = {}
    for error in validator.iter_errors(instance):
        for mistake in _explain(error, hidden, unknown):
            found.setdefault((mistake.path, mistake.message), mistake)
    return sorted(found.values(), key=lambda m: [str(step) for step in m.path])


def _explain(error: ValidationError, hidden: Callable[[Path], bool], unknown: frozenset[Path]) -> Iterator[Mistake]:
    path: Path = tuple(error.absolute_path)
    if any(starts_with(path, stand_in) for stand_in in unknown):
        return
    if error.validator in ("anyOf", "oneOf") and error.context:
        yield from _explain_branches(error, path, hidden, unknown)
        return
    schema: Any = error.schema if isinstance(error.schema, dict) else {}
    if "x-message" in schema and error.validator != "additionalProperties":
        yield Mistake(path=path, code="invalid-value", message=schema["x-message"])
        return
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_fields(error, path, schema)
    elif error.validator == "required":
        yield from _missing_field(error, path, schema)
    else:
        yield _wrong_value(error, path, schema, hide=hidden(path))


def _explain_branches(
    error: ValidationError, path: Path, hidden: Callable[[Path], bool], unknown: frozenset[Path]
) -> Iterator[Mistake]:
    """Explain the branch that came nearest: the one whose mistakes are fewest and deepest."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.relative_schema_path[0]), []).append(inner)
    if any(starts_with(tuple(inner.absolute_path), p) for b in branches.values() for inner in b for p in unknown):
        return
    scalar = all(inner.validator == "type" and not inner.relative_path for b in branches.values() for inner in b)
    if not branches or scalar:
        yield Mistake(path=path, code="invalid-value", message="the value has none of the allowed forms")
        return
    nearest = min(branches.values(), key=lambda b: (len(b), -max(len(i.absolute_path) for i in b)))
    for inner in nearest:
        yield from _explain(inner, hidden, unknown)


def _unknown_fields(error: ValidationError, path: Path, schema: JsonObject) -> Iterator[Mistake]:
    known = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    instance: Any = error.instance
    for name in instance:
        if name not in known and not any(re.search(pattern, name) for pattern in patterns):
            hint = did_you_mean(name, known) or (
                "known fields: " + ", ".join(sorted(known)) if 0 < len(known) <= 12 else ""
            )
            yield Mistake(
                path=(*path, name),
                code="unknown-field",
                message=f"unknown field {name!r}",
                hint=hint,
                at_key=True,
            )


def _missing_field(error: ValidationError, path: Path, schema: JsonObject) -> Iterator[Mistake]:
    instance: Any = error.instance
    for name in schema.get("required", ()):
        if name not in instance:
            about = schema.get("properties", {}).get(name, {})
            hint = about.get("description", "") if isinstance(about, dict) else ""
            yield Mistake(path=path, code="missing-field", message=f"the field {name!r} is required", hint=hint)


def _wrong_value(error: ValidationError, path: Path, schema: JsonObject, *, hide: bool) -> Mistake:
    shown = "the value" if hide else _short(error.instance)
    wanted: Any = error.validator_value
    unit = f" {schema['x-unit']}" if schema.get("x-unit") else ""
    hint = ""
    match error.validator:
        case "type":
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            expected = " or ".join(_TYPE_NAMES.get(name, name) for name in names)
            message = f"expected {expected}, got {_type_name(error.instance)}"
            if error.instance is None:
                hint = "null clears a field, and this one cannot be cleared; leave it out to leave it unmanaged"
            elif isinstance(error.instance, str) and set(names) & {"integer", "number", "boolean"} and not hide:
                hint = "remove the quotes" if _unquoted_fits(error.instance, names) else ""
        case "enum":
            message = f"{shown} is not one of {', '.join(_short(v) for v in wanted)}"
            hint = "" if hide else did_you_mean(str(error.instance), [str(v) for v in wanted])
        case "const":
            message = f"{shown} must be {_short(wanted)}"
        case "minimum" | "exclusiveMinimum":
            bound = "at least" if error.validator == "minimum" else "more than"
            message = f"{shown} is too small: {bound} {wanted}{unit}"
        case "maximum" | "exclusiveMaximum":
            bound = "at most" if error.validator == "maximum" else "less than"
            message = f"{shown} is too large: {bound} {wanted}{unit}"
        case "minLength":
            message = f"{shown} is too short: at least {wanted} characters"
        case "maxLength":
            message = f"{shown} is too long: at most {wanted} characters"
        case "minItems":
            message = f"too few items: at least {wanted}"
        case "maxItems":
            message = f"too many items: at most {wanted}"
        case "uniqueItems":
            message = "the same item stands in the list twice"
        case "pattern":
            message = f"{shown} does not match {wanted}"
            hint = str(schema.get("description", ""))
        case "format":
            message = f"{shown} is not of the form {wanted}"
        case _:
            message = f"{shown} is not allowed here ({error.validator})"
    return Mistake(path=path, code="invalid-value", message=message, hint=hint)


def _unquoted_fits(text: str, names: list[str]) -> bool:
    if text in ("true", "false"):
        return "boolean" in names
    return text.lstrip("-").isdigit() and bool({"integer", "number"} & set(names))


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
