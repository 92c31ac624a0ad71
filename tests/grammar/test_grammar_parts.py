"""Objects of which several calls read parts, and updates that are chosen by what the manifest states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response, not_found
from odd_rows import Row, Rows, Write, asked, kind, manifest, proved

from reconciler.core.errors import ApiError, InvalidInput

# --------------------------------------------------------------------------- several reads for one object


class Repositories(Rows):
    """Topics and limits have calls of their own; the object itself shows neither, and limits may not be set at all."""

    topics: tuple[str, ...] = ("a",)
    limits: Row | None = None

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        tail = request.path.rsplit("/", 1)[1]
        if tail == "topics":
            if request.method == "PUT":
                self.topics = tuple(body_of(request)["names"])
            return json_response(200, {"names": list(self.topics)})
        if tail == "v7-limits":
            if request.method == "PUT":
                self.limits = body_of(request)
            return not_found() if self.limits is None else json_response(200, {"perHour": 9, **self.limits})
        return super().handle(request)

    def show(self, row: Row) -> Any:
        assert not row.keys() & {"topics", "limits", "perDay", "names"}
        return row


READ = (
    "{list: {method: GET, path: /things, itemsAre: summaries}, "
    'get: {method: GET, path: "/things/{id}"}, parts: ['
    '{method: GET, path: "/things/{id}/topics", object: /names, into: /topics}, '
    '{method: GET, path: "/things/{id}/v{live.version}-limits"}]}'
)
WRITE = (
    "{create: {method: POST, path: /things}, update: ["
    '{method: PATCH, path: "/things/{id}"}, '
    '{method: PUT, path: "/things/{id}/topics", fields: [topics], send: changed}, '
    '{method: PUT, path: "/things/{id}/v{live.version}-limits", fields: [perDay], send: changed}]}'
)
REPOSITORY = kind(
    properties="{name: {type: string}, size: {type: integer}, id: {type: string, readOnly: true}, "
    "topics: {type: array, x-list: set, x-updateOnly: true, x-request: names, x-response: topics, "
    "items: {type: string}}, perDay: {type: integer, x-updateOnly: true}}",
    read=READ,
    write=WRITE,
)
ROW: Row = {"id": "t1", "name": "one", "size": 1, "version": 7}


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        ("{size: 2, topics: [a]}", [("PATCH", "/things/t1", {"size": 2})]),
        ("{size: 1, topics: [b, a]}", [("PUT", "/things/t1/topics", {"names": ["b", "a"]})]),
        ("{size: 1, perDay: 5}", [("PUT", "/things/t1/v7-limits", {"perDay": 5})]),
    ],
    ids=["object", "part put into a place", "part laid over that was not there"],
)
def test_parts_with_calls_of_their_own_are_one_object(tmp_path: Path, spec: str, sent: list[Write]) -> None:
    rows = Repositories(ROW)
    api = proved(tmp_path, rows.handle, REPOSITORY, manifest(spec), sent)
    paths = ["/things", "/things/t1", "/things/t1/topics", "/things/t1/v7-limits"]
    assert asked(api) == [f"GET {path}" for path in paths]
    rows.topics = ("z",)
    changed = {f.path[0] for change in api.plan().pending for f in change.fields}
    assert changed == ({"topics"} if "topics" in spec else set()), "drift of a part is drift"


def test_a_new_object_gets_its_parts_by_their_calls(tmp_path: Path) -> None:
    class Versioned(Repositories):
        def take(self, body: Any, row: Row) -> Row:
            return {"version": 7, **row, **body}

    rows = Versioned()
    rows.topics = ()
    sent: list[Write] = [
        ("POST", "/things", {"name": "one", "size": 1}),
        ("PUT", "/things/t1/topics", {"names": ["b"]}),
        ("PUT", "/things/t1/v7-limits", {"perDay": 5}),
    ]
    proved(tmp_path, rows.handle, REPOSITORY, manifest("{size: 1, topics: [b], perDay: 5}"), sent)


def test_an_answer_without_the_parts_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    sent: list[Write] = [("POST", "/things", {"name": "one", "size": 1}), ("PUT", "/things/t1/topics", {"names": []})]
    rows = Repositories()  # a new object has a topic, which the answer to the create does not show
    definition = REPOSITORY.replace(', {method: GET, path: "/things/{id}/v{live.version}-limits"}', "")
    proved(tmp_path, rows.handle, definition, manifest("{size: 1, topics: []}"), sent)


def test_a_part_that_cannot_be_read_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    rows = Repositories(ROW)

    def handle(request: SandboxRequest) -> SandboxResponse:
        return json_response(403, {}) if request.path.endswith("/topics") else rows.handle(request)

    api = OddApi(folder=tmp_path, handle=handle)
    api.define(REPOSITORY, manifest("{topics: [a]}"))
    with pytest.raises(ApiError, match=r"GET /things/t1/topics: status 403"):
        api.plan()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", itemsAre: summaries", "", "the list shows objects without their parts"),
        ('get: {method: GET, path: "/things/{id}"}, ', "", "parts are read after read.get, and there is none"),
    ],
)
def test_parts_without_what_they_need_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in REPOSITORY
    api = OddApi(folder=tmp_path, handle=Repositories(ROW).handle)
    api.define(REPOSITORY.replace(old, new), manifest("{size: 2}"))
    with pytest.raises(InvalidInput) as caught:
        api.plan()
    assert message in [d.message for d in caught.value.diagnostics]


# --------------------------------------------------------------------------- one of several calls, by value


class Connectors(Rows):
    """States change by calls without a body; small sizes are set by one call, large ones by another."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        verb = request.path.rsplit("/", 1)[1]
        if verb in ("pause", "resume"):
            if request.body or "content-type" in request.headers:
                return json_response(400, {"message": "no body, please"})
            self.rows["t1"]["state"] = {"pause": "PAUSED", "resume": "RUNNING"}[verb]
            return empty_response(202)
        if verb in ("small", "large"):
            size = body_of(request)["size"]
            assert (size > 5) is (verb == "large")
            self.rows["t1"]["size"] = size
            return empty_response(204)
        return super().handle(request)


