"""Saved plans and follow-ups: what failed in one run is approved in the next, though its path was not known before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.errors import Refused
from reconciler.core.report import Report, Status
from reconciler.workflow.approvals import apply_approved, compare_with_approval, open_approval, refuse, save_plan
from reconciler.workflow.commands import Connections, load, plan

KINDS = """
    apiVersion: odd/v1
    kind: Site
    schema:
      type: object
      additionalProperties: false
      properties: {name: {type: string}, id: {type: string, readOnly: true}}
    identity: {id: /id, key: [name], name: name}
    read:
      list: {method: GET, path: /sites, items: /items}
    write:
      create: {method: POST, path: /sites}
    ---
    apiVersion: odd/v1
    kind: Setting
    schema:
      type: object
      additionalProperties: false
      required: [site, name]
      properties:
        site: {type: string, x-ref: Site}
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
        path: "/sites/{spec.site}/deploy"
        check: {method: GET, path: "/sites/{spec.site}/deploy", due: {at: /stale, equals: true}}
"""

MANIFESTS = """
    apiVersion: odd/v1
    kind: Site
    metadata: {name: home}
    spec: {}
    ---
    apiVersion: odd/v1
    kind: Setting
    metadata: {name: x}
    spec: {site: "${ref:Site/home}", value: 1}
"""


class Sites:
    """Saving is not deploying: a site is stale until it is deployed after the last save."""

    def __init__(self) -> None:
        self.sites: list[dict[str, Any]] = []
        self.settings: list[dict[str, Any]] = []
        self.stale = False
        self.broken = True

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        steps = request.path.strip("/").split("/")
        match request.method, steps[-1]:
            case "GET", "sites":
                return json_response(200, {"items": self.sites})
            case "POST", "sites":
                self.sites.append({**body_of(request), "id": "s-1"})
                return json_response(201, self.sites[-1])
            case "GET", "settings":
                return json_response(200, {"items": self.settings})
            case "POST", "settings":
                self.stale = True
                self.settings.append({**body_of(request), "site": steps[1]})
                return json_response(201, self.settings[-1])
            case "GET", "deploy":
                return json_response(200, {"stale": self.stale})
            case "POST", "deploy":
                self.stale = self.broken
                return json_response(422, {"message": "locked"}) if self.broken else json_response(200, {})
        return not_found()


def save(api: OddApi, path: Path) -> None:
    options = api.options()
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        save_plan(plan(loaded, connections, options), loaded, options, path)


def perform(api: OddApi, path: Path) -> Report:
    approval, options = open_approval(path, api.options(), None)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        found = compare_with_approval(approval, planned, loaded, options)
        refuse(found, loaded)
        return apply_approved(found, planned, loaded, connections, options, lambda outcome: None)


def test_a_follow_up_that_failed_is_made_by_the_next_run(tmp_path: Path) -> None:
    sites = Sites()
    api = OddApi(folder=tmp_path, handle=sites.handle)
    api.define(KINDS, MANIFESTS)
    save(api, tmp_path / "plan.json")
    first = perform(api, tmp_path / "plan.json")
    assert {outcome.status for outcome in first.outcomes} == {Status.APPLIED}
    assert [one.status for one in first.follow_ups] == [Status.FAILED]
    sites.broken = False
    second = perform(api, tmp_path / "plan.json")
    assert [one.status for one in second.follow_ups] == [Status.APPLIED]
    assert sites.stale is False
    assert perform(api, tmp_path / "plan.json").follow_ups == ()


def test_a_follow_up_of_a_new_parent_is_owed_under_the_path_that_it_has_by_then(tmp_path: Path) -> None:
    """Without a check only the ledger tells that the new site was never deployed."""
    sites = Sites()
    api = OddApi(folder=tmp_path, handle=sites.handle)
    api.define(KINDS[: KINDS.index("        check:")], MANIFESTS)
    with (tmp_path / "reconciler.yaml").open("a") as config:
        config.write("    ledger: {file: ledger.json}\n")
    save(api, tmp_path / "plan.json")
    assert [one.status for one in perform(api, tmp_path / "plan.json").follow_ups] == [Status.FAILED]
    sites.broken = False
    assert [(one.request.path, one.overdue) for one in api.plan().follow_ups] == [("/sites/s-1/deploy", True)]
    assert [one.status for one in perform(api, tmp_path / "plan.json").follow_ups] == [Status.APPLIED]
    assert api.plan().follow_ups == ()


def test_a_follow_up_that_nobody_approved_is_refused(tmp_path: Path) -> None:
    sites = Sites()
    sites.sites, sites.settings = [{"name": "home", "id": "s-1"}], [{"name": "x", "site": "s-1", "value": 1}]
    api = OddApi(folder=tmp_path, handle=sites.handle)
    api.define(KINDS, MANIFESTS)
    save(api, tmp_path / "plan.json")
    sites.stale = True
    with pytest.raises(Refused) as caught:
        perform(api, tmp_path / "plan.json")
    assert [d.message for d in caught.value.diagnostics] == ["odd: deploy the site: follow-up: not approved"]


WIDGETS = """
    apiVersion: odd/v1
    kind: Widget
    schema:
      type: object
      additionalProperties: false
      properties:
        name: {type: string}
        colour: {type: string, x-updateOnly: true}
        id: {type: string, readOnly: true}
    identity: {id: /id, key: [name], name: name}
    read:
      list: {method: GET, path: /widgets, items: /items}
    write:
      create: {method: POST, path: /widgets}
      update: {method: PATCH, path: "/widgets/{id}"}
