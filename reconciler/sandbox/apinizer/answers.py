"""The envelopes of answers and refusals, which differ by edition. Pure.

Invariants: in the "wrapped" edition (E3) everything refused is 400 except 401, told apart by text only; in
the "flat" one (E1/E2) the status and `error` tell.
Source: the Apinizer sheet, section 1 (error envelopes).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response

Edition = Literal["flat", "wrapped"]
_FLAT_STATUS: Final = {
    "bad_request": 400,
    "validation_failed": 400,
    "invalid_parameter": 400,
    "unauthorized_client": 401,
    "invalid_token": 401,
    "token_expired": 401,
    "access_denied": 403,
    "not_found": 404,
    "duplicate_name": 409,
}


class RefusedError(Exception):
    """A refusal: `code` as E1 names it, the text, and for `validation_failed` the field at fault."""

    def __init__(self, code: str, text: str, field: str = "") -> None:
        self.code = code
        self.text = text
        self.field = field
        super().__init__(text)


def refusal(edition: Edition, refused: RefusedError) -> SandboxResponse:
    """Return the answer that carries a refusal in the words of the edition."""
    status = _FLAT_STATUS[refused.code]
    if edition == "wrapped":
        body: dict[str, Any] = {"status": "FAILURE", "resultMessage": refused.text}
        return json_response(401 if status == 401 else 400, body)
    body = {"error": refused.code, "error_description": refused.text}
    if refused.field:
        body["validation_errors"] = [{"field": refused.field, "message": refused.text}]
    return json_response(status, body)


def listing(rows: Sequence[Mapping[str, Any]]) -> SandboxResponse:
    """Return a whole list; lists have no pages."""
    return json_response(200, {"status": "SUCCESS", "resultList": list(rows), "resultCount": len(rows)})


def single(edition: Edition, document: Mapping[str, Any]) -> SandboxResponse:
    """Return one object: bare in E1, in a list of one in E3."""
    if edition == "flat":
        return json_response(200, dict(document))
    return rows_found([document])


def done(deployment_result: Mapping[str, Any] | None = None) -> SandboxResponse:
    """Return success, which never echoes what was stored, even when the deployment in it failed."""
    extra = {} if deployment_result is None else {"deploymentResult": deployment_result}
    return json_response(200, {"success": True, **extra})


def saved(deployment_result: Mapping[str, Any] | None = None) -> SandboxResponse:
    """Return success as the objects of a project say it, which never echoes either."""
    extra = {} if deployment_result is None else {"deploymentResult": deployment_result}
    return json_response(200, {"status": "SUCCESS", **extra})


def rows_found(rows: Sequence[Mapping[str, Any]]) -> SandboxResponse:
    """Return rows in the envelope of settings and endpoints."""
    return json_response(200, {"success": True, "resultList": list(rows), "resultCount": len(rows)})


def read_object(request: SandboxRequest) -> dict[str, Any]:
    """Return the JSON object in a request's body. Raises: RefusedError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        # Section 1 lists no 415 in any edition, so a wrong type has to be one of its 400s [inferred].
        raise RefusedError("bad_request", "Content type is not supported, application/json is expected")
    try:
        document = json.loads(request.body.decode())
        # Lone surrogates pass as JSON and could not be named in an answer.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise RefusedError("bad_request", "Request body is not readable") from None
    if not isinstance(document, dict):
        raise RefusedError("bad_request", "Request body is not readable")
    return document


def query_flag(request: SandboxRequest, name: str) -> bool:
    """Return a boolean query parameter, false when absent. Raises: RefusedError."""
    value = dict(request.query).get(name, "false")
    if value not in ("true", "false"):
        raise RefusedError("invalid_parameter", f"Parameter {name} must be true or false")
    return value == "true"
