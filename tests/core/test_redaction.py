"""Known secret values taken out of text, however they are spelled there."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from reconciler.core.redaction import MIN_LENGTH, Redactor

SECRET = 'fake "tö/ken"+not\\real ~~???>>>'


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(json.dumps(SECRET), id="json"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False), id="json-not-ascii"),
        pytest.param(repr(SECRET), id="repr"),
        pytest.param(quote(SECRET), id="percent-encoded"),
        pytest.param(quote(SECRET, safe=""), id="percent-encoded-slashes"),
        pytest.param(quote_plus(SECRET), id="form-encoded"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(base64.b64encode(SECRET.encode()).decode().rstrip("="), id="base64-without-padding"),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()).decode(), id="base64-for-urls"),
    ],
)
def test_every_spelling_is_taken_out(spelled: str) -> None:
    assert "(sensitive)" in Redactor([SECRET]).text(f"before {spelled} after")
    said = Redactor([SECRET]).text(f"before {spelled} after")
    assert said.startswith("before ")
    assert said.endswith(" after")
    assert spelled.strip("\"'") not in said


def test_text_without_a_secret_stays_as_it_is() -> None:
    assert Redactor([SECRET]).text("nothing here") == "nothing here"
    assert Redactor().text("nothing known") == "nothing known"


def test_every_occurrence_goes() -> None:
    assert Redactor(["abcd"]).text("abcd-abcd abcdabcd") == "(sensitive)-(sensitive) (sensitive)(sensitive)"


def test_of_two_that_overlap_the_longer_goes_first() -> None:
    assert Redactor(["token", "token-two"]).text("x token-two y token z") == "x (sensitive) y (sensitive) z"


def test_a_secret_is_no_pattern() -> None:
    assert Redactor(["a.c*"]).text("abcc a.c*") == "abcc (sensitive)"


@pytest.mark.parametrize("value", ["", "a", "abc", "true", "false", "null"])
def test_what_would_blot_out_innocent_text_is_not_taken_for_a_secret(value: str) -> None:
    text = f"is {value} true, false or null? abc"
    assert Redactor([value]).text(text) == text


def test_the_shortest_secret() -> None:
    assert Redactor(["x" * MIN_LENGTH]).text("x" * MIN_LENGTH) == "(sensitive)"


def test_each_long_line_of_a_secret_is_one() -> None:
    key = "-----BEGIN FAKE-----\nAAAABBBBCCCCDDDDEEEE\nshort\n-----END FAKE-----\n"
    assert Redactor([key]).text("see AAAABBBBCCCCDDDDEEEE there") == "see (sensitive) there"
    assert Redactor([key]).text("short") == "short"
    assert Redactor([key]).text(key) == "(sensitive)"


def test_secrets_may_be_learned_later() -> None:
    redactor = Redactor(["first-secret"])
    redactor.add(["second-secret"])
    redactor.add([])
    assert redactor.text("first-secret second-secret") == "(sensitive) (sensitive)"


def test_json_is_redacted_at_every_depth_and_in_its_keys() -> None:
    value = {"a": ["fake-token", 1, None, True], "fake-token": {"b": "x fake-token y"}}
    assert Redactor(["fake-token"]).json(value) == {
        "a": ["(sensitive)", 1, None, True],
        "(sensitive)": {"b": "x (sensitive) y"},
    }
    assert value["a"] == ["fake-token", 1, None, True]


def test_the_redactor_itself_shows_nothing() -> None:
    assert SECRET not in repr(Redactor([SECRET]))
