"""Paths into JSON values and their text form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.pointer import MISSING, ROOT, Missing, format_pointer, get, parse_pointer, put, starts_with

# RFC 6901, section 5: the examples of the specification.
RFC_DOCUMENT = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
RFC_EXAMPLES = [
    ("", RFC_DOCUMENT),
    ("/foo", ["bar", "baz"]),
    ("/foo/0", "bar"),
    ("/", 0),
    ("/a~1b", 1),
    ("/c%d", 2),
    ("/e^f", 3),
    ("/g|h", 4),
    ("/i\\j", 5),
    ('/k"l', 6),
    ("/ ", 7),
    ("/m~0n", 8),
]


@pytest.mark.parametrize(("pointer", "value"), RFC_EXAMPLES, ids=[repr(pointer) for pointer, _ in RFC_EXAMPLES])
def test_examples_of_the_specification(pointer: str, value: Any) -> None:
    assert get(RFC_DOCUMENT, parse_pointer(pointer)) == value


@given(st.lists(st.text() | st.integers(min_value=0, max_value=99)))
def test_text_and_path_name_the_same_place(steps: list[str | int]) -> None:
    assert parse_pointer(format_pointer(steps)) == tuple(str(step) for step in steps)


def test_a_tilde_before_a_digit_is_read_in_the_right_order() -> None:
    assert parse_pointer("/~01") == ("~1",)


@pytest.mark.parametrize("text", ["name", "#/name", " /name"])
def test_text_without_its_slash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="starts with '/'"):
        parse_pointer(text)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        pytest.param({"a": 1}, ("b",), id="no-such-member"),
        pytest.param([1], ("1",), id="past-the-end"),
        pytest.param([1], (1,), id="past-the-end-by-number"),
        pytest.param([1], ("-1",), id="negative-text"),
        pytest.param([1], (-1,), id="negative-number"),
        pytest.param([1], ("x",), id="a-name-in-a-list"),
        pytest.param([1, 2], ("²",), id="a-digit-that-is-no-number"),
        pytest.param({"a": "text"}, ("a", "0"), id="into-a-scalar"),
        pytest.param(None, ("a",), id="into-null"),
    ],
)
def test_what_is_not_there_is_missing(value: Any, path: tuple[str | int, ...]) -> None:
    assert get(value, path) is MISSING


def test_null_is_there() -> None:
    assert get({"a": None}, ("a",)) is None


def test_missing_is_one_value_that_counts_as_false() -> None:
    assert Missing() is MISSING
    assert not MISSING
    assert repr(MISSING) == "MISSING"


@pytest.mark.parametrize(
    ("value", "pointer", "result"),
    [
        pytest.param({"a": 1}, "", "new", id="the-root-itself"),
        pytest.param({"a": 1}, "/a", {"a": "new"}, id="over-a-member"),
        pytest.param({"a": 1}, "/b", {"a": 1, "b": "new"}, id="beside-a-member"),
        pytest.param({}, "/a/b", {"a": {"b": "new"}}, id="objects-are-made-on-the-way"),
        pytest.param({"a": None}, "/a/b", {"a": {"b": "new"}}, id="null-gives-way-to-an-object"),
        pytest.param({"a": [{"b": 1}, 2]}, "/a/0/b", {"a": [{"b": "new"}, 2]}, id="inside-a-list"),
    ],
)
def test_put(value: Any, pointer: str, result: Any) -> None:
    assert put(value, parse_pointer(pointer), "new") == result


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        pytest.param({"a": "text"}, "/a/b", id="into-a-scalar"),
        pytest.param({"a": []}, "/a/0", id="past-the-end-of-a-list"),
        pytest.param({"a": [1]}, "/a/b", id="a-name-in-a-list"),
    ],
)
def test_put_refuses_a_place_that_cannot_be(value: Any, pointer: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        put(value, parse_pointer(pointer), "new")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.lists(st.text(max_size=3), min_size=1, max_size=3))
def test_what_was_put_stands_there_and_the_original_is_untouched(value: dict[str, Any], steps: list[str]) -> None:
    before = repr(value)
    try:
        changed = put(value, tuple(steps), "new")
    except ValueError:
        return
    assert get(changed, tuple(steps)) == "new"
    assert repr(value) == before


def test_a_path_starts_with_itself_the_root_and_its_parents_only() -> None:
    path = ("a", 0, "b")
    assert all(starts_with(path, path[:length]) for length in range(4))
    assert starts_with(path, ROOT)
    assert not starts_with(path, ("a", 1))
    assert not starts_with(path[:2], path)
