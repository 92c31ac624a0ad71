"""Texts that look like secrets although no kind says so: by the field's name or by their own form. Pure.

A suspicion costs little: the value is exported as `${env:NAME}`. A miss would put a secret into Git.
"""

from __future__ import annotations

import re
from itertools import pairwise

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset({"password", "passwd", "secret", "token", "credential", "credentials", "passphrase", "pin"})
_SECRET_KEYS = frozenset({"api", "private", "access", "secret", "signing", "encryption", "shared", "license"})

_FORMS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:Bearer|Basic|Token) +[A-Za-z0-9+/=._~-]{8,}"  # values of an Authorization header
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."  # JSON Web Tokens (RFC 7519)
    r"|://[^/\s:@]+:[^/\s@]+@"  # a URL with a password (RFC 3986, section 3.2.1)
)
_RUN = re.compile(r"[A-Za-z0-9+/=_]{20,}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# Names in camel case change their sort of character about every third time, random texts about every second time.
_RESTLESS = 0.42


def looks_secret(name: str, value: str) -> bool:
    """Tell whether the text of a field called `name` may be a secret."""
    return bool(value) and (is_secret_name(name) or bool(_FORMS.search(value)) or _is_random(value))


def is_secret_name(name: str) -> bool:
    """Tell a field whose name ends as names of secrets do: `clientSecret`, `api_key`, but not `tokenUrl`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    return words[-1] in _SECRET_WORDS or (words[-1] == "key" and len(words) > 1 and words[-2] in _SECRET_KEYS)


def _is_random(value: str) -> bool:
    return any(_is_restless(run) for run in _RUN.findall(_UUID.sub("", value)))


def _is_restless(run: str) -> bool:
    if not (any(c.isdigit() for c in run) and any(c.isalpha() for c in run)):
        return False
    sorts = [_sort(c) for c in run]
    changes = sum(one != other for one, other in pairwise(sorts))
    return changes / (len(run) - 1) >= _RESTLESS


def _sort(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.islower() else 2 if character.isupper() else 3
