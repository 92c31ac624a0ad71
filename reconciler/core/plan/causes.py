"""Why a field differs: the manifest changed since the last apply, or the live object did, or both. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice

from reconciler.core.compare.normalize import Comparison, Remembers
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Cause, FieldChange, Json, LiveObject
from reconciler.core.plan.considered import Considered, Inputs
from reconciler.core.pointer import MISSING, Path, get


def with_causes(
    fields: tuple[FieldChange, ...], considered: Considered, comparison: Comparison, inputs: Inputs, live: LiveObject
) -> tuple[FieldChange, ...]:
    """Say of each field whether the manifest or the live system moved since the last apply, where that is known."""
    address = considered.resource.address
    remembers = inputs.memory.remembers(address, live.id)
    recorded = inputs.memory.stated_before(address)
    return tuple(replace(change, cause=_cause(change.path, comparison, remembers, recorded)) for change in fields)


_MOST_SHAPES = 256


def _as_it_may_have_been_stated(info: FieldInfo, live: Json, desired: Json) -> Iterator[Json]:
    """Yield a live list with fewer members in its items: only those that some earlier manifest may have stated.

    What no manifest states any more is compared whole, but was remembered as it was stated. Members that only the
    server sets never were.
    """
    sides = [side if isinstance(side, dict) else dict(enumerate(side or ())) for side in (live, desired)]
    if not all(isinstance(item, dict) for side in sides for item in side.values()):
        return
    items = {key: _settable(info.child(0), item) for key, item in sides[0].items()}
    stated = dict.fromkeys(tuple(sorted(item)) for item in sides[1].values())  # first, as manifests repeat themselves
    names = sorted({name for item in items.values() for name in item})
    shapes = [*stated, *islice((c for n in range(len(names), 0, -1) for c in combinations(names, n)), _MOST_SHAPES)]
    for shape in shapes:
        for kept in (sides[1], ()):  # what is paired with a stated item is cut to it already
            cut = {k: item if k in kept else {n: v for n, v in item.items() if n in shape} for k, item in items.items()}
            yield cut if isinstance(live, dict) else list(cut.values())


def _settable(info: FieldInfo, value: Json) -> Json:
    """Return `value` without the members that only the server sets."""
    if isinstance(value, dict):
        pairs = ((name, info.child(name), item) for name, item in value.items())
        return {name: _settable(child, item) for name, child, item in pairs if not child.read_only}
    return [_settable(info.child(0), item) for item in value] if isinstance(value, list) else value


def _cause(path: Path, comparison: Comparison, remembers: Remembers, recorded: frozenset[Path]) -> Cause:
    # What stands inside a list is remembered with the list.
    place = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in recorded), path)
    desired, live = (get(side, place) for side in (comparison.desired, comparison.live))
    desired_same = remembers(place, None if desired is MISSING else desired)
    if desired_same is False and desired is MISSING and place not in recorded:
        desired_same = True  # a member of a map that no manifest states, neither then nor now
    if path in comparison.unseen:
        return Cause.MANIFEST if desired_same is False else Cause.UNKNOWN
    live_same = remembers(place, None if live is MISSING else live)
    if live_same is False and comparison.fields.at(place).items is not None and isinstance(live, (dict, list)):
        smaller = _as_it_may_have_been_stated(comparison.fields.at(place), live, () if desired is MISSING else desired)
        live_same = any(remembers(place, cut) for cut in smaller)
    if desired_same is None or live_same is None:
        return Cause.UNKNOWN
    if desired_same:
        return Cause.DRIFT
    return Cause.BOTH if not live_same and place in recorded else Cause.MANIFEST
