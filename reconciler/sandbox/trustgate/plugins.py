"""Plugins of gateways and rules (section 9 of the facts). Pure."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.trustgate.state import RefusalError, State

# [inferred] Only `rate_limiter` is on record; the others stand for a catalogue whose names are checked.
PLUGINS = ("rate_limiter", "token_rate_limiter", "request_size_limiter", "cors", "external_api")
_LEVELS = ("", "gateway", "rule")
_STAGES = ("", "pre_request", "post_request", "pre_response", "post_response")


def check_plugins(plugins: list[dict[str, Any]]) -> None:
    """Check a chain of plugins. Raises RefusalError."""
    # [unknown] The status: 400 or 500 by plugin; taken as 400.
    for plugin in plugins:
        if plugin.get("name") not in PLUGINS:
            raise RefusalError(400, f"plugin {plugin.get('name', '')!r} is not registered")
        if plugin.get("level", "") not in _LEVELS or plugin.get("stage", "") not in _STAGES:
            raise RefusalError(400, f"plugin {plugin['name']}: invalid level or stage")


def number_plugins(state: State, plugins: list[dict[str, Any]]) -> None:
    """Give each plugin without an id one of its own."""
    for plugin in plugins:
        plugin["id"] = plugin.get("id") or state.new_id()
