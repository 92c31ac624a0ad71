"""Metrics and their revisions (section 6 of the facts). Pure."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.galtea.collection import Collection, check_ids
from reconciler.sandbox.galtea.fields import Field, choice, number, text, texts
from reconciler.sandbox.galtea.lists import unless
from reconciler.sandbox.galtea.state import ProblemError, State
from reconciler.sandbox.rows import Row

# The reference of POST /metrics, release 5.17: those that may be created, and those that exist besides.
_SOURCES = ("SELF_HOSTED", "PARTIAL_PROMPT", "HUMAN_EVALUATION", "CLASSIFIER")
_OLD_SOURCES = ("FULL_PROMPT", "GEVAL", "DEEPEVAL", "DETERMINISTIC")


def _short(longest: int, *, blank: bool = True) -> Field:
    return Field(
        lambda value: isinstance(value, str) and len(value) <= longest and (blank or bool(value.strip())),
        f"a string of at most {longest} characters",
        nullable=blank,
    )


def _params() -> Field:
    return Field(
        lambda value: isinstance(value, list) and len(value) <= 20 and all(_is_param(item) for item in value),
        "an array of at most 20 strings of 1 to 64 characters",
        nullable=True,
    )


def _is_param(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64


def _settle(state: State, row: Row, before: Row | None) -> None:
    if before is not None and row["organizationId"] is None:
        raise ProblemError(403, "The metrics of the platform cannot be changed")
    # [unknown] The order of links: taken not to be kept.
    row["userGroupIds"], row["specificationIds"] = sorted(row["userGroupIds"]), sorted(row["specificationIds"])
    if before is None or row["userGroupIds"] != before["userGroupIds"]:
        check_ids(state, "userGroups", row["userGroupIds"], "User group")
    if before is None or row["specificationIds"] != before["specificationIds"]:
        check_ids(state, "specifications", row["specificationIds"], "Specification")
    if row["source"] == "HUMAN_EVALUATION" and not row["userGroupIds"]:
        raise ProblemError(400, "A human evaluation metric needs at least one user group")
    if before is None:
        _check_judge(row)
    if not row["isLegacy"] and _name_is_taken(state, row):
        raise ProblemError(400, "A metric with the same name already exists in this organization")
    if before is None and row["parentMetricId"] is not None:
        parent = state.live("metrics", row["parentMetricId"], "Metric")
        row["metricGroupId"] = parent["metricGroupId"]
        state.rows.put("metrics", {**parent, "isLegacy": True})


def _check_judge(row: Row) -> None:
    source = row["source"]
    if source not in _SOURCES:
        raise ProblemError(400, f"source {source} cannot be created; accepted values: {', '.join(_SOURCES)}")
    if source == "PARTIAL_PROMPT":
        if not row["judgePrompt"] or not row["evaluatorModelName"]:
            raise ProblemError(400, "PARTIAL_PROMPT needs judgePrompt and evaluatorModelName")
        if not {"input", "actual_output"} <= set(row["evaluationParams"] or ()):
            raise ProblemError(400, "evaluationParams must include input and actual_output")
    if source == "SELF_HOSTED" and (row["judgePrompt"] or row["evaluatorModelName"]):
        raise ProblemError(400, "SELF_HOSTED takes no judgePrompt and no evaluatorModelName")


def _name_is_taken(state: State, row: Row) -> bool:
    return any(
        other["id"] not in (row["id"], row["parentMetricId"])  # a revision may share its parent's name
        and other["organizationId"] == row["organizationId"]
        and not other["isLegacy"]
        for other in state.rows.named("metrics", row["name"])
        if state.deleted_names_block or other["deletedAt"] is None
    )


METRICS = Collection(
    name="metrics",
    what="Metric",
    prefix="metric",
    scope="organizationId",
    writable={
        "name": _short(200, blank=False),
        "description": _short(5000),
        "tags": texts(),
        "userGroupIds": texts(),
        "specificationIds": texts(),
    },
    only_on_create={
        "source": choice(*_SOURCES, *_OLD_SOURCES),
        "judgePrompt": _short(20_000),
        "evaluatorModelName": text(nullable=True),
        "evaluationParams": _params(),
        "passThreshold": number(0, 1),
        "parentMetricId": text(nullable=True),
    },
    read_only=frozenset({"metricGroupId"}),
    required=("name", "source"),
    defaults={
        "description": None,
        "tags": [],
        "userGroupIds": [],
        "specificationIds": [],
        "source": "SELF_HOSTED",
        "judgePrompt": None,
        "evaluatorModelName": None,
        "evaluationParams": None,
        "passThreshold": None,
        "parentMetricId": None,
        "isLegacy": False,
    },
    filters={"includeLegacy": unless("isLegacy")},  # the family cannot be filtered by
    given=lambda state, _row: {"metricGroupId": state.new_id("metricGroup")},  # all revisions share it
    settle=_settle,
    # [unknown] How answers tell a legacy revision: taken not to.
    shown=lambda _state, row: {name: value for name, value in row.items() if name != "isLegacy"},
)
"""Metrics of the platform belong to no organization (`organizationId` None) and share the list."""
