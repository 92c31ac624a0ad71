"""The emulated systems, exported: an empty plan, no secret, nothing twice; applied to empty systems, the same again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from bench import make_bench, write_count
from exporting import export, inventory, texts, with_secrets

from reconciler.core.export.inventory import Standing
from reconciler.core.model import Plan
from reconciler.core.report import Status
from reconciler.sandbox.estate import SECRETS

VARIANTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "flat, export, S": {"apinizer.edition": "flat", "apinizer.settingsRead": "export", "trustgate.era": "S"},
}
variants = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())


def pending(plan: Plan | None) -> list[str]:
    assert plan is not None
    told = [f"{one.address}: {[(f.operation.value, f.path) for f in one.fields]}" for one in plan.pending]
    return told + [one.message for one in plan.blockers]


@variants
def test_what_is_live_and_undeclared_is_exported_once(tmp_path: Path, variant: dict[str, str]) -> None:
    bench = make_bench(tmp_path, variant)
    bench.apply()
    made, plan = export(bench, bench.manifests / "live")
    assert pending(plan) == []
    assert write_count(bench) == 0
    with_secrets(bench, made)
    again, _ = export(bench, bench.manifests / "more")
    assert again.files == {}


@variants
def test_an_estate_that_was_applied_is_exported_whole(tmp_path: Path, variant: dict[str, str]) -> None:
    bench = make_bench(tmp_path, variant)
    bench.apply()
    made, plan = export(bench, tmp_path / "all", everything=True)
    assert pending(plan) == []
    assert len(made.drafts.manifests) > 70
    written = "\n".join(texts(tmp_path / "all").values()) + (tmp_path / ".env.example").read_text()
    written += bench.config.read_text()
    readable = {secret.name: secret.value for secret in made.drafts.secrets if secret.value}
    assert readable
    words = frozenset(written.replace('"', " ").split())
    found = [name for name, value in readable.items() if value in words]
    assert found == ["TRUSTGATE_RULE_SEARCH_HEADERS_X_CALLER"]  # `gateway`, which is a word of many manifests
    assert [name for name, value in SECRETS.items() if value in written] == []


def test_apply_records_what_was_exported_and_sends_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.apply()
    made, _ = export(bench, bench.manifests / "live")
    with_secrets(bench, made)
    report = bench.apply()
    assert write_count(bench) == 0
    assert {one.status.value for one in report.outcomes} == {"unchanged"}
    assert bench.plan().pending == ()
    found = inventory(bench)
    left = [entry.name for kind in found.kinds for entry in kind.entries if entry.standing is Standing.UNMANAGED]
    assert left == ["v1"]  # whose name a manifest may not state


def test_an_inventory_writes_nothing_and_counts_everything(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.apply()
    found = inventory(bench)
    assert write_count(bench) == 0
    assert found.count(Standing.MANAGED) + found.count(Standing.LOOKUP) == len(bench.plan().changes)
    assert [kind.unseen for kind in found.kinds if kind.unseen] == []


def test_a_clone_is_exported_as_its_original(tmp_path: Path) -> None:
    one = make_bench(tmp_path / "one")
    one.apply()
    made, _ = export(one, tmp_path / "first", "galtea.*", everything=True)
    two = make_bench(tmp_path / "two", populated=False)
    shutil.rmtree(two.manifests)
    shutil.copytree(tmp_path / "first", two.manifests)
    two.config.write_text(with_all_secrets(two.config.read_text(), [secret.name for secret in made.drafts.secrets]))
    with_secrets(two, made)
    assert [b.message for b in two.plan().blockers] == []
    report = two.apply()
    fine = (Status.APPLIED, Status.UNCHANGED)
    wrong = [(str(one.address), one.detail) for one in report.outcomes if one.status not in fine]
    assert wrong == []
    _, plan = export(two, tmp_path / "second", "galtea.*", everything=True)
    assert pending(plan) == []
    first, second = texts(tmp_path / "first"), texts(tmp_path / "second")
    assert without_ids(first) == without_ids(second)


def with_all_secrets(config: str, names: list[str]) -> str:
    listed = "".join(f"      - {name}\n" for name in sorted(set(names) - SECRETS.keys()))
    return config.replace("    secrets:\n", "    secrets:\n" + listed, 1)


def without_ids(files: dict[str, str]) -> dict[str, str]:
    return {name: re.sub(r"\b[a-zA-Z]+_c[0-9a-z]{10,}", "ID", text) for name, text in files.items()}
