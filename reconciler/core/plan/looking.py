"""Which resources are plainly as their manifests state, told for whole lists at once. Pure.

What one look told stays so for the same manifests beside the same answers. A mark stands for both, and for all that the
look goes by; where it is known from an earlier run, nobody looks again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Protocol

from reconciler.core.address import Address
from reconciler.core.compare.sameness import surely_same
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import LiveObject, Resource
from reconciler.core.plan.considered import managed
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadList:
    """Resources with a fingerprint that were found in one list of whole objects, and what tells its answers apart."""

    kind: Kind
    answers: str
    found: Sequence[tuple[Resource, LiveObject]]


class Marks(Protocol):
    """What earlier runs saw. `judge` tells the definitions, parameters and code by which they did."""

    @property
    def judge(self) -> str: ...

    def others(self, mark: str) -> Collection[int] | None:
        """Return which of a list, by position, were not seen to be as stated; None when nobody knows."""
        ...

    def keep(self, mark: str, others: Collection[int]) -> None: ...


def look(lists: Sequence[ReadList], marks: Marks) -> dict[Address, bool]:
    """Return of each resource in `lists` whether it is surely as stated, and keep for later runs what was seen.

    False may mean anything, as with `surely_same`.
    """
    seen: dict[Address, bool] = {}
    for one in lists:
        mark = _mark(one, marks.judge)
        others = marks.others(mark)
        if others is None:
            others = {place for place, pair in enumerate(one.found) if not _is_same(one.kind, *pair)}
        marks.keep(mark, others)
        seen.update([(resource.address, place not in others) for place, (resource, _) in enumerate(one.found)])
    return seen


def _is_same(kind: Kind, resource: Resource, live: LiveObject) -> bool:
    return surely_same(kind.fields, managed(kind, resource, resource.spec), live.spec)


def _mark(one: ReadList, judge: str) -> str:
    made = hashlib.sha256(f"{judge}\n{one.kind.full_name}\n{one.answers}\n".encode())
    # With the length of each id, since nobody knows what may stand in one.
    pairs = [f"{resource.fingerprint} {len(live.id)} {live.id}" for resource, live in one.found]
    made.update("\n".join(pairs).encode(errors="surrogatepass"))
    return made.hexdigest()
