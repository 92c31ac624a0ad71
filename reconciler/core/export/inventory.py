"""Who manages what is live: each object with its standing, each kind with what was not seen of it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from fnmatch import fnmatchcase

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.export.naming import name_of
from reconciler.core.export.stating import says_nothing
from reconciler.core.export.wanted import LeftAlone, Wanted, fits_kind
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import LiveObject, Resource
from reconciler.core.records import dataclass
from reconciler.core.redaction import STAND_IN
from reconciler.core.wire.judge import holds

Key = tuple[str, str, str]
"""What tells a live object from any other: kind, scope, id."""


class Standing(enum.Enum):
    """Who manages a live object."""

    MANAGED = "managed"  # a manifest declares it
    LOOKUP = "lookup"  # a manifest only finds it
    UNMANAGED = "unmanaged"
    READ_ONLY = "read-only"  # of a kind that the API can neither create nor change
    BUILT_IN = "built-in"
    COMPUTED = "computed"
    UNSET = "never set"  # a part of another object, as the server made it
    LEFT_ALONE = "left alone"  # the configuration lists it under `unmanaged`
    GONE = "gone"  # the ledger records it, and it is not live


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSurvey:
    """What reading showed of one kind."""

    kind: Kind
    objects: tuple[LiveObject, ...] = ()
    unseen: str = ""  # why its objects, or some of them, were not looked at; empty when all were
    doubt: str = ""  # why there may be more of them than the lists showed


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object of an inventory."""

    id: str  # as it may be shown
    name: str  # by its natural key, without secrets
    standing: Standing
    address: Address | None = None  # of the manifest, or of the record
    since: str = ""  # RFC 3339: when it was last applied from here, as the ledger has it
    live: LiveObject | None = field(default=None, repr=False)
    reason: str = ""  # why it is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInventory:
    """The objects of one kind, by standing and name."""

    kind: Kind
    entries: tuple[Entry, ...] = ()
    unseen: str = ""
    doubt: str = ""

    def count(self, *standings: Standing) -> int:
        return sum(entry.standing in standings for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is live on one target."""

    target: str
    kinds: tuple[KindInventory, ...] = ()
    requests_made: int = 0

    def count(self, *standings: Standing) -> int:
        return sum(kind.count(*standings) for kind in self.kinds)


def key_of(kind: Kind, live: LiveObject) -> Key:
    """Return what tells a live object from any other."""
    return kind.full_name, canonical_json([live.spec.get(name) for name in kind.scope]), live.id


def take_stock(
    surveys: Iterable[KindSurvey],
    *,
    declared: Mapping[Address, tuple[Resource, LiveObject]],
    recorded: Mapping[Address, tuple[str, str]],
    wanted: Wanted,
    left_alone: Sequence[LeftAlone] = (),
    holds_secret: Callable[[str], bool] = lambda text: False,
) -> list[KindInventory]:
    """Return the standing of every wanted object. `recorded` holds id and time by the address of the ledger."""
    by_key: dict[Key, tuple[Address, Resource]] = {}
    kinds = {survey.kind.names: survey.kind for survey in surveys}
    for address, (resource, live) in declared.items():
        kind = kinds.get((address.system, address.kind))
        if kind is not None:
            by_key[key_of(kind, live)] = (address, resource)
    found = []
    for survey in surveys:
        entries = [
            _entry(survey.kind, live, by_key.get(key_of(survey.kind, live)), recorded, holds_secret)
            for live in survey.objects
        ]
        entries = [_unless_left_alone(survey.kind, entry, left_alone) for entry in entries]
        chosen = [one for one in entries if one.live and wanted.includes(survey.kind, one.live, one.name)]
        if not survey.unseen and not wanted.where:
            chosen += _gone(survey, declared, recorded, wanted)
        order = {standing: number for number, standing in enumerate(Standing)}
        chosen.sort(key=lambda one: (order[one.standing], one.name, one.live.id if one.live else one.id))
        found.append(KindInventory(kind=survey.kind, entries=tuple(chosen), unseen=survey.unseen, doubt=survey.doubt))
    return found


def _unless_left_alone(kind: Kind, entry: Entry, left_alone: Sequence[LeftAlone]) -> Entry:
    if entry.standing is not Standing.UNMANAGED or entry.live is None:
        return entry
    for one in left_alone:
        if one.objects.includes(kind, entry.live, entry.name):
            return replace(entry, standing=Standing.LEFT_ALONE, reason=one.reason)
    return entry


def standing_of(kind: Kind, live: LiveObject) -> Standing:
    """Return the standing of an object that no manifest names."""
    read = kind.definition.read
    if any(holds(condition, live.body) for condition in read.built_in):
        return Standing.BUILT_IN
    if any(holds(condition, live.body) for condition in read.computed):
        return Standing.COMPUTED
    if not (kind.can_create or kind.can_update):
        return Standing.READ_ONLY
    return Standing.UNSET if says_nothing(kind, live) else Standing.UNMANAGED


def _entry(
    kind: Kind,
    live: LiveObject,
    named: tuple[Address, Resource] | None,
    recorded: Mapping[Address, tuple[str, str]],
    holds_secret: Callable[[str], bool],
) -> Entry:
    shown = STAND_IN if holds_secret(live.id) else kind.shown_id(live.id)
    name = name_of(kind, live, holds_secret=holds_secret) or shown
    if named is None:
        return Entry(id=shown, name=name, standing=standing_of(kind, live), live=live)
    address, resource = named
    standing = Standing.LOOKUP if resource.lifecycle.lookup else Standing.MANAGED
    since = recorded.get(address, ("", ""))[1]
    return Entry(id=shown, name=name, standing=standing, address=address, since=since, live=live)


def _gone(
    survey: KindSurvey,
    declared: Mapping[Address, tuple[Resource, LiveObject]],
    recorded: Mapping[Address, tuple[str, str]],
    wanted: Wanted,
) -> Iterable[Entry]:
    if survey.kind.secret_id:
        return  # no ledger keeps such an id, so that nothing tells which object it was
    ids = {live.id for live in survey.objects}
    for address, (remote_id, since) in recorded.items():
        if (address.system, address.kind) != survey.kind.names or address in declared or remote_id in ids:
            continue
        if not wanted.patterns or any(
            fits_kind(of_kind, survey.kind) and (not slash or fnmatchcase(address.name, of_name))
            for of_kind, slash, of_name in (pattern.partition("/") for pattern in wanted.patterns)
        ):
            yield Entry(id=remote_id, name=address.name, standing=Standing.GONE, address=address, since=since)
