"""Desired state, live state and memory to a plan: match, compare, decide, order. Pure.

Nothing is sent here and nothing is decided later: apply carries out exactly the changes of this plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.core.diff import field_changes
from reconciler.core.fields import FieldInfo
from reconciler.core.follow_ups import Occasion, occasions, plan_follow_ups
from reconciler.core.graph import levels
from reconciler.core.judge import holds
from reconciler.core.kinds import Catalog, Kind
from reconciler.core.model import (
    Action,
    Address,
    Cause,
    Change,
    Comparability,
    Diagnostic,
    FieldChange,
    Json,
    JsonObject,
    LiveObject,
    Plan,
    Resource,
    Severity,
)
from reconciler.core.normalize import Comparison, Remembers, compare, digest, is_masked, nothing_remembered
from reconciler.core.pointer import MISSING, Path, format_pointer, get, starts_with
from reconciler.core.preview import preview_requests
from reconciler.core.references import Known, hidden_paths
from reconciler.core.wire import Subject, Writing, call_fields, is_hidden_in, origin_changes


class Memory(Protocol):
    """What the ledger remembers of earlier applies."""

    def remembers(self, address: Address, remote_id: str) -> Remembers:
        """Return a function that tells whether a value is the one last applied at a path of an object."""
        ...

    def stated_before(self, address: Address) -> frozenset[Path]:
        """Return the paths that were stated when `address` was last applied."""
        ...


class NoMemory:
    """The memory of a target without a ledger."""

    def remembers(self, address: Address, remote_id: str) -> Remembers:
        del address, remote_id
        return nothing_remembered

    def stated_before(self, address: Address) -> frozenset[Path]:
        del address
        return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a plan is made of."""

    target: str
    resources: Mapping[Address, Resource]  # all of them; references may lead outside the selection
    selected: frozenset[Address]
    catalog: Catalog
    live: Mapping[Address, LiveObject]
    unreadable: Mapping[Address, str]
    memory: Memory = field(default_factory=NoMemory)
    due: tuple[Occasion, ...] = ()  # follow-ups that are due whatever changes
    resend: bool = False  # send write-only and masked values even where nothing tells that they differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """One resource with everything known about it: what planning and the executor both decide on."""

    resource: Resource
    kind: Kind
    spec: JsonObject = field(repr=False)  # references filled in; never printed
    unknown: frozenset[Path]
    hidden: frozenset[Path]
    remembers: Remembers = nothing_remembered
    readable: bool = True

    def hides(self, path: Path) -> bool:
        return self.kind.fields.hides(path) or is_hidden_in(self.hidden, path)

    def compared_with(self, live: LiveObject) -> Comparison:
        """Return the managed fields of this resource beside those of `live`."""
        return compare(
            self.kind.fields,
            managed(self.kind, self.resource, self.spec),
            live.spec,
            absent=self.kind.definition.read.absent,
            remembers=self.remembers,
            readable=self.readable,
        )


def managed(kind: Kind, resource: Resource, spec: JsonObject) -> JsonObject:
    """Return the part of `spec` that is compared and updated once the object exists."""
    kept = {name: value for name, value in spec.items() if not kind.fields.child(name).create_only}
    for path in resource.lifecycle.ignore:
        kept = _without(kept, path)
    return kept


def _without(value: Json, path: Path) -> Json:
    if isinstance(value, dict) and path and path[0] in value:
        rest = _without(value[path[0]], path[1:]) if len(path) > 1 else MISSING
        kept = {name: item for name, item in value.items() if name != path[0]}
        return kept if rest is MISSING else {**kept, path[0]: rest}
    return value


def make_plan(inputs: Inputs, problems: Sequence[Diagnostic] = ()) -> Plan:
    """Return the plan that leads from the live state to the desired state. `problems` become blockers."""
    known = Known(resources=inputs.resources, live=inputs.live)
    changes: list[Change] = []
    blockers = [problem for problem in problems if problem.severity is Severity.ERROR]
    for address in sorted(inputs.selected):
        considered = consider(address, inputs, known)
        if any(problem.address == address for problem in blockers):
            continue
        change, found = _decide(considered, inputs)
        changes.append(change)
        blockers += found
    changes = _ordered(changes, inputs)
    blockers += _unselected_parents(changes, inputs)
    follow_ups = plan_follow_ups(_occasions(changes, inputs, known), inputs.due)
    warnings = [problem for problem in problems if problem.severity is not Severity.ERROR]
    return Plan(
        target=inputs.target,
        changes=tuple(changes),
        diagnostics=tuple(warnings),
        blockers=tuple(blockers),
        follow_ups=follow_ups,
        digest=digest([[change.digest for change in changes], [one.key for one in follow_ups]]),
    )


