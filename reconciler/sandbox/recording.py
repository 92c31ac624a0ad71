"""A log of every request to an emulated system and its answer, for tests that count and inspect. Pure.

Safe to call from several threads. Requests are logged in the order in which they were answered; one whose
connection was dropped is logged with status None.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_unsafe_method(request: SandboxRequest) -> bool:
    """Tell whether the method may change something. Of no use for APIs where every call is a POST."""
    return request.method not in SAFE_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request and the status of its answer; None when the connection was dropped."""

    request: SandboxRequest = field(repr=False)  # holds credentials
    status: int | None

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        return self.request.query

    def json(self) -> Any:
        """Return the decoded request body. Raises ValueError when it is not JSON."""
        return json.loads(self.request.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status if self.status is not None else 'dropped'}"


class Recording:
    """An emulated system that logs what passes through it."""

    def __init__(
        self, system: EmulatedSystem, *, is_write: Callable[[SandboxRequest], bool] = is_unsafe_method
    ) -> None:
        self.name = system.name
        self._system = system
        self._is_write = is_write
        self._lock = threading.Lock()
        self._log: list[Recorded] = []

    @property
    def requests(self) -> list[Recorded]:
        """Everything so far, as a copy."""
        with self._lock:
            return list(self._log)

    def writes(self) -> list[Recorded]:
        """Return the requests that `is_write` accepts, failed ones included."""
        return [entry for entry in self.requests if self._is_write(entry.request)]

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._log.clear()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Pass the request on, and log it."""
        status: int | None = None
        try:
            response = self._system.handle(request)
            status = response.status
        finally:
            with self._lock:
                self._log.append(Recorded(request=request, status=status))
        return response
