"""Objects that a new one takes the place of, since a field of theirs cannot change. Pure.

A replacement is two changes: the new object is created under the resource's own address, and the old one is deleted
under an address that only plans know. Where the new one has another natural key, both can be there at once: it is
created first, what refers to it follows, and the old one goes last. Otherwise the old one goes first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.departure import Way
from reconciler.core.model import Action, Change, Diagnostic, JsonObject, LiveObject
from reconciler.core.plan.considered import Considered, Inputs
from reconciler.core.plan.obstacles import blocker, forces_new_object
from reconciler.core.plan.remnant import old_address, untouchable, way_of
from reconciler.core.plan.removal.leaving import Leaving, decide_leaving
from reconciler.core.wire.answers import natural_key


def is_allowed(considered: Considered, inputs: Inputs) -> bool:
    """Tell whether a resource may be replaced."""
    return inputs.allow_replace or considered.resource.lifecycle.replace


def forbidden(considered: Considered, live: LiveObject, inputs: Inputs) -> list[Diagnostic]:
    """Return why a resource that may be replaced cannot be."""
    resource, kind = considered.resource, considered.kind

    def refused(code: str, message: str, hint: str) -> Diagnostic:
        return blocker(resource, code, f"{resource.address} cannot be replaced: {message}", hint)

    found = []
    if resource.lifecycle.protect:
        hint = "set `protect: false`, apply, and then change it; or put the old value back"
        found.append(refused("protected", "it is protected", hint))
    if not kind.can_create:
        found.append(refused("not-replaceable", f"{kind.name} cannot be created through the API", "do it by hand"))
    if way_of(kind) is not Way.DELETE:
        found.append(refused("not-replaceable", f"{kind.name} cannot be deleted through the API", "do it by hand"))
    reason = untouchable(kind, live.body)
    if reason:
        found.append(refused("not-replaceable", reason, "put the old value back"))
    outside = sorted(a for a, r in inputs.resources.items() if resource.address in r.depends_on)
    outside = [address for address in outside if address not in inputs.selected]
    if outside:
        names = ", ".join(str(address) for address in outside)
        found.append(refused("unselected-reference", f"{names} would refer to nothing", "select them as well"))
    return found


def goes_first(considered: Considered, live: LiveObject, replaced_first: Collection[Address]) -> bool:
    """Tell whether the old object has to go before the new one comes.

    That is so when both would have the same natural key, and when its parent goes first.
    """
    if any(parent in replaced_first for parent in considered.resource.depends_on):
        return True
    if any(path and path[0] in considered.kind.key for path in considered.unknown):
        return False  # its key holds the id of something that is still to come
    kind = considered.kind
    return natural_key(kind, considered.spec) == natural_key(kind, live.spec, desired=False)


def replaced(considered: Considered, change: Change, create: Change, *, first: bool) -> Change:
    """Return the change that creates the new object: `change` says what differs, `create` what is sent."""
    note = "the old one is deleted first: both would have the same natural key" if first else ""
    note = note or "it is created first; the old one is deleted when nothing refers to it any more"
    return replace(
        change,
        action=Action.REPLACE,
        fields=tuple(
            replace(one, note="forces a new object") if forces_new_object(considered, one) else one
            for one in change.fields
        ),
        desired_digest=create.desired_digest,
        requests=create.requests,
        guard=create.guard,
        reason="a field differs that cannot change",
        notes=(note, *change.notes),
    )


def old_one(considered: Considered, live: LiveObject, inputs: Inputs, *, first: bool) -> Change:
    """Return the change that deletes the old object of a resource."""
    address, kind = considered.resource.address, considered.kind
    record = inputs.memory.record_of(address)
    removal = record.removal if record is not None and record.id == kind.kept_id(live.id) else None
    place: JsonObject = {name: live.spec[name] for name in kind.place if name in live.spec}
    parents = set(considered.resource.depends_on)
    if removal is not None:
        place |= removal.place
        parents |= set(removal.parents)
    return decide_leaving(
        Leaving(
            address=old_address(address, live.id, inputs.memory.record_of),
            kind=kind,
            live=live,
            place=place,
            parents=frozenset(parents),
            reason=f"replaced by the new {address}",
            replaced=address,
            first=first,
        ),
        inputs,
    )
