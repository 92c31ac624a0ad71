"""`reconciler ledger …`, the lock between processes, and renamed manifests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, make_bench, rows
from repositories import clone, git_bench, make_remote

from reconciler.cli.main import main
from reconciler.core.address import Address
from reconciler.core.errors import Refused
from reconciler.core.memory.journal import Holder, Intent
from reconciler.core.model import Action
from reconciler.shell.memory.disk import FileLock
from reconciler.shell.memory.holder import is_dead, job_url, this_run
from reconciler.shell.memory.journal_text import holder_text
from reconciler.workflow.commands import open_memory

Run = Callable[..., tuple[int, str, str]]
NAME = "galtea.EndpointConnection/support-bot-prod"


@pytest.fixture(params=["file", "git"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """The same target with either place to remember in: nothing here may tell them apart."""
    if request.param == "file":
        return make_bench(tmp_path).keep("galtea")
    return git_bench(clone(make_remote(tmp_path), tmp_path / "ci")).keep("galtea")


@pytest.fixture
def run(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name, value in bench.environ.items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["ledger", *arguments, "--config", str(bench.config)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err, said.err
        return code, said.out, said.err

    return command


def document(run: Run, *arguments: str) -> Any:
    code, out, err = run(*arguments, "--format", "json")
    assert code == 0, err
    return json.loads(out)


def test_show_and_history(bench: Bench, run: Run) -> None:
    assert "remembers nothing" in run("show")[1]
    bench.apply()
    shown = document(run, "show")
    record = shown["records"][NAME]
    assert record["id"] == rows(bench, "galtea.endpointConnections", name="support-bot-prod")[0]["id"]
    assert record["secrets"] == ["/authToken"]
    assert (shown["keyed"], shown["lock"], shown["open"]) == (True, None, [])
    text = run("show", "support-bot-prod")[1]
    assert text.startswith(NAME)
    assert "/authToken" in text
    code, _, err = run("show", "suport-bot-prod")
    assert code == 3
    assert "the ledger knows no 'suport-bot-prod'" in err
    (event,) = document(run, "history")["events"]
    assert (event["what"], event["planDigest"] is not None) == ("apply", True)
    assert {"status": "applied", "action": "create", "address": NAME} in event["outcomes"]
    assert f"applied create {NAME}" in run("history", "-v")[1]


def test_forget(bench: Bench, run: Run) -> None:
    bench.apply()
    assert run("forget", "no-such-thing")[0] == 3
    assert document(run, "forget", "*/support-bot-prod")["forgotten"] == [NAME]
    assert NAME not in document(run, "show")["records"]
    assert [event["what"] for event in document(run, "history")["events"]] == ["forget", "apply"]
    assert_applied(bench.apply())
    assert NAME in document(run, "show")["records"]
    assert len(rows(bench, "galtea.endpointConnections", name="support-bot-prod")) == 1


def test_move_keeps_the_object_of_a_manifest_whose_name_is_its_key(bench: Bench, run: Run) -> None:
    bench.apply()
    path = bench.manifests / "galtea" / "sales-assistant.yaml"
    old = "galtea.EndpointConnection/sales-assistant-prod"
    (row,) = rows(bench, "galtea.endpointConnections", name="sales-assistant-prod")
    path.write_text(path.read_text().replace("name: sales-assistant-prod", "name: sales-prod"))
    made = bench.plan("*/sales-prod")
    assert {change.action for change in made.pending} == {Action.CREATE}
    (told,) = made.diagnostics
    assert told.code == "perhaps-renamed"
    assert f"ledger move {old} galtea.EndpointConnection/sales-prod" in told.hint
    assert run("move", old, "galtea.Product/sales-prod")[0] == 3
    assert run("move", old, "support-bot-prod")[0] == 3
    assert "Moved" in run("move", "sales-assistant-prod", "sales-prod")[1]
    (change,) = bench.plan("*/sales-prod").pending
    assert change.action is Action.UPDATE
    assert {str(field.path[0]) for field in change.fields} == {"name"}, "secrets are still known under the old name"
    bench.apply("*/sales-prod")
    assert [one["id"] for one in rows(bench, "galtea.endpointConnections", name="sales-prod")] == [row["id"]]
    assert rows(bench, "galtea.endpointConnections", name="sales-assistant-prod") == []
    assert document(run, "history")["events"][1]["note"] == f"{old} to galtea.EndpointConnection/sales-prod"
    assert document(run, "show", "sales-prod")["records"]["galtea.EndpointConnection/sales-prod"]["recordedAs"] is None


def test_a_renamed_manifest_with_the_same_key_keeps_its_object_by_itself(bench: Bench, run: Run) -> None:
    bench.apply()
    path = bench.manifests / "galtea" / "sales-assistant.yaml"
    text = path.read_text()
    path.write_text(
        text.replace("name: sales-assistant-prod", "name: renamed").replace(
            "spec:", "spec:\n  name: sales-assistant-prod", 1
        )
    )
    made = bench.plan("*/renamed")
    assert made.pending == ()
    (told,) = [one for one in made.diagnostics if one.code == "renamed"]
    assert "the ledger knows as galtea.EndpointConnection/sales-assistant-prod" in told.message
    count = len(rows(bench, "galtea.endpointConnections"))
    bench.apply("*/renamed")
    assert len(rows(bench, "galtea.endpointConnections")) == count
    known = document(run, "show")["records"]
    assert "galtea.EndpointConnection/renamed" in known
    assert "galtea.EndpointConnection/sales-assistant-prod" not in known
    assert [one.code for one in bench.plan("*/renamed").diagnostics] == []


def test_forget_ends_what_nobody_could_settle(bench: Bench, run: Run) -> None:
    with open_memory(bench.load().settings, bench.options()) as memory:
        memory.lock()
        folded = memory.read().folded
        gone = Address("galtea", "Product", "no-more")
        begun = Intent(run=memory.run.token, address=gone, action=Action.CREATE, at="2026-01-02T03:04:05Z")
        memory.begin(folded, [begun])
        memory.append(begun)
    assert [one.code for one in bench.plan().diagnostics if one.code != "no-ledger"] == [
        "cut-short",
        "unsettled-create",
    ]
    assert [one["address"] for one in document(run, "show")["open"]] == [str(gone)]
    assert run("forget", "no-more")[0] == 0
    assert "cut-short" not in [one.code for one in bench.plan().diagnostics]


def test_the_lock(bench: Bench, run: Run) -> None:
    with open_memory(bench.load().settings, bench.options()) as memory:
        memory.lock()
        lock = document(run, "show")["lock"]
        assert lock["token"] == memory.run.token
        assert run("unlock")[0] == 4
        code, _, err = run("forget", "x")
        assert code == 4
        assert f"ledger unlock {memory.run.token}" in err
        with pytest.raises(Refused, match="is locked"):
            bench.apply()
        assert run("unlock", memory.run.token)[0] == 0
        assert_applied(bench.apply())
    assert "Nobody holds the lock" in run("unlock")[1]
    assert "unlock" in [event["what"] for event in document(run, "history")["events"]]


def test_a_target_without_a_ledger_says_so(bench: Bench, run: Run) -> None:
    bench.without_ledger()
    code, _, err = run("show")
    assert code == 3
    assert "has no ledger" in err


# --------------------------------------------------------------------------- locks and processes

HOLD = """
import sys, time
from reconciler.shell.memory.disk import FileLock
from reconciler.shell.memory.holder import this_run
from pathlib import Path
other = FileLock(Path(sys.argv[1])).take(this_run({}, "2026-01-02T03:04:05Z"))
print("taken" if other is None else "held", flush=True)
time.sleep(60)
"""


def test_the_lock_of_a_process_that_was_killed_is_free_and_said(tmp_path: Path) -> None:
    path = tmp_path / "l.lock"
    holding = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "taken\n"
        lock, me = FileLock(path), this_run({}, "2026-01-02T03:04:06Z")
        found = lock.take(me)
        assert found is not None
        assert (found.pid, is_dead(found)) == (holding.pid, False)
        assert FileLock(path).holder() == found
    finally:
        holding.kill()
        holding.communicate()
    assert FileLock(path).holder() is None
    assert is_dead(found)
    assert lock.take(me) is None
    assert lock.left_behind == found
    lock.release()
    assert not path.exists()


def test_of_many_processes_one_has_the_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "l.lock")]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        said = [process.stdout.readline() for process in racing if process.stdout is not None]
    finally:
        for process in racing:
            process.kill()
            process.communicate()
    assert sorted(said) == ["held\n", "held\n", "held\n", "taken\n"]


def test_the_lock_of_another_host_is_not_taken_for_dead(tmp_path: Path) -> None:
    path = tmp_path / "l.lock"
    other = Holder(token="t", host="another-host", pid=1, machine="m")
    path.write_text(holder_text(other))
    assert FileLock(path).take(this_run({}, "")) == other
    assert FileLock(path).holder() == other
    assert not is_dead(other)


def test_a_broken_lock_is_noticed(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "l.lock")
    assert lock.take(this_run({}, "")) is None
    before = lock.held
    lock.break_it()
    assert (before, lock.held) == (True, False)
    second = FileLock(tmp_path / "l.lock")
    assert second.take(this_run({}, "")) is None
    lock.release()
    assert second.held, "who has lost the lock does not take it from the next one"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, ""),
        (
            {"GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "o/r", "GITHUB_SERVER_URL": "https://git.example.test"},
            "https://git.example.test/o/r/actions/runs/7",
        ),
        ({"CI_JOB_URL": "https://git.example.test/jobs/7"}, "https://git.example.test/jobs/7"),
        (
            {"SYSTEM_COLLECTIONURI": "https://a.example.test/", "SYSTEM_TEAMPROJECT": "p", "BUILD_BUILDID": "7"},
            "https://a.example.test/p/_build/results?buildId=7",
        ),
    ],
)
def test_where_a_run_can_be_looked_at(environ: dict[str, str], url: str) -> None:
    assert job_url(environ) == url
    assert this_run({**environ, "USER": "fake-user"}, "").user == "fake-user"


def test_bookkeeping_is_linear(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("galtea")
    began = time.monotonic()
    with open_memory(bench.load().settings, bench.options()) as memory:
        memory.lock()
        memory.begin(memory.read().folded, [])

        def begin(number: int) -> None:
            address = Address("galtea", "Product", f"p{number}")
            memory.append(Intent(run=memory.run.token, address=address, action=Action.CREATE, at="now"))

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(begin, range(2000)))
    size = (tmp_path / "ledger.json.journal").stat().st_size
    assert size < 2000 * 200 + 1000, "a line for each, and nothing is written again"
    assert len(memory.read().folded.open) == 2000
    assert time.monotonic() - began < 60
