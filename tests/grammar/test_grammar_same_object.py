"""Two manifests for one object are refused in the plan: whether it exists already or would be made twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response

KINDS = """
    apiVersion: odd/v1
    kind: Zone
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties: {name: {type: string, x-form: lower}, size: {type: integer}}
    identity: {id: /name, key: [name], name: name}
    read: {list: {method: GET, path: /zones}}
    write:
      create: {method: POST, path: /zones}
      update: {method: PATCH, path: "/zones/{id}"}
    ---
    apiVersion: odd/v1
    kind: Door
    schema:
      type: object
      additionalProperties: false
      required: [zone, name]
      properties: {zone: {type: string, x-ref: Zone}, name: {type: string}}
    identity: {id: "{spec.zone}/{spec.name}", key: [zone, name], name: name}
    read: {list: {method: GET, path: "/zones/{spec.zone}/doors"}}
    write: {create: {method: POST, path: "/zones/{spec.zone}/doors"}}
    ---
    apiVersion: odd/v1
    kind: Settings
    schema:
      type: object
      additionalProperties: false
      required: [zone]
      properties: {zone: {type: string, x-ref: Zone}, color: {type: string}}
    identity: {id: "{spec.zone}", singleton: true}
    read: {get: {method: GET, path: "/zones/{spec.zone}/settings"}}
    write: {update: {method: PATCH, path: "/zones/{spec.zone}/settings"}}
"""


def manifest(kind: str, name: str, spec: str, lifecycle: str = "{}") -> str:
    return f"apiVersion: odd/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nlifecycle: {lifecycle}\nspec: {spec}"


class Zones:
    def __init__(self, *names: str) -> None:
        self.zones = [{"name": name, "size": 1} for name in names]

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.path.endswith("/settings"):
            return json_response(200, {"color": "red"})
        if request.method == "GET":
            return json_response(200, self.zones if request.path == "/zones" else [])
        if request.path == "/zones":
            self.zones.append(body_of(request))
        return json_response(200, body_of(request))


A, B = manifest("Zone", "a", "{size: 1}"), manifest("Zone", "b", "{size: 1}")
SETTINGS = [manifest("Settings", name, "{zone: '${ref:Zone/a}'}") for name in ("s1", "s2")]
IN_A, IN_B = "{zone: '${ref:Zone/a}', name: main}", "{zone: '${ref:Zone/b}', name: main}"


@pytest.mark.parametrize("live", [(), ("a", "b")], ids=["to come", "there"])
@pytest.mark.parametrize(
    ("manifests", "refused"),
    [
        ([A, manifest("Zone", "other", "{name: A, size: 2}")], ["odd.Zone/other"]),
        ([A, B, manifest("Door", "d1", IN_A), manifest("Door", "d2", IN_A)], ["odd.Door/d2"]),
        ([A, B, manifest("Door", "d1", IN_A), manifest("Door", "d2", IN_B)], []),
        ([A, *SETTINGS], ["odd.Settings/s2"]),
        ([A, B], []),
    ],
    ids=["another spelling", "one parent", "two parents", "settings", "two objects"],
)  # fmt: skip
def test_a_second_manifest_for_one_object_is_refused(
    tmp_path: Path, manifests: list[str], refused: list[str], live: tuple[str, ...]
) -> None:
    api = OddApi(folder=tmp_path, handle=Zones(*live).handle)
    api.define(KINDS, "\n---\n".join(manifests))
    blockers = api.plan().blockers
    assert [str(b.address) for b in blockers] == refused
    assert {b.code for b in blockers} <= {"same-object"}
    assert all(b.source is not None and b.hint for b in blockers)


def test_one_that_only_looks_the_object_up_is_no_second_one(tmp_path: Path) -> None:
    api = OddApi(folder=tmp_path, handle=Zones("a").handle)
    api.define(KINDS, "\n---\n".join([A, manifest("Zone", "seen", "{name: a}", "{lookup: true}")]))
    assert api.plan().blockers == ()
