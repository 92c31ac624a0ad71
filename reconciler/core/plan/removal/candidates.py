"""Who may have to go: records that no manifest states any more, and marked objects that none matches. Pure.

What is not decided here stays, and a note says why.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from reconciler.core.address import Address
from reconciler.core.canonical import digest
from reconciler.core.compare.normalize import item_key_of
from reconciler.core.kinds.catalog import Catalog, Kind
from reconciler.core.manifests.references import Known, awaits_parent
from reconciler.core.manifests.selection import Selection
from reconciler.core.memory.ledger import Record, Removal
from reconciler.core.model import Diagnostic, JsonObject, LiveObject, Resource, Severity
from reconciler.core.plan.remnant import Remnant, way_of
from reconciler.core.pointer import MISSING
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import natural_key

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What is stated, what is recorded, and what this run is about."""

    resources: Mapping[Address, Resource]
    records: Mapping[Address, Record]
    catalog: Catalog
    systems: Collection[str]  # that the target says where they are
    selection: Selection
    named: bool = False  # the objects were named one by one, and not found by what is missing

    def unstated(self) -> list[Address]:
        """Return the recorded addresses that the selection names and that no manifest states."""
        return [a for a in sorted(self.records) if a not in self.resources and self.selection.names(a)]


def stays(address: Address, reason: str, hint: str = "", *, named: bool = False) -> Diagnostic:
    """Return the note that an object stays although no manifest states it, or although it was named."""
    code = "not-destroyed" if named else "not-pruned"
    return Diagnostic(
        severity=Severity.NOTE, code=code, message=f"{address} stays: {reason}", hint=hint, address=address
    )


def recorded_remnants(estate: Estate) -> tuple[list[Remnant], list[Diagnostic]]:
    """Return the recorded objects that may have to go, and a note for each of the others that no manifest states."""
    remnants: list[Remnant] = []
    notes: list[Diagnostic] = []
    unstated = estate.unstated()
    if estate.selection.labels and unstated:
        message = f"{len(unstated)} recorded objects that no manifest states stay: their labels are not known"
        return [], [Diagnostic(severity=Severity.NOTE, code="not-pruned", message=message, hint=_UNLABELLED)]
    for address in unstated:
        reason, hint = _undecided(address, estate)
        if reason:
            notes.append(stays(address, reason, hint, named=estate.named))
            continue
        record = estate.records[address]
        kind = estate.catalog.kinds[address.system, address.kind]
        remnants.append(Remnant(address=address, kind=kind, id=record.id, removal=record.removal or Removal()))
    return remnants, notes


_UNLABELLED = "leave -l out, or name the objects with --address"


def _undecided(address: Address, estate: Estate) -> tuple[str, str]:
    """Return why nothing can be decided about a recorded object, and what to do; empty when it can."""
    if address.system not in estate.systems:
        return f"the target does not say where {address.system} is", "add the system to the target"
    kind = estate.catalog.find(address.system, address.kind)
    if kind is None:
        return "its kind is not defined any more", "bring the definition back, or remove the record from the ledger"
    if way_of(kind) is None:
        return f"the kind {kind.full_name} does not say how objects are deleted", "state write.delete in the kind"
    if kind.secret_id and not estate.records[address].id:
        reason = "its id is secret and not kept, so nothing tells which object it is"
        return reason, f"delete it in the system, then run: reconciler ledger forget '{address}'"
    if estate.named:
        return "", ""
    if not any(stated.system == address.system for stated in estate.resources):
        reason = f"no manifest states anything of {address.system}, which is not taken for a wish to have nothing there"
        return reason, f"if it is to go, name it: reconciler destroy '{address}'"
    if estate.records[address].removal is None:
        reason = "its record is of an older version, which did not note whether it is protected"
        return reason, f"name it: reconciler destroy '{address}'"
    return "", ""


# --------------------------------------------------------------------------- by their mark


def stated_places(kind: Kind, known: Known, chosen: Collection[Address]) -> tuple[list[JsonObject], bool]:
    """Return the specs of `kind`, one for each scope that `chosen` resources stand in, and whether all keys are known.

    A stated resource outside of `chosen` whose natural key is not known could be any of the live objects.
    """
    scopes: dict[str, JsonObject] = {}
    decided = True
    for address, resource in known.resources.items():
        if (address.system, address.kind) != kind.names:
            continue
        spec, unknown = known.spec_of(resource)
        if any(path and path[0] in {*kind.scope, *kind.key} for path in unknown):
            decided = decided and address in chosen  # its parent is to come, so it is none of the live ones
        elif kind.scope and awaits_parent(resource, kind.scope, known.resources, known.live):
            continue
        elif address in chosen:
            scopes.setdefault(scope_of(kind, spec), spec)
    return list(scopes.values()), decided


def scope_of(kind: Kind, spec: Mapping[str, object], *, desired: bool = True) -> str:
    """Return the scope that a spec stands in, as text that is equal for equal scopes."""
    return "\n".join(item_key_of(kind.fields.child(n), spec.get(n, MISSING), desired=desired) for n in kind.scope)


def unmatched(kind: Kind, objects: Iterable[LiveObject], known: Known) -> Iterator[LiveObject]:
    """Yield the objects that no stated resource of `kind` is about, by id or by natural key.

    Both mean something in one scope only: singletons of different parents share them, and children may.
    """
    ids: set[tuple[str, str]] = set()
    keys: set[tuple[str, str]] = set()
    for address, resource in known.resources.items():
        if (address.system, address.kind) != kind.names:
            continue
        spec, unknown = known.spec_of(resource)
        if any(path and path[0] in kind.scope for path in unknown):
            continue  # it is in something that does not exist yet, so it is none of these
        scope = scope_of(kind, spec)
        keys.add((scope, natural_key(kind, spec)))
        if address in known.live:
            ids.add((scope_of(kind, known.live[address].spec, desired=False), known.live[address].id))
    for one in objects:
        scope = scope_of(kind, one.spec, desired=False)
        if (scope, one.id) not in ids and (scope, natural_key(kind, one.spec, desired=False)) not in keys:
            yield one


def address_of(kind: Kind, live: LiveObject, taken: Collection[Address]) -> Address:
    """Return an address for an object that has none: by its name where it has a good one, else by its id."""
    name = live.spec.get(kind.definition.identity.name or "")
    system = kind.definition.system
    if (
        isinstance(name, str)
        and _NAME.fullmatch(name)
        and not kind.fields.hides((kind.definition.identity.name or "",))
    ):
        found = Address(system, kind.name, name)
        if found not in taken:
            return found
    # An id that is secret is no name, and neither is anything that would help to guess it.
    return Address(system, kind.name, live.id if not kind.secret_id else digest(natural_key(kind, live.spec))[:16])
