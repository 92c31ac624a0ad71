"""Specifications: what a product is expected to do, and the metrics linked to it (section 6 of the facts). Pure.

The links are kept on the side of the metrics (`specificationIds`), which can edit them, too.
"""

from __future__ import annotations

from reconciler.sandbox.galtea.collection import Collection, Handler, check_ids
from reconciler.sandbox.galtea.fields import boolean, check_fields, choice, require, text, texts
from reconciler.sandbox.galtea.state import Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row


def _settle(state: State, row: Row, before: Row | None) -> None:
    if row["type"] == "CAPABILITY":
        if before is None and row["testType"] not in (None, "SCENARIOS"):
            raise ProblemError(400, "testType of a CAPABILITY is SCENARIOS")
        row["testType"] = "SCENARIOS"
    elif row["type"] == "INABILITY":
        if before is None and row["testType"] is not None:
            raise ProblemError(400, "An INABILITY has no testType")
        row["testType"] = None
    elif row["testType"] is None:
        raise ProblemError(400, "testType is required for a POLICY")
    if any(
        (other["productId"], other["description"], other["type"]) == (row["productId"], row["description"], row["type"])
        for other in state.rows["specifications"].values()
        if other["id"] != row["id"] and (state.deleted_names_block or other["deletedAt"] is None)
    ):
        raise ProblemError(400, "A specification with the same description and type already exists for this product")
    asked = row.pop("metricIds")
    if before is None:
        check_ids(state, "metrics", asked, "Metric")
        _link(state, row["id"], asked)
    # "PATCH does not edit links": taken to be passed by, not refused.
    row["metricIds"] = []


def _link(state: State, row_id: str, metric_ids: list[str], *, linked: bool = True) -> None:
    for metric_id in metric_ids:
        metric = state.rows["metrics"][metric_id]
        ids = set(metric["specificationIds"]) | {row_id} if linked else set(metric["specificationIds"]) - {row_id}
        state.rows.put("metrics", {**metric, "specificationIds": sorted(ids)})


def _metrics_of(state: State, row: Row) -> list[Row]:
    metrics = state.rows["metrics"].values()
    return [metric for metric in metrics if row["id"] in metric["specificationIds"] and metric["deletedAt"] is None]


def _shown(state: State, row: Row) -> Row:
    return {**row, "metricIds": [metric["id"] for metric in _metrics_of(state, row)]}


SPECIFICATIONS = Collection(
    name="specifications",
    what="Specification",
    prefix="specification",
    scope="productId",
    writable={
        "name": text(blank=False, nullable=True),
        "description": text(blank=False),
        "type": choice("CAPABILITY", "INABILITY", "POLICY"),
        "testType": choice("QUALITY", "RED_TEAMING", "SCENARIOS", nullable=True),
        "testVariant": text(nullable=True),
        "useForTestAlignment": boolean(),
        "metricIds": texts(),
        "isCritical": boolean(),
    },
    only_on_create={"productId": text(blank=False)},
    required=("productId", "description", "type"),
    defaults={
        "name": None,
        "description": "",
        "type": "INABILITY",
        "testType": None,
        "testVariant": None,
        "useForTestAlignment": True,
        "isCritical": False,
        "metricIds": [],
    },
    settle=_settle,
    shown=_shown,
    used_by=(("monitors", "specificationIds"),),
)


def list_metrics(state: State, call: Call) -> SandboxResponse:
    """GET the linked metrics."""
    row = state.live("specifications", call.values["id"], "Specification")
    return json_response(200, [{n: v for n, v in m.items() if n != "isLegacy"} for m in _metrics_of(state, row)])


def _edit_links(*, linked: bool) -> Handler:
    def handle(state: State, call: Call) -> SandboxResponse:
        row = state.live("specifications", call.values["id"], "Specification")
        body = call.body()
        check_fields(body, {"metricIds": texts()}, frozenset())
        require(body, "metricIds")
        check_ids(state, "metrics", body["metricIds"], "Metric")
        _link(state, row["id"], body["metricIds"], linked=linked)
        return empty_response(204)

    return handle


def link_routes() -> dict[str, Handler]:
    """Return the calls that list, add and take away linked metrics."""
    path = "/specifications/{id}/metrics"
    return {
        f"GET {path}": list_metrics,
        f"POST {path}": _edit_links(linked=True),
        f"DELETE {path}": _edit_links(linked=False),
    }
