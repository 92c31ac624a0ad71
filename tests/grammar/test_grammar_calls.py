"""What one call says of itself: how to read its answers, and the id that its answer does not repeat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import assert_applied
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response

from reconciler.core.model import Action
from reconciler.core.report import Status

KIND = """
    apiVersion: odd/v1
    kind: Badge
    schema:
      type: object
      additionalProperties: false
      required: [code]
      properties:
        code: {type: string, x-immutable: true}
        level: {type: integer}
        rank: {type: integer, readOnly: true}
    identity: {id: /code, key: [code], name: code}
    read:
      list: {method: POST, path: /list, items: /codes, optional: true, itemsAre: ids}
      get:
        method: POST
        path: /get
        body: {which: "{id}"}
        object: /badge
        idAs: code
        answers: [{at: /badge, present: false, class: notFound}]
    write:
      create:
        method: POST
        path: /put
        body: {unless: 0}
        returns: nothing
        answers: &moved [{at: /done, present: false, class: conflict, hint: look at it first}]
      update:
        method: POST
        path: /put
        body: {which: "{id}", unless: "{live.rank}"}
        returns: nothing
        answers: *moved
"""
MANIFEST = """
    apiVersion: odd/v1
    kind: Badge
    metadata: {name: gold}
    spec: {level: 3}
"""


class Badges:
    """Answers 200 to everything: nothing found, nothing done, and done look alike but for what they leave out."""

    def __init__(self) -> None:
        self.badges: dict[str, dict[str, int]] = {}
        self.before_put: Callable[[], object] = lambda: None

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        body = body_of(request) or {}
        if request.path == "/list":
            return json_response(200, {"codes": sorted(self.badges)} if self.badges else {})
        if request.path == "/get":
            found = self.badges.get(body["which"])
            return json_response(200, {} if found is None else {"badge": found})
        self.before_put()
        code = str(body.get("which", body.get("code")))
        if self.badges.get(code, {}).get("rank", 0) != body["unless"]:
            return json_response(200, {})
        self.badges[code] = {"level": body["level"], "rank": body["unless"] + 1}
        return json_response(200, {"done": True})


def odd(folder: Path) -> tuple[OddApi, Badges]:
    badges = Badges()
    api = OddApi(folder, badges.handle)
    api.define(KIND, MANIFEST)
    return api, badges


def test_an_id_that_only_the_list_shows(tmp_path: Path) -> None:
    api, badges = odd(tmp_path)
    badges.badges["old"] = {"level": 1, "rank": 7}
    assert_applied(api.apply())
    assert badges.badges["gold"] == {"level": 3, "rank": 1}
    assert not api.plan().has_work
    badges.badges["gold"]["level"] = 2
    (change,) = api.plan().pending
    assert change.action is Action.UPDATE
    assert_applied(api.apply())
    assert badges.badges == {"old": {"level": 1, "rank": 7}, "gold": {"level": 3, "rank": 2}}


def test_the_same_answer_means_one_thing_to_one_call_and_another_to_another(tmp_path: Path) -> None:
    api, badges = odd(tmp_path)
    assert_applied(api.apply())
    badges.badges["gold"]["level"] = 2
    badges.before_put = lambda: badges.badges["gold"].update(rank=9)
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.CONFLICT
    assert outcome.hint == "look at it first"
    assert badges.badges["gold"] == {"level": 2, "rank": 9}


def test_an_object_that_a_good_answer_does_not_show_is_not_there(tmp_path: Path) -> None:
    api, badges = odd(tmp_path)
    assert_applied(api.apply())
    badges.badges["gold"]["level"] = 2
    planned = api.plan()
    assert planned.has_work
    badges.before_put = badges.badges.clear
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.CONFLICT
