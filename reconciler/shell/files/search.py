"""Finds the manifests below the folders that a configuration names.

Reads: names of files and folders, and where links lead. Writes: nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.core.model import Diagnostic
from reconciler.shell.files.reading import display_path, file_error, reason_for

MANIFEST_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


class FoundFile(NamedTuple):
    """A file, and how it is called to people. Texts, because a path for each of thousands of files is slow."""

    path: str
    display: str


def find_manifests(roots: Sequence[Path], base: Path) -> tuple[list[FoundFile], list[Diagnostic]]:
    """Return every *.yaml, *.yml and *.json file below `roots`, in order of the roots, then of the paths.

    Roots are folders or single files, relative to `base`. Hidden files and folders are left out. A link is
    followed inside its root and refused when it leads out of it, as is a root that leads out of `base` without
    saying so; a file that is reached twice is returned once. A root that is missing, cannot be read or holds no
    manifest is an error: nothing found must never look like nothing wanted.
    """
    search = _Search()
    for root in roots:
        search.root(base / root, base)
    return search.found, search.diagnostics


class _Search:
    """What one search has found and seen so far."""

    def __init__(self) -> None:
        self.found: list[FoundFile] = []
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[str] = set()

    def root(self, root: Path, base: Path) -> None:
        shown = display_path(root)
        before = len(self.diagnostics)
        try:
            real = root.resolve(strict=True)
            is_folder = stat.S_ISDIR(real.stat().st_mode)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
            hint = "correct the path in the configuration, or create it"
            self.diagnostics.append(file_error(shown, "root-unreadable", reason_for(error), hint))
            return
        if _leaves(root, real, base):
            # Who may only change what stands in the folder must not choose another one.
            hint = "name the place itself in the configuration"
            self._refuse(root, "link-leaves-root", "is a link that leads out of the configuration's folder", hint)
            return
        manifests = 0
        if is_folder:
            manifests = self._folder(root, real)
        elif root.suffix.lower() in MANIFEST_SUFFIXES:
            manifests = self._file(FoundFile(str(root), shown), real)
        if manifests == 0 and len(self.diagnostics) == before:
            message = "holds no manifest (*.yaml, *.yml or *.json)" if is_folder else "is no *.yaml or *.json file"
            hint = "put a manifest there, or remove the path from the configuration"
            self.diagnostics.append(file_error(shown, "no-manifests", message, hint))

    def _folder(self, root: Path, real_root: Path) -> int:
        """Search below `root` and return how many manifests stand there, those seen before included."""
        manifests = 0
        start = len(self.found)
        visited = {real_root}
        waiting = [(root, real_root)]
        while waiting:
            folder, real_folder = waiting.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self._refuse(folder, "root-unreadable", reason_for(error), "check its permissions")
                continue
            folders = []
            texts = [_prefix(str(folder)), _prefix(display_path(folder)), _prefix(str(real_folder))]
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                path, display = texts[0] + name, texts[1] + name
                if entry.is_file(follow_symlinks=False):
                    if _is_manifest(name):
                        manifests += self._add(FoundFile(path, display), texts[2] + name)
                    continue
                real = self._inside(entry, real_folder, real_root)
                if real is None:
                    continue
                if entry.is_dir():
                    if real not in visited:
                        visited.add(real)
                        folders.append((folder / name, real))
                elif _is_manifest(name):
                    manifests += self._file(FoundFile(path, display), real)
            waiting.extend(reversed(folders))
        if len(visited) > 1:  # one folder is in order already
            self.found[start:] = sorted(self.found[start:], key=lambda found: found.path.split("/"))
        return manifests

    def _inside(self, entry: os.DirEntry[str], real_folder: Path, real_root: Path) -> Path | None:
        """Return where `entry` really stands; None, and a diagnostic, when that is nowhere or outside."""
        if not entry.is_symlink():
            return real_folder / entry.name
        path = Path(entry.path)
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            self._refuse(path, "link-broken", "is a link that leads nowhere", "mend or remove the link")
            return None
        if not real.is_relative_to(real_root):
            hint = "copy what it names into the folder, or name that place in the configuration"
            self._refuse(path, "link-leaves-root", "is a link that leads out of its folder", hint)
            return None
        return real

    def _file(self, found: FoundFile, real: Path) -> int:
        if not real.is_file():
            self.diagnostics.append(file_error(found.display, "file-unreadable", "is no regular file", "remove it"))
            return 0
        return self._add(found, str(real))

    def _add(self, found: FoundFile, real: str) -> int:
        if real not in self._seen:
            self._seen.add(real)
            self.found.append(found)
        return 1

    def _refuse(self, path: Path, code: str, message: str, hint: str) -> None:
        self.diagnostics.append(file_error(display_path(path), code, message, hint))


def _leaves(root: Path, real: Path, base: Path) -> bool:
    """Tell whether a root that stands below `base` by its name leads out of it through links."""
    named = Path(os.path.abspath(root))  # noqa: PTH100  as it is named: links are not followed
    return named.is_relative_to(os.path.abspath(base)) and not real.is_relative_to(base.resolve())  # noqa: PTH100


def _prefix(folder: str) -> str:
    """Return what stands before a name in the path of a file in `folder`."""
    return "" if folder == "." else folder.rstrip("/") + "/"


def _is_manifest(name: str) -> bool:
    return name[name.rfind(".") :].lower() in MANIFEST_SUFFIXES