def _occasions(changes: Sequence[Change], inputs: Inputs, known: Known) -> Iterator[Occasion]:
    for change in changes:
        if change.action is not Action.UNCHANGED:
            considered = consider(change.address, inputs, known)
            yield from occasions(considered.kind, change.address, considered.spec, change.live)


def consider(address: Address, inputs: Inputs, known: Known) -> Considered:
    """Return what is known about one resource, with the references that have a value filled in."""
    resource = inputs.resources[address]
    spec, unknown = known.spec_of(resource)
    live = inputs.live.get(address)
    remembers = nothing_remembered if live is None else inputs.memory.remembers(address, live.id)
    if inputs.resend:

        def resending(path: Path, value: Json) -> bool | None:
            del path, value
            return False

        remembers = resending
    return Considered(
        resource=resource,
        kind=inputs.catalog.kinds[address.system, address.kind],
        spec=spec,
        unknown=unknown,
        hidden=hidden_paths(resource, inputs.resources, inputs.catalog),
        remembers=remembers,
        readable=address not in inputs.unreadable,
    )


# --------------------------------------------------------------------------- one resource


def _decide(considered: Considered, inputs: Inputs) -> tuple[Change, list[Diagnostic]]:
    address = considered.resource.address
    live = inputs.live.get(address)
    blockers = _requirements(considered, inputs)
    if live is None:
        change, found = _decide_missing(considered)
    else:
        change, found = _decide_existing(considered, live, inputs)
    return change, blockers + found


def _decide_missing(considered: Considered) -> tuple[Change, list[Diagnostic]]:
    resource, kind = considered.resource, considered.kind
    if resource.lifecycle.lookup:
        return _unchanged(considered, None), [
            _blocker(
                resource,
                "not-found",
                f"{resource.address} does not exist, and it is only looked up",
                "correct the fields that find it, or remove `lifecycle.lookup` to have it created",
            )
        ]
    if not kind.can_create:
        parent = " before its parent does" if kind.definition.identity.singleton else ""
        return _unchanged(considered, None), [
            _blocker(
                resource,
                "not-found",
                f"{resource.address} does not exist, and {kind.name} cannot be created through the API{parent}",
                "create it by hand, or correct the fields that find it",
            )
        ]
    create = kind.definition.write.create
    lacking = [name for name in (create.required if create is not None else []) if name not in considered.spec]
    comparison = compare(kind.fields, considered.spec, None, readable=False)
    fields = field_changes(comparison, stated=considered.spec, hidden=considered.hides, unknown=considered.unknown)
    change = Change(
        address=resource.address,
        action=Action.CREATE,
        resource=resource,
        fields=fields,
        guard="must not exist",
        reason="not found by its natural key",
        comparability=Comparability.READ,
    )
    requests = preview_requests(kind, _writing(considered, None, frozenset(considered.spec)), considered.hides)
    blockers = [
        _blocker(
            resource,
            "missing-field",
            f"{resource.address} does not exist, and to create it the field {name!r} is needed",
            kind.fields.child(name).description,
        )
        for name in lacking
    ]
    return _sealed(replace(change, requests=requests)), blockers


def _unchanged(considered: Considered, live: LiveObject | None) -> Change:
    return _sealed(
        Change(
            address=considered.resource.address,
            action=Action.UNCHANGED,
            resource=considered.resource,
            live=live,
        )
    )


def _decide_existing(considered: Considered, live: LiveObject, inputs: Inputs) -> tuple[Change, list[Diagnostic]]:
    resource, kind = considered.resource, considered.kind
    comparison = considered.compared_with(live)
    fields = field_changes(
        comparison,
        stated=managed(kind, resource, considered.spec),
        hidden=considered.hides,
        unknown=considered.unknown,
    )
    notes, caveats = _notes(considered, inputs), _caveats(considered, comparison, inputs)
    if resource.lifecycle.lookup or not fields:
        change = replace(
            _unchanged(considered, live), notes=notes, caveats=caveats, comparability=_comparability(considered)
        )
        return change, []
    fields = _with_causes(fields, considered, comparison, inputs, live)
    change = Change(
        address=resource.address,
        action=Action.UPDATE,
        resource=resource,
        fields=fields,
        live=live,
        live_digest=digest(_redacted_for_digest(comparison.live, considered)),
        guard=_guard(considered),
        reason="the values cannot be read, and the ledger does not hold them as applied"
        if not considered.readable
        else "managed fields differ",
        comparability=_comparability(considered),
        notes=notes,
        caveats=caveats,
    )
    blockers = _blocked_fields(considered, fields)
    if blockers:
        return _sealed(replace(change, action=Action.REPLACE, reason="an immutable field differs")), blockers
    changed = frozenset(str(f.path[0]) for f in fields)
    writing = _writing(considered, live, changed)
    blockers = [*_incomplete_groups(considered, writing), *_refusals(considered, writing)]
    requests = preview_requests(kind, writing, considered.hides)
    return _sealed(replace(change, requests=requests)), blockers


