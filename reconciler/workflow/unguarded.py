"""Which guards that kinds ask for are not in force, told before anything is written.

Reads: the live systems, through the reader: at most one object of each kind with something to write, and only where the
list that the plan rests on does not tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.errors import ReconcilerError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.manifests.references import Known
from reconciler.core.model import Action, Change, Diagnostic, LiveObject, Plan, Severity
from reconciler.core.plan.considered import Inputs, consider
from reconciler.core.plan.removal.leaving import departing, removing_calls
from reconciler.core.wire.guards import guards_missing
from reconciler.shell.live.refresh import LiveReader


def find_unguarded(plan: Plan, inputs: Inputs, reader: LiveReader) -> Iterator[Diagnostic]:
    """Yield a warning for each guard that a kind asks for and the server does not give."""
    known = Known(resources=inputs.resources, live=inputs.live)
    seen: set[str] = set()
    for change in plan.pending:
        kind = inputs.catalog.kinds[change.address.system, change.address.kind]
        calls = _calls(kind, change)
        if not calls or kind.full_name in seen or kind.unreadable or kind.definition.write.inside is not None:
            continue
        seen.add(kind.full_name)
        live = _read_by_itself(kind, change, inputs, known, reader) if _lacks(kind, change.live, calls) else None
        for reason in () if live is None else guards_missing(kind, live, calls):
            yield Diagnostic(
                severity=Severity.WARNING,
                code="guard-off",
                message=f"{kind.full_name} asks for a guard that the server does not give: {reason}",
                hint="what somebody changes between the read right before a write and the write is overwritten; take "
                "`guard` out of the kind if the API has none",
            )


def _calls(kind: Kind, change: Change) -> list[Call]:
    """Return the calls that write over the live object of a change."""
    if change.live is None:
        return []
    if change.departure is not None:
        return removing_calls(kind)
    return list(kind.definition.write.update) if change.action is Action.UPDATE else []


def _lacks(kind: Kind, live: LiveObject | None, calls: list[Call]) -> bool:
    return live is not None and any(True for _ in guards_missing(kind, live, calls))


def _read_by_itself(kind: Kind, change: Change, inputs: Inputs, known: Known, reader: LiveReader) -> LiveObject | None:
    """Return the object as a read of it shows it, None when there is no telling."""
    live = change.live
    assert live is not None
    if live.no_etag or live.etag is not None or kind.definition.read.get is None:
        return live
    considered = departing(change, kind) if change.departure is not None else consider(change.address, inputs, known)
    try:
        return reader.get_object(kind, considered.spec, live.id)
    except ReconcilerError:
        return None  # the change itself will say why
