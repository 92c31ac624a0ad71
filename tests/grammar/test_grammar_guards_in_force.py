"""Guards that are in force, and those that are not: asked for, and not given by the server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.model import Plan
from reconciler.core.report import Status
from reconciler.render.machine import report_document
from reconciler.render.report import render_report
from reconciler.render.text import render_plan

KIND = """
    apiVersion: odd/v1
    kind: Thing
    schema:
      type: object
      additionalProperties: false
      properties:
        name: {{type: string}}
        size: {{type: integer}}
        tags: {{type: array, items: {{type: string}}}}
    identity: {{id: /name, key: [name], name: name}}
    read:
      {list}
      get: {{method: GET, path: "/things/{named}"}}
    guard: {guard}
    write:
      create: {{method: POST, path: /things}}
      update: {update}
      delete: {{call: {{method: DELETE, path: "/things/{{id}}"{cas}}}}}
"""
LIST = "list: {method: GET, path: /things, items: /things}"
PUT = '{method: PUT, path: "/things/{id}"}'
CAS = ', query: {cas: "{live.index}"}'
PUT_CAS = '{method: PUT, path: "/things/{id}"' + CAS + "}"
BY_PARTS = (
    '[{method: PATCH, path: "/things/{id}", fields: [size]}, {method: PATCH, path: "/things/{id}", fields: [tags]}]'
)
MANIFEST = "apiVersion: odd/v1\nkind: Thing\nmetadata: {name: t1}\nspec: {size: 3}"
TAG = '"v1"'


class Things:
    """One object with a counter; `headers` gives the headers of a read, by what it accepts."""

    def __init__(self, headers: Callable[[str, int], dict[str, str]] = lambda accepted, index: {}) -> None:
        self.row: dict[str, Any] = {"name": "t1", "size": 1, "tags": [], "note": "", "index": 1}
        self.headers = headers
        self.meddle: Callable[[dict[str, Any]], None] | None = None
        self.asked: list[SandboxRequest] = []
        self.shows_index = True

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.asked.append(request)
        if request.method == "GET":
            return self._read(request)
        if self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            meddle(self.row)
            self.row["index"] += 1
        wanted = request.headers.get("if-match")
        if wanted not in (None, f'"v{self.row["index"]}"'):
            return json_response(412, {"message": "precondition failed"})
        if dict(request.query).get("cas") not in (None, str(self.row["index"])):
            return json_response(409, {"message": "index mismatch"})
        self.row.update(body_of(request) or {}, index=self.row["index"] + 1)
        return json_response(200, self.shown())

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in self.row.items() if name != "index" or self.shows_index}

    def _read(self, request: SandboxRequest) -> SandboxResponse:
        if request.path == "/things":
            return json_response(200, {"things": [self.shown()]})
        if request.path != "/things/t1":
            return not_found()
        accepted = request.headers.get("accept-encoding", "")
        headers = {"content-type": "application/json", **self.headers(accepted, self.row["index"])}
        content = json.dumps(self.shown()).encode()
        packed = headers.get("content-encoding") == "gzip"
        return SandboxResponse(status=200, headers=headers, body=gzip.compress(content) if packed else content)

    def sent(self, header: str) -> list[str | None]:
        return [request.headers.get(header) for request in self.asked if request.method not in ("GET", "POST")]


def made(
    tmp_path: Path, things: Things, *, guard: str = "{ifMatch: true}", update: str = PUT, listed: bool = True
) -> OddApi:
    api = OddApi(folder=tmp_path, handle=things.handle)
    named, cas = "{id}" if listed else "{spec.name}", CAS if update == PUT_CAS else ""
    kind = KIND.format(list=LIST if listed else "", guard=guard, update=update, named=named, cas=cas)
    api.define(kind, MANIFEST)
    return api


def guard_of(plan: Plan) -> str:
    return plan.changes[0].guard


def warnings(plan: Plan) -> list[str]:
    return [one.message for one in plan.diagnostics if one.code == "guard-off"]


def test_reads_of_a_guarded_kind_ask_for_no_compression(tmp_path: Path) -> None:
    """Many servers leave the ETag out of what they compress, or make it weak."""
    things = Things(
        lambda accepted, index: {"content-encoding": "gzip"} if "gzip" in accepted else {"etag": f'"v{index}"'}
    )
    api = made(tmp_path, things)
    assert warnings(api.plan()) == []
    (outcome,) = api.apply().outcomes
    assert (outcome.status, outcome.unguarded) == (Status.APPLIED, ())
    assert things.sent("if-match") == [TAG]
    accepted = {request.path: request.headers["accept-encoding"] for request in things.asked}
    assert accepted == {"/things": "gzip, deflate", "/things/t1": "identity"}


NOT_GIVEN = {
    "none": ({}, "no ETag"),
    "weak": ({"etag": 'W/"v1"'}, "only a weak ETag"),
    "trailer": ({"trailer": "Digest, ETag"}, "an ETag in a trailer only"),
}


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "read-alone"])
@pytest.mark.parametrize(("headers", "why"), NOT_GIVEN.values(), ids=NOT_GIVEN)
def test_a_guard_that_the_server_does_not_give_is_told_and_never_made_up(
    tmp_path: Path, headers: dict[str, str], why: str, *, listed: bool
) -> None:
    things = Things(lambda accepted, index: headers)
    api = made(tmp_path, things, listed=listed)
    plan = api.plan()
    assert "If-Match" not in guard_of(plan)
    (told,) = warnings(plan)
    assert told == f"odd.Thing asks for a guard that the server does not give: If-Match is not sent: reads give {why}"
    report = api.apply()
    (outcome,) = report.outcomes
    assert outcome.status is Status.APPLIED, "reading and comparing still protects it"
    assert things.sent("if-match") == [None]
    assert outcome.unguarded == (f"If-Match is not sent: reads give {why}",)
    assert f"warning: guard-off: odd.Thing: If-Match is not sent: reads give {why} (1 object)" in render_report(report)
    assert report_document(report)["outcomes"][0]["unguarded"] == list(outcome.unguarded)


def test_the_plan_names_if_match_only_where_an_etag_was_read(tmp_path: Path) -> None:
    things = Things(lambda accepted, index: {"etag": f'"v{index}"'})
    assert "If-Match with its ETag" in guard_of(made(tmp_path, things, listed=False).plan())
    listed = made(tmp_path, things).plan()
    assert "If-Match" not in guard_of(listed)
    assert "with the ETag of that read, if it gives one" in guard_of(listed)
    assert warnings(listed) == []


def test_a_second_write_of_one_change_has_an_etag_too(tmp_path: Path) -> None:
    things = Things(lambda accepted, index: {"etag": f'"v{index}"'})
    api = made(tmp_path, things, update=BY_PARTS)
    api.manifests(MANIFEST.replace("{size: 3}", "{size: 3, tags: [a]}"))
    (outcome,) = api.apply().outcomes
    assert (outcome.status, outcome.unguarded) == (Status.APPLIED, ())
    assert things.sent("if-match") == ['"v1"', '"v2"']


# --------------------------------------------------------------------------- check-and-set


def test_a_check_and_set_in_the_query_is_named_and_tried_again_when_only_unmanaged_members_moved(
    tmp_path: Path,
) -> None:
    things = Things()
    api = made(tmp_path, things, guard="{}", update=PUT_CAS)
    plan = api.plan()
    assert "check-and-set by cas={live.index}" in guard_of(plan)
    assert "check-and-set by cas={live.index}" in render_plan(plan, show_requests=True)
    things.meddle = lambda row: row.update(note="theirs")
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.APPLIED
    assert (things.row["size"], things.row["note"]) == (3, "theirs")
    assert len(api.writes()) == 2


def test_a_check_and_set_that_a_managed_member_breaks_is_a_conflict(tmp_path: Path) -> None:
    things = Things()
    api = made(tmp_path, things, guard="{}", update=PUT_CAS)
    things.meddle = lambda row: row.update(size=2)
    (outcome,) = api.apply().outcomes
    assert (outcome.status, things.row["size"]) == (Status.CONFLICT, 2)


def test_a_check_and_set_without_its_value_is_told(tmp_path: Path) -> None:
    things = Things()
    things.shows_index = False
    api = made(tmp_path, things, guard="{}", update=PUT_CAS)
    (told,) = warnings(api.plan())
    assert "cas is not sent: reads show nothing for {live.index}" in told
    (outcome,) = api.apply().outcomes
    assert outcome.unguarded == ("cas is not sent: reads show nothing for {live.index}",)


def test_what_tells_the_object_is_no_guard(tmp_path: Path) -> None:
    things = Things()
    update = '{method: PUT, path: "/things/{id}", query: {of: "{live.name}"}}'
    assert "check-and-set" not in guard_of(made(tmp_path, things, guard="{}", update=update).plan())
