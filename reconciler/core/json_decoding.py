"""JSON text to plain values: msgspec where it is installed, three times as fast; `json` for all that it refuses. Pure.

`json` is the reference. msgspec is the stricter of the two and gives the same value for what it takes, whole numbers of
any length included, so what it refuses is simply decoded once more.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any


def decode_json(content: bytes | memoryview) -> Any:
    """Return the value that JSON text in UTF-8 stands for. Raises ValueError when it is none."""
    quickly = quick_decoder()
    if quickly is not None:
        try:
            return quickly(content)
        except (ValueError, RecursionError):
            pass  # said by the reference, or taken by it: numbers that are infinite, text with half a character
    return json.loads(bytes(content))


@functools.cache
def quick_decoder() -> Callable[[bytes | memoryview], Any] | None:
    """Return msgspec's decoder; None where it is not installed."""
    try:
        import msgspec
    except ImportError:
        return None
    return msgspec.json.Decoder().decode
