"""The laws of an estate on every Apinizer kind, in both editions and all ways of reading settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from apinizer_cases import CASES, WHOLE, Case
from bench import Bench, assert_applied, bodies, change_of, make_bench

from reconciler.core.model import Action, Comparability, Plan
from reconciler.core.pointer import format_pointer
from reconciler.sandbox.estate import VARIANTS

EDITIONS, READS = VARIANTS["apinizer.edition"], VARIANTS["apinizer.settingsRead"]
Variant = tuple[str, str]  # edition, settingsRead


def applied(folder: Path, variant: Variant = ("wrapped", "full"), *, ledger: bool = True) -> Bench:
    """Return a bench on which the examples of this system have been applied."""
    bench = make_bench(folder, {"apinizer.edition": variant[0], "apinizer.settingsRead": variant[1]}).keep("apinizer")
    if not ledger:
        bench.without_ledger()
    assert_applied(bench.apply())
    return bench


class Shelf:
    """Benches that are used again: a law leaves its bench as it found it, and one that fails leaves none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.benches: dict[Variant, Bench] = {}
        self.made = 0

    @contextmanager
    def bench(self, variant: Variant) -> Iterator[Bench]:
        self.made += 1
        bench = self.benches.pop(variant, None) or applied(self.root / str(self.made), variant)
        yield bench
        self.benches[variant] = bench


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("benches"))


def laid_over(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, Mapping):
        return {**old, **{name: laid_over(old.get(name), value) for name, value in new.items()}}
    return new


def row_of(bench: Bench, case: Case) -> dict[str, Any]:
    """Return the row of `case` without what every save moves."""
    rows = bench.estate.apinizer.stored(case.table)
    (found,) = [row for row in rows if all(row[name] == value for name, value in case.row.items())]
    return {name: value for name, value in found.items() if name not in ("saves", "deployments", "revision")}


def edit(bench: Bench, case: Case, changes: Mapping[str, Any]) -> None:
    """Change the row of `case` as people do in the console."""
    row = row_of(bench, case)
    merged = {name: laid_over(row.get(name), value) for name, value in changes.items()}
    bench.estate.apinizer.edit(case.table, row["id"], merged)


def planned(plan: Plan) -> list[tuple[str, str]]:
    assert plan.blockers == ()
    return [(str(c.address), format_pointer(f.path)) for c in plan.pending for f in c.fields]


def readable_variants(case: Case) -> list[Variant]:
    editions = [edition for edition in EDITIONS if edition == "wrapped" or not case.newer]
    reads = [read for read in READS if read != "none"] if case.settings else ["full"]
    return [(edition, read) for edition in editions for read in reads]


EVERY = [
    pytest.param(case, variant, id=f"{case.address}-{'-'.join(variant)}")
    for case in CASES
    for variant in readable_variants(case)
]


def test_every_kind_has_a_case(tmp_path: Path) -> None:
    bench = make_bench(tmp_path).keep("apinizer")
    shown = {address.kind for address, r in bench.load().resources.items() if not r.lifecycle.lookup}
    assert {case.kind for case in CASES} == shown
    files = Path(__file__).parents[2].joinpath("schemas", "apinizer").glob("*.yaml")
    assert len(shown) + len(["api-proxy", "system"]) == len(list(files))


# --------------------------------------------------------------------------- quiet


@pytest.mark.parametrize("ledger", [True, False], ids=["ledger", "no-ledger"])
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_next_plan_is_empty(tmp_path: Path, edition: str, read: str, ledger: bool) -> None:
    bench = applied(tmp_path, (edition, read), ledger=ledger)
    plan = bench.plan()
    assert plan.blockers == ()
    unreadable = {c.address for c in plan.changes if c.comparability is Comparability.UNREADABLE}
    assert {c.address for c in plan.pending} == (set() if ledger else unreadable)
    bench.apply(*(str(change.address) for change in plan.changes if change.address not in unreadable))
    assert bench.writes("apinizer") == []


# --------------------------------------------------------------------------- drift


@pytest.mark.parametrize(("case", "variant"), EVERY)
def test_an_edit_by_hand_is_planned_alone_and_mended_by_the_least(shelf: Shelf, case: Case, variant: Variant) -> None:
    with shelf.bench(variant) as bench:
        before = row_of(bench, case)
        edit(bench, case, case.unmanaged)
        edit(bench, case, case.theirs)
        address = f"apinizer.{case.address}"
        assert planned(bench.plan()) == [(address, case.pointer)]
        assert_applied(bench.apply())
        (sent,) = bench.writes("apinizer")
        assert f"{sent.request.method} {sent.request.path}" == case.write
        (body,) = bodies([sent])
        wrapper = case.wrapper if variant[0] == "wrapped" else ""
        if case.body is not WHOLE:
            assert body == ({wrapper: case.body} if wrapper else case.body)
        elif wrapper:
            assert list(body) == [wrapper]
        after = row_of(bench, case)
        assert after == laid_over(before, {n: laid_over(before[n], v) for n, v in case.unmanaged.items() if n in before}
                                  | {n: v for n, v in case.unmanaged.items() if n not in before})  # fmt: skip
        assert planned(bench.plan()) == []


@pytest.mark.parametrize("case", [case for case in CASES if case.settings], ids=lambda case: case.address)
def test_what_cannot_be_read_is_not_noticed_and_the_plan_says_so(shelf: Shelf, case: Case) -> None:
    with shelf.bench(("wrapped", "none")) as bench:
        before = row_of(bench, case)
        edit(bench, case, case.theirs)
        change = change_of(bench.plan(), f"apinizer.{case.address}")
        assert change.action is Action.UNCHANGED
        assert any("no call that reads" in caveat for caveat in change.caveats)
        edit(bench, case, {name: before[name] for name in case.theirs})


def test_a_full_representation_without_settings_is_not_taken_for_settings(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, {"apinizer.settingsRead": "export"}).keep("apinizer")
    bench.config.write_text(bench.config.read_text().replace("settingsRead: export", "settingsRead: full"))
    settings = {case.kind for case in CASES if case.settings}
    blind = {c.address.kind for c in bench.plan().changes if c.comparability is Comparability.UNREADABLE}
    # Routing is in every answer about a proxy: in part, which shows as soon as more than that part is stated.
    assert blind == settings - {"RoutingAddresses", "RoutingStatus"}
    outcomes = {outcome.address.kind: outcome for outcome in bench.apply().outcomes}
    assert "did not keep: /echoEnabled" in outcomes["RoutingStatus"].detail
    assert all("reading shows nothing of it" in outcomes[kind].detail for kind in blind)
