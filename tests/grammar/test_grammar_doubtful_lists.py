"""What a list does not show: asked for by its id when it is remembered, never absent when the list is doubtful."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, json_response, not_found
from odd_rows import Row, Rows, kind, manifest

from reconciler.core.errors import UsageError
from reconciler.core.model import Action, Plan
from reconciler.core.report import Status

LEDGER = "ledger: {file: ledger.json}\n"
LIST = "{{method: GET, path: /things{}}}"
GET = 'get: {method: GET, path: "/things/{id}"}'


def thing(listing: str = "", *, get: str = GET, find: str = "", gone: str = "", **parts: str) -> str:
    read = ", ".join(filter(None, ["list: " + LIST.format(listing), get, find, gone]))
    fields = "name: {type: string}, size: {type: integer}, on: {type: boolean}, id: {type: string, readOnly: true}"
    return kind(properties=f"{{{fields}}}", read=f"{{{read}}}", **parts)


class Hiding(Rows):
    """Shows in its list what it is told to show."""

    hidden: frozenset[str] = frozenset()

    def shown_list(self, request: SandboxRequest) -> Any:
        rows = [row for row in super().shown_list(request) if row["id"] not in self.hidden]
        return [row for row in rows if row.get("on") is not False]


def made(folder: Path, rows: Rows, definition: str, manifests: str, *, target: str = LEDGER) -> OddApi:
    api = OddApi(folder=folder, handle=rows.handle)
    api.define(definition, manifests, target=target)
    return api


def problems(plan: Plan) -> list[str]:
    return [one.code for one in (*plan.blockers, *plan.diagnostics) if one.code != "no-ledger"]


def actions(plan: Plan) -> list[Action]:
    return [change.action for change in plan.changes]


# --------------------------------------------------------------------------- remembered by its id


@pytest.mark.parametrize("listing", ["", ", itemsAre: summaries"], ids=["objects", "summaries"])
def test_what_the_list_filters_is_found_by_its_id(tmp_path: Path, listing: str) -> None:
    rows = Hiding()
    api = made(tmp_path, rows, thing(listing), manifest("{on: false}"))
    api.apply()
    for _ in range(2):
        assert [one.status for one in api.apply().outcomes] == [Status.UNCHANGED]
        assert api.writes() == []
    assert len(rows.rows) == 1


def test_what_the_list_shows_late_is_noted_and_updated(tmp_path: Path) -> None:
    rows = Hiding()
    api = made(tmp_path, rows, thing(), manifest("{size: 1}"))
    api.apply()
    rows.hidden = frozenset({"t1"})
    api.manifests(manifest("{size: 2}"))
    plan = api.plan()
    assert (actions(plan), problems(plan)) == ([Action.UPDATE], ["not-in-list"])
    assert "the id t1, although the list does not show it" in plan.diagnostics[0].message
    api.apply()
    assert api.writes() == [("PATCH", "/things/t1", {"size": 2})]


def test_another_object_of_its_key_does_not_take_its_place(tmp_path: Path) -> None:
    rows = Hiding()
    api = made(tmp_path, rows, thing(), manifest("{size: 1}"))
    api.apply()
    rows.rows["other"] = {"id": "other", "name": "one", "size": 1}
    rows.hidden = frozenset({"t1"})
    (change,) = api.plan().changes
    assert change.live is not None
    assert change.live.id == "t1"


def test_what_is_proven_to_be_gone_is_created_anew(tmp_path: Path) -> None:
    rows = Hiding()
    api = made(tmp_path, rows, thing(), manifest("{size: 1}"))
    api.apply()
    rows.rows.clear()
    plan = api.plan()
    assert (actions(plan), problems(plan)) == ([Action.CREATE], [])


SIGNS: list[Row] = [{"deletedAt": "2026-01-01"}, {"state": "DELETED"}, {"isArchived": True}]


@pytest.mark.parametrize("sign", SIGNS, ids=["deletedAt", "state", "isArchived"])
def test_what_looks_deleted_is_asked_about_unless_the_kind_says_it(tmp_path: Path, sign: Row) -> None:
    rows = Hiding()
    api = made(tmp_path, rows, thing(), manifest("{size: 1}"))
    api.apply()
    rows.hidden = frozenset({"t1"})
    rows.rows["t1"] |= sign
    plan = api.plan()
    assert (actions(plan), problems(plan)) == ([], ["perhaps-gone"])
    ((name, value),) = sign.items()
    api.define(
        thing(gone=f"gone: [{{at: /{name}, equals: {json.dumps(value)}}}]"), manifest("{size: 1}"), target=LEDGER
    )
    assert actions(api.plan()) == [Action.CREATE]


def test_what_a_delete_only_switches_off_is_asked_about(tmp_path: Path) -> None:
    rows = Hiding()
    update = 'update: {method: PATCH, path: "/things/{id}"}'
    write = f"{{create: {{method: POST, path: /things}}, {update}, delete: {{disable: {{on: false}}}}}}"
    api = made(tmp_path, rows, thing(write=write), manifest("{size: 1}"))
    api.apply()
    rows.rows["t1"]["on"] = False
    assert problems(api.plan()) == ["perhaps-gone"]


# --------------------------------------------------------------------------- lists that contradict themselves

TOTAL = ', items: /items, query: {from: "{page.offset}"}, paging: {style: offset, size: 2, total: /total}'
TWO = ({"id": "a", "name": "a", "size": 1}, {"id": "b", "name": "b", "size": 1})
NEW = manifest("{size: 1}", name="new")


class Paged(Rows):
    """Lists by offset, with what `lie` makes of the rows and their number."""

    pages = 0

    def lie(self, rows: list[Row], start: int) -> tuple[list[Row], int]:
        return rows, len(rows) + 1

    def shown_list(self, request: SandboxRequest) -> Any:
        self.pages += 1
        start = int(dict(request.query)["from"])
        rows, total = self.lie(super().shown_list(request), start)
        return {"items": rows[start : start + 2], "total": total}


class Twice(Paged):
    def lie(self, rows: list[Row], start: int) -> tuple[list[Row], int]:
        return [*rows, rows[0]], len(rows) + 1


class Moving(Paged):
    def lie(self, rows: list[Row], start: int) -> tuple[list[Row], int]:
        return [*rows, {"id": "c", "name": "c"}], 3 if start else 4


class Shifting(Paged):
    def lie(self, rows: list[Row], start: int) -> tuple[list[Row], int]:
        rows = [*rows, {"id": "c", "name": "c"}]
        return (rows[1:] if start else rows), 3


@pytest.mark.parametrize(
    ("rows", "figures"),
    [
        (Paged(*TWO), "the answer says that there are 3, and 2 were read"),
        (Twice(*TWO), "the answer says that there are 3, and 2 were read; the id a comes twice"),
        (Moving(*TWO), "the number of all items went from 4 to 3 while the list was read"),
        (Shifting(*TWO), "the answer says that there are 3, and 2 were read"),
    ],
    ids=["short", "twice", "moving", "shifting"],
)
def test_nothing_is_created_that_a_doubtful_list_does_not_show(tmp_path: Path, rows: Paged, figures: str) -> None:
    api = made(tmp_path, rows, thing(TOTAL), "---\n".join([NEW, manifest("{size: 2}", name="a")]), target="")
    plan = api.plan()
    assert [(one.code, one.message.endswith(f": {figures}")) for one in plan.blockers] == [("doubtful-list", True)]
    assert actions(plan) == [Action.UPDATE], "what it shows is there"


class Once(Paged):
    """Lies in its first reading only."""

    def lie(self, rows: list[Row], start: int) -> tuple[list[Row], int]:
        return rows, len(rows) + (self.pages <= 2)


def test_a_list_that_moved_while_it_was_read_is_read_once_more(tmp_path: Path) -> None:
    api = made(tmp_path, Once(*TWO), thing(TOTAL), NEW, target="")
    plan = api.plan()
    assert (actions(plan), problems(plan)) == ([Action.CREATE], [])


@pytest.mark.parametrize("more", [", total: estimate", ""], ids=["the kind", "the command line"])
def test_the_doubt_is_lifted_and_shown(tmp_path: Path, more: str) -> None:
    api = made(tmp_path, Paged(*TWO), thing(TOTAL + more), NEW, target="")
    trusted: dict[str, Any] = {} if more else {"trust_list": ("Thing",)}
    plan = api.plan(**trusted)
    assert (actions(plan), problems(plan)) == ([Action.CREATE], ["trusted-list"])
    assert "there are 3, and 2 were read" in plan.diagnostics[-1].message
    assert [one.status for one in api.apply(**trusted).outcomes] == [Status.APPLIED]


def test_a_list_of_no_kind_cannot_be_trusted(tmp_path: Path) -> None:
    api = made(tmp_path, Paged(*TWO), thing(TOTAL), NEW, target="")
    with pytest.raises(UsageError, match="there is no kind 'Thang'"):
        api.plan(trust_list=("Thang",))


def test_an_estimate_never_ends_a_list(tmp_path: Path) -> None:
    class Low(Paged):
        def lie(self, rows: list[Row], start: int) -> tuple[list[Row], int]:
            return rows, 2

    rows = Low(*TWO, {"id": "c", "name": "new", "size": 1})
    api = made(tmp_path, rows, thing(TOTAL + ", total: estimate"), NEW, target="")
    assert actions(api.plan()) == [Action.UNCHANGED]


def test_a_call_of_its_own_proves_that_it_is_not_there(tmp_path: Path) -> None:
    class Finding(Paged):
        def handle(self, request: SandboxRequest) -> SandboxResponse:
            name = dict(request.query).get("name")
            if request.path == "/things" and request.method == "GET" and name:
                return json_response(200, [row for row in self.rows.values() if row["name"] == name])
            return super().handle(request)

    find = 'find: {method: GET, path: /things, query: {name: "{spec.name}"}}'
    rows = Finding(*TWO)
    api = made(tmp_path, rows, thing(TOTAL, find=find), NEW, target="")
    assert [one.status for one in api.apply().outcomes] == [Status.APPLIED]
    rows.lie = lambda rows, start: (rows[:1], 9)  # type: ignore[method-assign]
    assert actions(api.plan()) == [Action.UNCHANGED], "and that it is"


def test_a_read_by_the_remembered_id_proves_that_it_is_not_there(tmp_path: Path) -> None:
    rows = Paged(*TWO)
    api = made(tmp_path, rows, thing(TOTAL), manifest("{size: 1}", name="a"))
    api.apply()
    del rows.rows["a"]
    assert actions(api.plan()) == [Action.CREATE]
    assert [one.status for one in api.apply().outcomes] == [Status.APPLIED]


def test_a_list_that_is_doubtful_after_the_plan_lets_nothing_be_created(tmp_path: Path) -> None:
    rows = Paged(*TWO)
    rows.lie = lambda rows, start: (rows, len(rows))  # type: ignore[method-assign]
    api = made(tmp_path, rows, thing(TOTAL), NEW, target="")

    def turn() -> None:
        rows.lie = lambda rows, start: (rows, 3)  # type: ignore[method-assign]

    (outcome,) = api.apply(between=turn).outcomes
    assert (outcome.status, api.writes()) == (Status.CONFLICT, [])
    assert "there are 3, and 2 were read" in outcome.detail


@pytest.mark.parametrize(
    ("status", "header", "doubtful"),
    [
        (206, {}, True),
        (206, {"content-range": "0-1/5"}, True),
        (200, {"content-range": "items 0-1/5"}, True),
        (206, {"content-range": "0-1/2"}, False),
        (206, {"content-range": "0-1/*"}, True),
        (200, {"content-range": "things=0-1/2"}, False),
        (200, {"content-range": "bytes 0-1/500"}, False),
    ],
)
def test_an_answer_that_says_it_is_a_part(tmp_path: Path, status: int, header: dict[str, str], doubtful: bool) -> None:
    class Part(Rows):
        def handle(self, request: SandboxRequest) -> SandboxResponse:
            if request.method == "GET" and request.path == "/things":
                return json_response(status, list(TWO), header)
            return super().handle(request)

    api = made(tmp_path, Part(*TWO), thing(), NEW, target="")
    assert problems(api.plan()) == (["doubtful-list"] if doubtful else [])


# --------------------------------------------------------------------------- two of one id


def test_two_live_objects_of_one_id_are_an_error(tmp_path: Path) -> None:
    class Doubled(Rows):
        def handle(self, request: SandboxRequest) -> SandboxResponse:
            if request.path == "/things" and request.method == "GET":
                return json_response(200, [TWO[0], {**TWO[1], "id": "a"}])
            return not_found()

    manifests = "---\n".join(manifest("{size: 1}", name=name) for name in "ab")
    api = made(tmp_path, Doubled(), thing(), manifests, target="")
    plan = api.plan()
    assert {(one.code, "several live objects have the id" in one.message) for one in plan.blockers} == {
        ("ambiguous-match", True)
    }
    assert [str(one.address) for one in plan.blockers] == ["odd.Thing/a", "odd.Thing/b"]
