"""The WebSocket settings call: which body it reads, what it refuses, and what it silently ignores.

Reads and writes: the server's state only.
Invariants: partial (only fields sent change); success never echoes; what isn't recognised is accepted and
does nothing; nothing is saved when anything is refused. Source: the Apinizer sheet, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, done, read_object
from reconciler.sandbox.apinizer.routing import Call, Route
from reconciler.sandbox.apinizer.state import Row
from reconciler.sandbox.http import SandboxResponse

_INTEGERS: Final = (
    *("connectionLostTimeout", "connectTimeout", "maxRetries", "retryDelay"),
    *("autoReconnectMaxRetries", "autoReconnectRetryDelay"),
)
_BOOLEANS: Final = ("reuseAddr", "autoReconnect")
_INT32: Final = 2**31
_TARGETS: Final = "deployTargetEnvironmentNameList"


def update(call: Call) -> SandboxResponse:
    """Change the settings that were sent; in E3 deploy afterwards when asked to."""
    server = call.server
    server.require("MANAGE")
    proxy = server.proxy(call.names)
    body = read_object(call.request)
    if proxy["type"] != "WEBSOCKET":
        if server.edition == "flat" and proxy["type"] == "AI":
            return done()  # until Aug 2026: a silent success without effect
        raise RefusedError("bad_request", "API Proxy type is not WEBSOCKET")
    # Section 2: what a server does with the other edition's body is [unknown]. The inconvenient reading:
    # those properties are unknown to it, and unknown ones are ignored. In E2 that goes for `deploy`, too.
    sent = body.get("websocketSettings") if server.edition == "wrapped" else body
    environments = _targets(call, body) if server.edition == "wrapped" else None
    changes = _recognised(sent)
    if changes:
        proxy["websocketSettings"] = {**(proxy["websocketSettings"] or {}), **changes}
        proxy["saves"] += 1
    if environments is None:
        return done()
    results = [_deploy(call, proxy, environment) for environment in environments]
    # Section 1: saved but not deployed is still a 200 with success true around it.
    succeeded = all(result["success"] for result in results)
    return done({"success": succeeded, "deploymentResults": results})


def _recognised(sent: Any) -> Row:
    if sent is None:
        return {}
    if not isinstance(sent, Mapping):
        raise RefusedError("validation_failed", "websocketSettings must be an object", "websocketSettings")
    changes: Row = {}
    for name in (*_INTEGERS, *_BOOLEANS):
        value = sent.get(name)
        if value is None:
            continue  # effect of null is [unknown]; ignoring it leaves no way back to the system default
        if name in _BOOLEANS and not isinstance(value, bool):
            raise RefusedError("validation_failed", f"{name} must be a boolean", name)
        # Ranges are [unknown]; a negative time or count makes no sense.
        if name in _INTEGERS and (type(value) is not int or not 0 <= value < _INT32):
            raise RefusedError("validation_failed", f"{name} must be a non-negative integer", name)
        changes[name] = value
    return changes


def _targets(call: Call, body: Row) -> list[Row] | None:
    """Return the environments to deploy to, None when no deployment is asked for.

    Every name is checked before anything is touched (section 4). Raises: RefusedError.
    """
    wanted = body.get("deploy")
    if wanted is not None and not isinstance(wanted, bool):
        raise RefusedError("validation_failed", "deploy must be a boolean", "deploy")
    if not wanted:
        return None
    names = body.get(_TARGETS)
    if not names:
        raise RefusedError("validation_failed", f"{_TARGETS} value can not be empty!", _TARGETS)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RefusedError("validation_failed", f"{_TARGETS} must be a list of names", _TARGETS)
    return [call.server.environment(name) for name in names]


def _deploy(call: Call, proxy: Row, environment: Row) -> Row:
    success = call.server.deploy(proxy, environment)
    message = "Deployed successfully" if success else "Gateway pods could not be updated"
    return {"environmentName": environment["name"], "success": success, "message": message}


ROUTES: Final = (
    Route(
        method="PATCH",
        template="projects/{project}/apiProxies/{proxy}/settings/websocket/",
        handler=update,
    ),
)
