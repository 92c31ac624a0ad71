"""Saved plans as functions: save one, and hold one against the plan of the day before it is performed.

Reads and writes: the file of the saved plan, through `shell`; the live systems only through `workflow`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from reconciler import __version__
from reconciler.core.canonical import digest
from reconciler.core.errors import Refused
from reconciler.core.manifests.selection import read_selection
from reconciler.core.memory.journal import rfc3339
from reconciler.core.memory.ledger_key import strengthened
from reconciler.core.model import Action, Change, Diagnostic, Severity
from reconciler.core.plan.planning import make_plan
from reconciler.core.report import Outcome, Report, Status
from reconciler.core.saved_plans.approval import (
    ApprovalComparison,
    ApprovalState,
    ApprovalVerdict,
    Circumstances,
    Today,
    begun,
    bound_secrets,
    compare_with_plan,
    kinds_in_use,
    make_approval,
    other_kinds,
    restricted,
)
from reconciler.core.saved_plans.planfile import Approval, in_camel_case, read_approval
from reconciler.shell.files.json_document import read_document, write_document
from reconciler.shell.files.reading import display_path
from reconciler.shell.git.revision import Revision
from reconciler.shell.memory.ledger_text import read_key
from reconciler.workflow.commands import LEDGER_KEY_NAME, Connections, Loaded, Options, Planned, apply
from reconciler.workflow.removals import prunes
from reconciler.workflow.revisions import revision_in_use

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_CLOCKS_MAY_DIFFER_S = 300
_AGAIN = "plan again, and have the new plan approved"


def save_plan(planned: Planned, loaded: Loaded, options: Options, path: Path) -> Revision:
    """Write the plan to `path` for approval, and return what it was made on. Raises UsageError when it cannot be."""
    revision = revision_in_use(loaded.settings, options)
    around = Circumstances(
        made_at=rfc3339(options.timing.wall_clock()),
        revision=revision.id,
        dirty=revision.dirty,
        tool_version=__version__,
        labels=options.selection.label_texts(),
        addresses=options.selection.addresses,
        resend=options.resend,
        prune=prunes(loaded.settings, options),
        allow_replace=options.allow_replace,
        skip_unreadable=options.skip_unreadable,
        policy=in_camel_case(asdict(loaded.settings.policy)),
        systems=_systems(loaded, options),
        key=_key(options),
    )
    write_document(path, make_approval(planned.plan, planned.inputs, around, options.redactor.json))
    return revision


def _systems(loaded: Loaded, options: Options) -> dict[str, str]:
    used = {address.system for address in loaded.selected}
    return {
        name: digest(options.redactor.json([system.url, dict(system.parameters)]))
        for name, system in sorted(loaded.settings.systems.items())
        if name in used
    }


def _key(options: Options) -> bytes:
    return strengthened(read_key(options.environ), b"saved plans of reconciler")


# --------------------------------------------------------------------------- what was approved


def open_approval(path: Path, options: Options, max_age_s: float | None) -> tuple[Approval, Options]:
    """Return the approval in `path`, and `options` with the selection that it was made with.

    Raises UsageError when it is no approval, and Refused when it was changed or is too old.
    """
    approval = read_approval(read_document(path, "saved plan", "name a file from `plan --out`"), display_path(path))
    age_s = options.timing.wall_clock() - datetime.strptime(approval.made_at, _TIME).replace(tzinfo=UTC).timestamp()
    if age_s < -_CLOCKS_MAY_DIFFER_S:
        raise Refused(f"the plan was made in the future, at {approval.made_at}", hint="correct the clock; " + _AGAIN)
    if max_age_s is not None and age_s > max_age_s:
        raise Refused(f"the plan is too old: it was made at {approval.made_at}", hint=_AGAIN)
    chosen = approval.selection
    selection = read_selection(chosen.labels, chosen.addresses)
    return approval, replace(
        options,
        approved=True,
        selection=selection,
        resend=chosen.resend,
        prune=chosen.prune,
        allow_replace=chosen.allow_replace,
        skip_unreadable=chosen.skip_unreadable,
    )


def compare_with_approval(approval: Approval, planned: Planned, loaded: Loaded, options: Options) -> ApprovalComparison:
    """Hold the approval against the plan of the day.

    Raises Refused when it is about another target, other systems or other kinds, or needs a key that is not there.
    """
    if approval.target != loaded.settings.target:
        raise Refused(
            f"the plan was made for the target {approval.target}, not for {loaded.settings.target}",
            hint=f"choose it with --target {approval.target}, or plan for this one",
        )
    systems = _systems(loaded, options)
    moved = sorted(name for name in systems if approval.systems.get(name, systems[name]) != systems[name])
    if moved:
        raise Refused(f"other url or parameters than when the plan was made: {', '.join(moved)}", hint=_AGAIN)
    kinds = other_kinds(approval, kinds_in_use(planned.plan, planned.inputs))
    if kinds:
        tools = f" (made by {approval.tool.version}, this is {__version__})"
        raise Refused(f"other kinds than when the plan was made{tools}: {', '.join(kinds)}", hint=_AGAIN)
    key = _key(options)
    if approval.secrets_bound and not key:
        raise Refused(
            f"the plan is bound to its secrets by the key in {LEDGER_KEY_NAME}, which is not set",
            hint="set it to the same key as when the plan was made",
        )
    inputs = begun(approval, planned.inputs)
    before = planned.plan if inputs is planned.inputs else make_plan(inputs)
    secrets = {
        change.address: bound_secrets(change.address, inputs, key)
        for change in planned.plan.pending
        if approval.secrets_bound
    }
    recorded = planned.folded.ledger.remote_ids()
    ours = frozenset(a for a, live in planned.inputs.live.items() if recorded.get(a) == live.id)
    return compare_with_plan(approval, Today(plan=planned.plan, as_approved=before, secrets=secrets, ours=ours))


def objections(found: ApprovalComparison, loaded: Loaded) -> list[Diagnostic]:
    """Return what keeps the approval from being performed as it is, one by one."""
    return [_objection(verdict, loaded) for verdict in found.objections]


def _objection(verdict: ApprovalVerdict, loaded: Loaded) -> Diagnostic:
    resource = None if verdict.address is None else loaded.resources.get(verdict.address)
    return Diagnostic(
        severity=Severity.ERROR,
        code=_CODES[verdict.standing],
        message=f"{verdict.name}: {verdict.why}",
        source=None if resource is None else resource.source,
        address=verdict.address,
    )


_CODES = {
    ApprovalState.DUE: "already-applied",
    ApprovalState.EXTRA: "not-approved",
    ApprovalState.MISSING: "approved-and-missing",
    ApprovalState.MOVED: "moved-since-approval",
    ApprovalState.WAITING: "waits-for-unapproved",
}


def refuse(found: ApprovalComparison, loaded: Loaded) -> None:
    """Raise Refused with everything that keeps the plan from being performed exactly as approved, if there is any."""
    listed = objections(found, loaded)
    if listed:
        raise Refused(
            f"nothing was applied: the plan of today is not the approved one in {_count(len(listed))}",
            hint=_AGAIN + "; or perform what still fits with --only-approved",
            diagnostics=listed,
        )


def _count(number: int) -> str:
    return "1 place" if number == 1 else f"{number} places"


def already_applied(found: ApprovalComparison, planned: Planned, loaded: Loaded) -> str:
    """Return when this very plan was applied to its end, "" when it was not.

    Raises Refused when it was, and what it did is no longer in place: an approval is used once.
    """
    applied_at = planned.folded.ledger.plans.get(found.approved, "")
    if not applied_at:
        return ""
    undone = [v for v in found.verdicts if v.standing not in (ApprovalState.DONE, ApprovalState.EXTRA)]
    if undone:
        gone = [replace(v, why=v.why or "no longer as it was applied") for v in undone]
        raise Refused(
            f"nothing was applied: this plan was already applied on {applied_at}, and what it did was changed since in "
            f"{_count(len(undone))}",
            hint=f"an approval is used once: {_AGAIN}",
            diagnostics=[_objection(verdict, loaded) for verdict in gone],
        )
    return applied_at


# --------------------------------------------------------------------------- performed


def apply_approved(
    found: ApprovalComparison,
    planned: Planned,
    loaded: Loaded,
    connections: Connections,
    options: Options,
    on_outcome: Callable[[Outcome], None],
    on_begin: Callable[[Change], None] = lambda change: None,
) -> Report:
    """Carry out what is approved and due. What was approved and cannot be performed counts as skipped."""
    allowed = replace(planned, plan=restricted(planned.plan, found))
    uses = "" if found.broken else found.approved
    report = apply(allowed, loaded, connections, options, on_begin=on_begin, on_outcome=on_outcome, uses=uses)
    return replace(report, outcomes=tuple(sorted([*report.outcomes, *_left_out(found, planned)], key=_by_address)))


def _by_address(outcome: Outcome) -> str:
    return str(outcome.address)


def _left_out(found: ApprovalComparison, planned: Planned) -> list[Outcome]:
    actions = {change.address: change.action for change in planned.plan.changes}
    resources = planned.inputs.resources
    return [
        Outcome(
            address=v.address,
            action=actions.get(v.address, Action.UNCHANGED),
            status=Status.SKIPPED,
            detail=f"{_CODES[v.standing]}: {v.why}",
            hint=_AGAIN,
            source=resources[v.address].source if v.address in resources else None,
        )
        for v in found.objections
        if v.address is not None and v.standing is not ApprovalState.EXTRA
    ]
