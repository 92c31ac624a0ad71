"""The TrustGate admin API behind one `handle`: authentication, routes, error answers. Pure but for the clock.

Written from the facts about v1.x. Era S is the generation of the seed page (full-replace PUT that doesn't
look at what is there), era L the later 1.x that still has services.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response, text_response
from reconciler.sandbox.routes import Routes
from reconciler.sandbox.rows import Row, Which
from reconciler.sandbox.trustgate import gateways, rules, services, upstreams
from reconciler.sandbox.trustgate.shapes import Era
from reconciler.sandbox.trustgate.state import Call, RefusalError, State
from reconciler.sandbox.trustgate.tokens import is_valid_token

_Handler: TypeAlias = Callable[[State, Call], SandboxResponse]

_PREFIX = "/api/v1"
_GATEWAY = _PREFIX + "/gateways/{gateway_id}"
_UPSTREAM = _GATEWAY + "/upstreams/{upstream_id}"
_SERVICE = _GATEWAY + "/services/{service_id}"
_RULE = _GATEWAY + "/rules/{rule_id}"

_ROUTES: Routes[_Handler] = Routes(
    {
        f"POST {_PREFIX}/gateways": gateways.create,
        f"GET {_PREFIX}/gateways": gateways.list_all,
        f"GET {_GATEWAY}": gateways.get,
        f"PUT {_GATEWAY}": gateways.update,
        f"DELETE {_GATEWAY}": gateways.delete,
        f"POST {_GATEWAY}/upstreams": upstreams.create,
        f"GET {_GATEWAY}/upstreams": upstreams.list_all,
        f"GET {_UPSTREAM}": upstreams.get,
        f"PUT {_UPSTREAM}": upstreams.replace,
        f"DELETE {_UPSTREAM}": upstreams.delete,
        f"POST {_GATEWAY}/services": services.create,
        f"GET {_GATEWAY}/services": services.list_all,
        f"GET {_SERVICE}": services.get,
        f"PUT {_SERVICE}": services.replace,
        f"DELETE {_SERVICE}": services.delete,
        # Section 2: there is no route that reads one rule.
        f"POST {_GATEWAY}/rules": rules.create,
        f"GET {_GATEWAY}/rules": rules.list_all,
        f"PUT {_RULE}": rules.update,
        f"DELETE {_RULE}": rules.delete,
    }
)
_COMPLETE: Mapping[str, Callable[[State, Row], Row]] = {
    "gateways": gateways.complete,
    "upstreams": upstreams.complete,
    "services": services.complete,
    "rules": rules.complete,
}
_VERSIONS: dict[Era, str] = {"S": "1.5.0", "L": "1.6.10"}


class TrustGate:
    """One installation with one admin process. Collections: gateways, upstreams, services, rules."""

    name = "trustgate"

    def __init__(
        self,
        *,
        secret: str = "fake-server-secret-not-real",
        era: Era = "S",
        unique_names: bool = False,
        unstable_pages: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Start empty.

        `unique_names`: upstream and service names may be used once in the whole installation (early S).
        `unstable_pages`: each list comes in another order, so that pages overlap and miss rows.
        """
        self._secret = secret
        self._clock = clock
        self._lock = threading.RLock()
        self._state = State(era=era, unique_names=unique_names, unstable_pages=unstable_pages, clock=clock)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request as the admin API would."""
        with self._lock:
            try:
                return self._answer(request)
            except RefusalError as refusal:
                return json_response(refusal.status, {"error": refusal.message})

    def stored(self, collection: str) -> list[Row]:
        """Return copies of the rows behind the API, secrets included, in the order of creation."""
        with self._lock:
            return self._state.rows.copies(collection)

    def seed(self, collection: str, row: Mapping[str, Any]) -> str:
        """Put a row into the database behind the API, unchecked, missing parts filled in; return its id."""
        with self._lock:
            complete = _COMPLETE[collection](self._state, dict(row))
            self._state.save(collection, complete)
            return str(complete["id"])

    def edit(self, collection: str, which: Which, changes: Mapping[str, Any]) -> list[str]:
        """Change rows in the database behind the API and its caches; return their ids."""
        with self._lock:
            return self._state.rows.edit(collection, which, changes)

    def remove(self, collection: str, which: Which) -> list[str]:
        """Take rows out of the database behind the API and its caches; return their ids."""
        with self._lock:
            return self._state.rows.remove(collection, which)

    def restart(self) -> None:
        """Restart the admin process: its caches are gone, the database stays."""
        with self._lock:
            self._state.forget_caches()

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        opened = self._open_route(request)
        if opened is not None:
            return opened
        if request.path == _PREFIX or request.path.startswith(_PREFIX + "/"):
            self._authenticate(request)
        found = _ROUTES.find(request.method, request.path)
        if found is not None:
            return found.handler(self._state, Call(request=request, values=found.values))
        # [unknown] Wrong paths and methods: the web framework's own plain texts.
        if _ROUTES.methods(request.path):
            return text_response(405, "Method Not Allowed")
        return text_response(404, f"Cannot {request.method} {request.path}")

    def _open_route(self, request: SandboxRequest) -> SandboxResponse | None:
        match "GET" if request.method == "HEAD" else request.method, request.path:
            case "GET", "/version":
                return json_response(200, {"app_name": "TrustGate", "version": _VERSIONS[self._state.era]})
            case "GET", "/health" | "/__/health":
                return json_response(200, {"status": "ok"})
            case "POST", "/invalidate-cache":
                # Section 4: flushes Redis but not the local map, which is what reads look at.
                return json_response(200, {"message": "Cache invalidated successfully"})
            case _:
                return None

    def _authenticate(self, request: SandboxRequest) -> None:
        header = request.headers.get("authorization", "")
        if not header:
            raise RefusalError(401, "Authorization required")
        if not header.startswith("Bearer "):
            raise RefusalError(401, "Invalid authorization format")
        token = header.removeprefix("Bearer ").strip()
        if not token:
            raise RefusalError(401, "Empty token provided")
        if not is_valid_token(self._secret, token, self._clock()):
            raise RefusalError(401, "Invalid token")
