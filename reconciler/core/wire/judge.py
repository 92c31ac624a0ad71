"""What an answer means: success, or a failure of one class with a message for people. Pure.

The rules of the call come first, then those of the kind, then those of its system, then the usual meaning of statuses
(RFC 9110, section 15). A 404 counts as "not found" only when the API itself said so in JSON: a bare one means a wrong
address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from reconciler.core.canonical import strictly_equal
from reconciler.core.errors import ErrorClass
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import AnswerRule, Call, Condition
from reconciler.core.model import Json, Request, Response
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.wire.hints import Refused, hint_for, target_of
from reconciler.core.wire.rate_limits import asked_wait
from reconciler.core.wire.reasons import Reason
from reconciler.core.wire.said import json_or_missing, what_is_said

_USUAL = {
    400: ErrorClass.INVALID,
    401: ErrorClass.UNAUTHORIZED,
    403: ErrorClass.FORBIDDEN,
    405: ErrorClass.MISCONFIGURED,
    406: ErrorClass.MISCONFIGURED,
    408: ErrorClass.TRANSIENT,
    409: ErrorClass.CONFLICT,
    410: ErrorClass.NOT_FOUND,
    412: ErrorClass.CONFLICT,
    415: ErrorClass.MISCONFIGURED,
    422: ErrorClass.INVALID,
    425: ErrorClass.TRANSIENT,
    429: ErrorClass.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer means. `error_class` is None for success."""

    error_class: ErrorClass | None = None
    message: str = ""
    hint: str = ""
    reasons: tuple[Reason, ...] = ()  # what the answer says, with the fields that it names
    body: str = ""  # all of the answer, where `message` shows it shortened for want of a reason

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
    return None if 200 <= response.status < 300 else _usual_class(response, json_or_missing(response))


def _rules(kind: Kind, call: Call | None) -> tuple[AnswerRule, ...]:
    return (*(() if call is None else call.answers), *kind.definition.answers, *kind.system.answers)


def judge(kind: Kind, response: Response, call: Call | None = None, request: Request | None = None) -> Verdict:
    """Return what `response` to `request`, a `call` of `kind`, means; without a call, what it means to any."""
    body = json_or_missing(response)
    for rule in _rules(kind, call):
        if _applies(rule, response, body):
            if rule.meaning == "success":
                return Verdict()
            return _failure(kind, response, ErrorClass(rule.meaning), call, request, rule)
    if 200 <= response.status < 300:
        if body is MISSING and response.content.strip() and "html" in response.content_type:
            return _failure(kind, response, ErrorClass.MISCONFIGURED, call, request)
        return Verdict()
    return _failure(kind, response, _usual_class(response, body), call, request)


def _usual_class(response: Response, body: Any) -> ErrorClass:
    if response.status == 404:
        return ErrorClass.NOT_FOUND if isinstance(body, dict) and body else ErrorClass.MISCONFIGURED
    if 300 <= response.status < 400:
        return ErrorClass.MISCONFIGURED
    if response.status == 403 and "retry-after" in response.headers:
        return ErrorClass.RATE_LIMITED  # a missing right does not come with waiting
    return _USUAL.get(response.status, ErrorClass.TRANSIENT if response.status >= 500 else ErrorClass.FAILED)


def _applies(rule: AnswerRule, response: Response, body: Any) -> bool:
    if rule.status and not any(status_fits(pattern, response.status) for pattern in rule.status):
        return False
    if rule.content_type is not None and not fnmatchcase(response.content_type, rule.content_type.lower()):
        return False
    if rule.matches is not None and not rule.at and re.search(rule.matches, response.text(), re.IGNORECASE) is None:
        return False
    return holds(rule, body)


def status_fits(pattern: int | str, status: int) -> bool:
    """Tell whether a status is the one that a kind names, as 404, or in its group, as 4xx."""
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
    kind: Kind,
    response: Response,
    error_class: ErrorClass,
    call: Call | None,
    request: Request | None,
    rule: AnswerRule | None = None,
) -> Verdict:
    said = what_is_said(kind, response, () if rule is None else rule.message)
    text = said.text
    if 300 <= response.status < 400 and "location" in response.headers:
        target = target_of(response)
        text = f"a redirect{f' to {target}' if target else ''}, which is never followed"
    refused = Refused(
        kind=kind,
        call=call,
        request=request,
        response=response,
        error_class=error_class,
        said=text,
        signing_in=said.signing_in,
    )
    hint = (rule.hint if rule is not None else "") or hint_for(refused)
    wait = asked_wait(response.headers) if error_class in (ErrorClass.RATE_LIMITED, ErrorClass.TRANSIENT) else ""
    if wait:
        text += f"; the server asks to wait {wait}"
        hint = f"run again after that; or {hint}" if error_class is ErrorClass.RATE_LIMITED else "run again after that"
    return Verdict(
        error_class=error_class,
        message=f"status {response.status}: {text}",
        hint=hint,
        reasons=said.reasons,
        body=said.body,
    )
