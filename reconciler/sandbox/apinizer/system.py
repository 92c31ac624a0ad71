"""The Apinizer manager: authentication, routing, and the back door for tests and demos.

Reads: the injected clock. Writes: nothing outside its own memory.
Invariants: one lock around everything; the token is checked before the path. To add an object, write a module
with ROUTES, name it in `_ROUTES`, and give it a row in `tables`; to add a settings block, see `blocks`.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reconciler.sandbox.apinizer import (
    connections,
    credentials,
    deployments,
    endpoints,
    environment_variables,
    ip_groups,
    proxies,
    proxy_groups,
    settings,
    traffic_log,
)
from reconciler.sandbox.apinizer.answers import Edition, RefusedError, refusal
from reconciler.sandbox.apinizer.routing import Call, Handler, Route, table
from reconciler.sandbox.apinizer.state import Server
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response
from reconciler.sandbox.routes import Routes
from reconciler.sandbox.rows import Row, Which

_ROUTES: Final[tuple[Route, ...]] = (
    *proxies.ROUTES,
    *settings.ROUTES,
    *deployments.ROUTES,
    *endpoints.ROUTES,
    *traffic_log.ROUTES,
    *environment_variables.ROUTES,
    *ip_groups.ROUTES,
    *connections.ROUTES,
    *credentials.ROUTES,
    *proxy_groups.ROUTES,
)
_BY_EDITION: Final[Mapping[str, Routes[Handler]]] = {
    "flat": table(_ROUTES, "flat"),
    "wrapped": table(_ROUTES, "wrapped"),
}
_ALL_RIGHTS: Final = frozenset({"VIEW", "MANAGE", "DEPLOY_UNDEPLOY", "EXPORT_IMPORT"})


@dataclass(kw_only=True)
class Apinizer:
    """One emulated manager.

    `edition`: "flat" (E1/E2) or "wrapped" (E3). `readable`: where the settings can be read: in `/full` and the
    export, in the export only, or nowhere (then the right to export is missing). `rights`: the token's actions,
    in every category (`VIEW`) or in one (`IDENTITY+VIEW`).
    """

    token: str = field(repr=False)
    edition: Edition = "wrapped"
    readable: Literal["full", "export", "none"] = "full"
    rights: frozenset[str] = _ALL_RIGHTS
    clock: Callable[[], float] = time.time
    name: str = field(default="apinizer", init=False)
    _server: Server = field(init=False, repr=False)
    _expired: bool = field(default=False, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        export = {"EXPORT_IMPORT", "API_MANAGEMENT+EXPORT_IMPORT"}
        rights = self.rights - export if self.readable == "none" else self.rights
        self._server = Server(edition=self.edition, readable=self.readable, rights=rights, clock=self.clock)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request as the manager would."""
        with self._lock:
            try:
                self._authenticate(request)
                routes = _BY_EDITION[self.edition]
                found = routes.find(request.method, request.path)
                if found is not None:
                    return found.handler(Call(server=self._server, request=request, names=found.values))
                methods = routes.methods(request.path)
                return empty_response(405, {"allow": ", ".join(sorted(methods))}) if methods else empty_response(404)
            except RefusedError as refused:
                return refusal(self.edition, refused)

    # Behind the back: what people do in the console, and what tests want to look at.

    def stored(self, table: str) -> list[Row]:
        """Return copies of the rows of a table (see `tables`), secrets included, oldest first."""
        with self._lock:
            return self._server.copies(table)

    def seed(self, table: str, row: Mapping[str, Any]) -> str:
        """Store a row without going through the API and return its id.

        What makes the row unique is required: `name` (of a credential `username`, of an endpoint `proxy` and
        `httpMethod` as well), and `project` for all but projects and environments. `deployedTo` lists
        environments that already run a proxy. Raises: ValueError when the name is taken.
        """
        given = {name: value for name, value in row.items() if name != "deployedTo"}
        with self._lock:
            if "project" in given:
                self._server.project(given["project"])
            if table == "endpoints":
                owner = self._server.proxy({"project": given.pop("project"), "proxy": given.pop("proxy")})
                given["proxyId"] = owner["id"]
            stored = self._server.add(table, given)
            self._touch(table, stored)
            for environment in row.get("deployedTo", ()):
                self._server.deploy(stored, self._server.environment(environment))
            return str(stored["id"])

    def edit(self, table: str, which: Which, changes: Mapping[str, Any]) -> list[str]:
        """Change top-level fields of rows by name, id or predicate, as the console does.

        Return the ids. Raises: KeyError when nothing matches, ValueError when a new name is taken.
        """
        with self._lock:
            rows = self._server.selected(table, which)
            for row in rows:
                self._server.change(table, row, changes)
                if table == "apiProxies":
                    row["saves"] += 1
                self._touch(table, row)
            return [row["id"] for row in rows]

    def remove(self, table: str, which: Which) -> list[str]:
        """Delete rows by name, id or predicate; return the ids. Raises: KeyError when nothing matches."""
        with self._lock:
            rows = self._server.selected(table, which)
            for row in rows:
                self._server.discard(table, row)
                self._touch(table, row)
            return [row["id"] for row in rows]

    def expire_token(self) -> None:
        """Let the token run out."""
        self._expired = True

    def _touch(self, table: str, row: Row) -> None:
        """Have a proxy wait for a deployment when its endpoints change."""
        if table == "endpoints":
            self._server.owner(row)["saves"] += 1

    def _authenticate(self, request: SandboxRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme in ("", "Bearer") and not token:
            raise RefusedError("unauthorized_client", "Empty Key!")
        if scheme != "Bearer" or not hmac.compare_digest(token.encode(), self.token.encode()):
            raise RefusedError("invalid_token", "Token is not valid!")
        if self._expired:
            raise RefusedError("token_expired", "Token was expired!")
