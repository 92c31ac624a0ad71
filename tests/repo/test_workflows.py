"""The workflows and the action: their form, and what keeps them safe."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from source_tree import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "reconciler" / "action.yml"
OWN = ("ci", "lock", "release")  # of this repository; the others are called from elsewhere
READY = ("apply", "drift", "plan")
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

PERMISSIONS = {
    ("apply", "apply"): {"actions": "read", "contents": "write", "pull-requests": "read"},
    ("drift", "drift"): {"contents": "write", "issues": "write", "pull-requests": "write"},
    ("plan", "comment"): {"contents": "read", "pull-requests": "write"},
    ("plan", "live"): {"contents": "read", "pull-requests": "write"},
    ("plan", "offline"): {"contents": "read"},
}


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps() -> Iterator[tuple[str, Any]]:
    """Yield all steps with where they stand."""
    yield from ((ACTION.name, step) for step in read(ACTION)["runs"]["steps"])
    for path in WORKFLOWS:
        yield from ((path.name, step) for job in read(path)["jobs"].values() for step in job["steps"])


def check(schema: str, *paths: Path) -> None:
    arguments = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_and_action_have_the_published_form() -> None:
    check("vendor.github-workflows", *WORKFLOWS)
    check("vendor.github-actions", ACTION)


def test_actionlint_finds_nothing() -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is not installed: github.com/rhysd/actionlint")
    done = subprocess.run([program, "-no-color", *map(str, WORKFLOWS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_ready_workflows_run_on_nothing_by_themselves() -> None:
    assert {path.stem: set(read(path)["on"]) for path in WORKFLOWS if path.stem not in OWN} == {
        name: {"workflow_call"} for name in READY
    }


def test_each_job_may_do_what_it_needs_and_no_more() -> None:
    found: dict[tuple[str, str], Any] = {}
    for path in WORKFLOWS:
        document = read(path)
        assert document["permissions"] == {}, path
        if path.stem not in OWN:
            found |= {(path.stem, name): job["permissions"] for name, job in document["jobs"].items()}
    assert found == PERMISSIONS


def test_a_release_is_published_without_a_token() -> None:
    document = read(ROOT / ".github" / "workflows" / "release.yml")
    jobs = document["jobs"]
    assert document["on"] == {"push": {"tags": ["v*"]}}
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "build": {"contents": "read"},
        "publish": {"id-token": "write"},
    }
    assert (jobs["publish"]["needs"], jobs["publish"]["environment"]) == ("build", "release")
    assert "secrets." not in str(document)


def test_no_workflow_gives_a_secret_to_code_of_a_pull_request() -> None:
    """`pull_request_target` and `workflow_run` run with secrets; what a fork sends must never meet them."""
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        assert "workflow_run" not in text
    offline = str(read(ROOT / ".github" / "workflows" / "plan.yml")["jobs"]["offline"])
    assert "secrets." not in offline
    assert "github.token" not in offline
    assert offline.count("'persist-credentials': 'false'") == 3


def test_other_actions_are_pinned_by_commit() -> None:
    for path in (*WORKFLOWS, ACTION):
        uses = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
        assert [u for u in uses if not u.startswith("./") and not PINNED.fullmatch(u)] == [], path


def test_nothing_from_outside_becomes_part_of_a_script() -> None:
    assert [place for place, step in steps() if "${{" in step.get("run", "")] == []


def test_secrets_are_given_to_single_steps() -> None:
    for path in WORKFLOWS:
        document = read(path)
        assert "env" not in document
        assert [name for name, job in document["jobs"].items() if "env" in job] == []


def pipeline_blocks() -> list[str]:
    text = (ROOT / ".github" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def test_the_examples_have_the_published_form(tmp_path: Path) -> None:
    github, gitlab = pipeline_blocks()
    (tmp_path / "github.yml").write_text(github)
    (tmp_path / "gitlab.yml").write_text(gitlab)
    check("vendor.github-workflows", tmp_path / "github.yml")
    check("vendor.gitlab-ci", tmp_path / "gitlab.yml")


def test_the_example_grants_what_the_workflows_ask_for() -> None:
    """A called workflow can have no permission that its caller does not have; inputs must be declared."""
    jobs = read_text(pipeline_blocks()[0])["jobs"]
    assert set(jobs) == set(READY)
    for name, job in jobs.items():
        wanted: dict[str, str] = {}
        for (workflow, _), permissions in PERMISSIONS.items():
            if workflow == name:
                wanted |= {k: v for k, v in permissions.items() if wanted.get(k) != "write"}
        assert job["permissions"] == wanted
        call = read(ROOT / ".github" / "workflows" / f"{name}.yml")["on"]["workflow_call"]
        assert job["uses"].endswith(f"/.github/workflows/{name}.yml@COMMIT")
        assert set(job["with"]) <= set(call["inputs"])
        assert set(job["secrets"]) <= set(call["secrets"])


def read_text(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)


def test_the_tests_that_the_table_names_exist() -> None:
    text = (ROOT / ".github" / "README.md").read_text(encoding="utf-8")
    table = text[text.index("## Hosts and events") :].split("\n## ", 1)[0]
    named = set(re.findall(r"`(test_\w+)`", table))
    defined = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 10
    assert named <= defined, sorted(named - defined)
