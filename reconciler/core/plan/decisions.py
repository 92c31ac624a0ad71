"""One resource decided: what is to be done about it, why, and what stands in its way. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.compare.diff import field_changes
from reconciler.core.compare.normalize import compare
from reconciler.core.compare.sameness import surely_same
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import WriteCall
from reconciler.core.manifests.references import awaits_parent
from reconciler.core.model import (
    Action,
    Change,
    Comparability,
    Diagnostic,
    JsonObject,
    LiveObject,
    Resource,
)
from reconciler.core.plan.causes import with_causes
from reconciler.core.plan.considered import Considered, Inputs, managed
from reconciler.core.plan.losses import at_risk, broken_rules, lost_secrets
from reconciler.core.plan.obstacles import (
    FOR_A_NEW_OBJECT,
    blocked_fields,
    blocker,
    incomplete_groups,
    refusals,
    requirements,
    uncarried,
)
from reconciler.core.plan.preview import preview_requests, set_later
from reconciler.core.plan.remarks import caveats_of, notes_on, untold_secrets, unverified
from reconciler.core.plan.replacing import forbidden, goes_first, is_allowed, old_one, replaced
from reconciler.core.plan.sealing import managed_digest, sealed
from reconciler.core.records import dataclass
from reconciler.core.wire.guards import guards_named
from reconciler.core.wire.requests import Subject, Writing, call_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done about one resource: its own change first, then the delete of an object that it replaces."""

    changes: tuple[Change, ...]
    blockers: tuple[Diagnostic, ...] = ()

    @property
    def replaces(self) -> bool:
        """Tell whether the object that is there now will not be the one that references lead to."""
        return self.changes[0].action is Action.REPLACE and not self.blockers

    @property
    def stays(self) -> bool:
        """Tell whether an object that is there now keeps its place, and is managed."""
        own = self.changes[0]
        managed = own.resource is not None and not own.resource.lifecycle.lookup
        return managed and own.live is not None and own.action in (Action.UPDATE, Action.UNCHANGED)


def may_be_taken(considered: Considered, decision: Decision, root: Address) -> Decision:
    """Return a decision for an object that the server may delete together with the old object of `root`.

    It is read again once that has gone, and made again where it has gone with it.
    """
    own, *others = decision.changes
    if not considered.readable or not considered.kind.can_create:
        note = f"if the server deletes it together with the old {root}, it cannot be made again"
        return replace(decision, changes=(replace(own, notes=(note, *own.notes)), *others))
    writing = _writing(considered, None, frozenset(considered.spec))
    again = preview_requests(considered.kind, writing, considered.hides)
    only_if = f"it was deleted together with the old {root}"
    note = f"if the server deletes it together with the old {root}, it is made again as its manifest states it"
    own = replace(
        own,
        action=Action.UPDATE,
        taken_with=root,
        reason=own.reason or f"the server may delete it together with the old {root}",
        notes=(note, *own.notes),
        requests=(*own.requests, *(replace(one, only_if=only_if) for one in again)),
    )
    return replace(decision, changes=(sealed(own), *others))


def as_declared(resource: Resource, kind: Kind, spec: JsonObject, inputs: Inputs) -> Change | None:
    """Return the change of a resource that is plainly as its `spec` states, references filled in.

    This is what `decide` says of most resources of most plans, for a fraction of the work. None may mean anything.
    """
    live = inputs.live.get(resource.address)
    if live is None or resource.address in inputs.unreadable or kind.definition.requires:
        return None
    seen = inputs.seen.get(resource.address)
    if seen is None:
        seen = surely_same(kind.fields, managed(kind, resource, spec), live.spec)
    if not seen:
        return None
    return _unchanged(resource, live, notes=notes_on(resource, kind, spec, inputs))


