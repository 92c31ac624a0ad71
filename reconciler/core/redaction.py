"""The last line of defence: known secret values taken out of text before it leaves the program. Pure.

Plans and reports are redacted by path, where they are made. This here is for what comes from elsewhere: error texts
in which a server repeats what it was sent, log lines, tracebacks.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from reconciler.core.model import Json

STAND_IN = "(sensitive)"
MIN_LENGTH = 4  # shorter ones would blot out innocent text, and cannot be secrets worth the name


class Redactor:
    """Replaces secret values, also where they are JSON-escaped, percent-encoded or base64-encoded."""

    def __init__(self, secret_values: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(secret_values)

    def add(self, secret_values: Iterable[str]) -> None:
        """Learn more secret values."""
        for value in secret_values:
            if len(value) >= MIN_LENGTH and value not in ("true", "false", "null"):
                self._secrets |= _spellings(value)
        if self._secrets:
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(secret) for secret in longest_first))

    def text(self, text: str) -> str:
        """Return `text` without any known secret."""
        return text if self._pattern is None else self._pattern.sub(STAND_IN, text)

    def json(self, value: Json) -> Json:
        """Return a JSON value whose texts hold no known secret."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.json(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        return value


def with_spaces(text: str) -> str:
    """Return `text` on one line: what cannot be printed becomes a space. Messages of servers are shown like that."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _spellings(value: str) -> set[str]:
    encoded = base64.b64encode(value.encode()).decode()
    for_urls = base64.urlsafe_b64encode(value.encode()).decode()
    found = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    found |= {quote(value, safe=""), quote(value), quote_plus(value)}
    found |= {encoded, encoded.rstrip("="), for_urls, for_urls.rstrip("=")}
    found |= {with_spaces(value)}
    # Each line of a key or certificate is as secret as the whole.
    found |= {line.strip() for line in value.splitlines() if len(line.strip()) >= 16}
    return {spelling for spelling in found if len(spelling) >= MIN_LENGTH}
