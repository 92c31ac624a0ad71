"""Finds the live object of each resource: lists where the API lists, single objects where it does not.

Reads: the live systems, through the reader given. Writes: nothing.

Resources are read level by level, so that the ids of parents are known when their children are listed. One listing
is made for each kind and scope (the values that the list call needs).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.errors import WHERE_LISTS_DOUBT, ApiError, ErrorClass
from reconciler.core.graph import islands, levels
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.template import TemplateError
from reconciler.core.manifests.references import Known, awaits_parent, parents_of
from reconciler.core.model import Diagnostic, JsonObject, LiveObject, Resource, Severity
from reconciler.core.plan.leftovers import form_between
from reconciler.core.plan.looking import ReadList
from reconciler.core.plan.removal.candidates import unmatched
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import AnswerError, NothingFound, live_object, natural_key
from reconciler.core.wire.requests import Subject
from reconciler.core.wire.seeking import folded_key, sought
from reconciler.shell.live.beyond import Answer, by_id, by_key
from reconciler.shell.live.refresh import LiveReader


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What was found: live objects by address, and what could not be told."""

    objects: Mapping[Address, LiveObject]
    unreadable: Mapping[Address, str]  # addresses whose live values cannot be read, and why
    rivals: Mapping[Address, LiveObject]  # by natural key, where the ledger names another object that is there as well
    lists: tuple[ReadList, ...] = ()  # what was found in lists of whole objects, to be compared at once
    problems: tuple[Diagnostic, ...] = ()  # two matches for one address, and the like
    failures: Mapping[Address, ApiError] = field(default_factory=dict)  # what could not be read at all


class _Index(NamedTuple):
    objects: list[LiveObject]
    by_id: dict[str, LiveObject]
    by_key: dict[str, list[LiveObject]]
    doubled: frozenset[str]  # ids that several objects have


@dataclass(slots=True)
class _Refresh:
    reader: LiveReader
    resources: Mapping[Address, Resource]
    objects: dict[Address, LiveObject] = field(default_factory=dict)
    unreadable: dict[Address, str] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    failures: dict[Address, ApiError] = field(default_factory=dict)
    rivals: dict[Address, LiveObject] = field(default_factory=dict)
    lists: list[ReadList] = field(default_factory=list)
    indexes: dict[int, _Index] = field(default_factory=dict)
    known: Known = field(init=False)

    def __post_init__(self) -> None:
        self.known = Known(resources=self.resources, live=self.objects)

    def indexed(self, kind: Kind, objects: list[LiveObject]) -> _Index:
        """Return `objects` by id and by natural key; a list that is wanted at many levels is indexed once."""
        known = self.indexes.get(id(objects))
        if known is None or known.objects is not objects:
            counts = Counter(one.id for one in objects)
            doubled = frozenset(one for one, count in counts.items() if count > 1)
            known = _Index(objects, {one.id: one for one in objects}, {}, doubled)
            for one in objects:
                known.by_key.setdefault(natural_key(kind, one.spec, desired=False), []).append(one)
            self.indexes[id(objects)] = known
        return known


def refresh(reader: LiveReader, resources: Sequence[Resource]) -> LiveState:
    """Return the live state of all `resources`, parents first. Failures are collected, not raised."""
    by_address = {resource.address: resource for resource in resources}
    work = _Refresh(reader=reader, resources=by_address)
    edges = parents_of(by_address)
    systems: dict[str, set[str]] = {resource.address.system: set() for resource in resources}
    for address, others in edges.items():
        if others:
            systems[address.system].update(other.system for other in others)

    def read(island: set[str]) -> None:
        # Systems that do not refer to one another do not wait for one another either.
        for layer in levels({a: others for a, others in edges.items() if a.system in island}):
            _refresh_layer([by_address[address] for address in sorted(layer)], work)

    reader.run_apart(read, islands(systems))
    return LiveState(
        objects=work.objects,
        unreadable=work.unreadable,
        rivals=work.rivals,
        lists=tuple(work.lists),
        problems=tuple(sorted(work.problems, key=lambda problem: str(problem.address))),
        failures=dict(sorted(work.failures.items())),
    )


def _refresh_layer(layer: list[Resource], work: _Refresh) -> None:
    groups: dict[tuple[str, str, str], list[tuple[Resource, JsonObject]]] = {}
    of_kind: dict[tuple[str, str], list[Resource]] = {}
    for resource in layer:
        system, name, _ = resource.address
        of_kind.setdefault((system, name), []).append(resource)
    for names, resources in of_kind.items():
        kind = work.reader.catalog.kinds[names]
        is_listed = bool(kind.definition.read.lists)
        for resource in resources:
            spec, unknown = work.known.spec_of(resource)
            if unknown and any(path and (path[0] in kind.scope or path[0] in kind.key) for path in unknown):
                continue  # its parent does not exist yet, so neither does it
            if kind.scope and awaits_parent(resource, kind.scope, work.resources, work.objects | work.unreadable):
                continue  # the same, where its parent is named by what a manifest states
            scope = canonical_json([spec.get(name) for name in kind.scope]) if kind.scope else ""
            key = (kind.full_name, scope, "" if is_listed else str(resource.address))
            groups.setdefault(key, []).append((resource, spec))

    def read(group: list[tuple[Resource, JsonObject]]) -> ApiError | None:
        try:
            _read_group(group, work)
        except ApiError as error:
            return error
        except TemplateError as error:
            address = group[0][0].address
            return ApiError(f"{address}: {error}", error_class=ErrorClass.MISCONFIGURED)
        return None

    together = list(groups.values())
    for group, error in zip(together, work.reader.run_all(read, together), strict=True):
        if error is not None:
            work.failures.update((resource.address, error) for resource, _ in group)


