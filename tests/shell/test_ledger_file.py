"""The ledger in a file: read, written, and refused when it cannot be trusted."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.address import Address
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.memory.ledger import FORMAT, Applied, Ledger, Record, Removal, make_record
from reconciler.shell.memory.file_store import read_ledger as read_with_notes
from reconciler.shell.memory.file_store import write_ledger
from reconciler.shell.memory.ledger_text import Owner

KEY = b"fake-ledger-key-not-real-but-long-enough"


def read_ledger(path: Path, target: str, key: bytes) -> Ledger:
    return read_with_notes(path, Owner(target=target, key=key))[0]


ADDRESS = Address("shop", "Product", "tea")
OTHER = Address("shop", "Product", "mug")


def recorded(path: Path, key: bytes = KEY) -> Ledger:
    """Write a ledger with one record, one of whose two fields is secret, and return it."""
    empty = read_ledger(path, "test", key)
    applied = Applied(
        address=ADDRESS,
        remote_id="p-1",
        stated={"title": "fake-title", "token": "fake-token"},
        canonical={"title": "fake-title", "token": "fake-token"},
        hides=lambda path: path == ("token",),
    )
    record = replace(make_record(applied, empty.secret), applied_at="2026-01-02T03:04:05Z", revision="abc123")
    ledger = replace(empty, records={ADDRESS: record})
    write_ledger(path, ledger)
    return ledger


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    ledger = read_ledger(tmp_path / "ledger.json", "test", b"")
    assert (ledger.target, dict(ledger.records)) == ("test", {})
    assert len(ledger.secret.salt) == 16
    assert list(tmp_path.iterdir()) == []


def test_two_empty_ledgers_have_different_salts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    assert read_ledger(path, "test", b"").secret.salt != read_ledger(path, "test", b"").secret.salt


@pytest.mark.parametrize("key", [KEY, b""], ids=["keyed", "salted"])
def test_what_was_written_is_read_again(tmp_path: Path, key: bytes) -> None:
    path = tmp_path / "ledger.json"
    written = recorded(path, key)
    assert read_ledger(path, "test", key) == written
    remembers = read_ledger(path, "test", key).remembers(ADDRESS, "p-1")
    assert remembers(("token",), "fake-token") is True
    assert remembers(("token",), "another") is False
    assert remembers(("title",), "fake-title") is True


def test_the_file_holds_no_value_and_no_key(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    recorded(path)
    assert "fake" not in path.read_text(encoding="utf-8")


def test_the_file_is_the_same_for_the_same_records_whatever_their_order(tmp_path: Path) -> None:
    records = {Address("shop", "Product", name): Record(id=name, fields={"/b": "1", "/a": "2"}) for name in "cab"}
    ledger = Ledger(target="test", records=records)
    write_ledger(tmp_path / "one.json", ledger)
    write_ledger(tmp_path / "two.json", replace(ledger, records=dict(sorted(records.items()))))
    one = (tmp_path / "one.json").read_text(encoding="utf-8")
    assert one == (tmp_path / "two.json").read_text(encoding="utf-8")
    assert list(json.loads(one)["records"]) == ["shop.Product/a", "shop.Product/b", "shop.Product/c"]
    assert one.endswith("}\n")


def test_the_layout_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = recorded(path)
    record = ledger.records[ADDRESS]
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "format": FORMAT,
        "target": "test",
        "salt": ledger.secret.salt.hex(),
        "keyed": True,
        "key_check": ledger.secret.check,
        "records": {
            "shop.Product/tea": {
                "id": "p-1",
                "fields": {"/title": record.fields["/title"]},
                "secrets": {"/token": record.secrets["/token"]},
                "applied_at": "2026-01-02T03:04:05Z",
                "revision": "abc123",
            }
        },
    }


@pytest.mark.parametrize(("before", "after"), [(KEY, b""), (b"", KEY)], ids=["key-lost", "key-gained"])
def test_secrets_of_another_sort_of_digest_are_forgotten_but_nothing_else(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    path = tmp_path / "ledger.json"
    recorded(path, before)
    ledger = read_ledger(path, "test", after)
    remembers = ledger.remembers(ADDRESS, "p-1")
    assert remembers(("token",), "fake-token") is None
    assert remembers(("title",), "fake-title") is True
    assert ledger.stated_before(ADDRESS) == {("title",), ("token",)}
    write_ledger(path, ledger)
    assert read_ledger(path, "test", after).remembers(ADDRESS, "p-1")(("token",), "fake-token") is None


def test_missing_folders_are_made_and_old_content_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "ledger.json"
    recorded(path)
    write_ledger(path, Ledger(target="test"))
    assert read_ledger(path, "test", b"").records == {}
    assert [file.name for file in path.parent.iterdir()] == ["ledger.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["tea", "a.b", "a/b", "ü"])
def test_names_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    address = Address("my-shop", "Product", name)
    write_ledger(tmp_path / "l.json", Ledger(target="test", records={address: Record(id="é/1")}))
    assert read_ledger(tmp_path / "l.json", "test", b"").remote_ids() == {address: "é/1"}


GOOD: dict[str, Any] = {"format": 1, "target": "test", "salt": "00" * 16}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut-off"),
        pytest.param("[]", id="list"),
        pytest.param("{}", id="nothing-in-it"),
        pytest.param("\x00\xff", id="binary"),
        pytest.param(json.dumps({**GOOD, "extra": 1}), id="unknown-key"),
        pytest.param(json.dumps({**GOOD, "salt": "xyz"}), id="salt-is-not-hexadecimal"),
        pytest.param(json.dumps({**GOOD, "format": "1"}), id="format-is-text"),
        pytest.param(json.dumps({**GOOD, "records": {"shop.Product/tea": {}}}), id="record-without-id"),
        pytest.param(json.dumps({**GOOD, "records": {"shop.Product/tea": {"id": 5}}}), id="id-is-a-number"),
        pytest.param(json.dumps({**GOOD, "records": {"tea": {"id": "1"}}}), id="no-address"),
        pytest.param(json.dumps({**GOOD, "records": {"Product/tea": {"id": "1"}}}), id="address-without-system"),
        pytest.param(json.dumps({**GOOD, "records": {"shop.Product/": {"id": "1"}}}), id="address-without-name"),
    ],
)
def test_what_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match="it is not a ledger") as caught:
        read_ledger(path, "test", b"")
    assert "natural keys" in caught.value.hint
    assert caught.value.exit_code is ExitCode.INVALID
    assert path.read_bytes() == content.encode("latin-1")


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the ledger"):
        read_ledger(tmp_path, "test", b"")


def test_a_newer_format_asks_for_a_newer_program_even_with_unknown_keys(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps({**GOOD, "format": FORMAT + 1, "sparkles": True}), encoding="utf-8")
    with pytest.raises(UsageError, match="written by a newer reconciler") as caught:
        read_ledger(path, "test", b"")
    assert caught.value.hint == "upgrade this one"


def test_what_removing_an_object_takes_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    removal = Removal(protect=True, place={"shop": 5, "aisle": "a/b"}, parents=(Address("shop", "Shop", "main"),))
    write_ledger(path, Ledger(target="test", records={ADDRESS: Record(id="1", removal=removal), OTHER: Record(id="2")}))
    records = read_ledger(path, "test", b"").records
    assert (records[ADDRESS].removal, records[OTHER].removal) == (removal, None)


def test_a_ledger_of_the_first_format_is_read_and_nobody_knows_what_removing_takes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.json"
    old = {"id": "p-1", "fields": {}, "secrets": {}, "applied_at": "", "revision": ""}
    path.write_text(json.dumps({**GOOD, "keyed": True, "records": {"shop.Product/tea": old}}), encoding="utf-8")
    assert read_ledger(path, "test", KEY).records == {ADDRESS: Record(id="p-1", removal=None)}


def test_the_ledger_of_another_target_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    recorded(path)
    with pytest.raises(UsageError, match="belongs to the target 'test', not 'production'") as caught:
        read_ledger(path, "production", KEY)
    assert "a ledger of its own" in caught.value.hint


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot write the ledger") as caught:
        write_ledger(tmp_path / "file" / "ledger.json", Ledger(target="test"))
    assert "the changes were applied all the same" in caught.value.hint


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.json").mkdir()
    with pytest.raises(UsageError, match=r"ledger\.json") as caught:
        write_ledger(tmp_path / "ledger.json", Ledger(target="test"))
    assert "the changes were applied all the same" in caught.value.hint
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.json"]
