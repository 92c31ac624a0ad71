"""What two looks at an object tell: fields that moved, masks, members that the schema does not know. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.normalize import canonical, is_masked
from reconciler.core.conformance.claims import Claim, fails, holds, listed
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.model import Json, JsonObject, LiveObject
from reconciler.core.pointer import MISSING, format_pointer, parse_pointer

_MASK = re.compile(r".{0,8}[*•●xX.]{3,}.{0,8}", re.DOTALL)


def moved_beside(kind: Kind, changed: str, before: LiveObject, after: LiveObject) -> list[str]:
    """Return the settable fields, other than `changed`, that are not what they were."""
    absent = kind.definition.read.absent
    moved = []
    for name in sorted({*before.spec, *after.spec} - {changed}):
        info = kind.fields.properties.get(name)
        if info is None or info.read_only or info.write_only:
            continue
        one, other = (
            canonical(info, _settable(info, side.spec.get(name, MISSING)), absent) for side in (before, after)
        )
        if (one is MISSING) != (other is MISSING) or (one is not MISSING and not strictly_equal(one, other)):
            moved.append(name)
    return moved


def _settable(info: FieldInfo, value: Any) -> Any:
    """Return `value` without what the server sets in it, or never shows."""
    if isinstance(value, dict):
        members = ((name, info.child(name), inner) for name, inner in value.items())
        known = ((name, child, inner) for name, child, inner in members if not info.properties or child is not EMPTY)
        return {n: _settable(c, inner) for n, c, inner in known if not c.read_only and not c.write_only}
    if isinstance(value, list) and info.items is not None:
        return [_settable(info.items, item) for item in value]
    return value


def lost_members(kind: Kind, before: LiveObject, after: LiveObject) -> list[str]:
    """Return the members of the answer that the schema does not know, and that are gone after an update."""
    return sorted(name for name in before.spec if name not in kind.fields.properties and name not in after.spec)


def unknown_members(kind: Kind, live: LiveObject) -> Claim:
    """Return the claim that the schema knows what the answer holds."""
    title = "the schema knows what answers hold"
    unknown = [name for name in live.spec if name not in kind.fields.properties]
    if not unknown:
        return holds(title)
    # Not wrong: what is not known is never compared. Who sends whole objects should know what travels back.
    return holds(title, f"but for {listed(unknown)}: add them as fields, or as readOnly ones if the server sets them")


def poorer_fields(kind: Kind, listed_one: LiveObject, got: LiveObject) -> list[str]:
    """Return the settable fields that `get` shows and the list does not."""
    fields = kind.fields.properties
    return sorted(
        name
        for name, value in got.spec.items()
        if name in fields and not fields[name].read_only and value is not None and listed_one.spec.get(name) is None
    )


def secrets_shown(kind: Kind, spec: JsonObject, live: LiveObject) -> Iterator[Claim]:
    """Yield the claims about fields that cannot be read, or are shown masked."""
    for name, info in sorted(kind.fields.properties.items()):
        if name not in spec or spec[name] is None:
            continue
        shown = live.spec.get(name)
        place = ("schema", "properties", name)
        if info.write_only:
            title = f"{name} is write-only"
            if shown is None:
                yield holds(title)
            elif is_masked(info, shown):
                yield holds(title, "answers hold its mask")
            else:
                cure = "x-mask: a pattern of what is shown; or remove writeOnly if it is the value"
                yield fails(title, "answers hold something for it", (*place, "writeOnly"), cure)
            yield from _presence(name, info, live)
        elif info.mask is not None:
            title = f"{name} is shown masked"
            if shown is None or is_masked(info, shown):
                yield holds(title)
            else:
                yield fails(title, "what is shown does not fit the mask", (*place, "x-mask"), "another pattern")
        elif info.sensitive and isinstance(shown, str) and not strictly_equal(shown, spec[name]):
            looks = "something like a mask" if _MASK.fullmatch(shown) else "something else"
            yield fails(
                f"{name} can be read", f"answers hold {looks}", place, "x-mask: a pattern of it; or writeOnly: true"
            )


def _presence(name: str, info: FieldInfo, live: LiveObject) -> Iterator[Claim]:
    if info.presence is not None:
        title = f"{info.presence} tells whether {name} is stored"
        if live.spec.get(info.presence):
            yield holds(title)
        else:
            place = ("schema", "properties", name, "x-present")
            yield fails(title, f"{info.presence} says no after a create with it", place, "another field, or none")


def read_only_fields(kind: Kind, live: LiveObject) -> Claim:
    """Return the claim that the server sets what the schema says it does."""
    title = "the server sets the read-only fields"
    spelled = {name: info for name, info in kind.fields.properties.items() if info.read_only}
    missing = [name for name in spelled if name not in live.spec]
    return holds(title, f"answers do not hold {listed(missing)}" if missing else "")


def how_kept(info: FieldInfo, stated: Json, shown: Json) -> str:
    """Say how a live field differs from what is stated, without a value."""
    if shown is None:
        return "it is not there"
    if isinstance(stated, list) and isinstance(shown, list):
        mine, theirs = (sorted(map(str, canonical(info, side, "unset") or [])) for side in (stated, shown))
        if mine == theirs:
            return "another order"
    return "it is still there" if stated is None else "another value"


def id_places(body: Json, remote_id: str) -> list[str]:
    """Return the pointers, at most three steps deep, at which an answer holds the id."""
    found: list[str] = []

    def look(value: Json, path: tuple[str | int, ...]) -> None:
        if isinstance(value, dict) and len(path) < 3:
            for name, inner in value.items():
                look(inner, (*path, name))
        elif isinstance(value, (str, int)) and not isinstance(value, bool) and str(value) == remote_id:
            found.append(format_pointer(path))

    look(body, ())
    return found


def object_place(kind: Kind, body: Json, remote_id: str) -> str | None:
    """Return the pointer at which an answer holds the whole object, as far as its id shows."""
    template = kind.definition.identity.id
    if not template.startswith("/"):
        return None
    tail = format_pointer(parse_pointer(template))
    places = [place.removesuffix(tail) for place in id_places(body, remote_id) if place.endswith(tail)]
    return min(places, key=len, default=None)
