"""Manifests and definitions as real files, so that every position in a test is one that a person would see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from reconciler.core.kinds.catalog import Catalog, load_catalog
from reconciler.core.model import Diagnostic, Document, JsonObject
from reconciler.shell.files.disk import read_documents


def documents_of(folder: Path, **texts: str) -> list[Document]:
    """Write each text to the file of its name and return all documents; the files themselves must be in order."""
    found: list[Document] = []
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        documents, problems = read_documents(path, path.name)
        assert problems == []
        found += documents
    return found


def good_catalog(folder: Path, parameters: dict[str, JsonObject] | None = None, **texts: str) -> Catalog:
    """Return the catalog of definitions that have no mistakes."""
    catalog, problems = load_catalog(documents_of(folder, **texts), parameters=parameters)
    assert problems == [], told(problems)
    return catalog


def told(problems: Sequence[Diagnostic]) -> list[str]:
    """Return what a person is told of each mistake: its place, code, message and hint."""
    return [f"{p.source}: {p.code}: {p.message} | {p.hint}" for p in problems]


def places(problems: Sequence[Diagnostic]) -> list[tuple[str, int, int]]:
    """Return the code, line and column of each mistake."""
    return [(p.code, p.source.line, p.source.column) for p in problems if p.source is not None]
