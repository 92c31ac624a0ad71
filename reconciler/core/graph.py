"""Order among addresses: what waits for what, and circles. Pure; graphlib does the work."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping
from typing import TypeVar

Node = TypeVar("Node")


def find_cycle(edges: Mapping[Node, Collection[Node]]) -> list[Node]:
    """Return one circle in `edges` (node to the nodes it waits for), first node repeated last; empty if none."""
    # Most nodes wait for nothing, so they are in no circle.
    tied = {node: waits for node, waits in edges.items() if waits}
    try:
        graphlib.TopologicalSorter(tied).prepare()
    except graphlib.CycleError as error:
        cycle: list[Node] = list(error.args[1])
        return cycle[::-1]
    return []


def levels(edges: Mapping[Node, Collection[Node]]) -> list[list[Node]]:
    """Return the nodes of `edges` in layers: each node stands behind all that it waits for.

    Nodes that only appear as something to wait for are included. Raises graphlib.CycleError on a circle.
    """
    # Most nodes wait for nothing, and no sorter needs to be told about them.
    tied = {node: waits for node, waits in edges.items() if waits}
    sorter = graphlib.TopologicalSorter(tied)
    sorter.prepare()
    named = {wait for waits in tied.values() for wait in waits}
    free = [node for node, waits in edges.items() if not waits and node not in named]
    if not tied:
        return [free] if free else []
    layers: list[list[Node]] = []
    while sorter.is_active():
        ready = list(sorter.get_ready())
        layers.append(ready if layers else [*free, *ready])
        sorter.done(*ready)
    return layers


def islands(edges: Mapping[Node, Collection[Node]]) -> list[set[Node]]:
    """Return the nodes of `edges` in groups that no edge connects, in the order in which each is first met."""
    found: list[set[Node]] = []
    for node, others in edges.items():
        touching = [island for island in found if island & {node, *others}]
        found = [island for island in found if island not in touching]
        found.append({node, *others}.union(*touching))
    return found
