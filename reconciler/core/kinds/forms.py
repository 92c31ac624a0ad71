"""Forms of scalar values: what makes two spellings equal, and which spelling a request carries. Pure.

Each form is three functions. `canonical` maps every spelling of a value to one; a value that it cannot read stays as
it is, so that it shows up as a difference instead of an error. `encode` gives what a request carries for a manifest's
value, and `decode` the manifest's value for one that was answered.

Sources: RFC 4648 (base64), RFC 9562 (UUID), RFC 3339 (timestamps), ProtoJSON (64-bit integers as text, bytes as
base64), Go's time.ParseDuration (durations), RFC 3986, section 6.2 (URLs).
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from reconciler.core.model import Json

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def _bytes_of_base64(text: str) -> bytes | None:
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _uuid(value: Json) -> Json:
    import uuid  # here, because few fields hold one

    if not isinstance(value, str):
        return value
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raw = _bytes_of_base64(value)
        return str(uuid.UUID(bytes=raw)) if raw is not None and len(raw) == 16 else value


def _uuid_encode(value: Json) -> Json:
    import uuid

    canonical = _uuid(value)
    try:
        return base64.b64encode(uuid.UUID(canonical).bytes).decode()
    except (ValueError, AttributeError, TypeError):
        return value


def _base64(value: Json) -> Json:
    raw = _bytes_of_base64(value) if isinstance(value, str) else None
    return value if raw is None else base64.b64encode(raw).decode()


def _base64_text(value: Json) -> Json:
    return base64.b64encode(value.encode()).decode() if isinstance(value, str) else value


def _text_of_base64(value: Json) -> Json:
    """Return the text that `value` encodes; bytes that are no text have no spelling in a manifest and stay."""
    raw = _bytes_of_base64(value) if isinstance(value, str) else None
    try:
        return value if raw is None else raw.decode()
    except UnicodeDecodeError:
        return value


def _int64(value: Json) -> Json:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,4000}", value.strip()):
        return int(value)
    return value


def _int64_encode(value: Json) -> Json:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Json) -> Json:
    """Return the number that a decimal text stands for, unless it could not be told from its neighbours."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value.strip()):
        return value
    exact = Decimal(value.strip())
    if exact == exact.to_integral_value():
        return int(exact)
    nearest = float(exact)
    return nearest if Decimal(repr(nearest)) == exact else value


def _duration(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    text = value.strip()
    sign, body = (text[0], text[1:]) if text[:1] in ("-", "+") else ("", text)
    if body == "0":
        return "0s"
    pieces = _DURATION.findall(body)
    if not pieces or "".join(number + unit for number, unit in pieces) != body:
        return value
    nanoseconds = sum((Decimal(number) * _UNITS[unit] for number, unit in pieces), Decimal(0))
    seconds = (nanoseconds / 10**9).normalize()
    return f"{'-' if sign == '-' and seconds else ''}{seconds:f}s"


def _timestamp(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    match = _TIMESTAMP.fullmatch(value.strip())
    if not match:
        return value
    try:
        instant = datetime.fromisoformat(f"{match[1]}T{match[2]}" + match[4].upper().replace("Z", "+00:00"))
        text = instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return value
    fraction = (match[3] or "").rstrip("0").rstrip(".")
    return text + fraction + "Z"


_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def _url(value: Json) -> Json:
    """Return a URL after syntax-based and scheme-based normalization, dot segments aside: servers may mean them."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value.strip())
        port = parts.port
    except ValueError:
        return value
    if not parts.scheme or not parts.hostname:
        return value
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = parts.netloc.rpartition("@")[0]
    place = f"{user}@{host}" if user else host
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        place += f":{port}"
    path, query, fragment = (_percent(text) for text in (parts.path or "/", parts.query, parts.fragment))
    return urlunsplit((parts.scheme, place, path, query, fragment))


def _percent(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    return re.sub(r"%([0-9A-Fa-f]{2})", plain, text)


def _text(change: Callable[[str], str]) -> Callable[[Json], Json]:
    return lambda value: change(value) if isinstance(value, str) else value


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _same(value: Json) -> Json:
    return value


CANONICAL: Mapping[str, Callable[[Any], Any]] = {
    "base64": _base64,
    "base64-text": _base64,
    "case-insensitive": _text(str.casefold),
    "duration": _duration,
    "int64": _int64,
    "lower": _text(str.lower),
    "nfc": _text(_composed),
    "number": _number,
    "timestamp": _timestamp,
    "trim": _text(str.strip),
    "upper": _text(str.upper),
    "url": _url,
    "uuid-base64": _uuid,
}

ENCODE: Mapping[str, Callable[[Any], Any]] = {
    "base64": _base64,
    "base64-text": _base64_text,
    "case-insensitive": _same,
    "duration": _same,
    "int64": _int64_encode,
    "lower": _text(str.lower),
    "nfc": _text(_composed),
    "number": _number,
    "timestamp": _same,
    "trim": _text(str.strip),
    "upper": _text(str.upper),
    "url": _same,
    "uuid-base64": _uuid_encode,
}

DECODE: Mapping[str, Callable[[Any], Any]] = {
    "base64": _base64,
    "base64-text": _text_of_base64,
    "case-insensitive": _same,
    "duration": _same,
    "int64": _int64,
    "lower": _same,
    "nfc": _same,
    "number": _number,
    "timestamp": _same,
    "trim": _same,
    "upper": _same,
    "url": _same,
    "uuid-base64": _uuid,
}


def canonical_scalar(forms: tuple[str, ...], value: Json) -> Json:
    """Return the one spelling of a wire `value` under `forms`, applied in order; whole floats become integers.

    A manifest's value goes through `encode_scalar` first, as it would on its way to the server.
    """
    for form in forms:
        value = CANONICAL[form](value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def resend_scalar(forms: tuple[str, ...], value: Json) -> Json:
    """Return what a request carries for a `value` that was answered, where answers have another form than requests."""
    return _number(value) if "number" in forms else value


def encode_scalar(forms: tuple[str, ...], value: Json) -> Json:
    """Return what a request carries for `value` under `forms`."""
    for form in forms:
        value = ENCODE[form](value)
    return value


def decode_scalar(forms: tuple[str, ...], value: Json) -> Json:
    """Return what a manifest states for a wire `value` under `forms`, the inverse of `encode_scalar`.

    What a manifest cannot state (bytes that are no text, say) stays as it is, and encodes to something else.
    """
    for form in reversed(forms):
        value = DECODE[form](value)
    return value
