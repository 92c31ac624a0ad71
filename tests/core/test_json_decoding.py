"""The quick decoder and the reference give the same values and refuse the same texts."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core import json_decoding
from reconciler.core.json_decoding import decode_json

NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([10**25, -(10**25), 2**63, 2**64, 1e308, 5e-324])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def told(value: Any) -> Any:
    """Return a value in which 1, 1.0 and true differ, and so do the two zeros."""
    if isinstance(value, dict):
        return {name: told(item) for name, item in value.items()}
    if isinstance(value, list):
        return [told(item) for item in value]
    return type(value), repr(value)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(VALUES, st.booleans())
def test_both_give_the_same(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert told(decode_json(text)) == told(json.loads(text)) == told(value)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=12) | st.text(alphabet='{}[]":,0123456789.eE+-tfn \\u/ad', max_size=12).map(str.encode))
def test_both_refuse_the_same(text: bytes) -> None:
    try:
        expected = told(json.loads(text))
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  of json's own kinds, as the reference raises them
            decode_json(text)
    else:
        assert told(decode_json(text)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("123456789012345678901234567890", 123456789012345678901234567890, id="long-numbers-stay-exact"),
        pytest.param('"\\ud800"', "\ud800", id="half-a-character"),
        pytest.param('{"a": 1, "a": 2}', {"a": 2}, id="the-last-of-two"),
        pytest.param("\ufeff[1]", [1], id="behind-a-mark"),
        pytest.param("-0.0", -0.0, id="zero-below"),
    ],
)
def test_odd_texts_are_decoded_as_the_reference_does(text: str, value: Any) -> None:
    assert told(decode_json(text.encode())) == told(json.loads(text.encode())) == told(value)


def test_without_the_quick_one_the_reference_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    monkeypatch.setattr(json_decoding, "quick_decoder", json_decoding.quick_decoder.__wrapped__)
    assert decode_json(b'{"a": [1, 2.5, "\xc3\xa9"]}') == {"a": [1, 2.5, "é"]}
