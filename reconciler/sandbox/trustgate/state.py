"""What one TrustGate installation holds: rows, and the caches of its admin process. Pure but for the clock.

Not synchronized: the system holds its lock around every call.
"""

from __future__ import annotations

import copy
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.sandbox.http import SandboxRequest
from reconciler.sandbox.rows import Row, Rows
from reconciler.sandbox.trustgate.go_json import BadJSONError, Struct, decode_body
from reconciler.sandbox.trustgate.shapes import Era

ZERO_TIME = "0001-01-01T00:00:00Z"
ZERO_UUID = str(uuid.UUID(int=0))


class RefusalError(Exception):
    """An error answer: `{"error": message}` with a status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way to a handler."""

    request: SandboxRequest
    values: Mapping[str, str]  # from the path

    def id(self, name: str) -> str:
        """Return a UUID of the path in its usual spelling. Raises RefusalError (400, section 1)."""
        try:
            return str(uuid.UUID(self.values[name]))
        except ValueError as error:
            raise RefusalError(400, f"invalid {name}") from error

    def body(self, shape: Struct) -> dict[str, Any]:
        """Return the members of the body that are present. Raises RefusalError (400, section 1)."""
        # [unknown] Other content types: taken to be refused as unreadable, the web framework's default.
        content_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if content_type != "application/json":
                raise BadJSONError(content_type)
            return decode_body(self.request.body, shape)
        except BadJSONError as error:
            raise RefusalError(400, "Invalid JSON payload") from error

    def page(self) -> tuple[int, int]:
        """Return offset and limit; anything but 1 to 100 is silently 10 (section 3)."""
        query = dict(reversed(self.request.query))
        offset, limit = _int(query.get("offset")), _int(query.get("limit"))
        return max(offset or 0, 0), limit if limit is not None and 1 <= limit <= 100 else 10


class State:
    """Rows by collection, caches that outlive them, and the sources of ids, times and disorder."""

    def __init__(self, *, era: Era, unique_names: bool, unstable_pages: bool, clock: Callable[[], float]) -> None:
        self.era = era
        self.unique_names = unique_names
        self.rows = Rows("gateways", "upstreams", "services", "rules")
        self.service_cache: dict[str, Row] = {}
        self.upstream_cache: dict[str, Row] = {}
        self.upstream_pages: dict[str, list[Row]] = {}
        self.rule_lists: dict[str, set[str]] = {}  # ids in the cached rule list of each gateway
        self._unstable_pages = unstable_pages
        self._clock = clock
        self._random = random.Random(20250820)
        self._node = self._random.getrandbits(48) | 0x010000000000
        self._ticks = 0x1EFDA1C7B0A4000
        self._place: dict[str, float] = {}

    def forget_caches(self) -> None:
        """Do what a restart of the admin process does."""
        self.service_cache.clear()
        self.upstream_cache.clear()
        self.upstream_pages.clear()
        self.rule_lists.clear()

    def new_id(self) -> str:
        """Return the next UUID v6."""
        self._ticks += self._random.randrange(10_000, 10_000_000)
        high, low = self._ticks >> 12, self._ticks & 0xFFF
        clock_sequence = self._random.getrandbits(14) | 0x8000
        return str(uuid.UUID(int=(high << 80) | (6 << 76) | (low << 64) | (clock_sequence << 48) | self._node))

    def now(self) -> str:
        """Return the time as Go writes it: RFC 3339, microseconds without trailing zeros."""
        text = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return text.rstrip("0").rstrip(".") + "Z"

    def save(self, collection: str, row: Row) -> None:
        """Put a row in place; as in any heap table it may end up anywhere in an unordered list."""
        self.rows.put(collection, row)
        self._place[row["id"]] = self._random.random()

    def unordered(self, collection: str, gateway_id: str) -> list[Row]:
        """Return the rows of a gateway in the database's own order (section 3: no ORDER BY)."""
        rows = [row for row in self.rows[collection].values() if row["gateway_id"] == gateway_id]
        if self._unstable_pages:
            self._random.shuffle(rows)
            return rows
        return sorted(rows, key=lambda row: self._place.get(row["id"], 0.0))

    def check_name(self, collection: str, row: Row) -> None:
        """Refuse a name taken anywhere in the installation, where names are unique (end of section 7)."""
        if not self.unique_names:
            return
        for other in self.rows.named(collection, row["name"]):
            if other["id"] != row["id"]:
                constraint = f"idx_{collection}_name"
                raise RefusalError(
                    500,
                    f'ERROR: duplicate key value violates unique constraint "{constraint}" (SQLSTATE 23505)',
                )


def snapshot(row: Row) -> Row:
    """Return a copy that later writes don't reach."""
    return copy.deepcopy(row)


def utc_text(time: str) -> str:
    """Return an RFC 3339 time in UTC, as the database gives it back. Raises RefusalError (400)."""
    try:
        moment = datetime.fromisoformat(time).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RefusalError(400, "Invalid JSON payload") from error
    text = f"{moment.year:04}" + moment.strftime("-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"


def _int(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None
