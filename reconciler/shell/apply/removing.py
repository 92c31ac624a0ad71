"""One object taken away: read again, compared, deleted or switched off, and seen to be gone.

Reads and writes: one live system, through the functions of the work.

A delete is sent once. When its answer is lost, reading tells: what is not there any more was deleted.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.departure import Way
from reconciler.core.errors import ApiError
from reconciler.core.kinds.definition import Inside
from reconciler.core.model import Action, LiveObject
from reconciler.core.plan.remnant import untouchable
from reconciler.core.plan.removal.leaving import disabled_fields, disabling
from reconciler.core.report import Status
from reconciler.core.wire.answers import NothingFound
from reconciler.core.wire.documents import document_unguarded, document_without, read_document
from reconciler.core.wire.guards import guards_missing, uncompressed
from reconciler.core.wire.requests import Subject, call_request, context, removal_request
from reconciler.shell.apply.attempt import send_updates
from reconciler.shell.apply.guarding import refuse_if_moved
from reconciler.shell.apply.truth import FIRST_PAUSE_S, LONGEST_PAUSE_S, MIN_LOOKS
from reconciler.shell.apply.work import HalfDone, Stop, Work
from reconciler.shell.apply.writing import wait_until_done, write

GONE_ALREADY = "it was gone already"


def remove(work: Work) -> str:
    """Take the object of a delete away, as its plan says, and return what there is to say about it.

    One that is gone already counts as done. Raises Stop, or ApiError when the server refused it.
    """
    departure = work.change.departure
    assert departure is not None
    inside = work.kind.definition.write.inside
    delete = work.kind.definition.write.delete
    match departure.way:
        case Way.FORGET | Way.GONE:
            return "only the record goes"
        case Way.DISABLE:
            return _disable(work)
        case Way.DELETE if inside is not None and (delete is None or delete.call is None):
            return _remove_inside(work, inside)
        case Way.DELETE:
            return _delete(work)


def _read_again(work: Work) -> LiveObject | None:
    """Return the object as it is now, or None when it is gone. Raises Stop when it moved, or is not ours to delete."""
    planned = work.change.live
    assert planned is not None
    fresh = work.reader.read_one(work.kind, work.considered.spec, planned.id, since=work.ready)
    if fresh is not None:
        _guard(work, planned, fresh)
    return fresh


def _guard(work: Work, planned: LiveObject, fresh: LiveObject) -> None:
    refuse_if_moved(work, planned, fresh)
    reason = untouchable(work.kind, fresh.body)
    if reason:
        raise Stop(Status.CONFLICT, f"not deleted: {reason}", "plan again")


def _delete(work: Work) -> str:
    kind = work.kind
    delete = kind.definition.write.delete
    assert delete is not None
    assert delete.call is not None
    live = None
    if not kind.unreadable:
        live = _read_again(work)
        if live is None:
            return GONE_ALREADY
    subject = Subject(
        spec=work.considered.spec, id=None if live is None else live.id, live=live, hides=work.considered.hides
    )
    if live is not None:
        work.unguarded.update(guards_missing(kind, live, [delete.call]))
    try:
        answer = write(work, delete.call, removal_request(kind, delete.call, subject), absent_ok=True)
    except HalfDone as error:
        if live is not None:
            there = _is_there(work, live.id, error.message)
            error.message += f"; reading shows that it is {'still there' if there else 'gone'}"
        raise
    if answer.response is not None and delete.wait is not None:
        wait_until_done(work, delete.wait, answer.response, live)
    _see_it_gone(work, live, answer.lost)
    return ""


def _see_it_gone(work: Work, live: LiveObject | None, lost: str) -> None:
    """Read until the object is not there any more, or the kind's patience ends. Raises Stop when it stays."""
    kind = work.kind
    delete = kind.definition.write.delete
    if not lost and delete is not None and delete.proof == "answer":
        return
    if live is None or kind.definition.identity.singleton:  # nothing to see, or there again with its parent's defaults
        if lost:
            hint = "look at the object in the system itself, then apply again"
            raise Stop(Status.IN_DOUBT, f"{lost}; reading cannot tell whether it was deleted", hint)
        return
    deadline = work.clock() + kind.definition.read.settle_seconds
    pause, looks = FIRST_PAUSE_S, 0
    while _is_there(work, live.id, lost):
        looks += 1
        if work.clock() >= deadline and looks >= (MIN_LOOKS if lost else 1):
            if lost:
                raise Stop(Status.FAILED, f"{lost}; reading shows that it is still there", "apply again")
            raise Stop(
                Status.FAILED,
                "the server reported success, but the object is still there",
                "plan again; if this repeats, describe in the kind how it goes: read.gone where deleted objects are "
                "still shown, settleSeconds or write.delete.wait where it takes time",
            )
        work.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _is_there(work: Work, remote_id: str, lost: str) -> bool:
    try:
        return work.reader.read_one(work.kind, work.considered.spec, remote_id) is not None
    except NothingFound:
        return False
    except ApiError as error:
        raise Stop(
            Status.IN_DOUBT,
            f"{lost or 'the delete was accepted'}; reading back failed: {error.message}",
            "plan again when the system can be read: what is gone counts as done",
        ) from None


def _disable(work: Work) -> str:
    """Switch the object off by an update, in place of deleting it."""
    live = _read_again(work)
    if live is None:
        return GONE_ALREADY
    change = replace(work.change, action=Action.UPDATE)
    update = replace(work, change=change, considered=disabling(work.change, work.kind))
    send_updates(update, live, disabled_fields(work.kind))
    return "switched off"


def _remove_inside(work: Work, inside: Inside) -> str:
    """Take the object out of the document that it stands in, and write the document back."""
    kind, planned = work.kind, work.change.live
    assert planned is not None
    subject = Subject(spec=work.considered.spec, id=planned.id, hides=work.considered.hides)
    values = context(kind, subject)
    reading = call_request(kind, inside.read, values)
    # Others of this run may be about to write the same document: one after the other, each on a fresh read.
    with work.locks.of(reading.identity):
        response = work.reader.ask(kind, inside.read, uncompressed(kind, reading), absent_ok=True)
        if response is None:
            return GONE_ALREADY  # the document, and with it everything in it
        document = read_document(kind, inside, response, subject)
        mine = document.with_id(planned.id)
        if mine is None:
            return GONE_ALREADY
        _guard(work, planned, mine)
        work.unguarded.update(document_unguarded(kind, document))
        answer = write(work, inside.write, document_without(kind, inside, document, mine, values))
    _see_it_gone(work, planned, answer.lost)
    return ""
