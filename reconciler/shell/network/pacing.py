"""When the next request to a system may go: the rate that is configured, learned, or left after being told off.

Reads and writes: nothing; it is given the time.

Three things bound the rate. What the configuration says. What answers say (`core.rate_limits`): quotas with short
windows become the rate, longer ones a budget that is spent and then waited for. And after a 429 or 503, half of what
was sent until then, from where it grows again slowly (additive increase, multiplicative decrease, as TCP does).
"""

from __future__ import annotations

import math
import threading
from collections import deque

from reconciler.core.wire.rate_limits import Advertised

MARGIN = 1.02  # 20 ms of each second: requests drift together on the way, and the server counts where they arrive
SHORT_WINDOW_S = 10.0  # quotas up to here are spread evenly
SLOWEST = 2.0  # requests per second; being told off makes nobody slower than this
REGAIN = 0.05  # of the rate that was too much, regained each second
REGAIN_AT_LEAST = 1.0  # requests per second, each second
FORGET_AT = 4.0  # times the rate that was too much
REMEMBERED = 1024  # starts; far more than this client sends in a second
_CLOSE_ENOUGH_S = 1e-9  # sums of floating point numbers


class Gate:
    """Gives out the moments at which requests may start. Safe to share between threads."""

    def __init__(self, requests_per_second: float, *, longest_wait_s: float) -> None:
        """Open it, with infinity for no limit of the configuration.

        `longest_wait_s`: a budget that is renewed later than that is not waited for; the server will say so.
        """
        self._configured = requests_per_second
        self._longest_wait_s = longest_wait_s
        self._lock = threading.Lock()
        self._next_slot = -math.inf
        self._closed_until = -math.inf
        self._starts: deque[float] = deque(maxlen=REMEMBERED)  # of the last second
        self._second, self._this_second, self._last_second = -math.inf, 0, 0
        self._in_flight = 0
        self._learned = math.inf
        self._budgets: dict[str, tuple[float, float]] = {}  # by policy: requests left, until when
        self._cut_at, self._cut_from, self._cut_to = -math.inf, math.inf, math.inf

    def reserve(self, now: float) -> float:
        """Return the moment of the next start, which is kept for the caller."""
        with self._lock:
            slot = max(now, self._next_slot, self._closed_until, self._budget_opens(now), self._window_opens(now))
            self._next_slot = slot + MARGIN / self._rate(now)
            return slot

    def start(self, slot: float, now: float) -> bool:
        """Count a start at `now`, for which `slot` was kept; False when it has to queue again."""
        with self._lock:
            opens = max(self._budget_opens(now), self._window_opens(now))
            if self._closed_until > slot or opens > now + _CLOSE_ENOUGH_S:
                return False
            self._starts.append(now)
            for name, (left, until) in self._budgets.items():
                self._budgets[name] = (left - 1, until)
            self._count(now)
            self._in_flight += 1
            return True

    def ended(self) -> None:
        """Count the end of a request, answered or not."""
        with self._lock:
            self._in_flight -= 1

    def close_for(self, seconds: float, now: float) -> None:
        """Let nothing start for so long: the server asked for it."""
        with self._lock:
            self._closed_until = max(self._closed_until, now + seconds)

    def slow_down(self, started: float, now: float) -> None:
        """Halve the rate, since the request that began at `started` was one too many.

        Requests that were on their way when it was halved tell nothing new.
        """
        with self._lock:
            if started <= self._cut_at:
                return
            self._count(now, starts=0)
            too_much = min(self._rate(now), max(self._this_second, self._last_second))
            self._cut_at, self._cut_from, self._cut_to = now, too_much, max(SLOWEST, too_much / 2)

    def learn(self, advertised: Advertised, now: float) -> None:
        """Keep to the limits that an answer tells about. Call it before the answered request counts as ended."""
        with self._lock:
            short = [q.requests / q.window_s for q in advertised.quotas if q.window_s <= SHORT_WINDOW_S]
            if short:
                self._learned = min(short)
            for budget in advertised.budgets:
                # The server may or may not have counted what is on its way: better wait too early than too late.
                left = budget.remaining - (self._in_flight - 1)
                before, until = self._budgets.get(budget.name, (math.inf, -math.inf))
                if now < until:
                    left = min(left, before)
                self._budgets[budget.name] = (left, now + budget.reset_s)

    def rate(self, now: float) -> float:
        """Return the requests per second that may start now; infinity without any limit."""
        with self._lock:
            return self._rate(now)

    def opens(self, now: float) -> float:
        """Return the moment before which nothing starts because of what the server said; one gone by: nothing bars."""
        with self._lock:
            return max(self._closed_until, self._budget_opens(now))

    # ------------------------------------------------------------------ under the lock

    def _rate(self, now: float) -> float:
        return min(self._configured, self._learned, self._left_after_cut(now))

    def _left_after_cut(self, now: float) -> float:
        since = now - max(self._cut_at, self._closed_until)
        rate = self._cut_to + max(0.0, since) * max(REGAIN_AT_LEAST, self._cut_from * REGAIN)
        return math.inf if rate > self._cut_from * FORGET_AT else rate

    def _window_opens(self, now: float) -> float:
        """Return when one more start keeps the rate, also where starts were late and drew together."""
        rate = self._rate(now)
        if rate == math.inf:
            while self._starts and self._starts[0] < now - MARGIN:
                self._starts.popleft()
            return -math.inf
        most = min(REMEMBERED, max(1, math.floor(rate)))
        while len(self._starts) > most:
            self._starts.popleft()
        return self._starts[0] + MARGIN * most / rate if len(self._starts) == most else -math.inf

    def _budget_opens(self, now: float) -> float:
        opens = -math.inf
        for left, until in self._budgets.values():
            if left < 1 and now < until <= now + self._longest_wait_s:
                opens = max(opens, until)
        return opens

    def _count(self, now: float, starts: int = 1) -> None:
        second = math.floor(now)
        if second != self._second:
            self._last_second = self._this_second if second == self._second + 1 else 0
            self._second, self._this_second = second, 0
        self._this_second += starts
