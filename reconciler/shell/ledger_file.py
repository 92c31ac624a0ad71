"""The ledger in a file: one JSON document per target, written atomically.

Reads and writes: the file that it is given. Holds ids and digests, never a value.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.core.errors import UsageError
from reconciler.core.ledger import FORGOTTEN, FORMAT, Ledger, Record, Removal, SecretDigest
from reconciler.core.model import Address, JsonObject
from reconciler.shell.files import write_atomically

KEY_NAME = "RECONCILER_LEDGER_KEY"


class _RemovalForm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    protect: bool = False
    place: dict[str, Any] = Field(default_factory=dict)
    parents: list[str] = Field(default_factory=list)


class _RecordForm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: str
    fields: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    applied_at: str = ""
    revision: str = ""
    removal: _RemovalForm | None = None  # format 2
    owed: list[str] = Field(default_factory=list)  # format 2


class _LedgerForm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    format: int
    target: str
    salt: str
    keyed: bool = False
    records: dict[str, _RecordForm] = Field(default_factory=dict)


def read_ledger(path: Path, target: str, key: bytes) -> Ledger:
    """Return the ledger in `path`, or an empty one when there is no such file.

    `key` keys the digests of secrets; empty means that a salt and a slow function are used. Records made with a
    key and read without it (or the other way round) forget their secrets, since nothing could be compared.

    Raises UsageError when the file cannot be read or belongs to another target.
    """
    salt = secrets.token_bytes(16)
    if not path.exists():
        return Ledger(target=target, secret=SecretDigest(key=key, salt=salt))
    try:
        content = path.read_bytes()
        _refuse_newer(path, content)
        form = _LedgerForm.model_validate_json(content)
        salt = bytes.fromhex(form.salt)
        by_address = {_address(text): record for text, record in form.records.items()}
        removals = {address: _removal(record.removal) for address, record in by_address.items()}
    except (OSError, ValidationError, ValueError) as error:
        reason = "it is not a ledger" if isinstance(error, ValueError) else str(error.strerror)
        raise UsageError(
            f"cannot read the ledger {path}: {reason}",
            hint="restore it from a backup, or move it away: objects are found again by their natural keys",
        ) from None
    if form.target != target:
        raise UsageError(
            f"the ledger {path} belongs to the target {form.target!r}, not {target!r}",
            hint="give each target a ledger of its own in reconciler.yaml",
        )
    same_key = form.keyed == bool(key)
    records = {
        address: Record(
            id=record.id,
            fields=record.fields,
            secrets=record.secrets if same_key else dict.fromkeys(record.secrets, FORGOTTEN),
            applied_at=record.applied_at,
            revision=record.revision,
            removal=removals[address],
            owed=tuple(record.owed),
        )
        for address, record in by_address.items()
    }
    return Ledger(target=target, records=records, secret=SecretDigest(key=key, salt=salt))


def _refuse_newer(path: Path, content: bytes) -> None:
    """Look at the format before anything else: a newer ledger may hold what the form here does not know."""
    document = json.loads(content)
    number = document.get("format") if isinstance(document, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise UsageError(f"the ledger {path} was written by a newer reconciler", hint="upgrade this one")


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Write `ledger` to `path` atomically; its folder is made when it is missing. Raises UsageError."""
    records = {
        str(address): {
            "id": record.id,
            "fields": dict(sorted(record.fields.items())),
            "secrets": dict(sorted(record.secrets.items())),
            "applied_at": record.applied_at,
            "revision": record.revision,
            **_removal_document(record.removal),
            **({"owed": list(record.owed)} if record.owed else {}),
        }
        for address, record in sorted(ledger.records.items())
    }
    document = {
        "format": FORMAT,
        "target": ledger.target,
        "salt": ledger.secret.salt.hex(),
        "keyed": bool(ledger.secret.key),
        "records": records,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(document, indent=2) + "\n")
    except (OSError, UsageError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise UsageError(
            f"cannot write the ledger {path}: {reason}",
            hint="the changes were applied all the same; make the folder writable and apply again",
        ) from None


def _removal(form: _RemovalForm | None) -> Removal | None:
    if form is None:
        return None
    return Removal(protect=form.protect, place=form.place, parents=tuple(map(_address, form.parents)))


def _removal_document(removal: Removal | None) -> JsonObject:
    if removal is None:
        return {}
    place, parents = dict(sorted(removal.place.items())), [str(address) for address in removal.parents]
    return {"removal": {"protect": removal.protect, "place": place, "parents": parents}}


def _address(text: str) -> Address:
    kind, _, name = text.partition("/")
    system, _, kind = kind.partition(".")
    if not (system and kind and name):
        raise ValueError(f"{text!r} is no address")
    return Address(system, kind, name)
