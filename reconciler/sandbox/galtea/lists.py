"""Lists: bare arrays with filters, sort, limit and offset (section 1, "Lists"). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from reconciler.sandbox.galtea.state import ProblemError
from reconciler.sandbox.rows import Row

_DEFAULT_LIMIT = 10_000

Filter: TypeAlias = Callable[[Row, list[str]], bool]
"""Tells whether a row passes, given the values of the parameter."""


def select(
    rows: Iterable[Row], query: Iterable[tuple[str, str]], filters: Mapping[str, Filter], what: str
) -> list[Row]:
    """Return the page that `query` asks for; deleted rows are never in it. Raises ProblemError (400, 404)."""
    asked = _parameters(query)
    known = [*filters, "ids", "sort", "limit", "offset"]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise ProblemError(
            400, f"Unknown query parameter(s): {', '.join(unknown)}. Accepted parameters: {', '.join(known)}"
        )
    limit, offset = _number(asked, "limit", 1, _DEFAULT_LIMIT), _number(asked, "offset", 0, 0)
    found = [
        row
        for row in rows
        if row["deletedAt"] is None
        and all(filters[name](row, values) for name, values in asked.items() if name in filters)
    ]
    if "ids" in asked:
        wanted = set(asked["ids"])
        found = [row for row in found if row["id"] in wanted]
        if len(found) < len(wanted):  # missing, or filtered out by another parameter
            raise ProblemError(404, f"One or more {what} not found")
    # The default order is unspecified: make sure that nobody relies on it.
    found.sort(key=lambda row: hashlib.sha256(row["id"].encode()).digest())
    _sort(found, asked.get("sort", []))
    # [unknown] The highest limit (open question 5): taken to be the default, and more to be cut silently.
    return found[offset : offset + min(limit, _DEFAULT_LIMIT)]


def one_of(field: str) -> Filter:
    """Return an exact filter with several values."""
    return lambda row, values: row[field] in values


def check_options(values: list[str], options: tuple[str, ...]) -> None:
    """Refuse values that are not among `options`. Raises ProblemError (400)."""
    for value in values:
        if value not in options:
            raise ProblemError(400, f"Invalid value '{value}'. Accepted values: {', '.join(options)}")


def part_of(field: str) -> Filter:
    """Return a substring filter, regardless of case."""
    return lambda row, values: any(value.lower() in (row[field] or "").lower() for value in values)


def unless(field: str) -> Filter:
    """Return the filter of an `include…` flag: `false` leaves out rows whose `field` is true."""

    def passes(row: Row, values: list[str]) -> bool:
        if values[-1] not in ("true", "false"):  # booleans are lower-case
            raise ProblemError(400, f"Invalid boolean '{values[-1]}'")
        return values[-1] == "true" or not row[field]

    return passes


def created_from() -> Filter:
    """Return the filter of `fromCreatedAt`."""
    return lambda row, values: _moment(row["createdAt"]) >= _moment(values[0])


def created_to() -> Filter:
    """Return the filter of `toCreatedAt`."""
    return lambda row, values: _moment(row["createdAt"]) <= _moment(values[0])


def _parameters(query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    asked: dict[str, list[str]] = {}
    for name, value in query:
        asked.setdefault(name.removesuffix("[]"), []).append(value)
    return asked


def _number(asked: Mapping[str, list[str]], name: str, lowest: int, default: int) -> int:
    if name not in asked:
        return default
    text = asked[name][-1]
    if not (text.isascii() and text.isdigit()) or int(text) < lowest:
        raise ProblemError(400, f"Query parameter '{name}' must be an integer of at least {lowest}")
    return int(text)


def _sort(rows: list[Row], words: list[str]) -> None:
    if len(words) % 2:
        raise ProblemError(400, "Query parameter 'sort' takes pairs of a field and a direction")
    pairs = list(zip(words[::2], words[1::2], strict=True))
    for field, direction in reversed(pairs):
        if direction not in ("asc", "desc"):
            raise ProblemError(400, f"Invalid sort direction '{direction}'")
        if field not in ("id", "name", "createdAt"):
            raise ProblemError(400, f"Cannot sort by '{field}'")
        rows.sort(key=_sort_key(field), reverse=direction == "desc")


def _sort_key(field: str) -> Callable[[Row], Any]:
    return lambda row: row[field]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProblemError(400, f"Invalid date '{text}'") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