def decide(considered: Considered, inputs: Inputs, replaced_first: Collection[Address] = ()) -> Decision:
    """Decide about one resource; `replaced_first` are those whose old objects go before the new ones come."""
    live = inputs.live.get(considered.resource.address)
    obstacles = requirements(considered, inputs)
    if live is None or (_comes_with_its_parent(considered) and _parent_is_to_come(considered, inputs)):
        change, found = _decide_missing(considered, inputs)
        return Decision(changes=(change,), blockers=(*obstacles, *found))
    change, found = _decide_existing(considered, live, inputs)
    if found and is_allowed(considered, inputs) and all(one.code in FOR_A_NEW_OBJECT for one in found):
        decision = _decide_replacement(considered, change, live, inputs, replaced_first)
        return replace(decision, blockers=(*obstacles, *decision.blockers))
    return Decision(changes=(change,), blockers=(*obstacles, *found))


def _decide_replacement(
    considered: Considered, change: Change, live: LiveObject, inputs: Inputs, replaced_first: Collection[Address]
) -> Decision:
    found = forbidden(considered, live, inputs)
    if found:
        return Decision(changes=(change,), blockers=tuple(found))
    address = considered.resource.address
    rival = inputs.rivals.get(address)
    if rival is not None:
        remembers = inputs.memory.remembers(address, rival.id)
        own, found = _decide_existing(replace(considered, remembers=remembers), rival, inputs)
        note = "a replacement was cut short: the new object is there already, and the old one is still to go"
        own = replace(own, notes=(note, *own.notes))
        return Decision(changes=(own, old_one(considered, live, inputs, first=False)), blockers=tuple(found))
    first = goes_first(considered, live, replaced_first)
    create, found = _decide_missing(considered, inputs)
    new = sealed(replaced(considered, change, create, first=first))
    return Decision(changes=(new, old_one(considered, live, inputs, first=first)), blockers=tuple(found))


def _comes_with_its_parent(considered: Considered) -> bool:
    return considered.kind.definition.identity.singleton and considered.kind.can_update


def _decide_missing(considered: Considered, inputs: Inputs) -> tuple[Change, list[Diagnostic]]:
    resource, kind = considered.resource, considered.kind
    if resource.lifecycle.lookup:
        return _unchanged(resource, None), [
            blocker(
                resource,
                "not-found",
                f"{resource.address} does not exist, and it is only looked up",
                "correct the fields that find it, or remove `lifecycle.lookup` to have it created",
            )
        ]
    if _comes_with_its_parent(considered) and _parent_is_to_come(considered, inputs):
        return _decide_singleton_to_come(considered), []
    if not kind.can_create:
        parent = " before its parent does" if kind.definition.identity.singleton else ""
        return _unchanged(resource, None), [
            blocker(
                resource,
                "not-found",
                f"{resource.address} does not exist, and {kind.name} cannot be created through the API{parent}",
                "create it by hand, or correct the fields that find it",
            )
        ]
    create = kind.definition.write.create
    lacking = [name for name in (create.required if create is not None else []) if name not in considered.spec]
    comparison = compare(kind.fields, considered.spec, None, readable=False)
    fields = field_changes(comparison, stated=considered.spec, hidden=considered.hides, unknown=considered.unseen)
    change = Change(
        address=resource.address,
        action=Action.CREATE,
        resource=resource,
        fields=fields,
        desired_digest=managed_digest(comparison.desired, considered),
        guard=_guard_of_create(considered),
        reason="not found by its natural key" if considered.readable else "nothing remembers that it exists",
        comparability=_comparability(considered),
        caveats=unverified(considered, inputs),
    )
    writing = _writing(considered, None, frozenset(considered.spec))
    requests = preview_requests(kind, writing, considered.hides)
    blockers = uncarried(considered, replace(writing, changed=set_later(kind, considered.spec), creating=False))
    blockers += [
        blocker(
            resource,
            "missing-field",
            f"{resource.address} does not exist, and to create it the field {name!r} is needed",
            kind.fields.child(name).description,
        )
        for name in lacking
    ]
    return sealed(replace(change, requests=requests)), blockers


def _parent_is_to_come(considered: Considered, inputs: Inputs) -> bool:
    scope = considered.kind.scope
    if any(path[0] in scope for path in considered.unknown):
        return True
    there = inputs.live.keys() | inputs.unreadable.keys()
    return bool(scope) and awaits_parent(considered.resource, scope, inputs.resources, there)


