"""What a run is to take away: found in the ledger, by the mark of the kind, or named by a person.

Reads: the live systems, through the reader given. Writes: nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.address import Address
from reconciler.core.errors import UsageError
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.manifests.references import Known
from reconciler.core.manifests.selection import Selection, fits
from reconciler.core.memory.ledger import Ledger, Record, Removal
from reconciler.core.model import UNDECLARED, Diagnostic, Resource, Severity
from reconciler.core.plan.remnant import Remnant, successor_of
from reconciler.core.plan.removal.candidates import Estate, recorded_remnants
from reconciler.core.plan.unread import Unread
from reconciler.core.records import dataclass
from reconciler.shell.live.survey import find_marked, look_for
from reconciler.shell.options import Options
from reconciler.shell.settings.loading import Settings

if TYPE_CHECKING:
    from reconciler.shell.live.refresh import LiveReader


_NAMED = 5  # of the objects that a note counts


def prunes(settings: Settings, options: Options) -> bool:
    """Tell whether this run deletes what no manifest states: the command line wins over the policy."""
    return not options.destroy and (settings.policy.prune if options.prune is None else options.prune)


def named(patterns: Iterable[str], resources: Collection[Address], recorded: Collection[Address]) -> frozenset[Address]:
    """Return the stated addresses that the patterns name. Raises UsageError for one that names nothing at all."""
    for pattern in patterns:
        if not any(fits(pattern, address) for address in (*resources, *recorded)):
            raise UsageError(
                f"nothing is called {pattern!r}: no manifest states it, and the ledger does not hold it",
                hint="addresses look like system.Kind/name; `reconciler validate -v` lists those of the manifests",
            )
    return frozenset(a for a in resources if any(fits(pattern, a) for pattern in patterns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What was loaded and read before one looks for what is to go."""

    settings: Settings
    catalog: Catalog
    resources: Mapping[Address, Resource]
    chosen: frozenset[Address]  # the stated resources that were read
    ledger: Ledger
    unread: Unread = Unread()


def to_be_read(resources: Collection[Address], ledger: Ledger, options: Options) -> frozenset[Address]:
    """Return the stated resources that must be read as well, to tell what is named from what they are about."""
    selection = Selection(addresses=options.destroy)
    kinds = {(a.system, a.kind) for a in ledger.records if a not in resources and selection.names(a)}
    return frozenset(a for a in resources if (a.system, a.kind) in kinds)


def owing(scene: Scene, selected: frozenset[Address], options: Options) -> dict[Address, Record]:
    """Return the records that owe a follow-up and that this run is about: of what is selected, and of what no manifest
    states any more."""
    found = {a: record for a, record in scene.ledger.records.items() if record.owed}
    if options.destroy or options.selection.labels:
        return {a: record for a, record in found.items() if a in selected}
    systems, selection = scene.settings.systems, options.selection
    left = {a for a in found if a not in scene.resources and a.system in systems and selection.names(a)}
    return {a: record for a, record in found.items() if a in selected or a in left}


def find_remnants(
    reader: LiveReader, known: Known, scene: Scene, options: Options
) -> tuple[tuple[Remnant, ...], list[Diagnostic]]:
    """Return what is to go when it is there, each looked for, and notes about what stays undecided."""
    by_name = bool(options.destroy)
    if not by_name and not (prunes(scene.settings, options) and scene.resources):
        old, said = _replaced(reader, known, scene, options)
        return old, [*said, *_undeclared(known, scene, options)]
    selection = Selection(addresses=options.destroy) if by_name else options.selection
    estate = Estate(
        resources=scene.resources,
        records=scene.ledger.records,
        catalog=scene.catalog,
        systems=scene.settings.systems.keys(),
        selection=selection,
        named=by_name,
    )
    candidates, notes = recorded_remnants(estate)
    found = _look_for(reader, candidates, known, scene, named=by_name)
    if by_name or selection.labels:
        return tuple(found), notes
    readable = [a for a in scene.chosen if (a.system, a.kind) not in scene.unread.kinds]
    marked = find_marked(reader, known, readable, {*scene.resources, *scene.ledger.records})
    found += [one for one in marked.remnants if selection.names(one.address)]
    return tuple(found), [*notes, *marked.notes]


def _replaced(
    reader: LiveReader, known: Known, scene: Scene, options: Options
) -> tuple[tuple[Remnant, ...], list[Diagnostic]]:
    """Return the old objects of replacements that were cut short, and notes where finishing them is not allowed."""
    found, notes = [], []
    for address, record in sorted(scene.ledger.records.items()):
        successor = successor_of(address)
        resource = None if successor is None else scene.resources.get(successor)
        if resource is None or successor not in scene.chosen:
            continue
        if options.allow_replace or resource.lifecycle.replace:
            kind = scene.catalog.kinds[address.system, address.kind]
            found.append(Remnant(address=address, kind=kind, id=record.id, removal=record.removal or Removal()))
        else:
            notes.append(_cut_short(address, resource))
    return tuple(_look_for(reader, found, known, scene)), notes


def _look_for(
    reader: LiveReader, remnants: Iterable[Remnant], known: Known, scene: Scene, *, named: bool = False
) -> list[Remnant]:
    """Look for `remnants`, except for those that stay whatever is found, because of what cannot be read."""
    asked: list[Remnant] = []
    kept: list[Remnant] = []
    for one in remnants:
        reason = scene.unread.why_stays(one.address, one.removal.parents)
        if reason:
            kept.append(replace(one, doubt=reason))
        else:
            asked.append(one)
    found = look_for(reader, asked, known, scene.chosen, named=named)
    return sorted([*found, *kept], key=lambda one: one.address)


def _undeclared(known: Known, scene: Scene, options: Options) -> Iterator[Diagnostic]:
    """Yield a note that counts the recorded objects that no manifest declares any more, and that this run leaves."""
    if options.selection.labels:
        return  # the ledger holds no labels
    declared = {(address.system, address.kind, live.id) for address, live in known.live.items()}
    left = sorted(
        address
        for address, record in scene.ledger.records.items()
        if address not in scene.resources
        and address.system in scene.settings.systems
        and options.selection.names(address)
        and successor_of(address) not in scene.resources
        and (address.system, address.kind, record.id) not in declared  # it has another name now
        and not any(one.objects.names(address) for one in scene.settings.unmanaged)
    )
    if left:
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        names = ", ".join(str(address) for address in left[:_NAMED]) + more
        count = "1 object is" if len(left) == 1 else f"{len(left)} objects are"
        yield Diagnostic(
            severity=Severity.NOTE,
            code=UNDECLARED,
            message=f"{count} recorded and no longer declared: {names}",
            hint="declare them, remove them from the ledger with `ledger forget`, or delete them with --prune"
            "; or list them under `unmanaged`",
        )


def _cut_short(address: Address, resource: Resource) -> Diagnostic:
    return Diagnostic(
        severity=Severity.NOTE,
        code="not-pruned",
        message=f"the replacement of {resource.address} was cut short: its old object may still be there",
        hint="finish it with --allow-replace or --prune",
        address=address,
    )
