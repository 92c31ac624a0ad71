"""What a plan and a drift report say of a difference is true: why it differs, what stays, and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi
from odd_rows import Row, Rows, kind, manifest

from reconciler.core.model import Cause
from reconciler.render.findings import Findings
from reconciler.render.github import render_github
from reconciler.render.html.page import render_html
from reconciler.render.junit import render_junit
from reconciler.render.machine import plan_document
from reconciler.render.markdown import render_markdown
from reconciler.render.sarif import sarif_document
from reconciler.render.text import render_plan
from reconciler.shell.options import Options
from reconciler.workflow.commands import Connections, load, plan
from reconciler.workflow.drifting import find_drift

LEDGER = "ledger: {file: ledger.json}\n"
ITEM = "{type: object, properties: {sku: {type: string}, n: {type: integer}, iid: {type: string, readOnly: true}}}"
KEYED = kind(
    properties="{name: {type: string}, id: {type: string, readOnly: true}, "
    f"parts: {{type: array, x-list: set, x-key: [sku], items: {ITEM}}}, "
    "labels: {type: object, additionalProperties: {type: string}}}"
)


class Numbered(Rows):
    """Gives every item of `parts` an id."""

    def take(self, body: Any, row: Row) -> Row:
        parts = [{"iid": f"i-{part['sku']}", **part} for part in body.get("parts", row.get("parts", []))]
        return {**row, **body, "parts": parts}


def applied(folder: Path, spec: str) -> tuple[Rows, OddApi]:
    rows = Numbered()
    api = OddApi(folder=folder, handle=rows.handle)
    api.define(KEYED, manifest(spec), target=LEDGER)
    api.apply()
    assert api.plan().pending == ()
    return rows, api


def causes(api: OddApi) -> set[Cause]:
    return {field.cause for change in api.plan().pending for field in change.fields}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("{sku: a, n: 1}, {sku: b, n: 1}", "{sku: a, n: 1}", id="an-item-less"),
        pytest.param("{sku: a, n: 1}, {sku: b}", "{sku: a, n: 1}", id="an-item-of-another-shape-less"),
        pytest.param("{sku: a}, {sku: b}", "{sku: a, n: 3}", id="an-item-less-and-a-member-more"),
        pytest.param("{sku: a}", "", id="no-item-left"),
    ],
)
def test_a_change_of_the_manifest_alone_is_no_drift(tmp_path: Path, before: str, after: str) -> None:
    rows, api = applied(tmp_path, f"{{parts: [{before}]}}")
    api.manifests(manifest(f"{{parts: [{after}]}}"))
    assert causes(api) == {Cause.MANIFEST}
    rows.rows["t1"]["parts"].append({"sku": "theirs", "iid": "i-theirs"})
    assert Cause.BOTH in causes(api)


def test_what_goes_with_its_map_is_not_said_to_stay(tmp_path: Path) -> None:
    _, api = applied(tmp_path, "{labels: {a: x, b: x}, parts: [{sku: a}]}")
    api.manifests(manifest("{labels: {a: x}}"))
    (change,) = api.plan().pending
    assert [field.path for field in change.fields] == [("labels", "b")]
    (note,) = change.notes
    assert "/parts" in note
    assert "/labels" not in note


def test_drift_is_called_drift_in_every_format(tmp_path: Path) -> None:
    rows, api = applied(tmp_path, "{labels: {a: x}}")
    rows.rows["t1"]["labels"]["a"] = "theirs"
    options: Options = api.options()
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        found = find_drift(plan(loaded, connections, options), loaded)
    document = plan_document(found)
    findings = Findings(target="test", plan=document)
    assert [change["drift"] for change in document["changes"]] == ["moved"]
    html = render_html(findings)
    html = html[html.index("<body>") : html.index("<script>")]
    others = [render_markdown(findings), render_github(findings), render_junit(findings)]
    for text in (render_plan(found), html, json.dumps(sarif_document(findings)), *others):
        assert "moved" in text
        assert "to update" not in text
        assert "pending-update" not in text
