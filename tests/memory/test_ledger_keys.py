"""Keys of a ledger's digests: a new ledger refuses one that can be guessed, an old one goes on with it, slowly."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench import Bench, assert_applied, make_bench
from repositories import clone, git_bench, make_remote

from reconciler.core.address import Address
from reconciler.core.errors import UsageError
from reconciler.core.memory.ledger import Ledger, Record, SecretDigest
from reconciler.core.memory.ledger_key import is_guessable, strengthened
from reconciler.core.model import Cause
from reconciler.shell.memory.file_store import read_ledger, write_ledger
from reconciler.shell.memory.ledger_text import Owner, ledger_text, new_ledger

WEAK = ["a", "fake-weak-key", "x" * 31, "x" * 200, "ab" * 40, "password12" * 3, "ü" * 31]
BOT = "galtea.EndpointConnection/support-bot-prod"
ADDRESS = Address("galtea", "EndpointConnection", "support-bot-prod")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)


@pytest.mark.parametrize("key", WEAK)
def test_a_new_ledger_refuses_a_key_that_can_be_guessed(key: str) -> None:
    with pytest.raises(UsageError, match="at least 32 random characters"):
        new_ledger(Owner(target="test", key=key.encode()))


@pytest.mark.parametrize(
    "alphabet", ["0123456789", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"]
)
def test_random_keys_of_32_characters_are_accepted(alphabet: str) -> None:
    chance = random.Random(7)
    keys = ["".join(chance.choices(alphabet, k=32)).encode() for _ in range(2000)]
    assert [key for key in keys if is_guessable(key)] == []
    assert [key for key in keys if strengthened(key, b"salt") != key] == []


@pytest.mark.parametrize("place", ["file", "git"])
def test_the_command_in_the_error_makes_a_key_that_is_accepted(tmp_path: Path, place: str) -> None:
    bench = make_bench(tmp_path) if place == "file" else git_bench(clone(make_remote(tmp_path), tmp_path / "ci"))
    bench.environ["RECONCILER_LEDGER_KEY"] = "fake-weak-key"
    with pytest.raises(UsageError) as caught:
        bench.plan()
    command = re.findall(r"`python3 -c '(.+?)'`", caught.value.hint)[0]
    made = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, env={})
    bench.environ["RECONCILER_LEDGER_KEY"] = made.stdout.strip()
    assert_applied(bench.apply())


def test_a_key_that_is_no_text_is_an_error(bench: Bench) -> None:
    bench.environ["RECONCILER_LEDGER_KEY"] = os.fsdecode(b"\xff" * 40)
    with pytest.raises(UsageError, match="RECONCILER_LEDGER_KEY is not UTF-8"):
        bench.plan()


def written_by_an_earlier_version(bench: Bench, key: bytes) -> None:
    """Let the ledger hold the digest of one secret that was made with `key` as it is."""
    secret = SecretDigest(key=key, salt=b"fake-salt")
    token = bench.environ["SUPPORT_BOT_TOKEN"]
    digests = {"/authToken": secret.of(ADDRESS, "/authToken", token)}
    record = Record(id="unknown", secrets=digests)
    write_ledger(bench.ledger, Ledger(target="sandbox", records={ADDRESS: record}, secret=secret))


def test_a_weak_key_in_use_works_with_a_warning(bench: Bench) -> None:
    key = "fake-weak-key"
    bench.environ["RECONCILER_LEDGER_KEY"] = key
    written_by_an_earlier_version(bench, key.encode())
    assert_applied(bench.apply())
    made = bench.plan()
    assert not made.has_work
    (note,) = [one for one in made.diagnostics if one.code == "weak-ledger-key"]
    assert "python3 -c" in note.hint
    bench.environ["SUPPORT_BOT_TOKEN"] = "fake-rotated-token-not-real"
    (change,) = bench.plan(BOT).pending
    assert [(field.sensitive, field.cause) for field in change.fields] == [(True, Cause.MANIFEST)]


def test_digests_of_a_weak_key_stay_comparable_and_are_made_slowly_from_now_on(bench: Bench) -> None:
    key = b"fake-weak-key"
    written_by_an_earlier_version(bench, key)
    ledger = read_ledger(bench.ledger, Owner(target="sandbox", key=key))[0]
    remembers = ledger.remembers(ADDRESS, "unknown")
    assert remembers(("authToken",), bench.environ["SUPPORT_BOT_TOKEN"]) is True
    assert remembers(("authToken",), "fake-other-token") is False
    fast = SecretDigest(key=key, salt=ledger.secret.salt)
    assert fast.check in bench.ledger.read_text()
    bench.environ["RECONCILER_LEDGER_KEY"] = key.decode()
    assert_applied(bench.apply())
    text = bench.ledger.read_text()
    assert fast.check not in text
    assert fast.of(ADDRESS, "/authToken", bench.environ["SUPPORT_BOT_TOKEN"]) not in text
    again = read_ledger(bench.ledger, Owner(target="sandbox", key=key))[0]
    assert again.secret == ledger.secret
    assert ledger_text(again) == text


@pytest.mark.parametrize("before", [b"", b"fake-ledger-key-not-real-but-long-enough", b"fake-other-weak-key"])
def test_a_weak_key_is_not_put_in_place_of_another(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "ledger.json"
    write_ledger(path, Ledger(target="test", secret=SecretDigest(key=before, salt=b"fake-salt")))
    with pytest.raises(UsageError, match="the new key is too easy to guess"):
        read_ledger(path, Owner(target="test", key=b"fake-weak-key"))


def test_a_weak_key_is_replaced_by_a_good_one(bench: Bench) -> None:
    written_by_an_earlier_version(bench, b"fake-weak-key")
    assert "ledger-key" in [one.code for one in bench.plan().diagnostics]
    assert_applied(bench.apply(resend=True))
    made = bench.plan()
    assert not made.has_work
    assert [one.code for one in made.diagnostics if "ledger" in one.code] == []
