"""User groups, and what is linked to them by calls of their own (section 6 of the facts). Pure."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.sandbox.galtea.collection import Collection, Handler, check_ids
from reconciler.sandbox.galtea.fields import boolean, check_fields, choice, require, text, texts
from reconciler.sandbox.galtea.metrics import METRICS
from reconciler.sandbox.galtea.state import Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse, empty_response
from reconciler.sandbox.rows import Row

_ROLES = ("OWNER", "ADMIN")  # "OWNER only" in the guides; the SDK's text adds ADMIN


def _settle(state: State, row: Row, _before: Row | None) -> None:
    USER_GROUPS.check_name(state, row)


USER_GROUPS = Collection(
    name="userGroups",
    what="User group",
    prefix="userGroup",
    scope="organizationId",
    writable={"name": text(blank=False), "description": text(nullable=True), "allProducts": boolean()},
    only_on_create={"type": choice("EVALUATOR")},
    required=("name",),
    defaults={"description": None, "allProducts": False, "type": "EVALUATOR", "userIds": []},
    settle=_settle,
    # [unknown] Whether answers show what is linked: taken not to.
    shown=lambda _state, row: {name: value for name, value in row.items() if name != "userIds"},
    writable_by=_ROLES,
    is_gone_for_good=True,  # "may be hard-deleted"
)

Change = Callable[[list[str], list[str]], list[str]]


def _added(old: list[str], ids: list[str]) -> list[str]:
    return sorted({*old, *ids})


def _taken_away(old: list[str], ids: list[str]) -> list[str]:
    return sorted(set(old) - set(ids))


def _link(name: str, change: Change) -> Handler:
    """Return a link call: ids in the body, 204 (the answer is not stated)."""

    def handle(state: State, call: Call) -> SandboxResponse:
        if state.role not in _ROLES:
            raise ProblemError(403, "Only OWNER or ADMIN can do this")
        group = state.live("userGroups", call.values["id"], "User group")
        body = call.body()
        check_fields(body, {name: texts()}, frozenset())  # [inferred] the names userIds, metricIds, productIds
        require(body, name)
        if name == "userIds":
            group["userIds"] = change(group["userIds"], body[name])
            return empty_response(204)
        collection, what = ("metrics", "Metric") if name == "metricIds" else ("products", "Product")
        check_ids(state, collection, body[name], what)
        for row_id in body[name]:
            row = state.rows[collection][row_id]
            changed = {**row, "userGroupIds": change(row.get("userGroupIds") or [], [group["id"]])}
            if collection == "metrics":
                METRICS.settle(state, changed, row)
            state.rows.put(collection, changed)
        return empty_response(204)

    return handle


def link_routes() -> dict[str, Handler]:
    """Return the calls that link users, metrics and products."""
    routes: dict[str, Handler] = {}
    for path, name in (("users", "userIds"), ("metrics", "metricIds"), ("products", "productIds")):
        routes[f"POST /userGroups/{{id}}/{path}"] = _link(name, _added)
        routes[f"DELETE /userGroups/{{id}}/{path}"] = _link(name, _taken_away)
    return routes
