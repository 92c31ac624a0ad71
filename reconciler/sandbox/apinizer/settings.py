"""The settings calls: which body they read, what they refuse, and what they silently ignore.

Reads and writes: the server's state only.
Invariants: success never echoes; what isn't recognised is accepted and does nothing; nothing is saved when
anything is refused. Source: the Apinizer sheet, sections 2 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from reconciler.sandbox.apinizer.answers import Edition, RefusedError, done, read_object
from reconciler.sandbox.apinizer.block import Block
from reconciler.sandbox.apinizer.blocks import BLOCKS
from reconciler.sandbox.apinizer.results import with_results
from reconciler.sandbox.apinizer.routing import PROXY, Call, Route
from reconciler.sandbox.apinizer.shapes import defaults, empty, recognised
from reconciler.sandbox.apinizer.state import Server
from reconciler.sandbox.http import SandboxResponse
from reconciler.sandbox.rows import Row

_TARGETS: Final = "deployTargetEnvironmentNameList"


def update(block: Block, call: Call) -> SandboxResponse:
    """Change a block as its kind of request says; in E3 deploy afterwards when asked to."""
    server = call.server
    server.require("MANAGE")
    proxy = server.proxy(call.names)
    body = read_object(call.request)
    refused = _inapplicable(block, proxy["type"])
    if refused:
        if server.edition == "flat" and proxy["type"] == "AI":
            return done()  # until Aug 2026: a silent success without effect
        raise RefusedError("bad_request", refused)
    # Section 2: what a server does with the other edition's body is [unknown]. The inconvenient reading:
    # those properties are unknown to it, and unknown ones are ignored. In E2 that goes for `deploy`, too.
    sent = body.get(block.wrapper) if server.edition == "wrapped" and block.wrapper else body
    environments = _targets(server, body) if server.edition == "wrapped" and block.deploys else None
    changes = _changes(block, sent, server.edition)
    if changes:
        _save(server, proxy, block, changes)
    if environments is None:
        return done()
    # Section 1: saved but not deployed is still a 200 with success true around it.
    return done(with_results({row["name"]: server.deploy(proxy, row) for row in environments}))


def _inapplicable(block: Block, proxy_type: str) -> str:
    """Return why a block isn't for a type of proxy, or ""."""
    if block.only and proxy_type != block.only:
        return f"API Proxy type is not {block.only}"
    # Section 5 gives the refusal and no text.
    return "API Proxy type AI is not supported" if block.routing and proxy_type == "AI" else ""


def _changes(block: Block, sent: Any, edition: Edition) -> Row:
    """Return the block's fields to store, by name; None for one that goes back to nothing."""
    if sent is None:
        return {}
    if not isinstance(sent, Mapping):
        raise RefusedError("validation_failed", f"{block.wrapper} must be an object", block.wrapper)
    found = recognised(block.fields, sent, edition)
    if block.any_of and not any(found.get(name) for name in block.any_of):
        raise empty(" or ".join(block.any_of))
    for needs in block.needs:
        if found.get(needs.when) == needs.value and not found.get(needs.unless):
            for name in needs.fields:
                if found.get(name) in (None, ""):
                    raise empty(name)
    conflict = block.conflict(found)
    if conflict:
        raise RefusedError("validation_failed", conflict)
    if not block.whole:
        return found
    # [unknown], the inconvenient reading: what isn't sent is reset.
    return dict.fromkeys(block.fields) | defaults(block.fields, edition) | found


def _save(server: Server, proxy: Row, block: Block, changes: Row) -> None:
    if block.stored:
        kept = {} if block.whole else proxy[block.stored] or {}
        merged = {name: value for name, value in {**kept, **changes}.items() if value is not None}
        enabled = changes.get("enabled") is True
        changes = {block.stored: merged}
        if enabled:
            for stored, imposed in block.imposes.items():
                changes[stored] = {**(proxy[stored] or {}), **imposed}
    name = str(changes.get("name", proxy["name"]))
    if name != proxy["name"] and server.find("apiProxies", proxy["project"], name) is not None:
        raise server.taken("apiProxies", name)
    if block.immediate:
        server.change("apiProxies", proxy, changes)
        for deployed in proxy["deployments"].values():
            deployed.update(changes)
    else:
        server.save(proxy, changes)


def _targets(server: Server, body: Row) -> list[Row] | None:
    """Return the environments to deploy to, None when no deployment is asked for.

    Every name is checked before anything is touched (section 4). Raises: RefusedError.
    """
    wanted = body.get("deploy")
    if wanted is not None and not isinstance(wanted, bool):
        raise RefusedError("validation_failed", "deploy must be a boolean", "deploy")
    if not wanted:
        return None
    names = body.get(_TARGETS)
    if not names:
        raise empty(_TARGETS)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RefusedError("validation_failed", f"{_TARGETS} must be a list of names", _TARGETS)
    return [server.environment(name) for name in names]


ROUTES: Final = tuple(
    Route("PATCH", f"{PROXY}settings/{block.slug}/", partial(update, block), block.edition) for block in BLOCKS
)
