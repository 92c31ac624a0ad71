"""A JSON Schema compiled for many values: jsonschema-rs tells good from bad, jsonschema says what is wrong. Pure.

jsonschema is the reference. The gate only ever spares it the values that are surely good, so the mistakes are the same
with and without it; a schema in which the two might judge differently has no gate.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from reconciler.core.model import Json, JsonObject
from reconciler.core.schema.patterns import compile_pattern, has_one_meaning, in_python

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator


class CompiledSchema:
    """A schema that is compiled once, when first needed, and used for every value. The schema must be valid."""

    def __init__(self, schema: JsonObject) -> None:
        self._schema = schema

    def is_valid(self, value: Json) -> bool:
        """Tell whether `value` has no mistake at all."""
        return self.passes(value) or self._reference.is_valid(value)

    def errors(self, value: Json) -> Iterable[ValidationError]:
        """Return every mistake in `value`."""
        return () if self.passes(value) else self._reference.iter_errors(value)

    def passes(self, value: Json) -> bool:
        """Tell that `value` is surely good; False may mean anything."""
        gate = self._gate
        if gate is None:
            return False
        try:
            return gate(value)
        except (ValueError, OverflowError):
            return False  # what only Python can hold, such as half a character

    @functools.cached_property
    def _gate(self) -> Callable[[Json], bool] | None:
        rust = fast_judge()
        if rust is None or not _judged_alike(self._schema):
            return None
        formats = {name: _python_format(name) for name in _formats(self._schema)}
        try:
            compiled = rust.Draft202012Validator(self._schema, validate_formats=True, formats=formats)
        except ValueError:
            return None
        accepts: Callable[[Json], bool] = compiled.is_valid
        return accepts

    @functools.cached_property
    def _reference(self) -> Validator:
        from jsonschema import FormatChecker

        built: Validator = _reference_class()(_spelled_out(self._schema), format_checker=FormatChecker())
        return built


def is_surely_a_schema(schema: Json) -> bool:
    """Tell that `schema` is one of JSON Schema 2020-12; False may mean anything."""
    rust = fast_judge()
    if rust is None or (isinstance(schema, dict) and "$schema" in schema):
        return False
    try:
        return bool(rust.meta.is_valid(schema))
    except (ValueError, OverflowError):
        return False


@functools.cache
def fast_judge() -> Any:
    """Return the module jsonschema_rs; None where it is not installed."""
    try:
        import jsonschema_rs
    except ImportError:
        return None
    return jsonschema_rs


# --------------------------------------------------------------------------- the reference


@functools.cache
def _reference_class() -> Any:
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(validator: Any, wanted: str, instance: Json, schema: JsonObject) -> Iterator[ValidationError]:
        del schema
        if validator.is_type(instance, "string") and not compile_pattern(wanted).search(instance):
            yield ValidationError(f"{instance!r} does not match {wanted!r}")

    # The stubs of jsonschema do not say what `extend` takes.
    return extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]


_BY_NAME = ("properties", "patternProperties", "dependentSchemas", "$defs")
_SINGLE = ("additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")


def _spelled_out(schema: Any) -> Any:
    """Return `schema` with `false` for a member written as `not: {}`: of `false` jsonschema forgets the path.

    Names of members that are patterns are spelled as Python reads them.
    """
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    for keyword, value in schema.items():
        if keyword in _BY_NAME:
            by_name = {name: {"not": {}} if s is False else _spelled_out(s) for name, s in value.items()}
            if keyword == "patternProperties":
                by_name = {in_python(name): s for name, s in by_name.items()}
            found[keyword] = by_name
        elif keyword in _SINGLE:
            found[keyword] = _spelled_out(value)
        elif keyword in _LISTS:
            found[keyword] = [_spelled_out(inner) for inner in value]
    return found


# --------------------------------------------------------------------------- what both judge alike


def _schemas(schema: Any) -> Iterator[JsonObject]:
    """Yield `schema` and every schema inside it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        if keyword in _BY_NAME:
            inner = list(value.values())
        elif keyword in _LISTS:
            inner = value
        else:
            inner = [value] if keyword in _SINGLE or keyword.startswith("unevaluated") else []
        for one in inner:
            yield from _schemas(one)


def _judged_alike(schema: JsonObject) -> bool:
    for one in _schemas(schema):
        patterns = [one["pattern"]] if "pattern" in one else []
        if not all(has_one_meaning(pattern) for pattern in [*patterns, *one.get("patternProperties", {})]):
            return False
        if isinstance(one.get("multipleOf"), float) or "$id" in one or "$dynamicRef" in one:
            return False
        if not one.get("$ref", "#").startswith("#"):
            return False  # never followed to another place
    return True


def _formats(schema: JsonObject) -> set[str]:
    return {one["format"] for one in _schemas(schema) if isinstance(one.get("format"), str)}


def _python_format(name: str) -> Callable[[str], bool]:
    """Return jsonschema's own check of a format, for the gate to call; a format that it does not know fits always."""

    def fits(text: str) -> bool:
        from jsonschema import FormatChecker

        return FormatChecker().conforms(text, name)

    return fits
