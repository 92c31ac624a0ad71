"""`ledger rekey`: the digests of secrets made anew for another key, without a request.

Reads: what a person wrote, with its secrets, and the ledger. Writes: the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.errors import UsageError
from reconciler.core.manifests.references import Known
from reconciler.core.memory.ledger import FORGOTTEN, UNSENT, Record
from reconciler.core.memory.rekeying import Rekeying
from reconciler.core.model import Json
from reconciler.core.plan.considered import Considered, NoMemory, consider
from reconciler.core.pointer import MISSING, Path, get, starts_with
from reconciler.core.records import dataclass
from reconciler.shell.memory.ledger_text import OLD_KEY_NAME, Owner, new_ledger, read_key
from reconciler.shell.memory.memory import Memory
from reconciler.shell.memory.upkeep import event_of
from reconciler.shell.options import Options
from reconciler.workflow.loading import Loaded, declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """How many digests of secrets there are now, by what they can tell."""

    known: int = 0
    forgotten: int = 0
    unsent: int = 0


def rekey(memory: Memory, loaded: Loaded, options: Options) -> Rekeyed:
    """Write the digests of all secrets anew, by the key that is set now. The lock must be held.

    `memory` was opened with the old key. Raises UsageError when that is not the key of the ledger.
    """
    remembered = memory.read()
    changed = next((note for note in remembered.notes if note.code == "ledger-key"), None)
    if changed is not None and not options.trust_secrets:
        raise UsageError(
            f"the secrets cannot be compared: {changed.message}",
            hint=f"set {OLD_KEY_NAME} to the key that the ledger was written with, or, if it is lost, take the secrets "
            "of the manifests for applied with --trust-secrets",
        )
    ledger = remembered.folded.ledger
    new = new_ledger(Owner(target=ledger.target, key=read_key(options.environ))).secret
    records = _rekeyed(
        ledger.records, loaded, options, Rekeying(old=ledger.secret, new=new, trust=options.trust_secrets)
    )
    after = replace(remembered.folded, ledger=replace(ledger, records=records, secret=new))
    digests = Counter(digest for record in records.values() for digest in record.secrets.values())
    forgotten, unsent = digests.pop(FORGOTTEN, 0), digests.pop(UNSENT, 0)
    counted = Rekeyed(known=sum(digests.values()), forgotten=forgotten, unsent=unsent)
    memory.finish(after, replace(event_of(memory, "rekey", []), note=f"{counted.known} digests of secrets"))
    return counted


def _rekeyed(
    records: Mapping[Address, Record], loaded: Loaded, options: Options, rekeying: Rekeying
) -> dict[Address, Record]:
    inputs = declared(loaded, options, live={}, unreadable={}, memory=NoMemory())
    known = Known(resources=loaded.resources, live={})
    after = {}
    for address, record in records.items():
        wanted: Callable[[Path], Json | object] = _nothing_wanted
        if record.secrets and address in loaded.resources:
            wanted = _wanted(consider(address, inputs, known))
        after[address] = rekeying.of(address, record, wanted)
    return after


def _nothing_wanted(path: Path) -> Json | object:
    del path
    return MISSING


def _wanted(considered: Considered) -> Callable[[Path], Json | object]:
    """Return what says which secret is wanted at a path, in the form in which it is recorded."""
    canonical = considered.compared_with(None).desired

    def wanted(path: Path) -> Json | object:
        # Without a request nothing tells the value of a reference.
        if (path[:1] and path[0] not in considered.spec) or any(_meets(path, place) for place in considered.unknown):
            return MISSING
        value = get(canonical, path)
        return None if value is MISSING else value

    return wanted


def _meets(path: Path, place: Path) -> bool:
    texts = tuple(map(str, place))
    return starts_with(path, texts) or starts_with(texts, path)
