"""From intentions to requests, by what a kind says about its calls. Pure, no sockets.

A request body holds the manifest's fields in the request's spelling and form. What it holds of them depends on how
the call sends: `stated` (all that the manifest states), `changed` (top-level fields that differ, whole), `full`
(everything the server had, with our fields laid over it), `mergePatch` (RFC 7396), `jsonPatch` (RFC 6902).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.normalize import encode
from reconciler.core.kinds.catalog import Kind, replaced_by, send_mode
from reconciler.core.kinds.definition import Call, WriteCall
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.kinds.forms import resend_scalar
from reconciler.core.kinds.template import (
    as_text,
    parse_template,
    render_path,
    render_query,
    render_value,
    variables,
)
from reconciler.core.model import Json, JsonObject, LiveObject, Request
from reconciler.core.pointer import MISSING, Path, format_pointer, get, parse_pointer, put
from reconciler.core.records import dataclass
from reconciler.core.wire.judge import all_hold, meaning_of
from reconciler.core.wire.laying import is_hidden, merge, patch
from reconciler.core.wire.showing import HIDES, hidden_values, shown_address, shown_target

_MEDIA_TYPES = {"mergePatch": "application/merge-patch+json", "jsonPatch": "application/json-patch+json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a call is about: the values that its templates may name."""

    spec: JsonObject = field(repr=False)
    id: str | None = None
    live: LiveObject | None = None
    hides: Callable[[Path], bool] | None = field(default=None, compare=False, repr=False)  # besides what the kind hides


def context(kind: Kind, subject: Subject, **more: Any) -> dict[str, Any]:
    """Return the values that templates of `kind` see for `subject`."""
    return {
        "id": MISSING if subject.id is None else subject.id,
        "spec": encode(kind.fields, subject.spec),
        "live": MISSING if subject.live is None else subject.live.body,
        "system": kind.parameters,
        HIDES: subject.hides,
        **more,
    }


