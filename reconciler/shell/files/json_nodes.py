"""JSON text to the same nodes that YAML gives, so that both meet the same rules and have positions. Pure.

Strict JSON (RFC 8259): no comments, no trailing commas, no NaN. Reading ends at the first mistake.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator

from ruamel.yaml.error import StreamMark
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.shell.files.limits import DEEPEST
from reconciler.shell.files.nodes import UNTAGGED, SyntaxProblem

_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD_GOES_ON = re.compile(r"[A-Za-z0-9_.+-]")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class _NotJsonError(Exception):
    """The text stops being JSON at `index`."""

    def __init__(self, index: int, message: str, hint: str, code: str = "json-syntax") -> None:
        super().__init__(message)
        self.index = index
        self.message = message
        self.hint = hint
        self.code = code


def compose_json(text: str) -> Iterator[Node | SyntaxProblem]:
    """Yield the root node of the one document in `text`, or the problem that stands in its way."""
    reading = _Reading(text)
    try:
        root = reading.value(reading.skip(0), 1)
        end = reading.skip(reading.end)
        if end < len(text):
            raise _NotJsonError(end, "more text follows the JSON value", "keep one value in each JSON file")
        yield root
    except _NotJsonError as unreadable:
        mark = reading.mark(unreadable.index)
        yield SyntaxProblem(
            line=mark.line + 1,
            column=mark.column + 1,
            message=unreadable.message,
            hint=unreadable.hint,
            code=unreadable.code,
        )


class _Reading:
    """One pass over a text; `end` is where the value that was read last ends."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self._lines = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]
        self._decoder = json.JSONDecoder()

    def mark(self, index: int) -> StreamMark:
        line = bisect_right(self._lines, index) - 1
        return StreamMark("", index, line, index - self._lines[line])

    def skip(self, index: int) -> int:
        found = _SPACE.match(self.text, index)
        return found.end() if found else index

    def value(self, index: int, level: int) -> Node:
        first = self.text[index : index + 1]
        if first in ("{", "[") and level > DEEPEST:
            raise _NotJsonError(
                index,
                f"mappings and lists nest deeper than {DEEPEST} levels",
                "flatten the document",
                "too-deep",
            )
        if first == "{":
            return self._mapping(index, level)
        if first == "[":
            return self._sequence(index, level)
        if first == '"':
            return self._string(index)
        found = _LITERAL.match(self.text, index)
        if not found or _WORD_GOES_ON.match(self.text, found.end()):
            raise _NotJsonError(index, _what_is_wrong(first, "a value"), _what_to_do(first))
        self.end = found.end()
        return ScalarNode(UNTAGGED, found[0], self.mark(index), self.mark(self.end))

    def _string(self, index: int) -> ScalarNode:
        try:
            text, self.end = self._decoder.raw_decode(self.text, index)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated"):
                raise _NotJsonError(index, "a quoted text is not closed", "add the closing quote") from None
            raise _NotJsonError(
                error.pos,
                "a quoted text holds a line break or an unknown escape",
                "write \\n for a line break and \\\\ for a backslash",
            ) from None
        return ScalarNode(UNTAGGED, text, self.mark(index), self.mark(self.end), style='"')

    def _sequence(self, start: int, level: int) -> SequenceNode:
        items: list[Node] = []
        index = self.skip(start + 1)
        while self.text[index : index + 1] != "]" or items:
            items.append(self.value(index, level + 1))
            index = self.skip(self.end)
            if self._closes(index, "]"):
                break
            index = self.skip(index + 1)
        self.end = index + 1
        return SequenceNode(UNTAGGED, items, self.mark(start), self.mark(self.end), flow_style=True)

    def _mapping(self, start: int, level: int) -> MappingNode:
        members: list[tuple[Node, Node]] = []
        index = self.skip(start + 1)
        while self.text[index : index + 1] != "}" or members:
            found = self.text[index : index + 1]
            if found != '"':
                raise _NotJsonError(index, _what_is_wrong(found, "a key in double quotes"), _what_to_do(found))
            key = self._string(index)
            index = self.skip(self.end)
            if self.text[index : index + 1] != ":":
                raise _NotJsonError(index, "a key has no `:` after it", "add the colon")
            value = self.value(self.skip(index + 1), level + 1)
            members.append((key, value))
            index = self.skip(self.end)
            if self._closes(index, "}"):
                break
            index = self.skip(index + 1)
        self.end = index + 1
        return MappingNode(UNTAGGED, members, self.mark(start), self.mark(self.end), flow_style=True)

    def _closes(self, index: int, bracket: str) -> bool:
        found = self.text[index : index + 1]
        if found not in (",", bracket) or not found:
            raise _NotJsonError(index, _what_is_wrong(found, f"`,` or `{bracket}`"), _what_to_do(found))
        return found == bracket


def _what_is_wrong(found: str, expected: str) -> str:
    if not found:
        return f"the text ends where {expected} is expected"
    return f"{expected} is expected here, not {found!r}"


def _what_to_do(found: str) -> str:
    if found in ("}", "]") and found:
        return "remove the comma before it, or close what was opened"
    if found in ("/", "#") and found:
        return "remove the comment: JSON has none (YAML files may have them)"
    return "check commas, brackets and double quotes here"
