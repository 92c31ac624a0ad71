"""Fields that are secrets as long as another field says so: variables that may be visible or hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.model import Plan
from reconciler.core.pointer import format_pointer
from reconciler.core.report import Status
from reconciler.render.machine import plan_document
from reconciler.render.text import render_plan

KINDS = """
    system: odd
    ---
    apiVersion: odd/v1
    kind: Variable
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string}
        mode: {type: string, enum: [open, masked, sealed], default: open}
        value: {type: string, x-sensitiveWhen: {mode: [masked, sealed]}}
        values:
          type: array
          x-list: set
          x-key: [stage]
          items:
            type: object
            required: [stage]
            properties:
              stage: {type: string}
              shown: {type: boolean, default: false}
              value: {type: string, x-sensitiveWhen: {shown: false}}
    identity: {id: /name, key: [name], name: name}
    read:
      list: {method: GET, path: /variables, items: /items}
    write:
      create: {method: POST, path: /variables, returns: nothing}
      update: {method: PATCH, path: "/variables/{id}", returns: nothing}
"""


class Variables:
    """Answers hold null in place of a value that is not to be seen; in a change, null keeps what is there."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET":
            return json_response(200, {"items": [self.shown(row) for row in self.rows.values()]})
        body = body_of(request)
        if request.method == "POST":
            self.rows[body["name"]] = {"mode": "open", **body}
            return json_response(201, {})
        name = request.path.rsplit("/", 1)[1]
        if name not in self.rows:
            return not_found()
        self.rows[name].update({key: value for key, value in body.items() if value is not None})
        return json_response(200, {})

    @staticmethod
    def shown(row: dict[str, Any]) -> dict[str, Any]:
        values = [
            {
                "stage": one["stage"],
                "shown": one.get("shown", False),
                "value": one["value"] if one.get("shown") else None,
            }
            for one in row.get("values", [])
        ]
        return {**row, "value": row.get("value") if row["mode"] == "open" else None, "values": values}


@pytest.fixture
def variables() -> Variables:
    return Variables()


@pytest.fixture
def api(tmp_path: Path, variables: Variables) -> OddApi:
    return OddApi(folder=tmp_path, handle=variables.handle)


def declare(api: OddApi, **spec: Any) -> None:
    manifest = {"apiVersion": "odd/v1", "kind": "Variable", "metadata": {"name": "v"}, "spec": spec}
    api.define(KINDS, json.dumps(manifest))
    config = api.folder / "reconciler.yaml"
    config.write_text(config.read_text() + "    ledger: {file: ledger.json}\n")


def apply(api: OddApi) -> None:
    assert {outcome.status for outcome in api.apply().outcomes} <= {Status.APPLIED, Status.UNCHANGED}


def paths(plan: Plan) -> list[str]:
    return [format_pointer(change.path) for one in plan.pending for change in one.fields]


def told(plan: Plan) -> str:
    return render_plan(plan) + json.dumps(plan_document(plan))


@pytest.mark.parametrize(("mode", "seen"), [("open", True), ("masked", False), ("sealed", False), (None, True)])
def test_a_value_is_shown_and_compared_unless_the_field_beside_it_hides_it(
    api: OddApi, variables: Variables, mode: str | None, seen: bool
) -> None:
    stated = {} if mode is None else {"mode": mode}
    declare(api, value="first-text", **stated)
    assert ("first-text" in told(api.plan())) is seen
    apply(api)
    assert paths(api.plan()) == []
    variables.rows["v"]["value"] = "their-text"
    assert paths(api.plan()) == (["/value"] if seen else [])
    declare(api, value="second-text", **stated)
    plan = api.plan()
    assert paths(plan) == ["/value"], "what cannot be read is compared with what was applied"
    assert ("second-text" in told(plan)) is seen
    apply(api)
    assert variables.rows["v"]["value"] == "second-text"
    assert paths(api.plan()) == []


def test_the_live_object_alone_may_say_that_it_is_a_secret(api: OddApi, variables: Variables) -> None:
    declare(api, value="first-text")
    apply(api)
    variables.rows["v"]["mode"] = "sealed"
    plan = api.plan()
    assert paths(plan) == []
    declare(api, value="second-text")
    plan = api.plan()
    assert paths(plan) == ["/value"]
    assert "second-text" not in told(plan)


def test_a_secret_becomes_visible_and_is_compared_from_then_on(api: OddApi, variables: Variables) -> None:
    declare(api, value="first-text", mode="masked")
    apply(api)
    declare(api, value="first-text", mode="open")
    assert paths(api.plan()) == ["/mode"]
    apply(api)
    variables.rows["v"]["value"] = "their-text"
    assert paths(api.plan()) == ["/value"]


def test_items_of_a_list_have_secrets_of_their_own(api: OddApi, variables: Variables) -> None:
    test, live = {"stage": "test", "shown": True, "value": "a-text"}, {"stage": "live", "value": "b-text"}
    declare(api, values=[test, live])
    assert "b-text" not in told(api.plan())
    apply(api)
    assert paths(api.plan()) == []
    declare(api, values=[live, test])
    assert paths(api.plan()) == [], "the order means nothing"
    variables.rows["v"]["values"][0]["value"] = "their-text"
    assert paths(api.plan()) == ["/values/test/value"]
    apply(api)
    declare(api, values=[test, {**live, "value": "c-text"}])
    plan = api.plan()
    assert paths(plan) == ["/values/live/value"]
    assert "c-text" not in told(plan)
    apply(api)
    assert [one["value"] for one in variables.rows["v"]["values"]] == ["a-text", "c-text"]
    assert paths(api.plan()) == []


def test_an_item_that_goes_away_leaves_no_remark(api: OddApi) -> None:
    declare(api, values=[{"stage": "test", "value": "a-text"}, {"stage": "live", "value": "b-text"}])
    apply(api)
    declare(api, values=[{"stage": "live", "value": "b-text"}])
    (change,) = api.plan().pending
    assert change.notes == ()
    apply(api)
    assert paths(api.plan()) == []


def test_the_ledger_holds_no_value(api: OddApi) -> None:
    declare(api, value="first-text", mode="sealed", values=[{"stage": "live", "value": "b-text"}])
    apply(api)
    ledger = (api.folder / "ledger.json").read_text()
    record = json.loads(ledger)["records"]["odd.Variable/v"]
    assert {"/value", "/values", "/values/live/value"} <= set(record["secrets"])
    assert "-text" not in ledger