def _writing(considered: Considered, live: LiveObject | None, changed: frozenset[str]) -> Writing:
    subject = Subject(spec=considered.spec, id=None if live is None else live.id, live=live)
    return Writing(subject=subject, changed=changed, creating=live is None)


def _comparability(considered: Considered) -> Comparability:
    return Comparability.READ if considered.readable else Comparability.UNREADABLE


def _guard(considered: Considered) -> str:
    guard = considered.kind.definition.guard
    if not considered.readable:
        return "none: the object cannot be read"
    words = ["read again, compared, then written"]
    if guard.if_match:
        words.append("If-Match with its ETag")
    if guard.version is not None:
        words.append(f"version field {guard.version}")
    return "; ".join(words)


def _notes(considered: Considered, inputs: Inputs) -> tuple[str, ...]:
    stated = _leaves(considered.spec)
    before = inputs.memory.stated_before(considered.resource.address)
    released = [p for p in sorted(before, key=format_pointer) if not any(_overlaps(p, s) for s in stated)]
    names = ", ".join(format_pointer(path) for path in released)
    return (f"no longer stated, the value stays as it is: {names}",) if released else ()


def _caveats(considered: Considered, comparison: Comparison, inputs: Inputs) -> tuple[str, ...]:
    caveats = []
    if not considered.readable:
        caveats.append("not verified against live: " + inputs.unreadable[considered.resource.address])
    if comparison.incomparable:
        names = ", ".join(sorted(format_pointer(path) for path in comparison.incomparable))
        caveats.append(f"not comparable, taken as equal: {names} (`--resend` sends them)")
    return tuple(caveats)


def _overlaps(one: Path, other: Path) -> bool:
    return starts_with(one, other) or starts_with(other, one)


def _leaves(value: Json, path: Path = ()) -> list[Path]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    return [path]


def _with_causes(
    fields: tuple[FieldChange, ...], considered: Considered, comparison: Comparison, inputs: Inputs, live: LiveObject
) -> tuple[FieldChange, ...]:
    """Say of each field whether the manifest or the live system moved since the last apply, where that is known."""
    address = considered.resource.address
    remembers = inputs.memory.remembers(address, live.id)
    recorded = inputs.memory.stated_before(address)
    return tuple(replace(change, cause=_cause(change.path, comparison, remembers, recorded)) for change in fields)


def _cause(path: Path, comparison: Comparison, remembers: Remembers, recorded: frozenset[Path]) -> Cause:
    # What stands inside a list is remembered with the list.
    place = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in recorded), path)
    desired, live = (get(side, place) for side in (comparison.desired, comparison.live))
    desired_same = remembers(place, None if desired is MISSING else desired)
    if path in comparison.unseen:
        return Cause.MANIFEST if desired_same is False else Cause.UNKNOWN
    live_same = remembers(place, None if live is MISSING else live)
    if desired_same is None or live_same is None:
        return Cause.UNKNOWN
    if desired_same:
        return Cause.DRIFT
    return Cause.BOTH if not live_same and place in recorded else Cause.MANIFEST


def _redacted_for_digest(live: Json, considered: Considered, path: Path = ()) -> Json:
    """Leave secrets out of what the digest covers: a digest in a public plan must not help to guess them."""
    if considered.hides(path) and path:
        return "(sensitive)"
    if isinstance(live, dict):
        return {k: _redacted_for_digest(v, considered, (*path, k)) for k, v in live.items()}
    if isinstance(live, list):
        return [_redacted_for_digest(v, considered, (*path, i)) for i, v in enumerate(live)]
    return live


def _sealed(change: Change) -> Change:
    covered = [
        str(change.address),
        change.action.value,
        [[f.operation.value, format_pointer(f.path), f.before, f.after, f.sensitive, f.known] for f in change.fields],
        change.live_digest,
    ]
    return replace(change, digest=digest(covered))


# --------------------------------------------------------------------------- what stands in the way


def _blocker(resource: Resource, code: str, message: str, hint: str, path: Path | None = None) -> Diagnostic:
    source = resource.source if path is None else resource.locate(("spec", *path))
    return Diagnostic(
        severity=Severity.ERROR,
        code=code,
        message=message,
        source=source,
        hint=hint,
        address=resource.address,
    )


