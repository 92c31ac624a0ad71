"""The Goldmine proxy service: its state, its procedures, and the back door for tests and demos.

Reads: the injected clock. Writes: nothing outside its own memory.
Invariants: one lock around everything; ids are UUIDv7 made from the clock and a counter, hence deterministic;
deletion is soft (the row stays, and is gone for every procedure).
Source: the Goldmine sheet, sections 4, 5 and 9.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from reconciler.sandbox.goldmine.connect import ConnectError, error_response, refusal
from reconciler.sandbox.goldmine.messages import REQUESTS, assignment_answer, provider_answer, session_answer
from reconciler.sandbox.goldmine.paging import read_page
from reconciler.sandbox.goldmine.proto_json import (
    MalformedError,
    decode_bytes,
    encode_id,
    read_message,
    timestamp,
)
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response

Row = dict[str, Any]
Selector = str | Callable[[Row], bool]
_PREFIX: Final = "/proxies.v1.Proxies/"
_PORTS: Final = 65535
# Section 4: other values than "http" are [unknown]; anything that isn't a proxy scheme is refused.
_SCHEMES: Final = ("http", "https", "socks5")
_NEW: Final[Mapping[str, Row]] = {
    "pools": {},
    "providers": {
        "type": "PROVIDER_TYPE_WEBSHARE_RESIDENTIAL",
        "targetPoolId": "",
        "capabilities": {"enumerable": False, "stateApi": False},
        "state": None,
        "stateRefreshedAt": None,
        "enabled": True,
        "credentials": "",
    },
    "sessions": {
        **dict.fromkeys(("poolId", "providerId", "token", "scheme", "host", "username", "password"), ""),
        "port": 0,
        "enabled": True,
    },
    "assignments": {"poolId": "", "sessionId": "", "accountName": "", "pinned": False},
}


@dataclass(kw_only=True)
class Goldmine:
    """One emulated workspace service.

    `workspace_id`: the only workspace of `api_key`, UUID or base64. `duplicate_code`: how CreateSession
    refuses a (pool, token) that exists. `page_size`: rows per list page, also the most `limit` can ask for.
    `token_reuse`: whether the token of a deleted session may be created again.
    """

    api_key: str = field(repr=False)
    workspace_id: str = "018f8c1e-7a2b-7c3d-9e4f-1a2b3c4d5e6f"
    duplicate_code: Literal["already_exists", "failed_precondition"] = "already_exists"
    page_size: int = 50
    # Section 4: reuse after deletion is [unknown]; the inconvenient reading is a unique index over all rows.
    token_reuse: bool = False
    clock: Callable[[], float] = time.time
    name: str = field(default="goldmine", init=False)
    _tables: dict[str, dict[str, Row]] = field(init=False, repr=False)
    _holders: dict[tuple[str, str], str] = field(default_factory=dict, init=False, repr=False)
    _ids: int = field(default=0, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._tables = {table: {} for table in _NEW}
        self.workspace_id = id_of(self.workspace_id)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one call as the service would."""
        method = request.path.removeprefix(_PREFIX) if request.path.startswith(_PREFIX) else ""
        refused = refusal(request, known=method in REQUESTS)
        if refused is not None:
            return refused
        with self._lock:
            try:
                self._authenticate(request)
                message = read_message(request.body, REQUESTS[method])
                if message["workspaceId"] != self.workspace_id:
                    raise ConnectError("permission_denied")
                return json_response(200, self._call(method, message))
            except MalformedError as error:
                return error_response(ConnectError("invalid_argument", str(error)))
            except ConnectError as error:
                return error_response(error)

    # Behind the back: what somebody else, or the service itself, does without our calls.

    def stored(self, table: str, *, deleted: bool = False) -> list[Row]:
        """Return copies of the rows of a table ("sessions", say), oldest first, secrets included.

        With `deleted`, the softly deleted rows as well; those have `deletedAt`.
        """
        with self._lock:
            rows = self._tables[table].values()
            return [copy.deepcopy(row) for row in rows if deleted or row["deletedAt"] is None]

    def seed(self, table: str, row: Mapping[str, Any]) -> str:
        """Store a row without any check and return its id; ids in `row` may be UUIDs or base64."""
        with self._lock:
            given = {name: id_of(value) if _is_id(name) else value for name, value in row.items()}
            return str(self._store(table, given)["id"])

    def edit(self, table: str, which: Selector, changes: Mapping[str, Any]) -> list[str]:
        """Change rows by id or predicate as another client would: versions grow.

        Return the ids. Raises: KeyError when nothing matches.
        """
        given = {name: id_of(value) if _is_id(name) else value for name, value in changes.items()}
        with self._lock:
            rows = self._selected(table, which)
            for row in rows:
                self._change(row, copy.deepcopy(given))
                self._note_holder(table, row)
            return [row["id"] for row in rows]

    def remove(self, table: str, which: Selector) -> list[str]:
        """Delete rows softly by id or predicate; return the ids. Raises: KeyError when nothing matches."""
        with self._lock:
            rows = self._selected(table, which)
            for row in rows:
                row["deletedAt"] = timestamp(self.clock())
            return [row["id"] for row in rows]

    def discover(self, provider_id: str, count: int) -> list[str]:
        """Let an enumerable provider place `count` endpoints into its target pool. Return the session ids.

        Raises: ValueError when the provider isn't enumerable. Source: section 5.
        """
        with self._lock:
            provider = self._tables["providers"][id_of(provider_id)]
            if not provider["capabilities"].get("enumerable"):
                raise ValueError("only an enumerable provider discovers endpoints by itself")
            rows = (self._discovered(provider, index) for index in range(count))
            return [str(self._store("sessions", row)["id"]) for row in rows]

    def _discovered(self, provider: Row, index: int) -> Row:
        token = f"auto-{self._ids:06d}"
        endpoint = {"scheme": "http", "host": f"198.51.100.{index % 254 + 1}", "port": 8080}
        return {"poolId": provider["targetPoolId"], "providerId": provider["id"], "token": token, **endpoint}

    # Procedures.

    def _call(self, method: str, message: Row) -> Row:
        match method:
            case "CreateSession":
                return {"session": session_answer(self._create(message))}
            case "BulkCreateSessions":
                return self._create_many(message)
            case "GetSession":
                return {"session": session_answer(self._found("sessions", message["sessionId"]))}
            case "UpdateSession":
                return {"session": session_answer(self._update(message))}
            case "DeleteSession" | "DeleteProvider" | "DeleteAssignment":
                table = method.removeprefix("Delete").lower() + "s"
                self._found(table, message[f"{table[:-1]}Id"])["deletedAt"] = timestamp(self.clock())
                return {}
            case "ListSessions":
                pool = message.get("poolId")
                return self._listed("sessions", message, lambda row: not pool or row["poolId"] == pool)
            case "ListProviders":
                return self._listed("providers", message, lambda _row: True)
            case "ListAssignments":
                wanted = {name: message[name] for name in ("poolId", "sessionId", "accountName") if message.get(name)}
                return self._listed("assignments", message, lambda row: wanted.items() <= row.items())
            case _ if "Provider" in method:
                return {"provider": provider_answer(self._provider(method, message))}
            case _:
                return {"assignment": assignment_answer(self._assignment(method, message))}

    def _provider(self, method: str, message: Row) -> Row:
        if method == "ConnectProvider":
            if any(row["type"] == message["type"] and row["deletedAt"] is None for row in self._rows("providers")):
                # Section 5: at most one of each type; the code is [unknown].
                raise ConnectError(self.duplicate_code, "a provider of this type is connected already")
            if not message["type"].startswith("PROVIDER_TYPE_"):
                raise ConnectError("invalid_argument", "unknown provider type")
            return self._store("providers", message)
        provider = self._found("providers", message["providerId"])
        if method == "UpdateProvider":
            if message.get("targetPoolId"):
                self._found("pools", message["targetPoolId"])
            self._change(provider, _given(message, "credentials", "targetPoolId") | _stated(message, "enabled"))
        elif method == "RefreshProviderState":
            if not provider["capabilities"].get("stateApi"):
                raise ConnectError("failed_precondition")
            used = int((provider["state"] or {}).get("bandwidthUsedBytes", 0))
            state = {**(provider["state"] or {}), "bandwidthUsedBytes": used + 1_048_576}
            self._change(provider, {"state": state, "stateRefreshedAt": timestamp(self.clock())})
        return provider

    def _assignment(self, method: str, message: Row) -> Row:
        assignment = self._found("assignments", message["assignmentId"])
        if method == "UpdateAssignment":
            if message.get("sessionId"):
                session = self._found("sessions", message["sessionId"])
                # [unknown] Sessions of other pools: taken to be refused.
                if session["poolId"] != assignment["poolId"]:
                    raise ConnectError("failed_precondition", "the session belongs to another pool")
            self._change(assignment, _given(message, "sessionId") | _stated(message, "pinned"))
        elif method == "RebindAssignment":
            if assignment["pinned"]:
                raise ConnectError("failed_precondition", "a pinned assignment cannot be moved")
            self.rotate(assignment["id"])
        return assignment

    def rotate(self, assignment_id: str) -> None:
        """Move an assignment to another enabled session of its pool, as the pool's rotation does by itself.

        Raises: ConnectError `failed_precondition` when there is none. Source: section 6.
        """
        with self._lock:
            row = self._found("assignments", assignment_id)
            fit = (s for s in self._rows("sessions") if s["enabled"] and s["deletedAt"] is None)
            others = [s["id"] for s in fit if s["poolId"] == row["poolId"] and s["id"] != row["sessionId"]]
            if not others:
                raise ConnectError("failed_precondition")
            self._change(row, {"sessionId": others[0]})

    def _create(self, message: Row) -> Row:
        self._check_parents(message)
        _check_endpoint(message)
        if self._is_taken(message["poolId"], message["token"]):
            raise ConnectError(self.duplicate_code, "a session with this token already exists in the pool")
        return self._store("sessions", message)

    def _create_many(self, message: Row) -> Row:
        self._check_parents(message)
        for session in message["sessions"]:
            _check_endpoint(session)
        shared = {name: message[name] for name in ("poolId", "providerId")}
        created: list[Row] = []
        for session in message["sessions"]:
            # Section 4: whether a repeat updates is [unknown], the sheet assumes not. The answer, also
            # [unknown], leaves it out: a caller that wants its id has to look for it.
            if not self._is_taken(message["poolId"], session["token"]):
                created.append(session_answer(self._store("sessions", {**shared, **session})))
        return {"sessions": created} if created else {}

    def _update(self, message: Row) -> Row:
        session = self._found("sessions", message["sessionId"])
        # Section 9, partial-update trap: only `enabled` has presence for sure. What zero values of the
        # others do is [unknown]; here they're taken for absent fields, ignored and answered with 200.
        changes = _given(message, "host", "port", "username", "password")
        if not 0 <= changes.get("port", 0) <= _PORTS:
            raise ConnectError("invalid_argument")
        self._change(session, changes | _stated(message, "enabled"))
        return session

    def _listed(self, table: str, message: Row, matches: Callable[[Row], bool]) -> Row:
        ids = [
            row["id"]
            # The order is [unknown]; newest first makes offset cursors repeat rows while others are added.
            for row in reversed(self._tables[table].values())
            if row["deletedAt"] is None and matches(row)
        ]
        page, cursor = read_page(ids, message.get("limit", 0), message.get("cursor", ""), self.page_size)
        answer: Row = {f"{table[:-1]}Ids": page, "nextCursor": cursor}
        return {name: value for name, value in answer.items() if value}

    # State.

    def _authenticate(self, request: SandboxRequest) -> None:
        expected = f"Bearer {self.api_key}".encode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            raise ConnectError("unauthenticated")

    def _check_parents(self, message: Row) -> None:
        self._found("pools", message["poolId"])
        if not self._found("providers", message["providerId"])["enabled"]:
            raise ConnectError("failed_precondition")

    def _found(self, table: str, row_id: str) -> Row:
        row = self._tables[table].get(row_id)
        if row is None or row["deletedAt"] is not None:
            raise ConnectError("not_found")
        return row

    def _rows(self, table: str) -> list[Row]:
        return list(self._tables[table].values())

    def _is_taken(self, pool_id: str, token: str) -> bool:
        holder = self._tables["sessions"].get(self._holders.get((pool_id, token), ""))
        # An edit may have taken the token away from the row that was stored with it.
        if holder is None or (holder["poolId"], holder["token"]) != (pool_id, token):
            return False
        return holder["deletedAt"] is None or not self.token_reuse

    def _store(self, table: str, given: Mapping[str, Any]) -> Row:
        now = timestamp(self.clock())
        stamps = {"version": 1, "createdAt": now, "updatedAt": now, "deletedAt": None}
        row: Row = {"workspaceId": self.workspace_id, **copy.deepcopy(_NEW[table]), **stamps}
        row |= {name: copy.deepcopy(value) for name, value in given.items() if value is not None}
        if not row.get("id"):
            row["id"] = self._new_id(table)
        if row.get("state") is not None and row["stateRefreshedAt"] is None:
            row["stateRefreshedAt"] = now
        self._tables[table][row["id"]] = row
        self._note_holder(table, row)
        return row

    def _note_holder(self, table: str, row: Row) -> None:
        if table == "sessions":
            self._holders[row["poolId"], row["token"]] = row["id"]

    def _change(self, row: Row, changes: Mapping[str, Any]) -> None:
        row.update(changes)
        row["version"] += 1
        row["updatedAt"] = timestamp(self.clock())

    def _selected(self, table: str, which: Selector) -> list[Row]:
        live = (row for row in self._tables[table].values() if row["deletedAt"] is None)
        row_id = "" if callable(which) else id_of(which)
        fits = which if callable(which) else lambda row: row["id"] == row_id
        found = [row for row in live if fits(copy.deepcopy(row))]
        if not found:
            raise KeyError(f"nothing in {table!r} matches")
        return found

    def _new_id(self, table: str) -> str:
        self._ids += 1
        random = hashlib.sha256(f"{table}:{self._ids}".encode()).digest()
        raw = bytearray(int(self.clock() * 1000).to_bytes(6, "big") + random[:10])
        raw[6] = raw[6] & 0x0F | 0x70
        raw[8] = raw[8] & 0x3F | 0x80
        return encode_id(bytes(raw))


