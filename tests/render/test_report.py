"""What an apply did, for people: only the kinds where something happened, and what went wrong where it is seen."""

from __future__ import annotations

from reconciler.core.address import Address
from reconciler.core.model import Action
from reconciler.core.report import Outcome, Report, Status
from reconciler.render.report import render_report


def _outcome(kind: str, status: Status, detail: str = "") -> Outcome:
    action = Action.UNCHANGED if status is Status.UNCHANGED else Action.UPDATE
    return Outcome(address=Address("shop", kind, "tea"), action=action, status=status, detail=detail)


def test_only_kinds_where_something_happened_and_what_went_wrong_last() -> None:
    outcomes = [_outcome(f"Kind{n}", Status.UNCHANGED) for n in range(42)]
    outcomes += [_outcome("Product", Status.FAILED, "no such tea"), _outcome("Price", Status.APPLIED)]
    lines = render_report(Report(target="shop", plan_digest="", outcomes=tuple(outcomes))).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["kind", "shop.Price", "shop.Product"]
    assert lines[3] == "  … 42 kinds unchanged"
    assert "no such tea" in lines[-2]
    assert lines[-1].startswith("Applied to shop: 1 applied, 42 unchanged, 1 failed;")
