"""The law of faults, as a property of random estates: whatever goes wrong in one run, the next ones put it right."""

from __future__ import annotations

import itertools
from pathlib import Path

from depot_estates import Estate, estates
from depot_faults import VICES, Fault
from depot_laws import broken_laws
from depot_world import Way, World
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

CASES_OF_AN_ESTATE = 20  # preparing an estate costs as much as a few cases

Draft = tuple[str, int, int, int]

_drafts = st.tuples(
    st.sampled_from(list(VICES)), st.integers(0, 2), st.integers(0, 40), st.integers(0, 7)
)  # what, in which system, at which request, with which object
_cases = st.tuples(_drafts, st.none() | _drafts, st.none() | st.integers(0, 3))  # the last: so many requests later


def hold(folder: Path, way: Way, cases: int) -> None:
    """Try so many random cases. Raises AssertionError with what did not hold in the smallest one that was found."""
    numbers = itertools.count()

    @settings(max_examples=max(1, cases // CASES_OF_AN_ESTATE), suppress_health_check=list(HealthCheck))
    @given(estates(), st.lists(_cases, min_size=CASES_OF_AN_ESTATE, max_size=CASES_OF_AN_ESTATE))
    def law(estate: Estate, tries: list[tuple[Draft, Draft | None, int | None]]) -> None:
        place = folder / str(next(numbers))
        place.mkdir()
        world = World(place, estate, way)
        world.again()
        world.run()
        came = {name: line.came for name, line in world.lines.items() if line.came}
        for first, second, later in tries:
            faults = [_fault(first, came)]
            if second is not None:
                faults.append(_fault(second, came, None if later is None else faults[0], later or 0))
            broken = broken_laws(world, tuple(faults))
            if broken:
                note(f"faults: {faults}")
            assert broken == []

    law()


def _fault(draft: Draft, came: dict[str, int], after: Fault | None = None, later: int = 0) -> Fault:
    """Return the fault of a draft at one of the requests that an undisturbed run sends, or a few behind another."""
    what, system, at, which = draft
    if after is not None:
        return Fault(what=what, system=after.system, at=after.at + later, which=which)
    name = sorted(came)[system % len(came)]
    return Fault(what=what, system=name, at=at % (came[name] + 2), which=which)
