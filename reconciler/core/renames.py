"""Objects whose manifest was renamed: the ledger knows them by an address that is no longer stated. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.core.ledger import Ledger, likeness
from reconciler.core.model import Address, Diagnostic, LiveObject, Resource, Severity

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
    for new in sorted(live) if unstated else ():
        if new in ledger.records or resources[new].lifecycle.lookup:
            continue
        known = [
            old
            for old in unstated.get((new.system, new.kind, live[new].id), [])
            if old in ledger.records and _same_place(ledger, old, resources[new])
        ]
        if len(known) == 1:
            ledger = ledger.moved(known[0], new)
            notes.append(_renamed(known[0], resources[new]))
    return ledger, notes


def suspect_renames(
    ledger: Ledger,
    resources: Mapping[Address, Resource],
    live: Mapping[Address, LiveObject],
    about: Collection[Address],
) -> list[Diagnostic]:
    """Return what to ask a person about new manifests that look like one whose manifest is gone, under another key."""
    unstated = [address for address in sorted(ledger.records) if address not in resources]
    notes = []
    for new in sorted(about) if unstated else ():
        if new in live or new in ledger.records or resources[new].lifecycle.lookup:
            continue
        alike = [
            old
            for old in unstated
            if (old.system, old.kind) == (new.system, new.kind)
            and likeness(ledger.records[old], resources[new].spec) >= ALIKE
        ]
        if len(alike) == 1:
            notes.append(_perhaps_renamed(alike[0], resources[new]))
    return notes


def _perhaps_renamed(old: Address, resource: Resource) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code="perhaps-renamed",
        message=f"{resource.address} is to be created, and looks like {old}, whose manifest is gone",
        source=resource.source,
        address=resource.address,
        hint=f"if it was renamed, `reconciler ledger move {old} {resource.address}` keeps the object",
    )


def _same_place(ledger: Ledger, old: Address, resource: Resource) -> bool:
    """Tell whether nothing says that the two stand in different places, where one id may be used twice."""
    removal = ledger.records[old].removal
    if removal is None:
        return True
    references = {expression.path[0] for expression in resource.expressions if expression.path}
    return all(name in references or resource.spec.get(name, value) == value for name, value in removal.place.items())


def _renamed(old: Address, resource: Resource) -> Diagnostic:
    return Diagnostic(
        severity=Severity.NOTE,
        code="renamed",
        message=f"{resource.address} is the object that the ledger knows as {old}, whose manifest is gone: "
        "taken for renamed, the object is kept",
        source=resource.source,
        address=resource.address,
    )
