"""`apply --plan FILE`: hold the saved plan against the plan of the day, and perform it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from reconciler.cli.progress import Watch
from reconciler.console import Console
from reconciler.core.errors import UsageError
from reconciler.core.model import Plan, Severity
from reconciler.core.plan.sealing import digest_of_plan
from reconciler.core.report import Outcome, Report, Status
from reconciler.core.saved_plans.approval import restricted
from reconciler.render.text import render_diagnostics, render_plan
from reconciler.workflow.approvals import (
    already_applied,
    apply_approved,
    compare_with_approval,
    objections,
    open_approval,
    refuse,
)
from reconciler.workflow.commands import Connections, Options, load, open_memory, plan


def apply_saved_plan(options: argparse.Namespace, console: Console, given: Options) -> tuple[Plan, Report]:
    """Perform the saved plan, and return what was left to do and what became of it.

    Raises Refused when it does not fit any more.
    """
    own = given.resend or given.prune is not None or given.allow_replace or given.skip_unreadable
    if own or not given.selection.everything:
        raise UsageError(
            "a saved plan has its own selection",
            hint="leave out -l, --address, --resend, --prune, --allow-replace and --skip-unreadable with --plan",
        )
    approval, given = open_approval(Path(options.plan), given, options.max_age)
    loaded = load(given)

    with open_memory(loaded.settings, given) as memory, Connections(loaded.settings, given) as connections:
        memory.lock(given.lock_timeout_s, console.say)
        with Watch(console, connections):
            planned = plan(loaded, connections, given, memory)
        found = compare_with_approval(approval, planned, loaded, given)
        if applied_at := already_applied(found, planned, loaded):
            left = replace(restricted(planned.plan, found), follow_ups=())
            said = f"This plan was already applied on {applied_at}, and all of it is in place: nothing to do."
            (console.result if options.format == "text" else console.say)(said)
            kept = tuple(Outcome(address=c.address, action=c.action, status=Status.UNCHANGED) for c in left.changes)
            return left, Report(target=left.target, plan_digest=digest_of_plan(planned.plan), outcomes=kept)
        if not options.only_approved:
            refuse(found, loaded)
        left_out = [replace(one, severity=Severity.WARNING) for one in objections(found, loaded)]
        if left_out:
            console.complain(render_diagnostics(left_out, console.err_style))
        left = restricted(planned.plan, found)
        if options.format == "text":
            console.result(render_plan(left, console.style, show_requests=options.show_requests))
        with Watch(console, connections, total=len(left.pending)) as watch:
            report = apply_approved(found, planned, loaded, connections, given, watch.outcome, watch.begin)
        return left, report
