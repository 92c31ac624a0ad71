"""JSON text to plain values: msgspec where it is installed, three times as fast; `json` for all that it refuses. Pure.

`json` is the reference. msgspec is the stricter of the two and gives the same value for what it takes, whole numbers of
any length included, so what it refuses is simply decoded once more.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from reconciler.core.pointer import MISSING

DEEPEST = 200  # levels; what reads an answer calls itself once or twice for each
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))


def decode_json(content: bytes | memoryview) -> Any:
    """Return the value that JSON text in UTF-8 stands for. Raises ValueError when it is none, or nested too deeply."""
    quickly = quick_decoder()
    value: Any = MISSING
    if quickly is not None:
        with suppress(ValueError, RecursionError):
            # Said by the reference, or taken by it: numbers that are infinite, text with half a character.
            value = quickly(content)
    content = bytes(content)
    if value is MISSING:
        try:
            value = json.loads(content)
        except RecursionError:
            raise TooDeep from None
    if _may_be_deep(content) and _is_deep(value):
        raise TooDeep
    return value


class TooDeep(ValueError):
    """JSON that is nested deeper than anything that a person or a server means."""

    def __init__(self) -> None:
        super().__init__(f"it is nested more than {DEEPEST} levels deep")


def _may_be_deep(content: bytes) -> bool:
    """Tell whether its brackets alone say that JSON text may be too deep: those in texts count as well."""
    brackets, before = content.translate(None, _NO_BRACKETS), -1
    for _ in range(DEEPEST):
        if len(brackets) in (0, before):
            return bool(brackets)
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _is_deep(value: Any) -> bool:
    layer = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        members = (member for one in layer for member in (one.values() if isinstance(one, dict) else one))
        layer = [member for member in members if isinstance(member, (dict, list))]
        if not layer:
            return False
    return True


@functools.cache
def quick_decoder() -> Callable[[bytes | memoryview], Any] | None:
    """Return msgspec's decoder; None where it is not installed."""
    try:
        import msgspec
    except ImportError:
        return None
    return msgspec.json.Decoder().decode
