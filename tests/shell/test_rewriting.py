"""Manifest files edited in place: what a person wrote around the edits stays to the letter."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.edits import Edit, edited
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING
from reconciler.shell.files.parsing import parse
from reconciler.shell.files.rewriting import Rewritten, Wanted, rewrite

HERE = Path(__file__).parent
ODD = """\
# A header that nobody may lose.

apiVersion:   shop/v1      # aligned by hand
kind: Thing
metadata: {name: odd,   labels: {a: "b"}}
spec:
    number:    5   # five
    single: 'it''s'   # quoted
    double: "tab\\there"
    plain: some text  # said
    folded: >-
      one line
      of two
    literal: |
      hello
      world

    flow: [a, b,   c]  # three
    long:
      [
        one,   # first
        two,
        three  # last
      ]
    indented:
      -   one
      # about two
      -   two   # 2
      - three

    flush:
    - x
    - y
    objects:
      - host: first   # 1
        port: 1

      # the second
      -   host: second
          port:   2
    empty:
    nothing: {}
    shared: &shared {a: 1}
    again: *shared
    alone: &alone  7   # anchored
    members:
      # why
      X-A: "1"   # keep
      X-B: two

      X-C: 3
    merged:
      <<: *shared
      b: 2
    tagged: !!str 5
