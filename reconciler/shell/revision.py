"""Which Git revision a folder is at, for records.

Reads: the repository, by asking git. Writes: nothing.
"""

from __future__ import annotations

from pathlib import Path


def git_revision(folder: Path) -> str:
    """Return the Git revision of what is in `folder`, or nothing where there is no Git."""
    import subprocess  # here, because most runs only plan

    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
