"""Ledgers as JSON text and back: ids and digests by address, never a value.

Reads and writes nothing itself; draws the salt of a new ledger.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.core.errors import UsageError
from reconciler.core.json_decoding import decode_json
from reconciler.core.memory.ledger import FORMAT, Ledger, Record, Removal, SecretDigest, read_address
from reconciler.core.memory.ledger_key import SHORTEST, is_guessable, strengthened
from reconciler.core.model import Diagnostic, JsonObject, Severity
from reconciler.core.records import dataclass

if TYPE_CHECKING:
    from reconciler.shell.memory.ledger_form import LedgerForm, RecordForm, RemovalForm

KEY_NAME = "RECONCILER_LEDGER_KEY"
OLD_KEY_NAME = "RECONCILER_LEDGER_OLD_KEY"  # read by `ledger rekey` alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose ledger it is, and the key of its digests; empty means that a salt and a slow function are used."""

    target: str
    key: bytes = b""


def read_key(environ: Mapping[str, str], name: str = KEY_NAME) -> bytes:
    """Return the key of digests that the environment holds, empty when it holds none. Raises UsageError."""
    try:
        return environ.get(name, "").encode()
    except UnicodeEncodeError:
        raise UsageError(f"the environment variable {name} is not UTF-8 text", hint=_MAKE_A_KEY) from None


def new_ledger(owner: Owner) -> Ledger:
    """Return an empty ledger. Raises UsageError where the key could be guessed."""
    if owner.key and is_guessable(owner.key):
        raise _guessable(f"the key in {KEY_NAME} is too easy to guess for a new ledger")
    return Ledger(target=owner.target, secret=SecretDigest(key=owner.key, salt=secrets.token_bytes(16)))


def read_ledger_text(content: bytes, place: str, owner: Owner) -> tuple[Ledger, list[Diagnostic]]:
    """Return the ledger that stands in `content`, and what a person must know of it. `place` is for messages.

    Records made with another key than that of `owner`, or with a key and read without one, or the other way round,
    forget their secrets, since nothing could be compared.

    Raises UsageError when it is no ledger or belongs to another target, or its new key can be guessed.
    """
    from reconciler.shell.memory.ledger_form import LedgerForm

    try:
        _refuse_newer(place, content)
        form = LedgerForm.model_validate_json(content)
        records = {read_address(text): _record(record) for text, record in form.records.items()}
        secret = _secret_digest(owner.key, bytes.fromhex(form.salt))
    except ValueError:
        raise UsageError(
            f"cannot read the ledger {place}: it is not a ledger",
            hint="restore it from a backup, or move it away: objects are found again by their natural keys",
        ) from None
    if form.target != owner.target:
        raise UsageError(
            f"the ledger {place} belongs to the target {form.target!r}, not {owner.target!r}",
            hint="give each target a ledger of its own in reconciler.yaml",
        )
    changed = _key_change(form, secret)
    notes = []
    if secret.former_key:
        if changed:
            raise _guessable(f"the ledger {place} {changed}; the new key is too easy to guess")
        notes.append(_guessable_note(place))
    if changed:
        if any(record.secrets for record in records.values()):
            notes.append(_key_note(changed))
        records = {address: record.forgetful() for address, record in records.items()}
    ledger = Ledger(target=owner.target, records=records, secret=secret, revision=form.revision, plans=dict(form.plans))
    return ledger, notes


def _key_change(form: LedgerForm, secret: SecretDigest) -> str:
    """Return in words how the key differs from the one that the ledger was written with, "" where it does not."""
    if form.keyed and not secret.key:
        return f"was written with a key, and {KEY_NAME} is not set"
    if secret.key and not form.keyed:
        return f"was written without a key, and {KEY_NAME} is set now"
    if form.key_check not in ("", secret.check, SecretDigest(key=secret.former_key).check):
        return f"was written with another key than {KEY_NAME} holds now"
    return ""


def _secret_digest(key: bytes, salt: bytes) -> SecretDigest:
    used = strengthened(key, salt)
    return SecretDigest(key=used, salt=salt, former_key=b"" if used == key else key)


_MAKE_A_KEY = (
    "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`, and keep it where the pipeline's "
    f"secrets are; without {KEY_NAME}, digests are salted and slow to guess"
)


def _guessable(what: str) -> UsageError:
    return UsageError(f"{what}: it must have at least {SHORTEST} random characters", hint=_MAKE_A_KEY)


def _guessable_note(place: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code="weak-ledger-key",
        message=f"the key in {KEY_NAME} is too easy to guess (fewer than {SHORTEST} random characters): the digests of "
        f"secrets in the ledger {place} are made slowly until it is replaced",
        hint=f"{_MAKE_A_KEY}. Then apply once with --resend, which sends all secrets",
    )


def _key_note(change: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code="ledger-key",
        message=f"the ledger {change}: whether secrets have changed cannot be told",
        hint=f"put the old key back; or `ledger rekey` with the old one in {OLD_KEY_NAME}, before the next apply; or "
        "apply once with --resend, which sends all secrets",
    )


def _refuse_newer(place: str, content: bytes) -> None:
    """Look at the format before anything else: a newer ledger may hold what the form here does not know."""
    document = decode_json(content)
    number = document.get("format") if isinstance(document, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise UsageError(f"the ledger {place} was written by a newer reconciler", hint="upgrade this one")


def ledger_text(ledger: Ledger) -> str:
    """Return `ledger` as text, the same for the same records whatever their order."""
    document = {
        "format": FORMAT,
        "target": ledger.target,
        "salt": ledger.secret.salt.hex(),
        "keyed": bool(ledger.secret.key),
        **({"key_check": ledger.secret.check} if ledger.secret.key else {}),
        **({"revision": ledger.revision} if ledger.revision else {}),
        **({"plans": dict(sorted(ledger.plans.items()))} if ledger.plans else {}),
        "records": {str(address): record_document(record) for address, record in sorted(ledger.records.items())},
    }
    return json.dumps(document, indent=2) + "\n"


# --------------------------------------------------------------------------- records


def record_document(record: Record) -> JsonObject:
    """Return one record as JSON."""
    return {
        "id": record.id,
        "fields": dict(sorted(record.fields.items())),
        "secrets": dict(sorted(record.secrets.items())),
        "applied_at": record.applied_at,
        "revision": record.revision,
        **({"named": record.named} if record.named else {}),
        **_removal_document(record.removal),
        **({"owed": list(record.owed)} if record.owed else {}),
    }


def read_record(document: JsonObject) -> Record:
    """Return the record that stands in `document`. Raises ValueError."""
    from reconciler.shell.memory.ledger_form import RecordForm

    return _record(RecordForm.model_validate(document))


def _record(form: RecordForm) -> Record:
    return Record(
        id=form.id,
        fields=form.fields,
        secrets=form.secrets,
        applied_at=form.applied_at,
        revision=form.revision,
        named=form.named,
        removal=_removal(form.removal),
        owed=tuple(form.owed),
    )


def _removal(form: RemovalForm | None) -> Removal | None:
    if form is None:
        return None
    return Removal(protect=form.protect, place=form.place, parents=tuple(map(read_address, form.parents)))


def _removal_document(removal: Removal | None) -> JsonObject:
    if removal is None:
        return {}
    place, parents = dict(sorted(removal.place.items())), [str(address) for address in removal.parents]
    return {"removal": {"protect": removal.protect, "place": place, "parents": parents}}
