"""Items of a manifest's list that `x-key` cannot tell apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.compare.normalize import item_key
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json
from reconciler.core.pointer import Path

DEEPEST = 30  # of a schema that contains itself


def has_keyed_lists(info: FieldInfo, depth: int = 0) -> bool:
    """Tell whether a field holds a list with `x-key`, at any depth."""
    if info.key:
        return True
    inner = [one for one in (*info.properties.values(), info.items, info.values) if one is not None]
    return depth < DEEPEST and any(has_keyed_lists(one, depth + 1) for one in inner)


def repeated_keys(value: Json, info: FieldInfo, path: Path = ()) -> Iterator[tuple[Path, Path, tuple[str, ...]]]:
    """Yield where an item stands whose key an earlier one has, where that one stands, and the fields of the key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from repeated_keys(inner, info.child(name), (*path, name))
    elif isinstance(value, list):
        seen: dict[str, int] = {}
        for index, item in enumerate(value):
            if info.key and isinstance(item, dict) and any(name in item for name in info.key):
                first = seen.setdefault(item_key(info, item, desired=True), index)
                if first != index:
                    yield (*path, index), (*path, first), tuple(info.key)
            yield from repeated_keys(item, info.child(index), (*path, index))
