"""Plans and diagnostics as text for people. Pure; deterministic: address order, no times."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from reconciler.core.departure import Way
from reconciler.core.lookalikes import told_apart
from reconciler.core.model import (
    Action,
    Change,
    Comparability,
    Diagnostic,
    FieldChange,
    Operation,
    Plan,
    PlannedFollowUp,
    Severity,
)
from reconciler.core.pointer import format_pointer
from reconciler.render.escapes import printable
from reconciler.render.style import PLAIN, Style
from reconciler.render.values import on_one_line, shorten, shorten_pair

_ACTIONS = {
    Action.CREATE: ("+", "green", "to create"),
    Action.UPDATE: ("~", "yellow", "to update"),
    Action.REPLACE: ("-/+", "magenta", "to replace"),
    Action.DELETE: ("-", "red", "to delete"),
    Action.ADOPT: ("=", "cyan", "to adopt"),
    Action.UNCHANGED: (" ", "dim", "unchanged"),
}
_WAYS = {
    Way.DISABLE: ("disable", "red"),
    Way.FORGET: ("forget", "yellow"),
    Way.GONE: ("forget", "yellow"),
}
"""Deletes that are called otherwise, since the object stays, or is gone already."""
_OPERATIONS = {
    Operation.ADD: ("+", "green"),
    Operation.CHANGE: ("~", "yellow"),
    Operation.REMOVE: ("-", "red"),
}
_SEVERITIES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_NAMED = 3  # of the objects that a folded note is about as well
_SCREEN = 60  # lines; the summary of a longer plan is repeated at its end
MAX_VALUE = 100  # characters of one value on its line


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: `1 change`, `2 changes`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


# --------------------------------------------------------------------------- diagnostics


def render_diagnostics(diagnostics: Sequence[Diagnostic], style: Style = PLAIN, *, folded: bool = False) -> str:
    """Return one line per diagnostic, `path:line:column: severity: code: message`, and its hint below.

    With `folded`, notes that say the same of many objects are one, with how many there are and the first of them.
    """
    lines = []
    alike = _alike(diagnostics) if folded else [[one] for one in diagnostics]
    for diagnostic, *others in alike:
        where = f"{printable(str(diagnostic.source))}: " if diagnostic.source is not None else ""
        severity = style.paint(diagnostic.severity.value, _SEVERITIES[diagnostic.severity], "bold")
        lines.append(f"{style.paint(where, 'bold')}{severity}: {diagnostic.code}: {printable(diagnostic.message)}")
        if diagnostic.hint:
            lines.append(style.paint(f"    hint: {printable(diagnostic.hint)}", "dim"))
        if others:
            names = ", ".join(printable(str(one.address)) for one in others[:_NAMED])
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            lines.append(style.paint(f"    the same of {len(others)} others: {names}{more}; -v shows each", "dim"))
    return "\n".join(lines)


def _alike(diagnostics: Sequence[Diagnostic]) -> list[list[Diagnostic]]:
    """Return the diagnostics in order, with the notes that differ in nothing but their address together."""
    groups: dict[object, list[Diagnostic]] = {}
    for index, one in enumerate(diagnostics):
        key: object = index
        if one.severity is Severity.NOTE and one.address is not None and one.source is None:
            key = (one.code, *(text.replace(str(one.address), "…") for text in (one.message, one.hint)))
        groups.setdefault(key, []).append(one)
    return list(groups.values())


# --------------------------------------------------------------------------- plan


def summarize_plan(plan: Plan, style: Style = PLAIN) -> str:
    """Return the one line that says what the plan would do, or what moved live."""
    if plan.shows_drift:
        return _summarize_drift(plan, style)
    parts = [
        style.paint(f"{count} {words}", colour)
        for words, (count, colour) in _counted(plan.changes).items()
        if words != _ACTIONS[Action.UNCHANGED][2]
    ]
    unchanged = sum(change.action is Action.UNCHANGED for change in plan.changes)
    if plan.follow_ups:
        parts.append(style.paint(plural(len(plan.follow_ups), "follow-up"), "cyan"))
    if not parts and plan.destroys:
        text = "nothing to delete"
    elif not parts and plan.blockers:
        text = f"{unchanged} unchanged"
    elif not parts:
        text = f"nothing to do: {plural(unchanged, 'resource')} as declared"
    else:
        text = ", ".join([*parts, *([f"{unchanged} unchanged"] if unchanged else [])])
        text += f"; {_writes(plan)}"
    if plan.blockers:
        text += "; " + style.paint(f"blocked by {plural(len(plan.blockers), 'problem')}", "red", "bold")
    if plan.snapshot_at:
        text += f"; from a snapshot of {printable(plan.snapshot_at)}, needs a refresh before apply"
    title = "Plan to destroy in" if plan.destroys else "Plan for"
    return f"{style.paint(f'{title} {printable(plan.target)}:', 'bold')} {text}."


def _counted(changes: Sequence[Change]) -> dict[str, tuple[int, str]]:
    """Return how many objects there are to create, to update and so on, with the colour of each.

    The old object of a replacement is not counted beside the new one.
    """
    order = {words: colour for _, colour, words in _ACTIONS.values()} | {f"to {w}": c for w, c in _WAYS.values()}
    counts = Counter(_counts_as(change) for change in changes if not _is_replaced(change))
    return {words: (counts[words], colour) for words, colour in order.items() if counts[words]}


def _counts_as(change: Change) -> str:
    if change.departure is not None and change.departure.way in _WAYS:
        return f"to {_WAYS[change.departure.way][0]}"
    return _ACTIONS[change.action][2]


def _is_replaced(change: Change) -> bool:
    return change.departure is not None and change.departure.replaced is not None


def _sign(change: Change, *, drift: bool) -> tuple[str, str, str]:
    """Return the sign, the colour and the word for what is done; of a drift, for what happened."""
    symbol, colour, _ = _ACTIONS[change.action]
    if drift and not change.is_idle:
        vanished = change.action is Action.CREATE
        return "-" if vanished else "~", "red" if vanished else "yellow", drift_word(change)
    return symbol, colour, _verb(change)


def drift_word(change: Change) -> str:
    """Return what happened to a live object that drifted, in one word."""
    return "vanished" if change.action is Action.CREATE else "moved"


def _verb(change: Change) -> str:
    """Return what is done, in one word."""
    if change.departure is not None and change.departure.way in _WAYS:
        return _WAYS[change.departure.way][0]
    return change.action.value


def _summarize_drift(plan: Plan, style: Style) -> str:
    vanished = sum(change.action is Action.CREATE for change in plan.pending)
    moved = len(plan.pending) - vanished
    parts = [style.paint(f"{moved} moved live", "yellow")] if moved else []
    parts += [style.paint(f"{vanished} vanished", "red")] if vanished else []
    others = len(plan.changes) - len(plan.pending)
    parts += [f"{plural(others, 'resource')} without"] if parts and others else []
    text = ", ".join(parts) or f"none in {plural(others, 'resource')}"
    if plan.blockers:
        text += "; " + style.paint(f"{plural(len(plan.blockers), 'problem')} in the way of telling", "red", "bold")
    return f"{style.paint(f'Drift for {printable(plan.target)}:', 'bold')} {text}."


def _writes(plan: Plan) -> str:
    """Return how many requests write; those that depend on the answer to an earlier one are counted as well."""
    requests = [request for change in plan.changes for request in change.requests]
    at_most = " at most" if any(request.only_if for request in requests) else ""
    return plural(len(requests) + len(plan.follow_ups), "write request") + at_most


def render_plan(plan: Plan, style: Style = PLAIN, *, show_unchanged: bool = False, show_requests: bool = False) -> str:
    """Return the plan: summary first, then each change with its fields and requests, then what blocks it."""
    blocks = [summarize_plan(plan, style)]
    for change in plan.changes:
        if change.action is not Action.UNCHANGED or show_unchanged or change.notes:
            sign = _sign(change, drift=plan.shows_drift)
            blocks.append(_render_change(change, sign, style, show_requests=show_requests))
    blocks += [_render_follow_up(follow_up, style) for follow_up in plan.follow_ups]
    blocks += [style.paint(f"  {line}", "yellow") for line in untold_secrets(plan)]
    doubtful = sum(
        change.is_idle and bool(change.caveats) and not (change.unsent or change.forgotten) for change in plan.changes
    )
    if doubtful and not show_unchanged:
        which = plural(doubtful, "unchanged resource holds", "unchanged resources hold")
        blocks.append(style.paint(f"  {which} values that could not be compared; -v shows which.", "dim"))
    if plan.diagnostics:
        blocks.append(render_diagnostics(plan.diagnostics, style, folded=not show_unchanged))
    if plan.blockers:
        blocks.append(style.paint("Blocked:", "red", "bold") + "\n" + render_diagnostics(plan.blockers, style))
    if sum(block.count("\n") + 2 for block in blocks) > _SCREEN:
        blocks.append(blocks[0])  # once more, where the reader arrives
    return "\n\n".join(blocks)


def untold_secrets(plan: Plan) -> list[str]:
    """Return how many secrets the ledger cannot tell to be applied, and what to do about it: a line for each cause."""
    lines = []
    for cause, secrets in (
        ("never sent from here", {str(one.address): len(one.unsent) for one in plan.changes if one.unsent}),
        ("sent with another ledger key", {str(o.address): len(o.forgotten) for o in plan.changes if o.forgotten}),
    ):
        if secrets:
            first, *others = secrets
            where = printable(first) + (f" and {plural(len(others), 'other')}" if others else "")
            way = "`ledger rekey` compares them" if cause.startswith("sent") else "`--resend` sends them"
            lines.append(
                f"{cause}: {plural(sum(secrets.values()), 'secret')} of {where} "
                f"({way}, `apply --trust-secrets` takes them for applied, -v shows which)"
            )
    return lines


def _render_change(change: Change, sign: tuple[str, str, str], style: Style, *, show_requests: bool) -> str:
    symbol, colour, word = sign
    blind = "  (not verified against live)" if change.comparability is Comparability.UNREADABLE else ""
    head = f"  {symbol} {printable(str(change.address))}  {word}{blind}"
    lines = [style.paint(head, colour) if change.is_idle else style.paint(head, colour, "bold")]
    width = max((len(format_pointer(field.path)) for field in change.fields), default=0)
    lines += [_render_field(field, min(width, 40), style) for field in change.fields]
    if change.action is Action.ADOPT:
        lines.append(style.paint(f"      {printable(change.reason)}", "dim"))
    if change.departure is not None:
        lines.append(style.paint(f"      because: {printable(change.reason)}", "dim"))
    lines += [style.paint(f"      note: {printable(note)}", "dim") for note in (*change.notes, *change.caveats)]
    for request in change.requests:
        only_if = f"  (if {request.only_if})" if request.only_if else ""
        lines.append(style.paint(f"      → {request.method} {printable(request.path)}{only_if}", "blue"))
        if show_requests and request.has_body:
            body = json.dumps(request.body, indent=2, ensure_ascii=False, sort_keys=True)
            lines += [style.paint("        " + printable(line), "dim") for line in body.split("\n")]
    if change.guard and not change.is_idle and show_requests:
        lines.append(style.paint(f"      guard: {change.guard}", "dim"))
    return "\n".join(lines)


def _render_follow_up(follow_up: PlannedFollowUp, style: Style) -> str:
    lines = [style.paint(f"  ↻ {follow_up.system}: {printable(follow_up.title)}", "cyan", "bold")]
    if follow_up.overdue:
        lines.append(style.paint("      due already, whatever changes now", "dim"))
    after = ", ".join(printable(str(address)) for address in sorted(follow_up.waits_for))
    if after:
        lines.append(style.paint(f"      once, after {after}", "dim"))
    lines.append(style.paint(f"      → {follow_up.request.method} {printable(follow_up.request.path)}", "blue"))
    return "\n".join(lines)


def _render_field(field: FieldChange, width: int, style: Style) -> str:
    symbol, colour = _OPERATIONS[field.operation]
    name = printable(format_pointer(field.path))
    cause = style.paint(f"  [{field.cause.value}]", "dim") if field.cause.value else ""
    note = style.paint(f"  ({field.note})", "magenta") if field.note else ""
    head = f"      {style.paint(symbol, colour)} "
    before, after = _values(field)
    if not before or not after:
        return f"{head}{name.ljust(width)}  {before or after}{cause}{note}"
    if len(before) + len(after) <= MAX_VALUE:
        return f"{head}{name.ljust(width)}  {before} → {after}{cause}{note}"
    # Below each other, where the eye finds what differs.
    was, becomes = style.paint("-", "red"), style.paint("+", "green")
    return f"{head}{name}{cause}{note}\n          {was} {before}\n          {becomes} {after}"


def _values(field: FieldChange) -> tuple[str, str]:
    """Return what is shown before and after, one of them "" where a single text says it all."""
    if field.sensitive:
        words = {
            Operation.ADD: "(sensitive, will be set)",
            Operation.CHANGE: "(sensitive, will change)",
            Operation.REMOVE: "(sensitive, will be removed)",
        }
        return "", words[field.operation]
    before, after = (printable(text) for text in told_apart(on_one_line(field.before), on_one_line(field.after)))
    if not field.known:
        before, after = shorten(before, MAX_VALUE), "(known after apply)"
    match field.operation:
        case Operation.ADD:
            return "", shorten(after, MAX_VALUE)
        case Operation.REMOVE:
            return shorten(before, MAX_VALUE), "(removed)"
        case Operation.CHANGE:
            return shorten_pair(before, after, MAX_VALUE)
