"""The recipes of .github/README.md for other pipelines, line by line as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from runner import ROOT
from story import Story, environment_of, git, open_story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as one:
        yield one


def recipes(language: str) -> list[str]:
    text = (ROOT / ".github" / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shell(story: Story, lines: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run lines as pipelines do: in one shell that ends with the first failure."""
    base = {name: value for name, value in story.runner.base.items() if name != "FAKE_TOKEN"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines],
        cwd=story.author,
        env={**base, **story.secrets, **env, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_gitlab(story: Story) -> None:
    document: Any = yaml.safe_load(recipes("yaml")[1])
    story.fake.user = {"login": "project_bot", "type": "User", "id": 70}
    env = environment_of(story.fake, "gitlab")
    planned = shell(story, "\n".join(document["plan"]["script"]), env)
    assert planned.returncode == 0, planned
    (comment,) = [text for text in story.comments(5) if "reconciler:target" in text]
    assert "to create" in comment
    kept = document["plan"]["artifacts"]
    assert [name for name in (*kept["paths"], kept["reports"]["junit"]) if not (story.author / name).is_file()] == []
    applied = shell(story, "\n".join(document["apply"]["script"]), env)
    assert applied.returncode == 0, applied
    assert story.live() == 15
    story.edit("timeout: 15", "timout: 15")
    wrong = shell(story, "\n".join(document["plan"]["script"]), env)
    assert wrong.returncode == 3, wrong
    (comment,) = [text for text in story.comments(5) if "reconciler:target" in text]
    assert "did you mean 'timeout'?" in comment


def test_any_shell(story: Story) -> None:
    (recipe,) = recipes("sh")
    env = {**environment_of(story.fake, "github"), "GITHUB_REPOSITORY": "", "GITHUB_REF": "", "NUMBER": "5"}
    planned = shell(story, recipe, env)
    assert planned.returncode == 0, planned
    assert len([text for text in story.comments(5) if "reconciler:target" in text]) == 1
    after = re.search(r"after the merge: (.+)", recipe)
    assert after is not None
    applied = shell(story, after[1], env)
    assert applied.returncode == 0, applied
    assert story.live() == 15
    assert git(story.remote, "log", "--format=%s", "refs/reconciler/sandbox").startswith("apply")
