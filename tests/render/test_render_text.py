"""Plans, reports and diagnostics as people see them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from render_values import (
    BLIND,
    BLOCKER,
    CREATE,
    DELETE,
    DOUBTFUL,
    FOLLOW_UP,
    LEAVING,
    PLAN,
    REPORT,
    UNCHANGED,
    UPDATE,
    WARNING,
    added,
    address,
    changed,
    removed,
)

from reconciler.core.address import Address
from reconciler.core.model import Action, Diagnostic, FieldChange, Operation, Plan, PlannedRequest, Severity, Source
from reconciler.core.report import Ending, Moved, Report, Status
from reconciler.render.escapes import printable
from reconciler.render.report import render_outcome, render_report, summarize_report
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import MAX_VALUE, plural, render_diagnostics, render_plan, summarize_plan
from reconciler.render.values import on_one_line, shorten

COLOURED = Style(colour=True)


def plain(text: str) -> str:
    """Return `text` without colours."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)


# --------------------------------------------------------------------------- plan

USUAL = """
Plan for production: 1 to create, 2 to update, 1 to delete, 1 follow-up, 2 unchanged; 6 write requests at most; \
blocked by 1 problem.

  + shop.Product/coffee  create
      + /shop   (known after apply)
      + /title  "Coffee"
      + /token  (sensitive, will be set)
      → POST /shops/{Shop/main}/products

  - shop.Product/old  delete
      → DELETE /products/3

  ~ shop.Product/settings  update  (not verified against live)
      + /limit  {"a": [true, null], "b": 1}
      → PUT /settings

  ~ shop.Product/tea  update
      ~ /price  3 → 4  [manifest]
      ~ /tags   ["b"] → ["a", "b"]  [drift]
      - /note   "old" → (removed)
      ~ /token  (sensitive, will change)  [both]
      - /pin    (sensitive, will be removed)
      note: the value of /stock stays
      note: /mask could not be compared
      → PATCH /products/7
      → POST /products/7/publish  (if the answer says draft)

  ↻ shop: publish the catalogue
      once, after shop.Product/coffee, shop.Product/tea
      → POST /publish

  1 unchanged resource holds values that could not be compared; -v shows which.

shop.yaml:9:3: warning: slow-settle: reads may lag
    hint: wait a little

Blocked:
error: two-matches: two objects match
"""

FULL = """
Plan for production: 1 to create, 1 unchanged; 1 write request.

  + shop.Product/coffee  create
      + /shop   (known after apply)
      + /title  "Coffee"
      + /token  (sensitive, will be set)
      → POST /shops/{Shop/main}/products
        {
          "title": "Coffee",
          "token": "(sensitive)"
        }
      guard: created only where none is found

    shop.Product/milk  unchanged
      note: /token is masked
"""


def test_a_plan() -> None:
    assert render_plan(PLAN) == USUAL.strip("\n")


def test_a_plan_with_everything_shown() -> None:
    plan = Plan(target="production", changes=(CREATE, DOUBTFUL))
    assert render_plan(plan, show_unchanged=True, show_requests=True) == FULL.strip("\n")


def test_an_unchanged_resource_is_shown_when_there_is_something_to_say() -> None:
    noted = replace(UNCHANGED, notes=("it is protected",))
    plan = Plan(target="t", changes=(noted, UNCHANGED))
    assert render_plan(plan) == (
        "Plan for t: nothing to do: 2 resources as declared.\n\n"
        "    shop.Product/water  unchanged\n      note: it is protected"
    )


