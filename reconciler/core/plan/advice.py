"""Tries a line of a definition before anybody is told to write it: on the kind in memory. Pure.

A line is worth giving when the definition with it passes the same checks as before and the object then counts as kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.core.compare.diff import differences
from reconciler.core.compare.normalize import shape
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.checks.definitions import CHECKS
from reconciler.core.kinds.checks.finding import Bound
from reconciler.core.kinds.fields import read_fields
from reconciler.core.kinds.kind_checks import Written, check_consistency, check_kind_schema
from reconciler.core.model import Document, Json, JsonObject, LiveObject, Severity
from reconciler.core.plan.considered import Considered
from reconciler.core.pointer import Path, starts_with


class Line(NamedTuple):
    """One line of a definition: a keyword of a field's schema, and its value."""

    keyword: str
    value: Json

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, list):
            return f"{self.keyword}: [{', '.join(map(_plain, value))}]"
        return (
            f"{self.keyword}: {_plain(value) if _reads_plain(self.keyword) else json.dumps(value, ensure_ascii=False)}"
        )


def _plain(value: Json) -> str:
    is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w.-]*", value) is not None
    return str(value) if is_word else json.dumps(value, ensure_ascii=False)


def _reads_plain(keyword: str) -> bool:
    return keyword in ("x-form", "x-list", "x-map", "x-name", "x-key")


def ends_difference(considered: Considered, live: LiveObject, place: Path, line: Line, at: Path) -> bool:
    """Tell whether `line` at `place` of the definition makes `live` count as kept `at` a field, and breaks nothing."""
    kind = considered.kind
    changed = _with(kind, place, line)
    if changed is None or not set(_objections(changed)) <= set(_objections(kind)):
        return False
    shaped = {**{n: live.spec[n] for n in kind.scope if n in live.spec}, **_shaped(changed, live)}
    after = _different(replace(considered, kind=changed), replace(live, spec=shaped))
    before = _different(considered, live)
    return not any(starts_with(path, at) for path in after) and after <= before


def _shaped(kind: Kind, live: LiveObject) -> JsonObject:
    found = shape(kind.fields, live.body)
    return found if isinstance(found, dict) else {}


def _different(considered: Considered, live: LiveObject) -> set[Path]:
    comparison = considered.compared_with(live)
    return set() if comparison.equal else {one.path for one in differences(comparison.live, comparison.desired)}


def _with(kind: Kind, place: Path, line: Line) -> Kind | None:
    """Return the kind with `line` at `place`, None where something else is there already that says otherwise."""
    schema = _put(kind.definition.schema_, place, line)
    if schema is None:
        return None
    fields = read_fields(schema)
    return replace(
        kind,
        definition=kind.definition.model_copy(update={"schema_": schema}),
        fields=fields,
        key_fields=tuple((name, fields.child(name)) for name in kind.key),
    )


def _put(schema: Any, place: Path, line: Line) -> Any:
    if not isinstance(schema, dict):
        return None
    if not place:
        return {**schema, line.keyword: line.value}
    inner = _put(schema.get(str(place[0]), {}), place[1:], line)
    return None if inner is None else {**schema, str(place[0]): inner}


def _objections(kind: Kind) -> Iterator[str]:
    """Yield the mistakes that `kinds check` finds in a kind, other kinds aside: those are not at hand."""
    source = kind.source
    document = Document(data={}, source=source, locate=lambda path, key=False: source)
    written = Written(document=document, parameters=kind.parameters)
    definition = kind.definition
    found = [one.message for one in check_kind_schema(definition.schema_, written)]
    yield from found
    if found:
        return
    yield from (one.message for one in check_consistency(definition, kind.system, kind.fields, written))
    bound = Bound(definition=definition, system=kind.system, fields=kind.fields, parameters=kind.parameters)
    for check in CHECKS:
        yield from (one.message for one in check(bound) if one.severity is Severity.ERROR)
