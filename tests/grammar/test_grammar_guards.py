"""The server's own guards: a write that they refuse shows what moved, or goes on over what is there now."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found
from odd_shop import LEDGER, PowerCut

from reconciler.core.report import Outcome, Report, Status
from reconciler.render.machine import report_document
from reconciler.render.report import render_report
from reconciler.shell.apply.guarding import TRIES

KIND = """
    apiVersion: odd/v1
    kind: Thing
    schema:
      type: object
      additionalProperties: false
      properties:
        name: {{type: string}}
        size: {{type: integer}}
        pin: {{type: string, x-sensitive: true}}
    identity: {{id: /name, key: [name], name: name}}
    read:
      list: {{method: GET, path: /things, items: /things}}
      get: {{method: GET, path: "/things/{{id}}"}}
    guard: {guard}
    write:
      create: {{method: POST, path: /things{create}}}
      update: {{method: PUT, path: "/things/{{id}}"}}
"""
MANIFEST = """
    apiVersion: odd/v1
    kind: Thing
    metadata: {name: t1}
    spec: {size: 3, pin: fake-wanted-pin}
    ---
    apiVersion: odd/v1
    kind: Thing
    metadata: {name: t2}
    spec: {size: "${ref:Thing/t1#/size}"}
"""
ETAG, VERSION = "{ifMatch: true}", "{version: /version}"
Meddle = Callable[[dict[str, Any]], None]


class Things:
    """Objects with versions; `meddle` is what somebody else does right before the next write is judged."""

    def __init__(self, meddle: Meddle | None = None, times: int = 1) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.meddle, self.times = meddle, times
        for name in ("t1", "t2"):
            self.rows[name] = {"name": name, "size": 1, "pin": "fake-old-pin", "note": "", "version": 1}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        name = request.path.rpartition("/")[2]
        if request.method == "GET":
            return json_response(200, {"things": list(self.rows.values())}) if name == "things" else self._get(name)
        if request.method == "POST":
            return self._create(body_of(request))
        row = self.rows[name]
        if self.meddle is not None and self.times and name == "t1":
            self.times -= 1
            self.meddle(row)
            row["version"] += 1
        body = body_of(request)
        if request.headers.get("if-match") not in (None, f'"{row["version"]}"'):
            return json_response(412, {"message": "precondition failed"})
        if body.get("version", row["version"]) != row["version"]:
            return json_response(409, {"message": "version conflict"})
        self.rows[name] = {**row, **body, "version": row["version"] + 1}
        return self._get(name)

    def _get(self, name: str) -> SandboxResponse:
        row = self.rows.get(name)
        return not_found() if row is None else json_response(200, row, {"etag": f'"{row["version"]}"'})

    def _create(self, body: dict[str, Any]) -> SandboxResponse:
        if self.meddle is not None and self.times:
            self.times -= 1
            self.rows[body["name"]] = {**body, "version": 1}
            self.meddle(self.rows[body["name"]])
        if body["name"] in self.rows:
            return json_response(409, {"message": "there is one already"})
        self.rows[body["name"]] = {**body, "version": 1}
        return json_response(201, self.rows[body["name"]])


def run(tmp_path: Path, things: Things, guard: str) -> tuple[OddApi, Report]:
    api = OddApi(folder=tmp_path, handle=things.handle)
    api.define(KIND.format(guard=guard, create=""), MANIFEST)
    return api, api.apply()


def first(report: Report) -> Outcome:
    outcome = report.outcomes[0]
    assert outcome.address.name == "t1"
    return outcome


@pytest.mark.parametrize("guard", [ETAG, VERSION], ids=["if-match", "version"])
def test_a_refused_write_shows_what_moved_from_three_sides(tmp_path: Path, guard: str) -> None:
    things = Things(lambda row: row.update(size=2, pin="fake-their-pin"))
    api, report = run(tmp_path, things, guard)
    outcome = first(report)
    assert outcome.status is Status.CONFLICT
    assert outcome.detail.startswith("changed by somebody else since the plan: /pin, /size; PUT /things/t1: status 4")
    text = render_report(report)
    assert "      /size: planned on 1; is now 2; wanted 3" in text
    assert "      /pin: planned on (sensitive); is now (sensitive); wanted (sensitive)" in text
    document = report_document(report)
    assert document["outcomes"][0]["moved"] == [
        {"path": "/pin", "sensitive": True},
        {"path": "/size", "sensitive": False, "plannedOn": 1, "now": 2, "wanted": 3},
    ]
    assert "fake-" not in text + json.dumps(document)
    assert (things.rows["t1"]["size"], things.rows["t1"]["pin"]) == (2, "fake-their-pin")  # nothing was overwritten
    skipped = report.outcomes[1]
    assert (skipped.status, [str(a) for a in skipped.because_of]) == (Status.SKIPPED, ["odd.Thing/t1"])
    assert len(api.writes()) == 1


@pytest.mark.parametrize("guard", [ETAG, VERSION], ids=["if-match", "version"])
def test_a_refused_write_goes_on_over_the_fresh_read_when_only_unmanaged_fields_moved(
    tmp_path: Path, guard: str
) -> None:
    things = Things(lambda row: row.update(note="theirs"))
    api, report = run(tmp_path, things, guard)
    assert [outcome.status for outcome in report.outcomes] == [Status.APPLIED, Status.APPLIED]
    row = things.rows["t1"]
    assert (row["size"], row["note"]) == (3, "theirs")
    assert len([path for _, path, _ in api.writes() if path.endswith("t1")]) == 2


def test_an_object_that_never_holds_still_is_given_up_as_a_conflict(tmp_path: Path) -> None:
    things = Things(lambda row: row.update(note=row["note"] + "!"), times=100)
    api, report = run(tmp_path, things, ETAG)
    assert first(report).status is Status.CONFLICT
    assert len(api.writes()) == TRIES
    assert things.rows["t1"]["size"] == 1


def test_a_refusal_without_any_move_stays_what_the_server_said(tmp_path: Path) -> None:
    api = OddApi(folder=tmp_path, handle=(things := Things()).handle)
    api.define(KIND.format(guard=ETAG, create=""), MANIFEST)
    api.handle = lambda r: json_response(409, {"message": "locked"}) if r.method == "PUT" else things.handle(r)
    outcome = first(api.apply())
    assert (outcome.status, outcome.moved) == (Status.CONFLICT, ())
    assert "locked" in outcome.detail
    assert len(api.writes()) == 1


def test_an_object_that_went_away_between_read_and_write_is_a_conflict(tmp_path: Path) -> None:
    things = Things()
    api = OddApi(folder=tmp_path, handle=things.handle)
    api.define(KIND.format(guard=ETAG, create=""), MANIFEST)

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "PUT" and things.rows.pop("t1", {}):
            return json_response(412, {"message": "precondition failed"})
        return things.handle(request)

    api.handle = handle
    outcome = first(api.apply())
    assert (outcome.status, outcome.detail) == (Status.CONFLICT, "it has gone from the server since the plan")


def test_a_create_that_somebody_else_was_faster_with_shows_the_difference(tmp_path: Path) -> None:
    things = Things(lambda row: row.update(size=7))
    things.rows.clear()
    _, report = run(tmp_path, things, "{}")
    outcome = first(report)
    assert outcome.status is Status.CONFLICT
    assert outcome.detail.startswith("it has appeared on the server since the plan; POST /things: status 409")
    assert "      /size: planned on (not set); is now 7; wanted 3" in render_report(report)
    assert things.rows["t1"]["size"] == 7


# --------------------------------------------------------------------------- keys of creations


class Keyed(Things):
    """Creations are told apart by their key; the first `lost` of them act, and their answers get lost."""

    def __init__(self, lost: int = 1) -> None:
        super().__init__()
        self.rows.clear()
        self.lost = lost
        self.keys: list[str | None] = []
        self.answers: dict[str, SandboxResponse] = {}
        self.created = 0

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method != "POST":
            return super().handle(request)
        key = request.headers.get("idempotency-key")
        self.keys.append(key)
        if key not in self.answers:
            self.created += 1
            answer = super().handle(request)
            if key is not None:
                self.answers[key] = answer
        else:
            answer = self.answers[key]
        if self.lost:
            self.lost -= 1
            return SandboxResponse(status=502, body=b"")
        return answer


ONE = "apiVersion: odd/v1\nkind: Thing\nmetadata: {name: t1}\nspec: {size: 3}"


def keyed(tmp_path: Path, things: Keyed, create: str = ", idempotencyKey: Idempotency-Key") -> OddApi:
    api = OddApi(folder=tmp_path, handle=things.handle)
    api.define(KIND.format(guard="{}", create=create), ONE)
    return api


def test_a_create_with_a_key_is_sent_again_with_the_same_key(tmp_path: Path) -> None:
    things = Keyed(lost=2)
    report = keyed(tmp_path, things).apply()
    outcome = first(report)
    assert (outcome.status, things.created) == (Status.APPLIED, 1)
    assert len(things.keys) == 3 == outcome.attempts - outcome.requests + 1
    (key,) = set(things.keys)
    assert str(uuid.UUID(key)) == key


def test_what_was_deleted_meanwhile_is_created_again_though_the_server_remembers_the_key(tmp_path: Path) -> None:
    things = Keyed(lost=0)
    api = keyed(tmp_path, things)
    assert first(api.apply()).status is Status.APPLIED
    things.rows.clear()
    assert first(api.apply()).status is Status.APPLIED  # the plan is the same, word for word
    assert list(things.rows) == ["t1"]
    assert len(set(things.keys)) == len(things.keys) == 2


def test_a_run_that_goes_on_after_a_killed_one_sends_the_same_key(tmp_path: Path) -> None:
    things = Keyed(lost=0)
    api = keyed(tmp_path, things)
    api.define(KIND.format(guard="{}", create=", idempotencyKey: X-Key"), ONE, target=LEDGER)
    sent: list[str | None] = []

    def cut(request: SandboxRequest) -> SandboxResponse:
        if request.method == "POST":
            sent.append(request.headers.get("x-key"))
            if len(sent) == 1:
                raise PowerCut
        return things.handle(request)

    api.handle = cut
    with pytest.raises(PowerCut):
        api.apply()
    assert first(api.apply()).status is Status.APPLIED
    assert sent[0] == sent[1] is not None


def test_a_create_without_a_key_is_never_sent_again(tmp_path: Path) -> None:
    things = Keyed(lost=1)
    report = keyed(tmp_path, things, create="").apply()
    assert first(report).status is Status.APPLIED  # reading shows that it was done
    assert (things.keys, things.created) == ([None], 1)


def test_an_update_never_carries_the_key(tmp_path: Path) -> None:
    things = Keyed(lost=0)
    api = keyed(tmp_path, things)
    api.apply()
    (tmp_path / "manifests" / "all.yaml").write_text(ONE.replace("3", "4"))
    api.apply()
    assert [request.headers.get("idempotency-key") for request in api.seen if request.method == "PUT"] == [None]


def test_a_server_that_refuses_the_repeat_of_what_it_did_is_believed_after_a_look(tmp_path: Path) -> None:
    things = Keyed(lost=0)
    api = keyed(tmp_path, things)

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "POST":
            if things.rows:
                return json_response(409, {"message": "a request with this key is being processed"})
            things.handle(request)
            return SandboxResponse(status=502, body=b"")
        return things.handle(request)

    api.handle = handle
    assert first(api.apply()).status is Status.APPLIED
    assert things.created == 1
