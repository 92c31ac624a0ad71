"""Ledger refs on servers that take fast-forward updates only, that refuse, and that hold a long history."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from bench import Bench, assert_applied, rows
from repositories import (
    REF,
    clone,
    git,
    git_bench,
    git_environment,
    make_remote,
    shallow_detached,
    state_of,
    subjects,
)

from reconciler.core.errors import ReconcilerError, UsageError
from reconciler.core.memory.journal import Event
from reconciler.shell.git.command import Git
from reconciler.shell.memory.git_ref import Commit, GitRef
from reconciler.workflow.commands import open_memory


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path)


@pytest.fixture
def bench(tmp_path: Path, remote: Path) -> Bench:
    return git_bench(shallow_detached(remote, tmp_path / "ci")).keep("galtea")


def hook(remote: Path, text: str) -> Path:
    path = remote / "hooks" / "pre-receive"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


FORWARD_ONLY = """while read old new ref; do
  case $new in 0000*) echo "GH013: deleting $ref is prohibited" >&2; exit 1;; esac
  case $old in 0000*) continue;; esac
  git merge-base --is-ancestor $old $new || { echo "GH013: $ref is protected: cannot force-push" >&2; exit 1; }
  echo "$old $new" >>$GIT_DIR/../pushed
done"""


def test_the_ref_only_moves_forward(bench: Bench, remote: Path) -> None:
    hook(remote, FORWARD_ONLY)
    assert_applied(bench.apply())  # takes the lock where there was nothing
    assert_applied(bench.apply())  # without work: lets go of the lock, and records nothing
    bench.rewrite("timeout: 15", "timeout: 16")
    assert_applied(bench.apply())
    memory = open_memory(bench.load().settings, bench.options())
    memory.lock()
    memory.unlock(Event(what="unlock", note="by hand"))
    bench.rewrite("timeout: 16", "timeout: 17")
    report = bench.apply()
    assert_applied(report)
    assert report.problems == ()
    assert [one.partition(":")[0] for one in subjects(remote)] == ["apply", "unlock", "apply", "apply"]
    assert [event.what for event in memory.history(10)] == ["apply", "unlock", "apply", "apply"]
    assert [event.what for event in memory.history(2)] == ["apply", "unlock"]
    assert len((remote.parent / "pushed").read_text().splitlines()) >= 9


# --------------------------------------------------------------------------- refusals

REASONS = {
    "rule": (
        "remote: error: GH013: Repository rule violations found",
        "create and update refs/reconciler/sandbox there",
    ),
    "hook": ("no", "create and update refs/reconciler/sandbox there"),
    "permission": ("Permission to o/r.git denied to fake-bot", "permissions: {contents: write}"),
}
PUSHES = ["lock", "record", "end", "release"]  # of an apply, in this order; the last one where the end was refused


def refuse_from(remote: Path, number: int, reason: str) -> Path:
    """Let the server refuse all pushes from this one on."""
    count = remote.parent / "count"
    count.unlink(missing_ok=True)
    counted = f"n=$(cat {count} 2>/dev/null || echo 0); echo $((n+1)) >{count}"
    return hook(remote, f"{counted}\n[ $n -lt {number} ] || {{ echo '{reason}' >&2; exit 1; }}")


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("at", PUSHES[:3])
def test_each_refusal_of_a_push_says_what_was_refused_and_whether_anything_was_sent(
    bench: Bench, remote: Path, reason: str, at: str
) -> None:
    text, hint = REASONS[reason]
    before = rows(bench, "galtea.endpointConnections")
    closed = refuse_from(remote, PUSHES.index(at), text)
    if at == "lock":
        with pytest.raises(ReconcilerError) as caught:
            bench.apply()
        message, told = caught.value.message, caught.value.hint
        assert message.startswith("the lock cannot be taken, so nothing was sent: pushing refs/reconciler/sandbox to ")
    else:
        report = bench.apply()
        (problem,) = (one for one in report.problems if one.code == "ledger-not-written")
        message, told = problem.message, problem.hint
        assert problem.code == "ledger-not-written"
        if at == "record":
            assert message.startswith("nothing was sent to any system, and the ledger was not written: pushing ")
            failed = {outcome.detail for outcome in report.outcomes}
            assert any(one.startswith("the run cannot be put on record, so nothing was sent: ") for one in failed), (
                failed
            )
        else:
            assert message.startswith("the changes were made, and the ledger does not know of them: pushing ")
        assert "the lock of this run stays until `reconciler ledger unlock " in told
    assert text in message
    assert hint in told
    wrote = rows(bench, "galtea.endpointConnections") != before
    assert wrote == (at == "end")
    closed.unlink()
    if at != "lock":
        memory = open_memory(bench.load().settings, bench.options())
        memory.unlock(Event(what="unlock"))
    assert_applied(bench.apply())
    assert not bench.plan().has_work


def test_a_lock_that_cannot_be_released_is_named(bench: Bench, remote: Path) -> None:
    assert_applied(bench.apply())
    refuse_from(remote, 1, "no")
    with pytest.raises(
        ReconcilerError, match=r"the lock cannot be released; `reconciler ledger unlock \w+` does it later"
    ):
        bench.apply()


def test_a_mirror_is_named_and_nothing_is_pushed_to_it(bench: Bench, remote: Path) -> None:
    git(bench.folder, "config", "remote.origin.mirror", "true")
    bench.plan()  # reads only
    with pytest.raises(UsageError, match=r"nothing was sent: the remote origin is a mirror \(remote\.origin\.mirror\)"):
        bench.apply()
    assert git(remote, "for-each-ref", "refs/reconciler") == ""
    git(bench.folder, "config", "--unset", "remote.origin.mirror")
    assert_applied(bench.apply())


# --------------------------------------------------------------------------- long histories


def long_history(remote: Path, count: int) -> None:
    """Let the ref hold `count` applies, each with a ledger of its own."""
    assert git(remote, "rev-parse", REF)
    base = git(remote, "cat-file", "blob", f"{REF}:ledger.json")
    lines = []
    for number in range(count):
        content = f"{number}\n{base}".encode() if number < count - 1 else base.encode()
        message = f"apply: run {number}".encode()
        start = f"from {REF}^0\n" if number == 0 else ""
        lines.append(
            f"commit {REF}\ncommitter t <t@t> {1700000000 + number} +0000\ndata {len(message)}\n".encode()
            + message
            + b"\n"
            + start.encode()
            + f"M 100644 inline ledger.json\ndata {len(content)}\n".encode()
            + content
            + b"\n"
        )
    git(remote, "fast-import", "--quiet", "--force", given=b"".join(lines))


def own_repository(bench: Bench) -> Path:
    return bench.folder / ".git" / "reconciler" / f"{REF.replace('/', '_')}.git"


@pytest.mark.parametrize("full", [True, False], ids=["full clone", "shallow clone"])
def test_the_ref_alone_is_fetched_and_shallow_and_deepened_for_the_history(
    tmp_path: Path, remote: Path, bench: Bench, full: bool
) -> None:
    assert_applied(bench.apply())
    long_history(remote, 300)
    other = git_bench((clone if full else shallow_detached)(remote, tmp_path / "other")).keep("galtea")
    other.estate = bench.estate
    before, objects = state_of(other.folder), git(other.folder, "count-objects", "-v")
    assert not other.plan().has_work
    own = own_repository(other)
    assert int(git(own, "rev-list", "--count", git(remote, "rev-parse", REF))) == 2
    assert int(git(own, "count-objects").split()[0]) <= 6
    memory = open_memory(other.load().settings, other.options())
    assert [event.note or event.what for event in memory.history(5)] == ["apply"] * 5
    assert len(memory.history(1000)) == 301
    assert state_of(other.folder) == before
    assert git(other.folder, "count-objects", "-v") == objects, "nothing is left in the repository of the manifests"
    other.rewrite("timeout: 15", "timeout: 16")
    assert_applied(other.apply())
    assert len(memory.history(1000)) == 302


def test_settings_that_are_included_on_a_condition_lead_to_the_remote_too(tmp_path: Path, remote: Path) -> None:
    """As checkouts keep their credentials in workflows: in a file that is included for this folder only."""
    folder = clone(remote, tmp_path / "work")
    git(folder, "remote", "set-url", "origin", "nowhere:x")
    (tmp_path / "more").write_text(f'[url "{remote.as_uri()}"]\n\tinsteadOf = nowhere:x\n')
    git(folder, "config", f"includeIf.gitdir:{folder / '.git'}.path", str(tmp_path / "more"))
    ref = GitRef(Git(folder, git_environment(tmp_path)), REF, "origin")
    ref.put(ref.commit(Commit(files={"a": b"1"}, message="m")), "")
    assert ref.tip().files == {"a": b"1"}
