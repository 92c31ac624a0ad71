"""The form of saved plans: the published schema is what the models say, and real files fit it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench import make_bench
from jsonschema import Draft202012Validator

from reconciler.core.plan.sealing import digest_of_plan
from reconciler.core.saved_plans.planfile import approval_schema, read_approval
from reconciler.render.json_text import json_text
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.approvals import save_plan
from reconciler.workflow.commands import Connections, plan

PUBLISHED = packaged_folder("schemas") / "plan.schema.json"


def test_the_published_schema_is_what_the_models_say(update_golden: bool) -> None:
    text = json_text(approval_schema()) + "\n"
    if update_golden:
        PUBLISHED.write_text(text)
    assert PUBLISHED.read_text() == text, "write it anew: pytest tests/core/test_planfile.py --update-golden"


def test_it_is_a_good_schema_and_closed() -> None:
    schema = json.loads(PUBLISHED.read_text())
    Draft202012Validator.check_schema(schema)
    parts = [schema, *schema["$defs"].values()]
    assert [part["title"] for part in parts if part.get("additionalProperties") is not False] == []


@pytest.mark.parametrize("populated", [True, False], ids=["updates", "creates"])
def test_saved_plans_fit(tmp_path: Path, populated: bool) -> None:
    bench = make_bench(tmp_path, populated=populated)
    options = bench.options()
    loaded = bench.load(options)
    with Connections(loaded.settings, options) as connections:
        planned = plan(loaded, connections, options)
        save_plan(planned, loaded, options, tmp_path / "plan.json")
    document = json.loads((tmp_path / "plan.json").read_text())
    validator = Draft202012Validator(json.loads(PUBLISHED.read_text()))
    assert [(error.json_path, error.message) for error in validator.iter_errors(document)] == []
    assert len(document["changes"]) == len(planned.plan.pending) > 0
    for part in (document, document["changes"][0], document["kinds"]):
        assert not validator.is_valid({**document, "extra": 1})
        assert part
    approval = read_approval(document, "plan.json")
    assert approval.plan_digest == digest_of_plan(planned.plan)
