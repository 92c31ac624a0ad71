"""What the emulated manager stores: projects, environments, API proxies, their objects, and what is deployed where.

Reads: the injected clock. Writes: nothing outside its own memory.
Invariants: names are case-sensitive but for connections; every save of a proxy raises `saves`, and a
deployment remembers which save it carries: the two differ while a redeploy is required; a row in a project is
found by its key without a walk through all rows.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.sandbox.apinizer.answers import Edition, RefusedError
from reconciler.sandbox.apinizer.tables import TABLES, Key
from reconciler.sandbox.rows import Row, Rows, Which

_NOT_DEPLOYED = frozenset({"id", "project", "name", "deployments", "revision", "saves"})


@dataclass(slots=True, kw_only=True)
class Server:
    """The manager's memory and settings.

    `rights`: the token's actions, in every category (`VIEW`) or in one (`IDENTITY+VIEW`).
    """

    edition: Edition
    readable: str
    rights: frozenset[str]
    clock: Callable[[], float]
    _rows: Rows = field(default_factory=lambda: Rows(*TABLES))
    # Indexes: ids by key, keys by id, ids by scope.
    _ids: dict[tuple[str, Key], str] = field(default_factory=dict)
    _keys: dict[str, Key] = field(default_factory=dict)
    _scopes: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    _count: int = 0

    def require(self, action: str, category: str = "API_MANAGEMENT") -> None:
        """Check a right. Raises: RefusedError, in E3 a 400 that must not be read as absence (section 1)."""
        if self.rights.isdisjoint((action, f"{category}+{action}")):
            text = f"User does not have required permission! ({category} - {action})"
            raise RefusedError("access_denied", text)

    # Looking up.

    def taken(self, table: str, name: str) -> RefusedError:
        """Return the refusal of a name that is in use."""
        return RefusedError("duplicate_name", TABLES[table].sentence(name, "is already exist"))

    def every(self, table: str) -> list[Row]:
        """Return a table's live rows, oldest first."""
        return list(self._rows[table].values())

    def copies(self, table: str) -> list[Row]:
        """Return copies of a table's rows, oldest first. Raises: KeyError for an unknown table."""
        return self._rows.copies(table)

    def within(self, table: str, scope: str) -> list[Row]:
        """Return the live rows of a project or proxy, oldest first."""
        rows = self._rows[table]
        return [rows[row_id] for row_id in self._scopes.get((table, scope), ())]

    def find(self, table: str, *names: str) -> Row | None:
        """Return the live row with a key (see `TABLES`), or None."""
        row_id = self._ids.get((table, TABLES[table].folded(names)))
        return None if row_id is None else self._rows[table][row_id]

    def owner(self, endpoint: Row) -> Row:
        """Return the proxy that an endpoint belongs to."""
        return self._rows["apiProxies"][endpoint["proxyId"]]

    def one(self, table: str, *names: str, missing: str = "") -> Row:
        """Return the live row with a key. Raises: RefusedError, with the text `missing` if given."""
        row = self.find(table, *names)
        if row is None:
            definition = TABLES[table]
            raise RefusedError("not_found", missing or definition.sentence(names[-1], definition.not_found))
        return row

    def project(self, name: str) -> Row:
        """Return a project. Raises: RefusedError."""
        return self.one("projects", name)

    def environment(self, name: str) -> Row:
        """Return an environment. Raises: RefusedError."""
        return self.one("environments", name)

    def proxy(self, names: Mapping[str, str], missing: str = "") -> Row:
        """Return the API proxy that a path names. Raises: RefusedError, with the text `missing` if given."""
        self.project(names["project"])
        return self.one("apiProxies", names["project"], names["proxy"], missing=missing)

    def selected(self, table: str, which: Which) -> list[Row]:
        """Return the live rows with a name or id, or those that fulfil a predicate (which sees copies).

        Raises: KeyError when nothing matches.
        """
        if callable(which):
            return [self._rows[table][row_id] for row_id in self._rows.matching(table, which)]
        named = "username" if table == "credentials" else "name"
        found = [row for row in self.every(table) if which in (row["id"], row[named])]
        if not found:
            raise KeyError(f"nothing in {table!r} matches")
        return found

    # Changing.

    def add(self, table: str, given: Mapping[str, Any]) -> Row:
        """Store a new row with an id and what was left out, and return it.

        Raises: ValueError when the name is taken.
        """
        self._count += 1
        row_id = hashlib.sha256(f"{table}:{self._count}".encode()).hexdigest()[:24]
        row = {"id": row_id, **copy.deepcopy(dict(TABLES[table].new)), **copy.deepcopy(dict(given))}
        self._place(table, row, row)
        return row

    def change(self, table: str, row: Row, changes: Mapping[str, Any]) -> None:
        """Put copies of `changes` over a stored row. Raises: ValueError when its new name is taken."""
        self._place(table, row, {**row, **copy.deepcopy(dict(changes))})

    def save(self, proxy: Row, changes: Mapping[str, Any]) -> None:
        """Change a proxy, which then waits for a deployment. Raises: ValueError when its new name is taken."""
        self.change("apiProxies", proxy, {**changes, "saves": proxy["saves"] + 1})

    def discard(self, table: str, row: Row) -> None:
        """Remove a row, a proxy with its endpoints and its memberships."""
        if table == "apiProxies":
            for endpoint in self.within("endpoints", row["id"]):
                self.discard("endpoints", endpoint)
            for group in self.within("apiProxyGroups", row["project"]):
                group["apiProxies"] = [name for name in group["apiProxies"] if name != row["name"]]
        del self._ids[table, self._keys.pop(row["id"])]
        del self._scopes[self._scope(table, row)][row["id"]]
        self._rows.remove(table, row["id"])

    def deploy(self, proxy: Row, environment: Row) -> bool:
        """Bring a proxy's saved state to an environment; return whether its gateways took it."""
        if environment["failing"]:
            return False
        proxy["revision"] += 1
        proxy["deployments"][environment["name"]] = {
            **{name: copy.deepcopy(value) for name, value in proxy.items() if name not in _NOT_DEPLOYED},
            "lastDeployTime": self.now(),
            "revision": proxy["revision"],
            "saves": proxy["saves"],
        }
        return True

    def now(self) -> str:
        """Return the time in the API's spelling."""
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _place(self, table: str, row: Row, changed: Row) -> None:
        """Make `changed` the content of `row` and keep the indexes right."""
        definition, row_id = TABLES[table], row["id"]
        key = definition.folded([changed[name] for name in definition.key])
        if self._ids.get((table, key), row_id) != row_id:
            raise ValueError(f"{table} already has {key[-1]!r}")
        old, scope = self._keys.get(row_id), (table, changed.get(definition.scope, ""))
        if old != key:
            if old is not None:
                del self._ids[table, old]
                if table == "apiProxies":
                    self._follow(row, changed["name"])
            self._ids[table, key], self._keys[row_id] = row_id, key
        if old is None or scope != self._scope(table, row):
            if old is not None:
                del self._scopes[self._scope(table, row)][row_id]
            self._scopes.setdefault(scope, {})[row_id] = None
        row.update(changed)
        self._rows.put(table, row)

    def _scope(self, table: str, row: Row) -> tuple[str, str]:
        return table, row.get(TABLES[table].scope, "")

    def _follow(self, proxy: Row, name: str) -> None:
        """Keep a proxy in its groups under its new name."""
        for group in self.within("apiProxyGroups", proxy["project"]):
            group["apiProxies"] = [name if member == proxy["name"] else member for member in group["apiProxies"]]
