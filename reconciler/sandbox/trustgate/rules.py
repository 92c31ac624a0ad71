"""Rules of a gateway (section 8 of the facts): which requests go to which service. Pure."""

from __future__ import annotations

import json
import uuid
from typing import Any

from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row
from reconciler.sandbox.trustgate.go_json import compact
from reconciler.sandbox.trustgate.plugins import check_plugins, number_plugins
from reconciler.sandbox.trustgate.shapes import RULE_GATEWAY, rule_answer, rule_request
from reconciler.sandbox.trustgate.state import ZERO_UUID, Call, RefusalError, State

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_TRUSTLENS_TYPES = ("MESSAGE", "TOOL", "AGENT", "RETRIEVAL", "GENERATION", "ROUTER", "SYSTEM", "FEEDBACK")
_TYPES = ("agent", "endpoint")


def create(state: State, call: Call) -> SandboxResponse:
    """POST: 201 with the entity, whose headers are mangled."""
    gateway_id = call.id("gateway_id")
    fields = call.body(rule_request(state.era, updating=False))
    for name in ("path", "methods", "service_id") + (("name",) if state.era == "L" else ()):
        if not fields.get(name):
            raise RefusalError(400, f"{name} is required")
    _check(state, gateway_id, fields)
    now = state.now()
    row: Row = {
        **_defaults(state),
        **fields,
        # [inferred] The column's default takes the place of a zero.
        "retry_attempts": fields.get("retry_attempts") or 1,
        "id": state.new_id(),
        "gateway_id": gateway_id,
        "created_at": now,
        "updated_at": now,
    }
    _check_domain(row)
    number_plugins(state, row["plugin_chain"])
    state.save("rules", row)
    shown = answer(state, row)
    if "headers" in shown:
        # [unknown] In which way they are mangled: taken as a text in place of the object.
        shown["headers"] = {"raw": json.dumps(row["headers"])}
    return json_response(201, shown)


def list_all(state: State, call: Call) -> SandboxResponse:
    """GET list: from the database, below the gateway; it also fills the cached list that PUT edits (section 4)."""
    gateway_id = call.id("gateway_id")
    gateway = state.rows["gateways"].get(gateway_id)
    if gateway is None:
        raise RefusalError(404, "gateway not found")
    rows = state.unordered("rules", gateway_id)
    if any(row["service_id"] not in state.rows["services"] for row in rows):
        raise RefusalError(500, "failed to load the service of a rule")
    state.rule_lists[gateway_id] = {row["id"] for row in rows}
    shown = compact({**gateway, "plugin_chain": gateway["required_plugins"]}, RULE_GATEWAY)
    return json_response(200, {"gateway": shown, "rules": [answer(state, row) for row in rows] or None})


def update(state: State, call: Call) -> SandboxResponse:
    """PUT: partial in parts; saved first, and then the cached list has to hold the rule as well."""
    gateway_id, rule_id = call.id("gateway_id"), call.id("rule_id")
    fields = call.body(rule_request(state.era, updating=True))
    found = state.rows["rules"].get(rule_id)
    if found is None or found["gateway_id"] != gateway_id:
        raise RefusalError(404, "rule not found")
    if "trust_lens" in fields:
        fields["trustlens"] = fields.pop("trust_lens")
    if state.era == "S":
        for name in ("path", "methods", "service_id"):
            if not fields.get(name):
                raise RefusalError(400, f"{name} is required")
        fields = {"headers": {}, "plugin_chain": [], **fields}  # left out, hence cleared
    else:
        empty = [name for name in ("name", "path", "methods", "service_id") if fields.get(name) in ("", [])]
        fields = {name: value for name, value in fields.items() if name not in empty}  # kept
    _check(state, gateway_id, fields, rule_id)
    row = {**found, **fields, "updated_at": state.now()}
    _check_domain(row)
    number_plugins(state, row["plugin_chain"])
    state.rows.put("rules", row)
    _edit_cached_list(state, gateway_id, rule_id)
    return empty_response(204)


