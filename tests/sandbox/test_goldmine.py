"""The emulated Goldmine service: protocol rules, strict messages, omitted defaults, soft deletion, paging."""

from __future__ import annotations

import base64
import itertools
import json
import uuid
from typing import Any

import pytest

from reconciler.sandbox.goldmine import Goldmine
from reconciler.sandbox.http import SandboxRequest, SandboxResponse

KEY = "fake-api-key-not-real"
HEADERS = {
    "authorization": f"Bearer {KEY}",
    "content-type": "application/json",
    "connect-protocol-version": "1",
}
ENDPOINT = {"scheme": "http", "host": "203.0.113.9", "port": 8080, "username": "user"}
NOBODY = base64.b64encode(bytes(16)).decode()


class Service:
    """A seeded service with one pool and one provider, and a clock that moves a second per look."""

    def __init__(self, **options: Any) -> None:
        seconds = itertools.count(1_782_000_000)
        self.system = Goldmine(api_key=KEY, clock=lambda: float(next(seconds)), **options)
        self.pool = self.system.seed("pools", {})
        capabilities = {"enumerable": True, "stateApi": False}
        provider = {"targetPoolId": self.pool, "capabilities": capabilities, "credentials": "c2VjcmV0"}
        self.provider = self.system.seed("providers", provider)

    def send(self, method: str, body: Any, verb: str = "POST", /, **headers: str | None) -> SandboxResponse:
        merged = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.system.handle(
            SandboxRequest(
                method=verb,
                path=f"/proxies.v1.Proxies/{method}",
                headers={name: value for name, value in merged.items() if value is not None},
                body=raw,
            )
        )

    def call(self, method: str, **fields: Any) -> Any:
        response = self.send(method, {"workspaceId": self.system.workspace_id, **fields})
        assert response.status == 200, response.body
        return json.loads(response.body)

    def refused(self, method: str, **fields: Any) -> tuple[int, str]:
        response = self.send(method, {"workspaceId": self.system.workspace_id, **fields})
        assert response.headers["content-type"] == "application/json"
        return response.status, json.loads(response.body)["code"]

    def parents(self) -> dict[str, str]:
        return {"poolId": self.pool, "providerId": self.provider}

    def create(self, token: str, **fields: Any) -> Any:
        return self.call("CreateSession", **self.parents(), token=token, **fields)["session"]


# The protocol


@pytest.mark.parametrize("path", ["/proxies.v1.Proxies/Nope", "/proxies.v1.Proxies/getsession", "/", "/GetSession"])
def test_an_unknown_path_is_a_bare_404(path: str) -> None:
    answer = Service().system.handle(SandboxRequest(method="POST", path=path, headers=HEADERS, body=b"{}"))
    assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert b"code" not in answer.body


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused_without_a_body(verb: str) -> None:
    answer = Service().send("GetSession", {}, verb)
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "POST", b"")


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/proto", "application/json; charset=latin1"])
def test_other_codecs_are_refused(media_type: str | None) -> None:
    assert Service().send("GetSession", {}, content_type=media_type).status == 415


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"connect_protocol_version": None}, 400, "invalid_argument"),
        ({"connect_protocol_version": "2"}, 400, "invalid_argument"),
        ({"connect_timeout_ms": "12345678901"}, 400, "invalid_argument"),
        ({"connect_timeout_ms": "1s"}, 400, "invalid_argument"),
        ({"content_encoding": "gzip"}, 501, "unimplemented"),
        ({"authorization": None}, 401, "unauthenticated"),
        ({"authorization": KEY}, 401, "unauthenticated"),
        ({"authorization": "Bearer other"}, 401, "unauthenticated"),
    ],
)
def test_refusals_below_the_message(headers: dict[str, str | None], status: int, code: str) -> None:
    answer = Service().send("ListSessions", {}, **headers)
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"


def test_a_charset_is_accepted() -> None:
    service = Service()
    body = {"workspaceId": service.system.workspace_id}
    assert service.send("ListSessions", body, content_type="application/json; charset=utf-8").status == 200


def test_another_workspace_is_denied() -> None:
    assert Service().refused("ListSessions", workspaceId=NOBODY) == (403, "permission_denied")


