"""The ways into the file system that all readers share: bounded, and never waiting.

Reads: the files that it is given. Writes: nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.core.model import Diagnostic, Severity, Source


def display_path(path: Path, current: Path | None = None) -> str:
    """Return `path` as diagnostics show it: relative to the current folder when inside it, else absolute."""
    # Texts, not paths, because this is asked for every file.
    here = os.getcwd() if current is None else str(current)  # noqa: PTH109
    text = str(path)
    if text.startswith(f"{here}/") and ".." not in text:
        return text[len(here) + 1 :]  # a path has no other steps than `..` that lead elsewhere
    absolute = os.path.normpath(os.path.join(here, path))  # noqa: PTH118
    return "." if absolute == here else absolute.removeprefix(f"{here.rstrip('/')}/")


class TooLargeError(Exception):
    """A file has more bytes than its reader allows."""


class LfsPointerError(OSError):
    """A file is a pointer of Git LFS: what stands in for the content that was not checked out."""


_LFS_POINTER = b"version https://git-lfs.github.com/spec/v"  # Source: git-lfs/docs/spec.md; the key `version` is first
LFS_HINT = "check out with LFS: `lfs: true` of actions/checkout, or run `git lfs pull`"


def read_bounded(path: Path | str, limit: int) -> bytes:
    """Return the content of a regular file. Raises OSError, or TooLargeError for more than `limit` bytes.

    A pointer of Git LFS is never taken for the content: LfsPointerError, an OSError.
    """
    # Non-blocking, because opening a named pipe would otherwise wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise IsADirectoryError if stat.S_ISDIR(found.st_mode) else OSError("is no regular file")
        # Straight from the descriptor: a stream for each of thousands of small files costs more than reading them.
        content = os.read(descriptor, min(found.st_size, limit) + 1)
        # One that is as long as it said has ended; one that says nothing, as below /proc, or grows, is read on.
        while len(content) != found.st_size and len(content) <= limit:
            more = os.read(descriptor, limit + 1 - len(content))
            if not more:
                break
            content += more
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise TooLargeError
    if content.startswith(_LFS_POINTER):
        raise LfsPointerError("it is a Git LFS pointer: its content was not checked out")
    return content


def reason_for(error: Exception) -> str:
    """Return what went wrong, as the end of a sentence about a file."""
    match error:
        case LfsPointerError():
            return str(error).removeprefix("it ")
        case FileNotFoundError():
            return "does not exist"
        case PermissionError():
            return "may not be accessed"
        case FileExistsError():
            return "is there already"
        case IsADirectoryError():
            return "is a folder, not a file"
        case OSError(strerror=str() as text):
            return f"cannot be accessed ({text})"
        case RuntimeError():
            return "is a loop of links"
        case _:
            return str(error) or "cannot be accessed"


def hint_for(error: Exception, otherwise: str) -> str:
    """Return what to do about a file that cannot be read."""
    return LFS_HINT if isinstance(error, LfsPointerError) else otherwise


def error_at(source: Source, code: str, message: str, hint: str) -> Diagnostic:
    """Return an error diagnostic."""
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, source=source, hint=hint)


def file_error(display: str, code: str, message: str, hint: str) -> Diagnostic:
    """Return an error about a whole file; `message` goes on after the file's name."""
    return error_at(Source(display), code, f"{display} {message}", hint)
