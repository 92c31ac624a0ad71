"""Endpoints of an API proxy: list, read, add, change, delete, switch on and off.

Reads and writes: the server's state only.
Invariants: name and method identify an endpoint; requests call its path `name`, answers `endpoint`.
Source: the Apinizer sheet, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, done, query_flag, read_object, rows_found
from reconciler.sandbox.apinizer.documents import endpoint_row, policy_row
from reconciler.sandbox.apinizer.routing import PROXY, Call, Route
from reconciler.sandbox.apinizer.shapes import boolean, complete, empty, one_of, recognised, required, text
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_METHOD: Final = one_of("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "ALL")
_NEW: Final = {
    "name": required(text()),
    "httpMethod": required(_METHOD),
    "backendResourceUrl": required(text()),
    "backendHttpMethod": required(_METHOD),
    "description": text(""),
}
_CHANGES: Final = {"backendResourceUrl": text(), "backendHttpMethod": _METHOD, "description": text()}


def list_all(call: Call) -> SandboxResponse:
    """List a proxy's endpoints."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    query_flag(call.request, "withPolicies")  # of the twin in E3; what it adds is not stated
    return rows_found([endpoint_row(row) for row in call.server.within("endpoints", proxy["id"])])


def details(call: Call) -> SandboxResponse:
    """Read one endpoint."""
    call.server.require("VIEW")
    return rows_found([endpoint_row(_identified(call, call.server.proxy(call.names))[0])])


def policies(call: Call) -> SandboxResponse:
    """List the policies of one endpoint."""
    call.server.require("VIEW")
    proxy = call.server.proxy(call.names)
    endpoint, _ = _identified(call, proxy)
    return rows_found([policy_row(policy) for policy in proxy["policies"] if _belongs(policy, endpoint)])


def create(call: Call) -> SandboxResponse:
    """Add an endpoint, which starts active."""
    proxy = _rest_proxy(call)
    given = complete(_NEW, read_object(call.request), call.server.edition)
    if call.server.find("endpoints", proxy["id"], given["name"], given["httpMethod"]) is not None:
        raise RefusedError("duplicate_name", _sentence(given["name"], given["httpMethod"], "is already exist"))
    call.server.add("endpoints", {"proxyId": proxy["id"], **given})
    call.server.save(proxy, {})
    return done()


def update(call: Call) -> SandboxResponse:
    """Change the fields that were sent; name and method can't change."""
    call.server.require("MANAGE")
    proxy = call.server.proxy(call.names)
    endpoint, body = _identified(call, proxy)
    changes = recognised(_CHANGES, body, call.server.edition)
    if changes:
        call.server.change("endpoints", endpoint, changes)
        call.server.save(proxy, {})
    return done()


def set_status(call: Call) -> SandboxResponse:
    """Switch an endpoint on or off."""
    call.server.require("MANAGE")
    proxy = call.server.proxy(call.names)
    endpoint, body = _identified(call, proxy)
    changes = recognised({"active": required(boolean())}, body, call.server.edition)
    call.server.change("endpoints", endpoint, changes)
    call.server.save(proxy, {})
    return done()


def delete(call: Call) -> SandboxResponse:
    """Delete an endpoint with its policies."""
    proxy = _rest_proxy(call)
    endpoint, _ = _identified(call, proxy)
    call.server.discard("endpoints", endpoint)
    kept = [policy for policy in proxy["policies"] if not _belongs(policy, endpoint)]
    call.server.save(proxy, {"policies": kept})
    return done()


def _rest_proxy(call: Call) -> Row:
    call.server.require("MANAGE")
    proxy = call.server.proxy(call.names)
    if proxy["type"] != "REST":
        raise RefusedError("bad_request", "API Proxy type is not REST")
    return proxy


def _identified(call: Call, proxy: Row) -> tuple[Row, dict[str, Any]]:
    """Return the endpoint that a request identifies, and the request. Raises: RefusedError.

    Status says `identifierName`, change says `name`; what the other calls say is [unknown]: either is taken.
    """
    body = read_object(call.request)
    name = body.get("identifierName", body.get("name"))
    method = body.get("identifierHttpMethod", body.get("httpMethod"))
    if not isinstance(name, str) or not name:
        raise empty("name")
    if not isinstance(method, str) or not method:
        raise empty("httpMethod")
    missing = _sentence(name, method, "is not found")
    return call.server.one("endpoints", proxy["id"], name, method, missing=missing), body


def _sentence(name: str, method: str, ending: str) -> str:
    return f"Endpoint (name: {name}, httpMethod: {method}) {ending}!"


def _belongs(policy: Mapping[str, Any], endpoint: Row) -> bool:
    target = (policy.get("targetEndpoint"), policy.get("targetEndpointHTTPMethod"))
    return target == (endpoint["name"], endpoint["httpMethod"])


ROUTES: Final = (
    Route("GET", PROXY + "endpoints/", list_all),
    Route("POST", PROXY + "endpoints/", create),
    Route("PATCH", PROXY + "endpoints/", update),
    Route("POST", PROXY + "endpoints/delete/", delete),
    Route("POST", PROXY + "endpoints/details/", details),
    Route("POST", PROXY + "endpoints/policies/", policies),
    Route("PATCH", PROXY + "endpoints/status/", set_status),
    Route("GET", PROXY + "methods/", list_all, "wrapped"),
)
