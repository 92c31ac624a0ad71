"""The page: one self-contained file that loads nothing, allowed by its own policy to do nothing else. Pure.

Style and script are constants, admitted by their digests; everything else is text. So even a value that got through
unescaped could neither run nor reach out.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from reconciler import __version__
from reconciler.core.model import JsonObject
from reconciler.render.escapes import html
from reconciler.render.findings import FINE, SYMBOLS, Findings, follow_up_name
from reconciler.render.html.changes import render_change, render_follow_up
from reconciler.render.html.picture import draw
from reconciler.render.html.script import SCRIPT
from reconciler.render.html.style import STYLE

_WORDS = {
    "create": "to create",
    "update": "to update",
    "replace": "to replace",
    "delete": "to delete",
    "adopt": "to adopt",
    "forget": "to forget",
    "unchanged": "unchanged",
}
_FEW = 6  # pending changes that are shown open
_STATUSES = ("failed", "conflict", "in doubt", "skipped", "applied", "unchanged")


def render_html(findings: Findings) -> str:
    """Return the page."""
    changes = [] if findings.plan is None else findings.plan["changes"]
    links = {change["address"]: f"c{index}" for index, change in enumerate(changes)}
    blocks = [
        *_header(findings),
        *(_tools(findings, changes) if changes else ()),
        "<main>",
        *_diagnostics(findings),
        *_changes(findings, changes, links),
        *_picture(changes, links),
        _footer(keys=bool(changes)),
        "</main>",
    ]
    script = [f"<script>{SCRIPT}</script>"] if changes else []
    return "\n".join([*_head(findings), "<body>", *blocks, *script, "</body>", "</html>", ""])


def _head(findings: Findings) -> Iterator[str]:
    policy = (
        f"default-src 'none'; style-src '{_admitted(STYLE)}'; script-src '{_admitted(SCRIPT)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield '<head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<link rel="icon" href="data:,">'
    yield f"<title>{html(_title(findings))}</title>"
    yield f"<style>{STYLE}</style></head>"


def _admitted(text: str) -> str:
    """Return the source expression that admits an inline text. Source: Content Security Policy Level 3, 2.3.1."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _title(findings: Findings) -> str:
    name = f" for {findings.target}" if findings.target else ""
    if findings.error is not None:
        return f"Nothing was done{name}"
    if findings.report is not None:
        return f"Applied to {findings.target}"
    if findings.plan is not None:
        return f"{findings.plan['kind'].capitalize()}{name}"
    return f"Validation{name}"


def _header(findings: Findings) -> Iterator[str]:
    yield f"<header><div><h1>{html(_title(findings))}</h1>"
    yield f'<p class="headline">{html(_without_title(findings))}</p>'
    tiles = list(_tiles(findings))
    if tiles:
        yield f'<ul class="tiles">{"".join(tiles)}</ul>'
    if findings.plan is not None:
        writes = sum(len(change["requests"]) for change in findings.pending) + len(findings.plan["followUps"])
        yield '<p class="meta">'
        yield f"<span><b>{len(findings.plan['changes'])}</b> resources</span>"
        if findings.plan["kind"] == "plan":
            yield f"<span><b>{writes}</b> write requests at most</span>"
        yield f"<span><b>{findings.plan['requestsMade']}</b> requests to make the plan</span>"
        yield f"<span>digest <code>{html(findings.plan['digest'][:16])}</code></span></p>"
    yield "</div></header>"


def _without_title(findings: Findings) -> str:
    """Return the headline without the words that the title says already."""
    text = findings.headline.removeprefix(_title(findings) + ": ")
    return text[:1].upper() + text[1:]


def _tiles(findings: Findings) -> Iterator[str]:
    if findings.report is not None:
        counts = findings.report["summary"]
        for status in _STATUSES:
            if counts.get(status):
                yield f'<li class="is-{status.split()[-1]}"><b>{counts[status]}</b><span>{status}</span></li>'
    elif findings.plan is not None:
        for action, words in _WORDS.items():
            if count := findings.plan["summary"].get(action):
                yield f'<li class="is-{action}"><b>{count}</b><span>{words}</span></li>'
        if blockers := len(findings.plan["blockers"]):
            yield f'<li class="is-error"><b>{blockers}</b><span>in the way</span></li>'


