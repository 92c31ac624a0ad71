"""Lists that lie while others tell the truth: nothing is made twice, and nothing is taken away that is wanted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from depot_estates import Estate, estates
from depot_laws import MOST_FURTHER_RUNS, at_the_end, of_every_run
from depot_world import Tried, Way, World
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from list_vices import SILENT, VICES

CASES_OF_AN_ESTATE = 2 * len(VICES)

WAYS = {
    "ledger in a file": (Way(ledger=True, prune=True), 4),
    "ledger in a file, keeping": (Way(ledger=True, prune=False), 8),
    "ledger in Git": (Way(ledger=True, prune=True, git=True), 32),
    "no ledger": (Way(ledger=False, prune=False), 8),
}  # and which part of the cases; each has two runs on lists that lie, which makes 2,000 of them in all


@pytest.mark.parametrize("way", WAYS)
def test_a_list_that_lies_costs_a_refusal_at_most(memory_folder: Path, fault_cases: int, way: str) -> None:
    numbers = itertools.count()
    how, part = WAYS[way]

    @settings(max_examples=max(1, fault_cases // part // CASES_OF_AN_ESTATE), suppress_health_check=list(HealthCheck))
    @given(estates(), st.lists(st.sampled_from(sorted(VICES)), min_size=len(VICES), max_size=len(VICES)))
    def law(estate: Estate, also: list[str]) -> None:
        place = memory_folder / str(next(numbers))
        place.mkdir()
        world = World(place, estate, how)
        for pair in zip(VICES, also, strict=True):
            for first, second in (pair, pair[::-1]):
                broken = broken_laws(world, (first, second))
                if broken:
                    note(f"vices: {first}, then {second}")
                assert broken == []

    law()


def broken_laws(world: World, vices: tuple[str, ...]) -> list[str]:
    """Try one case, a run with each of `vices` and then some without; return what did not hold."""
    world.again()
    found = []
    for vice in vices:
        world.lie(VICES[vice])
        tried = world.run()
        found += [law for law in of_every_run(world, tried) if not _is_unheard_of(world, law, vices)]
        found += _unexplained(tried)
    if any(len(world.rows(thing)) > 1 for thing in world.estate.things):
        return found  # nobody can put that right but a person
    for further in range(MOST_FURTHER_RUNS + 1):
        world.mend()
        made = world.plan()
        if made.blockers:
            return [*found, f"blocked after {further} further runs: {[one.message for one in made.blockers]}"]
        if not made.has_work:
            return [*found, *at_the_end(world)]
        found += of_every_run(world, world.run())
    return [*found, "still at work"]


def _unexplained(tried: Tried) -> Iterator[str]:
    """Yield that a run did not do everything, and does not say why."""
    if tried.error is not None and not tried.error.hint:
        yield f"nothing to do about: {tried.error.message}"
    for outcome in tried.outcomes:
        if outcome.status.value in ("failed", "conflict", "in doubt") and not (outcome.detail and outcome.hint):
            yield f"{outcome.address}: {outcome.status.value}, and nothing more"


def _is_unheard_of(world: World, law: str, vices: tuple[str, ...]) -> bool:
    """Tell whether an object is there twice of which nothing was remembered, and no list spoke against its absence."""
    twice = [thing for thing in world.estate.things if law.startswith(f"{thing.name} is there ")]
    if not twice or (world.way.ledger and twice[0].fate != "adopt"):
        return False
    return not SILENT.isdisjoint(vices)
