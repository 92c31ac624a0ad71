"""A shop with shelves and products on them, and the kinds that describe it: for what goes away and is replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response, not_found

SHELF = """
    apiVersion: odd/v1
    kind: Shelf
    schema:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string}
        room: {type: string, x-immutable: true}
        note: {type: string}
    identity: {key: [name], name: name}
    read:
      list:
        method: GET
        path: /shelves
        query: {from: "{page.offset}"}
        items: /items
        paging: {style: offset, size: 50, total: /total}
      get: {method: GET, path: "/shelves/{id}"}
    write:
      create: {method: POST, path: /shelves}
      update: {method: PATCH, path: "/shelves/{id}"}
      delete: {call: {method: DELETE, path: "/shelves/{id}"}, warning: the boards are thrown away}
"""

PRODUCT = """
    apiVersion: odd/v1
    kind: Product
    schema:
      type: object
      additionalProperties: false
      required: [shelf, name]
      properties:
        shelf: {type: string, x-ref: Shelf}
        name: {type: string}
        price: {type: integer}
        on: {type: boolean}
        owner: {type: string}
    identity: {key: [name], name: name}
    read:
      list:
        method: GET
        path: /products
        query: {from: "{page.offset}"}
        items: /items
        paging: {style: offset, size: 50, total: /total}
      get: {method: GET, path: "/products/{id}"}
    write:
      create: {method: POST, path: /products}
      update: {method: PATCH, path: "/products/{id}"}
      delete: {call: {method: DELETE, path: "/products/{id}"}}
"""

LEDGER = "ledger: {file: ledger.json}\n"


def shelf(name: str, lifecycle: str = "{}", **spec: object) -> str:
    """Return the manifest of a shelf."""
    return _manifest("Shelf", name, lifecycle, spec)


def product(name: str, on: str, /, lifecycle: str = "{}", **spec: object) -> str:
    """Return the manifest of a product on a shelf."""
    return _manifest("Product", name, lifecycle, {"shelf": f"${{ref:Shelf/{on}}}", **spec})


def _manifest(kind: str, name: str, lifecycle: str, spec: dict[str, object]) -> str:
    fields = "".join(f"\n  {key}: {str(value).lower() if value is True else value}" for key, value in spec.items())
    head = f"apiVersion: odd/v1\nkind: {kind}\nmetadata:\n  name: {name}\nlifecycle: {lifecycle}\nspec:"
    return head + (fields or " {}") + "\n"


def together(*manifests: str) -> str:
    return "---\n".join(manifests)


class PowerCut(BaseException):
    """The process is gone: nothing catches this."""


@dataclass
class Shop:
    """Rows by collection. A shelf with products on it cannot be deleted; names of one collection are unique."""

    missing: dict[str, int] = field(default_factory=dict)  # how many a list does not show, though its total counts them
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {"shelves": {}, "products": {}})
    before: Callable[[SandboxRequest], SandboxResponse | None] = lambda request: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: int = 0

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        with self.lock:
            early = self.before(request)
            return self._answer(request) if early is None else early

    def named(self, collection: str) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.rows[collection].values()}

    def path_of(self, collection: str, name: str) -> str:
        return f"/{collection}/{self.named(collection)[name]['id']}"

    def add(self, collection: str, **row: Any) -> str:
        self.made += 1
        self.rows[collection][f"{collection[0]}{self.made}"] = {"id": f"{collection[0]}{self.made}", **row}
        return f"{collection[0]}{self.made}"

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        _, collection, *rest = request.path.split("/")
        rows = self.rows[collection]
        if not rest and request.method == "GET":
            items, start = list(rows.values()), int(dict(request.query).get("from", "0"))
            return json_response(
                200, {"items": items[start : len(items) - self.missing.get(collection, 0)], "total": len(items)}
            )
        if not rest:
            body = body_of(request)
            if any(row["name"] == body["name"] for row in rows.values()):
                return json_response(409, {"message": "the name is taken"})
            return json_response(201, rows[self.add(collection, **body)])
        row = rows.get(rest[0])
        if row is None:
            return not_found()
        if request.method == "DELETE":
            if collection == "shelves" and any(p.get("shelf") == row["id"] for p in self.rows["products"].values()):
                return json_response(409, {"message": "there are products on it"})
            del rows[row["id"]]
            return empty_response(204)
        if request.method == "PATCH":
            row.update(body_of(request))
        return json_response(200, row)


def make_shop(
    folder: Path, *, kinds: str = "", target: str = LEDGER, manifests: str, **shop: Any
) -> tuple[Shop, OddApi]:
    """Return a shop, and the engine on it."""
    found = Shop(**shop)
    api = OddApi(folder=folder, handle=found.handle)
    api.define(kinds or SHELF + "---" + PRODUCT, manifests, target=target)
    return found, api
