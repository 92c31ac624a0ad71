"""Objects that are there already and that the ledger does not record: managed from now on, or refused. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Action, Change, Diagnostic, JsonObject
from reconciler.core.plan.considered import Inputs
from reconciler.core.plan.obstacles import blocker
from reconciler.core.pointer import format_pointer
from reconciler.core.wire.judge import holds

_LATER = "its object is not recorded by the ledger: it will be managed from now on"


def adopted(change: Change, kind: Kind, spec: JsonObject, inputs: Inputs) -> tuple[Change, list[Diagnostic]]:
    """Return `change` as an adoption where it is one, and why it is refused.

    Of an object that is as declared, the change becomes `adopt`: nothing is sent, and the ledger records it. Where
    something differs the change stays what it is, with a note.
    """
    resource, live = change.resource, change.live
    if not inputs.has_ledger or resource is None or resource.lifecycle.lookup or change.departure is not None:
        return change, []
    if inputs.memory.record_of(change.address) is not None:
        return change, []
    found = []
    wanted = resource.lifecycle.adopt_id
    if wanted and (live is None or live.id != wanted):
        found.append(
            blocker(
                resource,
                "not-found",
                f"{change.address} is to be the live object with the id {wanted}, which is not there",
                "correct `lifecycle.adopt.id`, or remove it to find the object by its natural key",
            )
        )
    if live is None:
        return change, found
    if not resource.lifecycle.adopt:
        found.append(
            blocker(
                resource,
                "not-adopted",
                f"{change.address} exists already (id {live.id}), and its manifest says `adopt: false`",
                "remove or rename one of the two, or remove `lifecycle.adopt` to manage the object from now on",
            )
        )
    if not inputs.take_over and any(holds(condition, live.body) for condition in kind.definition.read.foreign):
        found.append(
            blocker(
                resource,
                "owned-by-another",
                f"{change.address} bears the mark of another tool (`read.foreign` of {kind.full_name})",
                "leave it to that tool, or run with --take-over to manage it from here",
            )
        )
    if not change.is_idle:
        return replace(change, notes=(*change.notes, _LATER)), found
    fields = ", ".join(format_pointer((name,)) for name in sorted(spec))
    return replace(change, action=Action.ADOPT, reason=f"will be managed from now on: {fields}"), found
