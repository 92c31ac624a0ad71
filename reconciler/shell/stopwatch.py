"""Measures the phases of one run with the clock that it is given. Reads and writes nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from reconciler.core.timings import Timings, Traffic


class Stopwatch:
    """Runs from when it is made. A phase that comes again, as planning does, adds to its first time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._phases: dict[str, float] = {}
        self._traffic: Callable[[], tuple[Traffic, ...]] = lambda: ()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside for the phase `name`."""
        began = self._clock()
        try:
            yield
        finally:
            self._phases[name] = self._phases.get(name, 0.0) + self._clock() - began

    def watch(self, traffic: Callable[[], tuple[Traffic, ...]]) -> None:
        """Ask `traffic` for what was exchanged with the systems, whenever that is to be told."""
        self._traffic = traffic

    def timings(self) -> Timings:
        """Return where the time went so far."""
        total_s = self._clock() - self._started
        return Timings(total_s=total_s, phases=tuple(self._phases.items()), systems=self._traffic())
