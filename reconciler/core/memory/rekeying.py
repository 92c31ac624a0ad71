"""The digests of secrets made anew for another key. Pure.

A digest tells nothing but whether a value is the same. So what was applied is compared with what is wanted by the old
key, and what is the same gets a digest by the new one. What is not the same, or not known, must not look applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.memory.ledger import FORGOTTEN, UNSENT, UNSURE, Record, SecretDigest
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, Path, parse_pointer
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeying:
    """From which digests to which, and whether what nothing tells is to count as applied."""

    old: SecretDigest
    new: SecretDigest
    trust: bool = False

    def of(self, address: Address, record: Record, wanted: Callable[[Path], Json | object]) -> Record:
        """Return the record with digests by the new key; `wanted` says MISSING of a secret that it does not know."""
        secrets = {
            pointer: self._digest(address, record, pointer, wanted(parse_pointer(pointer)))
            for pointer in record.secrets
        }
        return replace(record, secrets=secrets, named="")

    def _digest(self, address: Address, record: Record, pointer: str, value: Json) -> str:
        digest = record.secrets[pointer]
        if digest == UNSURE:
            return digest
        if value is MISSING:
            return digest if digest == UNSENT else FORGOTTEN
        if self.trust:
            return self.new.of(address, pointer, value)
        if digest in (FORGOTTEN, UNSENT):
            return digest
        if self.old.matches(digest, record.named or address, pointer, value):
            return self.new.of(address, pointer, value)
        # Another value was applied: of no value is this the digest, so the wanted one will be sent.
        return self.new.of(address, pointer, ["other than", digest])
