"""What an error answer says went wrong, in the layouts that frameworks and services use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.wire.reasons import in_words, reasons_in

FIELDS = ("name", "size", "note", "tags", "id")
SENT = "SECRETVAL"  # what a request sent, and an answer repeats


def bodies() -> list[tuple[str, Any, str, tuple[str, ...]]]:
    """Return name, answer, what is shown and the fields that are named, "-" for nothing, out of the table."""
    found = []
    for block in Path(__file__).with_name("error_answers.txt").read_text(encoding="utf-8").strip().split("\n\n"):
        name, body, said, fields = block.split("\n")
        named = tuple(fields.split()) if fields != "-" else ()
        found.append((name.removeprefix("# "), json.loads(body), "" if said == "-" else said, named))
    return found


BODIES = bodies()


@pytest.mark.parametrize(("body", "said", "fields"), [pytest.param(*rest, id=name) for name, *rest in BODIES])
def test_the_reason_is_found_by_its_shape(body: Any, said: str, fields: tuple[str, ...]) -> None:
    found = reasons_in(body, FIELDS)
    assert in_words(found) == said
    assert tuple(dict.fromkeys(".".join(one.field) for one in found if one.field)) == fields


def test_what_was_sent_is_never_a_reason() -> None:
    assert len(BODIES) >= 60
    repeated = [body for _, body, _, _ in BODIES if SENT in str(body)]
    assert len(repeated) >= 4
    assert not any(SENT in in_words(reasons_in(body, FIELDS)) for body in repeated)


@pytest.mark.parametrize("depth", [13, 5000])
def test_what_is_nested_without_end_is_not_followed(depth: int) -> None:
    body: Any = {"message": "deep"}
    for _ in range(depth):
        body = {"error": body}
    assert reasons_in(body) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["message", "errors", "detail", "field", "loc", "name", "data", "x"]), inner)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_any_answer_can_be_searched(body: Any) -> None:
    texts = str(body)
    for one in reasons_in(body, FIELDS):
        assert one.text
        assert one.text in texts or repr(one.text)[1:-1] in texts
