"""One change carried out: read again, checked, sent, judged, read back and compared.

Reads and writes: one live system, through the functions of the work.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.errors import ApiError
from reconciler.core.kinds.catalog import replaced_by
from reconciler.core.kinds.definition import WriteCall
from reconciler.core.model import Action, LiveObject, Response
from reconciler.core.report import Status
from reconciler.core.wire.answers import answered_id, live_object
from reconciler.core.wire.guards import guards_missing
from reconciler.core.wire.requests import Subject
from reconciler.shell.apply.guarding import TRIES, appeared, fresh_after, gone, refuse_if_moved, refuse_if_there
from reconciler.shell.apply.half_done import what_was_done
from reconciler.shell.apply.inside import write_inside
from reconciler.shell.apply.truth import read_back, verified
from reconciler.shell.apply.work import HalfDone, Refusal, Stop, Work
from reconciler.shell.apply.writing import Answer, carried_by, fields_of, object_in, request_for, write_and_wait


def perform(work: Work) -> LiveObject:
    """Carry out the change and return the object as it is then. Raises Stop, or ApiError before any write."""
    if work.change.action is Action.REPLACE:  # of the old object another change takes care
        work = replace(work, change=replace(work.change, action=Action.CREATE, live=None))
    if work.change.taken_with is not None:
        there = _looked_at_again(work)
        if there is None:
            work = replace(work, change=replace(work.change, action=Action.CREATE, live=None))
        elif not work.change.fields:
            return there
    try:
        return _carry_out(work)
    except HalfDone as error:
        raise what_was_done(work, error) from None


def _carry_out(work: Work) -> LiveObject:
    inside = work.kind.definition.write.inside
    match work.change.action:
        case Action.CREATE | Action.UPDATE if inside is not None:
            return write_inside(work, inside)
        case Action.CREATE:
            return _create(work)
        case Action.UPDATE:
            return _update(work)
        case _:
            raise Stop(Status.FAILED, f"{work.change.action.value} cannot be carried out")


def _looked_at_again(work: Work) -> LiveObject | None:
    """Return the object as it is once another one was deleted; None when the server took it along.

    Raises Stop when nothing was to be changed in it, and something is to be changed now.
    """
    planned = work.change.live
    assert planned is not None
    there = work.reader.read_one(work.kind, work.considered.spec, planned.id)
    outstanding = frozenset() if there is None or work.change.fields else work.outstanding(there)
    if outstanding:
        names = ", ".join(f"/{name}" for name in sorted(outstanding))
        detail = f"it stayed when the old {work.change.taken_with} went, and is no longer as declared: {names}"
        raise Stop(Status.CONFLICT, detail, "plan again: it is changed then")
    return there


# --------------------------------------------------------------------------- create


def _create(work: Work) -> LiveObject:
    kind, spec = work.kind, work.considered.spec
    refuse_if_there(work)
    call = kind.definition.write.create
    assert call is not None
    request = request_for(work, call, None, frozenset(spec), creating=True)
    assert request is not None
    try:
        answer = write_and_wait(work, call, request, None)
    except Refusal as refusal:
        answer = _refused_create(work, call, refusal)
    work.carried.update(carried_by(work, call, None, frozenset(spec)))
    if kind.unreadable and answer.response is None:
        raise _in_doubt(answer.lost, "look for the object in the system itself; a second create would make another one")
    live = None if answer.response is None else _created(work, call, answer.response)
    if live is None:
        live = read_back(work, None, lost=answer.lost)
    work.reader.note(kind, live)
    work.on_created(live)
    later = frozenset(n for n, f in kind.fields.properties.items() if f.update_only and n in spec)
    outstanding = later & work.outstanding(live)
    answered = answer.response is not None
    return send_updates(work, live, outstanding, answered=answered) if outstanding else verified(work, live, None)


def _refused_create(work: Work, call: WriteCall, refusal: Refusal) -> Answer:
    """Return what a refused create amounts to when it was a repeat of one that succeeded. Raises Stop otherwise."""
    if work.kind.unreadable:
        raise refusal
    try:
        there = work.reader.read_one(work.kind, work.considered.spec, None)
    except ApiError:
        raise refusal from None
    if there is None:
        raise refusal
    if call.idempotency_key is not None and not work.outstanding(there):
        return Answer(response=None, lost=refusal.detail)
    raise appeared(work, there, f"; {refusal.detail}") from None


def _created(work: Work, call: WriteCall, response: Response) -> LiveObject | None:
    """Return the object from the answer, or read it by the id in the answer; None when neither is to be had.

    An object that nobody can read is there when the server says so. Raises Stop when nothing tells its id then.
    """
    live = object_in(work, call, response)
    if live is not None:
        return live
    kind, spec = work.kind, work.considered.spec
    remote_id = answered_id(kind, call, response, spec)
    if not kind.unreadable:
        return None if remote_id is None else read_back(work, remote_id)
    if remote_id is None:
        raise Stop(
            Status.FAILED,
            "the server reported success, but nothing tells the id of the new object",
            "make identity.id of the kind a template of its fields, or state idAt of its create",
        )
    return LiveObject(id=remote_id, body={}, spec={name: spec[name] for name in kind.scope if name in spec})


# --------------------------------------------------------------------------- update


def _update(work: Work) -> LiveObject:
    planned = work.change.live
    if planned is None:
        return _update_new_singleton(work)
    fresh: LiveObject | None = planned
    if work.considered.readable:
        fresh = work.reader.read_one(work.kind, work.considered.spec, planned.id, since=work.ready)
        if fresh is None:
            raise gone()
        refuse_if_moved(work, planned, fresh)
    assert fresh is not None
    return send_updates(work, fresh, frozenset(str(f.path[0]) for f in work.change.fields))


def _update_new_singleton(work: Work) -> LiveObject:
    """Update an object that has come into being together with its parent, in this run."""
    kind, spec = work.kind, work.considered.spec
    if kind.unreadable:
        subject = Subject(spec=spec)
        return send_updates(work, live_object(kind, {}, subject), frozenset(spec) - set(kind.scope))
    fresh = work.reader.read_one(kind, spec, None)
    if fresh is None:
        raise Stop(
            Status.FAILED,
            "it is not there although its parent is",
            "plan again; if this repeats, it is no singleton, and the kind needs write.create",
        )
    return send_updates(work, fresh, work.outstanding(fresh))


def send_updates(work: Work, live: LiveObject, changed: frozenset[str], *, answered: bool = False) -> LiveObject:
    """Send each update that some of the `changed` fields are for, and return the object once it holds what was asked.

    `answered` tells that `live` is the answer of a write, which may show less than reading does.
    Raises Stop and ApiError, which say what had been written before.
    """
    before, written, kept = live, frozenset[str](), frozenset[str]()
    several = len(work.kind.definition.write.update) > 1
    for call in work.kind.definition.write.update:
        fields = fields_of(work, call, live, changed)
        try:
            if fields and (written or answered) and replaced_by(work.kind.definition, call) == "object":
                live = _read_whole(work, live, written)
            if fields and work.considered.readable:
                live = _with_etag(work, live) if written or work.change.action is Action.CREATE else live
                work.unguarded.update(guards_missing(work.kind, live, [call]))
            live = _send_update(work, call, live, changed)
        except Stop as stop:
            stop.detail += _written_before(written)
            raise
        except ApiError as error:
            error.message += _written_before(written)
            raise
        written |= fields
        kept |= fields - work.outstanding(live) if several else frozenset()
    return verified(work, live, before, kept)


def _with_etag(work: Work, live: LiveObject) -> LiveObject:
    """Return the object with an ETag for its next write, read again where the answer to the last one had none."""
    definition = work.kind.definition
    if live.etag is not None or not definition.guard.if_match or definition.read.get is None:
        return live
    fresh = work.reader.read_one(work.kind, work.considered.spec, live.id)
    if fresh is None:
        raise gone()
    refuse_if_moved(work, live, fresh)
    return fresh


def _read_whole(work: Work, live: LiveObject, written: frozenset[str]) -> LiveObject:
    """Return the object as reading shows it: what an answer leaves out, a full replacement would take away."""
    return live if work.kind.unreadable else read_back(work, live.id, sent=written)


def _written_before(fields: frozenset[str]) -> str:
    return f"; written before that: {', '.join(f'/{name}' for name in sorted(fields))}" if fields else ""


def _send_update(work: Work, call: WriteCall, live: LiveObject, changed: frozenset[str]) -> LiveObject:
    """Send what `call` has to send, over `live` or what took its place meanwhile, and return the object after it."""
    for tries_left in reversed(range(TRIES)):
        request = request_for(work, call, live, changed, creating=False)
        if request is None:
            return live
        try:
            answer = write_and_wait(work, call, request, live)
            break
        except Refusal as refusal:
            live = fresh_after(refusal, work, live, [call])
            if not tries_left:
                raise
    work.carried.update(carried_by(work, call, live, changed))
    answered = object_in(work, call, answer.response)
    if answered is not None:
        return answered
    if not work.kind.unreadable:
        return read_back(work, live.id, lost=answer.lost, sent=fields_of(work, call, live, changed), before=live)
    if answer.lost:
        raise _in_doubt(answer.lost, "look at the object in the system itself, then apply again: the write is repeated")
    return live


def _in_doubt(lost: str, hint: str) -> Stop:
    return Stop(Status.IN_DOUBT, f"{lost}; the object cannot be read", hint)
