"""The standard laws on everything that a TrustGate manifest can state, in both eras.

Apply, and the next plan is empty. A hand edit shows as exactly that field, and is mended; what cannot be mended is
refused in the plan. A manifest that goes away takes nothing along. Fields are cleared and variants switched as the API
documents it, or not at all.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, make_bench, rows
from trustgate_specs import ANTHROPIC, HOSTS, OPENAI, PLUGINS, TLS, WEBSOCKET, estate, manifests

from reconciler.core.pointer import MISSING, get, parse_pointer, put

ERAS = ["L", "S"]
PLACES = {"Gateway": "gateways", "Upstream": "upstreams", "Service": "services", "Rule": "rules"}
UNSTEADY = ("updated_at", "created_at")


def applied(folder: Path, era: str, *, ledger: bool = True) -> tuple[Bench, dict[str, dict[str, Any]]]:
    """Return a bench on which everything was applied, and the specs that were."""
    specs = estate(era)
    bench = make_bench(folder, {"trustgate.era": era}, populated=False).only(manifests("trustgate", specs))
    if not ledger:
        bench.without_ledger()
    assert_applied(bench.apply())
    return bench, specs


def row_of(bench: Bench, address: str) -> dict[str, Any]:
    kind, _, name = address.partition("/")
    held = rows(bench, f"trustgate.{PLACES[kind]}")
    (found,) = held if kind in ("Gateway", "Service", "Rule") else [row for row in held if row["name"] == name]
    return found


def edit(bench: Bench, address: str, pointer: str, value: Any) -> None:
    """Change one place of an object behind the API's back."""
    row = row_of(bench, address)
    changed = put(row, parse_pointer(pointer), value)
    collection = PLACES[address.partition("/")[0]]
    bench.estate.trustgate.edit(collection, row["id"], {name: changed[name] for name in changed})
    bench.estate.trustgate.restart()  # or a list out of the cache would go on showing what was


def restate(bench: Bench, specs: dict[str, dict[str, Any]], address: str, **fields: Any) -> None:
    """State other fields of one manifest; MISSING takes one away."""
    spec = {name: value for name, value in (specs[address] | fields).items() if value is not MISSING}
    bench.only(manifests("trustgate", {**specs, address: spec}))


def pending(bench: Bench) -> list[tuple[str, str]]:
    found = bench.plan().pending
    return [
        (str(c.address).partition(".")[2], "/" + "/".join(str(step) for step in f.path))
        for c in found
        for f in c.fields
    ]


def codes(bench: Bench) -> list[str]:
    return [blocker.code for blocker in bench.plan().blockers]


def puts(bench: Bench) -> list[Any]:
    assert {write.method for write in bench.writes("trustgate")} <= {"PUT"}
    return bodies(bench.writes("trustgate"))


# --------------------------------------------------------------------------- quiet


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
@pytest.mark.parametrize("era", ERAS)
def test_after_an_apply_of_everything_the_plan_is_empty(tmp_path: Path, era: str, ledger: bool) -> None:
    bench, specs = applied(tmp_path, era, ledger=ledger)
    plan = bench.plan()
    assert (pending(bench), plan.blockers) == ([], ())
    assert len(plan.changes) == len(specs)
    bench.estate.trustgate.restart()
    assert pending(bench) == []


# --------------------------------------------------------------------------- edits by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody changes at an object, as it is stored, and the field that the plan then names."""

    address: str
    at: str
    value: Any
    field: str = ""  # where the manifest spells it otherwise
    eras: str = "LS"
    refused: str = ""  # the code of the blocker, where the API has no way back

    @property
    def path(self) -> str:
        return self.field or self.at


SOCKETS_ARE_LOST = "refused-update"  # in era S every update of an upstream erases its websocket_config

