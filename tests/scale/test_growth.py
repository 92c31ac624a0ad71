"""Twice the resources take twice the work: calls of functions are counted, seconds are not."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from many import Many

from reconciler.core.errors import InvalidInput
from reconciler.core.manifests.reference_checks import MOST_COMPARED
from reconciler.workflow.commands import Connections, apply, load, plan

SIZES = (100, 200, 400)


def calls(work: Callable[[], object]) -> int:
    """Return how many functions, of Python and of C, `work` calls, in all threads."""
    counted = [0]

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            counted[0] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return counted[0]


def load_only(many: Many) -> None:
    load(many.options(1))


def plan_only(many: Many) -> None:
    many.plan(1)


def plan_and_apply(many: Many) -> None:
    options = many.options(1)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        report = apply(plan(loaded, connections, options), loaded, connections, options)
    assert len(report.outcomes) == many.count


@pytest.mark.parametrize(
    ("work", "chain", "drift"),
    [
        pytest.param(load_only, 0, 0, id="validate"),
        pytest.param(load_only, 50, 0, id="validate-references"),
        pytest.param(plan_only, 0, 0, id="plan"),
        pytest.param(plan_only, 20, 0, id="plan-references"),
        pytest.param(plan_only, 20, 10**9, id="plan-all-changed"),
        pytest.param(plan_and_apply, 0, 10**9, id="apply-all"),
        pytest.param(plan_and_apply, 10, 10**9, id="apply-in-order"),
    ],
)
def test_work_grows_with_the_resources(tmp_path: Path, work: Callable[[Many], None], chain: int, drift: int) -> None:
    counts: list[int] = []
    for size in (SIZES[0], *SIZES):  # the first one loads what is loaded once
        folder = tmp_path / f"{len(counts)}"
        folder.mkdir()
        many = Many(folder, size)
        many.write(chain=chain, drift=drift)
        counts.append(calls(lambda many=many: work(many)))  # type: ignore[misc]
    _, small, middle, large = counts
    # Work that is linear grows twice as much from 200 to 400 as from 100 to 200; quadratic work four times.
    assert large - middle <= 2.25 * (middle - small), counts


def test_a_field_that_is_handed_on_from_one_to_the_next_is_filled_in_once(tmp_path: Path) -> None:
    counts = []
    for count in SIZES:
        many = Many(tmp_path, count)
        many.write(copies=count, drift=1)
        assert len(many.plan(1).plan.pending) == count
        counts.append(calls(lambda: many.plan(1)))  # noqa: B023  called at once
    assert (counts[2] - counts[1]) / (counts[1] - counts[0]) < 2.5


def test_thousands_of_references_that_lead_nowhere_get_a_few_suggestions(tmp_path: Path) -> None:
    many = Many(tmp_path, 1000)
    many.write(chain=2)
    for path in (tmp_path / "manifests").iterdir():
        path.write_text(path.read_text().replace("ref:Thing/n", "ref:Thing/m"))
    with pytest.raises(InvalidInput) as refused:
        load(many.options())
    missing = [one for one in refused.value.diagnostics if one.code == "missing-reference"]
    assert len(missing) == 500
    assert sum(one.hint.startswith("did you mean 'n") for one in missing) == MOST_COMPARED // 1000


def test_positions_are_only_worked_out_where_there_is_something_to_report(tmp_path: Path) -> None:
    """They take reading the text again, and hold all of its nodes in memory afterwards."""
    many = Many(tmp_path, 100)
    many.write(chain=10)
    loaded = load(many.options(1))
    places = [resource.locate for resource in loaded.resources.values()]
    assert [place for place in places if place._positions is not None] == []  # type: ignore[attr-defined]
