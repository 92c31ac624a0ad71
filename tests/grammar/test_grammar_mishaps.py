"""Whatever is raised inside one change is that change's outcome: the others finish, and all is on record."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response, not_found
from odd_shop import LEDGER, PRODUCT, SHELF, Shop, make_shop, product, shelf, together

from reconciler.cli.commands import exit_code_of
from reconciler.core.errors import ExitCode
from reconciler.core.report import Ending, Report
from reconciler.render.machine import report_document
from reconciler.render.report import render_report
from reconciler.shell.files.packaged import packaged_folder

NAMES = ["cup", "jar", "jug", "mug", "pan", "pot"]
SHOP = together(shelf("left"), *(product(name, "left", price=1) for name in NAMES))


def fates(report: Report) -> dict[str, str]:
    return {one.address.name: one.status.value for one in report.outcomes}


def recorded(api: OddApi) -> set[str]:
    return {name.partition("/")[2] for name in json.loads((api.folder / "ledger.json").read_text())["records"]}


def raising(shop: Shop, method: str, names: set[str], *, acts: bool = True) -> None:
    """Let what carries the requests fail in a way that nobody foresees, for these objects."""
    ids = {shop.path_of("products", name) for name in names if name in shop.named("products")}

    def before(request: SandboxRequest) -> SandboxResponse | None:
        body = body_of(request) or {}
        if request.method == method and (request.path in ids or body.get("name") in names):
            if acts:
                shop._answer(request)
            raise KeyError("fake-secret-not-real")
        return None

    shop.before = before


# --------------------------------------------------------------------------- bugs


@pytest.mark.parametrize("acts", [True, False], ids=["after the server acted", "before"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_bug_ends_one_change_and_the_exit_code_says_so_at_the_end(
    tmp_path: Path, method: str, acts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)
    if method == "PATCH":
        api.apply()
        api.manifests(SHOP.replace("price: 1", "price: 2"))
    raising(shop, method, {"jug"}, acts=acts)
    report = api.apply()
    assert fates(report) == {"left": fates(report)["left"], **dict.fromkeys(NAMES, "applied"), "jug": "in doubt"}
    assert report.ending is Ending.COMPLETE
    assert exit_code_of(report) is ExitCode.BUG
    (bug,) = report.problems
    assert (bug.code, "odd.Product/jug" in bug.message, "KeyError in " in bug.message) == ("bug", True, True)
    assert "fake-secret" not in render_report(report) + json.dumps(report_document(report))
    assert "Traceback" in caplog.text
    shop.before = lambda request: None
    assert recorded(api) >= {"left", *NAMES} - {"jug"}
    again = api.apply()
    assert exit_code_of(again) is ExitCode.DONE
    assert not api.plan().has_work
    assert sorted(row["name"] for row in shop.rows["products"].values()) == NAMES


def test_a_bug_that_comes_twice_ends_the_run_before_the_next_write(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)
    raising(shop, "POST", {"jar", "jug"}, acts=False)
    report = api.apply(parallelism=1)
    assert fates(report) == {
        "left": "applied", "cup": "applied", "jar": "in doubt", "jug": "in doubt", "mug": "skipped", "pan": "skipped",
        "pot": "skipped",
    }  # fmt: skip
    assert [b["name"] for _, path, b in api.writes() if path == "/products"] == ["cup", "jar", "jug"]
    assert report.ending is Ending.HALTED
    assert exit_code_of(report) is ExitCode.BUG
    assert [problem.code for problem in report.problems] == ["bug", "run-ended"]
    assert "came twice" in report.problems[1].message
    check_report(report)
    shop.before = lambda request: None
    api.apply()
    assert not api.plan().has_work


def test_what_cannot_be_told_ends_the_run_and_is_reported_all_the_same(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=SHOP)

    def tell(outcome: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    report = api.apply(on_outcome=tell, parallelism=1)
    assert fates(report)["left"] == "applied"
    assert exit_code_of(report) is ExitCode.FAILED
    assert report.ending is Ending.HALTED
    assert "left" in recorded(api)
    api.apply()
    assert not api.plan().has_work


def check_report(report: Report) -> None:
    import jsonschema

    schema = json.loads((packaged_folder("schemas") / "report.schema.json").read_text())
    jsonschema.validate(report_document(report), schema)


# --------------------------------------------------------------------------- journal, lock, memory


def test_a_journal_that_cannot_be_written_ends_the_run_before_the_next_write(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = api.folder / "ledger.json.journal"

    def fill(request: SandboxRequest) -> None:
        if request.method == "POST" and (body_of(request) or {}).get("name") == "jar":
            resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 1, usual[1]))

    def make_room(outcome: Any) -> None:
        if outcome.status.value == "failed":
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)

    shop.before = fill
    try:
        report = api.apply(on_outcome=make_room, parallelism=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert fates(report) == {
        "left": "applied", "cup": "applied", "jar": "applied", "jug": "failed", "mug": "skipped", "pan": "skipped",
        "pot": "skipped",
    }  # fmt: skip
    assert [b["name"] for _, path, b in api.writes() if path == "/products"] == ["cup", "jar"]
    assert (report.ending, exit_code_of(report)) == (Ending.HALTED, ExitCode.FAILED)
    assert "journal" in report.problems[0].message
    api.apply()
    assert not api.plan().has_work


def test_a_lock_that_is_taken_away_ends_the_run_before_the_next_write(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)

    def take_away(request: SandboxRequest) -> None:
        if request.method == "POST" and (body_of(request) or {}).get("name") == "jar":
            (api.folder / "ledger.json.lock").unlink()

    shop.before = take_away
    report = api.apply(parallelism=1)
    assert fates(report)["jug"] == "failed"
    assert [b["name"] for _, path, b in api.writes() if path == "/products"] == ["cup", "jar"]
    assert (report.ending, exit_code_of(report)) == (Ending.HALTED, ExitCode.FAILED)
    assert "the lock of" in report.problems[0].message
    assert recorded(api) == {"left", "cup", "jar"}


def test_exhausted_memory_ends_the_run_and_is_no_bug(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)

    def before(request: SandboxRequest) -> None:
        if request.method == "POST" and (body_of(request) or {}).get("name") == "jar":
            raise MemoryError

    shop.before = before
    report = api.apply(parallelism=1)
    assert (fates(report)["jar"], fates(report)["jug"]) == ("in doubt", "skipped")
    assert (report.ending, exit_code_of(report)) == (Ending.HALTED, ExitCode.FAILED)


# --------------------------------------------------------------------------- odd answers


def deep(levels: int) -> SandboxResponse:
    return SandboxResponse(
        status=200, headers={"content-type": "application/json"}, body=b'{"x":' * levels + b"1" + b"}" * levels
    )


@pytest.mark.parametrize("levels", [250, 900, 3000, 200_000])
def test_an_answer_nested_too_deeply_is_an_error_of_the_system(tmp_path: Path, levels: int) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)
    shop.before = lambda request: deep(levels) if request.path == "/products" else None
    blockers = api.plan().blockers
    assert {(one.code, one.address.kind if one.address else "") for one in blockers} == {("unreadable-kind", "Product")}
    assert all("nested more than 200 levels" in one.message for one in blockers)


@pytest.mark.parametrize("levels", [250, 900, 3000])
def test_a_write_that_is_answered_with_such_an_answer_is_settled_by_reading(tmp_path: Path, levels: int) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)

    def before(request: SandboxRequest) -> SandboxResponse | None:
        if request.method != "POST" or request.path != "/products":
            return None
        shop._answer(request)
        return deep(levels)

    shop.before = before
    report = api.apply()
    assert set(fates(report).values()) == {"applied"}
    assert not api.plan().has_work


def test_an_answer_as_deep_as_any_that_is_meant_is_read(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=SHOP)
    api.apply()
    nested: Any = "[[[{{{"
    for _ in range(150):
        nested = {"x": nested}
    for row in shop.rows["products"].values():
        row["extra"] = nested
    assert not api.plan().has_work


IN_A_LIST = (
    PRODUCT.replace(
        """    write:
      create: {method: POST, path: /products}
      update: {method: PATCH, path: "/products/{id}"}
      delete: {call: {method: DELETE, path: "/products/{id}"}}
