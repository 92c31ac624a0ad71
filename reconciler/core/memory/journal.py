"""What runs began and how it ended, as values: folded into the ledger, settled by what reading finds. Pure.

An intent is on record before its write is sent, an ending after it. An intent without an ending is *open*: the write
may have happened. The next run settles it by reading, before it plans anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TypeAlias

from reconciler.core.address import Address
from reconciler.core.memory.ledger import Ledger, Record
from reconciler.core.model import Action, Diagnostic, LiveObject, Resource, Severity
from reconciler.core.records import dataclass
from reconciler.core.report import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A run: who performs it where, since when. Holds no secret; its token only proves that its message was read."""

    token: str  # names the run as well
    user: str = ""
    host: str = ""
    pid: int = 0
    machine: str = ""  # digest of what tells one machine's processes from another's; "" where nothing does
    started: str = ""  # of the process, in a form of the machine's own: a process id may be used again
    since: str = ""  # RFC 3339
    url: str = ""  # of the pipeline's job

    @property
    def who(self) -> str:
        """Name the run for people."""
        return f"{self.user or 'somebody'}@{self.host or 'an unknown host'}"

    def __str__(self) -> str:
        pid = f"process {self.pid}, " if self.pid else ""
        job = f", {self.url}" if self.url else ""
        return f"{self.who} ({pid}since {self.since}{job})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write that was about to be sent. Never a value: the path stands as a digest."""

    run: str
    address: Address
    action: Action
    at: str = ""  # RFC 3339
    method: str = ""  # "": the whole change is meant, of which nothing may have been sent
    path: str = ""  # digest of the path
    owes: tuple[str, ...] = ()  # marks of the follow-ups that the change leads to
    old: Address | None = None  # where the object of before is remembered once the address has another one


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a change ended whose intent is on record; in doubt with a record: that object is there, whatever follows."""

    run: str
    address: Address
    status: Status
    record: Record | None = None  # what the ledger is to hold from now on; None with APPLIED: nothing
    at: str = ""


Entry: TypeAlias = Holder | Intent | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A ledger that knows what the journal says, and what the journal leaves open."""

    ledger: Ledger
    open: tuple[Intent, ...] = ()  # one for each address, the earliest
    runs: tuple[Holder, ...] = ()  # those of the open intents

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The journal that says what is still open and nothing else."""
        return (*self.runs, *self.open)


def fold(ledger: Ledger, entries: Iterable[Entry]) -> Folded:
    """Return `ledger` with the endings of a journal in it. Folding twice changes nothing."""
    records = dict(ledger.records)
    begun: dict[Address, Intent] = {}
    runs: dict[str, Holder] = {}
    gone: set[Address] = set()
    for entry in entries:
        match entry:
            case Holder():
                runs[entry.token] = entry
            case Intent():
                begun.setdefault(entry.address, entry)
            case Ended():
                intent = begun.get(entry.address)
                if intent is not None and intent.old is not None and intent.old not in gone:
                    _keep_old(intent.old, entry, records)
                if entry.status is not Status.IN_DOUBT:
                    _end(entry, records, () if intent is None else intent.owes)
                    begun.pop(entry.address, None)
                elif entry.record is not None:  # nobody could tell the rest: the next run looks
                    _end(entry, records, ())
                if entry.status is Status.APPLIED and entry.record is None:
                    gone.add(entry.address)
    still_open = tuple(begun[address] for address in sorted(begun))
    named = {intent.run for intent in still_open}
    return Folded(
        ledger=replace(ledger, records=records),
        open=still_open,
        runs=tuple(run for token, run in runs.items() if token in named),
    )


def _keep_old(old: Address, ending: Ended, records: dict[Address, Record]) -> None:
    """Remember the object of before under an address of its own when the address is about to have another one."""
    known = records.get(ending.address)
    if known is not None and ending.record is not None and ending.record.id != known.id:
        records[old] = known


def _end(ending: Ended, records: dict[Address, Record], owes: tuple[str, ...]) -> None:
    if ending.status is not Status.APPLIED:
        # Part of it may have been done. What can be read will be read; secrets cannot.
        known = records.get(ending.address)
        if ending.record is not None and (known is None or known.id != ending.record.id):
            known = ending.record  # created, and then something failed
        if known is not None:
            records[ending.address] = known.unsure().owing(owes)
    elif ending.record is None:
        known = records.pop(ending.address, None)
        if known is not None and owes:  # the object is gone, and what was to follow may not have come
            records[ending.address] = known.owing(owes)
    else:
        records[ending.address] = ending.record


def rfc3339(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as the journal, saved plans and snapshots write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pause_s(intents: Iterable[Intent], settle_s: Callable[[Address], float], now: float) -> float:
    """Return for how long reading might not show yet what was begun: `settle_s` gives each kind's patience."""
    waits = [0.0]
    for intent in intents:
        with suppress(ValueError):
            age = now - datetime.fromisoformat(intent.at).timestamp()
            waits.append(min(settle_s(intent.address), settle_s(intent.address) - age))
    return max(waits)


