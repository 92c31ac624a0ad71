"""Traffic log settings of an API proxy per environment, the one block of settings with a read of its own.

Reads and writes: the server's state only.
Invariant: a save deploys the proxy where it runs already, with everything else that waited for a deployment.
Source: the Apinizer sheet, section 6 (E3; its calls for single methods are left out, their body isn't stated).
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, listing, read_object
from reconciler.sandbox.apinizer.results import with_results
from reconciler.sandbox.apinizer.routing import PROXY, Call, Route
from reconciler.sandbox.apinizer.shapes import boolean, defaults, object_of, recognised, required, rows_of, text
from reconciler.sandbox.http import SandboxResponse, json_response
from reconciler.sandbox.rows import Row

_ONE: Final = PROXY + "trafficLogSettings/{environment}/"
_FIELDS: Final = {
    **{
        f"log{part}{leg}": boolean(True)
        for parts, legs in (
            (("Param", "Header", "Body"), ("RequestFromClient", "RequestToTarget")),
            (("Header", "Body"), ("ResponseFromTarget", "ResponseToClient")),
        )
        for leg in legs
        for part in parts
    },
    "connectorSettingsMap": object_of({}),
    "methodOverrideList": rows_of(
        apiMethodId=required(text()), apiMethodName=text(), connectorSettingsMap=object_of({})
    ),
}


def list_all(call: Call) -> SandboxResponse:
    """List a proxy's settings in all environments that have some."""
    call.server.require("VIEW")
    logs = call.server.proxy(call.names)["trafficLogs"]
    return listing([_shown(call, name, logs[name]) for name in sorted(logs)])


def get(call: Call) -> SandboxResponse:
    """Read a proxy's settings in an environment; unset ones are an empty list, not a refusal."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    name = call.server.environment(call.names["environment"])["name"]
    return listing([_shown(call, name, proxy["trafficLogs"][name])] if name in proxy["trafficLogs"] else [])


def put(call: Call) -> SandboxResponse:
    """Change the fields that were sent, create what isn't there, and deploy."""
    server = call.server
    server.require("MANAGE")
    proxy = server.proxy(call.names)
    environment = server.environment(call.names["environment"])
    changes = recognised(_FIELDS, read_object(call.request), server.edition)
    if "connectorSettingsMap" in changes:
        given = changes["connectorSettingsMap"].items()
        changes["connectorSettingsMap"] = {_connection(call, key)["name"]: value for key, value in given}
    name = environment["name"]
    merged = {**proxy["trafficLogs"].get(name, {}), **changes}
    server.save(proxy, {"trafficLogs": {**proxy["trafficLogs"], name: merged}})
    deployed = {name: server.deploy(proxy, environment)} if name in proxy["deployments"] else {}
    shown = _shown(call, name, merged)
    # Section 6: the answer to PUT has other keys than GET.
    connectors = shown["connectorSettingsMap"]
    shown["connectorSettingsMap"] = {_uuid(_connection(call, key)): value for key, value in connectors.items()}
    answer = {"status": "SUCCESS", "resultList": [shown], "resultCount": 1}
    return json_response(200, {**answer, "deploymentResult": with_results(deployed)})


def _shown(call: Call, environment: str, settings: Row) -> dict[str, Any]:
    fields = {**defaults(_FIELDS, call.server.edition), "connectorSettingsMap": {}, "methodOverrideList": []}
    return {"environmentName": environment, **fields, **settings}


def _connection(call: Call, key: str) -> Row:
    """Return the connection that a key means: its name or, as of old, its type. Raises: RefusedError."""
    project = call.names["project"]
    found = call.server.find("connections", project, key)
    if found is not None:
        return found
    for row in call.server.within("connections", project):
        if row["type"] == key:
            return row
    raise RefusedError("not_found", f"Connection (name: {key}) is not found!")


def _uuid(connection: Row) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(connection["id"].encode()).digest()[:16], version=4))


ROUTES: Final = (
    Route("GET", PROXY + "trafficLogSettings/", list_all, "wrapped"),
    Route("GET", _ONE, get, "wrapped"),
    Route("PUT", _ONE, put, "wrapped"),
)
