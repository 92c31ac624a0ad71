"""Kinds that disable, forget, take out of a document, answer before they have acted, or guard a delete by an ETag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response
from odd_shop import LEDGER, PRODUCT, SHELF, make_shop, product, shelf, together

from reconciler.core.model import Action
from reconciler.core.report import Outcome, Status
from reconciler.render.text import render_plan

CALL = 'delete: {call: {method: DELETE, path: "/products/{id}"}}'
BOTH = together(shelf("left"), product("tea", "left", on=True, price=1))
LEFT = shelf("left")


def kinds(delete: str) -> str:
    assert CALL in PRODUCT
    return SHELF + "---" + PRODUCT.replace(CALL, delete)


def deleted(outcomes: tuple[Outcome, ...]) -> Outcome:
    (found,) = [outcome for outcome in outcomes if outcome.action is Action.DELETE]
    return found


def recorded(api: OddApi) -> bool:
    return "odd.Product/tea" in json.loads((api.folder / "ledger.json").read_text())["records"]


def test_an_object_that_cannot_be_deleted_is_switched_off_once(tmp_path: Path) -> None:
    shop, api = make_shop(
        tmp_path, kinds=kinds("delete: {disable: {on: false}, warning: it keeps its shelf}"), manifests=BOTH
    )
    api.apply()
    shop.named("products")["tea"]["theirs"] = 7
    api.manifests(LEFT)
    text = render_plan(api.plan(prune=True))
    assert "1 to disable" in text
    assert "the API cannot delete it: it is switched off (on: false), stays, and is no longer managed" in text
    assert "warning: it keeps its shelf" in text
    outcome = deleted(api.apply(prune=True).outcomes)
    assert (outcome.status, outcome.detail) == (Status.APPLIED, "switched off")
    assert [(method, body) for method, _, body in api.writes()] == [("PATCH", {"on": False})]
    tea = shop.named("products")["tea"]
    assert (tea["on"], tea["price"], tea["theirs"], recorded(api)) == (False, 1, 7, False)
    assert not api.plan(prune=True).has_work


def test_one_that_is_switched_off_already_is_only_forgotten(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, kinds=kinds("delete: {disable: {on: false}}"), manifests=BOTH)
    api.apply()
    shop.named("products")["tea"]["on"] = False
    api.manifests(LEFT)
    assert "switched off already" in render_plan(api.plan(prune=True))
    api.apply(prune=True)
    assert (api.writes(), recorded(api)) == ([], False)


def test_an_api_that_cannot_delete_at_all_leaves_the_object_alone(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, kinds=kinds("delete: {forget: true}"), manifests=BOTH)
    api.apply()
    api.manifests(LEFT)
    text = render_plan(api.plan(prune=True))
    assert "1 to forget" in text
    assert "it stays as it is, and is no longer managed" in text
    api.apply(prune=True)
    assert (api.writes(), recorded(api), "tea" in shop.named("products")) == ([], False, True)


def test_a_kind_that_says_nothing_about_deleting_keeps_its_objects(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, kinds=kinds(""), manifests=BOTH)
    api.apply()
    api.manifests(LEFT)
    made = api.plan(prune=True)
    assert not made.has_work
    assert "does not say how objects are deleted" in made.diagnostics[0].message


def test_an_answer_that_only_promises_is_waited_for(tmp_path: Path) -> None:
    wait = 'wait: {method: GET, path: "/products/{answer.job}", until: {at: /done, equals: true}}'
    shop, api = make_shop(tmp_path, kinds=kinds(CALL.removesuffix("}") + f", {wait}}}"), manifests=BOTH)
    api.apply()
    api.manifests(LEFT)
    asked: list[str] = []

    def later(request: SandboxRequest) -> SandboxResponse | None:
        if request.method == "DELETE":
            return json_response(202, {"job": "job"})
        if request.path == "/products/job":
            asked.append(request.path)
            if len(asked) == 3:
                shop.rows["products"].clear()
            return json_response(200, {"done": len(asked) == 3})
        return None

    shop.before = later
    assert deleted(api.apply(prune=True).outcomes).status is Status.APPLIED
    assert len(asked) == 3


def test_where_reads_go_on_showing_it_the_answer_is_the_proof(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, kinds=kinds(CALL.removesuffix("}") + ", proof: answer}"), manifests=BOTH)
    api.apply()
    api.manifests(LEFT)
    shop.before = lambda r: empty_response(204) if r.method == "DELETE" else None
    assert deleted(api.apply(prune=True).outcomes).status is Status.APPLIED
    assert (len(api.writes()), recorded(api)) == (1, False)


# --------------------------------------------------------------------------- in a document, behind an ETag

RULE = """
    apiVersion: odd/v1
    kind: Rule
    schema:
      type: object
      additionalProperties: false
      required: [zone, name]
      properties: {zone: {type: string}, name: {type: string}, action: {type: string}}
    identity: {id: /name, key: [zone, name], name: name}
    guard: {ifMatch: true}
    read:
      list: {method: GET, path: "/zones/{spec.zone}", items: /rules}
    write:
      inside:
        read: {method: GET, path: "/zones/{spec.zone}"}
        write: {method: PUT, path: "/zones/{spec.zone}"}
        at: /rules