def test_an_overdue_follow_up() -> None:
    overdue = replace(FOLLOW_UP, overdue=True, waits_for=frozenset())
    assert render_plan(Plan(target="t", changes=(UNCHANGED,), follow_ups=(overdue,))) == (
        "Plan for t: 1 follow-up, 1 unchanged; 1 write request.\n\n"
        "  ↻ shop: publish the catalogue\n"
        "      due already, whatever changes now\n"
        "      → POST /publish"
    )


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        pytest.param(Plan(target="t", changes=()), "nothing to do: 0 resources as declared.", id="empty"),
        pytest.param(Plan(target="t", changes=(UNCHANGED,)), "nothing to do: 1 resource as declared.", id="quiet"),
        pytest.param(Plan(target="t", changes=(DELETE,)), "1 to delete; 1 write request.", id="one"),
        pytest.param(Plan(target="t", changes=(UPDATE,)), "1 to update; 2 write requests at most.", id="conditional"),
        pytest.param(
            Plan(target="t", changes=tuple(replace(DELETE, action=action) for action in Action)),
            "1 to create, 1 to update, 1 to replace, 1 to delete, 1 to adopt, 1 unchanged; 6 write requests.",
            id="every-action",
        ),
        pytest.param(
            Plan(target="t", changes=(), blockers=(BLOCKER, BLOCKER)),
            "0 unchanged; blocked by 2 problems.",
            id="blocked",
        ),
    ],
)
def test_the_summary_of_a_plan(plan: Plan, line: str) -> None:
    assert summarize_plan(plan) == f"Plan for t: {line}"


@pytest.mark.parametrize(
    ("field", "line"),
    [
        pytest.param(added("a", after=None), "+ /a  null", id="add-null"),
        pytest.param(added("a", 0, "b/c", after=1), "+ /a/0/b~1c  1", id="pointer"),
        pytest.param(added("a", after=None, known=False), "+ /a  (known after apply)", id="unknown"),
        pytest.param(changed(("a",), None, ""), '~ /a  null → ""', id="change"),
        pytest.param(
            FieldChange(operation=Operation.CHANGE, path=("a",), before=1, known=False),
            "~ /a  1 → (known after apply)",
            id="change-to-unknown",
        ),
        pytest.param(removed("a", before=[1]), "- /a  [1] → (removed)", id="remove"),
        pytest.param(added("a", after="(sensitive)", sensitive=True), "+ /a  (sensitive, will be set)", id="secret"),
        pytest.param(
            added("a", after=None, sensitive=True, known=False), "+ /a  (sensitive, will be set)", id="unknown-secret"
        ),
    ],
)
def test_a_field(field: FieldChange, line: str) -> None:
    plan = Plan(target="t", changes=(replace(BLIND, fields=(field,), requests=()),))
    assert render_plan(plan).splitlines()[-1] == f"      {line}"


def test_a_secret_that_slipped_into_a_change_is_still_not_shown() -> None:
    """Values of sensitive fields are redacted where they are made; the renderer does not rely on it."""
    fields = tuple(
        FieldChange(operation=operation, path=("a",), before="fake-old", after="fake-new", sensitive=True)
        for operation in Operation
    )
    plan = Plan(target="t", changes=(replace(BLIND, fields=fields),))
    assert "fake" not in render_plan(plan, show_unchanged=True, show_requests=True)


# --------------------------------------------------------------------------- report

APPLIED = """
  kind          applied  unchanged  failed  skipped  conflict  requests  attempts  seconds
  shop.Product        1          1       1        1         1         6         7      1.2
  shop.Shop           -          -       1        -         -         2         2      0.0

  shop.Product/tea  update  conflict: it moved since the plan  (0.0 s, 1 request, 2 attempts)
      /price: planned on 3; is now 5; wanted 4
      /token: planned on (sensitive); is now (sensitive); wanted (sensitive)
      /note: planned on (not set); is now "new"; wanted "old"
      /tags: planned on ["b"]; is now (not set); wanted (not set)
      hint: plan again
  shop.Product/old  delete  failed: 409: it is in use  (1.0 s, 3 requests)
  shop.Product/rice  create  skipped: because of shop.Shop/main
  shop.Shop/main  update  failed: not kept  (0.0 s, 2 requests)
      /tags: order, described by `x-list: set`  (schema.properties.tags, schemas/shop.yaml:12:5)
      /pin: changed by the server, which nothing in a definition describes  (schema.properties.pin, s.yaml:14:5)
  shop: publish the catalogue  /publish  failed: 500
      hint: apply again
Applied to production: 1 applied, 1 unchanged, 2 failed, 1 skipped, 1 conflict; 2.5 s, 8 requests, 9 attempts.
"""


def test_a_report() -> None:
    assert render_report(REPORT) == APPLIED.strip("\n")


