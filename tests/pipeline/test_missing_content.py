"""Checkouts that left something out: named with the option to set, and never a reason to delete."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).parents[1] / "memory"))

from console_script import Scene, open_scene
from repositories import git

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
ONLY_PRODUCTS = ("--address", "galtea.Product/*")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A workspace in a repository, applied once."""
    with open_scene(tmp_path_factory.mktemp("checkout")) as one:
        git(one.folder, "init", "--quiet", "--initial-branch=main")
        git(one.folder, "add", "--all")
        git(one.folder, "commit", "--quiet", "-m", "first")
        assert one.run("apply", "--yes").code == 0
        yield one


@pytest.fixture
def clone(scene: Scene, tmp_path: Path) -> Scene:
    """A fresh clone of it."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(scene.folder), str(folder))
    return Scene(folder=folder, estate=scene.estate, urls=scene.urls, vices=scene.vices, recordings=scene.recordings)


def refused_to_prune(clone: Scene, code: str) -> None:
    """With pruning, nothing is planned, and nothing is sent."""
    before = len(clone.requests())
    done = clone.run("apply", "--yes", "--prune")
    assert done.code == 3, done
    assert f"error: {code}:" in done.err
    assert "nothing is deleted for lack of a manifest while manifests may be missing" in done.err
    assert len(clone.requests()) == before


def test_a_complete_checkout_says_nothing(clone: Scene) -> None:
    done = clone.run("validate")
    assert done.code == 0, done
    assert "checkout" not in done.err


def test_an_empty_submodule(clone: Scene, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet", "--initial-branch=main")
    (inner / "more.yaml").write_text((clone.folder / "manifests/galtea/products.yaml").read_text())
    git(inner, "add", "--all")
    git(inner, "commit", "--quiet", "-m", "inner")
    git(clone.folder, "rm", "--quiet", "manifests/galtea/products.yaml")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "manifests/team")
    git(clone.folder, *add)
    git(clone.folder, "commit", "--quiet", "-m", "a team of its own")
    whole = clone.run("validate")
    assert whole.code == 0, whole

    git(clone.folder, "submodule", "--quiet", "deinit", "--all")
    assert list((clone.folder / "manifests/team").iterdir()) == []
    part = clone.run("validate", "--address", "goldmine.*")
    assert "submodule-not-checked-out: manifests/team is a Git submodule that is not checked out" in part.err
    assert "`submodules: true` of actions/checkout" in part.err
    refused_to_prune(clone, "submodule-not-checked-out")


def test_manifests_that_are_a_submodule_themselves(clone: Scene) -> None:
    """The folder that the configuration names lies in the submodule."""
    (clone.folder / ".gitmodules").write_text('[submodule "all"]\n\tpath = manifests\n\turl = ../all\n')
    git(clone.folder, "rm", "--quiet", "-r", "manifests")
    (clone.folder / "manifests").mkdir()
    done = clone.run("validate")
    assert done.code == 3
    assert "no-manifests" in done.err
    assert "manifests is a Git submodule that is not checked out" in done.err


@pytest.mark.parametrize("left_out", ["manifests/goldmine", "manifests/trustgate"])
def test_a_sparse_checkout(clone: Scene, left_out: str) -> None:
    kept = [str(p.relative_to(clone.folder)) for p in (clone.folder / "manifests").iterdir() if p.is_dir()]
    git(clone.folder, "sparse-checkout", "set", "schemas", *(one for one in kept if one != left_out))
    assert not (clone.folder / left_out).exists()
    done = clone.run("validate")
    assert "left-out-by-sparse-checkout" in done.err
    assert f"{left_out}/" in done.err
    assert "leave out `sparse-checkout` of actions/checkout" in done.err
    refused_to_prune(clone, "left-out-by-sparse-checkout")

    git(clone.folder, "sparse-checkout", "disable")
    assert "sparse" not in clone.run("validate").err


def test_a_sparse_checkout_of_everything_that_counts(clone: Scene) -> None:
    (clone.folder / "docs").mkdir()
    (clone.folder / "docs" / "page.md").write_text("text")
    git(clone.folder, "add", "--all")
    git(clone.folder, "commit", "--quiet", "-m", "docs")
    git(clone.folder, "sparse-checkout", "set", "schemas", "manifests")
    assert not (clone.folder / "docs").exists()
    done = clone.run("validate")
    assert done.code == 0, done
    assert "sparse" not in done.err


def test_a_pointer_of_lfs_as_a_manifest(clone: Scene) -> None:
    (clone.folder / "manifests/galtea/products.yaml").write_text(POINTER)
    done = clone.run("plan", "--prune")
    assert done.code == 3
    assert "manifests/galtea/products.yaml is a Git LFS pointer: its content was not checked out" in done.err
    assert "`lfs: true` of actions/checkout" in done.err


def test_a_pointer_of_lfs_behind_a_file_expression(clone: Scene) -> None:
    (clone.folder / "manifests/text.txt").write_text(POINTER)
    path = clone.folder / "manifests/galtea/products.yaml"
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("description:"))
    path.write_text(text.replace(line, line.partition(":")[0] + ": ${file:text.txt}", 1))
    done = clone.run("validate", *ONLY_PRODUCTS)
    assert done.code == 3
    assert "the file 'text.txt' is a Git LFS pointer: its content was not checked out" in done.err
    assert "`lfs: true` of actions/checkout" in done.err


@pytest.mark.parametrize("name", ["reconciler.yaml", "schemas/own.yaml", "ledger.json"])
def test_a_pointer_of_lfs_elsewhere(clone: Scene, name: str) -> None:
    (clone.folder / name).parent.mkdir(exist_ok=True)
    (clone.folder / name).write_text(POINTER)
    done = clone.run("kinds", "check", name) if name.startswith("schemas") else clone.run("plan", *ONLY_PRODUCTS)
    assert done.code == 3
    assert "is a Git LFS pointer: its content was not checked out" in done.everything, done
    assert "`lfs: true` of actions/checkout" in done.everything
