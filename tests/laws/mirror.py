"""A server that keeps what it is sent and answers it in the kind's own spelling: the most obedient one there is."""

from __future__ import annotations

from reconciler.core.compare.normalize import encode
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json, JsonObject, LiveObject
from reconciler.core.pointer import MISSING, get, parse_pointer, put
from reconciler.core.wire.answers import live_object
from reconciler.core.wire.requests import Subject


def kept_by(kind: Kind, spec: JsonObject, **more: Json) -> LiveObject:
    """Return the live object that such a server shows once it was sent `spec`, and what it adds besides."""
    body = _answered(kind.fields, encode(kind.fields, spec), more)
    return live_object(kind, _with_id(kind, body), Subject(spec=spec))


def _answered(info: FieldInfo, value: JsonObject, more: JsonObject) -> JsonObject:
    body: JsonObject = dict(more)
    placed = []
    for name, item in value.items():
        child = info.child(name)
        if child.write_only:
            continue
        shown = _inner(child, item)
        spelling = child.response_name or name
        if spelling.startswith("/"):
            placed.append((parse_pointer(spelling), shown))
        else:
            body[spelling] = shown
    for path, shown in placed:
        body = put(body, path, shown)
    return body


def _inner(info: FieldInfo, value: Json) -> Json:
    if isinstance(value, dict):
        return _answered(info, value, {})
    if isinstance(value, list):
        return [_inner(info.child(0), item) for item in value]
    return value


def _with_id(kind: Kind, body: JsonObject) -> JsonObject:
    place = kind.definition.identity.id
    if not place.startswith("/") or get(body, parse_pointer(place)) is not MISSING:
        return body
    with_id: JsonObject = put(body, parse_pointer(place), "id-1")
    return with_id
