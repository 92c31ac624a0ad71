"""The Galtea REST API behind one `handle`: authentication, routes, error answers. Pure but for the clock.

Newest documented behaviour wherever the facts report a drift (their section 4).
"""

from __future__ import annotations

import hmac
import html
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.sandbox.galtea import connections, monitors, products, specifications, user_groups, versions
from reconciler.sandbox.galtea.collection import Handler
from reconciler.sandbox.galtea.metrics import METRICS
from reconciler.sandbox.galtea.models import MODELS
from reconciler.sandbox.galtea.monitors import MONITORS
from reconciler.sandbox.galtea.specifications import SPECIFICATIONS
from reconciler.sandbox.galtea.state import COLLECTIONS, Call, ProblemError, State
from reconciler.sandbox.galtea.user_groups import USER_GROUPS
from reconciler.sandbox.galtea.versions import VERSIONS
from reconciler.sandbox.galtea.voice import PHONE_CONNECTIONS, WEB_RTC_CONNECTIONS
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response, text_response
from reconciler.sandbox.routes import Routes
from reconciler.sandbox.rows import Row, Which

_USUAL = (*(MODELS, USER_GROUPS, METRICS, SPECIFICATIONS, PHONE_CONNECTIONS, WEB_RTC_CONNECTIONS, VERSIONS, MONITORS),)
"""The collections that follow the common rules."""

_HEADER_CEILING = 16 * 1024  # section 1, "Lists"


def _who_am_i(state: State, _call: Call) -> SandboxResponse:
    return json_response(200, {"id": state.user_id, "organizationId": state.organization_id})


_ROUTES: Routes[Handler] = Routes(
    {
        "GET /auth/user": _who_am_i,
        "GET /products": products.list_all,
        "POST /products": products.create,
        "GET /products/{id}": products.get,
        "PATCH /products/{id}": products.update,
        "DELETE /products/{id}": products.delete,
        "GET /endpointConnections": connections.list_all,
        "POST /endpointConnections": connections.create,
        "POST /endpointConnections/testConnection": connections.try_out,
        "DELETE /endpointConnections/batch": connections.delete_many,
        "GET /endpointConnections/{id}": connections.get,
        "PATCH /endpointConnections/{id}": connections.update,
        "DELETE /endpointConnections/{id}": connections.delete,
        **user_groups.link_routes(),
        **specifications.link_routes(),
        **versions.extra_routes(),
        **monitors.extra_routes(),
        **{route: handler for collection in _USUAL for route, handler in collection.routes().items()},
    }
)
_COMPLETE: Mapping[str, Callable[[State, Row], Row]] = {
    "products": products.complete,
    "endpointConnections": connections.complete,
    **{collection.name: collection.complete for collection in _USUAL},
}


class Galtea:
    """One organization, seen by one user."""

    name = "galtea"
    collections = COLLECTIONS

    def __init__(
        self,
        *,
        api_key: str = "gsk_fake-key-not-real",
        empty_answers: bool = False,
        deleted_names_block: bool = False,
        role: str = "OWNER",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Start empty.

        `empty_answers`: successful writes answer 201 with only a Location, or 204, even unasked.
        `deleted_names_block`: the name of a deleted object cannot be used again.
        `role`: of the user that the key acts as; user groups are for OWNER and ADMIN.
        """
        self._api_key = api_key
        self._lock = threading.RLock()
        self._state = State(
            empty_answers=empty_answers, deleted_names_block=deleted_names_block, role=role, clock=clock
        )

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request as the API would."""
        with self._lock:
            try:
                return self._answer(request)
            except ProblemError as problem:
                return problem.response()

    def stored(self, collection: str) -> list[Row]:
        """Return copies of all rows behind the API, secrets and deleted ones included, as created."""
        with self._lock:
            return self._state.rows.copies(collection)

    def seed(self, collection: str, row: Mapping[str, Any]) -> str:
        """Put a row in place behind the API, unchecked, missing parts filled in; return its id."""
        with self._lock:
            complete = _COMPLETE[collection](self._state, dict(row))
            self._state.rows.put(collection, complete)
            return str(complete["id"])

    def edit(self, collection: str, which: Which, changes: Mapping[str, Any]) -> list[str]:
        """Change rows behind the API, unchecked; return their ids."""
        with self._lock:
            return self._state.rows.edit(collection, which, changes)

    def remove(self, collection: str, which: Which) -> list[str]:
        """Take rows away for good, behind the API; return their ids."""
        with self._lock:
            return self._state.rows.remove(collection, which)

    @property
    def role(self) -> str:
        """The role of the user that the key acts as."""
        return self._state.role

    @role.setter
    def role(self, role: str) -> None:
        with self._lock:
            self._state.role = role

    @property
    def outside_calls(self) -> int:
        """How often testConnection would have called a customer's endpoint."""
        with self._lock:
            return self._state.outside_calls

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        if _size(request) > _HEADER_CEILING:
            return text_response(431, "Request Header Fields Too Large")
        if request.method in ("GET", "HEAD") and request.path == "/health":
            return json_response(200, {"status": "ok", "message": "OK", "timestamp": self._state.now()})
        found = _ROUTES.find(request.method, request.path)
        if found is None:
            # A route that does not exist answers the web framework's page, never JSON (section 1, "Errors").
            return _no_route(request)
        self._authenticate(request)
        return found.handler(self._state, Call(request=request, values=found.values))

    def _authenticate(self, request: SandboxRequest) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._api_key.encode()):
            raise ProblemError(401, "Invalid or missing API key")


def _size(request: SandboxRequest) -> int:
    query = sum(len(name) + len(value) + 2 for name, value in request.query)
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers.items())
    return len(request.method) + len(request.path) + query + headers


def _no_route(request: SandboxRequest) -> SandboxResponse:
    text = f"Cannot {html.escape(request.method)} {html.escape(request.path)}"
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
        f"<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
    )
    return text_response(404, page, "text/html; charset=utf-8")
