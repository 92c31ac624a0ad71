"""What becomes of Apinizer objects when manifests change: fields go, lists empty, variants switch, or it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, change_of, make_bench

from reconciler.core.errors import InvalidInput
from reconciler.core.model import Action
from reconciler.core.pointer import format_pointer
from reconciler.render.text import render_plan
from reconciler.sandbox.estate import SECRETS, VARIANTS

EDITIONS = VARIANTS["apinizer.edition"]
SETTINGS = {"project": "trading", "proxy": "quotes-rest"}
PROJECT = {"project": "trading"}


def manifest(kind: str, name: str, spec: Mapping[str, Any]) -> str:
    return json.dumps({"apiVersion": "apinizer/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)})


def proxy(bench: Bench, name: str = "quotes-rest") -> dict[str, Any]:
    (found,) = [row for row in bench.estate.apinizer.stored("apiProxies") if row["name"] == name]
    return found


def bench_of(folder: Path, edition: str = "wrapped", read: str = "full") -> Bench:
    return make_bench(folder, {"apinizer.edition": edition, "apinizer.settingsRead": read}).keep("apinizer")


# --------------------------------------------------------------------------- what goes


def test_a_manifest_that_goes_away_changes_nothing(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    assert_applied(bench.apply())
    for path in bench.manifests.rglob("*.yaml"):
        if path.name != "proxies.yaml":
            path.unlink()
    plan = bench.plan()
    assert (plan.pending, plan.blockers) == ((), ())
    assert_applied(bench.apply())
    assert bench.writes("apinizer") == []


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A field that a manifest no longer states, while another one changes as well."""

    line: str  # of the manifest, with its field
    pointer: str
    edit: tuple[str, str]
    held: tuple[str, ...]  # table, row's name, and the way to the value that stays
    value: Any


GONE = {
    "ConnectionSettings/quotes-rest": Gone(
        line="readTimeout: 20                  # seconds\n", pointer="/readTimeout",
        edit=("connectTimeout: 5 ", "connectTimeout: 6 "),
        held=("apiProxies", "quotes-rest", "connectionSettings", "readTimeout"), value=20),
    "CacheSettings/quotes-rest": Gone(
        line="ttl: 5                           # seconds\n", pointer="/ttl", edit=("capacity: 5000", "capacity: 6000"),
        held=("apiProxies", "quotes-rest", "cacheSettings", "ttl"), value=5),
    "ClientRoute/quotes-rest": Gone(
        line="hostList: [api.example.com]\n", pointer="/hostList", edit=("[/quotes, /v1/quotes]", "[/quotes]"),
        held=("apiProxies", "quotes-rest", "hostList"), value=["api.example.com"]),
    "IpGroup/trading-floors": Gone(
        line="ipList: [192.0.2.0/24, 198.51.100.7]\n", pointer="/ipList",
        edit=("Offices of the trading desks", "Offices"),
        held=("ipGroups", "trading-floors", "ipList"), value=["192.0.2.0/24", "198.51.100.7"]),
    "Credential/partner-broker": Gone(
        line="ipList: [203.0.113.10]\n", pointer="/ipList", edit=("Partner Broker", "The Broker"),
        held=("credentials", "partner-broker", "ipList"), value=["203.0.113.10"]),
    "Connection/gateway-alerts": Gone(
        line="token: ${env:ALERTS_TOKEN}\n", pointer="/token", edit=("hooks/gateway", "hooks/gateways"),
        held=("connections", "gateway-alerts", "token"), value=SECRETS["ALERTS_TOKEN"]),
    "TrafficLog/quotes-rest-production": Gone(
        line="logBodyRequestFromClient: false\n", pointer="/logBodyRequestFromClient",
        edit=("logBodyResponseToClient: false", "logBodyResponseToClient: true"),
        held=("apiProxies", "quotes-rest", "trafficLogs", "production", "logBodyRequestFromClient"), value=False),
    "EnvironmentVariable/region": Gone(
        line="globalValue: ${var:region}\n", pointer="/globalValue",
        edit=("  global: true", "  global: true\n  description: Where it runs"),
        held=("environmentVariables", "region", "globalValue"), value="eu"),
}  # fmt: skip


