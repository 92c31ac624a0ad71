"""Monitors: rules that score production sessions (section 6 of the facts). Pure."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.galtea.collection import Collection, Handler, check_ids
from reconciler.sandbox.galtea.fields import Field, choice, integer, number, text, texts
from reconciler.sandbox.galtea.state import Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_SETTABLE = ("ACTIVE", "PAUSED")


def _are_conditions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and item.keys() == {"count", "operator", "value"} for item in value
    )


def _settle(state: State, row: Row, before: Row | None) -> None:
    MONITORS.check_name(state, row)
    if row["samplingPercentage"] == 0:
        raise ProblemError(400, "samplingPercentage must be greater than 0")
    # The reference of monitors, release 5.14: one of the two lists has to hold something.
    if not row["metricGroupIds"] and not row["specificationIds"]:
        raise ProblemError(400, "A monitor needs at least one metric family or specification")
    families = {metric["metricGroupId"] for metric in state.rows["metrics"].values() if metric["deletedAt"] is None}
    unknown = [family for family in row["metricGroupIds"] if family not in families]
    if unknown:
        raise ProblemError(400, f"Metric family '{unknown[0]}' does not exist")
    check_ids(state, "specifications", row["specificationIds"], "Specification")
    if any(state.rows["specifications"][i]["type"] == "INABILITY" for i in row["specificationIds"]):
        raise ProblemError(400, "Only POLICY and CAPABILITY specifications can be bound")
    if row["versionId"] is not None:
        check_ids(state, "versions", [row["versionId"]], "Version")
    # [unknown] The order of both lists: taken not to be kept.
    row["metricGroupIds"], row["specificationIds"] = sorted(row["metricGroupIds"]), sorted(row["specificationIds"])
    if before is not None:
        # Dropping a metric deletes its alert rules.
        row["alertRules"] = [rule for rule in row["alertRules"] if rule["metricGroupId"] in row["metricGroupIds"]]


MONITORS = Collection(
    name="monitors",
    what="Monitor",
    prefix="monitor",
    scope="productId",
    writable={
        "name": text(blank=False),
        "versionId": text(nullable=True),
        "metricGroupIds": texts(),
        "specificationIds": texts(),
        "samplingPercentage": number(0, 100, nullable=False),
        "monthlyCreditCap": integer(1),
        "messageConditions": Field(_are_conditions, "an array of {count, operator, value}"),
        "status": choice(*_SETTABLE),
    },
    only_on_create={"productId": text(blank=False)},
    only_on_update=frozenset({"status"}),  # [unknown] a create with it; no client of the vendor sends one
    required=("productId", "name"),
    defaults={
        "versionId": None,
        "metricGroupIds": [],
        "specificationIds": [],
        "samplingPercentage": 10,
        "monthlyCreditCap": None,
        "messageConditions": [{"count": "messages", "operator": "gt", "value": 1}],  # not [] (traps)
        "status": "ACTIVE",
        "alertRules": [],
    },
    settle=_settle,
    shown=lambda _state, row: {name: value for name, value in row.items() if name != "alertRules"},
    answers_id=True,
)


def _set(status: str) -> Handler:
    def handle(state: State, call: Call) -> SandboxResponse:
        row = state.live("monitors", call.values["id"], "Monitor")
        changed = {**row, "status": status}
        state.rows.put("monitors", changed)
        return state.updated(call, MONITORS.shown(state, changed))

    return handle


def extra_routes() -> dict[str, Handler]:
    """Return the calls beyond the usual five."""
    return {"POST /monitors/{id}/pause": _set("PAUSED"), "POST /monitors/{id}/resume": _set("ACTIVE")}
