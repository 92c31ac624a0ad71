"""YAML text to plain JSON at the speed of PyYAML's compiled parser; whatever is not plainly good is left alone. Pure.

Here nothing is ever reported: `Unsure` is raised, and the careful path (`yaml_nodes` and `documents`) reads the text
again and says what is wrong, or that nothing is. So the two can only differ in what both call good, and the tests
compare them there. Where libyaml and ruamel.yaml may read a text differently, this path is unsure too.

What a plain scalar means is decided while the parser composes its nodes, in place of a tag: that saves looking at
every node twice.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.nodes import MappingNode, ScalarNode

from reconciler.core.model import Json, Source
from reconciler.shell.files.limits import DEEPEST, MOST_ALIASED, QuickDocument
from reconciler.shell.files.positions import Positions
from reconciler.shell.files.scalars import ScalarError, resolve_plain

# Line breaks that only one of the parsers takes for such.
_ODD_BREAK = re.compile("[\x85\u2028\u2029\ufeff]")
# A block scalar as the root of a document: ruamel.yaml reads past a `---` in it.
_BLOCK_ROOT = re.compile(r"(?:\s|#[^\r\n]*)*(?:[!&]\S*\s+)*[|>]")
_BARE_TAG = re.compile(r"(?<![^\s\[{,:?-])!(?!\S)")
_ANCHOR = re.compile(r"(?<![^\s\[{,:?-])&\S")
_MOST_REMEMBERED = 20_000


class Unsure(Exception):
    """The text is not plainly good; the careful path must read it."""


class _Merge:
    """Stands for a plain `<<`, which merges as a key and is text as a value."""


_MERGE = _Merge()
_QUOTED = _Merge()
_COLLECTION = _Merge()


class _Composer(CParser):  # type: ignore[misc]  # compiled, without annotations
    """PyYAML's composer, whose nodes carry their value where the tag would be."""

    # Nothing depends on where a node stands. The parser calls both for each node and looks at no result; built-in
    # functions that take so many arguments are called fastest.
    descend_resolver = staticmethod(operator.is_)
    ascend_resolver = staticmethod(bool)

    def resolve(self, kind: type, text: str, implicit: Any) -> Any:
        """Return what a node without a written tag stands for, or a mark for what the builder must look at."""
        if kind is not ScalarNode:
            return _COLLECTION
        if not implicit[0]:
            return _QUOTED
        value = _meanings.get(text, _COLLECTION)
        if value is not _COLLECTION:
            return value
        try:
            value = resolve_plain(text)
        except ScalarError as refused:
            raise Unsure from refused
        if not text.isascii():
            text.encode("utf-8")  # a lone surrogate is no text
        if len(_meanings) < _MOST_REMEMBERED and len(text) < 40:
            _meanings[text] = value
        return value


# Keys and small values are the same in thousands of documents; one object for each of them is enough.
_meanings: dict[str, Any] = {"<<": _MERGE}


def read_quickly(text: str) -> list[QuickDocument]:
    """Return the documents of `text`, without those that hold nothing. Raises Unsure."""
    if _is_odd(text) or "\t" in text or ("!" in text and _BARE_TAG.search(text)):
        # libyaml lets tabs stand between tokens, ruamel.yaml does not; the tag `!` means something else to each.
        raise Unsure
    building = _Building(MOST_ALIASED if has_anchor(text) else len(text) + 1)
    found = []
    try:
        parser = _Composer(text)
        while parser.check_node():
            root = parser.get_node()
            value = building.value(root, 1)
            if value is not None or root.value:
                mark = root.start_mark
                found.append(QuickDocument(value, mark.line + 1, mark.column + 1, mark.index))
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise Unsure from error
    return found


def _roots(text: str) -> Iterator[Any]:
    parser = _Composer(text)
    try:
        while parser.check_node():
            yield parser.get_node()
    finally:
        parser.dispose()


class _Building:
    """Turns nodes into values, aliases written out, and counts the values: at most `most` for the whole text."""

    __slots__ = ("_left",)

    def __init__(self, most: int) -> None:
        self._left = most

    def value(self, node: Any, level: int) -> Json:
        meaning = node.tag
        if meaning is _COLLECTION:
            members = node.value
            self._left -= 2 * len(members)
            if level > DEEPEST or self._left < 0:
                raise Unsure
            if node.__class__ is MappingNode:
                return self._mapping(members, level + 1)
            level += 1
            return [self.value(item, level) for item in members]
        if meaning is _QUOTED:
            return _quoted(node)
        if meaning is _MERGE:
            return "<<"
        if meaning.__class__ is str and (meaning != node.value or node.style):
            raise Unsure  # a written tag
        return meaning

    def _mapping(self, members: list[tuple[Any, Any]], level: int) -> dict[str, Json]:
        found: dict[str, Json] = {}
        merged: Any = _MERGE
        for key_node, value_node in members:
            key = key_node.tag
            if key is _MERGE:
                if merged is not _MERGE:
                    raise Unsure
                merged = self.value(value_node, level - 1)
                continue
            if key is _QUOTED:
                key = _quoted(key_node)
            elif key != key_node.value or key_node.style:
                raise Unsure  # no text, or a written tag
            if key in found:
                raise Unsure
            meaning = value_node.tag
            if meaning.__class__ is str and meaning == value_node.value and not value_node.style:
                found[key] = meaning  # plain text, as most values are
            elif meaning is _QUOTED:
                found[key] = _quoted(value_node)
            else:
                found[key] = self.value(value_node, level)
        return found if merged is _MERGE else _with_merged(merged, found)


def _quoted(node: Any) -> str:
    text: str = node.value
    if not node.style:
        raise Unsure  # a tag, whatever its name
    if not text.isascii():
        text.encode("utf-8")
    return text


def _with_merged(merged: Json, own: dict[str, Json]) -> dict[str, Json]:
    """Return the members that `<<` brings in, earlier mappings over later ones, with the mapping's own over them."""
    result: dict[str, Json] = {}
    for mapping in reversed(merged if isinstance(merged, list) else [merged]):
        if not isinstance(mapping, dict):
            raise Unsure
        result.update(mapping)
    result.update(own)
    return result


def positions_of(text: str, root: Source, lines_before: int) -> Positions | None:
    """Return where the parts of the document stand that begins at `root`, in a text that is plainly good.

    The file goes on for `lines_before` lines before the text.
    """
    for node in _roots(text):
        if (node.start_mark.line + 1 + lines_before, node.start_mark.column + 1) == (root.line, root.column):
            return Positions(root.path, node, _is_merge, lines_before)
    return None  # cannot be, or the text is not the one that the document was read from


def _is_merge(node: Any) -> bool:
    return node.tag is _MERGE


def stands_together(text: str) -> bool:
    """Tell whether the documents of `text` cannot be read one by one: directives, or limits that all of them share."""
    return _is_odd(text) or has_anchor(text)


def _is_odd(text: str) -> bool:
    """Tell whether `text` has directives, ends of documents, tags in full, odd line breaks or blocks as documents."""
    # Looking for plain text first is many times faster than one expression for all of it.
    if text.startswith(("%", "...")) or "\n%" in text or "\n..." in text or "!<" in text or "tag:yaml" in text:
        return True
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        return True
    if not text.isascii() and _ODD_BREAK.search(text):
        return True
    begins = [0]
    while (found := text.find("---", begins[-1])) >= 0:
        begins.append(found + 3)
    return any(_BLOCK_ROOT.match(text, begin) for begin in begins)


def has_anchor(text: str) -> bool:
    """Tell whether something in `text` may be used again by an alias."""
    return "&" in text and _ANCHOR.search(text) is not None
