"""Singletons: there as soon as their parent is, also when the parent comes into being in the same apply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odd_api import OddApi, SandboxRequest, SandboxResponse, body_of, json_response, not_found

from reconciler.core.model import Action
from reconciler.core.report import Status

KINDS = """
    apiVersion: odd/v1
    kind: Shop
    schema: {type: object, additionalProperties: false, properties: {name: {type: string}, id: {type: string, readOnly: true}}}
    identity: {key: [name], name: name}
    read:
      list: {method: GET, path: /shops}
    write:
      create: {method: POST, path: /shops}
    ---
    apiVersion: odd/v1
    kind: ShopSettings
    schema:
      type: object
      additionalProperties: false
      required: [shop]
      properties:
        shop: {type: string, x-ref: Shop, x-immutable: true}
        currency: {type: string}
        open: {type: boolean}
        revision: {type: integer, readOnly: true}
    identity: {id: settings, singleton: true}
    guard: {version: /revision}
    read:
      get: {method: GET, path: "/shops/{spec.shop}/settings"}
    write:
      update: {method: PATCH, path: "/shops/{spec.shop}/settings"}
"""  # noqa: E501  one line of YAML
MANIFESTS = """
apiVersion: odd/v1
kind: ShopSettings
metadata: {name: corner}
spec: {shop: "${ref:Shop/corner}", currency: EUR, open: true}
---
apiVersion: odd/v1
kind: Shop
metadata: {name: corner}
spec: {}
"""


class Shops:
    def __init__(self) -> None:
        self.shops: list[dict[str, Any]] = []
        self.settings: dict[str, dict[str, Any]] = {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        if len(parts) == 1:
            if request.method == "POST":
                shop = {**body_of(request), "id": f"s{len(self.shops) + 1}"}
                self.shops.append(shop)
                self.settings[shop["id"]] = {"currency": "USD", "open": True, "revision": 1}
                return json_response(201, shop)
            return json_response(200, self.shops)
        if parts[1] not in self.settings:
            return not_found()
        settings = self.settings[parts[1]]
        if request.method == "PATCH":
            body = body_of(request)
            if body.pop("revision", None) != settings["revision"]:
                return json_response(409, {"message": "somebody was faster"})
            settings.update(body, revision=settings["revision"] + 1)
        return json_response(200, settings)


def test_parent_and_settings_are_applied_in_one_go(tmp_path: Path) -> None:
    shops = Shops()
    api = OddApi(folder=tmp_path, handle=shops.handle)
    api.define(KINDS, MANIFESTS)
    made = api.plan()
    assert not made.blockers
    assert {str(c.address): c.action for c in made.changes} == {
        "odd.Shop/corner": Action.CREATE,
        "odd.ShopSettings/corner": Action.UPDATE,
    }
    report = api.apply()
    assert [(o.status, o.detail) for o in report.outcomes] == [(Status.APPLIED, "")] * 2
    assert shops.settings["s1"] == {"currency": "EUR", "open": True, "revision": 2}
    assert api.writes()[1] == ("PATCH", "/shops/s1/settings", {"currency": "EUR", "revision": 1})
    assert not api.plan().has_work


def test_the_version_that_was_read_is_sent_back(tmp_path: Path) -> None:
    shops = Shops()
    api = OddApi(folder=tmp_path, handle=shops.handle)
    api.define(KINDS, MANIFESTS)
    api.apply()
    shops.settings["s1"].update(currency="CHF", revision=7)
    assert api.apply().outcomes[1].status is Status.APPLIED
    assert api.writes() == [("PATCH", "/shops/s1/settings", {"currency": "EUR", "revision": 7})]
