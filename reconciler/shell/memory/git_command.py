"""The `git` command: run with bounds, never asking, never showing a credential.

Reads and writes: what git does in the repository around the folder that it is given.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from reconciler.core.errors import ReconcilerError, UsageError
from reconciler.core.records import dataclass

LONGEST_S = 120.0  # of one command
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
# What a repository or a person configured for daily work must not interfere: hooks, signing, maintenance, mirrors.
_SETTINGS = ("gc.auto=0", "maintenance.auto=false", "core.hooksPath=/dev/null", "push.gpgSign=false")
_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left behind."""

    code: int
    out: bytes = field(repr=False)
    err: str  # credentials left out

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", errors="replace").strip()


def redacted(text: str) -> str:
    """Return `text` with the credentials in its URLs left out."""
    return _CREDENTIALS.sub("(sensitive)", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git in the repository around `folder`."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str, given: bytes | None = None, more: Mapping[str, str] | None = None) -> Done:
        """Run one command and return what it left behind, whatever its exit code.

        Raises UsageError when there is no git, and ReconcilerError when it takes too long.
        """
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        inherited = {name: value for name, value in self.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
        fixed = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["git", "-C", str(self.folder), *settings, *arguments],
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                env={**inherited, **fixed, **(more or {})},
                timeout=LONGEST_S,
                start_new_session=True,  # Ctrl-C is ours to heed: a push that has begun goes to its end
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(
                "there is no `git` command, which a ledger in a Git ref needs",
                hint="install git, or use `ledger: {file: PATH}`",
            ) from None
        except subprocess.TimeoutExpired:
            raise ReconcilerError(
                f"git {arguments[0]} took longer than {LONGEST_S:g} s", hint="check the connection to the remote"
            ) from None
        return Done(code=done.returncode, out=done.stdout, err=redacted(done.stderr.decode("utf-8", "replace")).strip())

    def ask(self, *arguments: str, given: bytes | None = None, more: Mapping[str, str] | None = None) -> Done:
        """Run a command that must succeed. Raises ReconcilerError with what git said."""
        done = self.run(*arguments, given=given, more=more)
        if done.code != 0:
            raise failure(f"git {arguments[0]}", done)
        return done


_REFUSED = re.compile(
    r"permission|denied|\b40[13]\b|authentication|could not read (user|pass)|not allowed|protected|declined|"
    r"unauthori[sz]ed|forbidden|access rights|read.?only",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(r"could not resolve|connection|timed out|unable to access|early eof|hung up", re.IGNORECASE)


# What git says after every failure to reach a remote, whatever the reason.
_PHRASES = re.compile(
    r"Please make sure you have the correct access rights\s+and the repository exists\.", re.IGNORECASE
)


def failure(what: str, done: Done, *, reads: str = "") -> ReconcilerError:
    """Return the error for a command that failed, with the next step as far as git's words tell it.

    `reads` names the remote that was to be read only, where that was what failed.
    """
    # Of a push, the reason stands in the output: `! source:ref [remote rejected] (reason)`.
    refused = [line.replace("\t", " ") for line in redacted(done.text).splitlines() if line.startswith("!")]
    lines = [*refused, *_PHRASES.sub("", done.err).splitlines()]
    said = "; ".join(line.strip() for line in lines if line.strip()) or f"exit code {done.code}"
    if "dubious ownership" in said:
        hint = "run `git config --global --add safe.directory FOLDER` with the folder that git names"
    elif "not a git repository" in said:
        hint = "run it in a clone of the repository, or use `ledger: {file: PATH}`"
    elif _REFUSED.search(said):
        hint = (
            "let the pipeline write to the repository: in GitHub Actions `permissions: {contents: write}` for the job, "
            "and checkout with its credentials kept; in GitLab CI a token with write_repository in the remote's URL"
        )
    elif reads:
        hint = f"check the connection, and whether the remote exists: `git ls-remote {reads}` must succeed here"
    elif _UNREACHABLE.search(said):
        hint = "check the connection to the remote, then run it again"
    else:
        hint = ""
    return ReconcilerError(f"{what} failed: {said}", hint=hint)
