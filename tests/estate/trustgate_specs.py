"""TrustGate manifests that state all there is, in both eras."""

from __future__ import annotations

import json
from typing import Any

GATEWAY = "${ref:Gateway/edge}"
KEY = "${env:OPENAI_API_KEY}"
PLUGINS: list[dict[str, Any]] = [
    {
        "name": "rate_limiter",
        "enabled": True,
        "level": "gateway",
        "stage": "pre_request",
        "priority": 1,
        "settings": {"limits": {"per_ip": {"limit": 100, "window": "1m"}}},
    },
    {"name": "cors", "enabled": False, "stage": "post_response", "parallel": True, "settings": {"origins": ["a"]}},
]
OPENAI: dict[str, Any] = {
    "provider": "openai",
    "weight": 70,
    "models": ["gpt-4o", "gpt-4o-mini"],
    "default_model": "gpt-4o-mini",
    "description": "general questions",
    "tags": ["llm"],
    "headers": {"X-Org": "fake-org-not-real"},
    "credentials": {"api_key": KEY},
}
ANTHROPIC = {
    **OPENAI,
    "provider": "anthropic",
    "weight": 30,
    "models": ["claude-3-5-sonnet"],
    "default_model": "claude-3-5-sonnet",
    "description": "long texts",
}
HOSTS: list[dict[str, Any]] = [
    {"host": "a.internal.example.com", "port": 8443, "protocol": "https", "path": "/v1", "weight": 80},
    {"host": "b.internal.example.com", "port": 8443, "protocol": "https", "weight": 20, "insecure_ssl": True},
]
EMBEDDING = {
    "provider": "openai",
    "model": "text-embedding-3-small",
    "credentials": {"header_name": "Authorization", "header_value": KEY},
}
HEALTH = {
    "passive": False,
    "path": "/up",
    "threshold": 3,
    "interval": 10,
    "headers": {"X-Probe": "fake-probe-not-real"},
}
WEBSOCKET = {
    "enable_direct_communication": True,
    "return_error_details": True,
    "ping_period": "60s",
    "pong_wait": "1m30s",
    "handshake_timeout": "10s",
    "read_buffer_size": 4096,
    "write_buffer_size": 4096,
}
TLS = {
    "llm.example.com": {
        "ca_cert": "fake-certificate-not-real",
        "client_certs": {"certificate": "fake-certificate-not-real", "private_key": "${env:SUPPORT_BACKEND_KEY}"},
        "min_version": "TLS12",
        "max_version": "TLS13",
        "cipher_suites": [4865],
        "curve_preferences": [29],
    }
}


def gateway(era: str) -> dict[str, Any]:
    mapping = {"conversation_id": "X-Conversation", "interaction_id": "X-Interaction"}
    return {
        "status": "active",
        "required_plugins": PLUGINS,
        "telemetry": {
            "exporters": [{"name": "kafka", "settings": {"host": "kafka.example.com"}}],
            "extra_params": {"team": "platform"},
            "enable_plugin_traces": True,
            "enable_request_traces": True,
            "header_mapping": mapping | ({"session_id": "X-Session"} if era == "L" else {}),
        },
        "security_config": {
            "allowed_hosts": ["ai.example.com", "ai-eu.example.com"],
            "ssl_redirect": True,
            "ssl_proxy_headers": {"X-Forwarded-Proto": "https"},
            "sts_seconds": 3600,
            "frame_deny": True,
            "referrer_policy": "no-referrer",
        },
        "client_tls": TLS,
        "session_config": {"enabled": True, "header_name": "X-Session", "mapping_field": "session", "ttl": 60},
    }


def upstreams(era: str) -> dict[str, dict[str, Any]]:
    """Return one upstream for each algorithm, and with them everything that an upstream can have."""
    later = {"protocol": "http"} if era == "L" else {}
    ranked = [{**target, "priority": rank} for rank, target in enumerate(HOSTS, 1)] if era == "S" else HOSTS
    return {
        "through-a-proxy": {
            "algorithm": "round-robin",
            "targets": ranked,
            "proxy_config": {"host": "proxy.example.com", "port": "3128", **later},
            "health_checks": HEALTH,
        },
        "models": {"algorithm": "weighted-round-robin", "targets": [OPENAI, ANTHROPIC], "tags": ["llm", "chat"]},
        "sockets": {"algorithm": "least-conn", "targets": HOSTS, "websocket_config": WEBSOCKET},
        "by-meaning": {"algorithm": "semantic", "targets": [OPENAI, ANTHROPIC], "embedding": EMBEDDING},
    }


def service(era: str) -> dict[str, Any]:
    return {
        "type": "upstream",
        "upstream": "${ref:Upstream/models}",
        "description": "Chat",
        "tags": ["b", "a"],
        "path": "/v2",
        "protocol": "https",
        "headers": {"X-Team": "fake-team-not-real"},
        "credentials": {"header_name": "X-Key", "header_value": "${env:SUPPORT_BACKEND_KEY}"},
        **({"retries": 3} if era == "S" else {}),
    }


def rule(era: str) -> dict[str, Any]:
    return {
        "path": "/chat",
        "methods": ["POST", "GET"],
        "service": "${ref:Service/chat}",
        "headers": {"X-Team": "fake-team-not-real"},
        "strip_path": True,
        "preserve_host": False,
        "retry_attempts": 3 if era == "S" else 0,
        "plugin_chain": PLUGINS,
        "trustlens": {"app_id": "app", "team_id": "team", "type": "AGENT", "mapping": "m"},
        **({"type": "agent"} if era == "L" else {}),
    }


def estate(era: str) -> dict[str, dict[str, Any]]:
    """Return the specs of a whole gateway by `Kind/name`."""
    children = {f"Upstream/{name}": spec for name, spec in upstreams(era).items()}
    children |= {"Service/chat": service(era), "Rule/chat": rule(era)}
    return {"Gateway/edge": gateway(era)} | {name: {"gateway": GATEWAY, **spec} for name, spec in children.items()}


def manifests(system: str, specs: dict[str, dict[str, Any]]) -> str:
    """Return specs by `Kind/name` as manifests. JSON is YAML."""
    documents = []
    for address, spec in specs.items():
        kind, _, name = address.partition("/")
        documents.append(
            {"apiVersion": f"{system}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec},
        )
    return "\n---\n".join(json.dumps(document) for document in documents)
