"""Known secret values taken out of text, however they are spelled there."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from pathlib import Path
from random import Random
from urllib.parse import quote, quote_plus

import pytest

from reconciler.core.redaction import MIN_LENGTH, STAND_IN, Redactor
from reconciler.core.spellings import LONG

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


def test_a_long_secret_goes_with_the_word_that_it_stands_in() -> None:
    redactor = Redactor(["abcd-efgh"])
    assert redactor.text("abcd-efgh-abcd-efgh xabcd-efghy") == "(sensitive)-(sensitive) (sensitive)"


def test_a_short_secret_goes_as_a_word_only() -> None:
    said = Redactor(["admin"]).text("admin of administrators: admin-team, (admin), admin_1, Admin")
    assert said == "(sensitive) of administrators: (sensitive)-team, ((sensitive)), admin_1, Admin"


def test_of_two_that_overlap_the_longer_goes_first() -> None:
    assert Redactor(["token-of", "token-of-two"]).text("x token-of-two y token-of z") == "x (sensitive) y (sensitive) z"


def test_a_secret_is_no_pattern() -> None:
    assert Redactor(["a.c*d.e*"]).text("abccddee a.c*d.e*") == "abccddee (sensitive)"


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


def test_a_value_that_holds_a_secret_is_replaced_whole_at_every_depth_and_in_keys() -> None:
    value = {"a": ["fake-token", 1, None, True], "fake-token": {"b": "x fake-token y", "name": "fake-token"}}
    assert Redactor(["fake-token"]).data(value) == {
        "a": ["(sensitive)", 1, None, True],
        "(sensitive)": {"b": "(sensitive)", "name": "(sensitive)"},
    }
    assert value["a"] == ["fake-token", 1, None, True]


def test_in_documents_names_stay_and_messages_are_text() -> None:
    document = {
        "address": "shop.Group/administrator",
        "name": "administrator",
        "source": {"path": "manifests/administrator.yaml", "line": 3},
        "message": "the administrator may not",
        "fields": [{"path": "/members/administrator", "before": "administrators", "after": {"name": "administrator"}}],
        "waitsFor": ["shop.Group/administrator"],
        "other": "by administrator, today",
    }
    assert Redactor(["administrator"]).json(document) == {
        "address": "shop.Group/administrator",
        "name": "administrator",
        "source": {"path": "manifests/administrator.yaml", "line": 3},
        "message": "the (sensitive) may not",
        "fields": [{"path": "(sensitive)", "before": "(sensitive)", "after": {"name": "(sensitive)"}}],
        "waitsFor": ["shop.Group/administrator"],
        "other": "(sensitive)",
    }


def test_in_documents_a_short_secret_is_looked_for_in_messages_only() -> None:
    document = {"address": "shop.Group/admin", "after": "admin", "message": "admin may not", "other": "administrators"}
    assert Redactor(["admin"]).json(document) == {**document, "message": "(sensitive) may not"}


def test_names_that_hold_no_secret_are_shown_in_text_too() -> None:
    redactor = Redactor(["admin", "administrator"])
    redactor.exempt(["shop.Group/administrators", "shop.Group/admin", "manifests/admin.yaml"])
    text = "shop.Group/administrators, shop.Group/admin: manifests/admin.yaml:3:1 "
    assert redactor.text(text + "administrators admin") == text + "(sensitive) (sensitive)"


def _spelt(secret: str) -> dict[str, str]:
    raw = secret.encode()

    def numbered(form: str) -> str:
        return "".join(c if c.isalnum() or c == " " else form.format(ord(c)) for c in secret)

    go = json.dumps(secret, ensure_ascii=False)
    for character in "<>&":
        go = go.replace(character, f"\\u{ord(character):04x}")
    quoted = quote(secret, safe="")
    return {
        "plain": secret,
        "json": json.dumps(secret),
        "json, not ascii": json.dumps(secret, ensure_ascii=False),
        "json in json": json.dumps(json.dumps(secret)),
        "json in json, go": json.dumps(go),
        "go": go,
        "go, upper case": re.sub(r"\\u00..", lambda found: "\\u00" + found[0][4:].upper(), go),
        "repr": repr(secret),
        "html": html.escape(secret),
        "html, numbered quotes": html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        "html, decimal": numbered("&#{};"),
        "html, hexadecimal": numbered("&#x{:X};"),
        "percent": quoted,
        "percent, slashes": quote(secret),
        "percent, lower case": re.sub(r"%..", lambda found: found[0].lower(), quoted),
        "percent, twice": quote(quoted, safe=""),
        "form": quote_plus(secret),
        **{f"base64, {n} before": base64.b64encode(b"user:"[:n] + raw + b"tail"[:n]).decode() for n in range(5)},
        **{f"base64 for urls, {n} before": base64.urlsafe_b64encode(b"::::"[:n] + raw).decode() for n in range(4)},
        "hex": raw.hex(),
        "hex, upper case": raw.hex().upper(),
        "upper case": secret.upper(),
        "title": secret.title(),
        "on one line": " ".join(secret.split()),
        "cut": secret[: len(secret) // 2 + 1],
        "bearer": f"Bearer {secret}",
        "within": f"prefix_{secret}_suffix",
    }


def test_every_spelling_of_generated_secrets_is_found() -> None:
    random = Random(13)
    alphabets = [
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789",
        "abcXYZ019-._~",
        "aZ9 <>&'\"+=/\\%{}",
        "aöß€漢Z9/ \n",
    ]
    for number in range(400):
        alphabet = alphabets[number % len(alphabets)]
        secret = "".join(random.choice(alphabet) for _ in range(random.randint(9, 48))).strip()
        if len(secret) < LONG or len(set(secret)) < 6:
            continue
        redactor = Redactor([secret, "another-secret-of-all"])
        for name, spelled in _spelt(secret).items():
            if len(spelled) < LONG:
                continue
            said = redactor.text(f"before {spelled} after")
            assert STAND_IN in said, (name, secret, spelled)
            assert said.startswith("before "), (name, secret, said)
            assert said.endswith(" after"), (name, secret, said)
            rest = said.removeprefix("before ").removesuffix(" after").replace(STAND_IN, "")
            assert len(rest) <= max(12, len(spelled) // 2), (name, secret, spelled, said)
            if name != "cut":
                assert redactor.holds_secret(spelled), (name, secret, spelled)


def test_innocent_text_stays_however_many_secrets_there_are() -> None:
    random = Random(14)
    redactor = Redactor(
        "".join(random.choices("abcdefghijklmnop0123456789", k=random.randint(8, 40))) for _ in range(200)
    )
    text = Path(__file__).read_text()
    assert redactor.text(text) == text
    assert not redactor.holds_secret(text)


def test_a_long_text_is_searched_in_one_go() -> None:
    random = Random(15)
    secrets = ["".join(random.choices("abcdefghijklmnop0123456789", k=30)) for _ in range(50)]
    redactor = Redactor(secrets)
    text = "".join(random.choices("abcdefghijklmnop0123456789 \n", k=400_000))
    before = time.perf_counter()
    assert redactor.text(text + secrets[7]).endswith(STAND_IN)
    assert time.perf_counter() - before < 5  # thousands of spellings at each place would take minutes


def test_the_redactor_itself_shows_nothing() -> None:
    assert SECRET not in repr(Redactor([SECRET]))
