"""Answers that only promise: operations to ask about, and objects that are not ready at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.report import Outcome, Status

KIND = """
    apiVersion: odd/v1
    kind: Cluster
    schema:
      type: object
      additionalProperties: false
      properties:
        name: {{type: string}}
        size: {{type: integer}}
        state: {{type: string, readOnly: true}}
    identity: {{id: /name, key: [name], name: name}}
    read:
      list: {{method: GET, path: /clusters, items: /clusters}}
      get: {{method: GET, path: "/clusters/{{id}}"}}
      {read}
    write:
      create: {{method: POST, path: /clusters, returns: nothing, {write}}}
      update: {{method: PATCH, path: "/clusters/{{id}}", returns: nothing, {write}}}
"""
MANIFEST = "apiVersion: odd/v1\nkind: Cluster\nmetadata: {name: c1}\nspec: {size: 3}"
BY_ID = 'wait: {method: GET, path: "/operations/{answer.operation}", until: {at: /done, equals: true}, failed: {at: /error, present: true}, seconds: 30}'  # noqa: E501  one line of YAML
BY_LOCATION = BY_ID.replace("/operations/{answer.operation}", "{location}")


class Clusters:
    """Writes are promises that come true after `delay` questions."""

    def __init__(self, *, delay: int = 3, fails: bool = False, location: bool = False) -> None:
        self.delay, self.fails, self.location = delay, fails, location
        self.clusters: dict[str, dict[str, Any]] = {}
        self.asked = 0

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        if parts[0] == "operations":
            return self._operation()
        if request.method == "GET":
            if len(parts) == 1:
                return json_response(200, {"clusters": list(self.clusters.values())})
            return json_response(200, self.clusters[parts[1]]) if parts[1] in self.clusters else not_found()
        self.wanted = body_of(request)
        self.asked = 0
        if self.location:
            return json_response(202, {}, {"location": "http://elsewhere.test/operations/op-7"})
        return json_response(202, {"operation": "op-7"})

    def _operation(self) -> SandboxResponse:
        self.asked += 1
        if self.fails:
            return json_response(200, {"done": True, "error": {"message": "no capacity"}})
        if self.asked >= self.delay:
            name = self.wanted.get("name", "c1")
            self.clusters[name] = {**self.clusters.get(name, {}), "name": name, **self.wanted, "state": "READY"}
        return json_response(200, {"done": self.asked >= self.delay})


def run(tmp_path: Path, clusters: Clusters, *, write: str, read: str = "") -> tuple[OddApi, Outcome]:
    api = OddApi(folder=tmp_path, handle=clusters.handle)
    api.define(KIND.format(write=write, read=read), MANIFEST)
    return api, api.apply().outcomes[0]


@pytest.mark.parametrize(("write", "location"), [(BY_ID, False), (BY_LOCATION, True)], ids=["by id", "by location"])
def test_an_operation_is_asked_about_until_it_is_done(tmp_path: Path, write: str, location: bool) -> None:
    clusters = Clusters(location=location)
    api, outcome = run(tmp_path, clusters, write=write)
    assert (outcome.status, outcome.detail) == (Status.APPLIED, "")
    assert clusters.asked == 3
    assert {r.path for r in api.seen if r.path.startswith("/op")} == {"/operations/op-7"}
    assert not api.plan().has_work


def test_updates_wait_as_well(tmp_path: Path) -> None:
    clusters = Clusters()
    clusters.clusters["c1"] = {"name": "c1", "size": 1, "state": "READY"}
    _, outcome = run(tmp_path, clusters, write=BY_ID)
    assert outcome.status is Status.APPLIED
    assert clusters.clusters["c1"]["size"] == 3


def test_an_operation_that_fails_fails_the_change_with_its_reason(tmp_path: Path) -> None:
    _, outcome = run(tmp_path, Clusters(fails=True), write=BY_ID)
    assert outcome.status is Status.FAILED
    assert "no capacity" in outcome.detail


def test_an_operation_that_never_ends_is_left_in_doubt(tmp_path: Path) -> None:
    _, outcome = run(tmp_path, Clusters(delay=10_000), write=BY_ID)
    assert outcome.status is Status.IN_DOUBT
    assert "30 s" in outcome.detail


class Slow(Clusters):
    """Creates at once, and reports the object's own progress."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET" and request.path.startswith("/clusters/") and self.clusters:
            self.asked += 1
            one = self.clusters["c1"]
            one["state"] = "BROKEN" if self.fails else "READY" if self.asked >= self.delay else "CREATING"
        if request.method == "POST":
            self.clusters["c1"] = {**body_of(request), "state": "CREATING"}
            return json_response(201, self.clusters["c1"])
        return super().handle(request)


