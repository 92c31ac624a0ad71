"""Checks of single fields: type, range, null; and the refusal of fields that nobody may send. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.sandbox.galtea.state import ProblemError


@dataclass(frozen=True, slots=True)
class Field:
    """What a field accepts, in a test and in words."""

    accepts: Callable[[Any], bool]
    words: str
    nullable: bool = False


def check_fields(body: Mapping[str, Any], fields: Mapping[str, Field], fixed: frozenset[str]) -> None:
    """Check every member of a request. Raises ProblemError (400).

    Members in `fixed` exist but may not be sent here; others that are not in `fields` are unknown. A sibling
    route is known to refuse both (end of section 3); taken for these routes, too (open question 4).
    """
    for name, value in body.items():
        if name in fixed:
            raise ProblemError(400, f"Field '{name}' is immutable or read-only and cannot be sent")
        field = fields.get(name)
        if field is None:
            raise ProblemError(400, f"Unknown field '{name}'. Accepted fields: {', '.join(sorted(fields))}")
        if value is None:
            if not field.nullable:
                raise ProblemError(400, f"Field '{name}' must not be null")
        elif not field.accepts(value):
            raise ProblemError(400, f"Field '{name}' must be {field.words}")


def require(body: Mapping[str, Any], *names: str) -> None:
    """Refuse a body that lacks one of `names`. Raises ProblemError (400)."""
    for name in names:
        if name not in body:
            raise ProblemError(400, f"Field '{name}' is required")


def text(*, nullable: bool = False, blank: bool = True) -> Field:
    """Accept text."""
    if blank:
        return Field(lambda value: isinstance(value, str), "a string", nullable)
    return Field(lambda value: isinstance(value, str) and bool(value.strip()), "a non-empty string", nullable)


def choice(*options: str, nullable: bool = False) -> Field:
    """Accept one of some words."""
    return Field(lambda value: value in options, f"one of {', '.join(options)}", nullable)


def integer(lowest: int, highest: int | None = None, *, nullable: bool = True) -> Field:
    """Accept a whole number within bounds, both included."""
    words = f"an integer of at least {lowest}" + (f" and at most {highest}" if highest is not None else "")
    return Field(lambda value: is_integer(value, lowest, highest), words, nullable)


def number(lowest: float, highest: float | None = None, *, nullable: bool = True) -> Field:
    """Accept any number within bounds, both included."""
    words = f"a number of at least {lowest}" + (f" and at most {highest}" if highest is not None else "")

    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return value >= lowest and (highest is None or value <= highest)

    return Field(accepts, words, nullable)


def boolean() -> Field:
    """Accept true and false."""
    return Field(lambda value: isinstance(value, bool), "a boolean")


def texts(*, nullable: bool = False) -> Field:
    """Accept a list of text."""
    return Field(
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
        "an array of strings",
        nullable,
    )


def text_map(*, nullable: bool = False) -> Field:
    """Accept an object whose members are all text."""
    return Field(
        lambda value: isinstance(value, dict) and all(isinstance(item, str) for item in value.values()),
        "an object of strings",
        nullable,
    )


def is_integer(value: Any, lowest: int, highest: int | None = None) -> bool:
    """Tell whether `value` is a whole number within bounds; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    return value >= lowest and (highest is None or value <= highest)
