"""`reconciler sandbox`: serve the emulations until somebody has had enough."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import threading
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import ExitCode, UsageError


def run_sandbox(options: argparse.Namespace, console: Console) -> ExitCode:
    """Serve the emulated systems on loopback until interrupted or terminated. Raises UsageError."""
    from reconciler.sandbox.estate import build_estate
    from reconciler.sandbox.server import SandboxServer
    from reconciler.sandbox.workspace import WorkspaceError, write_workspace
    from reconciler.shell.files.packaged import packaged_folder

    variants = dict(_variant(text) for text in options.variants)
    try:
        estate = build_estate(variants)
    except ValueError as error:
        raise UsageError(str(error)) from None
    systems = estate.systems()
    ports = {name: options.port + index for index, name in enumerate(systems)} if options.port else None
    try:
        server = SandboxServer(list(systems.values()), ports=ports)
    except OSError as error:
        wanted = f" on {options.port} and the next {len(systems) - 1} ports" if options.port else ""
        hint = "choose another --port, or leave it out for free ones" if options.port else "free some ports"
        raise UsageError(f"cannot listen{wanted}: {error.strerror}", hint=hint) from None
    enough = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: enough.set())
    with server:
        if options.dir is not None:
            folder = Path(options.dir)
            try:
                write_workspace(folder, packaged_folder, server.urls, variants)
            except WorkspaceError as error:
                raise UsageError(str(error), hint="name an empty or new folder") from None
            console.result(f"wrote {folder}: reconciler.yaml, manifests/, schemas/ and env (fake secrets)")
            there = f"cd {shlex.quote(str(folder))} && set -a && . ./env && set +a"
            console.result(f"in another terminal: {there} && {_this_program()} plan")
        for name, url in server.urls.items():
            console.result(f"{name.ljust(10)} {url}")
        console.result("ready")
        enough.wait()
    console.say("stopped")
    return ExitCode.DONE


def _this_program() -> str:
    """Return how another terminal calls this program: by its name only where that finds this very program."""
    program = Path(sys.argv[0])
    found = shutil.which(program.name)
    if found is not None and program.exists() and Path(found).samefile(program):
        return program.name
    if program.name == "__main__.py" or not program.exists():
        return f"{shlex.quote(sys.executable)} -m reconciler"
    return shlex.quote(str(program.absolute()))


def _variant(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"cannot read --set {text!r}", hint="write --set SYSTEM.NAME=VALUE")
    return name.strip(), value.strip()
