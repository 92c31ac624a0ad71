"""After an apply the next plan is empty, and a second apply writes nothing: on every kind, in every variant."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench, assert_applied, make_bench, with_empty_answers

from reconciler.core.model import Action, Comparability
from reconciler.core.report import Status
from reconciler.sandbox.estate import VARIANTS

COMBINATIONS = [dict(zip(VARIANTS, values, strict=True)) for values in itertools.product(*VARIANTS.values())]
"""Every edition with every way of reading and every era."""

KINDS = {
    "apinizer.ApiProxy": ("apinizer.edition",),
    "apinizer.WebSocketSettings": ("apinizer.edition", "apinizer.settingsRead"),
    "galtea.Product": (),
    "galtea.EndpointConnection": (),
    "galtea.Metric": (),
    "galtea.Model": (),
    "galtea.Monitor": (),
    "galtea.PhoneConnection": (),
    "galtea.Specification": (),
    "galtea.UserGroup": (),
    "galtea.Version": (),
    "galtea.WebRtcConnection": (),
    "goldmine.Session": (),
    "goldmine.Provider": (),
    "goldmine.Assignment": (),
    "trustgate.Gateway": ("trustgate.era",),
    "trustgate.Upstream": ("trustgate.era",),
    "trustgate.Service": ("trustgate.era",),
    "trustgate.Rule": ("trustgate.era",),
}
"""Kinds of the example manifests, and the variants that each of them depends on."""

ELSEWHERE = ("apinizer",)
"""Systems of which each kind has its laws in a module of its own, beside the few that stand here."""


def named(variants: dict[str, str]) -> str:
    return "-".join(variants.values()) or "usual"


def kinds_and_variants() -> Iterator[object]:
    for kind, axes in KINDS.items():
        for values in itertools.product(*(VARIANTS[axis] for axis in axes)):
            variants = dict(zip(axes, values, strict=True))
            yield pytest.param(kind, variants, id=f"{kind}-{named(variants)}")


def cannot_be_quiet(variants: dict[str, str], *, ledger: bool) -> bool:
    """What cannot be read is remembered by the ledger alone."""
    return variants.get("apinizer.settingsRead") == "none" and not ledger


def assert_quiet(bench: Bench, *addresses: str) -> None:
    """Assert that a plan is empty, and that an apply sends no write at all."""
    plan = bench.plan(*addresses)
    assert plan.blockers == ()
    assert [(str(c.address), [f.path for f in c.fields]) for c in plan.pending] == []
    assert [str(r) for system in bench.recordings for r in bench.writes(system)] == []
    report = bench.apply(*addresses)
    assert {o.status for o in report.outcomes} == {Status.UNCHANGED}
    assert report.requests == 0
    assert [str(r) for system in bench.recordings for r in bench.writes(system)] == []


def prepared(folder: Path, variants: dict[str, str], *, populated: bool = True, ledger: bool = True) -> Bench:
    bench = make_bench(folder, variants, populated=populated)
    return bench if ledger else bench.without_ledger()


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
@pytest.mark.parametrize("populated", [True, False], ids=["populated", "empty"])
@pytest.mark.parametrize("variants", COMBINATIONS, ids=named)
def test_the_whole_estate(tmp_path: Path, variants: dict[str, str], populated: bool, ledger: bool) -> None:
    bench = prepared(tmp_path, variants, populated=populated, ledger=ledger)
    assert_applied(bench.apply())
    changes = bench.plan().changes
    readable = [str(c.address) for c in changes if ledger or c.comparability is Comparability.READ]
    assert len(readable) > len(changes) / 3
    assert_quiet(bench, *readable)


@pytest.mark.parametrize(
    ("populated", "ledger"),
    [(True, True), (True, False), (False, True)],
    ids=["populated-ledger", "populated-no-ledger", "empty-ledger"],
)
@pytest.mark.parametrize(("kind", "variants"), list(kinds_and_variants()))
def test_a_kind_alone(tmp_path: Path, kind: str, variants: dict[str, str], populated: bool, ledger: bool) -> None:
    if cannot_be_quiet(variants, ledger=ledger):
        ledger = True
    bench = prepared(tmp_path, variants, populated=populated, ledger=ledger).keep(kind.partition(".")[0])
    for parent in parents_first(bench, kind):
        assert_applied(bench.apply(f"{parent}/*"))
    assert_applied(bench.apply(f"{kind}/*"))
    assert_quiet(bench, f"{kind}/*")


def parents_first(bench: Bench, kind: str) -> list[str]:
    """Return the kinds that objects of `kind` refer to, directly or not, in the order in which they can be made."""
    direct: dict[str, set[str]] = {}
    for address, resource in bench.load().resources.items():
        parents = {f"{a.system}.{a.kind}" for a in resource.depends_on}
        direct.setdefault(f"{address.system}.{address.kind}", set()).update(parents)
    found: list[str] = []

    def visit(name: str) -> None:
        for parent in sorted(direct[name] - {name}):
            visit(parent)
            if parent not in found:
                found.append(parent)

    visit(kind)
    return found


def test_all_kinds_of_the_examples_are_tried(tmp_path: Path) -> None:
    kinds = {f"{a.system}.{a.kind}" for a in make_bench(tmp_path).load().resources}
    assert {kind for kind in kinds if kind.partition(".")[0] not in ELSEWHERE} <= set(KINDS) <= kinds


@pytest.mark.parametrize("populated", [True, False], ids=["populated", "empty"])
def test_answers_without_the_object(tmp_path: Path, populated: bool) -> None:
    bench = make_bench(tmp_path, populated=populated).keep("galtea")
    bench.estate = with_empty_answers(bench.estate)
    assert_applied(bench.apply())
    assert_quiet(bench)


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
@pytest.mark.parametrize("populated", [True, False], ids=["populated", "empty"])
def test_pages_of_two(tmp_path: Path, populated: bool, ledger: bool) -> None:
    bench = prepared(tmp_path, {}, populated=populated, ledger=ledger).keep("goldmine")
    bench.estate.goldmine.page_size = 2
    assert_applied(bench.apply())
    assert_quiet(bench)
    bench.plan()
    pages = [r for r in bench.requests("goldmine") if r.path.endswith("/ListSessions")]
    assert len(pages) == (0 if ledger else (3 if populated else 2))


def test_what_cannot_be_read_nor_remembered_says_so_and_is_sent_again(tmp_path: Path) -> None:
    bench = prepared(tmp_path, {"apinizer.settingsRead": "none"}, ledger=False).keep("apinizer")
    assert_applied(bench.apply("WebSocketSettings/market-data"))
    (change,) = bench.plan("WebSocketSettings/market-data").changes
    assert change.action is Action.UPDATE
    assert change.comparability is Comparability.UNREADABLE
    assert any(note.startswith("not verified against live") for note in change.caveats)
    assert change.guard == "none: the object cannot be read"


def test_a_lost_ledger_duplicates_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    assert_applied(bench.apply())
    bench.ledger.unlink()
    assert_quiet(bench)
    assert bench.ledger.exists(), "everything is found again and remembered"
