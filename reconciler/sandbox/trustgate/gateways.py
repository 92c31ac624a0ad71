"""Gateways (section 6 of the facts). Pure."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row
from reconciler.sandbox.trustgate.go_json import compact
from reconciler.sandbox.trustgate.plugins import check_plugins, number_plugins
from reconciler.sandbox.trustgate.shapes import GATEWAY_ENTITY, GATEWAY_REQUEST, Era, gateway_answer
from reconciler.sandbox.trustgate.state import Call, RefusalError, State

_TLS_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
_HEADER_MAPPING: dict[Era, tuple[str, ...]] = {
    "S": ("conversation_id", "interaction_id"),
    "L": ("conversation_id", "interaction_id", "session_id"),
}


def create(state: State, call: Call) -> SandboxResponse:
    """POST: 201 with the entity, in another shape than GET gives it back."""
    fields = call.body(GATEWAY_REQUEST)
    now = state.now()
    row: Row = {**fields, "id": state.new_id(), "created_at": now, "updated_at": now}
    row["status"] = fields.get("status") or "active"
    _check(state, row)
    _settle(state, row)
    state.save("gateways", row)
    return json_response(201, compact(row, GATEWAY_ENTITY))


def list_all(state: State, call: Call) -> SandboxResponse:
    """GET list: newest first; `count` is the number on this page, and an empty page is null (section 3)."""
    offset, limit = call.page()
    newest_first = list(state.rows["gateways"].values())[::-1]  # settles equal times
    rows = sorted(newest_first, key=lambda row: row["created_at"], reverse=True)
    page = [answer(state, row) for row in rows[offset : offset + limit]]
    return json_response(200, {"gateways": page or None, "count": len(page), "offset": offset, "limit": limit})


def get(state: State, call: Call) -> SandboxResponse:
    """GET by id: always from the database."""
    return json_response(200, answer(state, _find(state, call)))


def update(state: State, call: Call) -> SandboxResponse:
    """PUT: partial, and 204 without a body."""
    row = dict(_find(state, call))
    fields = call.body(GATEWAY_REQUEST)
    _check(state, {"name": row["name"], **fields})
    if state.era == "S":
        fields.pop("required_plugins", None)  # validated, then ignored
        fields.pop("client_tls", None)
    if "telemetry" in fields:
        fields["telemetry"].pop("header_mapping", None)  # dropped on PUT, hence lost
    row |= fields
    row["updated_at"] = state.now()
    _settle(state, row)
    state.rows.put("gateways", row)
    return empty_response(204)


def delete(state: State, call: Call) -> SandboxResponse:
    """DELETE: 204 whether or not there was anything; takes every child along."""
    gateway_id = call.id("gateway_id")
    state.rows["gateways"].pop(gateway_id, None)
    state.rule_lists.pop(gateway_id, None)
    for collection in ("rules", "services", "upstreams"):
        rows = state.rows[collection]
        for child in [row["id"] for row in rows.values() if row.get("gateway_id") == gateway_id]:
            del rows[child]
    return empty_response(204)


def answer(state: State, row: Row) -> Any:
    """Return a row as GET and the list show it: `tls` and `mapping` are spelled differently from requests."""
    shown = dict(row)
    shown["tls"] = {
        host: {"ca_certs" if name == "ca_cert" else name: value for name, value in settings.items()}
        for host, settings in row.get("client_tls", {}).items()
    }
    if "session_config" in row:
        session = dict(row["session_config"])
        session["mapping"] = session.pop("mapping_field", "")
        shown["session_config"] = session
    return compact(shown, gateway_answer(state.era))


def complete(state: State, row: Row) -> Row:
    """Return a row as stored, from the parts that a test or demo states."""
    now = state.now()
    start = {"id": state.new_id(), "name": "", "status": "active", "required_plugins": []}
    return {**start, "created_at": now, "updated_at": now, **row}


def _find(state: State, call: Call) -> Row:
    row = state.rows["gateways"].get(call.id("gateway_id"))
    if row is None:
        raise RefusalError(404, "gateway not found")
    return row


def _check(state: State, fields: Row) -> None:
    # [unknown] The statuses: taken as 500, the rule for what the domain refuses (section 1).
    if not fields.get("name"):
        raise RefusalError(500, "gateway name is required")
    check_plugins(fields.get("required_plugins", []))
    telemetry = fields.get("telemetry", {})
    exporters = [exporter.get("name") for exporter in telemetry.get("exporters", [])]
    if len(set(exporters)) < len(exporters):
        raise RefusalError(500, "duplicate telemetry exporter")
    for key in telemetry.get("header_mapping", {}):
        if key not in _HEADER_MAPPING[state.era]:
            raise RefusalError(500, f"invalid header mapping key: {key}")
    for host, settings in fields.get("client_tls", {}).items():
        _check_tls(host, settings)


def _check_tls(host: str, settings: dict[str, Any]) -> None:
    lowest, highest = settings.get("min_version"), settings.get("max_version")
    if lowest not in _TLS_VERSIONS or highest not in _TLS_VERSIONS:
        raise RefusalError(500, f"client_tls {host}: min_version and max_version must be TLS10 to TLS13")
    if _TLS_VERSIONS.index(lowest) > _TLS_VERSIONS.index(highest):
        raise RefusalError(500, f"client_tls {host}: min_version is above max_version")
    if not settings.get("ca_cert"):
        raise RefusalError(500, f"client_tls {host}: ca_cert is required")
    certificates = settings.get("client_certs")
    if certificates is not None and not (certificates.get("certificate") and certificates.get("private_key")):
        raise RefusalError(500, f"client_tls {host}: certificate and private_key are required")
    if 0 in settings.get("cipher_suites", []) or 0 in settings.get("curve_preferences", []):
        raise RefusalError(500, f"client_tls {host}: cipher suites and curves must not be 0")


def _settle(state: State, row: Row) -> None:
    row.setdefault("required_plugins", [])
    number_plugins(state, row["required_plugins"])
    for host, settings in row.get("client_tls", {}).items():
        # PEM texts become files of the server; what reads back are their paths.
        folder = f"/tmp/certs/{row['id']}/{host}"
        settings["ca_cert"] = f"{folder}/ca.crt"
        if "client_certs" in settings:
            settings["client_certs"] = {
                "certificate": f"{folder}/client.crt",
                "private_key": f"{folder}/client.key",
            }
