"""What lists do not show: an object that is remembered is asked for by its id, any other one by its natural key.

Reads: the live systems, through the reader given. Writes: nothing.

A list may be late, filtered or cut short. What it does not show is absent only where nothing speaks against that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.core.departure import Way
from reconciler.core.errors import DoubtfulList
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import JsonObject, LiveObject
from reconciler.core.plan.remnant import way_of
from reconciler.core.wire.answers import NothingFound
from reconciler.core.wire.judge import holds
from reconciler.core.wire.seeking import needs_id, seems_deleted, tells_scope
from reconciler.shell.live.refresh import LiveReader


class Answer(NamedTuple):
    """What asking for one object told."""

    live: LiveObject | None = None
    absent: bool = False  # surely: it was asked for by itself, and is not there
    question: str = ""  # why a person has to say whether the object in `live`, or none, is the one that is meant


def by_id(reader: LiveReader, kind: Kind, spec: JsonObject, remote_id: str, place: Mapping[str, Any]) -> Answer:
    """Ask for the object that memory holds, where it was then. Raises ApiError when it cannot be read."""
    call = kind.definition.read.get
    if call is None or not needs_id(call):
        return Answer()
    try:
        live = reader.get_object(kind, {**spec, **place}, remote_id)
    except NothingFound as error:
        return Answer(question=f"reading it by its id shows nothing of it: {error}")
    if live is None:
        return Answer(absent=True)
    untold = [name for name in kind.scope if name not in place]
    if untold and not tells_scope(kind, live):
        return Answer(live=live, question=f"nothing tells its {', '.join(untold)}")
    return Answer(live=live, question=_question(kind, live))


def by_key(reader: LiveReader, kind: Kind, spec: JsonObject) -> Answer:
    """Ask for an object by its natural key, in a call of its own. Raises ApiError when it cannot be read."""
    read = kind.definition.read
    if read.find is None and (read.get is None or needs_id(read.get)):
        return Answer()
    try:
        live = reader.read_one(kind, spec, None)
    except (DoubtfulList, NothingFound):
        return Answer()
    return Answer(live=live, absent=live is None)


def _question(kind: Kind, live: LiveObject) -> str:
    """Return why an object that only its id finds may not be one that still counts; empty when nothing says so."""
    if any(holds(rule, live.body) for call in kind.definition.read.lists for rule in call.skip):
        return "the kind skips such objects in its list"
    if kind.definition.read.gone:
        return ""  # which it is not
    sign = seems_deleted(kind, live.body)
    if sign:
        return f"{sign} looks as if it was deleted, and the kind does not say by what to tell (`read.gone`)"
    if way_of(kind) is Way.DISABLE:
        return "deleting such objects only switches them off, and the kind does not say by what to tell (`read.gone`)"
    return ""
