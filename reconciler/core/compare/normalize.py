"""Both sides made comparable: the stated fields of a manifest and the same fields of a live object. Pure.

`shape` gives an answer the manifest's spelling. `compare` walks the stated fields and brings both sides to one
canonical form: forms applied, sets sorted, keyed lists turned into objects by key, empty lists and maps taken for
absent ones, what cannot be compared taken from the ledger's memory. Where nothing is stated, nothing is compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from json.encoder import encode_basestring
from typing import Any

from reconciler.core.canonical import canonical_json, strictly_equal
from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.kinds.forms import canonical_scalar, decode_scalar, encode_scalar
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import MISSING, Missing, Path, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.withheld import Gap, LeftOut

_MAPPING_OR_ABSENT = (dict, type(None), Missing)
_LIST_OR_ABSENT = (list, type(None), Missing)

Remembers = Callable[[Path, Json], bool | None]
"""Whether a value is the one that was last applied at a path: True, False, or None when nobody knows."""


def no_gap(path: Path) -> Gap:
    """Know of every secret: a run that has them all."""
    del path
    return Gap.NONE


def nothing_remembered(path: Path, value: Json) -> bool | None:
    """Know nothing about what was applied: the memory of a run without a ledger."""
    del path, value
    return None


def shape(info: FieldInfo, body: Json) -> Json:
    """Return a live `body` with the manifest's field names; members that the schema does not know keep theirs."""
    if not info.respelled:
        return body
    if isinstance(body, list):
        return [shape(info.items, item) for item in body] if info.items is not None else body
    if not isinstance(body, dict) or not (info.properties or info.values):
        return body
    names = {child.response_name: name for name, child in info.properties.items()}
    # An unknown member that is called like a field, which is spelled otherwise here, is not that field.
    known_or_free = ((key, value) for key, value in body.items() if key in names or key not in info.properties)
    shaped = {names.get(key, key): value for key, value in known_or_free}
    for spelling, name in names.items():
        if spelling.startswith("/"):
            found = get(body, parse_pointer(spelling))
            if found is not MISSING:
                shaped[name] = found
    return {str(name): shape(info.child(str(name)), value) for name, value in shaped.items()}


# --------------------------------------------------------------------------- comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both sides in canonical form, and the stated paths that nothing could be compared with."""

    desired: JsonObject = field(repr=False)
    live: JsonObject = field(repr=False)
    fields: FieldInfo = field(default=EMPTY, repr=False, compare=False)  # what is known about both
    incomparable: tuple[Path, ...] = ()
    unseen: frozenset[Path] = frozenset()  # paths that differ as far as memory goes: nobody saw the live value
    # What no answer shows, as it is stated: memory alone tells whether it was applied.
    by_memory: Mapping[Path, Json] = field(default_factory=dict, repr=False)

    @property
    def equal(self) -> bool:
        return strictly_equal(self.desired, self.live)


@dataclass(slots=True)
class _Walk:
    absent: str
    remembers: Remembers
    readable: bool
    gap: Callable[[Path], Gap]
    incomparable: list[Path] = field(default_factory=list)
    unseen: list[Path] = field(default_factory=list)
    by_memory: dict[Path, Json] = field(default_factory=dict)


def compare(
    info: FieldInfo,
    desired: JsonObject,
    live: JsonObject | None,
    *,
    absent: str = "unset",
    remembers: Remembers = nothing_remembered,
    readable: bool = True,
    gap: Callable[[Path], Gap] = no_gap,
) -> Comparison:
    """Return the stated fields of `desired` and the same fields of `live`, both canonical.

    `live` is a shaped object, or None when there is none. `absent` is the kind's meaning of a field that an answer
    leaves out. With `readable=False`, live values that are not there are unknown, and only memory decides. With a
    `gap`, a field counts as equal to a live one that nobody can see.
    """
    walk = _Walk(absent=absent, remembers=remembers, readable=readable, gap=gap)
    wanted: JsonObject = {}
    present: JsonObject = {}
    for name, value in desired.items():
        sides = _pair(info.child(name), value, live if live is not None else {}, (name,), walk)
        _keep(wanted, present, name, sides)
    return Comparison(
        desired=wanted,
        live=present,
        fields=info,
        incomparable=tuple(walk.incomparable),
        unseen=frozenset(walk.unseen),
        by_memory=walk.by_memory,
    )


def _keep(wanted: JsonObject, present: JsonObject, name: str, sides: tuple[Any, Any]) -> None:
    if sides[0] is not MISSING:
        wanted[name] = sides[0]
    if sides[1] is not MISSING:
        present[name] = sides[1]


def _pair(info: FieldInfo, desired: Any, siblings: Mapping[str, Json], path: Path, walk: _Walk) -> tuple[Any, Any]:
    """Return both sides of one member, whose live value stands among its live `siblings`."""
    step = path[-1]
    return _pair_values(info, desired, siblings.get(str(step), MISSING), path, walk, siblings)


