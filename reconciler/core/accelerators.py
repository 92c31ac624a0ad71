"""Packages that make large sets fast, and without which everything works all the same. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper


def is_missing(loader: _lru_cache_wrapper[Any]) -> bool:
    """Tell whether this run needed a package and did not find it. A package that nobody needed is not missing.

    `loader` imports the package under `functools.cache`, and returns None where it is not installed.
    """
    return bool(loader.cache_info().currsize) and loader() is None
