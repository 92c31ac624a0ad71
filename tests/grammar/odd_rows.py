"""Rows below one path, for servers that are odd in one respect only; and the round that proves a bullet."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from odd_api import Handler, OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response, not_found

from reconciler.core.report import Status

Row = dict[str, Any]


class Rows:
    """A plain REST collection. What is odd about a server is said by overriding one of the small methods."""

    def __init__(self, *rows: Row, path: str = "/things") -> None:
        self.path = path
        self.rows: dict[str, Row] = {str(self.id_of(row)): dict(row) for row in rows}

    def id_of(self, row: Row) -> Any:
        return row["id"]

    def new_id(self, body: Row) -> Any:
        return f"t{len(self.rows) + 1}"

    def show(self, row: Row) -> Any:
        """Return `row` as answers show it."""
        return row

    def take(self, body: Any, row: Row) -> Row:
        """Return what a write with `body` makes of `row`, which is empty on create."""
        return {**row, **body}

    def shown_list(self, request: SandboxRequest) -> Any:
        return [self.show(row) for row in self.rows.values()]

    def written(self, status: int, row: Row) -> SandboxResponse:
        """Return the answer of a write that made `row`."""
        return json_response(status, self.show(row))

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        below = request.path.removeprefix(self.path).strip("/")
        if not request.path.startswith(self.path):
            return empty_response(404)
        if not below and request.method == "GET":
            return json_response(200, self.shown_list(request))
        if not below and request.method == "POST":
            body = body_of(request)
            row = {"id": self.new_id(body), **self.take(body, {})}
            self.rows[str(self.id_of(row))] = row
            return self.written(201, row)
        row = self.rows.get(unquote(below), {})
        if request.method not in ("GET", "PUT", "PATCH"):
            return empty_response(405)
        if request.method == "GET" or not row:
            return json_response(200, self.show(row)) if row else not_found()
        if request.method == "PUT":
            row = {"id": row["id"]}
        self.rows[unquote(below)] = {**self.take(body_of(request), row)}
        return self.written(200, self.rows[unquote(below)])


def kind(
    *,
    properties: str = "{name: {type: string}, size: {type: integer}, id: {type: string, readOnly: true}}",
    identity: str = "{key: [name], name: name}",
    read: str = '{list: {method: GET, path: /things}, get: {method: GET, path: "/things/{id}"}}',
    write: str = '{create: {method: POST, path: /things}, update: {method: PATCH, path: "/things/{id}"}}',
    more: str = "",
    name: str = "Thing",
) -> str:
    """Return a definition, of which the given parts differ from the usual."""
    return textwrap.dedent(f"""\
        apiVersion: odd/v1
        kind: {name}
        schema:
          type: object
          additionalProperties: false
          properties: {properties}
        identity: {identity}
        read: {read}
        write: {write}
        """) + textwrap.dedent(more)


def manifest(spec: str, *, name: str = "one", of: str = "Thing") -> str:
    return f"apiVersion: odd/v1\nkind: {of}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


Write = tuple[str, str, Any]


def proved(folder: Path, handle: Handler, definition: str, manifests: str, writes: list[Write], **more: str) -> OddApi:
    """Plan and apply: exactly `writes` are sent, and all is well. Then plan again: nothing is left to do."""
    api = OddApi(folder=folder, handle=handle)
    api.define(definition, manifests, **more)
    outcomes = api.apply().outcomes
    assert {(one.status, one.detail, one.hint) for one in outcomes} == {(Status.APPLIED, "", "")}
    assert sorted(api.writes(), key=str) == sorted(writes, key=str)
    api.seen.clear()
    second = api.plan()
    assert second.pending == ()
    assert second.diagnostics == ()
    return api


def asked(api: OddApi) -> list[str]:
    """Return the requests that were made: method, path and query."""
    return [
        f"{r.method} {r.path}" + ("?" + "&".join(f"{n}={v}" for n, v in r.query) if r.query else "") for r in api.seen
    ]
