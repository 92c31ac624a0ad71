"""Rules of TrustGate as documented, quirk by quirk, in both eras."""

from __future__ import annotations

from typing import Any

import pytest
from trustgate_calls import Gate, error

LENS = {"app_id": "app", "team_id": "team", "type": "AGENT", "mapping": "m"}
PLUGIN = {"name": "cors", "stage": "pre_request", "settings": {"k": 1}}
UNKNOWN = "1efda1c7-b0a4-6000-8000-0123456789ab"


@pytest.fixture(params=["S", "L"])
def gate(request: pytest.FixtureRequest) -> Gate:
    return Gate(request.param)


def rule_body(service: str, **fields: Any) -> dict[str, Any]:
    return {"name": "chat", "path": "/chat", "methods": ["POST"], "service_id": service, **fields}


def make(gate: Gate, **fields: Any) -> tuple[str, str, str]:
    gateway, _, service = gate.chat()
    body = rule_body(service["id"], **fields)
    return gateway, service["id"], gate.json("POST", f"/gateways/{gateway}/rules", body, status=201)["id"]


def listed(gate: Gate, gateway: str) -> Any:
    return gate.json("GET", f"/gateways/{gateway}/rules")


def test_the_list_stands_below_the_gateway_and_has_no_pages(gate: Gate) -> None:
    gateway = gate.gateway()
    assert listed(gate, gateway)["rules"] is None
    gateway, _, rule = make(gate)
    answer = listed(gate, gateway)
    assert answer["gateway"]["id"] == gateway
    assert [item["id"] for item in answer["rules"]] == [rule]


def test_era_s_shows_less_of_a_rule() -> None:
    hidden = {"name", "type", "strip_path", "preserve_host", "retry_attempts"}
    for era in ("S", "L"):
        gate = Gate(era)
        gateway, _, _ = make(gate)
        (shown,) = listed(gate, gateway)["rules"]
        assert (hidden & shown.keys()) == (hidden if era == "L" else set())


def test_there_is_no_read_of_one_rule(gate: Gate) -> None:
    gateway, _, rule = make(gate)
    assert gate.ask("GET", f"/gateways/{gateway}/rules/{rule}").status == 405


def test_a_create_stores_retry_attempts_zero_as_one_and_an_update_keeps_zero(gate: Gate) -> None:
    gateway, service, rule = make(gate, retry_attempts=0)
    assert gate.system.stored("rules")[0]["retry_attempts"] == 1
    listed(gate, gateway)
    gate.json("PUT", f"/gateways/{gateway}/rules/{rule}", rule_body(service, retry_attempts=0), status=204)
    assert gate.system.stored("rules")[0]["retry_attempts"] == 0


def test_the_answer_of_a_create_mangles_headers(gate: Gate) -> None:
    gateway, _, service = gate.chat()
    body = rule_body(service["id"], headers={"X-Team": "a"})
    assert gate.json("POST", f"/gateways/{gateway}/rules", body, status=201)["headers"] != {"X-Team": "a"}
    assert listed(gate, gateway)["rules"][0]["headers"] == {"X-Team": "a"}


def test_a_lower_case_method_passes_the_handler_and_fails_in_the_database(gate: Gate) -> None:
    gateway, _, service = gate.chat()
    path = f"/gateways/{gateway}/rules"
    assert gate.ask("POST", path, rule_body(service["id"], methods=["post"])).status == 500
    assert gate.ask("POST", path, rule_body(service["id"], methods=["FETCH"])).status == 400


def test_paths_are_normal_and_unique_in_era_l_only() -> None:
    for gate, status in ((Gate("L"), 400), (Gate("S"), 201)):
        gateway, service, _ = make(gate, path="chat/")
        assert gate.system.stored("rules")[0]["path"] == ("/chat" if gate.era == "L" else "chat/")
        answer = gate.ask("POST", f"/gateways/{gateway}/rules", rule_body(service, path="/chat"))
        assert answer.status == status
        if gate.era == "L":
            assert error(answer) == (400, "rule already exists")


