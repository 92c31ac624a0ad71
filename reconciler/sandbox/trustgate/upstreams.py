"""Upstreams of a gateway (section 7 of the facts). Pure."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row
from reconciler.sandbox.trustgate.go_json import compact
from reconciler.sandbox.trustgate.shapes import upstream_answer, upstream_request
from reconciler.sandbox.trustgate.state import (
    ZERO_TIME,
    ZERO_UUID,
    Call,
    RefusalError,
    State,
    snapshot,
)
from reconciler.sandbox.trustgate.upstream_rules import check_domain, check_request


def create(state: State, call: Call) -> SandboxResponse:
    """POST: 201 with the entity; fills the cache of GET by id, drops the cached page (section 4)."""
    gateway_id = call.id("gateway_id")
    row = _row(state, call)
    now = state.now()
    row |= {"id": state.new_id(), "gateway_id": gateway_id, "created_at": now, "updated_at": now}
    for index, target in enumerate(row.get("targets", [])):
        if not target.get("id"):  # only here, never on PUT (section 7.2)
            target["id"] = f"{row['id']}-{target.get('provider', '')}-{index}"
    if state.era == "S" and "websocket_config" in row:
        row["websocket_config"]["enable_direct_communication"] = True  # the create bug of section 7.3
    check_domain(row, state.era)
    if state.era == "L" and gateway_id not in state.rows["gateways"]:
        # At S there was no foreign key yet (section 7.3), so that anything goes.
        raise RefusalError(500, 'insert or update violates foreign key constraint "fk_upstreams_gateway"')
    state.check_name("upstreams", row)
    state.save("upstreams", row)
    state.upstream_cache[row["id"]] = snapshot(row)
    state.upstream_pages.pop(gateway_id, None)
    return json_response(201, answer(state, row))


def list_all(state: State, call: Call) -> SandboxResponse:
    """GET list: the first caller's page is everybody's page until the cache entry is dropped (section 4)."""
    gateway_id = call.id("gateway_id")
    if gateway_id not in state.upstream_pages:
        offset, limit = call.page()
        page = state.unordered("upstreams", gateway_id)[offset : offset + limit]
        # [unknown] Whether an empty page is kept: taken so, being the less convenient way.
        state.upstream_pages[gateway_id] = [snapshot(row) for row in page]
    return json_response(200, [answer(state, row) for row in state.upstream_pages[gateway_id]])


def get(state: State, call: Call) -> SandboxResponse:
    """GET by id: from the cache; the gateway is not looked at."""
    call.id("gateway_id")
    upstream_id = call.id("upstream_id")
    row = state.upstream_cache.get(upstream_id) or state.rows["upstreams"].get(upstream_id)
    if row is None:
        raise RefusalError(404, "upstream not found")
    state.upstream_cache[upstream_id] = snapshot(row)
    return json_response(200, answer(state, row))


def replace(state: State, call: Call) -> SandboxResponse:
    """PUT: everything that is not in the body is erased (section 7.3)."""
    gateway_id, upstream_id = call.id("gateway_id"), call.id("upstream_id")
    found = state.rows["upstreams"].get(upstream_id)
    later = state.era == "L"
    if later and (found is None or found["gateway_id"] != gateway_id):
        raise RefusalError(404, "upstream not found")
    row = _row(state, call)
    if not later:
        # Not copied from the request, so that any PUT clears it; the creation time is lost likewise.
        # An unknown id is inserted, and one of another gateway moves here.
        row.pop("websocket_config", None)
    created = found["created_at"] if later and found is not None else ZERO_TIME
    row |= {"id": upstream_id, "gateway_id": gateway_id, "created_at": created, "updated_at": state.now()}
    check_domain(row, state.era)
    state.check_name("upstreams", row)
    state.save("upstreams", row)
    if later:
        state.upstream_cache[upstream_id] = snapshot(row)
        state.upstream_pages.pop(gateway_id, None)
    return json_response(200, answer(state, row))


def delete(state: State, call: Call) -> SandboxResponse:
    """DELETE: 204 whether or not there was anything; 400 while a service uses it. No cache is dropped."""
    call.id("gateway_id")
    upstream_id = call.id("upstream_id")
    if any(service["upstream_id"] == upstream_id for service in state.rows["services"].values()):
        raise RefusalError(400, "cannot delete upstream: it is being used by a service")
    state.rows["upstreams"].pop(upstream_id, None)
    return empty_response(204)


def answer(state: State, row: Row) -> Any:
    """Return a row as answers show it: secrets in clear, zero values left out."""
    return compact(row, upstream_answer(state.era))


def complete(state: State, row: Row) -> Row:
    """Return a row as stored, from the parts that a test or demo states."""
    now = state.now()
    start = {"id": state.new_id(), "gateway_id": ZERO_UUID, "name": "", "algorithm": "round-robin"}
    return {**start, "targets": [], "created_at": now, "updated_at": now, **row}


def _row(state: State, call: Call) -> Row:
    fields = call.body(upstream_request(state.era))
    check_request(fields, state.era)
    spelling = {"embedding": "embedding_config", "proxy_config": "proxy"}
    return {spelling.get(name, name): value for name, value in fields.items()}