def _read_group(group: list[tuple[Resource, JsonObject]], work: _Refresh) -> None:
    reader = work.reader
    address = group[0][0].address
    kind = reader.catalog.kinds[address.system, address.kind]
    if kind.unreadable:
        for resource, spec in group:
            _assume(kind, resource, spec, kind.unreadable, work)
        return
    if not kind.definition.read.lists:
        for resource, spec in group:
            _read_single(kind, resource, spec, work)
        return
    wanted = sought(kind, (spec for _, spec in group), (reader.remote_ids.get(one.address) for one, _ in group))
    objects = _read_known(kind, group, work)
    in_list = objects is None
    if objects is None:
        objects = reader.list_objects(kind, group[0][1], wanted=wanted)
    index = work.indexed(kind, objects)
    hidden = _ask_by_id(kind, [(one, spec) for one, spec in group if _is_lacking(one, index, reader)], work)
    found: list[tuple[Resource, LiveObject]] = []
    unfound: list[tuple[Resource, JsonObject]] = []
    for resource, spec in group:
        matches = index.by_key.get(natural_key(kind, spec), [])
        remembered = reader.remote_ids.get(resource.address)
        asked = hidden.get(resource.address, Answer())
        mine = index.by_id.get(remembered) if remembered is not None else None
        if asked.question:
            work.problems.append(_questionable(resource, remembered, asked.question))
            continue
        if asked.live is not None:
            mine = asked.live
            work.problems.append(_hidden(resource, kind.shown_id(mine.id)))
        if mine is not None:
            others = [one for one in matches if one.id != mine.id]
            if len(others) == 1 and len(matches) == 1:
                work.rivals[resource.address] = others[0]
            matches = [mine]
        elif not matches and in_list and not asked.absent:
            matches = _beyond(kind, resource, spec, work)
            if not matches and kind.key:
                unfound.append((resource, spec))
        if len(matches) > 1:
            work.problems.append(_ambiguous(resource, kind, matches))
        elif matches and matches[0].id in index.doubled:
            work.problems.append(_doubled(resource, kind.shown_id(matches[0].id)))
        elif matches:
            live = work.objects[resource.address] = matches[0]
            if resource.fingerprint and live is index.by_id.get(live.id):
                found.append((resource, live))
    _look_for_namesakes(kind, unfound, objects, work)
    answers = reader.answers_of(kind, group[0][1]) if found else ""
    if answers:
        work.lists.append(ReadList(kind=kind, answers=answers, found=found))


def _is_lacking(resource: Resource, index: _Index, reader: LiveReader) -> bool:
    remembered = reader.remote_ids.get(resource.address)
    return remembered is not None and remembered not in index.by_id


def _ask_by_id(kind: Kind, lacking: list[tuple[Resource, JsonObject]], work: _Refresh) -> dict[Address, Answer]:
    """Ask for the objects that are remembered and that no list shows, each where it was."""
    reader = work.reader

    def ask(pair: tuple[Resource, JsonObject]) -> Answer:
        address = pair[0].address
        place = reader.places.get(address, {})
        return by_id(reader, kind, pair[1], reader.remote_ids[address], place)

    answers = reader.run_all(ask, lacking)
    return {resource.address: answer for (resource, _), answer in zip(lacking, answers, strict=True)}


def _beyond(kind: Kind, resource: Resource, spec: JsonObject, work: _Refresh) -> list[LiveObject]:
    """Return what a call of its own finds of an object that a doubtful list does not show."""
    doubt = work.reader.doubt_of(kind, spec)
    if not doubt:
        return []
    asked = by_key(work.reader, kind, spec)
    if asked.live is None and not asked.absent:
        work.problems.append(_doubtful(resource, doubt))
    return [asked.live] if asked.live is not None else []


def _look_for_namesakes(
    kind: Kind, unfound: list[tuple[Resource, JsonObject]], objects: list[LiveObject], work: _Refresh
) -> None:
    """Ask about objects that nobody manages and whose natural key is almost that of what seems to be missing."""
    if not unfound:
        return
    recorded = set(work.reader.remote_ids.values())
    by_fold: dict[str, list[LiveObject]] = {}
    for one in objects:
        if one.id not in recorded:
            by_fold.setdefault(folded_key(kind, one.spec), []).append(one)
    for resource, spec in unfound:
        alike = by_fold.get(folded_key(kind, spec), [])
        free = next(unmatched(kind, alike, work.known), None) if alike else None
        if free is not None and not resource.lifecycle.lookup:
            work.problems.append(_perhaps_the_same(kind, resource, spec, free))


