"""Memory in files: a ledger, and beside it its lock, its journal and its history.

Reads and writes: `PATH`, `PATH.lock`, `PATH.journal` and `PATH.history`.

The ledger is replaced atomically, and the journal goes away only afterwards: at any instant the two together tell all.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.core.errors import ReconcilerError, UsageError
from reconciler.core.memory.journal import Entry, Event, Holder, Intent
from reconciler.core.memory.ledger import Ledger
from reconciler.core.model import Diagnostic
from reconciler.shell.files.disk import write_atomically
from reconciler.shell.files.reading import hint_for
from reconciler.shell.memory.disk import FileLock, Lines, read_file
from reconciler.shell.memory.journal_text import (
    entry_line,
    event_line,
    journal_text,
    read_history,
    read_journal,
)
from reconciler.shell.memory.ledger_text import Owner, ledger_text, new_ledger, read_ledger_text
from reconciler.shell.memory.store import Merge, Stored


def read_ledger(path: Path, owner: Owner) -> tuple[Ledger, list[Diagnostic]]:
    """Return the ledger in `path` and what a person must know of it; an empty one when there is no such file.

    Raises UsageError when the file cannot be read, is no ledger or belongs to another target.
    """
    with _reading(path):
        content = read_file(path)
    return (new_ledger(owner), []) if content is None else read_ledger_text(content, str(path), owner)


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Write `ledger` to `path` atomically; its folder is made when it is missing. Raises UsageError."""
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, ledger_text(ledger))


class FileStore:
    """A ledger in a file."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self.place = str(path)
        self._path, self._owner = path, owner
        self._journal = path.with_name(path.name + ".journal")
        self._history = path.with_name(path.name + ".history")
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._lines: Lines | None = None

    def read(self) -> Stored:
        ledger, notes = read_ledger(self._path, self._owner)
        with _reading(self._journal):
            content, journal = read_file(self._path) or b"", read_file(self._journal) or b""
            holder = self._lock.holder()
        return Stored(
            ledger=ledger,
            version=hashlib.sha256(content + b"\n" + journal).hexdigest(),
            entries=tuple(read_journal(journal, str(self._journal))),
            holder=holder,
            left_behind=self._lock.left_behind,
            notes=tuple(notes),
        )

    def take(self, holder: Holder) -> Holder | None:
        with _writing(self._lock.path, _BEFORE):
            self._lock.path.parent.mkdir(parents=True, exist_ok=True)
            return self._lock.take(holder)

    def begin(self, ledger: Ledger, carried: Sequence[Entry], run: Holder, planned: Sequence[Intent]) -> None:
        del planned  # each one is put on record right before its write, which is enough on one disk
        if not self._lock.held:
            raise ReconcilerError(
                f"the lock of {self.place} was taken away from this run; nothing was sent", hint="plan and apply again"
            )
        with _writing(self._journal, _BEFORE):
            if self._journal.exists():
                # What the old journal says must not be lost with it.
                write_atomically(self._path, ledger_text(ledger))
            write_atomically(self._journal, journal_text([*carried, run]))
            self._lines = Lines(self._journal)

    def append(self, entry: Entry) -> None:
        assert self._lines is not None
        if isinstance(entry, Intent) and not self._lock.held:
            raise ReconcilerError(
                f"the lock of {self.place} was taken away from this run",
                hint="plan and apply again when nobody else does",
            )
        self._lines.append(entry_line(entry), lasting=isinstance(entry, Intent))

    def finish(self, merge: Merge, ledger: Ledger, open_entries: Sequence[Entry], event: Event | None) -> None:
        self._close()
        if event is None:  # a file that is committed would change with each commit, without end
            self.release()
            return
        if not self._lock.held:  # somebody has broken it, and may have written meanwhile
            ledger = merge(read_ledger(self._path, self._owner)[0])
        write_ledger(self._path, ledger)
        self._remember(event)
        with _writing(self._journal):
            if open_entries:
                write_atomically(self._journal, journal_text(open_entries))
            elif self._lock.held:
                self._journal.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        self._close()
        self._lock.release()

    def unlock(self, event: Event) -> None:
        with _writing(self._lock.path):
            self._lock.break_it()
        self._remember(event)

    def history(self, limit: int) -> list[Event]:
        with _reading(self._history):
            content = read_file(self._history) or b""
        return read_history(content)[::-1][:limit]

    def _remember(self, event: Event) -> None:
        with _writing(self._history):
            lines = Lines(self._history)
            try:
                lines.append(event_line(event))
            finally:
                lines.close()

    def _close(self) -> None:
        if self._lines is not None:
            self._lines.close()


_AFTERWARDS = "the changes were applied all the same; make the folder writable and apply again"
_BEFORE = "nothing was applied; make the folder writable and apply again"


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot read the ledger {path}: {error.strerror or str(error) or 'it is no regular file'}",
            hint=hint_for(
                error, "restore it from a backup, or move it away: objects are found again by their natural keys"
            ),
        ) from None


@contextlib.contextmanager
def _writing(path: Path, hint: str = _AFTERWARDS) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        reason = error.message
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        return
    raise UsageError(f"cannot write the ledger {path}: {reason}", hint=hint)
