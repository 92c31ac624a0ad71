"""Renamed manifests whose name is their key: nobody deletes an object and creates its like without being asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench, assert_applied, make_bench

from reconciler.core.model import Action, Severity


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)


RENAMED = {
    "references and sets": ("galtea", "Monitor", "production-quality"),
    "a set, and others refer to it": ("galtea", "Metric", "politeness"),
    "a parent of others": ("trustgate", "Service", "internal-search"),
}


def rename(bench: Bench, kind: str, old: str, new: str) -> None:
    """Give a resource another name, and say so to all that refer to it."""
    for path in bench.manifests.rglob("*.yaml"):
        text = path.read_text().replace(f"\n  name: {old}\n", f"\n  name: {new}\n")
        path.write_text(text.replace(f"{kind}/{old}}}", f"{kind}/{new}}}").replace(f"{kind}/{old}#", f"{kind}/{new}#"))


@pytest.mark.parametrize(("system", "kind", "name"), RENAMED.values(), ids=RENAMED)
def test_a_delete_beside_the_create_of_its_like_is_asked_about(bench: Bench, system: str, kind: str, name: str) -> None:
    bench.keep(system).apply()
    rename(bench, kind, name, f"{name}-renamed")
    old, new = f"{system}.{kind}/{name}", f"{system}.{kind}/{name}-renamed"
    (told,) = [one for one in bench.plan(prune=False).diagnostics if one.code == "perhaps-renamed"]
    assert told.severity is Severity.WARNING
    made = bench.plan(prune=True)
    (blocker,) = [one for one in made.blockers if one.code == "perhaps-renamed"]
    assert (old in blocker.message, str(blocker.address)) == (True, new)
    assert f"reconciler ledger move {old} {new}" in blocker.hint
    assert f"reconciler destroy {old}" in blocker.hint
    assert blocker.source is not None
    assert {Action.CREATE, Action.DELETE} <= {change.action for change in made.pending}


def test_what_differs_beside_its_name_was_not_renamed(bench: Bench) -> None:
    bench.keep("galtea").apply()
    rename(bench, "Metric", "politeness", "brevity")
    bench.rewrite("Score 1 if the actual output is polite, and 0 otherwise.", "Score 1 for at most three sentences.")
    bench.rewrite("tags: [tone, support]", "tags: [length]")
    bench.rewrite('specificationIds: ["${ref:Specification/explains-returns}"]', "specificationIds: []")
    made = bench.plan(prune=True)
    assert {Action.CREATE, Action.DELETE} <= {change.action for change in made.pending}
    assert not [one for one in (*made.blockers, *made.diagnostics) if one.code == "perhaps-renamed"]


def test_both_ways_out_lead_on(bench: Bench) -> None:
    bench.keep("galtea").apply()
    rename(bench, "Metric", "politeness", "courtesy")
    (blocker,) = bench.plan(prune=True).blockers
    assert blocker.code == "perhaps-renamed"
    assert_applied(bench.apply(destroy=("galtea.Metric/politeness",)))
    assert_applied(bench.apply(prune=True))
    assert bench.plan(prune=True).pending == ()