EDITS = [
    Edit(address="Gateway/edge", at="/status", value="paused"),
    Edit(address="Gateway/edge", at="/security_config/sts_seconds", value=1),
    Edit(address="Gateway/edge", at="/security_config/frame_deny", value=False),
    Edit(address="Gateway/edge", at="/security_config/allowed_hosts", value=["theirs.example.com"]),
    Edit(address="Gateway/edge", at="/required_plugins/0/priority", value=7, eras="L"),
    Edit(address="Gateway/edge", at="/required_plugins/0/priority", value=7, eras="S", refused="immutable-field"),
    Edit(address="Gateway/edge", at="/session_config/ttl", value=1, eras="L"),
    Edit(address="Gateway/edge", at="/session_config/mapping_field", value="x", eras="L"),
    Edit(address="Gateway/edge", at="/telemetry/enable_plugin_traces", value=False, eras="L", refused="refused-update"),
    Edit(address="Upstream/models", at="/algorithm", value="round-robin"),
    Edit(address="Upstream/models", at="/targets/0/weight", value=1),
    Edit(address="Upstream/models", at="/targets/0/models", value=["gpt-4o-mini"]),
    Edit(address="Upstream/models", at="/targets/1/credentials/api_key", value="fake-theirs-not-real"),
    Edit(address="Upstream/models", at="/tags", value=["theirs"]),
    Edit(address="Upstream/through-a-proxy", at="/proxy/host", value="theirs.example.com", field="/proxy_config/host"),
    Edit(address="Upstream/through-a-proxy", at="/proxy/port", value="1", field="/proxy_config/port"),
    Edit(address="Upstream/through-a-proxy", at="/health_checks/interval", value=99),
    Edit(address="Upstream/through-a-proxy", at="/health_checks/headers/X-Probe", value="fake-theirs-not-real"),
    Edit(address="Upstream/through-a-proxy", at="/targets/1/insecure_ssl", value=False),
    Edit(address="Upstream/by-meaning", at="/embedding_config/model", value="other", field="/embedding/model"),
    Edit(address="Upstream/by-meaning", at="/targets/0/description", value="theirs"),
    Edit(address="Upstream/sockets", at="/websocket_config/ping_period", value="5s", eras="L"),
    Edit(
        address="Upstream/sockets", at="/websocket_config/ping_period", value="5s", eras="S", refused="immutable-field"
    ),
    Edit(address="Upstream/sockets", at="/algorithm", value="round-robin", eras="S", refused=SOCKETS_ARE_LOST),
    Edit(address="Service/chat", at="/description", value="theirs"),
    Edit(address="Service/chat", at="/headers/X-Team", value="fake-theirs-not-real"),
    Edit(address="Service/chat", at="/credentials/header_value", value="fake-theirs-not-real"),
    Edit(address="Service/chat", at="/path", value="/v9"),
    Edit(address="Service/chat", at="/retries", value=9, eras="S"),
    Edit(address="Rule/chat", at="/methods", value=["GET"]),
    Edit(address="Rule/chat", at="/headers/X-Team", value="fake-theirs-not-real"),
    Edit(address="Rule/chat", at="/plugin_chain/1/enabled", value=True),
    Edit(address="Rule/chat", at="/trustlens/mapping", value="theirs"),
    Edit(address="Rule/chat", at="/strip_path", value=False, eras="L"),
    Edit(address="Rule/chat", at="/preserve_host", value=True, eras="L"),
    Edit(address="Rule/chat", at="/retry_attempts", value=9, eras="L"),
    Edit(address="Rule/chat", at="/type", value="endpoint", eras="L", refused="immutable-field"),
]


def cases() -> list[Any]:
    return [
        pytest.param(era, one, id=f"{era}-{one.address.partition('/')[0]}{one.at}{'-refused' if one.refused else ''}")
        for one in EDITS
        for era in one.eras
    ]


@pytest.mark.parametrize(("era", "one"), cases())
def test_an_edit_by_hand_shows_as_that_field_and_is_mended(tmp_path: Path, era: str, one: Edit) -> None:
    bench, _ = applied(tmp_path, era)
    before = row_of(bench, one.address)
    edit(bench, one.address, one.at, one.value)
    if "models" in one.path or "methods" in one.path:
        assert [a for a, _ in pending(bench)] == [one.address]
    else:
        assert [(a, p) for a, p in pending(bench) if p.startswith(one.path)] == pending(bench) != []
        assert {a for a, _ in pending(bench)} == {one.address}
    if one.refused:
        assert set(codes(bench)) == {one.refused}
        return
    assert_applied(bench.apply())
    assert len(puts(bench)) == 1
    bench.estate.trustgate.restart()
    assert pending(bench) == []
    after = row_of(bench, one.address)
    assert steady(after) == steady(before), "the mend changes nothing else, and loses nothing"


