"""Which requests are repeated, when, and how often."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from reconciler.core.errors import ErrorClass, TransportError, UsageError
from reconciler.core.model import Request, Response
from reconciler.core.wire.rate_limits import retry_after_s
from reconciler.shell.connections import run_all
from reconciler.shell.network.pacing import MARGIN
from reconciler.shell.network.sending import Counters, Pace, RetryPolicy, Sender, Timing, full_jitter

READ = Request(system="demo", method="GET", path="/things")
WRITE = Request(system="demo", method="POST", path="/things", has_body=True, body={}, writes=True)

OK = Response(status=200)


def lost(*, sent: bool) -> TransportError:
    return TransportError("demo: broke", sent=sent)


def busy(status: int, seconds: str | None = None) -> Response:
    return Response(status=status, headers={} if seconds is None else {"retry-after": seconds})


@dataclass
class FakeTime:
    """A clock that only sleeping moves; jitter always takes the whole span."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(clock=lambda: self.now, sleep=self.sleep, jitter=lambda upper: upper, wall_clock=lambda: self.now)


@dataclass
class Script:
    """Gives the answers in order and repeats the last one; notes when each request came."""

    answers: list[Response | Exception]
    clock: Callable[[], float]
    times: list[float] = field(default_factory=list)

    def __call__(self, request: Request, deadline: float = math.inf) -> Response:
        answer = self.answers[min(len(self.times), len(self.answers) - 1)]
        self.times.append(self.clock())
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(
    *answers: Response | Exception,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    pace: Pace = Pace(),  # noqa: B008 - frozen
) -> tuple[Sender, Script, FakeTime]:
    fake = FakeTime()
    script = Script(list(answers), lambda: fake.now)
    sender = Sender(script, policy=policy, pace=pace, timing=fake.timing())
    return sender, script, fake


def outcome(sender: Sender, request: Request) -> Response | Exception:
    try:
        return sender.send(request)
    except TransportError as error:
        return error


@pytest.mark.parametrize(
    ("request_", "first", "repeated"),
    [
        pytest.param(READ, lost(sent=False), True, id="read-not-sent"),
        pytest.param(READ, lost(sent=True), True, id="read-answer-lost"),
        pytest.param(READ, busy(429), True, id="read-429"),
        pytest.param(READ, busy(500), True, id="read-500"),
        pytest.param(READ, busy(502), True, id="read-502"),
        pytest.param(READ, busy(503), True, id="read-503"),
        pytest.param(READ, busy(504), True, id="read-504"),
        pytest.param(READ, busy(501), False, id="read-501"),
        pytest.param(READ, busy(400), False, id="read-400"),
        pytest.param(READ, busy(401), False, id="read-401"),
        pytest.param(READ, busy(404), False, id="read-404"),
        pytest.param(READ, busy(409, "1"), False, id="read-409-with-retry-after"),
        pytest.param(READ, busy(302), False, id="read-redirect"),
        pytest.param(WRITE, lost(sent=False), True, id="write-not-sent"),
        pytest.param(WRITE, lost(sent=True), False, id="write-answer-lost"),
        pytest.param(WRITE, busy(429), True, id="write-429"),
        pytest.param(WRITE, busy(429, "1"), True, id="write-429-with-retry-after"),
        pytest.param(WRITE, busy(503, "1"), True, id="write-503-with-retry-after"),
        pytest.param(WRITE, busy(503, "0"), True, id="write-503-soon"),
        pytest.param(WRITE, busy(503), False, id="write-503"),
        pytest.param(WRITE, busy(503, "perhaps"), False, id="write-503-unreadable"),
        pytest.param(WRITE, busy(500), False, id="write-500"),
        pytest.param(WRITE, busy(502), False, id="write-502"),
        pytest.param(WRITE, busy(504, "1"), False, id="write-504-with-retry-after"),
    ],
)
def test_repeats_only_what_is_safe(request_: Request, first: Response | TransportError, repeated: bool) -> None:
    sender, script, _ = scripted(first, OK)
    assert outcome(sender, request_) is (OK if repeated else first)
    assert len(script.times) == (2 if repeated else 1)
    assert sender.counters.requests == len(script.times)
    assert sender.counters.retries == len(script.times) - 1


