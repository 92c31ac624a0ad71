"""Whether the remote of a repository is the one that the configuration names.

Reads: the settings of the repository, by asking git. Writes: nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconciler.core.errors import Refused
from reconciler.shell.git.command import Git, redacted

_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
# Both prove who the server is, and pipelines use the one and people the other.
_SAFE = {"https", "ssh"}
# Source: git-clone(1), "GIT URLS": no slash before the first colon.
_SCP_LIKE = re.compile(r"(?P<host>(?:[^/@:]+@)?(?:\[[^\]]+\]|[^/:]+)):(?P<path>.*)", re.DOTALL)


def refuse_other_remote(git: Git, remote: str, pinned: str) -> None:
    """Raise Refused where `remote` reads from or pushes to another repository than `pinned`.

    What counts is the address after `url.<base>.insteadOf`, since that is where the ledger would go.
    """
    for purpose, option in (("reads from", "--all"), ("pushes to", "--push")):
        urls = git.ask("remote", "get-url", "--all", *([option] if option != "--all" else []), remote).text.splitlines()
        for url in urls:
            if not same_repository(url, pinned):
                raise Refused(
                    f"the remote {remote} {purpose} {redacted(url)}, and `ledger.url` is {redacted(pinned)}; "
                    "nothing was sent",
                    hint=f"run it in a clone of that repository, or correct `url` or `git remote set-url {remote} URL`",
                )


def same_repository(one: str, other: str) -> bool:
    """Return whether two addresses name the same repository: user names, `.git` and usual ports do not count."""
    first, second = _parts(one), _parts(other)
    return first[1:] == second[1:] and (first[0] == second[0] or {first[0], second[0]} <= _SAFE)


def _parts(url: str) -> tuple[str, str, int | None, str]:
    """Return scheme, host, port where it is not the usual one, and path."""
    found = None if "://" in url else _SCP_LIKE.fullmatch(url)
    if found is not None:
        url = f"ssh://{found['host']}/{found['path'].lstrip('/')}"
    if "://" not in url:
        return "file", "", None, _bare(str(Path(url).resolve()))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", "", None, url
    if parts.scheme == "file":
        return "file", "", None, _bare(str(Path(unquote(parts.path)).resolve()))
    usual = _PORTS.get(parts.scheme)
    return parts.scheme, host, None if port == usual else port, _bare(unquote(parts.path))


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")
