"""Services of a gateway (section 5 of the facts). Pure."""

from __future__ import annotations

import uuid
from typing import Any

from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row
from reconciler.sandbox.trustgate.go_json import compact
from reconciler.sandbox.trustgate.shapes import service_answer, service_request
from reconciler.sandbox.trustgate.state import (
    ZERO_TIME,
    ZERO_UUID,
    Call,
    RefusalError,
    State,
    snapshot,
    utc_text,
)


def create(state: State, call: Call) -> SandboxResponse:
    """POST: 201 with the entity, which fills the cache of GET by id (section 4)."""
    gateway_id = call.id("gateway_id")
    fields, _ = _fields(state, call)
    now = state.now()
    row: Row = {
        **fields,
        "id": state.new_id(),
        "gateway_id": gateway_id,
        "created_at": now,
        "updated_at": now,
    }
    _check(state, row)
    state.save("services", row)
    state.service_cache[row["id"]] = snapshot(row)
    return json_response(201, answer(state, row))


def list_all(state: State, call: Call) -> SandboxResponse:
    """GET list: from the database, each with its fresh upstream, in no order."""
    offset, limit = call.page()
    rows = state.unordered("services", call.id("gateway_id"))[offset : offset + limit]
    upstreams = state.rows["upstreams"]
    return json_response(200, [answer(state, {**r, "upstream": upstreams.get(r["upstream_id"])}) for r in rows])


def get(state: State, call: Call) -> SandboxResponse:
    """GET by id: from a cache that PUT and DELETE leave alone (section 4); the gateway is not looked at."""
    call.id("gateway_id")
    service_id = call.id("service_id")
    row = state.service_cache.get(service_id) or state.rows["services"].get(service_id)
    if row is None:
        raise RefusalError(404, "service not found")
    state.service_cache[service_id] = snapshot(row)
    return json_response(200, answer(state, row))


def replace(state: State, call: Call) -> SandboxResponse:
    """PUT: everything that is not in the body is erased; the entity comes back as built (section 5.2)."""
    gateway_id, service_id = call.id("gateway_id"), call.id("service_id")
    found = state.rows["services"].get(service_id)
    if state.era == "L":
        if found is None:
            raise RefusalError(404, "service not found")
        kept: Row = {name: found[name] for name in ("gateway_id", "created_at", "stream") if name in found}
        fields, _ = _fields(state, call)
    else:
        # No look at what is there: an unknown id is inserted, one of another gateway moves here, and the
        # creation time is erased unless the caller hands it back.
        fields, created = _fields(state, call)
        kept = {"gateway_id": gateway_id, "created_at": created or ZERO_TIME}
    row: Row = {**fields, **kept, "id": service_id, "updated_at": state.now()}
    _check(state, row)
    state.save("services", row)
    return json_response(200, answer(state, row))


def delete(state: State, call: Call) -> SandboxResponse:
    """DELETE: 204 whether or not there was anything; 400 while a rule refers to it."""
    call.id("gateway_id")
    service_id = call.id("service_id")
    if any(rule.get("service_id") == service_id for rule in state.rows["rules"].values()):
        raise RefusalError(400, "cannot delete service: it is referenced by a rule")
    state.rows["services"].pop(service_id, None)
    return empty_response(204)


def answer(state: State, row: Row) -> Any:
    """Return a row as answers show it: secrets in clear, zero values left out."""
    return compact(row, service_answer(state.era))


def complete(state: State, row: Row) -> Row:
    """Return a row as stored, from the parts that a test or demo states."""
    now = state.now()
    start = {"id": state.new_id(), "gateway_id": ZERO_UUID, "name": "", "type": "upstream"}
    return {**start, "upstream_id": ZERO_UUID, "created_at": now, "updated_at": now, **row}


def _fields(state: State, call: Call) -> tuple[Row, str | None]:
    """Return the fields to store, and the creation time that the caller hands back."""
    fields = call.body(service_request(state.era))
    fields.pop("updatedAt", None)  # read, hence checked, and then ignored
    if state.era == "L":
        fields.pop("retries", None)  # section 5.1: accepted, dropped
    created = fields.pop("createdAt", None)
    try:
        fields["upstream_id"] = str(uuid.UUID(fields.get("upstream_id", "")))
    except ValueError as error:
        raise RefusalError(400, "invalid upstream ID") from error
    return fields, utc_text(created) if created is not None else None


def _check(state: State, row: Row) -> None:
    # Section 1: what the domain refuses answers 500 here.
    if not row.get("name"):
        raise RefusalError(500, "service name is required")
    if not row.get("type"):
        raise RefusalError(500, "service type is required")
    if row["type"] not in ("upstream", "endpoint"):
        raise RefusalError(500, f"invalid service type: {row['type']}")
    if row.get("host") or row.get("port"):
        raise RefusalError(500, "host and port must be empty when upstream_id is set")
    upstream = state.rows["upstreams"].get(row["upstream_id"])
    if upstream is None or upstream["gateway_id"] != row["gateway_id"]:
        raise RefusalError(500, "upstream not found")
    state.check_name("services", row)
