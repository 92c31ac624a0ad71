"""`snapshot`, and `plan --snapshot FILE`, which reaches no live system."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.model import Plan
from reconciler.render.text import plural
from reconciler.workflow.commands import Connections, Options, load, plan
from reconciler.workflow.snapshots import open_snapshot, plan_offline, save_snapshot


def take_snapshot(options: argparse.Namespace, console: Console, given: Options) -> ExitCode:
    """Write a snapshot of the live state."""
    loaded = load(given)
    with Connections(loaded.settings, given) as connections:
        planned = plan(loaded, connections, given, whole=True)
    count = save_snapshot(planned, loaded, given, Path(options.out))
    console.result(
        f"Snapshot of {loaded.settings.target}: {plural(count, 'object')} in {options.out}, without secrets."
    )
    return ExitCode.DONE


def offline_plan(options: argparse.Namespace, given: Options) -> Plan:
    """Return the plan on a snapshot. Raises UsageError together with what needs the live systems."""
    for name, given_too in (("--out", options.out is not None), ("--resend", given.resend)):
        if given_too:
            raise UsageError(
                f"{name} does not go together with --snapshot",
                hint="a plan from a snapshot is only to be looked at; plan on the live systems to have it approved",
            )
    snapshot = open_snapshot(Path(options.snapshot))
    return plan_offline(load(given), snapshot, given)
