"""How a stored API proxy looks in each read path, and the export archive.

Reads: the server's state only.
Invariants: no settings block is in the list row or in the plain GET; a block in the full document holds
documented defaults and fields that were set, since any other follows the system default.
Source: the Apinizer sheet, sections 3 and 4.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

from reconciler.sandbox.apinizer.block import Block
from reconciler.sandbox.apinizer.blocks import BLOCKS
from reconciler.sandbox.apinizer.shapes import defaults
from reconciler.sandbox.apinizer.state import Server
from reconciler.sandbox.rows import Row

_ARCHIVE_TIME: Final = (2026, 8, 20, 0, 0, 0)
# Section 3: GET speaks of other words than PATCH takes, and which is which isn't stated [docs, contradictory].
_SHARING: Final = {"NONE": "PROJECT", "INTERNAL": "ORGANIZATION", "EXTERNAL": "PUBLIC", "BOTH": "PUBLIC"}


def list_row(proxy: Row) -> Row:
    """Return a proxy's row in the list."""
    return {
        "name": proxy["name"],
        "description": proxy["description"],
        "type": proxy["type"],
        "relativePath": next(iter(proxy["relativePathList"] or ()), None),
        "soapToRest": False,
    }


def thin(server: Server, proxy: Row, *, with_policies: bool) -> Row:
    """Return a proxy as the plain GET shows it: without any settings block."""
    shown = ("address", "weight", "healthMonitoringEnabled")
    document: Row = {
        "name": proxy["name"],
        "description": proxy["description"],
        "apiType": proxy["type"],
        "categoryList": proxy["categoryList"],
        "sharingType": _SHARING.get(proxy["sharingType"], proxy["sharingType"]),
        "clientRoute": {"relativePathList": proxy["relativePathList"], "hostList": proxy["hostList"]},
        "routing": {
            "routingEnabled": proxy["routingEnabled"],
            "routingAddressList": [
                {name: address[name] for name in shown if name in address} for address in proxy["routingAddressList"]
            ],
        },
        "endpointList": [endpoint_row(row) for row in server.within("endpoints", proxy["id"])],
        "deploymentList": [deployment(proxy, name) for name in sorted(proxy["deployments"])],
    }
    if with_policies:
        document["policyList"] = [policy_row(policy) for policy in proxy["policies"]]
    return document


def full(server: Server, proxy: Row, *, with_policies: bool, with_settings: bool, with_secrets: bool = False) -> Row:
    """Return the full representation: settings blocks next to each other under `routing` and at the top."""
    document = thin(server, proxy, with_policies=with_policies)
    document["id"] = proxy["id"]
    document["routing"]["loadBalanceAlgorithm"] = "ROUND_ROBIN"
    sharing = document["sharingType"]
    for block in BLOCKS if with_settings else ():
        fits = block.only in ("", proxy["type"]) and block.edition in (None, server.edition)
        if not fits or (block.stored and proxy[block.stored] is None):
            continue
        place = document
        for step in block.place:
            place = place.setdefault(step, {})
        place.update(_show(server, proxy, block, with_secrets=with_secrets))
    document["sharingType"] = sharing  # in the words of GET, not in those of the block
    return document


def endpoint_row(endpoint: Row) -> Row:
    """Return an endpoint as answers show it: its path is called `endpoint` (section 7)."""
    return {
        "id": endpoint["id"],
        "endpoint": endpoint["name"],
        "httpMethod": endpoint["httpMethod"],
        "backendResourceUrl": endpoint.get("backendResourceUrl"),
        "backendHttpMethod": endpoint.get("backendHttpMethod"),
        "description": endpoint["description"],
        "active": endpoint["active"],
    }


def policy_row(policy: Row) -> Row:
    """Return type, name, description and active; never a policy's content (section 3)."""
    return {name: policy.get(name) for name in ("type", "name", "description", "active")}


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


def archive(server: Server, proxy: Row, flags: Mapping[str, bool]) -> bytes:
    """Return the export: a ZIP with `{name}.json` inside, the complete definition with its secrets.

    `flags`: `encrypt` makes the definition opaque, `withDependencies` adds a second file [both inferred].
    """
    definition: dict[str, Any] = full(server, proxy, with_policies=False, with_settings=True, with_secrets=True)
    definition["policyList"] = proxy["policies"]
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


def _show(server: Server, proxy: Row, block: Block, *, with_secrets: bool) -> Row:
    kept = proxy[block.stored] if block.stored else proxy
    found = defaults(block.fields, server.edition)
    for name, field in block.fields.items():
        value = kept.get(name)
        if value is None or field.edition not in (None, server.edition):
            continue
        if field.shown == "encrypted":
            found[name] = _ciphertext(proxy, value)
        elif field.shown == "plain" or with_secrets:
            found[name] = value
    return found


def _ciphertext(proxy: Row, secret: str) -> str:
    # Section 5: stored encrypted. Nothing in it can be compared with what was sent.
    return base64.b64encode(hashlib.sha256(f"{proxy['id']}:{secret}".encode()).digest()).decode()
