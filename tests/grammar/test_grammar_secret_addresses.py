"""Secrets in the path or query of requests, and ids that are secret: shown nowhere, and kept nowhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response
from odd_rows import Row, Rows, kind, manifest

from reconciler.core.redaction import Redactor
from reconciler.core.report import Report, Status
from reconciler.render.machine import plan_document, report_document
from reconciler.render.report import render_report
from reconciler.render.text import render_plan
from reconciler.workflow.commands import Connections, load, plan
from reconciler.workflow.snapshots import save_snapshot

TOKEN = "livetoken/0123456789"
WRITTEN = "livetoken%2F0123456789"


class ByToken(Rows):
    """Objects are addressed by a token that the server made, and each of the `refused` requests fails."""

    refused: tuple[str, ...] = ()

    def id_of(self, row: Row) -> Any:
        return row["token"]

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method in self.refused and request.path != "/things":
            return json_response(400, {"message": f"cannot {request.method} {request.path}"})
        if request.method == "POST":
            row = {"id": "t9", "token": f"{TOKEN}{len(self.rows)}", **body_of(request)}
            self.rows[row["token"]] = row
            return json_response(201, row)
        return super().handle(request)


PROPERTIES = (
    "{name: {type: string}, size: {type: integer}, id: {type: string, readOnly: true},"
    " token: {type: string, readOnly: true, x-sensitive: true}}"
)
IN_PATH = kind(
    properties=PROPERTIES,
    read="{list: {method: GET, path: /things}}",
    write='{create: {method: POST, path: /things}, update: {method: PATCH, path: "/things/{live.token}",'
    ' query: {of: "{live.token}", n: "{spec.size}"}}}',
)
AS_ID = kind(
    properties=PROPERTIES,
    identity="{id: /token, key: [name], name: name}",
    write='{create: {method: POST, path: /things}, update: {method: PATCH, path: "/things/{id}"},'
    ' delete: {call: {method: DELETE, path: "/things/{id}"}}}',
)


def assert_clean(*texts: str) -> None:
    for text in texts:
        assert TOKEN not in text
        assert WRITTEN not in text


def shown(report: Report) -> list[str]:
    return [render_report(report), json.dumps(report_document(report, None)), repr(report)]


@pytest.mark.parametrize("definition", [IN_PATH, AS_ID], ids=["in-path", "as-id"])
@pytest.mark.parametrize("refused", [(), ("PATCH",), ("GET",)], ids=["works", "refused", "unread"])
def test_a_secret_in_an_address_is_sent_and_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, definition: str, refused: tuple[str, ...]
) -> None:
    caplog.set_level(logging.DEBUG)
    rows = ByToken({"id": "t1", "token": TOKEN, "name": "one", "size": 1})
    rows.refused = refused
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(definition, manifest("{size: 2}"), target="ledger: {file: ledger.json}")
    made = api.plan()
    (request,) = made.pending[0].requests
    assert request.path.partition("?")[0] == "/things/(sensitive)"
    redactor = Redactor()
    report = api.apply(redactor=redactor)
    if refused != ("GET",) or definition is IN_PATH:
        assert ("PATCH", f"/things/{WRITTEN}", {"size": 2}) in api.writes()
        assert report.outcomes[0].status is (Status.FAILED if "PATCH" in refused else Status.APPLIED)
    if refused == ("PATCH",):
        assert report.outcomes[0].detail.startswith("PATCH /things/(sensitive): ")
    assert_clean(*map(redactor.text, shown(report)))  # the server's own words repeat the address
    assert_clean(render_plan(made), json.dumps(plan_document(made, show_requests=True)), repr(made))
    assert_clean(caplog.text, *(path.read_text() for path in tmp_path.glob("ledger*")))


def test_an_object_whose_id_is_secret_is_found_by_its_key_alone(tmp_path: Path) -> None:
    rows = ByToken()
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(AS_ID, manifest("{size: 2}"), target="ledger: {file: ledger.json}")
    assert api.apply().outcomes[0].status is Status.APPLIED
    recorded = json.loads((tmp_path / "ledger.json").read_text())["records"]["odd.Thing/one"]
    assert recorded["id"] == ""
    assert not api.plan().pending
    api.manifests(manifest("{size: 3}"))
    (change,) = api.plan().pending
    assert [one.cause.value for one in change.fields] == ["manifest"]  # what was applied is remembered all the same
    assert api.apply().outcomes[0].status is Status.APPLIED
    # Without its manifest nothing tells which object it was: it stays, and that is said.
    api.manifests(manifest("{size: 1}", name="two"))
    assert api.apply().outcomes[0].status is Status.APPLIED
    options = api.options(prune=True)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        found = plan(loaded, connections, options).plan
    assert not found.pending
    assert "its id is secret and not kept" in str(found.diagnostics)
    assert len(rows.rows) == 2


def test_a_snapshot_holds_no_secret_id(tmp_path: Path) -> None:
    rows = ByToken({"id": "t1", "token": TOKEN, "name": "one", "size": 1})
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(AS_ID, manifest("{size: 2}"))
    options = api.options()
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        save_snapshot(plan(loaded, connections, options), loaded, options, tmp_path / "snapshot.json")
    assert_clean((tmp_path / "snapshot.json").read_text())


def test_two_objects_with_secret_ids_are_told_apart_by_no_id(tmp_path: Path) -> None:
    rows = ByToken(*({"id": f"t{n}", "token": f"{TOKEN}{n}", "name": "one", "size": 1} for n in (1, 2)))
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(AS_ID, manifest("{size: 2}"))
    made = api.plan()
    assert [one.code for one in made.blockers or made.diagnostics] == ["ambiguous-match"]
    assert_clean(str(made))


def test_addresses_that_a_server_gives_show_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Location and the address of a next page repeat the token of the request, and have one of their own."""
    monkeypatch.setattr(logging.getLogger("reconciler"), "propagate", True)  # whatever a console made of it
    caplog.set_level(logging.DEBUG, "reconciler")
    rows = ByToken({"id": "t1", "token": TOKEN, "name": "one", "size": 1})

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "PATCH":
            rows.handle(request)
            return empty_response(202, headers={"location": f"/jobs/{WRITTEN}?sig={WRITTEN}&n=1"})
        if request.path.startswith("/jobs/"):
            return json_response(500, {"message": "no"})
        if request.path == "/things" and not request.query:
            return json_response(200, {"items": [], "next": f"/things?page=2&session={WRITTEN}"})
        return json_response(200, {"items": list(rows.rows.values())})

    definition = IN_PATH.replace(
        "{list: {method: GET, path: /things}}",
        "{list: {method: GET, path: /things, items: /items, paging: {style: url, next: /next}}}",
    ).replace(
        '"/things/{live.token}"',
        '"/things/{live.token}", wait: {method: GET, path: "{location}", until: [{at: /done, equals: true}]}',
    )
    api = OddApi(folder=tmp_path, handle=handle)
    api.define(definition, manifest("{size: 2}"))
    report = api.apply()
    assert report.outcomes[0].status is Status.IN_DOUBT
    assert [r for r in api.seen if r.path.startswith("/jobs/")]
    assert "/things?page=2&session=(sensitive)" in caplog.text
    assert_clean(caplog.text, *shown(report))
