"""What is left over is said in every format: recorded objects without a manifest, notes of unchanged resources."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_api import OddApi
from odd_shop import LEDGER, make_shop, product, shelf, together

from reconciler.core.model import UNDECLARED
from reconciler.render.findings import Findings
from reconciler.render.html.page import render_html
from reconciler.render.machine import plan_document
from reconciler.render.markdown import render_markdown
from reconciler.render.text import render_plan


def notes(api: OddApi, **more: object) -> list[str]:
    return [one.message for one in api.plan(**more).diagnostics if one.code == UNDECLARED]


def test_recorded_objects_without_a_manifest_are_counted(tmp_path: Path) -> None:
    shop, api = make_shop(tmp_path, manifests=together(shelf("left"), product("tea", "left"), product("jam", "left")))
    api.apply()
    assert notes(api) == []
    api.manifests(shelf("left"))
    (note,) = notes(api)
    assert note == "2 objects are recorded and no longer declared: odd.Product/jam, odd.Product/tea"
    assert notes(api, prune=True) == []
    shown = render_markdown(Findings(target="test", plan=plan_document(api.plan())))
    assert "✅" not in shown
    assert "odd.Product/jam" in shown
    api.apply()
    assert set(shop.named("products")) == {"tea", "jam"}


def test_what_nobody_means_to_manage_is_not_counted(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=together(shelf("left"), product("tea", "left"), product("jam", "left")))
    api.apply()
    api.manifests(shelf("left"))
    config = tmp_path / "reconciler.yaml"
    config.write_text(config.read_text() + "    unmanaged: [{kind: odd.Product, name: t*, reason: theirs}]\n")
    assert notes(api) == ["1 object is recorded and no longer declared: odd.Product/jam"]


def test_an_object_under_another_name_is_not_counted(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=shelf("left"))
    api.apply()
    api.manifests(shelf("left").replace("  name: left", "  name: other").replace("spec: {}", "spec: {name: left}"))
    assert notes(api) == []


def test_notes_of_unchanged_resources_are_in_every_format(tmp_path: Path) -> None:
    _, api = make_shop(tmp_path, manifests=shelf("left", note="here", room="r"))
    api.apply()
    api.manifests(shelf("left", room="r"))
    plan = api.plan()
    assert plan.pending == ()
    findings = Findings(target="test", plan=plan_document(plan))
    page = render_html(findings)
    for text in (render_plan(plan), render_markdown(findings), page[page.index("<main>") : page.index("<h2>Changes")]):
        assert "no longer stated, the value stays as it is: /note" in text


@pytest.mark.parametrize("count", [3, 40])
def test_a_long_plan_ends_with_its_summary(tmp_path: Path, count: int) -> None:
    _, api = make_shop(tmp_path, manifests=together(*(shelf(f"s{number}") for number in range(count))), target=LEDGER)
    text = render_plan(api.plan())
    assert text.count("Plan for test:") == (1 if count == 3 else 2)
