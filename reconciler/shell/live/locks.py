"""One lock for each name, made when it is first asked for. Reads and writes nothing outside."""

from __future__ import annotations

import threading


class KeyedLocks:
    """Locks by name, for work that must not overlap on the same thing."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def of(self, name: str) -> threading.Lock:
        """Return the lock of `name`; the same one each time."""
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())
