"""Guesses about lists: where an answer holds its items, and how the list goes on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.model import JsonObject
from reconciler.core.pointer import Path, format_pointer
from reconciler.core.records import dataclass
from reconciler.drafts.names import normal, word_set
from reconciler.drafts.operations import Operation, Parameter
from reconciler.drafts.shapes import Shape, read_shape

_ITEMS = ("items", "data", "results", "result", "values", "value", "records", "entries", "list", "rows", "content",
          "objects", "elements", "resources", "members", "nodes", "embedded")  # fmt: skip
_SIZE = word_set("limit pagesize perpage size maxresults maxitems take top pagelimit resultsperpage count max")
_OFFSET = word_set("offset skip start startindex startat pageoffset")
_PAGE = word_set("page pagenumber pageno pagenum currentpage pageindex")
_CURSOR = word_set(
    "cursor after pagetoken nexttoken continuationtoken marker nextpagetoken pagecursor continue startingtoken "
    "pageafter nextcursor continuation starttoken startafter"
)
_NEXT = (
    "nextcursor", "nextpagetoken", "nexttoken", "nextpage", "nextmarker", "continuationtoken", "endcursor", "next",
    "cursor", "continue", "marker", "after", "nextlink",
)  # fmt: skip
_TOTAL = ("total", "totalcount", "totalitems", "totalresults", "totalelements", "totalrecords", "totalsize")
_ENVELOPES = word_set(
    "paging pagination page pageinfo meta metadata links cursors cursor responsemetadata resultinfo info"
)
_MOST_ON_A_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGuess:
    """Where the items are, and whether anything in the document says so."""

    items: str
    item: Shape | None
    keyed: bool = False  # the items are an object, by name
    sure: bool = True


def find_items(shape: Shape | None, noun: str) -> ListGuess:
    """Return where a list's answer holds its items: the answer itself, or a list inside its envelope."""
    if shape is None:
        return ListGuess(items="", item=None, sure=False)
    if shape.types == ("array",):
        return ListGuess(items="", item=shape.item())
    lists = [(path, child) for path, child in _members(shape, deep=True) if child.types == ("array",)]
    if not lists:
        if not shape.properties and shape.values not in (None, True, False):
            # `not in` tells mypy nothing about the type: what is left is a schema.
            return ListGuess(items="", item=read_shape([shape.values]), keyed=True)  # type: ignore[list-item]
        return ListGuess(items="", item=None, sure=False)
    plural = normal(noun)[:4]

    def rank(found: tuple[Path, Shape]) -> tuple[int, int, int]:
        name = normal(str(found[0][-1]))
        named = 0 if name.startswith(plural) else 1 + _ITEMS.index(name) if name in _ITEMS else 99
        item = found[1].item()
        return (0 if item is None or item.is_object or len(lists) == 1 else 1, named, len(found[0]))

    path, best = min(lists, key=rank)
    return ListGuess(items=format_pointer(path), item=best.item(), sure=len(lists) == 1 or rank((path, best))[1] < 99)


def _members(shape: Shape, *, deep: bool) -> Iterator[tuple[Path, Shape]]:
    for name in shape.properties:
        child = shape.child(name)
        assert child is not None
        yield (name,), child
        if deep and child.properties and (normal(name) in _ENVELOPES or normal(name) in _ITEMS):
            yield from (((name, *path), inner) for path, inner in _members(child, deep=False))


# --------------------------------------------------------------------------- paging


@dataclass(frozen=True, slots=True, kw_only=True)
class PagingGuess:
    """How a list goes on: the `paging` section (None: no sign of it), the query that it needs, why it is believed."""

    section: JsonObject | None
    query: JsonObject
    why: str


def guess_paging(operation: Operation, shape: Shape | None) -> PagingGuess:
    """Return how the list of `operation`, whose answer has `shape`, seems to go on."""
    query = {normal(parameter.name): parameter for parameter in reversed(operation.query())}
    size = _pick(query, _SIZE)
    offset, page, cursor = _pick(query, _OFFSET), _pick(query, _PAGE), _pick(query, _CURSOR)
    members = list(_members(shape, deep=True)) if shape is not None else []
    sized = {} if size is None else {size.name: "{page.size}"}
    success = operation.success
    if success is not None and "link" in success.headers:
        return _guess({"style": "link"}, sized, size, "the answer has a Link header")
    following = _next(members)
    section: JsonObject
    if cursor is not None and following is not None:
        section = {"style": "cursor", "next": format_pointer(following[0])}
        why = f"the parameter {cursor.name} and {following[0][-1]} in the answer"
        return _guess(section, {cursor.name: "{page.cursor}", **sized}, size, why)
    if following is not None and _is_address(following):
        section = {"style": "url", "next": format_pointer(following[0])}
        return _guess(section, sized, size, f"the address {following[0][-1]} in the answer")
    total = next((path for path, child in members if normal(str(path[-1])) in _TOTAL and _counts(child)), None)
    totals = {} if total is None else {"total": format_pointer(total)}
    if offset is not None:
        section = {"style": "offset", **totals}
        return _guess(section, {offset.name: "{page.offset}", **sized}, size, f"the parameter {offset.name}")
    if page is not None:
        section = {"style": "page", **totals}
        if _first_page(page) == 0:
            section["first"] = 0
        return _guess(section, {page.name: "{page.number}", **sized}, size, f"the parameter {page.name}")
    if cursor is not None:
        return PagingGuess(section=None, query={}, why=f"the parameter {cursor.name}, but no answer names the next one")
    return PagingGuess(section=None, query={}, why="")


def _pick(query: Mapping[str, Parameter], names: Iterable[str]) -> Parameter | None:
    # `page[limit]`, `$top` and `page[offset]` are such names as well.
    return next((found for name, found in query.items() if name in names or name.removeprefix("page") in names), None)


def _guess(section: JsonObject, query: JsonObject, size: Parameter | None, why: str) -> PagingGuess:
    if size is not None:
        section = {**section, "size": _page_size(size)}
    elif section["style"] in ("offset", "page"):
        # Without a size to ask for, only an empty page, or the total, is sure to be the end.
        section = {**section, "size": 1}
    return PagingGuess(section=section, query=query, why=why)


def _page_size(parameter: Parameter) -> int:
    """Return the largest page that the document allows, within reason; else its default, else 100."""
    keywords = {} if parameter.schema is None else read_shape([parameter.schema]).keywords
    for keyword in ("maximum", "default"):
        value = keywords.get(keyword)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_ON_A_PAGE:
            return value
    return 100


def _first_page(parameter: Parameter) -> int:
    keywords = {} if parameter.schema is None else read_shape([parameter.schema]).keywords
    return 0 if keywords.get("default", keywords.get("minimum", 1)) == 0 else 1


def _next(members: list[tuple[Path, Shape]]) -> tuple[Path, Shape] | None:
    for wanted in _NEXT:
        for path, child in members:
            if normal(str(path[-1])) != wanted or (child.types and "string" not in child.types and not child.is_object):
                continue
            if child.is_object:
                href = child.child("href")
                if href is not None:
                    return (*path, "href"), href
                continue
            return path, child
    return None


def _is_address(found: tuple[Path, Shape]) -> bool:
    path, shape = found
    said = str(shape.keywords.get("description", "")).lower()
    named = path[-1] == "href" or "links" in [normal(str(step)).lstrip("_") for step in path[:-1]]
    return shape.keywords.get("format") in ("uri", "url", "uri-reference") or named or "url" in said.split()


def _counts(shape: Shape) -> bool:
    return not shape.types or bool({"integer", "number"} & set(shape.types))
