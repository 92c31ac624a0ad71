"""What an answer means."""

from __future__ import annotations

from typing import Any

import pytest
from core_builders import answer, kind_of, page_answer
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import ErrorClass
from reconciler.core.kinds.definition import Condition
from reconciler.core.model import Response
from reconciler.core.pointer import MISSING
from reconciler.core.wire.judge import Verdict, all_hold, holds, judge

E = ErrorClass
PLAIN = kind_of({})


def verdict(response: Response, *rules: Any, system: Any = ()) -> Verdict:
    return judge(kind_of({"answers": list(rules)}, {"answers": list(system)}), response)


# --------------------------------------------------------------------------- without rules


@pytest.mark.parametrize(
    ("response", "meaning"),
    [
        pytest.param(answer({"id": 1}), None, id="200"),
        pytest.param(answer(status=201), None, id="201-without-a-body"),
        pytest.param(answer(status=204), None, id="204"),
        pytest.param(answer(content=b"OK", content_type="text/plain"), None, id="200-text"),
        pytest.param(page_answer("<html>"), E.MISCONFIGURED, id="200-html"),
        pytest.param(page_answer(" \n"), None, id="200-html-without-content"),
        pytest.param(page_answer('{"id": 1}'), None, id="200-json-called-html"),
        pytest.param(answer(status=301, location="https://x.example/"), E.MISCONFIGURED, id="301"),
        pytest.param(answer(status=304), E.MISCONFIGURED, id="304"),
        pytest.param(answer({"message": "m"}, 400), E.INVALID, id="400"),
        pytest.param(answer(status=401), E.UNAUTHORIZED, id="401"),
        pytest.param(answer(status=402), E.FAILED, id="402"),
        pytest.param(answer(status=403), E.FORBIDDEN, id="403"),
        pytest.param(answer({"message": "gone"}, 404), E.NOT_FOUND, id="404-json"),
        pytest.param(answer(status=404), E.MISCONFIGURED, id="404-bare"),
        pytest.param(answer({}, 404), E.MISCONFIGURED, id="404-empty-object"),
        pytest.param(answer([], 404), E.MISCONFIGURED, id="404-list"),
        pytest.param(page_answer("<html>", 404), E.MISCONFIGURED, id="404-html"),
        pytest.param(answer(content=b"404 page not found", status=404), E.MISCONFIGURED, id="404-text"),
        pytest.param(answer(status=405), E.MISCONFIGURED, id="405"),
        pytest.param(answer(status=408), E.TRANSIENT, id="408"),
        pytest.param(answer(status=409), E.CONFLICT, id="409"),
        pytest.param(answer(status=410), E.NOT_FOUND, id="410"),
        pytest.param(answer(status=412), E.CONFLICT, id="412"),
        pytest.param(answer(status=415), E.MISCONFIGURED, id="415"),
        pytest.param(answer(status=418), E.FAILED, id="418"),
        pytest.param(answer(status=422), E.INVALID, id="422"),
        pytest.param(answer(status=425), E.TRANSIENT, id="425"),
        pytest.param(answer(status=429), E.RATE_LIMITED, id="429"),
        pytest.param(answer(status=500), E.TRANSIENT, id="500"),
        pytest.param(page_answer("<html>", 502), E.TRANSIENT, id="502-html"),
        pytest.param(answer(status=599), E.TRANSIENT, id="599"),
    ],
)
def test_the_usual_meaning(response: Response, meaning: ErrorClass | None) -> None:
    found = judge(PLAIN, response)
    assert found.error_class is meaning
    assert found.ok is (meaning is None)


@given(st.integers(100, 599), st.binary(max_size=20), st.sampled_from(["", "application/json", "text/html", "x/y;z"]))
def test_every_answer_means_something(status: int, content: bytes, content_type: str) -> None:
    found = judge(PLAIN, Response(status=status, headers={"content-type": content_type}, content=content))
    assert found.ok or found.message.startswith(f"status {status}")
    assert found.message.isprintable()
    assert 200 <= status < 300 or not found.ok


