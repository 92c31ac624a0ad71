"""What earlier runs saw of whole lists: which resources were as stated, so that nobody looks again.

Reads and writes: one file below the person's cache folder. It can be deleted at any time; digests and numbers stand in
it. A line is the mark of a list, and the positions of those in it that were not seen to be as stated.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from reconciler.shell.files.disposable import key_of, read_disposable, write_disposable

_MOST = 2_000  # lists; those of the last runs, which may be of several targets
_MOST_OTHERS = 1_000  # positions; with more it is no gain to keep them


class MarkCache:
    """What earlier runs saw, and what this one does. Give it back with `save`."""

    def __init__(self, path: Path, judge: str) -> None:
        self.judge = judge
        self._path = path
        self._known: dict[str, frozenset[int]] | None = None  # the latest first; None: nothing was asked for yet
        self._kept: dict[str, frozenset[int]] = {}

    def others(self, mark: str) -> frozenset[int] | None:
        """Return the positions that an earlier run kept for this mark; None when none did."""
        if self._known is None:
            self._known = self._load()
        return self._known.get(mark)

    def keep(self, mark: str, others: Collection[int]) -> None:
        """Keep what was seen for later runs."""
        if len(others) <= _MOST_OTHERS:
            self._kept[mark] = frozenset(others)

    def save(self) -> None:
        """Write what this run saw, if any of it is new, and behind it what earlier ones saw."""
        known = self._known or {}
        if self._kept.keys() <= known.keys():
            return
        lines = [" ".join([mark, *map(str, sorted(others))]) for mark, others in {**self._kept, **known}.items()]
        text = "\n".join(lines[:_MOST])
        write_disposable(self._path, key_of(text.encode()), text)

    def _load(self) -> dict[str, frozenset[int]]:
        content = read_disposable(self._path)
        lines = [] if content is None else [line.split() for line in str(content, "ascii").splitlines()]
        return {mark: frozenset(map(int, others)) for mark, *others in lines}
