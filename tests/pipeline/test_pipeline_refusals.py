"""What `apply.yml` refuses: plans that were edited, are old, or do not fit any more; and a plan that is played again.

All of it about one merged pull request; what is refused changes nothing, so the order of the tests does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from story import Story, begin, open_story, propose


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, str]]:
    """A pull request that was planned and merged, and the commit of the merge."""
    with open_story(tmp_path_factory.mktemp("story")) as story:
        begin(story)
        propose(story, 20)
        yield story, story.squash(5, "change")


def test_a_plan_edited_by_hand(merged: tuple[Story, str]) -> None:
    story, commit = merged
    before = story.live()
    (plan,) = (story.folder / "runs" / "artifacts").rglob("plan.json")
    text = plan.read_text()
    assert text.count('"after": 20') == 1
    plan.write_text(text.replace('"after": 20', '"after": 30'))
    try:
        refused = story.apply(commit)
    finally:
        plan.write_text(text)
    assert refused.failed
    assert "was changed after it was made" in refused.log
    assert "was changed after it was made" in refused.summary
    assert story.live() == before


def test_an_old_plan(merged: tuple[Story, str]) -> None:
    story, commit = merged
    before = story.live()
    refused = story.apply(commit, max_age="0s")
    assert refused.failed
    assert "the plan is too old" in refused.log
    assert story.live() == before


def test_a_live_edit_between_plan_and_apply(merged: tuple[Story, str]) -> None:
    story, commit = merged
    before = story.live()
    story.edit_live(99)
    try:
        refused = story.apply(commit)
        assert story.live() == 99
    finally:
        story.edit_live(before)
    assert refused.failed
    assert "moved-since-approval" in refused.log
    assert "managed fields of the live object moved" in refused.summary


def test_a_plan_of_another_run_for_the_same_name(merged: tuple[Story, str]) -> None:
    """A fork may leave an artifact of any name; it is not taken for the plan of the merged pull request."""
    story, commit = merged
    ours = list(story.fake.artifacts)
    forged = {**ours[-1], "id": 5000, "workflow_run": {**ours[-1]["workflow_run"], "id": 5000}}
    forged["workflow_run"]["head_repository_id"] = 2
    story.fake.artifacts = [forged]
    try:
        refused = story.apply(commit)
    finally:
        story.fake.artifacts = ours
    assert refused.failed
    assert "has left no plan" in refused.log


def test_a_plan_played_again_changes_nothing(merged: tuple[Story, str]) -> None:
    story, commit = merged
    done = story.apply(commit)
    assert not done.failed, done.log
    assert story.live() == 20
    writes, ledger = len(story.scene.writes()), story.ledger()
    again = story.apply(commit)
    assert not again.failed, again.log
    assert "This plan was already applied on " in again.log
    assert len(story.scene.writes()) == writes
    assert story.ledger() == ledger


def test_a_plan_played_again_after_its_revert_does_not_turn_back_time(merged: tuple[Story, str]) -> None:
    """As "Re-run jobs" on the run of the first pull request does, when the second one has reverted it."""
    story, commit = merged
    assert not story.apply(commit).failed
    assert story.live() == 20
    story.edit("timeout: 20", "timeout: 15")
    story.plan(6, story.commit("back again", "revert"))
    revert = story.squash(6, "revert")
    assert not story.apply(revert).failed
    assert story.live() == 15
    ledger, writes = story.ledger(), len(story.scene.writes())
    for inputs in ({}, {"approval": "optional"}):
        replayed = story.apply(commit, **inputs)
        assert replayed.failed
        assert "this plan was already applied on " in replayed.log, replayed.log
    story.fake.artifacts.clear()  # plans expire; the order of commits does not
    older = story.apply(commit, approval="optional")
    assert older.failed
    assert f"{commit[:12]} does not come after {revert[:12]}, which was applied to sandbox last" in older.log, older.log
    assert (story.live(), story.ledger(), len(story.scene.writes())) == (15, ledger, writes)
