"""What the grammar promises to express, and its proofs: no phrase of `promises.yaml` lacks one, and each is a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
PROMISES: dict[str, Any] = YAML(typ="safe").load((HERE / "promises.yaml").read_text())
GLUE = re.compile(r"[\s,;:.()/]*((and|or)\s)?\s*")


@pytest.mark.parametrize("bullet", PROMISES)
def test_no_phrase_is_left_out(bullet: str) -> None:
    text, end = PROMISES[bullet]["text"], 0
    for phrase in PROMISES[bullet]["proofs"]:
        start = text.find(phrase, end)
        assert start >= 0, f"{phrase!r} does not stand in the rest: {text[end:]}"
        assert GLUE.fullmatch(text[end:start]), f"no proof of: {text[end:start]}"
        end = start + len(phrase)
    assert GLUE.fullmatch(text[end:]), f"no proof of: {text[end:]}"


@pytest.mark.parametrize(
    ("phrase", "names"),
    [pytest.param(p, n, id=f"{b}: {p}") for b, one in PROMISES.items() for p, n in one["proofs"].items()],
)
def test_every_phrase_has_proofs_that_exist(phrase: str, names: list[str]) -> None:
    assert names, f"nothing proves: {phrase}"
    for name in names:
        module, _, function = name.partition("::")
        tree = ast.parse((HERE / f"{module}.py").read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_every_module_of_one_bullet_proves_something() -> None:
    """The tests that were written for a phrase are named at one: a new one that is not says nothing about promises."""
    named = {name for one in PROMISES.values() for names in one["proofs"].values() for name in names}
    modules = ("identity", "reads", "shape", "writes", "judge", "deletes")
    for module in (f"test_grammar_{one}" for one in modules):
        tree = ast.parse((HERE / f"{module}.py").read_text())
        tests = {f"{module}::{n.name}" for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[:5] == "test_"}
        assert tests <= named | BEYOND


BEYOND = {"test_grammar_shape::test_one_state_that_the_server_refines"}