def test_a_report_without_trouble_is_its_table_and_summary() -> None:
    report = Report(target="t", plan_digest="p", outcomes=REPORT.outcomes[:2], seconds=0.04, requests=1, attempts=1)
    summary = "Applied to t: 1 applied, 1 unchanged; 0.0 s, 1 request."
    assert summarize_report(report) == summary
    assert render_report(report).splitlines() == [
        "  kind          applied  unchanged  requests  seconds",
        "  shop.Product        1          1         2      0.2",
        summary,
    ]


def test_a_report_without_work_is_its_summary() -> None:
    report = Report(target="t", plan_digest="p", outcomes=REPORT.outcomes[1:2])
    assert render_report(report) == "Applied to t: 1 unchanged; 0.0 s, 0 requests."


@pytest.mark.parametrize("ending", [ending for ending in Ending if ending is not Ending.COMPLETE])
def test_a_report_of_a_run_that_was_stopped_says_so(ending: Ending) -> None:
    assert render_report(replace(REPORT, ending=ending)).splitlines()[-2].endswith((" go on.", " to see."))


def test_a_report_of_nothing() -> None:
    assert (
        render_report(Report(target="t", plan_digest="p", outcomes=())) == "Applied to t: nothing; 0.0 s, 0 requests."
    )


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_word(status: Status) -> None:
    outcome = replace(REPORT.outcomes[1], status=status)
    assert render_outcome(outcome) == f"  shop.Product/water  unchanged  {status.value}"
    report = Report(target="t", plan_digest="p", outcomes=(outcome,))
    assert f"Applied to t: 1 {status.value};" in summarize_report(report)


# --------------------------------------------------------------------------- diagnostics


@pytest.mark.parametrize(
    ("diagnostic", "text"),
    [
        pytest.param(WARNING, "shop.yaml:9:3: warning: slow-settle: reads may lag\n    hint: wait a little", id="full"),
        pytest.param(BLOCKER, "error: two-matches: two objects match", id="without-place-and-hint"),
        pytest.param(
            Diagnostic(severity=Severity.NOTE, code="c", message="m", source=Source("a.yaml")),
            "a.yaml: note: c: m",
            id="whole-file",
        ),
        pytest.param(
            Diagnostic(
                severity=Severity.ERROR, code="c", message="m\x1b[2J\n", source=Source("a\nb.yaml", 1, 2), hint="h\x9b"
            ),
            "a\\nb.yaml:1:2: error: c: m\\x1b[2J\\n\n    hint: h\\x9b",
            id="control-characters",
        ),
    ],
)
def test_a_diagnostic(diagnostic: Diagnostic, text: str) -> None:
    assert render_diagnostics([diagnostic]) == text


def test_diagnostics_keep_their_order() -> None:
    assert [line.split(":")[0] for line in render_diagnostics([BLOCKER, WARNING, BLOCKER]).splitlines()] == [
        "error",
        "shop.yaml",
        "    hint",
        "error",
    ]
    assert render_diagnostics([]) == ""


# --------------------------------------------------------------------------- values and style


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("é ✓", '"é ✓"', id="text"),
        pytest.param({"b": 1, "a": 2}, '{"a": 2, "b": 1}', id="order-means-nothing"),
        pytest.param("a\nb\t", '"a\\nb\\t"', id="line-breaks"),
        pytest.param("\x1b[31m", '"\\u001b[31m"', id="escape-sequence"),
        pytest.param("\x9b31m", '"\\x9b31m"', id="eight-bit-escape"),
        pytest.param("\u202eabc", '"\\u202eabc"', id="right-to-left"),
        pytest.param("x" * (MAX_VALUE - 2), '"' + "x" * (MAX_VALUE - 2) + '"', id="just-fits"),
        pytest.param("x" * (MAX_VALUE - 1), '"' + "x" * (MAX_VALUE - 2) + "…", id="cut"),
    ],
)
def test_a_value(value: object, text: str) -> None:
    assert shorten(printable(on_one_line(value)), MAX_VALUE) == text
    assert len(text) <= MAX_VALUE


