"""What is to go: what no manifest states any more, and what was named to be destroyed; or why it stays. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.departure import Way
from reconciler.core.kinds.catalog import Kind
from reconciler.core.manifests.references import Known
from reconciler.core.model import Change, Diagnostic, LiveObject, Resource, Severity, Source
from reconciler.core.plan.considered import Inputs, consider
from reconciler.core.plan.remnant import Remnant, successor_of, untouchable, way_of
from reconciler.core.plan.removal.leaving import Leaving, decide_leaving
from reconciler.core.plan.removal.remembered import remembered
from reconciler.core.plan.sealing import sealed
from reconciler.core.records import dataclass


@dataclass(slots=True)
class Decided:
    """What was decided about objects that are to go."""

    changes: list[Change] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)  # what stays, and why
    blockers: list[Diagnostic] = field(default_factory=list)


def decide_remnants(inputs: Inputs, taken: Collection[Address] = ()) -> Decided:
    """Decide about everything that no manifest states, and about stated resources that are to go all the same.

    About the addresses in `taken` everything is decided already.
    """
    decided = Decided()
    if inputs.resources or inputs.named:  # nothing stated at all is never a wish to have nothing
        for remnant in inputs.remnants:
            if remnant.address not in taken:
                _decide_remnant(remnant, inputs, decided)
    for address in sorted(inputs.leaving):
        _decide_stated(inputs.resources[address], inputs, decided)
    return decided


def _decide_remnant(remnant: Remnant, inputs: Inputs, decided: Decided) -> None:
    address, kind, removal = remnant.address, remnant.kind, remnant.removal
    reason = remnant.doubt
    if not reason and remnant.live is not None:
        reason = untouchable(kind, remnant.live.body)
    if reason:
        _refuse(address, f"{address} stays: {reason}", inputs, decided)
        return
    way = way_of(kind)
    if removal.protect and remnant.live is not None and remnant.moved_to is None and way is not Way.FORGET:
        decided.blockers.append(
            _refusal(
                address,
                "protected",
                f"{address} is protected, and its manifest is gone: both in one change would delete what was never "
                "to be deleted",
                "put its manifest back with `protect: false`, apply, and then remove it",
            )
        )
        return
    leaving = Leaving(
        address=address,
        kind=kind,
        live=remnant.live,
        place=removal.place,
        parents=frozenset(removal.parents),
        reason="named in the command" if inputs.named else _why(remnant),
    )
    change = decide_leaving(leaving, inputs)
    if remnant.moved_to is not None:
        change = sealed(replace(change, notes=(f"it is managed as {remnant.moved_to} now: only its record goes",)))
    assert change.departure is not None
    if remnant.recorded or change.departure.way.sends:  # without a record there is nothing to forget
        decided.changes.append(change)


def _why(remnant: Remnant) -> str:
    successor = successor_of(remnant.address)
    if successor is not None:
        return f"replaced by the new {successor}, in a run that was cut short"
    return "no manifest states it any more" if remnant.recorded else "it bears our mark, and no manifest states it"


def _decide_stated(resource: Resource, inputs: Inputs, decided: Decided) -> None:
    """Decide about a stated resource whose object is to be destroyed."""
    address = resource.address
    kind = inputs.catalog.kinds[address.system, address.kind]
    live = inputs.live.get(address)
    found = _forbidden(resource, kind, live, inputs)
    if found is not None:
        decided.blockers.append(found)
        return
    considered = consider(address, inputs, Known(resources=inputs.resources, live=inputs.live))
    removal = remembered(considered, lambda text: False)  # for the requests of this run
    if live is None and inputs.memory.record_of(address) is None and way_of(kind) is not Way.FORGET:
        decided.notes.append(_note(address, "not-there", f"{address} is not there: there is nothing to delete"))
        return
    leaving = Leaving(
        address=address,
        kind=kind,
        live=live,
        place=removal.place,
        parents=frozenset(removal.parents),
        reason="named in the command",
        resource=resource,
    )
    decided.changes.append(decide_leaving(leaving, inputs))


def _forbidden(resource: Resource, kind: Kind, live: LiveObject | None, inputs: Inputs) -> Diagnostic | None:
    address, lifecycle = resource.address, resource.lifecycle

    def refused(code: str, message: str, hint: str) -> Diagnostic:
        return _refusal(address, code, message, hint, resource.source)

    if lifecycle.protect:
        hint = "set `protect: false` in its manifest, apply, and then destroy it"
        return refused("protected", f"{address} is protected", hint)
    if lifecycle.lookup:
        hint = "others manage it; leave it out"
        return refused("looked-up", f"{address} is only looked up, and never deleted", hint)
    if way_of(kind) is None:
        message = f"the kind {kind.full_name} does not say how objects are deleted"
        return refused("not-deletable", message, "delete it by hand, or state write.delete in the kind")
    reason = untouchable(kind, live.body) if live is not None else ""
    if reason:
        return refused("not-deletable", f"{address} stays: {reason}", "leave it out")
    referring = sorted(a for a, r in inputs.resources.items() if address in r.depends_on and a not in inputs.leaving)
    if referring:
        names = ", ".join(str(one) for one in referring)
        return refused("still-referenced", f"{names} still {_refers(referring)} to {address}", "destroy them as well")
    return None


def _refers(referring: list[Address]) -> str:
    return "refers" if len(referring) == 1 else "refer"


def _refuse(address: Address, message: str, inputs: Inputs, decided: Decided) -> None:
    if inputs.named:
        decided.blockers.append(_refusal(address, "not-deletable", message, "leave it out"))
    else:
        decided.notes.append(_note(address, "not-pruned", message))


def _note(address: Address, code: str, message: str) -> Diagnostic:
    return Diagnostic(severity=Severity.NOTE, code=code, message=message, address=address)


def _refusal(address: Address, code: str, message: str, hint: str, source: Source | None = None) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, source=source, hint=hint, address=address)