CONNECTOR = kind(
    properties="{name: {type: string}, note: {type: string}, id: {type: string, readOnly: true}, "
    "state: {type: string, x-updateOnly: true, default: RUNNING}, size: {type: integer}}",
    write="{create: {method: POST, path: /things}, update: ["
    '{method: PATCH, path: "/things/{id}"}, '
    '{method: PUT, path: "/things/{id}/pause", fields: [state], send: nothing, when: {at: /state, equals: PAUSED}}, '
    '{method: PUT, path: "/things/{id}/resume", fields: [state], send: nothing, when: {at: /state, equals: RUNNING}}, '
    '{method: PUT, path: "/things/{id}/small", fields: [size], send: changed, when: {at: /size, oneOf: [1, 2]}}, '
    '{method: PUT, path: "/things/{id}/large", fields: [size], send: changed, when: {at: /size, equals: 9}}]}',
)


@pytest.mark.parametrize(
    ("spec", "sent"),
    [
        ("{state: PAUSED}", [("PUT", "/things/t1/pause", None)]),
        ("{state: RUNNING}", []),
        ("{state: PAUSED, note: new}", [("PATCH", "/things/t1", {"note": "new"}), ("PUT", "/things/t1/pause", None)]),
        ("{size: 2}", [("PUT", "/things/t1/small", {"size": 2})]),
        ("{size: 9}", [("PUT", "/things/t1/large", {"size": 9})]),
    ],
)
def test_an_update_is_chosen_by_what_the_manifest_states(tmp_path: Path, spec: str, sent: list[Write]) -> None:
    rows = Connectors({"id": "t1", "name": "one", "state": "RUNNING", "size": 1})
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(CONNECTOR, manifest(spec))
    assert {o.detail for o in api.apply().outcomes} == {""}
    assert api.writes() == sent
    assert api.plan().pending == ()


def test_a_new_object_is_put_into_its_state_by_the_call_for_it(tmp_path: Path) -> None:
    class Running(Connectors):
        def take(self, body: Any, row: Row) -> Row:
            return {"state": "RUNNING", **row, **body}

    sent: list[Write] = [("POST", "/things", {"name": "one", "size": 1}), ("PUT", "/things/t1/pause", None)]
    proved(tmp_path, Running().handle, CONNECTOR, manifest("{state: PAUSED, size: 1}"), sent)


@pytest.mark.parametrize("exists", [True, False], ids=["update", "create"])
def test_a_value_that_no_update_is_for_is_refused_in_the_plan(tmp_path: Path, exists: bool) -> None:
    rows = Connectors(*[{"id": "t1", "name": "one", "state": "RUNNING", "size": 1}] * exists)
    api = OddApi(folder=tmp_path, handle=rows.handle)
    api.define(CONNECTOR, manifest("{state: STOPPED, note: new}"))
    plan = api.plan()
    assert [(b.code, str(b.source).rpartition(":")[0][-1]) for b in plan.blockers] == [("no-call", "4")]
    assert "takes 'state'" in plan.blockers[0].message
