"""A file that lines are appended to, and a lock that ends with its process.

Reads and writes: the files that it is given.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path

from reconciler.core.errors import ReconcilerError
from reconciler.core.memory.journal import Holder
from reconciler.shell.files.reading import read_bounded, reason_for
from reconciler.shell.memory.journal_text import holder_text, read_holder_text

LARGEST_FILE = 256 * 1024 * 1024


def read_file(path: Path) -> bytes | None:
    """Return the content of a file, None when there is no such file. Raises OSError."""
    try:
        return read_bounded(path, LARGEST_FILE)
    except FileNotFoundError:
        return None


class Lines:
    """A file that only grows, a whole line at a time; safe in threads."""

    def __init__(self, path: Path) -> None:
        """Open `path`, making it when it is missing. Raises OSError."""
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._guard, self._syncing = threading.Lock(), threading.Lock()
        self._closed = False
        self._written = self._lasting = 0  # lines; the first so many of them are on the disk

    def append(self, line: str, *, lasting: bool = False) -> None:
        """Write one line; with `lasting` it is on the disk when this returns. Raises ReconcilerError."""
        content = line.encode("utf-8")
        try:
            with self._guard:
                if self._closed:
                    raise ReconcilerError("the run is over, nothing more is begun")
                if os.write(self._descriptor, content) != len(content):
                    raise OSError("No space left on device")
                self._written += 1
                mine = self._written
            if lasting:
                self._sync(mine)
        except OSError as error:
            raise ReconcilerError(
                f"cannot write the journal {self.path}: it {reason_for(error)}",
                hint="nothing is sent that is not on record; make room or the folder writable, then apply again",
            ) from None

    def _sync(self, line: int) -> None:
        """Return when the first `line` lines are on the disk. Who waits may find it done by the one before."""
        with self._syncing:
            if self._lasting < line:
                written = self._written
                os.fsync(self._descriptor)
                self._lasting = written

    def close(self) -> None:
        """Close the file; nothing can be appended any more."""
        with self._syncing, self._guard:
            if not self._closed:
                self._closed = True
                os.close(self._descriptor)


class FileLock:
    """A lock of the operating system on a file that says who holds it.

    The system lets go when the process ends, however it ends, so that only a file without a lock is left behind. The
    file of a run on another host counts as held: whether locks reach from host to host, nobody can tell.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left_behind: Holder | None = None  # whoever ended without letting go before us
        self._descriptor: int | None = None

    def take(self, holder: Holder) -> Holder | None:
        """Take the lock and return None, or return who holds it. Raises OSError."""
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            found = read_holder_text(os.pread(descriptor, 65536, 0))
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return found or Holder(token="")
            if not _is_at(self.path, descriptor):
                os.close(descriptor)  # let go and removed while we were about to take it
                continue
            found = read_holder_text(os.pread(descriptor, 65536, 0))
            if found is not None and found.host != holder.host:
                os.close(descriptor)
                return found
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder_text(holder).encode("utf-8"), 0)
            os.fsync(descriptor)
            self.left_behind, self._descriptor = found, descriptor
            return None

    @property
    def held(self) -> bool:
        """Tell whether we hold the lock, and nobody has broken it."""
        return self._descriptor is not None and _is_at(self.path, self._descriptor)

    def holder(self) -> Holder | None:
        """Return who else holds the lock at this moment, None when nobody does. Raises OSError."""
        if self._descriptor is not None:
            return None
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            found = read_holder_text(os.pread(descriptor, 65536, 0))
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return found or Holder(token="")
        finally:
            os.close(descriptor)
        return found if found is not None and found.host != os.uname().nodename else None

    def release(self) -> None:
        """Let go; nothing happens when we do not hold the lock."""
        if self._descriptor is None:
            return
        if self.held:
            with contextlib.suppress(OSError):
                self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = None

    def break_it(self) -> None:
        """Take the lock away from whoever holds it. Raises OSError."""
        self.path.unlink(missing_ok=True)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))
