"""Two canonical bodies to field changes, redacted as they are made. Pure; deepdiff finds what differs.

Equal bodies never reach deepdiff: it is asked only for the few that differ, and imported only then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.normalize import Comparison, decode
from reconciler.core.model import FieldChange, Json, JsonObject, Operation
from reconciler.core.pointer import MISSING, Path, get
from reconciler.core.records import dataclass

SENSITIVE = "(sensitive)"

_OPERATIONS = {
    "dictionary_item_added": Operation.ADD,
    "iterable_item_added": Operation.ADD,
    "dictionary_item_removed": Operation.REMOVE,
    "iterable_item_removed": Operation.REMOVE,
    "values_changed": Operation.CHANGE,
    "type_changes": Operation.CHANGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two bodies differ. The values may be secret: redact before keeping."""

    operation: Operation
    path: Path
    before: Json = field(default=None, repr=False)
    after: Json = field(default=None, repr=False)


def differences(before: JsonObject, after: JsonObject) -> Iterator[Difference]:
    """Yield where `after` differs from `before`, in path order; lists are compared position by position."""
    from deepdiff import DeepDiff

    # Members that are equal say nothing, and deepdiff takes a hundred times as long to find that out.
    equal = {name for name in before.keys() & after.keys() if strictly_equal(before[name], after[name])}
    tree = DeepDiff(
        {name: value for name, value in before.items() if name not in equal},
        {name: value for name, value in after.items() if name not in equal},
        view="tree",
        zip_ordered_iterables=True,
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,  # "__typename" is a member like any other
    )
    found = []
    for report, operation in _OPERATIONS.items():
        for level in tree.get(report, ()):
            path: Path = tuple(level.path(output_format="list"))
            old = None if operation is Operation.ADD else level.t1
            new = None if operation is Operation.REMOVE else level.t2
            if operation is not Operation.CHANGE or not strictly_equal(old, new):  # 1 and 1.0 are the same
                found.append(Difference(operation=operation, path=path, before=old, after=new))
    yield from sorted(found, key=lambda d: [(isinstance(s, int), s) for s in d.path])


def field_changes(
    comparison: Comparison,
    *,
    stated: JsonObject,
    hidden: Callable[[Path], bool],
    unknown: frozenset[Path] = frozenset(),
) -> tuple[FieldChange, ...]:
    """Return the redacted changes that lead from live to desired.

    `stated` is the manifest's own spec: a field stated as its zero value is shown as that, not as removed. Paths in
    `unknown` hold references whose value is not known yet.
    """
    if comparison.equal:
        return ()
    found: dict[Path, Difference] = {}
    for difference in differences(comparison.live, comparison.desired):
        whole = _whole_list(difference, comparison)
        found.setdefault(whole.path, whole)
    spelled = (_as_stated(difference, comparison, stated) for difference in found.values())
    return tuple(_field_change(difference, stated, hidden, unknown) for difference in spelled)


def _whole_list(difference: Difference, comparison: Comparison) -> Difference:
    """Return the change of the whole list for a difference inside a list of plain values.

    Position by position it would be unreadable, and for a set, which is sorted for comparing, misleading.
    """
    for length, step in enumerate(difference.path):
        if not isinstance(step, int):
            continue
        place = difference.path[:length]
        before, after = get(comparison.live, place), get(comparison.desired, place)
        if not any(isinstance(item, (dict, list)) for item in [*before, *after]):
            return Difference(operation=Operation.CHANGE, path=place, before=before, after=after)
    return difference


def _as_stated(difference: Difference, comparison: Comparison, stated: JsonObject) -> Difference:
    """Return the difference in the manifest's spelling: text instead of base64, say, and nulls that are sent."""
    info = comparison.fields.at(difference.path)
    after = decode(info, difference.after)
    if difference.operation is not Operation.REMOVE:
        after = _with_nulls(after, _stated_at(stated, difference.path))
    return replace(difference, before=decode(info, difference.before), after=after)


def _is_null(value: Json) -> bool:
    return value is None or (isinstance(value, dict) and bool(value) and all(map(_is_null, value.values())))


def _with_nulls(value: Json, stated: Any) -> Json:
    """Return `value` with the members that are null in `stated`: comparing takes them for absent ones."""
    if isinstance(stated, dict) and (value is None or isinstance(value, dict)):
        held = value or {}
        nulls = {name: item for name, item in stated.items() if name not in held and _is_null(item)}
        return {**{name: _with_nulls(item, stated.get(name, MISSING)) for name, item in held.items()}, **nulls}
    if isinstance(value, list) and isinstance(stated, list) and len(value) == len(stated):
        return [_with_nulls(item, other) for item, other in zip(value, stated, strict=True)]
    return value


def _field_change(
    difference: Difference, stated: JsonObject, hidden: Callable[[Path], bool], unknown: frozenset[Path]
) -> FieldChange:
    path, operation, after = difference.path, difference.operation, difference.after
    if operation is Operation.REMOVE:
        value = _stated_at(stated, path)
        if value is not MISSING and value is not None:
            operation, after = Operation.CHANGE, value
    known = not any(_meet(path, place) for place in unknown)
    before = redact(difference.before, path, hidden)
    after = redact(after, path, hidden)
    # Two values that differ, and are shown alike, differ in what is hidden of them.
    sensitive = hidden(path) or (operation is Operation.CHANGE and known and before == after)
    return FieldChange(
        operation=operation,
        path=path,
        before=before,
        after=after if known else None,
        sensitive=sensitive,
        known=known,
    )


def _meet(path: Path, place: Path) -> bool:
    """Tell whether one path leads to or through the other; items of `path` may be named by key, of `place` are not."""
    return all(
        mine == theirs or (isinstance(theirs, int) and isinstance(mine, str))
        for mine, theirs in zip(path, place, strict=False)
    )


def _stated_at(stated: Json, path: Path) -> Any:
    for step in path:
        if not isinstance(stated, dict) or step not in stated:
            return MISSING
        stated = stated[step]
    return stated


def redact(value: Json, path: Path, hidden: Callable[[Path], bool]) -> Json:
    """Return `value`, which stands at `path`, with everything that `hidden` names replaced by `(sensitive)`."""
    if value is None:
        return None
    if hidden(path):
        return SENSITIVE
    if isinstance(value, dict):
        return {key: redact(item, (*path, key), hidden) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, (*path, index), hidden) for index, item in enumerate(value)]
    return value
