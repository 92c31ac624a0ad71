"""Galtea's documented behaviour, quirk by quirk."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from galtea_calls import KEY, Api, message

from reconciler.sandbox.in_process import in_process_transport
from reconciler.sandbox.server import SandboxServer

MASK = "••••••••"
UNKNOWN = "endpointConnection_c00000000000000000000000"


@pytest.fixture
def api() -> Api:
    return Api()


# --------------------------------------------------------------------------- door


@pytest.mark.parametrize("header", ["", "Basic eA==", "Bearer ", "Bearer gsk_other", f"Token {KEY}"])
def test_bad_keys_are_401_with_json(api: Api, header: str) -> None:
    answer = api.ask("GET", "/products", authorization=header)
    assert answer.status == 401
    assert message(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "//products"),
        ("GET", "/products/"),
        ("PUT", f"/endpointConnections/{UNKNOWN}"),
        ("GET", "/<script>"),
    ],
)
def test_a_route_that_does_not_exist_is_an_html_page(api: Api, method: str, path: str) -> None:
    answer = api.ask(method, path)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"<script>" not in answer.body


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("collection", ["products", "endpointConnections"])
def test_an_object_that_does_not_exist_is_json(api: Api, method: str, collection: str) -> None:
    answer = api.ask(method, f"/{collection}/{UNKNOWN}", {} if method == "PATCH" else None)
    assert answer.status == 404
    assert "not found" in message(answer)


def test_health_needs_no_key_and_whoami_names_the_organization(api: Api) -> None:
    health = api.json("GET", "/health")
    assert health.keys() == {"status", "message", "timestamp"}
    assert api.ask("GET", "/health", authorization="").status == 200
    who = api.json("GET", "/auth/user")
    assert who["organizationId"] == api.json("GET", f"/products/{api.product}")["organizationId"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_unreadable_bodies(api: Api, body: bytes) -> None:
    assert api.ask("POST", "/products", body).status == 400


def test_a_body_of_another_content_type_is_passed_by(api: Api) -> None:
    row = api.connect()
    answer = api.ask("PATCH", f"/endpointConnections/{row['id']}", {"name": "new"}, **{"content-type": "text/plain"})
    assert (answer.status, json.loads(answer.body)["name"]) == (200, "chat")


def test_too_long_a_request_line(api: Api) -> None:
    query = "&".join(f"ids[]={UNKNOWN}" for _ in range(400))
    assert api.ask("GET", f"/endpointConnections?{query}").status == 431


# --------------------------------------------------------------------------- create and read


def test_a_new_connection_has_defaults_and_shows_no_secret(api: Api) -> None:
    row = api.connect(authType="BEARER", authToken="fake-token", headers={"X-Key": "fake", "Accept": "*/*"})
    assert row["id"].startswith("endpointConnection_c")
    assert 20 <= len(row["id"].partition("_")[2]) <= 30
    assert not {"authToken", "password"} & row.keys()
    assert (row["hasAuthToken"], row["hasPassword"]) == (True, False)
    assert row["headers"] == {"X-Key": MASK, "Accept": "*/*"}
    assert "fake" not in json.dumps(row)
    defaults = {
        "username": None,
        "timeout": 15,
        "rateLimit": None,
        "retryEnabled": True,
        "retryMaxAttempts": 1,
        "retryInitialDelayMs": 1000,
        "retryBackoffStrategy": "EXPONENTIAL",
        "retryMaxDelayMs": 3000,
        "retryableStatusCodes": [429, 500, 502, 503, 504],
        "acknowledgedInsecureHttp": False,
        "conversationEndRules": [],
        "createdAt": "2026-09-21T14:13:21.000Z",
        "deletedAt": None,
    }
    assert {name: row[name] for name in defaults} == defaults
    assert api.json("GET", f"/endpointConnections/{row['id']}") == row
    assert api.json("GET", "/endpointConnections") == [row]
    assert api.stored(row["id"])["authToken"] == "fake-token"


RULE = {"statusCode": 200, "bodyMatch": {"path": "$.done", "equals": True}}


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ...} for name in ("productId", "name", "type", "url", "httpMethod", "authType")),
        {"inputTemplate": ...},
        {"outputMapping": ...},
        {"name": " "},
        {"name": 5},
        {"url": "bot.example.com"},
        {"url": "ftp://bot.example.com"},
        {"url": "https://bot.example.com:port/"},
        {"url": "http://bot.example.com/"},
        {"httpMethod": "HEAD"},
        {"type": "OTHER"},
        {"authType": "DIGEST"},
        {"authType": "BEARER"},
        {"authType": "BEARER", "authToken": ""},
        {"authType": "API_KEY", "authToken": None},
        {"authType": "BASIC", "username": "u"},
        {"authType": "BASIC", "password": "fake"},
        {"inputTemplate": None},
        {"inputTemplate": "{{ question }}"},
        {"outputMapping": {"session_id": "$.s"}},
        {"outputMapping": None},
        {"outputMapping": {"output": 1}},
        {"type": "INITIALIZATION"},
        {"headers": {"X-Key": MASK}},
        {"headers": {"X": 1}},
        {"inputSchema": {"type": "array"}},
        {"inputSchema": None},
        {"timeout": 0},
        {"timeout": 121},
        {"timeout": 1.5},
        {"timeout": True},
        {"rateLimit": 0},
        {"retryEnabled": None},
        {"retryEnabled": "true"},
        {"retryMaxAttempts": 11},
        {"retryMaxAttempts": 0},
        {"retryInitialDelayMs": -1},
        {"retryMaxDelayMs": 60_001},
        {"retryBackoffStrategy": "RANDOM"},
        {"retryableStatusCodes": [99]},
        {"retryableStatusCodes": None},
        {"conversationEndRules": [{"statusCode": 200}]},
        {"conversationEndRules": [RULE] * 21},
        {"conversationEndRules": [{**RULE, "bodyMatch": {"path": "done", "equals": 1}}]},
        {"conversationEndRules": [{**RULE, "bodyMatch": {"path": "$[?(@.a)]", "equals": 1}}]},
        {"type": "FINALIZATION", "conversationEndRules": [RULE]},
        {"id": "x"},
        {"hasAuthToken": True},
        {"deletedAt": None},
        {"unknown": 1},
        {"url": "https://{{ host }}/", "authType": "BEARER", "authToken": "fake"},
        {"url": "https://{{ host }}/", "headers": {"X-Key": "fake"}},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_invalid_connections(api: Api, changes: dict[str, Any]) -> None:
    answer = api.ask("POST", "/endpointConnections", api.fields(**changes))
    assert answer.status == 400
    assert "fake" not in message(answer)
    assert api.system.stored("endpointConnections") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://bot.example.com/", "acknowledgedInsecureHttp": True},
        {"url": "https://bot.example.com/{{ session_id }}"},
        {"url": "https://{{ host }}/", "headers": {"Accept": "a", "X": "{{ api_key }}"}},
        {"inputTemplate": "{{input}}"},
        {"type": "FINALIZATION", "inputTemplate": None, "outputMapping": {}},
        {"type": "INITIALIZATION", "inputTemplate": None, "outputMapping": {"session_id": "$.s"}},
        {"authType": "OAUTH2"},
        {"retryEnabled": False, "retryMaxAttempts": 0},
        {"timeout": None, "rateLimit": None, "retryMaxAttempts": None, "retryBackoffStrategy": None},
        {"conversationEndRules": [RULE, {"statusCode": 410}]},
        {"inputSchema": {"type": "object", "properties": {}}},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_valid_connections(api: Api, changes: dict[str, Any]) -> None:
    row = api.connect(**changes)
    shown = {name: value for name, value in changes.items() if value is not None}
    assert {name: row[name] for name in shown} == shown


def test_a_product_that_does_not_exist(api: Api) -> None:
    assert api.ask("POST", "/endpointConnections", api.fields(productId="product_x")).status == 404
    assert api.json("GET", "/endpointConnections?productIds[]=product_x") == []


def test_a_taken_name_is_a_400_with_the_same_words(api: Api) -> None:
    first, other = api.connect(), api.connect(name="other")
    assert "with the same" in message(api.ask("POST", "/endpointConnections", api.fields()))
    assert "with the same" in message(api.ask("PATCH", f"/endpointConnections/{other['id']}", {"name": "chat"}))
    api.patch(first["id"], name="chat")  # its own name
    second = api.json("POST", "/products", {"name": "bot 2", "description": ""}, status=201)
    api.connect(productId=second["id"])
    api.patch(first["id"], name="renamed")
    api.patch(other["id"], name="chat")


def test_status_codes_come_back_as_a_sorted_set(api: Api) -> None:
    assert api.connect(retryableStatusCodes=[503, 429, 503])["retryableStatusCodes"] == [429, 503]


# --------------------------------------------------------------------------- lists


def test_lists_page_sort_and_have_no_order_of_their_own(api: Api) -> None:
    names = [api.connect(name=f"c{number:02}")["name"] for number in range(12)]

    def listed(query: str) -> list[str]:
        return [row["name"] for row in api.json("GET", f"/endpointConnections?{query}")]

    assert listed("sort[]=createdAt&sort[]=asc") == names
    assert listed("sort[]=name&sort[]=desc&limit=5&offset=10") == ["c01", "c00"]
    assert sorted(listed("")) == names
    assert listed("") not in (names, names[::-1])
    assert listed("limit=5") + listed("limit=5&offset=5") + listed("limit=5&offset=10") == listed("")


def test_filters(api: Api) -> None:
    chat, chatter = api.connect(), api.connect(name="Chatter", url="https://other.example.com/")
    start = api.connect(name="start", type="INITIALIZATION", outputMapping={"session_id": "$.s"}, httpMethod="PUT")

    def listed(query: str) -> set[str]:
        return {row["name"] for row in api.json("GET", f"/endpointConnections?{query}")}

    everything = {"chat", "Chatter", "start"}
    assert listed(f"productIds[]={api.product}&productIds[]=x") == everything
    assert listed("names[]=chat&names[]=start") == {"chat", "start"}
    assert listed("names=chat") == {"chat"}
    assert listed("name=chat") == {"chat", "Chatter"}
    assert listed("url=OTHER") == {"Chatter"}
    assert listed("types[]=INITIALIZATION") == listed("httpMethods[]=PUT") == {"start"}
    assert listed("authTypes[]=NONE") == everything
    assert listed(f"fromCreatedAt={start['createdAt']}") == {"start"}
    assert listed(f"toCreatedAt={chat['createdAt']}") == {"chat"}
    assert listed(f"ids[]={chat['id']}&ids[]={chatter['id']}") == {"chat", "Chatter"}


@pytest.mark.parametrize(
    "query",
    [
        "productId=x",
        "unknown[]=1",
        "limit=x",
        "limit=0",
        "offset=-1",
        "sort[]=name",
        "sort[]=name&sort[]=up",
        "sort[]=url&sort[]=asc",
        "authTypes[]=OAUTH2",
        "types=chat",
        "fromCreatedAt=today",
    ],
)
def test_unknown_filters_and_values_are_refused(api: Api, query: str) -> None:
    api.connect()
    assert api.ask("GET", f"/endpointConnections?{query}").status == 400


def test_unknown_filters_are_refused_with_the_list_of_known_ones(api: Api) -> None:
    assert "productIds" in message(api.ask("GET", "/endpointConnections?productId=x"))


def test_ids_are_strict(api: Api) -> None:
    row = api.connect()
    for query in (f"ids[]={row['id']}&ids[]={UNKNOWN}", f"ids[]={row['id']}&names[]=other"):
        answer = api.ask("GET", f"/endpointConnections?{query}")
        assert (answer.status, answer.headers["content-type"]) == (404, "application/json")


# --------------------------------------------------------------------------- delete


def test_deletes_are_soft(api: Api) -> None:
    row = api.connect()
    path = f"/endpointConnections/{row['id']}"
    assert api.ask("DELETE", path).status == 204
    assert api.json("GET", "/endpointConnections") == []
    assert api.json("GET", path)["deletedAt"] is not None
    for method, body in (("DELETE", None), ("PATCH", {"timeout": 5})):
        assert api.ask(method, path, body).status == 404
    assert api.ask("GET", f"/endpointConnections?ids[]={row['id']}").status == 404
    assert api.connect()["id"] != row["id"]


def test_deleted_names_can_block() -> None:
    api = Api(deleted_names_block=True)
    api.ask("DELETE", f"/endpointConnections/{api.connect()['id']}")
    assert "with the same" in message(api.ask("POST", "/endpointConnections", api.fields()))


def test_a_batch_stops_half_way(api: Api) -> None:
    first, second = api.connect(name="a")["id"], api.connect(name="b")["id"]
    assert api.ask("DELETE", "/endpointConnections/batch", {"ids": [first, UNKNOWN, second]}).status == 404
    assert [row["id"] for row in api.json("GET", "/endpointConnections")] == [second]
    assert api.ask("DELETE", "/endpointConnections/batch", {"ids": [second]}).status == 204
    assert api.ask("DELETE", "/endpointConnections/batch", {}).status == 400


# --------------------------------------------------------------------------- patch


def test_a_patch_changes_what_it_states_and_replaces_containers_whole(api: Api) -> None:
    row = api.connect(headers={"Accept": "a", "X": "{{ api_key }}"}, outputMapping={"output": "$", "a": "$.a"})
    changed = api.patch(
        row["id"], timeout=None, headers={"Accept": "b"}, outputMapping={"output": "$.b"}, retryMaxDelayMs=5
    )
    stated = {"timeout", "headers", "outputMapping", "retryMaxDelayMs"}
    assert {name: changed[name] for name in stated} == {
        "timeout": None,
        "headers": {"Accept": "b"},
        "outputMapping": {"output": "$.b"},
        "retryMaxDelayMs": 5,
    }
    assert {n: v for n, v in changed.items() if n not in stated} == {n: v for n, v in row.items() if n not in stated}
    assert api.patch(row["id"], headers=None)["headers"] == {}
    assert api.patch(row["id"]) == api.json("GET", f"/endpointConnections/{row['id']}")


@pytest.mark.parametrize(
    "changes",
    [
        {"productId": "product_x"},
        {"type": "CONVERSATION"},
        {"id": "x"},
        {"userId": "x"},
        {"hasPassword": False},
        {"createdAt": "2026-01-01T00:00:00Z"},
        {"unknown": 1},
        {"name": None},
        {"url": "http://bot.example.com/v1/chat"},
        {"retryMaxAttempts": 0},
        {"outputMapping": {}},
        {"inputTemplate": None},
        {"authType": "BASIC", "username": "u"},
    ],
    ids=str,
)
def test_a_patch_is_checked_on_the_merged_row_and_changes_nothing_when_refused(
    api: Api, changes: dict[str, Any]
) -> None:
    row = api.connect()
    before = api.stored(row["id"])
    api.patch(row["id"], status=400, timeout=7, **changes)
    assert api.stored(row["id"]) == before


def test_coupled_fields_pass_together(api: Api) -> None:
    row = api.connect()
    api.patch(row["id"], retryEnabled=False, retryMaxAttempts=0)
    api.patch(row["id"], retryEnabled=True, status=400)
    api.patch(row["id"], url="http://bot.example.com/", acknowledgedInsecureHttp=True)
    api.patch(row["id"], acknowledgedInsecureHttp=False, status=400)


@pytest.mark.parametrize("blank", [None, ""])
def test_null_and_blank_keep_a_secret(api: Api, blank: str | None) -> None:
    row = api.connect(authType="BASIC", username="u", password="fake-1")
    assert api.patch(row["id"], password=blank, authToken=blank)["hasPassword"] is True
    assert api.stored(row["id"])["password"] == "fake-1"
    api.patch(row["id"], password="fake-2")
    assert api.stored(row["id"])["password"] == "fake-2"
    assert api.patch(row["id"], username="")["username"] == ""


def test_a_mask_keeps_the_stored_value_of_its_name_only(api: Api) -> None:
    row = api.connect(headers={"X-Key": "fake-1", "X-Other": "fake-2", "X-User": "{{ username }}", "X-B": "b {{ a }}"})
    assert row["headers"] == {"X-Key": MASK, "X-Other": MASK, "X-User": "{{ username }}", "X-B": MASK}
    changed = api.patch(row["id"], headers={"X-Key": MASK, "X-Other": "fake-3", "content-type": "text/plain"})
    assert changed["headers"] == {"X-Key": MASK, "X-Other": MASK, "content-type": "text/plain"}
    assert api.stored(row["id"])["headers"] == {
        "X-Key": "fake-1",
        "X-Other": "fake-3",
        "content-type": "text/plain",
    }
    api.patch(row["id"], headers={"X-New": MASK}, status=400)


@pytest.mark.parametrize(
    ("before", "after", "credentials"),
    [
        pytest.param("BASIC", {"authType": "BEARER", "authToken": "fake-2"}, ("fake-2", None, None), id="bearer"),
        pytest.param("BEARER", {"authType": "API_KEY"}, ("fake-1", None, None), id="token kept"),
        pytest.param("BASIC", {"authType": "NONE"}, (None, None, None), id="none"),
        pytest.param("BEARER", {"authType": "OAUTH2"}, (None, None, None), id="oauth2"),
        pytest.param("BASIC", {"authType": "BASIC"}, (None, "u", "fake-1"), id="same"),
    ],
)
def test_another_auth_type_clears_what_it_does_not_use(
    api: Api, before: str, after: dict[str, Any], credentials: tuple[str | None, ...]
) -> None:
    secrets = {"username": "u", "password": "fake-1"} if before == "BASIC" else {"authToken": "fake-1"}
    row = api.connect(authType=before, **secrets)
    api.patch(row["id"], **after)
    stored = api.stored(row["id"])
    assert (stored["authToken"], stored["username"], stored["password"]) == credentials


@pytest.mark.parametrize(
    ("url", "moves"),
    [
        ("https://bot.example.com/other?x=1", False),
        ("https://BOT.example.com:443/", False),
        ("https://bot.example.com:8443/v1/chat", True),
        ("https://evil.example.com/v1/chat", True),
    ],
)
def test_another_origin_demands_the_secret_anew(api: Api, url: str, moves: bool) -> None:
    row = api.connect(
        authType="BEARER",
        authToken="fake-1",
        headers={"X-Key": "fake-2", "Accept": "a", "X": "{{ api_key }}"},
    )
    answer = api.ask("PATCH", f"/endpointConnections/{row['id']}", {"url": url})
    assert answer.status == (400 if moves else 200)
    if not moves:
        assert api.stored(row["id"])["headers"]["X-Key"] == "fake-2"
        return
    assert "origin" in message(answer)
    assert api.stored(row["id"])["authToken"] == "fake-1"
    api.patch(row["id"], url=url, authToken="", status=400)
    api.patch(row["id"], url=url, authToken="fake-3", headers={"X-Key": MASK}, status=400)
    changed = api.patch(row["id"], url=url, authToken="fake-3")
    assert changed["headers"] == {"Accept": "a", "X": "{{ api_key }}"}  # the secret one is gone
    assert api.stored(row["id"])["authToken"] == "fake-3"


def test_another_origin_silently_drops_secret_headers_without_authentication(api: Api) -> None:
    row = api.connect(headers={"X-Key": "fake", "Accept": "a"})
    assert api.patch(row["id"], url="https://evil.example.com/")["headers"] == {"Accept": "a"}


def test_a_template_in_the_host_is_refused_while_there_are_secrets(api: Api) -> None:
    row = api.connect()
    api.patch(row["id"], url="https://{{ host }}.example.com/")
    api.patch(row["id"], headers={"X-Key": "fake"}, status=400)
    api.patch(row["id"], authType="BEARER", authToken="fake", status=400)


# --------------------------------------------------------------------------- answers without a body


@pytest.mark.parametrize("asked", [False, True], ids=["unasked", "preferred"])
def test_empty_answers(asked: bool) -> None:
    api = Api(empty_answers=not asked)
    prefer = {"prefer": "respond-async, return=minimal"} if asked else {}
    for collection, body, change in (
        ("products", {"name": "p", "description": ""}, {"tags": ["a"]}),
        ("endpointConnections", api.fields(), {"timeout": 5}),
    ):
        created = api.ask("POST", f"/{collection}", body, **prefer)
        assert (created.status, created.body) == (201, b"")
        location = created.headers["location"]
        assert location.startswith(f"/{collection}/")
        changed = api.ask("PATCH", location, change, **prefer)
        assert (changed.status, changed.body) == (204, b"")
        assert api.json("GET", location).items() >= change.items()


# --------------------------------------------------------------------------- testConnection


def test_trying_out_changes_nothing_but_is_counted(api: Api) -> None:
    row = api.connect(headers={"X-Key": "fake"})
    before = api.stored(row["id"])
    path = "/endpointConnections/testConnection"
    assert api.json("POST", path, {"id": row["id"], "headers": {"X-Key": MASK}, "timeout": 3})["success"] is True
    assert api.ask("POST", path, {"url": "https://a.example.com/", "headers": {"X": MASK}}).status == 400
    assert api.ask("POST", path, {"id": UNKNOWN}).status == 404
    assert (api.system.outside_calls, api.stored(row["id"])) == (1, before)


# --------------------------------------------------------------------------- products


def test_products_have_defaults_and_lower_case_tags(api: Api) -> None:
    product = api.json("POST", "/products", {"name": "p", "description": "d", "tags": [" Team A", "B "]}, status=201)
    assert product["tags"] == ["team a", "b"]
    assert (product["autoCloseScope"], product["autoCloseInactivityMinutes"]) == ("ALL", 30)
    assert product["closedSessionInferenceCreationPolicy"] == "REOPEN_AND_REEVALUATE"
    changed = api.json("PATCH", f"/products/{product['id']}", {"tags": ["C"], "policies": "none"})
    assert changed == {**product, "tags": ["c"], "policies": "none"}
    assert api.json("GET", "/products?names[]=p") == [changed]
    assert {p["name"] for p in api.json("GET", "/products?sort[]=name&sort[]=asc")} == {"bot", "p"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "p"}, 400),
        ({"description": "d"}, 400),
        ({"name": "p", "description": None}, 400),
        ({"name": "bot", "description": "d"}, 400),
        ({"name": "p", "description": "d", "unknown": 1}, 400),
        ({"name": "p", "description": "d", "autoCloseScope": "SOME"}, 400),
        ({"name": "p", "description": "d", "organizationId": "organization_other"}, 403),
        ({"name": "p", "description": "d", "organizationId": None, "userGroupIds": ["g"]}, 201),
    ],
)
def test_creating_products(api: Api, body: dict[str, Any], status: int) -> None:
    assert api.ask("POST", "/products", body).status == status


def test_a_product_in_use_cannot_go(api: Api) -> None:
    row = api.connect()
    path = f"/products/{api.product}"
    assert api.ask("DELETE", path).status == 400
    assert api.ask("PATCH", path, {"userGroupIds": []}).status == 400
    api.ask("DELETE", f"/endpointConnections/{row['id']}")
    assert api.ask("DELETE", path).status == 204
    assert api.json("GET", "/products") == []
    assert api.ask("POST", "/endpointConnections", api.fields()).status == 404


# ---------------------------------------------------------- behind the API, and over the wire


def test_behind_the_api(api: Api) -> None:
    row_id = api.system.seed("endpointConnections", {"productId": api.product, "name": "s", "authToken": "fake"})
    assert api.json("GET", f"/endpointConnections/{row_id}")["hasAuthToken"] is True
    api.system.edit("endpointConnections", row_id, {"name": "moved", "timeout": 99})
    assert "with the same" in message(api.ask("POST", "/endpointConnections", api.fields(name="moved")))
    api.connect(name="s")
    api.system.remove("endpointConnections", lambda row: row["timeout"] == 99)
    assert api.ask("GET", f"/endpointConnections/{row_id}").status == 404


def test_over_loopback_and_in_process(api: Api) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    with SandboxServer([api.system]) as sandbox, httpx.Client(base_url=sandbox.urls["galtea"]) as client:
        created = client.post("/endpointConnections", json=api.fields(), headers=headers)
        assert created.status_code == 201
    transport = in_process_transport({"https://galtea.test": api.system})
    with httpx.Client(base_url="https://galtea.test", transport=transport) as client:
        listed = client.get("/endpointConnections", params={"productIds[]": api.product}, headers=headers)
        assert listed.json() == [created.json()]
        assert client.get("/nothing").headers["content-type"].startswith("text/html")
