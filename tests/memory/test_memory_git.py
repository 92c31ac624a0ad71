"""The ledger in a Git ref, with real repositories: a bare remote, shallow clones, detached heads."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bench import Bench, assert_applied, change_of, rows
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

from reconciler.core.address import Address
from reconciler.core.errors import ReconcilerError, Refused, UsageError
from reconciler.core.memory.journal import Event, Intent
from reconciler.core.model import Action, Cause, Comparability
from reconciler.shell.git.command import Git, redacted
from reconciler.shell.memory.git_ref import Commit, GitRef, RefMoved
from reconciler.workflow.commands import open_memory

NAME = "EndpointConnection/support-bot-prod"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path)


@pytest.fixture
def bench(tmp_path: Path, remote: Path) -> Bench:
    return git_bench(shallow_detached(remote, tmp_path / "ci")).keep("galtea")


def elsewhere(bench: Bench, folder: Path) -> Bench:
    """Return the same target as another machine sees it, from `folder`, with the same live systems."""
    shutil.copytree(bench.manifests, folder / "manifests")
    shutil.copy(bench.config, folder / "reconciler.yaml")
    return replace(bench, folder=folder, environ={**bench.environ}, recordings={}, _loaded=None)


def codes(bench: Bench) -> list[str]:
    return [one.code for one in bench.plan().diagnostics]


def test_one_commit_for_each_apply_and_nothing_else_is_touched(bench: Bench, remote: Path) -> None:
    before, branches = state_of(bench.folder), git(remote, "for-each-ref", "refs/heads")
    assert codes(bench) == ["no-ledger"]
    report = bench.apply()
    assert_applied(report)
    assert report.problems == ()
    assert not bench.plan().has_work
    assert codes(bench) == []
    bench.apply()
    assert len(subjects(remote)) == 1, "an apply without work leaves no trace"
    assert state_of(bench.folder) == before
    assert git(remote, "for-each-ref", "refs/heads") == branches
    assert git(remote, "ls-tree", "--name-only", REF).split() == ["ledger.json"]
    message = git(remote, "log", "-1", "--grep=^apply", "--format=%B", REF)
    head = git(bench.folder, "rev-parse", "HEAD")
    assert f"Revision: {head}" in message
    assert f"Plan: {report.plan_digest}" in message
    assert f"- applied create galtea.{NAME}" in message


def test_another_clone_remembers_what_the_first_one_did(bench: Bench, remote: Path, tmp_path: Path) -> None:
    bench.apply()
    other = elsewhere(bench, clone(remote, tmp_path / "other"))
    assert not other.plan().has_work
    row = rows(bench, "galtea.endpointConnections", name="support-bot-prod")[0]
    bench.estate.galtea.stored("endpointConnections")
    bench.estate.galtea.seed("endpointConnections", {**row, "timeout": 7})
    (change,) = other.plan(NAME).pending
    assert {field.cause for field in change.fields} == {Cause.DRIFT}
    other.apply()
    assert len(subjects(remote)) == 2
    assert not bench.plan().has_work


def test_a_configuration_in_a_folder_of_the_repository_is_remembered(
    bench: Bench, remote: Path, tmp_path: Path
) -> None:
    """Git lists a tree from the folder that it runs in, unless it is told otherwise."""
    place = shallow_detached(remote, tmp_path / "other") / "estates" / "eu"
    place.mkdir(parents=True)
    inside = elsewhere(bench, place)
    inside.apply()
    inside.rewrite("timeout: 15", "timeout: 16")
    (change,) = inside.plan().pending
    assert change.fields[0].cause is Cause.MANIFEST  # without its memory it would not know


def test_a_deleted_ref_is_an_empty_ledger_and_makes_no_duplicates(bench: Bench, remote: Path) -> None:
    bench.apply()
    count = len(rows(bench, "galtea.endpointConnections"))
    git(remote, "update-ref", "-d", REF)
    assert codes(bench) == ["no-ledger"]
    assert not bench.plan().has_work
    bench.apply()
    assert len(rows(bench, "galtea.endpointConnections")) == count
    assert len(subjects(remote)) == 1, "what was found is on record again"


@pytest.mark.parametrize("happens", ["deleted", "put back", "locked by another"])
def test_what_happens_to_the_ref_during_an_apply_loses_no_record(bench: Bench, remote: Path, happens: str) -> None:
    bench.apply("Product/*")
    first = git(remote, "rev-parse", REF)
    bench.apply("*/support-bot-init")
    second = git(remote, "rev-parse", REF)

    def interfere() -> None:
        match happens:
            case "deleted":
                git(remote, "update-ref", "-d", REF)
            case "put back":
                git(remote, "update-ref", REF, first)
            case _:
                git(remote, "update-ref", REF, second)
                other = open_memory(bench.load().settings, bench.options())
                other.lock()

    options = bench.options()
    loaded = bench.load(options)
    with open_memory(loaded.settings, options) as memory:
        memory.lock()
        folded = memory.read().folded
        interfere()
        record = next(iter(folded.ledger.records.values()))
        address = Address("galtea", "Product", "one-more")
        ledger = replace(folded.ledger, records={**folded.ledger.records, address: record})
        memory.finish(replace(folded, ledger=ledger), Event(what="apply", note="by hand"))
    after = open_memory(loaded.settings, options).read()
    assert address in after.folded.ledger.records
    assert len(after.folded.ledger.records) >= (2 if happens == "put back" else len(ledger.records))
    assert (after.holder is not None) == (happens == "locked by another"), "a lock of theirs stays theirs"


def test_two_who_push_at_once_do_not_both_win(remote: Path, tmp_path: Path) -> None:
    refs = [
        GitRef(Git(clone(remote, tmp_path / name), git_environment(tmp_path)), REF, "origin") for name in ("one", "two")
    ]
    commits = [ref.commit(Commit(files={"a": name}, message="m")) for ref, name in zip(refs, (b"1", b"2"), strict=True)]
    refs[0].put(commits[0], "")
    with pytest.raises(RefMoved):
        refs[1].put(commits[1], "")
    assert refs[1].tip().files == {"a": b"1"}
    refs[0].put(commits[0], "")  # an answer that was lost: what is there is what was to be there


def test_a_lock_holds_from_machine_to_machine(bench: Bench, remote: Path, tmp_path: Path) -> None:
    other = elsewhere(bench, clone(remote, tmp_path / "other"))
    with open_memory(bench.load().settings, bench.options()) as memory:
        memory.lock()
        with pytest.raises(Refused, match="is locked") as caught:
            other.apply()
        assert f"reconciler ledger unlock {memory.run.token}" in caught.value.hint
        assert codes(other)[-1] == "apply-in-progress"
    assert_applied(other.apply())
    assert subjects(remote) == ["apply: 14 applied"]


# --------------------------------------------------------------------------- what can be wrong


def no_repository(bench: Bench, folder: Path) -> None:
    shutil.rmtree(bench.folder / ".git")
    bench.environ["GIT_CEILING_DIRECTORIES"] = str(folder)


def no_remote(bench: Bench, _: Path) -> None:
    git(bench.folder, "remote", "rename", "origin", "upstream")


def no_git(bench: Bench, folder: Path) -> None:
    bench.environ["PATH"] = str(folder / "nothing-here")


def not_there(bench: Bench, folder: Path) -> None:
    git(bench.folder, "remote", "set-url", "origin", f"https://user:fake-token-not-real@127.0.0.1:1/{folder.name}.git")


def may_not_push(bench: Bench, folder: Path) -> None:
    hook = folder / "remote.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'Permission denied to fake-bot' >&2\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("spoil", "says", "hint"),
    [
        pytest.param(no_repository, "not a git repository", "in a clone of the repository", id="no-repository"),
        pytest.param(no_remote, "no remote 'origin'", "remotes here: upstream", id="no-remote"),
        pytest.param(no_git, "no `git` command", "install git", id="no-git"),
        pytest.param(not_there, "127.0.0.1", "check the connection", id="no-connection"),
        pytest.param(may_not_push, "Permission denied", "permissions: {contents: write}", id="no-permission"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    bench: Bench, tmp_path: Path, spoil: Callable[[Bench, Path], None], says: str, hint: str
) -> None:
    before = rows(bench, "galtea.endpointConnections")
    spoil(bench, tmp_path)
    with pytest.raises(ReconcilerError) as caught:
        bench.apply()
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert "fake-token-not-real" not in caught.value.message + caught.value.hint
    assert rows(bench, "galtea.endpointConnections") == before, "nothing is sent that could not be remembered"


def test_a_ledger_that_cannot_be_pushed_at_the_end_is_told_and_settled_later(bench: Bench, tmp_path: Path) -> None:
    hook = tmp_path / "remote.git" / "hooks" / "pre-receive"

    def close() -> None:
        # The lock and the intents pass, the final commit does not, letting go of the lock does.
        hook.write_text(
            f"#!/bin/sh\nn=$(cat {tmp_path}/n 2>/dev/null || echo 0)\necho $((n+1)) > {tmp_path}/n\n[ $n -ne 2 ]\n"
        )
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    report = bench.apply(between=close)
    assert [problem.code for problem in report.problems] == ["ledger-not-written"]
    hook.unlink()
    assert not bench.plan().has_work, "the local journal knows how each change ended"
    assert_applied(bench.apply())
    assert codes(bench) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x-access-token:fake@github.example/o/r", "https://(sensitive)@github.example/o/r"),
        ("fatal: 'https://fake@host/r.git/'", "fatal: 'https://(sensitive)@host/r.git/'"),
        ("ssh://git@host/r", "ssh://(sensitive)@host/r"),
        ("https://host/r", "https://host/r"),
    ],
)
def test_credentials_in_urls_are_left_out(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_a_file_and_a_ref_are_not_both_the_ledger(bench: Bench) -> None:
    text = bench.config.read_text()
    bench.config.write_text(text.replace("{git: ", "{file: l.json, git: "))
    with pytest.raises(ReconcilerError):
        bench.plan()
    bench.config.write_text(text.replace("{git: ", "{remote: upstream, git: "))
    with pytest.raises(UsageError, match="no remote 'upstream'"):
        bench.plan()


def test_released_fields_are_noticed_in_either_place(bench: Bench) -> None:
    bench.apply()
    path = bench.manifests / "galtea" / "support-bot-prod.yaml"
    path.write_text(path.read_text().replace("  timeout: 30", "  # no timeout"))
    change = change_of(bench.plan(NAME), "support-bot-prod")
    assert change.action is Action.UNCHANGED
    assert "no longer stated, the value stays as it is: /timeout" in change.notes


@pytest.mark.parametrize("key", ["fake-ledger-key-not-real-but-long-enough", ""], ids=["keyed", "salted"])
def test_a_rotated_secret_is_noticed(bench: Bench, key: str) -> None:
    bench.environ["RECONCILER_LEDGER_KEY"] = key
    bench.apply()
    assert not bench.plan().has_work
    bench.environ["SUPPORT_BOT_TOKEN"] = "fake-rotated-token-not-real"
    (change,) = bench.plan(NAME).pending
    assert [field.sensitive for field in change.fields] == [True]
    assert change.fields[0].cause is Cause.MANIFEST


def test_another_key_is_noticed_and_said(bench: Bench) -> None:
    bench.apply()
    bench.environ["RECONCILER_LEDGER_KEY"] = "another-fake-ledger-key-not-real-but-long-enough"
    made = bench.plan()
    assert not made.has_work, "that all secrets look different is no reason to send them"
    (told,) = [one for one in made.diagnostics if one.code == "ledger-key"]
    assert "another key" in told.message
    assert "--resend" in told.hint
    bench.apply()
    assert codes(bench) == ["ledger-key"], "the digests by the old key are not given up for nothing"
    bench.apply(trust_secrets=True)
    assert codes(bench) == []


def test_what_cannot_be_read_is_sent_once_and_again_only_when_it_may_not_have_arrived(
    tmp_path: Path, remote: Path
) -> None:
    bench = git_bench(clone(remote, tmp_path / "ci"), variants={"apinizer.settingsRead": "none"}).keep("apinizer")
    blind = [c.address for c in bench.plan().pending if c.comparability is Comparability.UNREADABLE and c.live]
    assert blind
    assert_applied(bench.apply())
    assert not bench.plan().has_work
    assert not elsewhere(bench, clone(remote, tmp_path / "other")).plan().has_work
    with open_memory(bench.load().settings, bench.options()) as memory:
        memory.lock()
        begun = Intent(run=memory.run.token, address=blind[0], action=Action.UPDATE, at="2026-01-02T03:04:05Z")
        memory.begin(memory.read().folded, [begun])
        memory.append(begun)
    assert [change.address for change in bench.plan().pending] == [blind[0]]
    assert_applied(bench.apply())
    assert not bench.plan().has_work


def test_a_remote_that_is_not_there_is_one_error_about_reading(bench: Bench, tmp_path: Path) -> None:
    git(bench.folder, "remote", "set-url", "origin", str(tmp_path / "nowhere.git"))
    with pytest.raises(ReconcilerError) as caught:
        bench.apply()
    assert "\n" not in caught.value.message
    assert "does not appear to be a git repository" in caught.value.message
    assert "whether the remote exists: `git ls-remote origin` must succeed here" in caught.value.hint
