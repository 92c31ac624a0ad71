"""Carries out a plan: what is ready runs in parallel, dependants of a failure are skipped by name.

Reads and writes: the live systems, through the functions given; `attempt` does it for one change.

Nothing is decided here that the plan has not decided. Each system has threads of its own, so that a slow one holds
up none of another; its limits are kept by the sender.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from queue import SimpleQueue

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.errors import ApiError, ReconcilerError
from reconciler.core.kinds.template import TemplateError
from reconciler.core.model import Action, Change, LiveObject, Plan, Request, Response
from reconciler.core.plan.considered import Considered, Inputs, consider
from reconciler.core.plan.next_steps import place_of, step_after, usual_step
from reconciler.core.plan.removal.leaving import departing
from reconciler.core.pointer import format_pointer
from reconciler.core.report import Ending, FollowUpOutcome, Outcome, Status
from reconciler.core.wire.answers import AnswerError
from reconciler.shell.apply.attempt import perform
from reconciler.shell.apply.removing import remove
from reconciler.shell.apply.run import NOT_BEGUN, CountedSend, Execution, Run, Tools
from reconciler.shell.apply.showing import Created, unshown
from reconciler.shell.apply.work import Stop, Work
from reconciler.shell.live.following import carry_out, skip_all

_STAYING = (Action.UNCHANGED, Action.ADOPT, Action.UPDATE)


class _Lanes:
    """Threads for each system, started as they are needed."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pools: dict[str, ThreadPoolExecutor] = {}

    def submit(self, change: Change, run: Run, ready: int) -> Future[Outcome]:
        system = change.address.system
        if system not in self._pools:
            self._pools[system] = ThreadPoolExecutor(self._workers, thread_name_prefix=f"apply-{system}")
        return self._pools[system].submit(_apply, change, run, ready)

    def close(self, *, at_once: bool = False) -> None:
        for pool in list(self._pools.values()):
            pool.shutdown(wait=not at_once, cancel_futures=at_once)


def execute(plan: Plan, inputs: Inputs, tools: Tools) -> Execution:
    """Carry out `plan` and tell what became of it.

    The first KeyboardInterrupt lets what has begun finish, and skips everything else. After a second one what has
    begun goes on unwatched until the process ends, and counts as in doubt.
    """
    # What was planned on may be another object than the one of the ledger, where a replacement was cut short.
    planned = {c.address: c.live for c in plan.changes if c.live is not None and c.action in _STAYING}
    run = Run(plan=plan, inputs=inputs, tools=tools, live={**inputs.live, **planned})
    lanes = _Lanes(tools.workers)
    # The conductor has a thread of its own: an interrupt arrives in the main thread, which does nothing but wait, so
    # it can never tear the books apart.
    pool = ThreadPoolExecutor(1, thread_name_prefix="apply")
    conductor = pool.submit(_conduct, run, lanes)
    told = True
    while True:
        try:
            if not told:  # in here, since the second interrupt may come while the first is answered
                told = True
                tools.on_interrupt()
            follow_ups = conductor.result()
        except KeyboardInterrupt:
            if conductor.done() or run.ending is Ending.INTERRUPTED:
                pool.shutdown(wait=False, cancel_futures=True)
                lanes.close(at_once=True)
                return _cut_off(run)
            run.ending, told = Ending.INTERRUPTED, False
        except BaseException:
            lanes.close(at_once=True)
            pool.shutdown(cancel_futures=True)
            raise
        else:
            lanes.close()
            pool.shutdown()
            return Execution(
                outcomes=_in_order(run.outcomes), follow_ups=follow_ups, ending=run.ending, problems=run.problems()
            )


def _in_order(outcomes: Mapping[Address, Outcome]) -> tuple[Outcome, ...]:
    return tuple(outcomes[address] for address in sorted(outcomes))


def _cut_off(run: Run) -> Execution:
    """Return what is known at this moment."""
    with run.guard:
        run.ending = Ending.CUT_OFF
        found = dict(run.outcomes)
        for change in run.plan.changes:
            if change.address in run.begun:
                found[change.address] = _outcome(change, Status.IN_DOUBT, WATCHED_NO_LONGER, "plan again: it is read")
            elif change.address not in found:
                found[change.address] = _outcome(change, Status.SKIPPED, NOT_BEGUN[Ending.CUT_OFF])
    return Execution(
        outcomes=_in_order(found),
        follow_ups=skip_all(run.plan, NOT_BEGUN[Ending.CUT_OFF]),
        ending=Ending.CUT_OFF,
        problems=run.problems(),
    )


