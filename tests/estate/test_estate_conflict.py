"""Somebody acts between plan and write: what moved is refused, and the rest is applied on what is there now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, change_of, make_bench, outcome_of, rows, write_count

from reconciler.core.errors import Refused
from reconciler.core.model import Action
from reconciler.core.report import Status
from reconciler.render.report import render_report
from reconciler.sandbox.estate import POOL, STATIC_PROVIDER
from reconciler.sandbox.http import SandboxRequest, SandboxResponse
from reconciler.sandbox.vices import Attempt, Fault


def edit(bench: Bench, place: str, changes: Mapping[str, Any], **values: Any) -> None:
    system, _, collection = place.partition(".")
    (row,) = rows(bench, place, **values)
    getattr(bench.estate, system).edit(collection, row["id"], changes)


# --------------------------------------------------------------------------- moved since the plan


def test_a_moved_object_is_refused_its_dependants_are_skipped_and_the_rest_is_applied(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    theirs = {"allowed_hosts": ["theirs.example.com"], "ssl_redirect": True, "frame_deny": True,
              "content_type_nosniff": True}  # fmt: skip
    report = bench.apply(
        between=lambda: edit(bench, "trustgate.gateways", {"security_config": theirs}, name="public-edge")
    )
    gateway = outcome_of(report, "Gateway/public-edge")
    assert gateway.status is Status.CONFLICT
    assert gateway.detail == "changed by somebody else since the plan: /security_config/allowed_hosts"
    assert gateway.hint
    skipped = {o.address.name: o.detail for o in report.outcomes if o.status is Status.SKIPPED}
    assert skipped == {
        "chat-models": "because of trustgate.Gateway/public-edge",
        "support-backend": "because of trustgate.Gateway/public-edge",
        "chat-completions": "because of trustgate.Gateway/public-edge, trustgate.Upstream/chat-models",
        "chat": "because of trustgate.Gateway/public-edge, trustgate.Service/chat-completions",
        "support-desk": "because of trustgate.Gateway/public-edge, trustgate.Upstream/support-backend",
    }
    others = [o for o in report.outcomes if o is not gateway and o.status is not Status.SKIPPED]
    assert {o.status for o in others} == {Status.APPLIED, Status.UNCHANGED}
    assert outcome_of(report, "Service/internal-search").status is Status.APPLIED
    (row,) = rows(bench, "trustgate.gateways", name="public-edge")
    assert row["security_config"] == theirs
    assert not [r for r in bench.writes("trustgate") if row["id"] in r.path]
    three_way = (
        'planned on ["ai.example.com"]; is now ["theirs.example.com"]; wanted ["ai-eu.example.com", "ai.example.com"]'
    )
    assert f"      /security_config/allowed_hosts: {three_way}" in render_report(report)
    assert_applied(bench.apply())
    assert bench.plan().pending == ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A pending change of the populated examples, and what somebody does to its object meanwhile."""

    address: str
    place: str
    row: Mapping[str, Any]
    changes: Mapping[str, Any]
    moved: str = ""
    shown: str = ""
    variants: Mapping[str, str] = field(default_factory=dict)


