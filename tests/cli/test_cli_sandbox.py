"""`reconciler sandbox`: a folder to try everything in, served until somebody has had enough."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from console_script import Finished, assert_clean, run, start

from reconciler.sandbox.estate import SECRETS

SYSTEMS = ("apinizer", "trustgate", "galtea", "goldmine")


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """A running sandbox and what it said until it was ready."""

    process: subprocess.Popen[str]
    said: list[str]

    @property
    def urls(self) -> dict[str, str]:
        pairs = [line.split() for line in self.said]
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[1].startswith("http://")}

    def stop(self, with_signal: int) -> Finished:
        self.process.send_signal(with_signal)
        out, err = self.process.communicate(timeout=20)
        return Finished(code=self.process.returncode, out="".join(self.said) + out, err=err)


@contextmanager
def sandbox(folder: Path, *arguments: str) -> Iterator[Sandbox]:
    """Run the sandbox in `folder` and wait until it is ready."""
    with start(folder, "sandbox", *arguments) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if line == "ready\n":
                    break
            assert said, process.communicate()
            assert said[-1] == "ready\n"
            yield Sandbox(process=process, said=said)
        finally:
            if process.poll() is None:
                process.kill()


def env_of(folder: Path) -> dict[str, str]:
    """Return the variables of the file that the sandbox wrote, as a shell would read them."""
    lines = (folder / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def numbers(finished: Finished, pattern: str) -> tuple[int, ...]:
    """Return the numbers, none of them 0, in the one part of the output that is like `pattern`."""
    assert_clean(finished)
    found = re.findall(pattern, finished.out)
    assert len(found) == 1, finished
    counts = tuple(map(int, found[0] if isinstance(found[0], tuple) else found))
    assert all(counts), finished
    return counts


def test_the_whole_story_in_a_new_folder(tmp_path: Path) -> None:
    with sandbox(tmp_path, "--dir", "try") as opened:
        folder = tmp_path / "try"
        assert tuple(opened.urls) == SYSTEMS
        assert "wrote try: reconciler.yaml, manifests/, schemas/ and env" in opened.said[0]
        assert sorted(p.name for p in folder.iterdir()) == ["env", "manifests", "reconciler.yaml", "schemas"]
        assert [p.name for p in (folder / "schemas").iterdir()] == ["manifests.schema.json"]  # for editors
        assert all(url in (folder / "reconciler.yaml").read_text() for url in opened.urls.values())
        env = env_of(folder)
        assert env == dict(SECRETS)
        planned = run(folder, "plan", "--exit-code", env=env)
        counted = r"(\d+) to create, (\d+) to update, (\d+) to adopt, (\d+) unchanged; \d+ write requests at most\.\n$"
        found = numbers(planned, counted)
        create, update, adopt, unchanged = found
        applied = run(folder, "apply", "--yes", env=env)
        assert numbers(applied, r"(\d+) applied, (\d+) unchanged;") == (create + update, adopt + unchanged)
        again = run(folder, "plan", "--exit-code", env=env)
        assert numbers(again, r"nothing to do: (\d+) resources as declared") == (sum(found),)
        assert [finished.code for finished in (planned, applied, again)] == [2, 0, 0]
        stopped = opened.stop(signal.SIGTERM)
    assert (stopped.code, stopped.err) == (0, "stopped\n")
    assert_clean(stopped)
    port = urlsplit(opened.urls["galtea"]).port or 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_other_variants_and_the_same_story(tmp_path: Path) -> None:
    variants = ("apinizer.edition=flat", "apinizer.settingsRead=export", "trustgate.era=S")
    options = [part for variant in variants for part in ("--set", variant)]
    with sandbox(tmp_path, "--dir", ".", *options) as opened:
        config = (tmp_path / "reconciler.yaml").read_text()
        assert [line in config for line in ("edition: flat", "settingsRead: export", "era: S")] == [True] * 3
        applied = run(tmp_path, "apply", "--yes", env=env_of(tmp_path))
        assert applied.code == 0, applied
        again = run(tmp_path, "plan", "--exit-code", env=env_of(tmp_path))
        assert again.code == 0, again
        assert opened.stop(signal.SIGINT).code == 0


def test_a_second_sandbox_renews_the_configuration_and_keeps_the_manifests(tmp_path: Path) -> None:
    with sandbox(tmp_path, "--dir", ".") as first:
        assert first.stop(signal.SIGINT).code == 0
    edited = tmp_path / "manifests" / "galtea" / "products.yaml"
    edited.write_text(edited.read_text() + "# mine\n")
    (tmp_path / "manifests" / "goldmine" / "assignments.yaml").unlink()
    (tmp_path / "ledger.json").write_text("{}")  # it speaks of objects that are gone
    config = (tmp_path / "reconciler.yaml").read_text()
    with sandbox(tmp_path, "--dir", ".") as second:
        assert set(first.urls.values()).isdisjoint(second.urls.values())
        assert (tmp_path / "reconciler.yaml").read_text() != config
        assert edited.read_text().endswith("# mine\n")
        assert not (tmp_path / "manifests" / "goldmine" / "assignments.yaml").exists()
        assert not (tmp_path / "ledger.json").exists()
        finished = run(tmp_path, "plan", "--exit-code", env=env_of(tmp_path))
        assert finished.code == 2, finished
        assert second.stop(signal.SIGTERM).code == 0


def test_somebody_elses_configuration_is_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "reconciler.yaml"
    config.write_text("targets: {production: {}}\n")
    finished = run(tmp_path, "sandbox", "--dir", ".")
    assert_clean(finished)
    assert (finished.code, finished.out) == (3, "")
    assert "was not made by the sandbox" in finished.err
    assert "hint: name an empty or new folder" in finished.err
    assert config.read_text() == "targets: {production: {}}\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["reconciler.yaml"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finished = run(tmp_path, "sandbox", "--dir", "file/try")
    assert_clean(finished)
    assert finished.code == 3
    assert "cannot write to file/try" in finished.err


def free_row(length: int) -> int:
    """Return the first of some free ports in a row, below those that systems hand out by themselves."""
    for first in range(20_000 + os.getpid() % 1000 * 10, 32_000, length):
        with ExitStack() as stack, suppress(OSError):
            for port in range(first, first + length):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise AssertionError("no free ports")


def test_the_printed_command_works_without_the_program_on_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    with sandbox(tmp_path, "--dir", str(folder)) as opened:
        (line,) = [line for line in opened.said if line.startswith("in another terminal: ")]
        command = line.removeprefix("in another terminal: ").strip()
        command = command.removesuffix("plan") + "validate"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "valid for the target sandbox" in done.stdout


def test_ports_in_a_row_unless_one_is_taken(tmp_path: Path) -> None:
    port = free_row(4)
    with sandbox(tmp_path, "--port", str(port)) as opened:
        assert [urlsplit(url).port for url in opened.urls.values()] == [port, port + 1, port + 2, port + 3]
        taken = run(tmp_path, "sandbox", "--port", str(port + 3))
        assert opened.stop(signal.SIGINT).code == 0
    assert_clean(taken)
    assert taken.code == 3
    assert f"cannot listen on {port + 3} and the next 3 ports: Address already in use" in taken.err
    assert "choose another --port" in taken.err
    assert list(tmp_path.iterdir()) == []  # without --dir, nothing is written
