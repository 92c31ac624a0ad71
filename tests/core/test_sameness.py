"""What is seen at once to be as declared is also found equal by the comparison that knows everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.compare.normalize import compare
from reconciler.core.compare.sameness import surely_same
from reconciler.core.kinds.fields import read_fields

FIELDS: dict[str, Any] = {
    "text": {"type": "string"},
    "flag": {"type": "boolean", "default": True},
    "number": {"type": "number", "x-absent": 1},
    "lower": {"type": "string", "x-form": "lower"},
    "secret": {"type": "string", "writeOnly": True},
    "masked": {"type": "string", "x-mask": "^x+$"},
    "words": {"type": "array", "x-list": "set", "items": {"type": "string"}},
    "steps": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}},
    "keyed": {"type": "array", "x-list": "set", "x-key": ["text"], "items": {"properties": {"text": {}, "number": {}}}},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
    "some": {"type": "object", "additionalProperties": {}, "x-map": "keys"},
    "whole": {"type": "object", "x-map": "whole", "properties": {"text": {}, "made": {"readOnly": True}}},
}
FIELDS["inner"] = {"type": "object", "properties": dict(FIELDS)}
INFO = read_fields({"properties": FIELDS})

SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, "", "a", "A", "xx", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FIELDS, "made", "k"]), inner, max_size=4)
    ),
    max_leaves=8,
)
SPECS = st.dictionaries(st.sampled_from([*FIELDS]), VALUES, min_size=1, max_size=4)


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(SPECS, st.data(), st.sampled_from(["unset", "zero", "default"]))
def test_surely_the_same_is_the_same(desired: dict[str, Any], data: st.DataObject, absent: str) -> None:
    live = data.draw(st.one_of(st.just(desired), SPECS, st.just({**desired, **data.draw(SPECS)})))
    if surely_same(INFO, desired, live):
        comparison = compare(INFO, desired, live, absent=absent, remembers=lambda path, value: False)
        assert comparison.equal
        assert comparison.incomparable == ()


@pytest.mark.parametrize(
    ("desired", "live", "same"),
    [
        pytest.param({"text": "a"}, {"text": "a", "more": 1}, True, id="only-what-is-stated"),
        pytest.param({"words": ["a", "b"]}, {"words": ["b", "a"]}, True, id="sets-in-any-order"),
        pytest.param({"number": 1}, {"number": 1.0}, True, id="numbers-by-value"),
        pytest.param({"flag": True}, {"flag": 1}, False, id="true-is-not-one"),
        pytest.param({"flag": 1}, {"flag": True}, False, id="one-is-not-true"),
        pytest.param({"map": {"k": "a"}}, {"map": {"k": "a", "l": "b"}}, False, id="one-key-too-many"),
        pytest.param({"some": {"k": "a"}}, {"some": {"k": "a", "l": "b"}}, True, id="only-the-keys-stated"),
        pytest.param({"secret": "a"}, {"secret": "a"}, False, id="what-is-hidden-is-left-to-others"),
        pytest.param({"lower": "a"}, {"lower": "a"}, False, id="what-has-forms-as-well"),
        pytest.param({"steps": [{"text": "a"}]}, {"steps": [{"text": "b"}]}, False, id="inside-lists"),
    ],
)
def test_what_is_surely_the_same(desired: dict[str, Any], live: dict[str, Any], same: bool) -> None:
    assert surely_same(INFO, desired, live) is same
