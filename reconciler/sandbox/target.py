"""Splitting of a request target into the raw path and the decoded query, the same for every door. Pure."""

from __future__ import annotations

from urllib.parse import parse_qsl


def split_target(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the path as sent, never decoded or tidied, and the query in order, repeats and blanks kept.

    An absolute target, as proxies receive it, loses its scheme and host (RFC 9112, section 3.2.2).
    """
    scheme, separator, rest = target.partition("://")
    if separator and scheme.isalpha():
        slash = rest.find("/")
        target = rest[slash:] if slash >= 0 else "/"
    path, _, query = target.partition("#")[0].partition("?")
    return path, tuple(parse_qsl(query, keep_blank_values=True))
