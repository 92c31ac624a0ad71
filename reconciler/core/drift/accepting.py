"""What a manifest has to say so that it agrees with the live object: edits of what was written, and what is left. Pure.

Only what moved is touched. Expressions and secrets are never overwritten, and nothing is written that the kind does not
allow in a manifest, or that would mean something else when it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from difflib import SequenceMatcher
from typing import Any

from reconciler.core.compare.normalize import (
    canonical,
    compare,
    decode,
    encode,
    is_masked,
    item_key,
    item_key_of,
    pair_items,
)
from reconciler.core.drift.edits import Edit, edited, field_of
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.manifests.expressions import ExpressionError, split
from reconciler.core.model import FieldChange, Json, LiveObject
from reconciler.core.plan.considered import Considered, managed
from reconciler.core.pointer import MISSING, Path
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_errors import mistakes
from reconciler.core.schema.schema_gate import CompiledSchema

EXPRESSION = "the value is an expression: change what it stands for, or write the value out"
SECRET = "the value is secret, or holds a secret: no secret is written into a manifest"
UNSEEN = "the live value cannot be read"
CLEARED = "the field was cleared, and a manifest cannot state that: remove it to leave it to the live system"
UNSTATED = "the manifest does not state the field itself"
UNSTATABLE = "a manifest cannot state the live value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A field that a person must decide about. `place` is in the spec of the manifest."""

    place: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What to write, in the manifest's spelling, and what is left. Places are in the spec as it was written."""

    edits: tuple[Edit, ...] = field(default=(), repr=False)
    left: tuple[Left, ...] = ()


def accept(
    considered: Considered,
    live: LiveObject,
    written: Json,
    moved: Sequence[FieldChange],
    holds_secret: Callable[[str], bool] = lambda text: False,
) -> Accepted:
    """Return how the spec as `written` (its expressions not filled in) comes to state the `moved` fields as they live.

    A value that `holds_secret` is left to a person, whatever the kind says of its field.

    Values in the edits are what is meant: where they go into a manifest, `escaped` makes them safe.
    """
    walk = _Walk(considered=considered, moved=tuple(change.path for change in moved), holds_secret=holds_secret)
    stated = managed(considered.kind, considered.resource, considered.spec)
    walk.members(considered.kind.fields, written, stated, live.spec, ())
    told = [*(edit.place for edit in walk.edits), *(left.place for left in walk.left)]
    for change in moved:
        if not any(_meet(change.path, place) for place in told):
            walk.leave(change.path, UNSEEN if change.sensitive else UNSTATED)
    return _allowed(considered, walk)