def delete(state: State, call: Call) -> SandboxResponse:
    """DELETE: 204, and 404 when there is no such rule."""
    gateway_id, rule_id = call.id("gateway_id"), call.id("rule_id")
    found = state.rows["rules"].get(rule_id)
    if found is None or found["gateway_id"] != gateway_id:
        raise RefusalError(404, "rule not found")
    del state.rows["rules"][rule_id]
    return empty_response(204)


def answer(state: State, row: Row) -> Any:
    """Return a row as the list shows it."""
    return compact(row, rule_answer(state.era))


def complete(state: State, row: Row) -> Row:
    """Return a row as stored, from the parts that a test or demo states."""
    now = state.now()
    start = {"id": state.new_id(), "gateway_id": ZERO_UUID, "service_id": ZERO_UUID, "path": "/", "methods": ["GET"]}
    return {**_defaults(state), **start, "retry_attempts": 1, "created_at": now, "updated_at": now, **row}


def _defaults(state: State) -> Row:
    later: Row = {"name": "", "type": "endpoint"} if state.era == "L" else {}
    flags = {"strip_path": False, "preserve_host": False, "active": True, "public": False}
    return {**later, **flags, "headers": {}, "plugin_chain": []}


def _check(state: State, gateway_id: str, fields: Row, own_id: str = "") -> None:
    """Check what the handler looks at, and put path and methods into their usual spelling. Raises RefusalError."""
    unknown = [m for m in fields.get("methods", []) if m.upper() not in _METHODS]
    if unknown:
        raise RefusalError(400, f"invalid method: {unknown[0]}")
    if "service_id" in fields:
        _check_service(state, gateway_id, fields)
    if fields.get("type", "") not in ("", *_TYPES):
        raise RefusalError(400, f"invalid rule type: {fields['type']}")
    if fields.get("type") == "":
        del fields["type"]
    if "path" in fields and state.era == "L":
        # [inferred] What makes a path normal: one slash in front, none at the end.
        fields["path"] = "/" + fields["path"].strip("/")
        rows = state.rows["rules"].values()
        others = (row for row in rows if row["gateway_id"] == gateway_id and row["id"] != own_id)
        if any(row["path"] == fields["path"] for row in others):
            raise RefusalError(400, "rule already exists")
    check_plugins(fields.get("plugin_chain", []))
    trustlens = fields.get("trustlens")
    if trustlens is None:
        return
    if not trustlens.get("app_id") or not trustlens.get("team_id"):
        raise RefusalError(400, "trustlens app_id and team_id are required")
    if trustlens.get("type", "") not in ("", *_TRUSTLENS_TYPES):
        raise RefusalError(400, f"invalid trustlens type: {trustlens['type']}")


def _check_service(state: State, gateway_id: str, fields: Row) -> None:
    try:
        fields["service_id"] = str(uuid.UUID(fields["service_id"]))
    except ValueError as error:
        raise RefusalError(400, "invalid service ID") from error
    service = state.rows["services"].get(fields["service_id"])
    # Era S takes any id, and its list answers 500 from then on.
    if state.era == "L" and (service is None or service["gateway_id"] != gateway_id):
        raise RefusalError(400, "service not found")


def _check_domain(row: Row) -> None:
    # The handler does not mind the case of a method, the database's hook does.
    for method in row["methods"]:
        if method not in _METHODS:
            raise RefusalError(500, f"invalid HTTP method: {method}")


def _edit_cached_list(state: State, gateway_id: str, rule_id: str) -> None:
    """Fail where the cached list does not hold the rule, although the row is saved (end of section 8)."""
    cached = state.rule_lists.get(gateway_id)
    if cached is None:
        raise RefusalError(500, "failed to read the rules from the cache: key not found")
    if rule_id not in cached:
        raise RefusalError(404, "rule not found in the cached list")
