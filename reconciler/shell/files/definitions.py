"""Definitions of kinds from files: those that ship, and a target's own.

Reads: the folders of definitions. Writes: nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.core.kinds.catalog import Catalog, load_catalog
from reconciler.core.model import (
    Diagnostic,
    Document,
)
from reconciler.core.records import dataclass
from reconciler.shell.files.disk import (
    display_path,
    find_manifests,
    read_documents,
)
from reconciler.shell.files.packaged import packaged_folder
from reconciler.shell.files.parsing import Cache


def read_definitions(folders: Iterable[Path], cache: Cache | None = None) -> tuple[list[Document], list[Diagnostic]]:
    """Return the definition documents of `folders`, and every mistake in reading them."""
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    for folder in folders:
        files, found = find_manifests([folder], Path())
        problems += found
        for path, display in files:
            if path.endswith(".schema.json"):
                continue  # for editors; it may lie beside the definitions that it describes
            read, found = read_documents(path, display, cache)
            documents += read
            problems += found
    return documents, problems


_shipped: dict[Path, tuple[list[Document], list[Diagnostic]]] = {}


def _shipped_definitions(path: Path, cache: Cache | None) -> tuple[list[Document], list[Diagnostic]]:
    """Read one file that ships, once for each process: it does not change while it runs."""
    if path not in _shipped:
        _shipped[path] = read_documents(path, display_path(path), cache)
    return _shipped[path]


def file_name_of(kind: str) -> str:
    """Return the name of the file in which a kind that ships is defined: `WebSocket` is in `web-socket.yaml`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower() + ".yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Which of the definitions that ship are needed, since reading all of them takes time."""

    systems: frozenset[str]
    kinds: frozenset[str]

    def needs(self, path: Path) -> bool:
        if path.parent.name not in self.systems:
            return False
        return path.name == "system.yaml" or path.name in {file_name_of(kind) for kind in self.kinds}


def load_kinds(
    own: Iterable[Path],
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    use: Use | None = None,
    cache: Cache | None = None,
) -> tuple[Catalog, list[Diagnostic]]:
    """Return the catalog of the definitions that ship and those in the folders `own`, and every mistake.

    Of those that ship only what `use` needs is read; None means all of them.
    """
    paths = [path for path in sorted(packaged_folder("schemas").glob("*/*.yaml")) if use is None or use.needs(path)]
    shipped = [document for path in paths for document in _shipped_definitions(path, cache)[0]]
    problems = [problem for path in paths for problem in _shipped_definitions(path, cache)[1]]
    added, found = read_definitions(own, cache)
    catalog, mistakes = load_catalog(
        [*shipped, *added],
        parameters={name: dict(values) for name, values in (parameters or {}).items()},
        trusted=frozenset(document.source.path for document in shipped),
    )
    return catalog, [*problems, *found, *mistakes]
