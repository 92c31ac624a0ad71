"""A small shop API that can behave in many ways, and a definition of it that can be made wrong on purpose."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fake_time import FakeTime

from reconciler.core.address import Address
from reconciler.core.conformance.claims import Claim, ClaimVerdict, Conformance
from reconciler.core.conformance.variation import Trial
from reconciler.core.redaction import Redactor
from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse, empty_response, json_response
from reconciler.sandbox.in_process import in_process_transport
from reconciler.workflow.commands import Connections, Options, load
from reconciler.workflow.verification import verify

SYSTEM = "odd"

KIND = """\
apiVersion: odd/v1
kind: Widget
schema:
  type: object
  additionalProperties: false
  required: [name]
  properties:
    name: {type: string}
    price: {type: [integer, "null"]}
    color: {enum: [red, green, blue]}
    tags: {type: array, items: {type: string}}
    note: {type: string}
    token: {type: string, writeOnly: true, x-sensitive: true, x-present: hasToken}
    hasToken: {type: boolean, readOnly: true}
    id: {type: string, readOnly: true}
    version: {type: integer, readOnly: true}
identity: {id: /id, key: [name], name: name}
read:
  list: {method: GET, path: /widgets, items: /items}
  get: {method: GET, path: "/widgets/{id}"}
write:
  create: {method: POST, path: /widgets}
  update: {method: PATCH, path: "/widgets/{id}"}
  delete: {call: {method: DELETE, path: "/widgets/{id}"}}
"""

MANIFEST = """\
apiVersion: odd/v1
kind: Widget
metadata: {name: scratch}
spec:
  price: 3
  color: red
  tags: [z, a, m]
  note: Some Text
  token: fake-token-not-real
"""


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How the API behaves; the defaults are how the definition says it does."""

    replaces: bool = False  # a PATCH erases what it does not carry
    silent: bool = False  # writes answer nothing
    wrapped: bool = False  # writes answer {"widget": {…}}
    sorts: bool = False
    lowers: bool = False
    lag_s: float = 0.0
    shows_token: str = ""  # what answers hold for the token
    poor_list: bool = False
    no_null: bool = False
    ignores: str = ""
    refuses: str = ""
    etag: str = ""  # "checked" or "unchecked"
    doubles: str = "refused"  # or "taken", or "badly refused"
    keeps_deleted: bool = False
    bare_404: bool = False


