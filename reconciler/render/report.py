"""What an apply did as text for people: what went wrong with its next steps, a table by kind, a summary. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.core.pointer import MISSING, format_pointer
from reconciler.core.report import Ending, FollowUpOutcome, Leftover, Moved, Outcome, Report, Status
from reconciler.render.escapes import printable
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import MAX_VALUE, plural, render_diagnostics
from reconciler.render.values import all_told_apart, on_one_line, shorten

_STATUSES = {
    Status.APPLIED: "green",
    Status.UNCHANGED: "dim",
    Status.FAILED: "red",
    Status.SKIPPED: "yellow",
    Status.CONFLICT: "magenta",
    Status.IN_DOUBT: "magenta",
}
_SHOWN = 3  # of the changes that were not begun for the same reason
_ENDINGS = {
    Ending.COMPLETE: "",
    Ending.OUT_OF_TIME: "The time limit of the run passed: nothing more was begun. Run again to go on.",
    Ending.INTERRUPTED: "Interrupted: nothing more was begun, and what had begun was finished. Run again to go on.",
    Ending.CUT_OFF: "Cut off: what had begun may have been done or not. Plan again to see.",
    Ending.HALTED: "Ended before everything was tried: nothing more was sent. Run again to go on.",
}


def render_outcome(outcome: Outcome, style: Style = PLAIN) -> str:
    """Return the line that says how one change ended."""
    status = style.paint(outcome.status.value, _STATUSES[outcome.status], "bold")
    took = f"  ({outcome.seconds:.1f} s, {_sent(outcome.requests, outcome.attempts)})" if outcome.requests else ""
    detail = f": {printable(outcome.detail)}" if outcome.detail else ""
    return f"  {printable(str(outcome.address))}  {outcome.action.value}  {status}{detail}{took}"


def _sent(requests: int, attempts: int) -> str:
    again = f", {attempts} attempts" if attempts > requests else ""
    return plural(requests, "request") + again


def summarize_report(report: Report, style: Style = PLAIN) -> str:
    """Return the one line that says what the apply did."""
    counts = Counter(outcome.status for outcome in report.outcomes)
    parts = [style.paint(f"{counts[s]} {s.value}", c) for s, c in _STATUSES.items() if counts[s]]
    took = f"{report.seconds:.1f} s, {_sent(report.requests, report.attempts)}"
    return f"{style.paint(f'Applied to {printable(report.target)}:', 'bold')} {', '.join(parts) or 'nothing'}; {took}."


def render_report(report: Report, style: Style = PLAIN) -> str:
    """Return the table, what went wrong with its next steps, and the summary last: the end is what a screen shows."""
    lines = list(_table(report, style))
    wrong: list[str] = []
    alike: dict[str, list[Outcome]] = {}  # by the reason why they were not begun
    for outcome in report.outcomes:
        if outcome.status is Status.SKIPPED and not outcome.because_of:
            alike.setdefault(outcome.detail, []).append(outcome)
        elif outcome.status not in (Status.APPLIED, Status.UNCHANGED):
            wrong += _explain(outcome, style)
    for group in alike.values():
        for outcome in group[:_SHOWN]:
            wrong += _explain(outcome, style)
        if len(group) > _SHOWN:
            wrong.append(style.paint(f"  … the same of {len(group) - _SHOWN} others", "dim"))
    for follow_up in report.follow_ups:
        wrong += _follow_up(follow_up, style)
    if lines and wrong:
        lines.append("")
    lines += wrong
    if report.problems:
        lines.append(render_diagnostics(report.problems, style))
    lines += _unguarded(report, style)
    if report.ending is not Ending.COMPLETE:
        lines.append(style.paint(_ENDINGS[report.ending], "yellow", "bold"))
    return "\n".join([*lines, summarize_report(report, style)])


def _unguarded(report: Report, style: Style) -> Iterator[str]:
    """Yield one line for each guard that a kind asks for and that was not in force."""
    counts = Counter(
        (f"{one.address.system}.{one.address.kind}", reason) for one in report.outcomes for reason in one.unguarded
    )
    for (kind, reason), count in sorted(counts.items()):
        warning = style.paint("warning", "yellow", "bold")
        yield f"{warning}: guard-off: {printable(kind)}: {printable(reason)} ({plural(count, 'object')})"


def _follow_up(one: FollowUpOutcome, style: Style) -> Iterator[str]:
    status = style.paint(one.status.value, _STATUSES[one.status], "bold")
    detail = f": {printable(one.detail)}" if one.detail else ""
    yield f"  {one.system}: {printable(one.title)}  {printable(one.request.path)}  {status}{detail}"
    if one.hint:
        yield style.paint(f"      hint: {printable(one.hint)}", "dim")


def _explain(outcome: Outcome, style: Style) -> Iterable[str]:
    yield render_outcome(outcome, style)
    if outcome.source is not None:
        yield style.paint(f"      manifest: {printable(str(outcome.source))}", "dim")
    yield from (_moved(one) for one in outcome.moved)
    yield from (_leftover(one, style) for one in outcome.leftovers)
    if outcome.hint:
        yield style.paint(f"      hint: {printable(outcome.hint)}", "dim")


def _moved(one: Moved) -> str:
    sides = {"planned on": one.planned, "is now": one.now, "wanted": one.wanted}
    texts = all_told_apart({word: _text(value, hidden=one.sensitive) for word, value in sides.items()})
    shown = "; ".join(f"{word} {shorten(printable(text), MAX_VALUE)}" for word, text in texts.items())
    return f"      {printable(format_pointer(one.path))}: {shown}"


def _leftover(one: Leftover, style: Style) -> str:
    line = f", described by `{printable(one.line)}`" if one.line else ", which nothing in a definition describes"
    place = style.paint(f"  ({printable(one.place)}, {printable(str(one.source))})", "dim")
    return f"      {printable(format_pointer(one.path))}: {one.cause.value}{line}{place}"


def _text(value: Any, *, hidden: bool) -> str:
    if value is MISSING:
        return "(not set)"
    return "(sensitive)" if hidden else on_one_line(value)


# --------------------------------------------------------------------------- table


def _table(report: Report, style: Style) -> Iterator[str]:
    """Yield one line for each kind where something happened, with the columns that hold something."""
    kinds: dict[str, list[Outcome]] = {}
    for outcome in report.outcomes:
        kinds.setdefault(printable(f"{outcome.address.system}.{outcome.address.kind}"), []).append(outcome)
    shown = {name: kinds[name] for name in sorted(kinds) if any(o.status is not Status.UNCHANGED for o in kinds[name])}
    if not shown:
        return
    among = [outcome for outcomes in shown.values() for outcome in outcomes]
    statuses = [s for s in _STATUSES if any(outcome.status is s for outcome in among)]
    repeated = any(outcome.attempts > outcome.requests for outcome in among)
    rows = [["kind", *(s.value for s in statuses), "requests", *(["attempts"] if repeated else []), "seconds"]]
    for name, outcomes in shown.items():
        counts = Counter(outcome.status for outcome in outcomes)
        sent = [str(sum(o.requests for o in outcomes)), *([str(sum(o.attempts for o in outcomes))] if repeated else [])]
        seconds = f"{sum(o.seconds for o in outcomes):.1f}"
        rows.append([name, *(str(counts[s] or "-") for s in statuses), *sent, seconds])
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        line = "  " + "  ".join([row[0].ljust(widths[0]), *cells])
        yield style.paint(line, "dim") if number == 0 else line
    if len(kinds) > len(shown):
        yield style.paint(f"  … {plural(len(kinds) - len(shown), 'kind')} unchanged", "dim")
