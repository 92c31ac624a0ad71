"""Switchable misbehaviour around an emulated system: what networks, proxies and overloaded servers do. Pure.

Faults are tried in the order in which they were scheduled; the first that fits a request applies, alone.
Safe to call from several threads: a fault for one request hits exactly one. Sleep is injected.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse, text_response
from reconciler.sandbox.recording import is_unsafe_method

Matcher: TypeAlias = Callable[[SandboxRequest], bool]


class ConnectionDropped(Exception):
    """The connection goes away without an answer: by a reset, or by an orderly close."""

    def __init__(self, *, reset: bool = True) -> None:
        super().__init__("connection reset" if reset else "connection closed")
        self.reset = reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a vice may work with."""

    request: SandboxRequest
    act: Callable[[SandboxRequest], SandboxResponse]  # the system itself
    sleep: Callable[[float], None]
    earlier: SandboxResponse | None  # the answer to the same request before the last write, when it was asked


Vice: TypeAlias = Callable[[Attempt], SandboxResponse]
"""Answers one request in place of the system. Raises ConnectionDropped to give no answer."""


def any_request(_request: SandboxRequest) -> bool:
    """Accept every request."""
    return True


def requests_to(method: str | None = None, path: str | None = None) -> Matcher:
    """Return a matcher by method (None: any) and by regular expression for the whole raw path (None: any)."""
    pattern = re.compile(path) if path is not None else None

    def matches(request: SandboxRequest) -> bool:
        return (method is None or request.method == method) and (
            pattern is None or pattern.fullmatch(request.path) is not None
        )

    return matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A vice, the requests that it hits, and how many of them."""

    vice: Vice
    when: Matcher = any_request
    times: int | None = 1  # None: for good
    skip: int = 0  # this many matching requests pass unharmed first
    needs_earlier: bool = False  # hits only where an earlier answer is known


class Vices:
    """An emulated system with faults. With none scheduled it behaves as the system itself."""

    def __init__(
        self,
        system: EmulatedSystem,
        *faults: Fault,
        sleep: Callable[[float], None] = time.sleep,
        is_write: Matcher = is_unsafe_method,
    ) -> None:
        """Wrap `system`; `is_write` tells what makes earlier answers stale."""
        self.name = system.name
        self._system = system
        self._sleep = sleep
        self._is_write = is_write
        self._lock = threading.Lock()
        self._scheduled: list[_Scheduled] = []
        self._answers: dict[_Question, tuple[int, SandboxResponse]] = {}
        self._writes = 0
        self._hits = 0
        self.schedule(*faults)

    def schedule(self, *faults: Fault) -> None:
        """Add faults behind those already scheduled."""
        with self._lock:
            self._scheduled += [_Scheduled(fault) for fault in faults]

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._scheduled.clear()

    @property
    def hits(self) -> int:
        """How many requests a fault has hit so far."""
        with self._lock:
            return self._hits

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer with the first fault that fits, otherwise with the system. Raises ConnectionDropped."""
        with self._lock:
            earlier = self._earlier(request)
            fault = self._take(request, earlier)
        if fault is None:
            return self._act(request)
        return fault.vice(Attempt(request=request, act=self._act, sleep=self._sleep, earlier=earlier))

    def _earlier(self, request: SandboxRequest) -> SandboxResponse | None:
        known = self._answers.get(_question(request))
        return known[1] if known is not None and known[0] < self._writes else None

    def _take(self, request: SandboxRequest, earlier: SandboxResponse | None) -> Fault | None:
        for scheduled in self._scheduled:
            if scheduled.fault.needs_earlier and earlier is None:
                continue
            if scheduled.take(request):
                self._hits += 1
                return scheduled.fault
        return None

    def _act(self, request: SandboxRequest) -> SandboxResponse:
        writes = self._is_write(request)
        with self._lock:
            if writes:
                self._writes += 1
            generation = self._writes
        response = self._system.handle(request)
        if not writes:
            with self._lock:
                self._answers[_question(request)] = (generation, response)
        return response


