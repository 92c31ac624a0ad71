"""`apply --report`, the time limit, and the line of progress on a terminal, through the console script."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from console_script import PRODUCT, command, environment, is_write, open_scene, run, write_small

from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.galtea import Galtea
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.vices import Fault, Vices, answer, delay, requests_to
from reconciler.shell.files.packaged import packaged_folder

KEY = SECRETS["GALTEA_API_KEY"]
MORE = "\n---\n".join(PRODUCT.replace("support-bot", f"bot-{number}") for number in range(6))


def read(path: Path) -> Any:
    """Return a report, after holding it against the schema that is published for it."""
    text = path.read_text()
    assert [name for name, value in SECRETS.items() if value in text] == []
    document = json.loads(text)
    schema = json.loads((packaged_folder("schemas") / "report.schema.json").read_text())
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []
    addresses = [outcome["address"] for outcome in document["outcomes"]]
    assert addresses == sorted(addresses)
    return document


def test_a_report_of_a_whole_estate(tmp_path: Path) -> None:
    with open_scene(tmp_path / "scene") as scene:
        planned = scene.run("plan")
        assert planned.code == 0
        reads = len(scene.requests())
        finished = scene.run("apply", "--yes", "--report", "report.json")
        assert finished.code == 0, finished
        sent = len(scene.requests()) - 2 * reads
        report = read(scene.folder / "report.json")
        again = scene.run("apply", "--yes", "--report", "report.json", "--format", "json")
        written, printed = read(scene.folder / "report.json"), json.loads(again.out)
        assert {**printed, "timings": None} == {**written, "timings": None}
    assert report["ending"] == "complete"
    assert report["attempts"] == report["requests"] == sent
    assert report["startedAt"] <= report["finishedAt"]
    assert sum(report["summary"].values()) == len(report["outcomes"])
    last = finished.out.splitlines()
    assert last[-1] == report["headline"]
    assert last[-2].endswith(" kinds unchanged")
    assert last[-3].startswith("  trustgate.")  # the table, by kind


def test_a_report_of_an_apply_that_fails(tmp_path: Path) -> None:
    vices = Vices(Galtea(api_key=KEY), Fault(vice=answer(422, '{"message": "no"}'), when=is_write, times=None))
    with SandboxServer([vices]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        finished = run(folder, "apply", "--yes", "--report", "r.json", "-q", env={"GALTEA_API_KEY": KEY})
    assert finished.code == 1
    report = read(folder / "r.json")
    assert (report["summary"]["failed"], report["outcomes"][0]["status"]) == (1, "failed")
    assert "no" in report["outcomes"][0]["detail"]


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    galtea = Galtea(api_key=KEY)
    with SandboxServer([galtea]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        finished = run(folder, "apply", "--yes", "--report", "no/such/r.json", env={"GALTEA_API_KEY": KEY})
    assert finished.code == 3
    assert "no/such/r.json" in finished.err
    assert galtea.stored("products") == []


def _wait(event: threading.Event, seconds: float) -> None:
    event.wait(seconds)


def wait_for(holds: Any, limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_a_report_of_an_apply_that_is_interrupted(tmp_path: Path, times: int) -> None:
    galtea = Galtea(api_key=KEY)
    over = threading.Event()
    fault = Fault(vice=delay(1.5 if times == 1 else 30), when=is_write, times=None)
    vices = Vices(galtea, fault, is_write=is_write, sleep=lambda seconds: _wait(over, seconds))
    with SandboxServer([vices]) as server:
        folder = write_small(tmp_path, server.urls["galtea"], manifest=MORE)
        arguments = command("apply", "--yes", "--report", "r.json", "--parallelism", "2")
        env = environment(folder, {"GALTEA_API_KEY": KEY})
        with subprocess.Popen(
            arguments, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            wait_for(lambda: vices.hits == 2)
            process.send_signal(signal.SIGINT)
            if times == 2:
                time.sleep(0.3)
                process.send_signal(signal.SIGINT)
            started = time.monotonic()
            assert process.wait(15) == 130
            assert process.stderr is not None
            assert b"interrupted: what has begun is finished" in process.stderr.read()
            assert time.monotonic() - started < 10
            over.set()
    report = read(folder / "r.json")
    fate = "applied" if times == 1 else "in doubt"
    assert {status: count for status, count in report["summary"].items() if count} == {fate: 2, "skipped": 4}
    assert report["ending"] == ("interrupted" if times == 1 else "cut off")
    assert {tuple(one["becauseOf"]) for one in report["outcomes"] if one["status"] == "skipped"} == {()}


def test_a_time_limit(tmp_path: Path) -> None:
    vices = Vices(Galtea(api_key=KEY), Fault(vice=delay(1.2), when=is_write, times=None), is_write=is_write)
    with SandboxServer([vices]) as server:
        folder = write_small(tmp_path, server.urls["galtea"], manifest=MORE)
        limited = ("apply", "--yes", "--report", "r.json", "--parallelism", "2", "--deadline", "1s")
        finished = run(folder, *limited, env={"GALTEA_API_KEY": KEY})
    assert finished.code == 1, finished
    report = read(folder / "r.json")
    assert report["ending"] == "out of time"
    assert (report["summary"]["applied"], report["summary"]["skipped"]) == (2, 4)
    assert "The time limit of the run passed" in finished.out


# --------------------------------------------------------------------------- progress


def on_a_terminal(folder: Path, *arguments: str, env: dict[str, str]) -> tuple[int, str]:
    """Run the script with a terminal for all three streams, and return its exit code and all that it wrote."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command(*arguments), cwd=folder, env=environment(folder, env), stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        written = b""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                written += piece
        return process.wait(10), written.decode()
    finally:
        os.close(ours)


