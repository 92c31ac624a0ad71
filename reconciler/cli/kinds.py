"""The commands about kinds: what there is, what it means, whether it is right, and how to start one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.core.errors import ExitCode, InvalidInput, UsageError
from reconciler.core.kinds import Catalog, Kind
from reconciler.core.model import Severity
from reconciler.core.suggest import did_you_mean
from reconciler.render.kinds import kind_document, render_kind, render_kinds
from reconciler.shell.settings import schema_folders
from reconciler.workflow import load_kinds

FORMAT = 1

Command = Callable[[argparse.Namespace, Console], ExitCode]


def run_kinds(options: argparse.Namespace, console: Console) -> ExitCode:
    """Run the command of `kinds` that was chosen and return its exit code. Raises ReconcilerError."""
    return _COMMANDS[options.kinds_command](options, console)


def own_folders(options: argparse.Namespace) -> list[Path]:
    """Return where a person keeps definitions of their own: by the configuration, and by --schemas."""
    return [*schema_folders(Path(options.config)), *(Path(folder) for folder in options.schemas)]


def _load(options: argparse.Namespace) -> Catalog:
    """Return all kinds, those that ship and a person's own. Raises InvalidInput with every mistake in them."""
    catalog, problems = load_kinds(own_folders(options))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise InvalidInput(errors)
    return catalog


# --------------------------------------------------------------------------- list and show


def _list(options: argparse.Namespace, console: Console) -> ExitCode:
    catalog = _load(options)
    if options.format == "json":
        kinds = [kind_document(kind) for kind in catalog.ordered()]
        console.document({"format": FORMAT, "kind": "kinds", "kinds": kinds})
    else:
        console.result(render_kinds(catalog, console.style))
    return ExitCode.DONE


def _show(options: argparse.Namespace, console: Console) -> ExitCode:
    kind = _find(_load(options), options.kind)
    if options.format == "json":
        console.document({"format": FORMAT, **kind_document(kind)})
    else:
        console.result(render_kind(kind, console.style))
    return ExitCode.DONE


def _find(catalog: Catalog, wanted: str) -> Kind:
    """Return the one kind that is called `wanted`. Raises UsageError with suggestions."""
    system, _, name = wanted.rpartition(".")
    found = [k for k in catalog.ordered() if k.name == name and system in ("", k.definition.system)]
    if len(found) == 1:
        return found[0]
    names = [name for kind in catalog.ordered() for name in (kind.full_name, kind.name)]
    hint = did_you_mean(wanted, names)
    if found:
        hint = "say which: " + ", ".join(kind.full_name for kind in found)
    raise UsageError(
        f"{'several kinds are' if found else 'no kind is'} called {wanted!r}",
        hint=hint or "`reconciler kinds list` lists them",
    )


_COMMANDS: Mapping[str, Command] = {
    "list": _list,
    "show": _show,
}
