"""Paces and repeats the requests to one system: rate, concurrency, retries, pauses the server asks for.

Reads: the clocks it is given. Writes: nothing; it sleeps and sends through the functions it is given.
A read may be repeated, and a write that carries a key by which the server tells repeats; any other write only when it
was surely not performed. What an answer means, the rules of the kind decide, not its status alone. Whatever is not
repeated goes back to the caller as it came, so that a lost answer to a write can be settled by reading.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from reconciler.core.errors import ErrorClass, TransportError
from reconciler.core.model import Request, Response
from reconciler.core.records import dataclass
from reconciler.core.wire.judge import usual_meaning
from reconciler.core.wire.rate_limits import NOTHING, read_limits, retry_after_s
from reconciler.shell.network.pacing import Gate

_LASTING = frozenset({501, 505})  # of what counts as passing trouble, these do not pass
_AT_ONCE_S = 0.001  # an answer within this time: to let threads wait for such costs more than it saves


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently to try."""

    attempts: int = 4  # in all, the first one included
    first_backoff_s: float = 0.5  # upper bound of the first wait; doubles with each attempt
    max_backoff_s: float = 30.0
    max_retry_after_s: float = 120.0  # asked to wait longer: the answer goes back to the caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a system can bear."""

    concurrency: int = 10  # requests in flight
    requests_per_second: float | None = None  # None: no limit


