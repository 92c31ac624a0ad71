"""Objects of different parents that share a natural key or an id: each goes and stays by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, empty_response, json_response, not_found

from reconciler.core.model import Action

SHOP = """
apiVersion: odd/v1
kind: Shop
schema: {type: object, additionalProperties: false, properties: {name: {type: string}}}
identity: {id: /name, key: [name], name: name}
read: {list: {method: GET, path: /shops}}
write: {create: {method: POST, path: /shops}}
---
"""
SETTINGS = (
    SHOP
    + """
apiVersion: odd/v1
kind: Part
schema:
  type: object
  additionalProperties: false
  required: [shop]
  properties: {shop: {type: string, x-ref: Shop, x-immutable: true}, size: {type: integer}}
identity: {id: settings, singleton: true}
read: {get: {method: GET, path: "/shops/{spec.shop}/parts/x"}}
write:
  update: {method: PATCH, path: "/shops/{spec.shop}/parts/x"}
  delete: {call: {method: DELETE, path: "/shops/{spec.shop}/parts/x"}}
"""
)
CHILDREN = (
    SHOP
    + """
apiVersion: odd/v1
kind: Part
schema:
  type: object
  additionalProperties: false
  required: [shop]
  properties: {shop: {type: string, x-ref: Shop, x-immutable: true}, name: {type: string}, size: {type: integer}}
identity: {id: /name, key: [name]}
read:
  list: {method: GET, path: "/shops/{spec.shop}/parts"}
  get: {method: GET, path: "/shops/{spec.shop}/parts/{id}"}
write:
  create: {method: POST, path: "/shops/{spec.shop}/parts"}
  update: {method: PATCH, path: "/shops/{spec.shop}/parts/{id}"}
  delete: {call: {method: DELETE, path: "/shops/{spec.shop}/parts/{id}"}}
"""
)


class Shops:
    def __init__(self, of: str) -> None:
        self.of = of
        self.parts: dict[str, dict[str, dict[str, Any]]] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        match request.path.strip("/").split("/"):
            case ["shops"] if request.method == "POST":
                self.parts[body_of(request)["name"]] = {"x": {"size": 0}} if self.of == "settings" else {}
                return json_response(201, body_of(request))
            case ["shops"]:
                return json_response(200, [{"name": name} for name in self.parts])
            case ["shops", shop, "parts"] if request.method == "POST":
                self.parts[shop][body_of(request)["name"]] = body_of(request)
                return json_response(201, body_of(request))
            case ["shops", shop, "parts"]:
                return json_response(200, list(self.parts[shop].values()))
            case ["shops", shop, "parts", name]:
                return self._one(request, self.parts[shop], name)
        return not_found()

    def _one(self, request: SandboxRequest, parts: dict[str, dict[str, Any]], name: str) -> SandboxResponse:
        if name not in parts:
            return not_found()
        if request.method == "DELETE":
            del parts[name]
            return empty_response(204)
        parts[name].update(body_of(request) or {})
        return json_response(200, parts[name])


def stated(*parents: str, of: str) -> str:
    shops = [f"apiVersion: odd/v1\nkind: Shop\nmetadata: {{name: {name}}}\nspec: {{}}\n" for name in ("one", "two")]
    more = "" if of == "settings" else ", name: x"
    parts = [
        f"apiVersion: odd/v1\nkind: Part\nmetadata: {{name: of-{name}}}\n"
        f'spec: {{shop: "${{ref:Shop/{name}}}", size: 1{more}}}\n'
        for name in parents
    ]
    return "---\n".join([*shops, *parts])


both = pytest.mark.parametrize(
    ("kinds", "of"), [(SETTINGS, "settings"), (CHILDREN, "children")], ids=["settings", "children"]
)


@both
@pytest.mark.parametrize("named", [False, True], ids=["pruned", "destroyed"])
def test_one_goes_and_its_namesake_in_another_parent_stays(tmp_path: Path, kinds: str, of: str, named: bool) -> None:
    shops = Shops(of)
    api = OddApi(folder=tmp_path, handle=shops.handle)
    api.define(kinds, stated("one", "two", of=of), target="ledger: {file: ledger.json}\n")
    api.apply()
    assert {name: list(parts) for name, parts in shops.parts.items()} == {"one": ["x"], "two": ["x"]}
    api.manifests(stated("two", of=of))
    way: dict[str, Any] = {"destroy": ("odd.Part/of-one",)} if named else {"prune": True}
    plan = api.plan(**way)
    assert [(c.address.name, c.action) for c in plan.pending] == [("of-one", Action.DELETE)]
    api.apply(**way)
    assert {name: list(parts) for name, parts in shops.parts.items()} == {"one": [], "two": ["x"]}
    assert not api.plan(prune=True).has_work


@both
def test_a_namesake_in_another_parent_is_not_taken_for_renamed(tmp_path: Path, kinds: str, of: str) -> None:
    shops = Shops(of)
    api = OddApi(folder=tmp_path, handle=shops.handle)
    api.define(kinds, stated("one", of=of), target="ledger: {file: ledger.json}\n")
    api.apply()
    shops.parts["two"]["x"] = {"name": "x", "size": 1}
    api.manifests(stated("two", of=of))
    plan = api.plan(prune=True)
    assert [(c.address.name, c.action) for c in plan.pending] == [("of-one", Action.DELETE)]
    assert "renamed" not in {one.code for one in plan.diagnostics}
