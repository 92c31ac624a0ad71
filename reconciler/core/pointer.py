"""Paths into JSON values and their text form, the JSON Pointer of RFC 6901. Pure.

A path is a tuple of member names and list indexes; the root is the empty tuple.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

ROOT: Path = ()


class Missing:
    """The type of `MISSING`: nothing stands at a path (which is not the same as null)."""

    _instance: Missing | None = None

    def __new__(cls) -> Missing:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


def format_pointer(path: Iterable[str | int]) -> str:
    """Return `path` as JSON Pointer text; the root is the empty string (RFC 6901, section 5)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


@functools.lru_cache(maxsize=4096)
def parse_pointer(text: str) -> Path:
    """Return the path that JSON Pointer `text` names; digits become indexes only in `get`.

    Raises ValueError when the text is neither empty nor starts with a slash.
    """
    if text == "":
        return ROOT
    if not text.startswith("/"):
        raise ValueError(f"a JSON Pointer starts with '/': {text!r}")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/"))


def get(value: Any, path: Path) -> Any:
    """Return what stands at `path` in `value`, or MISSING. Digit text indexes lists as well."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
            if value is MISSING:
                return MISSING
        elif isinstance(value, list):
            if isinstance(step, str):
                if not (step.isascii() and step.isdigit()):
                    return MISSING
                step = int(step)
            if not 0 <= step < len(value):
                return MISSING
            value = value[step]
        else:
            return MISSING
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of `value` in which `new` stands at `path`; missing objects are made on the way.

    Raises ValueError when a step of the path leads into a scalar or past the end of a list.
    """
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        index = int(step)
        if not 0 <= index < len(value):
            raise ValueError(f"no item {index} in a list of {len(value)}")
        return [*value[:index], put(value[index], rest, new), *value[index + 1 :]]
    if value is MISSING or value is None:
        value = {}
    if not isinstance(value, dict):
        raise ValueError(f"cannot step into {type(value).__name__} at {step!r}")
    return {**value, step: put(value.get(step, MISSING), rest, new)}


def starts_with(path: Path, prefix: Path) -> bool:
    """Tell whether `path` is `prefix` or stands below it."""
    return path[: len(prefix)] == prefix
