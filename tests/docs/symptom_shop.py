"""A shop that answers as a test tells it to, and a kind for it to be made wrong and right again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.core.model import Action
from reconciler.core.report import Status
from reconciler.workflow.commands import Connections, Options, apply, load, plan

Answer = Callable[[str, str, dict[str, str], Any], tuple[int, Any] | tuple[int, Any, dict[str, str]]]

KIND: dict[str, Any] = {
    "apiVersion": "shop/v1",
    "kind": "Product",
    "schema": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "price": {"type": "integer"}, "id": {"readOnly": True}},
    },
    "identity": {"key": ["name"], "name": "name"},
    "read": {
        "list": {"method": "GET", "path": "/products", "items": "/products"},
        "get": {"method": "GET", "path": "/products/{id}"},
    },
    "write": {
        "create": {"method": "POST", "path": "/products"},
        "update": {"method": "PATCH", "path": "/products/{id}"},
    },
}
MANIFEST: dict[str, Any] = {
    "apiVersion": "shop/v1",
    "kind": "Product",
    "metadata": {"name": "tea"},
    "spec": {"price": 5},
}


def listing(**keys: Any) -> dict[str, Any]:
    """Return a kind whose list has other keys."""
    found = {"method": "GET", "path": "/products", "items": "/products", **keys}
    return {**KIND, "read": {**KIND["read"], "list": found}}


def creating(**keys: Any) -> dict[str, Any]:
    return {**KIND, "write": {**KIND["write"], "create": {"method": "POST", "path": "/products", **keys}}}


@dataclass
class Shop:
    """What a server answers, and what it was asked."""

    answer: Answer
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, dict(request.url.params)
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        status, body, *headers = self.answer(
            request.method, path.removeprefix("/api"), query, json.loads(request.content or b"null")
        )
        content = b"" if body is None else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={"content-type": "application/json", **dict(*headers)})


@contextmanager
def workspace(
    folder: Path, kind: dict[str, Any], shop: Shop, manifest: dict[str, Any] = MANIFEST
) -> Iterator[tuple[Any, Connections, Options]]:
    settings = {
        "schemas": ["kind.json"],
        "manifests": ["manifest.json"],
        "targets": {"test": {"systems": {"shop": {"url": "http://shop.example/api"}}}},
    }
    for name, content in (("kind", kind), ("manifest", manifest), ("reconciler", settings)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    options = Options(config=folder / "reconciler.json", transport=lambda system: httpx.MockTransport(shop))
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        yield loaded, connections, options


def action(folder: Path, kind: dict[str, Any], answer: Answer, manifest: dict[str, Any] = MANIFEST) -> Action:
    """Return what a plan would do to the one product."""
    with workspace(folder, kind, Shop(answer), manifest) as (loaded, connections, options):
        (change,) = plan(loaded, connections, options).plan.changes
        return change.action


def blockers(folder: Path, kind: dict[str, Any], answer: Answer, manifest: dict[str, Any] = MANIFEST) -> list[str]:
    """Return what stands in the way of a plan."""
    with workspace(folder, kind, Shop(answer), manifest) as (loaded, connections, options):
        return [f"{one.code}: {one.message}" for one in plan(loaded, connections, options).plan.blockers]


def applied(folder: Path, kind: dict[str, Any], shop: Shop) -> tuple[Status, str]:
    """Apply, and return how it ended."""
    with workspace(folder, kind, shop) as (loaded, connections, options):
        (outcome,) = apply(plan(loaded, connections, options), loaded, connections, options).outcomes
        return outcome.status, outcome.detail