def _blocked_fields(considered: Considered, fields: tuple[FieldChange, ...]) -> list[Diagnostic]:
    resource, kind = considered.resource, considered.kind
    blockers = []
    if not kind.can_update:
        return [
            _blocker(
                resource,
                "not-updatable",
                f"{resource.address} differs, and {kind.name} cannot be changed through the API",
                "change it by hand, or make the manifest agree with it",
                fields[0].path,
            )
        ]
    for change in fields:
        if _is_immutable(kind.fields, change.path):
            blockers.append(
                _blocker(
                    resource,
                    "immutable-field",
                    f"{resource.address}: {format_pointer(change.path)} cannot change once the object exists",
                    "put the old value back, or create it anew under another name",
                    change.path,
                )
            )
    return blockers


def _is_immutable(info: FieldInfo, path: Path) -> bool:
    return any(info.at(path[: length + 1]).immutable for length in range(len(path)))


def _requirements(considered: Considered, inputs: Inputs) -> list[Diagnostic]:
    """Check what the kind demands of the objects that its reference fields name."""
    blockers = []
    for requirement in considered.kind.definition.requires:
        for expression in considered.resource.expressions:
            if expression.path != (requirement.field,):
                continue
            for reference in expression.references:
                parent = inputs.live.get(reference.address)
                if parent is not None and not holds(requirement, parent.spec):
                    blockers.append(
                        _blocker(
                            considered.resource,
                            "wrong-parent",
                            f"{considered.resource.address}: {reference.address}: {requirement.message}",
                            "refer to another object",
                            (requirement.field,),
                        )
                    )
    return blockers


def _incomplete_groups(considered: Considered, writing: Writing) -> list[Diagnostic]:
    """Refuse a write that would make the server drop a hidden value that the manifest does not state."""
    blockers = []
    live = writing.subject.live
    for group in considered.kind.definition.together:
        trigger = {group.when} if group.when is not None else set(group.fields)
        if not group.complete or live is None or not trigger & writing.changed:
            continue
        if group.part is not None and not origin_changes(group.when or group.fields[0], writing):
            continue
        for name in group.fields:
            if name not in considered.spec and _holds_hidden(considered.kind.fields.child(name), name, live):
                why = f": {group.reason}" if group.reason else ""
                blockers.append(
                    _blocker(
                        considered.resource,
                        "incomplete-write",
                        f"{considered.resource.address}: {name!r} is set on the server, cannot be read, and "
                        f"would be lost by this change{why}",
                        f"state {name!r} in the manifest",
                        (group.when or group.fields[0],),
                    )
                )
    return blockers


def _refusals(considered: Considered, writing: Writing) -> list[Diagnostic]:
    """Refuse an update call that the kind says would damage this live object."""
    live = writing.subject.live
    return [
        _blocker(
            considered.resource,
            "refused-update",
            f"{considered.resource.address}: {rule.message}",
            "make the change by hand, or remove what would be damaged",
        )
        for call in considered.kind.definition.write.update
        for rule in call.refuse
        if live is not None and holds(rule, live.body) and call_fields(considered.kind, call, writing) & writing.changed
    ]


def _holds_hidden(info: FieldInfo, name: str, live: LiveObject) -> bool:
    if info.presence is not None and live.spec.get(info.presence):
        return True
    return _any_masked(info, live.spec.get(name))


def _any_masked(info: FieldInfo, value: Json) -> bool:
    if isinstance(value, dict):
        return any(_any_masked(info.child(key), item) for key, item in value.items())
    return is_masked(info, value)


# --------------------------------------------------------------------------- order


def _ordered(changes: list[Change], inputs: Inputs) -> list[Change]:
    """Tell each pending change which other pending ones it waits for, also across unchanged ones between them."""
    pending = {change.address for change in changes if change.action is not Action.UNCHANGED}
    parents = {a: [p for p in r.depends_on if p in inputs.resources] for a, r in inputs.resources.items()}
    awaited: dict[Address, frozenset[Address]] = {}
    for layer in levels(parents):
        for address in layer:
            nearest = [frozenset({p}) if p in pending else awaited[p] for p in parents[address]]
            awaited[address] = frozenset().union(*nearest)
    return [replace(change, waits_for=awaited[change.address]) for change in changes]


def _unselected_parents(changes: list[Change], inputs: Inputs) -> list[Diagnostic]:
    """Refuse changes that refer to something that does not exist and is not part of the selection."""
    blockers = []
    for change in changes:
        if change.action is Action.UNCHANGED:
            continue
        for expression in change.resource.expressions:
            for reference in expression.references:
                missing = reference.address not in inputs.live and reference.address not in inputs.selected
                if missing and reference.pointer is None:
                    blockers.append(
                        _blocker(
                            change.resource,
                            "unselected-reference",
                            f"{change.address} refers to {reference.address}, which does not exist yet and is not "
                            "selected",
                            "select it as well",
                            expression.path,
                        )
                    )
    return blockers
