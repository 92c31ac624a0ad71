"""How a stored API proxy looks in each read path, and the export archive. Pure.

Invariants: no settings block is in the list row or in the plain GET; a block in the full document holds only
fields that were set, since an unset one follows the system default.
Source: the Apinizer sheet, sections 3 and 4.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

from reconciler.sandbox.apinizer.state import Row

# Section 3: the key is [unknown], "somewhere under routing" [inferred]. A name that nobody would guess.
SETTINGS_KEY: Final = "webSocketRoutingSettings"
_ARCHIVE_TIME: Final = (2026, 8, 20, 0, 0, 0)


def list_row(proxy: Row) -> Row:
    """Return a proxy's row in the list."""
    return {
        "name": proxy["name"],
        "description": proxy["description"],
        "type": proxy["type"],
        "relativePath": next(iter(proxy["relativePathList"]), None),
        "soapToRest": False,
    }


def thin(proxy: Row, *, with_policies: bool) -> Row:
    """Return a proxy as the plain GET shows it: without any settings block."""
    document: Row = {
        "name": proxy["name"],
        "description": proxy["description"],
        "apiType": proxy["type"],
        "categoryList": proxy["categoryList"],
        "sharingType": proxy["sharingType"],
        "clientRoute": {"relativePathList": proxy["relativePathList"], "hostList": proxy["hostList"]},
        "routing": {
            "routingEnabled": proxy["routingEnabled"],
            "routingAddressList": proxy["routingAddressList"],
        },
        "endpointList": proxy["endpoints"],
        "deploymentList": [deployment(proxy, name) for name in sorted(proxy["deployments"])],
    }
    if with_policies:
        # Section 3: type, name, description and active; never a policy's content.
        shown = ("type", "name", "description", "active")
        document["policyList"] = [{name: policy.get(name) for name in shown} for policy in proxy["policies"]]
    return document


def full(proxy: Row, *, with_policies: bool, with_settings: bool) -> Row:
    """Return the full representation: settings blocks next to each other under `routing` and at the top."""
    document = thin(proxy, with_policies=with_policies)
    settings = proxy["websocketSettings"]
    document["id"] = proxy["id"]
    document["routing"] = {
        **document["routing"],
        "loadBalanceAlgorithm": "ROUND_ROBIN",
        # Section 5: the `connection` block has a `connectTimeout` of its own.
        "connectionSettings": {"connectTimeout": 30, "readTimeout": 60, "maxRedirects": 5},
        "circuitBreaker": {"circuitBreakerEnabled": False},
        **({SETTINGS_KEY: settings} if with_settings and settings is not None else {}),
        "ntlmSettings": {"enabled": False},
    }
    document["cacheSettings"] = {"cacheActive": False, "ttl": 600}
    document["corsSettings"] = {"corsActive": False, "allowCredentials": "false", "maxAge": 3600}
    return document


def deployment(proxy: Row, environment: str) -> Row:
    """Return what is known of a proxy in an environment; nulls when it isn't deployed there."""
    found = proxy["deployments"].get(environment)
    status: Row = {"environmentName": environment, "deployed": found is not None}
    if found is None:
        return {**status, "lastDeployTime": None, "revision": None, "redeployRequired": False}
    return {
        **status,
        "lastDeployTime": found["lastDeployTime"],
        "revision": found["revision"],
        "redeployRequired": found["saves"] != proxy["saves"],
    }


def archive(proxy: Row, flags: Mapping[str, bool]) -> bytes:
    """Return the export: a ZIP with `{name}.json` inside, the complete definition with its secrets.

    `flags`: `encrypt` makes the definition opaque, `withDependencies` adds a second file [both inferred].
    """
    definition: dict[str, Any] = full(proxy, with_policies=False, with_settings=True)
    definition["policyList"] = proxy["policies"]
    definition["secretKey"] = proxy["secretKey"]
    content = json.dumps(definition, indent=2, ensure_ascii=False).encode()
    if flags.get("encrypt"):
        content = base64.b64encode(zlib.compress(content))
    files = {f"{proxy['name']}.json": content}
    if flags.get("withDependencies"):
        files["dependencies.json"] = b"[]"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archived:
        for name, text in files.items():
            # A fixed time keeps the same definition the same bytes.
            entry = zipfile.ZipInfo(name, _ARCHIVE_TIME)
            archived.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
