"""Carries out a plan: each ready change is read again, checked, sent, judged, compared and recorded.

Reads and writes: the live systems, through the functions given. The only module that sends writes.

Nothing is decided here: a change whose managed fields moved since the plan is a conflict, and nothing is sent for
it. A write whose answer was lost is settled by reading; it is never sent a second time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from reconciler.core.definition import WriteCall
from reconciler.core.diff import field_changes
from reconciler.core.errors import ApiError, ErrorClass, ReconcilerError, TransportError
from reconciler.core.judge import Verdict, judge
from reconciler.core.kinds import Kind
from reconciler.core.model import (
    Action,
    Address,
    Change,
    FieldChange,
    LiveObject,
    Outcome,
    Plan,
    Request,
    Response,
    Send,
    Status,
)
from reconciler.core.normalize import strictly_equal
from reconciler.core.planning import Considered, Inputs, consider
from reconciler.core.pointer import format_pointer
from reconciler.core.references import Known
from reconciler.core.template import TemplateError
from reconciler.core.wire import (
    AnswerError,
    Subject,
    Writing,
    answered_id,
    answered_object,
    live_object,
    write_request,
)
from reconciler.shell.refresh import LiveReader

MIN_LOOKS = 3  # how often reads are tried at least before a lost answer counts as "not done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the executor is given: the doors to the outside, and the clock."""

    send: Send
    reader: LiveReader
    clock: Callable[[], float]  # seconds, monotonic
    sleep: Callable[[float], None]
    workers: int = 10
    on_outcome: Callable[[Outcome], None] = lambda outcome: None
    on_applied: Callable[[Considered, LiveObject], None] = lambda considered, live: None


@dataclass(slots=True)
class _Run:
    inputs: Inputs
    tools: Tools
    live: dict[Address, LiveObject]
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)


