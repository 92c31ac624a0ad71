"""One change on the page: its fields side by side, its requests, what it waits for, what became of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reconciler.core.model import Json, JsonObject
from reconciler.render.escapes import html
from reconciler.render.findings import SYMBOLS, differences_of
from reconciler.render.values import on_one_line, shorten_pair

_VALUE = 160  # characters of a value before it is folded


def render_change(
    change: JsonObject, links: Mapping[str, str], outcome: JsonObject | None, *, is_open: bool = False
) -> str:
    """Return a change of a plan's document as a fold, with its outcome when there is one."""
    action = change["action"]
    kind, _, name = change["address"].partition("/")
    system = kind.partition(".")[0]
    word = html(action if outcome is None or action == "unchanged" else f"{action}: {outcome['status']}")
    tone = action if outcome is None or outcome["status"] == "unchanged" else outcome["status"].split()[-1]
    count = len(change["fields"])
    fields = f'<span class="count">{count} field{"s" if count != 1 else ""}</span>' if count else ""
    place = f'<span class="place mono">{html(change["path"])}:{change["line"]}</span>' if change["path"] else ""
    summary = (
        f'<span class="sign mono">{SYMBOLS[action]}</span><span class="address"><span>{html(kind)}/</span>'
        f'<b>{html(name)}</b></span><span class="word">{word}</span>{fields}{place}'
    )
    return (
        f'<details class="change is-{html(tone)}" id="{links[change["address"]]}" data-action="{html(action)}" '
        f'data-system="{html(system)}"{" open" if is_open else ""}><summary>{summary}</summary>'
        f'<div class="inside">{"".join(_inside(change, links, outcome))}</div></details>'
    )


def _inside(change: JsonObject, links: Mapping[str, str], outcome: JsonObject | None) -> Iterator[str]:
    if outcome is not None and outcome["detail"]:
        yield f"<p><b>{html(outcome['detail'])}</b></p>"
    for line in () if outcome is None else differences_of(outcome):
        yield f"<p><code>{html(line)}</code></p>"
    if outcome is not None and outcome["hint"]:
        yield f"<p>{html(outcome['hint'])}</p>"
    if change["reason"] and change["action"] != "unchanged":
        yield f"<p>{html(change['reason'])}</p>"
    if change["fields"]:
        rows = "".join(_row(field) for field in change["fields"])
        yield (
            '<div class="scroll"><table><thead><tr><th>Field</th><th>Before</th><th>After</th><th></th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    for note in (*change["notes"], *change["caveats"]):
        yield f"<p>{html(note)}</p>"
    yield from _requests(change["requests"])
    if change["guard"] and change["action"] != "unchanged":
        yield f"<p>Guard: {html(change['guard'])}</p>"
    for title, addresses in (("Waits for", change["waitsFor"]), ("Refers to", change["dependsOn"])):
        if addresses:
            yield f"<p>{title} {_links(addresses, links)}</p>"
    if change["action"] == "unchanged" and not change["notes"] and not change["caveats"]:
        yield "<p>As declared.</p>"


def _requests(requests: list[JsonObject]) -> Iterator[str]:
    for request in requests:
        only_if = f' <span class="quiet">if {html(request["onlyIf"])}</span>' if request["onlyIf"] else ""
        line = f'<code class="request"><b>{html(request["method"])}</b> {html(request["path"])}</code>{only_if}'
        if "body" in request:
            yield f"<details><summary>{line}</summary><pre>{_indented(request['body'])}</pre></details>"
        else:
            yield f"<p>{line}</p>"


def _links(addresses: list[str], links: Mapping[str, str]) -> str:
    return ", ".join(
        f'<a href="#{links[address]}">{html(address)}</a>' if address in links else html(address)
        for address in addresses
    )


def _row(field: JsonObject) -> str:
    before, after = _cells(field)
    cause = f'<span class="cause">{html(field["cause"])}</span>' if field["cause"] else ""
    return (
        f'<tr><td class="path"><code>{html(field["path"])}</code></td><td class="old">{before}</td>'
        f'<td class="new">{after}</td><td>{cause}</td></tr>'
    )


def _cells(field: JsonObject) -> tuple[str, str]:
    nothing = '<span class="quiet">—</span>'
    if field["sensitive"]:
        before, after = '<span class="quiet">secret</span>', '<span class="quiet">secret, will be set</span>'
        removed = field["operation"] == "remove"
        return nothing if field["operation"] == "add" else before, nothing if removed else after
    texts = [on_one_line(field[side]) if side in field else "" for side in ("before", "after")]
    short = shorten_pair(texts[0], texts[1], _VALUE)
    before = _value(field["before"], texts[0], short[0]) if "before" in field else nothing
    if not field["known"]:
        return before, '<span class="quiet">known after apply</span>'
    return before, _value(field["after"], texts[1], short[1]) if "after" in field else nothing


def _value(value: Json, text: str, short: str) -> str:
    if short == text:
        return f"<code>{html(text)}</code>"
    whole = _lines(value) if isinstance(value, str) else _indented(value)
    return f'<details><summary><code>{html(short)}</code></summary><pre class="wrap">{whole}</pre></details>'


def _indented(value: Json) -> str:
    return _lines(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def _lines(text: str) -> str:
    return "\n".join(html(line) for line in text.split("\n"))


def render_follow_up(one: JsonObject, links: Mapping[str, str]) -> str:
    """Return a follow-up of a plan's document."""
    after = f"<p>After {_links(one['waitsFor'], links)}</p>" if one["waitsFor"] else ""
    due = "<p>Due already, whatever changes now.</p>" if one["overdue"] else ""
    request = one["request"]
    return (
        f'<div class="finding is-adopt"><p>↻ {html(one["system"])}: {html(one["title"])}</p>'
        f'{due}{after}<p><code class="request"><b>{html(request["method"])}</b> '
        f"{html(request['path'])}</code></p></div>"
    )
