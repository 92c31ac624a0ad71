"""Symptoms that `schemas/README.md` lists, and their cures: each kind is tried with and without the key that cures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from symptom_shop import KIND, MANIFEST, Answer, Shop, action, applied, blockers, creating, listing

from reconciler.core.errors import ApiError
from reconciler.core.model import Action
from reconciler.core.report import Status

TEA = {"id": "p1", "name": "tea", "price": 5}


def one_list(*items: Any) -> Answer:
    return lambda method, path, query, body: (200, {"products": list(items)} if path == "/products" else TEA)


@pytest.mark.parametrize(("items", "place"), [("", "the root"), ("/data", "/data")])
def test_a_wrong_place_of_the_items_is_an_error(tmp_path: Path, items: str, place: str) -> None:
    with pytest.raises(ApiError, match=f"no list at {place} of the answer"):
        action(tmp_path, listing(items=items), one_list(TEA))
    assert action(tmp_path, listing(), one_list(TEA)) is Action.UNCHANGED


def test_a_wrong_place_of_optional_items_makes_everything_new(tmp_path: Path) -> None:
    assert action(tmp_path, listing(items="/data", optional=True), one_list(TEA)) is Action.CREATE


def test_ids_are_no_objects(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="an item of the list is no id"):
        action(tmp_path, listing(itemsAre="ids"), one_list(TEA))
    assert action(tmp_path, listing(itemsAre="ids"), one_list("p1")) is Action.UNCHANGED


def test_ids_can_be_skipped_by_their_text(tmp_path: Path) -> None:
    other = listing(itemsAre="ids", skip={"matches": "^system-"})
    assert action(tmp_path, other, one_list("system-1", "p1")) is Action.UNCHANGED
    assert action(tmp_path, other, one_list("system-1")) is Action.CREATE


def test_a_list_that_shows_too_little_needs_summaries(tmp_path: Path) -> None:
    short = one_list({"id": "p1", "name": "tea"})
    assert action(tmp_path, listing(), short) is Action.UPDATE
    status, detail = applied(tmp_path, listing(), Shop(short))
    assert (status, detail) == (
        Status.CONFLICT,
        "the list showed nothing at /price, where the object itself holds something",
    )
    assert action(tmp_path, listing(itemsAre="summaries"), short) is Action.UNCHANGED


PAGING = {"style": "page", "size": 1}


def pages(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
    rows = [{"id": "p0", "name": "rice"}, TEA]
    start = int(query.get("page", 1)) - 1
    return 200, {"products": rows[start : start + 1], "total": 2}


def test_a_page_parameter_of_another_name_is_noticed(tmp_path: Path) -> None:
    wrong = {"query": {"p": "{page.number}"}, "paging": PAGING}
    (found,) = blockers(tmp_path, listing(**wrong), pages)
    assert found.startswith("doubtful-list: ")
    assert "the server answers the same page again" in found
    (found,) = blockers(tmp_path, listing(**wrong | {"paging": {**PAGING, "total": "/total"}}), pages)
    assert "the answer says that there are 2, and 1 were read" in found
    assert action(tmp_path, listing(query={"page": "{page.number}"}, paging=PAGING), pages) is Action.UNCHANGED


@pytest.mark.parametrize("total", [None, "/total"])
def test_a_size_that_the_server_does_not_give_ends_the_list_too_early(tmp_path: Path, total: str | None) -> None:
    paging = {"style": "offset", "size": 2} | ({} if total is None else {"total": total})
    kind = listing(query={"page": "{page.offset}"}, paging=paging)

    def capped(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        return pages(method, path, {"page": str(int(query["page"]) + 1)}, body)

    assert action(tmp_path, kind, capped) is (Action.CREATE if total is None else Action.UNCHANGED)


def test_a_bare_404_is_a_wrong_address_unless_a_rule_says_otherwise(tmp_path: Path) -> None:
    kind = {**KIND, "read": {"get": {"method": "GET", "path": "/products/{spec.name}"}}}
    with pytest.raises(ApiError, match="status 404"):
        action(tmp_path, kind, lambda *asked: (404, None))
    ruled = {**kind, "answers": [{"status": 404, "class": "notFound"}]}
    assert action(tmp_path, ruled, lambda *asked: (404, None)) is Action.CREATE


def jobs(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any] | tuple[int, Any, dict[str, str]]:
    """Take a product in, say where its job is asked for, and show the product from the second question on."""
    if path == "/jobs/7":
        jobs_asked.append(path)
        return 200, {"state": "done" if len(jobs_asked) > 1 else "running"}
    if method == "POST":
        return 202, {"id": "job-7"}, {"location": "http://inner.example/api/jobs/7"}
    return (200, {"products": [TEA] if jobs_asked else []}) if path == "/products" else (404, {"message": "no"})


jobs_asked: list[str] = []


def test_the_id_of_a_job_is_kept_out_and_the_job_waited_for(tmp_path: Path) -> None:
    jobs_asked.clear()
    shop = Shop(jobs)
    status, detail = applied(tmp_path, creating(returns="nothing"), shop)
    assert (status, detail) == (
        Status.FAILED,
        "the server reported success, but the object cannot be found",
    )
    assert shop.asked[-1] == "GET /api/products/7", "the place is trusted, the body is not"
    wait = {"method": "GET", "path": "{location}", "until": {"at": "/state", "equals": "done"}, "everySeconds": 0.01}
    shop = Shop(jobs)
    assert applied(tmp_path, creating(object="/none", wait=wait), shop) == (Status.APPLIED, "")
    assert shop.asked[-5:-1] == ["POST /api/products", "GET /api/jobs/7", "GET /api/jobs/7", "GET /api/products"]


def test_get_by_id_needs_a_list(tmp_path: Path) -> None:
    kind = {**KIND, "read": {"get": {"method": "GET", "path": "/products/{id}"}}}
    with pytest.raises(ApiError, match=r"\{id\} has no value that could stand in a path"):
        action(tmp_path, kind, one_list(TEA))


def test_what_the_server_adds_to_an_object_that_is_managed_whole_is_read_only(tmp_path: Path) -> None:
    pack: dict[str, Any] = {"type": "object", "x-map": "whole", "properties": {"count": {}, "id": {}}}
    schema = {**KIND["schema"], "properties": {**KIND["schema"]["properties"], "pack": pack}}
    answer = one_list({**TEA, "pack": {"count": 2, "id": "k9"}})
    stated = {**MANIFEST, "spec": {"pack": {"count": 2}}}
    assert action(tmp_path, {**KIND, "schema": schema}, answer, stated) is Action.UPDATE
    pack["properties"]["id"] = {"readOnly": True}
    assert action(tmp_path, {**KIND, "schema": schema}, answer, stated) is Action.UNCHANGED
