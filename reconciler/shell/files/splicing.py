"""Edits of a document as the smallest replacements in its text, so that all else stays as a person wrote it. Pure.

The nodes of ruamel.yaml (or of JSON) tell where everything stands. What cannot be edited in place without touching
something else (a value that aliases share, say) is refused, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from reconciler.core.drift.edits import Edit
from reconciler.core.model import Json
from reconciler.core.pointer import Path
from reconciler.shell.files.nodes import UNTAGGED, is_merge
from reconciler.shell.files.value_text import block_lines, flow_text, is_misread, literal_text

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_COMMA = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*,?[ \t]*(?:#[^\n]*)?\r?\n")
_COLON = re.compile(r"\s*:")


class NotInPlaceError(Exception):
    """An edit cannot be made without touching something else. The message is for the person who makes it by hand."""


class Splice(NamedTuple):
    """What takes the place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class _Found(NamedTuple):
    """A node with where it stands: its key in a mapping, and its number in what holds it."""

    node: Node
    key: Node | None
    number: int  # of the entry in what holds it
    in_flow: bool


class Splicer:
    """Turns the edits of one document into splices of its file's text."""

    def __init__(self, text: str, root: Node, *, strict_json: bool) -> None:
        self._text = text
        self._root = root
        self._strict_json = strict_json
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._uses: dict[int, int] = {}
        self._count(root)

    def splices(self, edits: Sequence[Edit]) -> list[Splice]:
        """Return the splices of edits that are made together. Raises NotInPlaceError when one cannot be made."""
        found: list[Splice] = []
        inside: dict[Path, tuple[list[Edit], list[int]]] = {}  # what is added to and removed from a collection
        for edit in edits:
            added, removed = inside.setdefault(edit.place[:-1], ([], []))
            if edit.adds:
                added.append(edit)
            elif edit.removes:
                removed.append(self._find(edit.place).number)
            else:
                found += self._put(self._find(edit.place), edit.value)
        for place, (added, removed) in inside.items():
            holder = self._find(place)
            if _in_brackets(holder.node) and self._has_lines(holder.node):
                found += self._in_lines(holder, added, sorted(removed))
                continue
            found += [self._added(holder, edit) for edit in added]
            found += self._removed(holder, sorted(removed))
        return found

    # ------------------------------------------------------------------ where things stand

    def _count(self, node: Node) -> None:
        self._uses[id(node)] = self._uses.get(id(node), 0) + 1
        if self._uses[id(node)] > 1 or isinstance(node, ScalarNode):
            return
        for item in node.value:
            for one in item if isinstance(item, tuple) else (item,):
                self._count(one)

    def _find(self, place: Path) -> _Found:
        found = _Found(self._root, None, 0, _in_brackets(self._root))
        for step in place:
            found = self._step(found, step)
            if self._uses[id(found.node)] > 1:
                raise NotInPlaceError(f"the value is shared through the anchor &{found.node.anchor}")
        return found

    def _step(self, holder: _Found, step: str | int) -> _Found:
        node = holder.node
        if isinstance(node, SequenceNode):
            item = node.value[int(step)]
            return _Found(item, None, int(step), holder.in_flow or _in_brackets(node))
        for index, (key, value) in enumerate(node.value):
            if key.value == step and not is_merge(key):
                return _Found(value, key, index, holder.in_flow or _in_brackets(node))
        raise NotInPlaceError("the value comes from a merge (`<<`)")

    def _begin(self, node: Node) -> int:
        """Return where a value begins, after its anchor."""
        if node.ctag is not UNTAGGED:
            raise NotInPlaceError("the value carries a tag")
        start: int = node.start_mark.index
        properties = _PROPERTIES.match(self._text, start) if node.anchor else None
        return start if properties is None else properties.end()

    def _end(self, node: Node, after: int) -> int:
        """Return where the last character of a node stands; `after` for what is not written here."""
        if node.end_mark.index <= after or (isinstance(node, ScalarNode) and not node.style and not node.value):
            return after  # an alias, or nothing at all
        if isinstance(node, ScalarNode) or _in_brackets(node) or not node.value:
            end: int = node.end_mark.index
            block = isinstance(node, ScalarNode) and node.style in ("|", ">")
            return len(self._text[:end].rstrip()) if block else end
        return self._last(node)

    def _last(self, node: Node) -> int:
        """Return where the last entry of a collection ends."""
        last = node.value[-1]
        if isinstance(last, tuple):
            return self._end(last[1], last[0].end_mark.index)
        return self._end(last, node.start_mark.index)

    def _line(self, index: int) -> int:
        return self._text.rfind("\n", 0, index) + 1

    def _next_line(self, index: int) -> int:
        found = self._text.find("\n", index)
        return len(self._text) if found < 0 else found + 1

    def _starts_line(self, index: int) -> bool:
        return not self._text[self._line(index) : index].strip()

    def _indent(self, index: int) -> str:
        return re.sub(r"\S", " ", self._text[self._line(index) : index])  # tabs stay tabs

    def _dash(self, node: Node, index: int) -> int:
        """Return where the `-` of an item of a block list stands."""
        before = self._text[: node.value[index].start_mark.index].rstrip()
        at = len(before) - 1
        if not before.endswith("-") or at - self._line(at) != node.start_mark.column or not self._starts_line(at):
            raise NotInPlaceError("the item does not stand on lines of its own")
        return at

    # ------------------------------------------------------------------ putting

    def _put(self, found: _Found, value: Json) -> Iterator[Splice]:
        node = found.node
        begin = self._begin(node)
        if isinstance(node, ScalarNode) and not node.value and not node.style:
            yield Splice(at := self._colon(found), at, " " + self._flow(value, found))
        elif isinstance(node, ScalarNode) or _in_brackets(node):
            yield Splice(begin, self._end(node, begin), self._flow(value, found))
        elif isinstance(value, (dict, list)) and value:
            lines = (self._newline + self._indent(begin)).join(block_lines(value))
            yield Splice(begin, self._end(node, begin), lines)
        elif found.key is not None and self._starts_line(begin):
            yield Splice(at := self._colon(found), at, " " + self._flow(value, found))
            yield Splice(self._line(begin), self._next_line(self._end(node, begin)), "")
        else:
            yield Splice(begin, self._end(node, begin), self._flow(value, found))

    def _colon(self, found: _Found) -> int:
        """Return where the colon after a key ends."""
        colon = None if found.key is None else _COLON.match(self._text, found.key.end_mark.index)
        if colon is None:
            raise NotInPlaceError("nothing is written where the value belongs")
        return colon.end()

    def _flow(self, value: Json, found: _Found) -> str:
        style = found.node.style if isinstance(found.node, ScalarNode) else None
        if style is None and isinstance(found.node, ScalarNode) and is_misread(found.node.value):
            style = ""
        if style in ("|", ">") and isinstance(value, str):
            lines = self._text[found.node.start_mark.index : found.node.end_mark.index].split("\n")[1:]
            first = next((line for line in lines if line.strip()), "")
            literal = literal_text(value, first[: len(first) - len(first.lstrip(" "))], self._newline)
            if literal is not None:
                return literal
        return flow_text(value, style=style, in_flow=found.in_flow, strict_json=self._strict_json)

    # ------------------------------------------------------------------ adding

    def _added(self, holder: _Found, edit: Edit) -> Splice:
        node = holder.node
        self._begin(node)
        step = edit.place[-1]
        is_list = isinstance(node, SequenceNode)
        index = int(step) if is_list else len(node.value)
        if not node.value:
            raise NotInPlaceError("nothing stands there yet")
        if _in_brackets(node):
            return self._added_in_flow(node, index, self._entry(node, edit))
        lines = block_lines([edit.value] if is_list else {step: edit.value})
        if is_list and all(map(_in_brackets, node.value)):  # as the others are written
            lines = ["- " + flow_text(edit.value)]
        if not is_list:
            return self._lines_after(self._last(node), self._indent(node.value[0][0].start_mark.index), lines)
        indent = self._indent(self._dash(node, 0))
        if index == 0:
            at = self._line(self._dash(node, 0))
            return Splice(at, at, "".join(indent + line + self._newline for line in lines))
        self._dash(node, index - 1)
        return self._lines_after(self._end(node.value[index - 1], self._dash(node, index - 1)), indent, lines)

    def _lines_after(self, index: int, indent: str, lines: Sequence[str]) -> Splice:
        at = self._next_line(index)
        text = self._newline.join(indent + line for line in lines)
        ended = self._text[:at].endswith("\n")
        return Splice(at, at, text + self._newline if ended else self._newline + text)

    def _added_in_flow(self, node: Node, index: int, text: str) -> Splice:
        first = self._start(node, min(index, len(node.value) - 1))
        between = "," + self._newline + self._indent(first) if self._starts_line(first) else ", "
        if index < len(node.value):
            return Splice(first, first, text + between)
        return Splice(at := self._last(node), at, between + text)

    def _start(self, node: Node, index: int) -> int:
        entry: Any = node.value[index]
        start: int = (entry[0] if isinstance(entry, tuple) else entry).start_mark.index
        return start

    def _entry(self, node: Node, edit: Edit) -> str:
        """Return what is added inside brackets: an item, or a member with its key."""
        if isinstance(node, SequenceNode):
            return flow_text(edit.value, in_flow=True, strict_json=self._strict_json)
        return flow_text({edit.place[-1]: edit.value}, in_flow=True, strict_json=self._strict_json)[1:-1]

    # ------------------------------------------------------------------ brackets with a line for each entry

    def _has_lines(self, node: Node) -> bool:
        """Tell whether each entry inside brackets stands on lines of its own, with its comma and comment."""
        entries = range(len(node.value))
        return bool(entries) and all(
            self._starts_line(self._start(node, n)) and _REST_OF_LINE.match(self._text, self._end_of_entry(node, n))
            for n in entries
        )

    def _in_lines(self, holder: _Found, added: Sequence[Edit], removed: Sequence[int]) -> Iterator[Splice]:
        """Add and remove whole lines, so that comments stay with what they are about."""
        node = holder.node
        self._begin(node)
        count = len(node.value)
        ends = [self._end_of_entry(node, n) for n in range(count)]
        for n in removed:
            yield Splice(self._line(self._start(node, n)), self._next_line(ends[n]), "")
        indent = self._indent(self._start(node, 0))
        last = [edit for edit in added if not isinstance(edit.place[-1], int) or edit.place[-1] == count]
        for edit in added:
            index = edit.place[-1]
            if isinstance(index, int) and index < count:
                at = self._next_line(ends[index - 1]) if index else self._line(self._start(node, 0))
                yield Splice(at, at, f"{indent}{self._entry(node, edit)},{self._newline}")
        at = self._next_line(ends[-1])
        for number, edit in enumerate(last, 1):
            comma = "," if number < len(last) else ""
            yield Splice(at, at, f"{indent}{self._entry(node, edit)}{comma}{self._newline}")
        kept = max(set(range(count)) - set(removed), default=-1)
        if kept >= 0:
            yield from self._comma_after(ends[kept], wanted=bool(last), stays=kept == count - 1)

    def _comma_after(self, end: int, *, wanted: bool, stays: bool) -> Iterator[Splice]:
        """Put a comma after the last entry that is kept, or take it away where it has become one too many."""
        comma = _COMMA.match(self._text, end)
        if wanted and comma is None:
            yield Splice(end, end, ",")
        elif comma is not None and not (wanted or stays):
            yield Splice(comma.end() - 1, comma.end(), "")

    # ------------------------------------------------------------------ removing

    def _removed(self, holder: _Found, indexes: Sequence[int]) -> Iterator[Splice]:
        node = holder.node
        if _in_brackets(node):
            yield from self._removed_in_flow(node, indexes)
            return
        for index in indexes:
            entry = node.value[index]
            if isinstance(entry, tuple):
                key, value = entry
                if not self._starts_line(key.start_mark.index):
                    raise NotInPlaceError("the field does not stand on lines of its own")
                begin, end = key.start_mark.index, self._end(value, key.end_mark.index)
            else:
                begin = self._dash(node, index)
                end = self._end(entry, begin)
            yield Splice(self._line(begin), self._next_line(end), "")

    def _removed_in_flow(self, node: Node, indexes: Sequence[int]) -> Iterator[Splice]:
        runs: list[list[int]] = []
        for index in indexes:
            if runs and runs[-1][-1] == index - 1:
                runs[-1].append(index)
            else:
                runs.append([index])
        for run in runs:
            if run[-1] + 1 < len(node.value):
                yield Splice(self._start(node, run[0]), self._start(node, run[-1] + 1), "")
            else:
                yield Splice(self._end_of_entry(node, run[0] - 1), self._last(node), "")

    def _end_of_entry(self, node: Node, index: int) -> int:
        entry = node.value[index]
        if isinstance(entry, tuple):
            return self._end(entry[1], entry[0].end_mark.index)
        return self._end(entry, node.start_mark.index)


def _in_brackets(node: Node) -> bool:
    return bool(getattr(node, "flow_style", False))


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Return `text` with all splices made. Raises NotInPlaceError when two of them overlap."""
    parts: list[str] = []
    at = 0
    for splice in sorted(splices, key=lambda one: (one.start, one.end)):
        if splice.start < at:
            raise NotInPlaceError("several changes meet in one place")
        parts += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*parts, text[at:]])
