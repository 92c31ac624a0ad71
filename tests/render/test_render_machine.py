"""Plans, reports and diagnostics as machines read them: every key stated here is a promise."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from render_values import BLOCKER, CREATE, FOLLOW_UP, LEAVING, PLAN, REPORT, UPDATE, WARNING

from reconciler import __version__
from reconciler.core.model import Action, FieldChange, JsonObject, Operation, Plan, Source
from reconciler.core.plan.sealing import digest_of_plan
from reconciler.core.report import Ending, LeftoverCause, Moved, Report, Status
from reconciler.render.machine import FORMAT, diagnostics_document, plan_document, report_document
from reconciler.shell.files.packaged import packaged_folder

WARNED: JsonObject = {
    "severity": "warning",
    "code": "slow-settle",
    "message": "reads may lag",
    "hint": "wait a little",
    "address": None,
    "path": "shop.yaml",
    "line": 9,
    "column": 3,
}
BLOCKED: JsonObject = {
    "severity": "error",
    "code": "two-matches",
    "message": "two objects match",
    "hint": "",
    "address": "shop.Product/tea",
    "path": None,
    "line": None,
    "column": None,
}
COFFEE: JsonObject = {
    "address": "shop.Product/coffee",
    "action": "create",
    "way": None,
    "replaced": None,
    "reason": "no live object",
    "digest": "d1",
    "path": "shop.yaml",
    "line": 1,
    "column": 1,
    "verified": "read",
    "guard": "created only where none is found",
    "waitsFor": ["shop.Shop/main"],
    "dependsOn": [],
    "fields": [
        {
            "path": "/shop",
            "operation": "add",
            "sensitive": False,
            "known": False,
            "cause": None,
            "line": 1,
            "column": 1,
        },
        {
            "path": "/title",
            "operation": "add",
            "sensitive": False,
            "known": True,
            "cause": None,
            "line": 1,
            "column": 1,
            "after": "Coffee",
        },
        {"path": "/token", "operation": "add", "sensitive": True, "known": True, "cause": None, "line": 1, "column": 1},
    ],
    "notes": [],
    "caveats": [],
    "requests": [{"method": "POST", "path": "/shops/{Shop/main}/products", "onlyIf": None}],
}
TEA: JsonObject = {
    "address": "shop.Product/tea",
    "action": "update",
    "way": None,
    "replaced": None,
    "reason": "",
    "digest": "d2",
    "path": "shop.yaml",
    "line": 9,
    "column": 1,
    "verified": "read",
    "guard": "read again and compared",
    "waitsFor": [],
    "dependsOn": [],
    "fields": [
        {
            "path": "/price",
            "operation": "change",
            "sensitive": False,
            "known": True,
            "cause": "manifest",
            "line": 9,
            "column": 1,
            "before": 3,
            "after": 4,
        },
        {
            "path": "/tags",
            "operation": "change",
            "sensitive": False,
            "known": True,
            "cause": "drift",
            "line": 9,
            "column": 1,
            "before": ["b"],
            "after": ["a", "b"],
        },
        {
            "path": "/note",
            "operation": "remove",
            "sensitive": False,
            "known": True,
            "cause": None,
            "line": 9,
            "column": 1,
            "before": "old",
        },
        {
            "path": "/token",
            "operation": "change",
            "sensitive": True,
            "known": True,
            "cause": "both",
            "line": 9,
            "column": 1,
        },
        {
            "path": "/pin",
            "operation": "remove",
            "sensitive": True,
            "known": True,
            "cause": None,
            "line": 9,
            "column": 1,
        },
    ],
    "notes": ["the value of /stock stays"],
    "caveats": ["/mask could not be compared"],
    "requests": [
        {"method": "PATCH", "path": "/products/7", "onlyIf": None},
        {"method": "POST", "path": "/products/7/publish", "onlyIf": "the answer says draft"},
    ],
}


def test_diagnostics() -> None:
    assert diagnostics_document([WARNING, BLOCKER]) == {
        "format": FORMAT,
        "kind": "diagnostics",
        "diagnostics": [WARNED, BLOCKED],
    }
    assert diagnostics_document([])["diagnostics"] == []


def test_a_diagnostic_about_a_whole_file() -> None:
    (found,) = diagnostics_document([replace(WARNING, source=Source("a.yaml"))])["diagnostics"]
    assert (found["path"], found["line"], found["column"]) == ("a.yaml", 0, 0)


def test_a_plan() -> None:
    plan = replace(PLAN, changes=(CREATE, UPDATE))
    assert plan_document(plan) == {
        "format": FORMAT,
        "kind": "plan",
        "target": "production",
        "headline": "Plan for production: 1 to create, 1 to update, 1 follow-up; 4 write requests at most; "
        "blocked by 1 problem.",
        "digest": digest_of_plan(plan),
        "applyable": False,
        "summary": {"create": 1, "update": 1, "replace": 0, "delete": 0, "adopt": 0, "unchanged": 0, "forget": 0},
        "limits": None,
        "requestsMade": 5,
        "followUps": [
            {
                "system": "shop",
                "title": "publish the catalogue",
                "request": {"method": "POST", "path": "/publish"},
                "waitsFor": ["shop.Product/coffee", "shop.Product/tea"],
                "overdue": False,
            }
        ],
        "changes": [COFFEE, TEA],
        "diagnostics": [WARNED],
        "blockers": [BLOCKED],
    }


def test_a_plan_without_blockers_can_be_applied() -> None:
    assert plan_document(Plan(target="t", changes=()))["applyable"] is True
    assert plan_document(replace(PLAN, blockers=()))["applyable"] is True


def test_bodies_are_shown_only_when_asked_for() -> None:
    plan = Plan(target="t", changes=(CREATE, UPDATE), follow_ups=(FOLLOW_UP,))
    assert "body" not in json.dumps(plan_document(plan))
    requests = [
        request for change in plan_document(plan, show_requests=True)["changes"] for request in change["requests"]
    ]
    assert [request.get("body", "none") for request in requests] == [
        {"title": "Coffee", "token": "(sensitive)"},
        {"price": 4},
        "none",
    ]


def test_the_summary_names_every_action() -> None:
    assert list(plan_document(PLAN)["summary"]) == [*(action.value for action in Action), "forget"]
    assert sum(plan_document(PLAN)["summary"].values()) == len(PLAN.changes)


def test_what_goes_away_is_told_with_its_way_and_counted_once() -> None:
    found = plan_document(LEAVING)
    assert [(c["action"], c["way"], c["replaced"], c["path"]) for c in found["changes"]] == [
        ("replace", None, None, "shop.yaml"),
        ("delete", "delete", "shop.Product/tea", None),
        ("delete", "delete", None, None),
        ("delete", "disable", None, None),
        ("delete", "forget", None, None),
        ("delete", "gone", None, None),
    ]
    assert found["summary"] | {"delete": 2, "replace": 1, "forget": 2} == found["summary"]
    assert found["limits"] == {"maxDeletes": 5, "maxChangeShare": 0.3, "managed": 2}


def test_a_secret_that_slipped_into_a_change_is_still_not_told() -> None:
    fields = tuple(
        FieldChange(operation=operation, path=("a",), before="fake-old", after="fake-new", sensitive=True)
        for operation in Operation
    )
    plan = Plan(target="t", changes=(replace(UPDATE, fields=fields),))
    moved = Moved(path=("a",), planned="fake-old", now="fake-new", wanted="fake-wanted", sensitive=True)
    leftover = replace(REPORT.outcomes[-1].leftovers[1], wanted="fake-wanted", held="fake-held")
    outcome = replace(REPORT.outcomes[2], moved=(moved,), leftovers=(leftover,))
    report = replace(REPORT, outcomes=(outcome,))
    assert "fake" not in json.dumps([plan_document(plan, show_requests=True), report_document(report)])


def test_what_is_known_only_later_has_no_value() -> None:
    field = FieldChange(operation=Operation.CHANGE, path=("a",), before=1, after="${ref:A/b}", known=False)
    (change,) = plan_document(Plan(target="t", changes=(replace(UPDATE, fields=(field,)),)))["changes"]
    (found,) = change["fields"]
    assert found["before"] == 1
    assert "after" not in found


def test_a_report() -> None:
    report = replace(REPORT, outcomes=REPORT.outcomes[:3])
    assert report_document(report) == {
        "format": FORMAT,
        "kind": "report",
        "headline": "Applied to production: 1 applied, 1 unchanged, 1 conflict; 2.5 s, 8 requests, 9 attempts.",
        "tool": {"name": "reconciler", "version": __version__},
        "target": "production",
        "planDigest": "p1",
        "kinds": {"shop.Product": "v2", "shop.Shop": "v1"},
        "ending": "complete",
        "startedAt": "2030-01-01T00:00:00Z",
        "finishedAt": "2030-01-01T00:00:02Z",
        "summary": {"applied": 1, "unchanged": 1, "failed": 0, "skipped": 0, "conflict": 1, "in doubt": 0},
        "seconds": 2.5,
        "requests": 8,
        "attempts": 9,
        "outcomes": [
            {
                "address": "shop.Product/coffee",
                "action": "create",
                "status": "applied",
                "detail": "",
                "hint": "",
                "path": None,
                "line": None,
                "column": None,
                "becauseOf": [],
                "remoteId": "9",
                "requests": 2,
                "attempts": 2,
                "seconds": 0.25,
                "moved": [],
                "leftovers": [],
            },
            {
                "address": "shop.Product/water",
                "action": "unchanged",
                "status": "unchanged",
                "detail": "",
                "hint": "",
                "path": None,
                "line": None,
                "column": None,
                "becauseOf": [],
                "remoteId": None,
                "requests": 0,
                "attempts": 0,
                "seconds": 0.0,
                "moved": [],
                "leftovers": [],
            },
            {
                "address": "shop.Product/tea",
                "action": "update",
                "status": "conflict",
                "detail": "it moved since the plan",
                "hint": "plan again",
                "path": None,
                "line": None,
                "column": None,
                "becauseOf": [],
                "remoteId": "7",
                "requests": 1,
                "attempts": 2,
                "seconds": 0.0,
                "moved": [
                    {"path": "/price", "sensitive": False, "plannedOn": 3, "now": 5, "wanted": 4},
                    {"path": "/token", "sensitive": True},
                    {"path": "/note", "sensitive": False, "now": "new", "wanted": "old"},
                    {"path": "/tags", "sensitive": False, "plannedOn": ["b"]},
                ],
                "leftovers": [],
            },
        ],
        "followUps": [
            {
                "system": "shop",
                "title": "publish the catalogue",
                "request": {"method": "POST", "path": "/publish"},
                "status": "failed",
                "detail": "500",
                "hint": "apply again",
                "becauseOf": [],
            }
        ],
    }


def test_what_the_server_did_not_keep() -> None:
    skipped, failed = report_document(REPORT)["outcomes"][-2:]
    assert skipped["becauseOf"] == ["shop.Shop/main"]
    assert failed["leftovers"] == [
        {
            "path": "/tags",
            "cause": "order",
            "line": "x-list: set",
            "place": "schema.properties.tags",
            "definition": {"path": "schemas/shop.yaml", "line": 12, "column": 5},
            "sensitive": False,
            "wanted": ["b", "a"],
            "held": ["a", "b"],
        },
        {
            "path": "/pin",
            "cause": "changed by the server",
            "line": "",
            "place": "schema.properties.pin",
            "definition": {"path": "s.yaml", "line": 14, "column": 5},
            "sensitive": True,
        },
    ]


@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("report", [REPORT, Report(target="t", plan_digest="", outcomes=())], ids=["full", "empty"])
def test_a_report_is_as_its_published_schema_says(report: Report, ending: Ending) -> None:
    schema = json.loads((packaged_folder("schemas") / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = report_document(replace(report, ending=ending))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []
    for key in document:  # closed and complete: nothing more may stand there, and nothing be left out
        lacking = {name: value for name, value in document.items() if name != key}
        assert not jsonschema.Draft202012Validator(schema).is_valid(lacking)
    assert not jsonschema.Draft202012Validator(schema).is_valid({**document, "more": 1})


def test_times_are_rounded_to_milliseconds() -> None:
    outcome = replace(REPORT.outcomes[0], seconds=0.123456)
    document = report_document(replace(REPORT, outcomes=(outcome,), seconds=1.98765))
    assert (document["seconds"], document["outcomes"][0]["seconds"]) == (1.988, 0.123)


def test_every_document_is_plain_json() -> None:
    for document in (plan_document(PLAN, show_requests=True), report_document(REPORT), diagnostics_document([WARNING])):
        assert json.loads(json.dumps(document)) == document
        assert document["format"] == 1


def test_the_words_of_the_report_are_those_of_its_schema() -> None:
    schema = json.loads((packaged_folder("schemas") / "report.schema.json").read_text())
    outcome, leftover = schema["$defs"]["outcome"], schema["$defs"]["leftover"]
    assert set(outcome["properties"]["action"]["enum"]) == {action.value for action in Action}
    assert set(schema["$defs"]["status"]["enum"]) == {status.value for status in Status}
    assert set(schema["properties"]["ending"]["enum"]) == {ending.value for ending in Ending}
    assert set(leftover["properties"]["cause"]["enum"]) == {cause.value for cause in LeftoverCause}