@dataclass
class Shop:
    """Keeps widgets in memory, and everything that it was asked."""

    ways: Ways
    time: FakeTime
    name: str = SYSTEM
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    old: dict[str, tuple[float, dict[str, Any] | None]] = field(default_factory=dict)
    seen: list[SandboxRequest] = field(default_factory=list)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.seen.append(request)
        _, _, name = request.path.removeprefix("/widgets").partition("/")
        body = json.loads(request.body) if request.body else {}
        if not name:
            return self._list() if request.method == "GET" else self._create(body)
        if request.method == "GET":
            shown = self._as_read(name)
            return self._missing() if shown is None else self._show(shown)
        if name not in self.rows:
            return self._missing()
        if request.method == "DELETE":
            return self._delete(name)
        return self._update(name, body, request)

    def _list(self) -> SandboxResponse:
        shown = [self._as_read(name) for name in sorted({*self.rows, *self.old})]
        items = [self._masked(row) for row in shown if row is not None]
        if self.ways.poor_list:
            items = [{k: v for k, v in item.items() if k in ("id", "name")} for item in items]
        return json_response(200, {"items": items})

    def _create(self, body: dict[str, Any]) -> SandboxResponse:
        if self.ways.doubles != "taken" and any(r.get("name") == body.get("name") for r in self.rows.values()):
            status = 409 if self.ways.doubles == "refused" else 400
            return json_response(status, {"message": "there is one already"})
        name = f"w{next(self.ids)}"
        self.old[name] = (self.time.clock() + self.ways.lag_s, None)
        self.rows[name] = {**self._kept(body), "id": name, "version": 1}
        return self._answer(201, self.rows[name])

    def _update(self, name: str, body: dict[str, Any], request: SandboxRequest) -> SandboxResponse:
        row = self.rows[name]
        if self.ways.etag == "checked":
            wanted = request.headers.get("if-match", "")
            if wanted and wanted != _etag(row):
                return json_response(412, {"message": "it has moved"})
        if self.ways.refuses and self.ways.refuses in body:
            return json_response(400, {"message": f"{self.ways.refuses} cannot be changed"})
        if self.ways.no_null and None in body.values():
            return json_response(400, {"message": "null is nothing"})
        self.old[name] = (self.time.clock() + self.ways.lag_s, dict(row))
        base: dict[str, Any] = {k: row[k] for k in ("id", "version", "name") if k in row} if self.ways.replaces else row
        self.rows[name] = {**base, **self._kept(body), "version": row["version"] + 1}
        return self._answer(200, self.rows[name])

    def _delete(self, name: str) -> SandboxResponse:
        if not self.ways.keeps_deleted:
            del self.rows[name]
            self.old.pop(name, None)
        return empty_response(204)

    # ------------------------------------------------------------------ answers

    def _kept(self, body: Mapping[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in body.items() if k != self.ways.ignores}
        if self.ways.sorts and kept.get("tags"):
            kept["tags"] = sorted(kept["tags"])
        if self.ways.lowers and kept.get("note"):
            kept["note"] = kept["note"].lower()
        return kept

    def _as_read(self, name: str) -> dict[str, Any] | None:
        until, before = self.old.get(name, (0.0, None))
        return before if self.time.clock() < until else self.rows.get(name)

    def _masked(self, row: dict[str, Any]) -> dict[str, Any]:
        shown = {k: v for k, v in row.items() if k != "token"} | {"hasToken": "token" in row}
        return {**shown, "token": self.ways.shows_token} if self.ways.shows_token else shown

    def _show(self, row: dict[str, Any]) -> SandboxResponse:
        response = json_response(200, self._masked(row))
        return replace(response, headers={**response.headers, "ETag": _etag(row)}) if self.ways.etag else response

    def _answer(self, status: int, row: dict[str, Any]) -> SandboxResponse:
        if self.ways.silent:
            return empty_response(204)
        return json_response(status, {"widget": self._masked(row)} if self.ways.wrapped else self._masked(row))

    def _missing(self) -> SandboxResponse:
        return empty_response(404) if self.ways.bare_404 else json_response(404, {"message": "no such widget"})


def _etag(row: Mapping[str, Any]) -> str:
    return f'"{row["version"]}"'


@dataclass
class Walked:
    """A walk that has been made, and the shop it was made in."""

    shop: Shop
    found: Conformance

    def failed(self) -> dict[str, Claim]:
        return {claim.title: claim for claim in self.found.claims if claim.verdict is ClaimVerdict.FAILS}

    def held(self) -> set[str]:
        return {claim.title for claim in self.found.claims if claim.verdict is ClaimVerdict.HOLDS}


def write_workspace(folder: Path, kind: str = KIND, manifest: str = MANIFEST) -> None:
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas" / "odd.yaml").write_text(kind)
    (folder / "scratch.yaml").write_text(manifest)
    (folder / "reconciler.yaml").write_text(
        "schemas: [schemas]\ntargets:\n  test:\n    systems:\n      odd: {url: http://odd.test}\n"
    )


def walk(
    folder: Path,
    ways: Ways = Ways(),
    kind: str = KIND,
    given: Mapping[str, Any] | None = None,
    shop: Shop | None = None,
    manifest: str = MANIFEST,
    front: EmulatedSystem | None = None,
) -> Walked:
    """Verify `kind` on a shop that behaves in `ways`; with a `front`, that one answers in its place."""
    time = FakeTime() if shop is None else shop.time
    api = shop or Shop(ways=ways, time=time)
    write_workspace(folder, kind, manifest)
    options = Options(
        config=folder / "reconciler.yaml",
        scratch=folder / "scratch.yaml",
        environ={},
        redactor=Redactor(),
        timing=time.timing(),
        transport=lambda name: in_process_transport({"http://odd.test": front or api}),
    )
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        trial = Trial(address=Address("odd", "Widget", "scratch"), given=given or {})
        return Walked(shop=api, found=verify(loaded, connections, options, trial, 10.0))
