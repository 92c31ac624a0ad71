"""Where the time of a run went: by phase, and by system. Values only. Pure."""

from __future__ import annotations

from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What was exchanged with one system. Threads wait at the same time, so seconds of waiting may exceed the run's."""

    system: str
    requests: int = 0  # each repetition counted
    retries: int = 0
    received_bytes: int = 0  # bodies of answers, after decompression
    waited_s: float = 0.0  # for rate limits and before repetitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds of wall time. What no phase counts is starting up, asking, printing."""

    total_s: float
    phases: tuple[tuple[str, float], ...] = ()  # in the order in which they began
    systems: tuple[Traffic, ...] = ()  # by name
