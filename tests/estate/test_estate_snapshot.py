"""A plan on a snapshot, without any secret, against the plan on the live systems: in all editions, at three stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, make_bench

from reconciler.core.errors import UsageError
from reconciler.core.model import Action, Plan, Request
from reconciler.core.redaction import Redactor
from reconciler.sandbox.estate import SECRETS
from reconciler.workflow.commands import Connections, load, plan
from reconciler.workflow.snapshots import open_snapshot, plan_offline, save_snapshot

VARIANTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "flat, export, S": {"apinizer.edition": "flat", "apinizer.settingsRead": "export", "trustgate.era": "S"},
    "unreadable settings": {"apinizer.settingsRead": "none"},
}


def offline(bench: Bench, path: Path) -> Plan:
    """Plan on the snapshot in `path` as somebody does who has none of the secrets."""
    options = replace(bench.options(), environ={}, redactor=Redactor(), without_secrets=True)
    bench.environ.clear()
    try:
        return plan_offline(load(options), open_snapshot(path), options)
    finally:
        bench.environ.update(SECRETS, RECONCILER_LEDGER_KEY="fake-ledger-key-not-real-but-long-enough")


def taken(bench: Bench) -> tuple[Plan, Path]:
    """Return the plan on the live systems, and a snapshot of what it was made on."""
    options = bench.options()
    loaded = bench.load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
    path = bench.folder / "snapshot.json"
    save_snapshot(planned, loaded, options, path)
    assert [name for name, value in SECRETS.items() if value in path.read_text()] == []
    return planned.plan, path


def told(made: Plan) -> dict[str, Any]:
    """Return what a plan says about each resource; what cannot be compared is another matter."""
    return {
        str(change.address): (
            change.action,
            [(f.operation, f.path, f.before, f.after, f.sensitive, f.known, f.cause) for f in change.fields],
            [(r.method, r.path, r.body) for r in change.requests],
            change.waits_for,
            change.comparability,
        )
        for change in made.changes
    }


@pytest.mark.parametrize("variants", VARIANTS.values(), ids=VARIANTS)
def test_the_offline_plan_is_the_live_one(tmp_path: Path, variants: dict[str, str]) -> None:
    bench = make_bench(tmp_path, variants)
    live, path = taken(bench)
    made = offline(bench, path)
    assert told(made) == told(live)
    assert made.blockers == live.blockers

    bench.apply()
    live, path = taken(bench)
    assert not live.pending
    assert not offline(bench, path).pending

    bench.estate.galtea.edit("products", lambda row: row["name"] == "support-bot", {"description": "theirs"})
    bench.rewrite("timeout: 15", "timeout: 16")
    live, path = taken(bench)
    made = offline(bench, path)
    assert told(made) == told(live)
    assert len(made.pending) == 2


def test_a_literal_secret_that_changes_is_not_told(tmp_path: Path) -> None:
    """It is in the manifest, and nothing that a snapshot may hold tells it from the one applied: a caveat says so."""
    bench = make_bench(tmp_path).keep("galtea")
    bench.apply()
    _, path = taken(bench)
    manifest = bench.manifests / "galtea" / "support-bot-prod.yaml"
    manifest.write_text(manifest.read_text().replace("${env:SUPPORT_BOT_TOKEN}", "another-not-real"))
    made = offline(bench, path)
    (change,) = [c for c in made.changes if c.address.name == "support-bot-prod"]
    assert change.action is Action.UNCHANGED
    assert change.caveats == ("not comparable, taken as equal: /authToken (`--resend` sends them)",)
    assert "another-not-real" not in repr(made)


def test_what_is_loaded_without_secrets_can_send_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    options = replace(bench.options(), environ={}, without_secrets=True)
    loaded = load(options)
    with (
        Connections(loaded.settings, options) as connections,
        pytest.raises(UsageError, match="reaches no live system"),
    ):
        connections.send(Request(system="galtea", method="GET", path="/products"))
    assert bench.requests("galtea") == []