def test_changes_that_were_not_begun_are_folded() -> None:
    (skipped,) = [one for one in REPORT.outcomes if one.status is Status.SKIPPED]
    many = [
        replace(skipped, address=Address("shop", "Product", f"n{i}"), because_of=(), detail="not begun")
        for i in range(2000)
    ]
    text = render_report(replace(REPORT, outcomes=(skipped, *many)))
    assert text.count("not begun") == 3
    assert "… the same of 1997 others" in text
    assert "because of shop.Shop/main" in text
    assert "2001 skipped" in text


def test_nothing_from_a_live_system_reaches_the_terminal_as_a_control_character() -> None:
    evil = "\x1b[2J\x9b\u202e\r"
    change = replace(
        UPDATE,
        fields=(changed((evil,), evil, evil),),
        notes=(evil,),
        caveats=(evil,),
        requests=(PlannedRequest(method="PUT", path=f"/{evil}", body={evil: evil}, has_body=True),),
    )
    follow_up = replace(FOLLOW_UP, title=evil, request=PlannedRequest(method="POST", path=evil))
    plan = Plan(target="t", changes=(change,), follow_ups=(follow_up,))
    outcome = replace(REPORT.outcomes[2], detail=evil, hint=evil, moved=(Moved(path=(evil,), planned=evil, now=evil),))
    report = replace(REPORT, outcomes=(outcome,), follow_ups=())
    said = render_plan(plan, show_unchanged=True, show_requests=True) + render_report(report) + render_outcome(outcome)
    assert [c for c in said if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 changes"), (1, "1 change"), (2, "2 changes")],
)
def test_plural(count: int, text: str) -> None:
    assert plural(count, "change") == text


def test_an_irregular_plural() -> None:
    assert (plural(1, "entry", "entries"), plural(2, "entry", "entries")) == ("1 entry", "2 entries")


def test_colour_is_decoration() -> None:
    for text, same in [
        (render_plan(PLAN, COLOURED), render_plan(PLAN)),
        (render_plan(PLAN, COLOURED, show_unchanged=True, show_requests=True),
         render_plan(PLAN, show_unchanged=True, show_requests=True)),
        (render_report(REPORT, COLOURED), render_report(REPORT)),
        (render_diagnostics([WARNING, BLOCKER], COLOURED), render_diagnostics([WARNING, BLOCKER])),
    ]:  # fmt: skip
        assert text != same
        assert plain(text) == same
        assert "\x1b" not in same


def test_painting() -> None:
    assert COLOURED.paint("x", "red", "bold") == "\x1b[31;1mx\x1b[0m"
    assert COLOURED.paint("", "red") == ""
    assert PLAIN.paint("x", "red") == "x"


def test_printable_keeps_what_can_be_seen() -> None:
    assert printable("é ✓ \U0001f375") == "é ✓ \U0001f375"
    assert printable("a\0b\x7f") == "a\\x00b\\x7f"


def test_the_addresses_in_a_plan_are_in_its_own_order() -> None:
    plan = Plan(target="t", changes=(UPDATE, CREATE))
    heads = [line.split()[1] for line in render_plan(plan).splitlines() if line.startswith(("  ~", "  +"))]
    assert heads == [str(address("tea")), str(address("coffee"))]


def test_what_goes_away_is_shown_with_the_reason() -> None:
    assert (
        render_plan(LEAVING)
        == """\
Plan for production: 1 to replace, 1 to delete, 1 to disable, 2 to forget; 5 write requests at most.

  -/+ shop.Product/tea  replace
      ~ /region  "eu" → "us"  (forces a new object)
      note: it is created first; the old one is deleted when nothing refers to it any more
      → PATCH /products/7
      → POST /products/7/publish  (if the answer says draft)

  - shop.Product/tea (replaced)  delete
      because: replaced by the new shop.Product/tea
      note: warning: it is gone for good
      → DELETE /products/tea (replaced)

  - shop.Product/cocoa  delete
      because: no manifest states it any more
      note: warning: it is gone for good
      → DELETE /products/cocoa

  - shop.Product/juice  disable
      because: no manifest states it any more
      → PATCH /products/juice

  - shop.Product/soda  forget
      because: no manifest states it any more

  - shop.Product/wine  forget
      because: no manifest states it any more"""
    )
