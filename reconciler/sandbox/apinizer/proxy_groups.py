"""Groups of API proxies: create, replace, delete, members, deployment.

Reads and writes: the server's state only.
Invariants: neither route nor members can be read; membership is idempotent both ways.
Source: the Apinizer sheet, section 8.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, listing, read_object, saved
from reconciler.sandbox.apinizer.client_blocks import CLIENT_ROUTE
from reconciler.sandbox.apinizer.results import with_environments
from reconciler.sandbox.apinizer.routing import PROJECT, Call, Route
from reconciler.sandbox.apinizer.shapes import complete, filled, object_of, required, text
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_TABLE: Final = "apiProxyGroups"
_ALL: Final = PROJECT + "apiProxyGroups/"
_ONE: Final = _ALL + "{group}/"
_MEMBER: Final = _ONE + "apiProxies/{proxy}/"
_DEPLOYMENT: Final = _ONE + "environments/{environment}/"
_ROUTE: Final = {
    **CLIENT_ROUTE,
    "relativePathList": filled(required(CLIENT_ROUTE["relativePathList"])),
}
_FIELDS: Final = {
    "name": required(text()),
    "description": text(""),
    "clientRoute": required(object_of(_ROUTE)),
    "environmentName": text(),
}


def list_all(call: Call) -> SandboxResponse:
    """List a project's groups: id, name and description are all there is to see."""
    call.server.require("VIEW")
    project = call.server.project(call.names["project"])["name"]
    shown = ("id", "name", "description")
    return listing([{name: row[name] for name in shown} for row in call.server.within(_TABLE, project)])


def create(call: Call) -> SandboxResponse:
    """Create a group; deploy it when an environment is named."""
    server = call.server
    server.require("MANAGE")
    project = server.project(call.names["project"])["name"]
    given, environment = _given(call)
    if server.find(_TABLE, project, given["name"]) is not None:
        raise server.taken(_TABLE, given["name"])
    row = server.add(_TABLE, {**given, "project": project})
    return saved() if environment is None else _deploy(call, row, environment)


def update(call: Call) -> SandboxResponse:
    """Replace a group but for its members; deploy it when an environment is named."""
    server = call.server
    server.require("MANAGE")
    project = server.project(call.names["project"])["name"]
    given, environment = _given(call)
    row = server.one(_TABLE, project, given["name"])
    server.change(_TABLE, row, given)
    return saved() if environment is None else _deploy(call, row, environment)


def delete(call: Call) -> SandboxResponse:
    """Delete a group for good; its members stay."""
    call.server.require("MANAGE")
    call.server.discard(_TABLE, _row(call))
    return saved()


def join(call: Call) -> SandboxResponse:
    """Put a proxy into a group."""
    row, name = _membership(call)
    if name not in row["apiProxies"]:
        call.server.change(_TABLE, row, {"apiProxies": [*row["apiProxies"], name]})
    return saved()


def leave(call: Call) -> SandboxResponse:
    """Take a proxy out of a group."""
    row, name = _membership(call)
    call.server.change(_TABLE, row, {"apiProxies": [member for member in row["apiProxies"] if member != name]})
    return saved()


def deploy(call: Call) -> SandboxResponse:
    """Deploy a group to an environment."""
    call.server.require("DEPLOY_UNDEPLOY")
    row = _row(call)
    return _deploy(call, row, call.server.environment(call.names["environment"]))


def undeploy(call: Call) -> SandboxResponse:
    """Take a group out of an environment."""
    call.server.require("DEPLOY_UNDEPLOY")
    row = _row(call)
    environment = call.server.environment(call.names["environment"])
    if environment["name"] not in row["deployments"]:
        # As for a proxy: [unknown], read as a refusal.
        text = f"ApiProxyGroup (name: {row['name']}) can not be undeployed because it is not exist!"
        raise RefusedError("not_found", text)
    if not environment["failing"]:
        del row["deployments"][environment["name"]]
    return saved(with_environments({environment["name"]: not environment["failing"]}))


def environments(call: Call) -> SandboxResponse:
    """List where a group is deployed."""
    call.server.require("VIEW")
    deployed = _row(call)["deployments"]
    # What the rows hold is not stated.
    return listing(
        [{"environmentName": name, "deployed": True, "lastDeployTime": deployed[name]} for name in sorted(deployed)]
    )


def _row(call: Call) -> Row:
    call.server.project(call.names["project"])
    return call.server.one(_TABLE, call.names["project"], call.names["group"])


def _given(call: Call) -> tuple[dict[str, Any], Row | None]:
    """Return the group in a request, and the environment to deploy it to. Raises: RefusedError."""
    given = complete(_FIELDS, read_object(call.request), call.server.edition)
    name = given.pop("environmentName", "")
    return given, call.server.environment(name) if name else None


def _membership(call: Call) -> tuple[Row, str]:
    call.server.require("MANAGE")
    row = _row(call)
    return row, call.server.proxy(call.names)["name"]


def _deploy(call: Call, row: Row, environment: Row) -> SandboxResponse:
    if not environment["failing"]:
        row["deployments"][environment["name"]] = call.server.now()
    return saved(with_environments({environment["name"]: not environment["failing"]}))


ROUTES: Final = (
    Route("GET", _ALL, list_all),
    Route("POST", _ALL, create),
    Route("PUT", _ALL, update),
    Route("DELETE", _ONE, delete),
    Route("POST", _MEMBER, join),
    Route("DELETE", _MEMBER, leave),
    Route("POST", _DEPLOYMENT, deploy),
    Route("DELETE", _DEPLOYMENT, undeploy),
    Route("GET", _ONE + "environments/", environments),
)