class _Stop(Exception):
    """Ends one change with an outcome."""

    def __init__(self, status: Status, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.hint = status, detail, hint


def execute(plan: Plan, inputs: Inputs, tools: Tools) -> tuple[Outcome, ...]:
    """Carry out `plan` and return one outcome for each of its changes, by address order.

    Ready changes run in parallel. The dependants of a change that did not succeed are skipped by name, the rest
    goes on. A KeyboardInterrupt lets what is in flight finish; everything else counts as skipped.
    """
    run = _Run(inputs=inputs, tools=tools, live=dict(inputs.live))
    outcomes: dict[Address, Outcome] = {}
    for change in plan.changes:
        if change.action is Action.UNCHANGED:
            outcomes[change.address] = _done_already(change, run)
    pending = {change.address: change for change in plan.pending}
    sorter = TopologicalSorter({a: [p for p in c.waits_for if p in pending] for a, c in pending.items()})
    sorter.prepare()
    running: dict[Future[Outcome], Address] = {}
    with ThreadPoolExecutor(max_workers=tools.workers, thread_name_prefix="apply") as pool:
        while sorter.is_active():
            try:
                for address in sorter.get_ready():
                    change = pending[address]
                    blocked = _blocked_by(change, outcomes)
                    if run.stopped.is_set() or blocked:
                        why = "interrupted before it began" if not blocked else f"because of {blocked}"
                        _settle(_outcome(change, Status.SKIPPED, why), outcomes, sorter, tools)
                        continue
                    running[pool.submit(_apply, change, run)] = address
                if not running:
                    continue
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    _settle(future.result(), outcomes, sorter, tools)
            except KeyboardInterrupt:
                if run.stopped.is_set():
                    raise
                run.stopped.set()
    return tuple(outcomes[address] for address in sorted(outcomes))


def _settle(
    outcome: Outcome, outcomes: dict[Address, Outcome], sorter: TopologicalSorter[Address], tools: Tools
) -> None:
    outcomes[outcome.address] = outcome
    tools.on_outcome(outcome)
    sorter.done(outcome.address)


def _blocked_by(change: Change, outcomes: Mapping[Address, Outcome]) -> str:
    failed = [a for a in sorted(change.waits_for) if a in outcomes and outcomes[a].status is not Status.APPLIED]
    return ", ".join(str(address) for address in failed)


def _outcome(change: Change, status: Status, detail: str = "", hint: str = "") -> Outcome:
    return Outcome(address=change.address, action=change.action, status=status, detail=detail, hint=hint)


def _done_already(change: Change, run: _Run) -> Outcome:
    if change.live is not None and not change.resource.lifecycle.lookup:
        known = Known(resources=run.inputs.resources, live=run.live)
        run.tools.on_applied(consider(change.address, run.inputs, known), change.live)
    return _outcome(change, Status.UNCHANGED)


# --------------------------------------------------------------------------- one change


def _apply(change: Change, run: _Run) -> Outcome:
    tools = run.tools
    started = tools.clock()
    count = _Counter(tools.send)
    moved: tuple[FieldChange, ...] = ()
    try:
        considered, live = _perform(change, run, count)
        with run.lock:
            run.live[change.address] = live
        tools.on_applied(considered, live)
        outcome = replace(_outcome(change, Status.APPLIED), remote_id=live.id)
    except _Conflict as conflict:
        moved = conflict.moved
        outcome = _outcome(change, Status.CONFLICT, conflict.detail, conflict.hint)
    except _Stop as stop:
        outcome = _outcome(change, stop.status, stop.detail, stop.hint)
    except ReconcilerError as error:
        outcome = _outcome(change, Status.FAILED, error.message, error.hint)
    except TemplateError as error:
        outcome = _outcome(change, Status.FAILED, str(error))
    wanted = change.fields if moved else ()
    return replace(outcome, moved=moved, wanted=wanted, requests=count.sent, seconds=tools.clock() - started)


class _Counter:
    """Counts what one change sends."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.sent = 0

    def __call__(self, request: Request) -> Response:
        self.sent += 1
        return self._send(request)


class _Conflict(_Stop):
    def __init__(self, detail: str, hint: str, moved: tuple[FieldChange, ...] = ()) -> None:
        super().__init__(Status.CONFLICT, detail, hint)
        self.moved = moved


def _perform(change: Change, run: _Run, send: Send) -> tuple[Considered, LiveObject]:
    with run.lock:
        known = Known(resources=run.inputs.resources, live=dict(run.live))
    considered = consider(change.address, run.inputs, known)
    if considered.unknown:
        places = ", ".join(sorted(format_pointer(path) for path in considered.unknown))
        raise _Stop(Status.FAILED, f"no value for the references at {places}")
    reader = replace(run.tools.reader, send=send)
    match change.action:
        case Action.CREATE:
            return considered, _create(considered, run, reader, send)
        case Action.UPDATE:
            return considered, _update(change, considered, run, reader, send)
        case _:
            raise _Stop(Status.FAILED, f"{change.action.value} cannot be carried out")


def _create(considered: Considered, run: _Run, reader: LiveReader, send: Send) -> LiveObject:
    kind, spec = considered.kind, considered.spec
    if reader.read_one(kind, spec, None) is not None:
        raise _Conflict("it has appeared on the server since the plan", "plan again: it will be compared and adopted")
    call = kind.definition.write.create
    assert call is not None
    writing = Writing(subject=Subject(spec=spec), changed=frozenset(spec), creating=True)
    request = write_request(kind, call, writing)
    assert request is not None
    response = _send_write(kind, request, send)
    live: LiveObject | None = None
    if response is not None:
        live = _created(kind, call, response, considered, reader)
    if live is None:
        live = _settle_by_reading(considered, run, reader, None, lost=response is None)
    later = [n for n, f in kind.fields.properties.items() if f.update_only and n in spec]
    return _verified(considered, live, run, reader, send, allowed=frozenset(later), call=call)


def _created(
    kind: Kind, call: WriteCall, response: Response, considered: Considered, reader: LiveReader
) -> LiveObject | None:
    """Return the created object from the answer, or read by the id in it; None when neither is to be had."""
    subject = Subject(spec=considered.spec)
    body = answered_object(kind, call, response)
    if body is not None:
        try:
            return live_object(kind, body, subject, response.headers.get("etag"))
        except AnswerError:
            pass
    remote_id = answered_id(kind, call, response, considered.spec)
    return None if remote_id is None else reader.read_one(kind, considered.spec, remote_id)


def _update(change: Change, considered: Considered, run: _Run, reader: LiveReader, send: Send) -> LiveObject:
    assert change.live is not None
    kind, planned = considered.kind, change.live
    fresh: LiveObject | None = planned
    if considered.readable:
        fresh = reader.read_one(kind, considered.spec, planned.id)
        if fresh is None:
            raise _Conflict("it has gone from the server since the plan", "plan again: it will be created")
        _refuse_if_moved(considered, planned, fresh)
    assert fresh is not None
    changed = frozenset(str(f.path[0]) for f in change.fields)
    return _send_updates(considered, fresh, changed, run, reader, send)


def _refuse_if_moved(considered: Considered, planned: LiveObject, fresh: LiveObject) -> None:
    """Raise a conflict when a managed field is no longer what the plan was made on."""
    before, now = considered.compared_with(planned), considered.compared_with(fresh)
    if strictly_equal(before.live, now.live):
        return
    moved = field_changes(replace(now, desired=now.live, live=before.live), stated={}, hidden=considered.hides)
    names = ", ".join(format_pointer(change.path) for change in moved)
    raise _Conflict(f"changed by somebody else since the plan: {names}", "plan again and look at the difference", moved)


def _send_updates(
    considered: Considered,
    fresh: LiveObject,
    changed: frozenset[str],
    run: _Run,
    reader: LiveReader,
    send: Send,
) -> LiveObject:
    kind = considered.kind
    live = fresh
    last: WriteCall | None = None
    for call in kind.definition.write.update:
        subject = Subject(spec=considered.spec, id=live.id, live=live)
        request = write_request(kind, call, Writing(subject=subject, changed=changed, creating=False))
        if request is None:
            continue
        last = call
        response = _send_write(kind, request, send)
        body = answered_object(kind, call, response) if response is not None else None
        if body is not None:
            try:
                live = live_object(kind, body, subject, response.headers.get("etag") if response else None)
                continue
            except AnswerError:
                pass
        if considered.readable:
            live = _settle_by_reading(considered, run, reader, live.id, lost=response is None)
        elif response is None:
            raise _Stop(
                Status.IN_DOUBT,
                "the answer was lost, and the object cannot be read",
                "look at the object in the system itself, then apply again: the write is repeated",
            )
    return _verified(considered, live, run, reader, send, allowed=frozenset(), call=last)


def _send_write(kind: Kind, request: Request, send: Send) -> Response | None:
    """Send a write and return its answer, or None when the answer is lost or says nothing about the outcome."""
    try:
        response = send(request)
    except TransportError as error:
        if error.sent:
            return None
        raise
    verdict = judge(kind, response)
    if verdict.ok:
        return response
    if verdict.error_class is ErrorClass.TRANSIENT:
        return None
    raise _failed(request, response, verdict)


def _failed(request: Request, response: Response, verdict: Verdict) -> Exception:
    message = f"{request.method} {request.path}: {verdict.message}"
    hint = verdict.hint
    if verdict.error_class is ErrorClass.CONFLICT:
        return _Conflict(message, hint or "the server has an object in the way; plan again")
    if verdict.error_class is ErrorClass.NOT_FOUND:
        return _Conflict(message, hint or "it has gone since the plan; plan again")
    assert verdict.error_class is not None
    return ApiError(message, error_class=verdict.error_class, status=response.status, hint=hint)


# --------------------------------------------------------------------------- truth after writing


def _settle_by_reading(
    considered: Considered, run: _Run, reader: LiveReader, remote_id: str | None, *, lost: bool
) -> LiveObject:
    """Return the object as it is now, polled until it agrees with what was asked or the kind's patience ends.

    Raises _Stop when a lost write cannot be settled: for a create that is nowhere to be found nothing was done, as
    far as reading can tell; when reading fails as well the change stays in doubt.
    """
    kind, tools = considered.kind, run.tools
    deadline = tools.clock() + kind.definition.read.settle_seconds
    pause, looks = 0.2, 0
    while True:
        try:
            live = reader.read_one(kind, considered.spec, remote_id)
        except ApiError as error:
            if not lost:
                raise
            raise _Stop(
                Status.IN_DOUBT,
                f"the answer was lost, and reading failed: {error.message}",
                "apply again when the system can be reached: it is found by its natural key",
            ) from None
        looks += 1
        if live is not None and considered.compared_with(live).equal:
            return live
        if tools.clock() >= deadline and looks >= (MIN_LOOKS if lost else 1):
            break
        tools.sleep(pause)
        pause = min(pause * 2, 2.0)
    if live is None:
        if lost:
            raise _Stop(Status.FAILED, "the answer was lost, and reading shows that nothing was done", "apply again")
        raise _Stop(
            Status.FAILED,
            "the server reported success, but the object cannot be found",
            "plan again; if this repeats, check identity and settleSeconds of the kind",
        )
    if lost:
        raise _Stop(
            Status.FAILED,
            "the answer was lost, and reading shows that the change was not made",
            "apply again",
        )
    return live


def _verified(
    considered: Considered,
    live: LiveObject,
    run: _Run,
    reader: LiveReader,
    send: Send,
    *,
    allowed: frozenset[str],
    call: WriteCall | None,
) -> LiveObject:
    """Return the object once it holds what was asked. Raises _Stop with the fields that the server did not keep.

    Fields in `allowed` could not be set by the create and are sent with an update now, where they differ.
    """
    if not considered.readable:
        return live
    comparison = considered.compared_with(live)
    if comparison.equal:
        return live
    fields = field_changes(comparison, stated=considered.spec, hidden=considered.hides)
    outstanding = {str(change.path[0]) for change in fields}
    if allowed & outstanding:
        live = _send_updates(considered, live, frozenset(allowed & outstanding), run, reader, send)
        comparison = considered.compared_with(live)
    if not comparison.equal and call is not None:
        # An answer may be older, or poorer, than what reading shows.
        live = _settle_by_reading(considered, run, reader, live.id, lost=False)
        comparison = considered.compared_with(live)
    if comparison.equal:
        return live
    fields = field_changes(comparison, stated=considered.spec, hidden=considered.hides)
    kept = "; ".join(
        f"{format_pointer(c.path)}: wanted {c.after!r}, is {c.before!r}"
        if not c.sensitive
        else f"{format_pointer(c.path)}: {c.after}"
        for c in fields
    )
    raise _Stop(
        Status.FAILED,
        f"the server answered with success but did not keep: {kept}",
        "describe in the kind how the server treats these fields, or state the values that it keeps",
    )
