"""The worked example of `schemas/README.md`: its own files and commands, through the command line, on a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from beacon import Beacon, served
from readme_blocks import Block, walkthrough

ADDRESS = "http://127.0.0.1:8900/v2"


def transcript(steps: list[Block], folder: Path, url: str) -> Iterator[tuple[Block, str]]:
    """Carry out the steps in `folder` and yield each console block with what a terminal would show now."""
    script = folder / "bin" / "reconciler"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    script.chmod(0o755)
    environment = {"PATH": f"{script.parent}:{os.environ.get('PATH', os.defpath)}", "HOME": str(folder)}
    environment["LANG"] = "C.UTF-8"
    for step in steps:
        if step.language == "yaml":
            path = folder / step.mark.removeprefix("file=")
            path.parent.mkdir(exist_ok=True)
            path.write_text(step.text.replace(ADDRESS, url), encoding="utf-8")
            continue
        commands = [line.removeprefix("$ ") for line in step.text.splitlines() if line.startswith("$ ")]
        shown = []
        for command in commands:
            shown.append(f"$ {command}\n")
            if command.startswith("export "):
                environment.update((name, value) for name, _, value in (p.partition("=") for p in command.split()[1:]))
            else:
                shown.append(output(command, folder, environment) + "\n")
        yield step, "".join(shown).removesuffix("\n")


def output(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a line of shell and return everything that it prints, in the order in which it does."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def comparable(text: str) -> list[str]:
    """Return lines without times; what ran in parallel may end in any order."""
    lines = [re.sub(r"\d+\.\d( s|$)", r"0.1\1", line.rstrip()) for line in text.splitlines()]
    ended = iter(sorted(line for line in lines if "  applied  (" in line))
    return [next(ended) if "  applied  (" in line else line for line in lines]


def test_the_worked_example_is_what_really_happens(tmp_path: Path) -> None:
    beacon = Beacon()
    with served(beacon) as url:
        for block, shown in transcript(walkthrough(), tmp_path, url):
            assert comparable(block.text) == comparable(shown), f"schemas/README.md:{block.line}"
    assert len(beacon.monitors) == 2
    note = beacon.monitors["m1"]["note"]
    assert note == "ask Kim before changing", "a full PUT keeps what the manifest does not state"
    assert beacon.monitors["m2"]["token"] == "fake-token-not-real"
    assert [window["minutes"] for window in beacon.windows.values()] == [120]
    sent = [asked for asked in beacon.requests if asked.method == "PATCH"]
    assert [asked.body for asked in sent] == [{"minutes": 120}]
