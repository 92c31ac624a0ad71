"""Real Git repositories for the tests of the ledger: a bare remote, and clones of it as pipelines make them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import Bench, make_bench

REF = "refs/reconciler/sandbox"


def git_environment(home: Path) -> dict[str, str]:
    """Return the environment of a machine where nobody has configured Git."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def git(folder: Path, *arguments: str, more: Mapping[str, str] | None = None, given: bytes | None = None) -> str:
    """Run git in `folder` and return what it says. Fails the test when git fails."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**git_environment(folder), **_AUTHOR, **(more or {})},
        stdin=subprocess.DEVNULL if given is None else None,
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.decode().strip()


_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "tester"), ("EMAIL", "tester@example.test"))
}


def make_remote(folder: Path) -> Path:
    """Return a bare repository with three commits on `main`, as strict as servers are."""
    remote, seed = folder / "remote.git", folder / "seed"
    for place in (remote, seed):
        place.mkdir(parents=True)
    git(remote, "init", "--quiet", "--bare", "--initial-branch=main")
    for strict in ("denyNonFastForwards", "denyDeletes"):
        git(remote, "config", f"receive.{strict}", "true")
    git(seed, "init", "--quiet", "--initial-branch=main")
    for number in range(3):
        (seed / "file").write_text(str(number))
        git(seed, "add", "file")
        git(seed, "commit", "--quiet", "-m", f"commit {number}")
    git(seed, "push", "--quiet", str(remote), "main")
    return remote


def clone(remote: Path, folder: Path, *options: str) -> Path:
    """Clone `remote` into `folder`, and return it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(folder.parent, "clone", "--quiet", *options, remote.as_uri(), str(folder))
    return folder


def shallow_detached(remote: Path, folder: Path) -> Path:
    """Return what a pipeline checks out: one commit, on no branch."""
    clone(remote, folder, "--depth=1", "--single-branch", "--no-tags")
    git(folder, "checkout", "--quiet", "--detach")
    return folder


def state_of(folder: Path) -> dict[str, Any]:
    """Return everything that a ledger must not touch: refs, head, index, work tree, shallowness."""
    shallow = folder / ".git" / "shallow"
    return {
        "refs": git(folder, "for-each-ref"),
        "head": (folder / ".git" / "HEAD").read_text(),
        "index": (folder / ".git" / "index").read_bytes(),
        "status": git(folder, "status", "--porcelain", "--untracked-files=no"),
        "shallow": shallow.read_text() if shallow.exists() else None,
        "config": (folder / ".git" / "config").read_text(),
        "fetch head": (folder / ".git" / "FETCH_HEAD").exists(),
    }


def git_bench(folder: Path, **variants: Any) -> Bench:
    """Return a bench in `folder`, a clone, whose ledger is a ref of its remote."""
    bench = make_bench(folder, **variants)
    use_git(bench.config)
    bench.environ.update(git_environment(folder))
    return bench


def use_git(config: Path) -> None:
    """Let the ledger be in Git."""
    text = config.read_text()
    assert "{file: ledger.json}" in text
    config.write_text(text.replace("{file: ledger.json}", f"{{git: {REF}}}"))


def subjects(remote: Path, ref: str = REF) -> list[str]:
    """Return the subjects of the ref's commits that tell of something, newest first."""
    passing = {"lock", "lock released", "cut short"}
    subjects = git(remote, "log", "--first-parent", "--format=%s", ref).splitlines()
    return [subject for subject in subjects if subject not in passing]
