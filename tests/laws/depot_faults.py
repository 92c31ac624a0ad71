"""What can go wrong between the engine and a depot: one or two faults at chosen requests, and what they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from depots import SETTLE_S, Depot, Row
from fake_time import FakeTime

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response, text_response
from reconciler.sandbox.vices import ConnectionDropped

Act = Callable[[SandboxRequest], SandboxResponse]
THEIRS = 777  # what somebody else sets a field to


class PowerCut(BaseException):
    """The process is gone: nothing catches this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the request number `at` (from 0) of one system; `which` picks an object, where one is needed."""

    what: str
    system: str
    at: int
    which: int = 0


@dataclass
class Line:
    """A depot behind a bad line. Counts what comes, and what of it was lost."""

    depot: Depot
    time: FakeTime
    faults: tuple[Fault, ...] = ()
    on_cut: Callable[[], None] = lambda: None
    came: int = 0
    asked: list[str] = field(default_factory=list)  # method and path of each
    planned: int = 0  # so many of them for the plan
    dead: bool = False
    revoked: bool = False
    writes: list[tuple[str, str]] = field(default_factory=list)  # method and name of the object, whatever came of it
    lost: set[str] = field(default_factory=set)  # names of objects about which an answer to a write told nothing
    ignored: set[str] = field(default_factory=set)
    stale: Depot | None = None
    stale_until: float = 0.0
    late: list[tuple[float, int, SandboxRequest]] = field(default_factory=list)  # when it is acted on, and its number
    storms: dict[Fault, int] = field(default_factory=dict)  # requests that each 429 storm has still to refuse

    def __post_init__(self) -> None:
        self.name = self.depot.name

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if self.dead:
            raise PowerCut
        at, self.came = self.came, self.came + 1
        self.asked.append(f"{request.method} {request.path}")
        self.act_late()
        self.depot.at = at
        if request.method != "GET":
            self.writes.append((request.method, self.name_of(request)))
        act: Act = self._act
        for fault in self.faults:
            if fault.system == self.name and (fault.at == at or (fault.what in LASTING and fault.at < at)):
                act = _around(self, fault, act)
        return act(request)

    def _act(self, request: SandboxRequest) -> SandboxResponse:
        if self.revoked:
            return self.depot.refuse(401, request)
        if self.stale is not None and self.time.now >= self.stale_until:
            self.stale = None
        if request.method == "GET" and self.stale is not None:
            return self.stale.handle(request)
        return self.depot.handle(request)

    def act_late(self) -> None:
        due = [(at, request) for moment, at, request in self.late if moment <= self.time.now]
        self.late = [one for one in self.late if one[0] > self.time.now]
        for self.depot.at, request in due:
            self.depot.handle(request)

    def name_of(self, request: SandboxRequest) -> str:
        if request.method == "POST" and request.body:
            return str(json.loads(request.body)["name"])
        return self.depot.named.get(request.path.rpartition("/")[2], "")

    def lose(self, request: SandboxRequest) -> None:
        if request.method != "GET":
            self.lost.add(self.name_of(request))

    def meant(self, fault: Fault, request: SandboxRequest) -> tuple[str, Row] | None:
        """Return the row that a fault is about: the one that is asked for, or any."""
        rows = list(self.depot.every())
        own = [pair for pair in rows if pair[1]["id"] == request.path.rpartition("/")[2]]
        if own and fault.which % 2 == 0:
            return own[0]
        return rows[fault.which % len(rows)] if rows else None


Vice = Callable[[Line, Fault, Act, SandboxRequest], SandboxResponse]


def _around(line: Line, fault: Fault, act: Act) -> Act:
    return lambda request: VICES[fault.what](line, fault, act, request)


def _refused(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    raise httpx.ConnectError("connection refused")


def _lost(error: Callable[[], Exception], *, acts: bool) -> Vice:
    def vice(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
        line.lose(request)
        if acts:
            act(request)
        raise error()

    return vice


def _answered(status: int, *, acts: bool) -> Vice:
    def vice(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
        line.lose(request)
        if acts:
            act(request)
        if status == 502:
            return text_response(502, "<html><h1>Bad Gateway</h1></html>", "text/html")
        return line.depot.refuse(status, request)

    return vice


def _storm(length: int) -> Vice:
    def vice(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
        left = line.storms.setdefault(fault, length)
        if not left:
            return act(request)
        line.storms[fault] = left - 1
        answer = line.depot.refuse(429, request)
        return replace(answer, headers={**answer.headers, "retry-after": "1"})

    return vice


def _truncated(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    line.lose(request)
    answer = act(request)
    headers = {**answer.headers, "content-length": str(len(answer.body))} if fault.which % 2 else answer.headers
    return replace(answer, headers=headers, body=answer.body[: len(answer.body) // 2])


def _page(change: Callable[[list[Any]], list[Any]]) -> Vice:
    def vice(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
        answer = act(request)
        if answer.status != 200 or not answer.body.startswith(b'{"items":') or not answer.body.endswith(b"}"):
            return answer
        body = json.loads(answer.body)
        return json_response(200, {**body, "items": change(body["items"])})

    return vice


def _stale(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    line.stale, line.stale_until = line.depot.copy(), line.time.now + SETTLE_S - 1
    return act(request)


def _ignored(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    if not request.body:
        return act(request)
    body = json.loads(request.body)
    names = [n for n in ("size", "label", "pin") if n in body]  # what no reading shows could be ignored unseen
    if names:
        body.pop(names[fault.which % len(names)])
        line.ignored.add(line.name_of(request))
    return act(replace(request, body=json.dumps(body).encode()))


def _slow(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    line.time.sleep(20)
    return act(request)


def _late(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    """Give up waiting for a server that acts a while later."""
    line.lose(request)
    if request.method != "GET":
        line.late.append((line.time.now + SETTLE_S - 2, line.depot.at, request))
    raise httpx.ReadTimeout("timed out")


def _edited(name: str, value: Any) -> Vice:
    def vice(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
        meant = line.meant(fault, request)
        if meant is not None:
            line.depot.change(meant[1], {name: value})
        return act(request)

    return vice


def _gone(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    meant = line.meant(fault, request)
    if meant is not None:
        line.depot.take(*meant)
    return act(request)


def _revoked(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    line.revoked = True
    return act(request)


def _killed(line: Line, fault: Fault, act: Act, request: SandboxRequest) -> SandboxResponse:
    if fault.which % 2:
        act(request)
    line.on_cut()
    raise PowerCut


VICES: dict[str, Vice] = {
    "connection refused": _refused,
    "reset before": _lost(ConnectionDropped, acts=False),
    "reset after": _lost(ConnectionDropped, acts=True),
    "timeout before": _lost(lambda: httpx.ReadTimeout("timed out"), acts=False),
    "timeout after": _lost(lambda: httpx.ReadTimeout("timed out"), acts=True),
    "timeout, and acting late": _late,
    "429 storm, short": _storm(2),
    "429 storm, long": _storm(9),
    "500 before": _answered(500, acts=False),
    "500 after": _answered(500, acts=True),
    "502 before": _answered(502, acts=False),
    "502 after": _answered(502, acts=True),
    "truncated body": _truncated,
    "truncated page": _page(lambda items: items[:-1]),
    "duplicate page item": _page(lambda items: [*items, *items[:1]]),
    "stale reads": _stale,
    "ignored field": _ignored,
    "slow answer": _slow,
    "edit of a managed field": _edited("size", THEIRS),
    "edit of an unmanaged field": _edited("note", "theirs"),
    "deleted meanwhile": _gone,
    "auth revoked": _revoked,
    "killed": _killed,
}
LASTING = frozenset({"429 storm, short", "429 storm, long"})  # go on with the requests that follow
