"""Looks for the objects that no manifest states: those of the ledger, and those that bear our mark.

Reads: the live systems, through the reader given. Writes: nothing.

What a list does not show to its end stays in doubt, and so does what lists and single reads tell differently.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.departure import Way
from reconciler.core.errors import ApiError, ErrorClass
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.template import TemplateError
from reconciler.core.manifests.references import Known
from reconciler.core.memory.ledger import Removal
from reconciler.core.model import Diagnostic, JsonObject, LiveObject, Severity
from reconciler.core.plan.remnant import Remnant, is_owned, way_of
from reconciler.core.plan.removal.candidates import address_of, scope_of, stated_places, unmatched
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import AnswerError
from reconciler.core.wire.seeking import needs_id
from reconciler.shell.live.refresh import LiveReader


def look_for(
    reader: LiveReader, remnants: Iterable[Remnant], known: Known, chosen: Collection[Address], *, named: bool = False
) -> list[Remnant]:
    """Return `remnants` with what reading tells about each: its live object, that it is gone, or why it must stay.

    `chosen` are the stated resources that were read. `named` remnants were asked for one by one: a list that was not
    read to its end does not matter for what is there.
    """
    remnants = list(remnants)
    managed = _managed(reader, known) if remnants else {}
    groups: dict[tuple[str, str], list[Remnant]] = {}
    found: list[Remnant] = []
    for one in remnants:
        scope = scope_of(one.kind, one.removal.place)
        moved_to = managed.get((one.kind.full_name, scope, one.id))
        if moved_to is not None or way_of(one.kind) is Way.FORGET:
            found.append(replace(one, moved_to=moved_to))
        elif one.kind.unreadable:
            sure = named and way_of(one.kind) is Way.DELETE
            found.append(one if sure else replace(one, doubt="it cannot be read, so nobody knows whether it is there"))
        else:
            alone = str(one.address) if not one.kind.definition.read.lists else ""
            groups.setdefault((one.kind.full_name, scope + alone), []).append(one)
    looked = reader.run_all(lambda group: _look_in_scope(reader, group, named=named), list(groups.values()))
    found += [_unless_stated(one, known, chosen) for group in looked for one in group]
    return sorted(found, key=lambda one: one.address)


def _unless_stated(one: Remnant, known: Known, chosen: Collection[Address]) -> Remnant:
    """Keep an object that a manifest is about under another address, or could be about."""
    if one.live is None:
        return one
    _, decided = stated_places(one.kind, known, chosen)
    if not decided:
        return replace(one, doubt="it could be what another manifest of its kind is about, which is not selected")
    if next(unmatched(one.kind, [one.live], known), None) is None:
        return replace(one, doubt="another manifest is about it")
    return one


def _managed(reader: LiveReader, known: Known) -> dict[tuple[str, str, str], Address]:
    """Return which stated resource manages which live object, by kind, scope and id."""
    found = {}
    for address, live in known.live.items():
        resource = known.resources.get(address)
        if resource is not None:
            kind = reader.catalog.kinds[address.system, address.kind]
            found[kind.full_name, scope_of(kind, known.spec_of(resource)[0]), live.id] = address
    return found


def _look_in_scope(reader: LiveReader, group: list[Remnant], *, named: bool) -> list[Remnant]:
    kind, place = group[0].kind, dict(group[0].removal.place)
    try:
        listed = reader.listed(kind, place) if kind.definition.read.lists else None
    except ApiError as error:
        if error.error_class is ErrorClass.NOT_FOUND:
            return group  # what they stood in is gone, and they with it
        return [replace(one, doubt=f"its list cannot be read: {error.message}") for one in group]
    except TemplateError as error:
        return [replace(one, doubt=f"where it is is not known: {error}") for one in group]
    if listed is None:
        return reader.run_all(lambda one: _read_alone(reader, one), group)
    if listed.doubt and not named:
        return [replace(one, doubt=f"its list was not read to its end: {listed.doubt}") for one in group]
    return reader.run_all(lambda one: _look_up(reader, one, listed.objects), group)


def _look_up(reader: LiveReader, one: Remnant, shown: Mapping[str, LiveObject | None]) -> Remnant:
    """Look for one object of a list that was read; what the list does not show is read by itself before it is gone."""
    live = shown.get(one.id)
    if live is not None:
        return replace(one, live=live)
    call = one.kind.definition.read.get
    if call is None or not (one.id in shown or needs_id(call)):
        return one
    alone = _read_alone(reader, one)
    if alone.live is not None and one.id not in shown:
        return replace(alone, live=None, doubt="its list does not show it, although it can be read")
    return alone


def _read_alone(reader: LiveReader, one: Remnant) -> Remnant:
    try:
        return replace(one, live=reader.get_object(one.kind, dict(one.removal.place), one.id))
    except (ApiError, AnswerError) as error:
        return replace(one, doubt=f"it cannot be read: {error}")
    except TemplateError as error:
        return replace(one, doubt=f"where it is is not known: {error}")


# --------------------------------------------------------------------------- by their mark


@dataclass(slots=True)
class Marked:
    """Live objects that bear our mark and that no resource is about, and what could not be decided."""

    remnants: list[Remnant] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)


def find_marked(reader: LiveReader, known: Known, chosen: Collection[Address], taken: Collection[Address]) -> Marked:
    """Return the marked objects in the lists that the `chosen` resources are read from.

    `taken` are addresses that others have: of stated resources, and of recorded ones.
    """
    marked = Marked()
    names = {(address.system, address.kind) for address in chosen}
    for kind in (reader.catalog.kinds[name] for name in sorted(names)):
        read = kind.definition.read
        if not read.owned or not read.lists or kind.unreadable or way_of(kind) in (None, Way.FORGET):
            continue
        places, decided = stated_places(kind, known, chosen)
        if not decided:
            _keep(marked, kind, "others of the kind are not selected, and where they are is not known")
            continue
        for place in places:
            _find_in_scope(reader, kind, place, known, taken, marked)
    return marked


def _find_in_scope(
    reader: LiveReader, kind: Kind, place: JsonObject, known: Known, taken: Collection[Address], marked: Marked
) -> None:
    listed = reader.listed(kind, place)
    if listed.doubt:
        _keep(marked, kind, f"their list was not read to its end: {listed.doubt}")
        return
    recorded = set(reader.remote_ids.values())
    scope = {name: place[name] for name in kind.scope if name in place}
    for one in unmatched(kind, reader.list_objects(kind, place), known):
        if one.id in recorded or not is_owned(kind, one.body):
            continue
        address = address_of(kind, one, {*taken, *(other.address for other in marked.remnants)})
        inside = {name: one.spec[name] for name in kind.place if name in one.spec}
        removal = Removal(place={**inside, **scope})
        marked.remnants.append(
            Remnant(address=address, kind=kind, id=one.id, removal=removal, recorded=False, live=one)
        )


def _keep(marked: Marked, kind: Kind, reason: str) -> None:
    message = f"objects of {kind.full_name} that bear our mark stay: {reason}"
    marked.notes.append(Diagnostic(severity=Severity.NOTE, code="not-pruned", message=message))
