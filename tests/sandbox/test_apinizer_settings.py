"""The emulated manager's settings blocks: bodies by edition, partial or whole, where they can be read, refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from apinizer_calls import ORDERS, PROJECT, answer, call, exported, full, manager, refused, rows, stored

from reconciler.sandbox.apinizer import Apinizer
from reconciler.sandbox.apinizer.blocks import BLOCKS

Edition = Literal["flat", "wrapped"]
EDITIONS: tuple[Edition, ...] = ("flat", "wrapped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A block as the documentation has it: what is sent, and where the full document shows it."""

    sent: dict[str, Any]
    wrapper: str = ""
    place: str = ""
    proxy: str = "orders"
    newer_only: bool = False

    def path(self, slug: str) -> str:
        return f"{PROJECT}apiProxies/{self.proxy}/settings/{slug}/"

    def body(self, edition: Edition, sent: Any = None) -> dict[str, Any]:
        fields = self.sent if sent is None else sent
        return {self.wrapper: fields} if self.wrapper and edition == "wrapped" else fields


CASES = {
    "websocket": Case(
        sent={"connectTimeout": 10, "reuseAddr": True},
        wrapper="websocketSettings",
        place="routing.webSocketRoutingSettings",
        proxy="chat",
    ),
    "grpc": Case(
        sent={"maxInboundMessageSize": 4096, "keepAliveWithoutCalls": False},
        wrapper="grpcSettings",
        place="routing.grpcRoutingSettings",
        proxy="stream",
        newer_only=True,
    ),
    "connection": Case(
        sent={"connectTimeout": 5, "queryEncodingMode": "RFC3986", "hopByHopHeaders": ["TE"]},
        place="routing.connectionSettings",
    ),
    "cache": Case(
        sent={"name": "c", "handlingAction": "STOP", "ttl": 60, "cacheActive": True},
        wrapper="cacheSettings",
        place="cacheSettings",
    ),
    "cors": Case(
        sent={"name": "c", "corsActive": True, "allowOriginList": ["https://shop.example.com"], "maxAge": 60},
        wrapper="corsSettings",
        place="corsSettings",
    ),
    "circuit-breaker": Case(
        sent={"circuitBreakerEnabled": True, "enumErrorThresholdType": "PERCENT"}, place="routing.circuitBreaker"
    ),
    "routing-status": Case(sent={"routingEnabled": False, "echoEnabled": True}, place="routing"),
    "client-route": Case(
        sent={"relativePathList": ["/orders"], "headerList": [{"name": "X-A", "value": "1"}], "bufferRequest": False},
        wrapper="clientRoute",
        place="clientRoute",
    ),
    "forwarded-ip-header": Case(
        sent={"forwardedIpHeaderParamActive": True, "xffOrder": "LAST"},
        wrapper="forwardedIpHeaderParam",
        place="forwardedIpHeaderParam",
    ),
    "metadata": Case(sent={"description": "d", "categoryList": ["a"], "direction": "REQUEST_ONLY"}),
    "keys": Case(sent={"publicKey": "fake-public-key"}),
    "mtls": Case(
        sent={"enabled": True, "keyStoreId": "k", "supportedProtocolList": ["TLS_1_3"]}, place="routing.mtlsSettings"
    ),
    "ntlm": Case(
        sent={"workstation": "w", "domain": "d"}, wrapper="ntlmSettings", place="routing.ntlmSettings"
    ),
    "proxy-server": Case(
        sent={"proxyEnabled": True, "proxyHost": "p", "proxyPort": 3128}, place="routing.proxyServerSettings"
    ),
    "json-error-template": Case(
        sent={"jsonErrorResponseTemplateActive": True, "jsonValue": "{}"},
        wrapper="jsonErrorResponseTemplate",
        place="jsonErrorResponseTemplate",
    ),
    "xml-error-template": Case(
        sent={"xmlErrorResponseTemplateActive": True, "xmlValue": "<e/>"},
        wrapper="xmlErrorResponseTemplate",
        place="xmlErrorResponseTemplate",
    ),
    "addresses": Case(
        sent={
            "routingAddressList": [
                {"address": "http://a", "weight": 2, "soapType": "SOAP11", "addressType": "CANARY"}
            ]
        },
        place="routing",
    ),
    "maintenance-mode": Case(
        sent={"enabled": True, "message": "soon"}, place="maintenanceModeSetting", newer_only=True
    ),
    "error-handling": Case(
        sent={"errorHandlingType": "STATUS_CODE_LIST", "errorMessageList": [{"httpStatusCode": 500}]},
        place="errorHandlingSettings",
        newer_only=True,
    ),
    "custom-message": Case(sent={"buildCustomMessage": True}, place="customMessageSettings", newer_only=True),
    "idempotency": Case(
        sent={"idempotencyActive": True, "retentionInDays": 30},
        wrapper="idempotencySettings",
        place="idempotencySettings",
        newer_only=True,
    ),
}  # fmt: skip
EVERY = [
    pytest.param(slug, edition, id=f"{slug}-{edition}")
    for slug, case in CASES.items()
    for edition in EDITIONS
    if not case.newer_only or edition == "wrapped"
]
WRAPPED = [slug for slug, case in CASES.items() if case.wrapper]


