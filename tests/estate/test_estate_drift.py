"""Somebody changes something behind our back, or a manifest or a secret changes: exactly that is planned, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, change_of, make_bench

from reconciler.core.model import Action, Cause, Comparability, Plan
from reconciler.core.pointer import format_pointer
from reconciler.render.text import render_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One resource of the examples: what to change of it in the system, and in its manifest."""

    address: str
    collection: str
    row: Mapping[str, Any]  # what tells its row from others
    managed: Mapping[str, Any]  # laid over the row, objects member by member
    pointer: str  # the only field that differs then
    unmanaged: Mapping[str, Any]
    edit: tuple[str, str]  # of the manifest, in the same field
    variants: Mapping[str, str] | None = None

    @property
    def system(self) -> str:
        return self.address.partition(".")[0]


CASES = [
    Case(
        address="apinizer.WebSocketSettings/order-updates",
        collection="apiProxies",
        row={"name": "order-updates"},
        managed={"websocketSettings": {"connectionLostTimeout": 77}},
        pointer="/connectionLostTimeout",
        unmanaged={"websocketSettings": {"maxRetries": 99, "retryDelay": 5}},
        edit=("connectionLostTimeout: 20\n", "connectionLostTimeout: 21\n"),
    ),
    Case(
        address="apinizer.WebSocketSettings/order-updates",
        collection="apiProxies",
        row={"name": "order-updates"},
        managed={"websocketSettings": {"connectionLostTimeout": 77}},
        pointer="/connectionLostTimeout",
        unmanaged={"websocketSettings": {"maxRetries": 99}, "description": "theirs"},
        edit=("connectionLostTimeout: 20\n", "connectionLostTimeout: 21\n"),
        variants={"apinizer.settingsRead": "export", "apinizer.edition": "flat"},
    ),
    Case(
        address="galtea.Product/support-bot",
        collection="products",
        row={"name": "support-bot"},
        managed={"tags": ["support", "chat", "theirs"]},
        pointer="/tags",
        unmanaged={"policies": "theirs", "autoCloseInactivityMinutes": 7},
        edit=("tags: [support, chat]", "tags: [support, chat, ours]"),
    ),
    Case(
        address="galtea.EndpointConnection/support-bot-prod",
        collection="endpointConnections",
        row={"name": "support-bot-prod"},
        managed={"timeout": 99},
        pointer="/timeout",
        unmanaged={"rateLimit": 5, "headers": {"X-Theirs": "fake-header-not-real"}},
        edit=("timeout: 30 ", "timeout: 31 "),
    ),
    Case(
        address="goldmine.Session/eu-static-1",
        collection="sessions",
        row={"token": "sess-eu-static-1"},
        managed={"enabled": False},
        pointer="/enabled",
        unmanaged={},
        edit=("  host: 203.0.113.21\n  port: 8080\n", "  host: 203.0.113.21\n  port: 8081\n"),
    ),
    Case(
        address="goldmine.Session/rotating-1",
        collection="sessions",
        row={"token": "fake-rotation-token-not-real"},
        managed={"enabled": False},
        pointer="/enabled",
        unmanaged={"scheme": "http", "host": "203.0.113.50", "port": 1080, "username": "theirs"},
        edit=("ROTATION_TOKEN}\n  enabled: true", "ROTATION_TOKEN}\n  enabled: false"),
    ),
    *(
        case
        for era in ("L", "S")
        for case in (
            Case(
                address="trustgate.Gateway/public-edge",
                collection="gateways",
                row={"name": "public-edge"},
                managed={"security_config": {"frame_deny": False}},
                pointer="/security_config/frame_deny",
                unmanaged={"security_config": {"sts_seconds": 60}, "session_config": {"enabled": True, "ttl": 5}},
                edit=("frame_deny: true", "frame_deny: false"),
                variants={"trustgate.era": era},
            ),
            Case(
                address="trustgate.Upstream/support-backend",
                collection="upstreams",
                row={"name": "support-backend"},
                managed={"health_checks": {"interval": 31}},
                pointer="/health_checks/interval",
                unmanaged={"tags": ["theirs"], "health_checks": {"headers": {"X-Probe": "fake-probe-not-real"}}},
                edit=("interval: 30 ", "interval: 29 "),
                variants={"trustgate.era": era},
            ),
            Case(
                address="trustgate.Service/support-api",
                collection="services",
                row={"name": "support-api"},
                managed={"description": "theirs"},
                pointer="/description",
                unmanaged={"tags": ["theirs"], "path": "/theirs", "headers": {"X-Theirs": "fake-header-not-real"}},
                edit=("description: The support desk", "description: Our support desk"),
                variants={"trustgate.era": era},
            ),
        )
    ),
]
IDS = [f"{case.address}{'-'.join(['', *(case.variants or {}).values()])}" for case in CASES]
every_case = pytest.mark.parametrize("case", CASES, ids=IDS)


