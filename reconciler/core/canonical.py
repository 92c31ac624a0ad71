"""The one JSON text of a value, its digest, and equality that tells `true` from 1. Pure."""

from __future__ import annotations

import hashlib
import json

from reconciler.core.model import Json


def strictly_equal(left: Json, right: Json) -> bool:
    """Compare JSON values, telling true from 1, which `==` does not."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(strictly_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(strictly_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical_json(value: Json) -> str:
    """Return the one JSON text of a value: sorted members, no spaces, text unescaped."""
    return _canonical(value)


def digest(value: Json) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    # A server's JSON may hold halves of characters ("\\ud800"), which have no other encoding.
    return hashlib.sha256(canonical_json(value).encode(errors="surrogatepass")).hexdigest()
