"""How the program ends when it is stopped at once, or when nobody takes what it says: never with a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from console_script import command, environment, write_small

FULL = Path("/dev/full")


@pytest.mark.parametrize("loaded", ["argparse", "reconciler.cli.arguments", "reconciler.core.model"])
def test_interrupted_while_the_program_is_loaded(tmp_path: Path, loaded: str) -> None:
    write_small(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "reconciler.yaml").unlink()
    os.mkfifo(tmp_path / "reconciler.yaml")  # nobody writes: the run has no end of its own
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "reconciler", "plan"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.split("|")[-1].strip() == loaded:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "error: interrupted" in err
    assert "Traceback" not in out + err


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments", [("kinds", "list"), ("--help",), ("version",), ("completion", "bash"), ("kinds", "new", "a/B")]
)
def test_output_that_cannot_be_written(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: the output cannot be written: No space left on device")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_what_libraries_registered_for_the_exit_runs(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = (
        f"import atexit, pathlib, sys; atexit.register(pathlib.Path({str(trace)!r}).touch); "
        "from reconciler.cli.main import entry_point; sys.argv[1:] = ['version']; entry_point()"
    )
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment(tmp_path), stdout=full, timeout=60, check=False
        )
    assert (done.returncode, trace.exists()) == (1, True)
