"""All pages of a list, one after the other, or many at once where the number of all items is known.

Reads: the live systems, through the reader given. Writes: nothing.

What the pages hold is always judged in their order, by the same rules; reading ahead only has the answers ready.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from reconciler.core.errors import ApiError, ErrorClass
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call, ListCall
from reconciler.core.model import Json, Request, Response
from reconciler.core.wire.answers import AnswerError, Page, first_page, read_page
from reconciler.core.wire.doubts import Announced, announced, contradictions
from reconciler.core.wire.requests import call_request
from reconciler.core.wire.showing import shown_address

RunAll = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]
"""Applies a function to every item, perhaps in parallel, and returns the results in order."""

MAX_PAGES = 100_000
MAX_BYTES = 512 * 1024 * 1024  # of all answers of one list: a server that never stops must not fill the memory
AHEAD = 50  # pages that are read at once, at most; their answers are all held until they are used


class Reader(Protocol):
    """What reading pages needs of the one who reads."""

    @property
    def run_all(self) -> RunAll: ...

    @property
    def waits(self) -> Callable[[], bool | None]: ...

    def ask(self, kind: Kind, call: Call, request: Request) -> Response | None: ...


class Listing(NamedTuple):
    """What all pages of a list hold."""

    items: list[Json]  # raw
    doubt: str  # why there may be more of them; empty when the end was reached and nothing contradicts the list
    answers: str  # tells the bodies of the answers from any others
    waived: str = ""  # a doubt that the kind says means nothing


def all_pages(reader: Reader, kind: Kind, call: ListCall, values: dict[str, Any]) -> Listing:
    """Read a list to its end.

    Raises ApiError when a page cannot be read or is none.
    """
    items: list[Json] = []
    page = first_page(call)
    request = call_request(kind, call, {**values, "page": page})
    previous, asked, ready = None, {request.identity}, dict[str, Response]()
    answers, size = hashlib.sha256(), 0
    said: list[Announced] = []

    def listing(doubt: str = "") -> Listing:
        found = contradictions(kind, call, items, said)
        return Listing(items, "; ".join(filter(None, (doubt, found.kept))), answers.hexdigest(), found.waived)

    for _ in range(MAX_PAGES):
        response = ready.pop(request.identity, None) or reader.ask(kind, call, request)
        assert response is not None
        answers.update(response.content)
        size += len(response.content)
        if size > MAX_BYTES:
            raise _too_long(kind, request)
        try:
            found = read_page(call, page, response, len(items))
        except AnswerError as error:
            raise bad_answer(kind, request, str(error)) from None
        said.append(announced(found, response))
        if found.items and found.items == previous and _counts_pages(call):
            # Perhaps the server pays no attention to the paging, and one page is all there is: nobody knows.
            return listing("the server answers the same page again, so where the list ends is not known")
        items += found.items
        if found.next is None:
            return listing()
        if not ready:
            ahead = _following(call, found, len(items))[: (MAX_BYTES - size) // max(1, len(response.content))]
            ready = _read_ahead(reader, kind, call, values, ahead)
        previous, page = found.items, found.next
        request = call_request(kind, call, {**values, "page": page})
        if found.next_address is not None:
            request = _follow(kind, request, found.next_address)
        mark = request.identity
        if mark in asked:
            raise bad_answer(kind, request, "the list runs in a circle: the same page is asked for again")
        asked.add(mark)
    raise bad_answer(kind, request, f"the list has more than {MAX_PAGES} pages")


# --------------------------------------------------------------------------- reading ahead


def _following(call: ListCall, found: Page, seen: int) -> list[dict[str, Any]]:
    """Return the `page` values of the next pages: none unless pages are counted and the end is known."""
    paging, following = call.paging, found.next
    if paging is None or paging.size is None or found.total is None or not following or not _counts_pages(call):
        return []
    if len(found.items) != paging.size:
        return []  # the server has a page size of its own: where the next ones begin is told by each
    left = -(-(found.total - seen) // paging.size)
    step, name = (paging.size, "offset") if paging.style == "offset" else (1, "number")
    return [{**following, name: following[name] + step * n} for n in range(min(left, AHEAD))]


def _read_ahead(
    reader: Reader, kind: Kind, call: ListCall, values: dict[str, Any], pages: list[dict[str, Any]]
) -> dict[str, Response]:
    if len(pages) < 2:
        return {}

    def ask(request: Request) -> Response | None:
        try:
            return reader.ask(kind, call, request)
        except ApiError:
            return None  # perhaps behind the end, where nobody would have asked; if not, it is asked for again in turn

    requests = [call_request(kind, call, {**values, "page": page}) for page in pages]
    # The next page, which is needed in any case, tells whether threads are worth it where nobody knows yet.
    tried = 1 if reader.waits() is None else 0
    answers = [*map(ask, requests[:tried]), *reader.run_all(ask, requests[tried:])]
    return {request.identity: answer for request, answer in zip(requests, answers, strict=True) if answer is not None}


# --------------------------------------------------------------------------- what is wrong


def _too_long(kind: Kind, request: Request) -> ApiError:
    return ApiError(
        f"{kind.full_name}: {request}: the answers of the list have more than {MAX_BYTES >> 20} MiB",
        error_class=ErrorClass.FAILED,
        hint="narrow the list in the kind: a query parameter that filters, or fewer fields in each item",
    )


def bad_answer(kind: Kind, request: Request, reason: str) -> ApiError:
    """Return the error for an answer that is not what the kind says."""
    return ApiError(
        f"{kind.full_name}: {request}: {reason}",
        error_class=ErrorClass.MISCONFIGURED,
        hint="check the system's url in reconciler.yaml, and the read section of the kind",
    )


def _counts_pages(call: ListCall) -> bool:
    """Tell whether pages are asked for by a number, which a server may ignore.

    One that is asked with what it answered itself repeats a page only when rows were added meanwhile; a circle of
    such requests is noticed by the requests.
    """
    return call.paging is not None and call.paging.style in ("offset", "page")


def _follow(kind: Kind, request: Request, address: str) -> Request:
    """Return the request for a next page that the server named by address; it may only differ in path and query."""
    from urllib.parse import parse_qsl, urljoin, urlsplit

    try:
        parts = urlsplit(urljoin(request.path, address))
    except ValueError:
        raise bad_answer(kind, request, "the address of the next page is no address") from None
    same = parts.path.endswith(request.path)
    if parts.netloc and not same:
        raise bad_answer(kind, request, "the next page stands at another address, which is never followed")
    # The system's url may have a path of its own, which the server repeats and the request must not.
    path = request.path if same else parts.path
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return replace(request, path=path, query=query, shown=shown_address(request.shown, path, query, same_path=same))
