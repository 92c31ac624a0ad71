"""The memory of applies: digests only, and what they can tell afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.address import Address
from reconciler.core.memory.ledger import FORGOTTEN, Applied, Ledger, Record, SecretDigest, leaves, make_record
from reconciler.core.pointer import Path

ADDRESS = Address("shop", "Product", "tea")
KEYED = SecretDigest(key=b"fake-key-not-real", salt=b"0" * 16)
SALTED = SecretDigest(salt=b"0" * 16)


def under(*prefixes: Path) -> Callable[[Path], bool]:
    """Return a function that hides everything at or below these paths."""
    return lambda path: any(path[: len(prefix)] == prefix for prefix in prefixes)


HIDES = under(("token",), ("login", "password"))


def applied(stated: Any, canonical: Any = None, hides: Callable[[Path], bool] = HIDES) -> Applied:
    return Applied(
        address=ADDRESS,
        remote_id="p-1",
        stated=stated,
        canonical=stated if canonical is None else canonical,
        hides=hides,
    )


def ledger_of(stated: Any, secret: SecretDigest = KEYED, **more: Any) -> Ledger:
    return Ledger(target="test", records={ADDRESS: make_record(applied(stated, **more), secret)}, secret=secret)


# --------------------------------------------------------------------------- leaves and records


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(5, [((), 5)], id="scalar"),
        pytest.param({}, [((), {})], id="empty-mapping"),
        pytest.param({"a": {}}, [(("a",), {})], id="empty-inside"),
        pytest.param({"a": {"b": 1, "c": None}, "d": 2}, [(("a", "b"), 1), (("a", "c"), None), (("d",), 2)], id="deep"),
        pytest.param({"a": [{"b": 1}]}, [(("a",), [{"b": 1}])], id="list-is-one-leaf"),
    ],
)
def test_leaves(value: Any, found: list[tuple[Path, Any]]) -> None:
    assert list(leaves(value)) == found


def test_a_record_holds_digests_by_pointer_and_keeps_secrets_apart() -> None:
    record = make_record(applied({"title": "Tea", "a/b": {"c~d": 1}, "token": "x", "login": {"password": "y"}}), KEYED)
    assert record.id == "p-1"
    assert set(record.fields) == {"/title", "/a~1b/c~0d"}
    assert set(record.secrets) == {"/token", "/login/password"}
    assert all(len(digest) == 32 for digest in record.fields.values())
    assert all(len(digest) == 64 for digest in record.secrets.values())


@pytest.mark.parametrize("secret", [KEYED, SALTED], ids=["keyed", "salted"])
def test_no_value_and_no_key_stands_in_a_record(secret: SecretDigest) -> None:
    stated = {"title": "fake-title", "token": "fake-token", "tags": ["fake-tag"]}
    ledger = ledger_of(stated, secret)
    assert "fake" not in json.dumps([ledger.records[ADDRESS].fields, ledger.records[ADDRESS].secrets])
    assert "fake" not in repr(ledger)


def test_a_list_or_map_with_one_secret_in_it_is_secret_as_a_whole() -> None:
    hides = under(("headers", 1, "value"), ("map", "a"))
    stated = {"headers": [{"value": 1}, {"value": 2}], "plain": [{"value": 1}], "map": {"a": {"deep": 1}, "b": 2}}
    record = make_record(applied(stated, hides=hides), KEYED)
    assert set(record.secrets) == {"/headers", "/map/a/deep"}
    assert set(record.fields) == {"/plain", "/map/b"}


def test_equal_secrets_of_different_fields_and_objects_have_different_digests() -> None:
    other = ADDRESS._replace(name="milk")
    digests = {
        KEYED.of(ADDRESS, "/a", "x"),
        KEYED.of(ADDRESS, "/b", "x"),
        KEYED.of(other, "/a", "x"),
        KEYED.of(ADDRESS, "/a", "y"),
        SecretDigest(key=b"another-fake-key").of(ADDRESS, "/a", "x"),
        SALTED.of(ADDRESS, "/a", "x"),
        SecretDigest(salt=b"1" * 16).of(ADDRESS, "/a", "x"),
    }
    assert len(digests) == 7
    assert KEYED.of(ADDRESS, "/a", "x") == SecretDigest(key=KEYED.key, salt=b"other").of(ADDRESS, "/a", "x")


# --------------------------------------------------------------------------- memory


@pytest.mark.parametrize("secret", [KEYED, SALTED], ids=["keyed", "salted"])
@pytest.mark.parametrize(
    ("path", "value", "same"),
    [
        pytest.param(("title",), "Tea", True, id="same"),
        pytest.param(("title",), "tea", False, id="other"),
        pytest.param(("stock",), 5, True, id="number"),
        pytest.param(("stock",), "5", False, id="other-type"),
        pytest.param(("stock",), True, False, id="boolean"),
        pytest.param(("token",), "x", True, id="same-secret"),
        pytest.param(("token",), "y", False, id="other-secret"),
        pytest.param(("tags",), ["a", "b"], True, id="list"),
        pytest.param(("tags",), ["b", "a"], False, id="list-in-other-order"),
        pytest.param(("login",), {"user": "u", "password": "p"}, True, id="mapping"),
        pytest.param(("login",), {"password": "p", "user": "u"}, True, id="mapping-in-other-order"),
        pytest.param(("login",), {"user": "u"}, True, id="part-of-a-mapping"),
        pytest.param(("login",), {"user": "u", "password": "q"}, False, id="mapping-with-other-secret"),
        pytest.param(("login",), {"user": "u", "extra": 1}, False, id="mapping-with-more"),
        pytest.param(("login", "password"), "p", True, id="member"),
        pytest.param(("new",), 1, False, id="not-stated-then"),
        pytest.param(("new",), {"a": 1}, False, id="mapping-not-stated-then"),
        pytest.param(("note",), None, True, id="null"),
    ],
)
def test_what_is_remembered_of_a_value(path: Path, value: Any, same: bool, secret: SecretDigest) -> None:
    stated = {
        "title": "Tea",
        "stock": 5,
        "token": "x",
        "tags": ["a", "b"],
        "login": {"user": "u", "password": "p"},
        "note": None,
    }
    assert ledger_of(stated, secret).remembers(ADDRESS, "p-1")(path, value) is same


def test_nobody_knows_without_a_record_or_about_another_object() -> None:
    ledger = ledger_of({"title": "Tea"})
    assert ledger.remembers(ADDRESS._replace(name="milk"), "p-1")(("title",), "Tea") is None
    assert ledger.remembers(ADDRESS, "p-2")(("title",), "Tea") is None
    assert Ledger(target="test").remembers(ADDRESS, "p-1")(("title",), "Tea") is None


def test_nobody_knows_of_a_forgotten_secret() -> None:
    ledger = ledger_of({"token": "x", "login": {"user": "u", "password": "p"}})
    record = ledger.records[ADDRESS]
    forgetful = replace(record, secrets=dict.fromkeys(record.secrets, FORGOTTEN))
    remembers = replace(ledger, records={ADDRESS: forgetful}).remembers(ADDRESS, "p-1")
    assert remembers(("token",), "x") is None
    assert remembers(("login",), {"user": "u", "password": "p"}) is None
    assert remembers(("login", "user"), "u") is True


def test_another_key_does_not_recognise_a_secret() -> None:
    ledger = replace(ledger_of({"token": "x"}), secret=SecretDigest(key=b"another-fake-key"))
    assert ledger.remembers(ADDRESS, "p-1")(("token",), "x") is False


def test_a_field_that_was_left_out_in_canonical_form_was_applied_as_nothing() -> None:
    ledger = ledger_of({"tags": [], "title": "TEA"}, canonical={"title": "tea"})
    remembers = ledger.remembers(ADDRESS, "p-1")
    assert remembers(("tags",), None) is True
    assert remembers(("tags",), ["a"]) is False
    assert remembers(("title",), "tea") is True


def test_what_was_stated_before() -> None:
    ledger = ledger_of({"title": "Tea", "a/b": {"c": [1]}, "token": "x"})
    assert ledger.stated_before(ADDRESS) == {("title",), ("a/b", "c"), ("token",)}
    assert ledger.stated_before(ADDRESS._replace(name="milk")) == frozenset()


def test_remote_ids() -> None:
    other = ADDRESS._replace(name="milk")
    records = {ADDRESS: Record(id="p-1"), other: Record(id="p-2")}
    assert Ledger(target="test", records=records).remote_ids() == {ADDRESS: "p-1", other: "p-2"}
