"""Versions of a product, told apart by their facts (section 6 of the facts). Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.sandbox.galtea.collection import Collection, Handler, check_ids
from reconciler.sandbox.galtea.fields import Field, check_fields, require, text
from reconciler.sandbox.galtea.state import Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse, json_response
from reconciler.sandbox.rows import Row

_LABEL = re.compile(r"v[0-9]+", re.IGNORECASE)
_MOST_FACTS = 32
_MOST_BYTES = 2000
_CONNECTIONS = {
    "conversationEndpointConnectionId": ("endpointConnections", "CONVERSATION"),
    "initializationEndpointConnectionId": ("endpointConnections", "INITIALIZATION"),
    "finalizationEndpointConnectionId": ("endpointConnections", "FINALIZATION"),
    "phoneConnectionId": ("phoneConnections", None),
    "webRtcConnectionId": ("webRtcConnections", None),
}
_TEXTS = ("description", "systemPrompt", "datasetDescription", "datasetUri", "guardrails")


def _are_facts(value: Any) -> bool:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        return False
    return len(value) <= _MOST_FACTS and len(json.dumps(value, ensure_ascii=False).encode()) <= _MOST_BYTES


_FACTS = Field(_are_facts, f"an object of at most {_MOST_FACTS} strings and {_MOST_BYTES} bytes", nullable=True)


def _settle(state: State, row: Row, _before: Row | None) -> None:
    row["facts"] = {key.strip(): value.strip() for key, value in (row["facts"] or {}).items()}
    label = f"v{row['number']}"
    row["name"] = row["name"] or label
    if _LABEL.fullmatch(row["name"]) and row["name"].lower() != label:
        raise ProblemError(400, f"The name '{row['name']}' is reserved for the label of a version")
    if row["name"].lower() != label:
        VERSIONS.check_name(state, row)
    twin = _of_facts(state, row["productId"], row["facts"])
    if row["facts"] and twin is not None and twin["id"] != row["id"]:
        raise ProblemError(400, "A version with the same facts already exists for this product")
    _check_links(state, row)


def _check_links(state: State, row: Row) -> None:
    if not row["modelId"] and row["facts"].get("model"):
        named = [m for m in state.rows.named("models", row["facts"]["model"]) if m["deletedAt"] is None]
        row["modelId"] = named[0]["id"] if named else None
    if row["modelId"]:
        check_ids(state, "models", [row["modelId"]], "Model")
    for name, (collection, kind) in _CONNECTIONS.items():
        if row[name] is None:
            continue
        check_ids(state, collection, [row[name]], "Connection")
        found = state.rows[collection][row[name]]
        # [unknown] Taken to be checked: a connection of another product or type cannot serve.
        if found["productId"] != row["productId"] or (kind is not None and found["type"] != kind):
            raise ProblemError(400, f"Field '{name}' must name a fitting connection of the same product")


def _of_facts(state: State, product: str, facts: dict[str, str]) -> Row | None:
    for row in state.rows["versions"].values():
        if row["productId"] == product and row["facts"] == facts and row["deletedAt"] is None:
            return row
    return None


def _given(state: State, row: Row) -> Row:
    numbers = [r["number"] for r in state.rows["versions"].values() if r["productId"] == row["productId"]]
    return {"number": max(numbers, default=0) + 1}


VERSIONS = Collection(
    name="versions",
    what="Version",
    prefix="version",
    scope="productId",
    writable={
        "name": text(blank=False),
        **dict.fromkeys((*_TEXTS, "modelId", *_CONNECTIONS), text(nullable=True)),
        "facts": _FACTS,
        **dict.fromkeys(
            ("otelInputSourceRule", "otelOutputSourceRule"),
            Field(lambda value: isinstance(value, str | dict), "a rule", nullable=True),
        ),
    },
    only_on_create={"productId": text(blank=False), "parentVersionId": text(nullable=True)},
    read_only=frozenset({"number"}),
    required=("productId",),
    defaults={
        **dict.fromkeys((*_TEXTS, "modelId", *_CONNECTIONS, "otelInputSourceRule", "otelOutputSourceRule")),
        "facts": {},
        "parentVersionId": None,
    },
    given=_given,
    settle=_settle,
    used_by=(("monitors", "versionId"),),
)


def _get_or_create(state: State, call: Call) -> SandboxResponse:
    """POST get-or-create: 200 whether found or made."""
    body = call.body()
    check_fields(body, {"productId": text(blank=False), "facts": _FACTS, "name": text(blank=False)}, frozenset())
    require(body, "productId", "facts")
    state.live("products", body["productId"], "Product")
    facts = {key.strip(): value.strip() for key, value in (body["facts"] or {}).items()}
    row = _of_facts(state, body["productId"], facts)
    if row is None:
        row = VERSIONS.complete(state, body)
        _settle(state, row, None)
        state.rows.put("versions", row)
    elif body.get("name") not in (None, row["name"]):
        # [inferred] One of the conflicts that the facts speak of without listing them.
        raise ProblemError(409, f"The version with these facts has the name '{row['name']}'")
    return json_response(200, VERSIONS.shown(state, row))


def extra_routes() -> dict[str, Handler]:
    """Return the calls beyond the usual five."""
    return {"POST /versions/get-or-create": _get_or_create}
