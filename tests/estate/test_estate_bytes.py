"""What goes over the wire: bodies with exactly what has to be in them, and no request too many."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, make_bench, write_count

from reconciler.core.model import Action
from reconciler.sandbox.estate import POOL, SECRETS, STATIC_PROVIDER, WORKSPACE
from reconciler.sandbox.goldmine.system import id_of

GALTEA_CONNECTION = """\
apiVersion: galtea/v1
kind: Product
metadata: {name: sales-assistant}
lifecycle: {lookup: true}
spec: {}
---
apiVersion: galtea/v1
kind: EndpointConnection
metadata: {name: ask}
spec:
  product: ${ref:Product/sales-assistant}
  type: CONVERSATION
  url: https://sales.example.com/api/ask
  httpMethod: POST
  authType: BASIC
  username: evaluation
  password: ${env:SALES_PASSWORD}
  headers:
    Content-Type: application/json
    X-Tenant-Key: ${env:SALES_TENANT_KEY}
    X-Other-Key: ${env:SUPPORT_BACKEND_KEY}
  inputTemplate: '{"question": "{{ input.user_message }}"}'
  outputMapping: {output: $.answer}
  timeout: 45
  retryEnabled: true
  retryMaxAttempts: 2
"""


def sent(bench: Bench, system: str) -> list[tuple[str, Any]]:
    """Return method and body of all writes since the plan."""
    writes = bench.writes(system)
    return [(one.method, body) for one, body in zip(writes, bodies(writes), strict=True)]


# --------------------------------------------------------------------------- apinizer


@pytest.mark.parametrize(
    ("edition", "around"), [("flat", b"%s"), ("wrapped", b'{"websocketSettings":%s}')], ids=["flat", "wrapped"]
)
@pytest.mark.parametrize("settings_read", ["full", "export"])
def test_apinizer_patches_hold_the_changed_fields(
    tmp_path: Path, edition: str, around: bytes, settings_read: str
) -> None:
    bench = make_bench(tmp_path, {"apinizer.edition": edition, "apinizer.settingsRead": settings_read})
    assert_applied(bench.apply("WebSocketSettings/*"))
    raw = {one.path: one.request.body for one in bench.writes("apinizer")}
    prefix = "/apiops/projects"
    assert raw == {
        f"{prefix}/trading/apiProxies/order-updates/settings/websocket/": around % b'{"connectionLostTimeout":20}',
        f"{prefix}/service-desk/apiProxies/support-chat/settings/websocket/": around
        % b'{"connectionLostTimeout":300,"connectTimeout":10,"autoReconnect":true,"autoReconnectMaxRetries":10}',
    }
    assert {one.method for one in bench.writes("apinizer")} == {"PATCH"}


@pytest.mark.parametrize("edition", ["flat", "wrapped"])
def test_apinizer_patches_of_unreadable_settings_hold_what_the_ledger_does_not_know(
    tmp_path: Path, edition: str
) -> None:
    bench = make_bench(tmp_path, {"apinizer.edition": edition, "apinizer.settingsRead": "none"})
    bench.apply("WebSocketSettings/order-updates")
    (first,) = sent(bench, "apinizer")
    bench.rewrite("connectionLostTimeout: 20\n", "connectionLostTimeout: 25\n")
    bench.apply("WebSocketSettings/order-updates")
    (second,) = sent(bench, "apinizer")
    whole: dict[str, Any] = {"connectionLostTimeout": 20, "autoReconnect": False}
    part: dict[str, Any] = {"connectionLostTimeout": 25}
    if edition == "wrapped":
        whole, part = {"websocketSettings": whole}, {"websocketSettings": part}
    assert [first, second] == [("PATCH", whole), ("PATCH", part)]


# --------------------------------------------------------------------------- galtea


def galtea_bench(folder: Path) -> Bench:
    bench = make_bench(folder).only(GALTEA_CONNECTION)
    assert_applied(bench.apply())
    (created,) = sent(bench, "galtea")
    assert created[0] == "POST"
    return bench


HEADERS = {
    "Content-Type": "application/json",
    "X-Tenant-Key": SECRETS["SALES_TENANT_KEY"],
    "X-Other-Key": SECRETS["SUPPORT_BACKEND_KEY"],
}
URL = "url: https://sales.example.com/api/ask"

GALTEA_PATCHES: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "one-field": (("timeout: 45", "timeout: 46"), {"timeout": 46}),
    "cleared-by-null": (("timeout: 45", "timeout: null"), {"timeout": None}),
    "container-is-whole": (
        ("{output: $.answer}", "{output: $.answer, traces: $.t}"),
        {"outputMapping": {"output": "$.answer", "traces": "$.t"}},
    ),
    "path-of-the-url": ((URL, URL + "/v2"), {"url": "https://sales.example.com/api/ask/v2"}),
    "origin-carries-the-secrets": (
        (URL, "url: https://other.example.com/api/ask"),
        {"url": "https://other.example.com/api/ask", "password": SECRETS["SALES_PASSWORD"], "headers": HEADERS},
    ),
    "port-is-another-origin": (
        (URL, "url: https://sales.example.com:8443/api/ask"),
        {"url": "https://sales.example.com:8443/api/ask", "password": SECRETS["SALES_PASSWORD"], "headers": HEADERS},
    ),
    "usual-port-is-the-same-origin": (
        (URL, "url: https://sales.example.com:443/api/ask"),
        {"url": "https://sales.example.com:443/api/ask"},
    ),
    "one-header-sends-the-whole-map": (
        ("Content-Type: application/json", "Content-Type: application/xml"),
        {"headers": {**HEADERS, "Content-Type": "application/xml"}},
    ),
    "a-header-less": (
        ("    X-Other-Key: ${env:SUPPORT_BACKEND_KEY}\n", ""),
        {"headers": {name: value for name, value in HEADERS.items() if name != "X-Other-Key"}},
    ),
    "credentials-travel-with-the-type": (
        (
            "authType: BASIC\n  username: evaluation\n  password: ${env:SALES_PASSWORD}",
            "authType: BEARER\n  authToken: ${env:SUPPORT_BOT_TOKEN}",
        ),
        {"authType": "BEARER", "authToken": SECRETS["SUPPORT_BOT_TOKEN"]},
    ),
    "retries-travel-together": (
        ("retryMaxAttempts: 2", "retryMaxAttempts: 4"),
        {"retryEnabled": True, "retryMaxAttempts": 4},
    ),
}


@pytest.mark.parametrize(("edit", "body"), GALTEA_PATCHES.values(), ids=GALTEA_PATCHES)
def test_galtea_patches_hold_the_changed_fields(tmp_path: Path, edit: tuple[str, str], body: dict[str, Any]) -> None:
    bench = galtea_bench(tmp_path)
    (before,) = [r for r in bench.estate.galtea.stored("endpointConnections") if r["name"] == "ask"]
    bench.rewrite(*edit)
    assert_applied(bench.apply())
    assert sent(bench, "galtea") == [("PATCH", body)]
    (after,) = [r for r in bench.estate.galtea.stored("endpointConnections") if r["name"] == "ask"]
    touched = {*body, "username", "password"} if "authType" in body else {*body}
    assert {n: v for n, v in after.items() if n not in touched} == {
        n: v for n, v in before.items() if n not in touched
    }  # what is not sent stays, secrets included
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- goldmine

WORKSPACE_64, POOL_64, PROVIDER_64 = id_of(WORKSPACE), id_of(POOL), id_of(STATIC_PROVIDER)


def session_id(bench: Bench, token: str) -> str:
    (row,) = [r for r in bench.estate.goldmine.stored("sessions") if r["token"] == token]
    return str(row["id"])


def test_goldmine_updates_hold_ids_and_the_changed_fields(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    report = bench.apply("Session/eu-static-2")
    ids = {"workspaceId": WORKSPACE_64, "sessionId": session_id(bench, "sess-eu-static-2")}
    assert sent(bench, "goldmine") == [("POST", {**ids, "host": "203.0.113.22"})]
    assert [str(o.address) for o in report.outcomes] == ["goldmine.Session/eu-static-2"]


def test_goldmine_creates_then_disables_in_one_change(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    (change,) = bench.plan("Session/eu-static-3").pending
    assert change.action is Action.CREATE
    assert [r.path.rpartition("/")[2] for r in change.requests] == ["CreateSession", "UpdateSession"]
    report = bench.apply("Session/eu-static-3")
    assert len(report.outcomes) == 1
    assert [one.path.rpartition("/")[2] for one in bench.writes("goldmine")] == ["CreateSession", "UpdateSession"]
    created, disabled = bodies(bench.writes("goldmine"))
    assert created == {
        "workspaceId": WORKSPACE_64,
        "poolId": POOL_64,
        "providerId": PROVIDER_64,
        "token": "sess-eu-static-3",
        "scheme": "http",
        "host": "203.0.113.23",
        "port": 8080,
        "username": "harvest",
        "password": SECRETS["PROXY_PASSWORD"],
    }
    assert disabled == {
        "workspaceId": WORKSPACE_64,
        "sessionId": session_id(bench, "sess-eu-static-3"),
        "enabled": False,
    }


def test_goldmine_creates_without_an_update_when_enabled(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    assert_applied(bench.apply("Session/rotating-1"))
    (body,) = bodies(bench.writes("goldmine"))
    assert set(body) == {"workspaceId", "poolId", "providerId", "token"}


def test_the_workspace_goes_to_its_own_system_alone(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.apply()
    for name in ("apinizer", "trustgate", "galtea"):
        assert bench.writes(name)
        assert all(b"workspaceId" not in one.request.body for one in bench.requests(name))
    for one in bench.requests("goldmine"):
        body = json.loads(one.request.body)
        assert body["workspaceId"] == WORKSPACE_64
        assert "version" not in body
        assert one.query == ()


# --------------------------------------------------------------------------- number of requests


def connections(count: int) -> str:
    """Return manifests of a product and `count` of its connections."""
    documents = [GALTEA_CONNECTION.split("---")[0]]
    for number in range(count):
        documents.append(
            f"apiVersion: galtea/v1\nkind: EndpointConnection\nmetadata: {{name: bot-{number}}}\nspec:\n"
            "  product: ${ref:Product/sales-assistant}\n"
            f"  url: https://bot.example.com/{number}\n"
            "  authType: NONE\n"
        )
    return "---\n".join(documents)


@pytest.mark.parametrize(
    ("count", "pages", "ledger"),
    [
        pytest.param(250, 3, True, id="250-ledger"),
        pytest.param(250, 3, False, id="250-no-ledger"),
        pytest.param(200, 3, False, id="a-full-page-may-not-be-the-last"),
        pytest.param(99, 1, False, id="99"),
    ],
)
def test_a_plan_over_many_connections_asks_for_the_pages_only(
    tmp_path: Path, count: int, pages: int, ledger: bool
) -> None:
    bench = make_bench(tmp_path).only(connections(count))
    if not ledger:
        bench.without_ledger()
    (product,) = [r["id"] for r in bench.estate.galtea.stored("products") if r["name"] == "sales-assistant"]
    for number in range(count):
        row = {"productId": product, "name": f"bot-{number}", "url": f"https://bot.example.com/{number}"}
        bench.estate.galtea.seed("endpointConnections", row)
    if ledger:
        bench.apply()
    plan = bench.plan()
    assert plan.pending == ()
    asked = Counter(one.path for one in bench.requests("galtea"))
    assert asked == {"/products": 1, "/endpointConnections": pages}
    assert plan.requests_made == pages + 1
    assert offsets(bench) == [str(100 * page) for page in range(pages)]


def offsets(bench: Bench) -> list[str]:
    return [dict(r.query)["offset"] for r in bench.requests("galtea") if r.path == "/endpointConnections"]


def sessions(count: int) -> str:
    return "---\n".join(
        f"apiVersion: goldmine/v1\nkind: Session\nmetadata: {{name: s-{number}}}\nspec:\n"
        "  pool: ${var:residentialPool}\n"
        "  provider: ${var:staticProvider}\n"
        f"  token: token-{number}\n"
        "  enabled: true\n"
        for number in range(count)
    )


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
def test_a_plan_over_many_sessions_reads_each_once(tmp_path: Path, ledger: bool) -> None:
    bench = make_bench(tmp_path, populated=False).only(sessions(23))
    if not ledger:
        bench.without_ledger()
    for number in range(23):
        row = {"poolId": POOL, "providerId": STATIC_PROVIDER, "token": f"token-{number}"}
        bench.estate.goldmine.seed("sessions", row)
    bench.estate.goldmine.page_size = 10
    if ledger:
        bench.apply()
    plan = bench.plan()
    assert plan.pending == ()
    asked = Counter(one.path.rpartition("/")[2] for one in bench.requests("goldmine"))
    assert asked == ({"GetSession": 23} if ledger else {"ListSessions": 3, "GetSession": 23})
    assert_nothing_twice(bench)


def assert_nothing_twice(bench: Bench) -> None:
    for name in bench.recordings:
        asked = Counter((one.method, one.path, one.query, one.request.body) for one in bench.requests(name))
        assert [what for what, times in asked.items() if times > 1] == []


@pytest.mark.parametrize("variants", [{}, {"apinizer.settingsRead": "export", "trustgate.era": "S"}], ids=["L", "S"])
@pytest.mark.parametrize("resend", [False, True], ids=["usual", "resend"])
def test_plans_read_nothing_twice_and_write_nothing(tmp_path: Path, variants: dict[str, str], resend: bool) -> None:
    bench = make_bench(tmp_path, variants)
    for _ in range(2):
        plan = bench.plan(resend=resend)
        assert_nothing_twice(bench)
        assert write_count(bench) == 0
        assert plan.requests_made == sum(len(bench.requests(name)) for name in bench.recordings)
        bench.apply()
