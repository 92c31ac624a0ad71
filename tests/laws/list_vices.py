"""How lists lie: what each list of a run shows, and how many objects it says there are."""

from __future__ import annotations

from collections.abc import Callable

from depots import PAGE, Row

Rows = list[Row]
Vice = Callable[[frozenset[str], Rows, int], tuple[Rows, int]]
"""Gives what a list holds, and its number, for the page that begins somewhere; the ids are those before the run."""


def _late(before: frozenset[str], rows: Rows, start: int) -> tuple[Rows, int]:
    shown = [row for row in rows if row["id"] in before]
    return shown, len(shown)


def _filtered(before: frozenset[str], rows: Rows, start: int) -> tuple[Rows, int]:
    shown = [row for row in rows if row.get("size") != 2]
    return shown, len(shown)


def _shifted_back(before: frozenset[str], rows: Rows, start: int) -> tuple[Rows, int]:
    """One of the first page has gone meanwhile: what begins the second page is on neither."""
    return (rows[1:], len(rows) - 1) if start else (rows, len(rows))


def _shifted_on(before: frozenset[str], rows: Rows, start: int) -> tuple[Rows, int]:
    """The last one has come to the front meanwhile: what ended the first page is on the second as well."""
    return ([*rows[-1:], *rows[:-1]] if start else rows), len(rows)


def _in_another_order(before: frozenset[str], rows: Rows, start: int) -> tuple[Rows, int]:
    return (rows[::-1] if start // PAGE % 2 else rows), len(rows)


VICES: dict[str, Vice] = {
    "truthful": lambda before, rows, start: (rows, len(rows)),
    "late": _late,
    "empty": lambda before, rows, start: ([], 0),
    "empty, with its number": lambda before, rows, start: ([], len(rows)),
    "short": lambda before, rows, start: (rows[:-1], len(rows[:-1])),
    "short, with its number": lambda before, rows, start: (rows[:-1], len(rows)),
    "short at the front, with its number": lambda before, rows, start: (rows[1:], len(rows)),
    "one twice": lambda before, rows, start: ([*rows, *rows[:1]], len(rows)),
    "one twice in place of another": lambda before, rows, start: ([*rows[:-1], *rows[:1]], len(rows)),
    "shifted back": _shifted_back,
    "shifted back, with the first number": lambda before, rows, start: (rows[1 if start else 0 :], len(rows)),
    "shifted on": _shifted_on,
    "filtered": _filtered,
    "in another order on each page": _in_another_order,
}
SILENT = frozenset({"late", "empty", "short", "filtered"})  # that nothing contradicts, where there are totals
