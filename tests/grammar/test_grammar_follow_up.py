"""Follow-ups: once per parent after all of its changes, due again after a run that was cut short."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.report import Status
from reconciler.render.text import render_plan

KINDS = """
    system: odd
    parameters:
      type: object
      properties:
        stages: {type: string, default: "blue,green"}
    answers:
      - {status: 2xx, at: /deployed, equals: false, class: failed, message: /why}
    ---
    apiVersion: odd/v1
    kind: Setting
    schema:
      type: object
      additionalProperties: false
      required: [site, name]
      properties:
        site: {type: string}
        name: {type: string}
        value: {type: integer}
    identity: {id: /name, key: [site, name], name: name}
    read:
      list: {method: GET, path: "/sites/{spec.site}/settings", items: /items}
    write:
      create: {method: POST, path: "/sites/{spec.site}/settings"}
      update: {method: PATCH, path: "/sites/{spec.site}/settings/{id}"}
      after:
        title: deploy the site
        method: POST
        path: "/sites/{spec.site}/stages/{item}/deploy"
        each: system.stages
        check:
          method: GET
          path: "/sites/{spec.site}/stages/{item}"
          due: {at: /stale, equals: true}
"""

MANIFESTS = "\n---\n".join(
    f"apiVersion: odd/v1\nkind: Setting\nmetadata: {{name: {name}}}\nspec: {{site: {site}, value: {value}}}"
    for site, name, value in (("a", "x", 1), ("a", "y", 2), ("b", "z", 3))
)


class Sites:
    """Saving is not deploying: a stage is stale until it is deployed after the last save."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.settings: dict[str, dict[str, Any]] = {"a": {}, "b": {}}
        self.stale: dict[tuple[str, str], bool] = {(s, t): False for s in "ab" for t in ("blue", "green")}
        self.refusing: set[str] = set()
        self.broken: set[str] = set()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        with self.lock:
            return self._answer(request)

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        _, _, site, what, *rest = request.path.split("/")
        if what == "stages":
            stage = rest[0]
            if request.method == "GET":
                return json_response(200, {"stale": self.stale[site, stage]})
            if stage in self.refusing:
                return json_response(200, {"deployed": False, "why": "the stage is locked"})
            self.stale[site, stage] = False
            return json_response(200, {"deployed": True})
        if request.method == "GET":
            return json_response(200, {"items": list(self.settings[site].values())})
        body = body_of(request)
        name = body["name"] if request.method == "POST" else rest[0]
        if name in self.broken:
            return json_response(422, {"message": "not that one"})
        if request.method == "PATCH" and name not in self.settings[site]:
            return not_found()
        self.settings[site][name] = {**self.settings[site].get(name, {}), **body}
        for stage in ("blue", "green"):
            self.stale[site, stage] = True
        return json_response(200, self.settings[site][name])


@pytest.fixture
def sites() -> Sites:
    return Sites()


@pytest.fixture
def api(tmp_path: Path, sites: Sites) -> OddApi:
    api = OddApi(folder=tmp_path, handle=sites.handle)
    api.define(KINDS, MANIFESTS)
    return api


def deploys(api: OddApi) -> list[str]:
    return sorted(path for method, path, _ in api.writes() if path.endswith("/deploy"))


def test_each_parent_and_stage_is_deployed_once_after_its_last_change(api: OddApi) -> None:
    made = api.plan()
    assert [f.request.path for f in made.follow_ups] == [
        f"/sites/{site}/stages/{stage}/deploy" for site in "ab" for stage in ("blue", "green")
    ]
    assert "deploy the site" in render_plan(made)
    report = api.apply()
    assert {one.status for one in report.follow_ups} == {Status.APPLIED}
    paths = [path for _, path, _ in api.writes()]
    assert all(path.endswith("/deploy") for path in paths[3:])
    assert len(deploys(api)) == 4
    assert not api.plan().has_work


def test_only_the_parent_that_changes_is_deployed(api: OddApi, sites: Sites) -> None:
    api.apply()
    sites.settings["b"]["z"]["value"] = 9
    report = api.apply()
    assert deploys(api) == ["/sites/b/stages/blue/deploy", "/sites/b/stages/green/deploy"]
    assert len(report.follow_ups) == 2


