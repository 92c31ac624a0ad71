"""Rights that come into being in mid-run: a new realm is seen in full only with a token that was fetched after it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.report import Status

KINDS = """
    apiVersion: odd/v1
    kind: Realm
    schema:
      type: object
      additionalProperties: false
      properties: {name: {type: string}, title: {type: string}}
    identity: {id: /name, key: [name], name: name}
    read:
      list: {method: GET, path: /realms, items: /items}
      get: {method: GET, path: "/realms/{id}"}
    write:
      create: {method: POST, path: /realms, returns: nothing}
      update: {method: PATCH, path: "/realms/{id}"}
    ---
    apiVersion: odd/v1
    kind: Client
    schema:
      type: object
      additionalProperties: false
      required: [realm]
      properties: {realm: {type: string, x-ref: Realm}, name: {type: string}}
    identity: {id: /name, key: [realm, name], name: name}
    read:
      list: {method: GET, path: "/realms/{spec.realm}/clients", items: /items}
    write:
      create: {method: POST, path: "/realms/{spec.realm}/clients"}
      update: {method: PATCH, path: "/realms/{spec.realm}/clients/{id}"}
"""
REALM = "apiVersion: odd/v1\nkind: Realm\nmetadata: {{name: {0}}}\nspec: {{title: The {0}}}\n"
CLIENT = "---\napiVersion: odd/v1\nkind: Client\nmetadata: {{name: c-{0}}}\nspec: {{realm: '${{ref:Realm/{0}}}'}}\n"
AUTH = "auth: {oauth2: {tokenUrl: http://odd.test/token, clientId: c, clientSecret: fake-secret}}"


class Realms:
    """What a token does not cover is `hidden`: shown without its details, not there, or forbidden."""

    def __init__(self, hidden: str) -> None:
        self.hidden = hidden
        self.rows: dict[str, dict[str, Any]] = {}
        self.clients: dict[str, list[dict[str, Any]]] = {}
        self.covers: list[frozenset[str]] = []  # by token
        self.keeps_title = True
        self.calls: Counter[str] = Counter()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.calls[f"{request.method} {request.path}"] += 1
        if request.path == "/token":
            self.covers.append(frozenset(self.rows))
            return json_response(200, {"access_token": f"fake-{len(self.covers)}", "expires_in": 3600})
        covered = self.covers[int(request.headers["authorization"].rpartition("-")[2]) - 1]
        _, name, *rest = [*request.path.strip("/").split("/"), ""]
        if not name:
            return self._all(request, covered)
        if name not in self.rows:
            return not_found()
        if name in covered:
            return self._inside(request, name, rest)
        if self.hidden == "forbidden" or request.method == "POST":
            return json_response(403, {"message": "no right to it"})
        return json_response(200, {"name": name}) if self.hidden == "poor" else not_found()

    def _all(self, request: SandboxRequest, covered: frozenset[str]) -> SandboxResponse:
        if request.method == "POST":
            body = body_of(request)
            self.rows[body["name"]] = body if self.keeps_title else {"name": body["name"]}
            return json_response(201, {})
        return json_response(200, {"items": [row for name, row in self.rows.items() if name in covered]})

    def _inside(self, request: SandboxRequest, name: str, rest: list[str]) -> SandboxResponse:
        if rest[:1] != ["clients"]:
            return json_response(200, self.rows[name])
        rows = self.clients.setdefault(name, [])
        if request.method == "POST":
            rows.append(body_of(request))
            return json_response(201, rows[-1])
        return json_response(200, {"items": rows})


def made(tmp_path: Path, realms: Realms, manifests: str) -> OddApi:
    api = OddApi(folder=tmp_path, handle=realms.handle)
    api.define(KINDS, manifests, parameters=AUTH)
    return api


@pytest.mark.parametrize("hidden", ["poor", "absent", "forbidden"])
def test_a_new_realm_is_read_with_a_new_token_before_it_counts_as_not_kept(tmp_path: Path, hidden: str) -> None:
    realms = Realms(hidden)
    report = made(tmp_path, realms, REALM.format("a") + CLIENT.format("a")).apply()
    assert [outcome.status for outcome in report.outcomes] == [Status.APPLIED, Status.APPLIED]
    assert realms.calls["POST /realms"] == 1
    assert realms.clients["a"] == [{"name": "c-a"}]


def test_several_new_realms_right_after_each_other_get_a_token_each(tmp_path: Path) -> None:
    realms = Realms("forbidden")
    manifests = "---\n".join(REALM.format(name) + CLIENT.format(name) for name in "abc")
    report = made(tmp_path, realms, manifests).apply()
    assert {outcome.status for outcome in report.outcomes} == {Status.APPLIED}


def test_what_is_really_not_kept_is_told_after_one_new_token(tmp_path: Path) -> None:
    realms = Realms("poor")
    realms.keeps_title = False
    (outcome,) = made(tmp_path, realms, REALM.format("a")).apply().outcomes
    assert outcome.status is Status.FAILED
    assert "did not keep: /title" in outcome.detail
    assert len(realms.covers) == 2


def test_a_right_that_nobody_has_is_asked_for_once(tmp_path: Path) -> None:
    realms = Realms("forbidden")
    api = made(tmp_path, realms, REALM.format("a"))
    api.handle = lambda r: (
        json_response(403, {"message": "never"}) if r.method == "POST" and r.path != "/token" else (realms.handle(r))
    )
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.FAILED
    assert [r.method for r in api.seen if r.path == "/realms"].count("POST") == 2
    assert len(realms.covers) == 2
