"""What a plain YAML scalar means: the core schema of YAML 1.2, kept to what JSON can hold. Pure.

Only `true`, `false`, `null`, `~`, nothing, integers (also `0o17` and `0x1F`) and decimal numbers are anything
but text: `no`, `on`, `12:30:45` and `1_000` are text, and `0123` is the integer 123.
Source: YAML 1.2.2, section 10.3.2 (tag resolution of the core schema).
"""

from __future__ import annotations

import math
import re

from reconciler.core.model import Json

_CONSTANTS: dict[str, Json] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("-+.0123456789")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# The timestamp of YAML 1.1, which most other readers still turn into a date.
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?"
    r"[ \t]*(?:Z|z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?"
)
# Python refuses to print longer integers, and no API means one.
_MOST_DIGITS = 1000


class ScalarError(ValueError):
    """A plain scalar that JSON cannot hold, or that other readers would take for something else."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def resolve_plain(text: str) -> Json:
    """Return what the unquoted scalar `text` stands for. Raises ScalarError for dates and odd numbers."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _DECIMAL.fullmatch(text):
        return _decimal(text)
    if _TIMESTAMP.fullmatch(text):
        raise ScalarError(
            "date-not-quoted",
            f"{text} without quotes is a date in YAML, and JSON has no dates",
            f'put it in quotes: "{text}"',
        )
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text, 16)
    if _OCTAL.fullmatch(text):
        return _integer(text, 8)
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(
            "not-a-json-number",
            f"{text} is not a number in JSON",
            f'write a finite number, or "{text}" in quotes for text',
        )
    return text


def _integer(text: str, number_base: int) -> int:
    if len(text) > _MOST_DIGITS:
        raise ScalarError(
            "not-a-json-number",
            f"an integer of {len(text)} characters is too long",
            "put it in quotes if it is meant as text",
        )
    return int(text, number_base)


def _decimal(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ScalarError(
            "not-a-json-number",
            "the number is too large",
            "put it in quotes if it is meant as text",
        )
    return value