@pytest.mark.parametrize("address", GONE)
def test_a_field_that_is_no_longer_stated_keeps_its_value(tmp_path: Path, address: str) -> None:
    gone = GONE[address]
    bench = bench_of(tmp_path)
    assert_applied(bench.apply())
    bench.rewrite(gone.line, "\n")
    change = change_of(bench.plan(), address)
    assert change.action is Action.UNCHANGED
    assert change.notes == (f"no longer stated, the value stays as it is: {gone.pointer}",)
    bench.rewrite(*gone.edit)
    assert change_of(bench.plan(), address).action is Action.UPDATE
    assert_applied(bench.apply())
    table, name, *way = gone.held
    named = "username" if table == "credentials" else "name"
    (value,) = [row for row in bench.estate.apinizer.stored(table) if row[named] == name]
    for step in way:
        value = value[step]
    assert value == gone.value
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- one thing turns into another


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Two specs of one object, and the body of the request that leads from the first to the second."""

    kind: str
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    body: Any = None  # as it is in the edition `flat`; None: the whole object, whatever that is
    name: str = "quotes-rest"
    base: Mapping[str, Any] | None = None
    newer: bool = False


ROUTE = {"relativePathList": ["/quotes"], "hostList": ["api.example.com"]}
ADDRESS = {"address": "https://quotes-1.internal.example.com"}
CREDENTIAL = {"email": "a@example.com", "fullName": "A", "password": "${env:BROKER_PASSWORD}"}
NTLM = {"enabled": True, "domain": "CORP", "username": "svc", "password": "${env:NTLM_PASSWORD}"}
SERVER = {"proxyEnabled": True, "proxyFromHeaderEnabled": False, "proxyHost": "proxy.example.com", "proxyPort": 3128}
VARIABLE = {"environmentName": "production", "value": "${env:QUOTES_TOKEN}"}

TURNS = {
    # Lists that become empty.
    "no hosts": Turn(kind="ClientRoute", first=ROUTE, second={**ROUTE, "hostList": []}),
    "no addresses": Turn(
        kind="RoutingAddresses", first={"routingAddressList": [ADDRESS]}, second={"routingAddressList": []},
        body={"routingAddressList": []}),
    "all versions of TLS": Turn(
        kind="MtlsSettings", first={"enabled": False, "supportedProtocolList": ["TLS_1_3"]},
        second={"enabled": False, "supportedProtocolList": []}, body={"supportedProtocolList": []}),
    "no origins": Turn(
        kind="CorsSettings", first={"name": "c", "allowOriginList": ["https://a.example.com"]},
        second={"name": "c", "allowOriginList": []}),
    "no hop-by-hop headers": Turn(
        kind="ConnectionSettings", first={"hopByHopHeaders": ["TE"]}, second={"hopByHopHeaders": []},
        body={"hopByHopHeaders": []}),
    "no codes": Turn(
        kind="ErrorHandling", first={"statusCodeList": [500]}, second={"statusCodeList": []},
        body={"statusCodeList": []}, newer=True),
    "no IP addresses": Turn(
        kind="IpGroup", name="g", base=PROJECT, first={"ipList": ["192.0.2.1"]}, second={"ipList": []}, newer=True),
    "no values": Turn(
        kind="EnvironmentVariable", name="v", base=PROJECT, first={"environmentValueList": [VARIABLE]},
        second={"environmentValueList": []}),
    "no roles": Turn(
        kind="Credential", name="c", base=PROJECT, first={**CREDENTIAL, "roleNameList": ["reader"]},
        second={**CREDENTIAL, "roleNameList": []}),
    "no description": Turn(
        kind="ApiProxyGroup", name="g", base=PROJECT,
        first={"description": "old", "clientRoute": {"relativePathList": ["/g"]}},
        second={"description": "", "clientRoute": {"relativePathList": ["/g"]}}),
    "an empty value": Turn(
        kind="EnvironmentVariable", name="v", base=PROJECT, first={"global": True, "globalValue": "x"},
        second={"global": True, "globalValue": ""}),
    # Modes and types.
    "errors counted, then their share": Turn(
        kind="CircuitBreakerSettings", first={"enumErrorThresholdType": "COUNT", "errorThresholdValue": 500},
        second={"enumErrorThresholdType": "PERCENT", "errorThresholdValue": 50},
        body={"enumErrorThresholdType": "PERCENT", "errorThresholdValue": 50}),
    "a pool of its own": Turn(
        kind="ConnectionSettings", first={"connectionPoolManagementType": "GENERAL", "readTimeout": 5},
        second={"connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 9, "readTimeout": 5},
        body={"connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 9}),
    "a pool of its own, and of that size before": Turn(
        kind="ConnectionSettings", first={"connectionPoolManagementType": "GENERAL", "customConnectionPoolSize": 9},
        second={"connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 9},
        body={"connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 9}),
    "mTLS": Turn(
        kind="MtlsSettings", first={"enabled": False, "keyStoreId": "k"}, second={"enabled": True, "keyStoreId": "k"},
        body={"enabled": True, "keyStoreId": "k"}),
    "NTLM": Turn(
        kind="NtlmSettings", first={**NTLM, "enabled": False}, second=NTLM,
        body={**NTLM, "password": SECRETS["NTLM_PASSWORD"]}),
    "no NTLM": Turn(kind="NtlmSettings", first=NTLM, second={"enabled": False}, body={"enabled": False}),
    "the proxy server is named by a header": Turn(
        kind="ProxyServerSettings", first=SERVER, second={"proxyEnabled": True, "proxyFromHeaderEnabled": True},
        body={"proxyFromHeaderEnabled": True}),
    "the proxy server is named by no header": Turn(
        kind="ProxyServerSettings", first={"proxyEnabled": True, "proxyFromHeaderEnabled": True}, second=SERVER,
        body={name: SERVER[name] for name in ("proxyFromHeaderEnabled", "proxyHost", "proxyPort")}),
    "another user of the proxy server": Turn(
        kind="ProxyServerSettings",
        first={"proxyAuthorizationNeeded": True, "proxyUsername": "a", "proxyPassword": "${env:NTLM_PASSWORD}"},
        second={"proxyAuthorizationNeeded": True, "proxyUsername": "b", "proxyPassword": "${env:NTLM_PASSWORD}"},
        body={"proxyAuthorizationNeeded": True, "proxyUsername": "b", "proxyPassword": SECRETS["NTLM_PASSWORD"]}),
    "a cache by variables": Turn(
        kind="CacheSettings", first={"name": "c", "handlingAction": "STOP", "cacheKeyType": "QUERY_PARAMS"},
        second={"name": "c", "handlingAction": "STOP", "cacheKeyType": "CUSTOM", "variableList": ["v"]}),
    "one value for all": Turn(
        kind="EnvironmentVariable", name="v", base=PROJECT, first={"environmentValueList": [VARIABLE]},
        second={"global": True, "globalValue": "x", "environmentValueList": []}),
    "a value that is hidden": Turn(
        kind="EnvironmentVariable", name="v", base=PROJECT, first={"global": True, "globalValue": "x"},
        second={"global": True, "globalValue": "y", "globalVisible": False}),
    "a value that is shown": Turn(
        kind="EnvironmentVariable", name="v", base=PROJECT,
        first={"environmentValueList": [VARIABLE]},
        second={"environmentValueList": [{**VARIABLE, "value": "shown", "visible": True}]}),
}  # fmt: skip

WRAPPERS = {"NtlmSettings": "ntlmSettings"}


# Servers of the older edition do not have the call, or cannot be asked about it.
TRIED = [
    (name, edition) for name, turn in TURNS.items() for edition in EDITIONS if edition == "wrapped" or not turn.newer
]


@pytest.mark.parametrize(("name", "edition"), TRIED)
def test_one_thing_turns_into_another(tmp_path: Path, name: str, edition: str) -> None:
    turn = TURNS[name]
    base = SETTINGS if turn.base is None else turn.base
    bench = bench_of(tmp_path, edition).only(manifest(turn.kind, turn.name, {**base, **turn.first}))
    assert_applied(bench.apply())
    assert bench.plan().pending == ()
    bench.only(manifest(turn.kind, turn.name, {**base, **turn.second}))
    plan = bench.plan()
    assert plan.blockers == ()
    assert [change.action for change in plan.changes] == [Action.UPDATE]
    assert_applied(bench.apply())
    if turn.body is not None:
        wrapper = WRAPPERS.get(turn.kind) if edition == "wrapped" else None
        assert bodies(bench.writes("apinizer")) == [{wrapper: turn.body} if wrapper else turn.body]
    assert len(bench.writes("apinizer")) == 1
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- refused before anything is sent

INVALID: dict[str, tuple[str, dict[str, Any], str]] = {
    "null for a setting": ("ConnectionSettings", {**SETTINGS, "readTimeout": None}, "expected integer, got null"),
    "null for a description": (
        "IpGroup", {**PROJECT, "description": None}, "expected string, got null"),
    "CUSTOM without a size": (
        "ConnectionSettings", {**SETTINGS, "connectionPoolManagementType": "CUSTOM"}, "needs customConnectionPoolSize"),
    "mTLS without a key store": ("MtlsSettings", {**SETTINGS, "enabled": True}, "needs a key store"),
    "NTLM without a password": (
        "NtlmSettings", {**SETTINGS, "enabled": True, "domain": "d", "username": "u"}, "NTLM needs domain"),
    "a proxy server without a port": (
        "ProxyServerSettings", {**SETTINGS, "proxyEnabled": True, "proxyHost": "h"}, "needs proxyHost and proxyPort"),
    "a percentage above 100": (
        "CircuitBreakerSettings", {**SETTINGS, "enumErrorThresholdType": "PERCENT", "errorThresholdValue": 500},
        "a percentage is at most 100"),
    "any origin with credentials": (
        "CorsSettings", {**SETTINGS, "name": "c", "allowCredentials": "true", "allowOriginList": ["*"]},
        "the origin * is not allowed with credentials"),
    "credentials as a boolean": (
        "CorsSettings", {**SETTINGS, "name": "c", "allowCredentials": True}, "expected string, got boolean"),
    "a route of empty lists": ("ClientRoute", {**SETTINGS, "relativePathList": []}, "too few items"),
    "a path of one character": ("ClientRoute", {**SETTINGS, "relativePathList": ["/"]}, "relativePathList"),
    "a group without a path": (
        "ApiProxyGroup", {**PROJECT, "clientRoute": {"relativePathList": []}}, "relativePathList"),
    "a retention of 31 days": ("IdempotencySettings", {**SETTINGS, "retentionInDays": 31}, "retentionInDays"),
    "an IPv6 address": ("IpGroup", {**PROJECT, "ipList": ["2001:db8::1"]}, "an IPv4 address such as"),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_what_the_server_would_refuse_is_a_mistake_in_the_manifest(tmp_path: Path, name: str) -> None:
    kind, spec, words = INVALID[name]
    bench = bench_of(tmp_path).only(manifest(kind, "x", spec))
    with pytest.raises(InvalidInput) as raised:
        bench.plan()
    assert any(words in f"{d.message} {d.hint}" for d in raised.value.diagnostics), raised.value.diagnostics
    assert bench.requests("apinizer") == []


def test_an_empty_group_of_addresses_is_no_group_on_older_servers(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "flat").only(manifest("IpGroup", "g", {**PROJECT, "ipList": []}))
    with pytest.raises(InvalidInput) as raised:
        bench.plan()
    assert ["too few items" in mistake.message for mistake in raised.value.diagnostics] == [True]


NEWER: dict[str, dict[str, Any]] = {
    "GrpcSettings": {"project": "trading", "proxy": "quotes-grpc", "keepAliveTime": 5},
    "IdempotencySettings": {**SETTINGS, "keyRequired": True},
    "ErrorHandling": {**SETTINGS, "errorHandlingType": "ADVANCED"},
    "MaintenanceMode": {**SETTINGS, "enabled": True},
    "CustomMessage": {**SETTINGS, "buildCustomMessage": True},
    "TrafficLog": {**SETTINGS, "environment": "test", "logBodyResponseToClient": False},
}


@pytest.mark.parametrize("kind", NEWER)
def test_what_older_servers_do_not_have_is_refused_in_the_plan(tmp_path: Path, kind: str) -> None:
    bench = bench_of(tmp_path, "flat").only(manifest(kind, "x", NEWER[kind]))
    (found,) = bench.plan().blockers
    assert "servers of the edition flat have no call" in found.message
    assert bench.writes("apinizer") == []


WRONG_PROXIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "WebSocketSettings": ({"connectTimeout": 5}, "REST", "WebSocket settings fit a proxy of type WEBSOCKET only"),
    "GrpcSettings": ({"keepAliveTime": 5}, "REST", "gRPC settings fit a proxy of type GRPC only"),
    "RoutingAddresses": ({"routingAddressList": []}, "AI", "the routing of a proxy of type AI"),
    "RoutingStatus": ({"routingEnabled": True}, "AI", "the routing of a proxy of type AI"),
    "ProxyEndpoint": (
        {"name": "/x", "httpMethod": "GET", "backendResourceUrl": "/x", "backendHttpMethod": "GET"}, "WEBSOCKET",
        "endpoints are added to proxies of type REST only"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG_PROXIES)
def test_a_proxy_of_another_type_is_refused_in_the_plan(tmp_path: Path, kind: str) -> None:
    fields, proxy_type, words = WRONG_PROXIES[kind]
    bench = bench_of(tmp_path)
    bench.estate.apinizer.seed("apiProxies", {"project": "trading", "name": "other", "type": proxy_type})
    parent = {"apiVersion": "apinizer/v1", "kind": "ApiProxy", "metadata": {"name": "other"}}
    parent |= {"lifecycle": {"lookup": True}, "spec": PROJECT}
    child = manifest(kind, "x", {**PROJECT, "proxy": "${ref:ApiProxy/other}", **fields})
    bench.only(f"{json.dumps(parent)}\n---\n{child}\n")
    assert [words in found.message for found in bench.plan().blockers] == [True]
    assert bench.writes("apinizer") == []


def test_a_type_of_connection_is_refused_in_the_plan(tmp_path: Path) -> None:
    spec = {**PROJECT, "type": "webhook", "url": "https://a.example.com"}
    bench = bench_of(tmp_path).only(manifest("Connection", "c", spec))
    assert_applied(bench.apply())
    bench.only(manifest("Connection", "c", {**spec, "type": "syslog"}))
    (found,) = bench.plan().blockers
    assert "/type cannot change once the object exists" in found.message


def test_a_change_that_would_lose_hidden_metadata_is_refused_in_the_plan(tmp_path: Path) -> None:
    bench = bench_of(tmp_path).only(manifest("Credential", "c", {**PROJECT, **CREDENTIAL}))
    assert_applied(bench.apply())
    hidden = [{"name": "pin", "value": "fake-pin-not-real", "secret": True}]
    bench.estate.apinizer.edit("credentials", "c", {"metadata": hidden})
    assert bench.plan().pending == ()
    bench.only(manifest("Credential", "c", {**PROJECT, **CREDENTIAL, "fullName": "B"}))
    plan = bench.plan()
    assert ["'metadata' is set on the server, cannot be read" in found.message for found in plan.blockers] == [True]
    assert "fake-pin" not in render_plan(plan)


# --------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_rotated_secret_is_sent_with_what_it_needs_and_never_shown(tmp_path: Path, edition: str) -> None:
    bench = bench_of(tmp_path, edition)
    assert_applied(bench.apply())
    rotated = ("NTLM_PASSWORD", "FORWARD_PROXY_PASSWORD", "QUOTES_TOKEN", "ALERTS_TOKEN", "BROKER_PASSWORD")
    bench.environ |= {name: f"fake-rotated-{name.lower()}-not-real" for name in rotated}
    plan = bench.plan()
    assert {(str(c.address.name), format_pointer(f.path)) for c in plan.pending for f in c.fields} == {
        ("tickets-rest", "/password"),
        ("tickets-rest", "/proxyPassword"),
        ("quotesToken", "/environmentValueList/production/value"),
        ("gateway-alerts", "/token"),
        ("partner-broker", "/password"),
    }
    assert "not-real" not in render_plan(plan)
    assert_applied(bench.apply())
    tickets = proxy(bench, "tickets-rest")
    (connection,) = bench.estate.apinizer.stored("connections")
    assert (tickets["ntlmSettings"]["password"], tickets["proxyServerSettings"]["proxyPassword"]) == (
        bench.environ["NTLM_PASSWORD"],
        bench.environ["FORWARD_PROXY_PASSWORD"],
    )
    assert connection["token"] == bench.environ["ALERTS_TOKEN"]
    assert bench.plan().pending == ()


def test_what_replaces_an_object_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, read="none")
    change = change_of(bench.plan(), "CacheSettings/quotes-rest")
    assert "the call replaces the whole object: what the manifest leaves out may be reset" in change.caveats
    change = change_of(bench.plan(), "ConnectionSettings/quotes-rest")
    assert not any("replaces the whole object" in caveat for caveat in change.caveats)
