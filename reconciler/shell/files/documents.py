"""From parsed nodes to plain JSON documents with positions, refusing all that is not plain JSON. Pure.

Nodes are those of ruamel.yaml, whichever parser made them. What a person must mend becomes a diagnostic, and
the building goes on, so that all mistakes of a file show at once; a document with a mistake is not returned.

Aliases share the value that they name and are never expanded here. Whoever walks the data later meets the
expanded form, therefore its size is counted beforehand and limited.

Merge keys (`<<`, unquoted) follow YAML 1.1: own members win over merged ones, and earlier merged mappings
over later ones.
Source: https://yaml.org/type/merge.html
"""

from __future__ import annotations

from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from reconciler.core.model import Diagnostic, Document, Json, Severity
from reconciler.shell.files.limits import DEEPEST, MOST_ALIASED
from reconciler.shell.files.nodes import UNTAGGED, is_merge
from reconciler.shell.files.positions import Positions, source_of
from reconciler.shell.files.scalars import ScalarError, resolve_plain

_CORE = "tag:yaml.org,2002:"


class LimitError(Exception):
    """The rest of the file cannot be built within the limits; the reason stands in the diagnostics."""


class Builder:
    """Builds the documents of one file and collects its diagnostics."""

    def __init__(self, display: str) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._display = display
        self._aliased = 0  # values that aliases have added, in the whole file
        self._built: dict[int, tuple[Json, int, int]] = {}  # anchored node: value, its size and its height
        self._open: set[int] = set()  # anchored nodes that are being built
        self._size = 0  # values so far in this document, aliases counted in full
        self._deepest = 0  # deepest level since the innermost anchored node began

    def document(self, root: Node) -> Document | None:
        """Return the document below `root`; None when it is empty or has a mistake. Raises LimitError."""
        if isinstance(root, ScalarNode) and root.ctag is UNTAGGED and not root.style and not root.value:
            return None
        # Node identities are only unique among living nodes, so nothing may outlast its document.
        self._built.clear()
        self._open.clear()
        self._size = self._deepest = 0
        before = len(self.diagnostics)
        data = self._value(root, 1)
        if len(self.diagnostics) > before:
            return None
        positions = Positions(self._display, root, is_merge)
        return Document(data=data, source=positions.locate(()), locate=positions.locate)

    def report(self, node: Node, code: str, message: str, hint: str) -> None:
        """Add an error at the beginning of `node`."""
        self.diagnostics.append(
            Diagnostic(
                severity=Severity.ERROR,
                code=code,
                message=message,
                source=source_of(self._display, node),
                hint=hint,
            )
        )

    def _value(self, node: Node, level: int) -> Json:
        if node.anchor is None:
            return self._unshared(node, level)
        identity = id(node)
        if identity in self._built:
            return self._alias(node, level)
        if identity in self._open:
            self.report(
                node,
                "alias-recursive",
                f"the value of &{node.anchor} holds *{node.anchor}, so it would never end",
                "write the inner value out",
            )
            return None
        size, deepest = self._size, self._deepest
        self._open.add(identity)
        self._deepest = level
        value = self._unshared(node, level)
        self._open.discard(identity)
        self._built[identity] = (value, self._size - size, self._deepest - level)
        self._deepest = max(deepest, self._deepest)
        return value

    def _alias(self, node: Node, level: int) -> Json:
        value, size, height = self._built[id(node)]
        self._aliased += size
        self._size += size
        self._deepest = max(self._deepest, level + height)
        if self._aliased > MOST_ALIASED:
            self.report(
                node,
                "alias-limit",
                f"the aliases of this file add more than {MOST_ALIASED:,} values",
                f"repeat &{node.anchor} less often, or write the values out",
            )
            raise LimitError
        if isinstance(value, (dict, list)) and level + height > DEEPEST:
            self._too_deep(node)
        return value

    def _unshared(self, node: Node, level: int) -> Json:
        self._size += 1
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        self._deepest = max(self._deepest, level)
        if level > DEEPEST:
            self._too_deep(node)
        if isinstance(node, SequenceNode):
            self._check_tag(node, "seq")
            return [self._value(item, level + 1) for item in node.value]
        self._check_tag(node, "map")
        return self._mapping(node, level)

    def _too_deep(self, node: Node) -> None:
        self.report(
            node,
            "too-deep",
            f"mappings and lists nest deeper than {DEEPEST} levels",
            "flatten the document",
        )
        raise LimitError

    # ------------------------------------------------------------------------------------------ mappings

    def _mapping(self, node: Node, level: int) -> dict[str, Json]:
        own: dict[str, Json] = {}
        lines: dict[str, int] = {}
        merged: list[dict[str, Json]] = []
        for key_node, value_node in node.value:
            if is_merge(key_node):
                name = "<<"
                found = self._merged(value_node, level)
                if name not in lines:
                    merged = found
            else:
                key = self._key(key_node)
                value = self._value(value_node, level + 1)
                if key is None:
                    continue
                name = key
                own.setdefault(name, value)
            if name in lines:
                self.report(
                    key_node,
                    "duplicate-key",
                    f"the key {name!r} stands here again, first on line {lines[name]}",
                    "remove or rename one of the two",
                )
            else:
                lines[name] = key_node.start_mark.line + 1
        if not merged:
            return own
        result: dict[str, Json] = {}
        for mapping in reversed(merged):
            result.update(mapping)
        result.update(own)
        return result

    def _merged(self, node: Node, level: int) -> list[dict[str, Json]]:
        before = len(self.diagnostics)
        # Built as the mapping's own, so that a merged mapping counts like any other use of its alias.
        value = self._value(node, level)
        mappings = value if isinstance(value, list) else [value]
        if all(isinstance(mapping, dict) for mapping in mappings):
            return mappings
        if len(self.diagnostics) == before:
            self.report(
                node,
                "merge-key",
                "`<<` merges a mapping or a list of mappings, and this is neither",
                'name a mapping, as in `<<: *defaults`, or quote the key: "<<"',
            )
        return []

    def _key(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode):
            self.report(
                node,
                "key-not-text",
                "a key must be text, not a mapping or a list",
                'put it in quotes if it is meant as text, for example "{name}"',
            )
            return None
        before = len(self.diagnostics)
        key = self._value(node, 1)
        if isinstance(key, str):
            return key
        if len(self.diagnostics) == before:
            self.report(
                node,
                "key-not-text",
                f"a key must be text, not {_kind(key)}",
                f'put it in quotes: "{node.value}"',
            )
        return None

    # ------------------------------------------------------------------------------------------- scalars

    def _scalar(self, node: ScalarNode) -> Json:
        if node.ctag is not UNTAGGED:
            return self._tagged(node)
        if node.style:
            return self._text(node)
        try:
            value = resolve_plain(node.value)
        except ScalarError as refused:
            self.report(node, refused.code, refused.message, refused.hint)
            return None
        return self._text(node) if isinstance(value, str) else value

    def _text(self, node: ScalarNode) -> str:
        text: str = node.value
        if text.isascii():
            return text
        try:
            # Escapes such as "\ud83d\ude00" arrive as two halves; JSON means one character by them.
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            self.report(
                node,
                "half-character",
                "an escape stands for half a character (a lone surrogate)",
                "write the character itself, or both halves",
            )
            return ""

    def _tagged(self, node: ScalarNode) -> Json:
        tag = str(node.ctag)
        name = tag.removeprefix(_CORE)
        if tag == _CORE + "str":
            return self._text(node)
        if not tag.startswith(_CORE) or name not in ("int", "float", "bool", "null"):
            self._refuse_tag(node, tag)
            return None
        try:
            value = resolve_plain(node.value)
        except ScalarError as refused:
            self.report(node, refused.code, refused.message, refused.hint)
            return None
        if name == "float" and type(value) is int:
            value = float(value)
        expected = {"int": int, "float": float, "bool": bool, "null": type(None)}[name]
        if type(value) is not expected:
            self.report(
                node,
                "tag-mismatch",
                f"the value does not fit its tag !!{name}",
                "correct the value or remove the tag",
            )
        return value

    def _check_tag(self, node: Node, name: str) -> None:
        if node.ctag is not UNTAGGED and str(node.ctag) != _CORE + name:
            self._refuse_tag(node, str(node.ctag))

    def _refuse_tag(self, node: Node, tag: str) -> None:
        shown = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
        self.report(
            node,
            "unknown-tag",
            f"the tag {shown} is not supported here: documents are plain JSON values",
            "remove the tag and write a plain text, number, list or mapping",
        )


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    return "a boolean" if isinstance(value, bool) else "a number"
