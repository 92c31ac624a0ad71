"""`init`: ask for what is needed, write the files of a new repository, and look whether the systems can be reached."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.console import Console
from reconciler.core.errors import ExitCode, ReconcilerError, UsageError
from reconciler.render.escapes import printable
from reconciler.shell.files.disk import display_path
from reconciler.workflow.commands import Connections, Options, load, load_kinds
from reconciler.workflow.estate import glance
from reconciler.workflow.starting import NewSystem, Start, Started, start


def run_init(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    """Write the files and return the exit code. Raises UsageError."""
    folder = Path(options.dir)
    if (folder / "reconciler.yaml").exists():  # before anybody answers questions for nothing
        raise UsageError(
            f"{display_path(folder / 'reconciler.yaml')} is there already, and nothing is overwritten",
            hint="name another folder, or add the system to that file",
        )
    systems = _systems(options) or _asked(console)
    if options.hosting != "none" and not options.tool:
        raise UsageError(
            "--hosting needs --tool: the pipeline has to know where reconciler comes from",
            hint="write --tool OWNER/REPOSITORY@COMMIT, on GitLab --tool https://git.example.com/reconciler@COMMIT",
        )
    ledger = options.ledger or ("git" if _is_in_git(folder) else "file")
    wanted = Start(
        folder=folder,
        target=options.target,
        systems=systems,
        ledger=ledger,
        hosting=options.hosting,
        tool=options.tool,
    )
    started = start(wanted)
    _tell(started, console)
    _look(wanted, started, console, environ)
    return ExitCode.DONE


def _tell(started: Started, console: Console) -> None:
    for path in started.written:
        console.result(f"wrote {display_path(path)}")
    for path in started.left:
        console.result(f"left as it is: {display_path(path)}")


def _look(wanted: Start, started: Started, console: Console, environ: Mapping[str, str]) -> None:
    """Read one list of each system, where that can be done, and say what to do next."""
    config = display_path(wanted.folder / "reconciler.yaml")
    missing = [name for name in started.secrets if not environ.get(name)]
    tail = "" if config == "reconciler.yaml" else f" --config {config}"
    console.result("")
    if missing:
        console.result(f"next: set {', '.join(missing)}, then: reconciler inventory{tail}")
        return
    given = Options(
        config=wanted.folder / "reconciler.yaml",
        environ=environ,
        redactor=console.redactor,
        all_kinds=True,
        cache=False,
    )
    try:
        given = replace(given, prune=False)
        loaded = load(given)
        with Connections(loaded.settings, given) as connections:
            for name, seen in glance(loaded, connections, given).items():
                console.result(f"{name}: {printable(seen)}")
    except ReconcilerError as error:
        console.complain(f"the systems could not be looked at: {printable(str(error))}")
    output = display_path(wanted.folder / "manifests")
    console.result(f"next: reconciler inventory{tail}, then: reconciler export{tail} --output {output}")


def _is_in_git(folder: Path) -> bool:
    return any((one / ".git").exists() for one in (folder.absolute(), *folder.absolute().parents))


def _systems(options: argparse.Namespace) -> list[NewSystem]:
    ways = dict(_pair(text, "--auth", "shop=bearer") for text in options.auth)
    parameters: dict[str, dict[str, Any]] = {}
    for text in options.set:
        place, value = _pair(text, "--set", "shop.workspace=VALUE")
        system, dot, name = place.partition(".")
        if not dot:
            raise UsageError(f"cannot read --set {text}", hint="write it as in --set shop.workspace=VALUE")
        parameters.setdefault(system, {})[name] = _value(value)
    found = []
    for text in options.system:
        name, url = _pair(text, "--system", "shop=https://api.example.com")
        found.append(NewSystem(name=name, url=url, auth=ways.pop(name, "bearer"), parameters=parameters.pop(name, {})))
    unknown = sorted({*ways, *parameters})
    if found and unknown:
        raise UsageError(f"no --system is called {', '.join(unknown)}", hint="name each with --system NAME=URL")
    return found


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise UsageError(f"cannot read {option} {text}", hint=f"write it as in {option} {example}")
    return name, value


def _value(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, (bool, int, float)) else text


def _asked(console: Console) -> list[NewSystem]:
    """Ask a person for the systems. Raises UsageError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise UsageError(
            "which systems? There is no terminal to ask on", hint="name each with --system NAME=URL and --auth NAME=HOW"
        )
    catalog, _ = load_kinds([])
    console.say(f"Systems with kinds that ship: {', '.join(sorted(catalog.systems))}. Any other name is your own.")
    found: list[NewSystem] = []
    while True:
        name = _answer(console, "System (empty: no more)" if found else "System")
        if not name:
            if found:
                return found
            continue
        url = _answer(console, f"URL of {name}")
        how = _answer(console, "Sign in with bearer, basic, jwt, none, header:NAME or oauth2:URL (empty: bearer)")
        parameters = {}
        system = catalog.systems.get(name)
        for needed in system.parameters.get("required", ()) if system is not None else ():
            parameters[needed] = _value(_answer(console, f"{name}.{needed}"))
        found.append(NewSystem(name=name, url=url, auth=how or "bearer", parameters=parameters))


def _answer(console: Console, question: str) -> str:
    console.err.write(f"{question}: ")
    console.err.flush()
    line = sys.stdin.readline()
    if not line:
        raise UsageError("the answers ended", hint="name each system with --system NAME=URL and --auth NAME=HOW")
    return line.strip()
