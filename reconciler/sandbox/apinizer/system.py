"""The Apinizer manager: authentication, routing, and the back door for tests and demos.

Reads: the injected clock. Writes: nothing outside its own memory.
Invariants: one lock around everything; the token is checked before the path. To add an object, write a module
with ROUTES, name it in `_ROUTES`, and give its table a row of defaults in `state`.
"""

from __future__ import annotations

import copy
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reconciler.sandbox.apinizer import deployments, proxies, websocket
from reconciler.sandbox.apinizer.answers import Edition, RefusedError, refusal
from reconciler.sandbox.apinizer.routing import Call, Route, match
from reconciler.sandbox.apinizer.state import Row, Selector, Server
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response

_ROUTES: Final[tuple[Route, ...]] = (*proxies.ROUTES, *websocket.ROUTES, *deployments.ROUTES)
_ALL_RIGHTS: Final = frozenset({"VIEW", "MANAGE", "DEPLOY_UNDEPLOY", "EXPORT_IMPORT"})


@dataclass(kw_only=True)
class Apinizer:
    """One emulated manager.

    `edition`: "flat" (E1/E2) or "wrapped" (E3). `readable`: where the WebSocket settings can be read: in
    `/full` and the export, in the export only, or nowhere (then the right to export is missing).
    `rights`: the token's actions in the category API_MANAGEMENT.
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
        rights = self.rights - {"EXPORT_IMPORT"} if self.readable == "none" else self.rights
        self._server = Server(edition=self.edition, readable=self.readable, rights=rights, clock=self.clock)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request as the manager would."""
        with self._lock:
            try:
                self._authenticate(request)
                found = match(_ROUTES, request.path, self.edition)
                if not found.handlers:
                    return empty_response(404)
                handler = found.handlers.get(request.method)
                if handler is None:
                    return empty_response(405, {"allow": ", ".join(sorted(found.handlers))})
                return handler(Call(server=self._server, request=request, names=found.names))
            except RefusedError as refused:
                return refusal(self.edition, refused)

    # Behind the back: what people do in the console, and what tests want to look at.

    def stored(self, table: str) -> list[Row]:
        """Return copies of the rows of "projects", "environments" or "apiProxies", secrets included."""
        with self._lock:
            return copy.deepcopy(list(self._server.rows(table)))

    def seed(self, table: str, row: Mapping[str, Any]) -> str:
        """Store a row without going through the API and return its id.

        `name` is required, and `project` for a proxy; `deployedTo` lists environments that already run it.
        Raises: ValueError when the name is taken.
        """
        given = {name: value for name, value in row.items() if name != "deployedTo"}
        with self._lock:
            if table == "apiProxies":
                self._server.project(given["project"])
            stored = self._server.add(table, given)
            for environment in row.get("deployedTo", ()):
                self._server.deploy(stored, self._server.environment(environment))
            return str(stored["id"])

    def edit(self, table: str, which: Selector, changes: Mapping[str, Any]) -> list[str]:
        """Change top-level fields of rows by name, id or predicate, as the console does.

        Return the ids. Raises: KeyError when nothing matches.
        """
        with self._lock:
            rows = self._server.selected(table, which)
            for row in rows:
                self._server.discard(table, row)
                row.update(copy.deepcopy(dict(changes)))
                if "saves" in row:
                    row["saves"] += 1
                self._server.put(table, row)
            return [row["id"] for row in rows]

    def remove(self, table: str, which: Selector) -> list[str]:
        """Delete rows by name, id or predicate; return the ids. Raises: KeyError when nothing matches."""
        with self._lock:
            rows = self._server.selected(table, which)
            for row in rows:
                self._server.discard(table, row)
            return [row["id"] for row in rows]

    def expire_token(self) -> None:
        """Let the token run out."""
        self._expired = True

    def _authenticate(self, request: SandboxRequest) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme in ("", "Bearer") and not token:
            raise RefusedError("unauthorized_client", "Empty Key!")
        if scheme != "Bearer" or not hmac.compare_digest(token.encode(), self.token.encode()):
            raise RefusedError("invalid_token", "Token is not valid!")
        if self._expired:
            raise RefusedError("token_expired", "Token was expired!")