def escaped(value: Any) -> Any:
    """Return a value as a manifest writes it: what looks like an expression in it is one no longer."""
    if isinstance(value, dict):
        return {name: escaped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [escaped(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def holds_expression(value: Json) -> bool:
    """Tell whether anything in a written value is filled in from elsewhere."""
    if isinstance(value, dict):
        return any(map(holds_expression, value.values()))
    if isinstance(value, list):
        return any(map(holds_expression, value))
    if not isinstance(value, str) or "${" not in value:
        return False
    try:
        return any(not isinstance(part, str) for part in split(value))
    except ExpressionError:
        return True


def _meet(path: Path, place: Path) -> bool:
    """Tell whether a place, where items go by index, is, holds or stands in `path`, where they may go by key."""
    return all(
        mine == theirs or (isinstance(theirs, int) and isinstance(mine, str))
        for mine, theirs in zip(path, place, strict=False)
    )


def _allowed(considered: Considered, walk: _Walk) -> Accepted:
    """Leave out what the kind's schema does not allow in a manifest, a field at a time."""
    schema = CompiledSchema(considered.kind.definition.schema_)

    def first_mistake(edits: Sequence[Edit]) -> str | None:
        spec = edited(considered.spec, edits)
        found = mistakes(schema, spec, hidden=considered.hides, unknown=considered.unknown)
        return found[0].message if found else None

    kept: list[Edit] = []
    left = list(walk.left)
    if first_mistake(walk.edits) is None:
        kept = walk.edits
    else:
        for place in dict.fromkeys(field_of(edit) for edit in walk.edits):
            more = [edit for edit in walk.edits if field_of(edit) == place]
            wrong = first_mistake([*kept, *more])
            if wrong is None:
                kept += more
            else:
                left.append(Left(place=place, reason=f"{UNSTATABLE}: {wrong}"))
    return Accepted(edits=tuple(kept), left=tuple(left))


class _LeaveError(Exception):
    """A container cannot be brought into agreement."""


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One walk over a spec: as written, as filled in, and as it lives."""

    considered: Considered
    moved: tuple[Path, ...]
    holds_secret: Callable[[str], bool]
    edits: list[Edit] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    inside_list: int = 0  # a list is remembered as one: all that differs in it moved

    @property
    def absent(self) -> str:
        return self.considered.kind.definition.read.absent

    def leave(self, place: Path, reason: str) -> None:
        self.left.append(Left(place=place, reason=reason))

    def put(self, place: Path, value: Json) -> None:
        self.edits.append(Edit(place=place, value=value))

    def differs(self, info: FieldInfo, stated: Any, live: Any) -> bool:
        """Tell whether a stated value means something else than the live one."""
        around = FieldInfo(properties={info.name or "*": info})
        name = info.name or "*"
        sides = compare(around, {name: stated}, {} if live is MISSING else {name: live}, absent=self.absent)
        return not sides.equal

    # ------------------------------------------------------------------ values

    def value(
        self, info: FieldInfo, written: Json, stated: Json, live: Any, siblings: Mapping[str, Json], place: Path
    ) -> None:
        """Bring one stated value into agreement with the live one."""
        if not self.inside_list and not any(_meet(path, place) for path in self.moved):
            return
        if info.write_only or is_masked(info, live) or info.is_secret_beside(siblings):
            return
        if not self.differs(info, stated, live):
            return
        if isinstance(written, str) and holds_expression(written):
            self.leave(place, EXPRESSION)
        elif live is None or live is MISSING:
            self.cleared(info, written, stated, place)
        elif isinstance(stated, dict) and isinstance(live, dict) and isinstance(written, dict):
            self.members(info, written, stated, live, place)
        elif isinstance(stated, list) and isinstance(live, list) and isinstance(written, list):
            self.items(info, written, stated, live, place)
        else:
            self.replaced(info, written, live, place)

    def replaced(self, info: FieldInfo, written: Json, live: Json, place: Path) -> None:
        try:
            self.keep_what_is_not_ours(info, written, place)
            self.put(place, self.as_stated(info, live, place))
        except _LeaveError as reason:
            self.leave(place, str(reason))

    def cleared(self, info: FieldInfo, written: Json, stated: Json, place: Path) -> None:
        """Let a field say that nothing is there, in the way in which a manifest can."""
        if isinstance(stated, dict) and not info.is_whole and "null" not in info.types:
            self.members(info, written, stated, {}, place)
            return
        try:
            self.keep_what_is_not_ours(info, written, place)
            self.put(place, self.nothing(info, stated))
        except _LeaveError as reason:
            self.leave(place, str(reason))

    def nothing(self, info: FieldInfo, stated: Json) -> Json:
        """Return what states that a field is left out of answers."""
        meant = info.default if info.absent is MISSING and self.absent == "default" else info.absent
        if meant is not MISSING and meant is not None:
            return meant
        if isinstance(stated, (dict, list)):
            return type(stated)() if isinstance(stated, list) or info.is_whole else None
        if self.absent == "zero" and info.absent is MISSING and stated is not None:
            return type(stated)()
        if "null" not in info.types:
            raise _LeaveError(CLEARED)
        return None

    def keep_what_is_not_ours(self, info: FieldInfo, written: Json, place: Path) -> None:
        """Refuse to overwrite or remove a written value that is an expression or a secret."""
        if holds_expression(written):
            raise _LeaveError(EXPRESSION)
        if self.has_secret(info, written, place):
            raise _LeaveError(SECRET)

    def has_secret(self, info: FieldInfo, value: Json, place: Path) -> bool:
        if self.considered.hides(place) or info.write_only or info.sensitive or is_masked(info, value):
            return True
        if isinstance(value, str):
            return self.holds_secret(value)
        if isinstance(value, dict):
            return any(
                info.child(name).is_secret_beside(value)
                or self.holds_secret(name)
                or self.has_secret(info.child(name), item, (*place, name))
                for name, item in value.items()
            )
        if isinstance(value, list):
            return any(self.has_secret(info.child(0), item, (*place, index)) for index, item in enumerate(value))
        return False

    def as_stated(self, info: FieldInfo, live: Json, place: Path) -> Json:
        """Return a live value as a manifest states it. Raises _LeaveError for what none can state."""
        if self.has_secret(info, live, place):
            raise _LeaveError(SECRET)
        kept = _stateable(info, live, self.absent)
        found = decode(info, kept)
        again = canonical(info, encode(info, found), self.absent)
        if canonical(info, kept, self.absent) != again:
            raise _LeaveError(UNSTATABLE)
        return found

    # ------------------------------------------------------------------ containers

    def members(self, info: FieldInfo, written: Json, stated: Json, live: Mapping[str, Json], place: Path) -> None:
        """Bring the members of an object, or of a map that is managed as one, into agreement."""
        whole = bool(place) and info.is_whole
        before, removed = len(self.edits), 0
        for name, item in written.items() if isinstance(written, dict) else ():
            if name not in stated:
                continue  # not compared: stated on create only, or ignored
            child, found, there = info.child(name), live.get(name, MISSING), (*place, name)
            if not whole or not (found is None or found is MISSING):
                self.value(child, item, stated[name], found, live, there)
            elif self.differs(child, stated[name], MISSING):
                removed += self.removed(child, item, there)
        added = [name for name in live if whole and name not in stated and not info.child(name).read_only]
        for name in added:
            if canonical(info.child(name), live[name], self.absent) is not MISSING:
                self.added(info.child(name), live[name], (*place, name))
        if removed == len(written) and self.edits[before:]:  # nothing of it is kept: put as a whole
            new = {str(edit.place[-1]): edit.value for edit in self.edits[before:] if edit.adds}
            del self.edits[before:]
            self.put(place, new)

    def removed(self, info: FieldInfo, written: Json, place: Path) -> bool:
        try:
            self.keep_what_is_not_ours(info, written, place)
        except _LeaveError as reason:
            self.leave(place, str(reason))
            return False
        self.edits.append(Edit(place=place))
        return True

    def added(self, info: FieldInfo, live: Json, place: Path) -> None:
        try:
            self.edits.append(Edit(place=place, value=self.as_stated(info, live, place), adds=True))
        except _LeaveError as reason:
            self.leave(place, str(reason))

    def items(self, info: FieldInfo, written: list[Json], stated: list[Json], live: list[Json], place: Path) -> None:
        """Bring a list into agreement: items that are still there stay where they are written, and are kept."""
        edits, left = len(self.edits), len(self.left)
        self.inside_list += 1
        try:
            self._items(info, written, stated, live, place)
        except _LeaveError as reason:
            del self.edits[edits:], self.left[left:]
            self.leave(place, str(reason))
        finally:
            self.inside_list -= 1

    def _items(self, info: FieldInfo, written: list[Json], stated: list[Json], live: list[Json], place: Path) -> None:
        items = info.child(0)
        pairs = list(_by_partner(info, stated, live) if info.is_set else _by_alignment(info, stated, live))
        if not any(mine is not None and theirs is not None for mine, theirs in pairs):
            for index, item in enumerate(written):
                self.keep_what_is_not_ours(items, item, (*place, index))
            self.put(place, [self.as_stated(items, item, (*place, i)) for i, item in enumerate(live)])
            return
        following = len(written)
        added: list[Edit] = []
        pattern = next((item for item in written if isinstance(item, dict)), {})
        for mine, theirs in reversed(pairs):
            if mine is None:
                assert theirs is not None
                new = self.as_stated(items, live[theirs], (*place, theirs))
                added.insert(0, Edit(place=(*place, following), value=_ordered_as(pattern, new), adds=True))
                continue
            following = mine
            if theirs is None:
                self.keep_what_is_not_ours(items, written[mine], (*place, mine))
                self.edits.append(Edit(place=(*place, mine)))
            else:
                self.value(items, written[mine], stated[mine], live[theirs], {}, (*place, mine))
        self.edits += added


_Pair = tuple[int | None, int | None]


def _by_partner(info: FieldInfo, stated: list[Json], live: list[Json]) -> Iterator[_Pair]:
    """Pair the items of a set, in the order in which they are stated; what is new comes last."""
    partners = pair_items(info, stated, live)
    new = iter(index for index in range(len(live)) if index not in partners)
    scalars = not any(isinstance(item, (dict, list)) for item in [*stated, *live])
    for index, partner in enumerate(partners):
        # A plain value takes the place of one that is gone.
        yield index, next(new, None) if partner is None and scalars else partner
    yield from ((None, index) for index in new)


def _by_alignment(info: FieldInfo, stated: list[Json], live: list[Json]) -> Iterator[_Pair]:
    """Pair the items of a list that keeps its order, with as few items as possible taken away and added."""
    items = info.child(0)

    def keys(values: list[Json], *, desired: bool) -> list[str]:
        if info.key:
            return [item_key(info, value, desired=desired) for value in values]
        return [item_key_of(items, value, desired=desired) for value in values]

    matcher = SequenceMatcher(None, keys(stated, desired=True), keys(live, desired=False), autojunk=False)
    for tag, start, end, begin, stop in matcher.get_opcodes():
        # Items of one place that no key tells apart are the same one, changed.
        same = min(end - start, stop - begin) if tag == "equal" or not info.key else 0
        yield from ((start + n, begin + n) for n in range(same))
        yield from ((n, None) for n in range(start + same, end))
        yield from ((None, n) for n in range(begin + same, stop))


def _ordered_as(pattern: Mapping[str, Json], item: Json) -> Json:
    """Return an item with its members in the order in which another one has them; the rest comes last."""
    if not isinstance(item, dict):
        return item
    names = [name for name in pattern if name in item]
    return {name: item[name] for name in dict.fromkeys([*names, *item])}


def _stateable(info: FieldInfo, live: Json, absent: str) -> Json:
    """Return a live value without what a manifest need not state: computed, unknown and empty members.

    Members stand in the order of the kind's schema.
    """
    if isinstance(live, dict):
        order = {name: number for number, name in enumerate(info.properties)}
        known = [name for name in live if name in order or info.values is not None or not order]
        return {
            name: _stateable(info.child(name), live[name], absent)
            for name in sorted(known, key=lambda name: order.get(name, len(order)))
            if not info.child(name).read_only and canonical(info.child(name), live[name], absent) is not MISSING
        }
    if isinstance(live, list):
        return [_stateable(info.child(0), item, absent) for item in live]
    return live
