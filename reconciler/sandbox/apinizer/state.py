"""What the emulated manager stores: projects, environments, API proxies and what is deployed where.

Reads: the injected clock. Writes: nothing outside its own memory.
Invariants: names are case-sensitive; a proxy's name is unique in its project; every save of a proxy raises
`saves`, and a deployment remembers which save it carries: the two differ while a redeploy is required.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import Edition, RefusedError

Row = dict[str, Any]
Key = tuple[str, ...]
Selector = str | Callable[[Row], bool]
_NEW: Final[Mapping[str, Row]] = {
    "projects": {"description": ""},
    # `failing`: the gateways of this environment take no deployment.
    "environments": {"description": "", "failing": False},
    "apiProxies": {
        "description": "",
        "type": "WEBSOCKET",
        "categoryList": [],
        "sharingType": "PROJECT",
        "relativePathList": [],
        "hostList": [],
        "routingEnabled": True,
        "routingAddressList": [],
        # Only fields that were set. None: the block was never touched at all.
        "websocketSettings": {},
        "policies": [],
        "endpoints": [],
        "secretKey": "",
        "deployments": {},
        "revision": 0,
        "saves": 1,
    },
}


@dataclass(slots=True, kw_only=True)
class Server:
    """The manager's memory and settings. `rights`: the token's actions in the category API_MANAGEMENT."""

    edition: Edition
    readable: str
    rights: frozenset[str]
    clock: Callable[[], float]
    tables: dict[str, dict[Key, Row]] = field(default_factory=lambda: {table: {} for table in _NEW})
    ids: int = 0

    def require(self, action: str) -> None:
        """Check a right. Raises: RefusedError, in E3 a 400 that must not be read as absence (section 1)."""
        if action not in self.rights:
            text = f"User does not have required permission! (API_MANAGEMENT - {action})"
            raise RefusedError("access_denied", text)

    def rows(self, table: str) -> Collection[Row]:
        """Return a table's rows, oldest first."""
        return self.tables[table].values()

    def project(self, name: str) -> Row:
        """Return a project. Raises: RefusedError."""
        return self._one("projects", (name,), f"Project (name: {name}) is not found!")

    def environment(self, name: str) -> Row:
        """Return an environment. Raises: RefusedError."""
        return self._one("environments", (name,), f"Environment (name: {name}) is not found!")

    def proxy(self, names: Mapping[str, str], missing: str = "") -> Row:
        """Return the API proxy that a path names. Raises: RefusedError, with the text `missing` if given."""
        self.project(names["project"])
        # Section 2: the documented text.
        missing = missing or f"ApiProxy (name: {names['proxy']}) was not found!"
        return self._one("apiProxies", (names["project"], names["proxy"]), missing)

    def deploy(self, proxy: Row, environment: Row) -> bool:
        """Bring a proxy's saved state to an environment; return whether its gateways took it."""
        if environment["failing"]:
            return False
        proxy["revision"] += 1
        proxy["deployments"][environment["name"]] = {
            "lastDeployTime": self._now(),
            "revision": proxy["revision"],
            "saves": proxy["saves"],
            "websocketSettings": copy.deepcopy(proxy["websocketSettings"]),
        }
        return True

    def add(self, table: str, given: Mapping[str, Any]) -> Row:
        """Store a new row with an id and what was left out, and return it.

        Raises: ValueError when the name is taken.
        """
        self.ids += 1
        row_id = hashlib.sha256(f"{table}:{self.ids}".encode()).hexdigest()[:24]
        row = {"id": row_id, **copy.deepcopy(_NEW[table]), **copy.deepcopy(dict(given))}
        self.put(table, row)
        return row

    def put(self, table: str, row: Row) -> None:
        """Store a row under its name. Raises: ValueError when the name is taken."""
        if self.tables[table].setdefault(_key(table, row), row) is not row:
            raise ValueError(f"{table} already has {row['name']!r}")

    def discard(self, table: str, row: Row) -> None:
        """Remove a row."""
        del self.tables[table][_key(table, row)]

    def selected(self, table: str, which: Selector) -> list[Row]:
        """Return the rows with a name or id, or those that fulfil a predicate (which sees copies).

        Raises: KeyError when nothing matches.
        """
        fits = which if callable(which) else lambda row: which in (row["id"], row["name"])
        found = [row for row in self.rows(table) if fits(copy.deepcopy(row))]
        if not found:
            raise KeyError(f"nothing in {table!r} matches")
        return found

    def _one(self, table: str, key: Key, missing: str) -> Row:
        row = self.tables[table].get(key)
        if row is None:
            raise RefusedError("not_found", missing)
        return row

    def _now(self) -> str:
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _key(table: str, row: Row) -> Key:
    return (row["project"], row["name"]) if table == "apiProxies" else (row["name"],)
