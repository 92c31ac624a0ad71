"""Manifests for live objects that nothing declares: which, under which names, how they refer to each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from typing import NamedTuple

from reconciler.core.address import Address
from reconciler.core.export.inventory import Entry, KindInventory, Standing
from reconciler.core.export.naming import environment_name, name_of, unique
from reconciler.core.export.scopes import parent_of
from reconciler.core.export.stating import Names, Secret, Stated, state, state_for_lookup
from reconciler.core.graph import find_cycle
from reconciler.core.kinds.catalog import Kind, reference_names
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json, LiveObject
from reconciler.core.pointer import MISSING, Path, format_pointer
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import natural_key

_Referred = tuple[tuple[str, str], str]  # system and kind, id


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The manifest of one live object."""

    address: Address
    kind: Kind
    stated: Stated
    parent: Address | None = None
    lookup: bool = False  # it only finds the object


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """A live object that gets no manifest, and why."""

    kind: Kind
    id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """What an export writes."""

    manifests: tuple[Draft, ...] = ()
    unwritten: tuple[Unwritten, ...] = ()

    @property
    def secrets(self) -> list[Secret]:
        return [secret for draft in self.manifests for secret in draft.stated.secrets]


class _Object(NamedTuple):
    kind: Kind
    entry: Entry
    live: LiveObject
    address: Address
    lookup: bool


