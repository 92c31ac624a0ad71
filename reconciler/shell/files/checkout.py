"""Finds what a checkout has left out: submodules that are empty folders, and files outside a sparse checkout.

Reads: names of files and folders, `.gitmodules`, and where Git keeps a work tree's settings. Writes: nothing.
Missing content is not intention: what is missing here may be declared there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from reconciler.core.model import Diagnostic, Severity, Source
from reconciler.shell.files.reading import TooLargeError, display_path, read_bounded

LARGEST_SETTINGS = 1024 * 1024
_MOST_NAMES = 3
_SUBMODULE_PATH = re.compile(r'^\s*path\s*=\s*"?(.+?)"?\s*$', re.MULTILINE)

LeftOut = Callable[[Path, Sequence[Path]], Iterable[str]]
"""Names the files below some paths that the sparse checkout of a work tree leaves out, relative to its top."""


def missing_content(paths: Sequence[Path], left_out: LeftOut) -> list[Diagnostic]:
    """Return a warning for each submodule that is not checked out at, above or below one of `paths`, and one for each
    work tree whose sparse checkout leaves out files below them. Outside of Git there is nothing to find."""
    found: dict[Diagnostic, None] = {}
    tops: dict[Path, list[Path]] = {}
    for path in paths:
        top = _top_of(path)
        if top is not None:
            tops.setdefault(top, []).append(path.absolute())
    for top, inside in tops.items():
        found |= dict.fromkeys(_empty_submodules(top, inside))
        found |= dict.fromkeys(_sparse(top, inside, left_out))
    return list(found)


def _top_of(path: Path) -> Path | None:
    """Return the top of the work tree around `path`, which need not exist."""
    absolute = path.absolute()
    return next((folder for folder in (absolute, *absolute.parents) if (folder / ".git").exists()), None)


def _empty_submodules(top: Path, paths: Sequence[Path]) -> Iterator[Diagnostic]:
    for relative in _SUBMODULE_PATH.findall(_text(top / ".gitmodules")):
        folder = top / relative
        if not any(path.is_relative_to(folder) or folder.is_relative_to(path) for path in paths):
            continue
        if (folder / ".git").exists():
            yield from _empty_submodules(folder, paths)  # which may have submodules of its own
        elif not folder.is_dir() or not any(folder.iterdir()):
            yield _warning(
                folder,
                "submodule-not-checked-out",
                "is a Git submodule that is not checked out",
                "check out with submodules: `submodules: true` of actions/checkout, GIT_SUBMODULE_STRATEGY: normal in "
                "GitLab CI, or `git submodule update --init`",
            )


def _sparse(top: Path, paths: Sequence[Path], left_out: LeftOut) -> Iterator[Diagnostic]:
    settings = _git_folder(top) / "info" / "sparse-checkout"
    if not settings.exists():
        return
    names = sorted(left_out(top, paths))
    if names:
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield _warning(
            top,
            "left-out-by-sparse-checkout",
            f"is a sparse checkout without {', '.join(names[:_MOST_NAMES])}{more}",
            "check out everything below the manifests: leave out `sparse-checkout` of actions/checkout, or run "
            "`git sparse-checkout disable`",
        )


def _git_folder(top: Path) -> Path:
    """Return where Git keeps the settings of the work tree: a submodule or a further work tree has them elsewhere."""
    there = top / ".git"
    if there.is_dir():
        return there
    return top / _text(there).partition("gitdir:")[2].strip()


def _text(path: Path) -> str:
    try:
        return read_bounded(path, LARGEST_SETTINGS).decode("utf-8", errors="replace")
    except (OSError, TooLargeError):
        return ""


def _warning(path: Path, code: str, message: str, hint: str) -> Diagnostic:
    shown = display_path(path)
    return Diagnostic(
        severity=Severity.WARNING, code=code, message=f"{shown} {message}", source=Source(shown), hint=hint
    )