# Messages


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"\xff",
            b"{} {}",
            b'{"workspaceId": NaN}',
            b"[" * 100_000,
            b'{"limit": 1e' + b"9" * 30 + b"}",
        ),
        *(b'{"workspaceId": "", "workspaceId": ""}', b'{"workspaceId": "\\ud800"}'),
    ],
)
def test_unreadable_bodies_are_invalid(body: bytes) -> None:
    answer = Service().send("ListSessions", body)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize(
    "fields",
    [
        {"workspaceId": None},
        {"workspaceId": ""},
        {"workspaceId": "AAAA"},
        {"workspaceId": "?"},
        {"workspaceId": 7},
        {"workspace_id": NOBODY},
        {"limit": 1.5},
        {"limit": True},
        {"limit": -1},
        {"limit": 2**31},
        {"limit": "1e" + "9" * 30},
        {"limit": " 1"},
        {"poolId": "AAAA"},
        {"pool": NOBODY},
        {"cursor": 1},
        {"cursor": "nonsense"},
        {"cursor": base64.b64encode(b'{"offset":-1}').decode()},
        {"cursor": base64.b64encode(b"[" * 100_000).decode()},
    ],
)
def test_wrong_fields_are_invalid(fields: dict[str, Any]) -> None:
    assert Service().refused("ListSessions", **fields) == (400, "invalid_argument")


def test_spellings_that_the_mapping_allows() -> None:
    service = Service()
    raw = b"\xff\xfe" + bytes(14)
    pool = service.system.seed("pools", {"id": base64.b64encode(raw).decode()})
    spelt = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert "_" in spelt
    fields = {
        "provider_id": service.provider,
        "pool_id": spelt,
        "port": "8080",
        "host": "h",
        "scheme": "http",
    }
    session = service.call("CreateSession", token="a", username=None, **fields)["session"]
    assert (session["poolId"], session["port"]) == (pool, 8080)
    assert service.call("ListSessions", limit=5.0) == {"sessionIds": [session["id"]]}


# Sessions


def test_create_answers_the_object_without_secrets_and_defaults() -> None:
    service = Service()
    session = service.create("0", **ENDPOINT, password="not-a-real-password")
    raw = base64.b64decode(session["id"], validate=True)
    assert uuid.UUID(bytes=raw).version == 7
    assert session == {
        "id": session["id"],
        "workspaceId": service.system.workspace_id,
        **service.parents(),
        "token": "0",
        **ENDPOINT,
        "enabled": True,
        "version": "1",
        "createdAt": session["createdAt"],
        "updatedAt": session["createdAt"],
    }
    assert session["createdAt"].startswith("2026-06-")
    assert session["createdAt"].endswith("Z")
    assert service.system.stored("sessions")[0]["password"] == "not-a-real-password"
    assert service.call("GetSession", sessionId=session["id"])["session"] == session
    bare = service.create("b")
    assert not {"scheme", "host", "port", "username", "password"} & set(bare)


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"token": ""},
        {"token": None},
        {"host": "203.0.113.9"},
        {**ENDPOINT, "port": 65536},
        {**ENDPOINT, "port": -1},
        {**ENDPOINT, "scheme": "gopher"},
    ],
)
def test_create_refuses(fields: dict[str, Any]) -> None:
    service = Service()
    refused = service.refused("CreateSession", **{**service.parents(), "token": "a", **fields})
    assert refused == (400, "invalid_argument")
    assert service.system.stored("sessions") == []


def test_create_needs_living_parents() -> None:
    service = Service()
    assert service.refused("CreateSession", **{**service.parents(), "poolId": NOBODY}, token="a")[1] == "not_found"
    service.system.edit("providers", service.provider, {"enabled": False})
    assert service.refused("CreateSession", **service.parents(), token="a") == (400, "failed_precondition")
    service.system.remove("providers", service.provider)
    assert service.refused("CreateSession", **service.parents(), token="a") == (404, "not_found")


@pytest.mark.parametrize(("code", "status"), [("already_exists", 409), ("failed_precondition", 400)])
def test_a_duplicate_token_is_refused(code: str, status: int) -> None:
    service = Service(duplicate_code=code)
    service.create("a")
    assert service.refused("CreateSession", **service.parents(), token="a") == (status, code)
    other = service.system.seed("pools", {})
    service.call("CreateSession", poolId=other, providerId=service.provider, token="a")


