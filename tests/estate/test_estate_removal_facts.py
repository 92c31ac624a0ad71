"""What an apply remembers of each object, so that it can be removed when its manifest is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import assert_applied, make_bench, rows


def test_the_ledger_remembers_place_parents_and_protection_but_no_secret(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    assert_applied(bench.apply())
    records = json.loads(bench.ledger.read_text())["records"]
    (gateway,) = rows(bench, "trustgate.gateways", name="public-edge")
    assert records["trustgate.Upstream/support-backend"]["removal"] == {
        "protect": False,
        "place": {"gateway": gateway["id"]},
        "parents": ["trustgate.Gateway/public-edge"],
    }
    assert records["galtea.Product/support-bot"]["removal"] == {"protect": True, "place": {}, "parents": []}
    sessions: list[Any] = [record for address, record in records.items() if address.startswith("goldmine.Session/")]
    assert sessions
    assert {tuple(record["removal"]["place"]) for record in sessions} == {("pool",)}, "the token is a secret"


def test_what_only_removal_needs_is_written_even_when_nothing_else_changed(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.keep("galtea")
    bench.apply()
    text = json.loads(bench.ledger.read_text())
    text["format"] = 1
    for record in text["records"].values():
        del record["removal"]
    bench.ledger.write_text(json.dumps(text))
    assert_applied(bench.apply())
    records = json.loads(bench.ledger.read_text())["records"]
    assert all("removal" in record for record in records.values())