class _Scheduled:
    """A fault and what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._skip = fault.skip
        self._left = fault.times

    def take(self, request: SandboxRequest) -> bool:
        if self._left == 0 or not self.fault.when(request):
            return False
        if self._skip:
            self._skip -= 1
            return False
        if self._left is not None:
            self._left -= 1
        return True


_Question: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], bytes]


def _question(request: SandboxRequest) -> _Question:
    return request.method, request.path, request.query, request.body


# --------------------------------------------------------------------------- vices


def answer(
    status: int, text: str = "", *, headers: Mapping[str, str] | None = None, after_acting: bool = False
) -> Vice:
    """Answer `status` in place of the system, which acts first when `after_acting` (its answer is lost)."""

    def vice(attempt: Attempt) -> SandboxResponse:
        if after_acting:
            attempt.act(attempt.request)
        plain = text_response(status, text)
        return replace(plain, headers={**plain.headers, **(headers or {})})

    return vice


def too_many_requests(retry_after: str = "1") -> Vice:
    """Answer 429 with a Retry-After: seconds, or an HTTP date."""
    return answer(429, "Too Many Requests", headers={"retry-after": retry_after})


def html(status: int = 502) -> Vice:
    """Answer the HTML page of a proxy in between; nothing reaches the system."""
    page = f"<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return lambda _attempt: text_response(status, page, "text/html; charset=utf-8")


def invalid_json() -> Vice:
    """Let the system act, then spoil the syntax of its answer."""

    def vice(attempt: Attempt) -> SandboxResponse:
        response = attempt.act(attempt.request)
        return replace(response, body=b'{"unfinished": ' + response.body)

    return vice


def drop(*, after_acting: bool = False, reset: bool = True) -> Vice:
    """Drop the connection: before the system acts, or after (then the write is done and nobody knows)."""

    def vice(attempt: Attempt) -> SandboxResponse:
        if after_acting:
            attempt.act(attempt.request)
        raise ConnectionDropped(reset=reset)

    return vice


def truncate(share: float = 0.5, *, announced: bool = True) -> Vice:
    """Let the system act, then cut its answer to `share` (0 to 1) of the bytes.

    `announced`: Content-Length still tells the full length, so that the client sees the connection end early.
    """

    def vice(attempt: Attempt) -> SandboxResponse:
        response = attempt.act(attempt.request)
        headers = dict(response.headers)
        if announced:
            headers["content-length"] = str(len(response.body))
        return replace(response, headers=headers, body=response.body[: int(len(response.body) * share)])

    return vice


def delay(seconds: float) -> Vice:
    """Answer truthfully, but late."""

    def vice(attempt: Attempt) -> SandboxResponse:
        attempt.sleep(seconds)
        return attempt.act(attempt.request)

    return vice


def run_before(callback: Callable[[], object]) -> Vice:
    """Run `callback` (somebody else's edit, say) right before the system acts."""

    def vice(attempt: Attempt) -> SandboxResponse:
        callback()
        return attempt.act(attempt.request)

    return vice


def ignore_fields(*names: str) -> Vice:
    """Leave top-level members out of a JSON request before the system sees it; the answer stays a success."""

    def vice(attempt: Attempt) -> SandboxResponse:
        request = attempt.request
        try:
            body = json.loads(request.body)
        except ValueError:
            return attempt.act(request)
        if not isinstance(body, dict):
            return attempt.act(request)
        kept = {name: value for name, value in body.items() if name not in names}
        return attempt.act(replace(request, body=json.dumps(kept).encode()))

    return vice


def stale_reads(when: Matcher, times: int | None = 1) -> Fault:
    """Return a fault: after a write, `times` reads still get the answer from before it.

    Only a read that was asked before, word for word, can be stale; others pass.
    """

    def vice(attempt: Attempt) -> SandboxResponse:
        return attempt.earlier if attempt.earlier is not None else attempt.act(attempt.request)

    return Fault(vice=vice, when=when, times=times, needs_earlier=True)
