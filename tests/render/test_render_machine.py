"""Plans, reports and diagnostics as machines read them: every key stated here is a promise."""

from __future__ import annotations

import json
from dataclasses import replace

from render_values import BLOCKER, CREATE, FOLLOW_UP, PLAN, REPORT, UPDATE, WARNING

from reconciler.core.model import Action, FieldChange, JsonObject, Operation, Plan, Source
from reconciler.render.machine import FORMAT, diagnostics_document, plan_document, report_document

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
        "headline": "Plan for production: 1 to create, 1 to update, 1 follow-up; 3 write requests; "
        "blocked by 1 problem.",
        "digest": "p1",
        "applyable": False,
        "summary": {"create": 1, "update": 1, "replace": 0, "delete": 0, "adopt": 0, "unchanged": 0},
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
    assert list(plan_document(PLAN)["summary"]) == [action.value for action in Action]
    assert sum(plan_document(PLAN)["summary"].values()) == len(PLAN.changes)


def test_a_secret_that_slipped_into_a_change_is_still_not_told() -> None:
    fields = tuple(
        FieldChange(operation=operation, path=("a",), before="fake-old", after="fake-new", sensitive=True)
        for operation in Operation
    )
    plan = Plan(target="t", changes=(replace(UPDATE, fields=fields),))
    outcome = replace(REPORT.outcomes[2], moved=fields, wanted=fields)
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
        "headline": "Applied to production: 1 applied, 1 unchanged, 1 conflict; 2.5 s, 6 requests.",
        "target": "production",
        "planDigest": "p1",
        "summary": {"applied": 1, "conflict": 1, "unchanged": 1},
        "seconds": 2.5,
        "requests": 6,
        "outcomes": [
            {
                "address": "shop.Product/coffee",
                "action": "create",
                "status": "applied",
                "detail": "",
                "hint": "",
                "remoteId": "9",
                "requests": 2,
                "seconds": 0.25,
                "moved": [],
                "wanted": [],
            },
            {
                "address": "shop.Product/water",
                "action": "unchanged",
                "status": "unchanged",
                "detail": "",
                "hint": "",
                "remoteId": None,
                "requests": 0,
                "seconds": 0.0,
                "moved": [],
                "wanted": [],
            },
            {
                "address": "shop.Product/tea",
                "action": "update",
                "status": "conflict",
                "detail": "it moved since the plan",
                "hint": "plan again",
                "remoteId": "7",
                "requests": 1,
                "seconds": 0.0,
                "moved": [
                    {**PRICE, "before": 3, "after": 5},
                    TOKEN,
                    {**PRICE, "path": "/note", "operation": "add", "after": "new"},
                    {**PRICE, "path": "/tags", "operation": "remove", "before": ["b"]},
                ],
                "wanted": [{**PRICE, "before": 3, "after": 4}, TOKEN],
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
            }
        ],
    }


PRICE: JsonObject = {"path": "/price", "operation": "change", "sensitive": False, "known": True, "cause": None}
TOKEN: JsonObject = {"path": "/token", "operation": "change", "sensitive": True, "known": True, "cause": None}


def test_times_are_rounded_to_milliseconds() -> None:
    outcome = replace(REPORT.outcomes[0], seconds=0.123456)
    document = report_document(replace(REPORT, outcomes=(outcome,), seconds=1.98765))
    assert (document["seconds"], document["outcomes"][0]["seconds"]) == (1.988, 0.123)


def test_every_document_is_plain_json() -> None:
    for document in (plan_document(PLAN, show_requests=True), report_document(REPORT), diagnostics_document([WARNING])):
        assert json.loads(json.dumps(document)) == document
        assert document["format"] == 1
