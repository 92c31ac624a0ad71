"""The marks of what was found as stated in earlier runs, so that nothing compares it again.

Reads and writes: one file below the person's cache folder. It can be deleted at any time, and holds digests only.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from reconciler.core.errors import UsageError
from reconciler.shell.files.disk import write_atomically

_MOST = 2_000  # marks, one for each list; those of the last runs, which may be of several targets


class MarkCache:
    """The marks of earlier runs and of this one. Give it back with `save`."""

    def __init__(self, path: Path, judge: str) -> None:
        self.judge = judge
        self._path = path
        self._known: dict[str, None] | None = None  # the latest first; None: nothing was asked for yet
        self._kept: dict[str, None] = {}

    def knows(self, mark: str) -> bool:
        """Tell whether an earlier run kept this mark."""
        if self._known is None:
            self._known = {}
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._known = dict.fromkeys(self._path.read_text(encoding="ascii").split())
        return mark in self._known

    def keep(self, mark: str) -> None:
        """Keep a mark for later runs."""
        self._kept[mark] = None

    def save(self) -> None:
        """Write the marks of this run, if one of them is new, and behind them those of earlier ones."""
        if self._kept.keys() <= (self._known or {}).keys():
            return
        marks = [*{**self._kept, **(self._known or {})}][:_MOST]
        with contextlib.suppress(OSError, UsageError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, "".join(f"{mark}\n" for mark in marks), mode=0o600)
