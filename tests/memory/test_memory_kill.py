"""The console script killed with SIGKILL in the middle of an apply, and run again: nothing twice, nothing forgotten."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from console_script import Scene, is_write, open_scene, start
from repositories import git, git_environment, make_remote, shallow_detached, subjects, use_git

from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.vices import Attempt, ConnectionDropped, Fault

KEPT = [f"{name}.yaml" for name in ("products", "sales-assistant", "support-bot-init", "support-bot-close")]
KEPT.append("support-bot-prod.yaml")


@contextmanager
def scene_of(folder: Path, backend: str) -> Iterator[Scene]:
    """Serve the estate for a workspace of Galtea's manifests alone, with a ledger of that kind."""
    place = folder / "ci"
    if backend == "git":
        shallow_detached(make_remote(folder), place)
    with open_scene(place) as scene:
        for manifest in (place / "manifests").rglob("*.yaml"):
            if manifest.name not in KEPT:
                manifest.unlink()
        if backend == "git":
            use_git(place / "reconciler.yaml")
            scene.secrets.update(git_environment(folder))  # type: ignore[attr-defined]
        yield scene


def killed_at(scene: Scene, write: int, *, after: bool) -> None:
    """Apply, and kill the process at its `write`th write: before the server acts, or after, with no answer sent."""
    process: list[subprocess.Popen[str]] = []
    started = threading.Event()

    def kill(attempt: Attempt) -> SandboxResponse:
        assert started.wait(10)
        if after:
            attempt.act(attempt.request)
        process[0].send_signal(signal.SIGKILL)
        raise ConnectionDropped

    scene.vices["galtea"].schedule(Fault(vice=kill, when=is_write, skip=write - 1))
    process.append(scene.start("apply", "--yes", "--parallelism", "1"))
    started.set()
    assert process[0].wait(60) == -signal.SIGKILL
    process[0].communicate()
    scene.vices["galtea"].clear()


def names(scene: Scene) -> list[str]:
    rows = scene.estate.galtea.stored("endpointConnections")
    return sorted(row["name"] for row in rows if row.get("deletedAt") is None)


CASES = [("file", 1, True), ("file", 2, False), ("file", 4, True), ("git", 1, False), ("git", 3, True)]


@pytest.mark.parametrize(("backend", "write", "after"), CASES, ids=lambda value: str(value))
def test_a_killed_run_is_settled_by_the_next(tmp_path: Path, backend: str, write: int, after: bool) -> None:
    with scene_of(tmp_path, backend) as scene:
        killed_at(scene, write, after=after)
        planned = scene.run("plan")
        assert "cut-short" in planned.out
        assert "1 change may have happened" in planned.out
        applied = scene.run("apply", "--yes")
        assert applied.code == 0, applied
        assert len(names(scene)) == len(set(names(scene))) == 5  # one of them nobody here manages
        again = scene.run("plan", "--exit-code")
        assert again.code == 0, again
        assert "cut-short" not in again.out
        ledger = json.loads(scene.run("ledger", "show", "--format", "json").out)
        assert len(ledger["records"]) == 5  # a product is only looked up
        assert ledger["open"] == []
        assert ledger["lock"] is None
        assert_no_secret(tmp_path)
        if backend == "git":
            assert [subject.partition(":")[0] for subject in subjects(tmp_path / "remote.git")] == ["apply"]
        else:
            assert {p.name for p in scene.folder.glob("ledger.json*")} == {"ledger.json", "ledger.json.history"}


def assert_no_secret(folder: Path) -> None:
    """Search all files of the workspace but `env`, and all objects of the remote."""
    texts = [p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "env"]
    if (folder / "remote.git").exists():
        objects = git(folder / "remote.git", "cat-file", "--batch-all-objects", "--batch-check").splitlines()
        texts += [git(folder / "remote.git", "cat-file", "-p", line.split()[0]).encode() for line in objects]
    assert [n for n, value in SECRETS.items() if any(value.encode() in text for text in texts)] == []


def test_a_machine_that_vanished_leaves_a_lock_and_what_it_was_about_to_do(tmp_path: Path) -> None:
    with scene_of(tmp_path, "git") as scene:
        killed_at(scene, 2, after=True)
        shutil.rmtree(scene.folder / ".git" / "reconciler")
        lock = json.loads(git(tmp_path / "remote.git", "show", "refs/reconciler/sandbox:lock.json"))
        other = {**lock, "machine": "another", "host": "runner-7", "url": "https://ci.example.test/jobs/12"}
        replace_lock(tmp_path / "remote.git", other)
        refused = scene.run("apply", "--yes")
        assert refused.code == 4
        assert "runner-7 (process" in refused.err
        assert "https://ci.example.test/jobs/12" in refused.err
        assert f"reconciler ledger unlock {lock['token']}" in refused.err
        assert scene.run("ledger", "unlock", "wrong-token").code == 4
        waited = scene.run("apply", "--yes", "--lock-timeout", "0.3")
        assert waited.code == 4
        assert "waiting for the lock" in waited.err
        assert "after 0.3 s" in waited.err
        assert scene.run("ledger", "unlock", lock["token"]).code == 0
        planned = scene.run("plan")
        assert "4 changes may have happened" in planned.out
        assert scene.run("apply", "--yes").code == 0
        assert len(names(scene)) == len(set(names(scene))) == 5  # one of them nobody here manages
        assert [s.partition(":")[0] for s in subjects(tmp_path / "remote.git")] == ["apply", "unlock"]


@pytest.mark.parametrize("backend", ["file", "git"])
def test_two_pipelines_at_once_take_turns(tmp_path: Path, backend: str) -> None:
    with scene_of(tmp_path, backend) as scene:
        second = scene.folder
        if backend == "git":
            second = shallow_detached(tmp_path / "remote.git", tmp_path / "second")
            shutil.copytree(scene.folder / "manifests", second / "manifests")
            shutil.copy(scene.folder / "reconciler.yaml", second)
        arguments = ("apply", "--yes", "--lock-timeout", "60")
        running = [start(folder, *arguments, env=scene.secrets) for folder in (scene.folder, second)]
        said = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0, 0], said
        assert len(names(scene)) == len(set(names(scene))) == 5
        assert sum(recorded.request.method == "POST" for recorded in scene.writes()) == 3, "what one did, the other saw"
        events = json.loads(scene.run("ledger", "history", "--format", "json").out)["events"]
        assert [event["what"] for event in events] == ["apply"]


def replace_lock(remote: Path, lock: dict[str, object]) -> None:
    """Let another run hold the lock, as if it had been taken elsewhere."""
    ref = "refs/reconciler/sandbox"
    path = remote / "lock.tmp"
    path.write_text(json.dumps(lock))
    blob = git(remote, "hash-object", "-w", str(path))
    path.unlink()
    rows = [row for row in git(remote, "ls-tree", ref).splitlines() if not row.endswith("lock.json")]
    tree_input = "\n".join([*rows, f"100644 blob {blob}\tlock.json"]) + "\n"
    done = subprocess.run(
        ["git", "-C", str(remote), "mktree"], input=tree_input, capture_output=True, text=True, check=True
    )
    parents = [part for parent in git(remote, "log", "-1", "--format=%P", ref).split() for part in ("-p", parent)]
    commit = git(remote, "commit-tree", done.stdout.strip(), *parents, "-m", "lock")
    git(remote, "update-ref", ref, commit)
