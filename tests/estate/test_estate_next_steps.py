"""Whatever becomes of a change, its outcome says what to do next, and which manifest states it."""

from __future__ import annotations

import re
from pathlib import Path

from bench import Bench, make_bench, outcome_of

from reconciler.core.report import Status
from reconciler.render.machine import report_document
from reconciler.render.report import render_report


def misfit(folder: Path) -> Bench:
    """Galtea's examples, with a connection that the server takes for no fitting one."""
    bench = make_bench(folder, populated=False).keep("galtea")
    path = bench.manifests / "galtea" / "versions.yaml"
    fitting = "conversationEndpointConnection: ${ref:EndpointConnection/support-bot-prod}"
    assert fitting in path.read_text()
    path.write_text(path.read_text().replace(fitting, fitting.replace("-prod", "-close")))
    return bench


def test_a_value_that_the_server_refuses_is_named_at_its_line(tmp_path: Path) -> None:
    bench = misfit(tmp_path)
    report = bench.apply()
    outcome = outcome_of(report, "release-12")
    assert "status 400" in outcome.detail
    assert re.search(r"correct `conversationEndpointConnection` at \S*versions\.yaml:12:\d+", outcome.hint)
    assert "`reconciler kinds show galtea.Version`" in outcome.hint
    assert f"manifest: {outcome.source}" in render_report(report)
    (row,) = [one for one in report_document(report)["outcomes"] if one["address"] == str(outcome.address)]
    assert (Path(row["path"]).name, row["line"]) == ("versions.yaml", 2)


def test_every_outcome_that_is_not_well_has_a_next_step_and_its_manifest(tmp_path: Path) -> None:
    unwell = [one for one in misfit(tmp_path).apply().outcomes if one.status not in (Status.APPLIED, Status.UNCHANGED)]
    assert {one.status for one in unwell} == {Status.FAILED, Status.SKIPPED}
    assert all(one.hint and one.source is not None for one in unwell)
