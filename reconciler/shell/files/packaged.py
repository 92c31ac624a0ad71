"""Where the definitions and example manifests that ship with the package are.

Reads: nothing but the existence of folders. In a wheel they lie inside the package, in a checkout beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]


def packaged_folder(name: str) -> Path:
    """Return the folder `schemas` or `manifests` that ships with the package."""
    inside = _PACKAGE / "_data" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
