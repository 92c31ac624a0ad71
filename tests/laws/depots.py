"""Three small odd APIs that share nothing but their rows, and the kinds that describe them: where faults are tried.

| | quarry | harbor | attic |
|---|---|---|---|
| lists | whole objects, by offset, with their number | summaries, by cursor | ids, by page, of each parent |
| update | PATCH | PUT of everything, If-Match | two PATCHes with the version that was read |
| answers to writes | the object | the object and its ETag | an id, or nothing |
| after all changes | nothing | everything is published | nothing |
| a second one of a name | is made | is refused | is made, unless its Idempotency-Key is known |

All of them repeat in their errors whatever they were sent: nothing of it may be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response, json_response

Row = dict[str, Any]

PAGE = 3  # so that small lists have several pages
SETTLE_S = 5
TOKEN, PIN, KEY = "fake-token-not-real", "fake-pin-not-real", "fake-depot-key-not-real"
SECRETS = {"DEPOT_TOKEN": TOKEN, "DEPOT_PIN": PIN, "DEPOT_KEY": KEY}

PARENTS = {"quarry": "Site", "harbor": "Dock", "attic": "Room"}
CHILDREN = {"quarry": "Pit", "harbor": "Ship", "attic": "Trunk"}
SECRET_FIELDS = {"quarry": "token", "harbor": "pin", "attic": "token"}
COLLECTIONS = {kind: f"{kind.lower()}s" for kinds in (PARENTS, CHILDREN) for kind in kinds.values()}

_KIND = """
apiVersion: {system}/v1
kind: {kind}
schema:
  type: object
  additionalProperties: false
  required: [name]
  properties:
    name: {{type: string}}
    size: {{type: integer}}
    label: {{type: string}}
    note: {{type: string}}
    peer: {{type: string}}
    grade: {{type: string, x-immutable: true}}
    {secret}: {{type: string, x-sensitive: true{hidden}}}
    {parent}
identity: {{key: [{key}name], name: name}}
read:
  settleSeconds: 5
  list: {{method: GET, path: "{lists}", items: /items, {listing}}}
  get: {{method: GET, path: "/{collection}/{{id}}"}}
{guard}
write:
  create: {{method: POST, path: "{lists}"{create}}}
  update:
    - {{method: {update}, path: "/{collection}/{{id}}"}}
    {more}
  delete: {{call: {{method: DELETE, path: "/{collection}/{{id}}"}}}}
  {after}
"""
_LISTING = {
    "quarry": 'query: {from: "{page.offset}"}, paging: {style: offset, size: 3, total: /total}',
    "harbor": 'query: {after: "{page.cursor}"}, itemsAre: summaries, paging: {style: cursor, next: /next}',
    "attic": 'query: {page: "{page.number}"}, itemsAre: ids, paging: {style: page, size: 3, total: /total}',
}
_GUARD = {"quarry": "", "harbor": "guard: {ifMatch: true}", "attic": "guard: {version: /version}"}
_CREATE = {"quarry": "", "harbor": "", "attic": ", idAt: /id, returns: nothing, idempotencyKey: Idempotency-Key"}
_MORE = {"quarry": "", "harbor": "", "attic": '- {method: PATCH, path: "/%s/{id}", fields: [label, token]}'}
_AFTER = {"quarry": "", "harbor": "after: {title: publish, method: POST, path: /publish}", "attic": ""}
_UPDATE = {"quarry": "PATCH", "harbor": "PUT", "attic": "PATCH"}


def _kind(system: str, kind: str) -> str:
    parent = PARENTS[system]
    child = kind != parent
    scoped = child and system == "attic"
    return _KIND.format(
        system=system,
        kind=kind,
        collection=COLLECTIONS[kind],
        lists=f"/rooms/{{spec.room}}/{COLLECTIONS[kind]}" if scoped else f"/{COLLECTIONS[kind]}",
        listing=_LISTING[system],
        guard=_GUARD[system],
        create=_CREATE[system],
        update=_UPDATE[system],
        after=_AFTER[system],
        more=_MORE[system].replace("%s", COLLECTIONS[kind]),
        secret=SECRET_FIELDS[system],
        hidden="" if system == "harbor" else ", writeOnly: true",
        key=f"{parent.lower()}, " if child else "",
        parent=f"{parent.lower()}: {{type: string, x-ref: {parent}, x-immutable: true}}" if child else "",
    )


KINDS = "---".join(_kind(system, kind) for kinds in (PARENTS, CHILDREN) for system, kind in kinds.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that was done to one row: what it was before and is now; None: not there."""

    ours: bool  # by a request, and not by somebody else
    op: str
    id: str
    name: str
    before: Row | None
    after: Row | None
    at: int  # during which request


