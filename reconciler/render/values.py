"""How values of fields are said: on one line, short, with what differs in sight. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reconciler.core.lookalikes import told_apart
from reconciler.core.model import Json, JsonObject

ELLIPSIS = "…"
_CONTEXT = 12  # characters in common that are kept before the first difference


def on_one_line(value: Json) -> str:
    """Return a value as JSON on one line; the order of members means nothing in a manifest, so they are sorted."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def shorten_pair(before: str, after: str, limit: int) -> tuple[str, str]:
    """Return both texts cut to `limit` characters; what they have in common is cut first.

    Where they look the same, what differs is spelled out.
    """
    before, after = told_apart(before, after)
    if max(len(before), len(after)) <= limit:
        return before, after
    same = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        same += 1
    if same > _CONTEXT and same + _CONTEXT > limit // 2:
        start = same - _CONTEXT
        before, after = ELLIPSIS + before[start:], ELLIPSIS + after[start:]
    return shorten(before, limit), shorten(after, limit)


def sides(field: JsonObject, limit: int) -> tuple[str, str]:
    """Return what a field change of a plan's document shows before and after; "" where there is nothing."""
    if field["sensitive"]:
        words = {"add": ("", "(sensitive, will be set)"), "remove": ("(sensitive)", "")}
        return words.get(field["operation"], ("(sensitive)", "(sensitive, will change)"))
    before = on_one_line(field["before"]) if "before" in field else ""
    after = on_one_line(field["after"]) if "after" in field else ""
    if not field["known"]:
        return shorten(before, limit), "(known after apply)"
    return shorten_pair(before, after, limit)


def moved_sides(moved: JsonObject, limit: int) -> str:
    """Return what a moved field of a report's document shows: planned on, now, wanted."""
    if moved["sensitive"]:
        return "planned on (sensitive); is now (sensitive); wanted (sensitive)"
    names = {"planned on": "plannedOn", "is now": "now", "wanted": "wanted"}
    texts = {word: on_one_line(moved[name]) if name in moved else "(not set)" for word, name in names.items()}
    return "; ".join(f"{word} {shorten(text, limit)}" for word, text in all_told_apart(texts).items())


def all_told_apart(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts, each spelled out where it looks like one of the others and differs from it."""
    found = dict(texts)
    for name, text in texts.items():
        for other in texts.values():
            if (spelled := told_apart(text, other)[0]) != text:
                found[name] = spelled
    return found
