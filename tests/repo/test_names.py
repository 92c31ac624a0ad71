"""The engine knows no system by name: kinds are data."""

from __future__ import annotations

import re

import pytest
from source_tree import ROOT, Module, modules

NAMES = sorted(folder.name for folder in (ROOT / "schemas").iterdir() if folder.is_dir())

AT_HOME = ("sandbox", "demo")
"""Emulations and the story told on them are about particular systems, by purpose."""


def test_the_names_are_found() -> None:
    assert len(NAMES) >= 4


@pytest.mark.parametrize(
    "module", [m for m in modules().values() if m.name.partition(".")[0] not in AT_HOME], ids=lambda m: m.name or "-"
)
def test_no_module_names_a_system(module: Module) -> None:
    pattern = re.compile("|".join(re.escape(name) for name in NAMES), re.IGNORECASE)
    assert pattern.findall(module.text) == []
