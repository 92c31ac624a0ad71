"""What a place that remembers must offer, whether it is a file or a Git ref. Reads and writes nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Protocol, TypeAlias

from reconciler.core.memory.journal import Entry, Event, Holder, Intent
from reconciler.core.memory.ledger import Ledger
from reconciler.core.model import Diagnostic
from reconciler.core.records import dataclass

Merge: TypeAlias = Callable[[Ledger], Ledger]
"""Lays what this run has learnt over a ledger that somebody else has written meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a place holds at one moment."""

    ledger: Ledger
    version: str  # changes whenever ledger or journal do
    entries: tuple[Entry, ...] = ()  # the journal of runs that have not ended, or not well
    holder: Holder | None = None  # another run that holds the lock now
    left_behind: Holder | None = None  # a run that ended without letting go of the lock
    notes: tuple[Diagnostic, ...] = field(default=())


class Store(Protocol):
    """One place. Whatever fails raises ReconcilerError with the next step."""

    place: str  # for messages

    def read(self) -> Stored:
        """Return what is there. Needs no lock."""
        ...

    def take(self, holder: Holder) -> Holder | None:
        """Take the lock and return None, or return who holds it."""
        ...

    def begin(self, ledger: Ledger, carried: Sequence[Entry], run: Holder, planned: Sequence[Intent]) -> None:
        """Put on record that writes are about to be sent, before the first of them.

        `ledger` has everything in it that earlier journals said, `carried` is what is still open of them; `planned`
        is what this run is about to do. From here on, `append` may be called.
        """
        ...

    def append(self, entry: Entry) -> None:
        """Add one entry to the journal; an intent is on the disk when this returns. Safe in threads."""
        ...

    def finish(self, merge: Merge, ledger: Ledger, open_entries: Sequence[Entry], event: Event | None) -> None:
        """Write the ledger and the history, and leave `open_entries` as the journal; lets go of the lock.

        Without an event nothing was done, and where writing would be more than letting go, nothing is written.

        `ledger` is the whole of what this run knows; where somebody else has written meanwhile, `merge` lays what
        is new in it over theirs.
        """
        ...

    def release(self) -> None:
        """Let go of the lock without having written; nothing happens when it is not held."""
        ...

    def unlock(self, event: Event) -> None:
        """Take the lock away from whoever holds it. The journal stays: the next run settles what it leaves open."""
        ...

    def history(self, limit: int) -> list[Event]:
        """Return the latest events, newest first."""
        ...
