"""What the last run has read, checked and found as stated is not read, checked and compared again; all else is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from many import Many

from reconciler.core.compare import sameness
from reconciler.core.manifests import schema_gate
from reconciler.core.model import Action
from reconciler.shell.files import quick_yaml
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
    assert calls[COMPARED] == 1  # the one that differs, whose change is worked out each time
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
    assert calls[COMPARED] == COUNT  # with a form one look does not tell, so each is compared with all that is known


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
