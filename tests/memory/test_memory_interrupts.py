"""Ctrl-C once and twice with a ledger: the lock is let go, and the journal says whatever is not settled."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from bench import make_bench
from console_script import Scene, is_write
from test_memory_kill import names, scene_of

from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.vices import Attempt, ConnectionDropped, Fault


def interrupted(scene: Scene, times: int) -> str:
    """Apply, interrupt while the second write is on its way, let it be answered (once) or not (twice).

    Return what was said.
    """
    reached, go_on = threading.Event(), threading.Event()

    def hold(attempt: Attempt) -> SandboxResponse:
        answer = attempt.act(attempt.request)
        reached.set()
        assert go_on.wait(60)
        if times == 2:
            raise ConnectionDropped
        return answer

    scene.vices["galtea"].schedule(Fault(vice=hold, when=is_write, skip=1))
    process = scene.start("apply", "--yes", "--parallelism", "1")
    try:
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any("interrupted: what has begun is finished" in line for line in iter(process.stderr.readline, ""))
        if times == 2:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130  # although no answer comes
        else:
            time.sleep(0.2)
            assert process.poll() is None
    finally:
        go_on.set()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    return out


@pytest.mark.parametrize("backend", ["file", "git"])
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_an_interrupted_apply_lets_go_of_the_lock_and_forgets_nothing(tmp_path: Path, times: int, backend: str) -> None:
    with scene_of(tmp_path, backend) as scene:
        said = interrupted(scene, times)
        assert ("1 in doubt" in said) == (times == 2), said
        known = json.loads(scene.run("ledger", "show", "--format", "json").out)
        assert known["lock"] is None
        assert len(known["open"]) == (1 if times == 2 else 0)
        planned = scene.run("plan")
        assert ("1 change may have happened" in planned.out) == (times == 2), planned
        assert "lock" not in planned.out
        assert scene.run("apply", "--yes").code == 0
        assert scene.run("plan", "--exit-code").code == 0
        assert len(names(scene)) == len(set(names(scene))) == 5
        known = json.loads(scene.run("ledger", "show", "--format", "json").out)
        assert (known["lock"], known["open"], len(known["records"])) == (None, [], 5)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_applies_with_a_ledger_leave_no_file_and_no_thread_behind(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    bench.apply()

    def rotate(value: str) -> tuple[int, int]:
        bench.environ["SUPPORT_BOT_TOKEN"] = value
        bench.apply()
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    before = rotate("fake-value-0-not-real")
    assert [rotate(f"fake-value-{number}-not-real") for number in range(1, 5)] == [before] * 4
