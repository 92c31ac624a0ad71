"""The way from nothing to the first plan: `init`, `inventory`, `export` on the command line, on served emulations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_script import Scene, open_scene, run

from reconciler.sandbox.estate import SECRETS

TOKEN = {"GALTEA_TOKEN": SECRETS["GALTEA_API_KEY"]}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("init")) as scene:
        yield scene


def galtea(scene: Scene) -> str:
    return f"galtea={scene.urls['galtea']}"


def test_from_nothing_to_an_empty_plan(scene: Scene, tmp_path: Path) -> None:
    started = run(tmp_path, "init", "--system", galtea(scene), "--ledger", "file", env=TOKEN)
    assert started.code == 0, started.err
    assert "galtea: can be read: 1 of the kind Metric" in started.out
    assert "next: reconciler inventory, then: reconciler export --output manifests" in started.out
    found = run(tmp_path, "inventory", "--exit-code", env=TOKEN)
    assert found.code == 2
    assert found.out.startswith("production: 11 live objects: 11 unmanaged\n")
    exported = run(tmp_path, "export", "--output", "manifests", env=TOKEN)
    assert exported.code == 0, exported.err
    assert "Plan for production: 10 to adopt; 0 write requests." in exported.out
    names = [line for line in (tmp_path / ".env.example").read_text().splitlines() if line.endswith("=")]
    given = {**dict.fromkeys((name.removesuffix("=") for name in names), "fake-not-real"), **TOKEN}
    applied = run(tmp_path, "apply", "--yes", env=given)
    assert applied.code == 0, applied.err
    planned = run(tmp_path, "plan", "--exit-code", env=given)
    assert (planned.code, planned.out.splitlines()[0]) == (
        0,
        "Plan for production: nothing to do: 10 resources as declared.",
    )
    assert run(tmp_path, "inventory", env=given).out.startswith(
        "production: 11 live objects: 10 managed, 1 unmanaged\n"
    )


def test_nothing_is_overwritten(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert run(tmp_path, "init", "--system", galtea(scene)).code == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    before = (tmp_path / "reconciler.yaml").read_text()
    again = run(tmp_path, "init", "--system", "goldmine=https://other.example")
    assert again.code == 3
    assert "is there already" in again.err
    assert (tmp_path / "reconciler.yaml").read_text() == before


def test_without_secrets_it_says_which_to_set(scene: Scene, tmp_path: Path) -> None:
    started = run(tmp_path, "init", "--system", galtea(scene), "--auth", "galtea=basic")
    assert started.code == 0
    assert "next: set GALTEA_USERNAME, GALTEA_PASSWORD, then: reconciler inventory" in started.out
    assert run(tmp_path, "validate", "--without-secrets").code == 3  # nothing is declared yet


def test_a_system_that_cannot_be_read_is_told_without_a_traceback(scene: Scene, tmp_path: Path) -> None:
    given = {"GALTEA_TOKEN": "wrong-fake-not-real"}
    started = run(tmp_path, "init", "--system", galtea(scene), env=given)
    assert started.code == 0
    assert "galtea: cannot be read: " in started.out
    assert "wrong-fake-not-real" not in started.out + started.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no terminal to ask on"),
        (["--system", "galtea"], "cannot read --system galtea"),
        (["--system", "galtea=ftp://x"], "must be a URL"),
        (["--system", "goldmine=https://g.example"], "workspaceId' is required (--set goldmine.workspaceId=VALUE)"),
        (["--system", "galtea=https://g.example", "--auth", "galtea=magic"], "cannot read --auth galtea=magic"),
        (["--system", "galtea=https://g.example", "--auth", "galtee=basic"], "no --system is called galtee"),
        (["--system", "galtea=https://g.example", "--hosting", "github"], "--hosting needs --tool"),
        (["--system", "galtea=https://g.example", "--hosting", "github", "--tool", "x"], "cannot read --tool x"),
        (["--system", "galtea=https://g.example", "--target", "a b"], "is no valid name"),
    ],
)
def test_bad_input_writes_nothing(tmp_path: Path, arguments: list[str], words: str) -> None:
    finished = run(tmp_path, "init", *arguments)
    assert finished.code == 3
    assert words in finished.err
    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_is_written_that_the_host_accepts(scene: Scene, tmp_path: Path) -> None:
    tool = ["--hosting", "github", "--tool", "acme/reconciler@0123abc"]
    assert run(tmp_path, "init", "--system", galtea(scene), *tool).code == 0
    workflow = tmp_path / ".github" / "workflows" / "reconciler.yml"
    check(["--builtin-schema", "vendor.github-workflows", str(workflow)])
    assert "uses: acme/reconciler/.github/workflows/plan.yml@0123abc" in workflow.read_text()


def test_a_pipeline_for_gitlab(scene: Scene, tmp_path: Path) -> None:
    tool = ["--hosting", "gitlab", "--tool", "https://git.example.com/acme/reconciler@0123abc"]
    assert run(tmp_path, "init", "--system", galtea(scene), *tool).code == 0
    check(["--builtin-schema", "vendor.gitlab-ci", str(tmp_path / ".gitlab-ci.yml")])


def test_the_editor_is_told_where_the_schema_is(scene: Scene, tmp_path: Path) -> None:
    assert run(tmp_path, "init", "--system", galtea(scene)).code == 0
    (name,) = json.loads((tmp_path / ".vscode" / "settings.json").read_text())["yaml.schemas"]
    schema = json.loads((tmp_path / name).read_text())
    assert "galtea/v1" in schema["properties"]["apiVersion"]["enum"]


def check(arguments: list[str]) -> None:
    finished = subprocess.run([sys.executable, "-m", "check_jsonschema", *arguments], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
