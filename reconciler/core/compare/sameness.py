"""Whether a live object is surely as its manifest states, told without bringing both to a common form. Pure.

Most objects of most plans are as declared, and for them this is all the comparing there is. `normalize.compare` decides
wherever a form, a mask, a memory or a missing value has a say; the tests check that the two never disagree.
"""

from __future__ import annotations

from typing import Any

from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.model import Json


def surely_same(info: FieldInfo, desired: Json, live: Any) -> bool:
    """Tell that everything `desired` states is so in `live`; False may mean anything."""
    if not info.is_plain:
        return False
    kind = desired.__class__
    if kind is dict:
        return live.__class__ is dict and bool(desired) and _same_members(info, desired, live)
    if kind is list:
        return live.__class__ is list and bool(desired) and _same_items(info, desired, live)
    # `==` takes true for 1; nothing else that differs is equal by it.
    return desired is not None and bool(desired == live) and (kind is bool) == (live.__class__ is bool)


def _same_members(info: FieldInfo, desired: dict[str, Json], live: dict[str, Json]) -> bool:
    if info.is_whole and desired.keys() != live.keys():
        return False
    properties, values, plain = info.properties, info.values, info.is_plain_below
    # Nothing is called for a text or number, as most members are: that would take longer than to compare them.
    for name, value in desired.items():
        kind = value.__class__
        other = live.get(name)
        if kind is str and plain:
            if value != other:
                return False
        elif kind is dict and plain:
            inside = properties.get(name) or values or EMPTY
            if other.__class__ is not dict or not value or not _same_members(inside, value, other):
                return False
        elif kind is list or not plain:
            if not surely_same(properties.get(name) or values or EMPTY, value, other):
                return False
        elif value != other or value is None or (kind is bool) != (other.__class__ is bool):
            return False
    return True


def _same_items(info: FieldInfo, desired: list[Json], live: list[Json]) -> bool:
    if len(desired) != len(live):
        return False
    if info.is_set and not info.key and desired != live:
        try:
            desired, live = sorted(desired), sorted(live)
        except TypeError:
            return False  # not of one type, or nothing that has an order
    items = info.items or EMPTY
    for mine, theirs in zip(desired, live, strict=True):
        if mine.__class__ is str and items.is_plain:
            if mine != theirs:
                return False
        elif not surely_same(items, mine, theirs):
            return False
    return True
