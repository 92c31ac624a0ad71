"""Where the parts of a document stand, by the nodes that a parser made of it: ruamel.yaml's or PyYAML's. Pure.

Both have nodes of three kinds, told by `id`, with `value`, `style` and `start_mark`; only what a merge key is has to be
told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from reconciler.core.model import Source
from reconciler.core.pointer import Path

# YAML allows such a line nowhere inside a document, not even in quotes. Source: YAML 1.2.2, section 9.1.2.
DOCUMENT_START = re.compile(r"(?:\A|(?<=[\r\n]))---(?=[ \t\r\n]|\Z)")

_Members: TypeAlias = dict[str, tuple[Any, Any]]


def source_of(display: str, node: Any, lines_before: int = 0) -> Source:
    """Return where `node` begins, in the file shown as `display`."""
    return Source(display, lines_before + node.start_mark.line + 1, node.start_mark.column + 1)


def _is_nothing(node: Any) -> bool:
    """Tell whether `node` is a null that is not written; the parser puts it where the next thing stands."""
    return node.id == "scalar" and not node.value and not node.style


def document_around(text: str, index: int) -> tuple[int, int]:
    """Return from where to where the document goes that stands at `index` of a text, its `---` line included."""
    begin = text.rfind("---", 0, index)
    while begin > 0 and not DOCUMENT_START.match(text, begin):
        begin = text.rfind("---", 0, begin)
    following = DOCUMENT_START.search(text, index)
    return max(begin, 0), len(text) if following is None else following.start()


class Positions:
    """Where the parts of one document stand, looked up in its nodes on demand."""

    __slots__ = ("_display", "_is_merge", "_known", "_lines_before", "_root")

    def __init__(self, display: str, root: Any, is_merge: Callable[[Any], bool], lines_before: int = 0) -> None:
        self._display = display
        self._is_merge = is_merge
        self._lines_before = lines_before
        self._root = root
        self._known: dict[int, _Members] = {}

    def locate(self, path: Path, key: bool = False) -> Source:
        """Return the source of the value at `path`, of its key with `key=True`; digit text indexes lists.

        For a path that does not exist: the nearest enclosing value; for a value of which nothing is written: its
        key. What an alias or a merge brought in is found where it is written.
        """
        node, key_node = self._root, self._root
        for step in path:
            entry = self._step(node, step)
            if entry is None:
                return self._source_of(node)
            key_node, node = entry
        return self._source_of(key_node if key or _is_nothing(node) else node)

    def _source_of(self, node: Any) -> Source:
        return source_of(self._display, node, self._lines_before)

    def _step(self, node: Any, step: str | int) -> tuple[Any, Any] | None:
        if node.id == "mapping":
            return self._members_of(node).get(step) if isinstance(step, str) else None
        if node.id != "sequence":
            return None
        if isinstance(step, str):
            if not (step.isascii() and step.isdigit() and len(step) <= 9):
                return None
            step = int(step)
        if not 0 <= step < len(node.value):
            return None
        return node.value[step], node.value[step]

    def _members_of(self, node: Any) -> _Members:
        found = self._known.get(id(node))
        if found is not None:
            return found
        members: _Members = {}
        own: _Members = {}
        for key_node, value_node in node.value:
            if self._is_merge(key_node):
                sources = value_node.value if value_node.id == "sequence" else [value_node]
                for source in reversed(sources):
                    members.update(self._members_of(source))
            else:
                own[key_node.value] = (key_node, value_node)
        members.update(own)
        self._known[id(node)] = members
        return members
