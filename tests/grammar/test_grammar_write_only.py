"""Kinds that nobody can read: created once, then remembered by the ledger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response

from reconciler.core.model import Action, Comparability
from reconciler.core.report import Status
from reconciler.sandbox.http import empty_response

KINDS = """
    system: odd
    ---
    apiVersion: odd/v1
    kind: Box
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {{type: string}}
        size: {{type: integer}}
        color: {{type: string}}
    identity: {{id: {id}, key: [name], name: name}}
    read: {{unreadable: boxes are sealed}}
    write:
      create: {{method: POST, path: /boxes, idAt: {id_at}}}
      update: {{method: PATCH, path: "/boxes/{{id}}", returns: nothing}}
"""
MANIFEST = "apiVersion: odd/v1\nkind: Box\nmetadata: {{name: b}}\nspec: {{size: {size}, color: red}}\n"
BY_NAME = {"id": '"{spec.name}"', "id_at": "/none"}
BY_ANSWER = {"id": "/id", "id_at": "/made/id"}
BY_NOBODY = {"id": "/id", "id_at": "/none"}


class Boxes:
    """Answers writes and nothing else; boxes have numbers besides their names."""

    def __init__(self) -> None:
        self.boxes: dict[str, dict[str, Any]] = {}
        self.silent = False

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        body = body_of(request)
        if request.method == "POST":
            if body["name"] in self.boxes:
                return json_response(409, {"message": "there is such a box"})
            self.boxes[body["name"]] = body
        elif request.method == "PATCH":
            named = {"b": "b", "7": "b"}[request.path.rsplit("/", 1)[1]]
            self.boxes[named].update(body)
        else:
            return empty_response(405)
        return json_response(500, {}) if self.silent else json_response(201, {"made": {"id": "7"}})


@pytest.fixture
def boxes() -> Boxes:
    return Boxes()


def declared(folder: Path, boxes: Boxes, spellings: dict[str, str], *, size: int = 1, ledger: bool = True) -> OddApi:
    api = OddApi(folder=folder, handle=boxes.handle)
    api.define(KINDS.format(**spellings), MANIFEST.format(size=size))
    if ledger:
        config = folder / "reconciler.yaml"
        config.write_text(config.read_text() + "    ledger: {file: ledger.json}\n")
    return api


@pytest.mark.parametrize(("spellings", "box_id"), [(BY_NAME, "b"), (BY_ANSWER, "7")], ids=["by-name", "by-answer"])
def test_it_is_created_once_and_then_only_what_changes_is_sent(
    tmp_path: Path, boxes: Boxes, spellings: dict[str, str], box_id: str
) -> None:
    api = declared(tmp_path, boxes, spellings)
    (change,) = api.plan().pending
    assert (change.action, change.comparability) == (Action.CREATE, Comparability.UNREADABLE)
    assert change.caveats == ("not verified against live: boxes are sealed",)
    assert "must not exist" not in change.guard
    assert [one.status for one in api.apply().outcomes] == [Status.APPLIED]
    assert api.plan().pending == ()
    api = declared(tmp_path, boxes, spellings, size=2)
    assert [one.status for one in api.apply().outcomes] == [Status.APPLIED]
    assert api.writes() == [("PATCH", f"/boxes/{box_id}", {"size": 2})]
    assert boxes.boxes["b"] == {"name": "b", "size": 2, "color": "red"}
    assert api.plan().pending == ()


def test_without_a_ledger_it_is_taken_for_new_and_the_server_has_the_last_word(tmp_path: Path, boxes: Boxes) -> None:
    api = declared(tmp_path, boxes, BY_NAME, ledger=False)
    api.apply()
    (change,) = api.plan().pending
    assert (change.action, change.reason) == (Action.CREATE, "nothing remembers that it exists")
    assert [one.status for one in api.apply().outcomes] == [Status.CONFLICT]
    assert boxes.boxes["b"]["size"] == 1


def test_a_lost_answer_stays_in_doubt(tmp_path: Path, boxes: Boxes) -> None:
    api = declared(tmp_path, boxes, BY_NAME)
    boxes.silent = True
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.IN_DOUBT
    assert "the object cannot be read" in outcome.detail
    assert len(api.writes()) == 1


def test_an_id_that_nothing_tells_is_a_failure(tmp_path: Path, boxes: Boxes) -> None:
    api = declared(tmp_path, boxes, BY_NOBODY)
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.FAILED
    assert "nothing tells the id" in outcome.detail
