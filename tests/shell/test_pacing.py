"""How fast requests go: what is configured, learned from answers, or left after being told off. Counted, not timed."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from fake_time import FakeTime

from reconciler.core.model import Request, Response
from reconciler.shell.network.pacing import MARGIN
from reconciler.shell.network.sending import Pace, RetryPolicy, Sender, Timing

READ = Request(system="demo", method="GET", path="/things")


def most_in(times: list[float], window_s: float) -> int:
    """Return the largest number of `times` in any window of that length."""
    ordered = sorted(times)
    most = first = 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


@dataclass
class Strict:
    """A server that answers at once and refuses what is more than `most` in a fixed window; it notes what came."""

    clock: Callable[[], float]
    most: float = float("inf")
    window_s: float = 1.0
    refusal: Mapping[str, str] = field(default_factory=dict)
    says: Callable[[float, float], Mapping[str, str]] = lambda left, reset: {}
    came: list[float] = field(default_factory=list)
    refused: int = 0

    def __call__(self, request: Request, deadline: float) -> Response:
        now = self.clock()
        window = now // self.window_s
        self.came.append(now)
        used = sum(moment // self.window_s == window for moment in self.came)
        if used > self.most:
            self.refused += 1
            return Response(status=429, headers=dict(self.refusal))
        return Response(status=200, headers=dict(self.says(self.most - used, (window + 1) * self.window_s - now)))


def run(server: Strict, fake: FakeTime, count: int, *, every_s: float = 0.0, **pace: float) -> Sender:
    policy = RetryPolicy(attempts=50)
    sender = Sender(server, pace=Pace(requests_per_second=pace.get("rate")), policy=policy, timing=fake.timing())
    for _ in range(count):
        assert sender.send(READ).status == 200
        fake.now += every_s
    return sender


# --------------------------------------------------------------------------- configured


class Crowd:
    """A clock for many threads: it moves to the earliest awakening when all of them sleep."""

    def __init__(self, threads: int) -> None:
        self.now = 1000.0
        self._awake = threads
        self._sleeping: list[tuple[float, int, threading.Event]] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        event = threading.Event()
        with self._lock:
            heapq.heappush(self._sleeping, (self.now + seconds, id(event), event))
            self._awake -= 1
            self._wake()
        event.wait(30)

    def leave(self) -> None:
        with self._lock:
            self._awake -= 1
            self._wake()

    def _wake(self) -> None:
        if self._awake == 0 and self._sleeping:
            self.now, _, event = heapq.heappop(self._sleeping)
            self._awake += 1
            event.set()


def test_a_thousand_requests_of_ten_threads_reach_the_limit_and_never_exceed_it() -> None:
    crowd = Crowd(10)
    came: list[float] = []

    def send(request: Request, deadline: float) -> Response:
        came.append(crowd.now)
        crowd.sleep(0.2)  # the latency of the server
        return Response(status=200)

    timing = Timing(clock=lambda: crowd.now, sleep=crowd.sleep, wall_clock=lambda: crowd.now)
    sender = Sender(send, pace=Pace(requests_per_second=50, concurrency=20), timing=timing)

    def hundred() -> None:
        for _ in range(100):
            sender.send(READ)
        crowd.leave()

    with ThreadPoolExecutor(10) as pool:
        for future in [pool.submit(hundred) for _ in range(10)]:
            future.result(timeout=30)
    assert len(came) == 1000
    assert most_in(came, 1.0) <= 50
    assert max(came) - min(came) <= 1000 / 50 * MARGIN + 0.1


def test_threads_that_wake_late_do_not_draw_together_beyond_the_limit() -> None:
    """In real time, where the machine decides when a sleeper goes on."""
    came: list[float] = []
    lock = threading.Lock()

    def send(request: Request, deadline: float) -> Response:
        with lock:
            came.append(time.monotonic())
        return Response(status=200)

    def late(seconds: float) -> None:
        time.sleep(seconds + (0.05 if int(seconds * 1e6) % 3 == 0 else 0.0))

    sender = Sender(send, pace=Pace(requests_per_second=100, concurrency=50), timing=Timing(sleep=late))
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda _: sender.send(READ), range(160)))
    assert most_in(came, 1.0) <= 100


# --------------------------------------------------------------------------- being told off


def test_a_refusal_halves_the_rate_and_it_grows_again_slowly() -> None:
    fake = FakeTime()
    server = Strict(fake.clock, most=20)
    run(server, fake, 200, rate=40)
    assert 0 < server.refused <= 20
    came = [moment - server.came[0] for moment in server.came]
    # Just after the first refusal it goes at half its pace; later it is faster again.
    assert most_in([c for c in came if 2 < c < 5], 1.0) <= 26
    assert server.came == sorted(server.came)


def test_a_single_refusal_is_forgotten_in_time() -> None:
    fake = FakeTime()
    answers = [Response(status=429), *[Response(status=200)] * 400]
    came: list[float] = []

    def send(request: Request, deadline: float) -> Response:
        came.append(fake.now)
        return answers[len(came) - 1]

    sender = Sender(send, pace=Pace(requests_per_second=10), timing=fake.timing())
    for _ in range(400):
        sender.send(READ)
    gaps = [later - earlier for earlier, later in pairwise(came[1:])]
    assert gaps[0] > 0.4  # told off: at two requests a second
    assert gaps[-1] == pytest.approx(MARGIN / 10)  # as configured again
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(gaps[1:]))


def test_refusals_of_what_was_on_its_way_already_halve_the_rate_once() -> None:
    fake = FakeTime()
    barrier = threading.Barrier(8)

    def send(request: Request, deadline: float) -> Response:
        barrier.wait(10)
        return Response(status=429)

    sender = Sender(send, pace=Pace(concurrency=8), policy=RetryPolicy(attempts=1), timing=fake.timing())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: sender.send(READ), range(8)))
    assert sender.standing.rate == pytest.approx(4.0)  # half of the eight that were sent


def test_a_503_that_names_a_time_slows_down_and_a_500_does_not() -> None:
    def rate_after(answer: Response) -> float:
        sender = Sender(lambda request, deadline: answer, policy=RetryPolicy(attempts=1), timing=FakeTime().timing())
        sender.send(READ)
        return sender.standing.rate

    assert rate_after(Response(status=503, headers={"retry-after": "1"})) == 2.0
    assert rate_after(Response(status=500)) == float("inf")


# --------------------------------------------------------------------------- learned from answers


def forms(left: float, reset: float) -> list[dict[str, str]]:
    whole = f"{reset:.3f}"
    return [
        {"ratelimit-limit": "30", "ratelimit-remaining": f"{left:g}", "ratelimit-reset": whole},
        {"ratelimit": f"limit=30, remaining={left:g}, reset={whole}"},
        {"ratelimit": f'"minute";r={left:g};t={whole}', "ratelimit-policy": '"minute";q=30;w=60'},
        {"x-ratelimit-limit": "30", "x-ratelimit-remaining": f"{left:g}", "x-ratelimit-reset": whole},
    ]


@pytest.mark.parametrize("form", range(4), ids=["three-fields", "dictionary", "list", "x"])
def test_a_budget_is_spent_and_then_waited_for_without_a_refusal(form: int) -> None:
    fake = FakeTime()
    server = Strict(fake.clock, most=30, window_s=60.0, says=lambda left, reset: forms(left, reset)[form])
    sender = run(server, fake, 100)
    assert (server.refused, sender.counters.retries) == (0, 0)
    assert len(server.came) == 100
    assert server.came[-1] - server.came[0] == pytest.approx(180, abs=61)  # three windows further, not more


def test_a_budget_that_is_renewed_much_later_is_not_waited_for() -> None:
    fake = FakeTime()
    says = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3600"}
    sender = Sender(lambda request, deadline: Response(status=200, headers=says), timing=fake.timing())
    sender.send(READ)
    sender.send(READ)
    assert fake.now == 1000.0


@pytest.mark.parametrize(
    "policy",
    [{"ratelimit-policy": "5;w=1, 1000;w=3600"}, {"ratelimit-policy": '"burst";q=5;w=1'}],
    ids=["until-07", "from-08"],
)
def test_a_quota_of_a_short_window_becomes_the_rate(policy: dict[str, str]) -> None:
    fake = FakeTime()
    server = Strict(fake.clock, most=5, says=lambda left, reset: policy)
    run(server, fake, 50)
    assert server.refused == 0
    assert server.came[-1] - server.came[0] == pytest.approx(50 / 5, rel=0.1)


def test_what_is_on_its_way_counts_against_a_budget() -> None:
    """Ten at once, and the server has five left: what is more waits for the next window."""
    lock = threading.Lock()
    came: list[float] = []
    started = time.monotonic()

    def send(request: Request, deadline: float) -> Response:
        with lock:
            came.append(time.monotonic() - started)
            left, reset = max(0, 5 - len(came)), 0.5 - came[-1]
        time.sleep(0.01)
        says = {"x-ratelimit-remaining": str(left), "x-ratelimit-reset": f"{reset:.3f}"} if reset > 0 else {}
        return Response(status=200, headers=says)

    sender = Sender(send, pace=Pace(concurrency=2))
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: sender.send(READ), range(10)))
    assert sum(moment < 0.49 for moment in came) <= 5
