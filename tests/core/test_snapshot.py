"""The file of a snapshot: its published form, and what comes back out of it."""

from __future__ import annotations

import json
from pathlib import Path

from bench import make_bench
from jsonschema import Draft202012Validator

from reconciler.core.snapshots.snapshot import read_snapshot, recall, snapshot_schema
from reconciler.core.withheld import LeftOut
from reconciler.render.escapes import json_text as escaped
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.commands import Connections, plan
from reconciler.workflow.snapshots import save_snapshot

PUBLISHED = packaged_folder("schemas") / "snapshot.schema.json"


def test_the_published_schema_is_what_the_models_say(update_golden: bool) -> None:
    text = escaped(json.dumps(snapshot_schema(), indent=2, ensure_ascii=False)) + "\n"
    if update_golden:
        PUBLISHED.write_text(text)
    assert PUBLISHED.read_text() == text, "write it anew: pytest tests/core/test_snapshot.py --update-golden"
    Draft202012Validator.check_schema(json.loads(text))


def test_what_is_recalled_is_what_was_there_but_for_secrets(tmp_path: Path) -> None:
    """For each object of the estate: the same id, and in each field the same value or a gap."""
    bench = make_bench(tmp_path)
    options = bench.options()
    loaded = bench.load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
    assert save_snapshot(planned, loaded, options, tmp_path / "snapshot.json") == len(planned.inputs.live) > 0
    document = json.loads((tmp_path / "snapshot.json").read_text())
    validator = Draft202012Validator(json.loads(PUBLISHED.read_text()))
    assert [(error.json_path, error.message) for error in validator.iter_errors(document)] == []
    assert not validator.is_valid({**document, "extra": 1})
    recalled = recall(read_snapshot(document, "snapshot.json"), loaded.resources, loaded.catalog)
    assert recalled.live.keys() == planned.inputs.live.keys()
    assert dict(recalled.unreadable) == dict(planned.inputs.unreadable)
    assert recalled.missing == ()
    gaps = 0
    for address, live in planned.inputs.live.items():
        kept = recalled.live[address]
        assert kept.id == live.id
        assert kept.spec.keys() == live.spec.keys()
        gaps += sum(isinstance(value, LeftOut) for value in kept.spec.values())
        kind = loaded.catalog.kinds[address.system, address.kind]
        for name, value in kept.spec.items():
            plain = isinstance(value, (str, int, float, bool)) and not isinstance(value, LeftOut)
            assert not plain or (value == live.spec[name] and not kind.fields.hides((name,))), (address, name)
    assert gaps > 10
