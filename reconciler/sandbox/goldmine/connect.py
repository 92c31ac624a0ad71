"""Refuse unary calls that break the Connect protocol, before any message is read. Pure.

Invariants: an error is always `application/json` with `code` and `message`; what fails below the protocol
(unknown path, other method, unknown codec) has no Connect body.
Source: the Goldmine sheet, section 9 (Connect).
"""

from __future__ import annotations

from typing import Final

from reconciler.sandbox.http import (
    SandboxRequest,
    SandboxResponse,
    empty_response,
    json_response,
    text_response,
)

HTTP_STATUS: Final = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "data_loss": 500,
}
# Section 4 of the sheet: the texts of the published error bodies.
MESSAGES: Final = {
    "invalid_argument": ("The request was malformed, such as a missing required field or an unparseable cursor."),
    "unauthenticated": "The request lacks a valid API key in the Authorization header.",
    "permission_denied": "The API key is not allowed to perform this action on this workspace.",
    "not_found": "The requested resource does not exist in this workspace.",
    "already_exists": "A resource with the same key already exists in this workspace.",
    "failed_precondition": "The system is not in a state that permits this request.",
}


class ConnectError(Exception):
    """A refusal in the protocol's words. Without a detail the published text of the code is the message."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.message = detail or MESSAGES[code]
        super().__init__(self.message)


def error_response(error: ConnectError) -> SandboxResponse:
    """Return the answer that carries an error."""
    return json_response(HTTP_STATUS[error.code], {"code": error.code, "message": error.message})


def refusal(request: SandboxRequest, *, known: bool) -> SandboxResponse | None:
    """Return the answer to a request that breaks the protocol, None for a sound one.

    `known`: whether the path names a procedure. The order is that of a router in front of a handler: path,
    method, content type, then the protocol's own headers.
    """
    if not known:
        # Not a Connect body: a client must take this for a wrong address, never for `not_found`.
        return text_response(404, "404 page not found\n")
    if request.method != "POST":
        return empty_response(405, {"allow": "POST"})
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        return empty_response(415, {"accept-post": "application/json"})
    error = _header_error(request)
    return error_response(error) if error else None


def _header_error(request: SandboxRequest) -> ConnectError | None:
    version = request.headers.get("connect-protocol-version")
    if version is None:
        return ConnectError("invalid_argument", "missing required header: Connect-Protocol-Version")
    if version != "1":
        return ConnectError("invalid_argument", 'Connect-Protocol-Version must be "1"')
    timeout = request.headers.get("connect-timeout-ms")
    if timeout is not None and not (timeout.isascii() and timeout.isdigit() and len(timeout) <= 10):
        return ConnectError("invalid_argument", "Connect-Timeout-Ms must be an integer of at most 10 digits")
    if request.headers.get("content-encoding", "identity") not in ("", "identity"):
        return ConnectError("unimplemented", "unknown compression: supported encodings are identity")
    return None
