"""The requests of a change as the plan shows them: unknown parts spelled out, secrets left out. Pure.

The bodies come from the same functions as the ones that are sent; only the values in them are stand-ins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.core.compare.diff import SENSITIVE, redact
from reconciler.core.compare.normalize import encode
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import WriteCall
from reconciler.core.kinds.fields import FieldInfo, walk
from reconciler.core.kinds.forms import encode_scalar
from reconciler.core.kinds.template import render_value
from reconciler.core.model import Json, JsonObject, LiveObject, PlannedRequest
from reconciler.core.plan.shown import shown_target
from reconciler.core.pointer import MISSING, Path, get, parse_pointer, put
from reconciler.core.wire.answers import read_id
from reconciler.core.wire.requests import Subject, Writing, context, write_body

CARRIED = "(as last read)"


def preview_requests(kind: Kind, writing: Writing, hides: Callable[[Path], bool]) -> tuple[PlannedRequest, ...]:
    """Return the requests that a create or update will send, in order."""
    shown = _shown(kind, writing, hides)
    write = kind.definition.write
    if write.inside is not None:
        path = shown_target(kind, write.inside.write, context(kind, shown.subject), str)
        return (PlannedRequest(method=write.inside.write.method, path=path),)
    if not writing.creating:
        return tuple(r for call in write.update if (r := _preview(kind, call, shown)) is not None)
    assert write.create is not None
    first = _preview(kind, write.create, shown)
    later = set_later(kind, writing.subject.spec)
    new = shown.subject
    known = new.id if kind.id_path is not None else read_id(kind, {}, encode(kind.fields, new.spec))
    follow_up = replace(shown, changed=later, creating=False, subject=replace(new, id=known or "{id}"))
    rest = (_preview(kind, call, follow_up) for call in write.update) if later else ()
    return (
        *([first] if first is not None else []),
        *(replace(request, only_if="the new object differs") for request in rest if request is not None),
    )


def preview_removal(kind: Kind, subject: Subject, hides: Callable[[Path], bool]) -> tuple[PlannedRequest, ...]:
    """Return the requests that the delete of an object will send."""
    write = kind.definition.write
    shown = _shown(kind, Writing(subject=subject, changed=frozenset(), creating=False), hides).subject
    call = write.delete.call if write.delete is not None else None
    if call is None:
        assert write.inside is not None
        call = write.inside.write.model_copy(update={"body": None})
    values = context(kind, shown)
    path = shown_target(kind, call, values, str)
    body = None if call.body is None else render_value(call.body, values)
    return (PlannedRequest(method=call.method, path=path, body=body, has_body=call.body is not None),)


def set_later(kind: Kind, spec: JsonObject) -> frozenset[str]:
    """Return the fields of a new object that only an update can set, if the object does not have them by itself."""
    fields = kind.fields.properties.items()
    return frozenset(name for name, info in fields if info.update_only and name in spec and spec[name] != info.default)


def _shown(kind: Kind, writing: Writing, hides: Callable[[Path], bool]) -> Writing:
    subject = writing.subject
    live = subject.live
    if live is not None:
        carried = _carried(kind.fields, live.spec)
        spec = {name: redact(value, (name,), hides) for name, value in carried.items()}
        body = _scalars(live.body, kind, hides)
        version = kind.definition.guard.version
        if version is not None and get(live.body, parse_pointer(version)) is not MISSING:
            path = parse_pointer(version)
            body = put({name: value for name, value in body.items() if name != path[0]}, path, CARRIED)
        live = LiveObject(id=live.id, body=body, spec=spec, etag=live.etag)
    spec = {name: redact(value, (name,), hides) for name, value in subject.spec.items()}
    return replace(writing, subject=replace(subject, spec=spec, live=live))


def _carried(info: FieldInfo, value: Json) -> Json:
    """Replace everything that the schema does not know, at any depth: nobody has said whether it is secret."""
    if isinstance(value, dict) and info.properties:
        spellings = {s for child in info.properties.values() for s in (child.create_name, child.update_name)}
        holders = {parse_pointer(s)[0] for s in spellings if s.startswith("/")}  # fields are laid into these
        return {
            name: _carried(info.child(name), item)
            if name in info.properties or info.values
            else (_unknown(item) if name in holders else CARRIED)
            for name, item in value.items()
        }
    if isinstance(value, dict) and info.values is not None:
        return {name: _carried(info.values, item) for name, item in value.items()}
    if isinstance(value, list) and info.items is not None:
        return [_carried(info.items, item) for item in value]
    return value


def _unknown(value: Json) -> Json:
    return {name: _unknown(item) for name, item in value.items()} if isinstance(value, dict) else CARRIED


def _scalars(body: JsonObject, kind: Kind, hides: Callable[[Path], bool]) -> JsonObject:
    """Keep of a live body only the plain values that templates such as `{live.created_at}` are meant for."""
    fields = kind.fields.properties.items()
    known = {child.response_name for name, child in fields if not hides((name,))}
    # What a field stands in is shown by its members' names: whether there are others decides what null becomes.
    holders = {parse_pointer(child.response_name)[0] for _, child in fields if child.response_name.startswith("/")}
    return {
        name: dict.fromkeys(value, SENSITIVE)
        if name in holders and isinstance(value, dict)
        else value
        if name in known and not isinstance(value, (dict, list))
        else SENSITIVE
        for name, value in body.items()
    }


def _preview(kind: Kind, call: WriteCall, shown: Writing) -> PlannedRequest | None:
    values = context(kind, shown.subject)
    path = shown_target(kind, call, values, str)
    body = write_body(kind, call, shown)
    if body is MISSING:
        return None
    # A stand-in has been through the form of its field like a value, and is none.
    in_forms = {encode_scalar(info.forms, SENSITIVE) for _, info in walk(kind.fields) if info.forms}
    return PlannedRequest(
        method=call.method, path=path, body=_settled(body, in_forms - {SENSITIVE}), has_body=body is not None
    )


def _settled(value: Json, in_forms: set[str]) -> Json:
    if not in_forms:
        return value
    if isinstance(value, dict):
        return {name: _settled(item, in_forms) for name, item in value.items()}
    if isinstance(value, list):
        return [_settled(item, in_forms) for item in value]
    return SENSITIVE if isinstance(value, str) and value in in_forms else value
