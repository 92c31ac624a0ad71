"""Every kind that ships and says how its objects are deleted really deletes them, children first; nothing else goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from bench import Bench, assert_applied, make_bench

from reconciler.core.departure import Way
from reconciler.core.model import Action
from reconciler.core.report import Status
from reconciler.render.text import render_plan

ANCHORS = ("goldmine/v1\nkind: Provider", "trustgate/v1\nkind: Gateway\nmetadata:\n  name: internal-edge")


def keep_anchors(bench: Bench) -> dict[Path, str]:
    """Take all manifests away but those of protected, looked up and a few more objects; return what there was."""
    before = {path: path.read_text() for path in sorted(bench.manifests.rglob("*.yaml"))}
    for path, text in before.items():
        documents = text.split("\n---\n")
        kept = [d for d in documents if "lifecycle: {" in d or any(f"apiVersion: {a}" in d for a in ANCHORS)]
        path.write_text("\n---\n".join(kept))
    return before


@pytest.fixture(params=[{}, {"trustgate.era": "S"}], ids=["usual", "trustgate in era S"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    variants: Mapping[str, str] = request.param
    made = make_bench(tmp_path, variants)
    made.policy("maxDeletes: 200, maxChangeShare: 1")
    return made


def test_all_kinds_that_say_how_delete_their_objects(bench: Bench) -> None:
    assert_applied(bench.apply())
    before = keep_anchors(bench)
    made = bench.plan(prune=True)
    leaving = {change.address: change for change in made.changes if change.action is Action.DELETE}
    sent = {address for address, change in leaving.items() if change.departure and change.departure.way is Way.DELETE}
    kinds = Counter(f"{a.system}.{a.kind}" for a in sent)
    assert {name.partition(".")[0] for name in kinds} == {"apinizer", "galtea", "goldmine", "trustgate"}
    report = bench.apply(prune=True)
    if bench.variants and any(outcome.status is Status.CONFLICT for outcome in report.outcomes):
        # Once the service that used it is gone, a cached page may show the upstream as it was before its update.
        report = bench.apply(prune=True)
    assert_applied(report)
    assert not bench.plan(prune=True).has_work, "the next plan is empty"
    for path, text in before.items():
        path.write_text(text)
    there = {change.address for change in bench.plan().changes if change.live is not None}
    cached = {a for a in sent if a.kind == "Upstream"}  # whose list goes on showing what was deleted
    assert not there & (sent - cached), "they are gone, each of them"


def test_without_leave_nothing_of_it_goes(bench: Bench) -> None:
    assert_applied(bench.apply())
    keep_anchors(bench)
    made = bench.plan()
    assert not [change for change in made.changes if change.action is Action.DELETE]
    assert_applied(bench.apply())
    assert not any(bench.writes(system) for system in bench.recordings)


def test_the_same_note_about_many_objects_is_told_once(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.apply()
    bench.keep("trustgate")
    made = bench.plan(prune=True)
    notes = [one for one in made.diagnostics if one.code == "not-pruned" and one.address is not None]
    of_galtea = [one for one in notes if one.address is not None and one.address.system == "galtea"]
    assert len(of_galtea) > 10
    text = render_plan(made)
    told = [line for line in text.splitlines() if "note: not-pruned: galtea." in line]
    assert len(told) == 1
    names = ", ".join(str(one.address) for one in of_galtea[1:4])
    rest = len(of_galtea) - 1
    assert f"the same of {rest} others: {names} and {rest - 3} more; -v shows each" in text
    assert render_plan(made, show_unchanged=True).count("note: not-pruned: ") == len(notes)
