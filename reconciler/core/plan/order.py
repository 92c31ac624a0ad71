"""The order of the changes of a plan: parents first, and for what goes away, last. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.graph import find_cycle, levels
from reconciler.core.kinds.fields import walk
from reconciler.core.manifests.references import parents_of
from reconciler.core.model import Change, Json
from reconciler.core.plan.considered import Inputs
from reconciler.core.plan.remnant import successor_of
from reconciler.core.pointer import get


def in_order(changes: list[Change], inputs: Inputs) -> list[Change]:
    """Tell each pending change which other pending ones it waits for.

    What is created or changed waits for what it refers to, also across unchanged resources between them. What goes
    away waits for everything that referred to it: for the changes that refer to something else now, and for the
    deletes of the others.
    """
    leaving = {change.address: change for change in changes if change.departure is not None}
    pending = {c.address: c for c in changes if not c.is_idle and c.address not in leaving}
    if not pending and not leaving:
        return changes
    awaited = _parents_first(pending, inputs)
    if not leaving:
        return [replace(c, waits_for=awaited[c.address]) if awaited[c.address] else c for c in changes]
    edges = {address: set(awaited.get(address, ())) for address in (*pending, *leaving)}
    for address, change in leaving.items():
        edges[address] |= _referring(change, leaving.values(), pending, inputs)
        if change.departure is not None and change.departure.first and change.departure.replaced in pending:
            edges[change.departure.replaced].add(address)
    _break_circles(edges, leaving)
    waits = {**awaited, **{address: frozenset(found) for address, found in edges.items()}}
    return [replace(change, waits_for=waits.get(change.address, frozenset())) for change in changes]


def _parents_first(pending: Mapping[Address, Change], inputs: Inputs) -> dict[Address, frozenset[Address]]:
    parents = parents_of(inputs.resources)
    awaited: dict[Address, frozenset[Address]] = {}
    for layer in levels(parents):
        for address in layer:
            nearest = [frozenset({p}) if p in pending else awaited[p] for p in parents[address]]
            # Shared where it can be: many that wait for the same many would take a set each.
            awaited[address] = nearest[0] if len(nearest) == 1 else frozenset().union(*nearest)
    return awaited


def _referring(
    change: Change, leaving: Iterable[Change], pending: Mapping[Address, Change], inputs: Inputs
) -> set[Address]:
    """Return the changes that an object has to wait for before it goes away."""
    departure = change.departure
    assert departure is not None
    gone = departure.replaced or successor_of(change.address) or change.address
    found = {
        other.address
        for other in leaving
        if other is not change and other.departure is not None and gone in other.departure.parents
    }
    if departure.first:
        return found  # what refers to it changes when its successor is there
    found |= {address for address, other in pending.items() if _referred(other, gone, change, inputs)}
    return found | ({gone} if gone in pending else set())


def _referred(other: Change, gone: Address, change: Change, inputs: Inputs) -> bool:
    """Tell whether a pending change is about a resource that refers to what goes away, or did so until now."""
    if other.resource is not None and gone in other.resource.depends_on:
        return True
    record = inputs.memory.record_of(other.address)
    if record is not None and record.removal is not None and gone in record.removal.parents:
        return True
    if other.live is None or change.live is None:
        return False
    kind = inputs.catalog.kinds[other.address.system, other.address.kind]
    paths = [path for path, info in walk(kind.fields) if info.reference is not None and "*" not in path]
    return any(_holds_id(get(other.live.spec, path), change.live.id) for path in paths)


def _holds_id(value: Json, remote_id: str) -> bool:
    return remote_id in value if isinstance(value, list) else bool(value == remote_id)


def _break_circles(edges: dict[Address, set[Address]], leaving: Mapping[Address, Change]) -> None:
    """Let a delete go ahead where deletes wait for one another in a circle, as records of different times may say."""
    while circle := find_cycle(edges):
        waiting, other = next(pair for pair in itertools.pairwise(circle) if pair[0] in leaving)
        edges[waiting].remove(other)