# --------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"message": "no"}, "no", id="message"),
        pytest.param({"error": {"message": "no"}}, "no", id="error-message"),
        pytest.param({"error": "no"}, "no", id="error"),
        pytest.param({"error": "code", "error_description": "no"}, "no", id="error-description"),
        pytest.param({"error": "code", "reason": "no"}, "no", id="reason"),
        pytest.param({"error": {"type": "code", "reason": "no"}}, "no", id="reason-of-an-error"),
        pytest.param({"detail": "no"}, "no", id="detail"),
        pytest.param({"title": "no"}, "no", id="title"),
        pytest.param({"errors": [{"message": "no"}]}, "no", id="first-of-errors"),
        pytest.param({"errors": ["no", "nor this"]}, "no; nor this", id="texts-of-errors"),
        pytest.param({"message": " ", "detail": "no"}, "no", id="blank-is-passed-over"),
        pytest.param({"message": 5, "detail": "no"}, "no", id="a-number-is-passed-over"),
        pytest.param({"message": "\x00\x1b", "detail": "no"}, "no", id="unprintable-is-passed-over"),
        pytest.param(
            {"message": "two\nlines\t\x1b[31mred\u202ereversed"}, "two lines  [31mred reversed", id="one-line"
        ),
        pytest.param({"message": "word " * 200}, "word " * 100 + "…", id="cut-after-a-whole-word"),
    ],
)
def test_what_the_server_said_is_passed_on(body: Any, said: str) -> None:
    assert judge(PLAIN, answer(body, 400)).message == f"status 400: {said}"


def test_half_a_secret_is_not_shown() -> None:
    found = judge(PLAIN, answer({"message": "you sent " + "s" * 600}, 400))
    assert found.message == "status 400: you sent …"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        pytest.param(answer(status=500), "status 500: an empty answer", id="nothing"),
        pytest.param(answer(["no"], 500), "status 500: no", id="a-list"),
        pytest.param(answer({"code": 5}, 500), 'status 500: the answer is {"code": 5}', id="no-words"),
        pytest.param(page_answer("<html>", 500), "status 500: an HTML page instead of JSON", id="html"),
        pytest.param(answer(content=b"oops", status=500), "status 500: oops", id="text"),
        pytest.param(
            answer({"message": "Moved"}, 302, location="https://x.example/login"),
            "status 302: a redirect to https://x.example/login, which is never followed",
            id="redirect",
        ),
    ],
)
def test_where_the_server_said_nothing(response: Response, message: str) -> None:
    assert judge(PLAIN, response).message == message


@pytest.mark.parametrize("status", [401, 403, 405, 429, 503])
def test_what_a_person_can_do_is_said(status: int) -> None:
    assert judge(PLAIN, answer(status=status)).hint


def test_the_words_come_from_where_the_rule_says_first() -> None:
    rule = {"status": 400, "class": "invalid", "message": ["/none", "/why"], "hint": "ask"}
    found = verdict(answer({"message": "usual", "why": "because"}, 400), rule)
    assert (found.message, found.hint) == ("status 400: because", "ask")
    assert verdict(answer({"message": "usual"}, 400), rule).message == "status 400: usual"


