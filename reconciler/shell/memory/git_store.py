"""Memory in a Git ref: each commit holds the ledger, and its message tells what was done, by whom, from what.

Reads and writes: the ref at its remote; a journal in the repository's own folder (`.git/reconciler`).

The lock is a commit on the ref as well, so that whoever pushes past it has seen it, on whatever machine. It is passing:
the next commit has the last one that tells of something as its first parent, so the history by first parents holds one
commit for each run that did something, and no locks. The lock commit carries what the run is about to do, for the case
that nothing is ever heard of its machine again; the local journal knows more exactly, where the machine is still there.

No commit is ever taken away from the ref again: strict servers refuse that.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.core.errors import ReconcilerError
from reconciler.core.memory.journal import Entry, Event, Holder, Intent
from reconciler.core.memory.ledger import Ledger
from reconciler.core.model import Diagnostic, Severity
from reconciler.core.records import dataclass
from reconciler.shell.files.disk import write_atomically
from reconciler.shell.memory.commit_message import event_in, message_of
from reconciler.shell.memory.disk import Lines, read_file
from reconciler.shell.memory.git_ref import Commit, GitRef, RefMoved, Tip
from reconciler.shell.memory.holder import is_dead
from reconciler.shell.memory.journal_text import (
    entry_line,
    holder_text,
    journal_text,
    read_holder_text,
    read_journal,
)
from reconciler.shell.memory.ledger_text import Owner, ledger_text, new_ledger, read_ledger_text
from reconciler.shell.memory.store import Merge, Stored

LEDGER, JOURNAL, LOCK = "ledger.json", "journal.jsonl", "lock.json"
_LOCKED, _CUT_SHORT, _RELEASED = "lock", "cut short", "lock released"
_PASSING = (_LOCKED, _CUT_SHORT, _RELEASED)  # subjects of commits that tell of nothing
_TRIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The lock as we hold it."""

    holder: Holder
    commit: str
    base: str  # the last commit that tells of something, "" where there is none
    files: Mapping[str, bytes]  # what the ref held beside the lock


