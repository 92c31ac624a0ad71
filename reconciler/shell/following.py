"""Follow-ups asked about and carried out: once for all their changes, after the last of them.

Reads and writes: the live systems, through the functions given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.core.errors import ApiError, ReconcilerError, TransportError
from reconciler.core.follow_ups import Occasion, occasions
from reconciler.core.judge import holds, judge
from reconciler.core.kinds import Catalog
from reconciler.core.model import Address, FollowUpOutcome, Outcome, Plan, PlannedFollowUp, Send, Status
from reconciler.core.owing import mark
from reconciler.core.pointer import MISSING
from reconciler.core.references import Known
from reconciler.core.template import TemplateError
from reconciler.shell.refresh import LiveReader


def find_due(
    reader: LiveReader, known: Known, selected: frozenset[Address], owes: Callable[[Address], frozenset[str]]
) -> list[Occasion]:
    """Return the follow-ups of existing objects that are due whatever changes. Raises ApiError.

    Either an earlier run still `owes` them, or their check tells, which is sent once for each.
    """
    asked: dict[str, Occasion] = {}
    owed: dict[str, Occasion] = {}
    kinds = reader.catalog.kinds
    checked = {name for name, kind in kinds.items() if any(one.check for one in kind.definition.write.after)}
    for address in sorted(a for a in selected if (a.system, a.kind) in checked or owes(a)):
        live = known.live.get(address)
        if live is None:
            continue
        kind, marks = kinds[address.system, address.kind], owes(address)
        spec, _ = known.spec_of(known.resources[address])
        for occasion in occasions(kind, address, spec, live):
            if mark(occasion.key) in marks:
                owed[occasion.key] = occasion
            elif occasion.follow_up.check is not None:
                asked.setdefault(occasion.key, occasion)
    answers = reader.run_all(lambda occasion: _is_due(reader, occasion), list(asked.values()))
    return [*owed.values(), *(occasion for occasion, due in zip(asked.values(), answers, strict=True) if due)]


def _is_due(reader: LiveReader, occasion: Occasion) -> bool:
    check = occasion.follow_up.check
    assert check is not None
    response = reader.ask(occasion.kind, check, occasion.request(check, writes=False), absent_ok=True)
    if response is None:
        return False
    try:
        body = response.json()
    except ValueError:
        body = MISSING
    return any(holds(condition, body) for condition in check.due)


def carry_out(
    plan: Plan, outcomes: Mapping[Address, Outcome], known: Known, catalog: Catalog, send: Send
) -> tuple[FollowUpOutcome, ...]:
    """Carry out the follow-ups of `plan` whose changes all succeeded; the others are skipped by name."""
    return tuple(
        replace(_carry_out(one, outcomes, known, catalog, send), key=_key_now(one, known, catalog))
        for one in plan.follow_ups
    )


def _key_now(planned: PlannedFollowUp, known: Known, catalog: Catalog) -> str:
    """Return the key that the follow-up has now: ids of parents that were created in this run stand in it."""
    occasion = _occasion(planned, known, catalog)
    return planned.key if occasion is None else occasion.key


def _occasion(planned: PlannedFollowUp, known: Known, catalog: Catalog) -> Occasion | None:
    if planned.address not in known.resources:
        return None
    kind = catalog.kinds[planned.address.system, planned.address.kind]
    spec, _ = known.spec_of(known.resources[planned.address])
    for found in occasions(kind, planned.address, spec, known.live.get(planned.address)):
        if found.follow_up.title == planned.title and found.item == planned.item:
            return found
    return None


def skip_all(plan: Plan, detail: str) -> tuple[FollowUpOutcome, ...]:
    """Return the outcomes of follow-ups that nobody tried."""
    return tuple(_outcome(one, Status.SKIPPED, detail, "apply again") for one in plan.follow_ups)


MADE_UP_FOR = "it is made up for when they succeed"


def _carry_out(
    planned: PlannedFollowUp, outcomes: Mapping[Address, Outcome], known: Known, catalog: Catalog, send: Send
) -> FollowUpOutcome:
    failed = [a for a in sorted(planned.waits_for) if outcomes[a].status is not Status.APPLIED]
    if failed:
        names = ", ".join(str(address) for address in failed)
        skipped = _outcome(planned, Status.SKIPPED, f"because of {names}", MADE_UP_FOR)
        return replace(skipped, because_of=tuple(failed))
    occasion = _occasion(planned, known, catalog)
    assert occasion is not None  # its change is applied
    try:
        request = occasion.request(occasion.follow_up, writes=True)
        verdict = judge(occasion.kind, send(request), occasion.follow_up)
    except TransportError as error:
        status = Status.IN_DOUBT if error.sent else Status.FAILED
        return _outcome(planned, status, error.message, error.hint or "apply again")
    except (ApiError, ReconcilerError) as error:
        return _outcome(planned, Status.FAILED, error.message, error.hint)
    except TemplateError as error:
        return _outcome(planned, Status.FAILED, str(error))
    if verdict.ok:
        return _outcome(planned, Status.APPLIED)
    return _outcome(planned, Status.FAILED, verdict.message, verdict.hint)


def _outcome(planned: PlannedFollowUp, status: Status, detail: str = "", hint: str = "") -> FollowUpOutcome:
    return FollowUpOutcome(
        title=planned.title, request=planned.request, system=planned.system, status=status, detail=detail, hint=hint
    )
