"""XML and HTML answers as JSON values, so that one search finds what any of them says. Pure.

The parser is the forgiving one of the standard library: it takes broken markup, and expands no entities but characters.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from reconciler.core.model import Json
from reconciler.core.records import dataclass

_LONGEST = 200_000  # characters of a page that are looked at
_DEEPEST = 60
_ENDLESS = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
))  # fmt: skip
_SILENT = frozenset(("script", "style"))
_SIGNING_IN = re.compile(r"\b(sign|log)[\s-]?(in|on)\b|\bsso\b|\bsingle sign-on\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """What a page or document holds."""

    tree: Json  # elements by name, their texts as text
    title: str = ""
    heading: str = ""
    text: str = ""
    asks_to_sign_in: bool = False


def is_markup(content_type: str, text: str) -> bool:
    """Tell whether `text` is XML or HTML."""
    return text.startswith("<") and (
        content_type.endswith(("xml", "html")) or re.match(r"<[?!a-zA-Z]", text) is not None
    )


def is_page(content_type: str, text: str) -> bool:
    """Tell whether markup is HTML, which is for people."""
    return (
        content_type.endswith("html")
        or re.match(r"<(!doctype\s+html|html|head|body)\b", text, re.IGNORECASE) is not None
    )


def read_markup(text: str) -> Markup:
    """Return what `text`, XML or HTML, holds."""
    reader = _Reader()
    reader.feed(text[:_LONGEST])
    reader.close()
    first = reader.first
    title = first.get("title", "")
    return Markup(
        tree=reader.tree(),
        title=title,
        heading=first.get("h1", "") or first.get("h2", ""),
        text=_spaced(" ".join(reader.texts)),
        asks_to_sign_in=reader.password or _SIGNING_IN.search(title) is not None,
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.first: dict[str, str] = {}  # the text of the first element of each name
        self.texts: list[str] = []
        self.password = False
        self._open: list[tuple[str, dict[str, Json], list[str]]] = [("", {}, [])]

    def tree(self) -> Json:
        while len(self._open) > 1:
            self._close()
        return self._open[0][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values: dict[str, Json] = {name: value for name, value in attrs if value and not name.startswith("xmlns")}
        self.password = self.password or (tag == "input" and values.get("type") == "password")
        if tag not in _ENDLESS and len(self._open) < _DEEPEST:
            self._open.append((tag, values, []))

    def handle_endtag(self, tag: str) -> None:
        if any(tag == name for name, _, _ in self._open[1:]):
            while self._open[-1][0] != tag:
                self._close()
            self._close()

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open[-1][0] not in _SILENT:
            self._open[-1][2].append(data)
            self.texts.append(data)

    def _close(self) -> None:
        tag, members, texts = self._open.pop()
        text = _spaced(" ".join(texts))
        self.first.setdefault(tag, text)
        value: Json = {**members, **({"text": text} if text else {})} if members else text
        name, above = tag.rpartition(":")[2], self._open[-1][1]
        before = above.get(name)
        above[name] = value if before is None else [*before, value] if isinstance(before, list) else [before, value]


def _spaced(text: str) -> str:
    return " ".join(text.split())
