"""HS256 JSON Web Tokens as the admin API checks them: the signature is all that counts. Pure.

Section 1 of the facts: the payload may be `{}`, `exp` is honoured only when present, and there is no login.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any


def sign_token(secret: str, claims: Mapping[str, Any] | None = None) -> str:
    """Return a token signed with the server's secret."""
    head = _encode(b'{"alg":"HS256","typ":"JWT"}')
    payload = _encode(json.dumps(dict(claims or {}), separators=(",", ":")).encode())
    return f"{head}.{payload}.{_encode(_signature(secret, f'{head}.{payload}'))}"


def is_valid_token(secret: str, token: str, now_s: float) -> bool:
    """Tell whether `token` is signed with `secret` by HS256 and has not expired at `now_s` (Unix time)."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        head, claims = json.loads(_decode(parts[0])), json.loads(_decode(parts[1]))
        signature = _decode(parts[2])
    except ValueError:
        return False
    if not isinstance(head, dict) or not isinstance(claims, dict) or head.get("alg") != "HS256":
        return False
    if not hmac.compare_digest(signature, _signature(secret, f"{parts[0]}.{parts[1]}")):
        return False
    expires = claims.get("exp")
    return expires is None or (isinstance(expires, int | float) and expires > now_s)


def _signature(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    if not text.isascii() or "=" in text:
        raise ValueError("not unpadded base64url")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not unpadded base64url") from error
