"""Endpoint connections (sections 2, 3 and 5 of the facts). Pure."""

from __future__ import annotations

import copy
from typing import Any

from reconciler.sandbox.galtea.connection_rules import (
    AUTH_TYPES,
    CREDENTIALS,
    DEFAULTS,
    METHODS,
    ONLY_ON_CREATE,
    READ_ONLY,
    TYPES,
    WRITABLE,
    check_row,
)
from reconciler.sandbox.galtea.fields import check_fields, require
from reconciler.sandbox.galtea.headers import masked, origin, readable, unmasked
from reconciler.sandbox.galtea.lists import check_options, created_from, created_to, one_of, part_of, select
from reconciler.sandbox.galtea.state import Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row

_COLLECTION = "endpointConnections"
_WHAT = "Endpoint connection"
_ENUM_FILTERS = {
    "types": ("type", TYPES),
    "httpMethods": ("httpMethod", METHODS),
    "authTypes": ("authType", tuple(t for t in AUTH_TYPES if t != "OAUTH2")),  # section 2: omits OAUTH2
}
_FILTERS = {
    "productIds": one_of("productId"),
    "names": one_of("name"),
    "name": part_of("name"),
    "url": part_of("url"),
    **{name: one_of(field) for name, (field, _) in _ENUM_FILTERS.items()},
    "fromCreatedAt": created_from(),
    "toCreatedAt": created_to(),
}
_SHOWN = (
    *("id", "productId", "name", "type", "url", "httpMethod", "authType", "hasAuthToken", "username"),
    *("hasPassword", "headers", "inputTemplate", "inputSchema", "outputMapping", "timeout", "rateLimit"),
    *("retryEnabled", "retryMaxAttempts", "retryInitialDelayMs", "retryBackoffStrategy", "retryMaxDelayMs"),
    *("retryableStatusCodes", "acknowledgedInsecureHttp", "conversationEndRules", "userId", "createdAt"),
    "deletedAt",
)


def list_all(state: State, call: Call) -> SandboxResponse:
    """GET list; a product that does not exist gives an empty list, not an error."""
    for name, value in call.request.query:
        if name.removesuffix("[]") in _ENUM_FILTERS:
            check_options([value], _ENUM_FILTERS[name.removesuffix("[]")][1])
    rows = select(state.rows[_COLLECTION].values(), call.request.query, _FILTERS, "endpoint connections")
    return json_response(200, [answer(row) for row in rows])


def get(state: State, call: Call) -> SandboxResponse:
    """GET by id."""
    row = state.rows[_COLLECTION].get(call.values["id"])
    if row is None:
        raise ProblemError(404, f"{_WHAT} not found")
    # [unknown] A deleted row (open question 2): taken to be shown, with a `deletedAt` that is easily missed.
    return json_response(200, answer(row))


def create(state: State, call: Call) -> SandboxResponse:
    """POST: no upsert; a name that is taken is a 400."""
    body = call.body()
    check_fields(body, {**WRITABLE, **ONLY_ON_CREATE}, READ_ONLY)
    # `type` is optional in the seed and required in the SDK: taken as required. The key of the template is.
    require(body, "productId", "name", "type", "url", "httpMethod", "authType", "inputTemplate", "outputMapping")
    state.live("products", body["productId"], "Product")
    for name in ("username", *_SECRETS):
        if body.get(name) == "":
            body[name] = None
    body["headers"] = unmasked(body.get("headers") or {}, None)
    row = complete(state, _normalized(body))
    for name in _unused(row["authType"]):
        row[name] = None
    check_row(row)
    _check_name(state, row)
    state.rows.put(_COLLECTION, row)
    return state.created(call, _COLLECTION, row["id"], answer(row))


def update(state: State, call: Call) -> SandboxResponse:
    """PATCH: partial; containers replace whole; secrets follow rules of their own (section 5)."""
    row = state.live(_COLLECTION, call.values["id"], _WHAT)
    body = call.body()
    check_fields(body, WRITABLE, READ_ONLY | ONLY_ON_CREATE.keys())
    changed = _merged(row, body)
    check_row(changed)
    _check_name(state, changed)
    state.rows.put(_COLLECTION, changed)
    return state.updated(call, answer(changed))


