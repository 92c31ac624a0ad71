"""Writes whose parts get in each other's way: fields that two calls or none carry, bodies that hide fields. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.kinds.catalog import replaced_by, send_mode
from reconciler.core.kinds.checks.calls import variables_of
from reconciler.core.kinds.checks.finding import Bound, Finding, Findings, doubt
from reconciler.core.kinds.definition import Delete, WriteCall
from reconciler.core.pointer import MISSING, Path, get, parse_pointer
from reconciler.core.schema.schema_gate import CompiledSchema
from reconciler.core.suggest import choose_of, did_you_mean


def write_calls(bound: Bound) -> Iterator[tuple[Path, WriteCall, bool]]:
    """Yield the creates and updates of a kind with their paths, and whether they create."""
    write = bound.definition.write
    if write.create is not None:
        yield ("write", "create"), write.create, True
    for index, call in enumerate(write.update):
        yield ("write", "update", index), call, False


# --------------------------------------------------------------------------- who carries which field


def shared_fields(bound: Bound) -> Findings:
    """Yield fields that several updates take, and those that none takes."""
    taken: dict[str, int] = {}
    updates = bound.definition.write.update
    for index, call in enumerate(updates):
        for position, name in enumerate(call.fields or ()):
            place = ("write", "update", index, "fields", position)
            if taken.get(name) == index:
                yield doubt(place, f"{name!r} stands here twice")
            elif name in taken and not (call.when and updates[taken[name]].when):
                yield doubt(place, f"{name!r} travels in two updates; the one before takes it already")
            taken.setdefault(name, index)
    if not updates or any(call.fields is None for call in updates):
        return
    for name, info in bound.fields.properties.items():
        if name not in taken and not (info.read_only or info.immutable or info.create_only):
            message = f"no update takes {name!r}: a change of it would never be sent"
            hint = "add it to `fields` of an update, leave `fields` away in one, or mark it x-immutable"
            yield doubt(("write", "update"), message, hint)


def untold_replacements(bound: Bound) -> Findings:
    """Yield updates of which nothing tells whether they replace the whole object or a part of it."""
    for index, call in enumerate(bound.definition.write.update):
        place = ("write", "update", index)
        if call.replaces is not None and send_mode(call, creating=False) != "full":
            message = "replaces has no effect: only send: full, as of a PUT, replaces anything"
            yield doubt((*place, "replaces"), message, at_key=True)
        elif send_mode(call, creating=False) == "full" and not replaced_by(bound.definition, call):
            message = (
                f"nothing tells whether {call.method} {call.path} replaces the whole object, and so has to carry what "
                "other updates set, or only the fields of this update"
            )
            yield Finding(place, message, "add `replaces: object` or `replaces: fields`")


def conditions_on_nothing(bound: Bound) -> Findings:
    """Yield conditions on the manifest that look at no field of it."""
    for place, call, _ in write_calls(bound):
        for index, condition in enumerate(call.when):
            path = parse_pointer(condition.at)
            if path[:1] and path[0] not in bound.fields.properties:
                message = f"when looks at {path[0]!r}, which is no field of the schema"
                hint = choose_of(str(path[0]), bound.fields.properties, "its fields")
                yield Finding((*place, "when", index, "at"), message, hint)


def unsendable_fields(bound: Bound) -> Findings:
    """Yield fields that a call names and can never carry."""
    for place, call, creating in write_calls(bound):
        named = [("fields", name) for name in call.fields or ()] + [("required", name) for name in call.required]
        for position, (key, name) in enumerate(named):
            if key == "required":
                position -= len(call.fields or ())
            info = bound.fields.child(name)
            reason = ""
            if info.read_only:
                reason = "the server sets it"
            elif info.update_only and creating:
                reason = "x-updateOnly says that a create cannot set it"
            elif info.create_only and not creating:
                reason = "x-createOnly says that only a create sends it"
            if reason:
                yield Finding((*place, key, position), f"{name!r} never travels in this call: {reason}")


# --------------------------------------------------------------------------- keys that do not go together


def unused_keys_of_writes(bound: Bound) -> Findings:
    """Yield keys of creates and updates that have no effect there."""
    for place, call, creating in write_calls(bound):
        stated = call.model_fields_set
        if "required" in stated and not creating:
            message = "required has no effect in an update: it says what a create needs"
            yield doubt((*place, "required"), message, "move it to write.create", at_key=True)
        if "refuse" in stated and creating:
            message = "refuse has no effect in a create: there is no live object to look at"
            yield doubt((*place, "refuse"), message, "move it to write.update", at_key=True)
        if "when" in stated and creating:
            message = "when has no effect in a create: there is one create for all manifests"
            yield doubt((*place, "when"), message, "move it to write.update", at_key=True)
        if "idempotency_key" in stated and not creating:
            message = "idempotencyKey has no effect in an update: repeating one is settled by reading"
            yield doubt((*place, "idempotencyKey"), message, "move it to write.create", at_key=True)
        if "id_at" in stated and not creating:
            yield doubt((*place, "idAt"), "idAt has no effect in an update: its id is known", at_key=True)
        if call.send == "nothing" and "fields_at" in stated:
            message = "fieldsAt has no effect with send: nothing, which carries no fields"
            yield doubt((*place, "fieldsAt"), message, "put what is to travel into body", at_key=True)
        if creating and call.send in ("mergePatch", "jsonPatch", "full"):
            yield doubt((*place, "send"), f"a create has nothing to lay {call.send} over", "leave it away: stated")
        if not creating and call.send in ("mergePatch", "jsonPatch") and call.method != "PATCH":
            yield doubt((*place, "method"), f"{call.send} is the body of a PATCH, not of a {call.method}")
        if send_mode(call, creating=creating) == "jsonPatch" and (call.body is not None or call.fields_at):
            key = "body" if call.body is not None else "fieldsAt"
            yield Finding((*place, key), "a JSON Patch is the whole body: nothing can stand around it", at_key=True)


def colliding_bodies(bound: Bound) -> Findings:
    """Yield bodies that leave no place for the fields, or hold a member that a field would replace."""
    for place, call, creating in write_calls(bound):
        if call.body is None:
            continue
        path = parse_pointer(call.fields_at)
        for depth in range(len(path) + 1):
            there = get(call.body, path[:depth])
            if there is not MISSING and not isinstance(there, dict):
                where = call.fields_at or "the root"
                yield Finding((*place, "body"), f"the fields go to {where}, and the body holds something else there")
                break
        around = get(call.body, path)
        if not isinstance(around, dict):
            continue
        for name, info in bound.fields.properties.items():
            wire = (info.create_name if creating else info.update_name) or name
            unsent = info.read_only or (info.update_only if creating else info.create_only)
            carried = call.fields is None or name in call.fields
            beside = isinstance(around.get(wire), dict) and info.schema.get("type") == "object"
            same = around.get(wire) == f"{{spec.{name}}}"
            if wire in around and not (beside or same or unsent) and carried and not _is_in_path(call, name):
                message = f"the body's own {wire!r} is replaced by the field {name!r} whenever that is sent"
                yield doubt((*place, "body", *path, wire), message, "remove it, or the field", at_key=True)


def _is_in_path(call: WriteCall, name: str) -> bool:
    return any(v.root == "spec" and v.steps[0] == name for path, v in variables_of(call) if path == ("path",))


# --------------------------------------------------------------------------- delete, inside, after


def contradictory_delete(bound: Bound) -> Findings:
    """Yield deletes that say nothing or two things, and values to disable with that the schema refuses."""
    delete = bound.definition.write.delete
    if delete is None:
        return
    ways = _ways(delete)
    if not ways:
        yield Finding(("write", "delete"), "delete says nothing", "state one of call, disable and forget")
    for way in ways[1:]:
        yield Finding(
            ("write", "delete", way), f"an object goes away by {ways[0]} or by {way}, not by both", at_key=True
        )
    for name, value in (delete.disable or {}).items():
        place = ("write", "delete", "disable", name)
        info = bound.fields.properties.get(name)
        if info is None:
            hint = did_you_mean(name, bound.fields.properties)
            yield Finding(place, f"disable sets {name!r}, which is no field of the schema", hint, at_key=True)
        elif info.read_only:
            yield Finding(place, f"disable cannot set {name!r}: the server sets it", at_key=True)
        elif not CompiledSchema({**bound.definition.schema_, "required": []}).is_valid({name: value}):
            yield Finding(place, f"the schema refuses this value of {name!r}")


def _ways(delete: Delete) -> list[str]:
    stated = {"call": delete.call is not None, "disable": delete.disable is not None, "forget": delete.forget}
    return [way for way, holds in stated.items() if holds]


def contradictory_inside(bound: Bound) -> Findings:
    """Yield what does not go with objects that live inside another one's document."""
    write = bound.definition.write
    if write.inside is None:
        return
    if write.create is not None:
        yield Finding(("write", "create"), "write.inside is there instead of create and update", at_key=True)
    if write.update:
        yield Finding(("write", "update"), "write.inside is there instead of create and update", at_key=True)
    body = write.inside.write.body
    roots = {v.root for path, v in variables_of(write.inside.write) if path[:1] == ("body",)}
    if body is not None and not roots & {"document", "items"}:
        message = "the body holds neither {document} nor {items}, so the object would not travel"
        yield Finding(
            ("write", "inside", "write", "body"), message, "leave the body away to send the document as it is"
        )
    name = write.inside.key_as
    if name is not None and name not in {info.response_name for info in bound.fields.properties.values()}:
        hint = did_you_mean(name, bound.fields.properties)
        yield Finding(("write", "inside", "keyAs"), f"keyAs names {name!r}, which is no field of the schema", hint)


def idle_follow_ups(bound: Bound) -> Findings:
    """Yield follow-ups that nothing leads to, or whose items and `each` do not match."""
    write = bound.definition.write
    for index, follow_up in enumerate(write.after):
        place: Path = ("write", "after", index)
        if write.create is None and not write.update and write.inside is None:
            yield doubt(place, "nothing leads to this call: the kind is never written")
        uses = [path for path, v in variables_of(follow_up) if v.root == "item"]
        if follow_up.each is None:
            for path in uses:
                yield Finding((*place, *path), "{item} has no value without `each`", "state each: system.…")
        elif not uses:
            yield doubt((*place, "each"), "the call is the same for each item: {item} stands nowhere", at_key=True)
    for place, call, _ in write_calls(bound):
        if call.wait is not None and not call.wait.until:
            yield Finding((*place, "wait", "until"), "until is empty, so nothing would be waited for")


CHECKS = (
    shared_fields,
    untold_replacements,
    conditions_on_nothing,
    unsendable_fields,
    unused_keys_of_writes,
    colliding_bodies,
    contradictory_delete,
    contradictory_inside,
    idle_follow_ups,
)
