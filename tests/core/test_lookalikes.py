"""Texts that differ and look the same."""

from __future__ import annotations

import pytest

from reconciler.core.lookalikes import told_apart


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        pytest.param("café", "cafe\u0301", ("caf\\xe9", "cafe\\u0301"), id="composition"),
        pytest.param("a\u00a0b", "a b", ("a\\xa0b", "a b"), id="no-break-space"),
        pytest.param("a\u200bb", "ab", ("a\\u200bb", "ab"), id="zero-width"),
        pytest.param("☺\ufe0f", "☺", ("\\u263a\\ufe0f", "\\u263a"), id="variation-selector"),
        pytest.param("Ａ", "A", ("\\uff21", "A"), id="width"),
        pytest.param("é", "è", ("é", "è"), id="plainly-different"),
        pytest.param("a", "b", ("a", "b"), id="ascii"),
        pytest.param("é", "é", ("é", "é"), id="equal"),
    ],
)
def test_what_looks_the_same_is_spelled_out(one: str, other: str, shown: tuple[str, str]) -> None:
    assert told_apart(one, other) == shown