def id_of(text: str) -> str:
    """Return an id, given as UUID or base64, as the service writes it; an empty text stays empty."""
    if len(text) == 36 and text.count("-") == 4:
        return encode_id(uuid.UUID(text).bytes)
    return encode_id(decode_bytes(text))


def _given(message: Row, *names: str) -> Row:
    """Return the fields of an update that are set to something: their zero values count as absent."""
    return {name: message[name] for name in names if message.get(name) not in (None, "", 0)}


def _stated(message: Row, name: str) -> Row:
    """Return a field that has presence, if it is set: false is a value as well."""
    return {name: message[name]} if name in message else {}


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("Id")


def _check_endpoint(session: Mapping[str, Any]) -> None:
    """Refuse half an endpoint. Section 4: static endpoint, or rotation session with a token only."""
    endpoint = [session.get(name) for name in ("scheme", "host", "port")]
    if any(endpoint) and not all(endpoint):
        raise ConnectError("invalid_argument", "scheme, host and port of a static endpoint belong together")
    if not 0 <= session.get("port", 0) <= _PORTS:
        raise ConnectError("invalid_argument", "port must be between 1 and 65535")
    if endpoint[0] and endpoint[0] not in _SCHEMES:
        raise ConnectError("invalid_argument", "unsupported scheme")
