"""The standard laws on sessions, providers and assignments of Goldmine, and what this protocol makes of them.

Updates hold the changed fields and nothing else, ids are bytes whatever their spelling, what is left out of an answer
is its default, null clears nothing, and a bare 404 is a wrong address and never an object that is gone.
"""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, assert_applied, bodies, make_bench, rows
from trustgate_specs import manifests

from reconciler.core.errors import InvalidInput
from reconciler.core.pointer import MISSING, format_pointer
from reconciler.core.report import Status
from reconciler.sandbox.estate import POOL, STATIC_PROVIDER, WORKSPACE
from reconciler.sandbox.goldmine.system import id_of
from reconciler.sandbox.http import text_response
from reconciler.sandbox.vices import Fault, requests_to

OLD = "PROVIDER_TYPE_PROXYLINE"
NEW = "PROVIDER_TYPE_WEBSHARE_DATACENTER"
SPECS: dict[str, dict[str, Any]] = {
    "Session/static": {
        "pool": POOL, "provider": STATIC_PROVIDER, "token": "fake-static-not-real", "scheme": "http",
        "host": "203.0.113.40", "port": 8080, "username": "u", "password": "${env:PROXY_PASSWORD}", "enabled": True,
    },
    "Session/rotation": {"pool": POOL, "provider": STATIC_PROVIDER, "token": "${env:ROTATION_TOKEN}", "enabled": False},
    "Provider/new": {"type": NEW, "targetPool": POOL, "enabled": False, "credentials": "${env:PROXY_PASSWORD}"},
    "Provider/old": {"type": OLD, "targetPool": POOL, "enabled": True},
    "Assignment/storefront-de": {"pool": POOL, "session": "${ref:Session/static}", "pinned": True},
    "Assignment/storefront-fr": {"pool": POOL, "pinned": False},
}  # fmt: skip


def bench_of(folder: Path, specs: dict[str, dict[str, Any]], *, ledger: bool = True) -> Bench:
    bench = make_bench(folder, populated=False).only(manifests("goldmine", specs))
    return bench if ledger else bench.without_ledger()


def applied(folder: Path, *, ledger: bool = True) -> Bench:
    bench = bench_of(folder, SPECS, ledger=ledger)
    assert_applied(bench.apply())
    return bench


def restate(bench: Bench, address: str, **fields: Any) -> None:
    spec = {name: value for name, value in (SPECS[address] | fields).items() if value is not MISSING}
    bench.only(manifests("goldmine", {**SPECS, address: spec}))


def pending(bench: Bench) -> list[tuple[str, str]]:
    found = bench.plan().pending
    return [(str(c.address).partition(".")[2], format_pointer(f.path)) for c in found for f in c.fields]


def row_of(bench: Bench, address: str) -> dict[str, Any]:
    kind, _, name = address.partition("/")
    if kind == "Provider":
        (found,) = rows(bench, "goldmine.providers", type=SPECS[address]["type"])
    elif kind == "Assignment":
        (found,) = rows(bench, "goldmine.assignments", accountName=name)
    else:
        token = bench.environ["ROTATION_TOKEN"] if name == "rotation" else SPECS[address]["token"]
        (found,) = rows(bench, "goldmine.sessions", token=token)
    return found


def edit(bench: Bench, address: str, **changes: Any) -> None:
    table = address.partition("/")[0].lower() + "s"
    bench.estate.goldmine.edit(table, row_of(bench, address)["id"], changes)


def sent(bench: Bench) -> list[tuple[str, dict[str, Any]]]:
    """Return procedure and fields of each write, without the workspace."""
    writes = bench.writes("goldmine")
    found = []
    for write, body in zip(writes, bodies(writes), strict=True):
        assert body.pop("workspaceId") == id_of(WORKSPACE)
        found.append((write.path.rpartition("/")[2], body))
    return found


# --------------------------------------------------------------------------- quiet


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
def test_after_an_apply_of_everything_the_plan_is_empty(tmp_path: Path, ledger: bool) -> None:
    bench = applied(tmp_path, ledger=ledger)
    assert pending(bench) == []
    for provider in rows(bench, "goldmine.providers"):  # its state and version move by themselves
        bench.estate.goldmine.edit("providers", provider["id"], {"state": {"bandwidthUsedBytes": 7}})
    assert pending(bench) == []


def test_a_provider_is_connected_and_then_told_what_only_an_update_can_say(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, {"Provider/new": SPECS["Provider/new"]})
    assert_applied(bench.apply())
    token = base64.b64encode(bench.environ["PROXY_PASSWORD"].encode()).decode()
    (connect, update) = sent(bench)
    assert connect == ("ConnectProvider", {"type": NEW, "credentials": token})
    wanted = {"providerId": row_of(bench, "Provider/new")["id"], "targetPoolId": id_of(POOL), "enabled": False}
    assert update == ("UpdateProvider", wanted)
    assert row_of(bench, "Provider/new")["credentials"] == token


