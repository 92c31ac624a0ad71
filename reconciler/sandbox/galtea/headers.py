"""Masked header values and URL origins: what decides over secrets (section 5 of the facts). Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reconciler.sandbox.galtea.state import ProblemError

MASK = "•" * 8

# [unknown] The rest of the allow-list, "Content-Type, Accept, …": taken to be as short as that.
_READABLE_NAMES = frozenset({"content-type", "accept", "accept-language", "accept-encoding"})
_ONLY_PLACEHOLDERS = re.compile(r"(\s*\{\{\s*[\w.]+\s*\}\}\s*)+")
_PORTS = {"http": 80, "https": 443}


def is_readable(name: str, value: str) -> bool:
    """Tell whether answers show this header's value."""
    return name.lower() in _READABLE_NAMES or _ONLY_PLACEHOLDERS.fullmatch(value) is not None


def masked(headers: dict[str, str]) -> dict[str, str]:
    """Return headers as answers show them."""
    return {name: value if is_readable(name, value) else MASK for name, value in headers.items()}


def readable(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers that are no secret."""
    return {name: value for name, value in headers.items() if is_readable(name, value)}


def unmasked(sent: dict[str, str], stored: dict[str, str] | None) -> dict[str, str]:
    """Return the whole map that `sent` asks for: a mask keeps the stored value of its name.

    `stored` None: a mask could keep nothing (create, changed origin). Raises ProblemError (400).
    """
    settled: dict[str, str] = {}
    for name, value in sent.items():
        if value != MASK:
            settled[name] = value
        elif stored is None or name not in stored:
            raise ProblemError(400, f"Header '{name}' is masked, but no stored value can be kept; send it")
        else:
            settled[name] = stored[name]
    return settled


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port. Raises ProblemError (400) for anything but an absolute web address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ProblemError(400, "Field 'url' must be a valid URL") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ProblemError(400, "Field 'url' must be an absolute http or https URL")
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def has_template_in_host(url: str) -> bool:
    """Tell whether the host part of `url` holds a template tag."""
    return "{{" in urlsplit(url).netloc or "{%" in urlsplit(url).netloc