def test_the_token_of_a_deleted_session_stays_taken_unless_reuse_is_on() -> None:
    service = Service()
    service.call("DeleteSession", sessionId=service.create("a")["id"])
    assert service.refused("CreateSession", **service.parents(), token="a") == (409, "already_exists")
    assert service.call("BulkCreateSessions", **service.parents(), sessions=[{"token": "a"}]) == {}
    service = Service(token_reuse=True)
    service.call("DeleteSession", sessionId=service.create("a")["id"])
    service.create("a")
    assert service.refused("CreateSession", **service.parents(), token="a") == (409, "already_exists")


def test_update_changes_what_is_supplied_and_counts_versions() -> None:
    service = Service()
    before = service.create("a", **ENDPOINT, password="not-a-real-password")
    fields = {"port": 9090, "enabled": False, "password": "not-real-either"}
    after = service.call("UpdateSession", sessionId=before["id"], **fields)["session"]
    expected = {**before, "port": 9090, "version": "2", "updatedAt": after["updatedAt"]}
    del expected["enabled"]  # false is the default, hence left out
    assert after == expected
    assert after["updatedAt"] > before["updatedAt"]
    assert service.system.stored("sessions")[0]["password"] == "not-real-either"


def test_zero_values_and_null_do_not_clear() -> None:
    service = Service()
    before = service.create("a", **ENDPOINT, password="not-a-real-password")
    zero = {"port": 0, "host": "", "username": "", "password": "", "enabled": None}
    after = service.call("UpdateSession", sessionId=before["id"], **zero)["session"]
    assert after == {**before, "version": "2", "updatedAt": after["updatedAt"]}
    assert service.system.stored("sessions")[0]["password"] == "not-a-real-password"


@pytest.mark.parametrize("name", ["scheme", "token", "poolId", "providerId", "version", "id"])
def test_update_refuses_what_cannot_change(name: str) -> None:
    service = Service()
    session = service.create("a")
    assert service.refused("UpdateSession", sessionId=session["id"], **{name: NOBODY}) == (
        400,
        "invalid_argument",
    )


def test_an_unknown_session_is_not_found_with_a_code() -> None:
    for method in ("GetSession", "UpdateSession", "DeleteSession"):
        assert Service().refused(method, sessionId=NOBODY) == (404, "not_found")


def test_deletion_is_soft() -> None:
    service = Service()
    kept, gone = service.create("a"), service.create("b")
    assert service.call("DeleteSession", sessionId=gone["id"]) == {}
    assert service.call("ListSessions") == {"sessionIds": [kept["id"]]}
    for method in ("GetSession", "UpdateSession", "DeleteSession"):
        assert service.refused(method, sessionId=gone["id"]) == (404, "not_found")
    assert [row["id"] for row in service.system.stored("sessions")] == [kept["id"]]
    assert len(service.system.stored("sessions", deleted=True)) == 2


def test_bulk_creates_what_is_missing_in_one_transaction() -> None:
    service = Service()
    old = service.create("a", **ENDPOINT)
    sessions = [{"token": "a", "scheme": "http", "host": "other", "port": 1}, {"token": "b"}, {"token": "b"}]
    created = service.call("BulkCreateSessions", **service.parents(), sessions=sessions)["sessions"]
    assert [session["token"] for session in created] == ["b"]
    assert service.call("GetSession", sessionId=old["id"])["session"] == old
    assert service.call("BulkCreateSessions", **service.parents(), sessions=sessions) == {}
    bad = [{"token": "c"}, {"token": "d", "port": 1}]
    assert service.refused("BulkCreateSessions", **service.parents(), sessions=bad) == (
        400,
        "invalid_argument",
    )
    wrongs: tuple[Any, ...] = ([], {}, ["c"], [{"token": "c", "enabled": True}], [{}])
    for wrong in wrongs:
        assert service.refused("BulkCreateSessions", **service.parents(), sessions=wrong)[0] == 400
    assert [row["token"] for row in service.system.stored("sessions")] == ["a", "b"]


# Lists


def test_lists_give_ids_in_pages_with_offset_cursors() -> None:
    service = Service(page_size=2)
    ids = [service.create(token)["id"] for token in "abcde"]
    seen: list[str] = []
    cursor = ""
    for length in (2, 2, 1):
        page = service.call("ListSessions", cursor=cursor, limit=100)
        assert len(page["sessionIds"]) == length
        seen += page["sessionIds"]
        cursor = page.get("nextCursor", "")
        assert set(page) == ({"sessionIds", "nextCursor"} if cursor else {"sessionIds"})
    assert (seen, cursor) == (ids[::-1], "")
    first = service.call("ListSessions")
    assert json.loads(base64.b64decode(first["nextCursor"])) == {"offset": 2}
    service.create("f")
    assert service.call("ListSessions", cursor=first["nextCursor"])["sessionIds"][0] == first["sessionIds"][-1]
    beyond = base64.b64encode(b'{"offset":99}').decode()
    assert service.call("ListSessions", cursor=beyond) == {}