def test_an_error_that_repeating_cannot_mend_is_raised_at_once() -> None:
    error = lost(sent=False)
    error.error_class = ErrorClass.MISCONFIGURED
    sender, script, fake = scripted(error, OK)
    assert outcome(sender, READ) is error
    assert (len(script.times), fake.slept) == (1, [])


def test_other_exceptions_go_through_at_once() -> None:
    sender, script, _ = scripted(UsageError("demo: header"), OK)
    with pytest.raises(UsageError):
        sender.send(READ)
    assert len(script.times) == 1
    assert sender.counters == Counters(requests=1)


@pytest.mark.parametrize("last", [busy(503), lost(sent=True)], ids=["answer", "no-answer"])
def test_the_last_attempt_decides(last: Response | TransportError) -> None:
    sender, script, fake = scripted(busy(500), lost(sent=False), busy(502), last, OK)
    assert outcome(sender, READ) is last
    assert len(script.times) == 4
    assert fake.slept == [0.5, 1.0, 2.0]
    assert sender.counters == Counters(requests=4, retries=3, waited_s=3.5)


def test_backoff_doubles_up_to_its_limit() -> None:
    sender, _, fake = scripted(busy(500), policy=RetryPolicy(attempts=6, first_backoff_s=1, max_backoff_s=5))
    sender.send(READ)
    assert fake.slept == [1, 2, 4, 5, 5]


def test_jitter_gets_the_upper_bound_and_decides_the_wait() -> None:
    fake = FakeTime()
    bounds: list[float] = []

    def half(upper: float) -> float:
        bounds.append(upper)
        return upper / 2

    timing = Timing(clock=lambda: fake.now, sleep=fake.sleep, jitter=half)
    Sender(Script([busy(500)], lambda: fake.now), timing=timing).send(READ)
    assert fake.slept == [0.25, 0.5, 1.0]
    assert bounds[:3] == [0.5, 1.0, 2.0]


def test_full_jitter_stays_in_its_span() -> None:
    waits = [full_jitter(2.0) for _ in range(200)]
    assert all(0 <= wait <= 2 for wait in waits)
    assert max(waits) - min(waits) > 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="absent"),
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": " 1.5 "}, 1.5, id="fraction"),
        pytest.param({"retry-after": "-3"}, None, id="negative"),
        pytest.param({"retry-after": "soon"}, None, id="word"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT"}, 30.0, id="date"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0.0, id="date-gone-by"),
        pytest.param({"retry-after": "Thu, 01 Jan 1970 00:17:10 -0000"}, 30.0, id="date-without-zone"),
        pytest.param({"retry-after": "Thu, 99 Jan 1970 00:17:10 GMT"}, None, id="no-such-date"),
        pytest.param(
            {"retry-after": "Fri, 01 Jan 2100 00:00:05 GMT", "date": "Fri, 01 Jan 2100 00:00:00 GMT"},
            5.0,
            id="date-by-the-clock-of-the-server",
        ),
        pytest.param(
            {"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT", "date": "today"},
            30.0,
            id="unreadable-server-clock",
        ),
    ],
)
def test_reads_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, now=1000.0) == expected


@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_long_as_the_server_asks(request_: Request, status: int) -> None:
    sender, script, _ = scripted(busy(status, "45"), OK)
    assert sender.send(request_) is OK
    assert script.times == [1000.0, 1045.0]
    assert sender.counters.waited_s == 45.0


def test_gives_back_an_answer_that_asks_for_too_long_a_wait() -> None:
    long = busy(429, "121")
    sender, script, fake = scripted(long, OK)
    assert sender.send(READ) is long
    assert (len(script.times), fake.slept) == (1, [])
    assert sender.send(READ) is OK
    assert sum(fake.slept) < 1  # and keeps nobody else waiting so long


def test_the_pause_that_a_server_asks_for_holds_for_the_next_request_too() -> None:
    sender, script, _ = scripted(busy(503, "30"), OK, policy=RetryPolicy(attempts=1))
    assert sender.send(READ).status == 503
    assert sender.send(WRITE) is OK
    assert script.times == [1000.0, 1030.0]


