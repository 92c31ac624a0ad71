"""How many requests a plan sends, and which of them at once: counted, not timed."""

from __future__ import annotations

from pathlib import Path

import pytest
from many import Many

from reconciler.core.report import Status
from reconciler.workflow.commands import Connections, apply, plan


@pytest.mark.parametrize("style", ["page", "offset", "cursor"])
def test_a_plan_without_changes_sends_the_list_pages_and_nothing_else(tmp_path: Path, style: str) -> None:
    many = Many(tmp_path, 1000, style)
    many.write()
    assert not many.plan().plan.has_work
    assert len(many.seen) == 10
    assert len(set(many.seen)) == 10


def test_references_cost_no_request_of_their_own(tmp_path: Path) -> None:
    many = Many(tmp_path, 500)
    many.write(chain=10)
    assert not many.plan().plan.has_work
    assert len(many.seen) == 5


@pytest.mark.parametrize("style", ["page", "offset"])
def test_pages_with_a_known_end_are_asked_for_at_once(tmp_path: Path, style: str) -> None:
    many = Many(tmp_path, 1000, style, wait_for=5)
    many.write()
    assert not many.plan().plan.has_work
    assert many.at_once >= 5


def test_a_server_that_answers_at_once_is_asked_one_by_one(tmp_path: Path) -> None:
    """Threads that never wait are only in one another's way."""
    many = Many(tmp_path, 1000, answer_s=0.0001)
    many.write()
    assert not many.plan().plan.has_work
    assert many.at_once == 1
    assert len(many.seen) == 10


def test_no_more_at_once_than_was_allowed(tmp_path: Path) -> None:
    many = Many(tmp_path, 1000)
    many.write()
    assert not many.plan(parallelism=3).plan.has_work
    assert many.at_once <= 3


@pytest.mark.parametrize("style", ["cursor", "endless"])
def test_pages_that_only_the_one_before_knows_of_come_one_by_one(tmp_path: Path, style: str) -> None:
    many = Many(tmp_path, 950, style)
    many.write()
    assert not many.plan().plan.has_work
    assert many.at_once == 1
    assert len(many.seen) == 10


def test_a_server_with_smaller_pages_is_read_to_its_end(tmp_path: Path) -> None:
    many = Many(tmp_path, 230, "offset", largest_page=40)
    many.write()
    assert not many.plan().plan.has_work
    assert len(many.seen) == 6


def test_pages_behind_the_end_of_a_server_that_counts_too_many_do_no_harm(tmp_path: Path) -> None:
    many = Many(tmp_path, 300, "offset", said_total=900)
    many.write()
    assert not many.plan().plan.has_work


@pytest.mark.parametrize(("chain", "least", "most"), [(0, 1, 1), (3, 3, 9)])
def test_changes_that_are_ready_at_once_share_one_fresh_list(tmp_path: Path, chain: int, least: int, most: int) -> None:
    many = Many(tmp_path, 300, alone=False)
    many.write(chain=chain, drift=300)
    options = many.options()
    loaded = many.loaded(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        before = len(many.seen)
        report = apply(planned, loaded, connections, options)
    assert {outcome.status for outcome in report.outcomes} == {Status.APPLIED}
    asked = [one for one in many.seen[before:] if one.startswith("GET")]
    # Of three pages each; what is ready later than a list began needs another one, and no two wait in vain.
    assert 3 * least <= len(asked) <= 3 * most


def test_what_moved_before_the_fresh_list_is_a_conflict(tmp_path: Path) -> None:
    many = Many(tmp_path, 100, alone=False)
    many.write(drift=100)
    options = many.options()
    loaded = many.loaded(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        many.objects["id7"]["size"] = 12345
        report = apply(planned, loaded, connections, options)
    conflicts = [str(one.address) for one in report.outcomes if one.status is Status.CONFLICT]
    assert conflicts == ["many.Thing/n00007"]
    assert many.objects["id7"]["size"] == 12345
