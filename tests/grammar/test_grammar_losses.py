"""What an update would lose or break is refused in the plan; what a body holds stands in it once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response

from reconciler.core.report import Status
from reconciler.render.text import render_plan

KIND = """
    apiVersion: odd/v1
    kind: Mailbox
    schema:
      type: object
      additionalProperties: false
      required: [name]
      allOf:
        - not:
            required: [forward, store]
            properties: {{forward: {{type: string}}, store: {{type: string}}}}
          x-message: a mailbox forwards or stores, not both
      properties:
        name: {{type: string}}
        quota: {{type: [number, string], x-form: number}}
        forward: {{type: [string, "null"]}}
        store: {{type: [string, "null"]}}
        password: {{type: string, x-sensitive: true, x-mask: "[*]+"{kept}}}
        token: {{type: string, writeOnly: true, x-sensitive: true, x-present: hasToken{kept}}}
        hasToken: {{type: boolean, readOnly: true}}
        hooks:
          type: array
          x-key: [url]
          items:
            type: object
            properties:
              url: {{type: string}}
              note: {{type: string}}
              secret: {{type: string, x-sensitive: true, x-mask: "[*]+"{kept}}}
        locked: {{type: boolean, readOnly: true}}
        id: {{type: string, readOnly: true}}
    identity: {{id: /id, key: [name], name: name}}
    read:
      list: {{method: GET, path: /mailboxes}}
    write:
      create: {{method: POST, path: /mailboxes{create}}}
      update:
        method: PUT
        path: "/mailboxes/{{id}}"
        refuse: {{at: /locked, equals: true, message: the mailbox is locked, hint: ask the postmaster}}
        {update}