def _pair_values(
    info: FieldInfo, desired: Any, live: Any, path: Path, walk: _Walk, siblings: Mapping[str, Json]
) -> tuple[Any, Any]:
    blind = not walk.readable and live is MISSING
    hidden = blind or info.write_only or is_masked(info, live) or info.is_secret_beside(siblings)
    hidden = hidden or isinstance(live, LeftOut)
    if hidden and desired is not MISSING:
        return _pair_hidden(info, desired, live, path, walk, siblings)
    if isinstance(desired, (dict, list)) and (live is None or live is MISSING):
        live = _left_out(info, walk.absent)
    if isinstance(desired, dict) and isinstance(live, _MAPPING_OR_ABSENT):
        return _pair_objects(info, desired, live if isinstance(live, dict) else {}, path, walk)
    if isinstance(desired, list) and isinstance(live, _LIST_OR_ABSENT):
        return _pair_lists(info, desired, live if isinstance(live, list) else [], path, walk)
    return _canonical_desired(info, desired, walk.absent), canonical(info, live, walk.absent)


def is_masked(info: FieldInfo, live: Any) -> bool:
    """Tell whether a live value is the mask that the server shows in place of the real one."""
    if isinstance(live, LeftOut):
        return live.masked
    return info.mask is not None and isinstance(live, str) and re.fullmatch(info.mask, live) is not None


def any_masked(info: FieldInfo, live: Any) -> bool:
    """Tell whether a mask stands anywhere in a live value."""
    if isinstance(live, dict):
        return any(any_masked(info.child(key), item) for key, item in live.items())
    if isinstance(live, list):
        return any(any_masked(info.child(0), item) for item in live)
    return is_masked(info, live)


def _pair_hidden(
    info: FieldInfo, desired: Json, live: Any, path: Path, walk: _Walk, siblings: Mapping[str, Json]
) -> tuple[Any, Any]:
    wanted = _canonical_desired(info, desired, walk.absent)
    walk.by_memory[path] = None if wanted is MISSING else wanted
    if walk.readable and info.presence is not None and info.presence in siblings:
        is_set = bool(siblings[info.presence])
        if is_set != (desired not in (None, "")):
            return wanted, MISSING if not is_set else ""
        if not is_set:
            return wanted, wanted
    if desired is None and live and isinstance(live, str) and is_masked(info, live):
        return MISSING, ""  # a mask says that there is a value: null removes it
    gap = walk.gap(path)
    known = walk.remembers(path, walk.by_memory[path]) if gap is Gap.NONE else None
    if known is False or (known is None and not walk.readable and gap is not Gap.APPLIED):
        walk.unseen.append(path)
        return wanted, MISSING
    if known is None:
        walk.incomparable.append(path)
    return wanted, wanted


def _pair_objects(info: FieldInfo, desired: JsonObject, live: JsonObject, path: Path, walk: _Walk) -> tuple[Any, Any]:
    names = list(desired)
    if info.is_whole:
        names += [name for name in live if name not in desired and not info.child(name).read_only]
    wanted: JsonObject = {}
    present: JsonObject = {}
    for name in names:
        value = desired.get(name, MISSING)
        _keep(wanted, present, name, _pair(info.child(name), value, live, (*path, name), walk))
    if present and not info.is_whole:
        return wanted, present  # also where all that is wanted counts as absent: the fields differ, not the object
    return wanted or MISSING, present or MISSING


def _pair_lists(info: FieldInfo, desired: list[Json], live: list[Json], path: Path, walk: _Walk) -> tuple[Any, Any]:
    items = info.child(0)
    partners = pair_items(info, desired, live)
    wanted: list[Any] = []
    present: dict[int, Any] = {}
    for index, (item, partner) in enumerate(zip(desired, partners, strict=True)):
        other = MISSING if partner is None else live[partner]
        step = item_key(info, item, desired=True) if info.is_set and info.key else index
        mine, theirs = _pair_values(items, item, other, (*path, step), walk, {})
        wanted.append(None if mine is MISSING else mine)
        if partner is not None:
            present[partner] = None if theirs is MISSING else theirs
    rest = [present[i] if i in present else canonical(items, item, walk.absent) for i, item in enumerate(live)]
    if info.is_set and info.key:
        mine, theirs = _by_key(info, desired, wanted, desired=True), _by_key(info, live, rest, desired=False)
        return mine or MISSING, theirs or MISSING
    if info.is_set:
        return _sorted(wanted) or MISSING, _sorted(rest) or MISSING
    return wanted or MISSING, rest or MISSING


def pair_items(info: FieldInfo, desired: list[Json], live: list[Json]) -> list[int | None]:
    """Return for each desired item the index of the live item that it is about, or None for a new one.

    Items are told apart by the list's key; in a set without one by their value; otherwise by position.
    """
    if info.key or info.is_set:
        places: dict[str, list[int]] = {}
        for index, item in enumerate(live):
            places.setdefault(item_key(info, item), []).append(index)
        # Items that share a key are paired in order, so that no live item has two partners.
        waiting = {key: iter(indexes) for key, indexes in places.items()}
        return [next(waiting.get(item_key(info, item, desired=True), iter(())), None) for item in desired]
    return [index if index < len(live) else None for index in range(len(desired))]


