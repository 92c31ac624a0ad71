"""Desired state, live state and memory to a plan: match, compare, decide, order. Pure.

Nothing is sent here and nothing is decided later: apply carries out exactly the changes of this plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.graph import levels
from reconciler.core.manifests.references import Known, parents_of
from reconciler.core.model import Action, Change, Diagnostic, LiveObject, Plan, Severity
from reconciler.core.plan.adopting import adopted
from reconciler.core.plan.considered import Inputs, consider
from reconciler.core.plan.decisions import as_declared, decide, may_be_taken
from reconciler.core.plan.follow_ups import Occasion, occasions, plan_follow_ups
from reconciler.core.plan.obstacles import same_object, unselected_parents
from reconciler.core.plan.order import in_order
from reconciler.core.plan.removal.deciding import decide_remnants
from reconciler.core.plan.removal.leaving import departing
from reconciler.core.plan.removal.limits import exceeded, limits_of
from reconciler.core.plan.renames import suspect_renames
from reconciler.core.plan.unread import irreplaceable
from reconciler.core.records import dataclass


def make_plan(inputs: Inputs, problems: Sequence[Diagnostic] = ()) -> Plan:
    """Return the plan that leads from the live state to the desired state. `problems` become blockers."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    decided = _decide_all(inputs, frozenset(e.address for e in errors if e.address is not None))
    removed = decide_remnants(inputs, {change.address for change in decided.changes})
    changes = in_order(sorted([*decided.changes, *removed.changes], key=lambda change: change.address), inputs)
    blockers = [*errors, *decided.blockers, *removed.blockers, *unselected_parents(changes, inputs)]
    blockers += irreplaceable(changes, inputs.unread)
    known = Known(resources=inputs.resources, live=decided.live)
    suspected = suspect_renames(changes, inputs, known)
    blockers += [one for one in suspected if one.severity is Severity.ERROR]
    follow_ups = plan_follow_ups(_occasions(changes, inputs, known), inputs.due)
    warnings = [problem for problem in [*problems, *suspected] if problem.severity is not Severity.ERROR]
    plan = Plan(
        target=inputs.target,
        changes=tuple(changes),
        diagnostics=(*warnings, *removed.notes),
        blockers=tuple(blockers),
        follow_ups=follow_ups,
        limits=limits_of(inputs),
        destroys=inputs.named,
    )
    return replace(plan, blockers=(*plan.blockers, *exceeded(plan)))


@dataclass(slots=True)
class _Decided:
    live: dict[Address, LiveObject]  # what references lead to; without the objects that are replaced
    changes: list[Change] = field(default_factory=list)
    blockers: list[Diagnostic] = field(default_factory=list)


def _decide_all(inputs: Inputs, ambiguous: frozenset[Address]) -> _Decided:
    """Decide about all selected resources, parents first: what refers to a replaced one gets another id."""
    decided = _Decided(live=dict(inputs.live))
    known = Known(resources=inputs.resources, live=decided.live)
    replaced_first: set[Address] = set()
    taken: dict[Address, Address] = {}  # what the server may delete together with the old object of another
    first_of: dict[tuple[str, ...], Address] = {}
    for layer in levels(parents_of(inputs.resources)):
        # Sorting what is in order already, as most layers are, costs little; a set would have to be put in order.
        for address in sorted(address for address in layer if address in inputs.selected):
            if address in ambiguous:
                continue
            resource, kind = inputs.resources[address], inputs.catalog.kinds[address.system, address.kind]
            spec, unknown = known.spec_of(resource)
            rivals = same_object(resource, kind, spec, first_of)
            unchanged = None if unknown or rivals else as_declared(resource, kind, spec, inputs)
            going = (p for p in sorted(resource.depends_on) if p in replaced_first or p in taken)
            with_whom = next((taken.get(parent, parent) for parent in going), None)
            if unchanged is not None and with_whom is None:
                change, refused = adopted(unchanged, kind, spec, inputs)
                decided.changes.append(change)
                decided.blockers += refused
                continue
            considered = consider(address, inputs, known)
            decision = decide(considered, inputs, replaced_first)
            if with_whom is not None and decision.stays:
                decision = may_be_taken(considered, decision, with_whom)
                taken[address] = with_whom
            own, *old = decision.changes
            own, refused = adopted(own, kind, spec, inputs)
            decided.changes += [own, *old]
            decided.blockers += [*decision.blockers, *rivals, *refused]
            if decision.replaces:
                del decided.live[address]
                replaced_first.update(address for one in old if one.departure is not None and one.departure.first)
            elif own.live is not None:
                decided.live[address] = own.live
    return decided


def _occasions(changes: Sequence[Change], inputs: Inputs, known: Known) -> Iterator[Occasion]:
    going = {change.address for change in changes if change.departure is not None}
    for change in changes:
        kind = inputs.catalog.kinds[change.address.system, change.address.kind]
        if change.departure is not None:
            # What stood in something that goes away as well needs no follow-up there.
            if change.departure.way.sends and not going & change.departure.parents:
                yield from occasions(kind, change.address, departing(change, kind).spec, change.live)
        elif not change.is_idle:
            live = None if change.action is Action.REPLACE else change.live
            yield from occasions(kind, change.address, consider(change.address, inputs, known).spec, live)