def shown(document: dict[str, Any], place: str) -> Any:
    for step in filter(None, place.split(".")):
        document = document[step]
    return document


def test_every_block_of_the_table_has_a_case() -> None:
    assert {block.slug for block in BLOCKS} == set(CASES)


# Bodies and reads


@pytest.mark.parametrize(("slug", "edition"), EVERY)
def test_a_block_is_saved_and_shown_in_full_and_export_only(slug: str, edition: Edition) -> None:
    case, system = CASES[slug], manager(edition=edition)
    assert answer(system, "PATCH", case.path(slug), case.body(edition)) == {"success": True}
    for document in (full(system, case.proxy), exported(system, case.proxy)):
        assert case.sent.items() <= shown(document, case.place).items()
    refusal = call(system, "GET", case.path(slug))
    assert (refusal.status, refusal.headers["allow"]) == (405, "PATCH")


@pytest.mark.parametrize(("slug", "edition"), EVERY)
def test_unreadable_servers_show_no_more_than_the_plain_get(slug: str, edition: Edition) -> None:
    case, system = CASES[slug], manager(edition=edition, readable="none")
    before = full(system, case.proxy)
    answer(system, "PATCH", case.path(slug), case.body(edition))
    plain = answer(system, "GET", f"{PROJECT}apiProxies/{case.proxy}/")
    plain = plain if edition == "flat" else plain["resultList"][0]
    after = full(system, case.proxy)
    assert {name: value for name, value in after.items() if value != before[name]} == {
        name: value
        for name, value in (plain | {"routing": plain["routing"] | {"loadBalanceAlgorithm": "ROUND_ROBIN"}}).items()
        if value != before[name]
    }
    assert call(system, "GET", f"{PROJECT}apiProxies/{case.proxy}/export/").status in (400, 403)


@pytest.mark.parametrize("slug", [slug for slug, case in CASES.items() if case.newer_only])
def test_newer_blocks_are_unknown_to_older_editions(slug: str) -> None:
    assert call(manager(edition="flat"), "PATCH", CASES[slug].path(slug), {}).status == 404


@pytest.mark.parametrize("slug", WRAPPED)
def test_a_body_of_the_other_edition_does_nothing(slug: str) -> None:
    case, system = CASES[slug], manager()
    before = system.stored("apiProxies")
    assert answer(system, "PATCH", case.path(slug), case.sent) == {"success": True}
    assert system.stored("apiProxies") == before
    older = manager(edition="flat")
    call(older, "PATCH", case.path(slug), {case.wrapper: case.sent})  # refused where something is required
    assert older.stored("apiProxies") == before


def test_blocks_show_documented_defaults_and_nothing_else_until_they_are_set() -> None:
    document = full(manager())
    assert document["routing"]["connectionSettings"] == {
        "connectTimeout": 30,
        "readTimeout": 60,
        "validateAfterInactivity": 2000,
        "idleConnectionTimeout": 30,
        "ignoreRoutingError": False,
        "queryEncodingMode": "STANDARD",
    }
    assert document["routing"]["circuitBreaker"] == {}
    assert document["corsSettings"]["allowCredentials"] == "false"
    assert "webSocketRoutingSettings" not in document["routing"]
    assert full(manager(), "chat")["routing"]["webSocketRoutingSettings"] == {}
    assert "secretKey" not in document


