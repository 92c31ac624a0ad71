"""A write that the server refuses after doing a part of it: what changed is read back and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import SandboxRequest, SandboxResponse, body_of, json_response
from odd_shop import PRODUCT, SHELF, Shop, make_shop, product, shelf, together

from reconciler.core.report import Outcome, Report, Status
from reconciler.render.report import render_report

FAILING = PRODUCT.rstrip() + "\n    answers: [{status: 2xx, at: /ok, equals: false, class: failed, message: /why}]\n"
TEA = together(shelf("left"), product("tea", "left", price=1, on=True), product("mug", "left"))
NO = {"ok": False, "why": "the till is closed"}


def half(shop: Shop, method: str, does: tuple[str, ...] | None, status: int = 200) -> None:
    """Refuse writes of `tea`, of which these fields are done all the same; None: nothing is."""

    def before(request: SandboxRequest) -> SandboxResponse | None:
        if request.method != method or not request.path.startswith("/products"):
            return None
        body: dict[str, Any] = body_of(request) or {}
        row = shop.rows["products"].get(request.path.rpartition("/")[2])
        if (row or body).get("name") != "tea":
            return None
        if does is not None and method == "DELETE":
            shop._answer(request)
        elif does is not None and row is None:
            shop.add("products", name="tea", **{name: body[name] for name in does})
        elif does is not None and row is not None:
            row.update({name: body[name] for name in does})
        return json_response(status, NO)

    shop.before = before


def of_tea(report: Report) -> Outcome:
    return next(one for one in report.outcomes if one.address.name == "tea")


@pytest.mark.parametrize(
    ("does", "said", "moved"),
    [
        (("price",), "reading shows what was changed all the same: /price", ["/price"]),
        (("price", "on"), "reading shows what was changed all the same: /on, /price", ["/on", "/price"]),
        (None, "reading shows that nothing was changed", []),
    ],
    ids=["a part", "all", "nothing"],
)
def test_of_an_update_what_changed_is_listed(tmp_path: Path, does: Any, said: str, moved: list[str]) -> None:
    shop, api = make_shop(tmp_path, kinds=SHELF + "---" + FAILING, manifests=TEA)
    api.apply()
    api.manifests(TEA.replace("price: 1", "price: 2").replace("on: true", "on: false"))
    half(shop, "PATCH", does)
    report = api.apply()
    tea = of_tea(report)
    assert tea.status is Status.FAILED
    assert "the till is closed" in tea.detail
    assert said in tea.detail
    assert ["/" + "/".join(map(str, one.path)) for one in tea.moved] == moved
    assert "planned on 1; is now 2; wanted 2" in render_report(report) or "/price" not in moved
    shop.before = lambda request: None
    api.apply()
    assert not api.plan().has_work


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (("shelf", "price", "on"), "reading shows that it was created all the same, as asked"),
        (("shelf", "price"), "reading shows that it was created all the same, not as asked: /on"),
        (None, "reading shows that nothing was created"),
    ],
    ids=["all", "a part", "nothing"],
)
def test_of_a_create_it_is_told_whether_there_is_an_object_and_it_is_ours(tmp_path: Path, does: Any, said: str) -> None:
    shop, api = make_shop(tmp_path, kinds=SHELF + "---" + FAILING, manifests=TEA)
    half(shop, "POST", does)
    tea = of_tea(api.apply())
    assert (tea.status, said in tea.detail) == (Status.FAILED, True), tea.detail
    recorded = json.loads((tmp_path / "ledger.json").read_text())["records"]
    assert ("odd.Product/tea" in recorded) == (does is not None)
    shop.before = lambda request: None
    api.apply()
    assert not api.plan().has_work
    assert len(shop.rows["products"]) == 2


@pytest.mark.parametrize(("does", "said"), [((), "it is gone"), (None, "it is still there")])
def test_of_a_delete_it_is_told_whether_it_is_gone(tmp_path: Path, does: Any, said: str) -> None:
    shop, api = make_shop(tmp_path, kinds=SHELF + "---" + FAILING, manifests=TEA)
    api.apply()
    half(shop, "DELETE", does)
    tea = of_tea(api.apply(destroy=("Product/tea",)))
    assert (tea.status, f"reading shows that {said}" in tea.detail) == (Status.FAILED, True), tea.detail


def test_what_is_refused_before_anything_was_done_is_not_read_again(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, kinds=SHELF + "---" + FAILING, manifests=TEA)
    api.apply()
    api.manifests(TEA.replace("price: 1", "price: 2"))
    half(shop, "PATCH", None, status=422)
    tea = of_tea(api.apply())
    assert tea.status is Status.FAILED
    assert "reading shows" not in tea.detail
