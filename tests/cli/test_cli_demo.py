"""`reconciler demo`: the whole story holds, and it says so when it does not."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from console_script import Finished, assert_clean, run

from reconciler.console import Console
from reconciler.core.errors import ExitCode, Unreadable
from reconciler.demo.story import run_demo
from reconciler.sandbox.http import EmulatedSystem
from reconciler.sandbox.vices import Fault, Vices, answer, ignore_fields, requests_to

PATCHES = requests_to("PATCH")


def test_the_story_holds_and_takes_little_time(tmp_path: Path) -> None:
    folder, temporary = tmp_path / "here", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    started = time.monotonic()
    finished = run(folder, "demo", "--keep", "kept", env={"TMPDIR": str(temporary)})
    assert time.monotonic() - started < 60
    assert_clean(finished)
    assert (finished.code, finished.err) == (0, ""), finished
    checks = [line for line in finished.out.splitlines() if line.startswith("  ✓ ")]
    assert f"All as told: {len(checks)} of {len(checks)} checks hold" in finished.out
    assert len(checks) >= 14
    assert "✗" not in finished.out
    assert "reconciler sandbox --dir try" in finished.out  # what to do next
    kept = {"env", "ledger.json", "ledger.json.history", "manifests", "plan.json", "reconciler.yaml", "schemas"}
    assert {p.name for p in (folder / "kept").iterdir()} == kept
    assert list(temporary.iterdir()) == []  # it leaves nothing else behind


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text("targets: {}\n")
    refused = run(tmp_path, "demo", "--keep", ".")
    assert_clean(refused)
    assert (refused.code, refused.out) == (3, "")
    assert "was not made by the sandbox" in refused.err
    assert (tmp_path / "reconciler.yaml").read_text() == "targets: {}\n"


def told_with(*faults: Fault, out: io.StringIO | None = None) -> tuple[ExitCode, str]:
    """Tell the story in process, with faults around the one system that PATCHes by id."""
    console = Console(out=io.StringIO() if out is None else out, err=io.StringIO())

    def around(system: EmulatedSystem) -> EmulatedSystem:
        return Vices(system, *faults) if system.name == "galtea" else system

    code = run_demo(console, keep=None, around=around)
    assert isinstance(console.out, io.StringIO)
    return code, console.out.getvalue()


def test_a_system_that_forgets_a_field_makes_the_demo_fail() -> None:
    code, told = told_with(Fault(vice=ignore_fields("timeout"), when=PATCHES, times=None))
    assert code is ExitCode.FAILED
    assert "  ✗ every change was applied and read back as asked" in told
    assert "did not keep: /timeout: wanted 15, is 60" in told
    assert "Not as told: " in told
    assert_clean(Finished(code=code, out=told, err=""))


def test_a_system_that_answers_with_failures_makes_the_demo_fail() -> None:
    out = io.StringIO()
    with pytest.raises(Unreadable, match="nothing was applied") as raised:
        told_with(Fault(vice=answer(403), times=None), out=out)
    assert raised.value.exit_code is ExitCode.FAILED
    assert "status 403" in out.getvalue()
