"""What must never get into the repository: paths of somebody's machine, hosts of package registries, secrets."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import ROOT

# Put together from parts, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy", "golang", "org"),
        ("repo1", "maven", "org"),
        ("conda", "anaconda", "org"),
    ]
]

MACHINE_PATHS = [
    # Where this very copy stands and whose home it is: nobody else's paths are known, these are.
    *(f"{path}/" for path in (ROOT, Path.home()) if len(path.parts) > 1),
    "/var/" + "folders/",
    "C:" + "\\Users\\",
]

SECRETS = {
    "api-key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "aws-key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "github-token": r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    "github-fine-grained": r"\bgithub_pat_[A-Za-z0-9_]{40,}",
    "gitlab-token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "slack-token": r"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    "google-key": r"\bAIza[0-9A-Za-z_-]{35}",
    "json-web-token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    "private-key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}

EXAMPLES = {
    "api-key": "sk-" + "a1B2" * 6,
    "aws-key": "AKIA" + "ABCD" * 4,
    "github-token": "ghp_" + "a1B2" * 9,
    "github-fine-grained": "github_pat_" + "a1B2_" * 9,
    "gitlab-token": "glpat-" + "a1B2" * 5,
    "slack-token": "xoxb-" + "1234-" * 5,
    "google-key": "AIza" + "a1B2c" * 7,
    "json-web-token": ".".join(["eyJ" + "a1B2" * 3, "eyJ" + "a1B2" * 3, "c3D4" * 6]),
    "private-key": "-----BEGIN " + "RSA PRIVATE KEY-----",
}


def files() -> Iterator[Path]:
    """Yield every file that is, or would be, in the repository; without git, every file that is not hidden."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [p for p in ROOT.rglob("*") if not any(s.startswith(".") for s in p.relative_to(ROOT).parts)]
    yield from (path for path in found if path.is_file() and path.suffix != ".pyc")


TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8", errors="replace") for path in files()}


def holders(pattern: str) -> list[str]:
    """Return `file:line` of everything in the repository that fits `pattern`."""
    compiled = re.compile(pattern)
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        for name, text in TEXTS.items()
        for match in compiled.finditer(text)
    ]


def test_the_files_are_found() -> None:
    assert "tests/repo/test_forbidden_words.py" in TEXTS
    assert "pyproject.toml" in TEXTS


@pytest.mark.parametrize("path", sorted(set(MACHINE_PATHS)), ids=range(len(set(MACHINE_PATHS))))
def test_no_path_of_a_machine(path: str) -> None:
    assert holders(r"(?<![\w.])" + re.escape(path)) == []


@pytest.mark.parametrize("host", REGISTRIES, ids=range(len(REGISTRIES)))
def test_no_host_of_a_registry(host: str) -> None:
    assert holders(r"(?i)\b" + re.escape(host) + r"\b") == []


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_that_looks_like_a_secret(name: str) -> None:
    assert re.search(SECRETS[name], EXAMPLES[name]), "the pattern itself must work"
    assert holders(SECRETS[name]) == []
