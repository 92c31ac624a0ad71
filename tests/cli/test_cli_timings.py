"""Where the time went: on stderr with `--timings`, whatever the command, and always in the report of an apply."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from console_script import open_scene, run

from reconciler.cli.commands import _say_why_it_was_slow
from reconciler.console import open_console
from reconciler.core.memory.ledger import SecretDigest, slow_digests
from reconciler.core.timings import Timings, Traffic
from reconciler.render.timings import render_timings, timings_document

TIMINGS = Timings(
    total_s=2.5,
    phases=(("read", 0.5), ("refresh", 1.25)),
    systems=(Traffic(system="shop", requests=12, retries=1, received_bytes=123_456, waited_s=0.75),),
)


def test_the_table_adds_up() -> None:
    assert render_timings(TIMINGS).splitlines() == [
        "Time",
        "  read          0.500 s  files",
        "  refresh       1.250 s  live state",
        "  other         0.750 s  loading the program, and printing",
        "  total         2.500 s",
        "  shop: 12 requests (1 retry), 123.5 kB received, 0.8 s waited for limits and retries, all requests together",
    ]


def test_the_same_for_machines() -> None:
    assert timings_document(TIMINGS) == {
        "totalSeconds": 2.5,
        "phases": {"read": 0.5, "refresh": 1.25},
        "systems": {"shop": {"requests": 12, "retries": 1, "receivedBytes": 123_456, "waitedSeconds": 0.75}},
    }


def test_plan_and_apply_tell_phases_and_systems(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        planned = scene.run("plan", "--timings", "--address", "galtea.*")
        assert planned.code == 0, planned
        assert re.findall(r"^  (read|check|refresh|decide|total) +\d+\.\d{3} s\b", planned.err, re.MULTILINE)
        assert re.search(r"^  galtea: \d+ requests, [\d.,]+ kB received$", planned.err, re.MULTILINE)
        assert "Time" not in planned.out
        applied = scene.run("apply", "--yes", "--format", "json", "--address", "galtea.*")
        timings = json.loads(applied.out)["timings"]
        assert list(timings["phases"]) == ["read", "check", "refresh", "decide", "apply"]
        assert timings["systems"]["galtea"]["requests"] == len(scene.requests()) - timings_requests(planned.err)
        assert timings["totalSeconds"] >= sum(timings["phases"].values()) - 0.01


def timings_requests(text: str) -> int:
    return sum(int(count) for count in re.findall(r": (\d+) requests?,", text))


@pytest.mark.parametrize("arguments", [("kinds", "list"), ("validate",)], ids=lambda words: words[0])
def test_other_commands_tell_it_too_even_when_they_fail(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments, "--timings")
    assert re.search(r"^  total +\d+\.\d{3} s$", done.err, re.MULTILINE), done
    assert "  total " not in done.out


def test_many_secrets_without_a_key_are_worth_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    before = slow_digests()
    keyed, slow = SecretDigest(key=b"not-a-real-key"), SecretDigest(salt=b"0123456789abcdef")
    for index in range(50):
        keyed.of("shop.Tea/green", "/token", f"not-a-real-token-{index}")
    assert slow_digests() == before
    for index in range(50):
        slow.of("shop.Tea/green", "/token", f"not-a-real-token-{index}")
    assert slow_digests() == before + 50
    _say_why_it_was_slow(open_console(quiet=False, verbosity=0, no_color=True, environ={}))
    said = capsys.readouterr().err
    assert said.startswith(f"note: {before + 50} secrets were hashed slowly, since RECONCILER_LEDGER_KEY is not set")
    assert "not-a-real" not in said
