"""Suggestions for misspelt words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reconciler.core.suggest import did_you_mean

WORDS = ("timeout", "timeouts", "retryEnabled", "url", "type")


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        pytest.param("timout", WORDS, "did you mean 'timeout'?", id="letter-missing"),
        pytest.param("tpye", WORDS, "did you mean 'type'?", id="letters-swapped"),
        pytest.param("retry_enabled", WORDS, "did you mean 'retryEnabled'?", id="other-style"),
        pytest.param("URL", WORDS, "did you mean 'url'?", id="other-case"),
        pytest.param("RETRYENABLED", WORDS, "did you mean 'retryEnabled'?", id="all-capitals"),
        pytest.param("completely-else", WORDS, "", id="nothing-near"),
        pytest.param("anything", (), "", id="nothing-known"),
        pytest.param("", WORDS, "", id="empty"),
        pytest.param("ab", ("ba", "ab1", "ab0"), "did you mean 'ab1'?", id="nearest"),
    ],
)
def test_the_nearest_word_is_suggested(word: str, known: Sequence[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint


def test_the_order_of_the_known_words_is_irrelevant() -> None:
    assert did_you_mean("nam", ["names", "name"]) == did_you_mean("nam", ["name", "names"]) == "did you mean 'name'?"