def _tools(findings: Findings, changes: list[JsonObject]) -> Iterator[str]:
    """Yield the bar with search and filters; the script shows it."""
    actions = [action for action in SYMBOLS if any(change["action"] == action for change in changes)]
    systems = sorted({change["address"].partition(".")[0] for change in changes})
    everything = actions == ["unchanged"] or findings.report is not None
    yield '<div class="tools" id="tools" hidden><div>'
    yield (
        '<input id="search" type="search" placeholder="Search addresses, fields, values" '
        'aria-label="Search" autocomplete="off" spellcheck="false">'
    )
    for action in actions:
        pressed = "true" if everything or action != "unchanged" else "false"
        yield (
            f'<button type="button" class="chip is-{action}" value="{action}" aria-pressed="{pressed}">'
            f"{action}</button>"
        )
    hidden = "" if len(systems) > 1 else " hidden"
    options = "".join(f'<option value="{html(system)}">{html(system)}</option>' for system in systems)
    yield f'<select id="system" aria-label="System"{hidden}><option value="">All systems</option>{options}</select>'
    yield '<button type="button" id="expand">Expand all</button>'
    yield '<span class="shown" id="shown" role="status"></span></div></div>'


def _diagnostics(findings: Findings) -> Iterator[str]:
    if findings.error is not None:
        hint = f'<p class="quiet">{html(findings.error["hint"])}</p>' if findings.error["hint"] else ""
        lines = "".join(f"<p>{html(line)}</p>" for line in findings.error["message"].split("\n"))
        yield f'<div class="finding is-error">{lines}{hint}</div>'
    for one in findings.unsettled_follow_ups:
        told = ". ".join(part for part in (one["detail"], one["hint"]) if part)
        yield (
            f'<div class="finding is-{html(one["status"].split()[-1])}"><p>'
            f'<span class="word">{html(one["status"])}</span>{html(follow_up_name(one))}</p>'
            f'<p class="quiet">{html(told)}</p></div>'
        )
    for one in findings.diagnostics:
        where = f"{one['path']}:{one['line']}:{one['column']}" if one["path"] else ""
        hint = f'<p class="quiet">{html(one["hint"])}</p>' if one["hint"] else ""
        yield (
            f'<div class="finding is-{html(one["severity"])}"><p><span class="word">{html(one["severity"])}</span>'
            f'{html(one["message"])}</p>{hint}<p class="quiet mono">{html(where)} {html(one["code"])}</p></div>'
        )


def _changes(findings: Findings, changes: list[JsonObject], links: dict[str, str]) -> Iterator[str]:
    if findings.plan is None or not changes:
        return
    yield "<h2>Changes</h2>"
    outcomes = {} if findings.report is None else {one["address"]: one for one in findings.report["outcomes"]}
    few = len(findings.pending) <= _FEW
    for change in changes:
        outcome = outcomes.get(change["address"])
        wrong = outcome is not None and outcome["status"] not in FINE
        is_open = wrong or (few and outcome is None and change["action"] != "unchanged")
        yield render_change(change, links, outcome, is_open=is_open)
    yield '<p class="empty" id="none" hidden>Nothing here: change the filter.</p>'
    if findings.plan["followUps"]:
        yield "<h2>Once, afterwards</h2>"
        yield from (render_follow_up(one, links) for one in findings.plan["followUps"])


def _picture(changes: list[JsonObject], links: dict[str, str]) -> Iterator[str]:
    picture = draw(changes, links)
    if picture:
        yield "<h2>What depends on what</h2>"
        yield f'<div class="canvas" tabindex="0">{picture}</div>'


def _footer(*, keys: bool) -> str:
    told = (
        " Keys: <kbd>/</kbd> search, <kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>e</kbd> expand or collapse, "
        "<kbd>Esc</kbd> clear the search."
    )
    return f"<footer>reconciler {__version__}.{told if keys else ''}</footer>"