# --------------------------------------------------------------------------- edits by hand

EDITS = [
    ("Session/static", {"host": "203.0.113.99"}, "/host", "203.0.113.40"),
    ("Session/static", {"port": 1}, "/port", 8080),
    ("Session/static", {"username": "theirs"}, "/username", "u"),
    ("Session/static", {"enabled": False}, "/enabled", True),
    ("Session/rotation", {"enabled": True}, "/enabled", False),
    ("Provider/old", {"enabled": False}, "/enabled", True),
    ("Provider/old", {"targetPoolId": ""}, "/targetPool", id_of(POOL)),
    ("Provider/new", {"enabled": True}, "/enabled", False),
    ("Assignment/storefront-de", {"pinned": False}, "/pinned", True),
    ("Assignment/storefront-fr", {"pinned": True}, "/pinned", False),
]


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
@pytest.mark.parametrize(
    ("address", "changes", "path", "value"), EDITS, ids=lambda v: v if isinstance(v, str) else None
)
def test_an_edit_by_hand_shows_as_that_field_and_the_update_holds_it_alone(
    tmp_path: Path, address: str, changes: dict[str, Any], path: str, value: Any, ledger: bool
) -> None:
    bench = applied(tmp_path, ledger=ledger)
    before = row_of(bench, address)
    edit(bench, address, **changes)
    assert pending(bench) == [(address, path)]
    assert_applied(bench.apply())
    ((procedure, body),) = sent(bench)
    kind = address.partition("/")[0]
    (name,) = changes
    assert (procedure, body) == (f"Update{kind}", {f"{kind.lower()}Id": before["id"], name: value})
    assert pending(bench) == []
    moved = ("version", "updatedAt")
    assert {n: v for n, v in row_of(bench, address).items() if n not in moved} == {
        n: v for n, v in before.items() if n not in moved
    }


def test_a_rotation_is_no_drift_unless_the_account_is_pinned(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    bench.estate.goldmine.rotate(row_of(bench, "Assignment/storefront-fr")["id"])
    assert pending(bench) == []
    other = row_of(bench, "Session/rotation")["id"]
    edit(bench, "Assignment/storefront-de", sessionId=other)
    assert pending(bench) == [("Assignment/storefront-de", "/session")]
    assert_applied(bench.apply())
    assert row_of(bench, "Assignment/storefront-de")["sessionId"] == row_of(bench, "Session/static")["id"]


# --------------------------------------------------------------------------- what is no longer stated


@pytest.mark.parametrize("address", sorted(SPECS))
def test_a_manifest_that_goes_away_takes_nothing_along(tmp_path: Path, address: str) -> None:
    bench = applied(tmp_path)
    before = row_of(bench, address)
    gone = {address, "Assignment/storefront-de"} if address == "Session/static" else {address}
    bench.only(manifests("goldmine", {name: spec for name, spec in SPECS.items() if name not in gone}))
    bench.apply()
    assert sent(bench) == []
    assert row_of(bench, address) == before


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("Session/static", ("scheme", "host", "port", "username", "password")),
        ("Session/static", ("enabled",)),
        ("Provider/old", ("targetPool",)),
        ("Provider/new", ("enabled",)),
        ("Assignment/storefront-de", ("session",)),
    ],
    ids=["static to rotation", "session", "pool", "provider", "assignment"],
)
def test_a_field_that_is_no_longer_stated_stays_and_the_plan_says_so(
    tmp_path: Path, address: str, fields: tuple[str, ...]
) -> None:
    bench = applied(tmp_path)
    before = row_of(bench, address)
    restate(bench, address, **dict.fromkeys(fields, MISSING))
    plan = bench.plan()
    (change,) = [c for c in plan.changes if str(c.address).endswith(address)]
    assert plan.pending == ()
    assert all(any(f"/{field}" in note for note in change.notes) for field in fields)
    assert row_of(bench, address) == before


# --------------------------------------------------------------------------- clearing and switching

