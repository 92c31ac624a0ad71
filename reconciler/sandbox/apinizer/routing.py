"""From a request to the operation of an edition that answers it. Pure.

Invariants: a path is split before it's percent-decoded, and decoded once, so a name may hold an encoded
slash; "+" stays a plus. Source: the Apinizer sheet, section 1 (trailing slash, path values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.sandbox.apinizer.answers import Edition
from reconciler.sandbox.apinizer.state import Server
from reconciler.sandbox.http import SandboxRequest, SandboxResponse
from reconciler.sandbox.routes import Routes

PROJECT: Final = "projects/{project}/"
PROXY: Final = PROJECT + "apiProxies/{proxy}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One routed request: the server's state, the request, and the names in its path, decoded."""

    server: Server
    request: SandboxRequest
    names: Mapping[str, str]


Handler: TypeAlias = Callable[[Call], SandboxResponse]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: a method, a path under the root, its handler, and the only edition that has it, if any."""

    method: str
    template: str
    handler: Handler
    edition: Edition | None = None


def table(routes: Iterable[Route], edition: Edition) -> Routes[Handler]:
    """Return the routing table of an edition."""
    return Routes(
        {
            f"{route.method} /apiops/{route.template}": route.handler
            for route in routes
            if route.edition in (None, edition)
        }
    )
