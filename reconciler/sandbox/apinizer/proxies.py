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
from reconciler.sandbox.apinizer.results import with_environments
from reconciler.sandbox.apinizer.routing import PROJECT, PROXY, Call, Route
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row


def list_projects(call: Call) -> SandboxResponse:
    """List all projects."""
    return listing([_named(row) for row in call.server.every("projects")])


def list_environments(call: Call) -> SandboxResponse:
    """List all environments, or those of a project; every project has all of them."""
    if "project" in call.names:
        call.server.project(call.names["project"])
    return listing([_named(row) for row in call.server.every("environments")])


def list_proxies(call: Call) -> SandboxResponse:
    """List a project's proxies by name, all at once."""
    call.server.require("VIEW")
    project = call.server.project(call.names["project"])["name"]
    rows = call.server.within("apiProxies", project)
    return listing([list_row(row) for row in sorted(rows, key=lambda row: str(row["name"]))])


def get_proxy(call: Call) -> SandboxResponse:
    """Read a proxy without its settings."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    document = thin(call.server, proxy, with_policies=query_flag(call.request, "withPolicies"))
    return single(call.server.edition, document)


def get_full(call: Call) -> SandboxResponse:
    """Read a proxy's full representation; whether it holds the settings depends on the server (section 3)."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    with_policies = query_flag(call.request, "withPolicies")
    with_settings = call.server.readable == "full"
    document = full(call.server, proxy, with_policies=with_policies, with_settings=with_settings)
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
    return SandboxResponse(status=200, headers=headers, body=archive(call.server, proxy, flags))


def delete_proxy(call: Call) -> SandboxResponse:
    """Delete a proxy for good, then undeploy it everywhere; environments that fail don't fail the call."""
    server = call.server
    server.require("MANAGE")
    missing = f"ApiProxy (name: {call.names['proxy']}) can not be deleted because it is not exist!"
    proxy = server.proxy(call.names, missing)
    server.discard("apiProxies", proxy)
    failing = {row["name"] for row in server.every("environments") if row["failing"]}
    return done(with_environments({name: name not in failing for name in sorted(proxy["deployments"])}))


def _named(row: Row) -> Row:
    return {"name": row["name"], "description": row["description"]}


ROUTES: Final = (
    Route("GET", "projects/", list_projects),
    Route("GET", "environments/", list_environments),
    Route("GET", PROJECT + "environments/", list_environments, "wrapped"),
    # Section 4: E1 writes this one without a slash.
    Route("GET", "environments/{project}", list_environments, "flat"),
    Route("GET", PROJECT + "apiProxies/", list_proxies),
    Route("GET", PROXY, get_proxy),
    Route("DELETE", PROXY, delete_proxy),
    # Section 3 knows this one from the newest OpenAPI only; nothing says that older servers lack it.
    Route("GET", PROXY + "full", get_full),
    Route("GET", PROXY + "export/", export),
)
