"""Whether lists show what was created, where nothing else would remember it.

Reads: the live systems, through the reader given. Writes: nothing.

Without a ledger, an object that the list does not show is created again by the next run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.core.canonical import canonical_json
from reconciler.core.errors import ApiError, ReconcilerError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import LiveObject
from reconciler.core.report import Outcome, Status
from reconciler.shell.apply.run import Tools
from reconciler.shell.apply.truth import FIRST_PAUSE_S, LONGEST_PAUSE_S
from reconciler.shell.live.refresh import LiveReader

Created = tuple[Outcome, Kind, LiveObject]


def unshown(created: Iterable[Created], reader: LiveReader, tools: Tools) -> list[Outcome]:
    """Return the outcomes, as failed, of the objects that their lists do not show within the patience of the kind."""
    groups: dict[tuple[str, str], list[Created]] = {}
    for one in created:
        _, kind, live = one
        if kind.definition.read.lists and not kind.unreadable:
            scope = canonical_json([live.spec.get(name) for name in kind.scope])
            groups.setdefault((kind.full_name, scope), []).append(one)
    found = reader.run_all(lambda group: _hidden_in_scope(group, reader, tools), list(groups.values()))
    return [outcome for outcomes in found for outcome in outcomes]


def _hidden_in_scope(group: list[Created], reader: LiveReader, tools: Tools) -> list[Outcome]:
    _, kind, first = group[0]
    deadline, pause = tools.clock() + kind.definition.read.settle_seconds, FIRST_PAUSE_S
    while True:
        try:
            shown = reader.listed(kind, first.spec, fresh=True).objects
        except ApiError:
            return []  # nothing tells that the next run will not find them
        hidden = [outcome for outcome, _, live in group if live.id not in shown]
        if hidden and _signed_in_anew(kind, tools):
            continue
        if not hidden or tools.clock() >= deadline:
            return [_failed(outcome) for outcome in hidden]
        tools.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _signed_in_anew(kind: Kind, tools: Tools) -> bool:
    """Sign in anew, since lists may show objects of this run only with rights that came with them."""
    try:
        return tools.renew(kind.definition.system)
    except ReconcilerError:
        return False


def _failed(outcome: Outcome) -> Outcome:
    return replace(
        outcome,
        status=Status.FAILED,
        detail=f"created with the id {outcome.remote_id}, but the list does not show it: without a ledger, the next "
        "run would create it again",
        hint="use a ledger; or correct read.list of the kind: a filter, its paging, or settleSeconds where it is late",
    )
