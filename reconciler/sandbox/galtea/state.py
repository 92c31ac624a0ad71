"""What one Galtea organization holds, and what handlers get and raise. Pure but for the clock.

Not synchronized: the system holds its lock around every call.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response, json_response
from reconciler.sandbox.rows import Row, Rows

COLLECTIONS = (
    *("products", "models", "userGroups", "specifications", "metrics"),
    *("endpointConnections", "phoneConnections", "webRtcConnections", "versions", "monitors"),
)
"""All collections, those that others refer to first."""

_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class ProblemError(Exception):
    """An error answer in the envelope of section 1: `{"error": …, "message": …}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def response(self) -> SandboxResponse:
        """Return the answer."""
        return json_response(self.status, {"error": _REASONS.get(self.status, "Error"), "message": self.message})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way to a handler."""

    request: SandboxRequest
    values: Mapping[str, str]  # from the path

    def body(self) -> dict[str, Any]:
        """Return the JSON object of the request. Raises ProblemError (400).

        A body of another content type is not looked at and counts as `{}`.
        """
        # [unknown] Other content types: taken as the usual JSON middleware of such servers does, which passes
        # them by, so that a PATCH answers success and changes nothing.
        content_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json" or not self.request.body:
            return {}
        try:
            value = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise ProblemError(400, "Unexpected token in JSON") from error
        if not isinstance(value, dict):
            raise ProblemError(400, "The request body must be a JSON object")
        return value

    @property
    def wants_minimal(self) -> bool:
        """Whether `Prefer: return=minimal` was asked for (section 1)."""
        preferences = self.request.headers.get("prefer", "").lower().replace(" ", "").split(",")
        return "return=minimal" in preferences


class State:
    """Rows by collection, the caller, and the sources of ids and times."""

    def __init__(
        self, *, empty_answers: bool, deleted_names_block: bool, role: str, clock: Callable[[], float]
    ) -> None:
        self.empty_answers = empty_answers
        self.role = role  # of the user that the key acts as
        self.deleted_names_block = deleted_names_block
        self.rows = Rows(*COLLECTIONS)
        self.outside_calls = 0  # how often testConnection called the customer's endpoint
        self._clock = clock
        self._random = random.Random(20261009)
        self.organization_id = self.new_id("organization")
        self.user_id = self.new_id("user")

    def new_id(self, prefix: str) -> str:
        """Return the next id: a prefix and a cuid (section 1)."""
        return f"{prefix}_c{''.join(self._random.choices(_BASE_36, k=23))}"

    def now(self) -> str:
        """Return the time in ISO 8601 with milliseconds."""
        moment = datetime.fromtimestamp(self._clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def live(self, collection: str, row_id: str, what: str) -> Row:
        """Return a row that is not deleted. Raises ProblemError (404 with JSON, section 1)."""
        row = self.rows[collection].get(row_id)
        if row is None or row["deletedAt"] is not None:
            raise ProblemError(404, f"{what} not found")
        return row

    def created(self, call: Call, collection: str, row_id: str, shown: Row) -> SandboxResponse:
        """Return the answer to a POST: 201 with the object, or with nothing but its Location."""
        location = {"location": f"/{collection}/{row_id}"}
        if self.empty_answers or call.wants_minimal:
            return empty_response(201, location)
        return json_response(201, shown, location)

    def updated(self, call: Call, shown: Row) -> SandboxResponse:
        """Return the answer to a PATCH: 200 with the object, or 204."""
        return empty_response(204) if self.empty_answers or call.wants_minimal else json_response(200, shown)

    def name_is_taken(self, collection: str, row: Row, scope: str) -> bool:
        """Tell whether another row has the same name and the same value of `scope`."""
        return any(
            other[scope] == row[scope] and other["id"] != row["id"]
            for other in self.rows.named(collection, row["name"])
            # Open question 1. Versions are known to be unique among live rows only; taken for names, too.
            if self.deleted_names_block or other["deletedAt"] is None
        )
