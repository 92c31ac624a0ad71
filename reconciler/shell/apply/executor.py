"""Carries out a plan: what is ready runs in parallel, dependants of a failure are skipped by name.

Reads and writes: the live systems, through the functions given; `attempt` does it for one change.

Nothing is decided here that the plan has not decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import TypeAlias

from reconciler.core.considered import Considered, Inputs, consider
from reconciler.core.errors import ReconcilerError
from reconciler.core.model import (
    Action,
    Address,
    Change,
    FieldChange,
    FollowUpOutcome,
    LiveObject,
    Outcome,
    Plan,
    Request,
    Response,
    Send,
    Status,
)
from reconciler.core.pointer import format_pointer
from reconciler.core.references import Known
from reconciler.core.template import TemplateError
from reconciler.shell.apply.attempt import perform
from reconciler.shell.apply.work import Stop, Work
from reconciler.shell.following import carry_out
from reconciler.shell.locks import KeyedLocks
from reconciler.shell.refresh import LiveReader


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
    locks: KeyedLocks
    stopped: bool = False  # nothing more begins

    def known(self) -> Known:
        # The dictionary only grows, and a change waits for all whose entries it looks up: no copy is needed.
        return Known(resources=self.inputs.resources, live=self.live)


Outcomes: TypeAlias = tuple[tuple[Outcome, ...], tuple[FollowUpOutcome, ...]]


def execute(plan: Plan, inputs: Inputs, tools: Tools) -> Outcomes:
    """Carry out `plan` and return one outcome for each of its changes, by address order, and for each follow-up.

    The first KeyboardInterrupt lets what is in flight finish, and counts everything else as skipped; a second one
    is raised at once, and what is in flight then goes on unwatched until the process ends.
    """
    run = _Run(inputs=inputs, tools=tools, live=dict(inputs.live), locks=KeyedLocks())
    # One thread more for the conductor: an interrupt arrives in the main thread, which does nothing but wait, so it
    # can never tear the books apart.
    pool = ThreadPoolExecutor(max_workers=tools.workers + 1, thread_name_prefix="apply")
    conductor = pool.submit(_conduct, plan, run, pool)
    while True:
        try:
            outcomes = conductor.result()
        except KeyboardInterrupt:
            if run.stopped or conductor.done():
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            run.stopped = True
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        else:
            pool.shutdown()
            return outcomes


def _conduct(plan: Plan, run: _Run, pool: ThreadPoolExecutor) -> Outcomes:
    outcomes: dict[Address, Outcome] = {}
    known = run.known()
    for change in plan.changes:
        if change.action is Action.UNCHANGED:
            outcomes[change.address] = _already_done(change, run, known)
    pending = {change.address: change for change in plan.pending}
    sorter = TopologicalSorter({a: [p for p in c.waits_for if p in pending] for a, c in pending.items()})
    sorter.prepare()
    running: dict[Future[Outcome], Address] = {}
    while sorter.is_active():
        _start_ready(
            pending, run, outcomes, sorter, lambda c: running.setdefault(pool.submit(_apply, c, run), c.address)
        )
        if running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                _settle(future.result(), outcomes, sorter, run.tools)
    follow_ups: tuple[FollowUpOutcome, ...] = ()
    if not run.stopped:
        follow_ups = carry_out(plan, outcomes, run.known(), run.inputs.catalog, run.tools.send)
    return tuple(outcomes[address] for address in sorted(outcomes)), follow_ups


def _start_ready(
    pending: Mapping[Address, Change],
    run: _Run,
    outcomes: dict[Address, Outcome],
    sorter: TopologicalSorter[Address],
    start: Callable[[Change], object],
) -> None:
    for address in sorter.get_ready():
        change = pending[address]
        blockers = _blockers(change, outcomes)
        if run.stopped:
            _settle(_outcome(change, Status.SKIPPED, INTERRUPTED), outcomes, sorter, run.tools)
        elif blockers:
            _settle(_outcome(change, Status.SKIPPED, f"because of {blockers}"), outcomes, sorter, run.tools)
        else:
            start(change)


INTERRUPTED = "interrupted before it began"


def _settle(
    outcome: Outcome, outcomes: dict[Address, Outcome], sorter: TopologicalSorter[Address], tools: Tools
) -> None:
    outcomes[outcome.address] = outcome
    tools.on_outcome(outcome)
    sorter.done(outcome.address)


def _blockers(change: Change, outcomes: Mapping[Address, Outcome]) -> str:
    failed = [a for a in sorted(change.waits_for) if a in outcomes and outcomes[a].status is not Status.APPLIED]
    return ", ".join(str(address) for address in failed)


def _outcome(change: Change, status: Status, detail: str = "", hint: str = "") -> Outcome:
    return Outcome(address=change.address, action=change.action, status=status, detail=detail, hint=hint)


def _already_done(change: Change, run: _Run, known: Known) -> Outcome:
    if change.live is not None and not change.resource.lifecycle.lookup:
        run.tools.on_applied(consider(change.address, run.inputs, known), change.live)
    return _outcome(change, Status.UNCHANGED)


class _Counter:
    """Counts what one change sends."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.sent = 0

    def __call__(self, request: Request) -> Response:
        self.sent += 1
        return self._send(request)


def _apply(change: Change, run: _Run) -> Outcome:
    """Carry out one change and return its outcome, whatever happens."""
    if run.stopped:  # while it waited for a free worker
        return _outcome(change, Status.SKIPPED, INTERRUPTED)
    tools = run.tools
    started = tools.clock()
    count = _Counter(tools.send)
    moved: tuple[FieldChange, ...] = ()
    try:
        considered = consider(change.address, run.inputs, run.known())
        if considered.unknown:
            places = ", ".join(sorted(format_pointer(path) for path in considered.unknown))
            raise Stop(Status.FAILED, f"no value for the references at {places}")
        work = Work(
            change=change,
            considered=considered,
            reader=tools.reader.counting(count),
            send=count,
            clock=tools.clock,
            sleep=tools.sleep,
            locks=run.locks,
        )
        live = perform(work)
        run.live[change.address] = live
        tools.on_applied(considered, live)
        outcome = replace(_outcome(change, Status.APPLIED), remote_id=live.id)
    except Stop as stop:
        moved = stop.moved
        outcome = _outcome(change, stop.status, stop.detail, stop.hint)
    except ReconcilerError as error:
        outcome = _outcome(change, Status.FAILED, error.message, error.hint)
    except TemplateError as error:
        outcome = _outcome(change, Status.FAILED, str(error))
    return replace(
        outcome,
        moved=moved,
        wanted=change.fields if moved else (),
        requests=count.sent,
        seconds=tools.clock() - started,
    )
