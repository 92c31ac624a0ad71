"""A PUT that replaces everything loses nothing: what we do not manage goes along, in the request's spelling."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, change_of, make_bench

from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse

ERAS = ["L", "S"]

GATEWAY = """\
apiVersion: trustgate/v1
kind: Gateway
metadata: {name: public-edge}
lifecycle: {lookup: true}
spec: {}
---
"""
SERVICE = """\
apiVersion: trustgate/v1
kind: Upstream
metadata: {name: support-backend}
lifecycle: {lookup: true}
spec:
  gateway: ${ref:Gateway/public-edge}
  algorithm: round-robin
  targets: [{host: support-1.internal.example.com, port: 8443, protocol: https}]
---
apiVersion: trustgate/v1
kind: Service
metadata: {name: support-api}
spec:
  gateway: ${ref:Gateway/public-edge}
  type: upstream
  upstream: ${ref:Upstream/support-backend}
  description: Changed by us
"""
UPSTREAM = """\
apiVersion: trustgate/v1
kind: Upstream
metadata: {name: models}
spec:
  gateway: ${ref:Gateway/public-edge}
  algorithm: round-robin
  targets:
    - provider: openai
      weight: 60
      models: [gpt-4o]
      default_model: gpt-4o
      description: general questions
      credentials: {aws_region: eu-west-1}
    - {host: plain.internal.example.com, port: 80, protocol: http, description: everything else}
