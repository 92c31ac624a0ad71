"""How much one run may change: checked when a plan is made, and again before anything is sent. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.departure import Limits
from reconciler.core.model import Action, Change, Diagnostic, Plan, Severity
from reconciler.core.plan.considered import Inputs

SHARE_FLOOR = 10
"""So many objects may always change: of a handful, one is a large share."""

USUAL_SHARE = 0.3
"""The share that holds where the policy states none and a ledger tells what is managed."""


def limits_of(inputs: Inputs) -> Limits | None:
    """Return the limits of a run with the objects that are managed: those that the ledger holds as applied.

    What an earlier run began and did not end is only finished, which no limit may prevent.
    Where it holds nothing, as in the first run, nobody knows what is managed: then all stated objects that are there
    count, if the policy states a share at all.
    """
    limits = inputs.limits
    if limits is None:
        return None
    recorded = frozenset(inputs.memory.addresses())
    if recorded:
        share = USUAL_SHARE if limits.max_change_share is None else limits.max_change_share
        return replace(limits, max_change_share=share, managed=recorded)
    there = {a for a in inputs.live if a in inputs.resources and not inputs.resources[a].lifecycle.lookup}
    return replace(limits, managed=frozenset(there))


def deletes(change: Change) -> bool:
    """Tell whether a change takes an object away, by deleting it or by switching it off."""
    return change.departure is not None and change.departure.way.sends


def exceeded(plan: Plan) -> list[Diagnostic]:
    """Return a blocker for each limit that a plan goes beyond; none when it carries no limits."""
    limits = plan.limits
    if limits is None:
        return []
    found = []
    gone = [change for change in plan.changes if deletes(change)]
    if len(gone) > limits.max_deletes:
        found.append(
            _blocker(
                "too-many-deletes",
                f"{len(gone)} objects would be deleted, and policy.maxDeletes allows {limits.max_deletes}",
                f"look at each of them; then set maxDeletes to {len(gone)} in the policy of the target, or "
                + ("name fewer" if plan.destroys else "choose fewer with --address"),
            )
        )
    if limits.max_change_share is None:
        return found
    changed = [change for change in plan.changes if _counts(change, limits.managed)]
    allowed = max(SHARE_FLOOR, int(limits.max_change_share * len(limits.managed)))
    if len(changed) > allowed:
        share = len(changed) / max(len(limits.managed), 1)
        found.append(
            _blocker(
                "too-large-a-share",
                f"{len(changed)} of {len(limits.managed)} managed objects ({share:.0%}) would change or go, and "
                f"policy.maxChangeShare of {limits.max_change_share:g} allows {allowed}",
                f"look at the plan; then set maxChangeShare to {_rounded_up(share):g} in the policy of the target, "
                + ("or name fewer" if plan.destroys else "or choose fewer with --address or -l"),
            )
        )
    return found


def _counts(change: Change, managed: frozenset[Address]) -> bool:
    if change.departure is not None:
        return deletes(change) and change.departure.replaced is None
    return change.action in (Action.UPDATE, Action.REPLACE) and change.address in managed


def _rounded_up(share: float) -> float:
    return min(1.0, -(-share * 100 // 1) / 100)


def _blocker(code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, hint=hint)