def _headers(kind: Kind, call: Call, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    templates = {**kind.system.headers, **call.headers}
    rendered = ((name, render_value(template, values)) for name, template in templates.items())
    return tuple((name, as_text(value)) for name, value in rendered if value is not MISSING and value is not None)


def call_request(kind: Kind, call: Call, values: Mapping[str, Any], *, writes: bool = False) -> Request:
    """Return the request of a call that carries no fields. Raises TemplateError when its path has a hole."""
    body = render_value(call.body, values) if call.body is not None else None
    path, query = render_path(call.path, values), render_query(call.query, values)
    shown = shown_target(kind, call.path, call.query, values)
    located = any(variable.root == "location" for variable in variables(call.path))
    if located:
        # A location may have a query of its own; what the call states replaces what it has of the same name.
        path, _, named = path.partition("?")
        own = {name for name, _ in query}
        query = (*(pair for pair in parse_qsl(named, keep_blank_values=True) if pair[0] not in own), *query)
        shown = shown_address(shown, path, query, same_path=False)
    return Request(
        system=kind.definition.system,
        method=call.method,
        path=path,
        query=query,
        headers=_headers(kind, call, values),
        body=body,
        has_body=call.body is not None,
        writes=writes,
        located=located,
        meaning=partial(meaning_of, kind, call),
        shown=shown,
        hidden=hidden_values(kind, call.path, call.query, values),
    )


# --------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What is to be written: the desired spec with references filled in, and what it is laid over."""

    subject: Subject
    changed: frozenset[str]  # top-level fields that differ; all stated ones on create
    creating: bool
    intent: str = ""  # tells this creation from every other; sent where the call takes such a key


def write_request(kind: Kind, call: WriteCall, writing: Writing) -> Request | None:
    """Return the request of a create or update call, or None when none of its fields changed.

    Raises TemplateError when its path has a hole.
    """
    written = _written(kind, call, writing)
    if written is None:
        return None
    body, values = written
    headers: tuple[tuple[str, str], ...] = ()
    media_type = _MEDIA_TYPES.get(send_mode(call, creating=writing.creating))
    if media_type is not None and "content-type" not in {name.lower() for name in call.headers}:
        headers = (("Content-Type", media_type),)
    live = writing.subject.live
    guard = kind.definition.guard
    if guard.if_match:
        headers += (("Accept-Encoding", "identity"),)  # compressed answers often come without their ETag
    if guard.if_match and live is not None and live.etag is not None and not writing.creating:
        headers += (("If-Match", live.etag),)
    keyed = call.idempotency_key is not None and writing.creating and bool(writing.intent)
    if keyed:
        headers += ((call.idempotency_key or "", writing.intent),)
    return Request(
        system=kind.definition.system,
        method=call.method,
        path=render_path(call.path, values),
        query=render_query(call.query, values),
        headers=_headers(kind, call, values) + headers,
        body=body,
        has_body=body is not None,
        writes=True,
        repeatable=keyed,
        meaning=partial(meaning_of, kind, call),
        shown=shown_target(kind, call.path, call.query, values),
        hidden=hidden_values(kind, call.path, call.query, values),
    )


def removal_request(kind: Kind, call: Call, subject: Subject) -> Request:
    """Return the request that deletes an object, with what guards it. Raises TemplateError when its path has a hole."""
    request = call_request(kind, call, context(kind, subject), writes=True)
    guard, live = kind.definition.guard, subject.live
    headers = request.headers
    if guard.if_match and live is not None and live.etag is not None:
        headers += (("If-Match", live.etag),)
    return replace(request, headers=headers)


def write_body(kind: Kind, call: WriteCall, writing: Writing) -> Any:
    """Return the body that `write_request` sends; holes in the path do not matter.

    None when it sends no body, MISSING when it sends no request.
    """
    written = _written(kind, call, writing)
    return MISSING if written is None else written[0]


def _written(kind: Kind, call: WriteCall, writing: Writing) -> tuple[Json, dict[str, Any]] | None:
    """Return the body of a create or update call and the values its templates saw, or None when nothing changed."""
    names = call_fields(kind, call, writing)
    if not writing.creating and not names & writing.changed:
        return None
    unsettable = _unsettable(kind, call, creating=writing.creating)
    travelling = with_companions(kind, writing, names & writing.changed) - unsettable
    values = context(kind, writing.subject, changed=",".join(_wire_names(kind, travelling, writing.creating)))
    fields = _fields(kind, call, writing, (names - unsettable, travelling), unsettable)
    body = _place(call, fields, values)
    for path in _emptied(kind, writing) if isinstance(fields, dict) else ():
        body = _without_hollow(body, (*parse_pointer(call.fields_at), *path))
    return _with_version(kind, writing, body), values


def _emptied(kind: Kind, writing: Writing) -> Iterator[Path]:
    """Yield where the request spells fields inside a member of their own that are stated as null.

    What else the member holds on the server must not be lost with it: then it is not one of these.
    """
    for name, value in writing.subject.spec.items():
        info = kind.fields.child(name)
        spelling = _request_name(info, name, writing.creating)
        if value is not None or not spelling.startswith("/"):
            continue
        live, answered = writing.subject.live, info.response_name
        path = parse_pointer(answered)[:-1] if answered.startswith("/") else ()
        there = get(live.body, path) if live is not None and path else MISSING
        if not isinstance(there, dict) or len(there) <= 1:
            yield parse_pointer(spelling)


def _without_hollow(body: Json, path: Path) -> Json:
    """Return `body` with null in place of an object that would hold nothing but null at `path`."""
    hollow = len(path) > 1 and strictly_equal(get(body, path[:-1]), {path[-1]: None})
    return put(body, path[:-1], None) if hollow else body


def _with_version(kind: Kind, writing: Writing, body: Json) -> Json:
    """Return the body of an update with the version that it rests on, where the kind guards writes by one."""
    live, pointer = writing.subject.live, kind.definition.guard.version
    if pointer is None or live is None or writing.creating or not isinstance(body, dict):
        return body
    path = parse_pointer(pointer)
    version = get(live.body, path)
    return body if version is MISSING or get(body, path) is not MISSING else put(body, path, version)


def _unsettable(kind: Kind, call: WriteCall, *, creating: bool) -> frozenset[str]:
    """Return the top-level fields that the call never adds to its body.

    Its path or the fixed part of its body holds them, or the call cannot set them.
    """
    placed = {str(v.steps[0]) for v in variables(call.path) if v.root == "spec"}
    if call.fields_at:
        placed |= _placed(call.body, parse_pointer(call.fields_at))
    fields = kind.fields.properties.items()
    return frozenset(placed | {n for n, c in fields if c.read_only or (c.update_only if creating else c.create_only)})


def _placed(body: Json, fields_at: Path) -> set[str]:
    """Return the fields that `body` holds as they are (`{spec.x}` and nothing else) beside the place of the fields."""
    if isinstance(body, dict):
        members = ((step, value) for step, value in body.items() if (step,) != fields_at)
        return {n for step, value in members for n in _placed(value, fields_at[1:] if fields_at[:1] == (step,) else ())}
    if isinstance(body, list):
        return {name for item in body for name in _placed(item, ())}
    parts = parse_template(body) if isinstance(body, str) else ()
    if len(parts) != 1 or isinstance(parts[0], str) or parts[0].root != "spec" or len(parts[0].steps) != 1:
        return set()
    return {str(parts[0].steps[0])}


def call_fields(kind: Kind, call: WriteCall, writing: Writing) -> frozenset[str]:
    """Return the top-level fields that belong to `call`: its own, or all that no other call takes.

    An update that is for other manifests (`when`) takes none.
    """
    live = writing.subject.live.spec if writing.subject.live is not None else {}
    if not writing.creating and not all_hold(call.when, {**live, **writing.subject.spec}):
        return frozenset()
    if call.fields is not None:
        return frozenset(call.fields)
    elsewhere: set[str] = set()
    if not writing.creating:
        for other in kind.definition.write.update:
            if other is not call and other.fields is not None:
                elsewhere.update(other.fields)
    return frozenset(kind.fields.properties) - elsewhere | (writing.changed - elsewhere)


def with_companions(kind: Kind, writing: Writing, changed: frozenset[str]) -> frozenset[str]:
    """Return `changed` with the stated fields that the kind says must travel together with them."""
    travelling = set(changed)
    for group in kind.definition.together:
        trigger = {group.when} if group.when is not None else set(group.fields)
        if trigger & changed and (group.part is None or origin_changes(group.when or group.fields[0], writing)):
            travelling |= set(group.fields) & writing.subject.spec.keys()
    return frozenset(travelling)


def origin_changes(name: str, writing: Writing) -> bool:
    """Tell whether scheme, host or port of the URL in the field `name` changes (RFC 6454, section 4)."""
    live = writing.subject.live
    before = live.spec.get(name) if live is not None else None
    after = writing.subject.spec.get(name)
    return origin(before) != origin(after)


def origin(url: Json) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port of a URL; None for what is not one."""
    from urllib.parse import urlsplit

    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return (url, "", None)  # not readable: equal only to the very same text
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(scheme)


def _wire_names(kind: Kind, names: Iterable[str], creating: bool) -> list[str]:
    spelled = (_request_name(kind.fields.child(name), name, creating) for name in names)
    # In a field mask, dots lead to what stands inside (google.protobuf.FieldMask).
    return sorted(".".join(map(str, parse_pointer(s))) if s.startswith("/") else s for s in spelled)


def _request_name(info: FieldInfo, name: str, creating: bool) -> str:
    return (info.create_name if creating else info.update_name) or name


def _fields(
    kind: Kind,
    call: WriteCall,
    writing: Writing,
    chosen: tuple[frozenset[str], frozenset[str]],
    unsettable: frozenset[str],
) -> Json:
    """Return the part of the body that holds fields: an object, or a list of operations for a JSON Patch.

    `chosen` are the fields of the call, and those of them that changed with what travels with them.
    """
    info, spec = kind.fields, writing.subject.spec
    names, travelling = chosen
    mode = send_mode(call, creating=writing.creating)
    live = writing.subject.live.spec if writing.subject.live is not None else {}
    merged = merge(info, spec, live)
    if mode == "nothing":
        return {}
    if mode == "mergePatch":
        wanted = {
            name: patch(info.child(name), merged.get(name), live.get(name, MISSING)) for name in sorted(travelling)
        }
        return respell(info, wanted, creating=writing.creating)
    if mode == "jsonPatch":
        return [op for name in sorted(travelling) for op in _operations(info, name, merged, live, writing.creating)]
    if mode == "full" and replaced_by(kind.definition, call) == "fields":
        sent = {name for name in merged if name in names or name not in info.properties} - unsettable
    elif mode == "full":
        # What never changes is not for this call where it lists its fields and does not name it.
        fixed = {n for n in merged if call.fields is not None and n not in names and info.child(n).immutable}
        sent = merged.keys() - unsettable - fixed
        # What other calls set travels as it is, since they set it; what nobody can read, as it is to be.
        merged |= {n: live[n] for n in sent - names if n in live and not is_hidden(info.child(n), live[n])}
        sent = {name for name in sent if name in names or name in live or info.child(name).write_only}
    else:
        sent = set(travelling if mode == "changed" else (names | travelling) & spec.keys())
    return respell(info, {name: merged[name] for name in merged if name in sent}, creating=writing.creating)


def _operations(info: FieldInfo, name: str, merged: JsonObject, live: JsonObject, creating: bool) -> list[JsonObject]:
    """Return the operations for one top-level field (RFC 6902).

    Fields are replaced whole: a position inside a list may hold another item by the time the patch arrives.
    """
    spelling = _request_name(info.child(name), name, creating)
    path = spelling if spelling.startswith("/") else format_pointer((spelling,))
    if merged.get(name) is None:
        return [{"op": "remove", "path": path}] if live.get(name) is not None else []
    value = respell(info.child(name), merged[name], creating=creating)
    return [{"op": "replace" if name in live else "add", "path": path, "value": value}]


def respell(info: FieldInfo, value: Json, *, creating: bool) -> Json:
    """Return `value`, stated or as it was read, as requests spell it; read-only members inside it are left out."""
    if isinstance(value, dict):
        body: JsonObject = {}
        placed: list[tuple[Path, Json]] = []  # inside other members, and so after them
        for name, item in value.items():
            child = info.child(name)
            if child.read_only:
                continue
            spelling = _request_name(child, name, creating)
            rendered = respell(child, item, creating=creating)
            if spelling.startswith("/"):
                placed.append((parse_pointer(spelling), rendered))
            else:
                body[spelling] = rendered
        for path, rendered in placed:
            body = put(body, path, rendered)
        return body
    if isinstance(value, list):
        items = info.child(0)
        return [respell(items, item, creating=creating) for item in value]
    return resend_scalar(info.forms, value)


def item_body(kind: Kind, spec: JsonObject, live: LiveObject | None) -> JsonObject:
    """Return the object as it stands inside another one's document: what it had, with our fields laid over it."""
    merged = merge(kind.fields, spec, {} if live is None else live.spec)
    fields = kind.fields.properties
    kept = {n: v for n, v in merged.items() if n not in kind.scope and not (n in fields and fields[n].read_only)}
    body = respell(kind.fields, kept, creating=live is None)
    return body if isinstance(body, dict) else {}


def _place(call: WriteCall, fields: Json, values: Mapping[str, Any]) -> Json:
    if call.send == "nothing":
        return render_value(call.body, values) if call.body is not None else None
    around = render_value(call.body, values) if call.body is not None else {}
    path = parse_pointer(call.fields_at)
    there = get(around, path)
    return put(around, path, fields if there is MISSING else _laid_over(there, fields))


def _laid_over(around: Json, fields: Json) -> Json:
    """Return `around` with `fields` laid over it, member by member: what a kind fixes beside a field stays there."""
    if not isinstance(around, dict) or not isinstance(fields, dict):
        return fields
    return {**around, **{n: _laid_over(around[n], value) if n in around else value for n, value in fields.items()}}