"""

MODELS: dict[str, Any] = {
    "name": "models",
    "algorithm": "round-robin",
    "targets": [
        {
            "id": "first", "provider": "openai", "weight": 70, "models": ["gpt-4o"], "default_model": "gpt-4o",
            "description": "general questions", "tags": ["theirs"], "headers": {"X-Theirs": "fake-header-not-real"},
            "stream": True, "credentials": {"api_key": "fake-stored-key-not-real", "aws_region": "eu-west-1"},
        },
        {
            "id": "second", "host": "plain.internal.example.com", "port": 80, "protocol": "http", "weight": 30,
            "description": "everything else", "path": "", "insecure_ssl": True,
        },
    ],
    "embedding_config": {
        "provider": "openai", "model": "text-embedding-3-small",
        "credentials": {"header_name": "Authorization", "header_value": "fake-embedding-key-not-real"},
    },
    "health_checks": {"path": "/up", "threshold": 2, "interval": 5, "headers": {"X-Probe": "fake-probe-not-real"}},
    "tags": ["theirs", "also-theirs"],
}  # fmt: skip


def trustgate(folder: Path, era: str, manifests: str) -> Bench:
    return make_bench(folder, {"trustgate.era": era}).only(GATEWAY + manifests)


def row(bench: Bench, collection: str, name: str) -> dict[str, Any]:
    (found,) = [r for r in bench.estate.trustgate.stored(collection) if r["name"] == name]
    return found


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def the_put(bench: Bench) -> dict[str, Any]:
    (write,) = bench.writes("trustgate")
    assert write.method == "PUT"
    (body,) = bodies([write])
    assert isinstance(body, dict)
    return body


# --------------------------------------------------------------------------- services


@pytest.mark.parametrize("era", ERAS)
def test_a_service_keeps_all_that_we_do_not_manage(tmp_path: Path, era: str) -> None:
    bench = trustgate(tmp_path, era, SERVICE)
    theirs = {
        "headers": {"X-Team": "fake-team-not-real"},
        "path": "/v2",
        "protocol": "https",
        "tags": ["b", "a"],
        **({"retries": 3} if era == "S" else {}),
    }
    bench.estate.trustgate.edit("services", lambda r: r["name"] == "support-api", theirs)
    before = row(bench, "services", "support-api")
    assert_applied(bench.apply())
    body = the_put(bench)
    assert body == {
        "name": "support-api",
        "type": "upstream",
        "upstream_id": before["upstream_id"],
        "description": "Changed by us",
        "credentials": before["credentials"],
        "createdAt": before["created_at"],
        **theirs,
    }
    after = row(bench, "services", "support-api")
    assert without(after, "updated_at", "description") == without(before, "updated_at", "description")
    assert after["description"] == "Changed by us"


@pytest.mark.parametrize("era", ERAS)
def test_a_service_keeps_the_members_of_credentials_that_we_do_not_state(tmp_path: Path, era: str) -> None:
    bench = trustgate(tmp_path, era, SERVICE + "  credentials: {header_value: '${env:SUPPORT_BACKEND_KEY}'}\n")
    stored = {"header_name": "X-Support-Key", "header_value": "fake-old-key-not-real", "aws_region": "eu-west-1"}
    bench.estate.trustgate.edit("services", lambda r: r["name"] == "support-api", {"credentials": stored})
    assert_applied(bench.apply())
    assert the_put(bench)["credentials"] == {**stored, "header_value": "fake-support-backend-key-not-real"}


class Newer:
    """A release that answers members that nobody has described yet."""

    def __init__(self, system: EmulatedSystem) -> None:
        self.name = system.name
        self._system = system

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        answer = self._system.handle(request)
        body = json.loads(answer.body) if answer.body else None
        for item in body if isinstance(body, list) else []:
            item["x_new"] = {"deep": [1, {"two": None}]}
            for target in item.get("targets", []):
                target["x_new_too"] = "kept"
        return replace(answer, body=json.dumps(body).encode()) if body is not None else answer


@pytest.mark.parametrize("era", ERAS)
def test_members_that_nobody_has_described_go_along(tmp_path: Path, era: str) -> None:
    bench = trustgate(tmp_path, era, SERVICE)
    bench.wrapped["trustgate"] = Newer(bench.estate.trustgate)
    assert_applied(bench.apply())
    assert the_put(bench)["x_new"] == {"deep": [1, {"two": None}]}


# --------------------------------------------------------------------------- upstreams


@pytest.mark.parametrize("era", ERAS)
def test_an_upstream_keeps_all_that_we_do_not_manage(tmp_path: Path, era: str) -> None:
    bench = trustgate(tmp_path, era, UPSTREAM)
    gateway = row(bench, "gateways", "public-edge")["id"]
    bench.estate.trustgate.seed("upstreams", {**MODELS, "gateway_id": gateway})
    bench.wrapped["trustgate"] = Newer(bench.estate.trustgate)
    before = row(bench, "upstreams", "models")
    (change,) = bench.plan().pending
    assert [field.path for field in change.fields] == [("targets", 0, "weight")]
    assert_applied(bench.apply())
    body = the_put(bench)
    first, second = body.pop("targets")
    assert first == {**MODELS["targets"][0], "weight": 60, "x_new_too": "kept"}
    assert without(second, "credentials") == {**without(MODELS["targets"][1], "path"), "x_new_too": "kept"}
    assert body == {
        "name": "models",
        "algorithm": "round-robin",
        "embedding": MODELS["embedding_config"],
        "health_checks": MODELS["health_checks"],
        "tags": MODELS["tags"],
        "x_new": {"deep": [1, {"two": None}]},
    }
    after = row(bench, "upstreams", "models")
    lost = {"created_at"} if era == "S" else set()  # in era S no request can carry it
    ignored = ("updated_at", "targets", *lost)
    assert without(after, *ignored) == without(before, *ignored)
    assert [target["id"] for target in after["targets"]] == ["first", "second"]


@pytest.mark.parametrize("era", ERAS)
def test_an_upstream_keeps_its_proxy_in_the_spelling_of_requests(tmp_path: Path, era: str) -> None:
    bench = trustgate(tmp_path, era, UPSTREAM)
    proxy = {"host": "proxy.example.com", "port": "3128", **({"protocol": "http"} if era == "L" else {})}
    plain = [without(target, "stream", "provider", "models", "default_model") for target in MODELS["targets"]]
    plain[0] |= {"host": "first.internal.example.com", "port": 80, "protocol": "http"}
    live = {**without(MODELS, "embedding_config"), "algorithm": "round-robin", "targets": plain, "proxy": proxy}
    gateway = row(bench, "gateways", "public-edge")["id"]
    bench.estate.trustgate.seed("upstreams", {**live, "gateway_id": gateway})
    bench.only(
        GATEWAY
        + """\