def test_a_plain_500_keeps_nobody_else_waiting() -> None:
    sender, script, _ = scripted(busy(500), OK, policy=RetryPolicy(attempts=1))
    sender.send(READ)
    sender.send(READ)
    assert script.times == [1000.0, 1000.0]


def test_spaces_requests_evenly() -> None:
    sender, script, _ = scripted(OK, pace=Pace(requests_per_second=4))
    for _ in range(5):
        sender.send(READ)
    assert script.times == pytest.approx([1000.0 + MARGIN * n / 4 for n in range(5)])


def test_time_without_requests_gives_no_burst_afterwards() -> None:
    sender, script, fake = scripted(OK, pace=Pace(requests_per_second=1))
    sender.send(READ)
    fake.now += 60
    for _ in range(3):
        sender.send(READ)
    assert script.times == pytest.approx([1000.0, 1060.0, 1060.0 + MARGIN, 1060.0 + 2 * MARGIN])


def test_attempts_count_against_the_rate() -> None:
    policy = RetryPolicy(attempts=3, first_backoff_s=0.1)
    sender, script, _ = scripted(busy(500), busy(500), OK, policy=policy, pace=Pace(requests_per_second=0.5))
    sender.send(READ)
    assert script.times == pytest.approx([1000.0, 1000.0 + 2 * MARGIN, 1000.0 + 4 * MARGIN])


def test_starts_no_attempt_after_the_deadline() -> None:
    failure = busy(500)
    sender, script, fake = scripted(failure, OK, policy=RetryPolicy(first_backoff_s=10))
    assert sender.send(READ, deadline=1009.0) is failure
    assert (len(script.times), fake.slept) == (1, [])


def test_sends_nothing_once_the_deadline_has_passed() -> None:
    sender, script, fake = scripted(OK)
    assert sender.send(READ, deadline=1005.0) is OK
    fake.now = 1005.5
    with pytest.raises(TransportError) as caught:
        sender.send(WRITE, deadline=1005.0)
    assert not caught.value.sent
    assert caught.value.hint
    assert len(script.times) == 1


def test_a_slot_after_the_deadline_is_not_waited_for() -> None:
    sender, script, fake = scripted(OK, pace=Pace(requests_per_second=0.1))
    sender.send(READ, deadline=1005.0)
    with pytest.raises(TransportError):
        sender.send(READ, deadline=1005.0)
    assert (len(script.times), fake.slept) == (1, [])


@pytest.mark.parametrize(
    ("pace", "policy"),
    [
        (Pace(concurrency=0), RetryPolicy()),
        (Pace(requests_per_second=0.0), RetryPolicy()),
        (Pace(requests_per_second=-1.0), RetryPolicy()),
        (Pace(), RetryPolicy(attempts=0)),
    ],
    ids=["concurrency", "zero-rate", "negative-rate", "attempts"],
)
def test_refuses_impossible_limits(pace: Pace, policy: RetryPolicy) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Sender(lambda request, deadline: OK, pace=pace, policy=policy)


def in_threads(count: int, task: Callable[[], object]) -> Iterable[object]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result(timeout=10) for future in [pool.submit(task) for _ in range(count)]]


def test_never_has_more_requests_in_flight_than_allowed() -> None:
    lock = threading.Lock()
    flying = 0
    most = 0

    def send(request: Request, deadline: float) -> Response:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        time.sleep(0.01)
        with lock:
            flying -= 1
        return OK

    sender = Sender(send, pace=Pace(concurrency=3))
    in_threads(12, lambda: sender.send(READ))
    assert most == 3
    assert sender.counters == Counters(requests=12)


def test_all_threads_share_one_rate() -> None:
    times: list[float] = []

    def send(request: Request, deadline: float) -> Response:
        times.append(time.monotonic())
        return OK

    sender = Sender(send, pace=Pace(requests_per_second=100))
    in_threads(10, lambda: sender.send(READ))
    assert max(times) - min(times) >= 0.085
    assert sender.counters.waited_s > 0