# Partial and whole


@pytest.mark.parametrize(
    "slug", ["connection", "circuit-breaker", "mtls", "maintenance-mode", "json-error-template", "error-handling"]
)
def test_partial_blocks_keep_what_is_not_sent_or_null(slug: str) -> None:
    case, system = CASES[slug], manager()
    answer(system, "PATCH", case.path(slug), case.body("wrapped"))
    before = shown(full(system), case.place)
    answer(system, "PATCH", case.path(slug), case.body("wrapped", dict.fromkeys(case.sent)))
    assert shown(full(system), case.place) == before


@pytest.mark.parametrize(
    ("slug", "again", "reset"),
    [
        ("cache", {"name": "c", "handlingAction": "STOP"}, {"cacheActive": False, "cacheOnlyHttpGetRequests": True}),
        ("cors", {"name": "c"}, {"allowOriginList": [], "maxAge": 3600, "corsActive": False}),
        ("client-route", {"hostList": ["shop.example.com"]}, {"relativePathList": None, "bufferRequest": True}),
        ("idempotency", {"name": "i"}, {"idempotencyActive": False, "retentionInDays": 7}),
    ],
)
def test_whole_blocks_reset_what_is_not_sent(slug: str, again: dict[str, Any], reset: dict[str, Any]) -> None:
    case, system = CASES[slug], manager()
    answer(system, "PATCH", case.path(slug), case.body("wrapped"))
    answer(system, "PATCH", case.path(slug), case.body("wrapped", again))
    found = shown(full(system), case.place)
    assert (again | reset).items() <= found.items()
    assert "ttl" not in found
    assert "headerList" not in found


def test_addresses_are_replaced_as_a_whole_with_defaults_inside() -> None:
    system, path = manager(), ORDERS + "settings/addresses/"
    first = {"address": "http://a", "healthMonitoringEnabled": True}
    answer(system, "PATCH", path, {"routingAddressList": [first, {"address": "http://b", "weight": 5, "x": 1}]})
    assert stored(system, "apiProxies", "orders")["routingAddressList"] == [
        {**first, "weight": 1, "soapType": "SOAP11", "addressType": "PRIMARY"},
        {"address": "http://b", "weight": 5, "soapType": "SOAP11", "addressType": "PRIMARY"},
    ]
    [plain] = answer(system, "GET", ORDERS)["resultList"]
    assert plain["routing"]["routingAddressList"] == [
        {"address": "http://a", "weight": 1, "healthMonitoringEnabled": True},
        {"address": "http://b", "weight": 5},
    ]
    assert refused(system, "PATCH", path, {}) == (400, "routingAddressList value can not be empty!")
    answer(system, "PATCH", path, {"routingAddressList": []})
    assert stored(system, "apiProxies", "orders")["routingAddressList"] == []


# Refusals


@pytest.mark.parametrize(
    ("slug", "sent", "field"),
    [
        ("cache", {"name": "c"}, "handlingAction"),
        ("cache", {"name": " ", "handlingAction": "STOP"}, "name"),
        ("cors", {}, "name"),
        ("client-route", {"bufferRequest": True, "hostList": []}, "relativePathList or methodList or hostList"),
        ("keys", {}, "publicKey or secretKey"),
        ("keys", {"secretKey": " "}, "secretKey"),
        ("metadata", {"name": ""}, "name"),
        ("mtls", {"enabled": True}, "keyStoreId"),
        ("ntlm", {"enabled": True, "domain": "d", "username": "u"}, "password"),
        ("proxy-server", {"proxyEnabled": True, "proxyHost": "p"}, "proxyPort"),
        ("connection", {"connectionPoolManagementType": "CUSTOM"}, "customConnectionPoolSize"),
        ("error-handling", {"errorMessageList": [{}]}, "errorMessageList[0].httpStatusCode"),
        ("addresses", {"routingAddressList": [{"weight": 1}]}, "routingAddressList[0].address"),
    ],
)
def test_what_is_missing_is_refused(slug: str, sent: dict[str, Any], field: str) -> None:
    case = CASES[slug]
    for edition in EDITIONS[1:] if case.newer_only else EDITIONS:
        system = manager(edition=edition)
        before = system.stored("apiProxies")
        status, text = refused(system, "PATCH", case.path(slug), case.body(edition, sent))
        assert (status, text.startswith(field), text.endswith("value can not be empty!")) == (400, True, True)
        assert system.stored("apiProxies") == before


