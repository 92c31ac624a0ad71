"""Objects that are managed and that no manifest states: whose they are, and how their kind lets them go. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from reconciler.core.address import Address
from reconciler.core.departure import Way
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Condition
from reconciler.core.kinds.template import render_value
from reconciler.core.memory.ledger import Record, Removal
from reconciler.core.model import Json, LiveObject
from reconciler.core.pointer import MISSING
from reconciler.core.records import dataclass
from reconciler.core.wire.judge import holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant:
    """An object that is ours by the ledger, or by the mark that it bears, and that no manifest states."""

    address: Address
    kind: Kind
    id: str
    removal: Removal = Removal()
    recorded: bool = True  # in the ledger; otherwise known by its mark
    live: LiveObject | None = None  # once it has been looked for; None: it is not there
    doubt: str = ""  # why it must stay: reading did not tell enough
    moved_to: Address | None = None  # the resource that manages the object now


_REPLACED = re.compile(r" \(replaced(?: [0-9]+)?\)$")


def old_address(address: Address, remote_id: str, recorded: Callable[[Address], Record | None]) -> Address:
    """Return the address under which an old object of a replaced resource goes; no manifest can have it.

    What an earlier replacement left there is never forgotten for it: another object gets another address.
    """
    for number in itertools.count(1):
        name = f"{address.name} (replaced{'' if number == 1 else f' {number}'})"
        found = Address(address.system, address.kind, name)
        record = recorded(found)
        if record is None or record.id == remote_id:
            break
    return found


def successor_of(address: Address) -> Address | None:
    """Return the resource whose old object goes under this address; None when it is no such address."""
    name = _REPLACED.sub("", address.name)
    return None if name == address.name else Address(address.system, address.kind, name)


def way_of(kind: Kind) -> Way | None:
    """Return how objects of `kind` go away; None when the kind does not say."""
    write = kind.definition.write
    if write.delete is not None and write.delete.call is not None:
        return Way.DELETE
    if write.delete is not None and write.delete.disable is not None:
        return Way.DISABLE
    if write.delete is not None and write.delete.forget:
        return Way.FORGET
    return Way.DELETE if write.inside is not None else None


def is_owned(kind: Kind, body: Json) -> bool:
    """Tell whether a live object bears the mark by which the kind knows ours."""
    marks = kind.definition.read.owned
    return bool(marks) and all(_bears(kind, mark, body) for mark in marks)


def _bears(kind: Kind, mark: Condition, body: Json) -> bool:
    if "equals" not in mark.model_fields_set:
        return holds(mark, body)
    wanted = render_value(mark.equals, {"system": kind.parameters})
    # A mark whose parameter has no value is nobody's.
    return wanted not in (MISSING, None, "") and holds(mark.model_copy(update={"equals": wanted}), body)


def untouchable(kind: Kind, body: Json) -> str:
    """Return why a live object is never deleted, whoever asks; empty when it may be."""
    read = kind.definition.read
    if any(holds(condition, body) for condition in read.built_in):
        return "it came with the server"
    if any(holds(condition, body) for condition in read.computed):
        return "the server makes and removes it by itself"
    return ""
