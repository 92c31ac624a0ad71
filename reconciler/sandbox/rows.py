"""Stored objects of an emulated system: collections of rows by id, and access to them behind the API's back.

Pure. Not synchronized: the owning system holds its lock around every call.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Which: TypeAlias = str | Callable[[Row], bool]
"""An id, or a predicate that gets a row."""


class Rows:
    """Named collections of rows; each row carries its own `id`."""

    def __init__(self, *names: str) -> None:
        self._collections: dict[str, dict[str, Row]] = {name: {} for name in names}
        # Ids by `name`, for looking up; may hold ids of rows that are gone or renamed.
        self._named: dict[str, dict[str, set[str]]] = {name: {} for name in names}

    def __getitem__(self, name: str) -> dict[str, Row]:
        """Return the live collection, to be added to with `put` only. Raises KeyError for an unknown one."""
        if name not in self._collections:
            raise KeyError(f"no collection {name!r}; there are {', '.join(self._collections)}")
        return self._collections[name]

    def put(self, collection: str, row: Row) -> None:
        """Put a row in place under its id."""
        self[collection][row["id"]] = row
        if isinstance(row.get("name"), str):
            self._named[collection].setdefault(row["name"], set()).add(row["id"])

    def named(self, collection: str, name: str) -> list[Row]:
        """Return the live rows whose `name` is `name`, without a walk through all of them."""
        rows = self[collection]
        ids = self._named[collection].get(name, set())
        return [rows[row_id] for row_id in ids if row_id in rows and rows[row_id].get("name") == name]

    def copies(self, name: str) -> list[Row]:
        """Return deep copies of all rows in the order of their creation, secrets included."""
        return [copy.deepcopy(row) for row in self[name].values()]

    def edit(self, name: str, which: Which, changes: Mapping[str, Any]) -> list[str]:
        """Put `changes` over the top level of matching rows; return their ids. Raises KeyError for none."""
        ids = self.matching(name, which)
        for row_id in ids:
            self.put(name, {**self[name][row_id], **copy.deepcopy(dict(changes))})
        return ids

    def remove(self, name: str, which: Which) -> list[str]:
        """Take the matching rows away; return their ids. Raises KeyError for none."""
        ids = self.matching(name, which)
        for row_id in ids:
            del self[name][row_id]
        return ids

    def matching(self, name: str, which: Which) -> list[str]:
        """Return the ids of matching rows; a predicate sees copies. Raises KeyError for none."""
        if isinstance(which, str):
            ids = [which] if which in self[name] else []
        else:
            ids = [row_id for row_id, row in self[name].items() if which(copy.deepcopy(row))]
        if not ids:
            raise KeyError(f"nothing in {name!r} matches")
        return ids
