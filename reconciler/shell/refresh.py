"""Reads live state through a `send` function: lists where the API lists, single objects where it does not.

Reads: the live systems, through the function given. Writes: nothing.

Resources are read level by level, so that the ids of parents are known when their children are listed. One listing
is made for each kind and scope (the values that the list call needs), and the same request is never sent twice in
one refresh.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reconciler.core.answers import (
    AnswerError,
    NothingFound,
    first_page,
    live_object,
    natural_key,
    read_object,
)
from reconciler.core.definition import Call, ListCall
from reconciler.core.errors import ApiError, ErrorClass
from reconciler.core.graph import islands, levels
from reconciler.core.judge import holds, judge
from reconciler.core.kinds import Catalog, Kind
from reconciler.core.model import (
    Address,
    Diagnostic,
    Json,
    JsonObject,
    LiveObject,
    Request,
    Resource,
    Response,
    Send,
    Severity,
)
from reconciler.core.normalize import canonical_json
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.references import Known
from reconciler.core.seeking import finds_anywhere, may_be_wanted, needs_id, sought, tells_scope
from reconciler.core.template import TemplateError
from reconciler.core.wire import Subject, call_request, context
from reconciler.shell.pages import RunAll, all_pages, bad_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What was found: live objects by address, and what could not be told."""

    objects: Mapping[Address, LiveObject]
    unreadable: Mapping[Address, str]  # addresses whose live values cannot be read, and why
    problems: tuple[Diagnostic, ...] = ()  # two matches for one address, and the like
    failures: tuple[ApiError, ...] = ()


