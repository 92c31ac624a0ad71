"""Which Git revision a folder is at, for records, and whether one revision comes after another.

Reads: the repository, by asking git; its remote, where a shallow clone does not hold enough of the history. Writes:
what was fetched for that, into a repository of our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.errors import ReconcilerError
from reconciler.core.records import dataclass

if TYPE_CHECKING:
    from reconciler.shell.git.command import Git

_DEPTHS = (100, 2**31 - 1)  # commits of the history to fetch: the last revision is nearly always near


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit. `dirty`: files in use are not as they are in it."""

    id: str = ""  # "": there is no Git
    dirty: bool = False

    def __str__(self) -> str:
        return f"{self.id}-dirty" if self.dirty else self.id


def git_revision(folder: Path, environ: Mapping[str, str], paths: Iterable[Path] = ()) -> Revision:
    """Return the Git revision of what is in `folder`, with no id where there is no Git.

    It is dirty where something at one of the `paths` differs from the commit, is new, or is outside of the repository.
    """
    from reconciler.shell.git.command import Git  # here, because most runs only plan

    git = Git(folder, environ)
    try:
        done = git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if done.code != 0:
            return Revision()
        return Revision(id=done.text, dirty=_is_dirty(git, [str(path.absolute()) for path in paths]))
    except ReconcilerError:
        return Revision()


def _is_dirty(git: Git, paths: list[str]) -> bool:
    if not paths:
        return False
    # A commit says in `.gitattributes` which filters run, so none may.
    drivers = git.run("config", "--name-only", "--get-regexp", r"^filter\.").text.splitlines()
    names = {driver.rpartition(".")[0] for driver in drivers}
    off = (f"{name}.{key}" for name in sorted(names) for key in ("clean=", "process=", "required=false"))
    settings = [part for setting in off for part in ("-c", setting)]
    how = ("--porcelain", "--untracked-files=normal", "--ignore-submodules=dirty", "--no-renames")
    done = git.run(*settings, "status", *how, "--", *paths)
    return done.code != 0 or bool(done.out)


def comes_after(folder: Path, environ: Mapping[str, str], last: str, remote: str) -> bool | None:
    """Return whether what is checked out in `folder` is `last` or comes after it; None when nobody can tell.

    What a shallow clone lacks of the history is fetched from `remote`.
    """
    from reconciler.shell.git.command import Git
    from reconciler.shell.git.own import own_repository

    git = Git(folder, environ)
    try:
        now = git.ask("rev-parse", "--verify", "HEAD^{commit}").text
        if _is_ancestor(git, last, now):
            return True
        if git.ask("rev-parse", "--is-shallow-repository").text != "true":
            return False
        own = own_repository(git, "history")
        how = ("--quiet", "--no-tags", "--no-write-fetch-head", "--filter=tree:0")
        for depth in _DEPTHS:
            own.ask("fetch", *how, f"--depth={depth}", remote, now)
            if _is_ancestor(own, last, now):
                return True
    except ReconcilerError:
        return None
    return False


def _is_ancestor(git: Git, last: str, now: str) -> bool:
    return git.run("merge-base", "--is-ancestor", last, now).code == 0
