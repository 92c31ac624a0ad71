"""A repository of our own, inside the folder `.git` of another one, that reaches the remotes of that one.

What is fetched for a ledger goes there: a shallow fetch into the repository of the manifests would make all of it
shallow, and a full one would bring the history of every run along.

Reads: the other repository's settings. Writes: the repository of our own.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from reconciler.shell.git.command import Git

# How a remote is reached, and as whom. Not what is fetched from it and kept of it, which is another matter here.
_LEADS_TO_REMOTES = re.compile(
    r"core\.(askpass|gitproxy|sshcommand)|(credential|http|protocol|ssh|url)\..*"
    r"|remote\..*\.(proxy|proxyauthmethod|pushurl|receivepack|serveroption|uploadpack|url|vcs)",
    re.IGNORECASE | re.DOTALL,
)


def own_repository(git: Git, name: str) -> Git:
    """Return Git in the repository of our own called `name`, which is made when it is missing."""
    asked = ("--show-object-format", "--path-format=absolute", "--git-path", f"reconciler/{name}.git")
    hashes, _, folder = git.ask("rev-parse", *asked).text.partition("\n")
    own = git.in_repository(Path(folder))
    if not Path(folder, "HEAD").exists():
        own.ask("init", "--quiet", "--bare", "--template=", f"--object-format={hashes}", folder)
    # Not read again there: what is included on conditions would be missing, since they may name the other folder.
    lacking = Counter(_settings(git)) - Counter(_settings(own))
    return git.in_repository(Path(folder), [one for one in lacking.elements() if _LEADS_TO_REMOTES.fullmatch(one[0])])


def _settings(git: Git) -> list[tuple[str, str]]:
    """Return all settings that are in force; a key may have several values."""
    listed = git.ask("config", "--list", "--includes", "-z").out.decode("utf-8", "surrogateescape").split("\0")
    rows = (one.partition("\n") for one in listed if one)
    return [(key, value if equals else "true") for key, equals, value in rows]