def full_jitter(upper_s: float) -> float:
    """Return a random wait from 0 to `upper_s`: clients that failed together shall not return together."""
    return random.uniform(0.0, upper_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where time comes from."""

    clock: Callable[[], float] = time.monotonic  # seconds from any start, never set back
    sleep: Callable[[float], None] = time.sleep  # may raise to end the run
    jitter: Callable[[float], float] = full_jitter
    wall_clock: Callable[[], float] = time.time  # seconds since the epoch, for dates in answers
    stopwatch: Callable[[], float] = time.perf_counter  # seconds, for how long an answer takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What has happened so far. Attempts count as requests; waits of all threads are summed up."""

    requests: int = 0
    retries: int = 0
    waited_s: float = 0.0
    received_bytes: int = 0  # bodies of answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What keeps requests waiting at this moment."""

    barred_s: float  # until the system takes requests again, as it asked
    rate: float  # requests per second that may start; infinity without a limit
    queueing: int  # requests that wait for their turn


_PACE = Pace()
_POLICY = RetryPolicy()
_TIMING = Timing()


SendInTime: TypeAlias = Callable[[Request, float], Response]
"""Sends once, like `Send`; the answer has to be there by a time of the clock, infinity for no limit of its own."""


def _unnoticed() -> None:
    """Notice nothing."""


class Sender:
    """Sends to one system on behalf of all threads."""

    def __init__(
        self,
        send: SendInTime,
        *,
        pace: Pace = _PACE,
        policy: RetryPolicy = _POLICY,
        timing: Timing = _TIMING,
    ) -> None:
        """Prepare without sending."""
        rate = math.inf if pace.requests_per_second is None else pace.requests_per_second
        if pace.concurrency < 1 or policy.attempts < 1 or rate <= 0:
            raise ValueError("concurrency and attempts are at least 1, requests per second above 0")
        self._send = send
        self._policy = policy
        self._timing = timing
        self._gate = Gate(rate, longest_wait_s=policy.max_retry_after_s)
        self._in_flight = threading.BoundedSemaphore(pace.concurrency)
        self._lock = threading.Lock()
        self._requests = 0
        self._retries = 0
        self._waited_s = 0.0
        self._received_bytes = 0
        self._queueing = 0
        self._usual_s: float | None = None  # from sending to the answer; the longest of late

    @property
    def waits(self) -> bool | None:
        """Tell whether there is time to do other things until the system answers; None: nobody knows yet."""
        return None if self._usual_s is None else self._usual_s > _AT_ONCE_S

    @property
    def counters(self) -> Counters:
        """What has happened so far."""
        with self._lock:
            return Counters(
                requests=self._requests,
                retries=self._retries,
                waited_s=self._waited_s,
                received_bytes=self._received_bytes,
            )

    @property
    def standing(self) -> Waiting:
        """What keeps requests waiting now."""
        now = self._timing.clock()
        barred_s = max(0.0, self._gate.opens(now) - now)
        return Waiting(barred_s=barred_s, rate=self._gate.rate(now), queueing=self._queueing)

    def send(
        self, request: Request, *, deadline: float = math.inf, on_attempt: Callable[[], None] = _unnoticed
    ) -> Response:
        """Send `request` and return the last answer, whatever its status.

        No attempt starts, and no answer is waited for, after `deadline`, a time of the clock; `on_attempt` is called
        as each one starts. Raises the last TransportError when there was no answer, or one (not sent) when the deadline
        has passed before the first attempt; anything else that the wrapped function raises goes through at once.
        """
        last: Response | TransportError | None = None
        not_before = -math.inf
        for attempt in range(1, self._policy.attempts + 1):
            answer = self._attempt(request, not_before, deadline, on_attempt)
            if answer is None:
                break
            with self._lock:
                self._retries += last is not None
            last = answer
            delay_s = self._pause_s(request, answer, attempt)
            if delay_s is None:
                break
            self._note_time(delay_s)  # to be waited for as well
            not_before = self._timing.clock() + delay_s
        if last is None:
            raise TransportError(
                f"system {request.system}: the time limit of the run passed before {request.method} was sent",
                sent=False,
                hint="Run again to go on with the rest, or allow more time.",
            )
        if isinstance(last, TransportError):
            raise last
        return last

    def _attempt(
        self, request: Request, not_before: float, deadline: float, on_attempt: Callable[[], None]
    ) -> Response | TransportError | None:
        """Return what came of one attempt; None when it could not start before the deadline."""
        # The wait after a failure holds no place among the requests in flight: others can use it meanwhile.
        if not self._wait_until(not_before, deadline):
            return None
        with self._in_flight:
            if not self._take_slot(deadline):
                return None
            started = self._timing.clock()
            on_attempt()
            begun = self._timing.stopwatch()
            try:
                answer = self._send(request, deadline)
                self._note_time(self._timing.stopwatch() - begun)
                with self._lock:
                    self._received_bytes += len(answer.content)
                self._take_note(request, answer, started)
            except TransportError as error:
                self._note_time(self._timing.stopwatch() - begun)
                return error
            finally:
                self._gate.ended()
            return answer

    def _note_time(self, seconds: float) -> None:
        """Remember how long one had to wait; the first answer tells nothing, since its connection had to be made."""
        with self._lock:
            if self._requests > 1:
                self._usual_s = max(seconds, 0.8 * (self._usual_s or 0.0))

    def _take_note(self, request: Request, answer: Response, started: float) -> None:
        """Keep to the limits that `answer` tells about."""
        now = self._timing.clock()
        limits = read_limits(answer.headers, self._timing.wall_clock())
        if limits is not NOTHING:
            self._gate.learn(limits, now)
        meaning = _meaning(request, answer)
        if meaning is ErrorClass.RATE_LIMITED or self._asked_s(answer, meaning) is not None:
            self._gate.slow_down(started, now)

    def _pause_s(self, request: Request, answer: Response | TransportError, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt, None when there shall be none.

        Closes the system to all threads for as long as an answer asks.
        """
        if isinstance(answer, TransportError):
            # Any other class means that repeating cannot help, such as a certificate that is not trusted.
            again = answer.error_class is ErrorClass.TRANSIENT and not (
                _changes_more_each_time(request) and answer.sent
            )
            pause_s = self._backoff_s(attempt)
        else:
            meaning = _meaning(request, answer)
            asked_s = self._asked_s(answer, meaning)
            if asked_s is not None and asked_s > self._policy.max_retry_after_s:
                return None
            again = _may_repeat(request, answer.status, meaning, asked=asked_s is not None)
            # "0" means soon; without a backoff of our own it would be at once, in a tight loop.
            pause_s = asked_s or self._backoff_s(attempt)
            if asked_s is not None or meaning is ErrorClass.RATE_LIMITED:
                self._gate.close_for(pause_s, self._timing.clock())
        return pause_s if again and attempt < self._policy.attempts else None

    def _backoff_s(self, attempt: int) -> float:
        upper_s = math.ldexp(self._policy.first_backoff_s, min(attempt - 1, 60))
        return self._timing.jitter(min(self._policy.max_backoff_s, upper_s))

    def _asked_s(self, answer: Response, meaning: ErrorClass | None) -> float | None:
        if meaning not in (ErrorClass.RATE_LIMITED, ErrorClass.TRANSIENT):
            return None
        return retry_after_s(answer.headers, self._timing.wall_clock())

    def _take_slot(self, deadline: float) -> bool:
        """Wait for this attempt's turn and count it; False when the turn comes after the deadline."""
        while True:
            slot = self._gate.reserve(self._timing.clock())
            if not self._wait_until(slot, deadline):
                return False
            # Closed while this thread slept, or too many at once: its slot is forfeited, and it queues again.
            if self._gate.start(slot, self._timing.clock()):
                with self._lock:
                    self._requests += 1
                return True

    def _wait_until(self, moment: float, deadline: float) -> bool:
        """Sleep until `moment`; False, without sleeping, when that is after the deadline."""
        now = self._timing.clock()
        if max(moment, now) > deadline:
            return False
        if moment > now:
            with self._lock:
                self._queueing += 1
            try:
                self._timing.sleep(moment - now)
            finally:
                with self._lock:
                    self._queueing -= 1
                    self._waited_s += moment - now
        return True


def _changes_more_each_time(request: Request) -> bool:
    return request.writes and not request.repeatable


def _meaning(request: Request, answer: Response) -> ErrorClass | None:
    return usual_meaning(answer) if request.meaning is None else request.meaning(answer)


def _may_repeat(request: Request, status: int, meaning: ErrorClass | None, *, asked: bool) -> bool:
    if meaning is ErrorClass.RATE_LIMITED:
        return True  # a server that refuses for load says so before doing anything
    if meaning is not ErrorClass.TRANSIENT or status in _LASTING:
        return False
    # Other trouble leaves open whether a write was performed.
    return not _changes_more_each_time(request) or (status == 503 and asked)