def test_a_deployment_that_fails_inside_a_200_is_a_failure(api: OddApi, sites: Sites) -> None:
    sites.refusing.add("green")
    report = api.apply()
    failed = [one for one in report.follow_ups if one.status is Status.FAILED]
    assert len(failed) == 2
    assert "the stage is locked" in failed[0].detail


def test_what_was_left_undeployed_is_due_in_the_next_plan(api: OddApi, sites: Sites) -> None:
    sites.refusing.add("green")
    api.apply()
    sites.refusing.clear()
    made = api.plan()
    assert not made.pending
    assert made.has_work
    assert [(f.request.path, f.overdue) for f in made.follow_ups] == [
        ("/sites/a/stages/green/deploy", True),
        ("/sites/b/stages/green/deploy", True),
    ]
    api.apply()
    assert not api.plan().has_work


def test_a_parent_with_a_failed_change_is_not_deployed(api: OddApi, sites: Sites) -> None:
    sites.broken.add("y")
    report = api.apply()
    by_site = {one.request.path.split("/")[2]: one for one in report.follow_ups}
    assert by_site["a"].status is Status.SKIPPED
    assert "odd.Setting/y" in by_site["a"].detail
    assert by_site["b"].status is Status.APPLIED


def unchecked(api: OddApi, *, ledger: bool) -> OddApi:
    """Take the check out of the kind: nothing but a ledger can tell then what was left out."""
    api.define(KINDS[: KINDS.index("        check:")], MANIFESTS)
    if ledger:
        config = api.folder / "reconciler.yaml"
        config.write_text(config.read_text() + "    ledger: {file: ledger.json}\n")
    return api


def test_without_a_check_the_ledger_knows_what_is_owed(api: OddApi, sites: Sites) -> None:
    unchecked(api, ledger=True)
    sites.refusing.add("green")
    sites.broken.add("y")
    api.apply()
    sites.broken.clear()
    (api.folder / "manifests" / "all.yaml").write_text("\n---\n".join(MANIFESTS.split("\n---\n")[::2]))  # without y
    made = api.plan()
    assert made.pending == ()
    due = [(one.request.path, one.overdue) for one in made.follow_ups]
    assert due == [
        ("/sites/a/stages/blue/deploy", True),
        ("/sites/a/stages/green/deploy", True),
        ("/sites/b/stages/green/deploy", True),
    ]
    assert len(api.apply().follow_ups) == 3
    assert [one.request.path for one in api.plan().follow_ups] == [path for path, _ in due if "green" in path]
    sites.refusing.clear()
    api.apply()
    assert not api.plan().has_work


def test_without_a_check_and_a_ledger_nobody_knows(api: OddApi, sites: Sites) -> None:
    unchecked(api, ledger=False)
    sites.refusing.add("green")
    assert Status.FAILED in {one.status for one in api.apply().follow_ups}
    assert not api.plan().has_work


@pytest.mark.parametrize("endings", [True, False], ids=["changes-ended", "changes-open"])
def test_a_run_that_was_killed_before_its_follow_ups_owes_them(api: OddApi, sites: Sites, endings: bool) -> None:
    unchecked(api, ledger=True)
    journal = api.folder / "ledger.json.journal"
    kept: list[str] = []

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.path.endswith("/deploy") and not kept:
            kept.append(journal.read_text())
        return sites.handle(request)

    api.handle = handle
    api.apply()
    # What a kill at the first follow-up would have left, with what became of the changes or without.
    lines = [line for line in kept[0].splitlines(keepends=True) if endings or '"is":"end"' not in line]
    (api.folder / "ledger.json").unlink()
    journal.write_text("".join(lines))
    made = api.plan()
    assert made.pending == ()
    assert {one.overdue for one in made.follow_ups} == {True}
    assert [one.request.path for one in made.follow_ups] == deploys(api)
    api.apply()
    assert not api.plan().has_work
    assert not journal.exists()