"""
RULES = "\n---\n".join(
    f"apiVersion: odd/v1\nkind: Rule\nmetadata: {{name: {name}}}\nspec: {{zone: {zone}, action: log}}"
    for zone, name in (("a", "r1"), ("a", "r2"), ("b", "r3"))
)


class Zones:
    """Two documents, each written whole with an ETag that must match."""

    def __init__(self) -> None:
        self.zones: dict[str, Any] = {z: {"title": z, "rules": [{"name": "theirs"}]} for z in "ab"}
        self.versions = {"a": 1, "b": 1}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        zone = request.path.rpartition("/")[2]
        if request.method == "PUT":
            if request.headers.get("if-match") != f'"{self.versions[zone]}"':
                return json_response(412, {"message": "stale"})
            self.zones[zone] = body_of(request)
            self.versions[zone] += 1
        return json_response(200, self.zones[zone], {"etag": f'"{self.versions[zone]}"'})


def test_objects_are_taken_out_of_the_document_they_stand_in(tmp_path: Path) -> None:
    zones = Zones()
    api = OddApi(folder=tmp_path, handle=zones.handle)
    api.define(RULE, RULES, target=LEDGER)
    api.apply()
    api.manifests(RULES.split("\n---\n")[0])
    made = api.plan(prune=True)
    assert "→ PUT /zones/b" in render_plan(made)
    report = api.apply(prune=True)
    assert {o.status for o in report.outcomes if o.action is Action.DELETE} == {Status.APPLIED}
    assert [rule["name"] for rule in zones.zones["a"]["rules"]] == ["theirs", "r1"]
    assert zones.zones["b"] == {"title": "b", "rules": [{"name": "theirs"}]}
    assert not api.plan(prune=True).has_work


GUARDED = """
    apiVersion: odd/v1
    kind: Flag
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties: {name: {type: string}, percent: {type: integer}}
    identity: {id: "{spec.name}", key: [name], name: name}
    guard: {ifMatch: true}
    read: {get: {method: GET, path: "/flags/{spec.name}"}}
    write:
      create: {method: PUT, path: "/flags/{spec.name}"}
      update: {method: PUT, path: "/flags/{spec.name}"}
      delete: {call: {method: DELETE, path: "/flags/{spec.name}"}}
"""


def flag(name: str) -> str:
    return f"apiVersion: odd/v1\nkind: Flag\nmetadata: {{name: {name}}}\nspec: {{percent: 5}}\n"


def test_a_kind_without_a_list_is_read_alone_and_deleted_with_its_etag(tmp_path: Path) -> None:
    flags: dict[str, Any] = {}
    sent: list[str | None] = []

    def handle(request: SandboxRequest) -> SandboxResponse:
        name = request.path.rpartition("/")[2]
        if request.method == "PUT":
            flags[name] = body_of(request) | {"name": name}
        if name not in flags:
            return json_response(404, {"message": "no such flag"})
        if request.method == "DELETE":
            sent.append(request.headers.get("if-match"))
            return json_response(200, flags.pop(name))
        return json_response(200, flags[name], {"etag": f'"{name}-1"'})

    api = OddApi(folder=tmp_path, handle=handle)
    api.define(GUARDED, flag("a") + "---\n" + flag("b"), target=LEDGER)
    api.apply()
    api.manifests(flag("a"))
    assert deleted(api.apply(prune=True).outcomes).status is Status.APPLIED
    assert (list(flags), sent) == (["a"], ['"b-1"'])
    assert not api.plan(prune=True).has_work
