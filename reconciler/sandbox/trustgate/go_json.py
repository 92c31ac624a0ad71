"""JSON as a typed Go server reads and writes it. Pure.

Section 1 of the facts: names match without regard to case, unknown names are ignored, null counts as absent,
a value of a wrong type spoils the whole body; in answers zero values are left out.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


class Scalar(enum.Enum):
    """A Go type without members."""

    TEXT = "string"
    INT = "int"
    BOOL = "bool"
    TIME = "time.Time"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A slice."""

    item: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with text keys, which are compared exactly."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct: its members, and those that answers carry even when they are empty."""

    members: Mapping[str, Shape]
    always: frozenset[str] = frozenset()


Shape: TypeAlias = Scalar | ListOf | MapOf | Struct

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class BadJSONError(ValueError):
    """The body is not JSON, or not of the types that the server expects."""


def decode_body(body: bytes, shape: Struct) -> dict[str, Any]:
    """Return the members that are present and not null, under their proper names. Raises BadJSONError."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadJSONError("not JSON") from error
    if value is None:
        return {}
    decoded = _decode(value, shape)
    assert isinstance(decoded, dict)  # a Struct decodes to nothing else
    return decoded


def compact(value: Any, shape: Shape) -> Any:
    """Return `value` as an answer shows it: a struct without its zero members."""
    if isinstance(shape, Struct):
        shown = {}
        for name, member in shape.members.items():
            part = compact(value[name], member) if value.get(name) is not None else None
            if part in (None, "", 0, [], {}):  # False equals 0
                if name not in shape.always:
                    continue
                part = zero(member) if part is None else part
            shown[name] = part
        return shown
    if isinstance(shape, ListOf) and value is not None:
        return [compact(item, shape.item) for item in value]
    if isinstance(shape, MapOf) and value is not None:
        return {key: compact(item, shape.item) for key, item in value.items()}
    return value


def zero(shape: Shape) -> Any:
    """Return Go's zero value, as its JSON shows it."""
    match shape:
        case Struct():
            return {}
        case Scalar.TEXT:
            return ""
        case Scalar.INT:
            return 0
        case Scalar.BOOL:
            return False
        case _:
            return None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _decode(value: Any, shape: Shape) -> Any:
    match shape:
        case Struct():
            return _decode_struct(value, shape)
        case ListOf():
            if not isinstance(value, list):
                raise BadJSONError("expected an array")
            return [zero(shape.item) if item is None else _decode(item, shape.item) for item in value]
        case MapOf():
            if not isinstance(value, dict):
                raise BadJSONError("expected an object")
            return {k: zero(shape.item) if v is None else _decode(v, shape.item) for k, v in value.items()}
        case Scalar.ANY:
            return value
        case Scalar.TIME:
            if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
                raise BadJSONError("expected an RFC 3339 time")
            return value
        case Scalar.TEXT | Scalar.BOOL | Scalar.INT:
            wanted = {Scalar.TEXT: str, Scalar.BOOL: bool, Scalar.INT: int}[shape]
            if type(value) is not wanted:
                raise BadJSONError(f"expected {shape.value}")
            return value


def _decode_struct(value: Any, shape: Struct) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadJSONError("expected an object")
    folded = {name.lower(): name for name in shape.members}
    decoded: dict[str, Any] = {}
    for key, item in value.items():
        name = key if key in shape.members else folded.get(key.lower())
        if name is not None and item is not None:
            decoded[name] = _decode(item, shape.members[name])
    return decoded