SETTINGS = {"connectionLostTimeout": 55, "autoReconnect": False, "maxRetries": 7}
TARGETS = [
    {"id": f"support-{n}", "host": f"support-{n}.internal.example.com", "port": 8443, "protocol": "https", "weight": w}
    for n, w in ((1, 80), (2, 10))
]
MOVES = [
    *(
        Move(
            address="WebSocketSettings/order-updates",
            place="apinizer.apiProxies",
            row={"name": "order-updates"},
            changes={"websocketSettings": SETTINGS},
            moved="/connectionLostTimeout",
            shown="planned on 120; is now 55; wanted 20",
            variants={"apinizer.settingsRead": how},
        )
        for how in ("full", "export")
    ),
    Move(
        address="EndpointConnection/support-bot-init",
        place="galtea.endpointConnections",
        row={"name": "support-bot-init"},
        changes={"timeout": 50},
        moved="/timeout",
        shown="planned on 60; is now 50; wanted 15",
    ),
    Move(
        address="EndpointConnection/support-bot-init",
        place="galtea.endpointConnections",
        row={"name": "support-bot-init"},
        changes={"url": "https://theirs.example.com/v1/sessions"},
        moved="/url",
        shown='planned on "https://bot.example.com/v1/sessions"; is now "https://theirs.example.com/v1/sessions"; '
        'wanted "https://bot.example.com/v1/sessions"',
    ),
    Move(
        address="Session/eu-static-2",
        place="goldmine.sessions",
        row={"token": "sess-eu-static-2"},
        changes={"host": "203.0.113.98"},
        moved="/host",
        shown='planned on "203.0.113.99"; is now "203.0.113.98"; wanted "203.0.113.22"',
    ),
    Move(
        address="Session/eu-static-2",
        place="goldmine.sessions",
        row={"token": "sess-eu-static-2"},
        changes={"enabled": False},
        moved="/enabled",
        shown="planned on true; is now (not set); wanted true",
    ),
    *(
        Move(
            address="Upstream/support-backend",
            place="trustgate.upstreams",
            row={"name": "support-backend"},
            changes={"targets": TARGETS},
            moved="/targets/0/weight",
            shown="planned on 90; is now 80; wanted 50",
            variants={"trustgate.era": era},
        )
        for era in ("L", "S")
    ),
]


@pytest.mark.parametrize("move", MOVES, ids=lambda move: "-".join([move.address, move.moved, *move.variants.values()]))
def test_a_managed_field_that_moved_is_a_conflict(tmp_path: Path, move: Move) -> None:
    bench = make_bench(tmp_path, move.variants).keep(move.place.partition(".")[0])
    report = bench.apply(move.address, between=lambda: edit(bench, move.place, move.changes, **move.row))
    outcome = outcome_of(report, move.address)
    assert outcome.status is Status.CONFLICT
    assert outcome.detail == f"changed by somebody else since the plan: {move.moved}"
    assert f"      {move.moved}: {move.shown}" in render_report(report) + "\n"
    assert write_count(bench) == 0
    (row,) = rows(bench, move.place, **move.row)
    assert {name: row[name] for name in move.changes} == dict(move.changes)
    assert_applied(bench.apply(move.address))
    assert bench.plan(move.address).pending == ()


@pytest.mark.parametrize("era", ["L", "S"])
def test_an_unmanaged_field_that_moved_is_merged_from_the_fresh_read(tmp_path: Path, era: str) -> None:
    bench = make_bench(tmp_path, {"trustgate.era": era}).keep("trustgate")
    bench.rewrite("description: The support desk behind", "description: Our support desk behind")

    def between() -> None:
        edit(bench, "trustgate.services", {"tags": ["theirs"], "path": "/theirs"}, name="support-api")
        edit(bench, "trustgate.upstreams", {"tags": ["theirs"]}, name="support-backend")

    assert_applied(bench.apply("support-api", "support-backend", "public-edge", between=between))
    sent = {body.get("name"): body for body in bodies(bench.writes("trustgate"))}
    assert (sent["support-api"]["tags"], sent["support-api"]["path"]) == (["theirs"], "/theirs")
    assert sent["support-backend"]["tags"] == ["theirs"]
    (service,) = rows(bench, "trustgate.services", name="support-api")
    assert (service["tags"], service["path"]) == (["theirs"], "/theirs")


