"""`plan --out` and `apply --plan` as a pipeline runs them."""

from __future__ import annotations

import json
from pathlib import Path

from console_script import open_scene


def test_plan_merge_apply_and_again(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        saved = scene.run("plan", "--out", "plan.json")
        assert saved.code == 0
        assert "apply --plan plan.json" in saved.err
        first = scene.run("apply", "--plan", "plan.json", "--max-age", "24h")
        assert first.code == 0, first
        assert "applied" in first.out
        again = scene.run("apply", "--plan", "plan.json", "--format", "json")
        assert again.code == 0, again
        assert {name for name, count in json.loads(again.out)["summary"].items() if count} == {"unchanged"}
        manifest = next(p for p in tmp_path.rglob("*.yaml") if "timeout: 15" in p.read_text())
        manifest.write_text(manifest.read_text().replace("timeout: 15", "timeout: 16"))
        refused = scene.run("apply", "--plan", "plan.json")
        assert refused.code == 4
        moved = "manifests/galtea/support-bot-init.yaml:2:1: error: moved-since-approval: galtea.EndpointConnection/"
        assert moved in refused.err
        assert "this plan was already applied on " in refused.err
        assert "hint: an approval is used once: plan again" in refused.err
        rest = scene.run("apply", "--plan", "plan.json", "--only-approved")
        assert rest.code == 4, rest  # something that was approved is not done


def test_what_was_never_approved_is_left_out(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        scene.run("plan", "--out", "plan.json")
        (tmp_path / "manifests" / "more.yaml").write_text(
            "{apiVersion: galtea/v1, kind: Product, metadata: {name: more}, spec: {description: More}}"
        )
        assert scene.run("apply", "--plan", "plan.json").code == 4
        rest = scene.run("apply", "--plan", "plan.json", "--only-approved")
        assert rest.code == 0, rest
        assert "warning: not-approved: galtea.Product/more: create: not approved" in rest.err
        assert "galtea.Product/more" in scene.run("plan").out


def test_wrong_use(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        scene.run("plan", "--out", "plan.json")
        for wrong, words in (
            (("--plan", "plan.json", "-l", "team=support"), "has its own selection"),
            (("--only-approved",), "belong to --plan"),
            (("--plan", "plan.json", "--max-age", "soon"), "a number with a unit"),
            (("--plan", "nothing.json"), "does not exist"),
        ):
            finished = scene.run("apply", *wrong)
            assert finished.code == 3, finished
            assert words in finished.err
        assert scene.writes() == []


def test_a_policy_that_requires_approval_binds_whoever_runs_it(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        config = tmp_path / "reconciler.yaml"
        text = config.read_text()
        assert text.count("    ledger:") == 1
        config.write_text(text.replace("    ledger:", "    policy: {approval: required}\n    ledger:"))
        scratch = ("--scratch", str(next(tmp_path.rglob("sales-assistant.yaml"))))
        for command in (("apply", "--yes"), ("destroy", "galtea.*", "--yes"), ("kinds", "verify", "Product", *scratch)):
            refused = scene.run(*command)
            assert refused.code == 4, refused
            assert "requires approval: only saved plans are performed" in refused.err
            assert "plan --out FILE" in refused.err
        assert scene.writes() == []
        assert scene.run("plan", "--out", "plan.json").code == 0
        assert json.loads((tmp_path / "plan.json").read_text())["policy"]["approvalRequired"] is True
        assert scene.run("apply", "--plan", "plan.json").code == 0
