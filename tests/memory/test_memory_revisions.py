"""What was applied last, and what may come after it: revisions, and saved plans that are used once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bench import Bench, assert_applied
from repositories import REF, clone, git, git_bench, make_remote, subjects

from reconciler.core.errors import Refused
from reconciler.core.memory.ledger import MOST_PLANS, Ledger
from reconciler.core.report import Report
from reconciler.shell.files.json_document import read_document
from reconciler.shell.git.revision import Revision, comes_after, git_revision
from reconciler.shell.memory.ledger_text import ledger_text
from reconciler.workflow.approvals import (
    already_applied,
    apply_approved,
    compare_with_approval,
    open_approval,
    save_plan,
)
from reconciler.workflow.commands import Connections, load, plan

TIMEOUT = "manifests/galtea/support-bot-init.yaml"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_remote(tmp_path)


@pytest.fixture
def bench(tmp_path: Path, remote: Path) -> Bench:
    """Return a target whose manifests are committed."""
    bench = git_bench(clone(remote, tmp_path / "ci")).keep("galtea")
    commit(bench, "first")
    return bench


def commit(bench: Bench, message: str) -> str:
    git(bench.folder, "add", "--all", "manifests", "reconciler.yaml")
    git(bench.folder, "commit", "--quiet", "--allow-empty", "-m", message)
    git(bench.folder, "push", "--quiet", "origin", "HEAD:main")
    return git(bench.folder, "rev-parse", "HEAD")


def last(remote: Path) -> str:
    revision = json.loads(git(remote, "show", f"{REF}:ledger.json")).get("revision", "")
    assert isinstance(revision, str)
    return revision


def checked_out(bench: Bench, remote: Path, folder: Path, revision: str, *, deep: bool) -> Bench:
    """Return the same target as a pipeline sees it that checks out one revision."""
    git(folder.parent, "init", "--quiet", str(folder))
    git(folder, "remote", "add", "origin", remote.as_uri())
    git(folder, "fetch", "--quiet", *([] if deep else ["--depth=1"]), "origin", revision)
    git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    return replace(bench, folder=folder, environ={**bench.environ}, recordings={}, _loaded=None)


# --------------------------------------------------------------------------- revisions


@pytest.mark.parametrize("deep", [True, False], ids=["full", "shallow"])
def test_an_older_revision_is_refused_and_a_newer_one_is_not(
    bench: Bench, remote: Path, tmp_path: Path, deep: bool
) -> None:
    first = git(bench.folder, "rev-parse", "HEAD")
    assert_applied(bench.apply())
    assert last(remote) == first
    bench.rewrite("timeout: 15", "timeout: 16")
    second = commit(bench, "second")
    commit(bench, "of another folder")
    git(bench.folder, "checkout", "--quiet", "--detach", second)
    assert_applied(bench.apply())
    older = checked_out(bench, remote, tmp_path / "older", first, deep=deep)
    with pytest.raises(Refused, match=f"{first[:12]} does not come after {second[:12]}, which was applied"):
        older.apply()
    assert not bench.plan().has_work, "nothing was sent"
    newer = checked_out(bench, remote, tmp_path / "newer", git(remote, "rev-parse", "main"), deep=deep)
    assert_applied(newer.apply())
    assert last(remote) == git(remote, "rev-parse", "main"), "also where there was nothing to do"
    assert len(subjects(remote)) == 2
    assert_applied(older.apply(allow_older=True))
    assert last(remote) == first


def test_a_branch_that_was_not_merged_is_not_what_came_after(bench: Bench, remote: Path) -> None:
    base = git(bench.folder, "rev-parse", "HEAD")
    bench.rewrite("timeout: 15", "timeout: 16")
    commit(bench, "on main")
    assert_applied(bench.apply())
    git(bench.folder, "checkout", "--quiet", "-B", "side", base)
    bench.rewrite("timeout: 15", "timeout: 17")
    git(bench.folder, "commit", "--quiet", "-am", "on the side")
    with pytest.raises(Refused, match="does not come after"):
        bench.apply()
    git(bench.folder, "merge", "--quiet", "-s", "ours", "-m", "merged", "origin/main")
    assert_applied(bench.apply())


def test_a_long_shallow_history_is_fetched_as_far_as_it_takes(bench: Bench, remote: Path, tmp_path: Path) -> None:
    begin = git(bench.folder, "rev-parse", "HEAD")
    stream = "".join(
        f"commit refs/heads/main\ncommitter t <t@t> {1700000000 + n} +0000\ndata 1\nx\n"
        + (f"from {begin}\n" if n == 0 else "")
        for n in range(250)
    )
    git(remote, "fast-import", "--quiet", given=stream.encode())
    tip = git(remote, "rev-parse", "main")
    place = checked_out(bench, remote, tmp_path / "late", tip, deep=False)
    objects = git(place.folder, "count-objects", "-v")
    assert comes_after(place.folder, place.environ, begin, "origin") is True
    assert comes_after(place.folder, place.environ, "0" * 40, "origin") is False
    assert git(place.folder, "rev-parse", "--is-shallow-repository") == "true"
    assert git(place.folder, "count-objects", "-v") == objects
    git(place.folder, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    early = checked_out(bench, remote, tmp_path / "early", begin, deep=False)
    git(early.folder, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    assert comes_after(early.folder, early.environ, tip, "origin") is None


def test_a_history_that_cannot_be_had_is_no_permission(bench: Bench, remote: Path, tmp_path: Path) -> None:
    assert_applied(bench.apply())
    tip = commit(bench, "second")
    place = checked_out(bench, remote, tmp_path / "late", tip, deep=False)
    place.environ["GIT_ALLOW_PROTOCOL"] = "file"
    git(place.folder, "remote", "add", "other", remote.as_uri())
    place.config.write_text(place.config.read_text().replace(f"{{git: {REF}}}", "{file: ledger.json}"))
    text = ledger_text(Ledger(target="sandbox", revision=git(remote, "rev-parse", "main~2")))
    place.ledger.write_text(text)
    git(place.folder, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(Refused, match="shallow clone does not show") as caught:
        place.apply()
    assert "fetch-depth: 0" in caught.value.hint
    assert_applied(place.apply(allow_older=True))


def test_a_ledger_that_knows_a_revision_wants_one(bench: Bench, tmp_path: Path) -> None:
    assert_applied(bench.apply())
    bench.config.write_text(bench.config.read_text().replace(f"{{git: {REF}}}", "{file: ledger.json}"))
    bench.ledger.write_text(ledger_text(Ledger(target="sandbox", revision="0" * 40)))
    (bench.folder / ".git").rename(tmp_path / "hidden")
    bench.environ["GIT_CEILING_DIRECTORIES"] = str(tmp_path)
    with pytest.raises(Refused, match="here is no Git revision that could come after 000000000000"):
        bench.apply()


# --------------------------------------------------------------------------- work trees that differ


def edit(bench: Bench) -> None:
    bench.rewrite("timeout: 15", "timeout: 16")


def add(bench: Bench) -> None:
    (bench.manifests / "more.yaml").write_text("# new\n")


def remove(bench: Bench) -> None:
    next(bench.manifests.rglob("*.yaml")).unlink()


def stage(bench: Bench) -> None:
    edit(bench)
    git(bench.folder, "add", "manifests")


def configure(bench: Bench) -> None:
    bench.config.write_text(bench.config.read_text() + "# more\n")


def elsewhere(bench: Bench) -> None:
    (bench.folder / "notes.txt").write_text("no manifest\n")


def in_use(bench: Bench) -> Revision:
    return git_revision(bench.folder, bench.environ, [bench.config, bench.manifests])


@pytest.mark.parametrize("do", [edit, add, remove, stage, configure, elsewhere])
def test_a_work_tree_that_differs_is_told_from_one_that_does_not(bench: Bench, do: Callable[[Bench], None]) -> None:
    head = git(bench.folder, "rev-parse", "HEAD")
    assert in_use(bench) == Revision(id=head)
    do(bench)
    assert in_use(bench) == Revision(id=head, dirty=do is not elsewhere)


def test_files_outside_of_the_repository_are_not_in_its_commit(bench: Bench, tmp_path: Path) -> None:
    assert git_revision(bench.folder, bench.environ, [tmp_path]).dirty


def test_a_filter_in_the_commit_does_not_run(bench: Bench, tmp_path: Path) -> None:
    (bench.folder / ".gitattributes").write_text("*.yaml filter=mine\n")
    mark = tmp_path / "mark"
    for key, value in {"clean": f"touch {mark}; cat", "process": f"touch {mark}", "required": "true"}.items():
        git(bench.folder, "config", f"filter.mine.{key}", value)
    edit(bench)
    assert in_use(bench).dirty
    assert not mark.exists()


def test_a_run_on_a_dirty_tree_says_so_in_ledger_history_and_saved_plan(bench: Bench, remote: Path) -> None:
    head = git(bench.folder, "rev-parse", "HEAD")
    edit(bench)
    path = saved(bench)
    document = json.loads(path.read_text())
    assert (document["revision"], document["dirty"]) == (head, True)
    assert_applied(bench.apply())
    assert last(remote) == f"{head}-dirty"
    assert f"Revision: {head}-dirty" in git(remote, "log", "-1", "--grep=^apply", "--format=%B", REF)
    commit(bench, "what was applied")
    assert_applied(bench.apply())  # comes after it
    assert json.loads(saved(bench).read_text())["dirty"] is False


# --------------------------------------------------------------------------- saved plans are used once


def saved(bench: Bench, name: str = "plan.json") -> Path:
    options = bench.options()
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        save_plan(plan(loaded, connections, options), loaded, options, bench.folder / name)
    return bench.folder / name


def use(bench: Bench, path: Path) -> Report | str:
    """Apply a saved plan as the command does; return when it was applied, where that was before."""
    approval, options = open_approval(path, bench.options(), None)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        found = compare_with_approval(approval, planned, loaded, options)
        return already_applied(found, planned, loaded) or apply_approved(
            found, planned, loaded, connections, options, lambda outcome: None
        )


def test_a_saved_plan_is_used_once(bench: Bench, remote: Path) -> None:
    assert_applied(bench.apply())
    edit(bench)
    path = saved(bench)
    report = use(bench, path)
    assert isinstance(report, Report)
    assert_applied(report)
    digest = read_document(path, "", "")["digest"]
    assert list(json.loads(git(remote, "show", f"{REF}:ledger.json"))["plans"]) == [digest]
    assert isinstance(use(bench, path), str)  # all of it is in place
    bench.rewrite("timeout: 16", "timeout: 15")
    assert_applied(bench.apply())
    bench.rewrite("timeout: 15", "timeout: 16")
    with pytest.raises(Refused, match=r"this plan was already applied on .*changed since in 1 place") as caught:
        use(bench, path)
    assert [one.code for one in caught.value.diagnostics] == ["already-applied"]
    bench.time.sleep(1.0)
    again = use(bench, saved(bench, "again.json"))
    assert isinstance(again, Report)
    assert_applied(again)


def test_a_plan_that_was_in_place_already_is_used_too(bench: Bench) -> None:
    assert_applied(bench.apply())
    edit(bench)
    path = saved(bench)
    assert_applied(bench.apply())
    assert isinstance(use(bench, path), Report)
    assert isinstance(use(bench, path), str)


def test_the_newest_plans_are_remembered() -> None:
    ledger = Ledger(target="test")
    for number in range(MOST_PLANS + 3):
        at = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
        ledger = ledger.having_used(f"{number:064x}", at)
    assert len(ledger.plans) == MOST_PLANS
    assert f"{2:064x}" not in ledger.plans
    assert f"{MOST_PLANS + 2:064x}" in ledger.plans


def test_ledgers_of_before_are_read(bench: Bench, remote: Path) -> None:
    assert_applied(bench.apply())
    document = json.loads(git(remote, "show", f"{REF}:ledger.json"))
    old = {key: value for key, value in document.items() if key not in ("revision", "plans")} | {"format": 2}
    bench.config.write_text(bench.config.read_text().replace(f"{{git: {REF}}}", "{file: ledger.json}"))
    bench.ledger.write_text(json.dumps(old))
    assert not bench.plan().has_work
    assert_applied(bench.apply())
