"""Every exit code that the command line promises, from a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from console_script import (
    PRODUCT,
    Batch,
    Finished,
    Scene,
    assert_clean,
    command,
    environment,
    is_write,
    open_scene,
    run,
    write_small,
)

from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.http import SandboxRequest, json_response
from reconciler.sandbox.vices import Fault, answer, delay, requests_to, run_before

NOWHERE = "http://127.0.0.1:9"  # the port of the discard service, which nobody runs


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_scene(tmp_path) as opened:
        yield opened


def count(finished: Finished, pattern: str) -> int:
    """Return the number in the one part of the output that is like `pattern`."""
    (found,) = re.findall(pattern, finished.out)
    return int(found)


# --------------------------------------------------------------------------- 0


def test_0_from_validate_through_apply_to_an_empty_plan(scene: Scene) -> None:
    validated = scene.run("validate")
    assert (validated.code, validated.err) == (0, "")
    manifests = count(validated, r"(\d+) manifests")
    assert scene.requests() == []  # validate reads no live system
    applied = scene.run("apply", "--yes")
    assert applied.code == 0, applied
    assert count(applied, r"(\d+) applied,") + count(applied, r"applied, (\d+) unchanged;") == manifests
    written = len(scene.writes())
    again = scene.run("plan", "--exit-code")
    assert again.code == 0
    assert count(again, r"nothing to do: (\d+) resources as declared") == manifests
    assert scene.run("apply").code == 0  # nothing to do needs no consent, hence no terminal
    assert len(scene.writes()) == written


# --------------------------------------------------------------------------- 1


def test_1_when_a_system_cannot_be_reached(tmp_path: Path) -> None:
    write_small(tmp_path, NOWHERE)
    finished = run(tmp_path, "plan", "--exit-code", env=SECRETS)
    assert_clean(finished)
    assert (finished.code, finished.out) == (1, "")
    assert "connection refused" in finished.err
    assert "hint:" in finished.err


def test_1_when_an_object_fails_and_what_depends_on_it_is_skipped(scene: Scene) -> None:
    refusal = json_response(400, {"error": "name is required"})
    creates = requests_to("POST", "/api/v1/gateways")
    scene.vices["trustgate"].schedule(Fault(vice=lambda _: refusal, when=creates, times=None))
    finished = scene.run("apply", "--yes")
    assert finished.code == 1, finished
    assert "trustgate.Gateway/internal-edge  create  failed" in finished.out
    assert "name is required" in finished.out
    waiting = "trustgate.Upstream/search-cluster  create  skipped: because of trustgate.Gateway/internal-edge"
    assert waiting in finished.out
    assert "trustgate.Service/internal-search  create  skipped: because of" in finished.out
    assert "trustgate.Rule/search  create  skipped: because of" in finished.out
    assert "1 failed, 3 skipped" in finished.out
    assert "galtea.EndpointConnection/support-bot-prod  create  applied" in finished.err  # the rest goes on


# --------------------------------------------------------------------------- 2


def test_2_only_when_asked_for_and_changes_are_pending(scene: Scene) -> None:
    finished = scene.run("plan", "--exit-code", "--format", "json")
    assert finished.code == 2
    plan = json.loads(finished.out)
    pending = Counter(change["action"] for change in plan["changes"] if change["action"] != "unchanged")
    assert plan["kind"] == "plan"
    assert {name: plan["summary"][name] for name in pending} == pending
    assert {"create", "update"} <= pending.keys()
    assert scene.run("plan").code == 0  # nobody asked for an exit code about that
    assert scene.writes() == []


# --------------------------------------------------------------------------- 3


USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "no-command": ((), "usage:"),
    "unknown-command": (("plam",), "invalid choice: 'plam'"),
    "unknown-option": (("plan", "--nope"), "unrecognized arguments: --nope"),
    "abbreviated-option": (("plan", "--exit"), "unrecognized arguments: --exit"),
    "stray-argument": (("plan", "stray"), "unrecognized arguments: stray"),
    "parallelism-0": (("plan", "--parallelism", "0"), "from 1 to 100"),
    "parallelism-text": (("plan", "--parallelism", "many"), "from 1 to 100"),
    "format": (("plan", "--format", "xml"), "invalid choice: 'xml'"),
    "option-without-value": (("plan", "--config"), "expected one argument"),
    "no-subcommand": (("kinds",), "required: COMMAND"),
    "unknown-shell": (("completion", "csh"), "invalid choice: 'csh'"),
    "port-too-high": (("sandbox", "--port", "70000"), "--port"),
    "variant-without-value": (("sandbox", "--set", "era"), "--set"),
    "unknown-variant": (("sandbox", "--set", "trustgate.era=X"), "known are"),
    "unknown-kind": (("kinds", "show", "Produkt"), "no kind is called 'Produkt'"),
    "unknown-target": (("plan", "--target", "tset"), "did you mean 'test'?"),
    "unknown-config": (("plan", "--config", "other.yaml"), "no configuration other.yaml"),
    "no-such-address": (("apply", "--yes", "--address", "galtea.Product/nobody"), "no resource matches"),
    "no-such-label": (("apply", "--yes", "-l", "team=nobody"), "no resource matches"),
    "malformed-selector": (("validate", "-l", "team="), "cannot read the selector 'team='"),
}


@pytest.fixture(scope="module")
def misused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    folder = write_small(tmp_path_factory.mktemp("usage"), NOWHERE)
    batch = Batch({name: partial(run, folder, *arguments, env=SECRETS) for name, (arguments, _) in USAGE.items()})
    yield batch
    batch.close()


@pytest.mark.parametrize("name", USAGE)
def test_3_for_wrong_usage(name: str, misused: Batch) -> None:
    arguments, said = USAGE[name]
    finished = misused[name]
    assert_clean(finished)
    assert finished.code == 3, finished
    assert said in finished.everything
    if arguments:
        assert finished.out == ""
        assert "hint:" in finished.err or "known are" in finished.err


def test_3_without_a_configuration(tmp_path: Path) -> None:
    finished = run(tmp_path, "plan")
    assert_clean(finished)
    assert finished.code == 3
    assert "there is no configuration reconciler.yaml" in finished.err
    assert "reconciler sandbox --dir" in finished.err  # what to do next


def test_3_for_several_targets_and_none_chosen(tmp_path: Path) -> None:
    write_small(tmp_path, NOWHERE)
    config = tmp_path / "reconciler.yaml"
    first = config.read_text()
    config.write_text(first + first.removeprefix("targets:\n").replace("  test:", "  other:", 1))
    finished = run(tmp_path, "validate", env=SECRETS)
    assert finished.code == 3
    assert "choose one with --target: test, other" in finished.err


def test_3_for_invalid_manifests_of_which_nothing_is_sent(scene: Scene) -> None:
    (scene.folder / "manifests" / "wrong.yaml").write_text(PRODUCT.replace("description", "descripton"))
    finished = scene.run("apply", "--yes")
    assert finished.code == 3
    assert "manifests/wrong.yaml:6:3: error: unknown-field" in finished.err
    assert scene.requests() == []


def test_3_without_consent_because_nobody_can_be_asked(scene: Scene) -> None:
    finished = scene.run("apply")
    assert finished.code == 3
    assert "no terminal to ask on" in finished.err
    assert "--yes" in finished.err
    assert re.search(r"; \d+ write requests", finished.out)  # the plan was shown all the same
    assert scene.writes() == []


@pytest.mark.parametrize(
    ("answered", "code", "writes"),
    [
        pytest.param("y\n", 3, False, id="half-a-yes"),
        pytest.param("yes\n", 0, True, id="yes"),
    ],
)
def test_3_unless_a_person_says_yes(answered: str, code: int, writes: bool, scene: Scene) -> None:
    terminal, stdin = pty.openpty()
    try:
        os.write(terminal, answered.encode())
        done = subprocess.run(
            command("apply", "--address", "goldmine.Session/eu-static-2"),
            cwd=scene.folder,
            env=environment(scene.folder, scene.secrets),
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(stdin)
    finished = Finished(code=done.returncode, out=done.stdout, err=done.stderr)
    assert_clean(finished)
    assert finished.code == code, finished
    assert "Apply 1 change to sandbox? Only 'yes' will do:" in finished.err
    assert ("not confirmed: nothing was applied" in finished.err) is not writes
    assert bool(scene.writes()) is writes


# --------------------------------------------------------------------------- 4


def change_the_type(scene: Scene) -> None:
    """Ask for what the API cannot do: the type of a connection that exists."""
    path = scene.folder / "manifests" / "galtea" / "support-bot-init.yaml"
    path.write_text(path.read_text().replace("INITIALIZATION", "FINALIZATION"))


def test_4_for_a_blocker_in_plan_and_in_apply(scene: Scene) -> None:
    change_the_type(scene)
    planned = scene.run("plan", "--exit-code")
    assert planned.code == 4, planned
    assert "blocked by 1 problem" in planned.out
    assert "manifests/galtea/support-bot-init.yaml:" in planned.out.partition("Blocked:")[2]
    applied = scene.run("apply", "--yes")
    assert applied.code == 4
    assert "nothing was applied: 1 blocker" in applied.err
    assert "--address or -l" in applied.err
    assert scene.writes() == []


def test_4_when_the_object_moves_between_plan_and_write(scene: Scene) -> None:
    def somebody_else() -> None:
        scene.estate.galtea.edit("endpointConnections", lambda row: row["name"] == "support-bot-init", {"timeout": 7})

    reads = requests_to("GET", "/endpointConnections/.+")
    scene.vices["galtea"].schedule(Fault(vice=run_before(somebody_else), when=reads))
    finished = scene.run("apply", "--yes", "--address", "support-bot-init")
    assert finished.code == 4, finished
    assert "update  conflict" in finished.out
    assert "/timeout: planned on 60; is now 7; wanted 15" in finished.out
    assert "plan again" in finished.out
    assert scene.writes() == []


# --------------------------------------------------------------------------- 70

BREAK = """\
import reconciler.workflow.commands

