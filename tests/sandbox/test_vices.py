"""Every vice: whom it hits, whether the system acted, and what the client gets."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.vices import (
    ConnectionDropped,
    Fault,
    Vices,
    answer,
    delay,
    drop,
    html,
    ignore_fields,
    invalid_json,
    requests_to,
    run_before,
    stale_reads,
    too_many_requests,
    truncate,
)


class Counter:
    """Adds up what is posted; GET reads the sum."""

    name = "counter"

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        with self._lock:
            if request.method == "POST":
                self.total += json.loads(request.body).get("add", 0)
            return json_response(200, {"total": self.total})


GET = SandboxRequest(method="GET", path="/total")
POST = SandboxRequest(method="POST", path="/add", body=b'{"add": 1}')


def total(system: Vices) -> int:
    value = json.loads(system.handle(GET).body)["total"]
    assert isinstance(value, int)
    return value


def test_without_faults_nothing_changes() -> None:
    vices = Vices(Counter())
    vices.handle(POST)
    assert (total(vices), vices.hits, vices.name) == (1, 0, "counter")


@pytest.mark.parametrize(("after", "acted"), [(False, 0), (True, 1)])
def test_a_500_before_or_after_acting(after: bool, acted: int) -> None:
    vices = Vices(Counter(), Fault(vice=answer(500, "boom", after_acting=after)))
    response = vices.handle(POST)
    assert (response.status, response.body) == (500, b"boom")
    assert total(vices) == acted


@pytest.mark.parametrize(("after", "acted"), [(False, 0), (True, 1)])
def test_a_drop_before_or_after_acting(after: bool, acted: int) -> None:
    vices = Vices(Counter(), Fault(vice=drop(after_acting=after)))
    with pytest.raises(ConnectionDropped):
        vices.handle(POST)
    assert total(vices) == acted


def test_a_storm_of_429_passes() -> None:
    vices = Vices(Counter(), Fault(vice=too_many_requests("7"), times=3))
    answers = [vices.handle(POST) for _ in range(4)]
    assert [a.status for a in answers] == [429, 429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_matching_skipping_order_and_clearing() -> None:
    vices = Vices(
        Counter(),
        Fault(vice=answer(503), when=requests_to("POST", "/a.*"), skip=1),
        Fault(vice=answer(502), when=requests_to("POST"), times=None),
    )
    assert [vices.handle(r).status for r in (GET, POST, POST, POST)] == [200, 502, 503, 502]
    vices.clear()
    assert vices.handle(POST).status == 200
    assert vices.hits == 3


def test_unusable_answers_come_after_acting_but_a_proxy_page_instead_of_it() -> None:
    vices = Vices(Counter(), Fault(vice=invalid_json()), Fault(vice=truncate(announced=False)), Fault(vice=html()))
    spoiled, cut, page = (vices.handle(POST) for _ in range(3))
    for broken in (spoiled, cut):
        assert broken.status == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra"):
            json.loads(broken.body)
    assert (page.status, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert total(vices) == 2


def test_a_delay_uses_the_injected_sleep() -> None:
    slept: list[float] = []
    vices = Vices(Counter(), Fault(vice=delay(30)), sleep=slept.append)
    assert vices.handle(POST).status == 200
    assert slept == [30]


def test_a_concurrent_edit_happens_right_before() -> None:
    counter = Counter()
    vices = Vices(counter, Fault(vice=run_before(lambda: setattr(counter, "total", 40)), when=requests_to("POST")))
    assert total(vices) == 0
    assert json.loads(vices.handle(POST).body) == {"total": 41}


def test_ignored_fields_still_answer_success() -> None:
    vices = Vices(Counter(), Fault(vice=ignore_fields("add")))
    assert vices.handle(POST).status == 200
    assert total(vices) == 0


def test_reads_are_stale_only_after_a_write_and_only_so_often() -> None:
    vices = Vices(Counter(), stale_reads(requests_to("GET"), times=2))
    before = [total(vices), total(vices)]
    vices.handle(POST)
    assert (before, [total(vices) for _ in range(3)]) == ([0, 0], [0, 0, 1])


def test_stale_reads_of_an_api_that_only_posts() -> None:
    read = SandboxRequest(method="POST", path="/get", body=b"{}")
    vices = Vices(Counter(), stale_reads(requests_to(path="/get")), is_write=requests_to(path="/add"))
    assert [vices.handle(r).body[-2:-1] for r in (read, read, POST, read, read)] == [
        b"0",
        b"0",
        b"1",
        b"0",
        b"1",
    ]


def test_one_fault_hits_one_of_many_threads() -> None:
    vices = Vices(Counter(), Fault(vice=answer(500), times=5))
    with ThreadPoolExecutor(8) as pool:
        statuses = [r.status for r in pool.map(lambda _: vices.handle(POST), range(100))]
    assert (statuses.count(500), total(vices)) == (5, 95)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(Fault(vice=drop()), httpx.ReadError, id="reset"),
        pytest.param(Fault(vice=drop(reset=False)), httpx.RemoteProtocolError, id="close"),
        pytest.param(Fault(vice=truncate()), httpx.RemoteProtocolError, id="cut short"),
        pytest.param(Fault(vice=truncate(0)), httpx.RemoteProtocolError, id="no body at all"),
    ],
)
def test_over_a_real_connection(fault: Fault, error: type[Exception]) -> None:
    with (
        SandboxServer([Vices(Counter(), fault)]) as sandbox,
        httpx.Client(base_url=sandbox.urls["counter"]) as client,
    ):
        with pytest.raises(error):
            client.get("/total")
        assert client.get("/total").json() == {"total": 0}
