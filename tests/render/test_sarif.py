"""What code scanning accepts: the published schema, and the rules that GitHub documents for uploads.

`sarif-schema-2.1.0.json` is the schema as OASIS publishes it (SARIF 2.1.0, errata 01).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from large_plan import change, large_plan, plan_of

from reconciler.core.errors import ErrorClass
from reconciler.core.model import JsonObject
from reconciler.render.findings import Findings
from reconciler.render.sarif import MOST_RESULTS, sarif_document

GOLDEN = Path(__file__).parents[1] / "golden"


@cache
def schema() -> Draft4Validator:
    return Draft4Validator(json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text(encoding="utf-8")))


def refusals(document: Any) -> Iterator[str]:
    """Yield why code scanning would refuse or ignore something.

    Source: docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
    """
    for error in schema().iter_errors(document):
        yield f"schema: {list(error.absolute_path)}: {error.message[:200]}"
    if len(gzip.compress(json.dumps(document, indent=2).encode(), 1)) > 10_000_000:
        yield "more than 10 MB"
    for run in document["runs"]:
        if not run["automationDetails"]["id"].endswith("/"):
            yield "the category is what comes before the last slash"
        rules = run["tool"]["driver"]["rules"]
        if len(rules) > 25_000 or len(run["results"]) > 5_000:
            yield "too many rules or results"
        for rule in rules:
            texts = [rule[name]["text"] for name in ("shortDescription", "fullDescription", "help")]
            if len(rule["id"]) > 255 or not all(0 < len(text) <= 1024 for text in texts):
                yield f"rule {rule['id']}: texts that are missing or too long"
        for result in run["results"]:
            if rules[result["ruleIndex"]]["id"] != result["ruleId"] or not result["message"]["text"]:
                yield "a result without its rule or message"
            for location in result["locations"][:1] or [None]:
                place = (location or {}).get("physicalLocation", {})
                uri = place.get("artifactLocation", {}).get("uri", "")
                if not uri or uri.startswith("/") or ":" in uri:
                    yield f"{result['ruleId']}: no file of the repository: {uri!r}"
                if place.get("region", {}).get("startLine", 0) < 1:
                    yield f"{result['ruleId']}: no line"


@pytest.mark.parametrize("case", sorted(path.parent.parent.name for path in GOLDEN.glob("*/expected/output.sarif")))
def test_code_scanning_accepts_every_case(case: str) -> None:
    document = json.loads((GOLDEN / case / "expected" / "output.sarif").read_text())
    assert list(refusals(document)) == []


def failed(message: str) -> JsonObject:
    return {"message": message, "hint": "try again", "diagnostics": [], "class": ErrorClass.TRANSIENT.value}


def test_what_is_in_no_manifest_is_shown_at_the_configuration() -> None:
    gone = change("shop.Product/old", "delete", fields=0)
    gone.update(path=None, line=None, column=None)
    for findings in (
        Findings(target="shop", configuration="estates/eu/reconciler.yaml", plan=plan_of([gone])),
        Findings(target="shop", configuration="estates/eu/reconciler.yaml", error=failed("the server is away")),
    ):
        document = sarif_document(findings)
        assert list(refusals(document)) == []
        (result,) = document["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "estates/eu/reconciler.yaml"
        assert place["region"]["startLine"] == 1


def test_a_run_that_failed_before_its_configuration_was_known_has_a_location_too() -> None:
    document = sarif_document(Findings(error=failed("there is no configuration")))
    assert list(refusals(document)) == []


def bounded(findings: Findings) -> Any:
    """Return the only run of a log that leaves something out and says how much."""
    document = sarif_document(findings)
    assert len(document["runs"][0]["results"]) <= MOST_RESULTS
    assert len(json.dumps(document, indent=2)) <= 10_000_000
    (run,) = document["runs"]
    assert list(refusals({**document, "runs": [{**run, "results": run["results"][:50]}]})) == []
    return run


def test_a_log_has_no_more_results_than_are_stored() -> None:
    many = [change(f"shop.Product/p{n}", "update", fields=1) for n in range(6_000)]
    worst = change("shop.Product/z", "delete", fields=0)
    run = bounded(Findings(target="shop", configuration="reconciler.yaml", plan=plan_of([*many, worst])))
    assert run["results"][0]["ruleId"] == "pending-delete"
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("1001 more results are left out")


def test_a_log_is_never_larger_than_is_accepted() -> None:
    one = {
        "severity": "error",
        "code": "invalid-value",
        "hint": "",
        "address": None,
        "path": "m.yaml",
        "line": 1,
        "column": 1,
    }
    found = [{**one, "message": f"{n}" + "😀" * 5_000} for n in range(400)]
    run = bounded(Findings(target="shop", mistakes={"diagnostics": found}))
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith(f"{400 - len(run['results'])} more results are left out")


def test_nothing_is_left_out_of_a_small_log() -> None:
    document = sarif_document(Findings(target="shop", configuration="reconciler.yaml", plan=large_plan(2, 2)))
    assert document["runs"][0]["invocations"] == [{"executionSuccessful": True}]