@dataclass
class Depot:
    """One of the systems, by its name."""

    name: str
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)  # by collection and id
    deeds: list[Deed] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)  # names by id, also of what is gone
    keys: dict[str, SandboxResponse] = field(default_factory=dict)
    made: int = 0
    unpublished: bool = False
    at: int = -1  # the number of the request that is being answered
    lists: Callable[[list[Row], int], tuple[list[Row], int]] = lambda rows, start: (rows, len(rows))

    def __post_init__(self) -> None:
        for kind in (PARENTS[self.name], CHILDREN[self.name]):
            self.rows.setdefault(COLLECTIONS[kind], {})

    def copy(self) -> Depot:
        rows = {collection: {i: dict(row) for i, row in rows.items()} for collection, rows in self.rows.items()}
        return Depot(
            name=self.name,
            rows=rows,
            named=dict(self.named),
            keys=dict(self.keys),
            made=self.made,
            unpublished=self.unpublished,
        )

    def every(self) -> Iterator[tuple[str, Row]]:
        """Yield each row with its collection."""
        for collection, rows in self.rows.items():
            for row in list(rows.values()):
                yield collection, row

    def of_name(self, name: str) -> list[Row]:
        return [row for _, row in self.every() if row["name"] == name]

    # ------------------------------------------------------------------ deeds

    def add(self, collection: str, body: Row, *, ours: bool = False) -> Row:
        self.made += 1
        row = {"id": f"{self.name[0]}{self.made}", "version": 1, **body}
        self.rows[collection][row["id"]] = row
        self.named[row["id"]] = row["name"]
        self._done(ours, "add", None, row)
        return row

    def change(self, row: Row, body: Row, *, ours: bool = False) -> None:
        before = dict(row)
        row.update(body, version=row["version"] + 1)
        self._done(ours, "change", before, row)

    def put(self, row: Row, body: Row) -> None:
        """Let a row hold what was sent and nothing else."""
        before = dict(row)
        row.clear()
        row.update(body, id=before["id"], version=before["version"] + 1)
        self._done(True, "change", before, row)

    def take(self, collection: str, row: Row, *, ours: bool = False) -> None:
        """Take a row away, and with somebody else's hands what stands in it as well."""
        if not ours:
            for place, child in self.every():
                if child.get(self.parent_field) == row["id"]:
                    self.take(place, child)
        del self.rows[collection][row["id"]]
        self._done(ours, "take", row, None)

    def _done(self, ours: bool, op: str, before: Row | None, after: Row | None) -> None:
        row = after or before
        assert row is not None
        self.unpublished = self.unpublished or ours
        copy = None if after is None else dict(after)
        self.deeds.append(Deed(ours=ours, op=op, id=row["id"], name=row["name"], before=before, after=copy, at=self.at))

    @property
    def parent_field(self) -> str:
        return PARENTS[self.name].lower()

    # ------------------------------------------------------------------ requests

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return self.refuse(401, request)
        if request.path == "/publish":
            self.unpublished = False
            return json_response(200, {})
        _, *steps = request.path.split("/")
        collection, scope = steps[-1] if len(steps) != 2 else steps[0], {}
        if len(steps) == 3:
            scope = {self.parent_field: steps[1]}
            if steps[1] not in self.rows[steps[0]]:
                return self.refuse(404, request)
        if len(steps) != 2:
            return (
                self._list(collection, scope, request)
                if request.method == "GET"
                else self._create(collection, scope, request)
            )
        row = self.rows[collection].get(steps[1])
        if row is None:
            return self.refuse(404, request)
        if request.method == "GET":
            return self._shown(row)
        refused = self._guarded(row, request)
        if refused is not None:
            return refused
        return self._delete(collection, row, request) if request.method == "DELETE" else self._update(row, request)

    def refuse(self, status: int, request: SandboxRequest) -> SandboxResponse:
        """Return an error that quotes everything."""
        said = f"no: {request.body.decode()} {request.headers.get('authorization')} {TOKEN} {PIN}"
        return json_response(status, {"message": said})

    def _shown(self, row: Row, status: int = 200) -> SandboxResponse:
        shown = {name: value for name, value in row.items() if name != "token"}
        return json_response(status, shown, {"etag": f'"{row["version"]}"'} if self.name == "harbor" else None)

    def _list(self, collection: str, scope: Row, request: SandboxRequest) -> SandboxResponse:
        rows = [row for row in self.rows[collection].values() if scope.items() <= row.items()]
        asked = dict(request.query)
        start = int(asked.get("from") or asked.get("after") or 0)
        if "page" in asked:
            start = (int(asked["page"]) - 1) * PAGE
        rows, total = self.lists(rows, start)
        chosen = rows[start : start + PAGE]
        if self.name == "quarry":
            items: list[Any] = [{name: value for name, value in row.items() if name != "token"} for row in chosen]
            return json_response(200, {"items": items, "total": total})
        if self.name == "attic":
            return json_response(200, {"items": [row["id"] for row in chosen], "total": total})
        more = {"next": str(start + PAGE)} if start + PAGE < len(rows) else {}
        wanted = ("id", "name", self.parent_field)
        return json_response(200, {"items": [{n: row[n] for n in wanted if n in row} for row in chosen], **more})

    def _create(self, collection: str, scope: Row, request: SandboxRequest) -> SandboxResponse:
        key = request.headers.get("idempotency-key", "")
        if key in self.keys:
            return self.keys[key]
        body = {**json.loads(request.body), **scope}
        parent = body.get(self.parent_field)
        if parent is not None and parent not in self.rows[COLLECTIONS[PARENTS[self.name]]]:
            return self.refuse(404, request)
        if self.name == "harbor" and any(row["name"] == body["name"] for row in self.rows[collection].values()):
            return self.refuse(409, request)
        row = self.add(collection, body, ours=True)
        answer = json_response(201, {"id": row["id"]}) if self.name == "attic" else self._shown(row, 201)
        if key:
            self.keys[key] = answer
        return answer

    def _guarded(self, row: Row, request: SandboxRequest) -> SandboxResponse | None:
        if self.name == "harbor" and request.headers.get("if-match") not in (None, f'"{row["version"]}"'):
            return self.refuse(412, request)
        versioned = self.name == "attic" and request.method == "PATCH"
        if versioned and json.loads(request.body).get("version") != row["version"]:
            return self.refuse(409, request)
        return None

    def _update(self, row: Row, request: SandboxRequest) -> SandboxResponse:
        body = {name: value for name, value in json.loads(request.body).items() if name not in ("id", "version")}
        if request.method == "PUT":
            self.put(row, body)
        else:
            self.change(row, body, ours=True)
        return empty_response(204) if self.name == "attic" else self._shown(row)

    def _delete(self, collection: str, row: Row, request: SandboxRequest) -> SandboxResponse:
        if any(child.get(self.parent_field) == row["id"] for _, child in self.every()):
            return self.refuse(409, request)
        self.take(collection, row, ours=True)
        return empty_response(204)
