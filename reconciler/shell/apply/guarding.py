"""The guard right before a write: a managed field that moved since the plan stops the change. Reads, writes nothing."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.diff import field_changes
from reconciler.core.model import LiveObject, Status
from reconciler.core.normalize import strictly_equal
from reconciler.core.pointer import format_pointer
from reconciler.shell.apply.work import Stop, Work


def refuse_if_moved(work: Work, planned: LiveObject, fresh: LiveObject) -> None:
    """Raise Stop with a conflict when a managed field is no longer what the plan was made on."""
    before, now = work.considered.compared_with(planned), work.considered.compared_with(fresh)
    if strictly_equal(before.live, now.live):
        return
    moved = field_changes(replace(now, desired=now.live, live=before.live), stated={}, hidden=work.considered.hides)
    names = ", ".join(format_pointer(change.path) for change in moved)
    raise Stop(
        Status.CONFLICT,
        f"changed by somebody else since the plan: {names}",
        "plan again and look at the difference",
        moved,
    )


def appeared() -> Stop:
    """Return the conflict of a creation whose object is already there."""
    return Stop(
        Status.CONFLICT,
        "it has appeared on the server since the plan",
        "plan again: it will be compared instead of created",
    )


def gone() -> Stop:
    """Return the conflict of an update whose object is not there."""
    return Stop(Status.CONFLICT, "it has gone from the server since the plan", "plan again: it will be created")
