"""The console script killed with SIGKILL at any request of an apply of thirty objects, and run again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from bench import PLACES, USUAL_FAULT_CASES
from console_script import Scene, open_scene

from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.vices import Attempt, ConnectionDropped, Fault

SYSTEMS = ("galtea", "trustgate", "goldmine")  # about thirty objects that are written
FEW = 6  # runs that are killed, unless more are asked for
AT_ONCE = 3


@dataclass
class Killer:
    """Kills a process at the request number `at` (from 0) of all that it sends, once the server has acted or before."""

    at: int
    after: bool
    process: list[subprocess.Popen[str]] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    came: int = 0

    def vice(self, attempt: Attempt) -> SandboxResponse:
        with self.lock:
            number, self.came = self.came, self.came + 1
        if number < self.at:
            return attempt.act(attempt.request)
        assert self.started.wait(30)
        if number == self.at and self.after:
            attempt.act(attempt.request)
        if number == self.at:
            self.process[0].send_signal(signal.SIGKILL)
        raise ConnectionDropped


@contextmanager
def scene_of(folder: Path) -> Iterator[Scene]:
    with open_scene(folder) as scene:
        for manifests in (folder / "manifests").iterdir():
            if manifests.name not in SYSTEMS:
                shutil.rmtree(manifests)
        yield scene


def killed_and_run_again(folder: Path, at: int, *, after: bool) -> str:
    """Return what is wrong afterwards; nothing, if all is well."""
    with scene_of(folder) as scene:
        killer = Killer(at=at, after=after)
        for vices in scene.vices.values():
            vices.schedule(Fault(vice=killer.vice, times=None))
        killer.process.append(scene.start("apply", "--yes", "--parallelism", "4"))
        killer.started.set()
        said = killer.process[0].communicate(timeout=120)
        if killer.process[0].returncode != -signal.SIGKILL:
            return f"it was not killed: {said}"
        for vices in scene.vices.values():
            vices.clear()
        again = scene.run("apply", "--yes", timeout_s=120)
        if again.code != 0:
            return f"the next run: {again}"
        quiet = scene.run("plan", "--exit-code")
        if quiet.code != 0:
            return f"the plan after it: {quiet}"
        left = {path.name for path in folder.glob("ledger.json*")} - {"ledger.json", "ledger.json.history"}
        told = [n for n, v in SECRETS.items() for p in folder.glob("ledger.json*") if v.encode() in p.read_bytes()]
        return "; ".join([*twice(scene), *(f"{name} is left" for name in left), *(f"{name} is told" for name in told)])


def twice(scene: Scene) -> list[str]:
    found = []
    for place, names in PLACES.items():
        system, _, collection = place.partition(".")
        rows = [row for row in getattr(scene.estate, system).stored(collection) if row.get("deletedAt") is None]
        counts = Counter(tuple(row[name] for name in names) for row in rows)
        found += [f"{place} {key} is there {count} times" for key, count in counts.items() if count > 1]
    return found


def requests_of_a_run(folder: Path) -> int:
    """Return how many requests an undisturbed apply sends."""
    with scene_of(folder) as scene:
        assert scene.run("apply", "--yes", "--parallelism", "4", timeout_s=120).code == 0
        created = [one for one in scene.writes() if one.status is not None and one.status < 300]
        assert len(created) >= 25, len(created)
        return len(scene.requests())


def test_a_run_that_is_killed_at_any_request_is_finished_by_the_next(tmp_path: Path, fault_cases: int) -> None:
    count = requests_of_a_run(tmp_path / "whole")
    step = 1 if fault_cases > USUAL_FAULT_CASES else count // FEW
    chosen = [(at, after) for at in range(step // 2, count, step) for after in (False, True)]
    if step > 1:
        chosen = [(at, bool(number % 2)) for number, (at, _) in enumerate(chosen[::2])]

    def check(case: tuple[int, bool]) -> str:
        at, after = case
        return killed_and_run_again(tmp_path / f"{at}-{after}", at, after=after)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = {case: said for case, said in zip(chosen, pool.map(check, chosen), strict=True) if said}
    assert wrong == {}
