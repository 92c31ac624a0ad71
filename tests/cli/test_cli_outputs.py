"""`--format` and `--output` on the command line: several outputs of one run, also of a run that fails."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from console_script import Scene, open_scene, run

OUTPUTS = ("markdown=out.md", "html=out.html", "sarif=out.sarif", "github=out.log", "junit=out.xml", "json=out.json",
           "text=out.txt")  # fmt: skip
ALL = [part for output in OUTPUTS for part in ("--output", output)]


def read(scene: Scene, suffix: str) -> str:
    return (scene.folder / f"out.{suffix}").read_text()


def test_one_run_writes_them_all(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        finished = scene.run("plan", *ALL, "--output", "github=-")
        assert finished.code == 0, finished
        assert finished.out.startswith("Plan for sandbox: ")
        assert read(scene, "txt").startswith("Plan for sandbox: ")
        plan = json.loads(read(scene, "json"))
        assert plan["kind"] == "plan"
        assert plan["headline"] in finished.out
        assert read(scene, "log").strip() in finished.out
        cases = ElementTree.fromstring(read(scene, "xml")).findall(".//testcase")
        assert len(cases) == len(plan["changes"])
        assert read(scene, "html").startswith("<!DOCTYPE html>")
        results = json.loads(read(scene, "sarif"))["runs"][0]["results"]
        assert {one["ruleId"] for one in results} == {"pending-create", "pending-update"}
        for one in results:  # each points at the line of the manifest that causes it
            place = one["locations"][0]["physicalLocation"]
            lines = (tmp_path / place["artifactLocation"]["uri"]).read_text().splitlines()
            assert lines[place["region"]["startLine"] - 1].strip()


def test_an_apply_tells_what_became_of_each(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        finished = scene.run("apply", "--yes", "--address", "goldmine.*", *ALL)
        assert finished.code == 0, finished
        assert json.loads(read(scene, "json"))["kind"] == "report"
        assert "### ✅ Applied to sandbox" in read(scene, "md")
        assert ElementTree.fromstring(read(scene, "xml")).get("failures") == "0"


def test_mistakes_come_in_every_format(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        (tmp_path / "manifests" / "bad.yaml").write_text(
            "apiVersion: galtea/v1\nkind: Nope\nmetadata: {name: x}\nspec: {}\n"
        )
        finished = scene.run("plan", *ALL)
        assert finished.code == 3
        assert "unknown-kind" in finished.err
        assert json.loads(read(scene, "json"))["diagnostics"][0]["code"] == "unknown-kind"
        assert "::error title=unknown-kind,file=manifests/bad.yaml,line=2,col=7::" in read(scene, "log")
        assert ElementTree.fromstring(read(scene, "xml")).get("errors") == "1"
        (result,) = json.loads(read(scene, "sarif"))["runs"][0]["results"]
        assert result["level"] == "error"
        assert "unknown-kind" in read(scene, "md")
        assert scene.run("validate", "--format", "github").out.startswith("::error title=unknown-kind")


def test_api_errors_come_in_every_format(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        config = tmp_path / "reconciler.yaml"
        config.write_text(config.read_text().replace(scene.urls["galtea"], "http://127.0.0.1:9"))
        finished = scene.run("plan", "--format", "json", "--address", "galtea.*", *ALL)
        assert finished.code == 1
        error = json.loads(finished.out)
        assert (error["kind"], error["exitCode"]) == ("error", 1)
        assert error["message"] in finished.err
        assert error == json.loads(read(scene, "json"))
        assert "### ❌ Nothing was done" in read(scene, "md")
        assert "::error title=run-failed::" in read(scene, "log")
        assert json.loads(read(scene, "sarif"))["runs"][0]["invocations"] == [{"executionSuccessful": False}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("plan", "--nope"), "unrecognized arguments: --nope", id="option"),
        pytest.param(("plan", "--output", "pdf=x"), "FORMAT=FILE", id="unknown-format"),
        pytest.param(("plan", "--output", "html"), "FORMAT=FILE", id="no-file"),
        pytest.param(("plan", "--output", "html=no/such/folder/x"), "its folder does not exist", id="folder"),
        pytest.param(("plan", "--markdown-limit", "5"), "at least 2000", id="limit"),
        pytest.param(("plan",), "there is no configuration", id="configuration"),
    ],
)
def test_wrong_usage_is_json_too(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    finished = run(tmp_path, *arguments, "--format", "json")
    assert finished.code == 3
    assert words in finished.err
    error = json.loads(finished.out)
    assert words in error["message"]
    assert error["exitCode"] == 3


@pytest.mark.parametrize(
    ("config", "mark"),
    [
        pytest.param("targets: {production: {systems: {}}}", "target=production", id="the-only-target"),
        pytest.param("targets: {one: {systems: {}}, two: {systems: {}}}", "target=", id="one-of-several"),
        pytest.param("targets: [", "target=", id="no-yaml"),
    ],
)
def test_the_comment_of_a_run_that_ended_early_has_the_mark_of_its_target(
    tmp_path: Path, config: str, mark: str
) -> None:
    """Otherwise the comment of the target would go on showing the last good plan."""
    (tmp_path / "reconciler.yaml").write_text(config)
    finished = run(tmp_path, "plan", "--format", "markdown")
    assert finished.code == 3
    assert finished.out.startswith(f"<!-- reconciler:{mark} -->\n"), finished
