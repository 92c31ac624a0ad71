"""Kinds for an API that nobody here wrote, from its documentation and `schemas/README.md` alone: Grafana's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from grafana_api import Grafana
from odd_api import OddApi, SandboxRequest, SandboxResponse
from odd_rows import asked

from reconciler.core.kinds.checks.definitions import check_definitions
from reconciler.core.model import Action, Plan
from reconciler.core.pointer import format_pointer
from reconciler.core.report import Status
from reconciler.shell.files.disk import read_documents

KINDS = Path(__file__).with_name("grafana.yaml")
CONFIG = """
schemas: [schemas]
targets:
  test:
    systems: {grafana: {url: http://odd.test, auth: {bearer: "${env:GRAFANA_TOKEN}"}}}
    secrets: [GRAFANA_TOKEN]
    ledger: {file: ledger.json}
"""
MANIFESTS = """
apiVersion: grafana/v1
kind: Folder
metadata: {name: Shop}
spec: {}
---
apiVersion: grafana/v1
kind: DataSource
metadata: {name: metrics}
spec:
  type: prometheus
  access: proxy
  url: http://metrics.example.com
  basicAuth: true
  jsonData: {timeInterval: 30s}
  secureJsonData: {basicAuthPassword: fake-password}
---
apiVersion: grafana/v1
kind: Dashboard
metadata: {name: sales}
spec:
  title: Sales
  folder: ${ref:Folder/Shop}
  tags: [money, shop]
  panels:
    - {type: stat, title: Orders, datasource: {uid: "${ref:DataSource/metrics}"}}
"""


@pytest.fixture
def grafana() -> Grafana:
    return Grafana()


@pytest.fixture
def api(tmp_path: Path, grafana: Grafana) -> OddApi:
    api = OddApi(folder=tmp_path, handle=grafana.handle, environ={"GRAFANA_TOKEN": "fake-token"})
    api.define(KINDS.read_text(), MANIFESTS)
    (tmp_path / "reconciler.yaml").write_text(CONFIG)
    return api


def applied(api: OddApi) -> list[Any]:
    assert {(o.status, o.detail) for o in api.apply().outcomes} <= {(Status.APPLIED, ""), (Status.UNCHANGED, "")}
    writes = api.writes()
    plan = api.plan()
    assert (plan.pending, plan.diagnostics) == ((), ())
    return writes


def model_of(grafana: Grafana) -> dict[str, Any]:
    """Return the model of the only dashboard."""
    (board,) = grafana.dashboards.values()
    model: dict[str, Any] = board["model"]
    return model


def moved(plan: Plan) -> dict[str, list[str]]:
    return {change.address.name: [format_pointer(f.path) for f in change.fields] for change in plan.pending}


def edited(api: OddApi, old: str, new: str) -> None:
    path = api.folder / "manifests" / "all.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_everything_is_made_once(api: OddApi, grafana: Grafana) -> None:
    writes = applied(api)
    assert [(method, path) for method, path, _ in writes[:2]] in (
        [("POST", "/api/folders"), ("POST", "/api/datasources")],
        [("POST", "/api/datasources"), ("POST", "/api/folders")],
    )
    (source,) = grafana.sources
    method, path, body = writes[2]
    assert (method, path, body["overwrite"]) == ("POST", "/api/dashboards/db", False)
    assert body["folderUid"].startswith("u")
    assert body["dashboard"]["panels"] == [{"type": "stat", "title": "Orders", "datasource": {"uid": source}}]
    assert "fake-password" not in (api.folder / "ledger.json").read_text()


def test_what_a_person_adds_to_a_dashboard_stays_when_it_is_saved(api: OddApi, grafana: Grafana) -> None:
    applied(api)
    model_of(grafana).update({"timezone": "utc", "annotations": {"list": [1]}, "version": 7})
    edited(api, "title: Sales", "title: Sales of the shop")
    ((method, path, body),) = applied(api)
    assert (method, path) == ("POST", "/api/dashboards/db")
    assert body["dashboard"].items() >= {"title": "Sales of the shop", "timezone": "utc", "version": 7}.items()
    assert body["folderUid"] == next(iter(grafana.folders)), "without it, the dashboard would move to the root"
    assert "meta" not in body


def test_drift_is_shown_for_exactly_what_was_changed_by_hand(api: OddApi, grafana: Grafana) -> None:
    applied(api)
    (source,) = grafana.sources.values()
    source["url"] = "http://other.example.com"
    source["jsonData"]["httpMethod"] = "POST"  # not stated, hence not ours
    model_of(grafana)["tags"] = ["shop", "money", "x"]
    assert moved(api.plan()) == {"metrics": ["/url"], "sales": ["/tags"]}
    applied(api)
    assert source["uid"] in grafana.sources
    assert grafana.secrets[source["uid"]] == {"basicAuthPassword": "fake-password"}
    assert grafana.sources[source["uid"]]["jsonData"] == {"timeInterval": "30s", "httpMethod": "POST"}


def test_a_secret_is_sent_when_the_manifest_has_another_one(api: OddApi, grafana: Grafana) -> None:
    applied(api)
    edited(api, "fake-password", "fake-other-password")
    assert moved(api.plan()) == {"metrics": ["/secureJsonData"]}
    applied(api)
    assert list(grafana.secrets.values()) == [{"basicAuthPassword": "fake-other-password"}]


def test_somebody_else_was_faster(api: OddApi, grafana: Grafana) -> None:
    applied(api)
    edited(api, "title: Sales", "title: Sales of the shop")

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "POST":
            model_of(grafana)["version"] += 1
        return grafana.handle(request)

    api.handle = handle
    (outcome,) = [o for o in api.apply().outcomes if o.address.name == "sales"]
    assert outcome.status is Status.CONFLICT
    assert "changed by someone else" in outcome.detail


def test_a_dashboard_of_that_name_is_found_in_its_own_folder_only(api: OddApi, grafana: Grafana) -> None:
    edited(api, "folder: ${ref:Folder/Shop}", 'folder: ""')
    other = grafana.make_folder({"title": "Other", "uid": "other"})
    assert other.status == 200
    for folder in ("other", ""):
        grafana.save_dashboard({"dashboard": {"title": "Sales"}, "folderUid": folder})
    writes = applied(api)
    assert [body["folderUid"] for _, path, body in writes if path == "/api/dashboards/db"] == [""]
    assert len(grafana.dashboards) == 2


def test_one_that_appears_meanwhile_is_not_made_twice(api: OddApi, grafana: Grafana) -> None:
    edited(api, "folder: ${ref:Folder/Shop}", 'folder: ""')
    made = {"dashboard": {"title": "Sales", "tags": ["theirs"]}, "folderUid": ""}
    report = api.apply(between=lambda: grafana.save_dashboard(made))
    (outcome,) = [o for o in report.outcomes if o.address.name == "sales"]
    assert outcome.status is Status.CONFLICT
    assert len(grafana.dashboards) == 1


def test_a_folder_is_found_by_its_title_on_any_page_and_renamed_with_its_version(api: OddApi, grafana: Grafana) -> None:
    for number in range(150):
        grafana.make_folder({"title": f"folder {number}"})
    grafana.make_folder({"title": "Shop"})
    api.plan()
    assert "GET /api/folders?limit=100&page=2" in asked(api)
    applied(api)
    assert len([one for one in grafana.folders.values() if one["title"] == "Shop"]) == 1
    edited(api, "spec: {}", "spec: {title: Shop and store}")
    assert moved(api.plan()) == {"Shop": ["/title"]}
    writes = applied(api)
    assert [(method, body) for method, _, body in writes] == [("PUT", {"title": "Shop and store", "version": 1})]


def test_what_is_no_longer_stated_goes_children_first(api: OddApi, grafana: Grafana) -> None:
    applied(api)
    path = api.folder / "manifests" / "all.yaml"
    path.write_text(path.read_text().split("---")[1])
    plan = api.plan(prune=True)
    assert {c.address.name: c.action for c in plan.pending} == {"Shop": Action.DELETE, "sales": Action.DELETE}
    api.apply(prune=True)
    assert [(method, path.rpartition("/")[0]) for method, path, _ in api.writes()] == [
        ("DELETE", "/api/dashboards/uid"),
        ("DELETE", "/api/folders"),
    ]
    assert (grafana.folders, grafana.dashboards) == ({}, {})


def test_the_definitions_are_all_in_order() -> None:
    documents, problems = read_documents(KINDS, KINDS.name)
    assert [*problems, *check_definitions(documents, [])] == []
