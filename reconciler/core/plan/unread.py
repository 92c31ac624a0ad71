"""What cannot be read, what depends on it, and what must stay as it is because of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field

from reconciler.core.address import Address
from reconciler.core.graph import levels
from reconciler.core.kinds.catalog import Catalog, reference_names
from reconciler.core.manifests.references import parents_of
from reconciler.core.memory.ledger import Record
from reconciler.core.model import Action, Change, Diagnostic, Resource, Severity
from reconciler.core.records import dataclass

UNREADABLE_KIND = "unreadable-kind"
"""Code of what cannot be planned since a live system did not show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a resource could not be read, and what to do about it."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Resources that cannot be planned, and kinds of which nothing is deleted or replaced."""

    causes: Mapping[Address, Address] = field(default_factory=dict)  # to the one that cannot be read, often itself
    kinds: frozenset[tuple[str, str]] = frozenset()  # those that cannot be read, and what is in their objects
    above: frozenset[Address] = frozenset()  # what any of these depend on
    parents: Mapping[Address, Collection[Address]] = field(default_factory=dict)  # of what is recorded or declared

    def why_stays(self, address: Address, parents: Iterable[Address] = ()) -> str:
        """Return why an object that refers to `parents` must stay; empty when it need not."""
        if (address.system, address.kind) in self.kinds:
            return "its kind, or what it is in, cannot be read"
        if address in self.above:
            return "what depends on it cannot be read"
        if any(a in self.causes or (a.system, a.kind) in self.kinds for a in _ancestors(parents, self.parents)):
            return "what it depends on cannot be read"
        return ""


def find_unread(
    failed: Collection[Address],
    resources: Mapping[Address, Resource],
    records: Mapping[Address, Record],
    catalog: Catalog,
) -> Unread:
    """Return what follows from the resources that could not be read."""
    if not failed:
        return Unread()
    causes: dict[Address, Address] = {}
    for layer in levels(parents_of(resources)):
        for address in layer:
            parents = sorted(p for p in resources[address].depends_on if p in causes)
            if address in failed:
                causes[address] = address
            elif parents:
                causes[address] = causes[parents[0]]
    kinds = _with_those_inside({(a.system, a.kind) for a in failed}, catalog)
    parents_by: dict[Address, Collection[Address]] = {
        a: record.removal.parents for a, record in records.items() if record.removal is not None
    }
    parents_by.update((a, resource.depends_on) for a, resource in resources.items())
    hit = [a for a in parents_by if a in causes or (a.system, a.kind) in kinds]
    above = _ancestors((p for a in hit for p in parents_by[a]), parents_by)
    return Unread(causes=causes, kinds=kinds, above=frozenset(above), parents=parents_by)


def _with_those_inside(names: set[tuple[str, str]], catalog: Catalog) -> frozenset[tuple[str, str]]:
    """Return kinds, and all whose objects are in, or are told apart by, an object of one of them."""
    inside = {
        kind.names: {
            reference_names(kind, info.reference)
            for info in map(kind.fields.child, {*kind.scope, *kind.key})
            if info.reference is not None
        }
        for kind in catalog.ordered()
    }
    found: set[tuple[str, str]] = set()
    while names - found:
        found |= names
        names = {name for name, others in inside.items() if others & found}
    return frozenset(found)


def _ancestors(start: Iterable[Address], parents: Mapping[Address, Collection[Address]]) -> set[Address]:
    found: set[Address] = set()
    waiting = list(start)
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting.extend(parents.get(address, ()))
    return found


_LEFT_OUT = "--skip-unreadable leaves it out, as naming the others with --address does"


def left_out(
    unread: Unread,
    failures: Mapping[Address, Failure],
    resources: Mapping[Address, Resource],
    selected: Collection[Address],
    *,
    skipped: bool,
) -> Iterator[Diagnostic]:
    """Yield what is not planned, and why: a warning each where it is `skipped`, an error otherwise."""
    for address, cause in sorted(unread.causes.items()):
        if address not in selected:
            continue
        own = failures[cause]
        reason = own.message if cause == address else f"it depends on {cause}, which cannot be read: {own.message}"
        hints = [own.hint] if skipped else [own.hint, _LEFT_OUT]
        yield Diagnostic(
            severity=Severity.WARNING if skipped else Severity.ERROR,
            code=UNREADABLE_KIND,
            message=f"{address} is left out: {reason}" if skipped else f"{address} cannot be planned: {reason}",
            source=resources[address].source,
            hint="; ".join(filter(None, hints)),
            address=address,
        )


def irreplaceable(changes: Iterable[Change], unread: Unread) -> Iterator[Diagnostic]:
    """Yield an error for each replacement that could take along what cannot be read."""
    for change in changes:
        if change.action is not Action.REPLACE or change.resource is None:
            continue
        reason = unread.why_stays(change.address)
        if reason:
            yield Diagnostic(
                severity=Severity.ERROR,
                code=UNREADABLE_KIND,
                message=f"{change.address} cannot be replaced: {reason}",
                source=change.resource.source,
                hint="leave it out with --address or -l until everything can be read",
                address=change.address,
            )
