"""What a manifest states laid over what the server holds, so that nothing unmanaged is lost. Pure."""

from __future__ import annotations

from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.normalize import any_masked, distinct, encode, pair_items
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING


def is_hidden(info: FieldInfo, live: Json) -> bool:
    """Tell whether a live value does not show all that is set."""
    return info.write_only or any_masked(info, live)


def merge(info: FieldInfo, desired: Json, live: Json) -> Json:
    """Return `live` with everything that `desired` states laid over it, so that nothing unmanaged is lost.

    Free maps and lists are taken from `desired` whole; items of a list keep what their live partners hold besides.
    All values are in the form of the wire afterwards, as the live ones were before.
    """
    if info.write_only:
        return encode(info, desired)
    if isinstance(desired, dict) and isinstance(live, dict):
        base = {} if info.is_whole else dict(live)
        for name, value in desired.items():
            base[name] = merge(info.child(name), value, live.get(name, MISSING))
        return base
    if isinstance(desired, list) and isinstance(live, list):
        items, desired = info.child(0), distinct(info, desired)
        partners = pair_items(info, desired, live)
        return [
            merge(items, item, MISSING if partner is None else live[partner])
            for item, partner in zip(desired, partners, strict=True)
        ]
    return encode(info, desired)


def patch(info: FieldInfo, wanted: Json, live: Any) -> Json:
    """Return the merge patch that turns `live` into `wanted` (RFC 7396): null removes a member."""
    if not isinstance(wanted, dict) or not isinstance(live, dict):
        return wanted
    found = {
        name: patch(info.child(name), value, live.get(name, MISSING))
        for name, value in wanted.items()
        if name not in live or not strictly_equal(value, live[name])
    }
    return {**found, **{name: None for name in live if name not in wanted}}
