"""Credentials of clients, and what they give access to.

Reads and writes: the server's state only.
Invariants: a username exists once in all projects; a password never comes back; only the list can be read.
Source: the Apinizer sheet, section 8. What E3 attaches to them (keys, certificates, tokens) is left out.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, listing, read_object, saved
from reconciler.sandbox.apinizer.routing import PROJECT, Call, Route
from reconciler.sandbox.apinizer.shapes import boolean, complete, list_of, one_of, required, rows_of, text
from reconciler.sandbox.apinizer.tables import TABLES
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_TABLE: Final = "credentials"
_CATEGORY: Final = "IDENTITY"
_ALL: Final = PROJECT + "credentials/"
_ONE: Final = _ALL + "{username}/"
_FIELDS: Final = {
    "email": required(text()),
    "fullName": required(text()),
    "username": required(text()),
    "password": required(text()),
    "description": text(""),
    "roleNameList": list_of(text(), []),
    "enabled": boolean(True),
    "ipList": list_of(text(), []),
    "expireDate": text(),
    # The members are not stated; only that some values are secret.
    "metadata": rows_of([], name=required(text()), value=text(), secret=boolean(False)),
}
_KINDS: Final = {"API_PROXY": "apiProxies", "API_PROXY_GROUP": "apiProxyGroups"}
_ACCESS: Final = {
    "credentialAccessList": required(rows_of(name=required(text()), type=required(one_of(*_KINDS)), expireTime=text()))
}


def list_all(call: Call) -> SandboxResponse:
    """List a project's credentials without passwords and secret values."""
    call.server.require("VIEW", _CATEGORY)
    project = call.server.project(call.names["project"])["name"]
    return listing([_shown(row) for row in call.server.within(_TABLE, project)])


def create(call: Call) -> SandboxResponse:
    """Create a credential."""
    server = call.server
    server.require("MANAGE", _CATEGORY)
    project = server.project(call.names["project"])["name"]
    given = complete(_FIELDS, read_object(call.request), server.edition)
    if server.find(_TABLE, given["username"]) is not None:
        raise server.taken(_TABLE, given["username"])
    server.add(_TABLE, {**given, "project": project})
    return saved()


def replace(call: Call) -> SandboxResponse:
    """Replace a credential, password and all; what isn't sent goes back to its default."""
    call.server.require("MANAGE", _CATEGORY)
    given = complete(_FIELDS, read_object(call.request), call.server.edition)
    call.server.change(_TABLE, _row(call, given["username"]), {"expireDate": None, **given})
    return saved()


def set_password(call: Call) -> SandboxResponse:
    """Change the password and nothing else."""
    call.server.require("MANAGE", _CATEGORY)
    row = _row(call, call.names["username"])
    given = complete({"password": _FIELDS["password"]}, read_object(call.request), call.server.edition)
    call.server.change(_TABLE, row, given)
    return saved()


def delete(call: Call) -> SandboxResponse:
    """Delete a credential for good with its access."""
    call.server.require("MANAGE", _CATEGORY)
    call.server.discard(_TABLE, _row(call, call.names["username"]))
    return saved()


def list_access(call: Call) -> SandboxResponse:
    """List what a credential gives access to."""
    call.server.require("VIEW", _CATEGORY)
    return listing(_row(call, call.names["username"])["credentialAccessList"])


def grant(call: Call) -> SandboxResponse:
    """Grant access, all of it or none; what is granted already is a refusal."""
    call.server.require("MANAGE", _CATEGORY)
    row, sent = _access(call)
    there = {(access["type"], access["name"]) for access in row["credentialAccessList"]}
    for access in sent:
        call.server.one(_KINDS[access["type"]], row["project"], access["name"])
        if (access["type"], access["name"]) in there:
            raise RefusedError("duplicate_name", f"Access (name: {access['name']}) is already exist!")
        there.add((access["type"], access["name"]))
    granted = [{"name": a["name"], "type": a["type"], "expireTime": a.get("expireTime")} for a in sent]
    call.server.change(_TABLE, row, {"credentialAccessList": [*row["credentialAccessList"], *granted]})
    return saved()


def revoke(call: Call) -> SandboxResponse:
    """Revoke access, all of it or none; what isn't granted is a refusal."""
    call.server.require("MANAGE", _CATEGORY)
    row, sent = _access(call)
    gone = {(access["type"], access["name"]) for access in sent}
    kept = [access for access in row["credentialAccessList"] if (access["type"], access["name"]) not in gone]
    if len(kept) + len(gone) != len(row["credentialAccessList"]):
        # What happens then is [unknown]; the inconvenient reading is a refusal.
        raise RefusedError("not_found", "Access can not be deleted because it is not exist!")
    call.server.change(_TABLE, row, {"credentialAccessList": kept})
    return saved()


def _row(call: Call, username: str) -> Row:
    """Return a credential of the project. Raises: RefusedError, for one of another project as well."""
    project = call.server.project(call.names["project"])["name"]
    row = call.server.one(_TABLE, username)
    if row["project"] != project:
        raise RefusedError("not_found", TABLES[_TABLE].sentence(username, "is not found"))
    return row


def _access(call: Call) -> tuple[Row, list[dict[str, Any]]]:
    row = _row(call, call.names["username"])
    return row, complete(_ACCESS, read_object(call.request), call.server.edition)["credentialAccessList"]


def _shown(row: Row) -> Row:
    shown: Row = {name: row[name] for name in _FIELDS}
    shown["password"] = None
    shown["metadata"] = [
        {name: value for name, value in entry.items() if name != "value" or not entry.get("secret")}
        for entry in row["metadata"]
    ]
    return shown


ROUTES: Final = (
    Route("GET", _ALL, list_all),
    Route("POST", _ALL, create),
    Route("PUT", _ALL, replace),
    Route("PATCH", _ONE, set_password),
    Route("DELETE", _ONE, delete),
    Route("GET", _ONE + "access/", list_access),
    Route("PUT", _ONE + "access/", grant),
    Route("DELETE", _ONE + "access/", revoke),
)
