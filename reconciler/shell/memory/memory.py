"""The memory of one target as the workflow uses it: read, locked, begun, finished; whatever the place.

Reads and writes: the store that it is given; without one nothing is remembered and nothing is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.errors import ReconcilerError, Refused
from reconciler.core.memory.journal import Entry, Event, Folded, Holder, Intent, fold, pause_s, rfc3339
from reconciler.core.memory.ledger import Ledger, Record
from reconciler.core.model import Diagnostic, Severity
from reconciler.core.records import dataclass
from reconciler.shell.memory.store import Store
from reconciler.shell.network.sending import Timing

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0  # between looks at a lock that somebody else holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is known of earlier runs."""

    folded: Folded
    version: str = ""
    notes: tuple[Diagnostic, ...] = ()
    leftover: bool = False  # the journal of an earlier run is still there
    holder: Holder | None = None  # another run that holds the lock


class Memory:
    """What one run knows of a target's memory. Lets go of the lock at the end of a `with`."""

    def __init__(self, target: str, store: Store | None, run: Holder, timing: Timing) -> None:
        self.run = run
        self.locked = False
        self.remembered = Remembered(folded=Folded(ledger=Ledger(target=target)))
        self._store, self._timing = store, timing
        self._stored: Mapping[Address, Record] = {}  # as the place held them when it was read

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    @property
    def lasting(self) -> bool:
        """Tell whether anything is remembered beyond this run."""
        return self._store is not None

    def now(self) -> str:
        return rfc3339(self._timing.wall_clock())

    # ------------------------------------------------------------------ before

    def read(self) -> Remembered:
        """Return what is remembered now, with the journals of earlier runs in it. Raises ReconcilerError."""
        if self._store is None:
            return self.remembered
        stored = self._store.read()
        self._stored = stored.ledger.records
        notes = [*stored.notes]
        if stored.left_behind is not None:
            notes.append(_left_behind(stored.left_behind))
        if stored.holder is None:
            folded = fold(stored.ledger, stored.entries)
        else:  # what is open belongs to a run that is still at it
            folded = replace(fold(stored.ledger, stored.entries), open=(), runs=())
            notes.append(_running(stored.holder))
        self.remembered = Remembered(
            folded=folded,
            version=stored.version,
            notes=tuple(notes),
            leftover=bool(stored.entries),
            holder=stored.holder,
        )
        return self.remembered

    def wait_for(self, intents: Sequence[Intent], settle_s: Callable[[Address], float]) -> None:
        """Wait until reading shows what was begun, where a kind says that it needs a while for that."""
        pause = pause_s(intents, settle_s, self._timing.wall_clock())
        if pause > 0:
            self._timing.sleep(pause)

    def lock(self, wait_s: float = 0.0, say: Callable[[str], None] = lambda text: None) -> None:
        """Take the target's lock, waiting for it at most `wait_s` seconds. Raises Refused when another run has it."""
        if self._store is None or self.locked:
            return
        deadline, pause, told = self._timing.clock() + wait_s, FIRST_PAUSE_S, False
        while True:
            other = self._store.take(self.run)
            if other is None:
                self.locked = True
                return
            left = deadline - self._timing.clock()
            if left <= 0:
                raise _held_by(other, self._store.place, wait_s)
            if not told:
                say(f"waiting for the lock that {other} holds …")
                told = True
            self._timing.sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def lock_as_read(self, version: str) -> None:
        """Take the lock for a plan that was made without it. Raises Refused when anything has changed since."""
        if self._store is None or self.locked:
            return
        self.lock()
        if self.read().version != version:
            self.release()
            raise Refused("another run has changed the ledger since the plan was made", hint="plan again")

    # ------------------------------------------------------------------ while applying

    def begin(self, folded: Folded, planned: Sequence[Intent]) -> None:
        """Put on record that writes are about to be sent. `folded` is what the plan was made on."""
        if self._store is not None:
            self._store.begin(folded.ledger, folded.entries, self.run, planned)

    def append(self, entry: Entry) -> None:
        """Add to the journal; safe in threads. Raises ReconcilerError."""
        if self._store is not None:
            self._store.append(entry)

    def differs(self, ledger: Ledger) -> int:
        """Return how many records of `ledger` are not as the place holds them."""
        return len(self._learnt(ledger))

    def _learnt(self, ledger: Ledger) -> dict[Address, Record | None]:
        before, after = self._stored, ledger.records
        return {a: after.get(a) for a in {*before, *after} if before.get(a) != after.get(a)}

    def finish(self, folded: Folded, event: Event | None) -> None:
        """Write what is known now, and let go of the lock. Without an event, nothing was done."""
        if self._store is None:
            return
        learnt = self._learnt(folded.ledger)
        try:
            self._store.finish(
                lambda theirs: _laid_over(theirs, folded.ledger, learnt), folded.ledger, folded.entries, event
            )
        except ReconcilerError as error:
            try:
                self._store.release()  # the journal stays, and tells the next run
            except ReconcilerError:
                stays = f"the lock of this run stays until `reconciler ledger unlock {self.run.token}`"
                raise ReconcilerError(error.message, hint="; ".join(filter(None, (error.hint, stays)))) from None
            raise
        finally:
            self.locked = False

    def release(self) -> None:
        """Let go of the lock, if we hold it."""
        if self._store is not None and self.locked:
            self.locked = False
            self._store.release()

    # ------------------------------------------------------------------ for people

    @property
    def place(self) -> str:
        """Where it is remembered, for people; "" where nothing is."""
        return "" if self._store is None else self._store.place

    def unlock(self, event: Event) -> None:
        """Take the lock away from whoever holds it."""
        if self._store is not None:
            self._store.unlock(event)

    def history(self, limit: int) -> list[Event]:
        """Return the latest events, newest first."""
        return [] if self._store is None else self._store.history(limit)


def _laid_over(theirs: Ledger, ours: Ledger, learnt: Mapping[Address, Record | None]) -> Ledger:
    """Lay our records over a ledger that others have written meanwhile."""
    comparable = ours.secret.key == theirs.secret.key if ours.secret.key else ours.secret == theirs.secret
    records = {address: record for address, record in theirs.records.items() if address not in learnt}
    for address, record in learnt.items():
        if record is not None:
            records[address] = record if comparable else record.forgetful()
    plans = {**theirs.plans, **ours.plans}
    return replace(theirs, records=records, revision=ours.revision, plans=plans)


def _held_by(other: Holder, place: str, waited_s: float) -> Refused:
    waited = f" after {waited_s:g} s" if waited_s else ""
    who = str(other) if other.token else "another run"
    key = other.token or "--force"
    return Refused(
        f"the ledger {place} is locked{waited}: {who} is applying",
        hint=f"wait for it (--lock-timeout SECONDS), or, if that run is surely dead, `reconciler ledger unlock {key}`",
    )


def _running(other: Holder) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code="apply-in-progress",
        message=f"{other if other.token else 'another run'} is applying to this target right now",
        hint="what is planned here may be out of date by the time it is done",
    )


def _left_behind(other: Holder) -> Diagnostic:
    return Diagnostic(
        severity=Severity.NOTE,
        code="lock-left-behind",
        message=f"the lock of {other} was left behind: its process is gone, so the lock was taken over",
    )
