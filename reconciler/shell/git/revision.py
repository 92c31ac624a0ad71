"""Which Git revision a folder is at, for records.

Reads: the repository, by asking git. Writes: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.core.errors import ReconcilerError


def git_revision(folder: Path, environ: Mapping[str, str]) -> str:
    """Return the Git revision of what is in `folder`, or nothing where there is no Git."""
    from reconciler.shell.git.command import Git  # here, because most runs only plan

    try:
        done = Git(folder, environ).run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except ReconcilerError:
        return ""
    return done.text if done.code == 0 else ""
