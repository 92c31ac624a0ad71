"""A shared list is never one that began too early, nor one that is too old."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.core.model import LiveObject
from reconciler.shell.live.fresh_lists import FRESH_FOR_S, FreshLists


class Place:
    """A list that counts how often it is read, and a clock that moves while that is done."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.reads = 0
        self.lists = FreshLists(lambda: self.now)

    def read(self) -> tuple[list[LiveObject], str]:
        self.reads += 1
        self.now += self.seconds
        return [LiveObject(id=str(self.reads), body={}, spec={"name": "one"})], ""

    def get(self, since: int) -> str:
        return next(iter(self.lists.get("things", since, self.read, lambda one: str(one.spec["name"])).by_id))


def test_those_that_were_ready_before_share_it_and_those_that_came_later_do_not() -> None:
    place = Place()
    early, also_early = place.lists.moment(), place.lists.moment()
    assert place.get(early) == place.get(also_early) == "1"
    late = place.lists.moment()
    assert place.get(early) == "1"
    assert place.get(late) == "2"  # although no time has passed


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_it_grows_too_old(seconds: float) -> None:
    place = Place(seconds)
    ready = place.lists.moment()
    place.get(ready)
    place.now += max(FRESH_FOR_S, seconds)
    assert place.get(ready) == "1"
    place.now += 0.01
    assert place.get(ready) == "2"


def test_many_that_ask_while_it_is_read_wait_for_it() -> None:
    place, begun, go_on = Place(), threading.Event(), threading.Event()

    def read() -> tuple[list[LiveObject], str]:
        begun.set()
        go_on.wait(5)
        return place.read()

    ready = [place.lists.moment() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(place.lists.get, "things", one, read, lambda live: live.id) for one in ready]
        assert begun.wait(5)
        go_on.set()
        assert {id(one.result(5)) for one in found} == {id(found[0].result())}
    assert place.reads == 1
