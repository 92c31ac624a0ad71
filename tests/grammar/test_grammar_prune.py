"""What no manifest states any more: deleted only when asked for, ours, seen, and within the limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, json_response
from odd_shop import LEDGER, PRODUCT, SHELF, PowerCut, make_shop, product, shelf, together

from reconciler.core.errors import Refused, UsageError
from reconciler.core.manifests.selection import read_selection
from reconciler.core.model import Action, Plan
from reconciler.core.report import Outcome, Status
from reconciler.render.text import render_plan

ALL = together(shelf("left"), shelf("right"), product("tea", "left", price=1), product("mug", "right"))
LESS = together(shelf("left"), product("mug", "left"))


def deletes(plan: Plan) -> list[str]:
    return [change.address.name for change in plan.changes if change.action is Action.DELETE]


def told(outcomes: tuple[Outcome, ...]) -> list[tuple[str, str, str]]:
    return [(o.address.name, o.action.value, o.status.value) for o in outcomes if o.status is not Status.UNCHANGED]


def notes(plan: Plan) -> list[str]:
    return [d.message for d in plan.diagnostics if d.code == "not-pruned"]


def codes(plan: Plan) -> list[str]:
    return [d.code for d in plan.blockers]


def records(api: OddApi) -> set[str]:
    return set(json.loads((api.folder / "ledger.json").read_text())["records"])


# --------------------------------------------------------------------------- what is asked for


def test_nothing_is_deleted_unless_pruning_is_asked_for(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right")))
    assert not api.plan().has_work
    api.apply()
    assert (api.writes(), set(shop.named("products"))) == ([], {"tea", "mug"})
    assert deletes(api.plan(prune=True)) == ["mug", "tea"]


@pytest.mark.parametrize("policy", [False, True], ids=["option", "policy"])
def test_what_no_manifest_states_goes_after_what_referred_to_it(tmp_path: Path, policy: bool) -> None:
    target = LEDGER + ("policy: {prune: true}\n" if policy else "")
    shop, api = make_shop(tmp_path, target=target, manifests=ALL)
    api.apply()
    api.manifests(LESS)
    asked: dict[str, Any] = {} if policy else {"prune": True}
    mug, right = shop.path_of("products", "mug"), shop.path_of("shelves", "right")
    made = api.plan(**asked)
    assert "1 to update, 2 to delete" in render_plan(made)
    assert "warning: the boards are thrown away" in render_plan(made)
    report = api.apply(**asked)
    assert told(report.outcomes) == [
        ("mug", "update", "applied"), ("tea", "delete", "applied"), ("right", "delete", "applied"),
    ]  # fmt: skip
    order = [(method, path) for method, path, _ in api.writes()]
    assert order.index(("PATCH", mug)) < order.index(("DELETE", right))
    assert records(api) == {"odd.Product/mug", "odd.Shelf/left"}
    assert set(shop.named("products")) == {"mug"}
    assert not api.plan(**asked).has_work, "the next plan is empty"


def test_children_go_before_their_parents(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(ALL, shelf("rest")))
    api.apply()
    api.manifests(shelf("rest"))
    pairs = [
        (shop.path_of("products", child), shop.path_of("shelves", parent))
        for child, parent in (("tea", "left"), ("mug", "right"))
    ]
    assert {status for _, _, status in told(api.apply(prune=True).outcomes)} == {"applied"}
    paths = [path for _, path, _ in api.writes()]
    assert all(paths.index(child) < paths.index(parent) for child, parent in pairs)
    assert list(shop.named("shelves")) == ["rest"]


def test_a_parent_stays_when_its_child_could_not_be_deleted(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(shelf("left"))
    stubborn, mug = json_response(422, {"message": "not that one"}), shop.path_of("products", "mug")
    shop.before = lambda r: stubborn if r.method == "DELETE" and r.path == mug else None
    outcomes = {o.address.name: o for o in api.apply(prune=True).outcomes}
    assert (outcomes["mug"].status, outcomes["right"].status) == (Status.FAILED, Status.SKIPPED)
    assert "odd.Product/mug" in outcomes["right"].detail


# --------------------------------------------------------------------------- what stays


def test_with_no_manifest_at_all_nothing_is_even_planned(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, target=LEDGER + "policy: {prune: true}\n", manifests=ALL)
    api.apply()
    api.manifests("")
    with pytest.raises(UsageError, match="no manifests"):
        api.plan()


def test_a_system_of_which_nothing_is_stated_is_left_alone(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    other = SHELF.replace("odd/v1", "even/v1")
    api.define(
        SHELF + "---" + PRODUCT + "---" + other,
        shelf("left").replace("odd/v1", "even/v1"),
        target=LEDGER,
    )
    config = api.folder / "reconciler.yaml"
    config.write_text(config.read_text().replace("systems:\n", "systems:\n      even: {url: http://odd.test}\n"))
    made = api.plan(prune=True)
    assert deletes(made) == []
    assert len([note for note in notes(made) if "no manifest states anything of odd" in note]) == 4


def test_a_list_that_was_not_read_to_its_end_proves_nothing(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right")))
    shop.add("products", name="theirs")
    shop.missing["products"] = 1
    made = api.plan(prune=True)
    assert deletes(made) == []
    assert ["not read to its end: the answer says that there are 3, and 2 were read" in n for n in notes(made)] == [
        True, True,
    ]  # fmt: skip
    api.apply(prune=True)
    assert (api.writes(), set(shop.named("products"))) == ([], {"tea", "mug", "theirs"})


def test_what_the_list_does_not_show_and_can_be_read_stays(tmp_path: Path) -> None:
    skipping = PRODUCT.replace("items: /items\n", "items: /items\n        skip: {at: /on, equals: true}\n")
    kinds = SHELF + "---" + skipping
    shop, api = make_shop(tmp_path, kinds=kinds, manifests=together(shelf("left"), product("tea", "left")))
    api.apply()
    api.manifests(shelf("left"))
    shop.named("products")["tea"]["on"] = True
    made = api.plan(prune=True)
    assert (deletes(made), notes(made)) == (
        [], ["odd.Product/tea stays: its list does not show it, although it can be read"],
    )  # fmt: skip


def test_a_list_that_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right")))
    shop.before = lambda r: json_response(403, {"message": "no"}) if r.path.startswith("/products") else None
    made = api.plan(prune=True)
    assert deletes(made) == []
    assert all("its list cannot be read" in note for note in notes(made))


def test_what_was_only_looked_up_is_never_deleted(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    looked_up = product("tea", "left", "{lookup: true}", price=1)
    api.manifests(together(shelf("left"), shelf("right"), looked_up, product("mug", "right")))
    api.apply()  # others manage it from now on
    api.manifests(together(shelf("left"), shelf("right"), product("mug", "right")))
    assert not api.plan(prune=True).has_work
    assert "tea" in shop.named("products")


def test_what_is_protected_is_not_deleted_together_with_its_protection(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), shelf("right", "{protect: true}")))
    api.apply()
    api.manifests(shelf("left"))
    made = api.plan(prune=True)
    assert (deletes(made), codes(made)) == ([], ["protected"])
    assert "protect: false" in made.blockers[0].hint
    with pytest.raises(Refused):
        api.apply(prune=True)
    assert "right" in shop.named("shelves")
    api.manifests(together(shelf("left"), shelf("right")))
    api.apply()  # that takes the protection away, and nothing else
    api.manifests(shelf("left"))
    assert deletes(api.plan(prune=True)) == ["right"]


def test_a_record_of_an_old_ledger_does_not_say_whether_it_is_protected(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=together(shelf("left"), shelf("right")))
    api.apply()
    ledger = json.loads((tmp_path / "ledger.json").read_text())
    for record in ledger["records"].values():
        del record["removal"]
    (tmp_path / "ledger.json").write_text(json.dumps({**ledger, "format": 1}))
    api.manifests(shelf("left"))
    made = api.plan(prune=True)
    assert (deletes(made), len(notes(made))) == ([], 1)
    assert "did not note whether it is protected" in notes(made)[0]


def test_a_selection_by_address_bounds_what_is_deleted_and_one_by_labels_deletes_nothing(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right")))
    assert deletes(api.plan(prune=True, selection=read_selection([], ["Product/tea"]))) == ["tea"]
    assert deletes(api.plan(prune=True, selection=read_selection([], ["Shelf/*"]))) == []
    labelled = shelf("left").replace("name: left\n", "name: left\n  labels: {team: a}\n", 1)
    api.manifests(together(labelled, shelf("right")))
    made = api.plan(prune=True, selection=read_selection(["team=a"], []))
    assert (deletes(made), notes(made)) == (
        [], ["2 recorded objects that no manifest states stay: their labels are not known"],
    )  # fmt: skip


def test_an_object_that_goes_by_another_address_now_is_not_deleted(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), product("tea", "left")))
    api.apply()
    renamed = product("black-tea", "left").replace("spec:", "spec:\n  name: tea")
    api.manifests(together(shelf("left"), renamed))
    made = api.plan(prune=True)
    assert (deletes(made), "taken for renamed" in render_plan(made)) == ([], True)
    api.apply(prune=True)
    assert (api.writes(), set(shop.named("products"))) == ([], {"tea"})
    assert records(api) == {"odd.Product/black-tea", "odd.Shelf/left"}


def test_an_object_of_a_manifest_outside_of_the_selection_is_not_deleted(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), product("tea", "left")))
    api.apply()
    renamed = product("black-tea", "left").replace("spec:", "spec:\n  name: tea")
    api.manifests(together(shelf("left"), renamed))
    made = api.plan(prune=True, selection=read_selection([], ["Product/tea"]))
    assert (deletes(made), "another manifest is about it" in notes(made)[0]) == ([], True)
    assert "tea" in shop.named("products")


def test_what_is_gone_already_is_only_forgotten(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    shop.rows["products"].clear()
    api.manifests(together(shelf("left"), shelf("right")))
    text = render_plan(api.plan(prune=True))
    assert "2 to forget" in text
    assert "it is gone already: nothing is sent" in text
    assert {o.detail for o in api.apply(prune=True).outcomes if o.action is Action.DELETE} == {"only the record goes"}
    assert (api.writes(), records(api)) == ([], {"odd.Shelf/left", "odd.Shelf/right"})
    assert not api.plan(prune=True).has_work


# --------------------------------------------------------------------------- right before, and afterwards


def test_an_object_that_moved_since_the_plan_is_a_conflict(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right"), product("mug", "right")))

    def somebody() -> None:
        shop.named("products")["tea"].update(price=7, unmanaged=1)

    (outcome,) = [o for o in api.apply(prune=True, between=somebody).outcomes if o.action is Action.DELETE]
    assert (outcome.status, [(m.planned, m.now) for m in outcome.moved]) == (Status.CONFLICT, [(1, 7)])
    assert not api.writes()
    shop.named("products")["tea"]["price"] = 1
    assert told(api.apply(prune=True, between=lambda: shop.named("products")["tea"].update(x=2)).outcomes) == [
        ("tea", "delete", "applied")
    ]


@pytest.mark.parametrize(
    ("acts", "status", "detail"),
    [(True, "applied", ""), (False, "failed", "it is still there")],
    ids=["after the server acted", "before"],
)
def test_a_lost_answer_is_settled_by_reading(tmp_path: Path, acts: bool, status: str, detail: str) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), shelf("right")))
    api.apply()
    api.manifests(shelf("left"))

    def lose(request: SandboxRequest) -> SandboxResponse | None:
        if request.method != "DELETE":
            return None
        if acts:
            shop.rows["shelves"].pop(request.path.rpartition("/")[2])
        return json_response(504, {"message": "too late"})

    shop.before = lose
    (outcome,) = [o for o in api.apply(prune=True).outcomes if o.action is Action.DELETE]
    assert (outcome.status.value, detail in outcome.detail) == (status, True)
    assert len(api.writes()) == 1


def test_gone_between_the_last_read_and_the_delete_counts_as_done(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), shelf("right")))
    api.apply()
    api.manifests(shelf("left"))

    def vanish(request: SandboxRequest) -> SandboxResponse | None:
        if request.method == "DELETE":
            shop.rows["shelves"].pop(request.path.rpartition("/")[2])
        return None

    shop.before = vanish
    assert told(api.apply(prune=True).outcomes) == [("right", "delete", "applied")]
    assert records(api) == {"odd.Shelf/left"}


def test_a_success_that_deleted_nothing_is_a_failure(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), shelf("right")))
    api.apply()
    api.manifests(shelf("left"))
    shop.before = lambda r: json_response(200, {}) if r.method == "DELETE" else None
    (outcome,) = [o for o in api.apply(prune=True).outcomes if o.action is Action.DELETE]
    assert (outcome.status, "still there" in outcome.detail) == (Status.FAILED, True)
    assert "odd.Shelf/right" in records(api)


# --------------------------------------------------------------------------- limits


def test_more_deletes_than_the_policy_allows_are_refused_in_plan_and_apply(tmp_path: Path) -> None:
    target = LEDGER + "policy: {prune: true, maxDeletes: 1}\n"
    shop, api = make_shop(tmp_path, target=target, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right")))
    made = api.plan()
    assert codes(made) == ["too-many-deletes"]
    assert "2 objects would be deleted, and policy.maxDeletes allows 1" in made.blockers[0].message
    assert "maxDeletes to 2" in made.blockers[0].hint
    with pytest.raises(Refused):
        api.apply()
    assert (api.writes(), len(shop.rows["products"])) == ([], 2)


def test_a_larger_share_than_the_policy_allows_is_refused(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(20)]
    manifests = [shelf(name, note="old") for name in names]
    _, api = make_shop(tmp_path, target=LEDGER + "policy: {maxChangeShare: 0.5}\n", manifests=together(*manifests))
    api.apply()
    assert codes(api.plan()) == []
    for changed, blocked in ((10, []), (11, ["too-large-a-share"])):
        news = [shelf(name, note="new" if index < changed else "old") for index, name in enumerate(names)]
        api.manifests(together(*news))
        assert codes(api.plan()) == blocked
    assert "11 of 20 managed objects (55%)" in api.plan().blockers[0].message


# --------------------------------------------------------------------------- ours by a mark

OWNED = PRODUCT.replace(
    "    write:",
    """      owned: {at: /owner, equals: "{system.owner}"}
      builtIn: {at: /kind, equals: system}
      computed: {at: /kind, equals: derived}
    write:""",
)
SYSTEM = """
    system: odd
    parameters: {type: object, properties: {owner: {type: string}}}
