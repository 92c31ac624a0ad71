"""Runs programs in turns and keeps what each run cost: seconds of wall and CPU, peak memory, requests."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a program. CPU seconds are those of the program and its children, without the server's."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    requests: int = 0
    writes: int = 0
    server_cpu_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Subject:
    """A program to measure; `prepare` brings things in order before each run and is not measured."""

    name: str
    command: Sequence[str]
    folder: Path
    prepare: Callable[[], None] = lambda: None
    runs: list[Run] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(run, what) for run in self.runs)


class Server:
    """The server, in a process of its own."""

    def __init__(self, kind: str, count: int, *, latency_ms: float = 0, chained: bool = False) -> None:
        command = [sys.executable, str(HERE / "server.py"), kind, str(count), str(latency_ms)]
        self._process = subprocess.Popen(
            [*command, "chained"] if chained else command, stdout=subprocess.PIPE, text=True, cwd=HERE
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.wait()

    def ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found


def run_once(command: Sequence[str], folder: Path, server: Server | None = None) -> Run:
    """Run one program to its end, which must be a good one, and return what it cost."""
    if server is not None:
        server.ask("/reset")
    environ = {**os.environ, "NO_COLOR": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody who runs a program twice compiles it twice
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{complaint[-2000:]}")
    told = server.ask("/stats") if server is not None else {}
    return Run(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        requests=told.get("requests", 0),
        writes=told.get("writes", 0),
        server_cpu_s=told.get("cpu_s", 0.0),
    )


def take_turns(subjects: Sequence[Subject], repeats: int, server: Server | None = None) -> None:
    """Run each subject `repeats` times, one after the other in turns, so that a busy minute hits all of them alike."""
    for _ in range(repeats):
        for subject in subjects:
            subject.prepare()
            subject.runs.append(run_once(subject.command, subject.folder, server))