def broken(loaded, connections, options):
    raise RuntimeError("while holding " + options.environ["GALTEA_API_KEY"])

reconciler.workflow.commands.plan = broken
"""


def test_70_for_a_bug_with_a_traceback_and_without_a_secret(scene: Scene, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(BREAK)
    finished = run(scene.folder, "plan", env={**scene.secrets, "PYTHONPATH": str(broken)})
    assert (finished.code, finished.out) == (70, "")
    assert "Traceback (most recent call last)" in finished.err
    assert "RuntimeError: while holding (sensitive)" in finished.err
    assert "this is a bug in reconciler" in finished.err
    assert [name for name, value in SECRETS.items() if value in finished.err] == []


# --------------------------------------------------------------------------- 130


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str], *, limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert process.poll() is None, "the process ended too early"
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)


@contextlib.contextmanager
def running(scene: Scene, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = scene.start(*arguments)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def slow(scene: Scene, seconds: float, when: Callable[[SandboxRequest], bool]) -> Callable[[], int]:
    """Let all systems be slow, and return what counts the requests that they are being slow with."""
    for vices in scene.vices.values():
        vices.schedule(Fault(vice=delay(seconds), when=when, times=None))
    return lambda: sum(vices.hits for vices in scene.vices.values())


def finish(process: subprocess.Popen[str]) -> Finished:
    out, err = process.communicate(timeout=30)
    finished = Finished(code=process.returncode, out=out, err=err)
    assert_clean(finished)
    return finished


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupted", "terminated"])
def test_130_after_what_is_in_flight_has_finished(scene: Scene, number: signal.Signals) -> None:
    hits = slow(scene, 2, is_write)
    with running(scene, "apply", "--yes", "--parallelism", "1") as process:
        wait_until(lambda: hits() == 4, process)  # one in each system
        process.send_signal(number)
        finished = finish(process)
    assert finished.code == 130, finished
    assert sorted(one.status for one in scene.writes()) == [200, 200, 201, 201]  # what was in flight, and not one more
    assert "4 applied, " in finished.out
    skipped = count(finished, r"unchanged, (\d+) skipped")
    assert 0 < finished.out.count("skipped: interrupted before it began") <= skipped  # the others are folded
    for vices in scene.vices.values():
        vices.clear()
    assert count(scene.run("apply", "--yes"), r"(\d+) applied,") == skipped  # the next run goes on from there


def test_130_at_once_when_interrupted_twice(scene: Scene) -> None:
    hits = slow(scene, 60, is_write)
    with running(scene, "apply", "--yes", "--parallelism", "1") as process:
        wait_until(lambda: hits() == 4, process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None  # the first one only asks
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        finished = finish(process)
        assert time.monotonic() - started < 20  # long before the answers come
    assert finished.code == 130
    assert "skipped, 4 in doubt" in finished.out
    assert finished.out.count("in doubt: the run was cut off while it was being carried out") == 4


def test_130_at_once_while_only_reading(scene: Scene) -> None:
    hits = slow(scene, 60, lambda _: True)
    with running(scene, "plan") as process:
        wait_until(lambda: hits() >= 3, process)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        finished = finish(process)
        assert time.monotonic() - started < 20  # long before the answers come
    assert (finished.code, finished.out) == (130, "")
    assert scene.writes() == []


def test_a_reader_that_goes_away_is_no_bug(scene: Scene) -> None:
    with running(scene, "kinds", "show", "EndpointConnection", "--format", "json") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        process.wait(timeout=30)
    assert (process.returncode, said) == (1, "")


def test_a_server_that_repeats_a_secret_cannot_make_it_public(scene: Scene) -> None:
    echo = answer(422, json.dumps({"message": f"no {SECRETS['GALTEA_API_KEY']}, {SECRETS['SALES_PASSWORD']}"}))
    scene.vices["galtea"].schedule(Fault(vice=echo, when=is_write, times=None))
    finished = scene.run("apply", "--yes", "-vv", "--address", "galtea.*")  # the run checks for every secret
    assert finished.code == 1
    assert "no (sensitive), (sensitive)" in finished.out
