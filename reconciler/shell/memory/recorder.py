"""Keeps the books of one apply: what is about to be sent, what became of it, what the ledger is to hold.

Reads and writes: the memory that it is given. Never a value: ids, digests, methods.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from reconciler.core.address import Address
from reconciler.core.compare.normalize import Comparison
from reconciler.core.errors import ReconcilerError
from reconciler.core.memory.journal import Ended, Entry, Event, Folded, Intent, fold
from reconciler.core.memory.ledger import FORGOTTEN, UNSENT, Applied, Record, make_record
from reconciler.core.model import Change, Diagnostic, LiveObject, Plan, Request, Severity
from reconciler.core.plan.considered import Considered
from reconciler.core.plan.owing import mark, settle_follow_ups
from reconciler.core.plan.removal.remembered import remembered
from reconciler.core.plan.sealing import digest_of_plan
from reconciler.core.pointer import Path
from reconciler.core.report import FollowUpOutcome, Outcome, Status
from reconciler.shell.memory.memory import Memory


class Kept(NamedTuple):
    """What of an object may be kept: its id, "" where it is or holds a secret, and whether a text holds one."""

    id_of: Callable[[Address, str], str]
    holds_secret: Callable[[str], bool]


class Recorder:
    """Journal and ledger of one apply, safe in threads. `folded` is what the plan was made on."""

    def __init__(
        self, memory: Memory, folded: Folded, plan: Plan, revision: str, kept: Kept, *, trust_secrets: bool = False
    ) -> None:
        self._trust_secrets = trust_secrets
        self._memory, self._folded, self._plan, self._revision = memory, folded, plan, revision
        departures = ((c.departure, c.address) for c in plan.changes)
        self._old = {d.replaced: a for d, a in departures if d is not None and d.replaced is not None}
        self._kept = kept
        self._entries: list[Entry] = []
        self._learnt: dict[Address, Record | None] = {}  # None: to be forgotten
        self._open: set[Address] = set()  # begun, and not ended
        self._outcomes: list[tuple[str, ...]] = []
        self._uses = ""
        self._began = self._over = False
        self._guard, self._first = threading.Lock(), threading.Lock()

    # ------------------------------------------------------------------ hooks of the executor

    def begin(self, change: Change, request: Request) -> None:
        """Put on record that `request` is about to be sent for `change`. Raises ReconcilerError when it cannot be."""
        if not self._memory.lasting:
            return
        with self._first:  # nothing is sent before the run as a whole is on record
            if not self._began and not self._over:
                self._memory.begin(self._folded, list(self._planned()))
                self._began = True
                self._note_new_ones()
        path = hashlib.sha256(request.path.encode()).hexdigest()[:16]
        intent = replace(self._intent(change), method=request.method, path=path)
        self._memory.append(intent)
        with self._guard:
            if self._over:  # its books are closed, so nothing more may be sent
                raise ReconcilerError("interrupted before anything was sent")
            self._entries.append(intent)
            self._open.add(change.address)

    def applied(self, considered: Considered, live: LiveObject, sent: Collection[str]) -> None:
        """Remember an object as it is now, whether it was written or was so already.

        `sent` are the top-level fields that were written. What no answer shows, and what was neither sent now nor is
        known to have been before, is remembered as that, unless it is to be trusted.
        """
        if not self._memory.lasting:
            return
        address = considered.resource.address
        comparison = considered.compared_with(live)
        applied = Applied(
            address=address,
            remote_id=self._kept.id_of(address, live.id),
            stated=considered.spec,
            canonical=comparison.desired,
            by_memory=comparison.by_memory,
            hides=considered.hides,
            unsent={} if self._trust_secrets else self._unsent(considered, live, comparison, sent),
            removal=remembered(considered, self._kept.holds_secret),
        )
        record = make_record(applied, self._folded.ledger.secret)
        old = self._folded.ledger.records.get(address)
        if old is not None:
            record = replace(record, owed=old.owed)
        if old is not None and replace(old, applied_at="", revision="") == record:
            record = old
        else:
            record = replace(record, applied_at=self._memory.now(), revision=self._revision)
        self._learn(address, record)

    def _note_new_ones(self) -> None:
        """Put the new objects of replacements that an earlier run began on record, beside those that they replace."""
        planned = {change.address: change.live for change in self._plan.changes}
        for address, old in self._old.items():
            known, there = self._folded.ledger.records.get(address), planned.get(address)
            if known is not None and there is not None and known.id not in ("", there.id):
                self._note(old, Status.APPLIED, known)
                self._note(address, Status.IN_DOUBT, Record(id=self._kept.id_of(address, there.id)))

    def created(self, address: Address, live: LiveObject) -> None:
        """Remember a new object as soon as it is there, and the one that it replaces beside it, whatever follows."""
        if self._memory.lasting:
            self._note(address, Status.IN_DOUBT, Record(id=self._kept.id_of(address, live.id)))

    def _unsent(
        self, considered: Considered, live: LiveObject, comparison: Comparison, sent: Collection[str]
    ) -> dict[Path, str]:
        """Return what nobody knows to be as stated, with the mark that is remembered in place of its digest."""
        unknown = [p for p in (*comparison.incomparable, *comparison.unseen) if p[0] not in sent]
        old = self._folded.ledger.records.get(considered.resource.address)
        known = None if old is None or old.id not in ("", live.id) else old
        return {p: FORGOTTEN if known is not None and known.has_forgotten(p) else UNSENT for p in unknown}

    def forget(self, address: Address) -> None:
        """Let the ledger hold nothing of `address` any more: its object is gone, or is no longer managed."""
        if self._memory.lasting:
            self._learn(address, None)

    def settle_follow_ups(self, follow_ups: Sequence[FollowUpOutcome]) -> None:
        """Remember which follow-ups of the plan are still owed."""
        if self._memory.lasting:
            with self._guard:
                gone = {a: r for a, r in self._folded.ledger.records.items() if self._learnt.get(a, r) is None}
                self._learnt.update(settle_follow_ups(self._records(), self._plan, follow_ups, gone))

    def telling(self, on_outcome: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        """Return a function that remembers each outcome and passes it on."""

        def tell(outcome: Outcome) -> None:
            self.outcome(outcome)
            on_outcome(outcome)

        return tell

    def outcome(self, outcome: Outcome) -> None:
        """Remember what became of a change."""
        status = outcome.status
        with self._guard:
            self._outcomes.append((status.value.replace(" ", "-"), outcome.action.value, str(outcome.address)))
            unsettled = outcome.address in self._open
        if unsettled and status is not Status.APPLIED:
            # An object that came into being before the rest of its creation failed is ours all the same.
            made = (
                None if outcome.remote_id is None else Record(id=self._kept.id_of(outcome.address, outcome.remote_id))
            )
            self._end(outcome.address, status, made)

    def use_up(self, saved_plan: str) -> None:
        """Remember that a saved plan, by its digest, was applied to its end."""
        self._uses = saved_plan

    # ------------------------------------------------------------------ the end

    def finish(self) -> tuple[Diagnostic, ...]:
        """Write ledger and history, and let go of the lock; return what went wrong with that."""
        if not self._memory.lasting:
            return ()
        with self._first:
            self._over = True
        with self._guard:
            folded = self._now()
            ledger = replace(folded.ledger, records=self._records())
        changed = self._memory.differs(ledger)
        tells = changed or self._began or self._outcomes or self._uses or self._memory.remembered.leftover
        if not self._plan.destroys:  # which is about names, whatever the manifests say
            ledger = replace(ledger, revision=self._revision)
        if self._uses:
            ledger = ledger.having_used(self._uses, self._memory.now())
        if not tells and ledger.revision == folded.ledger.revision:
            self._memory.release()
            return ()
        try:
            self._memory.finish(replace(folded, ledger=ledger), self._event(changed) if tells else None)
        except ReconcilerError as error:
            return (_not_written(error, sent=any(isinstance(entry, Intent) for entry in self._entries)),)
        return ()

    # ------------------------------------------------------------------ entries

    def _now(self) -> Folded:
        return fold(self._folded.ledger, [*self._folded.entries, self._memory.run, *self._entries])

    def _records(self) -> dict[Address, Record]:
        known: dict[Address, Record | None] = {**self._now().ledger.records, **self._learnt}
        return {address: record for address, record in known.items() if record is not None}

    def _event(self, changed: int) -> Event:
        run = self._memory.run
        return Event(
            what="apply",
            at=self._memory.now(),
            by=run.who,
            run=run.token,
            revision=self._revision,
            plan=digest_of_plan(self._plan),
            url=run.url,
            note="" if self._outcomes else self._summary(changed),
            outcomes=tuple(sorted(self._outcomes, key=lambda outcome: outcome[2])),
        )

    def _summary(self, changed: int) -> str:
        if changed:
            return f"{changed} recorded as found"
        return "everything was in place" if self._uses else "settled an earlier run"

    def _planned(self) -> Sequence[Intent]:
        return [self._intent(change) for change in self._plan.pending]

    def _intent(self, change: Change) -> Intent:
        return Intent(
            run=self._memory.run.token,
            address=change.address,
            action=change.action,
            at=self._memory.now(),
            owes=self._owes(change.address),
            old=self._old_of(change.address),
        )

    def _old_of(self, address: Address) -> Address | None:
        """Return where the object is remembered that this run replaces; None when there is none, or it is gone."""
        old = self._old.get(address)
        with self._guard:
            return None if old is None or self._learnt.get(old, ...) is None else old

    def _owes(self, address: Address) -> tuple[str, ...]:
        """Return the marks of the follow-ups that wait for a change, which a run that is killed never makes."""
        return tuple(sorted(mark(one.key) for one in self._plan.follow_ups if address in one.waits_for))

    def _learn(self, address: Address, record: Record | None) -> None:
        with self._guard:
            known, old = self._folded.ledger.records.get(address), self._old.get(address)
            if old is not None and record is not None and known is not None and record.id != known.id:
                self._learnt.setdefault(old, known)  # None where it is gone already
            self._learnt[address] = record
            begun = address in self._open
        if begun:
            owing = None if record is None else record.owing(self._owes(address))
            self._end(address, Status.APPLIED, owing)

    def _end(self, address: Address, status: Status, record: Record | None) -> None:
        with self._guard:
            self._open.discard(address)
        self._note(address, status, record)

    def _note(self, address: Address, status: Status, record: Record | None) -> None:
        ending = Ended(run=self._memory.run.token, address=address, status=status, record=record, at=self._memory.now())
        with self._guard:
            self._entries.append(ending)
        with suppress(ReconcilerError):  # what is not on record as ended is settled by reading
            self._memory.append(ending)


def _not_written(error: ReconcilerError, *, sent: bool) -> Diagnostic:
    what = (
        "the changes were made, and the ledger does not know of them"
        if sent
        else "nothing was sent to any system, and the ledger was not written"
    )
    return Diagnostic(
        severity=Severity.ERROR,
        code="ledger-not-written",
        message=f"{what}: {error.message}",
        hint=error.hint,
    )
