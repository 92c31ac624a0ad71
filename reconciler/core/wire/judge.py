"""What an answer means: success, or a failure of one class with a message for people. Pure.

The rules of the call come first, then those of the kind, then those of its system, then the usual meaning of statuses
(RFC 9110, section 15). A 404 counts as "not found" only when the API itself said so in JSON: a bare one means a wrong
address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.errors import ErrorClass
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import AnswerRule, Call, Condition
from reconciler.core.model import Json, Response
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.redaction import with_spaces
from reconciler.core.wire.rate_limits import asked_wait

_USUAL = {
    400: ErrorClass.INVALID,
    401: ErrorClass.UNAUTHORIZED,
    403: ErrorClass.FORBIDDEN,
    405: ErrorClass.MISCONFIGURED,
    408: ErrorClass.TRANSIENT,
    409: ErrorClass.CONFLICT,
    410: ErrorClass.NOT_FOUND,
    412: ErrorClass.CONFLICT,
    415: ErrorClass.MISCONFIGURED,
    422: ErrorClass.INVALID,
    425: ErrorClass.TRANSIENT,
    429: ErrorClass.RATE_LIMITED,
}

_HINTS = {
    ErrorClass.UNAUTHORIZED: "check the credentials of the system in reconciler.yaml and whether they expired",
    ErrorClass.FORBIDDEN: "the credentials are valid but lack a right; ask for it or use others",
    ErrorClass.MISCONFIGURED: "check the system's url in reconciler.yaml, its path included",
    ErrorClass.RATE_LIMITED: "lower requestsPerSecond or concurrency of the system in reconciler.yaml",
    ErrorClass.TRANSIENT: "the server is in trouble; try again later",
}

_MESSAGES = (
    "/message",
    "/error/message",
    "/error_description",
    "/resultMessage",
    "/reason",
    "/error/reason",
    "/error",
    "/detail",
    "/title",
    "/errors/0/message",
    "/errors/0",
)

_LONGEST = 500  # characters of a server's message that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer means. `error_class` is None for success."""

    error_class: ErrorClass | None = None
    message: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        return self.error_class is None


def meaning_of(kind: Kind, call: Call, response: Response) -> ErrorClass | None:
    """Return the class of a failed answer to `call` of `kind`, None for success."""
    if 200 <= response.status < 300 and not _rules(kind, call):
        return None  # as nearly all: nothing in it needs to be decoded
    return judge(kind, response, call).error_class


def usual_meaning(response: Response) -> ErrorClass | None:
    """Return the class of an answer that no rule is about, None for success."""
    return None if 200 <= response.status < 300 else _usual_class(response, _decoded(response))


def _rules(kind: Kind, call: Call | None) -> tuple[AnswerRule, ...]:
    return (*(() if call is None else call.answers), *kind.definition.answers, *kind.system.answers)


def judge(kind: Kind, response: Response, call: Call | None = None) -> Verdict:
    """Return what `response` to `call` of `kind` means; without a call, what it means to any."""
    body = _decoded(response)
    for rule in _rules(kind, call):
        if _applies(rule, response, body):
            if rule.meaning == "success":
                return Verdict()
            return _failure(ErrorClass(rule.meaning), response, body, rule.message, rule.hint)
    if 200 <= response.status < 300:
        if body is MISSING and response.content.strip() and "html" in response.content_type:
            return _failure(ErrorClass.MISCONFIGURED, response, body)
        return Verdict()
    return _failure(_usual_class(response, body), response, body)


def _usual_class(response: Response, body: Any) -> ErrorClass:
    if response.status == 404:
        return ErrorClass.NOT_FOUND if isinstance(body, dict) and body else ErrorClass.MISCONFIGURED
    if 300 <= response.status < 400:
        return ErrorClass.MISCONFIGURED
    if response.status == 403 and "retry-after" in response.headers:
        return ErrorClass.RATE_LIMITED  # a missing right does not come with waiting
    return _USUAL.get(response.status, ErrorClass.TRANSIENT if response.status >= 500 else ErrorClass.FAILED)


def _decoded(response: Response) -> Any:
    try:
        return response.json() if response.content.strip() else MISSING
    except ValueError:
        return MISSING


def _applies(rule: AnswerRule, response: Response, body: Any) -> bool:
    if rule.status and not any(_status_fits(pattern, response.status) for pattern in rule.status):
        return False
    if rule.content_type is not None and not fnmatchcase(response.content_type, rule.content_type.lower()):
        return False
    if rule.matches is not None and not rule.at:
        text = response.content.decode("utf-8", "replace")
        if re.search(rule.matches, text, re.IGNORECASE) is None:
            return False
    return holds(rule, body)


def _status_fits(pattern: int | str, status: int) -> bool:
    text = str(pattern)
    return text == str(status) or (text[1:] == "xx" and text[0] == str(status)[0])


def holds(condition: Condition, body: Any) -> bool:
    """Tell whether all that `condition` states holds of the JSON value `body` (MISSING when there is none)."""
    value = get(body, parse_pointer(condition.at)) if body is not MISSING else MISSING
    stated = condition.model_fields_set
    if "present" in stated and (value is not MISSING and value is not None) != condition.present:
        return False
    if "equals" in stated and not (value is not MISSING and strictly_equal(value, condition.equals)):
        return False
    if condition.one_of is not None and not any(strictly_equal(value, option) for option in condition.one_of):
        return False
    # A rule without `at` was held against the answer's text, which need not be JSON.
    if condition.matches is not None and (condition.at or not isinstance(condition, AnswerRule)):
        return isinstance(value, str) and re.search(condition.matches, value, re.IGNORECASE) is not None
    return True


def all_hold(conditions: Iterable[Condition], body: Json) -> bool:
    """Tell whether every one of `conditions` holds of `body`."""
    return all(holds(condition, body) for condition in conditions)


# --------------------------------------------------------------------------- words


def _failure(
    error_class: ErrorClass, response: Response, body: Any, pointers: Sequence[str] = (), hint: str = ""
) -> Verdict:
    said = next(_messages(body, pointers), "")
    if not said:
        if "html" in response.content_type:
            said = "an HTML page instead of JSON"
        elif body is MISSING and response.content.strip():
            said = "an answer that is not JSON"
    where = f"status {response.status}"
    if error_class is ErrorClass.MISCONFIGURED and "location" in response.headers:
        said = "a redirect, which is never followed"
    message = f"{where}: {said}" if said else where
    hint = hint or _HINTS.get(error_class, "")
    wait = asked_wait(response.headers) if error_class in (ErrorClass.RATE_LIMITED, ErrorClass.TRANSIENT) else ""
    if wait:
        message += f"; the server asks to wait {wait}"
        hint = f"run again after that; or {hint}" if error_class is ErrorClass.RATE_LIMITED else "run again after that"
    return Verdict(error_class=error_class, message=message, hint=hint)


def reason_in(body: Any) -> str:
    """Return what a JSON answer says went wrong, or a stand-in when it says nothing."""
    return next(
        _messages(body, ("/status/message", "/statusMessage", "/reason", "/state", "/status")), "no reason given"
    )


def _messages(body: Any, pointers: Sequence[str]) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    for pointer in (*pointers, *_MESSAGES):
        value = get(body, parse_pointer(pointer))
        if isinstance(value, str) and value.strip():
            # One line and no control characters: the text comes from outside and ends up on a terminal.
            text = with_spaces(value)
            if text:
                yield _shortened(text)


def _shortened(text: str) -> str:
    """Cut a long text after a whole word: servers repeat what they were sent, and half a secret is not recognised."""
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0].rstrip() + " …"
