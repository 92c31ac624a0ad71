"""Follow-ups that are still owed after an apply: remembered with one of the changes that led to them. Pure.

A check cannot always tell that a follow-up, such as a deployment, was left out; memory can. It holds a digest of the
request, which itself may name what a public ledger must not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.memory.ledger import Record
from reconciler.core.model import Plan
from reconciler.core.report import FollowUpOutcome, Status


def mark(key: str) -> str:
    """Return what a record holds of the follow-up with this key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def settle_follow_ups(
    records: Mapping[Address, Record],
    plan: Plan,
    follow_ups: Sequence[FollowUpOutcome],
    gone: Mapping[Address, Record],
) -> Iterator[tuple[Address, Record]]:
    """Yield the records that change by what became of the follow-ups of `plan`, which are in its order.

    `gone` are the records that this run is about to forget: one comes back where nothing else could hold what is owed.
    """
    records = {**gone, **records}
    kept = records.keys() - gone.keys()
    owed = {address: set(record.owed if address in kept else ()) for address, record in records.items()}
    for planned, outcome in zip(plan.follow_ups, follow_ups, strict=True):
        now = mark(outcome.key or planned.key)
        for marks in owed.values():
            marks -= {mark(planned.key), now}
        if outcome.status is not Status.APPLIED:
            # What failed has no record, or one of old: any change of the same parent will do.
            holders = sorted({*planned.waits_for, planned.address} & owed.keys(), key=lambda a: (a not in kept, a))
            if holders:
                owed[holders[0]].add(now)
    for address, marks in owed.items():
        if marks != set(records[address].owed if address in kept else ()):
            yield address, replace(records[address], owed=tuple(sorted(marks)))
