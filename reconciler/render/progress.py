"""The line that tells a person on a terminal how far a run is. Pure."""

from __future__ import annotations

import unicodedata

from reconciler.core.records import dataclass
from reconciler.render.escapes import printable
from reconciler.render.values import ELLIPSIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What one system keeps requests waiting for."""

    system: str
    seconds: float = 0.0  # until it takes requests again, as it asked
    rate: float = 0.0  # requests per second that it takes, where that is what they wait for


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is at one moment."""

    done: int = 0
    total: int = 0  # changes to carry out; 0 while only reading
    requests: int = 0
    per_second: float = 0.0
    waits: tuple[Wait, ...] = ()
    under_way: tuple[str, ...] = ()  # addresses


def render_progress(progress: Progress, columns: int) -> str:
    """Return one line without a break that fits into `columns`: what matters most stands first."""
    head = f"{progress.done}/{progress.total} done" if progress.total else "reading"
    parts = [head, f"{progress.requests} requests, {progress.per_second:.0f}/s"]
    parts += [_wait(wait) for wait in progress.waits]
    if progress.under_way:
        parts.append(", ".join(progress.under_way))
    return _cut(printable("  " + " · ".join(parts)), columns - 1)


def _wait(wait: Wait) -> str:
    if wait.seconds > 0:
        return f"{wait.system} asks to wait {wait.seconds:.0f} s"
    return f"{wait.system} takes {wait.rate:.3g}/s"


def _cut(text: str, columns: int) -> str:
    """Return `text`, cut to so many columns of a terminal."""
    taken = 0
    for position, character in enumerate(text):
        taken += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if taken > columns:
            kept = text[:position]
            while kept and sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in kept) >= columns:
                kept = kept[:-1]
            return kept + ELLIPSIS if columns > 0 else ""
    return text
