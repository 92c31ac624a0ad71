"""Reads live objects through a `send` function: lists with all of their pages, and single objects.

Reads: the live systems, through the function given. Writes: nothing.

The same list is never read twice in one run, unless it is asked for afresh.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.errors import ApiError, DoubtfulList, ErrorClass
from reconciler.core.kinds.catalog import Catalog, Kind
from reconciler.core.kinds.definition import Call, ListCall, PartCall
from reconciler.core.model import Json, JsonObject, LiveObject, Request, Response, Send
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import (
    AnswerError,
    NothingFound,
    first_page,
    ids_in,
    live_object,
    natural_key,
    read_object,
    with_part,
)
from reconciler.core.wire.guards import tagged, uncompressed
from reconciler.core.wire.judge import holds
from reconciler.core.wire.requests import Subject, call_request, context
from reconciler.core.wire.seeking import may_be_wanted, needs_id
from reconciler.shell.live.fresh_lists import FreshList, FreshLists
from reconciler.shell.live.judging import judged
from reconciler.shell.live.pages import Listing, RunAll, all_pages, bad_answer
from reconciler.shell.network.once import Once


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The objects that the lists of one kind and scope show, by id."""

    objects: Mapping[str, LiveObject | None]  # None: the list does not hold the whole object
    doubt: str = ""  # why there may be more of them; empty when the lists were read to their end


