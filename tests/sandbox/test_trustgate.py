"""TrustGate's documented behaviour, quirk by quirk, in both eras."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from trustgate_calls import SECRET, TARGET, Gate, error

from reconciler.sandbox.http import SandboxRequest
from reconciler.sandbox.in_process import in_process_transport
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.trustgate import TrustGate, sign_token

ZERO_TIME = "0001-01-01T00:00:00Z"
UNKNOWN = "1efda1c7-b0a4-6000-8000-0123456789ab"


@pytest.fixture(params=["S", "L"])
def gate(request: pytest.FixtureRequest) -> Gate:
    return Gate(request.param)


# --------------------------------------------------------------------------- door


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "Authorization required"),
        ("Basic Zm9vOmJhcg==", "Invalid authorization format"),
        ("Bearer ", "Empty token provided"),
        ("Bearer nonsense", "Invalid token"),
        ("Bearer a.b.é", "Invalid token"),
        ("Bearer " + sign_token("another-secret"), "Invalid token"),
        ("Bearer " + sign_token(SECRET)[:-3], "Invalid token"),
        ("Bearer " + sign_token(SECRET, {"exp": 1_000_000_000}), "Invalid token"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "Invalid token"),
    ],
)
def test_bad_credentials_are_told_apart(header: str, message: str) -> None:
    assert error(Gate().ask("GET", "/gateways", authorization=header)) == (401, message)


def test_the_signature_is_all_that_a_token_needs(gate: Gate) -> None:
    for claims in ({}, {"team_id": "t", "user_id": "u"}, {"exp": gate.now + 60}):
        gate.token = sign_token(SECRET, claims)
        assert gate.ask("GET", "/gateways").status == 200


def test_routes_outside_the_prefix_are_open(gate: Gate) -> None:
    for path in ("/version", "/health", "/__/health"):
        assert gate.system.handle(SandboxRequest(method="GET", path=path)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/gateways/", 404),
        ("PATCH", "/gateways", 405),
        ("GET", f"/gateways/{UNKNOWN}/rules/{UNKNOWN}", 405),
    ],
)
def test_unknown_routes_answer_plain_text(method: str, path: str, status: int) -> None:
    answer = Gate().ask(method, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"name": NaN}', "application/json"),
        (b'{"name": 5}', "application/json"),
        (b'{"name": "edge"}', "text/plain"),
    ],
)
def test_unreadable_bodies(body: bytes, content_type: str) -> None:
    answer = Gate().ask("POST", "/gateways", body, **{"content-type": content_type})
    assert error(answer) == (400, "Invalid JSON payload")


def test_bad_ids_in_paths(gate: Gate) -> None:
    gateway = gate.gateway()
    assert gate.ask("GET", "/gateways/5").status == 400
    assert gate.ask("GET", f"/gateways/{gateway}/services/5").status == 400


def test_ids_are_time_ordered_uuids_and_the_same_in_every_run() -> None:
    first, second = ([g.gateway() for _ in range(20)] for g in (Gate(), Gate()))
    assert first == second == sorted(first)
    assert {uuid.UUID(i).version for i in first} == {6}


# --------------------------------------------------------------------------- services


def test_a_service_answer_leaves_zero_values_out_but_a_few(gate: Gate) -> None:
    gateway, upstream, service = gate.chat(tags=[], retries=0, path="", headers={})
    assert service == {
        "id": service["id"],
        "gateway_id": gateway,
        "name": "chat",
        "type": "upstream",
        "description": "",
        "upstream_id": upstream,
        "credentials": {},
        "created_at": "2025-10-09T08:53:23Z",
        "updated_at": "2025-10-09T08:53:23Z",
    }


def test_names_match_in_any_case_and_unknown_ones_vanish(gate: Gate) -> None:
    gateway, upstream, _ = gate.chat()
    body = {
        "NAME": "x",
        "Type": "endpoint",
        "UPSTREAM_ID": upstream,
        "stream": True,
        "created_at": "x",
        "id": "5",
    }
    service = gate.json("POST", f"/gateways/{gateway}/services", body, status=201)
    assert (service["name"], service["type"]) == ("x", "endpoint")
    assert "stream" not in service
    assert service["id"] != "5"


def test_secrets_come_back_in_clear_everywhere(gate: Gate) -> None:
    gateway, upstream, service = gate.chat(credentials={"api_key": "fake-key", "aws_use_role": False})
    path = f"/gateways/{gateway}/services"
    assert service["credentials"] == {"api_key": "fake-key"}
    assert gate.json("GET", path)[0]["credentials"] == {"api_key": "fake-key"}
    body = {"name": "chat", "type": "upstream", "upstream_id": upstream, "credentials": {"api_key": "fake-2"}}
    assert gate.json("PUT", f"{path}/{service['id']}", body)["credentials"] == {"api_key": "fake-2"}


def test_a_put_erases_what_it_omits(gate: Gate) -> None:
    gateway, upstream, service = gate.chat(
        description="d", tags=["a"], headers={"X": "1"}, path="/v1", credentials={"api_key": "fake-key"}
    )
    gate.system.edit("services", service["id"], {"stream": True})
    body = {"name": "chat", "type": "upstream", "upstream_id": upstream, "tags": None}
    path = f"/gateways/{gateway}/services/{service['id']}"
    answer = gate.json("PUT", path, body)
    assert (answer["description"], answer["credentials"]) == ("", {})
    assert not {"tags", "headers", "path", "upstream"} & answer.keys()
    assert answer.get("stream", False) is (gate.era == "L")
    [listed] = gate.json("GET", f"/gateways/{gateway}/services")
    assert listed.pop("upstream")["id"] == upstream
    assert listed == answer


def test_creation_time_survives_a_put_only_if_handed_back_in_the_request_spelling() -> None:
    gate = Gate("S")
    gateway, upstream, service = gate.chat()
    path = f"/gateways/{gateway}/services/{service['id']}"
    body = {"name": "chat", "type": "upstream", "upstream_id": upstream}
    assert gate.json("PUT", path, {**body, "createdAt": service["created_at"]})["created_at"] == service["created_at"]
    shifted = gate.json("PUT", path, {**body, "CREATEDAT": "2025-01-01T02:00:00.120+02:00"})
    assert shifted["created_at"] == "2025-01-01T00:00:00.12Z"
    assert error(gate.ask("PUT", path, {**body, "createdAt": "yesterday"})) == (400, "Invalid JSON payload")
    assert error(gate.ask("PUT", path, {**body, "updatedAt": ""})) == (400, "Invalid JSON payload")
    after = gate.json("PUT", path, {**body, "created_at": service["created_at"], "updatedAt": ZERO_TIME})
    assert (after["created_at"], after["updated_at"]) == (ZERO_TIME, "2025-10-09T08:53:28Z")


def test_later_builds_keep_the_creation_time_and_drop_retries() -> None:
    later, seed = Gate("L"), Gate("S")
    for gate, retries in ((later, None), (seed, 3)):
        gateway, upstream, service = gate.chat(retries=3)
        body = {"name": "chat", "type": "upstream", "upstream_id": upstream, "retries": 3}
        answer = gate.json("PUT", f"/gateways/{gateway}/services/{service['id']}", body)
        assert answer.get("retries") == service.get("retries") == retries
        assert (answer["created_at"] == service["created_at"]) is (gate is later)


def test_a_put_of_an_unknown_id_inserts_at_s_and_is_refused_later() -> None:
    for gate, status in ((Gate("S"), 200), (Gate("L"), 404)):
        gateway, upstream, _ = gate.chat()
        body = {"name": "new", "type": "upstream", "upstream_id": upstream}
        assert gate.ask("PUT", f"/gateways/{gateway}/services/{UNKNOWN}", body).status == status
        assert len(gate.system.stored("services")) == (2 if status == 200 else 1)


def test_a_put_moves_a_service_of_another_gateway_at_s() -> None:
    gate = Gate("S")
    _, _, service = gate.chat()
    other = gate.gateway()
    body = {"name": "chat", "type": "upstream", "upstream_id": gate.upstream(other)["id"]}
    assert gate.json("PUT", f"/gateways/{other}/services/{service['id']}", body)["gateway_id"] == other


def test_get_by_id_stays_stale_until_the_process_restarts(gate: Gate) -> None:
    gateway, upstream, service = gate.chat(description="old")
    path = f"/gateways/{gateway}/services/{service['id']}"
    gate.json("PUT", path, {"name": "chat", "type": "upstream", "upstream_id": upstream, "description": "new"})
    assert gate.json("GET", path)["description"] == "old"
    assert gate.json("GET", f"/gateways/{gateway}/services")[0]["description"] == "new"
    gate.system.handle(SandboxRequest(method="POST", path="/invalidate-cache"))
    gate.json("DELETE", path, status=204)
    assert gate.json("GET", path)["description"] == "old"
    gate.system.restart()
    assert error(gate.ask("GET", path)) == (404, "service not found")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"upstream_id": "x"}, 400, id="no id"),
        pytest.param({"upstream_id": None}, 400, id="null id"),
        pytest.param({"upstream_id": UNKNOWN}, 500, id="unknown upstream"),
        pytest.param({"name": ""}, 500, id="no name"),
        pytest.param({"type": None}, 500, id="no type"),
        pytest.param({"type": "direct"}, 500, id="the type of the comment"),
        pytest.param({"host": "h"}, 500, id="host"),
        pytest.param({"port": 80}, 500, id="port"),
        pytest.param({"port": "80"}, 400, id="port as text"),
    ],
)
def test_invalid_services(gate: Gate, fields: dict[str, Any], status: int) -> None:
    gateway, upstream, service = gate.chat()
    body = {"name": "n", "type": "upstream", "upstream_id": upstream, **fields}
    assert gate.ask("POST", f"/gateways/{gateway}/services", body).status == status
    assert gate.ask("PUT", f"/gateways/{gateway}/services/{service['id']}", body).status == status
    assert gate.system.stored("services")[0]["name"] == "chat"


def test_an_upstream_of_another_gateway_is_no_upstream(gate: Gate) -> None:
    _, upstream, _ = gate.chat()
    body = {"name": "n", "type": "upstream", "upstream_id": upstream}
    assert gate.ask("POST", f"/gateways/{gate.gateway()}/services", body).status == 500


def test_deletes_are_blind_but_for_references(gate: Gate) -> None:
    gateway, upstream, service = gate.chat()
    service_path = f"/gateways/{gateway}/services/{service['id']}"
    upstream_path = f"/gateways/{gateway}/upstreams/{upstream}"
    rule = gate.system.seed("rules", {"gateway_id": gateway, "service_id": service["id"]})
    assert gate.ask("DELETE", service_path).status == 400
    assert gate.ask("DELETE", upstream_path).status == 400
    gate.system.remove("rules", rule)
    for path in (service_path, service_path, upstream_path, upstream_path):
        assert gate.ask("DELETE", path).status == 204


def test_names_may_repeat_or_be_unique_in_the_whole_installation() -> None:
    for gate, statuses in ((Gate(), [201, 201]), (Gate(unique_names=True), [500, 500])):
        gateway, upstream, service = gate.chat()
        other = gate.gateway()
        path = f"/gateways/{gateway}/services"
        twin = {"name": "chat", "type": "upstream", "upstream_id": upstream}
        found = [
            gate.ask("POST", path, twin).status,
            gate.ask(
                "POST",
                f"/gateways/{other}/upstreams",
                {"name": "llm", "algorithm": "round-robin", "targets": [TARGET]},
            ).status,
        ]
        assert found == statuses
        assert gate.ask("PUT", f"{path}/{service['id']}", twin).status == 200


# --------------------------------------------------------------------------- lists


@pytest.mark.parametrize(
    ("query", "length"),
    [("", 10), ("?limit=100", 30), ("?limit=101", 10), ("?limit=0", 10), ("?limit=x", 10), ("?offset=28", 2)],
)
def test_only_limits_from_1_to_100_count(gate: Gate, query: str, length: int) -> None:
    gateway, upstream, _ = gate.chat()
    for number in range(29):
        gate.service(gateway, upstream, name=f"s{number:02}")
    rows = gate.json("GET", f"/gateways/{gateway}/services{query}")
    assert len(rows) == length
    names = [row["name"] for row in rows]
    assert length < 10 or names != sorted(names)  # no order by name


def test_pages_are_whole_unless_somebody_writes_or_they_are_unstable() -> None:
    for unstable in (False, True):
        gate = Gate(unstable_pages=unstable)
        gateway, upstream, _ = gate.chat()
        for number in range(29):
            gate.service(gateway, upstream, name=f"s{number:02}")
        path = f"/gateways/{gateway}/services?limit=10&offset="
        seen = [row["id"] for start in (0, 10, 20) for row in gate.json("GET", f"{path}{start}")]
        assert (len(set(seen)) == 30) is not unstable


def test_the_first_page_of_upstreams_is_everybodys_page() -> None:
    for gate, after_put in ((Gate("S"), "old"), (Gate("L"), "new")):
        gateway = gate.gateway()
        path = f"/gateways/{gateway}/upstreams"
        assert gate.json("GET", path) == []
        first = gate.upstream(gateway, name="old")["id"]
        assert [u["name"] for u in gate.json("GET", f"{path}?limit=1")] == ["old"]
        body = {"name": "new", "algorithm": "round-robin", "targets": [TARGET]}
        assert gate.json("PUT", f"{path}/{first}", body)["name"] == "new"
        assert [u["name"] for u in gate.json("GET", f"{path}?limit=1&offset=5")] == (
            ["old"] if after_put == "old" else []
        )
        assert gate.json("GET", f"{path}/{first}")["name"] == after_put
        gate.upstream(gateway, name="second")
        assert len(gate.json("GET", f"{path}?limit=1")) == 1
        assert len(gate.json("GET", f"{path}?limit=100")) == 1
        gate.ask("DELETE", f"{path}/{first}")
        assert len(gate.json("GET", path)) == 1
        gate.system.restart()
        assert [u["name"] for u in gate.json("GET", path)] == ["second"]


def test_gateways_come_newest_first_in_an_envelope_without_a_total(gate: Gate) -> None:
    assert gate.json("GET", "/gateways") == {"gateways": None, "count": 0, "offset": 0, "limit": 10}
    ids = [gate.gateway() for _ in range(12)]
    page = gate.json("GET", "/gateways?limit=5&offset=10")
    assert [g["id"] for g in page.pop("gateways")] == ids[1::-1]
    assert page == {"count": 2, "offset": 10, "limit": 5}


# --------------------------------------------------------------------------- upstreams

EMBEDDING = {
    "provider": "openai",
    "model": "small",
    "credentials": {"header_name": "Authorization", "header_value": "Bearer fake"},
}


def test_what_an_upstream_answers_cannot_be_sent_back(gate: Gate) -> None:
    gateway = gate.gateway()
    proxy = {"host": "proxy.example.com", "port": "3128"}
    upstream = gate.upstream(gateway, embedding=EMBEDDING, proxy_config=proxy)
    assert (upstream["embedding_config"], upstream["proxy"]) == (EMBEDDING, proxy)
    assert not {"embedding", "proxy_config"} & upstream.keys()
    answer = gate.json("PUT", f"/gateways/{gateway}/upstreams/{upstream['id']}", upstream)
    assert not {"embedding_config", "proxy"} & answer.keys()


def test_target_ids_are_made_on_create_only(gate: Gate) -> None:
    gateway = gate.gateway()
    model = {"provider": "openai", "models": ["m"], "default_model": "m", "credentials": {"api_key": "fake"}}
    upstream = gate.upstream(gateway, targets=[TARGET, model, {**TARGET, "id": "mine"}])
    one = upstream["id"]
    assert [t["id"] for t in upstream["targets"]] == [f"{one}--0", f"{one}-openai-1", "mine"]
    body = {"name": "llm", "algorithm": "round-robin", "targets": [TARGET]}
    answer = gate.json("PUT", f"/gateways/{gateway}/upstreams/{one}", body)
    assert answer["targets"] == [{**TARGET, "credentials": {}}]


def test_websockets_do_not_survive_a_put_at_s() -> None:
    websocket = {"enable_direct_communication": False, "ping_period": "60s", "read_buffer_size": 1024}
    for gate, forced, after in ((Gate("S"), True, False), (Gate("L"), False, True)):
        gateway = gate.gateway()
        upstream = gate.upstream(gateway, websocket_config=websocket)
        assert upstream["websocket_config"].get("enable_direct_communication", False) is forced
        assert upstream["websocket_config"]["ping_period"] == "60s"
        body = {"name": "llm", "algorithm": "round-robin", "targets": [TARGET], "websocket_config": websocket}
        answer = gate.json("PUT", f"/gateways/{gateway}/upstreams/{upstream['id']}", body)
        assert ("websocket_config" in answer) is after
        assert (answer["created_at"] == ZERO_TIME) is not after


def test_upstreams_upsert_and_move_at_s_only() -> None:
    for gate, status in ((Gate("S"), 200), (Gate("L"), 404)):
        here, there = gate.gateway(), gate.gateway()
        upstream = gate.upstream(here)["id"]
        body = {"name": "llm", "algorithm": "round-robin", "targets": [TARGET]}
        assert gate.ask("PUT", f"/gateways/{there}/upstreams/{upstream}", body).status == status
        assert gate.ask("PUT", f"/gateways/{there}/upstreams/{UNKNOWN}", body).status == status
        created = gate.ask("POST", f"/gateways/{UNKNOWN}/upstreams", body).status
        assert created == (201 if status == 200 else 500)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": ""}, 500),
        ({"algorithm": ""}, 500),
        ({"algorithm": "random"}, 500),
        ({"targets": []}, 500),
        ({"targets": [{**TARGET, "weight": -1}]}, 500),
        ({"targets": [{**TARGET, "port": 0}]}, 500),
        ({"targets": [{**TARGET, "port": 65536}]}, 500),
        ({"targets": [{**TARGET, "protocol": "ftp"}]}, 500),
        ({"targets": [{**TARGET, "host": ""}]}, 500),
        ({"targets": [{**TARGET, "provider": "openai"}]}, 500),
        ({"targets": [{"provider": "openai", "models": ["m"], "default_model": "m"}]}, 500),
        ({"targets": [{"provider": "openai", "credentials": {"api_key": "fake"}}]}, 500),
        (
            {
                "targets": [
                    {
                        "provider": "openai",
                        "credentials": {"api_key": "fake"},
                        "models": ["m"],
                        "default_model": "n",
                    }
                ]
            },
            500,
        ),
        ({"targets": [{"provider": "unheard-of", "models": ["m"]}]}, 500),
        ({"embedding": {**EMBEDDING, "provider": "anthropic"}}, 400),
        ({"algorithm": "semantic", "targets": [{**TARGET, "description": "d"}]}, 500),
        ({"algorithm": "semantic", "embedding": EMBEDDING}, 500),
        ({"health_checks": {"path": "/", "threshold": 0, "interval": 5}}, 500),
        ({"websocket_config": {"ping_period": "60"}}, 400),
        ({"websocket_config": {"read_buffer_size": -1}}, 400),
        ({"proxy_config": {"host": "h"}}, 400),
        ({"proxy_config": {"host": "h", "port": 80}}, 400),
        ({"proxy_config": {"host": "h", "port": "80"}, "websocket_config": {"ping_period": "1s"}}, 400),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
)
def test_invalid_upstreams(gate: Gate, fields: dict[str, Any], status: int) -> None:
    body = {"name": "n", "algorithm": "round-robin", "targets": [TARGET], **fields}
    assert gate.ask("POST", f"/gateways/{gate.gateway()}/upstreams", body).status == status
    assert gate.system.stored("upstreams") == []


def test_a_semantic_upstream_with_all_it_needs(gate: Gate) -> None:
    target = {**TARGET, "description": "d", "weight": 1}
    upstream = gate.upstream(gate.gateway(), algorithm="semantic", targets=[target], embedding=EMBEDDING)
    assert upstream["algorithm"] == "semantic"


def test_a_proxy_and_streaming_targets_exclude_each_other_at_s() -> None:
    body = {
        "name": "n",
        "algorithm": "round-robin",
        "targets": [{**TARGET, "stream": True}],
        "proxy_config": {"host": "h", "port": "80", "protocol": "http"},
    }
    for gate, status in ((Gate("S"), 400), (Gate("L"), 201)):
        assert gate.ask("POST", f"/gateways/{gate.gateway()}/upstreams", body).status == status


def test_credentials_differ_by_era() -> None:
    sent = {"api_key": "fake", "allow_override": True, "azure_endpoint": "https://e.example.com"}
    for era, lost in (("S", "azure_endpoint"), ("L", "allow_override")):
        gate = Gate("S" if era == "S" else "L")
        _, _, service = gate.chat(credentials=sent)
        assert service["credentials"] == {name: value for name, value in sent.items() if name != lost}


# --------------------------------------------------------------------------- gateways

TLS = {"host.example.com": {"ca_cert": "PEM", "min_version": "TLS12", "max_version": "TLS13"}}


def test_a_gateway_reads_back_in_another_shape() -> None:
    fields = {
        "client_tls": TLS,
        "session_config": {"enabled": True, "mapping_field": "sid"},
        "telemetry": {
            "exporters": [{"name": "kafka", "settings": {"password": "fake"}}],
            "extra_params": {"a": "b"},
        },
    }
    for era, visible in (("S", False), ("L", True)):
        gate = Gate("S" if era == "S" else "L")
        posted = gate.json("POST", "/gateways", {"name": "edge", **fields}, status=201)
        assert posted["status"] == "active"
        assert posted["session_config"] == fields["session_config"]
        assert posted["client_tls"]["host.example.com"]["ca_cert"].endswith("/ca.crt")
        read = gate.json("GET", f"/gateways/{posted['id']}")
        assert not {"client_tls"} & read.keys()
        assert read["telemetry"]["exporters"] == [{"name": "kafka", "settings": {"password": "fake"}}]
        assert ("extra_params" in read["telemetry"]) is visible
        if visible:
            assert read["session_config"] == {"enabled": True, "mapping": "sid", "query_param_name": ""}
            assert read["tls"]["host.example.com"]["ca_certs"].endswith("/ca.crt")
        else:
            assert not {"tls", "session_config"} & read.keys()
        assert read in gate.json("GET", "/gateways")["gateways"]


def test_a_gateway_put_is_partial_and_silent() -> None:
    plugin = {"name": "rate_limiter", "enabled": True, "stage": "pre_request"}
    for era, applied in (("S", False), ("L", True)):
        gate = Gate("S" if era == "S" else "L")
        mapping = {"conversation_id": "X-C"}
        gateway = gate.gateway(
            security_config={"ssl_redirect": True, "sts_seconds": 5}, telemetry={"header_mapping": mapping}
        )
        path = f"/gateways/{gateway}"
        answer = gate.ask("PUT", path, {"status": "inactive", "required_plugins": [plugin], "name": None})
        assert (answer.status, answer.body) == (204, b"")
        gate.json("PUT", path, {"client_tls": TLS}, status=204)
        [stored] = gate.system.stored("gateways")
        assert (stored["name"], stored["status"]) == ("edge", "inactive")
        assert stored["security_config"] == {"ssl_redirect": True, "sts_seconds": 5}
        assert stored["telemetry"] == {"header_mapping": mapping}
        assert bool(stored["required_plugins"]) is applied
        assert ("client_tls" in stored) is applied
        gate.json("PUT", path, {"telemetry": {"header_mapping": mapping}, "security_config": {}}, status=204)
        [stored] = gate.system.stored("gateways")
        assert (stored["telemetry"], stored["security_config"]) == ({}, {})
        gate.json("PUT", path, {"required_plugins": []}, status=204)
        assert gate.system.stored("gateways")[0]["required_plugins"] == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": ""}, 500),
        ({"required_plugins": [{"name": "unheard-of"}]}, 400),
        ({"required_plugins": [{"name": "rate_limiter", "stage": "someday"}]}, 400),
        ({"telemetry": {"exporters": [{"name": "a"}, {"name": "a"}]}}, 500),
        ({"telemetry": {"header_mapping": {"other": "x"}}}, 500),
        ({"client_tls": {"h": {"ca_cert": "PEM", "min_version": "TLS13", "max_version": "TLS12"}}}, 500),
        ({"client_tls": {"h": {"ca_cert": "PEM", "min_version": "TLS12"}}}, 500),
        ({"client_tls": {"h": {"min_version": "TLS12", "max_version": "TLS12"}}}, 500),
        ({"client_tls": {"h": {**TLS["host.example.com"], "cipher_suites": [0]}}}, 500),
        ({"client_tls": {"h": {**TLS["host.example.com"], "client_certs": {"certificate": "P"}}}}, 500),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
)
def test_invalid_gateways(gate: Gate, fields: dict[str, Any], status: int) -> None:
    assert gate.ask("POST", "/gateways", {"name": "edge", **fields}).status == status
    gateway = gate.gateway()
    before = gate.system.stored("gateways")
    assert gate.ask("PUT", f"/gateways/{gateway}", fields).status == status
    assert gate.system.stored("gateways") == before


def test_deleting_a_gateway_takes_everything_along(gate: Gate) -> None:
    gateway, _, service = gate.chat()
    gate.system.seed("rules", {"gateway_id": gateway, "service_id": service["id"]})
    keep = gate.upstream(gate.gateway())["id"]
    for _ in range(2):
        gate.json("DELETE", f"/gateways/{gateway}", status=204)
    assert gate.ask("GET", f"/gateways/{gateway}").status == 404
    assert gate.ask("PUT", f"/gateways/{gateway}", {"name": "x"}).status == 404
    assert (gate.system.stored("services"), gate.system.stored("rules")) == ([], [])
    assert [u["id"] for u in gate.system.stored("upstreams")] == [keep]


# ---------------------------------------------------------- behind the API, and over the wire


def test_editing_behind_the_api_is_seen_by_lists_and_copies_are_copies(gate: Gate) -> None:
    gateway, _, service = gate.chat(tags=["a"])
    gate.system.stored("services")[0]["tags"].append("b")
    assert gate.json("GET", f"/gateways/{gateway}/services")[0]["tags"] == ["a"]
    gate.system.edit("services", lambda row: row["name"] == "chat", {"description": "by hand"})
    assert gate.json("GET", f"/gateways/{gateway}/services")[0]["description"] == "by hand"
    with pytest.raises(KeyError, match="nothing in 'services'"):
        gate.system.remove("services", UNKNOWN)
    with pytest.raises(KeyError, match="no collection"):
        gate.system.stored("consumers")
    gate.system.remove("services", service["id"])
    assert gate.json("GET", f"/gateways/{gateway}/services") == []


def test_seeded_rows_are_complete(gate: Gate) -> None:
    gateway = gate.system.seed("gateways", {"name": "edge"})
    upstream = gate.system.seed("upstreams", {"gateway_id": gateway, "name": "u", "targets": [TARGET]})
    service = gate.system.seed("services", {"gateway_id": gateway, "name": "s", "upstream_id": upstream})
    assert gate.json("GET", f"/gateways/{gateway}")["name"] == "edge"
    [listed] = gate.json("GET", f"/gateways/{gateway}/services")
    assert (listed["id"], listed["upstream"]["targets"][0]["host"]) == (service, "llm.example.com")


def test_over_loopback_and_in_process() -> None:
    system = TrustGate(secret=SECRET)
    headers = {"Authorization": f"Bearer {sign_token(SECRET)}"}
    with SandboxServer([system]) as sandbox, httpx.Client(base_url=sandbox.urls["trustgate"]) as client:
        created = client.post("/api/v1/gateways", json={"name": "edge"}, headers=headers)
        assert created.status_code == 201
    transport = in_process_transport({"http://gate.test:8080": system})
    with httpx.Client(base_url="http://gate.test:8080/api/v1", transport=transport) as client:
        listed = client.get("/gateways", headers=headers).json()
        assert client.get("/gateways").status_code == 401
    assert [g["id"] for g in listed["gateways"]] == [created.json()["id"]]
