"""Definitions of kinds from files: those that ship, and a target's own.

Reads: the folders of definitions. Writes: nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.core.kinds import Catalog, load_catalog
from reconciler.core.model import (
    Diagnostic,
    Document,
)
from reconciler.shell.files import (
    display_path,
    find_manifests,
    read_documents,
)
from reconciler.shell.packaged import packaged_folder


def read_definitions(folders: Iterable[Path]) -> tuple[list[Document], list[Diagnostic]]:
    """Return the definition documents of `folders`, and every mistake in reading them."""
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    for folder in folders:
        paths, found = find_manifests([folder], Path())
        problems += found
        for path in paths:
            if path.name.endswith(".schema.json"):
                continue  # for editors; it may lie beside the definitions that it describes
            read, found = read_documents(path, display_path(path))
            documents += read
            problems += found
    return documents, problems


def shipped_systems() -> list[str]:
    """Return the names of the systems that ship: each has a folder of its own."""
    return sorted(folder.name for folder in packaged_folder("schemas").iterdir() if folder.is_dir())


@functools.lru_cache(maxsize=64)
def _shipped_definitions(system: str) -> tuple[tuple[Document, ...], tuple[Diagnostic, ...]]:
    """Read the definitions of one system that ships, once for each process: they do not change while it runs."""
    documents, problems = read_definitions([packaged_folder("schemas") / system])
    return tuple(documents), tuple(problems)


def load_kinds(
    own: Iterable[Path],
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    systems: Iterable[str] | None = None,
) -> tuple[Catalog, list[Diagnostic]]:
    """Return the catalog of the definitions that ship and those in the folders `own`, and every mistake.

    Of those that ship only the ones of `systems` are read, which saves time; None means all of them.
    """
    known = shipped_systems()
    wanted = known if systems is None else sorted(set(systems) & set(known))
    shipped = [document for name in wanted for document in _shipped_definitions(name)[0]]
    problems = [problem for name in wanted for problem in _shipped_definitions(name)[1]]
    added, found = read_definitions(own)
    catalog, mistakes = load_catalog(
        [*shipped, *added],
        parameters={name: dict(values) for name, values in (parameters or {}).items()},
        trusted=frozenset(document.source.path for document in shipped),
    )
    return catalog, [*problems, *found, *mistakes]
