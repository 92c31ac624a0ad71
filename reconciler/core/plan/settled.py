"""Which resources are plainly as their manifests state, told for whole lists at once. Pure.

What was found so once stays so for the same manifests beside the same answers. A mark stands for both, and for all that
the comparison goes by; where it is known from an earlier run, nothing is compared again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from reconciler.core.compare.sameness import surely_same
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Address, LiveObject, Resource
from reconciler.core.plan.considered import managed
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadList:
    """Resources with a fingerprint that were found in one list of whole objects, and what tells its answers apart."""

    kind: Kind
    answers: str
    found: Sequence[tuple[Resource, LiveObject]]


class Marks(Protocol):
    """The marks of earlier runs. `judge` tells the definitions, parameters and code by which they were made."""

    @property
    def judge(self) -> str: ...

    def knows(self, mark: str) -> bool: ...

    def keep(self, mark: str) -> None: ...


def settled(lists: Sequence[ReadList], marks: Marks) -> frozenset[Address]:
    """Return the addresses of resources that are surely as stated, and keep a mark for each list that holds no other.

    What stands in no list here may be so as well.
    """
    same: set[Address] = set()
    for one in lists:
        mark = _mark(one, marks.judge)
        equal = one.found if marks.knows(mark) else [pair for pair in one.found if _is_same(one.kind, *pair)]
        same.update([resource.address for resource, _ in equal])
        if len(equal) == len(one.found):
            marks.keep(mark)
    return frozenset(same)


def _is_same(kind: Kind, resource: Resource, live: LiveObject) -> bool:
    return surely_same(kind.fields, managed(kind, resource, resource.spec), live.spec)


def _mark(one: ReadList, judge: str) -> str:
    made = hashlib.sha256(f"{judge}\n{one.kind.full_name}\n{one.answers}\n".encode())
    # No line ends in a fingerprint; that of an id does not matter, as it is the last.
    made.update("\n".join([f"{r.fingerprint} {live.id}" for r, live in one.found]).encode(errors="surrogatepass"))
    return made.hexdigest()
