"""What was raised inside a change and nobody expected: told by its origin, counted, and a reason to end the run.

Reads nothing. Writes: the log, which holds the traceback.
"""

from __future__ import annotations

import logging
import threading
import traceback
from pathlib import Path

from reconciler.core.model import Diagnostic, Severity

OUT_OF_MEMORY = "the memory of this machine is exhausted"
_PACKAGE = Path(__file__).parents[2]
_LOG = logging.getLogger(__name__)


class Mishaps:
    """The bugs of one run by their origin, and what each of them ended. Safe in threads."""

    def __init__(self) -> None:
        self._ended: dict[str, list[str]] = {}
        self._guard = threading.Lock()

    def note(self, error: Exception, ended: str) -> tuple[str, str]:
        """Remember what `error` ended. Return what happened, and why the run must not go on; empty when it may."""
        if isinstance(error, MemoryError):
            return OUT_OF_MEMORY, OUT_OF_MEMORY
        origin = origin_of(error)
        with self._guard:
            self._ended.setdefault(origin, []).append(ended)
            again = len(self._ended[origin]) > 1
        _LOG.error("%s: %s", ended, "".join(traceback.format_exception(error)).rstrip())
        return f"a bug in reconciler: {origin}", f"a bug in reconciler came twice: {origin}" if again else ""

    def problems(self) -> tuple[Diagnostic, ...]:
        """Return one problem for each bug."""
        with self._guard:
            return tuple(
                Diagnostic(
                    severity=Severity.ERROR,
                    code="bug",
                    message=f"a bug in reconciler ended {', '.join(sorted(ended))}: {origin}",
                    hint="please report it with the traceback above; no secret is in it",
                )
                for origin, ended in sorted(self._ended.items())
            )


def origin_of(error: Exception) -> str:
    """Return the class of `error` and the place in the package that it came from, without its text, which may quote."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    if not own:
        return type(error).__name__
    # How deep a recursion gets is chance: the function that began it is what tells one from another.
    frame = own[-1] if not isinstance(error, RecursionError) else _where_it_began([f.name for f in own], own)
    return f"{type(error).__name__} in {Path(frame.filename).relative_to(_PACKAGE).as_posix()}, {frame.name}"


def _where_it_began(names: list[str], frames: list[traceback.FrameSummary]) -> traceback.FrameSummary:
    return next(frame for frame in frames if names.count(frame.name) > 1 or frame is frames[-1])
