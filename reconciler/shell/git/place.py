"""Which repository a folder belongs to. Reads: the folders above it. Writes: nothing.

A pull request can bring a folder that looks like a bare repository (`HEAD`, `objects/`, `refs/`, `config`), and Git
would obey the programs that its `config` names. It cannot bring anything called `.git`. So only a folder with a
`.git` counts as the root of a repository, and Git itself never has to look for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.core.errors import ReconcilerError
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where Git runs. `git_dir` is None where `root` holds a `.git`."""

    root: Path
    git_dir: Path | None = None


def find_place(folder: Path, environ: Mapping[str, str]) -> Place:
    """Return the place of the repository that `folder` belongs to. Raises ReconcilerError where there is none.

    Outside of any work tree, a repository without one is used where GIT_DIR names it, as it does in a server's hooks.
    """
    start = folder.resolve()
    bare = False
    for candidate in _upwards(start, environ):
        dot_git = candidate / ".git"
        if dot_git.is_file() or (dot_git / "HEAD").exists():
            return Place(root=candidate)
        bare = bare or all((candidate / name).exists() for name in ("HEAD", "objects", "refs"))
    named = environ.get("GIT_DIR")
    if named:
        return Place(root=start, git_dir=Path(named).resolve())
    found = " (there is a bare one, which is used only where GIT_DIR names it)" if bare else ""
    raise ReconcilerError(
        f"{folder} is in no work tree: not a git repository{found}",
        hint="run it in a clone of the repository, or use `ledger: {file: PATH}`",
    )


def _upwards(start: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders in which Git would look: up to another file system and to GIT_CEILING_DIRECTORIES."""
    ceilings = {Path(one).resolve() for one in environ.get("GIT_CEILING_DIRECTORIES", "").split(":") if one}
    across = environ.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "").lower() in ("1", "true", "yes", "on")
    device = start.stat().st_dev
    for candidate in (start, *start.parents):
        if candidate != start and (candidate in ceilings or (not across and candidate.stat().st_dev != device)):
            return
        yield candidate
