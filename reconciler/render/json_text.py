"""JSON for people to read: what is short stands on one line. Pure."""

from __future__ import annotations

import json

from reconciler.core.model import Json

WIDTH = 120  # columns


def json_text(value: Json) -> str:
    """Return `value` as JSON text, in which mappings and lists that fit into the rest of a line stand on one line."""
    return _text(value, indent=0, column=0)


def _text(value: Json, *, indent: int, column: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    # One column is kept for the comma behind it.
    if not isinstance(value, (dict, list)) or not value or column + len(flat) < WIDTH:
        return flat
    inner = " " * (indent + 2)
    lines = []
    for key, item in value.items() if isinstance(value, dict) else ((None, item) for item in value):
        name = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
        lines.append(inner + name + _text(item, indent=indent + 2, column=indent + 2 + len(name)))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(lines) + "\n" + " " * indent + closing
