"""The cache of parsed manifests: never wrong, never in the way, and never a secret in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.core.model import Document
from reconciler.shell.files import parse_cache
from reconciler.shell.files.disk import read_documents
from reconciler.shell.files.parse_cache import OFF, ParseCache, open_cache

COUNT = 210


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "manifests"
    made.mkdir()
    for index in range(COUNT):
        (made / f"{index:03d}.yaml").write_text(f"name: n{index}\ntoken: ${{env:TOKEN}}\n---\nlist: [1, {{a: é}}]\n")
    return made


def environ(tmp_path: Path) -> Mapping[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TOKEN": "not-a-real-token"}


def read(folder: Path, cache: ParseCache | None) -> list[Document]:
    documents = []
    for path in sorted(folder.iterdir()):
        read, problems = read_documents(path, path.name, cache)
        assert problems == []
        documents += read
    if cache is not None:
        cache.save()
    return documents


def told(documents: list[Document]) -> list[object]:
    return [
        (d.data, d.source, d.literal, d.locate(("list", 1, "a")), d.locate(("token",), key=True)) for d in documents
    ]


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").rglob("*.json"))


def test_what_was_parsed_is_not_parsed_again(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(folder, open_cache(environ(tmp_path), [folder]))
    monkeypatch.setitem(sys.modules, "reconciler.shell.files.quick_yaml", None)
    monkeypatch.setitem(sys.modules, "reconciler.shell.files.yaml_nodes", None)
    again = read(folder, open_cache(environ(tmp_path), [folder]))
    monkeypatch.undo()
    assert told(again) == told(first) == told(read(folder, None))
    assert len(again) == 2 * COUNT


def test_a_changed_file_is_parsed_and_joins_the_others(tmp_path: Path, folder: Path) -> None:
    read(folder, open_cache(environ(tmp_path), [folder]))
    (folder / "007.yaml").write_text("name: changed\n")
    assert told(read(folder, open_cache(environ(tmp_path), [folder]))) == told(read(folder, None))
    assert len(files(tmp_path)) == 2
    for index in range(10):
        (folder / "008.yaml").write_text(f"name: changed {index}\n")
        read(folder, open_cache(environ(tmp_path), [folder]))
    assert len(files(tmp_path)) <= 7


@pytest.mark.parametrize("damage", [b"", b"{}", b"x" * 100, b"\xff\xfe"])
def test_a_damaged_cache_counts_as_none(tmp_path: Path, folder: Path, damage: bytes) -> None:
    expected = told(read(folder, open_cache(environ(tmp_path), [folder])))
    path = files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-10] + damage)
    assert told(read(folder, open_cache(environ(tmp_path), [folder]))) == expected
    path.unlink()
    path.mkdir()
    assert told(read(folder, open_cache(environ(tmp_path), [folder]))) == expected


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert len(read(folder, open_cache(environ(tmp_path), [folder]))) == 2 * COUNT


def test_runs_at_the_same_time_do_not_disturb_each_other(tmp_path: Path, folder: Path) -> None:
    one, other = (open_cache(environ(tmp_path), [folder]) for _ in range(2))
    assert told(read(folder, one)) == told(read(folder, other)) == told(read(folder, None))


def test_another_version_of_the_reader_knows_nothing_of_it(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(folder, open_cache(environ(tmp_path), [folder]))
    monkeypatch.setattr(parse_cache, "__version__", "another")
    cache = open_cache(environ(tmp_path), [folder])
    assert cache is not None
    assert cache.get((folder / "001.yaml").read_bytes()) is None
    (before,) = files(tmp_path)
    read(folder, cache)
    assert before not in files(tmp_path), "what an older version left would stay for ever"
    assert len(files(tmp_path)) == 1


def test_no_secret_is_in_it_and_nobody_else_may_read_it(tmp_path: Path, folder: Path) -> None:
    read(folder, open_cache(environ(tmp_path), [folder]))
    (path,) = files(tmp_path)
    assert "not-a-real-token" not in path.read_text()
    assert "${env:TOKEN}" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="no-place"),
        pytest.param({"HOME": "relative"}, id="no-absolute-place"),
        pytest.param({"HOME": "/", OFF: "1"}, id="switched-off"),
    ],
)
def test_no_cache_where_there_is_no_place_or_no_wish(environ: Mapping[str, str], tmp_path: Path) -> None:
    assert open_cache(environ, [tmp_path]) is None


def test_a_place_whose_name_is_no_text_has_a_cache_too(tmp_path: Path) -> None:
    assert open_cache(environ(tmp_path), [tmp_path / os.fsdecode(b"caf\xe9")]) is not None


def test_what_is_shared_by_aliases_is_not_written_out(tmp_path: Path, folder: Path) -> None:
    shared = f"long: &long {'x' * 10_000}\nlist: [{', '.join(['*long'] * 50)}]\n"
    (folder / "000.yaml").write_text(shared)
    expected = told(read(folder, None))
    assert told(read(folder, open_cache(environ(tmp_path), [folder]))) == expected
    assert told(read(folder, open_cache(environ(tmp_path), [folder]))) == expected
    assert sum(path.stat().st_size for path in files(tmp_path)) < 100_000


@pytest.mark.parametrize("off", ["", "0", "false", "no"])
def test_a_switch_that_says_no_does_not_switch_it_off(off: str, tmp_path: Path) -> None:
    assert open_cache({"HOME": "/", OFF: off}, [tmp_path]) is not None


def test_small_sets_leave_nothing_behind(tmp_path: Path, folder: Path) -> None:
    for path in sorted(folder.iterdir())[10:]:
        path.unlink()
    read(folder, open_cache(environ(tmp_path), [folder]))
    assert files(tmp_path) == []
