"""One test case for each resource, as JUnit XML, which most pipelines can show. Pure.

A resource that is as declared, or was applied, passes; a pending change counts as skipped; what blocks, fails or is in
doubt is a failure. Mistakes and runs that ended early are errors. Source: the XML that Apache Ant and Surefire write.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.core.model import JsonObject
from reconciler.render.escapes import printable
from reconciler.render.findings import FINE, Findings, Issue, issues, word_of


def render_junit(findings: Findings) -> str:
    """Return the document, with a declaration."""
    suites = Element("testsuites", name="reconciler")
    suite = SubElement(suites, "testsuite", name=printable(f"reconciler {findings.target}".strip()))
    outcomes = {} if findings.report is None else {one["address"]: one for one in findings.report["outcomes"]}
    told: dict[str, list[Issue]] = {}
    for issue in issues(findings, each_field=False):
        if issue.level == "error" or (issue.level == "warning" and not issue.rule.startswith("pending-")):
            told.setdefault(issue.address, []).append(issue)
    addresses = {c["address"]: c for c in findings.plan["changes"]} if findings.plan is not None else {}
    for address in sorted({*addresses, *outcomes, *(told.keys() - {""})}):
        system_and_kind, _, name = address.partition("/")
        case = SubElement(suite, "testcase", classname=printable(system_and_kind), name=printable(name))
        _place(case, addresses.get(address, {}))
        _judge(case, addresses.get(address), outcomes.get(address), told.get(address, []))
    for issue in told.get("", []):
        if issue.level == "error":
            case = SubElement(suite, "testcase", classname="reconciler", name=printable(issue.rule))
            _place(case, {"path": issue.path, "line": issue.line})
            _say(case, "error", issue)
    _count(suites)
    _count(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode")


def _place(case: Element, place: JsonObject) -> None:
    if place.get("path"):
        case.set("file", printable(place["path"]))
        if place.get("line"):
            case.set("line", str(place["line"]))


def _judge(case: Element, change: JsonObject | None, outcome: JsonObject | None, told: list[Issue]) -> None:
    if outcome is not None:
        case.set("time", f"{outcome['seconds']:.3f}")
        if outcome["status"] == "skipped":
            SubElement(case, "skipped", message=printable(outcome["detail"] or "skipped"))
            return
    errors = [issue for issue in told if issue.level == "error"]
    for issue in errors[:1]:  # one for each case: more would be counted as more cases
        _say(case, "failure", issue, *errors[1:])
    if not errors and change is not None and change["action"] != "unchanged":
        if outcome is None:
            SubElement(case, "skipped", message=f"pending: {word_of(change)}")
        elif outcome["status"] not in FINE:
            SubElement(case, "failure", type="outcome", message=printable(outcome["status"]))


def _say(case: Element, tag: str, issue: Issue, *more: Issue) -> None:
    said = SubElement(case, tag, type=printable(issue.rule), message=printable(issue.message.partition("\n")[0]))
    lines = [line for one in (issue, *more) for line in (*one.message.split("\n"), one.hint) if line]
    said.text = "\n".join(printable(line) for line in lines)


def _count(part: Element) -> None:
    part.set("tests", str(len(part.findall(".//testcase"))))
    part.set("failures", str(len(part.findall(".//failure"))))
    part.set("errors", str(len(part.findall(".//error"))))
    part.set("skipped", str(len(part.findall(".//skipped"))))
