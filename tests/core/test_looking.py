"""What was found as stated once is not compared again, and anything that could matter makes it be compared again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from core_files import documents_of

from reconciler.core.address import Address
from reconciler.core.kinds.catalog import Kind, load_catalog
from reconciler.core.model import LiveObject, Resource, Source
from reconciler.core.plan.looking import ReadList, look

KIND = """\
apiVersion: shop/v1
kind: Tea
schema:
  type: object
  properties: {name: {type: string}, size: {type: integer}, note: {type: string, x-form: lower}}
identity: {id: /id, key: [name], name: name}
read: {list: {method: GET, path: /teas, items: /items}}
write: {update: {method: PATCH, path: "/teas/{id}"}}
"""


class Kept:
    """What was seen, in memory."""

    def __init__(self, judge: str = "one") -> None:
        self.judge = judge
        self.seen: dict[str, frozenset[int]] = {}
        self.asked: list[str] = []

    def others(self, mark: str) -> frozenset[int] | None:
        self.asked.append(mark)
        return self.seen.get(mark)

    def keep(self, mark: str, others: Collection[int]) -> None:
        self.seen[mark] = frozenset(others)


@pytest.fixture
def kind(tmp_path: Path) -> Kind:
    catalog, problems = load_catalog(documents_of(tmp_path, kind=KIND))
    assert problems == []
    return catalog.kinds["shop", "Tea"]


def address(index: int) -> Address:
    return Address("shop", "Tea", f"t{index}")


def pair(index: int, size: int, live: dict[str, Any]) -> tuple[Resource, LiveObject]:
    resource = Resource(
        address=address(index),
        spec={"name": f"t{index}", "size": size},
        source=Source("m.yaml"),
        locate=lambda path, key=False: Source("m.yaml"),
        fingerprint=f"print-{index}-{size}",
    )
    return resource, LiveObject(id=f"id{index}", body=live, spec=live)


def teas(kind: Kind, *sizes: int, answers: str = "answers") -> ReadList:
    found = [pair(i, size, {"name": f"t{i}", "size": size, "more": 1}) for i, size in enumerate(sizes)]
    return ReadList(kind=kind, answers=answers, found=found)


def test_what_is_as_stated_is_seen_and_kept(kind: Kind) -> None:
    marks = Kept()
    assert look([teas(kind, 1, 2)], marks) == {address(0): True, address(1): True}
    wrong = teas(kind, 1, 2)
    wrong.found[0][1].spec["size"] = 7  # with the same answers, which cannot be: so it shows whether somebody looks
    assert look([wrong], marks) == {address(0): True, address(1): True}
    assert list(marks.seen.values()) == [frozenset()]


def test_those_that_differ_are_kept_as_well(kind: Kind) -> None:
    marks = Kept()
    listed = teas(kind, 1, 2, 3)
    listed.found[1][1].spec["size"] = 7
    assert look([listed], marks) == {address(0): True, address(1): False, address(2): True}
    assert look([teas(kind, 1, 2, 3)], marks) == {address(0): True, address(1): False, address(2): True}
    assert list(marks.seen.values()) == [frozenset({1})]


def with_answers(one: ReadList, kind: Kind) -> ReadList:
    return replace(one, answers="others")


def with_a_manifest(one: ReadList, kind: Kind) -> ReadList:
    changed = replace(one.found[0][0], fingerprint="print-of-another-text")
    return replace(one, found=[(changed, one.found[0][1]), *one.found[1:]])


def with_an_object(one: ReadList, kind: Kind) -> ReadList:
    return replace(one, found=[(one.found[0][0], replace(one.found[0][1], id="id9")), *one.found[1:]])


def with_one_less(one: ReadList, kind: Kind) -> ReadList:
    return replace(one, found=one.found[:1])


def with_a_kind(one: ReadList, kind: Kind) -> ReadList:
    return replace(one, kind=replace(kind, full_name="shop.Coffee"))


@pytest.mark.parametrize(
    "change", [with_answers, with_a_manifest, with_an_object, with_one_less, with_a_kind], ids=lambda f: f.__name__
)
def test_anything_else_has_another_mark(kind: Kind, change: Callable[[ReadList, Kind], ReadList]) -> None:
    marks = Kept()
    look([teas(kind, 1, 2)], marks)
    look([change(teas(kind, 1, 2), kind)], marks)
    assert len(set(marks.asked)) == 2


def test_another_judge_knows_nothing_of_it(kind: Kind) -> None:
    one, other = Kept("one"), Kept("other")
    look([teas(kind, 1)], one)
    look([teas(kind, 1)], other)
    assert one.seen.keys().isdisjoint(other.seen)


def test_what_needs_more_than_a_look_is_left_to_others(kind: Kind) -> None:
    listed = teas(kind, 1)
    listed.found[0][0].spec["note"] = listed.found[0][1].spec["note"] = "a"
    marks = Kept()
    assert look([listed], marks) == {address(0): False}
