"""Products (section 6 of the facts). Pure."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.galtea.fields import Field, check_fields, choice, integer, require, text, texts
from reconciler.sandbox.galtea.lists import one_of, part_of, select
from reconciler.sandbox.galtea.state import COLLECTIONS, Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row

_COLLECTION = "products"
_WRITABLE: dict[str, Field] = {
    "name": text(blank=False),
    "description": text(),
    **dict.fromkeys(
        (
            # [unknown] The types of these: taken as free text.
            "riskLevel",
            "operatorType",
            "interactionMode",
            "primaryTask",
            "capabilities",
            "inabilities",
            "policies",
            "securityBoundaries",
        ),
        text(nullable=True),
    ),
    "tags": texts(),
    "autoCloseScope": choice("NONE", "DEVELOPMENT", "PRODUCTION", "ALL"),
    "autoCloseInactivityMinutes": integer(1, nullable=False),
    "closedSessionInferenceCreationPolicy": choice("REJECT", "IGNORE", "REOPEN_AND_REEVALUATE"),
    **dict.fromkeys(
        ("otelInputSourceRule", "otelOutputSourceRule"),
        Field(lambda value: isinstance(value, str | dict), "a rule", nullable=True),
    ),
}
_ONLY_ON_CREATE: dict[str, Field] = {"organizationId": text(nullable=True), "userGroupIds": texts()}
_READ_ONLY = frozenset({"id", "createdAt", "deletedAt"})
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(_WRITABLE),
    "tags": [],
    "autoCloseScope": "ALL",  # was PRODUCTION before (traps)
    "autoCloseInactivityMinutes": 30,
    "closedSessionInferenceCreationPolicy": "REOPEN_AND_REEVALUATE",
}


def list_all(state: State, call: Call) -> SandboxResponse:
    """GET list."""
    filters = {"names": one_of("name"), "name": part_of("name")}
    rows = select(state.rows[_COLLECTION].values(), call.request.query, filters, "products")
    return json_response(200, [answer(row) for row in rows])


def get(state: State, call: Call) -> SandboxResponse:
    """GET by id; a deleted row is still shown, with `deletedAt`."""
    row = state.rows[_COLLECTION].get(call.values["id"])
    if row is None:
        raise ProblemError(404, "Product not found")
    return json_response(200, answer(row))


def create(state: State, call: Call) -> SandboxResponse:
    """POST."""
    body = call.body()
    check_fields(body, {**_WRITABLE, **_ONLY_ON_CREATE}, _READ_ONLY)
    require(body, "name", "description")
    if body.get("organizationId") not in (None, state.organization_id):
        raise ProblemError(403, "You do not have access to this organization")
    body["organizationId"] = state.organization_id
    row = complete(state, body)
    _settle(state, row)
    state.rows.put(_COLLECTION, row)
    return state.created(call, _COLLECTION, row["id"], answer(row))


def update(state: State, call: Call) -> SandboxResponse:
    """PATCH: partial; lists replace whole."""
    row = state.live(_COLLECTION, call.values["id"], "Product")
    body = call.body()
    check_fields(body, _WRITABLE, _READ_ONLY | _ONLY_ON_CREATE.keys())
    changed = {**row, **body}
    _settle(state, changed)
    state.rows.put(_COLLECTION, changed)
    return state.updated(call, answer(changed))


def delete(state: State, call: Call) -> SandboxResponse:
    """DELETE: soft; refused while live objects belong to it."""
    row = state.live(_COLLECTION, call.values["id"], "Product")
    for collection in COLLECTIONS:
        children = state.rows[collection].values()
        if any(child.get("productId") == row["id"] and child["deletedAt"] is None for child in children):
            # [unknown] The status for things in use: "a clear client error" (section 1).
            raise ProblemError(400, f"Product is still in use by {collection}; delete them first")
    row["deletedAt"] = state.now()
    return empty_response(204)


def answer(row: Row) -> Row:
    """Return a row as answers show it."""
    return {name: value for name, value in row.items() if name != "userGroupIds"}


def complete(state: State, row: Row) -> Row:
    """Return a row as stored, from the parts that are given."""
    start = {"id": state.new_id("product"), "organizationId": state.organization_id, **_DEFAULTS}
    return {**start, "tags": [], "createdAt": state.now(), "deletedAt": None, **row}


def _settle(state: State, row: Row) -> None:
    row["tags"] = [tag.strip().lower() for tag in row["tags"]]
    if state.name_is_taken(_COLLECTION, row, "organizationId"):
        raise ProblemError(400, "A product with the same name already exists in this organization")
