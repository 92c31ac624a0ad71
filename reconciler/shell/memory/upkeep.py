"""What a person does to a ledger by hand: look, forget, move, unlock. `workflow` does what needs the manifests too.

Reads and writes: the memory of the target; no live system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.errors import Refused, UsageError
from reconciler.core.manifests.selection import fits
from reconciler.core.memory.journal import Event, Folded, Holder
from reconciler.core.suggest import did_you_mean
from reconciler.shell.memory.ledger_text import KEY_NAME
from reconciler.shell.memory.memory import Memory
from reconciler.shell.memory.opening import open_memory
from reconciler.shell.options import Options
from reconciler.shell.settings.loading import load_settings


def memory_of(options: Options, key_name: str = KEY_NAME) -> Memory:
    """Return the memory of the target that is chosen, by the key in a variable of the environment.

    Raises UsageError when it has none, and InvalidInput.
    """
    settings = load_settings(options.config, options.target, options.environ)
    options.redactor.add(settings.secret_values)
    if settings.ledger is None:
        raise UsageError(
            f"the target {settings.target!r} has no ledger",
            hint="add `ledger: {file: PATH}` or `ledger: {git: refs/reconciler/NAME}` to it in reconciler.yaml",
        )
    return open_memory(settings, options, key_name)


def chosen(folded: Folded, patterns: Sequence[str]) -> list[Address]:
    """Return the addresses that `patterns` mean, by order; all when there are none. Raises UsageError."""
    known = sorted({*folded.ledger.records, *(intent.address for intent in folded.open)})
    if not patterns:
        return known
    found: set[Address] = set()
    for pattern in patterns:
        matches = [address for address in known if fits(pattern, address)]
        if not matches:
            raise _unknown(pattern, known)
        found.update(matches)
    return sorted(found)


def forget(memory: Memory, patterns: Sequence[str]) -> list[Address]:
    """Take addresses out of the ledger, also out of what is still open, and return them. The lock must be held."""
    folded = memory.read().folded
    addresses = chosen(folded, patterns)
    records = {address: record for address, record in folded.ledger.records.items() if address not in addresses}
    left = tuple(intent for intent in folded.open if intent.address not in addresses)
    runs = tuple(run for run in folded.runs if run.token in {intent.run for intent in left})
    after = replace(folded, ledger=replace(folded.ledger, records=records), open=left, runs=runs)
    memory.finish(after, event_of(memory, "forget", addresses))
    return addresses


def move(memory: Memory, old: str, new: str) -> tuple[Address, Address]:
    """Give the record of one address to another, and return both. The lock must be held. Raises UsageError."""
    folded = memory.read().folded
    matches = [address for address in sorted(folded.ledger.records) if fits(old, address)]
    if not matches:
        raise _unknown(old, folded.ledger.records)
    if len(matches) > 1:
        raise UsageError(f"{old!r} means several addresses", hint=f"name one: {', '.join(map(str, matches))}")
    source, target = matches[0], _new_address(new, matches[0])
    if target in folded.ledger.records:
        raise UsageError(
            f"the ledger has a record of {target} already", hint=f"forget one of them first: `ledger forget {target}`"
        )
    event = replace(event_of(memory, "move", [source]), note=f"{source} to {target}", outcomes=())
    memory.finish(replace(folded, ledger=folded.ledger.moved(source, target)), event)
    return source, target


def unlock(memory: Memory, token: str | None, *, force: bool) -> Holder | None:
    """Take the lock away and return who held it, None when nobody did. Raises Refused without the right token."""
    holder = memory.read().holder
    if holder is None and not force:
        return None
    if holder is not None and not force and token != holder.token:
        raise Refused(
            f"the lock is held by {holder if holder.token else 'a run that has only just begun'}"
            + ("; the token given is not its" if token else ""),
            hint=f"if that run is surely dead, `reconciler ledger unlock {holder.token or '--force'}`",
        )
    note = f"lock of {holder}" if holder is not None else "lock that nobody held"
    memory.unlock(replace(event_of(memory, "unlock", []), note=note))
    return holder


def event_of(memory: Memory, what: str, addresses: Sequence[Address]) -> Event:
    """Return the entry of the history for what a person has done by hand."""
    run = memory.run
    outcomes = tuple(("done", what, str(address)) for address in addresses)
    return Event(what=what, at=memory.now(), by=run.who, run=run.token, url=run.url, outcomes=outcomes)


def _unknown(pattern: str, known: Iterable[Address]) -> UsageError:
    hint = did_you_mean(pattern, [str(address) for address in known])
    return UsageError(f"the ledger knows no {pattern!r}", hint=hint or "`reconciler ledger show` lists what it knows")


def _new_address(text: str, old: Address) -> Address:
    """Return the address that `text` is, in full or as far as it differs from `old`. Raises UsageError."""
    kind, slash, name = text.partition("/")
    system, dot, kind = kind.rpartition(".")
    if not slash:
        kind, name = old.kind, text
    address = Address(system if dot and slash else old.system, kind, name)
    if not name or (address.system, address.kind) != (old.system, old.kind):
        raise UsageError(
            f"{old} cannot become {text!r}: an object keeps its system and its kind",
            hint=f"write {old.system}.{old.kind}/NAME, or NAME alone",
        )
    return address
