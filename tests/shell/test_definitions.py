"""Definitions that ship are found by the names of their files, and only those in use are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import make_bench

from reconciler.core.errors import InvalidInput
from reconciler.shell.files.definitions import Use, file_name_of, load_kinds


def test_each_kind_that_ships_stands_in_the_file_of_its_name() -> None:
    catalog, problems = load_kinds([])
    assert problems == []
    for kind in catalog.ordered():
        assert kind.source.path.endswith(f"/{kind.definition.system}/{file_name_of(kind.name)}")


@pytest.mark.parametrize(
    ("kind", "name"), [("Product", "product.yaml"), ("WebSocketSettings", "web-socket-settings.yaml")]
)
def test_file_names(kind: str, name: str) -> None:
    assert file_name_of(kind) == name


def test_only_what_is_in_use_is_read() -> None:
    everything, _ = load_kinds([])
    system, kind = sorted(everything.kinds)[0]
    catalog, problems = load_kinds([], use=Use(systems=frozenset({system}), kinds=frozenset({kind, "Nonsense"})))
    assert problems == []
    assert set(catalog.kinds) == {(system, kind)}
    assert set(catalog.systems) == {system}


def test_a_wrong_parameter_is_one_mistake_and_not_one_of_each_definition(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.config.write_text(bench.config.read_text().replace("era: L", "era: M"))
    with pytest.raises(InvalidInput) as caught:
        bench.load()
    (only,) = caught.value.diagnostics
    assert only.message == "system trustgate: era: 'M' is not one of S, L"
    assert only.source is not None
    assert only.source.path.endswith("reconciler.yaml")