@dataclass(slots=True)
class LiveReader:
    """Reads lists and objects of bound kinds. Keeps what it has listed in this run, so that no list is read twice."""

    catalog: Catalog
    send: Send
    run_all: RunAll
    remote_ids: Mapping[Address, str] = field(default_factory=dict)  # from the ledger: found by id first
    _pages: dict[str, list[Json]] = field(default_factory=dict, repr=False)
    _listed: dict[str, list[LiveObject]] = field(default_factory=dict, repr=False)  # by kind and scope
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)  # natural keys by kind and id
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def counting(self, send: Send) -> LiveReader:
        """Return a reader that sends through `send` and shares everything else with this one."""
        return replace(self, send=send)

    # ------------------------------------------------------------------ one request

    def ask(self, kind: Kind, call: Call, request: Request, *, absent_ok: bool = False) -> Response | None:
        """Return the answer of `request`, a read by `call`, or None when the object is not there and `absent_ok`.

        Raises ApiError when the answer means anything else than success.
        """
        response = self.send(request)
        verdict = judge(kind, response, call)
        if verdict.ok:
            return response
        assert verdict.error_class is not None
        if absent_ok and verdict.error_class is ErrorClass.NOT_FOUND:
            return None
        raise ApiError(
            f"{kind.full_name}: {request.method} {request.path}: {verdict.message}",
            error_class=verdict.error_class,
            status=response.status,
            hint=verdict.hint,
        )

    # ------------------------------------------------------------------ lists

    def list_items(self, kind: Kind, call: ListCall, spec: JsonObject, *, fresh: bool = False) -> list[Json]:
        """Return the raw items of a list, all pages of it, without those that the kind skips."""
        values = context(kind, Subject(spec=spec))
        first = call_request(kind, call, {**values, "page": first_page(call)})
        paging = call.paging.model_dump_json() if call.paging else ""
        key = canonical_json([str(first), first.system, first.body, call.items, call.key_as, paging])
        if fresh or key not in self._pages:
            self._pages[key] = all_pages(self, kind, call, values)
        return [item for item in self._pages[key] if not any(holds(rule, item) for rule in call.skip)]

    def list_objects(
        self, kind: Kind, spec: JsonObject, *, fresh: bool = False, wanted: frozenset[str] | None = None
    ) -> list[LiveObject]:
        """Return all live objects in the scope of `spec`, each once; a later list wins over an earlier one.

        With `wanted` (natural keys and ids), objects that are known to be none of those are left out where the list
        gives ids or summaries, which saves reading each of them.
        """
        scope = canonical_json([kind.full_name, *(spec.get(name) for name in kind.scope)])
        if not fresh and wanted is None and scope in self._listed:
            return self._listed[scope]
        found: dict[str, LiveObject] = {}
        for call in kind.definition.read.lists:
            for one in self._objects_of(kind, call, spec, fresh=fresh, wanted=wanted):
                found[one.id] = one
        if not fresh and wanted is None:
            # Resources of one scope may be read at several levels: where the list gives ids, each was asked for.
            return self._listed.setdefault(scope, list(found.values()))
        return list(found.values())

    def _objects_of(
        self, kind: Kind, call: ListCall, spec: JsonObject, *, fresh: bool, wanted: frozenset[str] | None
    ) -> list[LiveObject]:
        items = self.list_items(kind, call, spec, fresh=fresh)
        subject = Subject(spec=spec)
        if call.items_are == "ids":
            if not all(isinstance(item, (str, int)) for item in items):
                raise _bad_items(kind, "an item of the list is no id")
            ids = list(dict.fromkeys(str(item) for item in items))
            if wanted is not None:
                # By key, not by having been read: another change of this run may have read what this one looks for.
                seen = {i: self._seen.get((kind.full_name, i)) for i in ids}
                ids = [i for i in ids if i in wanted or seen[i] is None or seen[i] in wanted]
            read = [one for one in self.run_all(lambda i: self.get_object(kind, spec, i), ids) if one is not None]
            for one in read:
                self.note(kind, one)
            return read
        objects = []
        for item in items:
            body = get(item, parse_pointer(call.object))
            if body is MISSING or body is None or _is_gone(kind, body):
                continue
            if not isinstance(body, dict):
                raise _bad_items(kind, "an item of the list is not an object")
            try:
                objects.append(live_object(kind, body, subject))
            except AnswerError as error:
                raise ApiError(
                    f"{kind.full_name}: {error}",
                    error_class=ErrorClass.MISCONFIGURED,
                    hint="check identity.id of the kind",
                ) from None
        if call.items_are == "summaries":
            chosen = [one for one in objects if wanted is None or may_be_wanted(kind, one, wanted)]
            read = self.run_all(lambda one: self.get_object(kind, spec, one.id), chosen)
            return [one for one in read if one is not None]
        return objects

    # ------------------------------------------------------------------ one object

    def get_object(self, kind: Kind, spec: JsonObject, remote_id: str | None) -> LiveObject | None:
        """Return the object that the kind's get call answers, or None when there is none.

        Raises NothingFound when the answer is good but shows nothing of the object.
        """
        call = kind.definition.read.get
        assert call is not None
        subject = Subject(spec=spec, id=remote_id)
        values = context(kind, subject)
        request = call_request(kind, call, values)
        response = self.ask(kind, call, request, absent_ok=True)
        if response is None:
            return None
        try:
            body = read_object(kind, call, response, values)
            if _is_gone(kind, body):
                return None
            return live_object(kind, body, subject, response.headers.get("etag"))
        except NothingFound:
            raise
        except AnswerError as error:
            raise bad_answer(kind, request, str(error)) from None

    def read_one(self, kind: Kind, spec: JsonObject, remote_id: str | None) -> LiveObject | None:
        """Return the live object of one resource as it is now, by id or else by natural key; None when absent.

        Raises ApiError when two objects have the natural key.
        """
        call = kind.definition.read.get
        if call is not None and (remote_id is not None or not needs_id(call)):
            return self.get_object(kind, spec, remote_id)
        wanted = frozenset([natural_key(kind, spec) if remote_id is None else remote_id])
        narrow = kind.definition.read.find
        if narrow is not None:
            objects = self._objects_of(kind, narrow, spec, fresh=True, wanted=wanted)
        else:
            objects = self.list_objects(kind, spec, fresh=True, wanted=wanted)
        if remote_id is not None:
            return next((one for one in objects if one.id == remote_id), None)
        matches = [one for one in objects if natural_key(kind, one.spec, desired=False) == natural_key(kind, spec)]
        if len(matches) > 1:
            raise ApiError(
                f"{kind.full_name}: {len(matches)} live objects have the same natural key",
                error_class=ErrorClass.CONFLICT,
                hint="remove or rename all but one of them: " + ", ".join(one.id for one in matches),
            )
        return matches[0] if matches else None

    def note(self, kind: Kind, live: LiveObject) -> None:
        """Remember an object that this run has read or created, so that later listings need not read it again."""
        key = natural_key(kind, live.spec, desired=False)
        with self._lock:
            self._seen[kind.full_name, live.id] = key


def _is_gone(kind: Kind, body: Json) -> bool:
    """Tell an object that the API still shows although it was deleted."""
    return any(holds(condition, body) for condition in kind.definition.read.gone)


def _bad_items(kind: Kind, reason: str) -> ApiError:
    hint = "check read.list.items, object and itemsAre of the kind"
    return ApiError(f"{kind.full_name}: {reason}", error_class=ErrorClass.MISCONFIGURED, hint=hint)


