"""Forms of scalar values: which spellings are equal, and which one a request carries."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.kinds.fields import FORMS
from reconciler.core.kinds.forms import CANONICAL, DECODE, ENCODE, canonical_scalar, decode_scalar, encode_scalar

ID = "123e4567-e89b-12d3-a456-426614174000"
ID_BASE64 = base64.b64encode(uuid.UUID(ID).bytes).decode()


def test_every_form_goes_both_ways() -> None:
    assert set(CANONICAL) == set(ENCODE) == set(DECODE) == set(FORMS)


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        pytest.param("uuid-base64", ID, ID_BASE64, id="uuid-as-bytes"),
        pytest.param("uuid-base64", ID, ID.upper(), id="uuid-in-capitals"),
        pytest.param("uuid-base64", ID, ID.replace("-", ""), id="uuid-without-hyphens"),
        pytest.param("uuid-base64", ID, ID_BASE64.rstrip("="), id="uuid-as-unpadded-bytes"),
        pytest.param("int64", 5, "5", id="integer-as-text"),
        pytest.param("int64", -5, "-5", id="negative-integer"),
        pytest.param("int64", 2**63 - 1, str(2**63 - 1), id="largest-integer"),
        pytest.param("int64", 5, 5.0, id="whole-float"),
        pytest.param("number", 10.5, "10.50", id="decimal-text"),
        pytest.param("number", "-7", -7.0, id="negative-decimal-text"),
        pytest.param("number", 2**70, str(2**70), id="number-beyond-64-bits"),
        pytest.param("duration", "60s", "1m0s", id="minute"),
        pytest.param("duration", "1.5s", "1500ms", id="fraction"),
        pytest.param("duration", "90m", "1h30m", id="hours"),
        pytest.param("duration", "0", "0s", id="zero"),
        pytest.param("duration", "-0s", "0ms", id="negative-zero"),
        pytest.param("duration", "-1m", "-60s", id="negative"),
        pytest.param("duration", "+1m", "60s", id="plus"),
        pytest.param("duration", "1µs", "1000ns", id="micro-sign"),
        pytest.param("duration", "1μs", "1us", id="greek-mu"),
        pytest.param("duration", ".5s", "0.500s", id="no-leading-zero"),
        pytest.param("timestamp", "2024-05-06T07:08:09Z", "2024-05-06T09:08:09+02:00", id="offset"),
        pytest.param("timestamp", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.000Z", id="empty-fraction"),
        pytest.param(
            "timestamp", "2024-05-06T07:08:09.5Z", "2024-05-06T07:08:09.500000000Z", id="fraction-of-a-second"
        ),
        pytest.param("timestamp", "2024-05-06T07:08:09Z", "2024-05-06t07:08:09z", id="lower-case"),
        pytest.param("timestamp", "2024-05-06T07:08:09Z", "2024-05-06 07:08:09+00:00", id="space"),
        pytest.param("timestamp", "2024-01-01T00:30:00Z", "2023-12-31T23:30:00-01:00", id="over-midnight"),
        pytest.param("base64", "+/8=", "-_8", id="url-alphabet-unpadded"),
        pytest.param("base64", "YQ==", "YR==", id="spare-bits"),
        pytest.param("base64-text", "aGk=", "aGk", id="unpadded"),
        pytest.param("lower", "Blue", "blue", id="lower"),
        pytest.param("upper", "Blue", "BLUE", id="upper"),
        pytest.param("case-insensitive", "STRASSE", "straße", id="case-insensitive"),
        pytest.param("trim", " a b\n", "a b", id="trim"),
        pytest.param("url", "HTTPS://E.com:443", "https://e.com/", id="url-scheme-host-port-and-path"),
        pytest.param("url", "http://e.com/%7euser?q=%c3%A4", "http://e.com/~user?q=%C3%A4", id="url-escapes"),
        pytest.param("url", "https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a", id="url-ipv6"),
    ],
)
def test_spellings_of_one_value_are_equal(form: str, one: Any, other: Any) -> None:
    assert canonical_scalar((form,), one) == canonical_scalar((form,), other)


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        pytest.param("uuid-base64", ID, ID[:-1] + "1", id="another-uuid"),
        pytest.param("int64", 5, "6", id="another-integer"),
        pytest.param("number", 10.5, "10.51", id="another-decimal"),
        pytest.param("number", 0.1, "0.1000000000000000000001", id="a-neighbour-that-no-float-can-tell"),
        pytest.param("int64", 1, True, id="a-boolean-is-no-integer"),
        pytest.param("duration", "1m", "1ms", id="minute-and-millisecond"),
        pytest.param("duration", "-1m", "1m", id="sign"),
        pytest.param("duration", "1.0000000001s", "1s", id="less-than-a-nanosecond"),
        pytest.param("timestamp", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09.000000001Z", id="a-nanosecond"),
        pytest.param("timestamp", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09+02:00", id="another-offset"),
        pytest.param("base64", "YQ==", "Yg==", id="other-bytes"),
        pytest.param("trim", "a b", "ab", id="space-inside"),
        pytest.param("url", "https://e.com/A", "https://e.com/a", id="url-case-of-the-path"),
        pytest.param("url", "https://e.com/a", "https://e.com/a/", id="url-slash-at-the-end"),
        pytest.param("url", "https://e.com/a%2Fb", "https://e.com/a/b", id="url-escaped-slash"),
        pytest.param("url", "https://e.com:8443/", "https://e.com/", id="url-port"),
        pytest.param("url", "http://e.com:443/", "http://e.com/", id="url-port-of-another-scheme"),
        pytest.param("url", "https://u@e.com/", "https://e.com/", id="url-user"),
    ],
)
def test_different_values_stay_different(form: str, one: Any, other: Any) -> None:
    left, right = canonical_scalar((form,), one), canonical_scalar((form,), other)
    assert (type(left), left) != (type(right), right)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        pytest.param("uuid-base64", "(sensitive)", id="no-uuid"),
        pytest.param("uuid-base64", "YWJj", id="bytes-of-another-length"),
        pytest.param("int64", "5.5", id="no-integer"),
        pytest.param("int64", "", id="empty-integer"),
        pytest.param("int64", "9" * 5000, id="more-digits-than-python-reads"),
        pytest.param("duration", "soon", id="no-duration"),
        pytest.param("duration", "", id="empty-duration"),
        pytest.param("duration", "5", id="duration-without-unit"),
        pytest.param("duration", "1d", id="unknown-unit"),
        pytest.param("duration", "1s and more", id="text-after-a-duration"),
        pytest.param("timestamp", "yesterday", id="no-timestamp"),
        pytest.param("url", "e.com", id="no-url"),
        pytest.param("url", "https://[e.com/", id="broken-url"),
        pytest.param("url", "https://e.com:port/", id="url-with-a-word-for-a-port"),
        pytest.param("timestamp", "2024-05-06T07:08:09", id="timestamp-without-offset"),
        pytest.param("timestamp", "2024-05-06Z", id="date-without-time"),
        pytest.param("timestamp", "2024-05-06+02:00", id="date-with-offset"),
        pytest.param("timestamp", "2024-02-30T00:00:00Z", id="no-such-day"),
        pytest.param("timestamp", "0001-01-01T00:00:00+10:00", id="before-the-first-year"),
        pytest.param("timestamp", "9999-12-31T23:59:59-10:00", id="after-the-last-year"),
        pytest.param("base64", "no base64!", id="no-base64"),
        pytest.param("base64", "abcde", id="impossible-length"),
        pytest.param("base64", "é", id="not-ascii"),
    ],
)
def test_what_cannot_be_read_stays_as_it_is(form: str, value: str) -> None:
    assert canonical_scalar((form,), value) == value


def test_the_zero_time_of_go_keeps_its_four_digits() -> None:
    assert canonical_scalar(("timestamp",), "0001-01-01T00:00:00Z") == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("forms", "value", "sent"),
    [
        pytest.param(("uuid-base64",), ID, ID_BASE64, id="uuid"),
        pytest.param(("uuid-base64",), ID_BASE64, ID_BASE64, id="uuid-that-is-bytes-already"),
        pytest.param(("uuid-base64",), "pool-1", "pool-1", id="no-uuid"),
        pytest.param(("uuid-base64",), 5, 5, id="no-text"),
        pytest.param(("int64",), 5, "5", id="integer"),
        pytest.param(("int64",), "5", "5", id="integer-as-text"),
        pytest.param(("int64",), True, True, id="boolean"),
        pytest.param(("duration",), "1m0s", "1m0s", id="duration-as-written"),
        pytest.param(("timestamp",), "2024-05-06T09:08:09+02:00", "2024-05-06T09:08:09+02:00", id="time-as-written"),
        pytest.param(("base64",), "YR", "YQ==", id="base64-in-standard-spelling"),
        pytest.param(("base64-text",), "hi", "aGk=", id="text-as-base64"),
        pytest.param(("base64-text",), "aGk=", "YUdrPQ==", id="text-that-looks-like-base64"),
        pytest.param(("lower",), "BLUE", "blue", id="lower"),
        pytest.param(("upper",), "blue", "BLUE", id="upper"),
        pytest.param(("case-insensitive",), "Blue", "Blue", id="case-as-written"),
        pytest.param(("trim",), " a ", "a", id="trim"),
        pytest.param(("trim", "lower"), " Blue ", "blue", id="several-in-order"),
        pytest.param(("trim", "base64-text"), " hi ", "aGk=", id="encoded-last"),
        pytest.param((), " Blue ", " Blue ", id="no-form"),
    ],
)
def test_what_a_request_carries(forms: tuple[str, ...], value: Any, sent: Any) -> None:
    assert encode_scalar(forms, value) == sent


@pytest.mark.parametrize(
    ("value", "settled"),
    [(1.0, 1), (-0.0, 0), (1.5, 1.5), (2.0**53, 2.0**53), (1e300, 1e300), (True, True), (None, None)],
    ids=str,
)
def test_whole_numbers_are_integers(value: Any, settled: Any) -> None:
    found = canonical_scalar((), value)
    assert (type(found), found) == (type(settled), settled)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.from_regex(r"[+-]?([0-9]{1,3}(\.[0-9]{1,3})?(ns|us|ms|s|m|h)){1,3}", fullmatch=True)
    | st.binary(max_size=20).map(lambda raw: base64.b64encode(raw).decode())
    | st.uuids().map(str)
    | st.datetimes(timezones=st.just(UTC)).map(lambda when: when.isoformat())
)


@pytest.mark.parametrize("form", FORMS)
@given(value=SCALARS)
def test_the_canonical_spelling_is_its_own(form: str, value: Any) -> None:
    once = canonical_scalar((form,), value)
    assert canonical_scalar((form,), once) == once


@pytest.mark.parametrize("form", [form for form in FORMS if form != "base64-text"])
@given(value=SCALARS)
def test_what_is_sent_means_what_was_written(form: str, value: Any) -> None:
    assert canonical_scalar((form,), encode_scalar((form,), value)) == canonical_scalar((form,), value)


@given(st.text())
def test_text_comes_back_out_of_base64(text: str) -> None:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    sent = encode_scalar(("base64-text",), text)
    assert base64.b64decode(sent) == raw
    assert canonical_scalar(("base64-text",), sent) == sent


@pytest.mark.parametrize("form", FORMS)
@given(value=SCALARS)
def test_what_is_sent_can_be_stated_again(form: str, value: Any) -> None:
    sent = encode_scalar((form,), value)
    stated = decode_scalar((form,), sent)
    assert canonical_scalar((form,), encode_scalar((form,), stated)) == canonical_scalar((form,), sent)
    assert decode_scalar((form,), canonical_scalar((form,), sent)) == stated or form not in MANIFESTS_OWN


MANIFESTS_OWN = ("base64-text", "int64", "uuid-base64", "number")  # forms that have one spelling in manifests


@pytest.mark.parametrize("form", [form for form in FORMS if form != "base64-text"])
@given(value=SCALARS)
def test_what_is_answered_can_be_stated(form: str, value: Any) -> None:
    stated = decode_scalar((form,), value)
    assert canonical_scalar((form,), encode_scalar((form,), stated)) == canonical_scalar((form,), value)


@pytest.mark.parametrize(
    ("forms", "answered", "stated"),
    [
        pytest.param(("base64-text",), "aGk=", "hi", id="text"),
        pytest.param(("base64-text",), "w6Q", "ä", id="unpadded-text"),
        pytest.param(("base64-text",), "/w==", "/w==", id="bytes-that-are-no-text-stay"),
        pytest.param(("int64",), "12", 12, id="integer"),
        pytest.param(("uuid-base64",), ID_BASE64, ID, id="uuid"),
        pytest.param(("number",), "1.50", 1.5, id="decimal"),
        pytest.param(("duration",), "1m30s", "1m30s", id="durations-stay-as-people-read-them"),
        pytest.param(("trim", "base64-text"), "aGk=", "hi", id="the-last-form-first"),
    ],
)
def test_what_a_manifest_states(forms: tuple[str, ...], answered: Any, stated: Any) -> None:
    assert decode_scalar(forms, answered) == stated


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_a_duration_is_the_same_in_any_units(milliseconds: int) -> None:
    sign, rest = "-" if milliseconds < 0 else "", abs(milliseconds)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    spelled = f"{sign}{hours}h{minutes}m{rest}ms"
    assert canonical_scalar(("duration",), spelled) == canonical_scalar(("duration",), f"{milliseconds}ms")


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(min_value=-23 * 60, max_value=23 * 60),
)
def test_a_time_is_the_same_in_any_zone(when: datetime, minutes: int) -> None:
    here = when.replace(tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(minutes=minutes)))
    assert canonical_scalar(("timestamp",), here.isoformat()) == canonical_scalar(("timestamp",), there.isoformat())