"""


class Widgets:
    """A colour cannot be given at once: a widget is made, then painted."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.broken = True

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET" and request.path == "/widgets":
            return json_response(200, {"items": self.rows})
        if request.method == "POST":
            self.rows.append({**body_of(request), "id": "w-1"})
            return json_response(201, self.rows[-1])
        if request.method == "PATCH":
            if self.broken:
                return json_response(422, {"message": "no paint"})
            self.rows[0].update(body_of(request))
            return json_response(200, self.rows[0])
        return not_found()


def widget_bench(folder: Path) -> tuple[Widgets, OddApi]:
    widgets = Widgets()
    api = OddApi(folder=folder, handle=widgets.handle)
    api.define(WIDGETS, "apiVersion: odd/v1\nkind: Widget\nmetadata: {name: w}\nspec: {colour: red}\n")
    with (folder / "reconciler.yaml").open("a") as config:
        config.write("    ledger: {file: ledger.json}\n")
    return widgets, api


def test_a_creation_that_broke_off_half_way_is_finished_by_the_next_run(tmp_path: Path) -> None:
    widgets, api = widget_bench(tmp_path)
    save(api, tmp_path / "plan.json")
    first = perform(api, tmp_path / "plan.json")
    assert [outcome.status for outcome in first.outcomes] == [Status.FAILED]
    assert widgets.rows == [{"name": "w", "id": "w-1"}]
    widgets.broken = False
    second = perform(api, tmp_path / "plan.json")
    assert [outcome.status for outcome in second.outcomes] == [Status.APPLIED]
    assert widgets.rows == [{"name": "w", "id": "w-1", "colour": "red"}]


def test_an_object_that_somebody_else_made_meanwhile_is_not_the_one_that_was_approved(tmp_path: Path) -> None:
    widgets, api = widget_bench(tmp_path)
    save(api, tmp_path / "plan.json")
    widgets.rows.append({"name": "w", "id": "w-9"})
    with pytest.raises(Refused) as caught:
        perform(api, tmp_path / "plan.json")
    (one,) = caught.value.diagnostics
    assert one.message.startswith("odd.Widget/w: approved to create, now to update")


BOXES = """
    apiVersion: odd/v1
    kind: Box
    schema:
      type: object
      additionalProperties: false
      properties:
        name: {type: string}
        size: {type: integer, x-immutable: true}
        id: {type: string, readOnly: true}
    identity: {id: /id, key: [name], name: name}
    read:
      list: {method: GET, path: /boxes, items: /items}
    write:
      create: {method: POST, path: /boxes}
      update: {method: PATCH, path: "/boxes/{id}"}
      delete: {call: {method: DELETE, path: "/boxes/{id}"}}
"""


