"""Options as other tools call them lead to the ones here."""

from __future__ import annotations

import pytest

from reconciler.cli.parser import Parser, WrongUsage


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        pytest.param("--auto-approve", "did you mean '--yes'?", id="known-elsewhere"),
        pytest.param("--json=x", "see t --help", id="known-elsewhere-and-not-here"),
        pytest.param("--yse", "did you mean '--yes'?", id="misspelt"),
    ],
)
def test_an_option_of_another_tool(given: str, hint: str) -> None:
    parser = Parser(prog="t", allow_abbrev=False)
    parser.add_argument("--yes", action="store_true")
    with pytest.raises(WrongUsage) as raised:
        parser.parse_args([given])
    assert raised.value.hint.startswith(hint)
