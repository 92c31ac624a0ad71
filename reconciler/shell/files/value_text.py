"""Values as the text of a manifest: in the style in which another value stood there, so that little changes. Pure.

What other readers of YAML would take for something else (`no`, `12:30`, dates) is quoted, and so is every character
that cannot be seen.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from reconciler.core.model import Json
from reconciler.shell.files.scalars import ScalarError, resolve_plain
from reconciler.shell.files.yaml_text import MISREAD

# Fewer texts than YAML allows without quotes: those of which every reader thinks the same.
_PLAIN = re.compile(r"[\w./$(+<=^-][\w ./$()+<=>^~;@%&*?!|\\\"'#:-]*")
_LONGEST_NUMBER = 24
_IN_BLOCK = re.compile(r"[,\[\]{}]")


def flow_text(value: Json, *, style: str | None = None, in_flow: bool = False, strict_json: bool = False) -> str:
    """Return a value on one line. `style` is the quote of the text that stood there: `'` or `"`; None for no text.

    "" is a text without quotes which already was one that other readers may take for something else.

    With `in_flow` it is to stand inside brackets, with `strict_json` in a JSON file.
    """
    if isinstance(value, str):
        return _quoted(value) if strict_json else _text(value, style, in_flow=in_flow)
    if isinstance(value, dict):
        names = {name: _quoted(name) if strict_json else _text(name, None, in_flow=True) for name in value}
        members = (f"{names[n]}: {flow_text(v, in_flow=True, strict_json=strict_json)}" for n, v in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(item, in_flow=True, strict_json=strict_json) for item in value) + "]"
    return _number(value) if isinstance(value, float) else json.dumps(value)


def _number(value: float) -> str:
    """Return a number without an exponent, unless it would have very many digits."""
    plain = f"{Decimal(repr(value)):f}"
    return plain if len(plain) <= _LONGEST_NUMBER and float(plain) == value and "." in plain else json.dumps(value)


def _text(value: str, style: str | None, *, in_flow: bool) -> str:
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return value if style != '"' and _is_plain(value, in_flow=in_flow, careful=style is None) else _quoted(value)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=not value.isprintable())


def _is_plain(value: str, *, in_flow: bool, careful: bool) -> bool:
    bare = value if in_flow else _IN_BLOCK.sub("", value)
    if not _PLAIN.fullmatch(bare) or _IN_BLOCK.match(value) or (careful and is_misread(value)):
        return False
    if not value.isprintable() or value != value.strip() or value.endswith(":") or value.startswith(("- ", "? ")):
        return False
    if ": " in value or " #" in value or value.startswith(("---", "...")):
        return False
    try:
        return bool(resolve_plain(value) == value)
    except ScalarError:
        return False


def is_misread(text: str) -> bool:
    """Tell whether other readers of YAML may take `text`, without quotes, for something else."""
    return MISREAD.fullmatch(text) is not None


def block_lines(value: Json) -> list[str]:
    """Return a mapping or list that is not empty, as lines in block style."""
    lines = []
    if isinstance(value, dict):
        for name, item in value.items():
            key = _text(name, None, in_flow=False)
            if item and isinstance(item, (dict, list)):
                lines += [f"{key}:", *("  " + line for line in block_lines(item))]
            else:
                lines.append(f"{key}: {flow_text(item)}")
        return lines
    for item in value:
        first, *rest = block_lines(item) if item and isinstance(item, (dict, list)) else [flow_text(item)]
        lines += ["- " + first, *("  " + line for line in rest)]
    return lines


def literal_text(value: str, indent: str, newline: str) -> str | None:
    """Return a text as a literal block (`|`) with lines indented by `indent`, or None where it cannot be one."""
    lines = value.removesuffix("\n").split("\n")
    seen = all(line.isprintable() and line == line.rstrip() for line in lines)
    if not seen or not lines[0] or lines[0].startswith(" ") or not lines[-1] or not indent:
        return None
    head = "|" if value.endswith("\n") else "|-"
    return newline.join([head, *(indent + line if line else "" for line in lines)])
