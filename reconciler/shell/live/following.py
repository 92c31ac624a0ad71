"""Follow-ups asked about and carried out: once for all their changes, after the last of them.

Reads and writes: the live systems, through the functions given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.errors import ApiError, ReconcilerError, TransportError
from reconciler.core.kinds.template import TemplateError
from reconciler.core.manifests.references import Known
from reconciler.core.memory.ledger import Record
from reconciler.core.model import Change, JsonObject, LiveObject, Plan, PlannedFollowUp, Send
from reconciler.core.plan.considered import Inputs
from reconciler.core.plan.follow_ups import Occasion, occasions
from reconciler.core.plan.owing import mark
from reconciler.core.plan.removal.leaving import departing
from reconciler.core.pointer import MISSING
from reconciler.core.report import FollowUpOutcome, Outcome, Status
from reconciler.core.wire.judge import holds
from reconciler.shell.live.judging import judged
from reconciler.shell.live.refresh import LiveReader


def find_due(
    reader: LiveReader, known: Known, selected: frozenset[Address], owing: Mapping[Address, Record]
) -> list[Occasion]:
    """Return the follow-ups that are due whatever changes. Raises ApiError.

    Either an earlier run still owes them (`owing` are the records that say so), for an object that is there or for one
    that it took away, or the check of an existing object tells, which is sent once for each.
    """
    asked: dict[str, Occasion] = {}
    owed: dict[str, Occasion] = {}
    kinds = reader.catalog.kinds
    checked = {name for name, kind in kinds.items() if any(one.check for one in kind.definition.write.after)}
    left = {a for a in owing if a not in known.resources and (a.system, a.kind) in kinds}
    for address in sorted({*left, *(a for a in selected if (a.system, a.kind) in checked or a in owing)}):
        record = owing.get(address)
        spec, live = _as_it_is(address, known, record)
        if live is None:
            continue
        kind, marks = kinds[address.system, address.kind], () if record is None else record.owed
        for occasion in occasions(kind, address, spec, live):
            if mark(occasion.key) in marks:
                owed[occasion.key] = occasion
            elif occasion.follow_up.check is not None and address not in left:
                asked.setdefault(occasion.key, occasion)
    answers = reader.run_all(lambda occasion: _is_due(reader, occasion), list(asked.values()))
    return [*owed.values(), *(occasion for occasion, due in zip(asked.values(), answers, strict=True) if due)]


def _as_it_is(address: Address, known: Known, record: Record | None) -> tuple[JsonObject, LiveObject | None]:
    """Return what is stated of a resource and its live object; of what no manifest states, what is remembered."""
    if address in known.resources:
        return known.spec_of(known.resources[address])[0], known.live.get(address)
    place = dict(record.removal.place) if record is not None and record.removal is not None else {}
    return place, None if record is None else LiveObject(id=record.id, body={}, spec=place)


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
    plan: Plan,
    outcomes: Mapping[Address, Outcome],
    known: Known,
    inputs: Inputs,
    send: Send,
    unexpected: Callable[[Exception, str], str],
) -> tuple[FollowUpOutcome, ...]:
    """Carry out the follow-ups of `plan` whose changes all succeeded; the others are skipped by name.

    `unexpected` is told of what nobody expected and of the follow-up that it ended, and returns what to say of it.
    """
    gone = {change.address: change for change in plan.changes if change.live is not None and change.departure}
    found = []
    for one in plan.follow_ups:
        try:
            occasion = _occasion(one, gone.get(one.address), known, inputs)
            found.append(replace(_carry_out(one, occasion, outcomes, send), key=occasion.key))
        except Exception as error:  # noqa: BLE001  one follow-up never ends a run
            # Sent or not: it is owed until it is known to be done.
            found.append(_outcome(one, Status.IN_DOUBT, unexpected(error, f"{one.system}: {one.title}"), "apply again"))
    return tuple(found)


def _occasion(planned: PlannedFollowUp, gone: Change | None, known: Known, inputs: Inputs) -> Occasion:
    """Return a follow-up as it is now: ids of parents that were created in this run stand in it.

    `gone` is the change that took its object away, where there was one.
    """
    kind = inputs.catalog.kinds[planned.address.system, planned.address.kind]
    if gone is not None:
        spec, live = departing(gone, kind).spec, gone.live
    else:
        spec, live = _as_it_is(planned.address, known, inputs.memory.record_of(planned.address))
    found = occasions(kind, planned.address, spec, live)
    return next(one for one in found if one.follow_up.title == planned.title and one.item == planned.item)


def skip_all(plan: Plan, detail: str) -> tuple[FollowUpOutcome, ...]:
    """Return the outcomes of follow-ups that nobody tried."""
    return tuple(_outcome(one, Status.SKIPPED, detail, "apply again") for one in plan.follow_ups)


MADE_UP_FOR = "it is made up for when they succeed"


def _carry_out(
    planned: PlannedFollowUp, occasion: Occasion, outcomes: Mapping[Address, Outcome], send: Send
) -> FollowUpOutcome:
    done = (Status.APPLIED, Status.UNCHANGED)  # what was only looked at again has not changed
    failed = [a for a in sorted(planned.waits_for) if outcomes[a].status not in done]
    if failed:
        names = ", ".join(str(address) for address in failed)
        skipped = _outcome(planned, Status.SKIPPED, f"because of {names}", MADE_UP_FOR)
        return replace(skipped, because_of=tuple(failed))
    try:
        request = occasion.request(occasion.follow_up, writes=True)
        verdict = judged(occasion.kind, occasion.follow_up, request, send(request))
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
