"""Where the objects of a kind can be: one place for each combination of values that its reads need. Pure.

A list below a parent needs the parent's id, and so it is read once for each live parent. What no parent, no enum and
no person gives is reported, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.core.compare.normalize import decode
from reconciler.core.kinds.catalog import Catalog, Kind, reference_names
from reconciler.core.model import Json, JsonObject, LiveObject

Living = Mapping[tuple[str, str], Sequence[LiveObject]]
"""The live objects that are known so far, by system and kind."""

MOST_PLACES = 2_000  # of one kind; each costs a request at least


class Places(NamedTuple):
    """The values that the reads of a kind need, one mapping for each place to look at; or why they are not known."""

    places: list[JsonObject]
    unknown: str = ""  # a field whose values nobody knows
    too_many: bool = False


def needed_fields(kind: Kind) -> tuple[str, ...]:
    """Return the fields of the spec without which no object of `kind` can be read."""
    return kind.scope if kind.definition.read.lists else kind.place


def parent_of(kind: Kind, field: str) -> tuple[str, str] | None:
    """Return system and kind of what a reference field names; None for any other field."""
    return reference_names(kind, kind.fields.child(field).reference)


def in_order(kinds: Sequence[Kind], catalog: Catalog) -> list[Kind]:
    """Return `kinds` with those that others are read below, parents first."""
    found: dict[tuple[str, str], Kind] = {}

    def visit(kind: Kind, below: frozenset[tuple[str, str]]) -> None:
        for field in needed_fields(kind):
            names = parent_of(kind, field)
            parent = None if names is None or names in below else catalog.find(*names)
            if parent is not None:
                visit(parent, below | {kind.names})
        found.setdefault(kind.names, kind)

    for kind in kinds:
        visit(kind, frozenset())
    return list(found.values())


def places_of(kind: Kind, catalog: Catalog, living: Living, given: Mapping[str, Sequence[Json]]) -> Places:
    """Return where objects of `kind` can be. `given` are the values that a person or the manifests name for fields."""
    fields = needed_fields(kind)
    # References first: a parent brings along the values of fields that it shares.
    ordered = sorted(fields, key=lambda name: parent_of(kind, name) is None)
    places: list[JsonObject] = [{}]
    for field in ordered:
        wider: list[JsonObject] = []
        for place in places:
            if field in place:
                wider.append(place)
                continue
            more = _values(kind, field, catalog, living, given)
            if more is None:
                return Places([], unknown=field)
            wider += [{**place, **values} for values in more if _agree(place, values)]
            if len(wider) > MOST_PLACES:
                return Places(wider[:MOST_PLACES], too_many=True)
        places = wider
    return Places(places)


def _agree(place: JsonObject, values: JsonObject) -> bool:
    return all(place[name] == value for name, value in values.items() if name in place)


def _values(
    kind: Kind, field: str, catalog: Catalog, living: Living, given: Mapping[str, Sequence[Json]]
) -> list[JsonObject] | None:
    """Return the values that a field takes, with those of other fields that come along; None when nobody knows."""
    names = parent_of(kind, field)
    if names is not None:
        parent = catalog.find(*names)
        return None if parent is None else list(_of_parents(kind, field, parent, living.get(names, ())))
    info = kind.fields.child(field)
    if field in given:
        return [{field: value} for value in given[field]]
    choices = info.schema.get("enum")
    return [{field: value} for value in choices] if choices else None


def _of_parents(kind: Kind, field: str, parent: Kind, objects: Sequence[LiveObject]) -> Iterator[JsonObject]:
    shared = [name for name in needed_fields(kind) if name != field and name in needed_fields(parent)]
    for one in objects:
        along = {name: decode(parent.fields.child(name), one.spec[name]) for name in shared if name in one.spec}
        yield {field: one.id, **along}
