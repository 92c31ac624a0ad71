"""Objects that live in a list or map inside another object's document. Pure.

The document is read whole and written whole; everything in it that is not ours is carried over as it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Inside
from reconciler.core.kinds.template import render_value
from reconciler.core.model import Json, JsonObject, LiveObject, Request, Response
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import AnswerError, live_object, natural_key, put_into, read_object
from reconciler.core.wire.guards import etag_in, uncompressed
from reconciler.core.wire.requests import Subject, call_request, item_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A document that was read, and the objects in it by their place: an index, or a key of the map."""

    body: JsonObject = field(repr=False)
    objects: tuple[tuple[int | str, LiveObject], ...]
    spec: JsonObject = field(repr=False)  # of the object that it was read for
    etag: str | None = None
    no_etag: str = ""  # why there is none

    def find(self, kind: Kind, subject: Subject) -> LiveObject | None:
        """Return the object that `subject` is about, by id or else by natural key."""
        wanted = natural_key(kind, subject.spec)
        by_id = (one for _, one in self.objects if one.id == subject.id)
        by_key = (one for _, one in self.objects if natural_key(kind, one.spec, desired=False) == wanted)
        return next(by_id, None) or next(by_key, None)

    def with_id(self, remote_id: str) -> LiveObject | None:
        """Return the object with this id."""
        return next((one for _, one in self.objects if one.id == remote_id), None)


def read_document(kind: Kind, inside: Inside, response: Response, subject: Subject) -> Holder:
    """Return the document that a read answered. Raises AnswerError when it has another shape."""
    body = read_object(kind, inside.read, response, {})
    found = get(body, parse_pointer(inside.at))
    pairs: list[tuple[int | str, Json]]
    if found is MISSING or found is None:
        pairs = []
    elif isinstance(found, dict) and inside.key_as is not None:
        pairs = [(key, {**item, inside.key_as: key}) for key, item in found.items() if isinstance(item, dict)]
    elif isinstance(found, list):
        pairs = list(enumerate(found))
    else:
        raise AnswerError(f"no list or map at {inside.at or 'the root'} of the document")
    objects = tuple((p, live_object(kind, item, subject)) for p, item in pairs if isinstance(item, dict))
    etag, why = etag_in(response.headers)
    return Holder(body=body, objects=objects, spec=subject.spec, etag=etag, no_etag=why)


def document_request(
    kind: Kind, inside: Inside, holder: Holder, mine: LiveObject | None, values: Mapping[str, Any]
) -> Request:
    """Return the request that writes the document back with the object in it: in its place, or at the end."""
    item = item_body(kind, holder.spec, mine)
    path = parse_pointer(inside.at)
    found = get(holder.body, path)
    items: Json
    if inside.key_as is not None:
        stated = item.pop(inside.key_as, None)
        items = {**(found if isinstance(found, dict) else {}), str(stated): item}
    else:
        items = list(found) if isinstance(found, list) else []
        places = {one.id: place for place, one in holder.objects}
        if mine is None:
            items.append(item)
        else:
            items[int(places[mine.id])] = item
    return _write_back(kind, inside, holder, items, values)


def document_without(
    kind: Kind, inside: Inside, holder: Holder, mine: LiveObject, values: Mapping[str, Any]
) -> Request:
    """Return the request that writes the document back without the object."""
    found = get(holder.body, parse_pointer(inside.at))
    (place,) = (place for place, one in holder.objects if one is mine)
    if isinstance(found, dict):
        items: Json = {key: item for key, item in found.items() if key != place}
    else:
        items = [item for index, item in enumerate(found) if index != place]
    return _write_back(kind, inside, holder, items, values)


def document_unguarded(kind: Kind, holder: Holder) -> list[str]:
    """Return which guard the kind asks for and the document that was read does not allow."""
    if not kind.definition.guard.if_match or holder.etag is not None:
        return []
    return [f"If-Match is not sent: reads of the document give {holder.no_etag}"]


def _write_back(kind: Kind, inside: Inside, holder: Holder, items: Json, values: Mapping[str, Any]) -> Request:
    document = put_into(holder.body, inside.at, items, "document")
    request = uncompressed(kind, call_request(kind, inside.write, values, writes=True))
    template = "{document}" if inside.write.body is None else inside.write.body
    body = render_value(template, {**values, "document": document, "items": items})
    headers = request.headers
    if kind.definition.guard.if_match and holder.etag is not None:
        headers = (*headers, ("If-Match", holder.etag))
    return replace(request, body=body, has_body=True, headers=headers)
