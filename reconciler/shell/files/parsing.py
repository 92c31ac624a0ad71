"""YAML and JSON text to documents: quickly where it is plainly good, carefully where there is something to say. Pure.

The careful path decides everything; the quick one only spares it the files that are in order, and needs PyYAML's
compiled parser. Where something stands is found out when somebody asks, by reading that one document once more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from reconciler.core.model import Diagnostic, Document, Source
from reconciler.core.pointer import Path
from reconciler.shell.files.limits import Kept, QuickDocument
from reconciler.shell.files.reading import error_at

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

    from reconciler.shell.files.documents import Builder
    from reconciler.shell.files.nodes import SyntaxProblem
    from reconciler.shell.files.positions import Positions

_Found = tuple[list[Document], list[Diagnostic]]


class Cache(Protocol):
    """Remembers the documents of whole files that were in good order, by their content, and who found them good."""

    def get(self, content: bytes) -> Kept | None: ...

    def put(self, content: bytes, documents: list[QuickDocument]) -> Kept: ...


def remembered(content: bytes, display: str, cache: Cache) -> list[Document] | None:
    """Return the documents of a YAML file with this content, or None when `cache` does not know them."""
    kept = cache.get(content)
    return None if kept is None else _documents(kept, content, display)


def parse(text: str, display: str, *, json: bool, cache: Cache | None = None, content: bytes = b"") -> _Found:
    """Return the good documents of `text`, in order, and the mistakes of the others, by position.

    A `cache` is told about them by `content`, the bytes of the text.
    """
    if json:
        return parse_carefully(text, display, json=True)
    quick = quick_reader()
    if quick is None:
        return parse_carefully(text, display, json=False)
    found = quick(text)
    if found is not None:
        from reconciler.shell.files.quick_yaml import has_anchor

        # What is shared in memory would be written out in a cache, as often as it is used.
        kept = Kept(found) if cache is None or has_anchor(text) else cache.put(content, found)
        return _documents(kept, text, display), []
    return _parse_piecewise(text, display, quick)


@functools.cache
def quick_reader() -> Callable[[str], list[QuickDocument] | None] | None:
    """Return the function that reads a text quickly or gives None; None where PyYAML's parser is not compiled."""
    try:
        from reconciler.shell.files.quick_yaml import Unsure, read_quickly
    except ImportError:
        return None

    def read(text: str) -> list[QuickDocument] | None:
        try:
            return read_quickly(text)
        except Unsure:
            return None

    return read


# --------------------------------------------------------------------------- the careful path


def parse_carefully(text: str, display: str, *, json: bool) -> _Found:
    """Do what `parse` does without the quick path: the reference for it, and what speaks about mistakes."""
    # Here and not at the top: loading ruamel.yaml would delay every command that reads no odd document.
    from reconciler.shell.files.documents import Builder

    reading = _Careful(Builder(display), display)
    if json:
        from reconciler.shell.files.json_nodes import compose_json

        reading.take(compose_json(text))
    else:
        from reconciler.shell.files.yaml_nodes import compose_yaml

        reading.take(compose_yaml(text))
    return reading.found()


class _Careful:
    """The documents and mistakes of one file, read carefully at least in part."""

    def __init__(self, builder: Builder, display: str) -> None:
        self.documents: list[Document] = []
        self.problems: list[Diagnostic] = []
        self._builder = builder
        self._display = display

    def take(self, roots: Iterator[Node | SyntaxProblem]) -> bool:
        """Take the documents of one text; False when nothing after it may be read."""
        from reconciler.shell.files.documents import LimitError
        from reconciler.shell.files.nodes import SyntaxProblem

        try:
            for root in roots:
                if isinstance(root, SyntaxProblem):
                    source = Source(self._display, root.line, root.column)
                    self.problems.append(error_at(source, root.code, root.message, root.hint))
                elif (document := self._builder.document(root)) is not None:
                    self.documents.append(document)
        except LimitError:
            return False  # the reason is among the builder's diagnostics
        return True

    def found(self) -> _Found:
        problems = [*self.problems, *self._builder.diagnostics]
        return self.documents, sorted(problems, key=lambda found: found.source or Source(""))


def _parse_piecewise(text: str, display: str, quick: Callable[[str], list[QuickDocument] | None]) -> _Found:
    """Read a file in which something is odd: carefully only between the `---` lines where it is."""
    from reconciler.shell.files.documents import Builder
    from reconciler.shell.files.positions import DOCUMENT_START
    from reconciler.shell.files.quick_yaml import stands_together
    from reconciler.shell.files.yaml_nodes import MOST_SYNTAX_ERRORS, compose_yaml

    starts = [found.start() for found in DOCUMENT_START.finditer(text)]
    if len(starts) < 2 or stands_together(text):
        return parse_carefully(text, display, json=False)
    reading = _Careful(Builder(display), display)
    line = 0
    begins = [0, *starts[1:]] if not text[: starts[0]].strip() else [0, *starts]
    for begin, end in zip(begins, [*begins[1:], len(text)], strict=True):
        piece = text[begin:end]
        good = quick(piece)
        if good is not None:
            placed = [QuickDocument(data, line + first, column, begin + at) for data, first, column, at in good]
            reading.documents += _documents(Kept(placed), text, display)
        else:
            left = MOST_SYNTAX_ERRORS - len(reading.problems)
            if not reading.take(compose_yaml(piece, line, left)) or len(reading.problems) == MOST_SYNTAX_ERRORS:
                break
        line += piece.count("\n")
    return reading.found()


# --------------------------------------------------------------------------- positions on demand


def as_text(content: bytes) -> str:
    """Return the text of a file without the mark that some editors put before it. Raises UnicodeDecodeError."""
    return content.decode("utf-8").removeprefix("\ufeff")


def _documents(kept: Kept, text: str | bytes, display: str) -> list[Document]:
    if isinstance(text, str):
        literal = "${" not in text and "\\" not in text  # an escape may hide one
    else:
        literal = b"${" not in text and b"\\" not in text
    found, found_good_by, fingerprint = kept
    made: list[Document] = []
    for data, line, column, at in found:
        source = Source(display, line, column)
        made.append(
            Document(
                data=data,
                source=source,
                locate=_Places(text, at, source),
                literal=literal,
                fingerprint=fingerprint and (f"{fingerprint}:{at}" if made else fingerprint),
                found_good_by=found_good_by,
            )
        )
    return made


class _Places:
    """Where the parts of a document stand, worked out when somebody asks for the first time."""

    __slots__ = ("_index", "_positions", "_root", "_text")

    def __init__(self, text: str | bytes, index: int, root: Source) -> None:
        self._text = text  # of the whole file
        self._index = index  # where the root begins
        self._root = root
        self._positions: Positions | None = None

    def __call__(self, path: Path, key: bool = False) -> Source:
        """Return the source of the value at `path`, of its key with `key=True`, as `Positions.locate` does."""
        if not path:
            return self._root
        if self._positions is None:
            self._positions = self._recover()
        return self._root if self._positions is None else self._positions.locate(path, key)

    def _recover(self) -> Positions | None:
        from reconciler.shell.files.positions import document_around
        from reconciler.shell.files.quick_yaml import positions_of

        text = self._text if isinstance(self._text, str) else as_text(self._text)
        begin, end = document_around(text, self._index)
        lines_before = self._root.line - 1 - text.count("\n", begin, self._index)
        return positions_of(text[begin:end], self._root, lines_before)