def _read_known(kind: Kind, group: list[tuple[Resource, JsonObject]], work: _Refresh) -> list[LiveObject] | None:
    """Read the objects one by one when the list would give ids only and all ids are known from the ledger.

    Returns None when that is no gain, or when one of them is gone or is no longer what the manifest is about.
    """
    reader = work.reader
    if all(call.items_are == "objects" for call in kind.definition.read.lists):
        return None
    ids = [reader.remote_ids.get(resource.address) for resource, _ in group]
    if any(remote_id is None for remote_id in ids):
        return None
    found = reader.run_all(
        lambda pair: reader.get_object(kind, pair[0][1], pair[1]), list(zip(group, ids, strict=True))
    )
    for one, (_, spec) in zip(found, group, strict=True):
        if one is None or natural_key(kind, one.spec, desired=False) != natural_key(kind, spec):
            return None
    return list(found)


def _read_single(kind: Kind, resource: Resource, spec: JsonObject, work: _Refresh) -> None:
    try:
        found = work.reader.get_object(kind, spec, work.reader.remote_ids.get(resource.address))
    except NothingFound as error:
        _assume(kind, resource, spec, str(error), work)
        return
    if found is not None:
        work.objects[resource.address] = found


def _assume(kind: Kind, resource: Resource, spec: JsonObject, reason: str, work: _Refresh) -> None:
    """Take an object that cannot be read for what it must be: there, with unknown values.

    A singleton exists as soon as its parent does; any other object only if the ledger knows it.
    """
    remembered = work.reader.remote_ids.get(resource.address)
    if kind.definition.identity.singleton or remembered is not None:
        scope = {name: spec[name] for name in kind.scope if name in spec}
        live = LiveObject(id=remembered or str(resource.address), body={}, spec=scope)
        with contextlib.suppress(AnswerError):
            live = live_object(kind, {}, Subject(spec=spec))
        work.objects[resource.address] = live
    work.unreadable[resource.address] = reason


def _problem(resource: Resource, code: str, message: str, hint: str, severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(
        severity=severity, code=code, message=message, source=resource.source, address=resource.address, hint=hint
    )


def _ambiguous(resource: Resource, kind: Kind, matches: list[LiveObject]) -> Diagnostic:
    ids = ", ".join(sorted(kind.shown_id(one.id) for one in matches))
    message = f"{len(matches)} live objects have the natural key of {resource.address}: {ids}"
    hint = "remove or rename all but one of them; none is chosen by guessing"
    return _problem(resource, "ambiguous-match", message, hint)


def _doubled(resource: Resource, remote_id: str) -> Diagnostic:
    message = f"several live objects have the id of {resource.address}: {remote_id}"
    hint = "if they are different objects, identity.id of the kind is not what tells them apart; none is chosen"
    return _problem(resource, "ambiguous-match", message, hint)


def _hidden(resource: Resource, remote_id: str) -> Diagnostic:
    message = f"{resource.address} is there with the id {remote_id}, although the list does not show it"
    hint = "the list may be late, filtered or cut short; the object was read by its id"
    return _problem(resource, "not-in-list", message, hint, Severity.NOTE)


def _questionable(resource: Resource, remote_id: str | None, question: str) -> Diagnostic:
    address = resource.address
    message = f"{address} may still exist: the list does not show it, reading its id {remote_id} does, and {question}"
    hint = (
        f"if it is gone for good, `reconciler ledger forget {address}` lets a new one be created; "
        "read.gone of the kind says how such objects are recognized"
    )
    return _problem(resource, "perhaps-gone", message, hint)


def _doubtful(resource: Resource, doubt: str) -> Diagnostic:
    message = (
        f"it is not known whether {resource.address} exists: its list does not show it, and contradicts itself: {doubt}"
    )
    return _problem(resource, "doubtful-list", message, WHERE_LISTS_DOUBT)


def _perhaps_the_same(kind: Kind, resource: Resource, spec: JsonObject, live: LiveObject) -> Diagnostic:
    differing = [n for n in kind.key if spec.get(n) != live.spec.get(n) and not kind.fields.hides((n,))]
    shown = ", ".join(canonical_json(live.spec.get(name)) for name in differing)
    lines = []
    for name in differing:
        line = form_between(kind.fields.child(name), spec.get(name), live.spec.get(name))
        place = ("schema", "properties", name)
        if line:
            lines.append(f"`{line}` ({'.'.join(place)}, {kind.locate(place)})")
    message = f"{resource.address} is not there, but perhaps it exists as {shown}, id {live.id}"
    described = f", or describe in the kind how the server stores it: {'; '.join(lines)}" if lines else ""
    hint = (
        f"if they are the same, write {' and '.join(differing)} as the server does{described}; "
        "if both are meant, state the other one as well, with `lifecycle: {lookup: true}`"
    )
    return _problem(resource, "perhaps-the-same", message, hint)
