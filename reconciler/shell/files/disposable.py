"""Files that can be lost at any time, for one person's eyes: good, or not there at all.

Reads and writes: the files that it is given. The first line is the key of all that follows, so a damaged file counts as
none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from reconciler.core.errors import UsageError
from reconciler.shell.files.disk import write_atomically

_LENGTH = 64  # characters of a key


def key_of(content: bytes | memoryview) -> str:
    """Return what tells `content` from any other."""
    return hashlib.sha256(content).hexdigest()


def write_disposable(path: Path, key: str, text: str) -> bool:
    """Write `text`, which has this key; tell whether that could be done."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, f"{key}\n{text}", mode=0o600)
    except (OSError, UsageError, ValueError):
        return False  # a full disk, or a folder that may not be written to
    return True


def read_disposable(path: Path) -> memoryview | None:
    """Return what was written, without a copy of it, since it may be large; None when it is not there, or damaged."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    content = memoryview(whole)[_LENGTH + 1 :]
    return content if whole[: _LENGTH + 1] == f"{key_of(content)}\n".encode() else None