def test_all_threads_stop_while_the_server_asks_for_a_pause() -> None:
    lock = threading.Lock()
    closed_at: list[float] = []
    early: list[float] = []

    def send(request: Request, deadline: float) -> Response:
        with lock:
            if not closed_at:
                closed_at.append(time.monotonic())
                return busy(429, "0.2")
        if time.monotonic() < closed_at[0] + 0.2:
            early.append(time.monotonic())
        return OK

    sender = Sender(send, pace=Pace(concurrency=1))
    in_threads(5, lambda: sender.send(WRITE))
    assert early == []
    assert sender.counters.requests == 6
    assert sender.counters.retries == 1


def test_a_sleeper_sleeps_on_when_the_system_closes_meanwhile() -> None:
    fake = FakeTime()
    script = Script([OK, busy(429, "50"), OK], lambda: fake.now)
    other_came = False

    def sleep(seconds: float) -> None:
        nonlocal other_came
        if not other_came:  # a second thread, whose slot two seconds on brings a 429
            other_came = True
            sender.send(WRITE)
        fake.sleep(seconds)

    timing = Timing(clock=lambda: fake.now, sleep=sleep, jitter=lambda upper: upper)
    pace = Pace(requests_per_second=1, concurrency=2)
    sender = Sender(script, pace=pace, timing=timing, policy=RetryPolicy(attempts=1))
    sender.send(READ)
    sender.send(READ)
    assert script.times == pytest.approx([1000.0, 1000.0 + 2 * MARGIN, 1050.0 + 2 * MARGIN])


# --------------------------------------------------------------------------- answers at once


@pytest.mark.parametrize(
    ("took_s", "waits"),
    [
        pytest.param([9, 0.0005], False, id="quick"),
        pytest.param([0.0001, 0.05], True, id="slow"),
        pytest.param([9, 0.0005, 0.05, 0.0005], True, id="one-was-slow-just-now"),
        pytest.param([9, 0.05, *[0.0005] * 20], False, id="one-was-slow-long-ago"),
        pytest.param([0.0005], None, id="the-first-makes-the-connection"),
        pytest.param([], None, id="nobody-knows-yet"),
    ],
)
def test_whether_one_has_to_wait_for_a_system(took_s: list[float], waits: bool | None) -> None:
    moments = iter([moment for took in took_s for moment in (0.0, took)])
    timing = Timing(stopwatch=lambda: next(moments))
    sender = Sender(Script([Response(status=200)], clock=lambda: 0.0), timing=timing)
    for _ in took_s:
        sender.send(READ)
    assert sender.waits is waits


def test_a_system_that_hangs_or_must_be_asked_again_is_waited_for() -> None:
    took_s, moment, fake = [0.0001], [0.0], FakeTime()

    def stopwatch() -> float:
        moment[0] += took_s[0]
        return moment[0]

    timing = replace(fake.timing(), stopwatch=stopwatch)
    once = RetryPolicy(attempts=1)
    flaky = Sender(Script([OK, OK, busy(503), OK], clock=lambda: fake.now), timing=timing)
    hanging = Sender(Script([OK, OK, lost(sent=False)], clock=lambda: fake.now), timing=timing, policy=once)
    for sender in (flaky, hanging):
        sender.send(READ)
        sender.send(READ)
        assert sender.waits is False
    flaky.send(READ)  # at once refused, and asked again after a pause
    took_s[0] = 5.0
    with pytest.raises(TransportError):
        hanging.send(READ)
    assert (flaky.waits, hanging.waits) == (True, True)


def test_items_are_done_here_as_long_as_nothing_has_to_be_waited_for() -> None:
    here = threading.get_ident()
    left = iter([False, False, None])
    where = run_all(3, lambda: next(left, True))(lambda item: (item, threading.get_ident() == here), range(6))
    assert where == [(0, True), (1, True), *((item, False) for item in range(2, 6))]


def test_the_last_one_needs_no_thread() -> None:
    here = threading.get_ident()
    assert run_all(3)(lambda item: threading.get_ident() == here, [1]) == [True]
    assert run_all(1)(lambda item: threading.get_ident() == here, [1, 2]) == [True, True]
    assert run_all(3)(lambda item: item, []) == []
