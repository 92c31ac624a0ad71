"""Reads everything that is live, kind by kind, by lists and below parents.

Reads: the live systems, through the reader given. Writes: nothing.

A kind that cannot be looked at is reported with its reason; the others are read all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.errors import ApiError, ErrorClass
from reconciler.core.export.inventory import KindSurvey
from reconciler.core.export.scopes import Living, in_order, needed_fields, places_of
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.template import TemplateError
from reconciler.core.model import Json, JsonObject, LiveObject
from reconciler.core.wire.answers import AnswerError
from reconciler.core.wire.seeking import needs_id
from reconciler.shell.live.refresh import LiveReader


def read_estate(reader: LiveReader, kinds: Sequence[Kind], given: Mapping[str, Sequence[Json]]) -> list[KindSurvey]:
    """Return what is live of `kinds` and of the kinds they are read below, parents first.

    `given` holds values for fields that no parent gives, such as the name of a project.
    """
    living: dict[tuple[str, str], Sequence[LiveObject]] = {}
    surveys = []
    for kind in in_order(kinds, reader.catalog):
        survey = _survey(reader, kind, living, given)
        living[kind.names] = survey.objects
        surveys.append(survey)
    return surveys


def _survey(reader: LiveReader, kind: Kind, living: Living, given: Mapping[str, Sequence[Json]]) -> KindSurvey:
    read = kind.definition.read
    if kind.unreadable:
        return KindSurvey(kind=kind, unseen=f"it cannot be read: {kind.unreadable}")
    if not read.lists and (read.get is None or needs_id(read.get) or set(kind.key) - set(needed_fields(kind))):
        return KindSurvey(kind=kind, unseen="it has no list: its objects are found only where a manifest names them")
    found = places_of(kind, reader.catalog, living, given)
    if found.unknown:
        name = found.unknown
        return KindSurvey(kind=kind, unseen=f"nobody knows which values of {name} there are: add --in {name}=VALUE")
    reason = f"only the first {len(found.places)} places were looked at" if found.too_many else ""
    objects: dict[tuple[str, str], LiveObject] = {}
    doubts: dict[str, None] = {}
    for place, seen in zip(
        found.places, reader.run_all(lambda place: _look(reader, kind, place), found.places), strict=True
    ):
        scope = repr([place.get(name) for name in kind.scope])
        objects |= {(scope, one.id): one for one in seen.objects}
        reason = reason or seen.unseen
        doubts |= {seen.doubt: None} if seen.doubt else {}
    return KindSurvey(kind=kind, objects=tuple(objects.values()), unseen=reason, doubt="; ".join(doubts))


def _look(reader: LiveReader, kind: Kind, place: JsonObject) -> KindSurvey:
    try:
        if kind.definition.read.lists:
            shown = reader.list_objects(kind, place)
            return KindSurvey(kind=kind, objects=tuple(shown), doubt=reader.listed(kind, place).doubt)
        one = reader.get_object(kind, place, None)
    except ApiError as error:
        if error.error_class is ErrorClass.NOT_FOUND:
            return KindSurvey(kind=kind)  # what they were in is gone
        return KindSurvey(kind=kind, unseen=error.message)
    except (AnswerError, TemplateError) as error:
        # A singleton of which the answer shows nothing is not there, as with a part that was never set.
        return KindSurvey(kind=kind) if kind.definition.identity.singleton else KindSurvey(kind=kind, unseen=str(error))
    return KindSurvey(kind=kind, objects=() if one is None else (_placed(one, place),))


def _placed(one: LiveObject, place: JsonObject) -> LiveObject:
    """Return an object with the fields that it was asked for by: its own answer need not repeat them."""
    lacking = {name: value for name, value in place.items() if name not in one.spec}
    return replace(one, spec={**one.spec, **lacking}) if lacking else one