class Boxes:
    """A box cannot grow: it is thrown away, and another one is bought."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = [
            {"name": "b", "size": 1, "id": "b-1"},
            {"name": "old", "size": 1, "id": "b-2"},
        ]
        self.broken = True

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        steps = request.path.strip("/").split("/")
        if request.method == "GET" and len(steps) == 1:
            return json_response(200, {"items": self.rows})
        if request.method == "DELETE" and any(row["id"] == steps[-1] for row in self.rows):
            self.rows = [row for row in self.rows if row["id"] != steps[-1]]
            return json_response(200, {})
        if request.method == "POST":
            if self.broken:
                return json_response(422, {"message": "sold out"})
            self.rows.append({**body_of(request), "id": "b-3"})
            return json_response(201, self.rows[-1])
        found = next((row for row in self.rows if row["id"] == steps[-1]), None)
        return not_found() if found is None else json_response(200, found)


BOX = "apiVersion: odd/v1\nkind: Box\nmetadata: {{name: {0}}}\nlifecycle: {{replace: true}}\nspec: {{size: {1}}}\n"


def box_bench(folder: Path) -> tuple[Boxes, OddApi]:
    """Return a bench on which two boxes were applied."""
    boxes = Boxes()
    api = OddApi(folder=folder, handle=boxes.handle)
    api.define(BOXES, BOX.format("b", 1) + "---\n" + BOX.format("old", 1))
    with (folder / "reconciler.yaml").open("a") as config:
        config.write("    ledger: {file: ledger.json}\n    policy: {prune: true, maxChangeShare: 1.0}\n")
    api.apply()
    return boxes, api


def rewrite(api: OddApi, *texts: str) -> None:
    (api.folder / "manifests" / "all.yaml").write_text("---\n".join(texts))


def test_a_replacement_that_broke_off_half_way_is_finished_by_the_next_run(tmp_path: Path) -> None:
    boxes, api = box_bench(tmp_path)
    rewrite(api, BOX.format("b", 2), BOX.format("old", 1))
    save(api, tmp_path / "plan.json")
    assert Status.FAILED in {outcome.status for outcome in perform(api, tmp_path / "plan.json").outcomes}
    assert [row["name"] for row in boxes.rows] == ["old"]
    boxes.broken = False
    perform(api, tmp_path / "plan.json")
    assert [(row["name"], row["size"]) for row in boxes.rows] == [("old", 1), ("b", 2)]
    assert {outcome.status for outcome in perform(api, tmp_path / "plan.json").outcomes} == {Status.UNCHANGED}


def test_another_size_than_was_approved_is_refused_half_way(tmp_path: Path) -> None:
    boxes, api = box_bench(tmp_path)
    rewrite(api, BOX.format("b", 2), BOX.format("old", 1))
    save(api, tmp_path / "plan.json")
    perform(api, tmp_path / "plan.json")
    rewrite(api, BOX.format("b", 3), BOX.format("old", 1))
    boxes.broken = False
    with pytest.raises(Refused):
        perform(api, tmp_path / "plan.json")


def test_an_approved_removal_is_performed_once_and_an_unapproved_one_is_not(tmp_path: Path) -> None:
    boxes, api = box_bench(tmp_path)
    save(api, tmp_path / "none.json")
    rewrite(api, BOX.format("b", 1))
    with pytest.raises(Refused) as caught:
        perform(api, tmp_path / "none.json")
    assert [d.message for d in caught.value.diagnostics] == ["odd.Box/old: delete: not approved"]
    assert len(boxes.rows) == 2
    save(api, tmp_path / "plan.json")
    assert Status.APPLIED in {outcome.status for outcome in perform(api, tmp_path / "plan.json").outcomes}
    assert [row["name"] for row in boxes.rows] == ["b"]
    assert {outcome.status for outcome in perform(api, tmp_path / "plan.json").outcomes} == {Status.UNCHANGED}


def test_a_removal_whose_manifest_came_back_is_refused(tmp_path: Path) -> None:
    boxes, api = box_bench(tmp_path)
    rewrite(api, BOX.format("b", 1))
    save(api, tmp_path / "plan.json")
    rewrite(api, BOX.format("b", 1), BOX.format("old", 1))
    with pytest.raises(Refused) as caught:
        perform(api, tmp_path / "plan.json")
    assert [d.message for d in caught.value.diagnostics] == ["odd.Box/old: delete: approved, but it is declared now"]
    assert len(boxes.rows) == 2
