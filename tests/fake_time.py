"""A clock for tests that only sleeping moves."""

from __future__ import annotations

from reconciler.shell.network.sending import Timing


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(clock=self.clock, sleep=self.sleep, jitter=lambda upper: upper / 2, wall_clock=self.clock)
