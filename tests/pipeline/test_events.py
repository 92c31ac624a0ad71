"""What starts the plan workflow besides a pull request of the repository: queues, Dependabot, people; and odd hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from story import MANIFEST, Story, begin, git, open_story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as one:
        yield one


@pytest.mark.parametrize("event", ["merge_group", "workflow_dispatch"])
def test_a_merge_queue_and_a_run_by_hand_are_planned_and_judged(story: Story, event: str) -> None:
    begin(story)
    story.edit("timeout: 15", "timeout: 20")
    head = story.commit("timeout 20", "queued")
    github = {"sha": head, "ref": "refs/heads/gh-readonly-queue/main/pr-5", "event_name": event, "actor": "author"}
    spoken = len(story.fake.seen)
    (job,) = story.run("plan", {**github, "event": {}}, {})
    assert (job.name, job.failed) == ("live sandbox", False), job.log
    assert "1 to update" in job.summary
    assert len(story.fake.seen) == spoken  # there is no pull request to comment on
    story.edit("timeout: 20", "timout: 20")
    (wrong,) = story.run("plan", {**github, "sha": story.commit("a slip", "queued"), "event": {}}, {})
    assert wrong.failed


def test_dependabot_is_planned_offline_with_the_reason(story: Story) -> None:
    begin(story)
    story.edit("timeout: 15", "timeout: 20")
    head = story.commit("by a bot", "dependabot/x")
    before, spoken = len(story.scene.requests()), len(story.fake.seen)
    job = story.plan(6, head, actor="dependabot[bot]")
    assert (job.name, job.failed) == ("offline sandbox", False), job.log
    assert "without secrets: the pull request is from a fork or by Dependabot" in job.summary
    assert "+ /timeout: 20" in job.summary
    assert (len(story.scene.requests()), len(story.fake.seen)) == (before, spoken)


def test_a_host_without_artifacts_still_gets_its_comment(story: Story) -> None:
    begin(story)
    story.runner.without_artifacts = True
    story.edit("timeout: 15", "timeout: 20")
    job = story.plan(5, story.commit("timeout 20", "change"))
    assert not job.failed, job.log
    (comment,) = [text for text in story.comments(5) if "reconciler:" in text]
    assert comment.startswith("<!-- reconciler:target=sandbox -->")


def test_one_comment_names_the_commit_and_no_target_takes_the_plan_of_another(story: Story) -> None:
    """`sandbox` is the beginning of `sandbox-eu`: neither artifacts nor sections are mixed up."""
    config = story.author / "reconciler.yaml"
    head, _, target = config.read_text().partition("  sandbox:\n")
    other = target.replace("reconciler/sandbox", "reconciler/sandbox-eu")
    config.write_text(f"{head}  sandbox:\n{target}  sandbox-eu:\n{other}")
    story.commit("two targets", "main")
    both = {"targets": json.dumps(["sandbox", "sandbox-eu"])}
    begin(story)
    story.edit("timeout: 15", "timeout: 20")
    commit = story.commit("timeout 20", "change")
    story.plan(5, commit, **both)
    (comment,) = [text for text in story.comments(5) if "reconciler:" in text]
    assert comment.startswith("<!-- reconciler:plans= -->")
    assert f"`{commit}`" in comment
    assert [name in comment for name in ("Plan for sandbox:", "Plan for sandbox-eu:")] == [True, True]
    applied = story.apply(story.squash(5, "change"))
    assert not applied.failed, applied.log
    assert "1 applied" in applied.summary


def test_two_configurations_share_nothing(tmp_path: Path) -> None:
    with open_story(tmp_path, "estates/eu/") as story:
        begin(story)
        story.edit("timeout: 15", "timeout: 20")
        story.plan(5, story.commit("timeout 20", "change"))
        (comment,) = [text for text in story.comments(5) if "reconciler:" in text]
        assert comment.startswith("<!-- reconciler:plans= config=estates/eu/reconciler.yaml -->")
        (artifact,) = [one["name"] for one in story.fake.artifacts]
        refs = git(story.remote, "for-each-ref", "--format=%(refname)", "refs/reconciler-snapshots").splitlines()
        config = artifact.split(".")[2]
        assert refs == [f"refs/reconciler-snapshots/{config}/sandbox"]
        assert (story.author / "estates/eu" / MANIFEST).is_file()
    assert config != "0ad30175"