@dataclass(slots=True)
class LiveReader:
    """Reads lists and objects of bound kinds. Keeps what it has listed in this run, so that no list is read twice."""

    catalog: Catalog
    send: Send
    run_all: RunAll
    run_apart: RunAll  # for whole systems: what is known of one tells nothing of another
    waits: Callable[[], bool | None]  # whether there is time to do other things until an answer comes; None: unknown
    fresh: FreshLists = field(repr=False)
    remote_ids: Mapping[Address, str] = field(default_factory=dict)  # from the ledger: found by id first
    places: Mapping[Address, JsonObject] = field(default_factory=dict)  # where they were, as far as reading takes it
    trusted: frozenset[str] = frozenset()  # kinds whose lists are taken for whole, whatever contradicts them
    straight: Send | None = field(default=None, repr=False)  # asks even what `send` has been answered already
    lifted: dict[tuple[str, str], str] = field(default_factory=dict)  # doubts that did not count, by kind and reason
    _pages: dict[str, Listing] = field(default_factory=dict, repr=False)  # by the first request
    _listed: dict[str, list[LiveObject]] = field(default_factory=dict, repr=False)  # by kind and scope
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)  # natural keys by kind and id
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def counting(self, send: Send) -> LiveReader:
        """Return a reader that sends through `send` and shares everything else with this one."""
        return replace(self, send=send, straight=None)

    def once(self) -> LiveReader:
        """Return a reader that asks nothing twice, since one document may hold many objects."""
        return replace(self, send=Once(self.send), straight=self.send)

    # ------------------------------------------------------------------ one request

    def ask(self, kind: Kind, call: Call, request: Request, *, absent_ok: bool = False) -> Response | None:
        """Return the answer of `request`, a read by `call`, or None when the object is not there and `absent_ok`.

        Raises ApiError when the answer means anything else than success.
        """
        response = self.send(request)
        verdict = judged(kind, call, request, response)
        if verdict.ok:
            return response
        assert verdict.error_class is not None
        if absent_ok and verdict.error_class is ErrorClass.NOT_FOUND:
            return None
        raise ApiError(
            f"{kind.full_name}: {request}: {verdict.message}",
            error_class=verdict.error_class,
            status=response.status,
            hint=verdict.hint,
        )

    # ------------------------------------------------------------------ lists

    def list_items(self, kind: Kind, call: ListCall, spec: JsonObject, *, fresh: bool = False) -> list[Json]:
        """Return the raw items of a list, all pages of it, without those that the kind skips."""
        return self._listing(kind, call, spec, fresh=fresh).items

    def answers_of(self, kind: Kind, spec: JsonObject) -> str:
        """Return what tells the answers from which all objects in the scope of `spec` were taken from any others.

        Empty where single objects had to be read for them.
        """
        calls = kind.definition.read.lists
        if not calls or any(call.items_are != "objects" for call in calls):
            return ""
        return " ".join(self._listing(kind, call, spec, fresh=False).answers for call in calls)

    def _listing(self, kind: Kind, call: ListCall, spec: JsonObject, *, fresh: bool) -> Listing:
        values = context(kind, Subject(spec=spec))
        first = call_request(kind, call, {**values, "page": first_page(call)})
        paging = call.paging.model_dump_json() if call.paging else ""
        key = canonical_json([kind.full_name, first.identity, call.items, call.key_as, paging])
        if fresh or key not in self._pages:
            self._pages[key] = self._steady(kind, call, values)
        found = self._pages[key]
        if not call.skip:
            return found
        kept = [item for item in found.items if not any(holds(rule, item) for rule in call.skip)]
        return found._replace(items=kept)

    def _steady(self, kind: Kind, call: ListCall, values: dict[str, Any]) -> Listing:
        """Read a list, and once more when it contradicts itself: perhaps it moved while it was read."""
        found = all_pages(self, kind, call, values)
        if found.doubt and kind.full_name in self.trusted:
            self.lifted[kind.full_name, "--trust-list"] = found.doubt
            return found._replace(doubt="")
        if found.doubt:
            found = all_pages(replace(self, send=self.straight or self.send), kind, call, values)
        if found.waived:
            self.lifted[kind.full_name, "its kind says `total: estimate`"] = found.waived
        return found

    def doubt_of(self, kind: Kind, spec: JsonObject) -> str:
        """Return why the lists in the scope of `spec`, as they were read last, may lack something."""
        found = [self._listing(kind, call, spec, fresh=False).doubt for call in kind.definition.read.lists]
        return "; ".join(dict.fromkeys(filter(None, found)))

    def listed(self, kind: Kind, spec: JsonObject, *, fresh: bool = False) -> Listed:
        """Return what the lists in the scope of `spec` show, without reading single objects."""
        found: dict[str, LiveObject | None] = {}
        for call in kind.definition.read.lists:
            items = self.list_items(kind, call, spec, fresh=fresh)
            if call.items_are == "ids":
                found |= dict.fromkeys(self._ids(kind, call, items))
            else:
                whole = call.items_are == "objects"
                found |= {one.id: one if whole else None for one in self._shown(kind, call, spec, items)}
        return Listed(objects=found, doubt=self.doubt_of(kind, spec))

    def list_objects(
        self, kind: Kind, spec: JsonObject, *, fresh: bool = False, wanted: frozenset[str] | None = None
    ) -> list[LiveObject]:
        """Return all live objects in the scope of `spec`, each once; a later list wins over an earlier one.

        Different objects that have one id in one list are all returned.

        With `wanted` (natural keys and ids), objects that are known to be none of those are left out where the list
        gives ids or summaries, which saves reading each of them.
        """
        scope = _scope(kind, spec)
        if not fresh and wanted is None and scope in self._listed:
            return self._listed[scope]
        found: dict[str, LiveObject] = {}
        others: list[LiveObject] = []
        for call in kind.definition.read.lists:
            shown = self._objects_of(kind, call, spec, fresh=fresh, wanted=wanted)
            others += _namesakes(kind, shown)
            found |= {one.id: one for one in shown}
        objects = [*found.values(), *others]
        if not fresh and wanted is None:
            # Resources of one scope may be read at several levels: where the list gives ids, each was asked for.
            return self._listed.setdefault(scope, objects)
        return objects

    def _objects_of(
        self, kind: Kind, call: ListCall, spec: JsonObject, *, fresh: bool, wanted: frozenset[str] | None
    ) -> list[LiveObject]:
        items = self.list_items(kind, call, spec, fresh=fresh)
        if call.items_are == "ids":
            ids = self._ids(kind, call, items)
            if wanted is not None:
                # By key, not by having been read: another change of this run may have read what this one looks for.
                seen = {i: self._seen.get((kind.full_name, i)) for i in ids}
                ids = [i for i in ids if i in wanted or seen[i] is None or seen[i] in wanted]
            read = [one for one in self.run_all(lambda i: self.get_object(kind, spec, i), ids) if one is not None]
            for one in read:
                self.note(kind, one)
            return read
        objects = self._shown(kind, call, spec, items)
        if call.items_are == "summaries":
            chosen = [one for one in objects if wanted is None or may_be_wanted(kind, one, wanted)]
            read = self.run_all(lambda one: self.get_object(kind, spec, one.id), chosen)
            return [one for one in read if one is not None]
        return objects

    def _ids(self, kind: Kind, call: ListCall, items: Sequence[Json]) -> list[str]:
        try:
            return ids_in(call, items)
        except AnswerError as error:
            raise _bad_items(kind, str(error)) from None

    def _shown(self, kind: Kind, call: ListCall, spec: JsonObject, items: Sequence[Json]) -> list[LiveObject]:
        """Return the objects, or summaries of them, that the items of a list hold, without those that are gone."""
        subject, place, gone = Subject(spec=spec), parse_pointer(call.object), kind.definition.read.gone
        objects = []
        for item in items:
            body = get(item, place) if place else item
            if body is MISSING or body is None or (gone and _is_gone(kind, body)):
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
        request = uncompressed(kind, call_request(kind, call, values))
        response = self.ask(kind, call, request, absent_ok=True)
        if response is None:
            return None
        try:
            body = read_object(kind, call, response, values)
            if _is_gone(kind, body):
                return None
            live = live_object(kind, body, subject)
            for part in kind.definition.read.parts:
                live = self._with_part(kind, part, replace(subject, id=live.id, live=live))
            return tagged(live, response.headers)
        except NothingFound:
            raise
        except AnswerError as error:
            raise bad_answer(kind, request, str(error)) from None

    def _with_part(self, kind: Kind, call: PartCall, subject: Subject) -> LiveObject:
        """Return the live object of `subject` with one more part of it; a part that is not there is left out."""
        live = subject.live
        assert live is not None
        request = call_request(kind, call, context(kind, subject))
        response = self.ask(kind, call, request, absent_ok=True)
        if response is None:
            return live
        try:
            return live_object(kind, with_part(call, live.body, response), subject)
        except AnswerError as error:
            raise bad_answer(kind, request, str(error)) from None

    def read_one(
        self, kind: Kind, spec: JsonObject, remote_id: str | None, *, since: int | None = None
    ) -> LiveObject | None:
        """Return the live object of one resource as it is now, by id or else by natural key; None when absent.

        With `since`, a moment of `fresh`, a list that began to be read after it counts as now.
        Raises ApiError when two objects have the natural key, and DoubtfulList when a list does not show the object
        and contradicts itself.
        """
        call = kind.definition.read.get
        if call is not None and (remote_id is not None or not needs_id(call)):
            return self.get_object(kind, spec, remote_id)
        key = natural_key(kind, spec)
        wanted = frozenset([key if remote_id is None else remote_id])
        narrow = kind.definition.read.find
        if narrow is None and all(call.items_are == "objects" for call in kind.definition.read.lists):
            listed = self._shared_list(kind, spec, self.fresh.moment() if since is None else since)
            doubt = listed.doubt
            matches = listed.by_key.get(key, []) if remote_id is None else listed.by_id.get(remote_id, [])
        else:
            if narrow is not None:
                objects = self._objects_of(kind, narrow, spec, fresh=True, wanted=wanted)
                doubt = self._listing(kind, narrow, spec, fresh=False).doubt
            else:
                objects = self.list_objects(kind, spec, fresh=True, wanted=wanted)
                doubt = self.doubt_of(kind, spec)
            if remote_id is None:
                matches = [one for one in objects if natural_key(kind, one.spec, desired=False) == key]
            else:
                matches = [one for one in objects if one.id == remote_id]
        if len(matches) > 1:
            what = "natural key" if remote_id is None else "id"
            ids = ", ".join(kind.shown_id(one.id) for one in matches)
            raise ApiError(
                f"{kind.full_name}: {len(matches)} live objects have the same {what}",
                error_class=ErrorClass.CONFLICT,
                hint="remove or rename all but one of them: " + ids,
            )
        if not matches and doubt:
            raise DoubtfulList(kind.full_name, doubt)
        return matches[0] if matches else None

    def _shared_list(self, kind: Kind, spec: JsonObject, since: int) -> FreshList:
        def read() -> tuple[list[LiveObject], str]:
            objects = self.list_objects(kind, spec, fresh=True)
            return objects, self.doubt_of(kind, spec)

        return self.fresh.get(
            _scope(kind, spec),
            since,
            read=read,
            key=lambda one: natural_key(kind, one.spec, desired=False),
        )

    def note(self, kind: Kind, live: LiveObject) -> None:
        """Remember an object that this run has read or created, so that later listings need not read it again."""
        key = natural_key(kind, live.spec, desired=False)
        with self._lock:
            self._seen[kind.full_name, live.id] = key


def _scope(kind: Kind, spec: JsonObject) -> str:
    return canonical_json([kind.full_name, *(spec.get(name) for name in kind.scope)])


def _namesakes(kind: Kind, shown: Sequence[LiveObject]) -> Iterator[LiveObject]:
    """Yield the objects of one list whose id a later one has that is another object: one with another natural key."""
    last = {one.id: one for one in shown}
    if len(last) == len(shown):
        return
    for one in shown:
        other = last[one.id]
        if one is not other and natural_key(kind, one.spec, desired=False) != natural_key(
            kind, other.spec, desired=False
        ):
            yield one


def _is_gone(kind: Kind, body: Json) -> bool:
    """Tell an object that the API still shows although it was deleted."""
    gone = kind.definition.read.gone
    return bool(gone) and any(holds(condition, body) for condition in gone)


def _bad_items(kind: Kind, reason: str) -> ApiError:
    hint = "check read.list.items, object, itemsAre and idAt of the kind"
    return ApiError(f"{kind.full_name}: {reason}", error_class=ErrorClass.MISCONFIGURED, hint=hint)
