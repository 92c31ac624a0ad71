"""Runs as a whole: time limits, threads, sockets, connections and memory, counted on the other side."""

from __future__ import annotations

import gc
import json
import random
import threading
import time
import tracemalloc
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.cli.commands import exit_code_of
from reconciler.core.errors import ApiError, ExitCode
from reconciler.core.report import Ending, Outcome, Report, Status
from reconciler.sandbox.vices import ConnectionDropped
from reconciler.shell.network.pacing import MARGIN
from reconciler.shell.network.sending import Timing
from reconciler.workflow.commands import Connections, Options, apply, load, plan

KIND = """
    apiVersion: odd/v1
    kind: Thing
    schema:
      type: object
      additionalProperties: false
      properties: {name: {type: string}, size: {type: integer}, of: {type: string}}
    identity: {id: /name, key: [name], name: name}
    read:
      list: {method: GET, path: /things, items: /things}
      find: {method: GET, path: /things, query: {name: "{spec.name}"}, items: /things}
      get: {method: GET, path: "/things/{id}"}
    write:
      create: {method: POST, path: /things}
      update: {method: PATCH, path: "/things/{id}"}
      after: {title: publish, method: POST, path: /publish}
"""


def manifests(count: int, system: str = "odd") -> str:
    one = "apiVersion: {0}/v1\nkind: Thing\nmetadata: {{name: t{1}}}\nspec: {{size: 1}}\n"
    return "---\n".join(one.format(system, number) for number in range(count))


