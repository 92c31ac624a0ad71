"""Environment variables of a project.

Reads and writes: the server's state only.
Invariants: an invisible value never comes back; a value that isn't sent stays, an empty one clears; every
change goes live at once. Source: the Apinizer sheet, section 8.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.sandbox.apinizer.answers import RefusedError, listing, read_object, saved
from reconciler.sandbox.apinizer.results import Result, with_names
from reconciler.sandbox.apinizer.routing import PROJECT, Call, Route
from reconciler.sandbox.apinizer.shapes import boolean, complete, filled, required, rows_of, text
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_TABLE: Final = "environmentVariables"
_CATEGORY: Final = "GLOBAL_SETTINGS"
_ONE: Final = PROJECT + "environmentVariables/{name}/"
_FIELDS: Final = {
    "name": filled(text()),
    "description": text(""),
    "global": boolean(False),
    "globalValue": text(),
    "globalVisible": boolean(True),
    "environmentValueList": rows_of(environmentName=required(text()), value=text(), visible=boolean(False)),
}


def list_all(call: Call) -> SandboxResponse:
    """List a project's variables without invisible values."""
    call.server.require("VIEW", _CATEGORY)
    project = call.server.project(call.names["project"])["name"]
    return listing([_shown(row) for row in call.server.within(_TABLE, project)])


def get(call: Call) -> SandboxResponse:
    """Read a variable without invisible values."""
    call.server.require("VIEW", _CATEGORY)
    return listing([_shown(_row(call))])


def create(call: Call) -> SandboxResponse:
    """Create a variable; its name is in the path."""
    server = call.server
    server.require("MANAGE", _CATEGORY)
    project, name = server.project(call.names["project"])["name"], call.names["name"]
    given = _given(call)
    if server.find(_TABLE, project, name) is not None:
        raise server.taken(_TABLE, name)
    row = server.add(_TABLE, {**_cleared(given), "project": project, "name": name})
    return saved(_live(call, row))


def replace(call: Call) -> SandboxResponse:
    """Replace a variable but for values that aren't sent."""
    server = call.server
    server.require("MANAGE", _CATEGORY)
    row, given = _row(call), _given(call)
    name = str(given.get("name", row["name"]))
    if name != row["name"]:
        if server.edition == "wrapped":
            raise RefusedError("bad_request", "EnvironmentVariable name can not be changed!")
        if server.find(_TABLE, row["project"], name) is not None:
            raise server.taken(_TABLE, name)
    kept = {value["environmentName"]: value.get("value") for value in row["environmentValueList"]}
    for value in given.get("environmentValueList", ()):
        value.setdefault("value", kept.get(value["environmentName"]))
    given = _cleared(given)
    server.change(_TABLE, row, given)
    return saved(_live(call, row))


def delete(call: Call) -> SandboxResponse:
    """Delete a variable for good and take it out of the environments."""
    call.server.require("MANAGE", _CATEGORY)
    row = _row(call)
    call.server.discard(_TABLE, row)
    return saved(_live(call, row))


def _row(call: Call) -> Row:
    call.server.project(call.names["project"])
    return call.server.one(_TABLE, call.names["project"], call.names["name"])


def _given(call: Call) -> dict[str, Any]:
    given = complete(_FIELDS, read_object(call.request), call.server.edition)
    for value in given.get("environmentValueList", ()):
        call.server.environment(value["environmentName"])
    return given


def _cleared(given: dict[str, Any]) -> dict[str, Any]:
    """Return a request with no value where an empty one was sent."""
    for value in given.get("environmentValueList", ()):
        value["value"] = value.get("value") or None
    return given if given.get("globalValue") != "" else {**given, "globalValue": None}


def _shown(row: Row) -> Row:
    values = [
        {
            "environmentName": value["environmentName"],
            "value": value.get("value") if value.get("visible") else None,
            "visible": value.get("visible", False),
        }
        for value in row["environmentValueList"]
    ]
    return {
        "name": row["name"],
        "description": row["description"],
        "global": row["global"],
        "globalValue": row["globalValue"] if row["globalVisible"] else None,
        "globalVisible": row["globalVisible"],
        "environmentValueList": values,
    }


def _live(call: Call, row: Row) -> Result:
    named = {value["environmentName"] for value in row["environmentValueList"]}
    environments = call.server.every("environments")
    return with_names({e["name"]: not e["failing"] for e in environments if row["global"] or e["name"] in named})


ROUTES: Final = (
    Route("GET", PROJECT + "environmentVariables/", list_all),
    Route("GET", _ONE, get),
    Route("POST", _ONE, create),
    Route("PUT", _ONE, replace),
    Route("DELETE", _ONE, delete),
)
