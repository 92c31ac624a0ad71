"""A field that cannot change: refused, or a new object comes in place of the old one; and what is destroyed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse
from odd_shop import LEDGER, PRODUCT, SHELF, PowerCut, Shop, make_shop, product, shelf, together

from reconciler.core.errors import Refused, UsageError
from reconciler.core.model import Plan
from reconciler.core.report import Outcome, Status
from reconciler.render.text import render_plan

BEFORE = together(shelf("left", room="a"), product("tea", "left"), product("mug", "left"))
AFTER = BEFORE.replace("room: a", "room: b")

# Here the room is a part of the natural key, so that an old and a new shelf may be there at once.
BY_ROOM = SHELF.replace("identity: {key: [name], name: name}", "identity: {key: [name, room], name: name}")


def told(outcomes: Iterable[Outcome]) -> dict[str, str]:
    return {o.address.name: f"{o.action.value} {o.status.value}" for o in outcomes if o.status is not Status.UNCHANGED}


def codes(plan: Plan) -> list[str]:
    return [d.code for d in plan.blockers]


def records(api: OddApi) -> dict[str, str]:
    found = json.loads((api.folder / "ledger.json").read_text())["records"]
    return {address: record["id"] for address, record in found.items()}


def in_place(shop: Shop, api: OddApi) -> None:
    """Assert that everything is as declared, each thing once, and that the next plan is empty."""
    assert not api.plan(allow_replace=True).has_work
    assert [(row["name"], row["room"]) for row in shop.rows["shelves"].values()] == [("left", "b")]
    (there,) = shop.rows["shelves"]
    assert {row["shelf"] for row in shop.rows["products"].values()} == {there}
    assert sorted(row["name"] for row in shop.rows["products"].values()) == ["mug", "tea"]
    assert records(api)["odd.Shelf/left"] == there


class Rooms(Shop):
    """Names are unique in a room only."""

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        rows = self.rows["shelves"]
        if request.method == "POST" and request.path == "/shelves":
            body = json.loads(request.body)
            hidden = {i: row for i, row in rows.items() if row["room"] != body["room"]}
            for remote_id in hidden:
                del rows[remote_id]
            try:
                return super()._answer(request)
            finally:
                self.rows["shelves"] = {**hidden, **rows}
        return super()._answer(request)


def rooms(folder: Path) -> tuple[Rooms, OddApi]:
    shop = Rooms()
    api = OddApi(folder=folder, handle=shop.handle)
    api.define(BY_ROOM + "---" + PRODUCT, BEFORE, target=LEDGER)
    return shop, api


# --------------------------------------------------------------------------- refused, or allowed


def test_without_leave_the_field_is_named_and_nothing_is_done(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=BEFORE)
    api.apply()
    api.manifests(AFTER)
    made = api.plan()
    assert codes(made) == ["immutable-field"]
    assert "/room cannot change once the object exists" in made.blockers[0].message
    assert "--allow-replace" in made.blockers[0].hint
    with pytest.raises(Refused):
        api.apply()
    assert not api.writes()


def test_a_protected_object_is_not_replaced(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=shelf("left", "{protect: true}", room="a"))
    api.apply()
    api.manifests(shelf("left", "{protect: true, replace: true}", room="b"))
    assert codes(api.plan()) == ["protected"]
    assert codes(api.plan(allow_replace=True)) == ["protected"]


def test_leave_may_be_given_to_a_single_object(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left", room="a"), shelf("right", room="a")))
    api.apply()
    api.manifests(together(shelf("left", "{replace: true}", room="b"), shelf("right", room="a")))
    assert told(api.apply().outcomes) == {"left": "replace applied", "left (replaced)": "delete applied"}
    assert {name: row["room"] for name, row in shop.named("shelves").items()} == {"left": "b", "right": "a"}
    assert not api.plan().has_work


def test_what_would_refer_to_nothing_must_be_selected_as_well(tmp_path: Path) -> None:
    from reconciler.core.manifests.selection import read_selection

    _, api = make_shop(tmp_path, manifests=BEFORE)
    api.apply()
    api.manifests(AFTER)
    made = api.plan(allow_replace=True, selection=read_selection([], ["Shelf/left"]))
    assert codes(made) == ["unselected-reference"]
    assert "odd.Product/mug, odd.Product/tea would refer to nothing" in made.blockers[0].message


# --------------------------------------------------------------------------- both ways


def test_with_another_natural_key_the_new_one_comes_first_and_the_old_one_goes_last(tmp_path: Path) -> None:
    shop, api = rooms(tmp_path)
    api.apply()
    api.manifests(AFTER)
    made = api.plan(allow_replace=True)
    text = render_plan(made)
    assert "2 to update, 1 to replace" in text
    assert "-/+ odd.Shelf/left  replace" in text
    assert '~ /room  "a" → "b"  [manifest]  (forces a new object)' in text
    assert "(known after apply)" in text
    report = api.apply(allow_replace=True)
    assert told(report.outcomes) == {
        "left": "replace applied", "left (replaced)": "delete applied", "mug": "update applied",
        "tea": "update applied",
    }  # fmt: skip
    methods = [method for method, _, _ in api.writes()]
    assert (methods[0], methods[-1]) == ("POST", "DELETE")
    in_place(shop, api)


def test_with_the_same_natural_key_the_old_one_goes_first(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=shelf("left", room="a"))
    api.apply()
    api.manifests(shelf("left", room="b"))
    made = api.plan(allow_replace=True)
    assert "the old one is deleted first" in render_plan(made)
    assert told(api.apply(allow_replace=True).outcomes) == {
        "left": "replace applied", "left (replaced)": "delete applied",
    }  # fmt: skip
    assert [method for method, _, _ in api.writes()] == ["DELETE", "POST"]
    assert [row["room"] for row in shop.rows["shelves"].values()] == ["b"]
    assert not api.plan(allow_replace=True).has_work


def test_an_old_one_that_may_not_go_leaves_everything_as_it_is(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=BEFORE)
    api.apply()
    api.manifests(AFTER)
    found = told(api.apply(allow_replace=True).outcomes)
    assert found["left (replaced)"] == "delete conflict", "the server refuses it: there are products on it"
    assert found["left"] == "replace skipped"
    assert [row["room"] for row in shop.rows["shelves"].values()] == ["a"]


# --------------------------------------------------------------------------- cut short


@pytest.mark.parametrize("first", [True, False], ids=["created first", "deleted first"])
@pytest.mark.parametrize("acts", [True, False], ids=["after the server acted", "before"])
@pytest.mark.parametrize("at", range(4))
def test_a_run_that_is_killed_at_any_write_is_finished_by_the_next_one(
    tmp_path: Path, at: int, acts: bool, first: bool
) -> None:
    scene: tuple[Shop, OddApi] = rooms(tmp_path) if first else make_shop(tmp_path, manifests=BEFORE)
    shop, api = scene
    api.apply()
    api.manifests(AFTER)
    if not first:  # such a server takes what refers to it along, or does not mind
        for row in shop.rows["products"].values():
            row["shelf"] = ""
    writes = []

    def cut(request: SandboxRequest) -> SandboxResponse | None:
        if request.method != "GET":
            writes.append(request)
            if len(writes) == at + 1:
                if acts:
                    shop._answer(request)
                raise PowerCut
        return None

    shop.before = cut
    with pytest.raises(PowerCut):
        api.apply(allow_replace=True)
    shop.before = lambda request: None
    left = [d for d in api.plan().diagnostics if d.code == "not-pruned"]
    assert all("the replacement of odd.Shelf/left was cut short" in d.message for d in left)
    assert bool(left) == (first and records(api)["odd.Shelf/left"] != "s1"), "never forgotten in silence"
    api.apply(allow_replace=True)
    if api.plan(allow_replace=True).has_work:
        api.apply(allow_replace=True)
    in_place(shop, api)


# --------------------------------------------------------------------------- destroy


def test_what_is_named_is_destroyed_stated_or_only_recorded(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=BEFORE)
    api.apply()
    api.manifests(together(shelf("left", room="a"), product("mug", "left")))
    made = api.plan(destroy=("Product/*",))
    assert "2 to delete" in render_plan(made)
    assert "because: named in the command" in render_plan(made)
    assert told(api.apply(destroy=("Product/*",)).outcomes) == {"mug": "delete applied", "tea": "delete applied"}
    assert (shop.rows["products"], set(records(api))) == ({}, {"odd.Shelf/left"})


def test_what_something_stated_refers_to_is_not_destroyed(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=BEFORE)
    api.apply()
    made = api.plan(destroy=("Shelf/left",))
    assert codes(made) == ["still-referenced"]
    assert "odd.Product/mug, odd.Product/tea still refer to odd.Shelf/left" in made.blockers[0].message
    assert told(api.apply(destroy=("*",)).outcomes) == {
        "left": "delete applied", "mug": "delete applied", "tea": "delete applied",
    }  # fmt: skip
    assert [path[:9] for _, path, _ in api.writes()] == ["/products", "/products", "/shelves/"]


def test_neither_protected_nor_looked_up_objects_are_destroyed(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=together(shelf("left", "{protect: true}"), shelf("right")))
    api.apply()
    api.manifests(together(shelf("left", "{protect: true}"), shelf("right", "{lookup: true}")))
    assert codes(api.plan(destroy=("Shelf/*",))) == ["protected", "looked-up"]


def test_a_protected_object_whose_manifest_is_gone_is_not_destroyed(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=together(shelf("left", "{protect: true}"), shelf("right")))
    api.apply()
    api.manifests(shelf("right"))
    assert codes(api.plan(destroy=("Shelf/left",))) == ["protected"]


def test_a_name_that_names_nothing_is_a_mistake(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=BEFORE)
    api.apply()
    with pytest.raises(UsageError, match="nothing is called 'Product/teas'"):
        api.plan(destroy=("Product/tea", "Product/teas"))


def test_the_last_objects_can_be_destroyed_when_no_manifest_is_left(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=shelf("left"))
    api.apply()
    api.manifests("")
    assert told(api.apply(destroy=("Shelf/left",)).outcomes) == {"left": "delete applied"}
    assert (shop.rows["shelves"], records(api)) == ({}, {})
