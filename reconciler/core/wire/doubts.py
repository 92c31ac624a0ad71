"""Whether a list contradicts itself: what its answers announce, next to what they show. Pure.

A list that does is no proof that what it does not show does not exist.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.core.canonical import canonical_json
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import ListCall
from reconciler.core.model import Json, Response
from reconciler.core.pointer import get, parse_pointer
from reconciler.core.wire.answers import Page
from reconciler.core.wire.judge import holds

PARTIAL_CONTENT = 206


class Announced(NamedTuple):
    """What one answer says about the whole list, beside its items."""

    total: int | None = None  # at the place that the kind names
    range_total: int | None = None  # in Content-Range
    is_part: bool = False  # by its status, with no word about how much there is


class Doubts(NamedTuple):
    """Why a list may hold more than it shows, in words; empty when nothing contradicts it."""

    kept: str = ""
    waived: str = ""  # about totals only, which the kind calls estimates


def announced(page: Page, response: Response) -> Announced:
    """Return what the answer that `page` was read from says about the whole list."""
    header = response.headers.get("content-range", "")
    # RFC 9110, section 14.4; other units than bytes are left to applications.
    found = re.fullmatch(r"\s*(?:(?!bytes)[\w-]+[ =])?(?:\d+-\d+|\*)/(\d+|\*)\s*", header)
    total = int(found[1]) if found is not None and found[1] != "*" else None
    return Announced(page.total, total, response.status == PARTIAL_CONTENT and total is None)


def contradictions(kind: Kind, call: ListCall, items: Sequence[Json], answers: Sequence[Announced]) -> Doubts:
    """Return what speaks against taking `items`, raw and of all `answers`, for the whole list."""
    kept = items
    if call.skip:
        kept = [item for item in items if not any(holds(rule, item) for rule in call.skip)]
    marks = _marks(kind, call, kept, several=len(answers) > 1)
    repeated = [(mark, count) for mark, count in Counter(marks).items() if count > 1]
    surplus = sum(count - 1 for _, count in repeated)
    of_totals = list(_of_totals(call, len(items) - surplus, answers))
    of_items = [_repeated(repeated, by_id=_id_place(kind, call) is not None)] if repeated else []
    if call.total == "estimate":
        return Doubts("; ".join(of_items), "; ".join(of_totals))
    return Doubts("; ".join([*of_totals, *of_items]))


def _of_totals(call: ListCall, shown: int, answers: Sequence[Announced]) -> list[str]:
    said = []
    totals = list(dict.fromkeys(one.total for one in answers if one.total is not None))
    if len(totals) > 1:
        said.append(f"the number of all items went from {totals[0]} to {totals[-1]} while the list was read")
    if totals and shown < totals[-1]:
        said.append(f"the answer says that there are {totals[-1]}, and {shown} were read")
    last = answers[-1]
    if last.range_total is not None and shown < last.range_total and not totals:
        said.append(f"Content-Range says that there are {last.range_total}, and {shown} were read")
    if last.is_part and call.paging is None:
        said.append(f"the answer is a part of the list (status {PARTIAL_CONTENT})")
    return said


def _repeated(repeated: Sequence[tuple[object, int]], *, by_id: bool) -> str:
    mark, count = repeated[0]
    others = f", and {len(repeated) - 1} more do so" if len(repeated) > 1 else ""
    what = f"the id {mark} comes" if by_id else "the same item comes"
    return f"{what} {'twice' if count == 2 else f'{count} times'}{others}"


def _id_place(kind: Kind, call: ListCall) -> tuple[str | int, ...] | None:
    """Return where an item holds the id that is its own; None where only the whole item tells it from others."""
    if call.items_are == "ids":
        return parse_pointer(call.id_at)
    return kind.id_path if not call.object else None  # the object in an item may be in several


def _marks(kind: Kind, call: ListCall, items: Sequence[Json], *, several: bool) -> list[object]:
    place = _id_place(kind, call)
    if place is None:
        return [canonical_json(item) for item in items] if several else []
    found = (get(item, place) for item in items)
    return [one for one in found if isinstance(one, (str, int))]
