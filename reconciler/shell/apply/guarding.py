"""The guards of a write: what moved since the plan stops the change, and is shown from all three sides.

Reads: the object once more when the server itself refused. Writes: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.canonical import strictly_equal
from reconciler.core.errors import ApiError, DoubtfulList
from reconciler.core.kinds.definition import Call
from reconciler.core.model import LiveObject
from reconciler.core.plan.moved import moved_fields
from reconciler.core.pointer import format_pointer, starts_with
from reconciler.core.report import Moved, Status
from reconciler.core.wire.guards import guards_moved
from reconciler.shell.apply.work import Refusal, Stop, Work
from reconciler.shell.live.beyond import by_id

TRIES = 3  # writes over a fresh read each, while only unmanaged fields move


def refuse_if_moved(work: Work, planned: LiveObject, fresh: LiveObject) -> None:
    """Raise Stop with a conflict when a managed field is no longer what the plan was made on."""
    moved = moved_fields(work.considered, planned, fresh)
    if work.change.taken_with is not None:
        # The server may have emptied what referred to the object that went: that is what is changed here.
        due = [field.path for field in work.change.fields if not field.known]
        moved = tuple(one for one in moved if not any(starts_with(one.path, path) for path in due))
    if moved and _is_poorer_list(work, planned, moved):
        names = ", ".join(format_pointer(one.path) for one in moved)
        raise Stop(
            Status.CONFLICT,
            f"the list showed nothing at {names}, where the object itself holds something",
            "plan again; if it repeats, the list shows less than the object: the kind needs `itemsAre: summaries` in "
            "read.list",
            moved=moved,
        )
    if moved:
        raise _changed(moved)


def _is_poorer_list(work: Work, planned: LiveObject, moved: tuple[Moved, ...]) -> bool:
    """Tell whether it looks as if nobody moved anything, and the plan rests on a list that leaves fields out."""
    read = work.kind.definition.read
    if read.get is None or all(call.items_are != "objects" for call in read.lists):
        return False
    return all(one.path[0] not in planned.spec for one in moved)


def fresh_after(refusal: Refusal, work: Work, live: LiveObject, calls: Sequence[Call]) -> LiveObject:
    """Return the object as it is after the server refused a write over `live`, when the write can be made over that.

    It can when the server's own guard, ETag, version or another value that `calls` send back, moved and no managed
    field did. Raises Stop otherwise, with
    what moved; the refusal itself when nothing seems to have moved.
    """
    if work.kind.unreadable:
        raise refusal
    try:
        fresh = work.reader.read_one(work.kind, work.considered.spec, live.id)
    except ApiError:
        raise refusal from None
    if fresh is None:
        raise gone() from None
    moved = moved_fields(work.considered, live, fresh)
    if moved:
        raise _changed(moved, f"; {refusal.detail}") from None
    if not guards_moved(work.kind, live, fresh, calls):
        raise refusal
    return fresh


def _changed(moved: tuple[Moved, ...], said: str = "") -> Stop:
    names = ", ".join(format_pointer(one.path) for one in moved)
    detail = f"changed by somebody else since the plan: {names}{said}"
    return Stop(Status.CONFLICT, detail, "plan again and look at the difference", moved=moved)


def appeared(work: Work, live: LiveObject, said: str = "") -> Stop:
    """Return the conflict of a creation whose object is already there, with what of it is not as wanted."""
    moved = moved_fields(work.considered, None, live)
    return Stop(
        Status.CONFLICT,
        f"it has appeared on the server since the plan{said}",
        "plan again: it will be compared instead of created",
        moved=tuple(one for one in moved if not strictly_equal(one.now, one.wanted) or one.sensitive),
    )


def refuse_if_there(work: Work) -> None:
    """Raise Stop when what is to be created is there, or when nobody knows whether it is."""
    kind, spec, address = work.kind, work.considered.spec, work.change.address
    try:
        there = work.reader.read_one(kind, spec, None, since=work.ready)
    except DoubtfulList as error:
        remembered = work.reader.remote_ids.get(address)
        place = work.reader.places.get(address, {})
        if remembered is None or not by_id(work.reader, kind, spec, remembered, place).absent:
            raise Stop(Status.CONFLICT, f"nothing was sent: {error.message}", error.hint) from None
        return
    if there is not None:
        raise appeared(work, there)


def gone() -> Stop:
    """Return the conflict of an update whose object is not there."""
    return Stop(Status.CONFLICT, "it has gone from the server since the plan", "plan again: it will be created")