def item_key(info: FieldInfo, item: Json, *, desired: bool = False) -> str:
    """Return what tells an item of a list apart, as canonical JSON text."""
    items = info.child(0)
    side = _canonical_desired if desired else canonical
    if info.key and isinstance(item, dict):
        parts = [side(items.child(name), item.get(name, MISSING), "zero") for name in info.key]
        parts = [None if part is MISSING else part for part in parts]
        return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else canonical_json(parts)
    return item_key_of(items, item, desired=desired)


def item_key_of(info: FieldInfo, value: Any, *, desired: bool) -> str:
    """Return a value as canonical JSON text, equal for values that mean the same."""
    if value.__class__ is str and not info.forms and not info.means:
        return encode_basestring(value)  # what most names are, and the same in the end
    side = _canonical_desired if desired else canonical
    found = side(info, value, "unset")
    return canonical_json(None if found is MISSING else found)


def _by_key(info: FieldInfo, raw: list[Json], items: list[Any], *, desired: bool) -> dict[str, Any]:
    """Return `items` by the keys of `raw`. One whose key an earlier item has is named by its number among those."""
    found: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for original, item in zip(raw, items, strict=True):
        key = item_key(info, original, desired=desired)
        counts[key] = counts.get(key, 0) + 1
        found[key if counts[key] == 1 else f"{key} ({counts[key]})"] = item
    return found


def _sorted(items: list[Any]) -> list[Any]:
    distinct = {canonical_json(item): item for item in items}
    return [distinct[text] for text in sorted(distinct)]


# --------------------------------------------------------------------------- canonical form


def _canonical_desired(info: FieldInfo, value: Any, absent: str) -> Any:
    return (
        canonical(info, encode(info, value), absent)
        if info.forms or isinstance(value, (dict, list))
        else (canonical(info, value, absent))
    )


def distinct(info: FieldInfo, items: list[Json]) -> list[Json]:
    """Return the items of a manifest's list without repetitions where it is a set."""
    if not info.is_set or len(items) < 2:
        return items
    found: dict[str, Json] = {}
    for item in items:
        found.setdefault(item_key_of(info.child(0), item, desired=True), item)
    return list(found.values())


def encode(info: FieldInfo, value: Any) -> Any:
    """Return a manifest's value with every scalar in the form that requests carry; names stay the manifest's.

    Sets come without repetitions.
    """
    if isinstance(value, dict):
        return {name: encode(info.child(name), item) for name, item in value.items()}
    if isinstance(value, list):
        items = info.child(0)
        return [encode(items, item) for item in distinct(info, value)]
    return encode_scalar(info.forms, value) if info.forms else value


def decode(info: FieldInfo, value: Any) -> Any:
    """Return a live value, as it was answered or in canonical form, as a manifest would state it."""
    if isinstance(value, dict):
        if info.items is not None:  # a list by key, in canonical form
            return {key: decode(info.items, item) for key, item in value.items()}
        return {name: decode(info.child(name), item) for name, item in value.items()}
    if isinstance(value, list):
        items = info.child(0)
        return [decode(items, item) for item in value]
    if isinstance(value, str):
        value = info.means.get(value, value)
    return decode_scalar(info.forms, value) if info.forms else value


def canonical(info: FieldInfo, value: Any, absent: str) -> Any:
    """Return the one form of a wire value, or MISSING when it means the same as leaving the field out."""
    if value is None or value is MISSING:
        stands_for = _left_out(info, absent)
        return MISSING if stands_for is MISSING else canonical(info, stands_for, "unset")
    if isinstance(value, dict):
        pairs = ((name, canonical(info.child(name), item, absent)) for name, item in value.items())
        return {name: item for name, item in pairs if item is not MISSING} or MISSING
    if isinstance(value, list):
        items = [canonical(info.child(0), item, absent) for item in value]
        items = [None if item is MISSING else item for item in items]
        if info.is_set and info.key:
            return _by_key(info, value, items, desired=False) or MISSING
        return (_sorted(items) if info.is_set else items) or MISSING
    if isinstance(value, str):
        value = info.means.get(value, value)
    value = canonical_scalar(info.forms, value)
    # Items of lists and keys of maps are there even with a zero in them; only fields are left out.
    is_field = info.name not in ("", "*")
    if absent == "zero" and is_field and value in ("", 0, False) and info.absent is MISSING:
        return MISSING
    return value


def _left_out(info: FieldInfo, absent: str) -> Any:
    """Return the wire value that a field stands for when an answer leaves it out, or MISSING."""
    value = info.absent
    if value is MISSING and absent == "default":
        value = info.default
    return MISSING if value is MISSING or value is None else encode(info, value)
