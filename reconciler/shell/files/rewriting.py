"""Manifest files brought up to date in place: edits in, the new text out, checked by reading it again. Pure.

A new text is only ever returned when every document in it reads as the old one with the edits made, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from ruamel.yaml.nodes import Node

from reconciler.core.drift.edits import Edit, edited, field_of
from reconciler.core.model import Document, Json, Source
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass
from reconciler.shell.files.json_nodes import compose_json
from reconciler.shell.files.nodes import SyntaxProblem
from reconciler.shell.files.parsing import parse
from reconciler.shell.files.positions import document_around
from reconciler.shell.files.splicing import NotInPlaceError, Splice, Splicer, spliced
from reconciler.shell.files.yaml_nodes import compose_yaml

_MARK = "\ufeff"  # the byte order mark that some editors put first
_MEANS_ELSE = "the file would not read as meant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The edits of the document that begins at `source`, or its removal."""

    source: Source
    edits: tuple[Edit, ...] = ()
    removes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRewritten:
    """A field whose edits cannot be made in place, or the document that cannot be removed (at the root), and why."""

    source: Source
    place: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """The new text; None when no document is left in it."""

    text: str | None = field(repr=False)
    refused: tuple[NotRewritten, ...] = ()


def rewrite(text: str, display: str, wanted: Sequence[Wanted], *, strict_json: bool) -> Rewritten:
    """Return the text of one file with what is wanted made in place, as far as that is possible."""
    if text.startswith(_MARK):
        bare = rewrite(text.removeprefix(_MARK), display, wanted, strict_json=strict_json)
        return replace(bare, text=None if bare.text is None else _MARK + bare.text)
    file = _File(text, display, strict_json=strict_json)
    kept: list[Wanted] = []
    refused: list[NotRewritten] = []
    for one in wanted:
        if file.objection([*kept, one]) is None:
            kept.append(one)
            continue
        good: tuple[Edit, ...] = ()
        for place, edits in _by_field(one).items():
            tried = replace(one, edits=(*good, *edits))
            reason = file.objection([*kept, tried])
            if reason is None:
                good = tried.edits
            else:
                refused.append(NotRewritten(source=one.source, place=place, reason=reason))
        kept.append(Wanted(source=one.source, edits=good))
    made = file.made(kept)
    return Rewritten(text=made if file.holds_documents(made) else None, refused=tuple(refused))


def _by_field(wanted: Wanted) -> dict[Path, list[Edit]]:
    """Return edits that are made together or not at all: those of a field, and of a list in particular."""
    found: dict[Path, list[Edit]] = {} if wanted.edits else {(): []}
    for edit in wanted.edits:
        found.setdefault(field_of(edit), []).append(edit)
    return found


class _File:
    """One file as it is, and what it would be."""

    def __init__(self, text: str, display: str, *, strict_json: bool) -> None:
        self._text = text
        self._display = display
        self._json = strict_json
        self._documents, _ = self._read(text)
        self._roots = {_place(root): root for root in self._compose()}

    def holds_documents(self, text: str) -> bool:
        return bool(self._read(text)[0])

    def objection(self, wanted: Sequence[Wanted]) -> str | None:
        """Return why the new text cannot be made, or None."""
        try:
            self.made(wanted)
        except NotInPlaceError as reason:
            return str(reason)
        return None

    def made(self, wanted: Sequence[Wanted]) -> str:
        """Return the new text. Raises NotInPlaceError when it cannot be made, or would mean something else."""
        splices: list[Splice] = []
        for one in wanted:
            splices += self._splices(one)
        made = spliced(self._text, splices)
        found, mistaken = self._read(made)
        by_place = {(one.source.line, one.source.column): one for one in wanted}
        expected = [
            edited(document.data, tuple(by_place[place].edits) if place in by_place else ())
            for document in self._documents
            for place in [(document.source.line, document.source.column)]
            if place not in by_place or not by_place[place].removes
        ]
        if mistaken or _exactly([one.data for one in found]) != _exactly(expected):
            raise NotInPlaceError(_MEANS_ELSE)
        return made

    def _splices(self, one: Wanted) -> list[Splice]:
        root = self._roots.get((one.source.line, one.source.column))
        if root is None:
            raise NotInPlaceError("the file has changed meanwhile")
        if one.removes:
            begin, end = document_around(self._text, root.start_mark.index)
            return [Splice(0, len(self._text), "") if self._json else Splice(begin, end, "")]
        return Splicer(self._text, root, strict_json=self._json).splices(one.edits)

    def _compose(self) -> Iterator[Node]:
        for root in compose_json(self._text) if self._json else compose_yaml(self._text):
            if not isinstance(root, SyntaxProblem):
                yield root

    def _read(self, text: str) -> tuple[list[Document], bool]:
        if not text.strip():
            return [], False
        documents, problems = parse(text, self._display, json=self._json)
        return documents, bool(problems)


def _place(root: Node) -> tuple[int, int]:
    return root.start_mark.line + 1, root.start_mark.column + 1


def _exactly(values: Json) -> str:
    return json.dumps(values, sort_keys=True)