EMPTY = {"targetPool": "", "host": "", "port": 0, "password": ""}


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        *(("Session/static", {name: None}) for name in ("host", "port", "username", "password", "enabled", "scheme")),
        *(("Session/static", {name: EMPTY[name]}) for name in ("host", "port", "password")),
        *(("Provider/old", fields) for fields in ({"targetPool": None}, {"targetPool": ""}, {"enabled": None})),
        *(("Assignment/storefront-fr", fields) for fields in ({"pinned": None}, {"session": None})),
        ("Assignment/storefront-fr", {"session": POOL}),
        ("Session/rotation", {"host": "203.0.113.41"}),
        ("Session/rotation", {"password": "${env:PROXY_PASSWORD}"}),
        ("Session/static", {"version": 3}),
    ],
    ids=lambda value: "+".join(map(str, value.items())) if isinstance(value, dict) else value,
)  # fmt: skip
def test_what_the_protocol_cannot_say_is_a_mistake_of_the_manifest(
    tmp_path: Path, address: str, fields: dict[str, Any]
) -> None:
    bench = bench_of(tmp_path, SPECS)
    restate(bench, address, **fields)
    with pytest.raises(InvalidInput):
        bench.plan()


ENDPOINT = {"scheme": "http", "host": "203.0.113.77", "port": 3128}


@pytest.mark.parametrize(
    ("address", "fields", "path"),
    [
        ("Session/rotation", ENDPOINT, "/scheme"),
        ("Session/static", {"scheme": "https"}, "/scheme"),
        ("Session/static", {"provider": "018f8c20-4444-7ccc-8eee-5f5f5f5f5f5f"}, "/provider"),
    ],
    ids=["rotation to static", "scheme", "provider"],
)
def test_what_would_be_another_session_is_refused_in_the_plan(
    tmp_path: Path, address: str, fields: dict[str, Any], path: str
) -> None:
    bench = applied(tmp_path)
    restate(bench, address, **fields)
    plan = bench.plan()
    assert {b.code for b in plan.blockers} == {"immutable-field"}
    assert any(path in b.message for b in plan.blockers)


def test_an_empty_user_name_that_is_not_kept_is_told(tmp_path: Path) -> None:
    """Whether a text can be emptied is not documented; this server takes it for a field that is left out."""
    bench = applied(tmp_path)
    restate(bench, "Session/static", username="")
    report = bench.apply()
    (failed,) = [o for o in report.outcomes if o.status is not Status.UNCHANGED]
    assert (failed.status, "did not keep: /username" in failed.detail) == (Status.FAILED, True)


def test_an_assignment_that_does_not_exist_is_refused_in_the_plan(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, {"Assignment/nobody": {"pool": POOL, "pinned": True}})
    assert [b.code for b in bench.plan().blockers] == ["not-found"]


def test_a_provider_that_does_not_exist_needs_credentials(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, {"Provider/new": {"type": NEW, "enabled": True}})
    assert [(b.code, "credentials" in b.message) for b in bench.plan().blockers] == [("missing-field", True)]


def test_new_credentials_are_noticed_by_the_ledger_and_sent_alone(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    restate(bench, "Provider/new", credentials="${env:SALES_PASSWORD}")
    assert_applied(bench.apply())
    ((procedure, body),) = sent(bench)
    token = base64.b64encode(bench.environ["SALES_PASSWORD"].encode()).decode()
    assert (procedure, body) == ("UpdateProvider", {"providerId": body["providerId"], "credentials": token})


# --------------------------------------------------------------------------- the protocol


def spellings(text: str) -> list[str]:
    raw = uuid.UUID(text).bytes
    return [
        text, text.upper(), base64.b64encode(raw).decode(), base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode(),
    ]  # fmt: skip


def test_ids_are_bytes_whatever_their_spelling(tmp_path: Path) -> None:
    bench = applied(tmp_path)
    for spelled in spellings(POOL):
        text = json.dumps(SPECS).replace(POOL, spelled)
        bench.only(manifests("goldmine", json.loads(text)))
        assert pending(bench) == []


@pytest.mark.parametrize("kind", ["Session", "Provider", "Assignment"])
def test_a_bare_404_is_a_wrong_address_and_no_object_that_is_gone(tmp_path: Path, kind: str) -> None:
    bench = applied(tmp_path)
    bare = Fault(vice=lambda _: text_response(404, "404 page not found\n"), when=requests_to(path=f".*/Get{kind}"),
                 times=None)  # fmt: skip
    bench.wrap("goldmine", bare)
    blockers = [one for one in bench.plan().blockers if one.code == "unreadable-kind"]
    assert blockers
    assert any("url" in one.hint for one in blockers)


@pytest.mark.parametrize("size", [1, 2, 50])
def test_lists_that_give_ids_only_are_read_to_their_end(tmp_path: Path, size: int) -> None:
    bench = bench_of(tmp_path, SPECS, ledger=False)
    bench.estate.goldmine.page_size = size
    assert_applied(bench.apply())
    assert pending(bench) == []
