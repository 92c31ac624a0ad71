"""The console script as a process of its own, and folders for it to work in, for the tests of the command line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import warm

from reconciler.sandbox.estate import SECRETS, Estate, build_estate
from reconciler.sandbox.http import EmulatedSystem, SandboxRequest
from reconciler.sandbox.recording import Recording
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.vices import Fault, Vices
from reconciler.sandbox.workspace import write_workspace
from reconciler.shell.files.packaged import packaged_folder

LEDGER_KEY = "fake-ledger-key-not-real-but-long-enough"

_SCRIPT = Path(sys.executable).parent / "reconciler"


def command(*arguments: str) -> list[str]:
    """Return the command line of the installed script, or of the module where there is no script."""
    program = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "reconciler"]
    return [*program, *arguments]


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a clean environment: what a person's shell must have, and `more`."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8", **(more or {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What one run left behind."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        return self.out + self.err

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(folder: Path, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 60) -> Finished:
    """Run the script in `folder`, without a terminal, and wait for its end."""
    complete = environment(folder, env)
    if warm.is_plain(complete):
        code, out, err = warm.run(command(*arguments), folder, complete, timeout_s)
        return Finished(code=code, out=out, err=err)
    return run_afresh(folder, *arguments, env=env, timeout_s=timeout_s)


def run_afresh(folder: Path, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 60) -> Finished:
    """Run the script as `run` does, in a new interpreter, as is needed where loading it is what is tested."""
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Finished(code=done.returncode, out=done.stdout, err=done.stderr)


def start(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the script in `folder` and return the process, which the caller ends."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(folder, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_clean(finished: Finished) -> None:
    """Check what holds of every run: no traceback, no secret, no terminal codes."""
    text = finished.everything
    assert "Traceback" not in text, finished
    assert "\x1b" not in text, finished
    assert [name for name, value in SECRETS.items() if value in text] == [], finished


class Batch:
    """Runs that begin all at once, a few side by side, for a whole module: each test waits for its own only."""

    def __init__(self, jobs: Mapping[str, Callable[[], Finished]]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=4)
        self._runs = {name: self._pool.submit(job) for name, job in jobs.items()}

    def __getitem__(self, name: str) -> Finished:
        return self._runs[name].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


# --------------------------------------------------------------------------- estates


def is_write(request: SandboxRequest) -> bool:
    """Tell writes from reads, also where everything is a POST."""
    if request.path.startswith("/proxies.v1.Proxies/"):
        return not request.path.rsplit("/", 1)[1].startswith(("Get", "List"))
    return request.method not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A workspace whose configuration points at emulated systems on loopback."""

    folder: Path
    estate: Estate
    urls: Mapping[str, str]
    vices: Mapping[str, Vices]
    recordings: Mapping[str, Recording]
    secrets: Mapping[str, str] = field(default_factory=lambda: {**SECRETS, "RECONCILER_LEDGER_KEY": LEDGER_KEY})

    def run(self, *arguments: str, timeout_s: float = 60) -> Finished:
        """Run the script in the workspace with its secrets, and check what holds of every run."""
        finished = run(self.folder, *arguments, env=self.secrets, timeout_s=timeout_s)
        assert_clean(finished)
        return finished

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return start(self.folder, *arguments, env=self.secrets)

    def requests(self) -> list[Any]:
        """Return everything that reached any of the systems."""
        return [one for recording in self.recordings.values() for one in recording.requests]

    def writes(self) -> list[Any]:
        return [one for recording in self.recordings.values() for one in recording.writes()]


@contextlib.contextmanager
def open_scene(folder: Path, faults: Mapping[str, Sequence[Fault]] | None = None) -> Iterator[Scene]:
    """Serve the example estate, with faults by system, and write its workspace into `folder`.

    At the end, delayed answers are delayed no longer.
    """
    over = threading.Event()

    def sleep(seconds: float) -> None:
        over.wait(seconds)

    estate = build_estate()
    systems: dict[str, EmulatedSystem] = estate.systems()
    vices = {
        name: Vices(system, *(faults or {}).get(name, ()), is_write=is_write, sleep=sleep)
        for name, system in systems.items()
    }
    recordings = {name: Recording(vice, is_write=is_write) for name, vice in vices.items()}
    with SandboxServer(list(recordings.values())) as server:
        write_workspace(folder, packaged_folder, server.urls, {})
        try:
            yield Scene(folder=folder, estate=estate, urls=server.urls, vices=vices, recordings=recordings)
        finally:
            over.set()


# --------------------------------------------------------------------------- a small workspace of one system

CONFIG = """\
targets:
  test:
    systems:
      galtea:
        url: {url}
        auth: {{bearer: "${{env:GALTEA_API_KEY}}"}}
        {more}
    secrets: [GALTEA_API_KEY]
"""

PRODUCT = """\
apiVersion: galtea/v1
kind: Product
metadata:
  name: support-bot
spec:
  description: Answers customers' questions about orders, returns and invoices
  tags: [support, chat]
"""


def write_small(folder: Path, url: str, *, manifest: str = PRODUCT, more: str = "") -> Path:
    """Write a workspace with one system and one manifest file into `folder`, and return it."""
    (folder / "manifests").mkdir(parents=True, exist_ok=True)
    (folder / "reconciler.yaml").write_text(CONFIG.format(url=url, more=more))
    (folder / "manifests" / "only.yaml").write_text(manifest)
    return folder
