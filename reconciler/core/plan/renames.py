"""Objects whose manifest was renamed: the ledger knows them by an address that is no longer stated. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.core.address import Address
from reconciler.core.manifests.references import Known
from reconciler.core.memory.ledger import Applied, Ledger, Record, likeness
from reconciler.core.model import Action, Change, Diagnostic, JsonObject, LiveObject, Resource, Severity
from reconciler.core.plan.considered import Considered, Inputs, consider
from reconciler.core.plan.remnant import successor_of
from reconciler.core.pointer import Path, starts_with

ALIKE = 0.6  # share of equal fields from which on a person is asked


def follow_renames(
    ledger: Ledger, resources: Mapping[Address, Resource], live: Mapping[Address, LiveObject]
) -> tuple[Ledger, list[Diagnostic]]:
    """Return the ledger with the records of renamed manifests under their new addresses, and what a person is told.

    A manifest counts as renamed when the ledger knows nothing of it, its natural key finds an object that the ledger
    knows under another address of the same kind, and no manifest states that address any more.
    """
    unstated: dict[tuple[str, str, str], list[Address]] = {}
    for address, record in ledger.records.items():
        if address not in resources:
            unstated.setdefault((address.system, address.kind, record.id), []).append(address)
    notes = []
    known_specs = Known(resources=resources, live=live)
    for new in sorted(live) if unstated else ():
        if new in ledger.records or resources[new].lifecycle.lookup:
            continue
        known = [
            old
            for old in unstated.get((new.system, new.kind, live[new].id), [])
            if old in ledger.records and _same_place(ledger, old, known_specs.spec_of(resources[new])[0])
        ]
        if len(known) == 1:
            ledger = ledger.moved(known[0], new)
            notes.append(_renamed(known[0], resources[new]))
    return ledger, notes


def suspect_renames(changes: Collection[Change], inputs: Inputs, known: Known) -> list[Diagnostic]:
    """Return what to ask a person about new objects that are like one whose manifest is gone, under another key.

    It is an error where the plan would delete the old object: with it would go what only the system knows of it.
    """
    gone = [a for a in sorted(inputs.memory.addresses()) if a not in inputs.resources and successor_of(a) is None]
    deleted = {one.address for one in changes if one.departure is not None and one.departure.way.sends}
    found = []
    for change in changes if gone else ():
        if change.action is Action.CREATE and change.resource is not None:
            old = _most_alike(change.address, gone, inputs, known)
            if old is not None:
                found.append(_perhaps_renamed(old, change.resource, deleted=old in deleted))
    return found


def _most_alike(new: Address, gone: Collection[Address], inputs: Inputs, known: Known) -> Address | None:
    candidates = [old for old in gone if (old.system, old.kind) == (new.system, new.kind)]
    if not candidates:
        return None
    considered = consider(new, inputs, known)
    kind, comparison = considered.kind, considered.compared_with(None)
    wanted = Applied(
        address=new,
        remote_id="",
        stated=considered.spec,
        canonical=comparison.desired,
        by_memory=comparison.by_memory,
        hides=considered.hides,
    )
    # What tells objects apart differs between any two, and where they stand says nothing about what they are.
    telling = {*kind.key, *kind.scope, kind.definition.identity.name}
    later = considered.unknown

    def counts(path: Path) -> bool:
        return path[0] not in telling and not any(starts_with(one, path) or starts_with(path, one) for one in later)

    shares = {}
    for old in candidates:
        record = inputs.memory.record_of(old)
        if record is not None and _in_scope(record, considered):
            shares[old] = likeness(record, wanted, counts)
    best = max(shares, key=lambda old: shares[old], default=None)
    return best if best is not None and shares[best] >= ALIKE else None


def _in_scope(record: Record, considered: Considered) -> bool:
    """Tell whether nothing says that the two stand in different places: a move there keeps no object."""
    place = {} if record.removal is None else record.removal.place
    return all(
        place.get(name, value) == value for name, value in considered.spec.items() if name in considered.kind.scope
    )


def _perhaps_renamed(old: Address, resource: Resource, *, deleted: bool) -> Diagnostic:
    new = resource.address
    hint = f"if it was renamed, `reconciler ledger move {old} {new}` keeps the object"
    if deleted:
        hint += f"; if both are meant, delete the old one by its name first: `reconciler destroy {old}`"
    return Diagnostic(
        severity=Severity.ERROR if deleted else Severity.WARNING,
        code="perhaps-renamed",
        message=f"{new} is to be created, and looks like {old}, whose manifest is gone"
        + (" and which is to be deleted" if deleted else ""),
        source=resource.source,
        address=new,
        hint=hint,
    )


def _same_place(ledger: Ledger, old: Address, spec: JsonObject) -> bool:
    """Tell whether nothing says that the two stand in different places, where one id may be used twice."""
    removal = ledger.records[old].removal
    return removal is None or all(spec.get(name, value) == value for name, value in removal.place.items())


def _renamed(old: Address, resource: Resource) -> Diagnostic:
    return Diagnostic(
        severity=Severity.NOTE,
        code="renamed",
        message=f"{resource.address} is the object that the ledger knows as {old}, whose manifest is gone: "
        "taken for renamed, the object is kept",
        source=resource.source,
        address=resource.address,
    )
