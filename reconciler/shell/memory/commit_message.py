"""What a commit of a ledger says: an event as a message for people and for machines. Reads and writes nothing."""

from __future__ import annotations

from reconciler.core.memory.journal import Event

_FIELDS = (("Revision", "revision"), ("Plan", "plan"), ("Run", "run"), ("Job", "url"), ("Note", "note"))


def message_of(event: Event) -> str:
    """Return the message of the commit that an event makes."""
    facts = [f"{word}: {value}" for word, name in _FIELDS if (value := getattr(event, name))]
    done = ["- " + " ".join(outcome) for outcome in event.outcomes]
    paragraphs = [f"{event.what}: {event.summary}", "\n".join(facts), "\n".join(done)]
    return "\n\n".join(text for text in paragraphs if text) + "\n"


def event_in(message: str, *, at: str, by: str) -> Event:
    """Return the event that a commit's message tells of, as far as it does."""
    subject, _, body = message.partition("\n")
    words = dict(_FIELDS)
    found: dict[str, str] = {}
    outcomes = []
    for line in body.splitlines():
        word, colon, value = line.partition(": ")
        if line.startswith("- "):
            outcomes.append(tuple(line[2:].split(" ", 2)))
        elif colon and word in words:
            found[words[word]] = value
    return Event(what=subject.partition(":")[0], at=at, by=by, outcomes=tuple(outcomes), **found)
