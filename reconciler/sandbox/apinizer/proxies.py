"""Projects, environments and API proxies: list, read, export, delete.

Reads and writes: the server's state only.
Invariant: nothing creates a proxy of type WEBSOCKET; the API has no call for that.
Source: the Apinizer sheet, sections 3 and 4.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from reconciler.sandbox.apinizer.answers import done, listing, query_flag, single
from reconciler.sandbox.apinizer.documents import archive, full, list_row, thin
from reconciler.sandbox.apinizer.routing import Call, Route
from reconciler.sandbox.apinizer.state import Row
from reconciler.sandbox.http import SandboxResponse

_PROXIES: Final = "projects/{project}/apiProxies/"
_ENVIRONMENTS: Final = "projects/{project}/environments/"


def list_projects(call: Call) -> SandboxResponse:
    """List all projects."""
    return listing([_named(row) for row in call.server.rows("projects")])


def list_environments(call: Call) -> SandboxResponse:
    """List all environments, or those of a project; every project has all of them."""
    if "project" in call.names:
        call.server.project(call.names["project"])
    return listing([_named(row) for row in call.server.rows("environments")])


def list_proxies(call: Call) -> SandboxResponse:
    """List a project's proxies by name, all at once."""
    call.server.require("VIEW")
    project = call.server.project(call.names["project"])["name"]
    rows = (row for row in call.server.rows("apiProxies") if row["project"] == project)
    return listing([list_row(row) for row in sorted(rows, key=lambda row: str(row["name"]))])


def get_proxy(call: Call) -> SandboxResponse:
    """Read a proxy without its settings."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    return single(call.server.edition, thin(proxy, with_policies=query_flag(call.request, "withPolicies")))


def get_full(call: Call) -> SandboxResponse:
    """Read a proxy's full representation; whether it holds the settings depends on the server (section 3)."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    with_policies = query_flag(call.request, "withPolicies")
    document = full(proxy, with_policies=with_policies, with_settings=call.server.readable == "full")
    return single(call.server.edition, document)


def export(call: Call) -> SandboxResponse:
    """Export a proxy's complete definition as a ZIP."""
    call.server.require("EXPORT_IMPORT")
    proxy = call.server.proxy(call.names)
    flags = {name: query_flag(call.request, name) for name in ("encrypt", "withDependencies")}
    file_name = quote(f"{proxy['name']}.zip", safe="")
    headers = {
        "content-type": "application/octet-stream",
        "content-disposition": f"attachment; filename*=UTF-8''{file_name}",
    }
    return SandboxResponse(status=200, headers=headers, body=archive(proxy, flags))


def delete_proxy(call: Call) -> SandboxResponse:
    """Delete a proxy for good, then undeploy it everywhere; environments that fail don't fail the call."""
    server = call.server
    server.require("MANAGE")
    missing = f"ApiProxy (name: {call.names['proxy']}) can not be deleted because it is not exist!"
    proxy = server.proxy(call.names, missing)
    server.discard("apiProxies", proxy)
    failing = {row["name"] for row in server.rows("environments") if row["failing"]}
    results = [
        {"environmentName": name, "success": name not in failing, "message": ""}
        for name in sorted(proxy["deployments"])
    ]
    succeeded = all(result["success"] for result in results)
    return done({"success": succeeded, "message": "", "environmentResults": results})


def _named(row: Row) -> Row:
    return {"name": row["name"], "description": row["description"]}


ROUTES: Final = (
    Route(method="GET", template="projects/", handler=list_projects),
    Route(method="GET", template="environments/", handler=list_environments),
    Route(method="GET", template=_ENVIRONMENTS, handler=list_environments, edition="wrapped"),
    # Section 4: E1 writes this one without a slash.
    Route(method="GET", template="environments/{project}", handler=list_environments, edition="flat"),
    Route(method="GET", template=_PROXIES, handler=list_proxies),
    Route(method="GET", template=_PROXIES + "{proxy}/", handler=get_proxy),
    Route(method="DELETE", template=_PROXIES + "{proxy}/", handler=delete_proxy),
    # Section 3 knows this one from the newest OpenAPI only; nothing says that older servers lack it.
    Route(method="GET", template=_PROXIES + "{proxy}/full", handler=get_full),
    Route(method="GET", template=_PROXIES + "{proxy}/export/", handler=export),
)
