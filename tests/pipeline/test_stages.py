"""Two targets with credentials for each stage: each job gets what its environment holds, in order, until one fails."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from story import PUSH, Story, git, open_story

ORDER = '["staging", "production"]'
APPLY = json.dumps({"staging": "staging", "production": "production"})
PLAN = json.dumps({"staging": "staging-plan", "production": "production-plan"})
READ, WRITE = "GALTEA_READ_KEY", "GALTEA_API_KEY"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """The configuration has two targets; the host has an environment for each stage of each."""
    with open_story(tmp_path) as one:
        config = one.author / "reconciler.yaml"
        head, _, target = config.read_text().partition("  sandbox:\n")
        old = f'auth: {{bearer: "${{env:{WRITE}}}"}}'
        assert target.count(old) == 1
        ways = f'{{plan: {{bearer: "${{env:{READ}}}"}}, apply: {{bearer: "${{env:{WRITE}}}"}}}}'
        target = target.replace(old, f"auth: {ways}").replace("    secrets:\n", f"    secrets:\n      - {READ}\n")
        targets = [f"  {name}:\n" + target.replace("reconciler/sandbox", f"reconciler/{name}") for name in SYSTEMS]
        config.write_text(head + "".join(targets))
        one.commit("two targets", "main")
        reading = {**one.scene.secrets, READ: one.scene.secrets[WRITE]}
        del reading[WRITE]
        for name in SYSTEMS:
            one.runner.environments[f"{name}-plan"] = held(reading)
            one.runner.environments[name] = held({**reading, **one.scene.secrets})
        yield one


SYSTEMS = ("staging", "production")


def held(variables: Mapping[str, str]) -> dict[str, str]:
    return {"RECONCILER_ENVIRONMENT": "\n".join(f"{name}={value}" for name, value in variables.items())}


def apply(story: Story, **inputs: str) -> list[tuple[str, bool]]:
    """Run `apply.yml` on the tip of `main`, and return which jobs ran and failed; nothing is secret to all targets."""
    github = {**PUSH, "sha": git(story.remote, "rev-parse", "main")}
    jobs = story.run("apply", github, {"targets": ORDER, "environments": APPLY, "wait": "0s", **inputs}, {})
    story.log = "".join(job.log for job in jobs)
    return [(job.name, job.failed) for job in jobs]


def plan(story: Story, head: str) -> list[tuple[str, bool]]:
    pull = {"number": 5, "head": {"sha": head, "repo": {"full_name": story.runner.repository}}}
    github = {
        "sha": head,
        "ref": "refs/pull/5/merge",
        "event_name": "pull_request",
        "actor": "author",
        "event": {"pull_request": pull},
    }
    jobs = story.run("plan", github, {"targets": ORDER, "environments": PLAN}, {})
    story.log = "".join(job.log for job in jobs)
    return [(job.name, job.failed) for job in jobs if job.name.startswith("live")]


def test_plans_need_no_credentials_that_write(story: Story) -> None:
    story.edit("timeout: 15", "timeout: 20")
    assert plan(story, story.commit("timeout 20", "change")) == [("live staging", False), ("live production", False)]
    # And those that apply are asked for where it is applied.
    story.runner.environments["staging"] = story.runner.environments["staging-plan"]
    assert apply(story, approval="optional") == [("apply staging", True)]
    assert f"the environment variable {WRITE} is not set" in story.log
    assert story.scene.writes() == []


def test_targets_in_order_until_one_fails(story: Story) -> None:
    right = story.runner.environments["staging"]
    wrong = right["RECONCILER_ENVIRONMENT"].replace(story.scene.secrets[WRITE], "not-the-key")
    story.runner.environments["staging"] = {"RECONCILER_ENVIRONMENT": wrong}
    assert apply(story, approval="optional") == [("apply staging", True)]
    refs = git(story.remote, "for-each-ref", "--format=%(refname)", "refs/reconciler").splitlines()
    assert "refs/reconciler/production" not in refs
    story.runner.environments["staging"] = right
    assert apply(story, approval="optional") == [("apply staging", False), ("apply production", False)]
    assert story.live() == 15


def test_a_policy_that_requires_approval_outranks_the_workflow(story: Story) -> None:
    story.edit("  production:\n", "  production:\n    policy: {approval: required}\n", "reconciler.yaml")
    story.commit("approval", "main")
    assert apply(story, approval="optional") == [("apply staging", False), ("apply production", True)]
    assert "the policy of production requires approval: only saved plans are performed" in story.log
