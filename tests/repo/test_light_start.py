"""Version and help come at once: nothing heavy is loaded before a command really runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from source_tree import ROOT

SLOW = ("typing", "html", "urllib", "pathlib", "dataclasses", "importlib.metadata", "logging")
"""Parts of the standard library that take as long to load as all else that help needs."""

SCRIPT = """
import contextlib, io, json, sys
sys.path.insert(0, {root!r})
before = set(sys.modules)
from reconciler.cli.main import main
said = io.StringIO()
with contextlib.redirect_stdout(said):
    code = main({arguments!r})
print(json.dumps([code, said.getvalue(), sorted(set(sys.modules) - before)]))
"""


def run(*arguments: str) -> tuple[int, str, set[str]]:
    """Return the exit code, the text, and the names of all modules that this took in a fresh interpreter."""
    script = SCRIPT.format(root=str(ROOT), arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, text, loaded = json.loads(done.stdout)
    return code, text, set(loaded)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("--version",), "reconciler ", id="version"),
        pytest.param(("--help",), "exit codes:", id="help"),
        pytest.param(("plan", "--help"), "--exit-code", id="plan-help"),
        pytest.param(("apply", "--help"), "--yes", id="apply-help"),
        pytest.param(("kinds", "show", "--help"), "KIND", id="kinds-show-help"),
    ],
)
def test_nothing_heavy_is_loaded(arguments: tuple[str, ...], says: str) -> None:
    code, text, loaded = run(*arguments)
    assert code == 0
    assert says in text
    known = sys.stdlib_module_names | {"reconciler"}
    assert [name for name in loaded if name.partition(".")[0] not in known] == []
    assert [name for name in SLOW if name in loaded] == []


def test_the_version_needs_not_even_argparse() -> None:
    _, _, loaded = run("--version")
    assert "argparse" not in loaded
