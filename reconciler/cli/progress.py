"""How far a run is, on a terminal: one line below everything else, painted a few times a second, and taken away again.

Reads: the counters of the connections. Writes: the console. On anything but a terminal, and with --quiet, nothing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from reconciler.console import Console
from reconciler.core.address import Address
from reconciler.core.model import Change
from reconciler.core.report import Outcome
from reconciler.render.progress import Progress, Wait, render_progress
from reconciler.render.report import render_outcome
from reconciler.workflow.commands import Connections

EVERY_S = 0.2
_RATE_OVER_S = 2.0


class Watch:
    """Tells about the changes of one run as they end, and meanwhile how far it is. Use it in a `with`."""

    def __init__(
        self,
        console: Console,
        connections: Connections,
        *,
        total: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `total` is the number of changes, 0 while only reading."""
        self._console = console
        self._connections = connections
        self._total = total
        self._clock = clock
        self._done = 0
        self._under_way: dict[Address, None] = {}
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._paint, name="progress", daemon=True)

    def __enter__(self) -> Watch:
        if self._console.live:
            self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._console.live:
            self._thread.join()
            self._console.show_live("")

    def begin(self, change: Change) -> None:
        """Note that a change has begun."""
        with self._lock:
            self._under_way[change.address] = None

    def outcome(self, outcome: Outcome) -> None:
        """Note how a change ended, and tell."""
        with self._lock:
            self._under_way.pop(outcome.address, None)
            self._done += 1
        self._console.say(render_outcome(outcome, self._console.err_style))

    def _paint(self) -> None:
        while not self._over.wait(EVERY_S):
            self._console.show_live(render_progress(self.progress(), self._console.columns))

    def progress(self) -> Progress:
        """Return how far the run is now."""
        now, requests = self._clock(), self._connections.attempts
        self._samples.append((now, requests))
        while self._samples[0][0] < now - _RATE_OVER_S and len(self._samples) > 1:
            self._samples.popleft()
        since, before = self._samples[0]
        seconds = now - since
        with self._lock:
            under_way = tuple(str(address) for address in self._under_way)
            done = self._done
        return Progress(
            done=done,
            total=self._total,
            requests=requests,
            per_second=(requests - before) / seconds if seconds > 0 else 0.0,
            waits=tuple(
                Wait(system=name, seconds=one.barred_s, rate=one.rate) for name, one in self._connections.standings()
            ),
            under_way=under_way,
        )