@pytest.mark.parametrize(
    ("slug", "sent", "text"),
    [
        ("cors", {"name": "c", "allowCredentials": True}, "allowCredentials must be a string"),
        (
            "cors",
            {"name": "c", "allowCredentials": "true", "allowOriginList": ["*"]},
            'allowOriginList can not contain "*" when allowCredentials is "true"',
        ),
        ("idempotency", {"retentionInDays": 31}, "retentionInDays must be an integer from 1 to 30"),
        ("idempotency", {"retentionInDays": 0}, "retentionInDays must be an integer from 1 to 30"),
        ("client-route", {"relativePathList": ["/"]}, "relativePathList[0] must be at least 2 characters long"),
        ("metadata", {"sharingType": "PROJECT"}, "sharingType must be one of BOTH, NONE, EXTERNAL, INTERNAL"),
        ("connection", {"connectTimeout": "5"}, "connectTimeout must be a non-negative integer"),
        ("connection", {"hopByHopHeaders": "TE"}, "hopByHopHeaders must be a list"),
        ("addresses", {"routingAddressList": ["http://a"]}, "routingAddressList[0] must be an object"),
        ("grpc", {"keepAliveTime": True}, "keepAliveTime must be a non-negative integer"),
        ("proxy-server", {"proxyPort": 70000}, "proxyPort must be an integer from 0 to 65535"),
        ("mtls", {"supportedProtocolList": ["TLS13"]}, "supportedProtocolList[0] must be one of TLS_1_3"),
    ],
)
def test_what_is_wrong_is_refused(slug: str, sent: dict[str, Any], text: str) -> None:
    case, system = CASES[slug], manager()
    before = system.stored("apiProxies")
    status, told = refused(system, "PATCH", case.path(slug), case.body("wrapped", sent))
    assert (status, told[: len(text)]) == (400, text)
    assert system.stored("apiProxies") == before


def test_older_editions_name_the_field_at_fault() -> None:
    path = ORDERS + "settings/addresses/"
    response = call(manager(edition="flat"), "PATCH", path, {"routingAddressList": [{"address": "a", "weight": -1}]})
    [error] = json.loads(response.body)["validation_errors"]
    assert error["field"] == "routingAddressList[0].weight"


def test_a_block_for_one_type_of_proxy_refuses_the_others() -> None:
    system = manager()
    grpc = {"grpcSettings": {"keepAliveTime": 1}}
    assert refused(system, "PATCH", ORDERS + "settings/grpc/", grpc) == (400, "API Proxy type is not GRPC")
    assert call(system, "PATCH", ORDERS + "settings/websocket/", {}).status == 400


@pytest.mark.parametrize("slug", [block.slug for block in BLOCKS if block.routing])
def test_routing_blocks_refuse_ai_proxies_or_ignore_them_silently(slug: str) -> None:
    case, path = CASES[slug], f"{PROJECT}apiProxies/assistant/settings/{slug}/"
    newer, older = manager(), manager(edition="flat")
    assert refused(newer, "PATCH", path, case.body("wrapped")) == (400, "API Proxy type AI is not supported")
    before = older.stored("apiProxies")
    assert answer(older, "PATCH", path, case.sent) == {"success": True}
    assert older.stored("apiProxies") == before


@pytest.mark.parametrize("edition", EDITIONS)
def test_settings_need_the_right_to_manage(edition: Edition) -> None:
    system = manager(edition=edition, rights=frozenset({"VIEW", "IDENTITY+MANAGE"}))
    status, text = refused(system, "PATCH", ORDERS + "settings/connection/", {})
    assert status == (403 if edition == "flat" else 400)
    assert text == "User does not have required permission! (API_MANAGEMENT - MANAGE)"
    allowed = manager(edition=edition, rights=frozenset({"API_MANAGEMENT+MANAGE"}))
    answer(allowed, "PATCH", ORDERS + "settings/connection/", {})


# Quirks of single blocks


