"""Findings as SARIF 2.1.0, for code scanning and editors: each at the line of the manifest that causes it. Pure.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

from reconciler import __version__
from reconciler.core.canonical import digest
from reconciler.core.model import JsonObject
from reconciler.render.escapes import printable, sarif_message, uri
from reconciler.render.findings import Findings, Issue, issues

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_document(findings: Findings) -> JsonObject:
    """Return the log. Paths are relative to the folder that the command ran in."""
    found = issues(findings, each_field=True)
    rules = sorted({issue.rule for issue in found})
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
                        "rules": [{"id": rule, "shortDescription": {"text": _in_words(rule)}} for rule in rules],
                    }
                },
                "automationDetails": {"id": f"reconciler/{uri(findings.target)}/"},
                "invocations": [{"executionSuccessful": not failed}],
                "columnKind": "unicodeCodePoints",
                "results": [_result(issue, rules.index(issue.rule)) for issue in found],
            }
        ],
    }


def _in_words(rule: str) -> str:
    return sarif_message(rule.replace("-", " "))


def _result(issue: Issue, rule: int) -> JsonObject:
    hint = f" Hint: {issue.hint}" if issue.hint else ""
    result: JsonObject = {
        "ruleId": issue.rule,
        "ruleIndex": rule,
        "level": issue.level,
        "message": {"text": sarif_message(issue.message + hint)},
        # What the same finding has in the next run as well, wherever its line has moved to.
        "partialFingerprints": {
            "reconciler/v1": digest([issue.rule, issue.address or issue.message, issue.pointer])[:32]
        },
    }
    if issue.path:
        place: JsonObject = {"artifactLocation": {"uri": uri(issue.path)}}
        if issue.line:
            place["region"] = {"startLine": issue.line, "startColumn": max(issue.column, 1)}
        location: JsonObject = {"physicalLocation": place}
        if issue.address:
            location["logicalLocations"] = [
                {"fullyQualifiedName": printable(issue.address) + printable(issue.pointer), "kind": "resource"}
            ]
        result["locations"] = [location]
    return result
