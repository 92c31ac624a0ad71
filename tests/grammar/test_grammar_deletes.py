"""Delete: how objects go away, on servers that are odd in it. A ledger tells that they are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response
from odd_rows import Row, Rows, kind, manifest

from reconciler.core.model import Action
from reconciler.core.report import Status

LEDGER = "ledger: {file: ledger.json}\n"
BOTH = manifest("{size: 1}") + "---\n" + manifest("{size: 1}", name="two")
CREATE = "create: {method: POST, path: /things}"
UPDATE = 'update: {method: PATCH, path: "/things/{id}"}'


class Deleting(Rows):
    """Deletes by the verb of `way`, and by no other."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET" or (request.method, request.path) == ("POST", "/things"):
            return super().handle(request)
        gone = {
            "DELETE": ("DELETE", "/things/t2"),
            "POST": ("POST", "/Delete"),
            "PATCH": ("PATCH", "/things/t2"),
            "PUT": ("PUT", "/things/t2/archive"),
        }[self.way]
        if (request.method, request.path) != gone:
            return empty_response(405)
        row = self.rows.pop("t2")
        if self.way == "POST":
            assert body_of(request) == {"ids": ["t2"], "name": row["name"]}
        return empty_response(204)


WAYS: dict[str, tuple[str, Any]] = {
    "DELETE": ('{method: DELETE, path: "/things/{id}"}', ("DELETE", "/things/t2", None)),
    "POST": (
        '{method: POST, path: /Delete, body: {ids: ["{id}"], name: "{live.name}"}}',
        ("POST", "/Delete", {"ids": ["t2"], "name": "two"}),
    ),
    "PATCH": (
        '{method: PATCH, path: "/things/{id}", body: {state: deleted}}',
        ("PATCH", "/things/t2", {"state": "deleted"}),
    ),
    "PUT": ('{method: PUT, path: "/things/{id}/archive"}', ("PUT", "/things/t2/archive", None)),
}


def pruned(api: OddApi, definition: str) -> tuple[list[Any], Any]:
    """Make both things, then keep the first one only, with pruning; return the writes of that and its outcome."""
    api.define(definition, manifest("{size: 1}"), target=LEDGER)
    api.apply()
    api.define(definition, BOTH, target=LEDGER)
    api.apply()
    api.define(definition, manifest("{size: 1}"), target=LEDGER)
    assert api.plan().pending == (), "not asked for, not done"
    (outcome,) = [o for o in api.apply(prune=True).outcomes if o.address.name == "two"]
    writes = api.writes()
    assert api.plan(prune=True).pending == ()
    return writes, outcome


@pytest.mark.parametrize("way", WAYS)
def test_delete_with_any_verb(tmp_path: Path, way: str) -> None:
    call, sent = WAYS[way]
    api = OddApi(folder=tmp_path, handle=Deleting(way).handle)
    writes, outcome = pruned(api, kind(write=f"{{{CREATE}, {UPDATE}, delete: {{call: {call}}}}}"))
    assert (outcome.action, outcome.status) == (Action.DELETE, Status.APPLIED)
    assert writes == [sent]


def test_delete_that_only_disables(tmp_path: Path) -> None:
    rows = Rows()
    api = OddApi(folder=tmp_path, handle=rows.handle)
    definition = kind(
        properties="{name: {type: string}, size: {type: integer}, active: {type: boolean}}",
        write=f"{{{CREATE}, {UPDATE}, delete: {{disable: {{active: false}}}}}}",
    )
    writes, outcome = pruned(api, definition)
    assert outcome.status is Status.APPLIED
    assert writes == [("PATCH", "/things/t2", {"active": False})]
    assert rows.rows["t2"] == {"id": "t2", "name": "two", "size": 1, "active": False}


def test_delete_that_only_forgets(tmp_path: Path) -> None:
    rows = Rows()
    api = OddApi(folder=tmp_path, handle=rows.handle)
    writes, outcome = pruned(api, kind(write=f"{{{CREATE}, {UPDATE}, delete: {{forget: true}}}}"))
    assert outcome.status is Status.APPLIED
    assert writes == []
    assert set(rows.rows) == {"t1", "t2"}


def test_a_soft_deleted_object_is_gone(tmp_path: Path) -> None:
    class Soft(Rows):
        """Goes on showing what was deleted, with the time at which it was."""

        def handle(self, request: SandboxRequest) -> SandboxResponse:
            if request.method != "DELETE":
                return super().handle(request)
            row: Row = self.rows["t2"]
            row["deletedAt"] = "2030-01-01"
            return json_response(200, row)

    rows = Soft()
    api = OddApi(folder=tmp_path, handle=rows.handle)
    read = (
        '{list: {method: GET, path: /things}, get: {method: GET, path: "/things/{id}"}, '
        "gone: {at: /deletedAt, present: true}}"
    )
    call = 'delete: {call: {method: DELETE, path: "/things/{id}"}}'
    writes, outcome = pruned(api, kind(read=read, write=f"{{{CREATE}, {UPDATE}, {call}}}"))
    assert outcome.status is Status.APPLIED
    assert writes == [("DELETE", "/things/t2", None)]
    assert "t2" in rows.rows
