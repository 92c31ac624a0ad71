"""What one run found, as plain JSON documents that hold no secret: what every output but text is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.core.model import UNDECLARED, JsonObject
from reconciler.core.records import dataclass
from reconciler.render.values import moved_sides, sides

SYMBOLS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "adopt": "=", "unchanged": " "}
RISKY = ("replace", "delete")
IDLE = ("unchanged", "adopt")  # nothing is sent
DRIFT_SYMBOLS = {"moved": "~", "vanished": "-"}
_LEFT = (UNDECLARED, "not-pruned")
FINE = ("applied", "unchanged")
_VALUE = 80  # characters of a value in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The documents of one run, as `machine` makes them, each None where the run did not come to it."""

    target: str = ""
    configuration: str = ""  # path of the file that the run was configured by
    plan: JsonObject | None = None
    report: JsonObject | None = None  # what an apply did; `plan` is then what it was asked to do
    mistakes: JsonObject | None = None  # what is wrong with files, or what is to be said about them
    error: JsonObject | None = None  # why the run ended early

    @property
    def about_drift(self) -> bool:
        """Whether the run asked what moved, rather than what is to be done."""
        return self.plan is not None and self.plan["kind"] == "drift"

    @property
    def headline(self) -> str:
        """The one line that says what came of it."""
        if self.error is not None:
            return str(self.error["message"])
        if self.report is not None:
            return str(self.report["headline"])
        if self.plan is not None:
            return str(self.plan["headline"])
        count = len(self.diagnostics)
        return f"{count} {'mistake' if count == 1 else 'mistakes'}" if count else "everything is valid"

    @property
    def pending(self) -> list[JsonObject]:
        """The changes of the plan that would do something."""
        changes = [] if self.plan is None else self.plan["changes"]
        return [change for change in changes if change["action"] not in IDLE]

    @property
    def adopted(self) -> list[JsonObject]:
        """The objects that are as declared and will be recorded: nothing is sent for them."""
        return [] if self.plan is None else [one for one in self.plan["changes"] if one["action"] == "adopt"]

    @property
    def has_work(self) -> bool:
        """Whether an apply of the plan would do anything."""
        return bool(self.pending) or bool(self.plan and self.plan["followUps"])

    @property
    def leaves_something(self) -> bool:
        """Whether something is left that no change of the plan is about."""
        return any(one["severity"] == "warning" or one["code"] in _LEFT for one in self.diagnostics)

    @property
    def noted(self) -> list[JsonObject]:
        """The unchanged resources of the plan of which there is something to say."""
        changes = [] if self.plan is None else self.plan["changes"]
        return [one for one in changes if one["action"] in IDLE and notes_of(one)]

    @property
    def diagnostics(self) -> list[JsonObject]:
        """Everything that a person can mend, from wherever it was found, each once."""
        found: list[JsonObject] = []
        for document, names in (
            (self.mistakes, ("diagnostics",)),
            (self.error, ("diagnostics",)),
            (self.report, ("problems",)),
            (self.plan, ("blockers", "diagnostics")),
        ):
            for name in names:
                found += [one for one in (document or {}).get(name, ()) if one not in found]
        return found

    @property
    def unsettled(self) -> list[JsonObject]:
        """The outcomes that are not as they should be, with what is known of their changes."""
        if self.report is None:
            return []
        changes = {change["address"]: change for change in self.plan["changes"]} if self.plan is not None else {}
        return [
            {**changes.get(outcome["address"], {}), **outcome}
            for outcome in self.report["outcomes"]
            if outcome["status"] not in FINE
        ]

    @property
    def unsettled_follow_ups(self) -> list[JsonObject]:
        """The follow-ups that were not made."""
        follow_ups = [] if self.report is None else self.report["followUps"]
        return [one for one in follow_ups if one["status"] not in FINE]


def notes_of(change: JsonObject) -> list[str]:
    """Return what is to be said of a change besides its fields."""
    return [*change["notes"], *change["caveats"]]


def word_of(change: JsonObject) -> str:
    """Return in one word what is done with an object, or how it drifted."""
    return str(change.get("drift") or change["action"])


def symbol_of(change: JsonObject) -> str:
    """Return the sign for what is done with an object, or how it drifted."""
    return DRIFT_SYMBOLS.get(word_of(change)) or SYMBOLS[change["action"]]


