"""The page: one self-contained file that loads nothing, allowed by its own policy to do nothing else. Pure.

Style and script are constants, admitted by their digests; everything else is text. Every value that a template prints
is made printable and then escaped by the engine, so no template escapes by hand and none can forget to.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reconciler import __version__
from reconciler.core.model import Json, JsonObject
from reconciler.render.escapes import printable
from reconciler.render.findings import (
    FINE,
    SYMBOLS,
    Findings,
    differences_of,
    follow_up_name,
    notes_of,
    symbol_of,
    word_of,
)
from reconciler.render.values import on_one_line, shorten_pair

_WORDS = {
    "create": "to create",
    "update": "to update",
    "replace": "to replace",
    "delete": "to delete",
    "adopt": "to adopt",
    "forget": "to forget",
    "unchanged": "unchanged",
}
_DRIFT_WORDS = {"create": "vanished", "update": "moved live", "replace": "moved live"}
_FEW = 6  # pending changes that are shown open
_STATUSES = ("failed", "conflict", "in doubt", "skipped", "applied", "unchanged")
_VALUE = 160  # characters of a value before it is folded


def render_html(findings: Findings) -> str:
    """Return the page."""
    environment = _environment()
    style, script = (_source(environment, name) for name in ("page.css", "page.js"))
    changes = [] if findings.plan is None else findings.plan["changes"]
    outcomes = {} if findings.report is None else {one["address"]: one for one in findings.report["outcomes"]}
    few = len(findings.pending) <= _FEW
    return environment.get_template("page.html").render(
        findings=findings,
        title=_title(findings),
        headline=_without_title(findings),
        tiles=_tiles(findings),
        changes=[_card(change, outcomes.get(change["address"]), few=few) for change in changes],
        links={change["address"]: f"c{index}" for index, change in enumerate(changes)},
        actions=[action for action in SYMBOLS if any(change["action"] == action for change in changes)],
        chips={change["action"]: word_of(change) for change in changes},
        systems=sorted({change["address"].partition(".")[0] for change in changes}),
        writes=sum(len(change["requests"]) for change in findings.pending)
        + (0 if findings.plan is None else len(findings.plan["followUps"])),
        style=Markup(style),  # a constant of this package, and so is the script
        script=Markup(script),
        admitted=(_admitted(style), _admitted(script)),
        version=__version__,
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__, "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"indented": _indented, "lines": _lines, "tone": lambda status: status.split()[-1]}
    environment.globals |= {"follow_up_name": follow_up_name, "notes_of": notes_of}
    return environment


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _shown(value: Any) -> Any:
    """Make what a template prints printable; the engine escapes it afterwards."""
    return value if isinstance(value, Markup) else printable(str(value))


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


def _without_title(findings: Findings) -> str:
    """Return the headline without the words that the title says already."""
    text = findings.headline.removeprefix(_title(findings) + ": ")
    return text[:1].upper() + text[1:]


def _tiles(findings: Findings) -> list[tuple[str, int, str]]:
    """Return tone, number and word of each tile."""
    if findings.report is not None:
        counts = findings.report["summary"]
        return [(status.split()[-1], counts[status], status) for status in _STATUSES if counts.get(status)]
    if findings.plan is None:
        return []
    counts = findings.plan["summary"]
    words_of = {**_WORDS, **(_DRIFT_WORDS if findings.about_drift else {})}
    tiles = [(action, counts[action], words) for action, words in words_of.items() if counts.get(action)]
    blockers = len(findings.plan["blockers"])
    return [*tiles, ("error", blockers, "in the way")] if blockers else tiles


# --------------------------------------------------------------------------- one change


class Cell(NamedTuple):
    """One side of a field: a value, folded when it is long, or a word in its place."""

    word: str = ""  # in place of a value
    short: str = ""
    whole: Json = None  # behind the short one; None: the short one is all


def _card(change: JsonObject, outcome: JsonObject | None, *, few: bool) -> Mapping[str, Any]:
    """Return what the template shows of a change of a plan's document, with its outcome when there is one."""
    action = change["action"]
    kind, _, name = change["address"].partition("/")
    wrong = outcome is not None and outcome["status"] not in FINE
    return {
        **change,
        "sign": symbol_of(change),
        "kind": kind,
        "name": name,
        "system": kind.partition(".")[0],
        "word": word_of(change) if outcome is None or action == "unchanged" else f"{action}: {outcome['status']}",
        "tone": action if outcome is None or outcome["status"] == "unchanged" else outcome["status"].split()[-1],
        "open": wrong or (few and outcome is None and action != "unchanged"),
        "outcome": outcome,
        "differences": () if outcome is None else tuple(differences_of(outcome)),
        "rows": [(field, *_cells(field)) for field in change["fields"]],
    }


def _cells(field: JsonObject) -> tuple[Cell, Cell]:
    nothing = Cell(word="—")
    if field["sensitive"]:
        before = nothing if field["operation"] == "add" else Cell(word="secret")
        return before, nothing if field["operation"] == "remove" else Cell(word="secret, will be set")
    texts = [on_one_line(field[side]) if side in field else "" for side in ("before", "after")]
    short = shorten_pair(texts[0], texts[1], _VALUE)
    before = _value(field["before"], texts[0], short[0]) if "before" in field else nothing
    if not field["known"]:
        return before, Cell(word="known after apply")
    return before, _value(field["after"], texts[1], short[1]) if "after" in field else nothing


def _value(value: Json, text: str, short: str) -> Cell:
    return Cell(short=text) if short == text else Cell(short=short, whole=value)


def _indented(value: Json) -> Markup:
    return _lines(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def _lines(text: str) -> Markup:
    """Return a text whose line breaks stay line breaks."""
    return Markup("\n").join(printable(line) for line in text.split("\n"))