def steady(value: Any, name: str = "") -> Any:
    """Leave out times, the order of sets, and zeros, which mean the same as nothing here."""
    if isinstance(value, dict):
        members = {key: steady(item, key) for key, item in value.items() if key not in UNSTEADY}
        return {key: item for key, item in members.items() if item not in (None, "", [], {}, 0)}
    if isinstance(value, list):
        items = [steady(item) for item in value]
        return sorted(items) if name in ("tags", "methods", "models", "allowed_hosts") else items
    return value


@pytest.mark.parametrize("era", ERAS)
def test_an_update_of_a_gateway_holds_the_changed_fields_alone(tmp_path: Path, era: str) -> None:
    bench, _ = applied(tmp_path, era)
    edit(bench, "Gateway/edge", "/status", "paused")
    bench.apply()
    assert puts(bench) == [{"status": "active"}]


def test_an_update_of_a_rule_holds_the_changed_fields_alone_in_era_l(tmp_path: Path) -> None:
    bench, _ = applied(tmp_path, "L")
    edit(bench, "Rule/chat", "/trustlens/mapping", "theirs")
    edit(bench, "Rule/chat", "/strip_path", False)
    bench.apply()
    lens = {"app_id": "app", "team_id": "team", "type": "AGENT", "mapping": "m"}
    assert puts(bench) == [{"strip_path": True, "trust_lens": lens}]


@pytest.mark.parametrize("era", ERAS)
def test_an_update_of_a_rule_keeps_what_nobody_manages(tmp_path: Path, era: str) -> None:
    bench, specs = applied(tmp_path, era)
    whole = row_of(bench, "Rule/chat")
    few = {name: specs["Rule/chat"][name] for name in ("gateway", "path", "service")}
    bench.only(manifests("trustgate", {**specs, "Rule/chat": {**few, "methods": ["DELETE"]}}))
    assert_applied(bench.apply())
    bench.estate.trustgate.restart()
    assert pending(bench) == []
    assert steady(row_of(bench, "Rule/chat")) == steady({**whole, "methods": ["DELETE"]})


# --------------------------------------------------------------------------- what is no longer stated