@pytest.mark.parametrize("edition", EDITIONS)
def test_metadata_renames_the_proxy(edition: Edition) -> None:
    system = manager(edition=edition)
    path = ORDERS + "settings/metadata/"
    status, text = refused(system, "PATCH", path, {"name": "chat", "description": "lost"})
    assert (status, text) == (409 if edition == "flat" else 400, "ApiProxy (name: chat) is already exist!")
    group = {"project": "shop", "name": "g", "apiProxies": ["orders", "chat"]}
    system.seed("apiProxyGroups", group)
    answer(system, "PATCH", path, {"name": "Orders", "description": ""})
    assert call(system, "GET", ORDERS).status == (404 if edition == "flat" else 400)
    assert [row["name"] for row in rows(system, PROJECT + "apiProxies/")] == ["Orders", "assistant", "chat", "stream"]
    assert stored(system, "apiProxyGroups", "g")["apiProxies"] == ["Orders", "chat"]
    answer(system, "PATCH", f"{PROJECT}apiProxies/Orders/settings/metadata/", {"name": "orders"})
    answer(system, "GET", ORDERS)


def test_sharing_is_spelled_differently_in_reads() -> None:
    system = manager()
    [plain] = answer(system, "GET", ORDERS)["resultList"]
    assert plain["sharingType"] == "PROJECT"
    for sent, got in (("INTERNAL", "ORGANIZATION"), ("EXTERNAL", "PUBLIC"), ("BOTH", "PUBLIC"), ("NONE", "PROJECT")):
        answer(system, "PATCH", ORDERS + "settings/metadata/", {"sharingType": sent})
        assert (full(system)["sharingType"], exported(system)["sharingType"]) == (got, got)


def test_categories_can_be_cleared() -> None:
    system = manager()
    for categories in (["a", "b"], []):
        answer(system, "PATCH", ORDERS + "settings/metadata/", {"categoryList": categories})
        assert full(system)["categoryList"] == categories


def test_passwords_are_shown_encrypted_only() -> None:
    system, secret = manager(), "fake-password-not-real"
    ntlm = {"enabled": True, "domain": "d", "username": "u", "password": secret}
    answer(system, "PATCH", ORDERS + "settings/ntlm/", {"ntlmSettings": ntlm})
    answer(system, "PATCH", ORDERS + "settings/proxy-server/", {"proxyUsername": "u", "proxyPassword": secret})
    for document in (full(system), exported(system)):
        assert secret not in json.dumps(document)
        assert document["routing"]["ntlmSettings"]["password"]
        assert document["routing"]["proxyServerSettings"]["proxyPassword"]
    assert stored(system, "apiProxies", "orders")["ntlmSettings"] == ntlm


def test_keys_go_live_at_once_and_the_secret_one_is_in_the_archive_only() -> None:
    system, secret = manager(), "fake-secret-key-not-real"
    answer(system, "POST", ORDERS + "environments/prod/")
    answer(system, "PATCH", ORDERS + "settings/keys/", {"secretKey": secret, "publicKey": "p"})
    assert answer(system, "GET", ORDERS + "environments/prod/deploy-status/")["redeployRequired"] is False
    assert stored(system, "apiProxies", "orders")["deployments"]["prod"]["secretKey"] == secret
    assert (exported(system)["secretKey"], full(system)["publicKey"]) == (secret, "p")
    assert "secretKey" not in full(system)


def test_enabling_mtls_disables_connection_pools() -> None:
    system = manager()
    answer(system, "PATCH", ORDERS + "settings/connection/", {"connectionPoolManagementType": "GENERAL"})
    answer(system, "PATCH", ORDERS + "settings/mtls/", {"enabled": True, "keyStoreName": "k"})
    assert full(system)["routing"]["connectionSettings"]["connectionPoolManagementType"] == "NONE"


def test_a_proxy_server_named_by_a_header_needs_no_address() -> None:
    sent = {"proxyEnabled": True, "proxyFromHeaderEnabled": True}
    answer(manager(), "PATCH", ORDERS + "settings/proxy-server/", sent)


def test_older_editions_know_fields_that_newer_ones_dropped() -> None:
    for edition, found in (("flat", 4), ("wrapped", None)):
        system: Apinizer = manager(edition=edition)
        answer(system, "PATCH", ORDERS + "settings/connection/", {"retryCount": 4})
        assert full(system)["routing"]["connectionSettings"].get("retryCount") == found


# Deployment


