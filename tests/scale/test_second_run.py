"""What the last run has read, checked and found as stated is not read, checked and compared again; all else is."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from many import Many

from reconciler.core.compare import sameness
from reconciler.core.model import Action
from reconciler.core.schema import schema_gate
from reconciler.shell.files import parse_cache, quick_yaml
from reconciler.workflow.commands import Planned, load

READ, CHECKED, COMPARED = (
    quick_yaml.read_quickly.__code__,
    schema_gate.CompiledSchema.passes.__code__,
    sameness.surely_same.__code__,
)
COUNT = 300  # fewer than 200 files are not worth a cache


@pytest.fixture
def many(tmp_path: Path) -> Many:
    made = Many(tmp_path, COUNT, cache=str(tmp_path / "cache"))
    made.write()
    apart(made)
    return made


def apart(many: Many) -> None:
    """Give each manifest a file of its own."""
    folder = many.folder / "manifests"
    texts = [text for path in sorted(folder.iterdir()) for text in path.read_text().split("---\n")]
    for path in folder.iterdir():
        path.unlink()
    for index, text in enumerate(texts):
        (folder / f"{index:05d}.yaml").write_text(text)


def counted(work: Callable[[], Planned]) -> tuple[Planned, Counter[Any]]:
    """Return what `work` returns, and how often each function was called."""
    calls: Counter[Any] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls[frame.f_code] += 1

    sys.setprofile(count)
    try:
        return work(), calls
    finally:
        sys.setprofile(None)


def pending(planned: Planned) -> list[tuple[str, Action]]:
    return [(change.address.name, change.action) for change in planned.plan.pending]


def test_the_second_run_looks_at_nothing_twice(many: Many) -> None:
    first, before = counted(lambda: many.plan(1))
    again, calls = counted(lambda: many.plan(1))
    assert (before[CHECKED], calls[CHECKED]) == (COUNT, 0)
    assert before[COMPARED] >= COUNT
    assert calls[COMPARED] == 0
    assert calls[READ] == 1  # the configuration, which may hold what nobody wants in a cache
    assert first.plan == again.plan
    assert len(many.seen) == 2 * 3  # pages: the live systems are read each time


def test_what_moved_live_is_seen(many: Many) -> None:
    many.plan(1)
    many.objects["id7"]["size"] = 99
    planned, calls = counted(lambda: many.plan(1))
    assert pending(planned) == [("n00007", Action.UPDATE)]
    assert calls[COMPARED] >= COUNT
    assert calls[CHECKED] == 0
    planned, calls = counted(lambda: many.plan(1))
    assert pending(planned) == [("n00007", Action.UPDATE)]
    assert calls[COMPARED] == 0  # what differs is remembered as well; the change is worked out each time
    many.objects["id7"]["size"] = 7
    assert pending(many.plan(1)) == []


def test_what_was_written_is_seen(many: Many) -> None:
    many.plan(1)
    path = many.folder / "manifests" / "00007.yaml"
    text = path.read_text()
    path.write_text(text.replace("size: 7", "size: 8"))
    planned, calls = counted(lambda: many.plan(1))
    assert pending(planned) == [("n00007", Action.UPDATE)]
    assert calls[CHECKED] == 1
    path.write_text(text)
    assert pending(many.plan(1)) == []


def test_another_definition_judges_and_compares_anew(many: Many) -> None:
    many.plan(1)
    path = many.folder / "schemas" / "many.yaml"
    path.write_text(path.read_text().replace("size: {type: integer}", "size: {type: integer, x-form: number}"))
    planned, calls = counted(lambda: many.plan(1))
    assert pending(planned) == []
    assert (calls[CHECKED], calls[READ]) == (COUNT, 2)
    assert calls[COMPARED] >= COUNT
    _, calls = counted(lambda: many.plan(1))
    assert (calls[CHECKED], calls[READ]) == (0, 1)
    assert calls[COMPARED] == 0  # with a form one look does not tell, which is remembered too


def test_a_definition_that_no_longer_lets_it_pass_refuses_it(many: Many) -> None:
    from reconciler.core.errors import InvalidInput

    many.plan(1)
    path = many.folder / "schemas" / "many.yaml"
    text = path.read_text()
    path.write_text(text.replace("size: {type: integer}", "size: {type: integer, maximum: 298}"))
    for _ in range(2):
        with pytest.raises(InvalidInput) as refused:
            load(many.options(1))
        assert [one.code for one in refused.value.diagnostics] == ["invalid-value"]
    path.write_text(text)
    assert pending(many.plan(1)) == []


def test_targets_do_not_push_out_each_others_marks(many: Many) -> None:
    many.plan(1)
    many.objects["id7"]["extra"] = "another system, say"
    many.plan(1)
    del many.objects["id7"]["extra"]
    _, calls = counted(lambda: many.plan(1))
    assert calls[COMPARED] == 0


def test_a_damaged_file_of_marks_counts_as_none(many: Many) -> None:
    many.plan(1)
    (path,) = (many.folder / "cache").rglob("*.txt")
    assert path.stat().st_mode & 0o077 == 0
    for damaged in (b"\xff\xfe", b"", path.read_bytes()[:-3], path.read_bytes().replace(b"\n", b"\n\n", 1)):
        many.objects["id299"]["size"] = 0
        path.write_bytes(damaged)
        assert pending(many.plan(1)) == [("n00299", Action.UPDATE)]
        many.objects["id299"]["size"] = 299
    assert pending(many.plan(1)) == []
    path.unlink()
    path.mkdir()
    assert pending(many.plan(1)) == []


def test_with_references_all_else_is_remembered(tmp_path: Path) -> None:
    many = Many(tmp_path, COUNT, cache=str(tmp_path / "cache"))
    many.write(chain=3)
    apart(many)
    first, again = many.plan(1), many.plan(1)
    assert first.plan == again.plan
    assert pending(again) == []


def change_live_size(many: Many, place: int) -> None:
    many.objects[f"id{place}"]["size"] += 1


def turn_live_words(many: Many, place: int) -> None:
    many.objects[f"id{place}"]["words"].reverse()


def take_a_live_word(many: Many, place: int) -> None:
    many.objects[f"id{place}"]["words"] = ["a"]


def let_true_stand_for_one(many: Many, place: int) -> None:
    many.objects[f"id{place}"]["size"] = True if many.objects[f"id{place}"]["size"] == 1 else 1


def add_what_nobody_manages(many: Many, place: int) -> None:
    many.objects[f"id{place}"]["extra"] = place


def write_another_size(many: Many, place: int) -> None:
    path = many.folder / "manifests" / f"{place:05d}.yaml"
    path.write_text(path.read_text().replace("size: ", "size: 1"))


def take_the_size_away(many: Many, place: int) -> None:
    path = many.folder / "manifests" / f"{place:05d}.yaml"
    path.write_text(re.sub("size: [0-9]+, ", "", path.read_text()))


def refer_to_another(many: Many, place: int) -> None:
    path = many.folder / "manifests" / f"{place:05d}.yaml"
    if place and "after" not in path.read_text():
        path.write_text(re.sub(r"spec: \{", "spec: {after: '${ref:Thing/n00000}', ", path.read_text(), count=1))


def give_words_an_order(many: Many, place: int) -> None:
    path = many.folder / "schemas" / "many.yaml"
    text = path.read_text()
    one, other = ("set", "ordered") if "x-list: set" in text else ("ordered", "set")
    path.write_text(text.replace(f"x-list: {one}", f"x-list: {other}"))


EDITS = (
    change_live_size,
    turn_live_words,
    take_a_live_word,
    let_true_stand_for_one,
    add_what_nobody_manages,
    write_another_size,
    take_the_size_away,
    refer_to_another,
    give_words_an_order,
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 4)), min_size=1, max_size=6))
def test_whatever_happens_between_runs_the_plan_is_that_of_a_run_that_remembers_nothing(
    edits: list[tuple[Callable[[Many, int], None], int]],
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_cache, "_WORTH_KEEPING", 1)
        many = Many(Path(folder), 5, cache=f"{folder}/cache")
        many.write()
        apart(many)
        for edit, place in [(add_what_nobody_manages, 0), *edits]:
            edit(many, place)
            remembering = many.plan(1).plan
            many.cache = ""
            assert many.plan(1).plan == remembering
            many.cache = f"{folder}/cache"
