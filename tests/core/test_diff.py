"""Two canonical bodies to redacted field changes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from core_builders import fields_of
from core_estate import FREE
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.diff import SENSITIVE, Difference, differences, field_changes, redact
from reconciler.core.compare.normalize import Comparison, compare
from reconciler.core.model import FieldChange, Json, Operation
from reconciler.core.pointer import Path

ADD, CHANGE, REMOVE = Operation.ADD, Operation.CHANGE, Operation.REMOVE
SECRET = "fake-token-not-real"


def apply(body: Json, found: list[Difference]) -> Json:
    """Return `body` with the differences carried out: the reference that the law is checked against."""
    body = copy.deepcopy(body)
    for one in [
        *(d for d in found if d.operation is not REMOVE),
        *reversed([d for d in found if d.operation is REMOVE]),
    ]:
        parent = body
        for step in one.path[:-1]:
            parent = parent[step]
        last = one.path[-1]
        if one.operation is REMOVE:
            assert strictly_equal(parent[last], one.before)
            del parent[last]
        elif isinstance(parent, list) and one.operation is ADD:
            assert last == len(parent)
            parent.append(one.after)
        else:
            assert one.operation is ADD or strictly_equal(parent[last], one.before)
            parent[last] = one.after
    return body


BODIES = st.dictionaries(
    st.text(max_size=4) | st.sampled_from(["a", "__typename", "a.b", "['x']", "0"]), FREE, max_size=4
)


@given(BODIES, BODIES)
def test_the_differences_lead_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = list(differences(before, after))
    assert strictly_equal(apply(before, found), after)
    assert bool(found) is not strictly_equal(before, after)


@given(BODIES)
def test_a_body_differs_from_itself_in_nothing(body: dict[str, Any]) -> None:
    assert list(differences(body, copy.deepcopy(body))) == []


def changes(
    live: Any,
    desired: Any,
    stated: Any = None,
    hidden: tuple[Path, ...] = (),
    unknown: tuple[Path, ...] = (),
) -> list[tuple[Operation, Path, Json, Json]]:
    found = field_changes(
        Comparison(desired=desired, live=live),
        stated=desired if stated is None else stated,
        hidden=lambda path: path in hidden,
        unknown=frozenset(unknown),
    )
    return [(c.operation, c.path, c.before, c.after) for c in found]


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="nothing"),
        pytest.param({}, {"a": 1}, [(ADD, ("a",), None, 1)], id="added"),
        pytest.param({"a": 1}, {}, [(REMOVE, ("a",), 1, None)], id="removed"),
        pytest.param({"a": 1}, {"a": 2}, [(CHANGE, ("a",), 1, 2)], id="changed"),
        pytest.param({"a": 1}, {"a": True}, [(CHANGE, ("a",), 1, True)], id="true-for-one"),
        pytest.param({"a": 1}, {"a": "1"}, [(CHANGE, ("a",), 1, "1")], id="text-for-a-number"),
        pytest.param(
            {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [(CHANGE, ("a", "c"), 2, 3)], id="only-the-member"
        ),
        pytest.param({"a": {}}, {"a": {"__x": 1}}, [(ADD, ("a", "__x"), None, 1)], id="a-name-with-underscores"),
        pytest.param(
            {"l": ["a", "b"]}, {"l": ["a", "c"]}, [(CHANGE, ("l",), ["a", "b"], ["a", "c"])], id="list-of-values"
        ),
        pytest.param({"l": ["a"]}, {"l": ["z", "a"]}, [(CHANGE, ("l",), ["a"], ["z", "a"])], id="list-that-grew"),
        pytest.param({"l": [{"a": 1}]}, {"l": [{"a": 2}]}, [(CHANGE, ("l", 0, "a"), 1, 2)], id="inside-an-item"),
        pytest.param({"l": [{"a": 1}]}, {"l": [{"a": 1}, {}]}, [(ADD, ("l", 1), None, {})], id="item-added"),
        pytest.param(
            {"b": 1, "a": 1}, {"b": 2, "a": 2}, [(CHANGE, ("a",), 1, 2), (CHANGE, ("b",), 1, 2)], id="in-path-order"
        ),
    ],
)
def test_changes(live: Any, desired: Any, expected: Any) -> None:
    assert changes(live, desired) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        pytest.param({"a": ""}, (CHANGE, ("a",), "x", ""), id="stated-zero-is-shown"),
        pytest.param({"a": []}, (CHANGE, ("a",), "x", []), id="stated-empty-list-is-shown"),
        pytest.param({"a": None}, (REMOVE, ("a",), "x", None), id="null-removes"),
        pytest.param({}, (REMOVE, ("a",), "x", None), id="not-stated-removes"),
    ],
)
def test_a_stated_zero_is_not_a_removal(stated: Any, expected: Any) -> None:
    assert changes({"a": "x"}, {}, stated) == [expected]


def test_nulls_in_free_json_are_shown_as_they_are_sent() -> None:
    stated = {"data": {"a": None, "l": [{"b": None}], "x": 1}}
    fields = fields_of({"data": {"type": "object"}})
    for live in ({}, {"data": {"x": 2}}):
        comparison = compare(fields, stated, live)
        found = field_changes(comparison, stated=stated, hidden=lambda path: False)
        shown = {change.path: change.after for change in found}
        assert shown in ({("data",): stated["data"]}, {("data", "l"): [{"b": None}], ("data", "x"): 1})


# --------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    ("live", "desired", "hidden", "path"),
    [
        pytest.param({"a": "old"}, {"a": SECRET}, ("a",), ("a",), id="itself"),
        pytest.param({"a": {"b": "old"}}, {"a": {"b": SECRET}}, ("a", "b"), ("a", "b"), id="a-member"),
        pytest.param({}, {"a": {"b": SECRET, "c": 1}}, ("a", "b"), ("a",), id="inside-what-is-added"),
        pytest.param({"a": {"b": SECRET}}, {}, ("a", "b"), ("a",), id="inside-what-is-removed"),
        pytest.param({"l": ["x"]}, {"l": ["x", SECRET]}, ("l", 1), ("l",), id="in-a-list"),
        pytest.param({"a": SECRET}, {"a": {"b": 1}}, ("a",), ("a",), id="another-type"),
    ],
)
def test_a_secret_is_in_no_change(live: Any, desired: Any, hidden: Path, path: Path) -> None:
    found = field_changes(
        Comparison(desired=desired, live=live), stated=desired, hidden=lambda p: p[: len(hidden)] == hidden
    )
    assert [change.path for change in found] == [path]
    assert SECRET not in repr(found)
    assert SENSITIVE in repr(found)


def test_a_change_in_hidden_parts_only_says_that_it_is_hidden() -> None:
    found = field_changes(
        Comparison(desired={"l": ["new"]}, live={"l": ["old"]}),
        stated={"l": ["new"]},
        hidden=lambda path: path == ("l", 0),
    )
    assert [(c.before, c.after, c.sensitive) for c in found] == [([SENSITIVE], [SENSITIVE], True)]


def test_redaction_reaches_everything_and_keeps_null() -> None:
    value = {"a": [1, {"b": 2, "c": None}], "d": 3}
    assert redact(value, (), lambda path: path[-1:] in (("b",), ("c",), ("d",))) == {
        "a": [1, {"b": SENSITIVE, "c": None}],
        "d": SENSITIVE,
    }
    assert redact(value, (), lambda path: path == ()) == SENSITIVE
    assert redact(None, (), lambda path: True) is None


@given(FREE)
def test_where_nothing_is_hidden_redaction_changes_nothing(value: Any) -> None:
    assert strictly_equal(redact(value, (), lambda path: False), value)


# --------------------------------------------------------------------------- what is known only later

REFERENCE = "${ref:Pool/blue}"


def unknown_changes(live: Any, desired: Any, unknown: Path) -> dict[Path, FieldChange]:
    found = field_changes(
        Comparison(desired=desired, live=live), stated=desired, hidden=lambda p: False, unknown=frozenset([unknown])
    )
    return {change.path: change for change in found}


@pytest.mark.parametrize(
    ("live", "desired", "unknown", "path"),
    [
        pytest.param({"a": "p-1"}, {"a": REFERENCE}, ("a",), ("a",), id="itself"),
        pytest.param({}, {"a": {"b": REFERENCE}}, ("a", "b"), ("a",), id="inside-what-is-added"),
        pytest.param({"l": ["p-1"]}, {"l": [REFERENCE]}, ("l", 0), ("l",), id="in-a-list"),
        pytest.param({"l": [{"p": "x"}]}, {"l": [{"p": REFERENCE}]}, ("l", 0, "p"), ("l", 0, "p"), id="in-an-item"),
        pytest.param(
            {"l": {"k1": {"p": "x"}}}, {"l": {"k1": {"p": REFERENCE}}}, ("l", 0, "p"), ("l", "k1", "p"), id="by-key"
        ),
    ],
)
def test_an_unknown_value_is_not_shown(live: Any, desired: Any, unknown: Path, path: Path) -> None:
    found = unknown_changes(live, desired, unknown)
    assert not found[path].known
    assert REFERENCE not in repr(found)


def test_other_fields_stay_known() -> None:
    live = {"a": 1, "l": [{"p": 1}, {"p": 2}]}
    desired = {"a": 2, "l": [{"p": REFERENCE}, {"p": 3}]}
    found = unknown_changes(live, desired, ("l", 0, "p"))
    assert {path: change.known for path, change in found.items()} == {
        ("a",): True,
        ("l", 0, "p"): False,
        ("l", 1, "p"): True,
    }


def test_a_set_shows_one_change_of_the_whole_set() -> None:
    info = fields_of({"tags": {"type": "array", "items": {"type": "string"}, "x-list": "set"}})
    desired = {"tags": ["c", "a", "b"]}
    comparison = compare(info, desired, {"tags": ["d", "b"]})
    found = field_changes(comparison, stated=desired, hidden=lambda path: False)
    assert [(c.path, c.before, c.after) for c in found] == [(("tags",), ["b", "d"], ["a", "b", "c"])]


def test_values_are_shown_as_a_manifest_states_them() -> None:
    """Also where requests and comparisons have another form; and what was stated is not decoded once more."""
    info = fields_of(
        {
            "script": {"type": "string", "x-form": "base64-text"},
            "size": {"type": "integer", "x-form": "int64"},
            "parts": {"type": "array", "items": {"type": "string", "x-form": "base64-text"}},
            "byName": {
                "type": "array",
                "x-list": "set",
                "x-key": ["name"],
                "items": {"type": "object", "properties": {"name": {}, "text": {"x-form": "base64-text"}}},
            },
            "aGk=": {"type": "string", "x-form": "base64-text"},
        }
    )
    stated = {"script": "b", "size": 2, "parts": ["hi"], "byName": [{"name": "n", "text": "new"}], "aGk=": "aGk="}
    items = [{"name": "n", "text": "b2xk"}]
    live = {"script": "YQ==", "size": "1", "parts": ["aG8="], "byName": items, "aGk=": "/w=="}
    found = field_changes(compare(info, stated, live), stated=stated, hidden=lambda path: False)
    assert {change.path: (change.before, change.after) for change in found} == {
        ("aGk=",): ("/w==", "aGk="),
        ("byName", "n", "text"): ("old", "new"),
        ("parts",): (["ho"], ["hi"]),
        ("script",): ("a", "b"),
        ("size",): (1, 2),
    }
