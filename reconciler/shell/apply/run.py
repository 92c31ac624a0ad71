"""One run of a plan: what it is given, what is known so far, and whether anything more may begin or be written.

Reads and writes: nothing but the functions given.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection
from dataclasses import field
from typing import Protocol

from reconciler.core.address import Address
from reconciler.core.errors import ReconcilerError
from reconciler.core.manifests.references import Known
from reconciler.core.model import Change, Diagnostic, LiveObject, Plan, Request, Response, Severity
from reconciler.core.plan.considered import Considered, Inputs
from reconciler.core.records import dataclass
from reconciler.core.report import Ending, FollowUpOutcome, Outcome, Status
from reconciler.shell.apply.mishaps import Mishaps
from reconciler.shell.apply.work import Stop
from reconciler.shell.live.locks import KeyedLocks
from reconciler.shell.live.refresh import LiveReader

NOT_BEGUN = {
    Ending.INTERRUPTED: "interrupted before it began",
    Ending.CUT_OFF: "interrupted before it began",
    Ending.OUT_OF_TIME: "the time limit of the run passed before it began",
    Ending.HALTED: "the run was ended before it began: {}",
}


class CountedSend(Protocol):
    """Sends a request, and calls `on_attempt` each time that it tries."""

    def __call__(self, request: Request, *, on_attempt: Callable[[], None]) -> Response: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the executor is given: the doors to the outside, and the clock."""

    send: CountedSend
    reader: LiveReader
    clock: Callable[[], float]  # seconds, monotonic
    sleep: Callable[[float], None]
    workers: int = 10  # changes of one system at a time
    remembers: bool = True  # the next run will know the ids of what this one creates
    deadline: float = math.inf  # of the clock; nothing begins afterwards
    run_of: Callable[[Address], str] = lambda address: ""  # names the run that began a change: this, or one cut short
    on_interrupt: Callable[[], None] = lambda: None
    on_begin: Callable[[Change], None] = lambda change: None
    on_write: Callable[[Change, Request], None] = lambda change, request: None  # right before each; may refuse it
    on_outcome: Callable[[Outcome], None] = lambda outcome: None
    renew: Callable[[str], bool] = lambda system: False  # signs in anew to a system that was written to since
    # With the top-level fields that were sent; an object that was as stated already had none.
    on_applied: Callable[[Considered, LiveObject, Collection[str]], None] = lambda considered, live, sent: None
    on_created: Callable[[Address, LiveObject], None] = lambda address, live: None  # a new object is there
    on_removed: Callable[[Address], None] = lambda address: None  # it is gone, or is no longer managed


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What became of a plan: one outcome for each of its changes, by address order, and one for each follow-up."""

    outcomes: tuple[Outcome, ...]
    follow_ups: tuple[FollowUpOutcome, ...]
    ending: Ending
    problems: tuple[Diagnostic, ...] = ()  # bugs, and why the run was ended before everything was tried

    @property
    def complete(self) -> bool:
        """Tell whether all of the plan was performed."""
        found = {one.status for one in self.outcomes} | {one.status for one in self.follow_ups}
        return self.ending is Ending.COMPLETE and found <= {Status.APPLIED, Status.UNCHANGED}


@dataclass(slots=True)
class Run:
    plan: Plan
    inputs: Inputs
    tools: Tools
    live: dict[Address, LiveObject]
    locks: KeyedLocks = field(default_factory=KeyedLocks)
    ending: Ending = Ending.COMPLETE  # anything else: nothing more begins
    outcomes: dict[Address, Outcome] = field(default_factory=dict)
    begun: dict[Address, Change] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)  # of outcomes and begun
    mishaps: Mishaps = field(default_factory=Mishaps)
    halted: str = ""  # why the run was ended before everything was tried, by itself
    known: Known = field(init=False)

    def __post_init__(self) -> None:
        # The dictionary only grows, and a change waits for all whose entries it looks up: no copy is needed.
        self.known = Known(resources=self.inputs.resources, live=self.live)

    def stopped(self) -> bool:
        """Tell whether nothing more may begin."""
        if self.ending is Ending.COMPLETE and self.tools.clock() >= self.tools.deadline:
            self.ending = Ending.OUT_OF_TIME
        return self.ending is not Ending.COMPLETE

    def begin(self, change: Change) -> None:
        with self.guard:
            self.begun[change.address] = change
        self.tools.on_begin(change)

    def settle(self, outcome: Outcome) -> None:
        with self.guard:
            if self.ending is Ending.CUT_OFF:
                return  # told about already
            self.begun.pop(outcome.address, None)
            self.outcomes[outcome.address] = outcome
        try:
            self.tools.on_outcome(outcome)
        except (ReconcilerError, OSError) as error:
            self.halt(f"how {outcome.address} ended cannot be told: {error}")
        except Exception as error:  # noqa: BLE001  the others are still to be finished, and to be told about
            self.halt(self.unexpected(error, f"the outcome of {outcome.address}"))

    def halt(self, reason: str) -> None:
        """Let nothing more begin, and nothing more be written."""
        with self.guard:
            if self.ending is Ending.COMPLETE:
                self.ending, self.halted = Ending.HALTED, reason

    def unexpected(self, error: Exception, ended: str) -> str:
        """Note what nobody expected, which ends the run where it comes twice, and return what to say of it."""
        said, reason = self.mishaps.note(error, ended)
        if reason:
            self.halt(reason)
        return said

    def before_write(self, change: Change, request: Request) -> None:
        """Put a write on record. Raises when it must not be sent."""
        if self.halted:
            raise Stop(Status.FAILED, f"{request} was not sent: {self.halted}", "apply again")
        try:
            self.tools.on_write(change, request)
        except Exception as error:
            self.halt(str(error))  # what cannot be put on record is not sent, whatever change it belongs to
            raise

    def not_begun(self) -> str:
        """Return why nothing more begins."""
        return NOT_BEGUN[self.ending].format(self.halted)

    def problems(self) -> tuple[Diagnostic, ...]:
        found = self.mishaps.problems()
        if not self.halted:
            return found
        message = f"the run was ended: {self.halted}"
        hint = "apply again when that is mended: what is done already is not repeated"
        return (*found, Diagnostic(severity=Severity.ERROR, code="run-ended", message=message, hint=hint))
