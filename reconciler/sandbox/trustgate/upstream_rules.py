"""What makes an upstream invalid (section 7.2 of the facts): 400 by the request, 500 by the domain. Pure."""

from __future__ import annotations

import re
from typing import Any

from reconciler.sandbox.rows import Row
from reconciler.sandbox.trustgate.shapes import Era
from reconciler.sandbox.trustgate.state import RefusalError

_ALGORITHMS = ("round-robin", "weighted-round-robin", "least-conn", "semantic")
_PROVIDERS: dict[Era, tuple[str, ...]] = {
    "S": ("openai", "anthropic"),
    "L": ("openai", "anthropic", "gemini", "google", "bedrock", "azure", "mistral"),
}
_GO_DURATION = re.compile(r"[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
_DURATIONS = ("ping_period", "pong_wait", "handshake_timeout")
_BUFFERS = ("read_buffer_size", "write_buffer_size")


def check_request(fields: dict[str, Any], era: Era) -> None:
    """Check what the handler looks at. Raises RefusalError (400)."""
    embedding = fields.get("embedding")
    if embedding is not None and embedding.get("provider") != "openai":
        raise RefusalError(400, "invalid embedding provider: only openai is supported")
    websocket = fields.get("websocket_config")
    if websocket is not None:
        _check_websocket(websocket)
    proxy = fields.get("proxy_config")
    if proxy is None:
        return
    if not proxy.get("host") or not proxy.get("port"):
        raise RefusalError(400, "proxy host and port are required")
    if proxy.get("protocol") not in (None, "", "http", "https"):
        raise RefusalError(400, "proxy protocol must be http or https")
    if websocket is not None:
        raise RefusalError(400, "proxy_config and websocket_config exclude each other")
    if era == "S" and any(t.get("provider") or t.get("stream") for t in fields.get("targets", [])):
        raise RefusalError(400, "targets with a provider or stream cannot be used with proxy_config")


def _check_websocket(websocket: dict[str, Any]) -> None:
    # [unknown] The status: taken as 400, as for the other blocks that the handler itself looks at.
    for name in _DURATIONS:
        if websocket.get(name) and not _GO_DURATION.fullmatch(websocket[name]):
            raise RefusalError(400, f'invalid {name}: time: invalid duration "{websocket[name]}"')
    for name in _BUFFERS:
        if websocket.get(name, 0) < 0:
            raise RefusalError(400, f"invalid {name}: must not be negative")


def check_domain(row: Row, era: Era) -> None:
    """Check what the entity's hooks look at. Raises RefusalError (500, section 1)."""
    if not row.get("name"):
        raise RefusalError(500, "upstream name is required")
    algorithm = row.get("algorithm", "")
    if algorithm not in _ALGORITHMS:
        raise RefusalError(500, f"invalid algorithm: {algorithm}")
    if not row.get("targets"):
        raise RefusalError(500, "at least one target is required")
    if algorithm == "semantic":
        _check_embedding(row.get("embedding_config") or {}, era)
    for index, target in enumerate(row["targets"]):
        if target.get("provider"):
            _check_provider_target(target, index, era)
        else:
            _check_plain_target(target, index)
        if target.get("weight", 0) < 0:
            raise RefusalError(500, f"target {index}: weight must not be negative")
        if algorithm == "semantic" and not target.get("description"):
            raise RefusalError(500, f"target {index}: description is required for semantic")
    health = row.get("health_checks")
    if health is not None and (health.get("threshold", 0) <= 0 or health.get("interval", 0) <= 0):
        raise RefusalError(500, "health check threshold and interval must be greater than 0")


def _check_embedding(embedding: dict[str, Any], era: Era) -> None:
    credentials = embedding.get("credentials", {})
    by_header = credentials.get("header_name") and credentials.get("header_value")
    by_key = era == "L" and credentials.get("api_key")
    if not embedding.get("model"):
        raise RefusalError(500, "embedding model is required for semantic")
    if not by_header and not by_key:
        raise RefusalError(500, "embedding credentials are required for semantic")


def _check_provider_target(target: dict[str, Any], index: int, era: Era) -> None:
    if target["provider"] not in _PROVIDERS[era]:
        raise RefusalError(500, f"target {index}: unsupported provider {target['provider']}")
    if target.get("host") or target.get("port"):
        raise RefusalError(500, f"target {index}: host and port must be empty when provider is set")
    if not any(target.get("credentials", {}).values()):
        raise RefusalError(500, f"target {index}: credentials are required")
    if not target.get("models"):
        raise RefusalError(500, f"target {index}: at least one model is required")
    if target.get("default_model", "") not in target["models"]:
        raise RefusalError(500, f"target {index}: default model must be one of the models")


def _check_plain_target(target: dict[str, Any], index: int) -> None:
    if not target.get("host"):
        raise RefusalError(500, f"target {index}: host is required")
    if not 1 <= target.get("port", 0) <= 65535:
        raise RefusalError(500, f"target {index}: invalid port")
    if target.get("protocol") not in ("http", "https"):
        raise RefusalError(500, f"target {index}: invalid protocol")
