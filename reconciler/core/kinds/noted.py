"""Definitions with remarks: plain JSON in which a value may carry the comment that is written above it. Pure."""

from __future__ import annotations

from typing import Any

from reconciler.core.model import Json
from reconciler.core.records import dataclass

DECIDE = "DECIDE: "
"""How a comment starts that asks a person to decide."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A value of a mapping, and the comment above its key; each line of `note` becomes one line or more."""

    value: Json
    note: str


def decide(value: Json, question: str) -> Noted:
    """Return `value` with a comment that asks a person to decide; notes that it had come first."""
    return noted(value, DECIDE + question)


def noted(value: Json, note: str) -> Noted:
    """Return `value` with a comment; notes that it had come first."""
    if isinstance(value, Noted):
        return Noted(value.value, f"{value.note}\n{note}")
    return Noted(value, note)


def plain(value: Json) -> Any:
    """Return `value` without its comments, at any depth."""
    if isinstance(value, Noted):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def questions(value: Json) -> int:
    """Return how many decisions the comments in `value` ask for."""
    if isinstance(value, Noted):
        return sum(line.startswith(DECIDE) for line in value.note.splitlines()) + questions(value.value)
    if isinstance(value, dict):
        return sum(map(questions, value.values()))
    if isinstance(value, list):
        return sum(map(questions, value))
    return 0
