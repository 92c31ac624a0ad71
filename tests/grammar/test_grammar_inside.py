"""Objects that live in a list or map inside another object's document."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response

from reconciler.core.report import Status

KIND = """
    apiVersion: odd/v1
    kind: Rule
    schema:
      type: object
      additionalProperties: false
      required: [zone, name]
      properties:
        zone: {{type: string}}
        name: {{type: string}}
        action: {{type: string}}
        priority: {{type: integer}}
    identity: {{id: /name, key: [zone, name], name: name}}
    guard: {{ifMatch: true}}
    read:
      list: {{method: GET, path: "/zones/{{spec.zone}}", items: /filter/rules, {key_as}}}
    write:
      inside:
        read: {{method: GET, path: "/zones/{{spec.zone}}"}}
        write: {{method: {method}, path: "/zones/{{spec.zone}}"{body}}}
        at: /filter/rules
        {key_as}
"""
MANIFESTS = "\n---\n".join(
    f"apiVersion: odd/v1\nkind: Rule\nmetadata: {{name: {name}}}\nspec: {{zone: z, action: {action}}}"
    for name, action in (("r1", "allow"), ("r2", "deny"), ("r3", "log"))
)


class Zones:
    """One document per zone, written whole or in part, with an ETag that must match."""

    def __init__(self, rules: Any) -> None:
        self.lock = threading.Lock()
        self.zone: dict[str, Any] = {"title": "Zone", "filter": {"mode": "strict", "rules": rules}}
        self.version = 1
        self.clashes = 0

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        with self.lock:
            if request.method != "GET":
                if request.headers.get("if-match") != f'"{self.version}"':
                    self.clashes += 1
                    return json_response(412, {"message": "stale"})
                body = body_of(request)
                if request.method == "PATCH":
                    self.zone["filter"]["rules"] = body["rules"]
                else:
                    self.zone = body
                self.version += 1
            return json_response(200, self.zone, {"etag": f'"{self.version}"'})


LIST_BEFORE = [{"name": "theirs", "action": "allow"}, {"name": "r2", "action": "allow", "priority": 7}]
LIST_AFTER = [
    {"name": "theirs", "action": "allow"},
    {"name": "r2", "action": "deny", "priority": 7},
    {"name": "r1", "action": "allow"},
    {"name": "r3", "action": "log"},
]
MAP_BEFORE = {"theirs": {"action": "allow"}, "r2": {"action": "allow", "priority": 7}}
MAP_AFTER = {
    "theirs": {"action": "allow"},
    "r2": {"action": "deny", "priority": 7},
    "r1": {"action": "allow"},
    "r3": {"action": "log"},
}


@pytest.mark.parametrize(
    ("method", "body", "key_as", "before", "after"),
    [
        ("PUT", "", "", LIST_BEFORE, LIST_AFTER),
        ("PATCH", ', body: {rules: "{items}"}', "", LIST_BEFORE, LIST_AFTER),
        ("PUT", "", "keyAs: name", MAP_BEFORE, MAP_AFTER),
    ],
    ids=["list by PUT", "list by PATCH", "map by PUT"],
)
def test_objects_are_added_and_changed_in_place(
    tmp_path: Path, method: str, body: str, key_as: str, before: Any, after: Any
) -> None:
    zones = Zones(json.loads(json.dumps(before)))
    api = OddApi(folder=tmp_path, handle=zones.handle)
    api.define(KIND.format(method=method, body=body, key_as=key_as), MANIFESTS)
    report = api.apply()
    assert [(o.status, o.detail) for o in report.outcomes] == [(Status.APPLIED, "")] * 3
    rules = zones.zone["filter"]["rules"]
    if isinstance(after, list):
        assert rules[:2] == after[:2]
        assert sorted(rules, key=lambda r: str(r["name"])) == sorted(after, key=lambda r: str(r["name"]))
    else:
        assert rules == after
    assert (zones.zone["title"], zones.zone["filter"]["mode"]) == ("Zone", "strict")
    assert zones.clashes == 0, "changes of one document are made one after the other"
    assert not api.plan().has_work


def test_an_object_that_moved_since_the_plan_is_a_conflict(tmp_path: Path) -> None:
    zones = Zones(json.loads(json.dumps(LIST_BEFORE)))
    reads = []

    def handle(request: SandboxRequest) -> SandboxResponse:
        reads.append(request.path)
        if len(reads) == 2:
            zones.zone["filter"]["rules"][1]["action"] = "audit"
        return zones.handle(request)

    api = OddApi(folder=tmp_path, handle=handle)
    api.define(KIND.format(method="PUT", body="", key_as=""), MANIFESTS.split("---")[1])
    outcome = api.apply().outcomes[0]
    assert outcome.status is Status.CONFLICT
    assert "/action" in outcome.detail
    assert not api.writes()
