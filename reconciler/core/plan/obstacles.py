"""What stands in the way of a change: refused at plan time, with the reason, before anything is sent. Pure."""

from __future__ import annotations

from reconciler.core.address import Address
from reconciler.core.compare.normalize import any_masked, item_key_of
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import (
    Change,
    Diagnostic,
    FieldChange,
    JsonObject,
    LiveObject,
    Resource,
    Severity,
)
from reconciler.core.plan.considered import Considered, Inputs
from reconciler.core.pointer import MISSING, Path, format_pointer
from reconciler.core.wire.answers import natural_key
from reconciler.core.wire.judge import holds
from reconciler.core.wire.requests import Writing, call_fields, origin_changes


def blocker(resource: Resource, code: str, message: str, hint: str, path: Path | None = None) -> Diagnostic:
    source = resource.source if path is None else resource.locate(("spec", *path))
    return Diagnostic(
        severity=Severity.ERROR,
        code=code,
        message=message,
        source=source,
        hint=hint,
        address=resource.address,
    )


FOR_A_NEW_OBJECT = ("not-updatable", "immutable-field")
"""Codes of obstacles that a new object in place of the old one overcomes."""

_ALLOW = "allow a new object in its place with --allow-replace or `lifecycle: {replace: true}`"


def blocked_fields(considered: Considered, fields: tuple[FieldChange, ...]) -> list[Diagnostic]:
    resource, kind = considered.resource, considered.kind
    blockers = []
    if not kind.can_update:
        return [
            blocker(
                resource,
                "not-updatable",
                f"{resource.address} differs, and {kind.name} cannot be changed through the API",
                f"change it by hand, make the manifest agree with it, or {_ALLOW}",
                fields[0].path,
            )
        ]
    for change in fields:
        if forces_new_object(considered, change):
            blockers.append(
                blocker(
                    resource,
                    "immutable-field",
                    f"{resource.address}: {format_pointer(change.path)} cannot change once the object exists",
                    f"put the old value back, or {_ALLOW}",
                    change.path,
                )
            )
    return blockers


def forces_new_object(considered: Considered, change: FieldChange) -> bool:
    """Tell whether a change of this field makes it another object: by its schema, or since it says where it is."""
    info, path = considered.kind.fields, change.path
    immutable = any(info.at(path[: length + 1]).immutable for length in range(len(path)))
    elsewhere = not change.known and path[0] in considered.kind.scope  # in a parent that is still to come
    return immutable or elsewhere or not considered.kind.can_update


def requirements(considered: Considered, inputs: Inputs) -> list[Diagnostic]:
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
                        blocker(
                            considered.resource,
                            "wrong-parent",
                            f"{considered.resource.address}: {reference.address}: {requirement.message}",
                            "refer to another object",
                            (requirement.field,),
                        )
                    )
    return blockers


def same_object(
    resource: Resource, kind: Kind, spec: JsonObject, first_of: dict[tuple[str, ...], Address]
) -> list[Diagnostic]:
    """Refuse a second manifest for one object: each would undo what the other one states, or make a second one.

    `first_of` holds the address that every natural key seen so far belongs to, and gets this one.
    """
    if resource.lifecycle.lookup:
        return []
    scope = [name for name in kind.scope if name not in kind.key]
    where = [item_key_of(kind.fields.child(name), spec.get(name, MISSING), desired=True) for name in scope]
    first = first_of.setdefault((kind.full_name, natural_key(kind, spec), *where), resource.address)
    if first == resource.address:
        return []
    names = (*kind.scope, *(name for name in kind.key if name not in kind.scope))
    what = f"the same {', '.join(names)}" if names else "no parent, and there is one for each system"
    return [
        blocker(
            resource,
            "same-object",
            f"{resource.address} and {first} are one object: they have {what}",
            "remove one of them, or let it differ; `lifecycle: {lookup: true}` for one that is only referred to",
        )
    ]


def incomplete_groups(considered: Considered, writing: Writing) -> list[Diagnostic]:
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
                    blocker(
                        considered.resource,
                        "incomplete-write",
                        f"{considered.resource.address}: {name!r} is set on the server, cannot be read, and "
                        f"would be lost by this change{why}",
                        f"state {name!r} in the manifest",
                        (group.when or group.fields[0],),
                    )
                )
    return blockers


def refusals(considered: Considered, writing: Writing) -> list[Diagnostic]:
    """Refuse an update call that the kind says would damage this live object."""
    live = writing.subject.live
    return [
        blocker(
            considered.resource,
            "refused-update",
            f"{considered.resource.address}: {rule.message}",
            rule.hint or "make the change by hand, or remove what would be damaged",
        )
        for call in considered.kind.definition.write.update
        for rule in call.refuse
        if live is not None and holds(rule, live.body) and call_fields(considered.kind, call, writing) & writing.changed
    ]


def uncarried(considered: Considered, writing: Writing) -> list[Diagnostic]:
    """Refuse an update of fields that no call is for: it would be reported as done, and nothing would be sent."""
    calls = considered.kind.definition.write.update
    taken = {name for call in calls for name in call_fields(considered.kind, call, writing)}
    return [
        blocker(
            considered.resource,
            "no-call",
            f"{considered.resource.address}: no update of the kind takes {name!r} in this state",
            "state a value that one of its updates is for; `kinds show` shows `when` they are made",
            (name,),
        )
        for name in sorted(writing.changed - taken)
        if calls
    ]


def _holds_hidden(info: FieldInfo, name: str, live: LiveObject) -> bool:
    if info.presence is not None and live.spec.get(info.presence):
        return True
    return any_masked(info, live.spec.get(name))


def unselected_parents(changes: list[Change], inputs: Inputs) -> list[Diagnostic]:
    """Refuse changes that refer to something that does not exist and is not part of the selection."""
    blockers = []
    for change in changes:
        if change.is_idle or change.resource is None or change.departure is not None:
            continue
        for expression in change.resource.expressions:
            for reference in expression.references:
                missing = reference.address not in inputs.live and reference.address not in inputs.selected
                if missing and reference.pointer is None:
                    blockers.append(
                        blocker(
                            change.resource,
                            "unselected-reference",
                            f"{change.address} refers to {reference.address}, which does not exist yet and is not "
                            "selected",
                            "select it as well",
                            expression.path,
                        )
                    )
    return blockers
