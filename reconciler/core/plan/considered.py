"""One resource with everything known about it: what planning decides on, and the executor once more. Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import field
from typing import Protocol

from reconciler.core.address import Address
from reconciler.core.compare.normalize import Comparison, Remembers, compare, nothing_remembered
from reconciler.core.departure import Limits
from reconciler.core.kinds.catalog import Catalog, Kind
from reconciler.core.kinds.fields import secrets_of
from reconciler.core.manifests.references import Known, hidden_paths, is_hidden_in, withheld_paths
from reconciler.core.memory.ledger import Record
from reconciler.core.model import Json, JsonObject, LiveObject, Resource
from reconciler.core.plan.follow_ups import Occasion
from reconciler.core.plan.remnant import Remnant
from reconciler.core.plan.unread import Unread
from reconciler.core.pointer import MISSING, Path
from reconciler.core.records import dataclass
from reconciler.core.withheld import Gap


class PlanMemory(Protocol):
    """What the ledger remembers of earlier applies."""

    def remembers(self, address: Address, remote_id: str) -> Remembers:
        """Return a function that tells whether a value is the one last applied at a path of an object."""
        ...

    def stated_before(self, address: Address) -> frozenset[Path]:
        """Return the paths that were stated when `address` was last applied."""
        ...

    def record_of(self, address: Address) -> Record | None:
        """Return all that is remembered of `address`."""
        ...

    def addresses(self) -> Collection[Address]:
        """Return the addresses of which something is remembered that was applied to its end."""
        ...


class NoMemory:
    """The memory of a target without a ledger."""

    def remembers(self, address: Address, remote_id: str) -> Remembers:
        del address, remote_id
        return nothing_remembered

    def stated_before(self, address: Address) -> frozenset[Path]:
        del address
        return frozenset()

    def record_of(self, address: Address) -> Record | None:
        del address
        return None

    def addresses(self) -> Collection[Address]:
        return ()


class Resend(enum.Enum):
    """Which write-only and masked values are sent although nothing tells that they differ."""

    NONE = "none"
    UNSENT = "unsent"  # those that the ledger does not know as sent from here
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a plan is made of."""

    target: str
    resources: Mapping[Address, Resource]  # all of them; references may lead outside the selection
    selected: frozenset[Address]
    catalog: Catalog
    live: Mapping[Address, LiveObject]
    unreadable: Mapping[Address, str]
    memory: PlanMemory = field(default_factory=NoMemory)
    has_ledger: bool = False  # what the memory does not hold was never applied from here
    take_over: bool = False  # objects that bear the mark of another tool are adopted all the same
    due: tuple[Occasion, ...] = ()  # follow-ups that are due whatever changes
    rivals: Mapping[Address, LiveObject] = field(default_factory=dict)  # beside the one of the ledger: by natural key
    remnants: tuple[Remnant, ...] = ()  # looked for, since they are to go when they are there
    leaving: frozenset[Address] = frozenset()  # stated resources whose objects are to go all the same
    named: bool = False  # what is to go was named one by one: that it cannot go is an obstacle, not a note
    seen: Mapping[Address, bool] = field(default_factory=dict)  # whether one look told that it is as stated
    unread: Unread = Unread()  # what could not be read; nothing of it is selected
    allow_replace: bool = False
    limits: Limits | None = None  # without the managed objects; no share where none is stated
    # Secrets that were applied once, where nothing tells which: an offline plan takes them for the wanted ones.
    untold: Mapping[Address, frozenset[Path]] = field(default_factory=dict)
    hidden: dict[Address, frozenset[Path]] = field(default_factory=dict, repr=False)  # by origin, as they are found
    resend: Resend = Resend.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """One resource with everything known about it: what planning and the executor both decide on."""

    resource: Resource
    kind: Kind
    spec: JsonObject = field(repr=False)  # references filled in; never printed
    unknown: frozenset[Path]
    hidden: frozenset[Path]
    withheld: frozenset[Path] = frozenset()  # wanted secrets that are not there
    untold: frozenset[Path] = frozenset()  # applied secrets that nothing tells from others
    remembers: Remembers = nothing_remembered
    readable: bool = True

    def hides(self, path: Path) -> bool:
        return self.kind.fields.hides(path) or is_hidden_in(self.hidden, path)

    @property
    def unseen(self) -> frozenset[Path]:
        """The paths whose values are known only after other changes; a withheld secret is shown as any other."""
        return self.unknown - self.withheld

    def gap(self, path: Path) -> Gap:
        """Return what this run does not know of the secret at `path`."""
        if self.untold and is_hidden_in(self.untold, path):
            return Gap.APPLIED
        return Gap.WANTED if self.withheld and is_hidden_in(self.withheld, path) else Gap.NONE

    def compared_with(self, live: LiveObject | None) -> Comparison:
        """Return the managed fields of this resource beside those of `live`; None: beside nothing."""
        return compare(
            self.kind.fields,
            managed(self.kind, self.resource, self.spec),
            None if live is None else live.spec,
            absent=self.kind.definition.read.absent,
            remembers=self.remembers,
            readable=self.readable,
            gap=self.gap,
        )


def managed(kind: Kind, resource: Resource, spec: JsonObject) -> JsonObject:
    """Return the part of `spec` that is compared and updated once the object exists."""
    if not (kind.fields.once or resource.lifecycle.ignore):
        return spec
    kept = {name: value for name, value in spec.items() if not kind.fields.child(name).create_only}
    for path in resource.lifecycle.ignore:
        kept = _without(kept, path)
    return kept


def _without(value: Json, path: Path) -> Json:
    if isinstance(value, dict) and path and path[0] in value:
        rest = _without(value[path[0]], path[1:]) if len(path) > 1 else MISSING
        kept = {name: item for name, item in value.items() if name != path[0]}
        return kept if rest is MISSING else {**kept, path[0]: rest}
    return value


def _resending(resend: Resend, remembers: Remembers) -> Remembers:
    """Return a memory by which values that no answer shows count as not applied: all of them, or unknown ones."""

    def remembers_less(path: Path, value: Json) -> bool | None:
        return resend is Resend.UNSENT and bool(remembers(path, value))

    return remembers_less


def consider(address: Address, inputs: Inputs, known: Known) -> Considered:
    """Return what is known about one resource, with the references that have a value filled in."""
    resource = inputs.resources[address]
    spec, unknown = known.spec_of(resource)
    live = inputs.live.get(address)
    remembers = nothing_remembered if live is None else inputs.memory.remembers(address, live.id)
    if inputs.resend is not Resend.NONE:
        remembers = _resending(inputs.resend, remembers)
    kind = inputs.catalog.kinds[address.system, address.kind]
    hidden = hidden_paths(resource, inputs.resources, inputs.catalog, inputs.hidden)
    if kind.fields.telling:
        sides = [spec] if live is None else [spec, live.spec]
        hidden = hidden.union(*(secrets_of(kind.fields, side) for side in sides))
    return Considered(
        resource=resource,
        kind=kind,
        spec=spec,
        unknown=unknown,
        hidden=hidden,
        withheld=withheld_paths(resource),
        untold=inputs.untold.get(address, frozenset()),
        remembers=remembers,
        readable=address not in inputs.unreadable,
    )
