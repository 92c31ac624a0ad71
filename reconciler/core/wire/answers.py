"""From answers to objects, by what a kind says about its calls: lists, pages, archives, ids. Pure, no sockets."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from reconciler.core.compare.normalize import encode, item_key_of, shape
from reconciler.core.json_decoding import decode_json
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import FindFields, GetCall, ListCall, PartCall, WriteCall
from reconciler.core.kinds.template import (
    as_text,
    render_value,
)
from reconciler.core.model import Json, JsonObject, LiveObject, Response
from reconciler.core.pointer import MISSING, get, parse_pointer, put
from reconciler.core.records import dataclass
from reconciler.core.wire.requests import Subject
from reconciler.core.wire.said import json_or_missing, nature


class AnswerError(ValueError):
    """An answer does not have the shape that the kind describes."""


class NothingFound(AnswerError):
    """The answer is as described, but the object stands nowhere in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list that was read: its items, and what the next request needs, or None at the end."""

    items: list[Json] = field(repr=False)
    next: dict[str, Any] | None
    next_address: str | None = None  # an absolute or relative address that the server gave
    total: int | None = None  # how many items the whole list has, where the kind says which member tells it


def first_page(call: ListCall) -> dict[str, Any]:
    """Return the `page` values of the first request of a list."""
    paging = call.paging
    if paging is None:
        return {}
    values: dict[str, Any] = {} if paging.size is None else {"size": paging.size}
    if paging.style == "offset":
        values["offset"] = 0
    if paging.style == "page":
        values["number"] = paging.first
    return values


def read_page(call: ListCall, page: Mapping[str, Any], response: Response, seen: int) -> Page:
    """Return what one page of a list holds. `seen` counts the items of the pages before it.

    Raises AnswerError when the items are not where the kind says.
    """
    body = _json(response)
    items = _items(call, body)
    paging = call.paging
    if paging is None:
        return Page(items=items, next=None)
    total = get(body, parse_pointer(paging.total)) if paging.total is not None else MISSING
    read = seen + len(items)
    expected = total if isinstance(total, int) and not isinstance(total, bool) else None
    match paging.style:
        case "offset" | "page":
            complete = expected is not None and read >= expected
            is_short = len(items) < (paging.size or 0)
            if call.total == "estimate":  # there may be more than announced
                complete = complete and is_short
            if complete or not items or (is_short and total is MISSING):
                return Page(items=items, next=None, total=expected)
            following = dict(page)
            if paging.style == "offset":
                following["offset"] = page["offset"] + len(items)
            else:
                following["number"] = page["number"] + 1
            return Page(items=items, next=following, total=expected)
        case "cursor":
            cursor = get(body, parse_pointer(paging.next or ""))
            if cursor is MISSING or cursor in (None, "", False):
                return Page(items=items, next=None, total=expected)
            return Page(items=items, next={**page, "cursor": cursor}, total=expected)
        case "url":
            address = get(body, parse_pointer(paging.next or ""))
        case "link":
            address = _next_link(response.headers.get("link", ""))
    if not isinstance(address, str) or not address:
        return Page(items=items, next=None, total=expected)
    return Page(items=items, next=dict(page), next_address=address, total=expected)


def _next_link(header: str) -> str | None:
    """Return the address with the relation `next` of a Link header (RFC 8288, section 3)."""
    for target, parameters in re.findall(r"<([^>]*)>([^<]*)", header):
        relation = re.search(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))', parameters, re.IGNORECASE)
        if relation is not None and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(target)
    return None


def _json(response: Response) -> Json:
    try:
        return response.json()
    except ValueError:
        raise AnswerError(f"the answer is {nature(response)}") from None


def _items(call: ListCall, body: Json) -> list[Json]:
    found = get(body, parse_pointer(call.items))
    if found is None or (found is MISSING and call.optional and isinstance(body, dict)):
        return []
    if call.key_as is not None and isinstance(found, dict):
        if not all(isinstance(item, dict) for item in found.values()):
            raise AnswerError(f"at {call.items or 'the root'} of the answer stands something else than objects by key")
        found = [{**item, call.key_as: key} for key, item in found.items()]
    if not isinstance(found, list):
        raise AnswerError(f"no list at {call.items or 'the root'} of the answer")
    return found


def ids_in(call: ListCall, items: Sequence[Json]) -> list[str]:
    """Return the ids that the items of a list hold, each once. Raises AnswerError when one holds none."""
    found = [get(item, parse_pointer(call.id_at)) for item in items]
    if not all(isinstance(one, (str, int)) and not isinstance(one, bool) and one != "" for one in found):
        where = f"holds no id at {call.id_at}" if call.id_at else "is no id"
        raise AnswerError(f"an item of the list {where}")
    return list(dict.fromkeys(as_text(one) for one in found))


def read_object(kind: Kind, call: GetCall, response: Response, values: Mapping[str, Any]) -> JsonObject:
    """Return the object that a read call answered. Raises AnswerError when it is not where the kind says."""
    body = _unpack(call, response, values) if call.archive is not None else _json(response)
    if isinstance(call.object, FindFields):
        fields = kind.fields.properties.items()
        names = frozenset(child.response_name for name, child in fields if name not in kind.scope)
        hit = _find(body, names, call.object)
        if hit is None:
            raise NothingFound("the answer holds no object with enough of the kind's fields")
        return hit
    found = get(body, parse_pointer(call.object))
    if not isinstance(found, dict):
        raise AnswerError(f"no object at {call.object or 'the root'} of the answer")
    asked = values.get("id", MISSING)
    return found if call.id_as is None or asked is MISSING else {**found, call.id_as: asked}


def with_part(call: PartCall, body: JsonObject, response: Response) -> JsonObject:
    """Return `body` with the part that a read answered. Raises AnswerError when it is not where the kind says."""
    part = get(_json(response), parse_pointer(call.object))
    if part is MISSING or (not call.into and not isinstance(part, dict)):
        raise AnswerError(f"no {'part' if call.into else 'object'} at {call.object or 'the root'} of the answer")
    if not call.into:
        return {**body, **part}
    return dict(put_into(body, call.into, part, "object"))


def put_into(value: Json, pointer: str, new: Json, what: str) -> Json:
    """Return `value`, an answered `what`, with `new` at `pointer`. Raises AnswerError when that leads through a scalar.

    The kind says what stands there, and the server may have answered otherwise.
    """
    try:
        return put(value, parse_pointer(pointer), new)
    except ValueError as error:
        raise AnswerError(f"nothing can be put at {pointer} of the {what}: {error}") from None


def _unpack(call: GetCall, response: Response, values: Mapping[str, Any]) -> Json:
    import zipfile  # here, because few kinds have archives
    import zlib

    assert call.archive is not None
    member = str(render_value(call.archive.zip, values))
    try:
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            info = archive.getinfo(member)
            if info.file_size > 64 * 1024 * 1024:
                raise AnswerError(f"{member!r} in the archive is larger than 64 MiB")
            return decode_json(archive.read(info))
    except AnswerError:
        raise
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, EOFError, OSError):
        # RuntimeError: the member is encrypted, or compressed in a way that is not supported.
        raise AnswerError(f"no JSON file {member!r} in the answered archive") from None


def _find(body: Json, names: frozenset[str], wanted: FindFields) -> JsonObject | None:
    """Return the first object anywhere in `body`, outermost first, that `wanted` is about.

    Failing one with enough of `names`, the fullest object under a member with the name it may have, even when empty.
    """
    by_name: list[JsonObject] = []
    layer: list[tuple[str, Json]] = [("", body)]
    while layer:
        following: list[tuple[str, Json]] = []
        for member, value in layer:
            if isinstance(value, dict):
                if len(names & value.keys()) >= wanted.with_fields:
                    return value
                if wanted.named is not None and re.search(wanted.named, member, re.IGNORECASE):
                    by_name.append(value)
                following.extend(value.items())
            elif isinstance(value, list):
                following.extend((member, item) for item in value)
        layer = following
    return max(by_name, key=lambda value: len(names & value.keys()), default=None)


def live_object(kind: Kind, body: JsonObject, subject: Subject) -> LiveObject:
    """Return an answered `body` as a live object: manifest spelling, and the scope it was read in filled in.

    Raises AnswerError when its id is not where the kind says.
    """
    shaped = shape(kind.fields, body)
    if kind.scope:
        lacking = [name for name in kind.scope if name not in shaped and name in subject.spec]
        if lacking:
            shaped = {**shaped, **{name: encode(kind.fields.child(name), subject.spec[name]) for name in lacking}}
    remote_id = read_id(kind, body, shaped)
    if remote_id is None:
        raise AnswerError(f"no id at {kind.definition.identity.id} of the object")
    return LiveObject(id=remote_id, body=body, spec=shaped)


def natural_key(kind: Kind, spec: JsonObject, *, desired: bool = True) -> str:
    """Return the natural key of a spec as text that is equal for equal keys of objects of the kind."""
    if len(kind.key_fields) == 1:  # as most keys have
        ((name, info),) = kind.key_fields
        return item_key_of(info, spec.get(name, MISSING), desired=desired)
    # Each part is JSON text, in which no line ends.
    return "\n".join([item_key_of(info, spec.get(n, MISSING), desired=desired) for n, info in kind.key_fields])


def read_id(kind: Kind, body: JsonObject, spec: JsonObject) -> str | None:
    """Return the remote id of an answered object, or None when the answer does not hold it.

    `spec` has the manifest's names and the forms of the wire; a field with `x-absent` that it lacks has that value.
    """
    if kind.id_path is not None:
        found = get(body, kind.id_path)
    else:
        left_out = {n: f.absent for n, f in kind.fields.properties.items() if f.absent is not MISSING and n not in spec}
        values = {"spec": {**spec, **encode(kind.fields, left_out)}, "live": body, "system": kind.parameters}
        found = render_value(kind.definition.identity.id, values)
    if found.__class__ is str:
        return found or None  # as nearly all are
    return None if found in (MISSING, None) or isinstance(found, (dict, list)) else as_text(found)


def promise(response: Response) -> dict[str, Any]:
    """Return the template values that an answer gives for asking on: its body, and the path and query of its location.

    The location is taken relative to the system's url, whatever host it names: credentials go nowhere else.
    """
    named = response.headers.get("operation-location") or response.headers.get("location", "")
    path, query = _path_and_query(named)
    location = f"{path}?{query}" if path and query else path
    return {"answer": json_or_missing(response), "location": location or MISSING}


def _path_and_query(location: str) -> tuple[str, str]:
    """Return path and query of an address that a server gave; both empty when it is no address."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(location)
    except ValueError:
        return "", ""
    return parts.path, parts.query


