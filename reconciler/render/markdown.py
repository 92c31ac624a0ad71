"""Findings as Markdown for a comment on a pull request: a summary, a table, folded details, never too long. Pure.

The first line is a hidden mark by which the comment of the same target is found again. Foreign text stands in code
spans and blocks of code only, where nothing is markup, link or mention. For GitHub's and GitLab's Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from reconciler.core.model import JsonObject
from reconciler.core.records import dataclass
from reconciler.render.escapes import (
    html,
    markdown_code,
    markdown_fence,
    markdown_mark,
    markdown_text,
    markdown_url,
)
from reconciler.render.findings import (
    FINE,
    Findings,
    differences_of,
    follow_up_name,
    is_risky,
    notes_of,
    symbol_of,
    word_of,
)
from reconciler.render.values import on_one_line, sides

QUIET = "### ✅"
"""How the title begins where there is nothing to do and nothing to say."""

LIMIT = 60_000  # bytes; GitHub takes 65,536 characters, GitLab a million
_VALUE = 600  # characters of one value
_FOOTER = 500  # bytes kept for the last lines, beside the address in them
_LINES = 300  # of one change


@dataclass(slots=True)
class _Budget:
    """How many bytes are left."""

    left: int

    def take(self, blocks: Iterable[str], share: float = 1.0) -> tuple[list[str], int]:
        """Return the first blocks that fit into `share` of what is left, and how many do not."""
        room = int(self.left * share)
        taken: list[str] = []
        rest = 0
        for block in blocks:
            size = len(block.encode()) + 2  # the empty line between blocks
            if rest or size > room:
                rest += 1
                continue
            taken.append(block)
            room -= size
            self.left -= size
        return taken, rest


def render_markdown(findings: Findings, *, limit: int = LIMIT, details_url: str = "") -> str:
    """Return the comment, at most `limit` bytes of UTF-8. `details_url` is where all of it can be seen."""
    mark = markdown_mark(findings.target, drift=findings.about_drift, configuration=findings.configuration)
    head = [mark, _title(findings)]
    budget = _Budget(
        max(limit - _FOOTER - len(markdown_url(details_url)) - sum(len(line.encode()) + 2 for line in head), 0)
    )
    trouble, untold = budget.take(_trouble(findings), 0.5)
    rows = list(_rows(findings))
    table, unlisted = budget.take(rows[1:], 0.6) if rows else ([], 0)
    folded, unfolded = budget.take(_details(findings))
    blocks = [*head, *trouble]
    if table:
        blocks.append("\n".join([rows[0], *table]))
    blocks += folded
    return "\n\n".join([*blocks, *_footer(untold + max(unlisted, unfolded), details_url)]) + "\n"


def _title(findings: Findings) -> str:
    if findings.error is not None:
        name = f" for {markdown_code(findings.target)}" if findings.target else ""
        return f"### ❌ Nothing was done{name}"
    icon = "✅"
    failed = any(one["status"] != "skipped" for one in (*findings.unsettled, *findings.unsettled_follow_ups))
    if failed or any(one["severity"] == "error" for one in findings.diagnostics):
        icon = "❌"
    elif (
        findings.unsettled
        or findings.unsettled_follow_ups
        or findings.leaves_something
        or (findings.report is None and any(map(is_risky, findings.pending)))
    ):
        icon = "⚠️"
    elif findings.report is None and findings.has_work:
        icon = "📝"
    return f"### {icon} {markdown_text(findings.headline)}"


# --------------------------------------------------------------------------- what went wrong


def _trouble(findings: Findings) -> Iterator[str]:
    if findings.error is not None:
        hint = [f"hint: {findings.error['hint']}"] if findings.error["hint"] else []
        yield markdown_fence([*findings.error["message"].split("\n"), *_lines(hint)])
    diagnostics = findings.diagnostics
    for start in range(0, len(diagnostics), 10):
        lines = []
        for one in diagnostics[start : start + 10]:
            where = f"{one['path']}:{one['line']}:{one['column']}: " if one["path"] else ""
            lines.append(f"{where}{one['severity']}: {one['code']}: {one['message']}")
            lines += _lines([f"    hint: {one['hint']}"] if one["hint"] else [])
        yield markdown_fence(lines)


def _lines(texts: list[str]) -> list[str]:
    return [line for text in texts for line in text.split("\n")]


# --------------------------------------------------------------------------- the table


def _rows(findings: Findings) -> Iterator[str]:
    """Yield the head of the table and its rows; nothing for an empty one."""
    if findings.report is not None:
        outcomes = [one for one in findings.report["outcomes"] if one["status"] != "unchanged"]
        if outcomes:
            yield "| | Resource | Action | Outcome |\n|---|---|---|---|"
        for one in sorted(outcomes, key=lambda one: (one["status"] in FINE, one["address"])):
            mark = "✅" if one["status"] in FINE else "⏭️" if one["status"] == "skipped" else "❌"
            yield f"| {mark} | {markdown_code(one['address'])} | {one['action']} | {one['status']} |"
        return
    pending = findings.pending
    if pending:
        yield "| | Resource | Action | Fields | Manifest |\n|---|---|---|---|---|"
    for change in sorted(pending, key=lambda change: (not is_risky(change), change["address"])):
        where = markdown_code(f"{change['path']}:{change['line']}") if change["path"] else ""
        risky = f"**{change['action']}**" if is_risky(change) else word_of(change)
        yield (
            f"| {markdown_code(symbol_of(change))} | {markdown_code(change['address'])} | {risky} "
            f"| {len(change['fields']) or ''} | {where} |"
        )


# --------------------------------------------------------------------------- folded details


def _details(findings: Findings) -> Iterator[str]:
    if findings.report is not None:
        for outcome in findings.unsettled:
            yield _fold(f"{outcome['address']} {outcome['action']}: {outcome['status']}", _outcome(outcome))
        for one in findings.unsettled_follow_ups:
            yield _fold(f"{follow_up_name(one)}: {one['status']}", [markdown_fence([one["detail"], one["hint"]])])
        return
    for change in sorted(findings.pending, key=lambda change: (not is_risky(change), change["address"])):
        count = len(change["fields"])
        fields = f", {count} field{'s' if count != 1 else ''}" if count else ""
        title = f"{symbol_of(change)} {change['address']} {word_of(change)}{fields}"
        yield _fold(title, list(_change(change)))
    if findings.adopted:
        names = [
            f"- {markdown_code(change['address'])} {markdown_text(change['reason'])}" for change in findings.adopted
        ]
        yield _fold(f"= {len(names)} to adopt", ["\n".join(names)])
    if findings.noted:
        lines = [line for one in findings.noted for line in (one["address"], *(f"  {note}" for note in notes_of(one)))]
        title = f"Notes on {len(findings.noted)} unchanged resource{'s' if len(findings.noted) != 1 else ''}"
        yield _fold(title, [markdown_fence(lines[:_LINES])])
    for one in findings.plan["followUps"] if findings.plan is not None else ():
        after = ", ".join(one["waitsFor"])
        lines = [f"  once, after {after}"] if after else []
        request = f"  {one['request']['method']} {one['request']['path']}"
        yield _fold(f"↻ {one['system']}: {one['title']}", [markdown_fence([*lines, request])])


def _fold(title: str, blocks: list[str]) -> str:
    inside = "\n\n".join(blocks)
    return f"<details><summary><code>{html(title)}</code></summary>\n\n{inside}\n\n</details>"


def _change(change: JsonObject) -> Iterator[str]:
    fields, notes = change["fields"], (*change["notes"], *change["caveats"])
    told = chain((line for field in fields for line in _field(field)), (f"# {note}" for note in notes))
    lines = list(islice(told, _LINES))
    left_out = sum(map(_height, fields)) + len(notes) - len(lines)
    if left_out:
        lines.append(f"# … and {left_out} lines more")
    if lines:
        yield markdown_fence(lines, "diff")
    requests = []
    for request in change["requests"]:
        only_if = f"  (if {request['onlyIf']})" if request["onlyIf"] else ""
        requests.append(f"{request['method']} {request['path']}{only_if}")
        if request.get("body") is not None:
            requests.append(f"    {on_one_line(request['body'])}")
    if requests:
        yield markdown_fence(requests, "http")


def _height(field: JsonObject) -> int:
    """Return how many lines `_field` has, whose values may be large."""
    return 2 if field["operation"] not in ("add", "remove") else 1


def _field(field: JsonObject) -> Iterator[str]:
    before, after = sides(field, _VALUE)
    cause = f"   # {field['cause']}" if field["cause"] else ""
    if field["operation"] != "add":
        yield f"- {field['path']}: {before}"
    if field["operation"] != "remove":
        yield f"+ {field['path']}: {after}{cause}"


def _outcome(outcome: JsonObject) -> list[str]:
    lines = [outcome["detail"]] if outcome["detail"] else []
    lines += differences_of(outcome)
    lines += _lines([f"hint: {outcome['hint']}"] if outcome["hint"] else [])
    return [markdown_fence(lines or ["no details"])]


def _footer(left_out: int, details_url: str) -> Iterator[str]:
    url = markdown_url(details_url)
    everything = f"[the full output]({url})" if url else "the full output among the artifacts of this run"
    if left_out:
        things = "1 thing does" if left_out == 1 else f"{left_out} things do"
        yield f"**{things} not fit here:** see {everything}."
    elif url:
        yield f"<sub>See also {everything}.</sub>"
