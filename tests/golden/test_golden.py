"""Every format of every case is what it was; `pytest tests/golden --update-golden` writes the expected files anew."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from cases import CASES, HERE, SECRET, SUFFIXES, outputs_of
from markupsafe import escape

from reconciler.render.escapes import command_message, html, printable

HINT = "look at the difference; if it is meant: pytest tests/golden --update-golden"


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_what_they_were(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = HERE / case / "expected"
    found = outputs_of(case, tmp_path)
    if update_golden:
        expected.mkdir(exist_ok=True)
        for name, text in found.items():
            (expected / f"output.{SUFFIXES[name]}").write_text(text)
    for name, text in found.items():
        assert text == (expected / f"output.{SUFFIXES[name]}").read_text(), HINT
        assert SECRET not in text


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("drift-")])
def test_manifests_accept_the_drift(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs_of(case, tmp_path)
    accepted = (tmp_path / "manifests" / "shop.yaml").read_text()
    if update_golden:
        (HERE / case / "accepted.yaml").write_text(accepted)
    assert accepted == (HERE / case / "accepted.yaml").read_text(), HINT


@pytest.mark.parametrize("case", CASES)
def test_expected_files_are_well_formed_and_hold_nothing_that_acts(case: str) -> None:
    expected = HERE / case / "expected"
    for name in ("json", "sarif"):
        json.loads((expected / f"output.{name}").read_text())
    ElementTree.parse(expected / "output.xml")
    for path in expected.iterdir():
        text = path.read_text()
        wrong = {c for c in text if not c.isprintable() and c != "\n"}
        assert wrong == set(), path
        assert "##vso[" not in text
        assert "##[" not in text
    mark = "drift" if case.startswith("drift") else "target"
    assert (expected / "output.md").read_text().startswith(f"<!-- reconciler:{mark}=shop -->\n")
    assert (expected / "output.md").read_text().count("<!--") == 1
    lines = (expected / "output.log").read_text().splitlines()
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)


ODD_SECRETS = {
    "markup": "fa<ke>&\"not'real",
    "markdown": "fake|`not`*real*",
    "escapes": "fake\tnot\\nreal",
    "pipeline": "fake%,:not##real",
    "accents": "fäke-nöt-reål",
}


@pytest.mark.parametrize("secret", ODD_SECRETS.values(), ids=ODD_SECRETS)
def test_a_secret_that_the_server_repeats_is_in_no_output(
    secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each format spells text in its own way: secrets are taken out before, not afterwards."""
    monkeypatch.chdir(tmp_path)
    found = outputs_of("apply-with-trouble", tmp_path, secret=secret, refusal=f"the token {secret} is no good")
    for name, text in found.items():
        assert "(sensitive)" in text, name
        escaped = str(escape(printable(secret)))
        spellings = (
            secret,
            printable(secret),
            html(secret),
            escaped,
            command_message(secret),
            json.dumps(secret)[1:-1],
        )
        for spelling in spellings:
            assert spelling not in text, name
