"""How good the key of a ledger's digests is, and what is made of one that can be guessed. Pure.

Whoever reads a ledger can try keys on it. Where the key can be guessed, so can short secrets. A key that is long enough
is used as it is; any other one goes through a slow function first (scrypt, RFC 7914).
"""

from __future__ import annotations

import functools
import hashlib

SHORTEST = 32  # characters
_FEWEST_DIFFERENT = 6  # of random digits, the poorest alphabet in use, 32 nearly always have more


def is_guessable(key: bytes) -> bool:
    """Return whether a key, which is not empty, is too short or says the same few characters all over."""
    text = key.decode("utf-8", "replace")
    return len(text) < SHORTEST or len(set(text)) < _FEWEST_DIFFERENT


@functools.lru_cache(maxsize=8)
def strengthened(key: bytes, salt: bytes) -> bytes:
    """Return the key to use for digests: the same one where it is good, else one that is slow to try."""
    if not key or not is_guessable(key):
        return key
    return hashlib.scrypt(key, salt=salt, n=2**16, r=8, p=1, maxmem=2**27, dklen=32)  # a fifth of a second, 64 MB
