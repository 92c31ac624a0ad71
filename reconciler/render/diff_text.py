"""What would change in files, as a unified diff. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from reconciler.render.escapes import printable

_NO_NEWLINE = "\\ No newline at end of file"


def unified_diff(texts: Mapping[str, tuple[str, str | None]]) -> str:
    """Return the diff of files by name, each before and after; after is None for a file that goes away."""
    return "\n".join(line for name, sides in texts.items() for line in _of_file(name, *sides))


def _of_file(name: str, before: str, after: str | None) -> Iterator[str]:
    old, new = ((text or "").splitlines(keepends=True) for text in (before, after))
    target = "/dev/null" if after is None else f"b/{name}"
    for line in difflib.unified_diff(old, new, f"a/{name}", target):
        yield printable(line.rstrip("\r\n"))
        if not line.endswith("\n"):
            yield _NO_NEWLINE
