"""Writes the parts of a request value as they go over the wire. Pure.

Paths stay byte for byte what the kind says: a decoded or resolved path could reach another object.
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from reconciler.core.errors import UsageError
from reconciler.core.model import Request

MAX_TARGET_LENGTH = 60_000  # httpx takes no longer ones, and hardly any server does

# Everything visible in ASCII stays as it is: paths arrive percent-encoded, and servers differ on the rest.
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("#", "")


def quote_path(path: str) -> str:
    """Return `path` as it is, but for characters that no request line can hold."""
    return quote(path, safe=_VISIBLE)


def request_target(prefix: str, request: Request) -> str:
    """Return the path and query to send, below `prefix`. Raises UsageError for a path that cannot be sent."""
    if request.path and not request.path.startswith("/"):
        raise UsageError(
            f"system {request.system}: the path of a {request.method} request starts without a slash",
            hint="Write paths relative to the URL of the system, beginning with '/'.",
        )
    repeated = request.located and request.path.startswith(f"{prefix}/")
    target = quote_path(request.path if repeated else prefix + request.path) or "/"
    if request.query:
        target += ("&" if "?" in target else "?") + urlencode(request.query, quote_via=quote, safe="")
    if len(target) > MAX_TARGET_LENGTH:
        raise UsageError(
            f"system {request.system}: the path and query of a {request.method} request are too long",
            hint="Send fewer values in one query; see the paths of the kind.",
        )
    return target


def request_content(request: Request) -> bytes:
    """Return the body as compact JSON, empty without one. Raises UsageError when it cannot be written."""
    if not request.has_body:
        return b""
    try:
        return json.dumps(request.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:  # not chained: the exception quotes the value
        raise UsageError(
            f"system {request.system}: the body of a {request.method} request cannot be written as JSON",
            hint="Look in the manifest for a number that is not finite, or half of a character (\\ud800).",
        ) from None