@pytest.mark.parametrize("address", ["Rule/chat", "Service/chat", "Upstream/sockets"])
@pytest.mark.parametrize("era", ERAS)
def test_a_manifest_that_goes_away_takes_nothing_along(tmp_path: Path, era: str, address: str) -> None:
    bench, specs = applied(tmp_path, era)
    before = row_of(bench, address)
    left = {name: spec for name, spec in specs.items() if name != address}
    if address == "Service/chat":
        del left["Rule/chat"]  # it refers to the service
    bench.only(manifests("trustgate", left))
    assert pending(bench) == []
    bench.apply()
    assert [write for name in bench.recordings for write in bench.writes(name)] == []
    assert row_of(bench, address) == before


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("Gateway/edge", "security_config"), ("Upstream/models", "tags"), ("Service/chat", "credentials"),
        ("Rule/chat", "plugin_chain"), ("Rule/chat", "trustlens"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("era", ERAS)
def test_a_field_that_is_no_longer_stated_stays_and_the_plan_says_so(
    tmp_path: Path, era: str, address: str, field: str
) -> None:
    bench, specs = applied(tmp_path, era)
    before = row_of(bench, address)
    restate(bench, specs, address, **{field: MISSING})
    plan = bench.plan()
    (change,) = [c for c in plan.changes if str(c.address).endswith(address)]
    assert plan.pending == ()
    assert any(f"/{field}" in note and "stays as it is" in note for note in change.notes)
    assert row_of(bench, address) == before


# --------------------------------------------------------------------------- clearing


@pytest.mark.parametrize(
    ("address", "fields", "stored"),
    [
        ("Upstream/models", {"tags": None}, ("/tags", None)),
        ("Upstream/models", {"tags": []}, ("/tags", None)),
        ("Upstream/through-a-proxy", {"proxy_config": None}, ("/proxy", None)),
        ("Upstream/through-a-proxy", {"health_checks": None}, ("/health_checks", None)),
        ("Service/chat", {"description": None}, ("/description", None)),
        ("Service/chat", {"headers": {}}, ("/headers", None)),
        ("Service/chat", {"tags": None}, ("/tags", None)),
        ("Service/chat", {"credentials": None}, ("/credentials", None)),
        ("Rule/chat", {"headers": {}}, ("/headers", None)),
        ("Rule/chat", {"plugin_chain": []}, ("/plugin_chain", None)),
        ("Rule/chat", {"preserve_host": True, "strip_path": False}, ("/strip_path", None)),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("era", ERAS)
def test_what_can_be_cleared_is_cleared(
    tmp_path: Path, era: str, address: str, fields: dict[str, Any], stored: tuple[str, Any]
) -> None:
    bench, specs = applied(tmp_path, era)
    restate(bench, specs, address, **fields)
    assert_applied(bench.apply())
    bench.estate.trustgate.restart()
    assert pending(bench) == []
    assert get(row_of(bench, address), parse_pointer(stored[0])) in (MISSING, None, "", [], {}, False)


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("Gateway/edge", {"security_config": None}),
        ("Gateway/edge", {"telemetry": None}),
        ("Gateway/edge", {"session_config": None}),
        ("Gateway/edge", {"client_tls": {}}),
        ("Upstream/models", {"targets": []}),
        ("Upstream/models", {"algorithm": None}),
        ("Upstream/by-meaning", {"embedding": None}),
        ("Service/chat", {"upstream": None}),
        ("Rule/chat", {"methods": []}),
        ("Rule/chat", {"trustlens": None}),
        ("Rule/chat", {"headers": None}),
        ("Rule/chat", {"path": "/chat/"}),
        ("Rule/chat", {"methods": ["post"]}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value.partition("/")[0],
)
def test_what_cannot_be_cleared_is_a_mistake_of_the_manifest(
    tmp_path: Path, address: str, fields: dict[str, Any]
) -> None:
    from reconciler.core.errors import InvalidInput

    for era in ERAS:
        bench, specs = applied(tmp_path / era, era)
        restate(bench, specs, address, **fields)
        with pytest.raises(InvalidInput):
            bench.plan()


# --------------------------------------------------------------------------- switching


@pytest.mark.parametrize(
    "fields",
    [
        {"algorithm": "least-conn"},
        {"algorithm": "round-robin", "targets": HOSTS},
        {"algorithm": "round-robin", "targets": [HOSTS[0], ANTHROPIC]},
        {"algorithm": "weighted-round-robin", "targets": [ANTHROPIC, OPENAI]},
    ],
    ids=["algorithm", "providers to hosts", "a host and a provider", "another order"],
)
@pytest.mark.parametrize("era", ERAS)
def test_an_upstream_becomes_another_one(tmp_path: Path, era: str, fields: dict[str, Any]) -> None:
    bench, specs = applied(tmp_path, era)
    restate(bench, specs, "Upstream/models", **fields)
    assert_applied(bench.apply())
    assert len(puts(bench)) == 1
    bench.estate.trustgate.restart()
    assert pending(bench) == []


@pytest.mark.parametrize("era", ERAS)
def test_an_upstream_leaves_the_semantic_algorithm_and_comes_back(tmp_path: Path, era: str) -> None:
    bench, specs = applied(tmp_path, era)
    embedded = row_of(bench, "Upstream/by-meaning")["embedding_config"]
    restate(bench, specs, "Upstream/by-meaning", algorithm="round-robin", embedding=MISSING)
    assert_applied(bench.apply())
    assert row_of(bench, "Upstream/by-meaning")["embedding_config"] == embedded, "not stated, hence kept"
    restate(bench, specs, "Upstream/by-meaning", algorithm="round-robin", embedding=None)
    assert_applied(bench.apply())
    assert not row_of(bench, "Upstream/by-meaning").get("embedding_config")
    bench.only(manifests("trustgate", specs))
    assert_applied(bench.apply())
    assert pending(bench) == []


def test_a_proxy_beside_live_sockets_is_refused_until_they_are_cleared(tmp_path: Path) -> None:
    bench, specs = applied(tmp_path, "L")
    proxy = {"host": "proxy.example.com", "port": "3128"}
    restate(bench, specs, "Upstream/sockets", websocket_config=MISSING, proxy_config=proxy)
    assert codes(bench) == ["broken-rule"]
    assert "exclude each other" in bench.plan().blockers[0].message
    restate(bench, specs, "Upstream/sockets", websocket_config=None, proxy_config=proxy)
    assert_applied(bench.apply())
    assert pending(bench) == []
    restate(bench, specs, "Upstream/sockets", websocket_config=WEBSOCKET, proxy_config=None)
    assert_applied(bench.apply())
    assert pending(bench) == []


def test_providers_behind_a_live_proxy_are_refused_in_era_s_alone(tmp_path: Path) -> None:
    for era in ERAS:
        bench, specs = applied(tmp_path / era, era)
        restate(bench, specs, "Upstream/through-a-proxy", targets=[OPENAI], proxy_config=MISSING)
        assert codes(bench) == (["broken-rule"] if era == "S" else [])


def test_sockets_cannot_be_added_or_cleared_in_era_s(tmp_path: Path) -> None:
    bench, specs = applied(tmp_path, "S")
    restate(bench, specs, "Upstream/models", websocket_config=WEBSOCKET)
    assert codes(bench) == ["immutable-field"]
    restate(bench, specs, "Upstream/sockets", algorithm="round-robin")
    assert codes(bench) == ["refused-update"]
    assert "era L" in bench.plan().blockers[0].hint


@pytest.mark.parametrize("era", ERAS)
def test_a_service_moves_to_another_upstream_and_sort(tmp_path: Path, era: str) -> None:
    bench, specs = applied(tmp_path, era)
    restate(bench, specs, "Service/chat", upstream="${ref:Upstream/by-meaning}", type="endpoint")
    assert_applied(bench.apply())
    assert row_of(bench, "Service/chat")["upstream_id"] == row_of(bench, "Upstream/by-meaning")["id"]
    assert pending(bench) == []


@pytest.mark.parametrize("era", ERAS)
def test_other_credentials_leave_the_old_ones_unless_they_are_cleared(tmp_path: Path, era: str) -> None:
    bench, specs = applied(tmp_path, era)
    restate(bench, specs, "Service/chat", credentials={"api_key": "${env:OPENAI_API_KEY}"})
    assert_applied(bench.apply())
    held = row_of(bench, "Service/chat")["credentials"]
    assert {"api_key", "header_name", "header_value"} <= held.keys()
    cleared = {"api_key": "${env:OPENAI_API_KEY}", "header_name": None, "header_value": None}
    restate(bench, specs, "Service/chat", credentials=cleared)
    assert_applied(bench.apply())
    assert {n for n, v in row_of(bench, "Service/chat")["credentials"].items() if v} == {"api_key"}
    assert pending(bench) == []


def test_new_certificates_are_sent_in_era_l_and_refused_in_era_s(tmp_path: Path) -> None:
    other = copy.deepcopy(TLS)
    other["llm.example.com"]["ca_cert"] = "fake-other-certificate-not-real"
    for era in ERAS:
        bench, specs = applied(tmp_path / era, era)
        restate(bench, specs, "Gateway/edge", client_tls=other)
        if era == "S":
            assert codes(bench) == ["immutable-field"]
            continue
        assert_applied(bench.apply())
        assert [list(body) for body in puts(bench)] == [["client_tls"]]
        assert pending(bench) == []


def test_plugins_are_replaced_and_cleared_in_era_l_alone(tmp_path: Path) -> None:
    for era in ERAS:
        bench, specs = applied(tmp_path / era, era)
        restate(bench, specs, "Gateway/edge", required_plugins=PLUGINS[:1])
        if era == "S":
            assert set(codes(bench)) == {"immutable-field"}
            continue
        ids = [plugin["id"] for plugin in row_of(bench, "Gateway/edge")["required_plugins"]]
        assert_applied(bench.apply())
        assert [plugin["id"] for plugin in row_of(bench, "Gateway/edge")["required_plugins"]] == ids[:1]
        restate(bench, specs, "Gateway/edge", required_plugins=[])
        assert_applied(bench.apply())
        assert row_of(bench, "Gateway/edge")["required_plugins"] == []
        assert pending(bench) == []