READY = "ready: {at: /state, equals: READY}\n      failed: {at: /state, equals: BROKEN}\n      readySeconds: 60"


def test_a_created_object_is_read_until_it_is_ready(tmp_path: Path) -> None:
    clusters = Slow(delay=4)
    _, outcome = run(tmp_path, clusters, write="", read=READY)
    assert (outcome.status, outcome.detail) == (Status.APPLIED, "")
    assert clusters.clusters["c1"]["state"] == "READY"


def test_an_object_that_breaks_fails_the_change(tmp_path: Path) -> None:
    _, outcome = run(tmp_path, Slow(fails=True), write="", read=READY)
    assert outcome.status is Status.FAILED
    assert "BROKEN" in outcome.detail


def test_an_object_that_never_gets_ready_fails_the_change(tmp_path: Path) -> None:
    _, outcome = run(tmp_path, Slow(delay=10_000), write="", read=READY)
    assert outcome.status is Status.FAILED
    assert "not ready after 60 s" in outcome.detail


# --------------------------------------------------------------------------- done at once


class Quick(Clusters):
    """An update of what is quickly done is answered with the object, in place of a task."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method != "PATCH":
            return super().handle(request)
        self.clusters["c1"].update(body_of(request))
        return json_response(200, {**self.clusters["c1"], "operation": self.operation})

    operation: str | None = None


def quick(tmp_path: Path, wait: str, operation: str | None = None) -> tuple[Quick, Outcome]:
    clusters = Quick()
    clusters.operation = operation
    clusters.clusters["c1"] = {"name": "c1", "size": 1, "state": "READY"}
    _, outcome = run(tmp_path, clusters, write=wait)
    return clusters, outcome


@pytest.mark.parametrize("wait", [BY_ID, BY_LOCATION], ids=["by id", "by location"])
def test_an_update_that_is_answered_with_the_object_at_once_is_done(tmp_path: Path, wait: str) -> None:
    clusters, outcome = quick(tmp_path, wait)
    assert (outcome.status, outcome.detail) == (Status.APPLIED, "")
    assert (clusters.asked, clusters.clusters["c1"]["size"]) == (0, 3)


def test_a_wait_may_say_which_answers_it_is_for(tmp_path: Path) -> None:
    """Here the object itself has a member that looks like the task to ask about."""
    clusters, outcome = quick(tmp_path, BY_ID.replace("until", "status: 202, until"), operation="of another write")
    assert (outcome.status, clusters.asked) == (Status.APPLIED, 0)


def test_an_answer_that_a_wait_is_for_is_waited_for(tmp_path: Path) -> None:
    clusters = Clusters()
    _, outcome = run(tmp_path, clusters, write=BY_ID.replace("until", "status: [201, 202], until"))
    assert (outcome.status, clusters.asked) == (Status.APPLIED, 3)


def test_what_was_only_promised_and_names_nothing_to_ask_is_found_out_by_reading(tmp_path: Path) -> None:
    clusters = Clusters(location=True)
    _, outcome = run(tmp_path, clusters, write=BY_ID)
    assert outcome.status is Status.FAILED
    assert "cannot be found" in outcome.detail