def _decide_singleton_to_come(considered: Considered) -> Change:
    """Plan an object that will be there as soon as its parent is: nothing is known of it but what is wanted."""
    kind, spec = considered.kind, considered.spec
    comparison = compare(kind.fields, spec, None, readable=False)
    fields = field_changes(comparison, stated=spec, hidden=considered.hides, unknown=considered.unseen)
    writing = Writing(subject=Subject(spec=spec), changed=frozenset(spec) - set(kind.scope), creating=False)
    return sealed(
        Change(
            address=considered.resource.address,
            action=Action.UPDATE,
            resource=considered.resource,
            fields=fields,
            guard="read and compared as soon as its parent is there",
            reason="it will be there when its parent is",
            requests=preview_requests(kind, writing, considered.hides),
        )
    )


def _unchanged(
    resource: Resource,
    live: LiveObject | None,
    *,
    comparability: Comparability = Comparability.READ,
    notes: tuple[str, ...] = (),
    caveats: tuple[str, ...] = (),
) -> Change:
    return Change(
        address=resource.address,
        action=Action.UNCHANGED,
        resource=resource,
        live=live,
        comparability=comparability,
        notes=notes,
        caveats=caveats,
    )


def _decide_existing(considered: Considered, live: LiveObject, inputs: Inputs) -> tuple[Change, list[Diagnostic]]:
    resource, kind = considered.resource, considered.kind
    comparison = considered.compared_with(live)
    fields = field_changes(
        comparison,
        stated=managed(kind, resource, considered.spec),
        hidden=considered.hides,
        unknown=considered.unseen,
    )
    notes, caveats = notes_on(resource, kind, considered.spec, inputs), caveats_of(considered, comparison, inputs)
    unsent, forgotten = untold_secrets(considered, comparison, inputs)
    if resource.lifecycle.lookup or not fields:
        unchanged = _unchanged(resource, live, comparability=_comparability(considered), notes=notes, caveats=caveats)
        return replace(unchanged, unsent=unsent, forgotten=forgotten), []
    fields = with_causes(fields, considered, comparison, inputs, live)
    change = Change(
        address=resource.address,
        action=Action.UPDATE,
        resource=resource,
        fields=fields,
        live=live,
        live_digest=managed_digest(comparison.live, considered),
        desired_digest=managed_digest(comparison.desired, considered),
        reason="the values cannot be read, and the ledger does not hold them as applied"
        if not considered.readable
        else "managed fields differ",
        comparability=_comparability(considered),
        notes=notes,
        caveats=caveats,
        unsent=unsent,
        forgotten=forgotten,
    )
    blockers = blocked_fields(considered, fields)
    if blockers:
        return sealed(replace(change, action=Action.REPLACE, reason="an immutable field differs")), blockers
    changed = frozenset(str(f.path[0]) for f in fields)
    writing = _writing(considered, live, changed)
    blockers = [
        *incomplete_groups(considered, writing),
        *lost_secrets(considered, writing),
        *broken_rules(considered, writing),
        *refusals(considered, writing),
        *uncarried(considered, writing),
    ]
    requests = preview_requests(kind, writing, considered.hides)
    calls = [call for call in kind.definition.write.update if call_fields(kind, call, writing) & changed]
    caveats = (*caveats, *at_risk(considered, writing)) if considered.readable else caveats
    guard = _guard(considered, live, calls)
    return sealed(replace(change, requests=requests, guard=guard, caveats=caveats)), blockers


def _writing(considered: Considered, live: LiveObject | None, changed: frozenset[str]) -> Writing:
    subject = Subject(spec=considered.spec, id=None if live is None else live.id, live=live)
    return Writing(subject=subject, changed=changed, creating=live is None)


def _comparability(considered: Considered) -> Comparability:
    return Comparability.READ if considered.readable else Comparability.UNREADABLE


def _guard_of_create(considered: Considered) -> str:
    if not considered.readable:
        return "none: the object cannot be read"
    create = considered.kind.definition.write.create
    key = None if create is None else create.idempotency_key
    return "must not exist" + ("" if key is None else f"; {key} tells a repeat")


def _guard(considered: Considered, live: LiveObject, calls: Sequence[WriteCall]) -> str:
    if not considered.readable:
        return "none: the object cannot be read"
    return "; ".join(["read again, compared, then written", *guards_named(considered.kind, live, calls)])