class Things:
    """Objects by name; one question for one of them is answered with a list of at most one."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.published = 0
        self.lock = threading.Lock()

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.path == "/publish":
            self.published += 1
            return json_response(200, {})
        if request.method == "POST":
            body = body_of(request)
            with self.lock:
                self.rows[body["name"]] = body
            return json_response(201, body)
        if request.path == "/things":
            wanted = dict(request.query).get("name")
            with self.lock:
                rows = [row for name, row in self.rows.items() if wanted in (None, name)]
            return json_response(200, {"things": rows})
        row = self.rows.get(request.path.rpartition("/")[2])
        return not_found() if row is None else json_response(200, row)


def api_of(tmp_path: Path, things: Things, count: int, parameters: str = "") -> OddApi:
    api = OddApi(folder=tmp_path, handle=things.handle)
    api.define(KIND, manifests(count), parameters=parameters)
    return api


def run(options: Options) -> Report:
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        return apply(plan(loaded, connections, options), loaded, connections, options)


def statuses(report: Report) -> dict[str, int]:
    found: dict[str, int] = {}
    for outcome in report.outcomes:
        found[outcome.status.value] = found.get(outcome.status.value, 0) + 1
    return found


# --------------------------------------------------------------------------- time limits


def test_nothing_begins_after_the_deadline_and_what_has_begun_is_finished(tmp_path: Path) -> None:
    things = Things()
    api = api_of(tmp_path, things, 10)

    def slow(request: SandboxRequest) -> SandboxResponse:
        if request.method == "POST":
            api.time.now += 10  # longer than what is left for the third one
        return things.handle(request)

    api.handle = slow
    report = run(replace(api.options(), parallelism=1, time_limit_s=25))
    assert statuses(report) == {"applied": 3, "skipped": 7}
    assert report.ending is Ending.OUT_OF_TIME
    skipped = [outcome for outcome in report.outcomes if outcome.status is Status.SKIPPED]
    assert {outcome.detail for outcome in skipped} == {"the time limit of the run passed before it began"}
    assert {outcome.requests for outcome in skipped} == {0}
    assert [(one.status, one.detail) for one in report.follow_ups] == [
        (Status.SKIPPED, "the time limit of the run passed before it began")
    ]
    assert (len(things.rows), things.published) == (3, 0)
    assert exit_code_of(report) is ExitCode.FAILED
    again = run(replace(api.options(), parallelism=1))
    assert statuses(again) == {"applied": 7, "unchanged": 3}


def test_a_deadline_that_passes_while_planning_stops_the_plan(tmp_path: Path) -> None:
    api = api_of(tmp_path, Things(), 3)
    options = replace(api.options(), time_limit_s=5)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        api.time.now += 6
        with pytest.raises(ApiError, match="time limit"):
            plan(loaded, connections, options)
    assert api.seen == []


# --------------------------------------------------------------------------- limits and fairness


def test_a_thousand_objects_reach_the_rate_of_a_system_and_never_exceed_it(tmp_path: Path) -> None:
    """Reads and writes together, counted where they arrive."""
    things = Things()
    came: list[float] = []
    api = api_of(tmp_path, things, 1000, "requestsPerSecond: 50\nconcurrency: 1")

    def noting(request: SandboxRequest) -> SandboxResponse:
        came.append(api.time.now)
        return things.handle(request)

    api.handle = noting
    report = run(api.options())
    assert statuses(report) == {"applied": 1000}
    assert len(came) > 2000
    assert all(later - first >= 1.0 for first, later in zip(came, came[50:], strict=False))
    assert came[-1] - came[0] <= len(came) / 50 * MARGIN + 1


class Lossy:
    """Things whose answers take 0.2 s and go wrong now and then: 1 of 100 is a 500, 5 of 100 are lost on their way."""

    def __init__(self, things: Things, api: OddApi) -> None:
        self.things, self.api = things, api
        self.came: list[float] = []
        self.performed: list[str] = []
        self.chance = random.Random(4)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.came.append(self.api.time.now)
        self.api.time.now += 0.2
        fate = self.chance.random()
        if fate < 0.005:
            return json_response(500, {"message": "trouble before anything was done"})
        answer = self.things.handle(request)
        if request.method == "POST" and answer.status == 201:
            self.performed.append(body_of(request)["name"])
        if fate < 0.01:
            return json_response(500, {"message": "trouble afterwards"})
        if fate < 0.06:
            raise ConnectionDropped
        return answer


def test_a_thousand_objects_behind_a_slow_and_lossy_line_converge_within_the_limit(tmp_path: Path) -> None:
    things = Things()
    api = api_of(tmp_path, things, 1000, "requestsPerSecond: 50\nconcurrency: 1")
    lossy = Lossy(things, api)
    api.handle = lossy.handle
    found = [statuses(run(api.options())) for _ in range(3)]
    assert found[0]["applied"] > 900
    assert found[-1] == {"unchanged": 1000}, found
    assert len(things.rows) == 1000
    assert max(Counter(lossy.performed).values()) == 1, "nothing is made twice, however often an answer is lost"
    assert all(later - first >= 1.0 for first, later in zip(lossy.came, lossy.came[50:], strict=False))


def test_a_slow_system_holds_up_none_of_another(tmp_path: Path) -> None:
    slow, quick = Things(), Things()
    hold = threading.Event()
    waiting = threading.Semaphore(0)

    def stuck(request: SandboxRequest) -> SandboxResponse:
        if request.method == "POST" and request.path == "/things":
            waiting.release()
            assert hold.wait(30)
        return slow.handle(request)

    with serving(stuck) as one, serving(quick.handle) as other:
        options = two_systems(tmp_path, one.url, other.url, count=20, parallelism=4)
        results: list[Report] = []
        thread = threading.Thread(target=lambda: results.append(run(options)))
        thread.start()
        try:
            for _ in range(4):  # all the threads that the slow system may have
                assert waiting.acquire(timeout=20)
            end = time.monotonic() + 20
            while len(quick.rows) < 20:
                assert time.monotonic() < end, "the quick system waits for the slow one"
                time.sleep(0.01)
            assert not waiting.acquire(timeout=0.1)  # and it has no more than it may have
        finally:
            hold.set()
            thread.join(30)
        assert statuses(results[0]) == {"applied": 40}


# --------------------------------------------------------------------------- what is left behind


class Server:
    """A real server on loopback that counts its connections."""

    def __init__(self, handle: Any) -> None:
        self.connections = self.requests = self.open = 0
        lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with lock:
                    server.connections += 1
                    server.open += 1

            def finish(self) -> None:
                super().finish()
                with lock:
                    server.open -= 1

            def log_message(self, *arguments: object) -> None:
                pass

            def serve(self) -> None:
                with lock:
                    server.requests += 1
                path, _, query = self.path.partition("?")
                pairs = tuple(tuple(pair.split("=", 1)) for pair in query.split("&") if pair)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                answer = handle(SandboxRequest(method=self.command, path=path, query=pairs, body=body))  # type: ignore[arg-type]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PATCH = serve  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


serving = Server


def two_systems(tmp_path: Path, one: str, other: str, *, count: int, parallelism: int) -> Options:
    for folder in ("schemas", "manifests"):
        (tmp_path / folder).mkdir(exist_ok=True)
    for system in ("one", "other"):
        text = "\n".join(line.removeprefix("    ") for line in KIND.replace("odd/", f"{system}/").splitlines())
        (tmp_path / "schemas" / f"{system}.yaml").write_text(text)
        (tmp_path / "manifests" / f"{system}.yaml").write_text(manifests(count, system))
    systems = {"one": {"url": one}, "other": {"url": other}}
    config = {"schemas": ["schemas"], "targets": {"test": {"systems": systems}}}
    (tmp_path / "reconciler.yaml").write_text(json.dumps(config))
    return Options(config=tmp_path / "reconciler.yaml", parallelism=parallelism)


def test_connections_are_used_again_and_nothing_is_left_behind(tmp_path: Path) -> None:
    one, other = Things(), Things()
    with serving(one.handle) as first, serving(other.handle) as second:
        options = two_systems(tmp_path, first.url, second.url, count=60, parallelism=4)
        before = set(threading.enumerate())
        report = run(options)
        assert statuses(report) == {"applied": 120}
        for server in (first, second):
            assert server.requests > 100
            assert server.connections <= 4  # one for each request that may be in flight
        left = [t for t in set(threading.enumerate()) - before if not t.name.startswith("Thread-")]
        assert left == []
        end = time.monotonic() + 10
        while first.open or second.open:
            assert time.monotonic() < end, "sockets are left open"
            time.sleep(0.01)


def kept_after(tmp_path: Path, sends: int) -> int:
    """Return the memory that is still taken after so many requests to one system, in bytes."""
    tmp_path.mkdir()
    api = api_of(tmp_path, Things(), 1)
    options = replace(api.options(), timing=Timing(clock=api.time.clock, sleep=api.time.sleep))
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        (kind,) = [k for k in planned.inputs.catalog.ordered() if k.full_name == "odd.Thing"]
        call = kind.definition.read.lists[0]
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(sends):
                planned.reader.list_items(kind, call, {"name": "t0"}, fresh=True)
                api.time.now += 0.01  # a second is remembered
                api.seen.clear()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()


def test_memory_is_flat_in_the_number_of_requests(tmp_path: Path) -> None:
    few, many = kept_after(tmp_path / "few", 150), kept_after(tmp_path / "many", 900)
    assert many < few + 20_000


# --------------------------------------------------------------------------- counting


def test_attempts_are_counted_for_each_change_and_in_all(tmp_path: Path) -> None:
    things = Things()
    api = api_of(tmp_path, things, 3)
    refused = {"t1": 2}

    def busy(request: SandboxRequest) -> SandboxResponse:
        name = (body_of(request) or {}).get("name", "") if request.method == "POST" else ""
        if refused.get(name):
            refused[name] -= 1
            return json_response(429, {"message": "slow down"}, {"retry-after": "1"})
        return things.handle(request)

    api.handle = busy
    report = run(api.options())
    found: list[Outcome] = list(report.outcomes)
    assert [outcome.attempts - outcome.requests for outcome in found] == [0, 2, 0]
    assert report.attempts - report.requests == 2
    assert (
        report.requests == sum(outcome.requests for outcome in found) + 2
    )  # the follow-up, and whether the list shows it
    assert things.published == 1