def delete(state: State, call: Call) -> SandboxResponse:
    """DELETE: soft."""
    state.live(_COLLECTION, call.values["id"], _WHAT)["deletedAt"] = state.now()
    return empty_response(204)


def delete_many(state: State, call: Call) -> SandboxResponse:
    """DELETE batch: ids in the body."""
    ids = call.body().get("ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(row_id, str) for row_id in ids):
        raise ProblemError(400, "Field 'ids' must be a non-empty array of strings")
    # [unknown] Atomicity: taken as none, so that those before a missing one are gone.
    for row_id in ids:
        state.live(_COLLECTION, row_id, _WHAT)["deletedAt"] = state.now()
    return empty_response(204)


def try_out(state: State, call: Call) -> SandboxResponse:
    """POST testConnection: would really call the customer's endpoint; here it is only counted."""
    body = call.body()
    row_id = body.pop("id", None)
    check_fields(body, {**WRITABLE, "type": ONLY_ON_CREATE["type"]}, READ_ONLY)
    if row_id is not None:
        _merged(state.live(_COLLECTION, str(row_id), _WHAT), body)
    else:
        require(body, "url")
        origin(body["url"])
        unmasked(body.get("headers") or {}, None)
    state.outside_calls += 1
    result = {"success": True, "statusCode": 200, "latency": 12, "response": {}, "error": None}
    return json_response(200, {**result, "extractedOutput": None, "extractionError": None})


def answer(row: Row) -> Row:
    """Return a row as answers show it: secrets only as flags and masks."""
    seen = {
        **row,
        "hasAuthToken": row["authToken"] is not None,
        "hasPassword": row["password"] is not None,
        "headers": masked(row["headers"]),
    }
    return {name: seen[name] for name in _SHOWN}


def complete(state: State, row: Row) -> Row:
    """Return a row as stored, from the parts that are given."""
    start: Row = {
        "id": state.new_id("endpointConnection"),
        "productId": "",
        "name": "",
        "type": "CONVERSATION",
        "url": "https://endpoint.example.com/",
        "httpMethod": "POST",
        "authType": "NONE",
        **copy.deepcopy(DEFAULTS),
    }
    return {**start, "userId": state.user_id, "createdAt": state.now(), "deletedAt": None, **row}


_SECRETS = ("authToken", "password")


def _merged(row: Row, body: dict[str, Any]) -> Row:
    """Return the row that a PATCH asks for; neither argument is touched. Raises ProblemError (400)."""
    changed = copy.deepcopy(row)
    moved = "url" in body and origin(body["url"]) != origin(row["url"])
    if moved:
        # What was stored for one place is not sent to another one.
        changed |= {"authToken": None, "password": None, "headers": readable(changed["headers"])}
    auth_type: str = body["authType"] if "authType" in body else row["authType"]
    if auth_type != row["authType"]:
        changed |= dict.fromkeys(_unused(auth_type))
    # null and "" keep a secret; they cannot clear it.
    sent = {name: value for name, value in body.items() if name not in _SECRETS or value not in (None, "")}
    if sent.get("headers") is not None:
        sent["headers"] = unmasked(sent["headers"], None if moved else row["headers"])
    changed |= _normalized(sent)
    if moved and any(changed[name] is None for name in _SECRETS if name in CREDENTIALS[auth_type]):
        raise ProblemError(
            400, f"The origin of 'url' changes: send the secret for authType {auth_type} in the same request"
        )
    return changed


def _normalized(body: dict[str, Any]) -> dict[str, Any]:
    settled = dict(body)
    for name in ("headers", "outputMapping"):
        # The seed shows them as never null, the SDK sends null: then nothing is left in them.
        if name in settled and settled[name] is None:
            settled[name] = {}
    if "retryableStatusCodes" in settled:
        # [unknown] Whether the order is kept (open question 6): taken not to be.
        settled["retryableStatusCodes"] = sorted(set(settled["retryableStatusCodes"]))
    return settled


def _unused(auth_type: str) -> list[str]:
    return [name for name in ("authToken", "username", "password") if name not in CREDENTIALS[auth_type]]


def _check_name(state: State, row: Row) -> None:
    if state.name_is_taken(_COLLECTION, row, "productId"):
        raise ProblemError(400, "An endpoint connection with the same name already exists for this product")
