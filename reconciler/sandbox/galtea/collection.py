"""The five usual calls of a collection, for those whose rows follow the common rules (section 6). Pure.

List and read, create, partial update, soft delete. What is special about a collection stands in its module.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reconciler.sandbox.galtea.fields import Field, check_fields, require
from reconciler.sandbox.galtea.lists import Filter, one_of, part_of, select
from reconciler.sandbox.galtea.state import Call, ProblemError, State
from reconciler.sandbox.http import SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row

Handler: TypeAlias = Callable[[State, Call], SandboxResponse]

READ_ONLY = frozenset({"id", "organizationId", "userId", "createdAt", "deletedAt"})


def _stored(_state: State, row: Row) -> Row:
    return dict(row)


def _nothing(_state: State, _row: Row) -> Row:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What the rows of one collection are."""

    name: str
    what: str  # one of them, in messages
    prefix: str  # of ids
    scope: str  # names are unique among rows with the same value of it
    writable: Mapping[str, Field]
    only_on_create: Mapping[str, Field] = field(default_factory=dict)
    only_on_update: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()  # beyond READ_ONLY
    required: tuple[str, ...] = ()  # of a create
    defaults: Mapping[str, Any] = field(default_factory=dict)
    given: Callable[[State, Row], Row] = _nothing  # what the server gives a new row besides an id
    filters: Mapping[str, Filter] = field(default_factory=dict)
    settle: Callable[[State, Row, Row | None], None]  # settles and checks a row, beside the one before; raises 400
    shown: Callable[[State, Row], Row] = _stored  # a row as answers show it
    used_by: tuple[tuple[str, str], ...] = ()  # collections and fields that hold the ids of rows
    writable_by: tuple[str, ...] | None = None  # roles; None for all
    is_gone_for_good: bool = False  # deleting is hard
    answers_id: bool = False  # an empty answer to a write holds the id all the same

    def routes(self) -> dict[str, Handler]:
        """Return the calls by method and path."""
        return {
            f"GET /{self.name}": self.list_all,
            f"POST /{self.name}": self.create,
            f"GET /{self.name}/{{id}}": self.get,
            f"PATCH /{self.name}/{{id}}": self.update,
            f"DELETE /{self.name}/{{id}}": self.delete,
        }

    def list_all(self, state: State, call: Call) -> SandboxResponse:
        """GET list; a product that does not exist gives an empty list, not an error."""
        usual = {"names": one_of("name"), "name": part_of("name")}
        if self.scope == "productId":
            usual["productIds"] = one_of("productId")
        rows = select(state.rows[self.name].values(), call.request.query, {**usual, **self.filters}, self.name)
        return json_response(200, [self.shown(state, row) for row in rows])

    def get(self, state: State, call: Call) -> SandboxResponse:
        """GET by id; a deleted row is still shown, with `deletedAt`."""
        row = state.rows[self.name].get(call.values["id"])
        if row is None:
            raise ProblemError(404, f"{self.what} not found")
        return json_response(200, self.shown(state, row))

    def create(self, state: State, call: Call) -> SandboxResponse:
        """POST; a name that is taken is a 400."""
        self._check_role(state)
        body = call.body()
        fields = {**self.writable, **self.only_on_create}
        check_fields(body, fields, READ_ONLY | self.read_only | self.only_on_update)
        require(body, *self.required)
        if "productId" in body:
            state.live("products", body["productId"], "Product")
        row = self.complete(state, body)
        self.settle(state, row, None)
        state.rows.put(self.name, row)
        if self.answers_id and state.empty_answers:
            return json_response(201, {"id": row["id"]})
        return state.created(call, self.name, row["id"], self.shown(state, row))

    def update(self, state: State, call: Call) -> SandboxResponse:
        """PATCH: partial; lists and maps replace whole."""
        self._check_role(state)
        row = state.live(self.name, call.values["id"], self.what)
        body = call.body()
        check_fields(body, self.writable, READ_ONLY | self.read_only | self.only_on_create.keys())
        changed = {**copy.deepcopy(row), **body}
        self.settle(state, changed, row)
        state.rows.put(self.name, changed)
        if self.answers_id and state.empty_answers:
            return json_response(200, {"id": row["id"]})
        return state.updated(call, self.shown(state, changed))

    def delete(self, state: State, call: Call) -> SandboxResponse:
        """DELETE: soft, but where rows are gone for good; refused for what is in use."""
        self._check_role(state)
        row = state.live(self.name, call.values["id"], self.what)
        for collection, name in self.used_by:
            if any(_holds(other, name, row["id"]) for other in state.rows[collection].values()):
                # [unknown] The status for things in use: "a clear client error" (section 1).
                raise ProblemError(400, f"{self.what} is still in use by {collection}")
        if self.is_gone_for_good:
            del state.rows[self.name][row["id"]]
        else:
            row["deletedAt"] = state.now()
        return empty_response(204)

    def complete(self, state: State, row: Row) -> Row:
        """Return a row as stored, from the parts that are given."""
        start: Row = {"id": state.new_id(self.prefix), self.scope: state.organization_id, "name": ""}
        start |= copy.deepcopy(dict(self.defaults))
        start |= {"userId": state.user_id, "createdAt": state.now(), "deletedAt": None}
        return {**start, **self.given(state, row), **row}

    def check_name(self, state: State, row: Row) -> None:
        """Refuse a name that another row has. Raises ProblemError (400)."""
        if state.name_is_taken(self.name, row, self.scope):
            where = "for this product" if self.scope == "productId" else "in this organization"
            raise ProblemError(400, f"{self.what}: one with the same name already exists {where}")

    def _check_role(self, state: State) -> None:
        if self.writable_by is not None and state.role not in self.writable_by:
            raise ProblemError(403, f"Only {' or '.join(self.writable_by)} can do this")


def check_ids(state: State, collection: str, ids: list[str], what: str) -> None:
    """Refuse ids of rows that do not exist or are deleted. Raises ProblemError (400)."""
    # [unknown] What a dangling id answers: taken for a validation error.
    for row_id in ids:
        row = state.rows[collection].get(row_id)
        if row is None or row["deletedAt"] is not None:
            raise ProblemError(400, f"{what} '{row_id}' does not exist")


def _holds(row: Row, name: str, row_id: str) -> bool:
    held = row.get(name)
    return row["deletedAt"] is None and (held == row_id or (isinstance(held, list) and row_id in held))
