"""`inventory` and `export`: what is live, who manages it, and manifests for what nobody does."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from reconciler.cli.outputs import Result, deliver, text_of
from reconciler.cli.progress import Watch
from reconciler.console import Console
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.export.inventory import Standing
from reconciler.core.export.wanted import Wanted
from reconciler.core.model import Json
from reconciler.core.pointer import parse_pointer
from reconciler.render.diff_text import unified_diff
from reconciler.render.escapes import json_text, printable
from reconciler.render.inventory import (
    inventory_diagnostics,
    inventory_document,
    inventory_markdown,
    render_inventory,
)
from reconciler.render.text import plural
from reconciler.shell.files.disk import display_path
from reconciler.workflow.commands import Connections, Options, load
from reconciler.workflow.estate import (
    Export,
    ExportOptions,
    inventory_of,
    make_export,
    plan_on,
    survey,
    unseen_of,
    write_export,
)


def run_inventory(options: argparse.Namespace, console: Console, given: Options) -> ExitCode:
    """Show what is live, and return the exit code. Raises ReconcilerError."""
    wanted = _wanted(options)
    given = replace(given, prune=False, all_kinds=True)
    loaded = load(given)
    with Connections(loaded.settings, given) as connections, Watch(console, connections):
        found = survey(loaded, connections, given, wanted, _given(options))
    inventory = inventory_of(found, loaded, wanted)
    ready = {
        "text": render_inventory(inventory, objects=options.verbose > 0),
        "json": json_text(json.dumps(console.redactor.json(inventory_document(inventory)), indent=2)),
        "markdown": inventory_markdown(inventory),
    }
    if options.format == "text":
        console.result(render_inventory(inventory, console.style, objects=options.verbose > 0))
    result = Result(target=inventory.target, warnings=inventory_diagnostics(inventory), ready=ready)
    deliver(result, options, console)
    return ExitCode.PENDING if options.exit_code and inventory.count(Standing.UNMANAGED) else ExitCode.DONE


def run_export(options: argparse.Namespace, console: Console, given: Options) -> ExitCode:
    """Write manifests, plan on them, and return the exit code. Raises ReconcilerError."""
    output = Path(options.output)
    export = ExportOptions(
        output=output,
        wanted=_wanted(options),
        everything=options.all,
        layout=options.layout,
        lookups=not options.ids,
        given=_given(options),
    )
    given = replace(given, prune=False, all_kinds=True)
    if options.all:
        _check_empty(output)
    loaded = load(given)
    if not options.all and not any(_is_below(output, root) for root in loaded.settings.manifest_paths):
        roots = ", ".join(display_path(root) for root in loaded.settings.manifest_paths)
        raise UsageError(
            f"{display_path(output)} is not among the manifests of the configuration ({roots}), so that nothing would "
            "read what is written there",
            hint="choose a folder below one of them, add it to `manifests`, or use --all for a folder of its own",
        )
    with Connections(loaded.settings, given) as connections, Watch(console, connections):
        found = survey(loaded, connections, given, export.wanted, export.given, with_referred=True)
    made = make_export(found, loaded, given, export)
    _say_what_is_left_out(made, console)
    if options.dry_run or not made.files:
        console.result(unified_diff(_texts(made)) if made.files else "nothing to export: everything is declared")
        return ExitCode.DONE
    write_export(made)
    console.result(
        f"wrote {plural(len(made.drafts.manifests), 'manifest')} in {plural(len(made.files), 'file')} "
        f"below {display_path(output)}"
    )
    for path in made.changed:
        console.result(f"added the names of secrets to {display_path(path)}")
    unknown = [secret.name for secret in made.drafts.secrets if secret.value is None]
    if unknown:
        console.result(
            f"set before the first plan, since nothing shows their values: {', '.join(sorted(set(unknown)))}"
        )
    planned = plan_on(made, given, export)
    console.result("")
    console.result(text_of(Result(plan=planned), options, console.style))
    return ExitCode.REFUSED if planned.blockers else ExitCode.PENDING if planned.has_work else ExitCode.DONE


def _say_what_is_left_out(made: Export, console: Console) -> None:
    for name, reason in unseen_of(made.inventory).items():
        console.complain(f"not looked at: {name}: {printable(reason)}")
    for one in made.drafts.unwritten:
        shown = printable(f"{one.kind.full_name} {one.name} (id {one.id}): {one.reason}")
        console.complain(f"not exported: {shown}")


def _texts(made: Export) -> dict[str, tuple[str, str | None]]:
    texts: dict[str, tuple[str, str | None]] = {display_path(path): ("", text) for path, text in made.files.items()}
    return texts | {display_path(path): both for path, both in made.changed.items()}


def _check_empty(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{display_path(output)} is not an empty folder", hint="name a new or empty folder for --all")


def _is_below(output: Path, root: Path) -> bool:
    return output.resolve().is_relative_to(root.resolve())


def _wanted(options: argparse.Namespace) -> Wanted:
    where = []
    for text in options.where:
        pointer, equals, value = text.partition("=")
        if not equals or not pointer.startswith("/"):
            raise UsageError(f"cannot read --where {text!r}", hint="write it as in --where /team=support")
        where.append((parse_pointer(pointer), value))
    return Wanted(patterns=tuple(options.what), where=tuple(where))


def _given(options: argparse.Namespace) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for text in options.given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"cannot read --in {text!r}", hint="write it as in --in project=web")
        found.setdefault(name, []).append(value)
    return found
