"""Match a request's method and path against templates, trailing slash included. Pure.

Invariants: a path is split before it's percent-decoded, and decoded once, so a name may hold an encoded
slash; "+" stays a plus. Source: the Apinizer sheet, section 1 (trailing slash, path values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from reconciler.sandbox.apinizer.state import Server
from reconciler.sandbox.http import SandboxRequest, SandboxResponse

_ROOT: Final = "/apiops/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One routed request: the server's state, the request, and the names in its path, decoded."""

    server: Server
    request: SandboxRequest
    names: Mapping[str, str]


Handler = Callable[[Call], SandboxResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `edition`: the only edition that has it, "" for both."""

    method: str
    template: str
    handler: Handler
    edition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Where a path leads: the handlers by method (none: no such path), and the names in the path."""

    handlers: Mapping[str, Handler]
    names: Mapping[str, str]


def match(routes: Iterable[Route], path: str, edition: str) -> Match:
    """Return what an undecoded path leads to in an edition."""
    handlers: dict[str, Handler] = {}
    names: dict[str, str] = {}
    if path.startswith(_ROOT):
        segments = path.removeprefix(_ROOT).split("/")
        for route in routes:
            found = _names(route.template.split("/"), segments)
            if found is not None and route.edition in ("", edition):
                handlers[route.method] = route.handler
                names = found
    return Match(handlers=handlers, names=names)


def _names(template: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    names: dict[str, str] = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{") and segment:
            names[expected[1:-1]] = unquote(segment)
        elif expected != segment:
            return None
    return names
