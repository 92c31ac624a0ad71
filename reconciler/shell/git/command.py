"""The `git` command: run with bounds, never asking, never showing a credential.

Reads and writes: what git does in the repository around the folder that it is given.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from reconciler.core.errors import ReconcilerError, UsageError
from reconciler.core.records import dataclass
from reconciler.shell.git.place import Place, find_place

LONGEST_S = 120.0  # of one command
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
# What a repository or a person configured for daily work must not interfere. What says how the remote is reached stays
# (`core.sshCommand`, `credential.helper`, `core.askPass`, `http.*`): it is in no commit, and pipelines need it.
_SETTINGS = (
    "safe.bareRepository=explicit",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=:",
    "credential.interactive=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "log.showSignature=false",
    "maintenance.auto=false",
    "push.gpgSign=false",
    "submodule.recurse=false",
    "transfer.bundleURI=false",
)
# Source: `git rev-parse --local-env-vars`, but for the two by which pipelines pass settings (GIT_CONFIG_COUNT,
# GIT_CONFIG_PARAMETERS).
_OF_ANOTHER_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR", "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
)  # fmt: skip
_FIXED = {
    "GCM_INTERACTIVE": "never",  # Git Credential Manager
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
# No `ext`, which runs any program. The variable GIT_ALLOW_PROTOCOL replaces the list, as remote helpers need it.
_TRANSPORTS = "file:git:http:https:ssh"


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


class Git:
    """Git in the repository that `folder` belongs to, which is found once."""

    def __init__(self, folder: Path, environ: Mapping[str, str], longest_s: float = LONGEST_S) -> None:
        self._folder, self._environ, self._longest_s = folder, environ, longest_s
        self._place: Place | None = None

    def __repr__(self) -> str:
        return f"Git({str(self._folder)!r})"

    def in_repository(self, git_dir: Path, settings: Sequence[tuple[str, str]] = ()) -> Git:
        """Return Git in the repository `git_dir`, with these settings beside those of the machine and the user."""
        count = int(self._environ.get("GIT_CONFIG_COUNT") or 0)
        more = {"GIT_CONFIG_COUNT": str(count + len(settings))}
        for number, (key, value) in enumerate(settings, count):
            more |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        other = Git(self._folder, {**self._environ, **more}, self._longest_s)
        other._place = Place(root=self._found().root, git_dir=git_dir)
        return other

    def _found(self) -> Place:
        if self._place is None:
            self._place = find_place(self._folder, self._environ)
        return self._place

    def run(self, *arguments: str, given: bytes | None = None, more: Mapping[str, str] | None = None) -> Done:
        """Run one command and return what it left behind, whatever its exit code.

        Raises UsageError when there is no git, and ReconcilerError when there is no repository or it takes too long.
        """
        place = self._found()
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        where = ["-C", str(place.root), *([] if place.git_dir is None else [f"--git-dir={place.git_dir}"])]
        try:
            process = subprocess.Popen(
                ["git", "--no-pager", *where, *settings, *arguments],
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._inherited(place), **(more or {})},
                start_new_session=True,  # Ctrl-C is ours to heed: a push that has begun goes to its end
            )
        except FileNotFoundError:
            raise UsageError(
                "there is no `git` command, which a ledger in a Git ref needs",
                hint="install git, or use `ledger: {file: PATH}`",
            ) from None
        with process:
            try:
                out, err = process.communicate(given, self._longest_s)
            except BaseException as error:
                # With all that it has started: what reaches the remote is a process of its own.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                raise ReconcilerError(
                    f"git {arguments[0]} took longer than {self._longest_s:g} s",
                    hint="check the connection to the remote",
                ) from None
        return Done(code=process.returncode, out=out, err=redacted(err.decode("utf-8", "replace")).strip())

    def _inherited(self, place: Place) -> dict[str, str]:
        kept = {name: value for name, value in self._environ.items() if name not in _OF_ANOTHER_REPOSITORY}
        transports = {"GIT_ALLOW_PROTOCOL": self._environ.get("GIT_ALLOW_PROTOCOL") or _TRANSPORTS}
        return {**kept, **_FIXED, **transports, "GIT_CEILING_DIRECTORIES": str(place.root.parent)}

    def ask(self, *arguments: str, given: bytes | None = None, more: Mapping[str, str] | None = None) -> Done:
        """Run a command that must succeed. Raises ReconcilerError with what git said."""
        done = self.run(*arguments, given=given, more=more)
        if done.code != 0:
            raise failure(f"git {arguments[0]}", done)
        return done


_REFUSED = re.compile(
    r"permission|denied|\b40[13]\b|authentication|could not read (user|pass)|not allowed|unauthori[sz]ed|forbidden|"
    r"access rights|read.?only",
    re.IGNORECASE,
)
# The server knows who is asking, and has a rule for what was asked.
_AGAINST_A_RULE = re.compile(
    r"\bGH0\d\d\b|rule violation|rulesets?\b|protected|denying|prohibited|force.push|non-fast-forward|"
    r"deny (updating|creating)|hidden ref|funny refname",
    re.IGNORECASE,
)
_HOOK = re.compile("hook declined", re.IGNORECASE)  # of whose reason nothing is known
_UNREACHABLE = re.compile(r"could not resolve|connection|timed out|unable to access|early eof|hung up", re.IGNORECASE)


# What git says after every failure to reach a remote, whatever the reason.
_PHRASES = re.compile(
    r"Please make sure you have the correct access rights\s+and the repository exists\.", re.IGNORECASE
)


def failure(what: str, done: Done, *, reads: str = "", pushes: str = "") -> ReconcilerError:
    """Return the error for a command that failed, with the next step as far as git's words tell it.

    `reads` names the remote that was to be read only, `pushes` the ref that was to be pushed, where that failed.
    """
    # Of a push, the reason stands in the output: `! source:ref [remote rejected] (reason)`.
    refused = [line.replace("\t", " ") for line in redacted(done.text).splitlines() if line.startswith("!")]
    lines = [*refused, *_PHRASES.sub("", done.err).splitlines()]
    said = "; ".join(line.strip() for line in lines if line.strip()) or f"exit code {done.code}"
    may_not = _REFUSED.search(said)
    if pushes and (_AGAINST_A_RULE.search(said) or (_HOOK.search(said) and not may_not)):
        hint = (
            f"the server has a rule or a hook against it: let the pipeline's account create and update {pushes} there, "
            "which is only ever moved forward, or choose another ref with `ledger: {git: REF}`"
        )
    elif "dubious ownership" in said:
        hint = "run `git config --global --add safe.directory FOLDER` with the folder that git names"
    elif "not a git repository" in said:
        hint = "run it in a clone of the repository, or use `ledger: {file: PATH}`"
    elif may_not:
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