def test_saving_a_block_asks_for_a_redeployment_or_does_it() -> None:
    system = manager()
    status, path = ORDERS + "environments/prod/deploy-status/", ORDERS + "settings/maintenance-mode/"
    answer(system, "POST", ORDERS + "environments/prod/")
    answer(system, "PATCH", path, {"enabled": True})
    assert answer(system, "GET", status)["redeployRequired"] is True
    deploy = {"deploy": True, "deployTargetEnvironmentNameList": ["prod", "broken"]}
    result = answer(system, "PATCH", path, {"message": "soon", **deploy})
    assert (result["success"], result["deploymentResult"]["success"]) == (True, False)
    assert [row["success"] for row in result["deploymentResult"]["deploymentResults"]] == [True, False]
    assert answer(system, "GET", status)["redeployRequired"] is False
    deployed = stored(system, "apiProxies", "orders")["deployments"]["prod"]
    assert deployed["maintenanceModeSetting"] == {"enabled": True, "message": "soon"}


def test_the_connection_block_takes_no_deployment() -> None:
    deploy = {"deploy": True, "deployTargetEnvironmentNameList": ["prod"], "maxRedirects": 1}
    system = manager()
    assert answer(system, "PATCH", ORDERS + "settings/connection/", deploy) == {"success": True}
    assert stored(system, "apiProxies", "orders")["deployments"] == {}


def test_unknown_blocks_and_missing_slashes_are_not_found() -> None:
    system = manager()
    for path in ("settings/nonsense/", "settings/cors", "settings/"):
        assert call(system, "PATCH", ORDERS + path, {}).status == 404


# Traffic log settings

LOGS = ORDERS + "trafficLogSettings/"


def test_traffic_log_settings_are_empty_until_set_and_unknown_to_older_editions() -> None:
    system = manager()
    assert (rows(system, LOGS), rows(system, LOGS + "prod/")) == ([], [])
    assert refused(system, "GET", LOGS + "nope/") == (400, "Environment (name: nope) is not found!")
    assert call(manager(edition="flat"), "GET", LOGS).status == 404


def test_traffic_log_settings_are_partial_and_deploy_what_is_waiting() -> None:
    system = manager()
    assert answer(system, "PUT", LOGS + "prod/", {"logBodyRequestToTarget": False})["deploymentResult"] == {
        "success": True,
        "deploymentResults": [],
    }
    answer(system, "POST", ORDERS + "environments/prod/")
    answer(system, "PATCH", ORDERS + "settings/maintenance-mode/", {"enabled": True})
    result = answer(system, "PUT", LOGS + "prod/", {"logParamRequestFromClient": False, "logBodyRequestToTarget": None})
    assert result["deploymentResult"]["deploymentResults"][0]["environmentName"] == "prod"
    assert stored(system, "apiProxies", "orders")["deployments"]["prod"]["maintenanceModeSetting"] == {"enabled": True}
    [settings] = rows(system, LOGS)
    assert settings.pop("environmentName") == "prod"
    assert sorted(name for name, value in settings.items() if value is False) == [
        "logBodyRequestToTarget",
        "logParamRequestFromClient",
    ]
    assert sum(value is True for value in settings.values()) == 8
    assert rows(system, LOGS + "prod/") == rows(system, LOGS)


def test_traffic_log_connectors_have_other_keys_in_the_answer_to_put() -> None:
    system = manager()
    system.seed("connections", {"project": "shop", "name": "Search", "type": "elasticsearch"})
    for key in ("search", "elasticsearch"):
        result = answer(system, "PUT", LOGS + "prod/", {"connectorSettingsMap": {key: {"enabled": True}}})
        [uuid] = result["resultList"][0]["connectorSettingsMap"]
        assert len(uuid) == 36
        assert rows(system, LOGS)[0]["connectorSettingsMap"] == {"Search": {"enabled": True}}
    sent: dict[str, Any] = {"connectorSettingsMap": {"nope": {}}}
    assert refused(system, "PUT", LOGS + "prod/", sent) == (400, "Connection (name: nope) is not found!")


def test_traffic_log_settings_refuse_wrong_values() -> None:
    system = manager()
    assert refused(system, "PUT", LOGS + "prod/", {"logHeaderRequestToTarget": "yes"})[0] == 400
    assert rows(system, LOGS) == []
