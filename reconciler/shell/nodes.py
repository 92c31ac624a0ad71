"""What the parsers and the builder share about nodes: what marks them, and where they stand. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.tag import Tag

from reconciler.core.model import Source
from reconciler.core.pointer import Path

UNTAGGED = Tag(suffix="tag:reconciler,2024:untagged")
"""The tag of every node whose author wrote none; parsers must set this very object."""

_MERGE = "tag:yaml.org,2002:merge"
_Members: TypeAlias = dict[str, tuple[Node, Node]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxProblem:
    """Why a text cannot be read on. Lines and columns count from 1."""

    line: int
    column: int
    code: str
    message: str
    hint: str


def is_merge(key: Node) -> bool:
    """Tell whether `key` is a merge key: `<<` without quotes."""
    if not isinstance(key, ScalarNode) or key.value != "<<" or key.style:
        return False
    return key.ctag is UNTAGGED or str(key.ctag) == _MERGE


def source_of(display: str, node: Node) -> Source:
    """Return where `node` begins, in the file shown as `display`."""
    return Source(display, node.start_mark.line + 1, node.start_mark.column + 1)


def _is_nothing(node: Node) -> bool:
    """Tell whether `node` is a null that is not written; the parser puts it where the next thing stands."""
    return isinstance(node, ScalarNode) and not node.value and not node.style


class Positions:
    """Where the parts of one document stand, looked up in its nodes on demand."""

    __slots__ = ("_display", "_known", "_root")

    def __init__(self, display: str, root: Node) -> None:
        self._display = display
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
                return source_of(self._display, node)
            key_node, node = entry
        return source_of(self._display, key_node if key or _is_nothing(node) else node)

    def _step(self, node: Node, step: str | int) -> tuple[Node, Node] | None:
        if isinstance(node, MappingNode):
            return self._members_of(node).get(step) if isinstance(step, str) else None
        if not isinstance(node, SequenceNode):
            return None
        if isinstance(step, str):
            if not (step.isascii() and step.isdigit() and len(step) <= 9):
                return None
            step = int(step)
        if not 0 <= step < len(node.value):
            return None
        return node.value[step], node.value[step]

    def _members_of(self, node: Node) -> _Members:
        found = self._known.get(id(node))
        if found is not None:
            return found
        members: _Members = {}
        own: _Members = {}
        for key_node, value_node in node.value:
            if is_merge(key_node):
                sources = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
                for source in reversed(sources):
                    members.update(self._members_of(source))
            else:
                own[key_node.value] = (key_node, value_node)
        members.update(own)
        self._known[id(node)] = members
        return members
