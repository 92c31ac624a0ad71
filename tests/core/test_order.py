"""The order of what is created, changed and deleted: nothing goes while something still refers to it."""

from __future__ import annotations

from dataclasses import replace

from core_builders import PLACE, document
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.address import Address
from reconciler.core.departure import Departure, Limits, Way
from reconciler.core.graph import find_cycle
from reconciler.core.kinds.catalog import load_catalog
from reconciler.core.memory.ledger import Ledger, Record, Removal
from reconciler.core.model import Action, Change, Expression, Plan, Reference, Resource
from reconciler.core.plan.considered import Inputs
from reconciler.core.plan.order import in_order
from reconciler.core.plan.removal.limits import SHARE_FLOOR, exceeded

KIND = {
    "apiVersion": "shop/v1", "kind": "Thing",
    "schema": {"type": "object", "properties": {"name": {"type": "string"}}},
    "identity": {"key": ["name"]}, "read": {"list": {"method": "GET", "path": "/things"}},
}  # fmt: skip
CATALOG, PROBLEMS = load_catalog([document(KIND)])
NAMES = "abcdef"


def address(name: str) -> Address:
    return Address("shop", "Thing", name)


def resource(name: str, parents: frozenset[str]) -> Resource:
    references = tuple(Expression(path=("p",), parts=(Reference(address=address(p)),)) for p in sorted(parents))
    return Resource(
        address=address(name), spec={}, source=PLACE, locate=lambda path, key=False: PLACE, expressions=references
    )


def gone(name: str, parents: frozenset[str] = frozenset(), way: Way = Way.DELETE) -> Change:
    departure = Departure(way=way, parents=frozenset(map(address, parents)))
    return Change(address=address(name), action=Action.DELETE, resource=None, departure=departure)


def inputs(stated: dict[str, frozenset[str]], before: dict[str, frozenset[str]]) -> Inputs:
    records = {
        address(name): Record(id=name, removal=Removal(parents=tuple(sorted(map(address, parents)))))
        for name, parents in before.items()
    }
    return Inputs(
        target="t",
        resources={address(name): resource(name, parents) for name, parents in stated.items()},
        selected=frozenset(),
        catalog=CATALOG,
        live={},
        unreadable={},
        memory=Ledger(target="t", records=records),
    )


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES))),
    st.sets(st.sampled_from(NAMES)),
)
def test_whatever_records_say_there_is_an_order_and_what_referred_goes_first(
    before: dict[str, frozenset[str]], stays: set[str]
) -> None:
    stated = {name: frozenset[str]() for name in stays}
    changes = [gone(name, parents) for name, parents in sorted(before.items()) if name not in stays]
    changes += [
        Change(address=address(n), action=Action.UPDATE, resource=resource(n, frozenset())) for n in sorted(stays)
    ]
    ordered = {change.address: change.waits_for for change in in_order(changes, inputs(stated, before))}
    assert find_cycle(ordered) == []
    for change in changes:
        if change.departure is None:
            continue
        for name, parents in before.items():
            if name in stays and change.address.name in parents:
                assert address(name) in ordered[change.address], "the one that refers to something else now"


def test_children_are_waited_for_and_circles_are_broken() -> None:
    before = {"a": frozenset[str](), "b": frozenset("a"), "c": frozenset("b")}
    changes = [gone(name, parents) for name, parents in before.items()]
    ordered = {c.address.name: {a.name for a in c.waits_for} for c in in_order(changes, inputs({}, before))}
    assert ordered == {"a": {"b"}, "b": {"c"}, "c": set()}
    circle = {"a": frozenset("b"), "b": frozenset("a")}
    changes = [gone(name, parents) for name, parents in circle.items()]
    assert sorted(len(c.waits_for) for c in in_order(changes, inputs({}, circle))) == [0, 1]


# --------------------------------------------------------------------------- limits


def plan(changes: list[Change], **limits: object) -> Plan:
    managed = frozenset(change.address for change in changes)
    return Plan(target="t", changes=tuple(changes), limits=replace(Limits(max_deletes=5, managed=managed), **limits))  # type: ignore[arg-type]


def test_a_plan_that_carries_limits_is_held_to_them_wherever_it_comes_from() -> None:
    six = [gone(f"n{number}") for number in range(6)]
    assert [d.code for d in exceeded(plan(six))] == ["too-many-deletes"]
    assert exceeded(plan(six, max_deletes=6)) == []
    forgotten = [gone(f"n{number}", way=Way.FORGET) for number in range(6)]
    assert exceeded(plan(forgotten)) == [], "what is only forgotten is not deleted"
    assert exceeded(replace(plan(six), limits=None)) == []
    switched_off = [gone(f"n{number}", way=Way.DISABLE) for number in range(6)]
    assert [d.code for d in exceeded(plan(switched_off))] == ["too-many-deletes"]


def test_of_a_handful_all_may_change() -> None:
    def updates(count: int) -> list[Change]:
        names = [f"n{number}" for number in range(count)]
        return [Change(address=address(n), action=Action.UPDATE, resource=resource(n, frozenset())) for n in names]

    assert exceeded(plan(updates(SHARE_FLOOR), max_change_share=0.0)) == []
    assert [d.code for d in exceeded(plan(updates(SHARE_FLOOR + 1), max_change_share=0.0))] == ["too-large-a-share"]
    assert exceeded(plan(updates(SHARE_FLOOR + 1), max_change_share=None)) == []
    unknown = plan(updates(SHARE_FLOOR + 1), max_change_share=0.0, managed=frozenset())
    assert exceeded(unknown) == [], "taking an estate over changes nothing that is managed"
