"""Ledgers and their history, for people and for machines. Pure. No digest is shown: nobody can do anything with one."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.address import Address
from reconciler.core.memory.journal import Event, Folded, Holder, Intent
from reconciler.core.memory.ledger import FORGOTTEN, UNSENT, UNSURE, Record
from reconciler.core.model import Json, JsonObject
from reconciler.render.escapes import printable
from reconciler.render.style import PLAIN, Style

FORMAT = 1


# --------------------------------------------------------------------------- what it holds


def render_ledger(
    folded: Folded, addresses: Sequence[Address], holder: Holder | None, style: Style = PLAIN, *, full: bool = False
) -> str:
    """Return one line for each address, or all that is remembered of it with `full`; then lock and open changes."""
    lines = []
    width = max((len(str(address)) for address in addresses), default=0)
    for address in addresses:
        record = folded.ledger.records.get(address)
        if record is not None:
            lines += _full(address, record, style) if full else [_line(address, record, width)]
    if not lines:
        lines.append(f"The ledger of {folded.ledger.target} remembers nothing.")
    lines += [_open(intent, style) for intent in folded.open if intent.address in addresses]
    if holder is not None:
        lines.append(style.paint(f"locked: {printable(_who(holder))} is applying", "yellow"))
    return "\n".join(lines)


def _who(holder: Holder) -> str:
    return str(holder) if holder.token else "a run that has only just begun"


def _line(address: Address, record: Record, width: int) -> str:
    when = f"  {record.applied_at}" if record.applied_at else ""
    revision = f"  {record.revision[:10]}" if record.revision else ""
    return f"{printable(str(address)):{width}}  {printable(record.id)}{when}{revision}"


def _full(address: Address, record: Record, style: Style) -> list[str]:
    facts = [("id", record.id), ("applied", record.applied_at), ("revision", record.revision)]
    facts += [("recorded as", record.named), ("fields", ", ".join(sorted(record.fields)))]
    facts.append(("secrets", ", ".join(f"{name}{_state(digest)}" for name, digest in sorted(record.secrets.items()))))
    if record.removal is not None:
        facts += [("protect", "yes" if record.removal.protect else "")]
        facts += [("parents", ", ".join(str(parent) for parent in record.removal.parents))]
    shown = [f"    {word:12}{printable(value)}" for word, value in facts if value]
    return [style.paint(printable(str(address)), "bold"), *shown]


def _state(digest: str) -> str:
    words = {
        FORGOTTEN: " (forgotten: the key has changed)",
        UNSENT: " (never sent from here)",
        UNSURE: " (unsure: a write was cut short)",
    }
    return words.get(digest, "")


def _open(intent: Intent, style: Style) -> str:
    text = f"open: {intent.action.value} {intent.address}, begun {intent.at}, and nobody knows yet how it ended"
    return style.paint(printable(text), "yellow")


def ledger_document(folded: Folded, addresses: Sequence[Address], holder: Holder | None, place: str) -> JsonObject:
    """Return what the ledger holds of `addresses`."""
    records = {str(a): _record(folded.ledger.records[a]) for a in addresses if a in folded.ledger.records}
    return {
        "format": FORMAT,
        "kind": "ledger",
        "target": folded.ledger.target,
        "place": place,
        "keyed": bool(folded.ledger.secret.key),
        "lock": None if holder is None else _holder(holder),
        "open": [
            {"address": str(one.address), "action": one.action.value, "run": one.run, "at": one.at}
            for one in folded.open
            if one.address in addresses
        ],
        "records": records,
    }


def _holder(holder: Holder) -> JsonObject:
    return {
        "token": holder.token,
        "user": holder.user,
        "host": holder.host,
        "pid": holder.pid,
        "since": holder.since,
        "url": holder.url or None,
    }


def _record(record: Record) -> JsonObject:
    removal = record.removal
    return {
        "id": record.id,
        "appliedAt": record.applied_at or None,
        "revision": record.revision or None,
        "recordedAs": record.named or None,
        "fields": sorted(record.fields),
        "secrets": sorted(record.secrets),
        "protect": None if removal is None else removal.protect,
        "parents": None if removal is None else [str(parent) for parent in removal.parents],
    }


# --------------------------------------------------------------------------- what was done


def render_history(events: Sequence[Event], style: Style = PLAIN, *, outcomes: bool = False) -> str:
    """Return one line for each event, and its outcomes below it when asked for."""
    if not events:
        return "Nothing is on record yet."
    lines = []
    for event in events:
        revision = f"  {event.revision[:10]}" if event.revision else ""
        head = f"{event.at}  {event.what}  {event.summary}  {event.by}{revision}"
        lines.append(printable(head + (f"  {event.url}" if event.url else "")))
        if outcomes:
            lines += [style.paint(printable("    " + " ".join(outcome)), "dim") for outcome in event.outcomes]
    return "\n".join(lines)


def history_document(events: Sequence[Event], target: str) -> JsonObject:
    """Return events, newest first."""
    return {"format": FORMAT, "kind": "history", "target": target, "events": [_event(event) for event in events]}


def _event(event: Event) -> Json:
    return {
        "at": event.at,
        "what": event.what,
        "by": event.by,
        "run": event.run or None,
        "revision": event.revision or None,
        "planDigest": event.plan or None,
        "url": event.url or None,
        "note": event.note or None,
        "outcomes": [dict(zip(("status", "action", "address"), outcome, strict=False)) for outcome in event.outcomes],
    }