def test_unmanaged_fields_that_moved_are_not_in_partial_updates(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)

    def between() -> None:
        edit(bench, "galtea.endpointConnections", {"rateLimit": 9}, name="support-bot-init")
        edit(bench, "apinizer.apiProxies", {"description": "theirs"}, name="order-updates")

    assert_applied(bench.apply("support-bot-init", "WebSocketSettings/order-updates", between=between))
    assert bodies(bench.writes("galtea")) == [{"timeout": 15}]
    assert bodies(bench.writes("apinizer")) == [{"websocketSettings": {"connectionLostTimeout": 20}}]
    assert rows(bench, "galtea.endpointConnections", name="support-bot-init")[0]["rateLimit"] == 9


def test_a_secret_that_moved_is_a_conflict_that_does_not_show_it(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("trustgate")
    bench.rewrite("description: The support desk behind", "description: Our support desk behind")
    stolen = {"header_name": "X-Support-Key", "header_value": "fake-theirs-not-real"}
    report = bench.apply(
        "Service/support-api",
        between=lambda: edit(bench, "trustgate.services", {"credentials": stolen}, name="support-api"),
    )
    outcome = outcome_of(report, "support-api")
    assert outcome.status is Status.CONFLICT
    assert outcome.detail.endswith(": /credentials/header_value")
    text = render_report(report)
    assert "/credentials/header_value: planned on (sensitive); is now (sensitive)" in text
    assert "not-real" not in text


# --------------------------------------------------------------------------- gone or come since the plan


GONE = {
    "EndpointConnection/support-bot-init": ("galtea.endpointConnections", {"name": "support-bot-init"}),
    "Session/eu-static-2": ("goldmine.sessions", {"token": "sess-eu-static-2"}),
    "Gateway/public-edge": ("trustgate.gateways", {"name": "public-edge"}),
    "Upstream/support-backend": ("trustgate.upstreams", {"name": "support-backend"}),
    "WebSocketSettings/order-updates": ("apinizer.apiProxies", {"name": "order-updates"}),
}


@pytest.mark.parametrize("address", GONE)
def test_an_object_that_has_gone_is_a_conflict(tmp_path: Path, address: str) -> None:
    place, values = GONE[address]
    system, _, collection = place.partition(".")
    bench = make_bench(tmp_path).keep(system)

    def between() -> None:
        (row,) = rows(bench, place, **values)
        if address == "Upstream/support-backend":
            bench.estate.trustgate.remove("services", lambda r: r["upstream_id"] == row["id"])
            bench.estate.trustgate.restart()
        getattr(bench.estate, system).remove(collection, row["id"])

    outcome = outcome_of(bench.apply(address, between=between), address)
    assert (outcome.status, outcome.detail) == (Status.CONFLICT, "it has gone from the server since the plan")
    assert write_count(bench) == 0


def test_an_object_that_was_softly_deleted_is_a_conflict(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    gone = {"deletedAt": "2026-01-01T00:00:00.000Z"}
    report = bench.apply(between=lambda: edit(bench, "galtea.endpointConnections", gone, name="support-bot-init"))
    assert outcome_of(report, "support-bot-init").status is Status.CONFLICT
    assert_applied(bench.apply())
    assert len(rows(bench, "galtea.endpointConnections", name="support-bot-init")) == 1


def appear(bench: Bench, address: str) -> None:
    """Make what `address` is about, as somebody else would."""
    trustgate, galtea, goldmine = bench.estate.trustgate, bench.estate.galtea, bench.estate.goldmine
    gateway = rows(bench, "trustgate.gateways", name="public-edge")[0]["id"]
    product = rows(bench, "galtea.products", name="support-bot")[0]["id"]
    target = {"host": "theirs.internal.example.com", "port": 80, "protocol": "http"}
    match address:
        case "Gateway/internal-edge":
            trustgate.seed("gateways", {"name": "internal-edge"})
        case "Upstream/chat-models":
            trustgate.seed("upstreams", {"name": "chat-models", "gateway_id": gateway, "targets": [target]})
            trustgate.restart()
        case "EndpointConnection/support-bot-prod":
            galtea.seed("endpointConnections", {"name": "support-bot-prod", "productId": product})
        case _:
            goldmine.seed("sessions", {"token": "sess-eu-static-3", "poolId": POOL, "providerId": STATIC_PROVIDER})


COME = {
    "Gateway/internal-edge": ("trustgate.gateways", {"name": "internal-edge"}),
    "Upstream/chat-models": ("trustgate.upstreams", {"name": "chat-models"}),
    "EndpointConnection/support-bot-prod": ("galtea.endpointConnections", {"name": "support-bot-prod"}),
    "Session/eu-static-3": ("goldmine.sessions", {"token": "sess-eu-static-3"}),
}


@pytest.mark.parametrize("address", COME)
def test_an_object_that_has_appeared_is_a_conflict(tmp_path: Path, address: str) -> None:
    place, values = COME[address]
    bench = make_bench(tmp_path)
    outcome = outcome_of(bench.apply(address, between=lambda: appear(bench, address)), address)
    assert (outcome.status, outcome.detail) == (Status.CONFLICT, "it has appeared on the server since the plan")
    assert write_count(bench) == 0
    assert len(rows(bench, place, **values)) == 1
    assert change_of(bench.plan(address), address).action is not Action.CREATE


def test_an_object_that_appears_right_before_the_create_is_not_made_twice(tmp_path: Path) -> None:
    """The last look shows nothing, and the API itself refuses the duplicate."""
    bench = make_bench(tmp_path).keep("galtea")

    def first(attempt: Attempt) -> SandboxResponse:
        appear(bench, "EndpointConnection/support-bot-prod")
        return attempt.act(attempt.request)

    def is_create(request: SandboxRequest) -> bool:
        return request.method == "POST" and b'"support-bot-prod"' in request.body

    bench.wrap("galtea", Fault(vice=first, when=is_create))
    outcome = outcome_of(bench.apply("support-bot-prod"), "support-bot-prod")
    assert outcome.status is Status.CONFLICT
    assert "with the same name" in outcome.detail
    assert len(rows(bench, "galtea.endpointConnections", name="support-bot-prod")) == 1


# --------------------------------------------------------------------------- two of a kind


def twice(bench: Bench, address: str) -> None:
    """Make a second object with the natural key of `address`."""
    place, values = TWICE[address]
    system, _, collection = place.partition(".")
    (row,) = rows(bench, place, **values)
    getattr(bench.estate, system).seed(collection, {n: v for n, v in row.items() if n != "id"})


TWICE = {
    "EndpointConnection/support-bot-init": ("galtea.endpointConnections", {"name": "support-bot-init"}),
    "Product/support-bot": ("galtea.products", {"name": "support-bot"}),
    "Session/eu-static-2": ("goldmine.sessions", {"token": "sess-eu-static-2"}),
    "Gateway/public-edge": ("trustgate.gateways", {"name": "public-edge"}),
    "Upstream/support-backend": ("trustgate.upstreams", {"name": "support-backend"}),
    "Service/support-api": ("trustgate.services", {"name": "support-api"}),
}


@pytest.mark.parametrize("address", TWICE)
def test_two_objects_with_one_natural_key_block_the_plan(tmp_path: Path, address: str) -> None:
    bench = make_bench(tmp_path).keep(TWICE[address][0].partition(".")[0])
    twice(bench, address)
    plan = bench.plan()
    blocker = next(b for b in plan.blockers if str(b.address).endswith(address))
    assert blocker.code == "ambiguous-match"
    place, values = TWICE[address]
    assert all(row["id"] in blocker.message for row in rows(bench, place, **values))
    with pytest.raises(Refused):
        bench.apply()
    assert write_count(bench) == 0


def test_the_ledger_tells_two_objects_apart(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("trustgate")
    assert_applied(bench.apply())
    twice(bench, "Service/support-api")
    assert bench.plan().blockers == ()
    assert bench.plan().pending == ()