def test_a_service_that_is_not_there_is_refused_in_era_l_and_breaks_the_list_in_era_s() -> None:
    gate = Gate("L")
    gateway = gate.gateway()
    assert gate.ask("POST", f"/gateways/{gateway}/rules", rule_body(UNKNOWN)).status == 400
    gate = Gate("S")
    gateway = gate.gateway()
    assert gate.ask("POST", f"/gateways/{gateway}/rules", rule_body(UNKNOWN)).status == 201
    assert gate.ask("GET", f"/gateways/{gateway}/rules").status == 500


def test_what_a_put_leaves_out_is_kept_in_era_l_and_partly_cleared_in_era_s() -> None:
    stored = {"headers": {"X-Team": "a"}, "plugin_chain": [PLUGIN], "strip_path": True, "trustlens": LENS}
    for era in ("L", "S"):
        gate = Gate(era)
        gateway, service, rule = make(gate, **stored)
        listed(gate, gateway)
        path = f"/gateways/{gateway}/rules/{rule}"
        if era == "S":
            assert gate.ask("PUT", path, {"strip_path": False}).status == 400
        gate.json("PUT", path, rule_body(service) if era == "S" else {}, status=204)
        (row,) = gate.system.stored("rules")
        assert (row["strip_path"], row["trustlens"]) == (True, LENS)
        assert (bool(row["headers"]), bool(row["plugin_chain"])) == (era == "L", era == "L")


def test_era_l_clears_by_empty_values_and_reads_trust_lens() -> None:
    gate = Gate("L")
    gateway, _, rule = make(gate, headers={"X-Team": "a"}, plugin_chain=[PLUGIN])
    listed(gate, gateway)
    changes = {"headers": {}, "plugin_chain": [], "name": "", "methods": [], "trustlens": LENS}
    gate.json("PUT", f"/gateways/{gateway}/rules/{rule}", changes, status=204)
    (row,) = gate.system.stored("rules")
    assert (row["headers"], row["plugin_chain"], row["name"], row["methods"]) == ({}, [], "chat", ["POST"])
    assert "trustlens" not in row, "an update says trust_lens"
    gate.json("PUT", f"/gateways/{gateway}/rules/{rule}", {"trust_lens": LENS}, status=204)
    assert gate.system.stored("rules")[0]["trustlens"] == LENS


def test_a_put_saves_and_fails_while_the_cached_list_is_missing(gate: Gate) -> None:
    gateway, service, rule = make(gate)
    path, body = f"/gateways/{gateway}/rules/{rule}", rule_body(service, headers={"X-Team": "b"})
    assert gate.ask("PUT", path, body).status == 500
    assert gate.system.stored("rules")[0]["headers"] == {"X-Team": "b"}
    listed(gate, gateway)
    assert gate.ask("PUT", path, body).status == 204
    other = gate.json("POST", f"/gateways/{gateway}/rules", rule_body(service, path="/other"), status=201)["id"]
    assert gate.ask("PUT", f"/gateways/{gateway}/rules/{other}", rule_body(service, path="/o")).status == 404
    assert [row["path"] for row in gate.system.stored("rules")] == ["/chat", "/o"]


def test_a_delete_answers_404_the_second_time_and_frees_the_service(gate: Gate) -> None:
    gateway, service, rule = make(gate)
    assert gate.ask("DELETE", f"/gateways/{gateway}/services/{service}").status == 400
    assert gate.ask("DELETE", f"/gateways/{gateway}/rules/{rule}").status == 204
    assert gate.ask("DELETE", f"/gateways/{gateway}/rules/{rule}").status == 404
    assert gate.ask("DELETE", f"/gateways/{gateway}/services/{service}").status == 204


@pytest.mark.parametrize(
    "fields",
    [
        {"trustlens": {"app_id": "a"}},
        {"trustlens": {**LENS, "type": "OTHER"}},
        {"plugin_chain": [{"name": "nobody-knows-it"}]},
        {"path": ""},
        {"methods": []},
    ],
    ids=["half a trustlens", "type of trustlens", "plugin", "no path", "no methods"],
)
def test_what_a_rule_cannot_be(gate: Gate, fields: dict[str, Any]) -> None:
    gateway, _, service = gate.chat()
    assert gate.ask("POST", f"/gateways/{gateway}/rules", rule_body(service["id"], **fields)).status == 400
