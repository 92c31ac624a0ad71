"""`kinds verify` from the console script: what a person sees, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_script import PRODUCT, Scene, open_scene

SCRATCH = PRODUCT.replace("support-bot", "scratch")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("verify")) as opened:
        (opened.folder / "scratch.yaml").write_text(SCRATCH)
        yield opened


def own_kind(scene: Scene, old: str, new: str) -> None:
    """Let the workspace's own kinds be one that is like the Product that ships, but for `old`."""
    shipped = Path(__file__).parents[2] / "schemas" / "galtea" / "product.yaml"
    text = shipped.read_text()
    assert old in text
    folder = scene.folder / "own"
    folder.mkdir(exist_ok=True)
    (folder / "product.yaml").write_text(text.replace(old, new).replace("galtea/v1", "mine/v1"))


def test_all_holds_and_nothing_is_left(scene: Scene) -> None:
    before = scene.estate.galtea.stored("products")
    done = scene.run("kinds", "verify", "Product", "--scratch", "scratch.yaml")
    assert done.code == 0, done
    assert "✓ create makes an object" in done.out
    assert "✗" not in done.out
    assert done.out.rstrip().endswith("The scratch object is gone.")
    kept = [row for row in scene.estate.galtea.stored("products") if row.get("deletedAt") is None]
    assert kept == [row for row in before if row.get("deletedAt") is None]


def test_the_same_for_machines(scene: Scene) -> None:
    done = scene.run("kinds", "verify", "galtea.Product", "--scratch", "scratch.yaml", "--format", "json")
    assert done.code == 0, done
    document = json.loads(done.out)
    assert document["holds"] is True
    assert {claim["verdict"] for claim in document["claims"]} == {"holds", "not tested"}


def test_a_number_is_text_for_a_field_of_texts(scene: Scene) -> None:
    done = scene.run("kinds", "verify", "Product", "--scratch", "scratch.yaml", "--change", "description=2")
    assert done.code == 0, done
    assert "✓ an update changes description" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["Product", "--scratch", "nowhere.yaml"], 3, "there is no file", id="no-file"),
        pytest.param(["Gateway", "--scratch", "scratch.yaml"], 3, "not of Gateway", id="another-kind"),
        pytest.param(["Product"], 3, "--scratch", id="without-scratch"),
        pytest.param(["Product", "--scratch", "scratch.yaml", "--change", "x"], 3, "FIELD=VALUE", id="bad-change"),
        pytest.param(["Product", "--scratch", "there.yaml"], 4, "there already", id="not-its-own"),
    ],
)
def test_what_is_refused_is_told_and_nothing_is_written(
    scene: Scene, arguments: list[str], code: int, words: str
) -> None:
    (scene.folder / "there.yaml").write_text(
        SCRATCH.replace("name: scratch", "name: again").replace("spec:\n", "spec:\n  name: support-bot\n")
    )
    before = len(scene.writes())
    done = scene.run("kinds", "verify", *arguments)
    assert done.code == code, done
    assert words in done.err, done
    assert len(scene.writes()) == before
