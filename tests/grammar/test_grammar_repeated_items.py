"""Items of a list that have one key: a mistake in a manifest; of live ones, the plan shows which one goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_api import OddApi
from odd_rows import Rows, kind, manifest

from reconciler.core.errors import InvalidInput
from reconciler.core.model import Action
from reconciler.render.text import render_plan

PARTS = """{name: {type: string}, id: {type: string, readOnly: true}, parts: {type: array, x-list: set, x-key: [sku],
  items: {type: object, properties: {sku: {type: string}, count: {type: integer}, own: {type: string}}}}}"""
LIVE = [{"sku": "a", "count": 1, "own": "x"}, {"sku": "b", "count": 2}, {"sku": "a", "count": 9, "own": "y"}]


def api_of(folder: Path, parts: str, *rows: dict[str, object]) -> OddApi:
    api = OddApi(folder=folder, handle=Rows(*rows).handle)
    api.define(kind(properties=PARTS), manifest("\n  parts:\n" + parts))
    return api


def test_a_key_that_comes_twice_in_a_manifest_is_a_mistake_with_both_places(tmp_path: Path) -> None:
    parts = "    - {sku: a, count: 1}\n    - {sku: b}\n    - {sku: a, count: 2}\n"
    with pytest.raises(InvalidInput) as caught:
        api_of(tmp_path, parts).plan()
    (problem,) = caught.value.diagnostics
    assert (problem.code, str(problem.source).endswith("all.yaml:8:7")) == ("repeated-key", True)
    assert "/parts/2 and /parts/0 are one item of the list: they have the same sku" in problem.message
    assert problem.message.endswith("all.yaml:6:7")


def test_of_live_items_with_one_key_the_plan_shows_which_goes(tmp_path: Path) -> None:
    parts = "    - {sku: a, count: 1}\n    - {sku: b, count: 2}\n"
    api = api_of(tmp_path, parts, {"id": "t1", "name": "one", "parts": LIVE})
    plan = api.plan()
    (change,) = plan.changes
    assert [(field.path, change.action) for field in change.fields] == [(("parts", "a (2)"), Action.UPDATE)]
    assert '/parts/a (2)  {"count": 9, "own": "y", "sku": "a"} → (removed)' in render_plan(plan)
    api.apply()
    assert api.writes() == [
        ("PATCH", "/things/t1", {"parts": [LIVE[0], LIVE[1]]}),
    ]
    assert not api.plan().has_work