"""
PLAIN = {"kept": "", "create": "", "update": ""}


class Mailboxes:
    """Replaces by PUT, masks secrets in answers, and answers numbers as text."""

    def __init__(self, **row: Any) -> None:
        self.rows: dict[str, dict[str, Any]] = {"m1": {"id": "m1", "name": "post", **row}} if row else {}

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        hooks = [{**hook, "secret": "***"} if "secret" in hook else hook for hook in row.get("hooks", [])]
        row = {**row, "hooks": hooks, "hasToken": "token" in row}
        row.pop("token", None)
        row |= {"password": "****"} if row.get("password") else {}
        return row | ({"quota": f"{row['quota']:.2f}"} if "quota" in row else {})

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET":
            return json_response(200, [self.shown(row) for row in self.rows.values()])
        row_id = request.path.rpartition("/")[2] if request.method == "PUT" else "m1"
        body = body_of(request)
        self.rows[row_id] = {**body.get("fields", body), "id": row_id, "name": "post"}
        return json_response(200, {"id": "job-9"} if request.method == "POST" else self.shown(self.rows[row_id]))


def mailbox(folder: Path, server: Mailboxes, spec: dict[str, Any], **parts: str) -> OddApi:
    api = OddApi(folder=folder, handle=server.handle)
    manifest = {"apiVersion": "odd/v1", "kind": "Mailbox", "metadata": {"name": "post"}, "spec": spec}
    api.define(KIND.format(**{**PLAIN, **parts}), json.dumps(manifest))
    return api


HOOK = {"url": "https://a.example", "secret": "fake-not-real"}


@pytest.mark.parametrize(
    ("held", "spec", "lost"),
    [
        ({"password": "fake-not-real"}, {"quota": 2}, ["/password"]),
        ({"password": "fake-not-real"}, {"quota": 2, "password": "fake-new-not-real"}, []),
        ({"token": "fake-not-real"}, {"quota": 2}, ["/token"]),
        ({"token": "fake-not-real"}, {"quota": 2, "token": "fake-new-not-real"}, []),
        ({"hooks": [HOOK]}, {"quota": 2}, ["/hooks/0/secret"]),
        ({"hooks": [HOOK]}, {"hooks": [{"url": HOOK["url"], "note": "n"}]}, ["/hooks/0/secret"]),
        ({"hooks": [HOOK]}, {"hooks": [{**HOOK, "note": "n"}]}, []),
        ({"hooks": [HOOK]}, {"hooks": []}, []),
        ({"hooks": [HOOK]}, {"hooks": [{"url": "https://b.example"}]}, []),
        ({"note": "nothing secret"}, {"quota": 2}, []),
    ],
    ids=[
        "mask", "mask but stated", "hidden", "hidden but stated", "in a list", "in an item", "stated in an item",
        "emptied list", "another item", "nothing hidden",
    ],
)  # fmt: skip
def test_a_full_put_that_would_lose_a_secret_is_refused(
    tmp_path: Path, held: dict[str, Any], spec: dict[str, Any], lost: list[str]
) -> None:
    server = Mailboxes(quota=1, **held)
    plan = mailbox(tmp_path, server, spec).plan()
    assert [b.code for b in plan.blockers] == ["lost-secret"] * len(lost)
    assert all(path in b.message for path, b in zip(lost, plan.blockers, strict=True))
    if not lost:
        assert [o.status for o in mailbox(tmp_path, server, spec).apply().outcomes] == [Status.APPLIED]


def test_a_server_that_keeps_its_secrets_gets_the_mask_back(tmp_path: Path) -> None:
    api = mailbox(tmp_path, Mailboxes(quota=1, password="fake-not-real"), {"quota": 2}, kept=", x-kept: true")
    assert api.plan().blockers == ()
    api.apply()
    ((_, _, body),) = api.writes()
    assert (body["password"], body["quota"]) == ("****", 2)


@pytest.mark.parametrize(
    ("held", "spec", "refused"),
    [
        ({"forward": "a@b.example"}, {"store": "disk"}, True),
        ({"forward": "a@b.example"}, {"store": "disk", "forward": None}, False),
        ({"forward": None}, {"store": "disk"}, False),
        ({"forward": "a@b.example", "store": "tape"}, {"store": "disk"}, False),
    ],
    ids=["left over", "cleared", "null", "broken already"],
)
def test_a_change_that_breaks_a_rule_with_what_is_live_is_refused(
    tmp_path: Path, held: dict[str, Any], spec: dict[str, Any], refused: bool
) -> None:
    api = mailbox(tmp_path, Mailboxes(**held), spec)
    blockers = api.plan().blockers
    assert [b.code for b in blockers] == (["broken-rule"] if refused else [])
    assert all("a mailbox forwards or stores, not both" in b.message for b in blockers)


def test_a_refusal_has_a_hint_of_its_own(tmp_path: Path) -> None:
    plan = mailbox(tmp_path, Mailboxes(quota=1, locked=True), {"quota": 2}).plan()
    assert [(b.code, b.hint) for b in plan.blockers] == [("refused-update", "ask the postmaster")]
    assert "ask the postmaster" in render_plan(plan)


@pytest.mark.parametrize("quota", [2, 2.5, "2.50"], ids=str)
def test_numbers_that_are_answered_as_text_are_sent_as_numbers(tmp_path: Path, quota: Any) -> None:
    server = Mailboxes()
    api = mailbox(tmp_path, server, {"quota": quota}, create=", object: /none")
    assert [(o.status, o.detail) for o in api.apply().outcomes] == [(Status.APPLIED, "")]
    assert server.rows["m1"]["quota"] == float(quota)
    assert isinstance(server.shown(server.rows["m1"])["quota"], str)
    assert not api.plan().has_work
    server.rows["m1"]["quota"] = 3
    (change,) = api.plan().pending
    assert [(field.path, field.before, field.after) for field in change.fields] == [(("quota",), 3, float(quota))]


def test_an_answer_that_is_nothing_tells_no_id(tmp_path: Path) -> None:
    api = mailbox(tmp_path, Mailboxes(), {"quota": 2}, create=", returns: nothing")
    assert [(o.status, o.remote_id) for o in api.apply().outcomes] == [(Status.APPLIED, "m1")]
    assert "job-9" not in "".join(request.path for request in api.seen)


def test_a_field_that_the_body_holds_beside_the_fields_stands_there_once(tmp_path: Path) -> None:
    parts = {"create": ', body: {mailbox: "{spec.name}"}, fieldsAt: /fields, object: /none'}
    parts["update"] = 'body: {mailbox: "{spec.name}"}\n        fieldsAt: /fields'
    server = Mailboxes()
    api = mailbox(tmp_path, server, {"quota": 2}, **parts)
    api.apply()
    assert api.writes() == [("POST", "/mailboxes", {"mailbox": "post", "fields": {"quota": 2}})]
    server.rows["m1"]["quota"] = 1
    api.apply()
    assert api.writes() == [("PUT", "/mailboxes/m1", {"mailbox": "post", "fields": {"quota": 2, "hooks": []}})]


def test_a_field_that_the_body_places_among_the_fields_stays_there(tmp_path: Path) -> None:
    parts = {"create": ', body: {fields: {title: "{spec.name}"}}, fieldsAt: /fields, object: /none'}
    api = mailbox(tmp_path, Mailboxes(), {"quota": 2}, **parts)
    api.apply()
    assert api.writes() == [("POST", "/mailboxes", {"fields": {"title": "post", "name": "post", "quota": 2}})]