# The end of the first.
---
{apiVersion: shop/v1, kind: Thing, metadata: {name: two}, spec: {x: 1, y: [1, 2]}}
...
---
# last
kind: Thing
spec:
  a: 1"""


def at(*place: str | int, value: Any = MISSING, adds: bool = False) -> Edit:
    return Edit(place=("spec", *place), value=value, adds=adds)


def rewritten(text: str, *edits: Edit, document: int = 0, strict_json: bool = False) -> Rewritten:
    documents, problems = parse(text, "m.yaml", json=strict_json)
    assert problems == []
    return rewrite(text, "m.yaml", [Wanted(source=documents[document].source, edits=edits)], strict_json=strict_json)


def changed(text: str, *edits: Edit, document: int = 0, strict_json: bool = False) -> list[str]:
    """Return the lines that differ after edits all of which must be possible."""
    made = rewritten(text, *edits, document=document, strict_json=strict_json)
    assert [(one.place, one.reason) for one in made.refused] == []
    assert made.text is not None
    lines = list(difflib.unified_diff(text.splitlines(), made.text.splitlines(), n=0, lineterm=""))[2:]
    return [line for line in lines if not line.startswith("@@")]


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        pytest.param(at("number", value=6), ["-    number:    5   # five", "+    number:    6   # five"], id="number"),
        pytest.param(
            at("single", value="no 'x'"),
            ["-    single: 'it''s'   # quoted", "+    single: 'no ''x'''   # quoted"],
            id="single-quotes-stay",
        ),
        pytest.param(
            at("double", value='"a"'),
            ['-    double: "tab\\there"', '+    double: "\\"a\\""'],
            id="double-quotes-stay",
        ),
        pytest.param(
            at("plain", value="yes"),
            ["-    plain: some text  # said", '+    plain: "yes"  # said'],
            id="what-others-misread-is-quoted",
        ),
        pytest.param(
            at("plain", value="a: b # c"),
            ["-    plain: some text  # said", '+    plain: "a: b # c"  # said'],
            id="what-would-be-yaml-is-quoted",
        ),
        pytest.param(
            at("plain", value="\u202eevil\x1b"),
            ["-    plain: some text  # said", '+    plain: "\\u202eevil\\u001b"  # said'],
            id="what-cannot-be-seen-is-escaped",
        ),
        pytest.param(at("plain", value=None), ["-    plain: some text  # said", "+    plain: null  # said"], id="null"),
        pytest.param(
            at("literal", value="bye\nworld\n"), ["-      hello", "+      bye"], id="a-literal-block-stays-one"
        ),
        pytest.param(at("flow", 1), ["-    flow: [a, b,   c]  # three", "+    flow: [a, c]  # three"], id="flow-less"),
        pytest.param(
            at("flow", 3, value="d, e", adds=True),
            ["-    flow: [a, b,   c]  # three", '+    flow: [a, b,   c, "d, e"]  # three'],
            id="flow-more",
        ),
        pytest.param(at("long", 1), ["-        two,"], id="long-flow-less"),
        pytest.param(
            at("long", 2),
            ["-        two,", "-        three  # last", "+        two"],
            id="long-flow-without-the-last",
        ),
        pytest.param(
            at("long", 3, value="new", adds=True),
            ["-        three  # last", "+        three,  # last", "+        new"],
            id="long-flow-comments-stay-with-their-items",
        ),
        pytest.param(at("long", 1, value="new", adds=True), ["+        new,"], id="long-flow-more"),
        pytest.param(at("indented", 1), ["-      -   two   # 2"], id="block-less"),
        pytest.param(at("indented", 3, value="four", adds=True), ["+      - four"], id="block-more"),
        pytest.param(at("indented", 0, value="zero", adds=True), ["+      - zero"], id="block-first"),
        pytest.param(at("flush", 1, value="new", adds=True), ["+    - new"], id="flush-block-more"),
        pytest.param(
            at("objects", 1, "port", value=3),
            ["-          port:   2", "+          port:   3"],
            id="a-field-of-an-item",
        ),
        pytest.param(
            at("objects", 2, value={"host": "new", "tags": ["x"], "more": {}}, adds=True),
            ["+      - host: new", "+        tags:", "+          - x", "+        more: {}"],
            id="an-item",
        ),
        pytest.param(at("empty", value=[1]), ["-    empty:", "+    empty: [1]"], id="where-nothing-was-written"),
        pytest.param(at("nothing", value={"a": "b"}), ["-    nothing: {}", "+    nothing: {a: b}"], id="empty-map"),
        pytest.param(
            at("alone", value=8),
            ["-    alone: &alone  7   # anchored", "+    alone: &alone  8   # anchored"],
            id="an-anchor-stays",
        ),
        pytest.param(at("members", "X-B"), ["-      X-B: two"], id="a-member-less"),
        pytest.param(at("members", "X-D", value="2024-01-01", adds=True), ['+      X-D: "2024-01-01"'], id="a-member"),
        pytest.param(
            at("members", value={}),
            ["-    members:", "+    members: {}", '-      X-A: "1"   # keep', "-      X-B: two", "-", "-      X-C: 3"],
            id="all-members",
        ),
        pytest.param(at("merged", "b", value=3), ["-      b: 2", "+      b: 3"], id="beside-a-merge"),
    ],
)
def test_only_the_lines_of_a_field_change(edit: Edit, lines: list[str]) -> None:
    assert changed(ODD, edit) == lines


def test_a_list_in_lines_is_changed_in_lines() -> None:
    edits = (at("long", 1), at("long", 2), at("long", 3, value="x", adds=True), at("long", 3, value=[], adds=True))
    assert changed(ODD, *edits) == ["-        two,", "-        three  # last", "+        x,", "+        []"]
    assert changed(ODD, at("long", 0), at("long", 0, value="zero", adds=True)) == [
        "-        one,   # first",
        "+        zero,",
    ]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(at("shared", "a", value=2), "shared through the anchor &shared", id="anchored"),
        pytest.param(at("again", "a", value=2), "shared through the anchor &shared", id="alias"),
        pytest.param(at("again", value=2), "shared through the anchor &shared", id="the-alias-itself"),
        pytest.param(at("merged", "a", value=2), "comes from a merge", id="merged"),
        pytest.param(at("tagged", value="6"), "carries a tag", id="tagged"),
        pytest.param(at("plain", value="\ud800"), "would not read as meant", id="half-a-character"),
    ],
)
def test_what_cannot_be_edited_in_place_is_refused_alone(edit: Edit, reason: str) -> None:
    made = rewritten(ODD, edit, at("number", value=6))
    (refused,) = made.refused
    assert refused.place == edit.place
    assert reason in refused.reason
    assert made.text == ODD.replace("number:    5", "number:    6")


def test_a_list_is_edited_as_a_whole_or_not_at_all() -> None:
    edits = (at("objects", 0, "port", value=5), at("objects", 2, value="\ud800", adds=True))
    made = rewritten(ODD, *edits, at("number", value=6))
    assert [(one.place, one.reason) for one in made.refused] == [
        (("spec", "objects"), "the file would not read as meant")
    ]
    assert made.text == ODD.replace("number:    5", "number:    6")


def test_other_documents_of_a_file_and_a_missing_last_line_break() -> None:
    assert changed(ODD, at("y", 0), at("x", value="a, b"), document=1) == [
        "-{apiVersion: shop/v1, kind: Thing, metadata: {name: two}, spec: {x: 1, y: [1, 2]}}",
        '+{apiVersion: shop/v1, kind: Thing, metadata: {name: two}, spec: {x: "a, b", y: [2]}}',
    ]
    assert rewritten(ODD, at("b", value=2, adds=True), document=2).text == ODD + "\n  b: 2"
    assert rewritten(ODD, at("a", value=2), document=2).text == ODD[:-1] + "2"


def test_windows_line_breaks_and_a_byte_order_mark_stay() -> None:
    text = "\ufeff" + ODD.replace("\n", "\r\n")
    source = parse(text.removeprefix("\ufeff"), "m.yaml", json=False)[0][0].source
    edits = (at("members", "X-D", value=4, adds=True), at("number", value=6))
    made = rewrite(text, "m.yaml", [Wanted(source=source, edits=edits)], strict_json=False).text
    assert made is not None
    assert made.startswith("\ufeff# A header")
    assert made.count("\n") == made.count("\r\n") == text.count("\r\n") + 1


def test_documents_are_removed_with_what_separates_them() -> None:
    documents, _ = parse(ODD, "m.yaml", json=False)
    first, second, third = (Wanted(source=one.source, removes=True) for one in documents)
    made = rewrite(ODD, "m.yaml", [second], strict_json=False)
    assert made.text is not None
    assert [one.data["spec"].get("a") for one in parse(made.text, "m.yaml", json=False)[0]] == [None, 1]
    assert made.text.startswith(ODD.partition("---\n{")[0])
    assert rewrite(ODD, "m.yaml", [first, second, third], strict_json=False).text is None


JSON_TEXT = """{
\t"kind": "Thing",
\t"spec": {
\t\t"n": 1,
\t\t"l": [
\t\t\t"a",
\t\t\t"b"
\t\t],
\t\t"o": {"a": 1}
\t}
}
"""


def test_json_stays_json_with_its_tabs() -> None:
    edits = (
        at("n", value=None),
        at("l", 0),
        at("l", 2, value="ä", adds=True),
        at("o", "b", value={"x": [1]}, adds=True),
    )
    made = rewritten(JSON_TEXT, *edits, strict_json=True).text
    assert made is not None
    assert json.loads(made)["spec"] == {"n": None, "l": ["b", "ä"], "o": {"a": 1, "b": {"x": [1]}}}
    assert made == JSON_TEXT.replace('"n": 1', '"n": null').replace('\t\t\t"a",\n', "").replace(
        '"b"\n', '"b",\n\t\t\t"ä"\n'
    ).replace('{"a": 1}', '{"a": 1, "b": {"x": [1]}}')


# --------------------------------------------------------------------------- laws

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["yes", "1e3", "0x1", "a: b", "- a", "#", "{", "null", " x", "a\nb\n", "'", "%", "!a"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for step, item in inner for below in paths(item, (*path, step)))]


def read(text: str) -> list[Json]:
    documents, problems = parse(text, "m.yaml", json=False)
    assert problems == []
    return [document.data for document in documents]


@given(st.data())
def test_what_was_rewritten_reads_as_the_edited_document(data: st.DataObject) -> None:
    """Whatever is put wherever: it stands there afterwards, or is refused, and all else is as it was."""
    before = read(ODD)
    place = data.draw(st.sampled_from([path for path in paths(before[0]["spec"]) if path]))
    value = data.draw(VALUES | st.just(MISSING))
    edit = at(*place, value=value)
    made = rewritten(ODD, edit)
    assert made.text is not None
    wanted = before[0] if made.refused else edited(before[0], [edit])
    assert json.dumps(read(made.text), sort_keys=True) == json.dumps([wanted, *before[1:]], sort_keys=True)


@given(VALUES)
def test_any_value_that_json_can_hold_can_be_put_in_place_of_a_plain_one(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert rewritten(ODD, at("plain", value=value)).refused == ()
    assert rewritten(JSON_TEXT, at("n", value=value), strict_json=True).refused == ()


LISTS = {
    "flow": ["a", "b", "c"],
    "long": ["one", "two", "three"],
    "indented": ["one", "two", "three"],
    "flush": ["x", "y"],
}


@given(
    st.sampled_from(sorted(LISTS)),
    st.lists(st.sampled_from(["a", "b", "c", "one", "two", "three", "x", "y", "new: 1"]), min_size=1, max_size=6),
)
def test_any_list_can_become_any_other_in_place(name: str, target: list[str]) -> None:
    edits: list[Edit] = []
    before = LISTS[name]
    for tag, start, end, begin, stop in difflib.SequenceMatcher(None, before, target, autojunk=False).get_opcodes():
        if tag != "equal":
            edits += [at(name, index) for index in range(start, end)]
            edits += [at(name, end, value=value, adds=True) for value in target[begin:stop]]
    if not set(before) & set(target):
        edits = [at(name, value=target)]
    made = rewritten(ODD, *edits)
    assert made.refused == ()
    assert made.text is not None
    assert read(made.text)[0]["spec"][name] == target
    strict = rewritten(json.dumps({"spec": {name: before}}, indent=2), *edits, strict_json=True)
    assert strict.refused == ()
    assert json.loads(strict.text or "")["spec"][name] == target