def test_the_default_page_holds_fifty() -> None:
    service = Service()
    service.system.discover(service.provider, 51)
    assert len(service.call("ListSessions")["sessionIds"]) == 50
    assert len(service.call("ListSessions", limit=3)["sessionIds"]) == 3


def test_the_list_of_one_pool() -> None:
    service = Service()
    other = service.system.seed("pools", {})
    service.create("a")
    session = service.call("CreateSession", poolId=other, providerId=service.provider, token="a")["session"]
    assert service.call("ListSessions", poolId=other) == {"sessionIds": [session["id"]]}
    assert service.call("ListSessions", poolId=NOBODY) == {}
    assert len(service.call("ListSessions", poolId="")["sessionIds"]) == 2


# Providers


def test_providers_are_read_without_credentials() -> None:
    service = Service()
    provider = service.call("GetProvider", providerId=service.provider)["provider"]
    assert provider == {
        "id": service.provider,
        "workspaceId": service.system.workspace_id,
        "type": "PROVIDER_TYPE_WEBSHARE_RESIDENTIAL",
        "targetPoolId": service.pool,
        "capabilities": {"enumerable": True},
        "enabled": True,
        "version": "1",
        "createdAt": provider["createdAt"],
        "updatedAt": provider["createdAt"],
    }
    state = {"bandwidthLimitBytes": 1099511627776, "bandwidthUsedBytes": 0, "plan": "", "geoCount": 3}
    second = service.system.seed("providers", {"type": "PROVIDER_TYPE_PROXYLINE", "state": state})
    shown = service.call("GetProvider", providerId=second)["provider"]
    assert shown["state"] == {"bandwidthLimitBytes": "1099511627776", "geoCount": 3}
    assert shown["stateRefreshedAt"].endswith("Z")
    assert service.call("ListProviders", limit=1)["providerIds"] == [second]
    assert service.refused("GetProvider", providerId=NOBODY) == (404, "not_found")


# Behind the back


def test_enumerable_providers_add_sessions_on_their_own() -> None:
    service = Service()
    ids = service.system.discover(service.provider, 2)
    assert service.call("ListSessions", poolId=service.pool)["sessionIds"] == ids[::-1]
    service.system.edit("providers", service.provider, {"capabilities": {}})
    with pytest.raises(ValueError, match="enumerable"):
        service.system.discover(service.provider, 1)


def test_somebody_else_edits_and_removes() -> None:
    service = Service()
    session = service.create("a", **ENDPOINT)
    assert service.system.edit("sessions", session["id"], {"host": "elsewhere", "token": "z"}) == [session["id"]]
    read = service.call("GetSession", sessionId=session["id"])["session"]
    assert (read["host"], read["version"]) == ("elsewhere", "2")
    service.create("a")
    assert service.refused("CreateSession", **service.parents(), token="z") == (409, "already_exists")
    service.system.stored("sessions")[0]["host"] = "only a copy"
    assert service.system.remove("sessions", lambda row: row["host"] == "elsewhere") == [session["id"]]
    with pytest.raises(KeyError):
        service.system.edit("sessions", session["id"], {})
    assert service.refused("GetSession", sessionId=session["id"]) == (404, "not_found")


def test_ids_are_the_same_in_every_run_and_may_be_written_as_uuids() -> None:
    assert Service().create("a") == Service().create("a")
    text = "018f8c21-2121-7c8c-8ddd-3d3d3d3d3d3d"
    assert Service().system.seed("pools", {"id": text}) == base64.b64encode(uuid.UUID(text).bytes).decode()
    assert KEY not in repr(Service().system)


def test_timestamps_have_as_many_digits_as_they_need() -> None:
    for seconds, text in ((0.0, "00Z"), (0.25, "00.250Z"), (0.000001, "00.000001Z")):
        system = Goldmine(api_key=KEY, clock=lambda seconds=seconds: seconds)  # type: ignore[misc]
        system.seed("pools", {})
        assert system.stored("pools")[0]["createdAt"] == f"1970-01-01T00:00:{text}"
