"""Objects that are there before their manifest: adopted with a ledger, refused where the manifest or a mark says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.model import Action
from reconciler.render.machine import plan_document
from reconciler.render.text import render_plan, summarize_plan

KINDS = """
    system: odd
    ---
    apiVersion: odd/v1
    kind: Thing
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string}
        size: {type: integer}
    identity: {key: [name]}
    read:
      list: {method: GET, path: /things, items: /items}
      get: {method: GET, path: "/things/{id}"}
      foreign: {at: /labels/managedBy, equals: other-tool}
    write:
      create: {method: POST, path: /things}
      update: {method: PATCH, path: "/things/{id}"}
"""
LEDGER = "ledger: {file: ledger.json}\n"
THING = """
    apiVersion: odd/v1
    kind: Thing
    metadata: {name: one}
    spec: {name: one, size: 1}
"""


class Things:
    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)

    def __call__(self, request: SandboxRequest) -> SandboxResponse:
        if request.path == "/things" and request.method == "GET":
            return json_response(200, {"items": self.rows})
        if request.method == "POST":
            self.rows.append({"id": f"n{len(self.rows)}", **body_of(request)})
            return json_response(201, self.rows[-1])
        found = [row for row in self.rows if request.path == f"/things/{row['id']}"]
        if found and request.method == "PATCH":
            found[0].update(body_of(request))
        return json_response(200, found[0]) if found else not_found()


def odd(folder: Path, things: Things, manifest: str = THING, *, target: str = LEDGER) -> OddApi:
    api = OddApi(folder, things)
    api.define(KINDS, manifest, target=target)
    return api


def test_what_is_there_and_as_declared_is_adopted_without_a_request(tmp_path: Path) -> None:
    api = odd(tmp_path, Things({"id": "t1", "name": "one", "size": 1}))
    plan = api.plan()
    (change,) = plan.changes
    assert change.action is Action.ADOPT
    assert (plan.pending, plan.has_work) == ((), False)
    assert "1 to adopt" in summarize_plan(plan)
    assert "will be managed from now on: /name, /size" in render_plan(plan)
    assert plan_document(plan)["summary"]["adopt"] == 1
    api.apply()
    assert api.writes() == []
    assert '"t1"' in (tmp_path / "ledger.json").read_text()
    assert [one.action for one in api.plan().changes] == [Action.UNCHANGED]


def test_an_adoption_with_a_difference_is_an_update_that_says_so(tmp_path: Path) -> None:
    api = odd(tmp_path, Things({"id": "t1", "name": "one", "size": 2}))
    (change,) = api.plan().pending
    assert change.action is Action.UPDATE
    assert change.notes == ("its object is not recorded by the ledger: it will be managed from now on",)


def test_without_a_ledger_nothing_is_adopted(tmp_path: Path) -> None:
    api = odd(tmp_path, Things({"id": "t1", "name": "one", "size": 1}), target="")
    assert [one.action for one in api.plan().changes] == [Action.UNCHANGED]


def test_a_manifest_may_insist_on_an_object_of_its_own(tmp_path: Path) -> None:
    manifest = THING.replace("    spec:", "    lifecycle: {adopt: false}\n    spec:")
    things = Things({"id": "t1", "name": "one", "size": 1})
    api = odd(tmp_path, things, manifest)
    assert [one.code for one in api.plan().blockers] == ["not-adopted"]
    things.rows.clear()
    api.apply()  # made here, and recorded
    assert [row["name"] for row in things.rows] == ["one"]
    assert api.plan().blockers == ()


def test_what_bears_the_mark_of_another_tool_is_taken_over_only_when_asked_for(tmp_path: Path) -> None:
    api = odd(tmp_path, Things({"id": "t1", "name": "one", "size": 1, "labels": {"managedBy": "other-tool"}}))
    (blocker,) = api.plan().blockers
    assert blocker.code == "owned-by-another"
    assert "--take-over" in blocker.hint
    assert api.plan(take_over=True).blockers == ()
    api.apply(take_over=True)
    assert api.plan().blockers == ()  # recorded: it is ours now


TWINS = ({"id": "t1", "name": "one", "size": 5}, {"id": "t2", "name": "one", "size": 1})


def test_one_of_two_objects_with_the_same_key_is_chosen_by_its_id(tmp_path: Path) -> None:
    manifest = THING.replace("    spec:", "    lifecycle: {adopt: {id: t2}}\n    spec:")
    api = odd(tmp_path, Things(*(dict(row) for row in TWINS)), manifest)
    plan = api.plan()
    assert plan.blockers == ()
    assert [(one.action, one.live.id) for one in plan.changes if one.live] == [(Action.ADOPT, "t2")]
    api.apply()
    assert api.writes() == []
    api.manifests(THING)  # it stays ours when the line goes
    assert [(one.action, one.live.id) for one in api.plan().changes if one.live] == [(Action.UNCHANGED, "t2")]


def test_an_id_that_is_not_there_is_refused(tmp_path: Path) -> None:
    manifest = THING.replace("    spec:", "    lifecycle: {adopt: {id: t9}}\n    spec:")
    api = odd(tmp_path, Things({"id": "t1", "name": "one", "size": 1}), manifest)
    assert [one.code for one in api.plan().blockers] == ["not-found"]


@pytest.mark.parametrize("value", ["maybe", "{id: [1]}", "{name: x}", "{}"])
def test_adopt_is_true_false_or_an_id(tmp_path: Path, value: str) -> None:
    from reconciler.core.errors import InvalidInput

    manifest = THING.replace("    spec:", f"    lifecycle: {{adopt: {value}}}\n    spec:")
    with pytest.raises(InvalidInput) as caught:
        odd(tmp_path, Things(), manifest).plan()
    (problem,) = caught.value.diagnostics
    assert "lifecycle.adopt" in problem.message
    assert problem.source is not None
    assert problem.source.line == 5
