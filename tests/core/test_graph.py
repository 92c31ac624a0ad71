"""Order among addresses: layers, and circles."""

from __future__ import annotations

import graphlib
import itertools
import random

import pytest

from reconciler.core.graph import find_cycle, islands, levels


@pytest.mark.parametrize(
    ("edges", "layers"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"a": []}, ["a"], id="one"),
        pytest.param({"a": [], "b": []}, ["ab"], id="independent"),
        pytest.param({"a": ["b"], "b": ["c"], "c": []}, ["c", "b", "a"], id="chain"),
        pytest.param({"a": ["b"]}, ["b", "a"], id="only-waited-for"),
        pytest.param({"d": ["b", "c"], "b": ["a"], "c": ["a"]}, ["a", "bc", "d"], id="diamond"),
        pytest.param({"c": ["a", "b"], "b": ["a"]}, ["a", "b", "c"], id="longest-way-counts"),
    ],
)
def test_layers(edges: dict[str, list[str]], layers: list[str]) -> None:
    assert ["".join(sorted(layer)) for layer in levels(edges)] == layers


def test_each_node_stands_once_behind_all_that_it_waits_for() -> None:
    chance = random.Random(7)
    edges = {n: sorted(chance.sample(range(n), min(n, chance.randrange(4)))) for n in range(300)}
    layer_of = {node: depth for depth, layer in enumerate(levels(edges)) for node in layer}
    assert sorted(layer_of) == sorted(edges)
    assert all(layer_of[waits_for] < layer_of[node] for node, waits in edges.items() for waits_for in waits)


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"a": ["b"], "b": ["c"]}, id="chain"),
        pytest.param({"a": ["b", "c"], "b": ["d"], "c": ["d"]}, id="diamond"),
    ],
)
def test_no_circle(edges: dict[str, list[str]]) -> None:
    assert find_cycle(edges) == []


@pytest.mark.parametrize(
    ("edges", "members"),
    [
        pytest.param({"a": ["a"]}, "a", id="itself"),
        pytest.param({"a": ["b"], "b": ["a"]}, "ab", id="two"),
        pytest.param({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"], "y": []}, "abc", id="three-with-a-tail"),
    ],
)
def test_a_circle_is_given_in_the_order_of_waiting(edges: dict[str, list[str]], members: str) -> None:
    cycle = find_cycle(edges)
    assert cycle[0] == cycle[-1]
    assert sorted(cycle[:-1]) == sorted(members)
    assert all(after in edges[before] for before, after in itertools.pairwise(cycle))
    with pytest.raises(graphlib.CycleError):
        levels(edges)


@pytest.mark.parametrize(
    ("edges", "groups"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"a": [], "b": []}, ["a", "b"], id="apart"),
        pytest.param({"a": ["b"], "b": [], "c": []}, ["ab", "c"], id="one-edge"),
        pytest.param({"a": ["b"], "c": ["d"], "e": ["a", "d"]}, ["abcde"], id="joined-late"),
        pytest.param({"a": ["x"]}, ["ax"], id="a-node-that-is-only-waited-for"),
    ],
)
def test_islands(edges: dict[str, list[str]], groups: list[str]) -> None:
    assert sorted("".join(sorted(island)) for island in islands(edges)) == groups
