"""The commands about kinds: what there is, what it means, whether it is right, and how to start one."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.cli.drafts import run_from_openapi
from reconciler.console import Console
from reconciler.core.errors import ExitCode, InvalidInput, UsageError
from reconciler.core.kinds.catalog import Catalog, Kind, check_parameters
from reconciler.core.model import Diagnostic, Document, JsonObject, Severity
from reconciler.core.suggest import did_you_mean
from reconciler.render.json_text import json_text
from reconciler.render.kind_page import render_kind
from reconciler.render.kinds import kind_document, render_kinds
from reconciler.render.machine import diagnostics_document
from reconciler.render.new_kind import new_definition
from reconciler.render.text import plural, render_diagnostics
from reconciler.shell.files.disk import display_path, write_atomically
from reconciler.shell.files.foreign import make_folder
from reconciler.shell.settings.loading import schema_folders
from reconciler.workflow.commands import load_kinds, read_definitions

FORMAT = 1

Command = Callable[[argparse.Namespace, Console], ExitCode]


def run_kinds(options: argparse.Namespace, console: Console) -> ExitCode:
    """Run the command of `kinds` that was chosen and return its exit code. Raises ReconcilerError."""
    return _COMMANDS[options.kinds_command](options, console)


def own_folders(options: argparse.Namespace) -> list[Path]:
    """Return where a person keeps definitions of their own: by the configuration, and by --schemas."""
    return [*schema_folders(Path(options.config)), *(Path(folder) for folder in options.schemas)]


def _load(options: argparse.Namespace) -> Catalog:
    """Return all kinds, those that ship and a person's own, bound to the parameters that --set gives.

    Raises InvalidInput with every mistake in them, and UsageError for parameters that do not fit.
    """
    folders = own_folders(options)
    catalog = _without_errors(load_kinds(folders))
    given = getattr(options, "parameters", [])
    return _without_errors(load_kinds(folders, _parameters(given, catalog))) if given else catalog


def _without_errors(loaded: tuple[Catalog, list[Diagnostic]]) -> Catalog:
    catalog, problems = loaded
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise InvalidInput(errors)
    return catalog


def _parameters(given: list[str], catalog: Catalog) -> dict[str, JsonObject]:
    """Return the parameters by system that texts such as `shop.edition=new` give."""
    found: dict[str, JsonObject] = {}
    for text in given:
        place, equals, value = text.partition("=")
        system, dot, name = place.partition(".")
        if not (equals and dot and system and name):
            raise UsageError(f"--set {text} cannot be read", hint="write --set SYSTEM.NAME=VALUE")
        if system not in catalog.systems:
            hint = did_you_mean(system, catalog.systems) or f"systems: {', '.join(sorted(catalog.systems))}"
            raise UsageError(f"--set {text}: unknown system {system!r}", hint=hint)
        schema = catalog.systems[system].parameters.get("properties", {}).get(name, {})
        is_flag = schema.get("type") == "boolean" and value in ("true", "false")
        found.setdefault(system, {})[name] = value == "true" if is_flag else value
    for system, values in found.items():
        for name, message, hint in check_parameters(catalog.systems[system], values):
            if name in values:
                raise UsageError(f"--set {system}.{name}: {message}", hint=hint)
    return found


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
        console.result(render_kind(kind, console.style, shutil.get_terminal_size((100, 24)).columns))
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


# --------------------------------------------------------------------------- check


def _check(options: argparse.Namespace, console: Console) -> ExitCode:
    from reconciler.core.kinds.checks.definitions import check_definitions

    paths = [Path(path) for path in options.paths] or own_folders(options)
    if not paths:
        hint = "name files or folders, or state `schemas` in reconciler.yaml"
        raise UsageError("there is nothing to check: no path is given, and no folder is configured", hint=hint)
    documents, problems = read_definitions(paths)
    if not documents and not problems:
        raise UsageError(
            f"there is no definition in {', '.join(display_path(path) for path in paths)}",
            hint="`reconciler kinds new SYSTEM/KIND` prints one to start from; the kinds that ship need no check",
        )
    problems += check_definitions(documents, _beside(options, documents))
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if options.format == "json":
        console.document({**diagnostics_document(problems), "definitions": len(documents)})
    else:
        if problems:
            console.complain(render_diagnostics(problems, console.err_style))
        summary = f"{plural(len(documents), 'definition')} checked: {_count(errors, len(problems) - errors)}."
        (console.complain if errors else console.result)(summary)
    return ExitCode.INVALID if errors else ExitCode.DONE


def _beside(options: argparse.Namespace, documents: list[Document]) -> list[Document]:
    """Return the other definitions that there are, as far as they can be read."""
    checked = {document.source.path for document in documents}
    shipped = load_kinds([])[0].documents
    own, _ = read_definitions(own_folders(options))
    return [document for document in [*shipped, *own] if document.source.path not in checked]


def _count(errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return "all in order"
    counts = [plural(errors, "mistake")] if errors else ["no mistake"]
    return ", ".join([*counts, *([plural(warnings, "warning")] if warnings else [])])


# --------------------------------------------------------------------------- new and schema


def _new(options: argparse.Namespace, console: Console) -> ExitCode:
    system, _, kind = options.name.partition("/")
    if not re.fullmatch("[a-z][a-z0-9-]*", system) or not re.fullmatch("[A-Z][A-Za-z0-9]*", kind):
        raise UsageError(
            f"{options.name!r} is not SYSTEM/KIND",
            hint="a system is lower-case and a kind starts with an upper-case letter, as in shop/Product",
        )
    catalog = _load(options)
    known = catalog.find(system, kind)
    if known is not None:
        raise UsageError(
            f"{known.full_name} is defined already, in {known.source.path}",
            hint=f"`reconciler kinds show {known.full_name}` explains it; choose another name for a new one",
        )
    return _put_out(new_definition(system, kind, with_system=system not in catalog.systems), options, console)


def _schema(options: argparse.Namespace, console: Console) -> ExitCode:
    if options.definitions:
        from reconciler.core.kinds.definition_schema import definition_schema

        schema = definition_schema()
    else:
        from reconciler.core.manifests.manifest_schema import manifests_schema

        schema = manifests_schema(_load(options).ordered())
    return _put_out(json_text(schema) + "\n", options, console)


def _put_out(text: str, options: argparse.Namespace, console: Console) -> ExitCode:
    if options.output is None:
        console.result(text.rstrip("\n"))
    else:
        make_folder(Path(options.output).parent)
        write_atomically(Path(options.output), text)
        console.say(f"wrote {display_path(Path(options.output))}")
    return ExitCode.DONE


_COMMANDS: Mapping[str, Command] = {
    "check": _check,
    "from-openapi": run_from_openapi,
    "list": _list,
    "new": _new,
    "schema": _schema,
    "show": _show,
}