""",
        """    write:
      inside:
        read: {method: GET, path: "/shelves/{spec.shelf}/stock"}
        write: {method: PUT, path: "/shelves/{spec.shelf}/stock"}
        at: /products/all
""",
    )
    .replace("path: /products\n", 'path: "/shelves/{spec.shelf}/stock"\n')
    .replace("items: /items", "items: /products/all")
)

ODD_DOCUMENTS: list[Any] = [[], "text", None, 3, {"products": "none"}, {"products": {"all": 3}}, {"products": [1]}]


@pytest.mark.parametrize("document", ODD_DOCUMENTS, ids=json.dumps)
def test_a_document_that_is_none_ends_the_changes_in_it_only(tmp_path: Path, document: Any) -> None:
    """The document of one shelf is odd from the moment on when it is read to be written."""
    stock: dict[str, Any] = {}
    rows: dict[str, dict[str, Any]] = {}
    odd: list[str] = []

    def handle(request: SandboxRequest) -> SandboxResponse:
        _, collection, *rest = request.path.split("/")
        assert collection == "shelves"
        if not rest and request.method == "POST":
            body = {"id": f"s{len(rows) + 1}", **body_of(request)}
            rows[body["id"]], stock[body["id"]] = body, {"products": {"all": []}}
            return json_response(201, body)
        if not rest:
            return json_response(200, {"items": list(rows.values()), "total": len(rows)})
        if len(rest) == 1:
            return json_response(200, rows[rest[0]]) if rest[0] in rows else not_found()
        if request.method == "PUT":
            stock[rest[0]] = body_of(request)
            return empty_response(204)
        return json_response(200, document if rest[0] in odd else stock[rest[0]])

    api = OddApi(folder=tmp_path, handle=handle)
    kind = IN_A_LIST.replace("      get: {method: GET, path: \"/products/{id}\"}\n", "").replace(
        "identity: {key: [name], name: name}", "identity: {id: /name, key: [shelf, name], name: name}"
    ).replace("        query: {from: \"{page.offset}\"}\n", "").replace(
        "        paging: {style: offset, size: 50, total: /total}\n", ""
    )  # fmt: skip
    api.define(
        SHELF + "---" + kind,
        together(shelf("left"), shelf("right"), product("cup", "left", price=1), product("jar", "right", price=1)),
        target=LEDGER,
    )
    api.apply()
    api.manifests(
        together(shelf("left"), shelf("right"), product("cup", "left", price=2), product("jar", "right", price=2))
    )
    broken = next(i for i, row in rows.items() if row["name"] == "left")
    report = api.apply(between=lambda: odd.append(broken))
    assert fates(report)["jar"] == "applied"
    assert fates(report)["cup"] in ("failed", "conflict"), "nothing was sent"
    assert [path for _, path, _ in api.writes()] == [f"/shelves/{next(i for i in rows if i != broken)}/stock"]
    assert exit_code_of(report) in (ExitCode.FAILED, ExitCode.REFUSED)
    assert report.problems == ()


LOCATIONS = ["http://[::1", "//[", "http://a]b/", "http://[v1.x/things/7"]


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_location_that_is_no_address_is_no_location(tmp_path: Path, location: str) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), product("cup", "left")))

    def before(request: SandboxRequest) -> SandboxResponse | None:
        if request.method != "POST":
            return None
        shop._answer(request)
        return SandboxResponse(status=201, headers={"location": location}, body=b"")

    shop.before = before
    report = api.apply()
    assert set(fates(report).values()) == {"applied"}, report.outcomes
    assert not api.plan().has_work


WAITING = 'wait: {method: GET, path: "{location}", until: {at: /done, equals: true}}'


@pytest.mark.parametrize("give", [dict, lambda: {"location": "http://[::1"}], ids=["none", "no address"])
def test_a_write_that_promises_nothing_to_wait_for_is_settled_by_reading(
    tmp_path: Path, give: Callable[[], dict[str, str]]
) -> None:
    kind = PRODUCT.replace(
        "create: {method: POST, path: /products}", f"create: {{method: POST, path: /products, {WAITING}}}"
    )
    shop, api = make_shop(tmp_path, kinds=SHELF + "---" + kind, manifests=SHOP)

    def before(request: SandboxRequest) -> SandboxResponse | None:
        if request.path == "/tasks/1":
            return json_response(200, {"done": True})
        if request.method != "POST" or request.path != "/products":
            return None
        shop._answer(request)
        headers = give() if body_of(request)["name"] == "jug" else {"location": "/tasks/1"}
        return SandboxResponse(status=202, headers=headers, body=b"")

    shop.before = before
    report = api.apply()
    assert fates(report) == {"left": "applied", **dict.fromkeys(NAMES, "applied")}
    assert exit_code_of(report) is ExitCode.DONE
    assert not api.plan().has_work
    assert sorted(row["name"] for row in shop.rows["products"].values()) == NAMES
