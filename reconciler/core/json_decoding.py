"""JSON text to plain values: msgspec where it is installed, three times as fast; `json` for all that it refuses. Pure.

What is taken can be written again and walked through: neither deeper than anybody means, nor with a number that is not
finite, which JSON cannot state.

`json` is the reference. msgspec is the stricter of the two and gives the same value for what it takes, whole numbers of
any length included, so what it refuses is simply decoded once more.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from reconciler.core.pointer import MISSING, Path, format_pointer

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
    refused = value is MISSING
    if refused:
        try:
            value = json.loads(content)
        except RecursionError:
            raise TooDeep from None
    if _may_be_deep(content) and _is_deep(value):
        raise TooDeep
    if refused:  # as msgspec refuses all numbers that are not finite
        for path in _not_finite(value, ()):
            raise NotFinite(path)
    return value


class UnusableError(ValueError):
    """JSON that Python can read, and nothing can be made of. The message says why."""


class TooDeep(UnusableError):
    """JSON that is nested deeper than anything that a person or a server means."""

    def __init__(self) -> None:
        super().__init__(f"it is nested more than {DEEPEST} levels deep")


class NotFinite(UnusableError):
    """JSON with a number that is not finite, which nothing could write again."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the number at {format_pointer(path) or 'its root'} is not finite")


def _not_finite(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _not_finite(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_finite(item, (*path, index))


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
