"""Whether references lead anywhere: to a resource of the same set, to a field that it has, never in a circle. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from reconciler.core.address import Address
from reconciler.core.graph import find_cycle
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.manifests.envelope import ReportProblem
from reconciler.core.model import Reference, Resource, Source
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean

MOST_COMPARED = 20_000
"""Names that one run compares with misspelt ones: a suggestion is worth much, thousands of them are not read."""


@dataclass(slots=True, kw_only=True)
class _Check:
    catalog: Catalog
    report: ReportProblem
    known: frozenset[Address]  # all declared resources
    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # of them, once one is missing
    left: int = MOST_COMPARED

    def nearest(self, address: Address) -> str:
        """Return a suggestion for an address that no manifest declares, as long as it costs not too much."""
        if not self.names:
            for one in sorted(self.known):
                self.names.setdefault((one.system, one.kind), []).append(one.name)
        names = self.names.get((address.system, address.kind), [])
        self.left -= len(names)
        return did_you_mean(address.name, names) if self.left >= 0 else ""


def check_references(
    resources: Sequence[Resource], declared: Iterable[Address], catalog: Catalog, report: ReportProblem
) -> None:
    """Report every reference of `resources` that cannot be.

    `declared` are the addresses of all manifests, also of those that could not be read as a resource: what refers
    to them is right.
    """
    known = frozenset(declared)
    check = _Check(catalog=catalog, report=report, known=known)
    for resource in resources:
        for expression in resource.expressions:
            for reference in expression.references:
                if reference.address not in known:
                    # Where it stands is worked out for a wrong one only: that takes reading the text again.
                    _report_missing(check, reference.address, resource.locate(("spec", *expression.path)))
                elif reference.pointer is not None:
                    _check_pointer(check, resource, expression.path, reference)
                else:
                    _check_kind(check, resource, expression.path, reference.address)
    _check_circles(resources, report)


def _report_missing(check: _Check, address: Address, source: Source) -> None:
    if check.catalog.find(address.system, address.kind) is None:
        kinds = [kind for _, kind in check.catalog.kinds]
        check.report(
            source,
            "missing-reference",
            f"reference to the unknown kind {address.kind!r}",
            did_you_mean(address.kind, kinds) or f"known kinds: {', '.join(sorted(set(kinds)))}",
        )
        return
    check.report(
        source,
        "missing-reference",
        f"reference to {address}, which no manifest declares",
        check.nearest(address) or "declare it; for an object that others manage add `lifecycle: {lookup: true}`",
    )


def _check_pointer(check: _Check, holder: Resource, path: Path, reference: Reference) -> None:
    address, pointer = reference.address, reference.pointer
    kind = check.catalog.find(address.system, address.kind)
    if kind is not None and pointer and pointer[0] not in kind.fields.properties:
        check.report(
            holder.locate(("spec", *path)),
            "missing-reference",
            f"{address.kind} has no field {str(pointer[0])!r}",
            did_you_mean(str(pointer[0]), kind.fields.properties)
            or f"`reconciler kinds show {kind.full_name}` lists its fields",
        )


def _check_kind(check: _Check, holder: Resource, path: Path, named: Address) -> None:
    kind = check.catalog.find(holder.address.system, holder.address.kind)
    wanted = kind.fields.at(path).reference if kind is not None else None
    if wanted is not None and wanted != named.kind:
        check.report(
            holder.locate(("spec", *path)),
            "wrong-reference",
            f"the field holds the id of a {wanted}, and {named} is a {named.kind}",
            f"name a {wanted}, or a field of the other object, as in ${{ref:{named.kind}/{named.name}#/field}}",
        )


def _check_circles(resources: Sequence[Resource], report: ReportProblem) -> None:
    """Report each circle once, at the first of its addresses; circles that share a resource one after the other."""
    by_address: dict[Address, Resource] = {}
    for resource in resources:
        if resource.expressions:  # one that refers to nothing is in no circle
            by_address.setdefault(resource.address, resource)
    edges = {a: sorted(b for b in r.depends_on if b in by_address) for a, r in sorted(by_address.items())}
    while cycle := find_cycle(edges):
        start = cycle.index(min(cycle))
        circle = [*cycle[start:-1], *cycle[:start], cycle[start]]
        report(
            by_address[circle[0]].source,
            "reference-cycle",
            "references run in a circle: " + " → ".join(str(address) for address in circle),
            "remove one of the references",
        )
        members = set(cycle)
        edges = {a: [b for b in waits if b not in members] for a, waits in edges.items() if a not in members}
