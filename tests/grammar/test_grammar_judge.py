"""Judge and guard: what answers mean, what is tried again, what protects a write, on servers that are odd in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response
from odd_rows import Row, Rows, asked, kind, manifest, proved

from reconciler.core.errors import ApiError
from reconciler.core.report import Status
from reconciler.sandbox.http import text_response

TWO = manifest("{size: 2}")
UPDATED = ("PATCH", "/things/t1", {"size": 2})
ROW: Row = {"id": "t1", "name": "one", "size": 1}


def ruled(*rules: str) -> str:
    return kind(more=f"answers: [{', '.join(rules)}]\n")


class Answers(Rows):
    """Writes, or does not, and says so in its own way."""

    def __init__(self, answer: SandboxResponse, *, acts: bool = True) -> None:
        super().__init__(ROW)
        self.answer, self.acts = answer, acts

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "GET":
            return super().handle(request)
        if self.acts:
            super().handle(request)
        return self.answer


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (
            json_response(409, {"message": "already in this state"}),
            "{status: 409, matches: already in, class: success}",
        ),
        (json_response(304, {}), "{status: 304, class: success}"),
        (text_response(418, "done"), "{contentType: text/plain, matches: ^done$, class: success}"),
    ],
    ids=["by text", "by status", "by content type"],
)
def test_success_beyond_2xx(tmp_path: Path, answer: SandboxResponse, rule: str) -> None:
    proved(tmp_path, Answers(answer).handle, ruled(rule), TWO, [UPDATED])


def test_a_200_that_is_none(tmp_path: Path) -> None:
    answer = json_response(200, {"ok": False, "why": {"text": "quota is used up"}})
    api = OddApi(folder=tmp_path, handle=Answers(answer, acts=False).handle)
    api.define(ruled("{status: 2xx, at: /ok, equals: false, class: failed, message: /why/text, hint: buy more}"), TWO)
    (outcome,) = api.apply().outcomes
    assert (outcome.status, outcome.hint) == (Status.FAILED, "buy more")
    assert "quota is used up" in outcome.detail


def html(status: int) -> SandboxResponse:
    return text_response(status, "<p>no</p>", "text/html; charset=utf-8")


PROBLEM = {"content-type": "application/problem+json"}
ENDS = [
    # What the class makes of a write, and each of the ways to tell a class: status, content type, field, text.
    ("notFound", json_response(400, {"code": "E404"}), "at: /code, equals: E404", Status.CONFLICT),
    (
        "conflict",
        json_response(422, {"code": "taken"}),
        "status: 422, at: /code, oneOf: [taken, used]",
        Status.CONFLICT,
    ),
    ("invalid", text_response(500, "field size is bad"), "status: 5xx, matches: is bad$", Status.FAILED),
    ("unauthorized", html(302), "status: 302, contentType: text/html", Status.FAILED),
    ("forbidden", json_response(404, {}, PROBLEM), "contentType: application/problem+json", Status.FAILED),
    ("rateLimited", json_response(400, {"reset": 9}), "at: /reset, present: true", Status.FAILED),
    ("transient", json_response(400, {"message": "Busy now"}), "at: /message, matches: busy", Status.FAILED),
    ("misconfigured", json_response(200, {"user": None}), "at: /user, equals: null", Status.FAILED),
    ("failed", json_response(200, {"n": [{"e": 1}]}), "at: /n/0/e, equals: 1", Status.FAILED),
]


@pytest.mark.parametrize(("name", "answer", "test", "status"), ENDS, ids=[end[0] for end in ENDS])
def test_error_classes(tmp_path: Path, name: str, answer: SandboxResponse, test: str, status: Status) -> None:
    api = OddApi(folder=tmp_path, handle=Answers(answer, acts=False).handle)
    # `hint` shows that this rule decided, and not the usual meaning of the status.
    api.define(ruled(f"{{{test}, class: {name}, hint: told by the rule}}"), TWO)
    (outcome,) = api.apply().outcomes
    assert outcome.status is status
    if name == "transient":
        assert "reading shows that it was not done" in outcome.detail, "a write in doubt is settled by reading"
    else:
        assert outcome.hint == "told by the rule"
    times = 4 if name == "rateLimited" else 1
    assert api.writes() == [UPDATED] * times, "only what is refused for load is sent again"


def test_not_found_in_a_read_is_an_object_that_is_not_there(tmp_path: Path) -> None:
    rows: dict[str, Row] = {}

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.method == "PUT":
            rows["one"] = body_of(request)
        return json_response(200, rows["one"]) if rows else json_response(400, {"error": "NO_SUCH_THING"})

    definition = kind(
        properties="{name: {type: string}, size: {type: integer}}",
        identity='{id: "{spec.name}", key: [name], name: name}',
        read='{get: {method: GET, path: "/things/{spec.name}"}}',
        write='{create: {method: PUT, path: "/things/{spec.name}"}}',
        more="answers: [{status: 400, at: /error, equals: NO_SUCH_THING, class: notFound}]\n",
    )
    proved(tmp_path, handle, definition, TWO, [("PUT", "/things/one", {"size": 2})])


# --------------------------------------------------------------------------- what may be tried again


class Flaky(Rows):
    """The first requests of one method are answered by an error, and not carried out."""

    def __init__(self, method: str, *answers: SandboxResponse) -> None:
        super().__init__(ROW)
        self.method, self.answers = method, list(answers)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == self.method and self.answers:
            return self.answers.pop(0)
        return super().handle(request)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_reads_are_tried_again(tmp_path: Path, status: int) -> None:
    api = OddApi(folder=tmp_path, handle=Flaky("GET", *[empty_response(status)] * 3).handle)
    api.define(kind(), TWO)
    assert len(api.plan().pending) == 1
    assert asked(api) == ["GET /things"] * 4


def test_reads_are_not_tried_for_ever(tmp_path: Path) -> None:
    api = OddApi(folder=tmp_path, handle=Flaky("GET", *[empty_response(503)] * 9).handle)
    api.define(kind(), TWO)
    with pytest.raises(ApiError, match="status 503"):
        api.plan()
    assert asked(api) == ["GET /things"] * 4


@pytest.mark.parametrize(
    ("answer", "sends", "status"),
    [
        (empty_response(429), 2, Status.APPLIED),
        (empty_response(503, {"retry-after": "7"}), 2, Status.APPLIED),
        (empty_response(503), 1, Status.FAILED),
        (empty_response(500), 1, Status.FAILED),
        (empty_response(502), 1, Status.FAILED),
    ],
    ids=["429", "503 that says when", "503", "500", "502"],
)
def test_writes_are_tried_again_only_when_surely_not_performed(
    tmp_path: Path, answer: SandboxResponse, sends: int, status: Status
) -> None:
    api = OddApi(folder=tmp_path, handle=Flaky("PATCH", answer).handle)
    api.define(kind(), TWO)
    began = api.time.now
    (outcome,) = api.apply().outcomes
    assert outcome.status is status
    assert api.writes() == [UPDATED] * sends
    assert api.time.now - began >= (7 if "retry-after" in answer.headers else 0)


# --------------------------------------------------------------------------- guard


class Tagged(Rows):
    """Each state has an ETag; a write must name the one that it was decided on."""

    def __init__(self) -> None:
        super().__init__(ROW)
        self.tag = 7

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "PATCH" and request.headers.get("if-match") != f'"v{self.tag}"':
            return json_response(412, {"message": "precondition failed"})
        self.tag += request.method == "PATCH"
        answer = super().handle(request)
        return SandboxResponse(
            status=answer.status, headers={**answer.headers, "etag": f'"v{self.tag}"'}, body=answer.body
        )


def test_etag_and_if_match(tmp_path: Path) -> None:
    rows = Tagged()
    api = proved(tmp_path, rows.handle, kind(more="guard: {ifMatch: true}\n"), TWO, [UPDATED])
    api.define(kind(), manifest("{size: 3}"))
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.CONFLICT, "without the guard this server refuses"


class Versioned(Rows):
    """The body brings back the version that was read; each write makes a new one."""

    def take(self, body: Any, row: Row) -> Row:
        assert body["meta"]["version"] == row["meta"]["version"]
        return {**row, **body, "meta": {"version": row["meta"]["version"] + 1}}


def test_version_field_in_the_body(tmp_path: Path) -> None:
    rows = Versioned({**ROW, "meta": {"version": 4}})
    sent = [("PATCH", "/things/t1", {"size": 2, "meta": {"version": 4}})]
    proved(tmp_path, rows.handle, kind(more="guard: {version: /meta/version}\n"), TWO, sent)


def test_read_compare_write(tmp_path: Path) -> None:
    rows = Rows({**ROW, "note": "a"})
    lists = []

    def handle(request: SandboxRequest) -> SandboxResponse:
        if request.path == "/things":
            lists.append(request)
            answer = rows.handle(request)
            rows.rows["t1"].update(moved)  # somebody else, right after the plan has read
            return answer
        return rows.handle(request)

    moved: Row = {"size": 5}
    api = OddApi(folder=tmp_path, handle=handle)
    api.define(kind(), TWO)
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.CONFLICT
    assert api.writes() == [], "a managed field moved: nothing is sent"
    moved = {"note": "b"}
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.APPLIED, "an unmanaged field moved: that is no business of ours"
    assert rows.rows["t1"] == {"id": "t1", "name": "one", "size": 2, "note": "b"}


class Late(Rows):
    """Reads show what was written only some seconds later; the answer of a write is empty."""

    def __init__(self, clock: Any) -> None:
        super().__init__(ROW)
        self.clock, self.old, self.until = clock, dict(ROW), 0.0

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == "PATCH":
            self.old, self.until = dict(self.rows["t1"]), self.clock() + 4
            super().handle(request)
            return empty_response(204)
        stale = self.clock() < self.until
        if stale:
            return json_response(200, [self.old] if request.path == self.path else self.old)
        return super().handle(request)


@pytest.mark.parametrize(("settle", "status"), [(5, Status.APPLIED), (0, Status.FAILED)])
def test_seconds_until_reads_agree_with_writes(tmp_path: Path, settle: int, status: Status) -> None:
    api = OddApi(folder=tmp_path, handle=lambda request: server.handle(request))
    server = Late(api.time.clock)
    api.define(
        kind(
            read='{list: {method: GET, path: /things}, get: {method: GET, path: "/things/{id}"}, '
            f"settleSeconds: {settle}}}"
        ),
        TWO,
    )
    (outcome,) = api.apply().outcomes
    assert outcome.status is status
    assert api.writes() == [UPDATED]


# --------------------------------------------------------------------------- limits by meaning

SECONDARY = {"message": "You have exceeded a secondary rate limit"}


class Limiting(Rows):
    """Refuses the first `times` requests of one method for load."""

    def __init__(self, refusal: SandboxResponse, *, method: str, times: int = 2) -> None:
        super().__init__(ROW)
        self.refusal, self.method, self.left = refusal, method, times

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.method == self.method and self.left:
            self.left -= 1
            return self.refusal
        return super().handle(request)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    ("refusal", "rules"),
    [
        (json_response(403, SECONDARY, {"retry-after": "1"}), []),
        (json_response(403, SECONDARY), ["{status: 403, matches: secondary rate, class: rateLimited}"]),
        (json_response(200, {"code": "throttled"}), ["{at: /code, equals: throttled, class: rateLimited}"]),
        (json_response(400, {"code": "throttled"}), ["{at: /code, equals: throttled, class: rateLimited}"]),
    ],
    ids=["403 that says when", "403 by rule", "200 by rule", "400 by rule"],
)
def test_a_refusal_for_load_is_waited_for_whatever_its_status(
    tmp_path: Path, refusal: SandboxResponse, rules: list[str], method: str
) -> None:
    server = Limiting(refusal, method=method)
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(ruled(*rules) if rules else kind(), TWO)
    (outcome,) = api.apply().outcomes
    assert outcome.status is Status.APPLIED
    assert (server.left, server.rows["t1"]["size"]) == (0, 2)


def test_a_429_that_a_rule_explains_otherwise_is_not_tried_again(tmp_path: Path) -> None:
    server = Limiting(json_response(429, {"code": "quota"}, {"retry-after": "1"}), method="PATCH")
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(ruled("{at: /code, equals: quota, class: invalid, hint: buy more}"), TWO)
    (outcome,) = api.apply().outcomes
    assert (outcome.status, outcome.hint, server.left) == (Status.FAILED, "buy more", 1)


def test_trouble_by_rule_is_tried_again_in_reads_only(tmp_path: Path) -> None:
    rule = "{status: 409, matches: warming up, class: transient}"
    warming = json_response(409, {"message": "warming up"})
    for method, left in (("GET", 0), ("PATCH", 1)):
        server = Limiting(warming, method=method)
        api = OddApi(folder=tmp_path, handle=server.handle)
        api.define(ruled(rule), TWO)
        assert (api.apply().outcomes[0].status is Status.APPLIED, server.left) == (method == "GET", left)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"retry-after": "3600"}, "the server asks to wait 3600 s"),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "the server asks to wait until 2026-10-21 07:28:00 UTC"),
        (
            {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:18:00 GMT"},
            "the server asks to wait 600 s",
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1792567680"}, "until 2026-10-21 07:28:00 UTC"),
    ],
    ids=["seconds", "date", "date by the server's clock", "reset"],
)
def test_how_long_the_server_asks_to_wait_is_reported(tmp_path: Path, headers: dict[str, str], words: str) -> None:
    server = Limiting(json_response(429, {"message": "slow down"}, headers), method="GET", times=100)
    api = OddApi(folder=tmp_path, handle=server.handle)
    api.define(kind(), TWO)
    api.time.now = 1792567680.0 - 7000
    with pytest.raises(ApiError, match=words) as caught:
        api.plan()
    assert caught.value.hint.startswith("run again after that; or lower requestsPerSecond")