---"""


def test_marked_objects_go_when_no_manifest_is_about_them(tmp_path: Path) -> None:
    shop, api = make_shop(
        tmp_path,
        kinds=SYSTEM + SHELF + "---" + OWNED,
        target="",
        manifests=together(shelf("left"), product("tea", "left", owner="us"), product("mug", "left", owner="us")),
    )
    config = api.folder / "reconciler.yaml"
    config.write_text(config.read_text() + "        owner: us\n")
    api.apply()
    for name, more in {
        "left-over": {"owner": "us"}, "foreign": {"owner": "them"}, "nobody's": {},
        "root": {"owner": "us", "kind": "system"}, "sum": {"owner": "us", "kind": "derived"},
    }.items():  # fmt: skip
        shop.add("products", name=name, **more)
    made = api.plan(prune=True)
    assert deletes(made) == ["left-over"]
    assert sorted(notes(made)) == [
        "odd.Product/root stays: it came with the server",
        "odd.Product/sum stays: the server makes and removes it by itself",
    ]
    tea = read_selection([], ["Product/tea"])
    assert deletes(api.plan(prune=True, selection=tea)) == [], "the selection bounds it"
    api.apply(prune=True)
    assert set(shop.named("products")) == {"tea", "mug", "foreign", "nobody's", "root", "sum"}
    shop.add("products", name="again", owner="us")
    shop.missing["products"] = 1
    assert deletes(api.plan(prune=True)) == []
    assert "not read to its end" in notes(api.plan(prune=True))[0]


def test_without_the_value_of_the_mark_nobody_is_ours(tmp_path: Path) -> None:
    kinds = SYSTEM + SHELF + "---" + OWNED
    shop, api = make_shop(tmp_path, kinds=kinds, target="", manifests=together(shelf("left"), product("tea", "left")))
    api.apply()
    shop.add("products", name="other", owner="us")
    shop.add("products", name="blank", owner="")
    shop.add("products", name="none", owner=None)
    assert deletes(api.plan(prune=True)) == []


@pytest.mark.parametrize("acts", [True, False], ids=["after the server acted", "before"])
@pytest.mark.parametrize("at", range(3))
def test_a_run_that_is_killed_at_any_delete_is_finished_by_the_next_one(tmp_path: Path, at: int, acts: bool) -> None:
    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(shelf("left"))
    count = []

    def cut(request: SandboxRequest) -> SandboxResponse | None:
        if request.method == "DELETE":
            count.append(request)
            if len(count) == at + 1:
                if acts:
                    shop.rows[request.path.split("/")[1]].pop(request.path.rpartition("/")[2])
                raise PowerCut
        return None

    shop.before = cut
    with pytest.raises(PowerCut):
        api.apply(prune=True)
    shop.before = lambda request: None
    assert deletes(api.plan()) == [], "without leave it stays as far as it came"
    api.apply(prune=True)
    assert (shop.rows["products"], list(shop.named("shelves")), records(api)) == ({}, ["left"], {"odd.Shelf/left"})
    assert not api.plan(prune=True).has_work


def test_a_saved_plan_carries_its_deletes_and_performs_exactly_those(tmp_path: Path) -> None:
    from reconciler.workflow.approvals import apply_approved, compare_with_approval, open_approval, save_plan
    from reconciler.workflow.commands import Connections, load, plan

    shop, api = make_shop(tmp_path, manifests=ALL)
    api.apply()
    api.manifests(together(shelf("left"), shelf("right"), product("mug", "right")))
    options = api.options(prune=True)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        save_plan(plan(loaded, connections, options), loaded, options, tmp_path / "plan.json")
    approval, again = open_approval(tmp_path / "plan.json", api.options(), None)
    assert again.prune is True
    api.manifests(together(shelf("left"), shelf("right")))  # one more has gone meanwhile, and nobody approved that
    loaded = load(again)
    with Connections(loaded.settings, again) as connections:
        planned = plan(loaded, connections, again)
        found = compare_with_approval(approval, planned, loaded, again)
        assert [(v.name, v.standing.value) for v in found.objections] == [("odd.Product/mug", "extra")]
        apply_approved(found, planned, loaded, connections, again, on_outcome=lambda outcome: None)
    assert set(shop.named("products")) == {"mug"}
