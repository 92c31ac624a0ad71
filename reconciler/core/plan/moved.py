"""What moved between the plan and the write, with all three sides: planned on, now, wanted. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.diff import field_changes, redact
from reconciler.core.compare.normalize import decode
from reconciler.core.model import LiveObject, Operation
from reconciler.core.plan.considered import Considered
from reconciler.core.pointer import MISSING, Path, get
from reconciler.core.report import Moved


def moved_fields(considered: Considered, planned: LiveObject | None, now: LiveObject) -> tuple[Moved, ...]:
    """Return the managed fields that differ between the object `planned` on (None: there was none) and `now`."""
    before, after = considered.compared_with(planned), considered.compared_with(now)
    if strictly_equal(before.live, after.live):
        return ()
    hides = considered.hides
    between = replace(after, desired=after.live, live=before.live)
    return tuple(
        Moved(
            path=change.path,
            planned=MISSING if change.operation is Operation.ADD else change.before,
            now=MISSING if change.operation is Operation.REMOVE else change.after,
            wanted=_redacted(get(after.desired, change.path), change.path, considered),
            sensitive=change.sensitive or hides(change.path),
        )
        for change in field_changes(between, stated={}, hidden=hides)
    )


def _redacted(value: Any, path: Path, considered: Considered) -> Any:
    if value is MISSING:
        return MISSING
    return redact(decode(considered.kind.fields.at(path), value), path, considered.hides)