def laid_over(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, Mapping):
        return {**old, **{name: laid_over(old.get(name), value) for name, value in new.items()}}
    return new


def row_of(bench: Bench, case: Case) -> dict[str, Any]:
    rows = getattr(bench.estate, case.system).stored(case.collection)
    (found,) = [row for row in rows if all(row[name] == value for name, value in case.row.items())]
    assert isinstance(found, dict)
    return found


def act(bench: Bench, case: Case, changes: Mapping[str, Any]) -> None:
    """Change the row of `case` as somebody else would."""
    row = row_of(bench, case)
    merged = {name: laid_over(row.get(name), value) for name, value in changes.items()}
    getattr(bench.estate, case.system).edit(case.collection, row["id"], merged)


def applied(folder: Path, system: str, variants: Mapping[str, str] | None = None, *, ledger: bool = True) -> Bench:
    """Return a bench on which the examples of one system have been applied."""
    bench = make_bench(folder, variants).keep(system)
    if not ledger:
        bench.without_ledger()
    assert_applied(bench.apply(trust_secrets=True))  # the systems hold them already
    return bench


def planned(plan: Plan) -> list[tuple[str, str, str]]:
    """Return all field changes of a plan: address, pointer, cause."""
    assert plan.blockers == ()
    return [(str(c.address), format_pointer(f.path), f.cause.value) for c in plan.pending for f in c.fields]


# --------------------------------------------------------------------------- drift


@every_case
@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
def test_a_managed_field_that_moved_is_planned_alone(tmp_path: Path, case: Case, ledger: bool) -> None:
    bench = applied(tmp_path, case.system, case.variants, ledger=ledger)
    # Nothing else remembers what cannot be read.
    known = [str(c.address) for c in bench.plan().changes if ledger or c.comparability is Comparability.READ]
    before = row_of(bench, case)
    act(bench, case, case.managed)
    cause = Cause.DRIFT if ledger else Cause.UNKNOWN
    assert planned(bench.plan(*known)) == [(case.address, case.pointer, cause.value)]
    assert_applied(bench.apply(*known))
    assert sum(len(bench.writes(name)) for name in bench.recordings) == 1
    assert bench.plan(*known).pending == ()
    moving = {"updated_at", "updatedAt", "version", "saves", "created_at"}
    assert {n: v for n, v in row_of(bench, case).items() if n not in moving} == {
        n: v for n, v in before.items() if n not in moving
    }


@every_case
def test_an_unmanaged_field_that_moved_is_left_alone(tmp_path: Path, case: Case) -> None:
    bench = applied(tmp_path, case.system, case.variants)
    act(bench, case, case.unmanaged)
    theirs = row_of(bench, case)
    assert planned(bench.plan()) == []
    bench.rewrite(*case.edit)
    assert {address for address, _, _ in planned(bench.plan())} == {case.address}
    assert_applied(bench.apply())
    for name in case.unmanaged:
        assert laid_over(row_of(bench, case)[name], case.unmanaged[name]) == row_of(bench, case)[name]
        assert theirs[name] is not None
    assert bench.plan().pending == ()


@every_case
def test_an_edited_manifest_is_told_from_drift(tmp_path: Path, case: Case) -> None:
    bench = applied(tmp_path, case.system, case.variants)
    bench.rewrite(*case.edit)
    (change,) = planned(bench.plan())
    assert change[0] == case.address
    assert change[2] == Cause.MANIFEST.value


BOTH = [case for case in CASES if case.collection not in ("sessions", "gateways")]
"""Where field and edit are about the same field, and a third value is possible."""


@pytest.mark.parametrize("case", BOTH, ids=[f"{c.address}{'-'.join(['', *(c.variants or {}).values()])}" for c in BOTH])
def test_both_sides_moved(tmp_path: Path, case: Case) -> None:
    bench = applied(tmp_path, case.system, case.variants)
    bench.rewrite(*case.edit)
    act(bench, case, case.managed)
    assert planned(bench.plan()) == [(case.address, case.pointer, Cause.BOTH.value)]


