"""What a person can do about a failed answer: what is likely here, by its status, its headers and the call. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from reconciler.core.errors import ErrorClass
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call
from reconciler.core.model import Request, Response
from reconciler.core.records import dataclass
from reconciler.core.redaction import with_spaces

_OF_CLASS = {
    ErrorClass.UNAUTHORIZED: "check the credentials of the system in reconciler.yaml and whether they expired",
    ErrorClass.MISCONFIGURED: "check the system's url in reconciler.yaml, its path included",
    ErrorClass.RATE_LIMITED: "lower requestsPerSecond or concurrency of the system in reconciler.yaml",
    ErrorClass.TRANSIENT: "the server is in trouble; try again later",
}
_LIMIT = re.compile(r"rate.?limit|too many|quota|throttl|abuse|slow down", re.IGNORECASE)
_FORGERY = re.compile(r"csrf|xsrf|crumb|anti-?forgery", re.IGNORECASE)
_SIGNING_IN = re.compile(r"\b(log|sign)-?in\b|\bauth(orize)?\b|\bsso\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A failed answer with all that tells what to do about it."""

    kind: Kind
    call: Call | None
    request: Request | None
    response: Response
    error_class: ErrorClass
    said: str
    signing_in: bool = False  # the answer is a page that asks to sign in

    @property
    def headers(self) -> Mapping[str, str]:
        return self.response.headers

    def sent(self, header: str) -> str:
        """Return what the request had in `header`, so far as the kind decides it."""
        named = [] if self.request is None else [v for n, v in self.request.headers if n.lower() == header]
        return named[-1] if named else "application/json"


def hint_for(refused: Refused) -> str:
    """Return what a person can do, "" where the class leaves it to who asked."""
    status = refused.response.status
    if refused.signing_in:
        return (
            "the credentials of the system are not taken here, or its url is that of the pages for people: check both "
            "in reconciler.yaml"
        )
    if 300 <= status < 400 and "location" in refused.headers:
        return _redirected(refused)
    by_status = _OF_STATUS.get(status)
    usual = _OF_CLASS.get(refused.error_class, "")
    return (by_status(refused) if by_status is not None else "") or usual


def target_of(response: Response) -> str:
    """Return where a redirect leads, without what may be secret in it; "" where it does not say."""
    named = response.headers.get("location", "")
    parts = urlsplit(named) if re.fullmatch(r"[\x21-\x7e]+", named) else None
    if parts is None:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return with_spaces(f"{f'{parts.scheme}:' if parts.scheme else ''}{f'//{host}' if host else ''}{parts.path}")


def _redirected(refused: Refused) -> str:
    target = target_of(refused.response)
    parts, path = urlsplit(target), "" if refused.request is None else refused.request.path
    usual = _OF_CLASS[ErrorClass.MISCONFIGURED]
    if _SIGNING_IN.search(parts.path) or _SIGNING_IN.search(parts.netloc):
        return f"it asks to sign in: {_OF_CLASS[ErrorClass.UNAUTHORIZED]}"
    if not path:
        return usual
    if parts.path.endswith(f"{path}/"):
        return "add the slash to the end of `path` of this call in the kind"
    if path.endswith("/") and f"{parts.path}/".endswith(path):
        return "take the slash from the end of `path` of this call in the kind"
    if parts.netloc and parts.path.endswith(path):
        home = f"{parts.scheme or 'https'}://{parts.netloc}{parts.path.removesuffix(path)}"
        return f"set the system's url in reconciler.yaml to {home}"
    return f"{usual}, and `path` of this call in the kind"


def _unauthorized(refused: Refused) -> str:
    scheme = re.match(r"\w+", refused.headers.get("www-authenticate", ""))
    asked = f"; the server asks for {scheme[0]}" if scheme else ""
    return _OF_CLASS[ErrorClass.UNAUTHORIZED] + asked


def _forbidden(refused: Refused) -> str:
    used_up = any(n.endswith("ratelimit-remaining") and v.strip() == "0" for n, v in refused.headers.items())
    if used_up or _LIMIT.search(refused.said):
        return (
            "this looks like a limit of requests: with `answers: [{status: 403, matches: …, class: rateLimited}]` in "
            "the kind it is waited for"
        )
    if _FORGERY.search(refused.said):
        return "the server wants a token against forged requests: give it under `headers` of the system"
    if "HTML page" in refused.said:
        return "it may come from what stands before the API, such as a firewall or proxy: look there first"
    return (
        "the credentials are known, and this is not allowed to them: they may lack a right or role, or nobody may do "
        "it (a read-only object, an address that is not admitted)"
    )


def _not_found(refused: Refused) -> str:
    definition = refused.kind.definition
    if refused.request is None or not refused.request.writes:
        listed = any(refused.call is one for one in definition.read.lists)
        if refused.error_class is ErrorClass.NOT_FOUND:
            above = "what its path goes through is not there, or " if listed and "{" in _path(refused) else ""
            return f"{above}`path` of this call in the kind is not the API's" if listed else ""
        return f"{_OF_CLASS[ErrorClass.MISCONFIGURED]}, and `path` of this call in the kind"
    if refused.error_class is ErrorClass.NOT_FOUND:
        made = refused.call is definition.write.create
        return "what its path or its fields refer to is not there; plan again" if made else ""
    through = "what its path goes through" if refused.call is definition.write.create else "the object"
    gone = f"{through} is gone (plan again), or " if "{" in _path(refused) else ""
    wrong = "`path` or `method` of this call in the kind is not the API's"
    return f"reading works, so the system's url is right: {gone}{wrong}"


def _path(refused: Refused) -> str:
    return "" if refused.call is None else refused.call.path


def _wrong_method(refused: Refused) -> str:
    allowed = refused.headers.get("allow", "")
    if re.fullmatch(r"[A-Z]+(\s*,\s*[A-Z]+)*", allowed.strip()):
        return f"the address takes {allowed.strip()}: set `method` of this call in the kind"
    return f"{_OF_CLASS[ErrorClass.MISCONFIGURED]}, and `method` and `path` of this call in the kind"


def _not_acceptable(refused: Refused) -> str:
    return (
        f"the server does not answer as Accept: {refused.sent('accept')} asks: name what it offers under `headers` of "
        "this call in the kind, as in headers: {Accept: application/vnd.api+json}"
    )


def _unsupported(refused: Refused) -> str:
    method = "" if refused.request is None else refused.request.method.lower()
    offered = refused.headers.get(f"accept-{method}", "").split(",")[0].strip()
    wanted = offered if re.fullmatch(r"[\w.+-]+/[\w.+-]+", offered) else "application/merge-patch+json"
    return (
        f"the server does not take Content-Type: {refused.sent('content-type')}: name what it takes under `headers` of "
        f"this call in the kind, as in headers: {{Content-Type: {wanted}}}"
    )


_OF_STATUS: Mapping[int, Callable[[Refused], str]] = {
    401: _unauthorized,
    403: _forbidden,
    404: _not_found,
    405: _wrong_method,
    406: _not_acceptable,
    415: _unsupported,
    413: lambda _: "the request is too large for the server or for what stands before it",
    428: lambda _: "the server wants to be told on which state a write rests: `guard: {ifMatch: true}` in the kind",
}
