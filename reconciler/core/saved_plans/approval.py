"""An approval: made of a plan, and held against the plan of the day. Pure.

What counts are digests, never commits: an approval outlives a squash merge or a rebase as long as the manifests, the
live objects and the kinds still lead to the same changes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json, strictly_equal
from reconciler.core.manifests.references import Known
from reconciler.core.memory.ledger import read_address
from reconciler.core.model import Action, Change, FieldChange, JsonObject, Operation, Plan, PlannedRequest
from reconciler.core.plan.considered import Inputs, consider
from reconciler.core.plan.sealing import digest_of, digest_of_plan, kind_digest, secrets_digest
from reconciler.core.pointer import MISSING, format_pointer, get, parse_pointer, starts_with
from reconciler.core.records import dataclass
from reconciler.core.saved_plans.planfile import (
    FORMAT,
    Approval,
    ApprovedChange,
    ApprovedField,
    ApprovedRequest,
)
from reconciler.core.sealed import seal

# --------------------------------------------------------------------------- made of a plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What an approval tells beside the plan itself."""

    made_at: str  # RFC 3339, UTC
    revision: str
    dirty: bool = False  # files in use differ from that revision
    tool_version: str
    labels: tuple[str, ...]
    addresses: tuple[str, ...]
    resend: bool
    prune: bool = False
    allow_replace: bool = False
    skip_unreadable: bool = False
    policy: JsonObject
    systems: Mapping[str, str]  # digest of where each system is, and of its parameters
    key: bytes = field(repr=False, default=b"")  # for secrets; empty: they are not bound


def make_approval(
    plan: Plan, inputs: Inputs, around: Circumstances, redact: Callable[[JsonObject], JsonObject]
) -> JsonObject:
    """Return the document of an approval of `plan`. `redact` takes known secrets out before it is sealed."""
    parts: JsonObject = {
        "format": FORMAT,
        "kind": "approval",
        "target": plan.target,
        "madeAt": around.made_at,
        "revision": around.revision,
        "dirty": around.dirty,
        "tool": {"name": "reconciler", "version": around.tool_version},
        "selection": {
            "labels": [*around.labels],
            "addresses": [*around.addresses],
            "resend": around.resend,
            "prune": around.prune,
            "allowReplace": around.allow_replace,
            "skipUnreadable": around.skip_unreadable,
        },
        "policy": dict(around.policy),
        "systems": dict(around.systems),
        "kinds": kinds_in_use(plan, inputs),
        "secretsBound": bool(around.key),
        "unchanged": len(plan.changes) - len(plan.pending),
        "changes": [_change(change, bound_secrets(change.address, inputs, around.key)) for change in plan.pending],
        "followUps": [
            {
                "key": one.key,
                "system": one.system,
                "title": one.title,
                "request": _request(one.request),
                "waitsFor": sorted(map(str, one.waits_for)),
            }
            for one in plan.follow_ups
        ],
        "planDigest": digest_of_plan(plan),
    }
    return seal(redact(parts))


def kinds_in_use(plan: Plan, inputs: Inputs) -> JsonObject:
    """Return version and digest of the kind of each planned resource, by its full name."""
    names = sorted({(change.address.system, change.address.kind) for change in plan.changes})
    kinds = [inputs.catalog.kinds[name] for name in names if name in inputs.catalog.kinds]
    return {kind.full_name: {"version": kind.definition.version, "digest": kind_digest(kind)} for kind in kinds}


def bound_secrets(address: Address, inputs: Inputs, key: bytes) -> str:
    """Return the keyed digest of the secrets that a manifest states; "" without a key or without secrets."""
    if not key or address not in inputs.resources:
        return ""
    return secrets_digest(key, consider(address, inputs, Known(resources=inputs.resources, live=inputs.live)))


