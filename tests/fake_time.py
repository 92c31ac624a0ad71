"""A clock for tests that only sleeping moves."""

from __future__ import annotations

import itertools

from reconciler.shell.network.sending import Timing


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def timing(self, answer_s: float = 1.0) -> Timing:
        """Return the sources of time; every answer seems to take `answer_s` seconds, which decides about threads."""
        stopwatch = itertools.count(step=answer_s)
        return Timing(
            clock=self.clock,
            sleep=self.sleep,
            jitter=lambda upper: upper / 2,
            wall_clock=self.clock,
            stopwatch=lambda: next(stopwatch),
        )