def is_risky(change: JsonObject) -> bool:
    """Tell whether an object goes away or comes anew; what drifted is only shown."""
    return not change.get("drift") and change["action"] in RISKY


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing to say at a line of a file. Texts are as found: whoever shows them makes them harmless."""

    level: str  # error, warning, note
    rule: str
    message: str
    hint: str = ""
    address: str = ""
    path: str = ""
    line: int = 0  # 0: the file as a whole
    column: int = 0
    pointer: str = ""  # the field


def issues(findings: Findings, *, each_field: bool) -> list[Issue]:
    """Return everything to say about lines of files, the worst first; pending changes whole or field by field."""
    found = [_of_diagnostic(one) for one in findings.diagnostics]
    if findings.error is not None and not findings.error["diagnostics"]:
        found.append(
            Issue(level="error", rule="run-failed", message=findings.error["message"], hint=findings.error["hint"])
        )
    found += [_of_outcome(one) for one in findings.unsettled]
    found += [_of_follow_up(one) for one in findings.unsettled_follow_ups]
    if findings.report is None:
        for change in findings.pending:
            found += _of_fields(change) if each_field and change["fields"] else [_of_change(change)]
    order = ("error", "warning", "note")
    return sorted(found, key=lambda issue: (order.index(issue.level), issue.path, issue.line, issue.column))


def _of_diagnostic(one: JsonObject) -> Issue:
    return Issue(
        level=one["severity"],
        rule=one["code"],
        message=one["message"],
        hint=one["hint"],
        address=one["address"] or "",
        **_source(one),
    )


def _source(one: JsonObject) -> dict[str, Any]:
    return {"path": one.get("path") or "", "line": one.get("line") or 0, "column": one.get("column") or 0}


def _of_outcome(one: JsonObject) -> Issue:
    level = "warning" if one["status"] == "skipped" else "error"
    detail = f": {one['detail']}" if one["detail"] else ""
    first = f"{one['address']}: {one['action']} {one['status']}{detail}"
    return Issue(
        level=level,
        rule=f"{one['action']}-{one['status'].replace(' ', '-')}",
        message="\n".join([first, *differences_of(one)]),
        hint=one["hint"],
        address=one["address"],
        **_source(one),
    )


def differences_of(outcome: JsonObject) -> list[str]:
    """Return a line for each field that moved since the plan, or that the server did not keep."""
    lines = [f"{one['path']}: {moved_sides(one, _VALUE)}" for one in outcome["moved"]]
    for one in outcome["leftovers"]:
        described = f", described by {one['line']}" if one["line"] else ", which nothing in a definition describes"
        lines.append(f"{one['path']}: {one['cause']}{described} ({one['place']}, {one['definition']['path']})")
    return lines


def _of_follow_up(one: JsonObject) -> Issue:
    detail = f": {one['detail']}" if one["detail"] else ""
    return Issue(
        level="warning" if one["status"] == "skipped" else "error",
        rule=f"follow-up-{one['status'].replace(' ', '-')}",
        message=f"{follow_up_name(one)}: {one['status']}{detail}",
        hint=one["hint"],
    )


def follow_up_name(one: JsonObject) -> str:
    """Return what a follow-up is called."""
    return f"{one['system']}: {one['title']}: {one['request']['method']} {one['request']['path']}"


def _of_change(change: JsonObject) -> Issue:
    parts = [_in_words(field) for field in change["fields"]]
    first = change["fields"][0] if change["fields"] and change["action"] == "update" else change
    return Issue(
        level="warning" if is_risky(change) else "note",
        rule=_rule(change),
        message="\n".join([f"{change['address']}: {_in_a_phrase(change)}", *parts]),
        address=change["address"],
        path=change.get("path") or "",
        line=first.get("line") or 0,
        column=first.get("column") or 0,
    )


def _rule(change: JsonObject) -> str:
    return f"drift-{change['drift']}" if change.get("drift") else f"pending-{change['action']}"


def _in_a_phrase(change: JsonObject) -> str:
    return f"{change['drift']} live" if change.get("drift") else f"to {change['action']}"


def _of_fields(change: JsonObject) -> Iterator[Issue]:
    for field in change["fields"]:
        yield Issue(
            level="warning" if is_risky(change) else "note",
            rule=_rule(change),
            message=f"{change['address']}: {_in_a_phrase(change)}: {_in_words(field)}",
            address=change["address"],
            path=change.get("path") or "",
            line=field.get("line") or 0,
            column=field.get("column") or 0,
            pointer=field["path"],
        )


def _in_words(field: JsonObject) -> str:
    before, after = sides(field, _VALUE)
    match field["operation"]:
        case "add":
            words = after
        case "remove":
            words = f"{before} → (removed)"
        case _:
            words = after if field["sensitive"] else f"{before} → {after}"
    cause = f" [{field['cause']}]" if field["cause"] else ""
    return f"{field['path']}: {words}{cause}"