# --------------------------------------------------------------------------- refresh


class _Index(NamedTuple):
    objects: list[LiveObject]
    by_id: dict[str, LiveObject]
    by_key: dict[str, list[LiveObject]]


@dataclass(slots=True)
class _Refresh:
    reader: LiveReader
    resources: Mapping[Address, Resource]
    objects: dict[Address, LiveObject] = field(default_factory=dict)
    unreadable: dict[Address, str] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    failures: list[ApiError] = field(default_factory=list)
    indexes: dict[int, _Index] = field(default_factory=dict)

    def indexed(self, kind: Kind, objects: list[LiveObject]) -> _Index:
        """Return `objects` by id and by natural key; a list that is wanted at many levels is indexed once."""
        known = self.indexes.get(id(objects))
        if known is None or known.objects is not objects:
            known = _Index(objects, {one.id: one for one in objects}, {})
            for one in objects:
                known.by_key.setdefault(natural_key(kind, one.spec, desired=False), []).append(one)
            self.indexes[id(objects)] = known
        return known


def refresh(reader: LiveReader, resources: Sequence[Resource]) -> LiveState:
    """Return the live state of all `resources`, parents first. Failures are collected, not raised."""
    by_address = {resource.address: resource for resource in resources}
    work = _Refresh(reader=reader, resources=by_address)
    edges = {r.address: [a for a in r.depends_on if a in by_address] for r in resources}
    systems: dict[str, set[str]] = {}
    for address, others in edges.items():
        systems.setdefault(address.system, set()).update(other.system for other in others)

    def read(island: set[str]) -> None:
        # Systems that do not refer to one another do not wait for one another either.
        for layer in levels({a: others for a, others in edges.items() if a.system in island}):
            _refresh_layer([by_address[address] for address in sorted(layer)], work)

    reader.run_all(read, islands(systems))
    return LiveState(
        objects=work.objects,
        unreadable=work.unreadable,
        problems=tuple(sorted(work.problems, key=lambda problem: str(problem.address))),
        failures=tuple(sorted(work.failures, key=lambda error: error.message)),
    )


def _refresh_layer(layer: list[Resource], work: _Refresh) -> None:
    known = Known(resources=work.resources, live=work.objects)
    groups: dict[tuple[str, str, str], list[tuple[Resource, JsonObject]]] = {}
    for resource in layer:
        kind = work.reader.catalog.kinds[resource.address.system, resource.address.kind]
        spec, unknown = known.spec_of(resource)
        needed = {*kind.scope, *kind.key}
        if any(path and path[0] in needed for path in unknown):
            continue  # its parent does not exist yet, so neither does it
        scope = canonical_json([spec.get(name) for name in kind.scope])
        alone = str(resource.address) if not kind.definition.read.lists else ""
        key = (kind.full_name, scope, alone)
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

    work.failures += [error for error in work.reader.run_all(read, list(groups.values())) if error is not None]


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
    objects = _read_known(kind, group, work) or reader.list_objects(kind, group[0][1], wanted=wanted)
    _, by_id, by_key = work.indexed(kind, objects)
    for resource, spec in group:
        remembered = reader.remote_ids.get(resource.address)
        matches = by_key.get(natural_key(kind, spec), [])
        if remembered is not None and remembered in by_id:
            matches = [by_id[remembered]]
        elif remembered is not None and not matches:
            matches = _elsewhere(kind, spec, remembered, work)
        if len(matches) > 1:
            work.problems.append(_ambiguous(resource, matches))
        elif matches:
            work.objects[resource.address] = matches[0]


def _elsewhere(kind: Kind, spec: JsonObject, remembered: str, work: _Refresh) -> list[LiveObject]:
    """Return the object that the ledger remembers when it is there still, in the scope of another list.

    It is the one that the manifest is about: its parent is what differs, and nothing must be created anew.
    """
    if not finds_anywhere(kind):
        return []
    found = work.reader.get_object(kind, spec, remembered)
    return [found] if found is not None and tells_scope(kind, found) else []


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


def _ambiguous(resource: Resource, matches: list[LiveObject]) -> Diagnostic:
    ids = ", ".join(sorted(one.id for one in matches))
    return Diagnostic(
        severity=Severity.ERROR,
        code="ambiguous-match",
        message=f"{len(matches)} live objects have the natural key of {resource.address}: {ids}",
        source=resource.source,
        address=resource.address,
        hint="remove or rename all but one of them; none is chosen by guessing",
    )
