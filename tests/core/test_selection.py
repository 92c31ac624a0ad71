"""Which resources a command is about."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.address import Address
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.manifests.selection import read_selection, select, with_parents
from reconciler.core.model import Expression, Reference, Resource, Source


def resource(name: str, kind: str = "Product", depends_on: str = "", **labels: str) -> Resource:
    """Return a resource with labels; `depends_on` names others of any kind, as in `Shop/main Shop/other`."""
    references = [Reference(address=Address("shop", *text.split("/"))) for text in depends_on.split()]
    return Resource(
        address=Address("shop", kind, name),
        spec={},
        source=Source("m.yaml", 1, 1),
        locate=lambda path, key=False: Source("m.yaml", 1, 1),
        labels=labels,
        expressions=tuple(Expression(path=("x",), parts=(reference,)) for reference in references),
    )


ALL = [
    resource("tea", team="leaves", stage="prod"),
    resource("coffee", team="beans", stage="prod", critical=""),
    resource("cocoa", team="beans", stage="dev"),
    resource("main", "Shop"),
]


def names(selectors: list[str], addresses: list[str]) -> str:
    selection = read_selection(selectors, addresses)
    return " ".join(r.address.name for r in ALL if selection.includes(r))


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        pytest.param([], "tea coffee cocoa main", id="nothing-said"),
        pytest.param(["team=beans"], "coffee cocoa", id="equal"),
        pytest.param(["team==beans"], "coffee cocoa", id="equal-twice"),
        pytest.param(["team!=beans"], "tea main", id="unequal-or-absent"),
        pytest.param(["critical"], "coffee", id="present"),
        pytest.param(["team=beans,stage=prod"], "coffee", id="all-terms"),
        pytest.param(["team=beans", "stage=prod"], "coffee", id="all-options"),
        pytest.param([" team = beans , stage != prod "], "cocoa", id="spaces"),
        pytest.param(["team=Beans"], "", id="case-matters"),
        pytest.param(["team=a=b"], "", id="value-with-an-equals-sign"),
        pytest.param(["example.com/team=x"], "", id="qualified-key"),
    ],
)
def test_labels(selectors: list[str], found: str) -> None:
    assert names(selectors, []) == found


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        pytest.param(["shop.Product/tea"], "tea", id="full"),
        pytest.param(["Product/tea"], "tea", id="kind-and-name"),
        pytest.param(["tea"], "tea", id="name"),
        pytest.param(["Product/*"], "tea coffee cocoa", id="star"),
        pytest.param(["co*"], "coffee cocoa", id="star-in-a-name"),
        pytest.param(["shop.*/*"], "tea coffee cocoa main", id="system"),
        pytest.param(["te?"], "tea", id="question-mark"),
        pytest.param(["[tm]*"], "tea main", id="set"),
        pytest.param(["tea", "Shop/main"], "tea main", id="any-of-them"),
        pytest.param(["TEA"], "", id="case-matters"),
        pytest.param(["ea"], "", id="not-a-part"),
        pytest.param(["hop.Product/tea"], "", id="not-a-part-of-the-system"),
        pytest.param([""], "", id="empty"),
    ],
)
def test_addresses(addresses: list[str], found: str) -> None:
    assert names([], addresses) == found


def test_labels_and_addresses_both_have_to_hold() -> None:
    assert names(["stage=prod"], ["co*"]) == "coffee"


@pytest.mark.parametrize("text", ["", "=x", "team=", "team!=", "a b", "team!x", "team=a,,b=c", "!team"])
def test_a_malformed_selector_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot read the selector") as caught:
        read_selection([text], [])
    assert caught.value.hint == "write -l team=support, -l team!=web or -l team"
    assert caught.value.exit_code is ExitCode.INVALID


def test_everything_is_selected_when_nothing_is_said() -> None:
    assert read_selection([], []).everything
    assert not read_selection(["a"], []).everything
    assert not read_selection([], ["a"]).everything


def test_what_is_selected() -> None:
    assert select(ALL, read_selection(["team=leaves"], [])) == {Address("shop", "Product", "tea")}
    assert len(select(ALL, read_selection([], []))) == len(ALL)


def test_a_selection_of_nothing_is_refused_unless_there_is_nothing() -> None:
    selection = read_selection([], ["nothing/like-it"])
    with pytest.raises(UsageError, match="no resource matches the selection") as caught:
        select(ALL, selection)
    assert "validate -v" in caught.value.hint
    assert select([], selection) == frozenset()


@pytest.mark.parametrize(
    ("labels", "addresses", "says"),
    [
        pytest.param([], ["shop.Product/tae"], "did you mean 'shop.Product/tea'?", id="address"),
        pytest.param([], ["Product/tae"], "did you mean 'Product/tea'?", id="without-system"),
        pytest.param([], ["tae"], "did you mean 'tea'?", id="name"),
        pytest.param(["taem=leaves"], [], "did you mean 'team'?", id="label"),
        pytest.param(["nosuch=1"], [], "the labels are ", id="no-such-label"),
        pytest.param(["team=laeves"], [], "did you mean 'leaves'?", id="value"),
        pytest.param(["team=1"], [], "the values of the label team are ", id="no-such-value"),
    ],
)
def test_what_may_have_been_meant(labels: list[str], addresses: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(ALL, read_selection(labels, addresses))
    assert says in caught.value.hint


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        pytest.param("a", "a b c d", id="parents-of-parents"),
        pytest.param("d", "d", id="no-parents"),
        pytest.param("e", "e", id="parent-that-nobody-declares"),
        pytest.param("f", "f g", id="circle"),
        pytest.param("d e", "d e", id="several"),
        pytest.param("unknown", "", id="unknown"),
        pytest.param("", "", id="none"),
    ],
)
def test_parents_come_along(chosen: str, found: str) -> None:
    edges: dict[str, Any] = {"a": "b c", "b": "d", "c": "d", "d": "", "e": "x", "f": "g", "g": "f"}
    resources = [
        resource(name, depends_on=" ".join(f"Product/{n}" for n in parents.split())) for name, parents in edges.items()
    ]
    by_address = {r.address: r for r in resources}
    addresses = [Address("shop", "Product", name) for name in chosen.split()]
    assert " ".join(sorted(a.name for a in with_parents(addresses, by_address))) == found
