"""What the fields of a request may hold, as data, and the reading of a request by it. Pure.

Invariants: null counts as not sent, and what isn't known is ignored, at every depth (the Apinizer sheet has
both as [unknown]: this reading succeeds without effect); lists are whole values, their rows are completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as value_of
from typing import Any, Final, Literal, TypeAlias

from reconciler.sandbox.apinizer.answers import Edition, RefusedError

_INT32: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field.

    `default`: documented, None for none. `filled`: text may not be blank, a list not empty. `low`, `high`:
    of an integer, both included. `shortest`: characters of a text. `items`: of a list; `members`: of an
    object, any when there are none. `edition`: the only one that knows the field. `shown`: how it looks where
    settings can be read: as it is, encrypted, or only in the archive.
    """

    kind: Literal["integer", "boolean", "text", "list", "object"]
    default: Any = None
    required: bool = False
    filled: bool = False
    allowed: tuple[str, ...] = ()
    low: int = 0
    high: int = _INT32
    shortest: int = 0
    items: Field | None = None
    members: Mapping[str, Field] = value_of(default_factory=dict)
    edition: Edition | None = None
    shown: Literal["plain", "encrypted", "archive"] = "plain"


Fields: TypeAlias = Mapping[str, Field]


def integer(default: int | None = None, *, low: int = 0, high: int = _INT32) -> Field:
    """Describe a whole number; ranges are mostly [unknown], but none of these makes sense below zero."""
    return Field(kind="integer", default=default, low=low, high=high)


def boolean(default: bool | None = None) -> Field:
    """Describe true or false."""
    return Field(kind="boolean", default=default)


def text(default: str | None = None) -> Field:
    """Describe a text."""
    return Field(kind="text", default=default)


def one_of(*allowed: str, default: str | None = None) -> Field:
    """Describe one of some words, case-sensitive."""
    return Field(kind="text", allowed=allowed, default=default)


def list_of(items: Field, default: list[Any] | None = None) -> Field:
    """Describe a list."""
    return Field(kind="list", items=items, default=default)


def rows_of(default: list[Any] | None = None, **members: Field) -> Field:
    """Describe a list of objects."""
    return list_of(Field(kind="object", members=members), default)


def object_of(members: Fields) -> Field:
    """Describe an object; without members any object."""
    return Field(kind="object", members=members)


def required(field: Field) -> Field:
    """Describe a field that must be sent, a text not blank."""
    return replace(field, required=True, filled=field.filled or field.kind == "text")


def filled(field: Field) -> Field:
    """Describe a field that may be left out but not be sent blank or empty."""
    return replace(field, filled=True)


def defaults(fields: Fields, edition: Edition) -> dict[str, Any]:
    """Return the documented defaults, of fields that have one."""
    return {
        name: field.default
        for name, field in fields.items()
        if field.default is not None and field.edition in (None, edition)
    }


def complete(fields: Fields, sent: Mapping[str, Any], edition: Edition, path: str = "") -> dict[str, Any]:
    """Return what is recognised in a request, with defaults for what is left out. Raises: RefusedError."""
    return defaults(fields, edition) | recognised(fields, sent, edition, path)


def recognised(fields: Fields, sent: Mapping[str, Any], edition: Edition, path: str = "") -> dict[str, Any]:
    """Return what is recognised in a request, checked. `path` leads to `sent`, for the refusal.

    Raises: RefusedError.
    """
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if field.edition not in (None, edition):
            continue
        value = sent.get(name)
        if value is not None:
            found[name] = _read(field, value, edition, path + name)
        elif field.required:
            raise empty(path + name)
    return found


def empty(where: str) -> RefusedError:
    """Return the refusal of a field that had to be filled."""
    return RefusedError("validation_failed", f"{where} value can not be empty!", where)


def _read(field: Field, value: Any, edition: Edition, where: str) -> Any:
    match field.kind:
        case "boolean":
            _demand(isinstance(value, bool), where, "a boolean")
        case "integer":
            words = "a non-negative integer" if (field.low, field.high) == (0, _INT32) else "an integer"
            _demand(type(value) is int, where, words)
            _demand(field.low <= value <= field.high, where, f"{words} from {field.low} to {field.high}")
        case "text":
            _read_text(field, value, where)
        case "object":
            _demand(isinstance(value, dict), where, "an object")
            return complete(field.members, value, edition, f"{where}.") if field.members else value
        case "list":
            _demand(isinstance(value, list), where, "a list")
            if field.filled and not value:
                raise empty(where)
            item = field.items
            if item is not None:
                return [_read(item, each, edition, f"{where}[{index}]") for index, each in enumerate(value)]
    return value


def _read_text(field: Field, value: Any, where: str) -> None:
    _demand(isinstance(value, str), where, "a string")
    if field.filled and not value.strip():
        raise empty(where)
    if field.allowed:
        _demand(value in field.allowed, where, f"one of {', '.join(field.allowed)}")
    _demand(len(value) >= field.shortest, where, f"at least {field.shortest} characters long")


def _demand(fulfilled: bool, where: str, words: str) -> None:
    if not fulfilled:
        raise RefusedError("validation_failed", f"{where} must be {words}", where)
