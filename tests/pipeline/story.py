"""A repository of manifests with its remote, its hosting service, its live systems and its pipelines."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).parents[1] / "hosting"))
sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))

from console_script import Scene, open_scene
from fake_hosting import GITHUB_TOKEN, REPOSITORY, FakeHosting, serve
from fake_hosting import environment_of as environment_of
from repositories import git as git
from repositories import git_environment, subjects
from runner import JobRun, Runner

KEPT = ("products", "sales-assistant", "support-bot-init", "support-bot-close", "support-bot-prod")
MANIFEST = "manifests/galtea/support-bot-init.yaml"
LEDGER = "refs/reconciler/sandbox"
PUSH = {"ref": "refs/heads/main", "event_name": "push", "actor": "author", "event": {}}
INPUTS = {"targets": '["sandbox"]', "tool-repository": "acme/reconciler", "tool-ref": "0" * 40}


@dataclass(kw_only=True)
class Story:
    """What an author does in a clone, and what the pipelines then do on their own."""

    folder: Path
    scene: Scene
    fake: FakeHosting
    runner: Runner
    remote: Path
    author: Path
    secrets: Mapping[str, str]
    place: str = ""  # of the configuration in the repository, with a slash behind it
    heads: dict[int, str] = field(default_factory=dict)  # of the pull requests
    log: str = ""  # of the last run of several jobs

    # ------------------------------------------------------------------ the author

    def edit(self, old: str, new: str, path: str = MANIFEST) -> None:
        file = self.author / self.place / path
        text = file.read_text()
        assert text.count(old) == 1, (old, text)
        file.write_text(text.replace(old, new))

    def commit(self, message: str, branch: str, *amend: str) -> str:
        """Commit everything to `branch`, push it by force, and return the commit; `--amend` replaces the last one."""
        git(self.author, "checkout", "--quiet", "-B", branch)
        git(self.author, "add", "--all")
        git(self.author, "commit", "--quiet", "--allow-empty", "-m", message, *amend)
        git(self.author, "push", "--quiet", "--force", "origin", branch)
        return git(self.author, "rev-parse", "HEAD")

    def squash(self, number: int, branch: str) -> str:
        """Merge a branch as hosting services do, by one new commit on `main`, and return it."""
        git(self.author, "fetch", "--quiet", "origin")
        git(self.author, "checkout", "--quiet", "-B", "main", "origin/main")
        git(self.author, "merge", "--quiet", "--squash", f"origin/{branch}")
        git(self.author, "commit", "--quiet", "--allow-empty", "-m", f"merged #{number}")
        git(self.author, "push", "--quiet", "origin", "main")
        commit = git(self.author, "rev-parse", "HEAD")
        head = {"sha": self.heads[number], "repo": {"full_name": REPOSITORY}}
        self.fake.merged[commit] = [{"merge_commit_sha": commit, "merged_at": "2026-01-01T00:00:00Z", "head": head}]
        return commit

    # ------------------------------------------------------------------ the pipelines

    def plan(self, number: int, head: str, source: str = REPOSITORY, actor: str = "author", **inputs: str) -> JobRun:
        """Run `plan.yml` for a pull request."""
        self.heads[number] = head
        pull = {"number": number, "head": {"sha": head, "repo": {"full_name": source}}}
        github = {
            "sha": head,
            "ref": f"refs/pull/{number}/merge",
            "event_name": "pull_request",
            "actor": actor,
            "event": {"pull_request": pull},
        }
        trusted = source == REPOSITORY and actor != "dependabot[bot]"
        job, *comment = self.run("plan", github, inputs, self.secrets if trusted else {})
        assert [one.name for one in comment][-1:] == (["comment"] if trusted else [])
        assert not any(one.failed for one in comment), comment
        for run, artifacts in self.runner.artifacts.items():
            for name in artifacts:
                where = {"id": run, "head_sha": head, "repository_id": 1, "head_repository_id": 1}
                if name.endswith(head) and all(one["workflow_run"]["id"] != run for one in self.fake.artifacts):
                    self.fake.artifacts.append({"id": run, "name": name, "expired": False, "workflow_run": where})
        return job

    def apply(self, commit: str, **inputs: str) -> JobRun:
        """Run `apply.yml` for a commit on `main`."""
        inputs = {"wait": "0s", **inputs}
        (job,) = self.run(
            "apply",
            {**PUSH, "sha": commit},
            inputs,
        )
        return job

    def drift(self, **inputs: str) -> JobRun:
        """Run `drift.yml` on the tip of `main`."""
        commit = git(self.remote, "rev-parse", "main")
        github = {"sha": commit, "ref": "refs/heads/main", "ref_name": "main", "event": {}}
        (job,) = self.run("drift", github, inputs)
        return job

    def run(
        self,
        workflow: str,
        github: dict[str, Any],
        inputs: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
    ) -> list[JobRun]:
        lines = "\n".join(f"{n}={v}" for n, v in (self.secrets if secrets is None else secrets).items())
        jobs = self.runner.run(
            workflow,
            github=github,
            secrets={"RECONCILER_ENVIRONMENT": lines} if lines else {},
            inputs={
                **INPUTS,
                "config": f"{self.place}reconciler.yaml",
                **{name.replace("_", "-"): value for name, value in inputs.items()},
            },
        )
        for job in jobs:
            kept = "\n".join(line for line in job.log.split("\n") if not line.startswith("::add-mask::"))
            leaked = [name for name, value in self.scene.secrets.items() if value in kept + job.summary]
            assert leaked == [], job.log
            assert GITHUB_TOKEN not in kept
            assert "Traceback" not in kept, kept
        return jobs

    # ------------------------------------------------------------------ what there is

    def live(self) -> int:
        """Return the value of the field that the story is about, as it lives."""
        (row,) = [r for r in self.scene.estate.galtea.stored("endpointConnections") if r["name"] == "support-bot-init"]
        return int(row["timeout"])

    def edit_live(self, timeout: int) -> None:
        """Change it by hand, past everything."""
        edited = self.scene.estate.galtea.edit(
            "endpointConnections", lambda r: r["name"] == "support-bot-init", {"timeout": timeout}
        )
        assert len(edited) == 1

    def ledger(self) -> list[str]:
        """Return the subjects of the ledger's commits that tell of something, newest first."""
        return subjects(self.remote, LEDGER)

    def comments(self, number: int) -> list[str]:
        return [one["body"] for one in self.fake.comments.get(number, [])]


