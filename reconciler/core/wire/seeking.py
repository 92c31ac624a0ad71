"""Which of the listed objects are worth reading one by one, and where else an object may be. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from reconciler.core.canonical import canonical_json
from reconciler.core.compare.normalize import shape
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import GetCall
from reconciler.core.kinds.template import variables
from reconciler.core.model import Json, JsonObject, LiveObject
from reconciler.core.wire.answers import natural_key

_DELETED = re.compile(
    r"(is_?)?(soft_?)?(deleted|removed|archived|trashed|destroyed|in_?trash|tombstone)(_?(at|on|by|date|time))?",
    re.IGNORECASE,
)
_STATES = frozenset({"status", "state", "lifecycle", "phase", "lifecyclestate", "lifecycle_state"})


def sought(kind: Kind, specs: Iterable[JsonObject], ids: Iterable[str | None]) -> frozenset[str] | None:
    """Return natural keys and known ids of what is looked for, or None where a list shows whole objects or bare ids."""
    if all(call.items_are != "summaries" for call in kind.definition.read.lists):
        return None
    names = [name for spec in specs for name in (natural_key(kind, spec), folded_key(kind, spec))]
    return frozenset([*names, *(one for one in ids if one is not None)])


def folded_key(kind: Kind, spec: JsonObject) -> str:
    """Return what is left of a natural key once letters' case, composition and blanks mean nothing.

    Servers store names in forms of their own: two objects with one folded key may be the same.
    """
    return "folded " + canonical_json([_folded(spec.get(name)) for name in kind.key])


def _folded(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold()).split())


def may_be_wanted(kind: Kind, summary: LiveObject, names: frozenset[str]) -> bool:
    """Tell whether a summary may be of one of the objects that `names` gives by natural key or id.

    One that does not show the whole key may be of any object.
    """
    if summary.id in names or not all(name in summary.spec for name in kind.key):
        return True
    return natural_key(kind, summary.spec, desired=False) in names or folded_key(kind, summary.spec) in names


def needs_id(call: GetCall) -> bool:
    """Tell whether a call can be made for an object with a known id only."""
    return "id" in _roots(call)


def tells_scope(kind: Kind, live: LiveObject) -> bool:
    """Tell whether an answered object itself says in which scope it is, so that nothing had to be filled in."""
    shaped = shape(kind.fields, live.body)
    return isinstance(shaped, dict) and all(name in shaped for name in kind.scope)


def _roots(call: GetCall) -> set[str]:
    return {v.root for part in (call.path, dict(call.query), call.body) for v in variables(part)}


def seems_deleted(kind: Kind, body: JsonObject) -> str:
    """Return the member by which an object looks like one that was deleted softly; empty where there is none.

    What a manifest may set says what somebody wants, and is no such sign.
    """
    ours = {info.response_name for info in kind.fields.properties.values() if not info.read_only}
    for name, value in body.items():
        marked = _DELETED.fullmatch(name) and value not in (None, False, 0, "", [], {})
        told = name.lower() in _STATES and isinstance(value, str) and _DELETED.fullmatch(value)
        if name not in ours and (marked or told):
            return f"/{name}"
    return ""
