"""One ref of a remote: its commits read, new ones put in place of an expected one.

Reads and writes: the ref at the remote, and a repository of our own in the local one's folder, which stays as it is.

A commit's first parent is the commit before it that counts, its second the one that it takes the place of. So the ref
only moves forward, as strict servers want it, and the first parents are a history without what was passing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field

from reconciler.core.errors import ReconcilerError, UsageError
from reconciler.core.records import dataclass
from reconciler.shell.git.command import Done, Git, failure
from reconciler.shell.git.own import own_repository
from reconciler.shell.git.remote import refuse_other_remote

_TRIES = 5
_DEEP_ENOUGH = 2  # the commit itself and its parents, which new commits are put upon


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit to be made: its files by name, its message, whose it is."""

    files: Mapping[str, bytes] = field(repr=False)
    message: str
    parents: tuple[str, ...] = ()
    name: str = "reconciler"
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """What a ref points at. `id` is "" when there is no such ref."""

    id: str = ""
    parent: str = ""
    subject: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class RefMoved(Exception):
    """The ref does not point where it was expected to: somebody else was faster."""


class GitRef:
    """A ref of a remote, seen from one repository. Where `url` is given, the remote must be that repository."""

    def __init__(self, git: Git, ref: str, remote: str, url: str = "") -> None:
        self.ref, self.remote = ref, remote
        self._url = url
        self._git = git
        self._own: Git | None = None

    def tip(self) -> Tip:
        """Return what the ref points at now. Raises ReconcilerError."""
        for _ in range(_TRIES):
            identity = self._remote_id()
            if not identity:
                return Tip()
            if self._has(identity) or self._fetch(identity):
                return self._read(identity)
        raise ReconcilerError(f"{self.ref} moves faster than it can be read", hint="run it again")

    def commit(self, commit: Commit) -> str:
        """Make a commit in the local repository and return its id."""
        git = self._objects()
        rows = []
        for name, content in sorted(commit.files.items()):
            blob = git.ask("hash-object", "-w", "--no-filters", "--stdin", given=content).text
            rows.append(f"100644 blob {blob}\t{name}\n")
        tree = git.ask("mktree", given="".join(rows).encode()).text
        parents = [part for parent in dict.fromkeys(commit.parents) if parent for part in ("-p", parent)]
        more = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", commit.name), ("EMAIL", commit.email))
        }
        message = commit.message.encode()
        return git.ask("commit-tree", tree, *parents, "-F", "-", given=message, more=more).text

    def put(self, new: str, expected: str) -> None:
        """Let the ref point at `new`, if it points at `expected` now; "" stands for no ref, in both.

        Raises RefMoved when it points at something else, and ReconcilerError when the remote does not allow it.
        """
        if new == expected:
            return
        self._refuse_mirror()
        done = self._objects().run(
            "push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no",
            f"--force-with-lease={self.ref}:{expected}", self.remote, f"{new}:{self.ref}",
        )  # fmt: skip
        if done.code == 0:
            return
        # What the remote holds tells more than any message: the answer to a push that arrived may be lost.
        there = self._remote_id()
        if there == new:
            return
        if there != expected:
            raise RefMoved
        raise failure(f"pushing {self.ref} to {self.remote}", done, pushes=self.ref)

    def log(self, limit: int, start: str, passing: Collection[str] = ()) -> list[tuple[str, str, str, str]]:
        """Return id, author, time (RFC 3339) and message of commits, newest first, but of those with a subject to skip.

        More of the history is fetched when it is needed.
        """
        shown = ("--format=%H%x00%an <%ae>%x00%ad%x00%B%x01", "--date=format-local:%Y-%m-%dT%H:%M:%SZ")
        skipped = [f"--grep=^{subject}$" for subject in passing]
        found = (f"--max-count={limit}", "--first-parent", "--extended-regexp", *skipped, "--invert-grep", *shown)
        self._fetch(start, depth=limit + _DEEP_ENOUGH)
        done = self._objects().ask("log", *found, start, more={"TZ": "UTC"})
        text = done.out.decode("utf-8", "replace")
        rows = [row.strip("\n").split("\0") for row in text.split("\1") if row.strip()]
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def git_path(self, name: str) -> str:
        """Return where a file of ours stands inside the repository's own folder."""
        return self._git.ask("rev-parse", "--path-format=absolute", "--git-path", name).text

    def identity(self) -> tuple[str, str]:
        """Return the name and address that the repository's user has configured, "" for what is not."""
        name, email = (self._git.run("config", "--get", f"user.{what}").text for what in ("name", "email"))
        return name, email

    # ------------------------------------------------------------------ reading

    def _objects(self) -> Git:
        """Return Git where commits of the ref are kept, once everything is known to be as it must."""
        if self._own is None:
            self._check()
            self._own = own_repository(self._git, self.ref.replace("/", "_"))
        return self._own

    def _refuse_mirror(self) -> None:
        if self._git.run("config", "--type=bool", "--get", f"remote.{self.remote}.mirror").text == "true":
            raise UsageError(
                f"the remote {self.remote} is a mirror (remote.{self.remote}.mirror), to which whole repositories are "
                f"pushed: the next `git push` there would delete {self.ref}",
                hint="name a remote that is none with `ledger: {git: …, remote: NAME}`, or, if it should be none, "
                f"`git config --unset remote.{self.remote}.mirror`",
            )

    def _check(self) -> None:
        inside = self._git.run("rev-parse", "--git-dir")
        if inside.code != 0:
            raise failure("reading the ledger", inside)
        remotes = self._git.run("remote").text.split()
        if self.remote not in remotes:
            known = f"remotes here: {', '.join(remotes)}; choose one with `ledger: {{git: …, remote: NAME}}`"
            raise UsageError(
                f"the repository has no remote {self.remote!r}, where the ledger {self.ref} would be",
                hint=known if remotes else f"add it with `git remote add {self.remote} URL`, or use a ledger in a file",
            )
        if self._url:
            refuse_other_remote(self._git, self.remote, self._url)

    def _remote_id(self) -> str:
        done = self._objects().run("ls-remote", "--refs", self.remote, self.ref)
        if done.code != 0:
            raise failure(f"reading {self.ref} of {self.remote}", done, reads=self.remote)
        # The pattern also fits refs/x/refs/reconciler/y.
        rows = [line.split("\t") for line in done.text.splitlines()]
        return next((row[0] for row in rows if len(row) == 2 and row[1] == self.ref), "")

    def _has(self, identity: str) -> bool:
        return self._objects().run("cat-file", "-e", f"{identity}^{{tree}}").code == 0

    def _fetch(self, identity: str, depth: int = _DEEP_ENOUGH) -> bool:
        """Fetch the ref and tell whether `identity` has come along; not when the ref has moved meanwhile."""
        what = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune", "--refmap=", "--recurse-submodules=no")
        git = self._objects()
        done = git.run("fetch", f"--depth={depth}", *what, self.remote, self.ref)
        if done.code != 0 and "shallow" in done.err:  # a server that has no part of a history to give, or two at once
            done = git.run("fetch", *what, self.remote, self.ref)
        if done.code != 0 and "couldn't find remote ref" not in done.err:
            raise failure(f"fetching {self.ref} from {self.remote}", done, reads=self.remote)
        return done.code == 0 and self._has(identity)

    def _read(self, identity: str) -> Tip:
        git = self._objects()
        parent, _, subject = git.ask("log", "-1", "--format=%P%x00%s", identity).text.partition("\0")
        names = git.ask("ls-tree", "--full-tree", "--name-only", "-z", identity).out.decode("utf-8", "replace")
        files = {name: self._blob(identity, name).out for name in names.split("\0") if name}
        return Tip(id=identity, parent=parent.split(" ")[0], subject=subject, files=files)

    def _blob(self, identity: str, name: str) -> Done:
        return self._objects().ask("cat-file", "blob", f"{identity}:{name}")