ERASE = "\r\x1b[K"


def shown_at_last(written: str) -> list[str]:
    """Return the lines that stand on the terminal in the end."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", written.replace("\r\n", "\n"))
    return [line.rpartition(ERASE)[2] for line in plain.split("\n")]


def slow_galtea() -> Vices:
    return Vices(Galtea(api_key=KEY), Fault(vice=delay(0.5), when=is_write, times=None), is_write=is_write)


def test_a_terminal_shows_how_far_the_run_is_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    with SandboxServer([slow_galtea()]) as server:
        folder = write_small(tmp_path, server.urls["galtea"], manifest=MORE)
        env = {"GALTEA_API_KEY": KEY, "TERM": "xterm"}
        code, written = on_a_terminal(folder, "apply", "--yes", "--parallelism", "2", env=env)
    assert code == 0, written
    assert re.search(
        r"\r\x1b\[K  \d/6 done · \d+ requests, \d+/s · galtea.Product/bot-\d, galtea.Product/bot-\d", written
    )
    assert KEY not in written
    lines = shown_at_last(written)
    assert [line for line in lines if " done · " in line] == []
    outcomes = [line for line in lines if "  create  applied" in line]
    assert len(outcomes) == 6
    assert all(re.fullmatch(r"  galtea.Product/bot-\d  create  applied  \(.*\)", line) for line in outcomes)


@pytest.mark.parametrize(
    ("arguments", "term"),
    [(("--quiet",), "xterm"), ((), "dumb"), ((), "")],
    ids=["quiet", "dumb-terminal", "no-terminal-type"],
)
def test_no_progress_where_nobody_wants_it(tmp_path: Path, arguments: tuple[str, ...], term: str) -> None:
    with SandboxServer([slow_galtea()]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        env = {"GALTEA_API_KEY": KEY, "TERM": term}
        code, written = on_a_terminal(folder, "apply", "--yes", *arguments, env=env)
    assert code == 0, written
    assert " done · " not in written
    assert ERASE not in written


def test_log_lines_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    with SandboxServer([slow_galtea()]) as server:
        folder = write_small(tmp_path, server.urls["galtea"], manifest=MORE)
        env = {"GALTEA_API_KEY": KEY, "TERM": "xterm"}
        code, written = on_a_terminal(folder, "apply", "--yes", "-vv", "--parallelism", "2", env=env)
    assert code == 0, written
    logged = [line for line in shown_at_last(written) if "POST" in line and "system galtea" in line]
    assert len(logged) == 6
    assert all(line.startswith("D reconciler") for line in logged)


def test_a_refusal_points_at_the_field_that_the_server_names(tmp_path: Path) -> None:
    refusal = json.dumps({"errors": {"Description": ["is odd"]}, "sent": KEY})
    vice = answer(422, refusal, headers={"content-type": "application/json"})
    system = Vices(Galtea(api_key=KEY), Fault(vice=vice, when=requests_to(method="POST")))
    with SandboxServer([system]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        finished = run(folder, "apply", "--yes", "--report", "report.json", env={"GALTEA_API_KEY": KEY})
    (outcome,) = read(folder / "report.json")["outcomes"]
    assert (outcome["path"], outcome["line"], outcome["column"]) == ("manifests/only.yaml", 6, 16)
    assert outcome["detail"].endswith("status 422: Description: is odd")
    assert "hint: correct `description` at manifests/only.yaml:6:16, then apply again" in finished.out


def test_an_answer_without_a_reason_is_shown_and_with_vv_in_full(tmp_path: Path) -> None:
    long = "y" * 200
    vice = answer(422, json.dumps({"code": 7, "x": long, "k": KEY}), headers={"content-type": "application/json"})
    system = Vices(Galtea(api_key=KEY), Fault(vice=vice, when=requests_to(method="POST")))
    with SandboxServer([system]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        finished = run(folder, "apply", "--yes", "-vv", env={"GALTEA_API_KEY": KEY})
    assert 'status 422: the answer is {"code": 7, "x": " …", "k": "(sensitive)"}' in finished.out
    assert f'POST /products: {{"code": 7, "x": "{long}", "k": "(sensitive)"}}' in finished.err
