"""What the server itself protects a write with: an ETag, a version, values that it compares. Pure.

A guard is in force only where there is something to send. What a kind asks for and a read does not give is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.canonical import strictly_equal
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.kinds.template import Variable, variables
from reconciler.core.model import LiveObject, Request
from reconciler.core.pointer import MISSING, Path, get, parse_pointer

UNTOLD = ""  # of an object that came from a list, nobody knows whether a read of it gives an ETag


def etag_in(headers: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the strong ETag of an answer, or None and why there is none.

    If-Match compares strongly (RFC 9110, section 13.1.1): a weak one never matches, and without its `W/` it would be
    another one. What comes in a trailer is not kept.
    """
    tag = headers.get("etag", "").strip()
    if tag.startswith(("W/", "w/")):
        return None, "only a weak ETag"
    if tag:
        return tag, ""
    late = "etag" in (name.strip().lower() for name in headers.get("trailer", "").split(","))
    return None, "an ETag in a trailer only" if late else "no ETag"


def tagged(live: LiveObject, headers: Mapping[str, str]) -> LiveObject:
    """Return an object that an answer shows by itself, with the ETag of that answer."""
    etag, why = etag_in(headers)
    return replace(live, etag=etag, no_etag=why)


def uncompressed(kind: Kind, request: Request) -> Request:
    """Return the request as a kind that is guarded by ETags sends it: many servers give none, or a weak one, with
    compressed answers."""
    if not kind.definition.guard.if_match:
        return request
    return replace(request, headers=(*request.headers, ("Accept-Encoding", "identity")))


def compared_values(kind: Kind, call: Call) -> tuple[tuple[str, Variable], ...]:
    """Return the query parameters and headers of a write in which a member of the live object travels back, so that
    the server can compare it; a member that makes the object's id or key tells the object, not its state."""
    identity = kind.definition.identity
    names = {parse_pointer(identity.id)} if identity.id.startswith("/") else {v.steps for v in variables(identity.id)}
    names |= {(name,) for name in (*identity.key, *kind.scope)}
    sent = {**dict(call.query), **dict(call.headers)}
    found = ((name, one) for name, template in sent.items() for one in variables(template) if one.root == "live")
    return tuple((name, one) for name, one in found if one.steps not in names)


def guards_named(kind: Kind, live: LiveObject, calls: Iterable[Call]) -> list[str]:
    """Return in words which of the server's own guards the writes of `calls` over `live` have, as far as is known."""
    guard = kind.definition.guard
    words = []
    if guard.if_match and live.etag is not None:
        words.append("If-Match with its ETag")
    elif guard.if_match and live.no_etag == UNTOLD:
        words.append("with the ETag of that read, if it gives one")
    if guard.version is not None:
        words.append(f"version field {guard.version}")
    compared = dict.fromkeys(f"{name}={one}" for call in calls for name, one in compared_values(kind, call))
    return words + [f"check-and-set by {text}" for text in compared]


def guards_missing(kind: Kind, live: LiveObject, calls: Iterable[Call]) -> Iterator[str]:
    """Yield which guards the kind asks for and an object that was read by itself does not allow."""
    guard = kind.definition.guard
    if guard.if_match and live.etag is None:
        yield f"If-Match is not sent: reads give {live.no_etag or 'no ETag'}"
    if guard.version is not None and _is_missing(live, parse_pointer(guard.version)):
        yield f"no version is sent: reads show nothing at {guard.version}"
    for call in calls:
        for name, one in compared_values(kind, call):
            if _is_missing(live, one.steps):
                yield f"{name} is not sent: reads show nothing for {one}"


def guards_moved(kind: Kind, before: LiveObject, now: LiveObject, calls: Iterable[Call]) -> bool:
    """Tell whether what a guard compares is another than it was, which explains why the server refused the write."""
    guard = kind.definition.guard
    if guard.if_match and before.etag != now.etag:
        return True
    places: list[Path] = [] if guard.version is None else [parse_pointer(guard.version)]
    places += [one.steps for call in calls for _, one in compared_values(kind, call)]
    return any(_moved(before, now, place) for place in places)


def _moved(before: LiveObject, now: LiveObject, place: Path) -> bool:
    was, found = get(before.body, place), get(now.body, place)
    return found is not MISSING and not strictly_equal(was, found)


def _is_missing(live: LiveObject, place: Path) -> bool:
    return get(live.body, place) in (MISSING, None)
