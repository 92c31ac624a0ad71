"""A small emulated manager to call, with one project, two environments and a proxy of each type."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from reconciler.sandbox.apinizer import Apinizer
from reconciler.sandbox.http import SandboxRequest, SandboxResponse

TOKEN = "fake-token-not-real"
PROJECT = "/apiops/projects/shop/"
ORDERS = PROJECT + "apiProxies/orders/"
CLOCK = 1_787_000_000.0


def manager(**options: Any) -> Apinizer:
    """Return a manager; `broken` is an environment that takes no deployment."""
    system = Apinizer(token=TOKEN, clock=lambda: CLOCK, **options)
    for project in ("shop", "desk"):
        system.seed("projects", {"name": project})
    system.seed("environments", {"name": "prod"})
    system.seed("environments", {"name": "broken", "failing": True})
    for name, kind in (("orders", "REST"), ("chat", "WEBSOCKET"), ("stream", "GRPC"), ("assistant", "AI")):
        system.seed("apiProxies", {"project": "shop", "name": name, "type": kind})
    return system


def call(system: Apinizer, method: str, path: str, body: Any = None) -> SandboxResponse:
    """Return the answer to a request with the right token."""
    path, _, query = path.partition("?")
    pairs = tuple((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")) if name)
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    raw = b"" if body is None else json.dumps(body).encode()
    return system.handle(SandboxRequest(method=method, path=path, query=pairs, headers=headers, body=raw))


def answer(system: Apinizer, method: str, path: str, body: Any = None) -> Any:
    """Return the body of an answer that has to be a success."""
    response = call(system, method, path, body)
    assert response.status == 200, response.body
    return json.loads(response.body)


def rows(system: Apinizer, path: str) -> list[dict[str, Any]]:
    """Return the rows of a list, which says how many there are."""
    found = answer(system, "GET", path)
    assert found["resultCount"] == len(found["resultList"])
    return list(found["resultList"])


def refused(system: Apinizer, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """Return status and text of a refusal, in either edition's words."""
    response = call(system, method, path, body)
    told = json.loads(response.body)
    if system.edition == "wrapped":
        assert told.keys() == {"status", "resultMessage"}
        return response.status, told["resultMessage"]
    assert told.keys() - {"validation_errors"} == {"error", "error_description"}
    return response.status, told["error_description"]


def stored(system: Apinizer, table: str, name: str) -> dict[str, Any]:
    """Return one row behind the API's back."""
    [row] = [row for row in system.stored(table) if name in (row.get("name"), row.get("username"))]
    return row


def full(system: Apinizer, proxy: str = "orders") -> dict[str, Any]:
    """Return the full document of a proxy."""
    found = answer(system, "GET", f"{PROJECT}apiProxies/{proxy}/full")
    return dict(found if system.edition == "flat" else found["resultList"][0])


def exported(system: Apinizer, proxy: str = "orders") -> dict[str, Any]:
    """Return the definition in the export of a proxy."""
    with zipfile.ZipFile(io.BytesIO(call(system, "GET", f"{PROJECT}apiProxies/{proxy}/export/").body)) as archive:
        return dict(json.loads(archive.read(f"{proxy}.json")))
