"""What an emulated system sees of HTTP: a request value in, a response value out. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRequest:
    """One request as it arrives. `path` is percent-decoded by nobody yet; `query` keeps order and repeats."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxResponse:
    """One answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class EmulatedSystem(Protocol):
    """One emulated API with its own state in memory; safe to call from several threads."""

    name: str

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request as the real system would."""
        ...


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> SandboxResponse:
    """Return `value` as a JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return SandboxResponse(status=status, headers={"content-type": "application/json", **(headers or {})}, body=body)


def empty_response(status: int, headers: Mapping[str, str] | None = None) -> SandboxResponse:
    """Return an answer without a body."""
    return SandboxResponse(status=status, headers=dict(headers or {}))


def text_response(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> SandboxResponse:
    """Return a plain-text or HTML answer."""
    return SandboxResponse(status=status, headers={"content-type": content_type}, body=text.encode())
