"""Read request messages by the strict Protocol Buffers JSON mapping, and write answers by it. Pure.

Invariants: every field of a request is known by name and of its declared type, or `MalformedError` is raised;
no message of that error contains a value, since fields may be secret; null means absent.
Source: the Goldmine sheet, section 9 (ProtoJSON).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

ID_BYTES = 16
_INT32 = 2**31
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_CAPITAL = re.compile(r"[A-Z]")


class MalformedError(ValueError):
    """The body isn't a message of the expected type; the text names the field, never its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One declared field of a request message. `message` declares the items of kind "messages"."""

    kind: Literal["id", "bytes", "string", "int32", "bool", "messages"]
    required: bool = False
    message: Mapping[str, Field] | None = None


def read_message(body: bytes, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the fields set in a JSON body, under their camelCase names, ids as standard padded base64.

    Raises: MalformedError for bad JSON, unknown or repeated fields, wrong types and missing required fields.
    """
    try:
        document = json.loads(body.decode(), object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_refuse)
    except MalformedError:
        raise
    except (ValueError, RecursionError, ArithmeticError):  # the last: an exponent beyond Decimal's
        raise MalformedError("the body is not valid JSON") from None
    return _message(document, fields, "")


def without_defaults(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as it is written: fields unset or at their default are left out (false, 0, "", []).

    An empty message stays: messages have presence.
    """
    return {name: value for name, value in message.items() if value or isinstance(value, dict)}


def int64(number: int) -> str | None:
    """Return a 64-bit integer as answers carry it: a decimal string, None for the default."""
    return str(number) if number else None


def encode_id(raw: bytes) -> str:
    """Return bytes as answers carry them: standard base64 with padding."""
    return base64.b64encode(raw).decode()


def decode_bytes(text: str) -> bytes:
    """Return the bytes of base64 text, standard or URL-safe, padded or not. Raises: MalformedError."""
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    if len(text) - len(standard) > 2:
        raise MalformedError("invalid base64")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError("invalid base64") from None


def timestamp(epoch_s: float) -> str:
    """Return RFC 3339 in Z with 0, 3 or 6 fraction digits, the fewest that are exact to the microsecond."""
    moment = datetime.fromtimestamp(epoch_s, UTC)
    if moment.microsecond == 0:
        precision = "seconds"
    else:
        precision = "milliseconds" if moment.microsecond % 1000 == 0 else "microseconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _message(document: Any, fields: Mapping[str, Field], where: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise MalformedError(f"{where or 'the body'} must be a JSON object")
    spellings = {spelling: name for name in fields for spelling in (name, _original_name(name))}
    message: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in document.items():
        name = spellings.get(key)
        if name is None:
            raise MalformedError(f"unknown field {_quoted(where + key)}")
        if name in seen:
            raise MalformedError(f"duplicate field {_quoted(where + key)}")
        seen.add(name)
        if value is not None:  # null is absent, never a reset
            message[name] = _value(value, fields[name], where + name)
    for name, field in fields.items():
        if field.required and message.get(name) in (None, "", []):
            raise MalformedError(f"missing required field {_quoted(where + name)}")
    return message


def _value(value: Any, field: Field, where: str) -> Any:
    match field.kind:
        case "id":
            return _id(value, where)
        case "bytes":
            return _bytes(value, where)
        case "string":
            return _string(value, where)
        case "int32":
            return _int32(value, where)
        case "bool":
            if not isinstance(value, bool):
                raise MalformedError(f"{_quoted(where)} must be true or false")
            return value
        case "messages":
            return _messages(value, field, where)


def _bytes(value: Any, where: str) -> str:
    try:
        return encode_id(decode_bytes(_string(value, where)))
    except MalformedError:
        raise MalformedError(f"{_quoted(where)} must be base64") from None


def _id(value: Any, where: str) -> str:
    raw = decode_bytes(_bytes(value, where))
    # Empty bytes are the default of a field without presence, hence the same as absent.
    if raw and len(raw) != ID_BYTES:
        raise MalformedError(f"{_quoted(where)} must be {ID_BYTES} bytes")
    return encode_id(raw)


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise MalformedError(f"{_quoted(where)} must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MalformedError(f"{_quoted(where)} is not valid Unicode") from None
    return value


def _int32(value: Any, where: str) -> int:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise MalformedError(f"{_quoted(where)} must be a 32-bit integer")
    try:
        number = Decimal(value)
    except ArithmeticError:  # an exponent beyond what Decimal holds
        raise MalformedError(f"{_quoted(where)} must be a 32-bit integer") from None
    # The range comes first: it keeps an absurd exponent from being expanded into digits.
    if not -_INT32 <= number < _INT32 or number != number.to_integral_value():
        raise MalformedError(f"{_quoted(where)} must be a 32-bit integer")
    return int(number)


def _messages(value: Any, field: Field, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise MalformedError(f"{_quoted(where)} must be a list")
    return [_message(item, field.message or {}, f"{where}[{index}].") for index, item in enumerate(value)]


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise MalformedError("duplicate field in the body")
    return document


def _refuse(_constant: str) -> None:
    raise MalformedError("the body is not valid JSON")


def _original_name(name: str) -> str:
    return _CAPITAL.sub(lambda capital: "_" + capital[0].lower(), name)


def _quoted(name: str) -> str:
    return json.dumps(name)
