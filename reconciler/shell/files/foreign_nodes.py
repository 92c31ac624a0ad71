"""From parsed nodes to the JSON that tools of other formats read out of them. Pure.

Aliases share their value, so that a file of many aliases takes no more room than its text.
"""

from __future__ import annotations

from dataclasses import field

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.core.model import Diagnostic, Document, Json, Source
from reconciler.core.records import dataclass
from reconciler.shell.files.json_nodes import compose_json
from reconciler.shell.files.nodes import SyntaxProblem, is_merge
from reconciler.shell.files.positions import Positions, source_of
from reconciler.shell.files.reading import error_at
from reconciler.shell.files.scalars import ScalarError, resolve_plain
from reconciler.shell.files.yaml_nodes import compose_yaml


def first_document(text: str, display: str, *, json: bool) -> Document | list[Diagnostic] | None:
    """Return the first document of `text`, what is wrong with it, or None when there is none."""
    root = next(iter(compose_json(text) if json else compose_yaml(text)), None)
    if root is None:
        return None
    if isinstance(root, SyntaxProblem):
        return [error_at(Source(display, root.line, root.column), root.code, root.message, root.hint)]
    work = _Work(display=display)
    data = work.value(root)
    if work.problems:
        return work.problems
    positions = Positions(display, root, is_merge)
    return Document(data=data, source=positions.locate(()), locate=positions.locate)


@dataclass(slots=True, kw_only=True)
class _Work:
    """One document on its way; composing has limited its depth already."""

    display: str
    problems: list[Diagnostic] = field(default_factory=list)
    built: dict[int, Json] = field(default_factory=dict)  # by anchored node
    open: set[int] = field(default_factory=set)

    def value(self, node: Node) -> Json:
        if node.anchor is None:
            return self._unshared(node)
        identity = id(node)
        if identity in self.open:
            self._report(node, "alias-recursive", f"the value of &{node.anchor} holds itself", "write it out")
            return None
        if identity not in self.built:
            self.open.add(identity)
            self.built[identity] = self._unshared(node)
            self.open.discard(identity)
        return self.built[identity]

    def _unshared(self, node: Node) -> Json:
        if isinstance(node, SequenceNode):
            return [self.value(item) for item in node.value]
        if isinstance(node, MappingNode):
            return self._mapping(node)
        assert isinstance(node, ScalarNode)  # there are no others
        return _scalar(node)

    def _mapping(self, node: MappingNode) -> Json:
        own: dict[str, Json] = {}
        merged: dict[str, Json] = {}
        for key_node, value_node in node.value:
            value = self.value(value_node)
            if is_merge(key_node):
                for mapping in reversed(value if isinstance(value, list) else [value]):
                    merged.update(mapping if isinstance(mapping, dict) else {})
            elif not isinstance(key_node, ScalarNode):
                self._report(key_node, "key-not-text", "a key is a mapping or a list", "write a text as the key")
            elif key_node.value in own:
                hint = "remove or rename one of the two"
                self._report(key_node, "duplicate-key", f"the key {key_node.value!r} stands here again", hint)
            else:
                own[key_node.value] = value
        return {**merged, **own}

    def _report(self, node: Node, code: str, message: str, hint: str) -> None:
        self.problems.append(error_at(source_of(self.display, node), code, message, hint))


def _scalar(node: ScalarNode) -> Json:
    text: str = node.value
    if node.style or str(node.ctag).endswith(":str"):
        return text
    try:
        return resolve_plain(text)
    except ScalarError:
        return text
