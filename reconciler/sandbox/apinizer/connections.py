"""Connections of a project to other systems.

Reads and writes: the server's state only.
Invariants: upper and lower case in names don't differ; secrets are null in the list and clear in the read of
one; a change is a whole connection. Source: the Apinizer sheet, section 8.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, listing, read_object, saved
from reconciler.sandbox.apinizer.results import with_environments
from reconciler.sandbox.apinizer.routing import PROJECT, Call, Route
from reconciler.sandbox.apinizer.shapes import Fields, boolean, complete, empty, filled, one_of, required, text
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_TABLE: Final = "connections"
_CATEGORY: Final = "CONNECTIONS"
_ONE: Final = PROJECT + "connections/{name}/"
_TYPES: Final = (
    *("email", "kafka", "elasticsearch", "database", "ldap", "ftp", "rabbitMq", "activeMq", "snmp"),
    *("linux-script", "graylog", "syslog", "webhook", "logback"),
)
_COMMON: Final[Fields] = {
    "type": required(one_of(*_TYPES)),
    "name": filled(text()),
    "description": text(""),
    "deployToWorker": boolean(True),
    "enabled": boolean(True),
}
# The sheet doesn't list the fields of the types, so any are taken, and the words in their names tell secrets.
_SECRET_WORDS: Final = ("password", "passphrase", "secret", "token", "apikey", "credential", "community")


def list_type(call: Call) -> SandboxResponse:
    """List a project's connections of the type that has to be given, without secrets."""
    call.server.require("VIEW", _CATEGORY)
    project = call.server.project(call.names["project"])["name"]
    wanted = dict(call.request.query).get("type")
    if not wanted:
        raise empty("type")
    if wanted not in _TYPES:
        raise RefusedError("invalid_parameter", f"Parameter type must be one of {', '.join(_TYPES)}")
    rows = [row for row in call.server.within(_TABLE, project) if row["type"] == wanted]
    return listing([_without_secrets(_shown(row)) for row in rows])


def get(call: Call) -> SandboxResponse:
    """Read a connection, secrets in clear text."""
    call.server.require("VIEW", _CATEGORY)
    return listing([_shown(_row(call))])


def create(call: Call) -> SandboxResponse:
    """Create a connection; its name is in the path."""
    server = call.server
    server.require("MANAGE", _CATEGORY)
    project, name = server.project(call.names["project"])["name"], call.names["name"]
    given = _given(call)
    # One note of E3 says that this overwrites, everything else that it doesn't [docs, contradictory].
    if server.find(_TABLE, project, name) is not None:
        raise server.taken(_TABLE, name)
    return _live(call, server.add(_TABLE, {**given, "project": project, "name": name}))


def replace(call: Call) -> SandboxResponse:
    """Replace a connection; another name in the body renames it."""
    server = call.server
    server.require("MANAGE", _CATEGORY)
    row = _row(call)
    given = _given(call)
    if given["type"] != row["type"]:
        raise RefusedError("bad_request", "Connection type can not be changed!")
    name = str(given.get("name", row["name"]))
    if server.find(_TABLE, row["project"], name) not in (None, row):
        raise server.taken(_TABLE, name)
    server.change(_TABLE, row, {**given, "name": name})
    for gone in row.keys() - given.keys() - {"id", "project", "name"}:
        del row[gone]
    return _live(call, row)


def delete(call: Call) -> SandboxResponse:
    """Delete a connection for good and take it from the workers."""
    call.server.require("MANAGE", _CATEGORY)
    row = _row(call)
    call.server.discard(_TABLE, row)
    return _live(call, row)


def _row(call: Call) -> Row:
    call.server.project(call.names["project"])
    return call.server.one(_TABLE, call.names["project"], call.names["name"])


def _given(call: Call) -> dict[str, Any]:
    body = read_object(call.request)
    given = {name: value for name, value in body.items() if name not in ("id", "project") and value is not None}
    return given | complete(_COMMON, body, call.server.edition)


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("id", "project")}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: None if _is_secret(name) else _without_secrets(member) for name, member in value.items()}


def _is_secret(name: str) -> bool:
    return any(word in name.replace("_", "").lower() for word in _SECRET_WORDS)


def _live(call: Call, row: Row) -> SandboxResponse:
    if not row["deployToWorker"]:
        return saved()
    return saved(with_environments({e["name"]: not e["failing"] for e in call.server.every("environments")}))


ROUTES: Final = (
    Route("GET", PROJECT + "connections/", list_type),
    Route("GET", _ONE, get),
    Route("POST", _ONE, create),
    Route("PUT", _ONE, replace),
    Route("DELETE", _ONE, delete),
)
