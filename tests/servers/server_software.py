"""Servers that nobody here wrote: installed from their package registries, started on loopback, stopped again.

Nothing is installed into the system: Debian's packages are unpacked into a folder of the tests, npm's and Python's go
there as well.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

CACHE = Path(tempfile.gettempdir()) / f"reconciler-test-servers-{os.getuid()}"
PATIENCE_S = 60.0


class Unavailable(Exception):
    """The server cannot be had on this machine, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """One server: where it comes from, and how it is started.

    In `command`, `files` and `environment` stand {program}, {folder} and {port}, {port2}, {port3} for free ports.
    """

    name: str
    debian: Sequence[str] = ()  # names of Debian packages
    npm: str = ""  # name and version of an npm package
    python: str = ""  # name and version of a Python package, which gets an environment of its own
    program: str  # below the folder that it is installed into
    command: Sequence[str]
    ready: str  # a path that answers when the server is up
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def install(software: Software) -> Path:
    """Return the program, installed if need be. Raises Unavailable."""
    folder = CACHE / (software.npm or software.python or software.debian[0]).replace("@", "-")
    program = folder / software.program
    if program.exists():
        return program
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        fresh = Path(made) / "installed"
        fresh.mkdir()
        if software.npm:
            _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(fresh), software.npm], fresh)
        elif software.python:
            _run([sys.executable, "-m", "venv", str(fresh)], fresh)
            pip = [str(fresh / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([*pip, software.python], fresh)
        else:
            _run(["apt-get", "download", "-qq", *software.debian], fresh)
            for package in fresh.glob("*.deb"):
                _run(["dpkg", "-x", str(package), str(fresh)], fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    if not program.exists():
        raise Unavailable(f"{software.name} was installed, and {software.program} is not there")
    return program


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-300:]}")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def running(software: Software, folder: Path) -> Iterator[str]:
    """Start the server with its data in `folder`, and yield its address. Raises Unavailable."""
    program = install(software)
    port, second, third = free_ports(3)
    values = {"program": str(program), "folder": str(folder)}
    values |= {"port": str(port), "port2": str(second), "port3": str(third)}
    for name, text in software.files.items():
        (folder / name).write_text(_filled(text, values))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    environment |= {name: _filled(text, values) for name, text in software.environment.items()}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [_filled(part, values) for part in software.command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_up(process, address + software.ready, folder / "server.log")
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code < 500:
                return
        time.sleep(0.1)
    raise Unavailable(f"the server did not come up: {log.read_text(errors='replace')[-500:]}")
