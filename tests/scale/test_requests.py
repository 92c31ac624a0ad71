"""How many requests a plan sends, and which of them at once: counted, not timed."""

from __future__ import annotations

from pathlib import Path

import pytest
from many import Many


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
