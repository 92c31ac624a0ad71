"""What a write would lose, or bring into a state that the schema forbids: refused at plan time. Pure.

A manifest states a part of an object, and the rest is what the server holds. So there are two things that neither the
manifest nor the live object shows on its own: a secret that a full body would replace by its mask, and fields that do
not go together, one of them stated and the other one live.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.core.compare.normalize import is_masked, pair_items
from reconciler.core.kinds.catalog import replaced_by, send_mode
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Diagnostic, Json, JsonObject
from reconciler.core.plan.considered import Considered
from reconciler.core.plan.obstacles import blocker
from reconciler.core.pointer import MISSING, Path, format_pointer
from reconciler.core.wire.laying import merge
from reconciler.core.wire.requests import Writing, call_fields


def lost_secrets(considered: Considered, writing: Writing) -> list[Diagnostic]:
    """Refuse full-replace updates that would store the mask of a secret, or leave out a secret that is set."""
    live = writing.subject.live
    if live is None:
        return []
    kind = considered.kind
    guarded = {name for group in kind.definition.together if group.complete for name in group.fields}
    blockers = []
    for call in kind.definition.write.update:
        names = call_fields(kind, call, writing)
        if send_mode(call, creating=False) != "full" or not names & writing.changed:
            continue
        if replaced_by(kind.definition, call) != "fields":
            names = frozenset(kind.fields.properties)
        for path in _hidden_unstated(kind.fields, considered.spec, live.spec, ()):
            if path[0] in names and path[0] not in guarded:
                blockers.append(
                    blocker(
                        considered.resource,
                        "lost-secret",
                        f"{considered.resource.address}: the update replaces the whole object, and "
                        f"{format_pointer(path)} is set on the server and cannot be read, so it would be lost",
                        "state it in the manifest; if the API keeps what it stored, say `x-kept: true` in the kind",
                    )
                )
    return blockers


def at_risk(considered: Considered, writing: Writing) -> tuple[str, ...]:
    """Return a caveat about what is never shown, and a full-replace update would leave out without anybody knowing."""
    kind, live = considered.kind, writing.subject.live
    replacing = [
        call
        for call in kind.definition.write.update
        if replaced_by(kind.definition, call) == "object" and call_fields(kind, call, writing) & writing.changed
    ]
    if live is None or not replacing:
        return ()
    names = ", ".join(format_pointer(path) for path in _never_shown(kind.fields, considered.spec, ()))
    if not names:
        return ()
    said = (
        f"at risk: {names}: never shown, and the update replaces the whole object, so that what is set there may be "
        "cleared; state it, or say `x-kept: true` in the kind where the API keeps it"
    )
    return (said,)


def _never_shown(info: FieldInfo, stated: Any, path: Path) -> Iterator[Path]:
    """Yield the places that no answer shows and the manifest does not state; the insides of lists aside."""
    if info.kept or info.read_only or info.create_only or (path and info.write_only and stated is not MISSING):
        return
    if path and info.write_only:
        if info.presence is None:  # which would tell whether it is set
            yield path
        return
    for name, child in info.properties.items():
        said = stated.get(name, MISSING) if isinstance(stated, dict) else MISSING
        if said is not None:
            yield from _never_shown(child, said, (*path, name))


def _hidden_unstated(info: FieldInfo, stated: Any, live: Any, path: Path) -> Iterator[Path]:
    """Yield the places of secrets that a body laid over `live` would not hold (see `wire.merge`)."""
    if info.kept or info.read_only:
        return
    if stated is MISSING and is_masked(info, live):
        yield path
    elif isinstance(live, dict) and (stated is MISSING or isinstance(stated, dict)):
        said: JsonObject = stated if isinstance(stated, dict) else {}
        if stated is not MISSING and info.is_whole:
            live = {name: value for name, value in live.items() if name in said}
        for name, value in live.items():
            yield from _hidden_unstated(info.child(name), said.get(name, MISSING), value, (*path, name))
        for name, child in info.properties.items():
            unread = child.write_only and name not in live and name not in said and not child.kept
            if unread and child.presence is not None and live.get(child.presence):
                yield (*path, name)
    elif isinstance(live, list) and stated is MISSING:
        for index, item in enumerate(live):
            yield from _hidden_unstated(info.child(0), MISSING, item, (*path, index))
    elif isinstance(live, list) and isinstance(stated, list):
        for index, (item, partner) in enumerate(zip(stated, pair_items(info, stated, live), strict=True)):
            if partner is not None:
                yield from _hidden_unstated(info.child(0), item, live[partner], (*path, index))


def broken_rules(considered: Considered, writing: Writing) -> list[Diagnostic]:
    """Refuse a change after which the object would break a rule between fields (`allOf`) that it keeps now.

    The manifest alone has been checked against the schema already; here it is laid over what the server holds.
    """
    from reconciler.core.schema.schema_errors import mistakes
    from reconciler.core.schema.schema_gate import CompiledSchema

    schema, live = considered.kind.definition.schema_, writing.subject.live
    if live is None or not schema.get("allOf"):
        return []
    now = _settable(considered.kind.fields, live.spec)
    then = _settable(considered.kind.fields, merge(considered.kind.fields, considered.spec, live.spec))
    blockers = []
    for rule in schema["allOf"]:
        compiled = CompiledSchema({"$defs": schema.get("$defs", {}), "allOf": [rule]})
        if compiled.is_valid(then) or not compiled.is_valid(now):
            continue
        for mistake in mistakes(compiled, then, hidden=considered.hides, unknown=considered.unknown):
            blockers.append(
                blocker(
                    considered.resource,
                    "broken-rule",
                    f"{considered.resource.address}: together with what the server holds: {mistake.message}",
                    "state the other field as well, or clear it by null where the kind allows that",
                    mistake.path,
                )
            )
    return blockers


def _settable(info: FieldInfo, value: Json) -> JsonObject:
    """Return the fields of an object that somebody set: null means the same as leaving a field out."""
    members = value.items() if isinstance(value, dict) else ()
    return {n: v for n, v in members if v is not None and n in info.properties and not info.child(n).read_only}
