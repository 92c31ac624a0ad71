"""Journals as JSON lines and back. Reads and writes nothing itself.

A line that is torn, as the last one is when its writer was killed, counts as not written: its write was not sent yet,
or its outcome is settled by reading.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict

from reconciler.core.errors import UsageError
from reconciler.core.json_decoding import decode_json
from reconciler.core.memory.journal import Ended, Entry, Event, Holder, Intent
from reconciler.core.memory.ledger import read_address
from reconciler.core.model import Action, JsonObject
from reconciler.core.report import Status
from reconciler.shell.memory.ledger_text import read_record, record_document

FORMAT = 1
_WRONG = (AttributeError, KeyError, TypeError, ValueError)  # a line that is JSON, and none of ours


def entry_line(entry: Entry) -> str:
    """Return one entry as a line, line break included."""
    return json.dumps(_document(entry), ensure_ascii=False, separators=(",", ":")) + "\n"


def journal_text(entries: Iterable[Entry]) -> str:
    """Return entries as lines."""
    return "".join(entry_line(entry) for entry in entries)


def read_journal(content: bytes, place: str) -> list[Entry]:
    """Return the entries of a journal, torn ones left out. Raises UsageError for one of a newer format."""
    return list(_entries(content, place))


def _entries(content: bytes, place: str) -> Iterator[Entry]:
    for line in content.split(b"\n"):
        document = _json(line)
        if document is None:
            continue
        number = document.get("format", FORMAT)
        if isinstance(number, int) and number > FORMAT:
            raise UsageError(f"the journal {place} was written by a newer reconciler", hint="upgrade this one")
        try:
            yield _entry(document)
        except _WRONG:
            continue


def _json(line: bytes) -> JsonObject | None:
    try:
        document = decode_json(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _document(entry: Entry) -> JsonObject:
    match entry:
        case Holder():
            return {"is": "run", "format": FORMAT, **asdict(entry)}
        case Intent():
            where: JsonObject = {"method": entry.method, "path": entry.path} if entry.method else {}
            if entry.owes:
                where["owes"] = list(entry.owes)
            if entry.old is not None:
                where["old"] = str(entry.old)
            return {
                "is": "begin",
                "run": entry.run,
                "address": str(entry.address),
                "action": entry.action.value,
                "at": entry.at,
                **where,
            }
        case Ended():
            record = None if entry.record is None else record_document(entry.record)
            return {
                "is": "end",
                "run": entry.run,
                "address": str(entry.address),
                "status": entry.status.value,
                "at": entry.at,
                "record": record,
            }


def _entry(document: JsonObject) -> Entry:
    match document["is"]:
        case "run":
            return read_holder(document)
        case "begin":
            return Intent(
                run=str(document["run"]),
                address=read_address(document["address"]),
                action=Action(document["action"]),
                at=str(document["at"]),
                method=str(document.get("method", "")),
                path=str(document.get("path", "")),
                owes=tuple(map(str, document.get("owes", []))),
                old=read_address(document["old"]) if "old" in document else None,
            )
        case "end":
            record = document["record"]
            return Ended(
                run=str(document["run"]),
                address=read_address(document["address"]),
                status=Status(document["status"]),
                at=str(document["at"]),
                record=None if record is None else read_record(record),
            )
        case other:
            raise ValueError(other)


# --------------------------------------------------------------------------- holders


def holder_text(holder: Holder) -> str:
    """Return who holds a lock as text, for the lock itself."""
    return json.dumps(asdict(holder), ensure_ascii=False, indent=2) + "\n"


def read_holder_text(content: bytes) -> Holder | None:
    """Return who holds a lock, None when `content` does not say."""
    document = _json(content.replace(b"\n", b" "))
    try:
        return None if document is None else read_holder(document)
    except _WRONG:
        return None


def read_holder(document: JsonObject) -> Holder:
    """Return the run that stands in `document`. Raises ValueError and KeyError."""
    texts = {n: str(document.get(n, "")) for n in ("user", "host", "machine", "started", "since", "url")}
    return Holder(token=str(document["token"]), pid=int(document.get("pid", 0)), **texts)


# --------------------------------------------------------------------------- history


def event_line(event: Event) -> str:
    """Return one event of the history as a line."""
    return json.dumps(asdict(event), ensure_ascii=False, separators=(",", ":")) + "\n"


def read_history(content: bytes) -> list[Event]:
    """Return the events of a history, torn lines left out."""
    found = []
    for line in content.split(b"\n"):
        document = _json(line)
        if document is None or "what" not in document:
            continue
        names = ("at", "what", "by", "revision", "plan", "url", "note", "run")
        with suppress(*_WRONG):
            outcomes = tuple(tuple(map(str, one)) for one in document.get("outcomes", []))
            found.append(Event(**{name: str(document.get(name, "")) for name in names}, outcomes=outcomes))
    return found