def answered_object(kind: Kind, call: WriteCall, response: Response) -> JsonObject | None:
    """Return the object that a write call answered, or None when it answered none that can be trusted.

    Where parts of an object are read by calls of their own, no answer holds the whole of it.
    """
    if call.returns == "nothing" or kind.definition.read.parts or not response.content.strip():
        return None
    try:
        found = get(response.json(), parse_pointer(call.object))
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return found if read_id(kind, found, {}) is not None or not kind.definition.identity.id.startswith("/") else None


def answered_id(kind: Kind, call: WriteCall, response: Response, spec: JsonObject) -> str | None:
    """Return the id of a created object from the body, or from `Location` (RFC 9110, section 10.2.2), or None."""
    from urllib.parse import unquote

    stated = encode(kind.fields, spec)
    try:
        body = response.json() if response.content.strip() else None
    except ValueError:
        body = None
    if call.id_at is not None:
        found = get(body, parse_pointer(call.id_at))
        if isinstance(found, (str, int)) and found != "":
            return as_text(found)
    inner = get(body, parse_pointer(call.object)) if body is not None and call.returns == "object" else MISSING
    if isinstance(inner, dict):
        found = read_id(kind, inner, stated)
        if found is not None:
            return found
    if not kind.definition.identity.id.startswith("/"):
        return read_id(kind, {}, stated)
    # Where there is something to wait for, the location is that of the operation.
    location = response.headers.get("location", "") if call.wait is None else ""
    segment = _path_and_query(location)[0].rstrip("/").rpartition("/")[2]
    return unquote(segment) or None