def test_what_is_only_looked_up_never_differs(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    assert_applied(bench.apply())
    bench.estate.apinizer.edit("apiProxies", "market-data", {"description": "theirs", "relativePathList": ["/x"]})
    bench.estate.galtea.edit("products", lambda r: r["name"] == "sales-assistant", {"description": "theirs"})
    assert bench.plan().pending == ()


def test_a_field_that_counts_as_absent_is_drift_too(tmp_path: Path) -> None:
    """False, 0 and empty are left out of answers: alone in their object they must not look like a lost object."""
    bench = make_bench(tmp_path).only(
        "apiVersion: trustgate/v1\nkind: Gateway\nmetadata: {name: public-edge}\n"
        "spec: {security_config: {frame_deny: false}}\n"
    )
    assert_applied(bench.apply())
    gateway = next(iter(bench.estate.trustgate.stored("gateways")))
    bench.estate.trustgate.edit(
        "gateways", gateway["id"], {"security_config": {**gateway["security_config"], "frame_deny": True}}
    )
    assert planned(bench.plan()) == [("trustgate.Gateway/public-edge", "/security_config/frame_deny", "drift")]


# --------------------------------------------------------------------------- secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A secret of the examples, and what has to be sent when it changes."""

    name: str
    changes: Mapping[str, str]  # address and pointer of what differs
    system: str
    comparable: bool  # whether the system answers it


ROTATIONS = [
    Rotation(
        name="SUPPORT_BOT_TOKEN",
        changes={
            "galtea.EndpointConnection/support-bot-init": "/authToken",
            "galtea.EndpointConnection/support-bot-prod": "/authToken",
        },
        system="galtea",
        comparable=False,
    ),
    Rotation(
        name="SALES_TENANT_KEY",
        changes={"galtea.EndpointConnection/sales-assistant-prod": "/headers/X-Tenant-Key"},
        system="galtea",
        comparable=False,
    ),
    Rotation(
        name="SALES_PASSWORD",
        changes={"galtea.EndpointConnection/sales-assistant-prod": "/password"},
        system="galtea",
        comparable=False,
    ),
    Rotation(
        name="PROXY_PASSWORD",
        changes={f"goldmine.Session/eu-static-{number}": "/password" for number in (1, 2, 3)},
        system="goldmine",
        comparable=False,
    ),
    Rotation(
        name="OPENAI_API_KEY",
        changes={"trustgate.Upstream/chat-models": "/targets/0/credentials/api_key"},
        system="trustgate",
        comparable=True,
    ),
    Rotation(
        name="SUPPORT_BACKEND_KEY",
        changes={"trustgate.Service/support-api": "/credentials/header_value"},
        system="trustgate",
        comparable=True,
    ),
]
NEW = "fake-rotated-value-not-real"


@pytest.mark.parametrize("rotation", ROTATIONS, ids=lambda rotation: rotation.name)
def test_a_rotated_secret_is_sent_once(tmp_path: Path, rotation: Rotation) -> None:
    bench = applied(tmp_path, rotation.system)
    bench.environ[rotation.name] = NEW
    plan = bench.plan()
    assert planned(plan) == [(address, pointer, "manifest") for address, pointer in rotation.changes.items()]
    assert all(field.sensitive and field.known for change in plan.pending for field in change.fields)
    text = render_plan(plan, show_requests=True)
    assert "(sensitive, will change)" in text or "(sensitive, will be set)" in text
    assert NEW not in text
    assert_applied(bench.apply())
    writes = bench.writes(rotation.system)
    assert len(writes) == len(rotation.changes)
    assert all(NEW in one.request.body.decode() for one in writes)
    assert bench.plan().pending == ()
    bench.apply()
    assert bench.writes(rotation.system) == []


@pytest.mark.parametrize("rotation", ROTATIONS, ids=lambda rotation: rotation.name)
def test_without_a_ledger_only_what_is_answered_can_be_compared(tmp_path: Path, rotation: Rotation) -> None:
    bench = applied(tmp_path, rotation.system, ledger=False)
    bench.environ[rotation.name] = NEW
    plan = bench.plan()
    if rotation.comparable:
        assert planned(plan) == [(address, pointer, "") for address, pointer in rotation.changes.items()]
        return
    assert planned(plan) == []
    for address, pointer in rotation.changes.items():
        (caveat,) = change_of(plan, address).caveats
        assert caveat.startswith("not comparable, taken as equal: ")
        assert pointer in caveat
        assert caveat in render_plan(plan, show_unchanged=True)
    assert_applied(bench.apply(resend=True))
    sent = [one for one in bench.writes(rotation.system) if NEW in one.request.body.decode()]
    assert len(sent) == len(rotation.changes)


def test_a_rotated_token_that_finds_its_object_is_refused_and_not_shown(tmp_path: Path) -> None:
    bench = applied(tmp_path, "goldmine")
    bench.environ["ROTATION_TOKEN"] = NEW
    plan = bench.plan("Session/rotating-1")
    assert [blocker.code for blocker in plan.blockers] == ["immutable-field"]
    assert NEW not in render_plan(plan, show_requests=True)


def test_a_secret_that_somebody_else_changed_is_seen_where_it_can_be(tmp_path: Path) -> None:
    bench = applied(tmp_path, "trustgate")
    bench.estate.trustgate.edit(
        "services",
        lambda r: r["name"] == "support-api",
        {"credentials": {"header_name": "X-Support-Key", "header_value": "fake-theirs-not-real"}},
    )
    plan = bench.plan()
    assert planned(plan) == [("trustgate.Service/support-api", "/credentials/header_value", "drift")]
    assert "fake-theirs-not-real" not in render_plan(plan, show_requests=True)


def test_a_secret_that_is_gone_is_set_again(tmp_path: Path) -> None:
    bench = applied(tmp_path, "galtea")
    bench.estate.galtea.edit("endpointConnections", lambda r: r["name"] == "support-bot-prod", {"authToken": None})
    (change,) = bench.plan().pending
    assert planned(bench.plan()) == [("galtea.EndpointConnection/support-bot-prod", "/authToken", "drift")]
    assert change.fields[0].sensitive
    assert_applied(bench.apply())
    (body,) = bodies(bench.writes("galtea"))
    assert set(body) == {"authToken"}
    assert bench.plan().pending == ()


# --------------------------------------------------------------------------- objects that go, fields that are let go


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
def test_a_softly_deleted_object_is_created_anew(tmp_path: Path, ledger: bool) -> None:
    bench = applied(tmp_path, "galtea", ledger=ledger)
    name = "support-bot-prod"
    (old,) = bench.estate.galtea.edit(
        "endpointConnections", lambda r: r["name"] == name, {"deletedAt": "2026-01-01T00:00:00.000Z"}
    )
    # What refers to it is pointed at the new one.
    assert {str(c.address): c.action for c in bench.plan().pending} == {
        f"galtea.EndpointConnection/{name}": Action.CREATE,
        "galtea.Version/release-12": Action.UPDATE,
    }
    assert_applied(bench.apply())
    rows = [r for r in bench.estate.galtea.stored("endpointConnections") if r["name"] == name]
    assert [r["deletedAt"] is None for r in rows] == [False, True]
    assert rows[0]["id"] == old
    assert bench.plan().pending == ()


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
def test_a_session_that_is_gone_is_created_anew(tmp_path: Path, ledger: bool) -> None:
    bench = applied(tmp_path, "goldmine", ledger=ledger)
    bench.estate.goldmine.token_reuse = True
    bench.estate.goldmine.remove("sessions", lambda r: r["token"] == "sess-eu-static-2")
    (change,) = bench.plan().pending
    assert (str(change.address), change.action) == ("goldmine.Session/eu-static-2", Action.CREATE)
    assert_applied(bench.apply())
    assert bench.plan().pending == ()


RELEASES = {
    "galtea.EndpointConnection/support-bot-prod": ("  timeout: 30           # seconds\n", "/timeout"),
    "galtea.Product/support-bot": ("  tags: [support, chat]\n", "/tags"),
    "apinizer.WebSocketSettings/order-updates": ("  connectionLostTimeout: 20\n", "/connectionLostTimeout"),
    "trustgate.Gateway/public-edge": ("    frame_deny: true\n", "/security_config/frame_deny"),
    "trustgate.Upstream/support-backend": ("    path: /healthz\n", "/health_checks/path"),
    "trustgate.Service/support-api": ("  description: The support desk behind the gateway\n", "/description"),
}


@pytest.mark.parametrize("address", RELEASES)
def test_a_field_that_is_no_longer_stated_stays(tmp_path: Path, address: str) -> None:
    line, pointer = RELEASES[address]
    bench = applied(tmp_path, address.partition(".")[0])
    bench.rewrite(line, "")
    plan = bench.plan()
    assert planned(plan) == []
    note = f"no longer stated, the value stays as it is: {pointer}"
    assert change_of(plan, address).notes == (note,)
    assert note in render_plan(plan)
    bench.apply()
    assert [bench.writes(name) for name in bench.recordings] == [[]] * 4
    again = bench.plan()
    assert planned(again) == []
    assert change_of(again, address).notes == (), "said once: from now on it is not managed"


@pytest.mark.parametrize("edition", ["flat", "wrapped"])
def test_what_cannot_be_read_differs_because_of_the_manifest(tmp_path: Path, edition: str) -> None:
    bench = applied(tmp_path, "apinizer", {"apinizer.settingsRead": "none", "apinizer.edition": edition})
    bench.rewrite("connectionLostTimeout: 20\n", "connectionLostTimeout: 21\n")
    assert planned(bench.plan()) == [
        ("apinizer.WebSocketSettings/order-updates", "/connectionLostTimeout", "manifest"),
    ]
    bench.estate.apinizer.edit("apiProxies", "order-updates", {"websocketSettings": {"connectionLostTimeout": 5}})
    assert_applied(bench.apply())
    assert bench.plan().pending == ()


def test_what_is_sent_again_on_request_is_not_called_drift(tmp_path: Path) -> None:
    bench = applied(tmp_path, "goldmine")
    assert planned(bench.plan("Session/eu-static-1", resend=True)) == [
        ("goldmine.Session/eu-static-1", "/password", "")
    ]
