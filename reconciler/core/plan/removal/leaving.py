"""Objects that go away: each one decided, with what its delete sends and what protects it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.compare.normalize import compare
from reconciler.core.departure import Departure, Way
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.model import Action, Change, Comparability, Json, JsonObject, LiveObject, Resource, Source
from reconciler.core.plan.considered import Considered, Inputs
from reconciler.core.plan.preview import preview_removal, preview_requests
from reconciler.core.plan.remnant import way_of
from reconciler.core.plan.sealing import managed_digest, sealed
from reconciler.core.pointer import MISSING, Path, get, parse_pointer, put
from reconciler.core.records import dataclass
from reconciler.core.wire.guards import guards_named
from reconciler.core.wire.requests import Subject, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """One object that is to go, and why."""

    address: Address
    kind: Kind
    live: LiveObject | None
    place: Mapping[str, Json] = field(repr=False)
    parents: frozenset[Address] = frozenset()
    reason: str
    resource: Resource | None = None  # where a manifest states it all the same
    replaced: Address | None = None
    first: bool = False


def decide_leaving(leaving: Leaving, inputs: Inputs) -> Change:
    """Return the change that takes one object away. Its kind must say how, and nothing may forbid it."""
    way = way_of(leaving.kind)
    assert way is not None
    notes: list[str] = []
    if leaving.live is None and way is not Way.FORGET and not _goes_unseen(leaving):
        way = Way.GONE
        notes.append("it is gone already: nothing is sent, only its record in the ledger goes")
    if way is Way.DISABLE and leaving.live is not None and _is_disabled(leaving.kind, leaving.live):
        way = Way.GONE
        notes.append("it is switched off already: nothing is sent, only its record in the ledger goes")
    recorded = leaving.replaced or leaving.address
    departure = Departure(
        way=way,
        place=dict(leaving.place),
        watched=_watched(leaving, recorded, inputs),
        hidden=_hidden(recorded, inputs),
        parents=leaving.parents,
        replaced=leaving.replaced,
        first=leaving.first,
    )
    change = Change(
        address=leaving.address,
        action=Action.DELETE,
        resource=leaving.resource,
        live=leaving.live if way.sends else None,
        departure=departure,
        reason=leaving.reason,
        notes=(*notes, *_notes(leaving.kind, way)),
        comparability=Comparability.UNREADABLE if leaving.kind.unreadable else Comparability.READ,
    )
    return sealed(_sending(change, leaving.kind) if way.sends else change)


def _goes_unseen(leaving: Leaving) -> bool:
    return bool(leaving.kind.unreadable) and way_of(leaving.kind) is Way.DELETE


def _sending(change: Change, kind: Kind) -> Change:
    """Add what a delete sends, what it is decided on, and what protects it."""
    assert change.departure is not None
    considered = departing(change, kind)
    if change.departure.way is Way.DISABLE:
        disabled = disabling(change, kind)
        writing = Writing(subject=_subject(disabled, change), changed=disabled_fields(kind), creating=False)
        requests = preview_requests(kind, writing, disabled.hides)
    else:
        requests = preview_removal(kind, _subject(considered, change), considered.hides)
    if change.live is None:
        return replace(change, requests=requests, guard="none: the object cannot be read")
    guard = "; ".join(["read again, compared, then deleted", *guards_named(kind, change.live, removing_calls(kind))])
    held = considered.compared_with(change.live).live
    return replace(change, requests=requests, guard=guard, live_digest=managed_digest(held, considered))


def removing_calls(kind: Kind) -> list[Call]:
    """Return the calls that take an object away, where they are not updates of a document."""
    delete = kind.definition.write.delete
    if delete is not None and delete.call is not None:
        return [delete.call]
    return list(kind.definition.write.update) if delete is not None and delete.disable else []


def _subject(considered: Considered, change: Change) -> Subject:
    live = change.live
    return Subject(spec=considered.spec, id=None if live is None else live.id, live=live)


def _notes(kind: Kind, way: Way) -> list[str]:
    delete = kind.definition.write.delete
    notes = []
    if way is Way.DISABLE and delete is not None:
        sets = ", ".join(f"{name}: {str(value).lower()}" for name, value in (delete.disable or {}).items())
        notes.append(f"the API cannot delete it: it is switched off ({sets}), stays, and is no longer managed")
    if way is Way.FORGET:
        notes.append("the API cannot delete it: it stays as it is, and is no longer managed")
    if way is not Way.GONE and delete is not None and delete.warning:
        notes.append("warning: " + " ".join(delete.warning.split()))
    return notes


# --------------------------------------------------------------------------- as it was, and as it is to be


def departing(change: Change, kind: Kind) -> Considered:
    """Return the object of a delete as a resource that states what must not have moved: what is read is compared
    with it right before."""
    departure, live = change.departure, change.live
    assert departure is not None
    stated: JsonObject = {}
    for path in departure.watched:
        value = get(live.spec, path) if live is not None else MISSING
        if value is not MISSING:
            stated = put(stated, path, value)
    return _unstated(change, kind, {**stated, **departure.place})


def disabling(change: Change, kind: Kind) -> Considered:
    """Return the object of a delete as a resource that states that it is switched off."""
    delete = kind.definition.write.delete
    assert change.departure is not None
    assert delete is not None
    return _unstated(change, kind, {**change.departure.place, **(delete.disable or {})})


def disabled_fields(kind: Kind) -> frozenset[str]:
    """Return the fields that switch an object off."""
    delete = kind.definition.write.delete
    return frozenset(delete.disable or {}) if delete is not None else frozenset()


def _unstated(change: Change, kind: Kind, spec: JsonObject) -> Considered:
    nowhere = Source("")
    resource = Resource(address=change.address, spec=spec, source=nowhere, locate=lambda path, key=False: nowhere)
    assert change.departure is not None
    return Considered(
        resource=resource,
        kind=kind,
        spec=spec,
        unknown=frozenset(),
        hidden=change.departure.hidden,
        readable=not kind.unreadable,
    )


def _is_disabled(kind: Kind, live: LiveObject) -> bool:
    delete = kind.definition.write.delete
    wanted = (delete.disable or {}) if delete is not None else {}
    return compare(kind.fields, wanted, live.spec, absent=kind.definition.read.absent).equal


def _watched(leaving: Leaving, recorded: Address, inputs: Inputs) -> tuple[Path, ...]:
    """Return the paths that must not move: those that were managed, or all that a person may set."""
    stated = inputs.memory.stated_before(recorded)
    if not stated:
        fields = leaving.kind.fields.properties
        stated = frozenset((name,) for name, info in fields.items() if not info.read_only)
    return tuple(sorted(stated, key=lambda path: [str(step) for step in path]))


def _hidden(recorded: Address, inputs: Inputs) -> frozenset[Path]:
    record = inputs.memory.record_of(recorded)
    return frozenset(parse_pointer(pointer) for pointer in record.secrets) if record is not None else frozenset()
