"""A plan's document of any size: stores, each with products that refer to it."""

from __future__ import annotations

from reconciler.core.model import JsonObject


def change(address: str, action: str, *parents: str, fields: int = 2, value: str = "x") -> JsonObject:
    """Return a change as the document of a plan holds it."""
    return {
        "address": address, "action": action, "reason": "managed fields differ", "digest": "d", "path": "shop.yaml",
        "line": 1, "column": 1, "verified": "read", "guard": "read again", "waitsFor": [], "dependsOn": list(parents),
        "fields": [
            {"path": f"/field{n}", "operation": "change", "sensitive": False, "known": True, "cause": None,
             "line": n + 2, "column": 3, "before": n, "after": value}
            for n in range(fields)
        ],
        "notes": [], "caveats": [],
        "requests": [{"method": "PATCH", "path": f"/{address}", "onlyIf": None}],
    }  # fmt: skip


def plan_of(changes: list[JsonObject]) -> JsonObject:
    """Return the document of a plan with these changes."""
    actions = ("create", "update", "replace", "delete", "adopt", "unchanged")
    return {
        "format": 1, "kind": "plan", "target": "shop", "headline": f"Plan for shop: {len(changes)} to change.",
        "digest": "0" * 64, "applyable": True, "requestsMade": 1, "followUps": [], "diagnostics": [], "blockers": [],
        "summary": {action: sum(one["action"] == action for one in changes) for action in actions},
        "changes": sorted(changes, key=lambda one: one["address"]),
    }  # fmt: skip


def large_plan(stores: int, products: int) -> JsonObject:
    """Return a plan that changes `stores` stores with `products` products each."""
    changes = []
    for s in range(stores):
        store = f"shop.Store/store-{s}"
        changes.append(change(store, "update"))
        changes += [change(f"shop.Product/product-{s}-{p}", "create", store) for p in range(products)]
    return plan_of(changes)
