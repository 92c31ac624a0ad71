"""The part of a plan that undoes what moved live: what nobody changed in a manifest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.model import Action, Cause, Change, Diagnostic, Plan, Severity
from reconciler.core.plan.considered import PlanMemory
from reconciler.core.plan.removal.limits import exceeded
from reconciler.core.plan.sealing import sealed

VANISHED = "the live object is gone since the last apply"


def drift_of(plan: Plan, memory: PlanMemory, *, has_ledger: bool) -> Plan:
    """Return `plan` with nothing in it but what moved live, fields and objects; it is shown and never carried out.

    Without a ledger nobody knows what was applied: all differences of objects that exist are shown then, and it is
    said that they may come from the manifests.
    """
    changes = tuple(_only_drift(change, memory, has_ledger=has_ledger) for change in plan.changes)
    shown = {change.address for change in changes if not change.is_idle}
    pending = {change.address for change in plan.pending}
    known = {change.address for change in plan.changes}
    # What could not be read may have moved; what merely stands in the way of an apply is told beside the drift.
    limits = exceeded(plan)
    blockers = tuple(one for one in plan.blockers if one.address not in known and one not in limits)
    beside = [one for one in plan.blockers if one.address in known and one.address in shown | (known - pending)]
    return replace(
        plan,
        changes=changes,
        diagnostics=(
            *plan.diagnostics,
            *(replace(one, severity=Severity.WARNING) for one in beside),
            *_reservations(plan, has_ledger=has_ledger),
        ),
        blockers=blockers,
        follow_ups=(),
        limits=None,
        shows_drift=True,
    )


def _only_drift(change: Change, memory: PlanMemory, *, has_ledger: bool) -> Change:
    if change.action is Action.UNCHANGED:
        return replace(change, notes=()) if change.notes else change
    nothing = replace(
        change, action=Action.UNCHANGED, fields=(), requests=(), waits_for=frozenset(), notes=(), caveats=(), reason=""
    )
    match change.action:
        case Action.UPDATE | Action.REPLACE if change.live is not None:
            causes = {Cause.DRIFT, Cause.BOTH} if has_ledger else set(Cause)
            fields = tuple(one for one in change.fields if one.cause in causes)
            if fields:
                return sealed(replace(change, fields=fields, requests=(), guard="", waits_for=frozenset()))
        case Action.CREATE if memory.stated_before(change.address):
            return sealed(replace(change, fields=(), requests=(), guard="", waits_for=frozenset(), notes=(VANISHED,)))
    return sealed(nothing)


def _reservations(plan: Plan, *, has_ledger: bool) -> Iterator[Diagnostic]:
    """Yield what could not be told."""
    if not has_ledger:
        yield _note(
            "no-ledger",
            "without a ledger, drift and changes of the manifests cannot be told apart: all differences of objects "
            "that exist are shown, and objects that were removed are not",
            "give the target a `ledger` in reconciler.yaml",
        )
        return
    unclear = {
        c.address for c in plan.changes if c.live is not None and any(f.cause is Cause.UNKNOWN for f in c.fields)
    }
    if unclear:
        yield _note(
            "cause-unknown",
            f"not shown, since the ledger does not know what was applied: differences of {_names(unclear)}",
            "`plan` shows them; an apply records what it finds or sets",
        )


def _names(addresses: Iterable[Address], most: int = 5) -> str:
    names = [str(address) for address in sorted(addresses)]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _note(code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(severity=Severity.NOTE, code=code, message=message, hint=hint)