@contextlib.contextmanager
def open_story(folder: Path, place: str = "") -> Iterator[Story]:
    """Give a repository whose first commit is pushed, and not applied yet. `place` is where the configuration is."""
    remote, author = folder / "remote.git", folder / "author"
    remote.mkdir(parents=True)
    git(remote, "init", "--quiet", "--bare", "--initial-branch=main")
    git(remote, "config", "uploadpack.allowAnySHA1InWant", "true")  # as hosting services do
    git(folder, "clone", "--quiet", str(remote), str(author))
    work = author / place
    work.mkdir(parents=True, exist_ok=True)
    with open_scene(work) as scene, serve(FakeHosting()) as fake:
        for manifest in (work / "manifests").rglob("*.yaml"):
            if manifest.stem not in KEPT:
                manifest.unlink()
        (work / "env").unlink()  # the secrets are the pipeline's
        config = work / "reconciler.yaml"
        config.write_text(config.read_text().replace("{file: ledger.json}", f"{{git: {LEDGER}}}"))
        for number in range(3):
            fake.add_comment(5, f"talk {number}", {"login": "somebody", "type": "User", "id": 8})
        runner = Runner(
            folder=folder / "runs",
            remote=remote,
            repository=REPOSITORY,
            hosting=fake,
            base={**git_environment(folder), "LANG": "C.UTF-8", "FAKE_TOKEN": GITHUB_TOKEN},
        )
        story = Story(
            folder=folder,
            scene=scene,
            fake=fake,
            runner=runner,
            remote=remote,
            author=author,
            secrets=scene.secrets,
            place=place,
        )
        git(author, "checkout", "--quiet", "-B", "main")
        story.commit("first", "main")
        yield story


def begin(story: Story) -> None:
    """Bring everything to the state of the first commit."""
    first = story.apply(git(story.remote, "rev-parse", "main"), approval="optional")
    assert not first.failed, first.log
    assert story.live() == 15


def propose(story: Story, timeout: int, branch: str = "change", number: int = 5) -> None:
    """Push a change for a pull request, and have it planned."""
    story.edit("timeout: 15", f"timeout: {timeout}")
    job = story.plan(number, story.commit(f"timeout {timeout}", branch))
    assert not job.failed, job.log
