"""What an endpoint connection may be: each field (section 3), and the merged row (section 5). Pure."""

from __future__ import annotations

import re
from typing import Any

from reconciler.sandbox.galtea.fields import (
    Field,
    boolean,
    choice,
    integer,
    is_integer,
    text,
    text_map,
)
from reconciler.sandbox.galtea.headers import has_template_in_host, is_readable, origin
from reconciler.sandbox.galtea.state import ProblemError
from reconciler.sandbox.rows import Row

TYPES = ("INITIALIZATION", "CONVERSATION", "FINALIZATION")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
AUTH_TYPES = ("NONE", "BEARER", "API_KEY", "BASIC", "OAUTH2")

# Section 3: what each type of authentication needs. OAUTH2 is in the enum, and no field for it is documented:
# taken to be accepted, and to leave a row without any credential.
CREDENTIALS: dict[str, tuple[str, ...]] = {
    "NONE": (),
    "BEARER": ("authToken",),
    "API_KEY": ("authToken",),
    "BASIC": ("username", "password"),
    "OAUTH2": (),
}

_INPUT = re.compile(r"\{\{-?\s*input\b")  # {{ input }}, later any {{ input.<field> }} (section 4)
_MAX_END_RULES = 20


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "object" and isinstance(value.get("properties"), dict)


def _are_status_codes(value: Any) -> bool:
    return isinstance(value, list) and all(is_integer(code, 100, 599) for code in value)


def _are_end_rules(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= _MAX_END_RULES and all(map(_is_end_rule, value))


def _is_end_rule(rule: Any) -> bool:
    if not isinstance(rule, dict) or not rule.keys() <= {"statusCode", "bodyMatch"}:
        return False
    if not is_integer(rule.get("statusCode"), 100, 599):
        return False
    match = rule.get("bodyMatch")
    if match is None:
        return not 200 <= rule["statusCode"] <= 299
    if not isinstance(match, dict) or match.keys() != {"path", "equals"}:
        return False
    path = match["path"]
    return isinstance(path, str) and path.startswith("$") and "?" not in path


WRITABLE: dict[str, Field] = {
    "name": text(blank=False),
    "url": text(blank=False),
    "httpMethod": choice(*METHODS),
    "authType": choice(*AUTH_TYPES),
    "authToken": text(nullable=True),
    "username": text(nullable=True),
    "password": text(nullable=True),
    "headers": text_map(nullable=True),
    "inputTemplate": text(nullable=True),
    # [unknown] Whether null clears it: taken not to.
    "inputSchema": Field(_is_schema, "a JSON Schema with type 'object' and 'properties'"),
    "outputMapping": text_map(nullable=True),
    "timeout": integer(1, 120),  # section 4: more than 120 is a 400
    "rateLimit": integer(1),
    "retryEnabled": boolean(),
    "retryMaxAttempts": integer(0, 10),
    "retryInitialDelayMs": integer(0),
    "retryBackoffStrategy": choice("FIXED", "EXPONENTIAL", "LINEAR", nullable=True),
    "retryMaxDelayMs": integer(0, 60_000),
    "retryableStatusCodes": Field(_are_status_codes, "an array of integers from 100 to 599"),
    "acknowledgedInsecureHttp": boolean(),
    "conversationEndRules": Field(
        _are_end_rules,
        f"at most {_MAX_END_RULES} rules with a statusCode, and for 2xx a bodyMatch whose path starts with $",
    ),
}
ONLY_ON_CREATE: dict[str, Field] = {"productId": text(blank=False), "type": choice(*TYPES)}
READ_ONLY = frozenset({"id", "userId", "hasAuthToken", "hasPassword", "createdAt", "deletedAt"})

# Sections 3 and 4, the newest column.
DEFAULTS: dict[str, Any] = {
    "username": None,
    "headers": {},
    "inputTemplate": None,
    "inputSchema": None,
    "outputMapping": {},
    "timeout": 15,
    "rateLimit": None,
    "retryEnabled": True,
    "retryMaxAttempts": 1,
    "retryInitialDelayMs": 1000,
    "retryBackoffStrategy": "EXPONENTIAL",
    "retryMaxDelayMs": 3000,
    "retryableStatusCodes": [429, 500, 502, 503, 504],
    "acknowledgedInsecureHttp": False,
    "conversationEndRules": [],
    "authToken": None,
    "password": None,
}


def check_row(row: Row) -> None:
    """Check the rules between fields, on the row as it would be. Raises ProblemError (400)."""
    scheme, _, _ = origin(row["url"])
    if scheme == "http" and not row["acknowledgedInsecureHttp"]:
        raise ProblemError(400, "An http:// URL requires acknowledgedInsecureHttp to be true")
    for name in CREDENTIALS[row["authType"]]:
        if row[name] is None:
            raise ProblemError(400, f"Field '{name}' is required for authType {row['authType']}")
    if has_template_in_host(row["url"]) and _has_secret(row):
        raise ProblemError(400, "The host of 'url' must not hold a template tag while secrets are stored")
    if row["retryEnabled"] and row["retryMaxAttempts"] == 0:
        raise ProblemError(400, "retryMaxAttempts must be at least 1 while retryEnabled is true")
    _check_type(row)


def _check_type(row: Row) -> None:
    if row["type"] == "CONVERSATION":
        if not _INPUT.search(row["inputTemplate"] or ""):
            raise ProblemError(400, "Field 'inputTemplate' must contain an {{ input.<field> }} placeholder")
        if "output" not in row["outputMapping"]:
            raise ProblemError(400, "Field 'outputMapping' must include the key 'output'")
    elif row["conversationEndRules"]:
        raise ProblemError(400, "conversationEndRules are only for type CONVERSATION")
    if row["type"] == "INITIALIZATION" and "session_id" not in row["outputMapping"]:
        raise ProblemError(400, "Field 'outputMapping' must include the key 'session_id'")


def _has_secret(row: Row) -> bool:
    if row["authToken"] is not None or row["password"] is not None:
        return True
    return not all(is_readable(name, value) for name, value in row["headers"].items())
