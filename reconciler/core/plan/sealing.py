"""Digests of what a person approves: one for each change, one for each kind it rests on. Pure.

A digest may be public: nothing secret goes into it, not even in a form that would help to guess it. So it cannot tell
one secret from another; `secrets_digest` can, for those who share a key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from json.encoder import encode_basestring

from reconciler.core.canonical import canonical_json, digest
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Action, Change, Json, Plan
from reconciler.core.plan.considered import Considered
from reconciler.core.pointer import Path, format_pointer

_REMARKS = {"description", "title", "documentation", "evidence", "examples", "credentials"}
_REMARKS_INSIDE = {"description", "title", "x-evidence"}  # names of fields as well, whose schema is a mapping


def digest_of(change: Change) -> str:
    """Return the digest of a change; of one that changes nothing it is worked out when it is asked for."""
    if change.digest or not change.is_idle:
        return change.digest
    # Canonical JSON, put together by hand because it is asked for with each of thousands of objects.
    address = change.address
    text = f'[{encode_basestring(str(address))},"{Action.UNCHANGED.value}",[],"","",[]]'
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def digest_of_plan(plan: Plan) -> str:
    """Return the digest of all that a plan does, to whom and in which follow-ups; of a part, that of the whole plan."""
    if plan.digest_as:
        return plan.digest_as
    changes = [digest_of(change) for change in plan.changes]
    return digest(changes if plan.shows_drift else [changes, [one.key for one in plan.follow_ups]])


def sealed(change: Change) -> Change:
    """Return `change` with the digest of all that its approval is about."""
    covered: list[Json] = [
        str(change.address),
        change.action.value,
        [[f.operation.value, format_pointer(f.path), f.before, f.after, f.sensitive, f.known] for f in change.fields],
        change.live_digest,
        change.desired_digest,
        [[request.method, request.path, request.only_if] for request in change.requests],
    ]
    if change.departure is not None:
        covered.append([change.departure.way.value, "" if change.live is None else change.live.id])
    return replace(change, digest=digest(covered))


def managed_digest(value: Json, considered: Considered) -> str:
    """Return the digest of the fields of one side, canonical: a digest must not help to guess a secret."""
    return digest(_redacted(value, considered))


def _redacted(value: Json, considered: Considered, path: Path = ()) -> Json:
    if considered.hides(path) and path:
        return "(sensitive)"
    if isinstance(value, dict):
        return {k: _redacted(v, considered, (*path, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_redacted(v, considered, (*path, i)) for i, v in enumerate(value)]
    return value


def secrets_digest(key: bytes, considered: Considered) -> str:
    """Return what tells the secrets of a resource from other ones, in hexadecimal; "" when it states none.

    Without the key nobody can guess from it.
    """
    address = considered.resource.address
    found = [[format_pointer(path), value] for path, value in _secrets(considered, considered.spec, ())]
    if not found:
        return ""
    text = f"approval\n{address}\n{canonical_json(found)}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _secrets(considered: Considered, value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    if path and considered.hides(path):
        yield path, value
    elif isinstance(value, dict):
        for name in sorted(value):
            yield from _secrets(considered, value[name], (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(considered, item, (*path, index))


def kind_digest(kind: Kind) -> str:
    """Return the digest of a kind as it is in use: with its system, for the parameters of the target.

    What it says to people only does not count.
    """
    parts = [part.model_dump(mode="json", by_alias=True) for part in (kind.definition, kind.system)]
    stated = [{name: value for name, value in part.items() if name not in _REMARKS} for part in parts]
    return digest(_without_remarks(stated))


def _without_remarks(value: Json) -> Json:
    if isinstance(value, dict):
        remarks = {name for name in _REMARKS_INSIDE & value.keys() if isinstance(value[name], str)}
        return {name: _without_remarks(item) for name, item in value.items() if name not in remarks}
    return [_without_remarks(item) for item in value] if isinstance(value, list) else value
