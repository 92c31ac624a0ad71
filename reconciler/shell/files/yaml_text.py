"""Definitions with comments as YAML text, by ruamel.yaml's round-trip dumper. Pure.

Texts that other readers of YAML would take for something else (`no`, `12:30`, dates) are quoted.
"""

from __future__ import annotations

import io
import re
import textwrap

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, FoldedScalarString

from reconciler.core.kinds.noted import Noted
from reconciler.core.model import Json

_WIDTH = 110
_INDENT = 2
MISREAD = re.compile(r"(?:[yYnN]|yes|no|on|off|true|false|null)|[0-9+.-][0-9_:.,eExXoO+-]*|~|=|<<", re.IGNORECASE)
_LONGEST_FLOW = 70


def yaml_text(data: Json, *, header: str = "", footer: str = "") -> str:
    """Return one YAML document: `header` as comments above `data`, its notes above their keys, `footer` below."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = _WIDTH
    yaml.indent(mapping=_INDENT, sequence=4, offset=2)
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.dump(_node(data, 0), stream)
    parts = [_comment(header, 0), stream.getvalue(), _comment(footer, 0)]
    return "".join(part if part.endswith("\n") else part + "\n" for part in parts if part)


def _comment(note: str, indent: int) -> str:
    width = max(40, _WIDTH - indent - 2)
    lines = [piece for line in note.splitlines() for piece in _wrapped(line, width)]
    return "\n".join(f"# {line}".rstrip() for line in lines)


def _bare(note: str, level: int) -> str:
    """Return a comment in lines, without the signs that ruamel.yaml puts in front itself."""
    lines = _comment(note, level * _INDENT).splitlines()
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def _wrapped(line: str, width: int) -> list[str]:
    blanks = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, width, subsequent_indent=blanks, break_long_words=False, break_on_hyphens=False) or [""]


def _node(value: Json, level: int) -> Json:
    if isinstance(value, Noted):
        return _node(value.value, level)
    if isinstance(value, dict):
        return _mapping(value, level)
    if isinstance(value, list):
        return _sequence(value, level)
    return _text(value, level) if isinstance(value, str) else value


def _mapping(value: dict[str, Json], level: int) -> CommentedMap:
    mapping = CommentedMap()
    for key, item in value.items():
        name = DoubleQuotedScalarString(key) if MISREAD.fullmatch(key) else key
        mapping[name] = _node(item, level + 1)
        if isinstance(item, Noted):
            mapping.yaml_set_comment_before_after_key(name, before=_bare(item.note, level), indent=level * _INDENT)
    if not value:
        mapping.fa.set_flow_style()
    return mapping


def _sequence(value: list[Json], level: int) -> CommentedSeq:
    items = CommentedSeq()
    for index, item in enumerate(value):
        items.append(_node(item, level + 2))
        if isinstance(item, Noted):
            items.yaml_set_comment_before_after_key(index, before=_bare(item.note, level), indent=level * _INDENT)
    scalars = not any(isinstance(item, (dict, list, Noted)) for item in value)
    if scalars and sum(len(str(item)) + 2 for item in value) <= _LONGEST_FLOW:
        items.fa.set_flow_style()
    return items


def _text(value: str, level: int) -> Json:
    if MISREAD.fullmatch(value) or any(ord(character) < 32 for character in value):
        return DoubleQuotedScalarString(value)
    room = _WIDTH - level * _INDENT
    if len(value) <= room - 20 or "  " in value or value != value.strip():
        return value
    folded = FoldedScalarString(value)
    # Where lines may be broken: the dumper takes these places, and its own width only for other texts.
    folded.fold_pos = _breaks(value, room)
    return folded


def _breaks(text: str, width: int) -> list[int]:
    places, start = [], 0
    while len(text) - start > width:
        at = text.rfind(" ", start, start + width)
        at = text.find(" ", start + width) if at <= start else at
        if at < 0:
            break
        places.append(at)
        start = at + 1
    return places