# --------------------------------------------------------------------------- settling


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What reading has shown."""

    resources: Mapping[Address, Resource]
    live: Mapping[Address, LiveObject]
    unreadable: Collection[Address] = ()
    ambiguous: Collection[Address] = field(default=())  # read, and it could not be told which object is meant
    selected: Collection[Address] = field(default=())  # what the plan is about
    kept_id: Callable[[Address, str], str] = lambda address, remote_id: remote_id  # "" for one that is secret


def settle_intents(folded: Folded, found: Found) -> tuple[Folded, list[Diagnostic]]:
    """Return what is known once open intents are looked at in the live state, and what a person is told of it.

    What was found goes into the ledger with its id. Only what reading cannot tell stays open.
    """
    if not folded.open:
        return folded, []
    records = dict(folded.ledger.records)
    still_open: list[Intent] = []
    said: list[str] = []
    trouble: list[Diagnostic] = []
    for intent in folded.open:
        what, problem = _settle_one(intent, records, found)
        said.append(f"{intent.action.value} {intent.address} ({what})")
        if problem is not None:
            still_open.append(intent)
            trouble.append(problem)
    runs = "; ".join(str(run) for run in folded.runs) or "an unknown run"
    count = "1 change" if len(said) == 1 else f"{len(said)} changes"
    note = Diagnostic(
        severity=Severity.WARNING,
        code="cut-short",
        message=f"a run of {runs} did not end well; {count} may have happened: {', '.join(said)}",
        hint="nothing to do: what was found is taken into account in this plan" if not trouble else "",
    )
    named = {intent.run for intent in still_open}
    settled = Folded(
        ledger=replace(folded.ledger, records=records),
        open=tuple(still_open),
        runs=tuple(run for run in folded.runs if run.token in named),
    )
    return settled, [note, *trouble]


def _settle_one(intent: Intent, records: dict[Address, Record], found: Found) -> tuple[str, Diagnostic | None]:
    """Settle one intent in `records`; return what became of it in words, and a problem when nobody can tell."""
    address, old = intent.address, records.get(intent.address)
    live = found.live.get(address)
    if live is not None:
        unread = address in found.unreadable
        kept_id = found.kept_id(address, live.id)
        same = old is not None and old.id == kept_id
        record = old.unsure(everything=unread) if old is not None and same else Record(id=kept_id)
        records[address] = record.owing(intent.owes)
        return ("it cannot be read, and is sent again" if unread else "found", None)
    if address in found.resources and address not in found.unreadable and address not in found.ambiguous:
        return "nothing is there", None
    if old is not None:
        records[address] = old.unsure(everything=True).owing(intent.owes)
        return "its manifest is gone", None
    if intent.action not in (Action.CREATE, Action.REPLACE):
        return "its manifest is gone", None
    unknown = address not in found.resources
    return "nobody can tell", Diagnostic(
        severity=Severity.ERROR if address in found.selected else Severity.WARNING,
        code="unsettled-create",
        message=f"{address} may have been created at {intent.at}, and "
        + ("its manifest is gone, so that nothing tells how to find it" if unknown else "it cannot be read"),
        source=None if unknown else found.resources[address].source,
        hint="look for it in the system and remove it if it is there; "
        f"then `reconciler ledger forget {address}` ends this message",
        address=address,
    )


# --------------------------------------------------------------------------- history


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of a ledger's history: what was done to it, by whom. Never a value."""

    what: str  # "apply", "forget", "move", "rekey", "unlock"
    at: str = ""  # RFC 3339
    by: str = ""
    run: str = ""
    revision: str = ""  # Git revision of the manifests
    plan: str = ""  # digest of the plan
    url: str = ""  # of the pipeline's job
    note: str = ""
    outcomes: tuple[tuple[str, ...], ...] = ()  # status, action, address; those that did something

    @property
    def summary(self) -> str:
        """Return what was done in a few words."""
        counts: dict[str, int] = {}
        for status, *_ in self.outcomes:
            counts[status] = counts.get(status, 0) + 1
        return ", ".join(f"{count} {status}" for status, count in counts.items()) or self.note or "nothing to do"
