"""The ready workflows, step by step as a runner runs them, on real Git, a hosting service and live systems."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from story import MANIFEST, Story, begin, git, open_story, propose


def named(config: str) -> str:
    """Return what the workflows name a configuration by."""
    return hashlib.sha256(config.encode()).hexdigest()[:8]


CONFIG = named("reconciler.yaml")
DRIFT = f"reconciler/drift/{CONFIG}/sandbox"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as one:
        yield one


def test_from_a_branch_to_the_live_system(story: Story) -> None:
    begin(story)
    propose(story, 20)
    (comment,) = [text for text in story.comments(5) if "reconciler:plans" in text]
    assert comment.startswith("<!-- reconciler:plans= -->\n")
    assert "15" in comment
    assert "20" in comment
    assert story.live() == 15

    story.edit("timeout: 20", "timeout: 25")
    second = story.commit("timeout 25", "change", "--amend")  # pushed by force
    again = story.plan(5, second)
    assert "file=manifests/galtea/support-bot-init.yaml,line=" in again.log
    (comment,) = [text for text in story.comments(5) if "reconciler:plans" in text]
    assert "25" in comment

    applied = story.apply(story.squash(5, "change"))
    assert not applied.failed, applied.log
    assert "Apply within the limits" in applied.skipped
    assert story.live() == 25
    assert "1 applied" in applied.summary
    assert [subject.partition(":")[0] for subject in story.ledger()] == ["apply", "apply"]
    snapshot = git(story.remote, "show", f"refs/reconciler-snapshots/{CONFIG}/sandbox:snapshot.json")
    assert json.loads(snapshot)["target"] == "sandbox"
    assert [v for v in story.secrets.values() if v in snapshot] == []


def test_what_was_not_approved_is_not_done(story: Story) -> None:
    begin(story)
    story.edit("timeout: 15", "timeout: 20")
    commit = story.commit("past all review", "main")
    refused = story.apply(commit)
    assert refused.failed
    assert "no merged pull request belongs to this commit" in refused.log
    assert story.live() == 15
    bounded = story.apply(commit, approval="optional")
    assert not bounded.failed, bounded.log
    assert story.live() == 20


def test_a_plan_with_mistakes_fails_and_says_so_in_the_comment(story: Story) -> None:
    begin(story)
    story.edit("timeout: 15", "timout: 15")
    job = story.plan(5, story.commit("a slip", "change"))
    assert job.failed
    assert "file=manifests/galtea/support-bot-init.yaml,line=" in job.log
    (comment,) = [text for text in story.comments(5) if "reconciler:plans" in text]
    assert "did you mean 'timeout'?" in comment


def test_a_fork_gets_an_offline_plan_and_no_secret(story: Story) -> None:
    story.edit("timeout: 15", "timeout: 20")
    head = story.commit("from afar", "fork")
    git(story.author, "checkout", "--quiet", "main")
    before = len(story.scene.requests())
    early = story.plan(6, head, source="stranger/config")
    assert not early.failed, early.log  # nothing was applied yet, so there is no snapshot
    assert "Plan offline" in early.skipped
    assert len(story.scene.requests()) == before

    begin(story)
    before, spoken = len(story.scene.requests()), len(story.fake.seen)
    job = story.plan(6, head, source="stranger/config")
    assert not job.failed, job.log
    assert job.name == "offline sandbox"
    assert "from a snapshot of" in job.summary
    assert "+ /timeout: 20" in job.summary
    assert len(story.scene.requests()) == before
    assert len(story.fake.seen) == spoken  # no comment: its token may not write


def test_drift_is_told_in_one_issue_and_accepted_by_a_pull_request(story: Story) -> None:
    begin(story)
    quiet = story.drift()
    assert not quiet.failed, quiet.log
    assert story.fake.issues == []

    story.edit_live(40)
    for _ in range(2):
        told = story.drift()
        assert not told.failed, told.log
    (issue,) = story.fake.issues
    assert (issue["title"], issue["state"]) == ("Drift of sandbox", "open")
    assert "40" in issue["body"]

    offered = story.drift(answer="pull-request")
    assert not offered.failed, offered.log
    (pull,) = story.fake.pulls
    assert pull["head"]["ref"] == DRIFT
    accepted = git(story.remote, "show", f"{DRIFT}:{MANIFEST}")
    assert accepted == (story.author / MANIFEST).read_text().strip().replace("timeout: 15", "timeout: 40")
    changed = git(story.remote, "diff", "--stat", "main", DRIFT)
    assert "1 file changed, 1 insertion(+), 1 deletion(-)" in changed

    planned = story.plan(7, git(story.remote, "rev-parse", DRIFT))
    assert "nothing to do: 6 resources as declared" in story.comments(7)[0], planned.log
    applied = story.apply(story.squash(7, DRIFT))
    assert not applied.failed, applied.log
    assert story.live() == 40
    settled = story.drift()
    assert not settled.failed, settled.log
    assert [one["state"] for one in story.fake.issues] == ["closed"]


def test_a_configuration_inside_a_folder(tmp_path: Path) -> None:
    with open_story(tmp_path, "estates/eu/") as story:
        begin(story)
        story.edit("timeout: 15", "timeout: 20")
        job = story.plan(5, story.commit("timeout 20", "change"))
        assert not job.failed, job.log
        assert f"file=estates/eu/{MANIFEST},line=" in job.log  # as the pull request knows the file
        applied = story.apply(story.squash(5, "change"))
        assert not applied.failed, applied.log
        assert story.live() == 20
        story.edit_live(40)
        offered = story.drift(answer="pull-request")
        assert not offered.failed, offered.log
        branch = f"reconciler/drift/{named('estates/eu/reconciler.yaml')}/sandbox"
        changed = git(story.remote, "diff", "--name-only", "main", branch)
        assert changed == f"estates/eu/{MANIFEST}"