def _change(change: Change, secrets: str) -> JsonObject:
    return {
        "address": str(change.address),
        "action": change.action.value,
        "reason": change.reason,
        "source": "" if change.resource is None else str(change.resource.source),
        "fields": [_field(one) for one in change.fields],
        "requests": [_request(request) for request in change.requests],
        "waitsFor": sorted(map(str, change.waits_for)),
        "liveDigest": change.live_digest,
        "desiredDigest": change.desired_digest,
        "secrets": secrets,
        "digest": digest_of(change),
    }


def _field(change: FieldChange) -> JsonObject:
    shown: JsonObject = {
        "path": format_pointer(change.path),
        "operation": change.operation.value,
        "sensitive": change.sensitive,
        "known": change.known,
        "cause": change.cause.value,
    }
    if not change.sensitive:
        if change.operation is not Operation.ADD:
            shown["before"] = change.before
        if change.operation is not Operation.REMOVE and change.known:
            shown["after"] = change.after
    return shown


def _request(request: PlannedRequest) -> JsonObject:
    return {"method": request.method, "path": request.path, "onlyIf": request.only_if}


# --------------------------------------------------------------------------- held against a plan


class ApprovalState(enum.Enum):
    """How an approved or a planned change stands."""

    DUE = "due"  # approved and still to do
    DONE = "done"  # approved and in place
    MISSING = "missing"  # approved, and no longer asked for
    MOVED = "moved"  # approved, but now it would be another change
    EXTRA = "extra"  # to do, but not approved
    WAITING = "waiting"  # approved, but it waits for a change that is not


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalVerdict:
    """How one change stands, and why, in words."""

    name: str  # the address, or what a follow-up is called
    standing: ApprovalState
    why: str = ""
    address: Address | None = None  # None: a follow-up


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalComparison:
    """All verdicts by name, and what may be performed."""

    approved: str  # digest of the saved plan
    verdicts: tuple[ApprovalVerdict, ...]
    due: frozenset[Address]
    follow_ups: frozenset[str]  # keys

    @property
    def objections(self) -> tuple[ApprovalVerdict, ...]:
        """What stands in the way of performing exactly what was approved."""
        return tuple(v for v in self.verdicts if v.standing not in (ApprovalState.DUE, ApprovalState.DONE))

    @property
    def broken(self) -> bool:
        """Tell whether something that was approved cannot be performed."""
        return any(v.standing is not ApprovalState.EXTRA for v in self.objections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The plan of the day, and the one that it would be if what was approved had not begun."""

    plan: Plan
    as_approved: Plan
    secrets: Mapping[Address, str]  # of the pending changes, keyed; empty when nothing is bound
    ours: frozenset[Address] = frozenset()  # whose live object is the one that the ledger has on record


def begun(approval: Approval, inputs: Inputs) -> Inputs:
    """Return `inputs` as if nothing of the approval had been performed yet.

    Objects whose creation was approved and that are there now are left out: what refers to them is then planned with
    their ids unknown, as it was when it was approved.
    """
    made = {read_address(c.address) for c in approval.changes if c.action in ("create", "replace")}
    if made.isdisjoint(inputs.live):
        return inputs
    return replace(inputs, live={address: live for address, live in inputs.live.items() if address not in made})


def compare_with_plan(approval: Approval, today: Today) -> ApprovalComparison:
    """Hold an approval against the plan of the day."""
    now = {change.address: change for change in today.plan.changes}
    then = {change.address: change for change in today.as_approved.changes}
    approved = {read_address(change.address): change for change in approval.changes}
    verdicts = [
        _judge(address, change, (now.get(address), then.get(address)), today) for address, change in approved.items()
    ]
    verdicts += [
        ApprovalVerdict(name=str(a), address=a, standing=ApprovalState.EXTRA, why=f"{c.action.value}: not approved")
        for a, c in now.items()
        if not c.is_idle and a not in approved
    ]
    due = {v.address for v in verdicts if v.standing is ApprovalState.DUE and v.address is not None}
    waiting = _waiting(due, now)
    verdicts = [waiting.get(v.address, v) if v.address is not None else v for v in verdicts]
    follow_ups = _approved_follow_ups(approval, today)
    verdicts += [
        ApprovalVerdict(name=f"{one.system}: {one.title}", standing=ApprovalState.EXTRA, why="follow-up: not approved")
        for one in today.plan.follow_ups
        if one.key not in follow_ups
    ]
    return ApprovalComparison(
        approved=approval.digest,
        verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.name)),
        due=frozenset(due - waiting.keys()),
        follow_ups=follow_ups,
    )


def _approved_follow_ups(approval: Approval, today: Today) -> frozenset[str]:
    """Return the keys of today's follow-ups that were approved, also where something in them was not known then."""
    approved = {one.key for one in approval.follow_ups}
    then = [one for one in today.as_approved.follow_ups if one.key in approved]
    return frozenset(
        one.key
        for one in today.plan.follow_ups
        if one.key in approved
        or any(
            (one.system, one.title, one.request.method) == (other.system, other.title, other.request.method)
            and strictly_equal(one.item, other.item)
            and {one.address, *one.waits_for} <= other.waits_for
            for other in then
        )
    )


def _judge(
    address: Address, approved: ApprovedChange, changes: tuple[Change | None, Change | None], today: Today
) -> ApprovalVerdict:
    """Return how an approved change stands; `changes` are today's, and that as if nothing had been performed."""
    now, then = changes

    def verdict(standing: ApprovalState, why: str = "") -> ApprovalVerdict:
        return ApprovalVerdict(name=str(address), address=address, standing=standing, why=why)

    removal = approved.action == Action.DELETE.value
    if now is None:
        if removal:
            return verdict(ApprovalState.DONE)
        return verdict(ApprovalState.MISSING, f"{approved.action}: approved, but no manifest declares it any more")
    if now.is_idle:
        if removal:
            return verdict(ApprovalState.MISSING, "delete: approved, but it is declared now")
        return verdict(ApprovalState.DONE)
    if approved.secrets and today.secrets.get(address, approved.secrets) != approved.secrets:
        return verdict(ApprovalState.MOVED, "a secret is another one than was approved")
    same_action = now.action.value == approved.action
    if same_action and approved.digest in (digest_of(now), digest_of(then) if then is not None else ""):
        return verdict(ApprovalState.DUE)
    begun_by_us = address in today.ours and then is not None and digest_of(then) == approved.digest
    if _is_rest_of(now, approved) or (begun_by_us and _is_rest_of_creation(now, approved)):
        return verdict(ApprovalState.DUE)
    return verdict(ApprovalState.MOVED, "; ".join(_differences(approved, now)))


def _is_rest_of(now: Change, approved: ApprovedChange) -> bool:
    """Tell whether a change is what is left of an approved one: the same wish, and less to go.

    Of an update that is fewer fields; of a replacement whose old object is gone, the creation of the new one.
    """
    if not approved.desired_digest or now.desired_digest != approved.desired_digest:
        return False
    if (approved.action, now.action) == (Action.REPLACE.value, Action.CREATE):
        return True
    if not (now.action is Action.UPDATE and approved.action == Action.UPDATE.value):
        return False
    shown = [ApprovedField.model_validate(_field(one)) for one in now.fields]
    return all(any(_same_field(mine, theirs) for theirs in approved.fields) for mine in shown)


def _is_rest_of_creation(now: Change, approved: ApprovedChange) -> bool:
    """Tell whether an update leads to nothing but the values with which the object was to be created."""
    if not (now.action is Action.UPDATE and approved.action == Action.CREATE.value):
        return False
    return all(_was_to_be_set(one, approved) for one in now.fields)


def _was_to_be_set(one: FieldChange, approved: ApprovedChange) -> bool:
    for theirs in approved.fields:
        place = parse_pointer(theirs.path)
        if not starts_with(one.path, place) or one.operation is Operation.REMOVE:
            continue
        if theirs.sensitive or one.sensitive:
            return theirs.sensitive and one.sensitive
        found = get(theirs.after, one.path[len(place) :])
        # What was not known then is told by the manifest, which asks for the same as then.
        return not theirs.known or (found is not MISSING and strictly_equal(found, one.after))
    return False


def _same_field(one: ApprovedField, other: ApprovedField) -> bool:
    return strictly_equal(one.model_dump(exclude={"cause"}), other.model_dump(exclude={"cause"}))


def _waiting(due: set[Address], now: Mapping[Address, Change]) -> dict[Address, ApprovalVerdict]:
    """Return the verdicts on approved changes that wait for others which will not be performed."""
    found: dict[Address, ApprovalVerdict] = {}
    remaining = set(due)
    while True:
        lacking = {a: sorted(now[a].waits_for - remaining) for a in remaining if now[a].waits_for - remaining}
        if not lacking:
            return found
        for address, others in lacking.items():
            found[address] = ApprovalVerdict(
                name=str(address),
                address=address,
                standing=ApprovalState.WAITING,
                why=f"waits for {', '.join(map(str, others))}, not to be done",
            )
        remaining -= lacking.keys()


def _differences(approved: ApprovedChange, now: Change) -> Iterable[str]:
    """Yield in words how a change differs from the approved one."""
    if now.action.value != approved.action:
        yield f"approved to {approved.action}, now to {now.action.value}"
    fields = {one["path"]: ApprovedField.model_validate(one) for one in map(_field, now.fields)}
    before = {one.path: one for one in approved.fields}
    for path in sorted({*fields, *before}):
        mine, theirs = fields.get(path), before.get(path)
        if mine is None:
            yield f"{path} does not change any more"
        elif theirs is None:
            yield f"{path} changes too"
        elif not _same_field(mine, theirs):
            yield f"{path} changes otherwise: approved {_in_words(theirs)}, now {_in_words(mine)}"
    requests = [ApprovedRequest.model_validate(_request(request)) for request in now.requests]
    if requests != approved.requests:
        yield "it takes other requests"
    if now.live_digest != approved.live_digest:
        yield "managed fields of the live object moved"
    elif now.desired_digest != approved.desired_digest:
        yield "the manifest asks for something else"


def _in_words(one: ApprovedField) -> str:
    if one.sensitive:
        return "a secret"
    after = "(known after apply)" if not one.known else canonical_json(one.after)
    match one.operation:
        case Operation.ADD.value:
            words = f"to set {after}"
        case Operation.REMOVE.value:
            words = f"to remove {canonical_json(one.before)}"
        case _:
            words = f"{canonical_json(one.before)} → {after}"
    return words if len(words) <= 200 else words[:199] + "…"


def restricted(plan: Plan, comparison: ApprovalComparison) -> Plan:
    """Return the part of `plan` that may be performed: approved changes, and what is as declared anyway."""
    kept = tuple(c for c in plan.changes if c.is_idle or c.address in comparison.due)
    follow_ups = []
    for one in plan.follow_ups:
        if one.key not in comparison.follow_ups:
            continue
        waits_for = one.waits_for & comparison.due
        if waits_for or one.overdue:
            about = one.address if one.address in waits_for or not waits_for else min(waits_for)
            follow_ups.append(replace(one, waits_for=waits_for, address=about))
    return replace(plan, changes=kept, follow_ups=tuple(follow_ups), digest_as=digest_of_plan(plan))


def other_kinds(approval: Approval, kinds: JsonObject) -> list[str]:
    """Return the kinds that are not what they were when the plan was approved, with both versions."""
    return [
        f"{name} (approved {then.version} {then.digest[:8]}, now {now['version']} {now['digest'][:8]})"
        for name, then in sorted(approval.kinds.items())
        if (now := kinds.get(name)) is not None and (now["version"], now["digest"]) != (then.version, then.digest)
    ]
