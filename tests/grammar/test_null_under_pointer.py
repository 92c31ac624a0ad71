"""A field that stands alone inside a member of its own, stated as null: the member itself is null."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response

KIND = """
    apiVersion: odd/v1
    kind: Plugin
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {{type: string}}
        owner: {{type: [string, "null"], x-name: /owner/id}}
        {more}
    identity: {{id: /id, key: [name], name: name}}
    read:
      list: {{method: GET, path: /plugins}}
      get: {{method: GET, path: "/plugins/{{id}}"}}
    write:
      create: {{method: POST, path: /plugins{body}}}
      update: {{method: {method}, path: "/plugins/{{id}}"{body}}}
"""


class Strict:
    """Takes a whole owner or none, never one without an id."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET":
            rest = request.path.split("/")[2:]
            return json_response(200, self.rows[rest[0]] if rest else list(self.rows.values()))
        body = body_of(request)
        owner = body.get("owner")
        if isinstance(owner, dict) and not isinstance(owner.get("id"), str):
            return json_response(400, {"message": "owner.id: expected a string"})
        known = request.path.split("/")[2] if request.path.count("/") > 1 else str(len(self.rows) + 1)
        before = self.rows.get(known, {}) if request.method == "PATCH" else {}
        self.rows[known] = {"owner": None, **before, **body, "id": known}
        return json_response(200, self.rows[known])


def plugin(owner: str, more: str = "") -> str:
    return f"apiVersion: odd/v1\nkind: Plugin\nmetadata: {{name: one}}\nspec: {{owner: {owner}{more}}}\n"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_reference_is_made_without_taken_away_and_put_back(tmp_path: Path, method: str) -> None:
    server = Strict()
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(KIND.format(more="", body="", method=method), plugin("null"))
    for owner, held in (("null", None), ("kim", {"id": "kim"}), ("null", None)):
        api.manifests(plugin(owner))
        report = api.apply()
        assert {o.status.value for o in report.outcomes} == {"applied"}, report.outcomes
        assert server.rows["1"]["owner"] == held
        assert not api.plan().has_work


@pytest.mark.parametrize(
    ("more", "body", "stated", "live", "sent"),
    [
        ("role: {type: string, x-name: /owner/role}", "", ", role: r", {}, {"id": None, "role": "r"}),
        ("", ", body: {owner: {type: person}}", "", {}, {"id": None, "type": "person"}),
        ("", "", "", {"team": "t"}, {"id": None}),
        ("", "", "", {}, None),
    ],
    ids=["another field", "fixed by the body", "unknown on the server", "nothing else"],
)
def test_what_else_stands_in_the_member_is_not_taken_away(
    tmp_path: Path, more: str, body: str, stated: str, live: dict[str, str], sent: Any
) -> None:
    server = Strict()
    server.rows["1"] = {"id": "1", "name": "one", "owner": {"id": "kim", **live}}
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(KIND.format(more=more, body=body, method="PATCH"), plugin("null", stated))
    (change,) = api.plan().pending
    assert change.requests[0].body["owner"] == sent
