"""Records what an apply did in the ledger, when the target has one.

Reads: the Git revision of the manifests, through `revision`. Writes: the ledger file.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.core.considered import Considered
from reconciler.core.ledger import Applied, Ledger, Record, make_record
from reconciler.core.model import (
    Address,
    FollowUpOutcome,
    LiveObject,
    Plan,
)
from reconciler.core.owing import settle
from reconciler.core.removal import remembered
from reconciler.shell.ledger_file import write_ledger
from reconciler.shell.revision import git_revision
from reconciler.shell.settings import (
    FileLedger,
    Settings,
)


class Recorder:
    """Collects what was applied and writes the ledger, when the target has one."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._path = settings.ledger.path if isinstance(settings.ledger, FileLedger) else None
        self._revision = git_revision(settings.root) if self._path is not None else ""
        self._records: dict[Address, Record | None] = {}  # None: to be forgotten
        self._lock = threading.Lock()

    def __call__(self, considered: Considered, live: LiveObject) -> None:
        if self._path is None:
            return
        address = considered.resource.address
        comparison = considered.compared_with(live)
        applied = Applied(
            address=address,
            remote_id=live.id,
            stated=considered.spec,
            canonical=comparison.desired,
            by_memory=comparison.by_memory,
            hides=considered.hides,
            removal=remembered(considered),
        )
        record = make_record(applied, self._ledger.secret)
        old = self._ledger.records.get(address)
        if old is not None:
            record = replace(record, owed=old.owed)
            if replace(old, applied_at="", revision="") == record:
                return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._lock:
            self._records[address] = replace(record, applied_at=now, revision=self._revision)

    def forget(self, address: Address) -> None:
        """Let the ledger hold nothing of `address` any more: its object is gone, or is no longer managed."""
        with self._lock:
            self._records[address] = None

    def settle(self, plan: Plan, follow_ups: Sequence[FollowUpOutcome]) -> None:
        """Remember which follow-ups of `plan` are still owed."""
        with self._lock:
            known = {**self._ledger.records, **self._records}
            records = {address: record for address, record in known.items() if record is not None}
            self._records.update(settle(records, plan, follow_ups))

    def write(self) -> None:
        if self._path is not None and self._records:
            records = {**self._ledger.records, **self._records}
            kept = {address: record for address, record in records.items() if record is not None}
            write_ledger(self._path, replace(self._ledger, records=kept))
