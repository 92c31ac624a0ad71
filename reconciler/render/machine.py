"""Plans, reports and diagnostics as JSON for machines. Pure. Every document carries a format number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler import __version__
from reconciler.core.address import Address
from reconciler.core.errors import InvalidInput, ReconcilerError, Refused
from reconciler.core.model import Action, Change, Diagnostic, FieldChange, Json, JsonObject, Operation, Plan
from reconciler.core.plan.sealing import digest_of, digest_of_plan
from reconciler.core.pointer import MISSING, format_pointer
from reconciler.core.report import Outcome, Report, Status
from reconciler.core.timings import Timings
from reconciler.render.report import summarize_report
from reconciler.render.text import drift_word, summarize_plan
from reconciler.render.timings import timings_document

FORMAT = 1


def diagnostics_document(diagnostics: Sequence[Diagnostic]) -> JsonObject:
    """Return diagnostics alone, as `validate` prints them."""
    return {"format": FORMAT, "kind": "diagnostics", "diagnostics": [_diagnostic(d) for d in diagnostics]}


def error_document(error: ReconcilerError) -> JsonObject:
    """Return why a run ended without a result, with its exit code and the reasons one by one."""
    reasons = error.diagnostics if isinstance(error, (InvalidInput, Refused)) else ()
    return {
        "format": FORMAT,
        "kind": "error",
        "message": error.message,
        "hint": error.hint,
        "exitCode": int(error.exit_code),
        "diagnostics": [_diagnostic(d) for d in reasons],
    }


def _diagnostic(diagnostic: Diagnostic) -> JsonObject:
    source = diagnostic.source
    return {
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "address": None if diagnostic.address is None else str(diagnostic.address),
        "path": None if source is None else source.path,
        "line": None if source is None else source.line,
        "column": None if source is None else source.column,
    }


def plan_document(plan: Plan, *, show_requests: bool = False) -> JsonObject:
    """Return a plan; request bodies, redacted, only with `show_requests`."""
    # Of a replacement one of two is counted; what only leaves the ledger is no delete.
    counted = [c for c in plan.changes if c.departure is None or c.departure.replaced is None]
    forgotten = [c for c in counted if c.departure is not None and not c.departure.way.sends]
    counts = Counter(change.action for change in counted if change not in forgotten)
    return {
        "format": FORMAT,
        "kind": "drift" if plan.shows_drift else "plan",
        "target": plan.target,
        "headline": summarize_plan(plan),
        "digest": digest_of_plan(plan),
        "applyable": not plan.blockers,
        "summary": {**{action.value: counts[action] for action in Action}, "forget": len(forgotten)},
        "limits": None
        if plan.limits is None
        else {
            "maxDeletes": plan.limits.max_deletes,
            "maxChangeShare": plan.limits.max_change_share,
            "managed": len(plan.limits.managed),
        },
        "requestsMade": plan.requests_made,
        **_untold(plan),
        **({"snapshotAt": plan.snapshot_at} if plan.snapshot_at else {}),
        "followUps": [
            {
                "system": one.system,
                "title": one.title,
                "request": {"method": one.request.method, "path": one.request.path},
                "waitsFor": sorted(str(address) for address in one.waits_for),
                "overdue": one.overdue,
            }
            for one in plan.follow_ups
        ],
        "changes": [
            {
                **_change(change, show_requests=show_requests),
                **({"drift": _drifted(change)} if plan.shows_drift else {}),
            }
            for change in plan.changes
        ],
        "diagnostics": [_diagnostic(d) for d in plan.diagnostics],
        "blockers": [_diagnostic(d) for d in plan.blockers],
    }


def _untold(plan: Plan) -> JsonObject:
    """Return how many secrets the ledger cannot tell to be applied, where there are any."""
    unsent = sum(len(change.unsent) for change in plan.changes)
    forgotten = sum(len(change.forgotten) for change in plan.changes)
    return {"untoldSecrets": {"neverSent": unsent, "otherKey": forgotten}} if unsent or forgotten else {}


def _change(change: Change, *, show_requests: bool) -> JsonObject:
    source = None if change.resource is None else change.resource.source
    replaced = None if change.departure is None else change.departure.replaced
    return {
        "address": str(change.address),
        "action": change.action.value,
        "way": None if change.departure is None else change.departure.way.value,
        "replaced": None if replaced is None else str(replaced),
        "reason": change.reason,
        "digest": digest_of(change),
        "path": None if source is None else source.path,
        "line": None if source is None else source.line,
        "column": None if source is None else source.column,
        "verified": change.comparability.value,
        "guard": change.guard,
        "waitsFor": sorted(str(address) for address in change.waits_for),
        "dependsOn": sorted(str(address) for address in _depends_on(change)),
        "fields": [{**_field(field), **_place(change, field)} for field in change.fields],
        "notes": list(change.notes),
        "caveats": list(change.caveats),
        **({"unsent": [format_pointer(path) for path in change.unsent]} if change.unsent else {}),
        **({"forgotten": [format_pointer(path) for path in change.forgotten]} if change.forgotten else {}),
        "requests": [
            {
                "method": request.method,
                "path": request.path,
                "onlyIf": request.only_if or None,
                **({"body": request.body} if show_requests and request.has_body else {}),
            }
            for request in change.requests
        ],
    }


def _drifted(change: Change) -> str | None:
    """Return what happened to the live object, in the words that people see."""
    return None if change.is_idle else drift_word(change)


def _depends_on(change: Change) -> frozenset[Address]:
    if change.resource is not None:
        return change.resource.depends_on
    return frozenset() if change.departure is None else change.departure.parents


def _place(change: Change, field: FieldChange) -> JsonObject:
    """Return where in the manifest the field stands, or what encloses it."""
    if change.resource is None:
        return {}
    source = change.resource.locate(("spec", *field.path))
    return {"line": source.line, "column": source.column}


def _field(field: FieldChange) -> JsonObject:
    document: JsonObject = {
        "path": format_pointer(field.path),
        "operation": field.operation.value,
        "sensitive": field.sensitive,
        "known": field.known,
        "cause": field.cause.value or None,
    }
    if field.note:
        document["note"] = field.note
    if not field.sensitive:
        if field.operation is not Operation.ADD:
            document["before"] = field.before
        if field.operation is not Operation.REMOVE and field.known:
            document["after"] = field.after
    return document


def report_document(report: Report, timings: Timings | None = None) -> JsonObject:
    """Return what an apply did, and where the time went; `schemas/report.schema.json` describes it."""
    counts = Counter(outcome.status for outcome in report.outcomes)
    return {
        "format": FORMAT,
        "kind": "report",
        "tool": {"name": "reconciler", "version": __version__},
        "target": report.target,
        "headline": summarize_report(report),
        "planDigest": report.plan_digest,
        "kinds": dict(sorted(report.kinds.items())),
        "ending": report.ending.value,
        "startedAt": report.started_at,
        "finishedAt": report.finished_at,
        "summary": {status.value: counts[status] for status in Status},
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "attempts": report.attempts,
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
        "followUps": [
            {
                "system": one.system,
                "title": one.title,
                "request": {"method": one.request.method, "path": one.request.path},
                "status": one.status.value,
                "detail": one.detail,
                "hint": one.hint,
                "becauseOf": [str(address) for address in one.because_of],
            }
            for one in report.follow_ups
        ],
        **({} if timings is None else {"timings": timings_document(timings)}),
        **({"problems": [_diagnostic(d) for d in report.problems]} if report.problems else {}),
    }


def _outcome(outcome: Outcome) -> Json:
    source = outcome.source
    return {
        "address": str(outcome.address),
        "action": outcome.action.value,
        "status": outcome.status.value,
        "detail": outcome.detail,
        "hint": outcome.hint,
        "path": None if source is None else source.path,
        "line": None if source is None else source.line,
        "column": None if source is None else source.column,
        "becauseOf": [str(address) for address in outcome.because_of],
        "remoteId": outcome.remote_id,
        "requests": outcome.requests,
        "attempts": outcome.attempts,
        "seconds": round(outcome.seconds, 3),
        "moved": [
            {
                "path": format_pointer(one.path),
                "sensitive": one.sensitive,
                **_sides({"plannedOn": one.planned, "now": one.now, "wanted": one.wanted}, hidden=one.sensitive),
            }
            for one in outcome.moved
        ],
        **({"unguarded": list(outcome.unguarded)} if outcome.unguarded else {}),
        "leftovers": [
            {
                "path": format_pointer(one.path),
                "cause": one.cause.value,
                "line": one.line,
                "place": one.place,
                "definition": {"path": one.source.path, "line": one.source.line, "column": one.source.column},
                "sensitive": one.sensitive,
                **_sides({"wanted": one.wanted, "held": one.held}, hidden=one.sensitive),
            }
            for one in outcome.leftovers
        ],
    }


def _sides(values: Mapping[str, Any], *, hidden: bool) -> JsonObject:
    """Return the values that are set and may be shown."""
    return {} if hidden else {name: value for name, value in values.items() if value is not MISSING}
