"""Fresh lists that many changes share: one that began after all of them were ready is fresh for each of them.

Reads: the live systems, through the functions given. Writes: nothing.

Where an API shows single objects only in its lists, each change would otherwise read a whole list for itself, and
twice the changes would take four times the reading.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from reconciler.core.model import LiveObject
from reconciler.core.records import dataclass
from reconciler.shell.live.locks import KeyedLocks

FRESH_FOR_S = 2.0  # or as long as the reading took: then no more than half of the time goes into reading again


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshList:
    """The objects of one list, by id and by natural key."""

    begun: int  # the moment before its first request
    until_s: float  # of the clock: when it is too old for anybody
    by_id: dict[str, list[LiveObject]]
    by_key: dict[str, list[LiveObject]]
    doubt: str = ""  # why it may lack something


class FreshLists:
    """Lists by kind and scope, each read again when the last reading began too early, or too long ago."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock  # seconds
        self._moments = itertools.count(1)
        self._locks = KeyedLocks()
        self._kept: dict[str, FreshList] = {}

    def moment(self) -> int:
        """Return a mark of this moment, larger than all before it. Clocks may stand still; this never does."""
        return next(self._moments)

    def get(
        self, name: str, since: int, read: Callable[[], tuple[list[LiveObject], str]], key: Callable[[LiveObject], str]
    ) -> FreshList:
        """Return the list `name`, whose reading began after the moment `since`; others wait while one reads it."""
        with self._locks.of(name):
            kept = self._kept.get(name)
            if kept is None or kept.begun < since or self._clock() > kept.until_s:
                kept = self._kept[name] = self._read(read, key)
            return kept

    def _read(self, read: Callable[[], tuple[list[LiveObject], str]], key: Callable[[LiveObject], str]) -> FreshList:
        begun, started_s = self.moment(), self._clock()
        objects, doubt = read()
        ended_s = self._clock()
        by_id: dict[str, list[LiveObject]] = {}
        by_key: dict[str, list[LiveObject]] = {}
        for one in objects:
            by_id.setdefault(one.id, []).append(one)
            by_key.setdefault(key(one), []).append(one)
        return FreshList(
            begun=begun,
            until_s=ended_s + max(FRESH_FOR_S, ended_s - started_s),
            by_id=by_id,
            by_key=by_key,
            doubt=doubt,
        )
