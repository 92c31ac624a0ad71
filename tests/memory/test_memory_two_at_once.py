"""Two processes apply to one target at the same time: with a ledger one after the other, without one as well as the API
allows.

What is not promised: without a ledger nothing keeps two runs apart. Where the API itself refuses a second object of a
name, there is never one; where it does not, both may create theirs, and the next plan says that two match.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from console_script import Scene, is_write, start
from repositories import shallow_detached
from test_memory_kill import scene_of

from reconciler.sandbox.http import SandboxRequest, SandboxResponse
from reconciler.sandbox.vices import Attempt, Fault

CONNECTIONS = ("support-bot-init", "support-bot-close", "support-bot-prod", "sales-assistant-prod")


def creates(request: SandboxRequest) -> bool:
    return is_write(request) and request.method == "POST"


def names(scene: Scene) -> Counter[str]:
    """Return how often each name is there."""
    rows = scene.estate.galtea.stored("endpointConnections")
    return Counter(str(row["name"]) for row in rows if row.get("deletedAt") is None)


def copy_without(scene: Scene, folder: Path, *left_out: str) -> Path:
    """Return another folder with the same target and fewer manifests."""
    shutil.copytree(scene.folder, folder, ignore=shutil.ignore_patterns("ledger.json*", ".git"))
    config = folder / "reconciler.yaml"
    config.write_text(config.read_text().replace("file: ledger.json", f"file: {scene.folder / 'ledger.json'}"))
    for path in (folder / "manifests").rglob("*.yaml"):
        if path.stem in left_out:
            path.unlink()
    return folder


def test_the_one_that_is_second_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with scene_of(tmp_path / "one", "file") as scene:
        reached, go_on = threading.Event(), threading.Event()

        def hold(attempt: Attempt) -> SandboxResponse:
            reached.set()
            assert go_on.wait(60)
            return attempt.act(attempt.request)

        scene.vices["galtea"].schedule(Fault(vice=hold, when=is_write))
        first = scene.start("apply", "--yes")
        try:
            assert reached.wait(60)
            other = copy_without(scene, tmp_path / "other", "support-bot-prod")
            second = start(other, "apply", "--yes", env=scene.secrets)
            _, said = second.communicate(timeout=60)
            assert second.returncode == 4, said
            assert f"(process {first.pid}, since" in said
            assert "reconciler ledger unlock" in said
        finally:
            go_on.set()
            out = first.communicate(timeout=60)
        assert first.returncode == 0, out
        assert scene.run("plan", "--exit-code").code == 0
        assert max(names(scene).values()) == 1


def test_different_manifests_take_turns_and_both_are_remembered(tmp_path: Path) -> None:
    with scene_of(tmp_path / "one", "file") as scene:
        one = copy_without(scene, tmp_path / "fewer", "support-bot-prod", "support-bot-close")
        other = copy_without(scene, tmp_path / "others", "support-bot-init", "sales-assistant")
        arguments = ("apply", "--yes", "--lock-timeout", "60")
        running = [start(folder, *arguments, env=scene.secrets) for folder in (one, other)]
        said = [process.communicate(timeout=120) for process in running]
        assert [process.returncode for process in running] == [0, 0], said
        assert scene.run("plan", "--exit-code").code == 0, "what the two did together is all there is to do"
        assert {name: names(scene)[name] for name in CONNECTIONS} == dict.fromkeys(CONNECTIONS, 1)
        records = json.loads((scene.folder / "ledger.json").read_text())["records"]
        assert {f"galtea.EndpointConnection/{name}" for name in CONNECTIONS} <= set(records)


@pytest.mark.parametrize("count", [2, 5])
def test_applies_from_separate_checkouts_take_turns_on_one_git_ledger(tmp_path: Path, count: int) -> None:
    with scene_of(tmp_path / "one", "git") as scene:
        folders = [scene.folder]
        for number in range(1, count):
            folder = shallow_detached(tmp_path / "one" / "remote.git", tmp_path / f"checkout{number}")
            shutil.copytree(scene.folder, folder, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
            folders.append(folder)
        arguments = ("apply", "--yes", "--lock-timeout", "120")
        running = [start(folder, *arguments, env=scene.secrets) for folder in folders]
        said = [process.communicate(timeout=240) for process in running]
        assert [process.returncode for process in running] == [0] * count, said
        assert {name: names(scene)[name] for name in CONNECTIONS} == dict.fromkeys(CONNECTIONS, 1)
        assert max(names(scene).values()) == 1
        assert scene.run("plan", "--exit-code").code == 0


@pytest.mark.parametrize("same", [True, False], ids=["the same", "different manifests"])
def test_without_a_ledger_an_api_that_refuses_doubles_gets_none(tmp_path: Path, same: bool) -> None:
    with scene_of(tmp_path / "one", "file") as scene:
        config = scene.folder / "reconciler.yaml"
        config.write_text("".join(line for line in config.read_text().splitlines(True) if "ledger:" not in line))
        other = scene.folder if same else copy_without(scene, tmp_path / "other", "support-bot-init")
        both = threading.Barrier(2)

        def meet(attempt: Attempt) -> SandboxResponse:
            both.wait(60)  # each has looked, and found nothing
            return attempt.act(attempt.request)

        scene.vices["galtea"].schedule(Fault(vice=meet, when=creates, times=2))
        arguments = ("apply", "--yes", "--parallelism", "1")
        running = [start(folder, *arguments, env=scene.secrets) for folder in (scene.folder, other)]
        said = ["".join(process.communicate(timeout=120)) for process in running]
        assert max(names(scene).values()) == 1
        assert sum("it has appeared on the server since the plan" in text for text in said) >= 1, said
        assert not any("Traceback" in text for text in said)
        assert scene.run("apply", "--yes").code == 0
        assert scene.run("plan", "--exit-code").code == 0
        assert max(names(scene).values()) == 1
