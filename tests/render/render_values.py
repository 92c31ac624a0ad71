"""One plan and one report that hold a bit of everything, for looking at how they are shown."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.address import Address
from reconciler.core.departure import Departure, Limits, Way
from reconciler.core.model import (
    Action,
    Cause,
    Change,
    Comparability,
    Diagnostic,
    FieldChange,
    Operation,
    Plan,
    PlannedFollowUp,
    PlannedRequest,
    Resource,
    Severity,
    Source,
)
from reconciler.core.pointer import Path
from reconciler.core.report import FollowUpOutcome, Leftover, Moved, Outcome, Report, Status
from reconciler.core.report import LeftoverCause as LikelyCause


def address(name: str, kind: str = "Product") -> Address:
    return Address("shop", kind, name)


def resource(name: str, line: int = 1) -> Resource:
    source = Source("shop.yaml", line, 1)
    return Resource(address=address(name), spec={}, source=source, locate=lambda path, key=False: source)


def added(*path: str | int, after: object, sensitive: bool = False, known: bool = True) -> FieldChange:
    return FieldChange(operation=Operation.ADD, path=path, after=after, sensitive=sensitive, known=known)


def changed(path: Path, before: object, after: object, cause: Cause = Cause.UNKNOWN) -> FieldChange:
    return FieldChange(operation=Operation.CHANGE, path=path, before=before, after=after, cause=cause)


def removed(*path: str | int, before: object) -> FieldChange:
    return FieldChange(operation=Operation.REMOVE, path=path, before=before)


CREATE = Change(
    address=address("coffee"),
    action=Action.CREATE,
    resource=resource("coffee", 1),
    fields=(
        added("shop", after=None, known=False),
        added("title", after="Coffee"),
        added("token", after="(sensitive)", sensitive=True),
    ),
    digest="d1",
    guard="created only where none is found",
    reason="no live object",
    requests=(
        PlannedRequest(
            method="POST",
            path="/shops/{Shop/main}/products",
            body={"title": "Coffee", "token": "(sensitive)"},
            has_body=True,
        ),
    ),
    waits_for=frozenset({address("main", "Shop")}),
)

UPDATE = Change(
    address=address("tea"),
    action=Action.UPDATE,
    resource=resource("tea", 9),
    fields=(
        changed(("price",), 3, 4, Cause.MANIFEST),
        changed(("tags",), ["b"], ["a", "b"], Cause.DRIFT),
        removed("note", before="old"),
        FieldChange(operation=Operation.CHANGE, path=("token",), sensitive=True, cause=Cause.BOTH),
        FieldChange(operation=Operation.REMOVE, path=("pin",), sensitive=True),
    ),
    digest="d2",
    live_digest="l2",
    guard="read again and compared",
    requests=(
        PlannedRequest(method="PATCH", path="/products/7", body={"price": 4}, has_body=True),
        PlannedRequest(method="POST", path="/products/7/publish", only_if="the answer says draft"),
    ),
    notes=("the value of /stock stays",),
    caveats=("/mask could not be compared",),
)

BLIND = Change(
    address=address("settings"),
    action=Action.UPDATE,
    resource=resource("settings", 20),
    fields=(added("limit", after={"b": 1, "a": [True, None]}),),
    digest="d3",
    comparability=Comparability.UNREADABLE,
    requests=(PlannedRequest(method="PUT", path="/settings"),),
)

DELETE = Change(
    address=address("old"), action=Action.DELETE, resource=resource("old", 30), digest="d4",
    requests=(PlannedRequest(method="DELETE", path="/products/3"),),
)  # fmt: skip

REPLACE = replace(
    UPDATE,
    action=Action.REPLACE,
    fields=(replace(changed(("region",), "eu", "us"), note="forces a new object"),),
    notes=("it is created first; the old one is deleted when nothing refers to it any more",),
    caveats=(),
)


def leaving(name: str, way: Way, reason: str, replaced: Address | None = None) -> Change:
    """Return the delete of an object that no manifest states."""
    requests = (PlannedRequest(method="DELETE", path=f"/products/{name}"),) if way is Way.DELETE else ()
    if way is Way.DISABLE:
        requests = (PlannedRequest(method="PATCH", path=f"/products/{name}", body={"on": False}, has_body=True),)
    departure = Departure(way=way, replaced=replaced)
    return Change(
        address=address(name), action=Action.DELETE, resource=None, departure=departure, reason=reason, digest="d",
        requests=requests, notes=("warning: it is gone for good",) if way is Way.DELETE else (),
    )  # fmt: skip


LEAVING = Plan(
    target="production",
    changes=(
        REPLACE,
        leaving("tea (replaced)", Way.DELETE, "replaced by the new shop.Product/tea", address("tea")),
        leaving("cocoa", Way.DELETE, "no manifest states it any more"),
        leaving("juice", Way.DISABLE, "no manifest states it any more"),
        leaving("soda", Way.FORGET, "no manifest states it any more"),
        leaving("wine", Way.GONE, "no manifest states it any more"),
    ),
    limits=Limits(max_deletes=5, max_change_share=0.3, managed=frozenset({address("tea"), address("cocoa")})),
)

UNCHANGED = Change(address=address("water"), action=Action.UNCHANGED, resource=resource("water", 40), digest="d5")

DOUBTFUL = replace(UNCHANGED, address=address("milk"), caveats=("/token is masked",))

WARNING = Diagnostic(
    severity=Severity.WARNING,
    code="slow-settle",
    message="reads may lag",
    source=Source("shop.yaml", 9, 3),
    hint="wait a little",
)

BLOCKER = Diagnostic(severity=Severity.ERROR, code="two-matches", message="two objects match", address=address("tea"))

FOLLOW_UP = PlannedFollowUp(
    key="k",
    system="shop",
    title="publish the catalogue",
    address=address("tea"),
    request=PlannedRequest(method="POST", path="/publish"),
    waits_for=frozenset({address("tea"), address("coffee")}),
)

PLAN = Plan(
    target="production",
    changes=(CREATE, DOUBTFUL, DELETE, BLIND, UPDATE, UNCHANGED),
    follow_ups=(FOLLOW_UP,),
    diagnostics=(WARNING,),
    blockers=(BLOCKER,),
    requests_made=5,
)

REPORT = Report(
    target="production",
    plan_digest="p1",
    outcomes=(
        Outcome(
            address=address("coffee"),
            action=Action.CREATE,
            status=Status.APPLIED,
            remote_id="9",
            requests=2,
            attempts=2,
            seconds=0.25,
        ),
        Outcome(address=address("water"), action=Action.UNCHANGED, status=Status.UNCHANGED),
        Outcome(
            address=address("tea"),
            action=Action.UPDATE,
            status=Status.CONFLICT,
            detail="it moved since the plan",
            hint="plan again",
            remote_id="7",
            requests=1,
            attempts=2,
            moved=(
                Moved(path=("price",), planned=3, now=5, wanted=4),
                Moved(path=("token",), planned="(sensitive)", now="(sensitive)", wanted="(sensitive)", sensitive=True),
                Moved(path=("note",), now="new", wanted="old"),
                Moved(path=("tags",), planned=["b"]),
            ),
        ),
        Outcome(
            address=address("old"),
            action=Action.DELETE,
            status=Status.FAILED,
            detail="409: it is in use",
            requests=3,
            attempts=3,
            seconds=1.0,
        ),
        Outcome(
            address=address("rice"),
            action=Action.CREATE,
            status=Status.SKIPPED,
            detail="because of shop.Shop/main",
            because_of=(address("main", "Shop"),),
        ),
        Outcome(
            address=address("main", "Shop"),
            action=Action.UPDATE,
            status=Status.FAILED,
            detail="not kept",
            requests=2,
            attempts=2,
            leftovers=(
                Leftover(
                    path=("tags",),
                    cause=LikelyCause.ORDER,
                    line="x-list: set",
                    place="schema.properties.tags",
                    source=Source("schemas/shop.yaml", 12, 5),
                    wanted=["b", "a"],
                    held=["a", "b"],
                ),
                Leftover(
                    path=("pin",),
                    cause=LikelyCause.CHANGED,
                    line="",
                    place="schema.properties.pin",
                    source=Source("s.yaml", 14, 5),
                    wanted="(sensitive)",
                    held="(sensitive)",
                    sensitive=True,
                ),
            ),
        ),
    ),
    follow_ups=(
        FollowUpOutcome(
            title="publish the catalogue",
            system="shop",
            request=PlannedRequest(method="POST", path="/publish"),
            status=Status.FAILED,
            detail="500",
            hint="apply again",
        ),
    ),
    seconds=2.5,
    requests=8,
    attempts=9,
    started_at="2030-01-01T00:00:00Z",
    finished_at="2030-01-01T00:00:02Z",
    kinds={"shop.Shop": "v1", "shop.Product": "v2"},
)
