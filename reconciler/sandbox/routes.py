"""A routing table: method and path template to a handler. Pure.

Templates are compared with the raw path, segment by segment: a doubled, missing or trailing slash makes
another path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

Handler = TypeVar("Handler")


@dataclass(frozen=True, slots=True)
class Found(Generic[Handler]):
    """A route that fits: its handler, and the percent-decoded values of the template's `{names}`."""

    handler: Handler
    values: Mapping[str, str]


class Routes(Generic[Handler]):
    """Routes tried in the order given, so that `/things/batch` can stand before `/things/{id}`."""

    def __init__(self, table: Mapping[str, Handler]) -> None:
        """Take a table whose keys look like `GET /things/{id}`."""
        self._routes: list[tuple[str, tuple[str, ...], Handler]] = []
        for route, handler in table.items():
            method, _, template = route.partition(" ")
            self._routes.append((method, tuple(template.split("/")), handler))

    def find(self, method: str, path: str) -> Found[Handler] | None:
        """Return the route for a request, or None. HEAD takes the route of GET."""
        wanted = "GET" if method == "HEAD" else method
        for values, offered, handler in self._fitting(path):
            if offered == wanted:
                return Found(handler, values)
        return None

    def methods(self, path: str) -> tuple[str, ...]:
        """Return the methods that `path` has routes for, in the order of the table."""
        return tuple(dict.fromkeys(method for _, method, _ in self._fitting(path)))

    def _fitting(self, path: str) -> list[tuple[dict[str, str], str, Handler]]:
        segments = path.split("/")
        return [
            (values, method, handler)
            for method, template, handler in self._routes
            if (values := _fit(template, segments)) is not None
        ]


def _fit(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    values: dict[str, str] = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            values[expected[1:-1]] = unquote(segment)
        elif expected != segment:
            return None
    return values
