"""What is plainly as declared is decided in one look, and as `decide` would decide it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import assert_applied, make_bench

from reconciler.core.manifests.references import Known
from reconciler.core.model import Action
from reconciler.core.plan.considered import consider
from reconciler.core.plan.decisions import as_declared, decide


@pytest.mark.parametrize("remembered", [True, False])
def test_one_look_says_what_a_whole_decision_says(tmp_path: Path, remembered: bool) -> None:
    bench = make_bench(tmp_path, populated=False)
    if not remembered:
        bench.without_ledger()
    assert_applied(bench.apply())
    # No longer stated: there is something to say of what stays as it is.
    bench.rewrite("  timeout: 30           # seconds\n", "")
    planned = bench.planned()
    inputs = planned.inputs
    known = Known(resources=inputs.resources, live=inputs.live)
    quick = 0
    for change in planned.plan.changes:
        assert change.action is Action.UNCHANGED
        resource = inputs.resources[change.address]
        kind = inputs.catalog.kinds[change.address.system, change.address.kind]
        quick += as_declared(resource, kind, known.spec_of(resource)[0], inputs) is not None
        assert decide(consider(change.address, inputs, known), inputs).changes == (change,)
    assert 3 <= quick < len(planned.plan.changes)
    assert any(change.notes for change in planned.plan.changes) is remembered
