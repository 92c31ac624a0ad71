"""Runs of the console script that are forked from a process in which the program is loaded already.

Loading takes longer than most runs of the tests. What a run has of its own (arguments, folder, environment, standard
streams, exit code) is as if it had been started afresh; tests about starting and about signals start it afresh.
"""

from __future__ import annotations

import functools
import io
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from pathlib import Path

import reconciler
from reconciler.cli.main import entry_point

_FOR_THE_INTERPRETER = ("PYTHON", "LC_", "LD_")  # and so without effect on one that runs already

_one_at_a_time = threading.Lock()  # starting a process asks for the exit codes of all others, which can be read once


def is_plain(env: Mapping[str, str]) -> bool:
    """Tell whether nothing in `env` is for the interpreter itself."""
    return env.get("LANG") == "C.UTF-8" and not any(name.startswith(_FOR_THE_INTERPRETER) for name in env)


def run(argv: Sequence[str], folder: Path, env: Mapping[str, str], timeout_s: float) -> tuple[int, str, str]:
    """Run the program with nothing to read, and return its exit code and what it wrote to both outputs."""
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place, "out"), Path(place, "err")
        process = _context().Process(target=_child, args=(list(argv), str(folder), dict(env), str(out), str(err)))
        with _one_at_a_time:
            process.start()
        wait([process.sentinel], timeout_s)
        with _one_at_a_time:
            code = process.exitcode
        if code is None:
            process.kill()
            raise subprocess.TimeoutExpired(list(argv), timeout_s)
        return code, out.read_text("utf-8"), err.read_text("utf-8")


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    names = [one.name for one in pkgutil.walk_packages(reconciler.__path__, "reconciler.")]
    context.set_forkserver_preload([name for name in names if not name.endswith("__main__")])
    return context


def _child(argv: list[str], folder: str, env: dict[str, str], out: str, err: str) -> None:
    """Be the console script."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", errors="surrogateescape")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace")
    sys.argv = argv
    signal.signal(signal.SIGINT, signal.default_int_handler)
    entry_point()
