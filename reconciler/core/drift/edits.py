"""Edits of a document: what is put, added or taken away at which place, counted in the document as it was. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, Path
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit. With `adds`, the value becomes a new member, or a new item before the one of that index."""

    place: Path
    value: Any = MISSING  # MISSING: what stands there is taken away
    adds: bool = False

    @property
    def removes(self) -> bool:
        return self.value is MISSING


def edited(value: Json, edits: Sequence[Edit]) -> Json:
    """Return a copy of `value` with all edits made; no edit stands below another one."""
    for edit in edits:
        if not edit.place:
            return edit.value
    if not edits:
        return value
    if isinstance(value, dict):
        return _edited_members(value, edits)
    return _edited_items(value, edits)


def _below(edits: Sequence[Edit], step: str | int) -> list[Edit]:
    """Return the edits at or below a member or item, seen from there; not those that add something beside it."""
    return [
        replace(edit, place=edit.place[1:])
        for edit in edits
        if edit.place[0] == step and not (edit.adds and len(edit.place) == 1)
    ]


def _added(edits: Sequence[Edit]) -> list[Edit]:
    return [edit for edit in edits if edit.adds and len(edit.place) == 1]


def _is_removed(edits: Sequence[Edit]) -> bool:
    return any(not edit.place and edit.removes for edit in edits)


def _edited_members(value: dict[str, Json], edits: Sequence[Edit]) -> dict[str, Json]:
    result = {}
    for name, item in value.items():
        below = _below(edits, name)
        if not _is_removed(below):
            result[name] = edited(item, below)
    return result | {str(edit.place[0]): edit.value for edit in _added(edits)}


def _edited_items(value: list[Json], edits: Sequence[Edit]) -> list[Json]:
    result = []
    for index in range(len(value) + 1):
        result += [edit.value for edit in _added(edits) if edit.place[0] == index]
        if index < len(value) and not _is_removed(below := _below(edits, index)):
            result.append(edited(value[index], below))
    return result


def field_of(edit: Edit) -> Path:
    """Return the field that an edit is about, where a list counts as one."""
    inside = next((n for n, step in enumerate(edit.place) if isinstance(step, int)), len(edit.place))
    return edit.place[:inside]
