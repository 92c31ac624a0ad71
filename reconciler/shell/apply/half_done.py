"""A write that was refused after a part of it may have been done: read back, and told what changed.

Reads: one live system, through the functions of the work. Writes: nothing.
"""

from __future__ import annotations

from reconciler.core.errors import ApiError
from reconciler.core.model import LiveObject
from reconciler.core.plan.moved import moved_fields
from reconciler.core.plan.next_steps import step_after
from reconciler.core.pointer import format_pointer
from reconciler.core.report import Moved, Status
from reconciler.core.wire.answers import AnswerError
from reconciler.shell.apply.truth import FIRST_PAUSE_S, LONGEST_PAUSE_S
from reconciler.shell.apply.work import HalfDone, Stop, Work


def what_was_done(work: Work, error: HalfDone) -> Stop:
    """Return the failure of a create or update with what reading shows of it."""
    hint = step_after(error, work.change, work.kind)
    detail, moved = error.message, tuple[Moved, ...]()
    if not work.kind.unreadable:
        try:
            now = _changed(work)
        except (ApiError, AnswerError) as trouble:
            said = f"a part of it may have been done, and reading back failed: {trouble}"
        else:
            said, moved = _told(work, now)
        detail += f"; {said}"
    return Stop(Status.FAILED, detail, hint, moved=moved, fields=error.fields)


def _changed(work: Work) -> LiveObject | None:
    """Return the object as it is as soon as it is no longer as it was before, or once the kind's patience ends."""
    before = work.change.live
    deadline, pause = work.clock() + work.kind.definition.read.settle_seconds, FIRST_PAUSE_S
    while True:
        now = work.reader.read_one(work.kind, work.considered.spec, None if before is None else before.id)
        same = before is None if now is None else before is not None and not moved_fields(work.considered, before, now)
        if not same or work.clock() >= deadline:
            return now
        work.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _told(work: Work, now: LiveObject | None) -> tuple[str, tuple[Moved, ...]]:
    before = work.change.live
    if before is None:
        if now is None:
            return "reading shows that nothing was created", ()
        work.on_created(now)  # ours, whatever the server says of it
        names = ", ".join(f"/{name}" for name in sorted(work.outstanding(now)))
        as_asked = f"not as asked: {names}" if names else "as asked"
        return f"reading shows that it was created all the same, {as_asked}", ()
    if now is None:
        return "reading shows that it is gone", ()
    moved = moved_fields(work.considered, before, now)
    if not moved:
        return "reading shows that nothing was changed", ()
    return f"reading shows what was changed all the same: {', '.join(format_pointer(o.path) for o in moved)}", moved
