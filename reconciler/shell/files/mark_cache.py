"""The marks of what was found as stated in the last run, so that nothing compares it again.

Reads and writes: one file below the person's cache folder. It can be deleted at any time, and holds digests only.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from reconciler.core.errors import UsageError
from reconciler.shell.files.disk import write_atomically


class MarkCache:
    """The marks of the last run, and those of this one, which take their place with `save`."""

    def __init__(self, path: Path, judge: str) -> None:
        self.judge = judge
        self._path = path
        self._known: set[str] | None = None  # None: nothing was asked for yet
        self._kept: set[str] = set()

    def knows(self, mark: str) -> bool:
        """Tell whether the last run kept this mark."""
        if self._known is None:
            self._known = set()
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._known.update(self._path.read_text(encoding="ascii").split())
        return mark in self._known

    def keep(self, mark: str) -> None:
        """Keep a mark for the next run."""
        self._kept.add(mark)

    def save(self) -> None:
        """Write the marks of this run, if they are others than those of the last."""
        if not self._kept or self._kept == self._known:
            return
        with contextlib.suppress(OSError, UsageError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, "".join(f"{mark}\n" for mark in sorted(self._kept)), mode=0o600)