class GitStore:
    """A ledger in a Git ref. `author` gives name and address for commits, `pause` waits between tries, by number."""

    def __init__(
        self, ref: GitRef, owner: Owner, author: Callable[[], tuple[str, str]], pause: Callable[[int], None]
    ) -> None:
        self.place = f"{ref.ref} of {ref.remote}"
        self._ref, self._owner, self._author, self._pause = ref, owner, author, pause
        self._held: _Held | None = None
        self._left_behind: Holder | None = None
        self._lines: Lines | None = None

    # ------------------------------------------------------------------ reading

    def read(self) -> Stored:
        tip = self._ref.tip()
        ledger, notes = self._ledger_in(tip)
        if not tip.id or LEDGER not in tip.files:
            notes.append(_nothing_remembered(self.place))
        local = self._local_journal()
        entries = _journal_of(tip, local, self.place)
        content = b"\n".join((tip.files.get(LEDGER, b""), journal_text(entries).encode()))
        holder = _holder_in(tip)
        ours = self._held is not None and holder is not None and holder.token == self._held.holder.token
        dead = holder is not None and is_dead(holder)
        return Stored(
            ledger=ledger,
            version=hashlib.sha256(content).hexdigest(),
            entries=entries,
            holder=None if ours or dead else holder,
            left_behind=self._left_behind,
            notes=tuple(notes),
        )

    def _ledger_in(self, tip: Tip) -> tuple[Ledger, list[Diagnostic]]:
        content = tip.files.get(LEDGER)
        return (new_ledger(self._owner), []) if content is None else read_ledger_text(content, self.place, self._owner)

    # ------------------------------------------------------------------ lock

    def take(self, holder: Holder) -> Holder | None:
        for attempt in range(_TRIES):
            tip = self._ref.tip()
            other = _holder_in(tip)
            if other is not None and not is_dead(other):
                return other
            files = {name: content for name, content in tip.files.items() if name != LOCK}
            with contextlib.suppress(RefMoved), _refused("the lock cannot be taken, so nothing was sent"):
                self._lock(holder, tip.id, _base(tip), files)
                self._left_behind = other
                return None
            self._pause(attempt)
        raise self._too_fast()

    def _lock(self, holder: Holder, expected: str, base: str, files: Mapping[str, bytes]) -> None:
        """Put a lock commit in place of `expected`. Raises RefMoved."""
        with_lock = {**files, LOCK: holder_text(holder).encode()}
        new = self._commit(with_lock, f"{_LOCKED}\n\n{holder}\n", base, expected)
        self._ref.put(new, expected)
        self._held = _Held(holder=holder, commit=new, base=base, files=files)

    def release(self) -> None:
        self._close()
        held, self._held = self._held, None
        if held is None:
            return
        subject = _CUT_SHORT if JOURNAL in held.files else _RELEASED
        restored = self._commit(held.files, f"{subject}\n", held.base, held.commit)
        stays = f"the lock cannot be released; `reconciler ledger unlock {held.holder.token}` does it later"
        # A ref that has moved means that somebody has broken the lock: there is nothing to let go of.
        with contextlib.suppress(RefMoved), _refused(stays):
            self._ref.put(restored, held.commit)

    def unlock(self, event: Event) -> None:
        for attempt in range(_TRIES):
            tip = self._ref.tip()
            if LOCK not in tip.files:
                return
            files = {name: content for name, content in tip.files.items() if name != LOCK}
            with contextlib.suppress(RefMoved), _refused("the lock is still there"):
                self._ref.put(self._commit(files, message_of(event), _base(tip), tip.id), tip.id)
                return
            self._pause(attempt)
        raise self._too_fast()

    def _too_fast(self) -> ReconcilerError:
        return ReconcilerError(f"{self.place} was changed by others {_TRIES} times in a row", hint="run it again")

    # ------------------------------------------------------------------ writing

    def begin(self, ledger: Ledger, carried: Sequence[Entry], run: Holder, planned: Sequence[Intent]) -> None:
        held = self._held
        assert held is not None
        files = dict(held.files)
        if JOURNAL in files:
            files[LEDGER] = ledger_text(ledger).encode()  # what the old journal says must not be lost with it
        files[JOURNAL] = journal_text([*carried, run, *planned]).encode()
        try:
            with _refused("the run cannot be put on record, so nothing was sent"):
                self._lock(held.holder, held.commit, held.base, files)
        except RefMoved:
            raise ReconcilerError(
                f"the lock of {self.place} was taken away from this run; nothing was sent", hint="plan and apply again"
            ) from None
        path = self._local_path()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, journal_text([*carried, run]))
            self._lines = Lines(path)
        except OSError as error:
            raise ReconcilerError(
                f"cannot write the journal {path}: {error.strerror}", hint="nothing was sent"
            ) from None

    def append(self, entry: Entry) -> None:
        assert self._lines is not None
        self._lines.append(entry_line(entry), lasting=isinstance(entry, Intent))

    def finish(self, merge: Merge, ledger: Ledger, open_entries: Sequence[Entry], event: Event | None) -> None:
        self._close()
        held = self._held
        assert held is not None
        files = {LEDGER: ledger_text(ledger).encode(), **_journal_file(open_entries)}
        message = f"{_RELEASED}\n" if event is None else message_of(event)
        expected, base = held.commit, held.base
        for attempt in range(_TRIES):
            try:
                self._ref.put(self._commit(files, message, base, expected), expected)
            except RefMoved:
                if event is None:
                    self._held = None
                    return
                self._pause(attempt)
            else:
                self._held = None
                self._forget_local_journal()
                return
            # Somebody has broken the lock, deleted the ref or pushed over it: lay our records over what is there now.
            tip = self._ref.tip()
            expected, base = tip.id, _base(tip)
            theirs = {name: content for name, content in tip.files.items() if name not in (LOCK, JOURNAL)}
            other = _holder_in(tip)
            if other is not None and other.token != held.holder.token:
                theirs[LOCK] = tip.files[LOCK]
            merged = merge(self._ledger_in(tip)[0]) if LEDGER in theirs else ledger
            files = {**theirs, LEDGER: ledger_text(merged).encode(), **_journal_file(open_entries, tip, held.holder)}
        raise self._too_fast()

    def _commit(self, files: Mapping[str, bytes], message: str, *parents: str) -> str:
        name, email = self._author()
        return self._ref.commit(Commit(files=files, message=message, parents=parents, name=name, email=email))

    def history(self, limit: int) -> list[Event]:
        tip = self._ref.tip()
        start = _base(tip)
        rows = [] if not start else self._ref.log(limit, start, _PASSING)
        return [event_in(message, at=at, by=author) for _, author, at, message in rows]

    # ------------------------------------------------------------------ local journal

    def _local_path(self) -> Path:
        return Path(self._ref.git_path(f"reconciler/{self._ref.ref.replace('/', '_')}.journal"))

    def _local_journal(self) -> list[Entry]:
        path = self._local_path()
        try:
            content = read_file(path)
        except OSError:
            return []
        return [] if content is None else read_journal(content, str(path))

    def _forget_local_journal(self) -> None:
        with contextlib.suppress(OSError):
            self._local_path().unlink(missing_ok=True)

    def _close(self) -> None:
        if self._lines is not None:
            self._lines.close()


@contextlib.contextmanager
def _refused(what: str) -> Iterator[None]:
    """Say what it means that a push did not succeed."""
    try:
        yield
    except ReconcilerError as error:
        raise type(error)(f"{what}: {error.message}", hint=error.hint) from None


def _holder_in(tip: Tip) -> Holder | None:
    content = tip.files.get(LOCK)
    return None if content is None else read_holder_text(content) or Holder(token="")


def _base(tip: Tip) -> str:
    """Return the last commit that tells of something, "" where there is none or only passing ones are left."""
    return tip.parent if tip.subject in _PASSING else tip.id


def _runs(entries: Sequence[Entry]) -> list[str]:
    return [entry.token for entry in entries if isinstance(entry, Holder)]


def _journal_of(tip: Tip, local: Sequence[Entry], place: str) -> tuple[Entry, ...]:
    """Return the journal of the ref, or the local one where it tells more of the same run."""
    pushed = read_journal(tip.files.get(JOURNAL, b""), place)
    # The last run is whose journal it is. One that the ref does not know ended well, or was forgotten with the ref.
    return tuple(local if local and _runs(local)[-1:] == _runs(pushed)[-1:] else pushed)


def _journal_file(entries: Sequence[Entry], tip: Tip | None = None, ours: Holder | None = None) -> dict[str, bytes]:
    """Return the journal as a file: `entries`, and those of other runs that the ref holds by now."""
    others: list[Entry] = []
    if tip is not None and ours is not None:
        for entry in read_journal(tip.files.get(JOURNAL, b""), tip.id):
            if (entry.token if isinstance(entry, Holder) else entry.run) != ours.token:
                others.append(entry)
    together = [*entries, *others]
    return {JOURNAL: journal_text(together).encode()} if together else {}


def _nothing_remembered(place: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.NOTE,
        code="no-ledger",
        message=f"there is no ledger at {place} yet, or it was deleted: objects are found by their natural keys",
    )
