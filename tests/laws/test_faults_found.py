"""What the law of faults has found, each in the smallest estate that shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from depot_estates import Estate, Thing
from depot_faults import Fault
from depot_laws import broken_laws
from depot_world import Way, World

from reconciler.core.report import Outcome, Status

ROOM = Thing(name="n0", system="attic", kind="Room", fate="changed", states=("size", "label"))
SITE = Thing(name="n0", system="quarry", kind="Site", fate="changed", states=("size", "label"))
NEW = Thing(name="n0", system="quarry", kind="Site", fate="new", states=("size",))


def tried(folder: Path, thing: Thing, write: str, *faults: tuple[str, int, int]) -> Outcome:
    """Return what becomes of a thing when faults happen, each so many requests behind the first `write`.

    The last number of a fault chooses what it hits. Whatever comes of it, the laws hold.
    """
    world = World(folder, Estate(things=(thing,)), Way(ledger=True, prune=False))
    world.again()
    world.run()
    line = world.lines[thing.system]
    at = next(number for number, asked in enumerate(line.asked) if asked.startswith(write))
    chosen = tuple(Fault(what=what, system=line.name, at=at + later, which=which) for what, later, which in faults)
    assert broken_laws(world, chosen) == []
    world.again(chosen)
    report = world.run().report
    assert report is not None
    (outcome,) = report.outcomes
    return outcome


def test_a_lost_update_that_somebody_else_undid_is_not_said_to_be_undone(tmp_path: Path) -> None:
    outcome = tried(tmp_path, SITE, "PATCH", ("502 after", 0, 0), ("edit of a managed field", 1, 0))
    assert outcome.status is Status.IN_DOUBT
    assert outcome.detail.endswith("reading shows that it has changed, and not as asked: /size")
    assert [one.path for one in outcome.moved] == [("label",), ("size",)]


def test_a_lost_create_that_somebody_else_changed_is_not_said_to_be_undone(tmp_path: Path) -> None:
    outcome = tried(tmp_path, NEW, "POST", ("reset after", 0, 0), ("edit of a managed field", 1, 1))
    assert outcome.status is Status.IN_DOUBT
    assert outcome.detail.endswith("reading shows that it is there, and not as asked: /size")


def test_a_lost_create_that_is_gone_again_is_only_said_not_to_be_there(tmp_path: Path) -> None:
    outcome = tried(tmp_path, NEW, "POST", ("500 after", 0, 0), ("deleted meanwhile", 1, 1))
    assert outcome.status is Status.FAILED
    assert outcome.detail.endswith("reading shows that it is not there")


def test_the_lost_answer_of_the_first_of_two_calls_does_not_wait_for_what_the_second_sets(tmp_path: Path) -> None:
    outcome = tried(tmp_path, ROOM, "PATCH", ("reset after", 0, 0))
    assert outcome.status is Status.APPLIED
    assert outcome.seconds < 1


def test_two_calls_that_answer_nothing_wait_for_nothing(tmp_path: Path) -> None:
    assert tried(tmp_path, ROOM, "PATCH").seconds == 0


def test_a_write_that_was_accepted_and_cannot_be_read_is_in_doubt_and_not_failed(tmp_path: Path) -> None:
    outcome = tried(tmp_path, replace(ROOM, fate="new"), "POST", ("auth revoked", 1, 0))
    assert outcome.status is Status.IN_DOUBT
    assert outcome.detail.startswith("the write was accepted; reading back failed")


def test_a_change_that_is_refused_half_way_says_what_was_written(tmp_path: Path) -> None:
    outcome = tried(tmp_path, ROOM, "PATCH", ("edit of a managed field", 2, 0))
    assert outcome.status is Status.CONFLICT
    assert outcome.detail.endswith("; written before that: /size")


# --------------------------------------------------------------------------- what follows a removal

KEPT = Thing(name="n0", system="harbor", kind="Dock", fate="as", states=("size",))
LEFT = Thing(name="n1", system="harbor", kind="Dock", fate="left", states=("size",))


def pruning(folder: Path) -> World:
    world = World(folder, Estate(things=(KEPT, LEFT)), Way(ledger=True, prune=True))
    world.again()
    return world


def test_what_follows_a_removal_alone_is_made(tmp_path: Path) -> None:
    world = pruning(tmp_path)
    report = world.run().report
    assert report is not None
    assert [(one.title, one.status) for one in report.follow_ups] == [("publish", Status.APPLIED)]
    assert not world.plan().has_work


@pytest.mark.parametrize(
    ("what", "asked", "later", "which"),
    [
        ("500 before", "POST /publish", 0, 0),
        ("killed", "POST /publish", 0, 0),
        ("killed", "DELETE", 0, 1),
        ("killed", "DELETE", 1, 0),
    ],
    ids=["refused", "killed before it", "killed as it was deleted", "killed before it was seen to be gone"],
)
def test_what_should_have_followed_a_removal_is_made_up_for(
    tmp_path: Path, what: str, asked: str, later: int, which: int
) -> None:
    world = pruning(tmp_path)
    world.run()
    line = world.lines["harbor"]
    at = next(number for number, found in enumerate(line.asked) if found.startswith(asked)) + later
    assert broken_laws(world, (Fault(what=what, system="harbor", at=at, which=which),)) == []
    assert not world.lines["harbor"].depot.unpublished
    assert "n1" not in world.files()["ledger.json"].decode()


def test_it_is_made_up_for_without_pruning_too(tmp_path: Path) -> None:
    world = pruning(tmp_path)
    world.run()
    at = world.lines["harbor"].asked.index("POST /publish")
    world.again((Fault(what="500 before", system="harbor", at=at),))
    world.run()
    world.mend()
    report = world.run(prune=False).report
    assert report is not None
    assert [(one.title, one.status) for one in report.follow_ups] == [("publish", Status.APPLIED)]