WATCHED_NO_LONGER = "the run was cut off while it was being carried out"


def _conduct(run: Run, lanes: _Lanes) -> tuple[FollowUpOutcome, ...]:
    plan = run.plan
    for change in plan.changes:
        if change.is_idle:
            run.outcomes[change.address] = _already_done(change, run)
    pending = {change.address: change for change in plan.pending}
    sorter = TopologicalSorter({a: [p for p in c.waits_for if p in pending] for a, c in pending.items()})
    sorter.prepare()
    # Fed by the changes as they end: to look through all that run at each end would take time by the square of them.
    ended: SimpleQueue[Future[Outcome]] = SimpleQueue()
    running = 0
    while sorter.is_active():
        # One moment for all of them: a list that the first begins to read is fresh for those that begin after it too.
        ready = run.tools.reader.fresh.moment()
        for address in sorter.get_ready():
            skipped = _skipped(pending[address], run)
            if skipped is None:
                lanes.submit(pending[address], run, ready).add_done_callback(ended.put)
                running += 1
            else:
                run.settle(skipped)
                sorter.done(address)
        if running:
            for outcome in _outcomes(ended):
                running -= 1
                run.settle(outcome)
                sorter.done(outcome.address)
    if run.stopped():
        return skip_all(plan, run.not_begun())
    if not run.tools.remembers:
        for outcome in unshown(_created(run), run.tools.reader, run.tools):
            run.settle(outcome)
    return carry_out(plan, run.outcomes, run.known, run.inputs, _IntentWriter(run.tools.send), run.unexpected)


def _outcomes(ended: SimpleQueue[Future[Outcome]]) -> Iterator[Outcome]:
    """Yield the outcomes that are there, and wait for the first one."""
    yield ended.get().result()
    while not ended.empty():
        yield ended.get().result()


def _created(run: Run) -> Iterator[Created]:
    """Yield what this run has created."""
    for change in run.plan.changes:
        outcome = run.outcomes[change.address]
        if change.action in (Action.CREATE, Action.REPLACE) and outcome.status is Status.APPLIED:
            kind = run.inputs.catalog.kinds[change.address.system, change.address.kind]
            yield outcome, kind, run.live[change.address]


def _skipped(change: Change, run: Run) -> Outcome | None:
    """Return the outcome of a change that is not to be tried, None when it is."""
    if run.stopped():
        return _outcome(change, Status.SKIPPED, run.not_begun())
    failed = tuple(a for a in sorted(change.waits_for) if a in run.outcomes and not _is_done(run.outcomes[a]))
    if not failed:
        return None
    names = ", ".join(str(address) for address in failed)
    outcome = _outcome(change, Status.SKIPPED, f"because of {names}", "mend that first, then apply again")
    return replace(outcome, because_of=failed)


def _is_done(outcome: Outcome) -> bool:
    return outcome.status in (Status.APPLIED, Status.UNCHANGED)


def _outcome(change: Change, status: Status, detail: str = "", hint: str = "") -> Outcome:
    return Outcome(
        address=change.address,
        action=change.action,
        status=status,
        detail=detail,
        hint=hint or usual_step(status),
        source=None if change.resource is None else change.resource.source,
    )


def _already_done(change: Change, run: Run) -> Outcome:
    try:
        if change.resource is not None and change.resource.lifecycle.lookup:
            run.tools.on_removed(change.address)  # others manage it now: nothing of it may ever be pruned
        elif change.live is not None:
            run.tools.on_applied(consider(change.address, run.inputs, run.known), change.live, ())
    except Exception as error:  # noqa: BLE001  one change never ends a run
        return _outcome(change, Status.FAILED, run.unexpected(error, str(change.address)))
    return _outcome(change, Status.UNCHANGED)


def intent_of(plan: Plan, change: Change, run: str) -> str:
    """Return a UUID that is the same whenever `run` tries this change, and another one for any other.

    Another run must not repeat it: what was created once may have been deleted since, and the server would answer
    the repeat with the object that is gone. Everything that a digest is made of is public.
    """
    name = canonical_json([plan.target, str(change.address), change.digest, run])
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


