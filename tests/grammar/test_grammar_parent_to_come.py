"""Objects in a parent that does not exist yet and that a manifest names by a field it states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.model import Action
from reconciler.core.report import Status

FLOW = """
apiVersion: odd/v1
kind: Flow
schema: {type: object, additionalProperties: false, properties: {alias: {type: string}}}
identity: {id: /alias, key: [alias], name: alias}
read: {list: {method: GET, path: /flows}}
write: {create: {method: POST, path: /flows}}
---
"""
STEPS = """
apiVersion: odd/v1
kind: Step
schema:
  type: object
  additionalProperties: false
  properties: {flow: {type: string}, name: {type: string}, size: {type: integer}}
identity: {id: /name, key: [name], name: name}
read: {list: {method: GET, path: "/flows/{spec.flow}/steps"}}
write: {create: {method: POST, path: "/flows/{spec.flow}/steps"}}
"""
SETTINGS = """
apiVersion: odd/v1
kind: Step
schema: {type: object, additionalProperties: false, properties: {flow: {type: string}, size: {type: integer}}}
identity: {id: settings, singleton: true}
read: {get: {method: GET, path: "/flows/{spec.flow}/settings"}}
write: {update: {method: PATCH, path: "/flows/{spec.flow}/settings"}}
"""
MANIFESTS = """
apiVersion: odd/v1
kind: Flow
metadata: {name: new}
spec: {}
---
apiVersion: odd/v1
kind: Step
metadata: {name: first}
spec: {flow: "${ref:Flow/new#/alias}", size: 1}
"""


class Flows:
    """Answers 404 for everything in a flow that does not exist."""

    def __init__(self) -> None:
        self.flows: dict[str, dict[str, dict[str, Any]]] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        _, *steps = request.path.strip("/").split("/")
        if not steps and request.method == "POST":
            self.flows[body_of(request)["alias"]] = {"settings": {}}
            return json_response(201, body_of(request))
        if not steps:
            return json_response(200, [{"alias": alias} for alias in self.flows])
        if steps[0] not in self.flows:
            return not_found()
        inside = self.flows[steps[0]]
        if steps[1] == "settings":
            inside["settings"].update(body_of(request) or {})
            return json_response(200, inside["settings"])
        if request.method == "POST":
            inside[body_of(request)["name"]] = body_of(request)
            return json_response(201, body_of(request))
        return json_response(200, [row for row in inside.values() if "name" in row])


@pytest.mark.parametrize(("kind", "action"), [(STEPS, Action.CREATE), (SETTINGS, Action.UPDATE)], ids=["list", "one"])
@pytest.mark.parametrize("target", ["", "ledger: {file: ledger.json}\npolicy: {prune: true}\n"], ids=["", "pruning"])
def test_what_is_in_it_is_planned_with_it(tmp_path: Path, kind: str, action: Action, target: str) -> None:
    flows = Flows()
    api = OddApi(folder=tmp_path, handle=flows.handle)
    api.define(FLOW + kind, MANIFESTS, target=target)
    plan = api.plan()
    assert (plan.blockers, [change.action for change in plan.pending]) == ((), [Action.CREATE, action])
    assert {one.status for one in api.apply().outcomes} == {Status.APPLIED}
    assert not api.plan().has_work