@dataclass(slots=True, kw_only=True)
class Drafting:
    """One export. `everything` are all objects that were read, the wanted ones among them by `wanted`."""

    everything: Sequence[KindInventory]
    wanted: Mapping[str, frozenset[str]]  # ids by kind
    taken: frozenset[Address]  # of manifests that are there
    known_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    holds_secret: Callable[[str], bool] = lambda text: False
    again: bool = False  # what manifests declare is written too, under the names that it has
    lookups: bool = True  # what is referred to and not exported gets a manifest that finds it
    _objects: dict[Address, _Object] = field(default_factory=dict)
    _by_id: dict[_Referred, list[Address]] = field(default_factory=dict)  # all of a name are ambiguous
    _not_named: dict[_Referred, tuple[Kind, Entry]] = field(default_factory=dict)
    _names: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _unwritten: list[Unwritten] = field(default_factory=list)
    _computed: dict[tuple[str, str], dict[str, list[tuple[Address, str]]]] = field(default_factory=dict)
    _severed: set[tuple[Address, Address]] = field(default_factory=set)  # references that would close a circle

    def drafts(self) -> Drafts:
        """Return the manifests of everything that is wanted and not declared."""
        for address in sorted(self.taken):
            self._names.setdefault((address.system, address.kind), set()).add(address.name.lower())
        for inventory in self.everything:
            self._name_all(inventory)
        made = self._stated()
        impossible = {draft.address: draft.stated.impossible for draft in made if draft.stated.impossible}
        for address, reason in impossible.items():
            one = self._objects.pop(address)
            self._unwritten.append(Unwritten(kind=one.kind, id=one.entry.id, name=one.entry.name, reason=reason))
        if impossible:  # what refers to them names their ids
            self._by_id = {name: [a for a in found if a not in impossible] for name, found in self._by_id.items()}
            made = self._stated()
        return Drafts(manifests=tuple(made), unwritten=tuple(self._unwritten))

    # ------------------------------------------------------------------ names

    def _name_all(self, inventory: KindInventory) -> None:
        kind = inventory.kind
        keys: dict[str, int] = {}
        for entry in inventory.entries:
            if entry.live is not None:
                key = natural_key(kind, entry.live.spec, desired=False)
                keys[key] = keys.get(key, 0) + 1
        plain = [self._name_of(kind, e.live).lower() for e in inventory.entries if e.live is not None]
        for entry in sorted(inventory.entries, key=lambda one: (one.name, one.live.id if one.live else one.id)):
            if entry.live is None:
                continue
            referred = (kind.names, entry.live.id)
            is_wanted = entry.live.id in self.wanted.get(kind.full_name, ())
            if entry.address is not None:
                self._by_id.setdefault(referred, []).append(entry.address)
                if self.again and (is_wanted or entry.standing is Standing.LOOKUP):
                    lookup = entry.standing is Standing.LOOKUP
                    self._objects[entry.address] = _Object(kind, entry, entry.live, entry.address, lookup)
                continue
            if entry.standing is not Standing.UNMANAGED or not is_wanted:
                self._not_named[referred] = (kind, entry)
                continue
            reason = self._why_not(kind, entry.live, keys)
            if reason:
                self._unwritten.append(Unwritten(kind=kind, id=entry.id, name=entry.name, reason=reason))
                continue
            self._name(kind, entry, alone=plain.count(self._name_of(kind, entry.live).lower()) == 1, lookup=False)

    def _why_not(self, kind: Kind, live: LiveObject, keys: Mapping[str, int]) -> str:
        missing = [name for name in kind.key if live.spec.get(name) in (None, MISSING)]
        if missing:
            return f"it has no {', '.join(missing)}, by which a manifest would find it"
        if not kind.definition.identity.singleton and keys[natural_key(kind, live.spec, desired=False)] > 1:
            return f"several live objects have the same {', '.join(kind.key) or 'natural key'}"
        return ""

    def _name(self, kind: Kind, entry: Entry, *, alone: bool, lookup: bool) -> Address:
        assert entry.live is not None
        parents = [] if alone and not kind.definition.identity.singleton else self._parents_of(kind, entry.live)
        name = self._name_of(kind, entry.live, [one.name for one in parents]) or "object"
        taken = self._names.setdefault(kind.names, set())
        name = unique(name, taken)
        taken.add(name.lower())
        address = Address(*kind.names, name)
        self._objects[address] = _Object(kind, entry, entry.live, address, lookup)
        self._by_id.setdefault((kind.names, entry.live.id), []).append(address)
        return address

    def _name_of(self, kind: Kind, live: LiveObject, parents: Iterable[str] = ()) -> str:
        return name_of(kind, live, parents, holds_secret=self.holds_secret)

    def _parents_of(self, kind: Kind, live: LiveObject) -> list[Address]:
        found = []
        for field_name in dict.fromkeys((*kind.key, *kind.place)):
            names = parent_of(kind, field_name)
            addresses = self._by_id.get((names, str(live.spec.get(field_name))), []) if names else []
            found += addresses[:1]
        return found

    # ------------------------------------------------------------------ contents

    def _stated(self) -> list[Draft]:
        """Return the manifests, without circles among their references."""
        if self.lookups:
            self._find_what_is_referred_to()
        edges: dict[Address, set[Address]] = {}
        drafts: dict[Address, Draft] = {}
        waiting = list(self._objects)
        while waiting:
            for address in waiting:
                drafts[address], edges[address] = self._draft(self._objects[address])
            circle = find_cycle(edges)
            waiting = []
            if circle:
                # Of a circle, the reference from the later kind to the earlier one is what a person would keep.
                order = {kind.kind.names: number for number, kind in enumerate(self.everything)}
                pairs = list(pairwise(circle))
                one = min(pairs, key=lambda pair: (order[pair[0][:2]] - order[pair[1][:2]], pair))
                self._severed.add(one)
                waiting = [one[0]]
        return [drafts[address] for address in drafts]

    def _draft(self, one: _Object) -> tuple[Draft, set[Address]]:
        used: set[Address] = set()

        def reference(names: tuple[str, str], remote_id: str) -> str | None:
            found, tail = self._named_by(names, remote_id)
            if found is None or found == one.address:
                return None
            used.add(found)
            system = "" if found.system == one.kind.definition.system else f"{found.system}."
            return "${ref:" + f"{system}{found.kind}/{found.name}{tail}" + "}"

        def refers_back(names: tuple[str, str], remote_id: str) -> bool:
            return (one.address, self._named_by(names, remote_id)[0]) in self._severed

        def secret(place: Path) -> str:
            return environment_name(one.kind, one.address.name, place)

        names = Names(
            reference=reference,
            refers_back=refers_back,
            secret=secret,
            secret_ids=frozenset(one.kind.names for one in self.everything if one.kind.secret_id),
            known_secrets=self.known_secrets,
        )
        stated = (state_for_lookup if one.lookup else state)(one.kind, one.live, names)
        parents = self._parents_of(one.kind, one.live)
        draft = Draft(
            address=one.address,
            kind=one.kind,
            stated=stated,
            parent=parents[0] if parents else None,
            lookup=one.lookup,
        )
        return draft, {address for address in used if address in self._objects}

    def _named_by(self, names: tuple[str, str], value: str) -> tuple[Address | None, str]:
        """Return the address of what has this id, or alone has it in a field that the server sets, and the pointer."""
        by_id = self._by_id.get((names, value), [])
        if by_id:
            return (by_id[0], "") if len(by_id) == 1 else (None, "")
        if names not in self._computed:
            self._computed[names] = self._computed_values(names)
        found = self._computed[names].get(value, [])
        return found[0] if len(found) == 1 else (None, "")

    def _computed_values(self, names: tuple[str, str]) -> dict[str, list[tuple[Address, str]]]:
        found: dict[str, list[tuple[Address, str]]] = {}
        for inventory in self.everything:
            fields = inventory.kind.fields.properties.items() if inventory.kind.names == names else ()
            computed = [name for name, info in fields if info.read_only and "string" in info.types]
            for live in (entry.live for entry in inventory.entries if computed and entry.live is not None):
                addresses = self._by_id.get((names, live.id), [])
                for name in computed:
                    value = live.spec.get(name)
                    if len(addresses) == 1 and isinstance(value, str):
                        found.setdefault(value, []).append((addresses[0], f"#{format_pointer((name,))}"))
        return found

    def _find_what_is_referred_to(self) -> None:
        """Name the objects that are not exported and that others refer to, parents of parents too."""
        waiting = list(self._objects.values())
        while waiting:
            one = waiting.pop()
            for referred in references_in(one.kind, one.kind.fields, one.live.spec):
                known = self._not_named.pop(referred, None)
                if known is None:
                    continue
                kind, entry = known
                if entry.live is not None and kind.key and all(n in entry.live.spec for n in kind.key):
                    waiting.append(self._objects[self._name(kind, entry, alone=False, lookup=True)])


def references_in(kind: Kind, info: FieldInfo, value: Json) -> Iterable[_Referred]:
    """Yield system, kind and id of everything that `value` refers to."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from references_in(kind, info.child(name), item)
    elif isinstance(value, list):
        for item in value:
            yield from references_in(kind, info.child(0), item)
    else:
        names = reference_names(kind, info.reference)
        if names is not None and value is not None:
            yield names, str(value)
