"""`drift`: show what moved live, and write it into the manifests where that is asked for."""

from __future__ import annotations

import argparse
from dataclasses import replace

from reconciler.cli.outputs import Result, deliver, text_of
from reconciler.console import Console
from reconciler.core.errors import ExitCode, UsageError
from reconciler.render.diff_text import unified_diff
from reconciler.workflow.commands import Connections, Options, blocked, load, plan
from reconciler.workflow.drifting import Acceptance, accept_drift, find_drift, write_manifests


def run_drift(options: argparse.Namespace, console: Console, given: Options) -> ExitCode:
    """Show the drift, accept it with `--write`, and return the exit code. Raises ReconcilerError."""
    if not options.write and (options.dry_run or options.remove_deleted):
        raise UsageError("--dry-run and --remove-deleted belong to --write", hint="add --write, or leave them out")
    given = replace(given, prune=False)  # what no manifest states has not moved
    loaded = load(given)
    with Connections(loaded.settings, given) as connections:
        planned = plan(loaded, connections, given)
    drift = find_drift(planned, loaded)
    acceptance = Acceptance(texts={})
    if options.write and not drift.blockers:
        acceptance = accept_drift(
            drift,
            planned,
            loaded,
            remove_deleted=options.remove_deleted,
            holds_secret=console.redactor.holds_secret,
            dry_run=options.dry_run,
        )
        if not options.dry_run:
            write_manifests(acceptance)
    told = replace(drift, diagnostics=(*drift.diagnostics, *acceptance.remarks))
    result = Result(target=drift.target, plan=told)
    show = console.result if options.format == "text" else console.complain
    if options.format == "text":
        console.result(text_of(result, options, console.style))
    if options.dry_run and acceptance.texts:
        show(unified_diff({name: (new.before, new.after) for name, new in acceptance.texts.items()}))
    deliver(result, options, console)
    if drift.blockers:
        return blocked(drift).exit_code
    if options.write and not options.dry_run:
        for name, new in acceptance.texts.items():
            console.say(f"{'removed' if new.after is None else 'wrote'} {name}")
    return ExitCode.PENDING if drift.has_work and options.exit_code else ExitCode.DONE
