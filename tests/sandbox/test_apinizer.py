"""The emulated Apinizer manager: envelopes by edition, silent no-ops, read paths, saving and deploying."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any, Literal

import pytest

from reconciler.sandbox.apinizer import Apinizer
from reconciler.sandbox.http import SandboxRequest, SandboxResponse

TOKEN = "fake-token-not-real"
PROXIES = "/apiops/projects/shop/apiProxies/"
CHAT = PROXIES + "chat/"
SETTINGS = CHAT + "settings/websocket/"
STATUS = CHAT + "environments/prod/deploy-status/"
Edition = Literal["flat", "wrapped"]


def manager(**options: Any) -> Apinizer:
    system = Apinizer(token=TOKEN, clock=lambda: 1_787_000_000.0, **options)
    system.seed("projects", {"name": "shop"})
    system.seed("environments", {"name": "prod"})
    system.seed("environments", {"name": "broken", "failing": True})
    system.seed("apiProxies", {"project": "shop", "name": "chat", "relativePathList": ["/chat"]})
    system.seed("apiProxies", {"project": "shop", "name": "assistant", "type": "AI"})
    system.seed("apiProxies", {"project": "shop", "name": "Orders", "type": "REST"})
    return system


def call(system: Apinizer, method: str, path: str, body: Any = None, **headers: str) -> SandboxResponse:
    path, _, query = path.partition("?")
    pairs = tuple((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")) if name)
    sent = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json", **headers}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return system.handle(SandboxRequest(method=method, path=path, query=pairs, headers=sent, body=raw))


def answer(system: Apinizer, method: str, path: str, body: Any = None) -> Any:
    response = call(system, method, path, body)
    assert response.status == 200, response.body
    return json.loads(response.body)


def settings(system: Apinizer) -> Any:
    [proxy] = [row for row in system.stored("apiProxies") if row["name"] == "chat"]
    return proxy["websocketSettings"]


def wrapped(**fields: Any) -> dict[str, Any]:
    return {"websocketSettings": fields}


# Lists and reads


def test_lists_have_one_page_in_name_order() -> None:
    system = manager()
    assert answer(system, "GET", "/apiops/projects/")["resultList"] == [{"name": "shop", "description": ""}]
    assert [row["name"] for row in answer(system, "GET", "/apiops/environments/")["resultList"]] == [
        "prod",
        "broken",
    ]
    listed = answer(system, "GET", PROXIES)
    assert (listed["status"], listed["resultCount"]) == ("SUCCESS", 3)
    assert [(row["name"], row["type"], row["relativePath"]) for row in listed["resultList"]] == [
        ("Orders", "REST", None),
        ("assistant", "AI", None),
        ("chat", "WEBSOCKET", "/chat"),
    ]


def test_environments_of_a_project_have_another_path_in_each_edition() -> None:
    newer, older = "/apiops/projects/shop/environments/", "/apiops/environments/shop"
    assert answer(manager(), "GET", newer)["resultCount"] == 2
    assert answer(manager(edition="flat"), "GET", older)["resultCount"] == 2
    assert call(manager(), "GET", older).status == 404
    assert call(manager(edition="flat"), "GET", newer).status == 404


@pytest.mark.parametrize("edition", ["flat", "wrapped"])
def test_the_plain_get_never_holds_settings(edition: Edition) -> None:
    system = manager(edition=edition)
    system.edit("apiProxies", "chat", {"websocketSettings": {"connectTimeout": 7, "maxRetries": 2}})
    document = answer(system, "GET", CHAT)
    if edition == "wrapped":
        assert (document["success"], document["resultCount"]) == (True, 1)
        [document] = document["resultList"]
    assert (document["name"], document["apiType"]) == ("chat", "WEBSOCKET")
    assert set(document["routing"]) == {"routingEnabled", "routingAddressList"}
    assert "policyList" not in document


def test_policies_come_without_content_when_asked_for() -> None:
    system = manager()
    policy = {"type": "policy-ip", "name": "ip", "description": "", "active": True, "list": ["192.0.2.1"]}
    system.edit("apiProxies", "chat", {"policies": [policy]})
    [document] = answer(system, "GET", CHAT + "?withPolicies=true")["resultList"]
    assert document["policyList"] == [{"type": "policy-ip", "name": "ip", "description": "", "active": True}]
    assert call(system, "GET", CHAT + "?withPolicies=maybe").status == 400


def exported(system: Apinizer, query: str = "") -> dict[str, bytes]:
    response = call(system, "GET", CHAT + "export/" + query)
    assert response.status == 200
    assert response.headers["content-type"] == "application/octet-stream"
    with zipfile.ZipFile(io.BytesIO(response.body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_full_and_export_hold_only_the_fields_that_were_set() -> None:
    system = manager()
    answer(system, "PATCH", SETTINGS, wrapped(connectTimeout=7, autoReconnect=False))
    expected = {"connectTimeout": 7, "autoReconnect": False}
    [document] = answer(system, "GET", CHAT + "full")["resultList"]
    assert document["routing"]["webSocketRoutingSettings"] == expected
    assert "connectionSettings" in document["routing"]
    files = exported(system)
    assert list(files) == ["chat.json"]
    assert json.loads(files["chat.json"])["routing"]["webSocketRoutingSettings"] == expected


def test_export_only_servers_leave_the_block_out_of_full() -> None:
    system = manager(readable="export")
    answer(system, "PATCH", SETTINGS, wrapped(connectTimeout=7))
    [document] = answer(system, "GET", CHAT + "full")["resultList"]
    assert "webSocketRoutingSettings" not in document["routing"]
    assert b"webSocketRoutingSettings" in exported(system)["chat.json"]


def test_unreadable_servers_refuse_the_export_for_lack_of_the_right() -> None:
    newer, older = manager(readable="none"), manager(readable="none", edition="flat")
    [document] = answer(newer, "GET", CHAT + "full")["resultList"]
    assert "webSocketRoutingSettings" not in document["routing"]
    refused = call(newer, "GET", CHAT + "export/")
    assert refused.status == 400
    assert "does not have required permission" in json.loads(refused.body)["resultMessage"]
    refused = call(older, "GET", CHAT + "export/")
    assert (refused.status, json.loads(refused.body)["error"]) == (403, "access_denied")


def test_export_options() -> None:
    system = manager()
    assert sorted(exported(system, "?withDependencies=true")) == ["chat.json", "dependencies.json"]
    assert b"chat" not in exported(system, "?encrypt=true")["chat.json"]


def test_a_block_that_was_never_touched_is_absent() -> None:
    system = manager()
    system.seed("apiProxies", {"project": "shop", "name": "fresh", "websocketSettings": None})
    path = PROXIES + "fresh/"
    [document] = answer(system, "GET", path + "full")["resultList"]
    assert "webSocketRoutingSettings" not in document["routing"]
    answer(system, "PATCH", path + "settings/websocket/", wrapped(maxRetries=0))
    [document] = answer(system, "GET", path + "full")["resultList"]
    assert document["routing"]["webSocketRoutingSettings"] == {"maxRetries": 0}


# The settings call


@pytest.mark.parametrize("edition", ["flat", "wrapped"])
def test_the_patch_is_partial_and_never_echoes(edition: Edition) -> None:
    system = manager(edition=edition)
    for fields in ({"connectTimeout": 7, "reuseAddr": True}, {"connectTimeout": 9}, {"reuseAddr": None}):
        body = fields if edition == "flat" else wrapped(**fields)
        assert answer(system, "PATCH", SETTINGS, body) == {"success": True}
    assert settings(system) == {"connectTimeout": 9, "reuseAddr": True}


@pytest.mark.parametrize(
    ("edition", "body"),
    [
        ("wrapped", {"connectTimeout": 7}),
        ("flat", wrapped(connectTimeout=7)),
        ("wrapped", wrapped(conectTimeout=7)),
        ("wrapped", {"websocketSettings": None}),
        ("flat", {"deploy": True, "deployTargetEnvironmentNameList": ["prod"]}),
        ("flat", {}),
    ],
    ids=["flat to wrapped", "wrapped to flat", "misspelt", "null", "deploy to flat", "empty"],
)
def test_what_is_not_recognised_succeeds_and_does_nothing(edition: Edition, body: Any) -> None:
    system = manager(edition=edition)
    before = system.stored("apiProxies")
    assert answer(system, "PATCH", SETTINGS, body) == {"success": True}
    assert system.stored("apiProxies") == before


@pytest.mark.parametrize("fields", [{"connectTimeout": "7"}, {"maxRetries": 1.5}, {"reuseAddr": 1}, {"retryDelay": -1}])
def test_wrong_types_are_refused_and_nothing_is_saved(fields: dict[str, Any]) -> None:
    system = manager()
    refused = call(system, "PATCH", SETTINGS, wrapped(connectionLostTimeout=5, **fields))
    assert (refused.status, json.loads(refused.body)["status"]) == (400, "FAILURE")
    older = manager(edition="flat")
    refused = call(older, "PATCH", SETTINGS, fields)
    assert (refused.status, json.loads(refused.body)["error"]) == (400, "validation_failed")
    assert json.loads(refused.body)["validation_errors"][0]["field"] in fields
    assert settings(system) == settings(older) == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"\\ud800"', b"\xff", b"[" * 100_000])
def test_unreadable_bodies_are_refused(body: bytes) -> None:
    assert call(manager(), "PATCH", SETTINGS, body).status == 400


def test_other_content_types_are_refused() -> None:
    refused = call(manager(), "PATCH", SETTINGS, wrapped(), **{"content-type": "text/plain"})
    assert refused.status == 400


def test_other_proxy_types_are_refused_but_ai_is_a_silent_success_in_older_editions() -> None:
    text = "API Proxy type is not WEBSOCKET"
    refused = call(manager(), "PATCH", PROXIES + "Orders/settings/websocket/", wrapped(maxRetries=1))
    assert (refused.status, json.loads(refused.body)) == (400, {"status": "FAILURE", "resultMessage": text})
    older = manager(edition="flat")
    refused = call(older, "PATCH", PROXIES + "Orders/settings/websocket/", {"maxRetries": 1})
    assert json.loads(refused.body) == {"error": "bad_request", "error_description": text}
    ai = PROXIES + "assistant/settings/websocket/"
    assert call(manager(), "PATCH", ai, wrapped(maxRetries=1)).status == 400
    before = older.stored("apiProxies")
    assert answer(older, "PATCH", ai, {"maxRetries": 1}) == {"success": True}
    assert older.stored("apiProxies") == before


# Refusals


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", PROXIES + "Chat/", "ApiProxy (name: Chat) was not found!"),
        ("PATCH", PROXIES + "nope/settings/websocket/", "ApiProxy (name: nope) was not found!"),
        ("GET", "/apiops/projects/nope/apiProxies/", "Project (name: nope) is not found!"),
        ("DELETE", PROXIES + "nope/", "ApiProxy (name: nope) can not be deleted because it is not exist!"),
        ("POST", CHAT + "environments/nope/", "Environment (name: nope) is not found!"),
        (
            "DELETE",
            CHAT + "environments/prod/",
            "ApiProxy (name: chat) can not be undeployed because it is not exist!",
        ),
    ],
)
def test_a_missing_object_is_a_404_in_older_and_a_400_in_newer_editions(method: str, path: str, text: str) -> None:
    older, newer = call(manager(edition="flat"), method, path), call(manager(), method, path)
    assert (older.status, json.loads(older.body)) == (404, {"error": "not_found", "error_description": text})
    assert (newer.status, json.loads(newer.body)) == (400, {"status": "FAILURE", "resultMessage": text})


def test_every_operation_needs_its_right() -> None:
    system = manager(rights=frozenset())
    for method, path in (
        ("GET", PROXIES),
        ("GET", CHAT),
        ("GET", CHAT + "full"),
        ("GET", CHAT + "export/"),
        ("DELETE", CHAT),
        ("PATCH", SETTINGS),
        ("POST", CHAT + "environments/prod/"),
        ("DELETE", CHAT + "environments/prod/"),
        ("GET", STATUS),
    ):
        refused = call(system, method, path)
        assert refused.status == 400
        assert "does not have required permission" in json.loads(refused.body)["resultMessage"]


@pytest.mark.parametrize(
    ("header", "text", "code"),
    [
        ("", "Empty Key!", "unauthorized_client"),
        ("Bearer ", "Empty Key!", "unauthorized_client"),
        ("Bearer other", "Token is not valid!", "invalid_token"),
        (TOKEN, "Token is not valid!", "invalid_token"),
        (f"Bearer {TOKEN}é", "Token is not valid!", "invalid_token"),
    ],
)
def test_a_bad_token_is_refused_before_anything_else(header: str, text: str, code: str) -> None:
    newer = call(manager(), "GET", "/apiops/nowhere", authorization=header)
    assert (newer.status, json.loads(newer.body)) == (401, {"status": "FAILURE", "resultMessage": text})
    older = call(manager(edition="flat"), "GET", PROXIES, authorization=header)
    assert (older.status, json.loads(older.body)) == (401, {"error": code, "error_description": text})


def test_an_expired_token_is_refused() -> None:
    system = manager()
    system.expire_token()
    refused = call(system, "GET", PROXIES)
    assert (refused.status, json.loads(refused.body)["resultMessage"]) == (401, "Token was expired!")
    assert TOKEN not in repr(system)


@pytest.mark.parametrize(
    "path",
    [
        SETTINGS[:-1],
        PROXIES[:-1],
        CHAT[:-1],
        CHAT + "export",
        CHAT + "full/",
        "/apiops/apiproxies/",
        "/projects/",
        PROXIES + "/full",
        PROXIES + "url/x/",
    ],
)
def test_the_trailing_slash_matters(path: str) -> None:
    assert call(manager(), "GET", path) == SandboxResponse(status=404)


def test_settings_have_no_get_and_proxies_no_create() -> None:
    system = manager()
    refused = call(system, "GET", SETTINGS)
    assert (refused.status, refused.headers["allow"]) == (405, "PATCH")
    assert call(system, "POST", PROXIES, {"apiProxyName": "new"}).status == 405


def test_names_are_decoded_once() -> None:
    system = manager()
    for name in ("live chat", "a/b", "50%25", "a+b"):
        system.seed("apiProxies", {"project": "shop", "name": name})
    for segment, name in (
        ("live%20chat", "live chat"),
        ("a%2Fb", "a/b"),
        ("50%2525", "50%25"),
        ("a+b", "a+b"),
    ):
        [document] = answer(system, "GET", f"{PROXIES}{segment}/")["resultList"]
        assert document["name"] == name
    assert call(system, "GET", PROXIES + "live+chat/").status == 400


# Deployment


def test_saving_is_not_deploying() -> None:
    system = manager()
    assert answer(system, "GET", STATUS) == {
        "deployed": False,
        "lastDeployTime": None,
        "revision": None,
        "redeployRequired": False,
    }
    deployed = answer(system, "POST", CHAT + "environments/prod/", {"description": "first"})
    assert (deployed["success"], deployed["deploymentResult"]["success"]) == (True, True)
    assert answer(system, "GET", STATUS)["redeployRequired"] is False
    answer(system, "PATCH", SETTINGS, wrapped(maxRetries=4))
    assert answer(system, "GET", STATUS) == {
        "deployed": True,
        "lastDeployTime": "2026-08-17T20:53:20.000Z",
        "revision": 1,
        "redeployRequired": True,
    }
    assert system.stored("apiProxies")[0]["deployments"]["prod"]["websocketSettings"] == {}
    answer(system, "POST", CHAT + "environments/prod/")
    assert answer(system, "GET", STATUS)["revision"] == 2
    assert system.stored("apiProxies")[0]["deployments"]["prod"]["websocketSettings"] == {"maxRetries": 4}
    answer(system, "DELETE", CHAT + "environments/prod/")
    assert answer(system, "GET", STATUS)["deployed"] is False


def test_the_status_call_is_unknown_to_older_editions_which_list_deployments_in_the_proxy() -> None:
    system = manager(edition="flat")
    assert call(system, "GET", STATUS).status == 404
    answer(system, "POST", CHAT + "environments/prod/")
    system.edit("apiProxies", "chat", {"description": "edited in the console"})
    [deployed] = answer(system, "GET", CHAT)["deploymentList"]
    assert (deployed["environmentName"], deployed["redeployRequired"]) == ("prod", True)


def test_a_failed_deployment_is_a_success_with_a_failure_inside() -> None:
    system = manager()
    deployed = answer(system, "POST", CHAT + "environments/broken/")
    assert (deployed["success"], deployed["deploymentResult"]["success"]) == (True, False)
    assert answer(system, "GET", STATUS.replace("prod", "broken"))["deployed"] is False
    body = {
        **wrapped(maxRetries=4),
        "deploy": True,
        "deployTargetEnvironmentNameList": ["prod", "broken"],
    }
    patched = answer(system, "PATCH", SETTINGS, body)
    assert (patched["success"], patched["deploymentResult"]["success"]) == (True, False)
    assert [(row["environmentName"], row["success"]) for row in patched["deploymentResult"]["deploymentResults"]] == [
        ("prod", True),
        ("broken", False),
    ]
    assert settings(system) == {"maxRetries": 4}
    assert answer(system, "GET", STATUS)["redeployRequired"] is False


@pytest.mark.parametrize(
    "target",
    [{}, {"deployTargetEnvironmentNameList": []}, {"deployTargetEnvironmentNameList": ["prod", "nope"]}],
)
def test_deploy_targets_are_checked_before_anything_is_saved(target: dict[str, Any]) -> None:
    system = manager()
    before = system.stored("apiProxies")
    refused = call(system, "PATCH", SETTINGS, {**wrapped(maxRetries=4), "deploy": True, **target})
    assert refused.status == 400
    assert system.stored("apiProxies") == before


def test_delete_is_final_and_survives_failing_environments() -> None:
    system = manager()
    answer(system, "POST", CHAT + "environments/prod/")
    system.edit("environments", "prod", {"failing": True})
    undeployed = answer(system, "DELETE", CHAT + "environments/prod/")
    assert undeployed["deploymentResult"]["success"] is False
    deleted = answer(system, "DELETE", CHAT)
    assert deleted["deploymentResult"]["success"] is False
    assert [row["success"] for row in deleted["deploymentResult"]["environmentResults"]] == [False]
    assert call(system, "GET", CHAT).status == 400


# Behind the back


def test_the_back_door_hands_out_copies_and_edits_by_name_or_predicate() -> None:
    system = manager()
    system.seed("apiProxies", {"project": "shop", "name": "feed", "deployedTo": ["prod"]})
    system.stored("apiProxies")[0]["websocketSettings"]["maxRetries"] = 9
    assert settings(system) == {}
    [edited] = system.edit("apiProxies", lambda row: bool(row["deployments"]), {"name": "news"})
    [document] = answer(system, "GET", PROXIES + "news/")["resultList"]
    assert document["deploymentList"][0]["redeployRequired"] is True
    assert system.remove("apiProxies", "news") == [edited]
    with pytest.raises(KeyError):
        system.remove("apiProxies", "news")
    assert call(system, "GET", PROXIES + "news/").status == 400
    with pytest.raises(ValueError, match="already has 'chat'"):
        system.seed("apiProxies", {"project": "shop", "name": "chat"})