apiVersion: trustgate/v1
kind: Upstream
metadata: {name: models}
spec:
  gateway: ${ref:Gateway/public-edge}
  algorithm: least-conn
  targets:
    - {host: first.internal.example.com, port: 80, protocol: http}
    - {host: plain.internal.example.com, port: 80, protocol: http}
"""
    )
    assert_applied(bench.apply())
    body = the_put(bench)
    assert body["proxy_config"] == proxy
    assert not {"proxy", "embedding_config", "gateway_id", "id", "created_at", "updated_at"} & body.keys()
    assert row(bench, "upstreams", "models")["proxy"] == proxy


def test_targets_keep_their_ids_and_secrets_when_the_list_is_reordered(tmp_path: Path) -> None:
    bench = trustgate(tmp_path, "L", UPSTREAM)
    gateway = row(bench, "gateways", "public-edge")["id"]
    turned = {**MODELS, "targets": [*reversed(MODELS["targets"])]}
    bench.estate.trustgate.seed("upstreams", {**turned, "gateway_id": gateway})
    assert_applied(bench.apply())
    targets = the_put(bench)["targets"]
    assert [target["id"] for target in targets] == ["first", "second"]
    assert targets[0]["credentials"] == MODELS["targets"][0]["credentials"]
    assert bench.plan().pending == ()


def test_an_update_that_would_lose_a_websocket_config_is_refused(tmp_path: Path) -> None:
    for era in ERAS:
        bench = trustgate(tmp_path / era, era, UPSTREAM)
        gateway = row(bench, "gateways", "public-edge")["id"]
        websocket = {"enable_direct_communication": True, "ping_period": "30s"}
        bench.estate.trustgate.seed("upstreams", {**MODELS, "websocket_config": websocket, "gateway_id": gateway})
        plan = bench.plan()
        if era == "S":
            assert [b.code for b in plan.blockers] == ["refused-update"]
        else:
            assert_applied(bench.apply())
            assert the_put(bench)["websocket_config"] == websocket


# --------------------------------------------------------------------------- gateways, whose PUT is partial


@pytest.mark.parametrize("era", ERAS)
def test_a_gateway_sends_the_changed_fields_alone(tmp_path: Path, era: str) -> None:
    bench = trustgate(tmp_path, era, "")
    security = {"allowed_hosts": ["ai.example.com"], "sts_seconds": 60, "frame_deny": True}
    theirs = {
        "security_config": security,
        "required_plugins": [{"id": "p", "name": "cors", "enabled": True, "settings": {"k": "fake-not-real"}}],
        "telemetry": {"exporters": [{"name": "kafka"}], "header_mapping": {"session_id": "X-Session"}},
        "session_config": {"enabled": True, "ttl": 5},
    }
    bench.estate.trustgate.edit("gateways", lambda r: r["name"] == "public-edge", theirs)
    before = row(bench, "gateways", "public-edge")
    bench.only(
        """\
apiVersion: trustgate/v1
kind: Gateway
metadata: {name: public-edge}
spec: {security_config: {frame_deny: false}}
"""
    )
    assert [f.path for f in change_of(bench.plan(), "public-edge").fields] == [("security_config", "frame_deny")]
    assert_applied(bench.apply())
    assert the_put(bench) == {"security_config": {**security, "frame_deny": False}}
    after = row(bench, "gateways", "public-edge")
    assert without(after, "security_config", "updated_at") == without(before, "security_config", "updated_at")
    assert after["security_config"]["sts_seconds"] == 60
