"""Findings as SARIF 2.1.0, for code scanning and editors: each at the line of the manifest that causes it. Pure.

Within what GitHub's code scanning accepts: every result has a location, there are no more than it stores, and a log is
never too large for it, even if it does not compress.

Sources: OASIS, Static Analysis Results Interchange Format 2.1.0; docs.github.com, SARIF support for code scanning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from reconciler import __version__
from reconciler.core.canonical import digest
from reconciler.core.model import JsonObject
from reconciler.render.escapes import printable, sarif_message, uri
from reconciler.render.findings import Findings, Issue, issues

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MOST_RESULTS = 5_000  # of a run; more than 25,000 are refused, and beyond 5,000 they are left out
MOST_BYTES = 9_000_000  # of all results; 10 MB are accepted, compressed
_MESSAGE = 4_000  # characters
_PLACE = "reconciler.yaml"  # where nothing else is known


def sarif_document(findings: Findings) -> JsonObject:
    """Return the log. Paths are relative to the folder that the command ran in."""
    found = issues(findings, each_field=True)
    rules = sorted({issue.rule for issue in found})
    place = findings.configuration or _PLACE
    results = _bounded(_result(issue, rules.index(issue.rule), place) for issue in found)
    left_out = len(found) - len(results)
    failed = findings.error is not None
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "reconciler",
                        "version": __version__,
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "automationDetails": {"id": f"reconciler/{uri(findings.target)}/"},
                "invocations": [{"executionSuccessful": not failed, **_notice(left_out)}],
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _bounded(results: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the first results, the worst of them, as far as they fit."""
    kept: list[JsonObject] = []
    size = 0
    for result in results:
        size += len(json.dumps(result, indent=2))
        if size > MOST_BYTES or len(kept) == MOST_RESULTS:
            break
        kept.append(result)
    return kept


def _notice(left_out: int) -> JsonObject:
    if not left_out:
        return {}
    text = f"{left_out} more results are left out here; the other output formats have them"
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _rule(rule: str) -> JsonObject:
    words = sarif_message(rule.replace("-", " "))
    return {
        "id": rule,
        "shortDescription": {"text": words},
        "fullDescription": {"text": f"{words}, as reported by reconciler"},
        "help": {"text": "The message of each result says what is wrong or planned, and what to do next."},
    }


def _result(issue: Issue, rule: int, elsewhere: str) -> JsonObject:
    hint = f" Hint: {issue.hint}" if issue.hint else ""
    result: JsonObject = {
        "ruleId": issue.rule,
        "ruleIndex": rule,
        "level": issue.level,
        "message": {"text": sarif_message(_cut(issue.message) + hint)},
        # What the same finding has in the next run as well, wherever its line has moved to.
        "partialFingerprints": {
            "reconciler/v1": digest([issue.rule, issue.address or issue.message, issue.pointer])[:32]
        },
    }
    # What is in no manifest, as a delete or a run that failed, is shown at the configuration.
    place: JsonObject = {"artifactLocation": {"uri": uri(issue.path or elsewhere)}}
    place["region"] = {"startLine": max(issue.line, 1), "startColumn": max(issue.column, 1)}
    location: JsonObject = {"physicalLocation": place}
    if issue.address:
        location["logicalLocations"] = [
            {"fullyQualifiedName": printable(issue.address) + printable(issue.pointer), "kind": "resource"}
        ]
    result["locations"] = [location]
    return result


def _cut(text: str) -> str:
    return text if len(text) <= _MESSAGE else text[:_MESSAGE] + "…"
