"""Snapshots as functions: take one of the live state, and plan on one without reaching any live system.

Reads and writes: the file of the snapshot, through `shell`; the live systems only through `workflow`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from reconciler import __version__
from reconciler.core.errors import Refused
from reconciler.core.manifests.selection import with_parents
from reconciler.core.memory.journal import rfc3339
from reconciler.core.memory.ledger import read_address
from reconciler.core.model import Diagnostic, Plan, Severity
from reconciler.core.plan.considered import Inputs
from reconciler.core.plan.planning import make_plan
from reconciler.core.saved_plans.approval import kinds_in_use
from reconciler.core.snapshots.snapshot import (
    LEFT_OUT,
    Recalled,
    Snapshot,
    Taken,
    make_snapshot,
    other_kinds,
    read_snapshot,
    recall,
)
from reconciler.shell.files.json_document import read_document, write_document
from reconciler.shell.files.reading import display_path
from reconciler.shell.git.revision import git_revision
from reconciler.workflow.commands import Loaded, Options, Planned
from reconciler.workflow.loading import declared
from reconciler.workflow.removals import prunes

_AGAIN = "take it again with `reconciler snapshot --out FILE`"


def save_snapshot(planned: Planned, loaded: Loaded, options: Options, path: Path) -> int:
    """Write what the plan was made on to `path`, and return how many objects that is.

    Raises UsageError when the file cannot be written.
    """
    taken = Taken(
        at=rfc3339(options.timing.wall_clock()),
        revision=git_revision(loaded.settings.root, options.environ).id,
        tool_version=__version__,
        kinds=kinds_in_use(planned.plan, planned.inputs),
        looked_for=frozenset(with_parents(set(loaded.selected), loaded.resources)),
    )
    redact = partial(options.redactor.json, stand_in=LEFT_OUT)
    write_document(path, make_snapshot(planned.inputs, planned.folded.ledger, taken, redact))
    return len(planned.inputs.live)


def open_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in `path`. Raises UsageError when it is none, and Refused when it was changed."""
    return read_snapshot(read_document(path, "snapshot", "name a file from `snapshot --out`"), display_path(path))


def plan_offline(loaded: Loaded, snapshot: Snapshot, options: Options) -> Plan:
    """Return the plan that the snapshot leads to. Sends nothing. Raises Refused for another target's snapshot."""
    if snapshot.target != loaded.settings.target:
        raise Refused(
            f"the snapshot was taken of the target {snapshot.target}, not of {loaded.settings.target}",
            hint=f"choose it with --target {snapshot.target}, or take one of this target",
        )
    needed = with_parents(set(loaded.selected), loaded.resources)
    recalled = recall(snapshot, {address: loaded.resources[address] for address in needed}, loaded.catalog)
    inputs = replace(
        declared(loaded, options, live=recalled.live, unreadable=recalled.unreadable, memory=recalled.ledger),
        untold=recalled.untold,
    )
    made = make_plan(inputs)
    said = [*loaded.warnings, *_remarks(snapshot, made, inputs, recalled, pruning=prunes(loaded.settings, options))]
    return replace(made, diagnostics=(*said, *made.diagnostics), snapshot_at=snapshot.taken_at)


def _remarks(
    snapshot: Snapshot, made: Plan, inputs: Inputs, recalled: Recalled, *, pruning: bool
) -> Iterator[Diagnostic]:
    for name in other_kinds(snapshot, kinds_in_use(made, inputs)):
        yield Diagnostic(
            severity=Severity.WARNING,
            code="other-kind",
            message=f"the kind {name} is not what it was when the snapshot was taken",
            hint="what the snapshot holds of its objects may not be what reading them now would show",
        )
    gone = [text for text in snapshot.objects if read_address(text) not in inputs.resources]
    if gone and pruning:
        yield Diagnostic(
            severity=Severity.NOTE,
            code="not-pruned",
            message=f"no manifest states these any more: {_few(gone)}; a snapshot does not tell what is deleted",
            hint="the plan on the live systems does",
        )
    for address in recalled.missing:
        if address in inputs.selected:
            yield Diagnostic(
                severity=Severity.NOTE,
                code="not-in-snapshot",
                message=f"{address} is not in the snapshot: whether it exists is not known, and it is shown as new",
                source=inputs.resources[address].source,
                address=address,
            )


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