# --------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("rule", "response", "applies"),
    [
        pytest.param({}, answer({"a": 1}, 500), True, id="nothing-stated"),
        pytest.param({"status": 500}, answer(status=500), True, id="status"),
        pytest.param({"status": 500}, answer(status=501), False, id="other-status"),
        pytest.param({"status": [400, 500]}, answer(status=500), True, id="one-of-several"),
        pytest.param({"status": "5xx"}, answer(status=503), True, id="group"),
        pytest.param({"status": "5xx"}, answer(status=403), False, id="other-group"),
        pytest.param({"contentType": "text/*"}, page_answer("x"), True, id="content-type"),
        pytest.param({"contentType": "application/*json"}, page_answer("x"), False, id="other-content-type"),
        pytest.param({"contentType": "TEXT/html"}, page_answer("x"), True, id="content-type-without-parameters"),
        pytest.param({"matches": "not  *FOUND"}, page_answer("x not found y"), True, id="text-anywhere"),
        pytest.param({"matches": "absent"}, page_answer("x"), False, id="text-nowhere"),
        pytest.param({"matches": "é"}, answer(content=b"\xff\xc3\xa9"), True, id="text-among-bytes"),
        pytest.param({"at": "/m", "matches": "dupl"}, answer({"m": "Duplicate"}), True, id="text-at-a-place"),
        pytest.param({"at": "/m", "matches": "dupl"}, answer({"x": "Duplicate"}), False, id="text-elsewhere"),
        pytest.param({"at": "/m", "matches": "5"}, answer({"m": 5}), False, id="a-number-is-no-text"),
        pytest.param({"at": "/code", "equals": 5}, answer({"code": 5}), True, id="equals"),
        pytest.param({"at": "/code", "equals": 1}, answer({"code": True}), False, id="true-is-not-one"),
        pytest.param({"at": "/code", "equals": None}, answer({"code": None}), True, id="equals-null"),
        pytest.param({"at": "/code", "equals": None}, answer({}), False, id="absent-is-not-null"),
        pytest.param({"at": "/code", "oneOf": [4, 5]}, answer({"code": 5}), True, id="one-of"),
        pytest.param({"at": "/code", "oneOf": [4, 5]}, answer({}), False, id="none-of"),
        pytest.param({"at": "/e", "present": True}, answer({"e": []}), True, id="present"),
        pytest.param({"at": "/e", "present": True}, answer({"e": None}), False, id="null-is-not-present"),
        pytest.param({"at": "/e", "present": False}, answer({}), True, id="absent"),
        pytest.param({"at": "/e", "present": False}, page_answer("x"), True, id="absent-from-what-is-not-json"),
        pytest.param({"at": "/e", "present": True}, page_answer("x"), False, id="not-in-what-is-not-json"),
        pytest.param({"status": 500, "at": "/c", "equals": 1}, answer({"c": 1}, 500), True, id="all-of-it"),
        pytest.param({"status": 500, "at": "/c", "equals": 1}, answer({"c": 2}, 500), False, id="not-all-of-it"),
    ],
)
def test_when_a_rule_applies(rule: Any, response: Response, applies: bool) -> None:
    found = verdict(response, {"class": "conflict", **rule})
    assert (found.error_class is E.CONFLICT) is applies


@pytest.mark.parametrize("meaning", [c.value for c in ErrorClass])
def test_a_rule_can_give_every_class(meaning: str) -> None:
    assert verdict(answer({"a": 1}), {"class": meaning}).error_class is ErrorClass(meaning)


def test_a_rule_can_make_a_success_of_a_failure_and_a_failure_of_a_success() -> None:
    assert verdict(answer({"message": "exists"}, 500), {"status": 500, "class": "success"}).ok
    failed = verdict(answer({"ok": False, "resultMessage": "no"}), {"at": "/ok", "equals": False, "class": "failed"})
    assert (failed.error_class, failed.message) == (E.FAILED, "status 200: no")


def test_the_first_rule_decides_and_the_kind_goes_before_its_system() -> None:
    response = answer({"a": 1}, 400)
    first, second = {"status": 400, "class": "conflict"}, {"status": 400, "class": "notFound"}
    assert verdict(response, first, second).error_class is E.CONFLICT
    assert verdict(response, second, system=[first]).error_class is E.NOT_FOUND
    assert verdict(response, system=[first]).error_class is E.CONFLICT
    assert verdict(response, {"status": 404, "class": "failed"}, system=[first]).error_class is E.CONFLICT


def test_all_conditions_must_hold() -> None:
    conditions = [Condition(at="/a", equals=1), Condition(at="/b", present=True)]
    assert all_hold(conditions, {"a": 1, "b": 2})
    assert not all_hold(conditions, {"a": 1})
    assert all_hold([], {})
    assert holds(Condition(matches="^go"), "going")
    assert not holds(Condition(matches="^go"), {"a": "going"})
    assert holds(Condition(), MISSING)
