"""IP groups of a project.

Reads and writes: the server's state only.
Invariants: addresses are a set, handed out in an order of its own; every change goes live at once.
Source: the Apinizer sheet, section 8.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, listing, read_object, saved
from reconciler.sandbox.apinizer.results import with_names
from reconciler.sandbox.apinizer.routing import PROJECT, Call, Route
from reconciler.sandbox.apinizer.shapes import Fields, complete, filled, list_of, required, text
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_TABLE: Final = "ipGroups"
_CATEGORY: Final = "GLOBAL_SETTINGS"
_ALL: Final = PROJECT + "ipGroups/"
_ONE: Final = _ALL + "{name}/"
_ADDRESSES: Final = list_of(text())
_CHANGES: Final[Fields] = {"name": text(), "description": text(""), "ipList": _ADDRESSES}
_NEW: Final[Fields] = {**_CHANGES, "name": required(text())}


def list_all(call: Call) -> SandboxResponse:
    """List a project's groups."""
    call.server.require("VIEW", _CATEGORY)
    project = call.server.project(call.names["project"])["name"]
    return listing([_shown(row) for row in call.server.within(_TABLE, project)])


def get(call: Call) -> SandboxResponse:
    """Read a group."""
    call.server.require("VIEW", _CATEGORY)
    return listing([_shown(_row(call))])


def create(call: Call) -> SandboxResponse:
    """Create a group, empty when no addresses are sent."""
    server = call.server
    server.require("MANAGE", _CATEGORY)
    project = server.project(call.names["project"])["name"]
    given = _given(call, _NEW)
    if server.find(_TABLE, project, given["name"]) is not None:
        raise server.taken(_TABLE, given["name"])
    server.add(_TABLE, {**given, "project": project})
    return _live(call)


def update(call: Call) -> SandboxResponse:
    """Replace a group: without addresses E3 clears it, older editions change its description only."""
    call.server.require("MANAGE", _CATEGORY)
    row, given = _row(call), _given(call, _CHANGES)
    if given.get("name", row["name"]) != row["name"]:
        raise RefusedError("bad_request", "IpGroup name can not be changed!")
    addresses = given.get("ipList", []) if call.server.edition == "wrapped" else row["ipList"]
    call.server.change(_TABLE, row, {"description": given["description"], "ipList": addresses})
    return _live(call)


def add_addresses(call: Call) -> SandboxResponse:
    """Add addresses; those that are there are ignored."""
    return _change(call, lambda there, sent: [*there, *sent])


def replace_addresses(call: Call) -> SandboxResponse:
    """Replace all addresses by those sent, of which there must be some."""
    return _change(call, lambda there, sent: sent)


def remove_addresses(call: Call) -> SandboxResponse:
    """Remove addresses; those that aren't there are ignored."""
    return _change(call, lambda there, sent: [address for address in there if address not in sent])


def delete(call: Call) -> SandboxResponse:
    """Delete a group for good."""
    call.server.require("MANAGE", _CATEGORY)
    call.server.discard(_TABLE, _row(call))
    return _live(call)


def _change(call: Call, changed: Callable[[list[str], list[str]], list[str]]) -> SandboxResponse:
    call.server.require("MANAGE", _CATEGORY)
    row = _row(call)
    # What the body looks like is [unknown]: taken to be the member of the group.
    sent = _given(call, {"ipList": filled(required(_ADDRESSES))})["ipList"]
    call.server.change(_TABLE, row, {"ipList": _as_set(changed(row["ipList"], sent))})
    return _live(call)


def _row(call: Call) -> Row:
    call.server.project(call.names["project"])
    return call.server.one(_TABLE, call.names["project"], call.names["name"])


def _given(call: Call, fields: Fields) -> dict[str, Any]:
    given = complete(fields, read_object(call.request), call.server.edition)
    for address in given.get("ipList", ()):
        try:
            ipaddress.IPv4Interface(address)
        except ValueError:
            text = f"ipList: {address} is neither an IPv4 address nor a CIDR range"
            raise RefusedError("validation_failed", text, "ipList") from None
    return {**given, "ipList": _as_set(given["ipList"])} if "ipList" in given else given


def _as_set(addresses: list[str]) -> list[str]:
    return sorted(set(addresses))


def _shown(row: Row) -> Row:
    return {name: row[name] for name in ("name", "description", "ipList")}


def _live(call: Call) -> SandboxResponse:
    return saved(with_names({row["name"]: not row["failing"] for row in call.server.every("environments")}))


ROUTES: Final = (
    # Only the prose of E3 has the two reads.
    Route("GET", _ALL, list_all, "wrapped"),
    Route("GET", _ONE, get, "wrapped"),
    Route("POST", _ALL, create),
    Route("PUT", _ONE, update),
    Route("DELETE", _ONE, delete),
    Route("POST", _ONE + "ips/", add_addresses),
    Route("PUT", _ONE + "ips/", replace_addresses),
    Route("DELETE", _ONE + "ips/", remove_addresses),
)