class _IntentWriter:
    """Sends, and counts what one change needs. `on_write` is told of each write before it is sent."""

    def __init__(self, send: CountedSend, on_write: Callable[[Request], None] = lambda request: None) -> None:
        self._send, self._on_write = send, on_write
        self.requests = 0
        self.attempts = 0
        self.wrote = False  # or may have: a write was sent

    def __call__(self, request: Request) -> Response:
        if request.writes:
            self._on_write(request)
            self.wrote = True
        self.requests += 1
        return self._send(request, on_attempt=self._attempt)

    def _attempt(self) -> None:
        self.attempts += 1


def _considered(change: Change, run: Run) -> Considered:
    """Return what a change is about with everything known about it. Raises Stop when something is not known yet."""
    if change.departure is not None:
        return departing(change, run.inputs.catalog.kinds[change.address.system, change.address.kind])
    considered = consider(change.address, run.inputs, run.known)
    if considered.unknown:
        places = ", ".join(sorted(format_pointer(path) for path in considered.unknown))
        raise Stop(Status.FAILED, f"no value for the references at {places}")
    return considered


def _carry_out(work: Work, run: Run) -> Outcome:
    """Carry out one change, and note what became of it. Raises Stop and ApiError."""
    change = work.change
    if change.departure is not None:
        detail = remove(work)
        run.tools.on_removed(change.address)
        remote_id = None if change.live is None else work.kind.kept_id(change.live.id)
        return replace(_outcome(change, Status.APPLIED, detail), remote_id=remote_id)
    live = perform(work)
    run.live[change.address] = live
    run.tools.on_applied(work.considered, live, work.carried)
    return replace(_outcome(change, Status.APPLIED), remote_id=live.id)


def _apply(change: Change, run: Run, ready: int) -> Outcome:
    """Carry out one change, which was ready since a moment, and return its outcome, whatever happens."""
    if run.stopped():  # while it waited for a free worker
        return _outcome(change, Status.SKIPPED, run.not_begun())
    tools = run.tools
    started = tools.clock()
    count = _IntentWriter(tools.send, partial(run.before_write, change))
    created: list[LiveObject] = []
    kind = run.inputs.catalog.kinds[change.address.system, change.address.kind]
    unguarded: set[str] = set()

    def note(live: LiveObject) -> None:
        created.append(live)
        tools.on_created(change.address, live)

    try:
        run.begin(change)
        work = Work(
            change=change,
            considered=_considered(change, run),
            reader=tools.reader.counting(count),
            send=count,
            clock=tools.clock,
            sleep=tools.sleep,
            locks=run.locks,
            ready=ready,
            intent=intent_of(run.plan, change, tools.run_of(change.address)),
            on_created=note,
            renew=partial(tools.renew, change.address.system),
            unguarded=unguarded,
        )
        outcome = _carry_out(work, run)
        if change.taken_with is not None:
            outcome = _told_apart(outcome, change, made_again=bool(created), wrote=count.wrote)
    except Stop as stop:
        outcome = _outcome(change, stop.status, stop.detail, stop.hint)
        source = place_of(stop.fields, change, kind)
        outcome = replace(outcome, moved=stop.moved, leftovers=stop.leftovers, source=source)
    except ReconcilerError as error:
        outcome = _outcome(change, Status.FAILED, error.message, step_after(error, change, kind))
        if isinstance(error, ApiError):
            outcome = replace(outcome, source=place_of(error.fields, change, kind))
    except (TemplateError, AnswerError) as error:
        outcome = _outcome(change, _when_broken_off(count), str(error))
    except Exception as error:  # noqa: BLE001  one change never ends a run
        outcome = _outcome(change, _when_broken_off(count), run.unexpected(error, str(change.address)))
    return replace(
        outcome,
        remote_id=work.kind.kept_id(created[-1].id) if created else outcome.remote_id,
        unguarded=tuple(sorted(unguarded)),
        requests=count.requests,
        attempts=count.attempts,
        seconds=tools.clock() - started,
    )


def _told_apart(outcome: Outcome, change: Change, *, made_again: bool, wrote: bool) -> Outcome:
    """Say what became of an object that the server might have deleted together with another one."""
    if made_again:
        return replace(outcome, detail=f"made again: it went with the old {change.taken_with}")
    return outcome if wrote else replace(outcome, status=Status.UNCHANGED, detail="it was not taken along")


def _when_broken_off(count: _IntentWriter) -> Status:
    """Return how a change ends that came to no end of its own."""
    return Status.IN_DOUBT if count.wrote else Status.FAILED
