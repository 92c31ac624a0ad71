"""Turns the way a system wants to be signed in to into one request header.

Reads: nothing by itself; tokens come through the function it is given. Writes: nothing.
No secret ever stands in a repr or an error. At most one token is fetched at a time, however many threads ask.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
import threading
from collections.abc import Callable
from dataclasses import field
from typing import Literal, TypeAlias
from urllib.parse import quote_plus, urlencode

from reconciler.core.errors import ApiError, ErrorClass, TransportError, UsageError
from reconciler.core.model import Json, Response
from reconciler.core.records import dataclass

Header: TypeAlias = tuple[str, str]

RENEWAL_MARGIN_S = 60.0  # a token is renewed this long before it ends, or in the last tenth of a short life
REFUSAL_PAUSE_S = 10.0  # a token renewed because of a 401 is not renewed for the same reason sooner than this

# Source: RFC 9110, sections 5.1 and 5.5. Outer blanks would be stripped on the way, which hides mistakes.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|\A[ \t]|[ \t]\Z")
_OAUTH_ERROR = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True)
class NoAuth:
    """Nothing is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerAuth:
    """`Authorization: Bearer` with a fixed token."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """`Authorization: Basic` (RFC 7617, UTF-8)."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderAuth:
    """A fixed header of any name, such as an API key."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtAuth:
    """A bearer token signed here with HS256 (RFC 7519).

    With `ttl_s` the claims get `iat` and `exp`, and the token is signed anew before it ends; without, they
    are sent exactly as given, and one token serves for good.
    """

    secret: str = field(repr=False)
    claims: tuple[tuple[str, Json], ...] = ()
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Auth:
    """A bearer token from the client-credentials grant (RFC 6749, section 4.4).

    `style` tells where the token endpoint wants the client's id and secret: in a Basic header or in the form.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    audience: str = ""
    style: Literal["basic", "body"] = "basic"


Auth: TypeAlias = NoAuth | BearerAuth | BasicAuth | HeaderAuth | JwtAuth | OAuth2Auth


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A form to post to a token endpoint."""

    url: str
    headers: tuple[Header, ...] = field(repr=False)
    content: bytes = field(repr=False)


FetchToken: TypeAlias = Callable[[TokenRequest], Response]
"""Posts the form and returns the answer, whatever its status. Raises TransportError without an answer."""


def check_header(system: str, name: str, value: str) -> None:
    """Refuse a header that cannot be sent as it stands. Raises UsageError that never shows the value."""
    if not _HEADER_NAME.fullmatch(name):
        raise UsageError(
            f"system {system}: {name!r} is not a header name",
            hint="Use letters, digits and hyphens only, without a colon.",
        )
    _check_sendable(system, f"the header {name}", value)


def _check_sendable(system: str, what: str, value: str) -> None:
    _check_one_line(system, what, value)
    if any(ord(character) > 255 for character in value):
        raise UsageError(
            f"system {system}: {what} has a character that HTTP headers cannot carry",
            hint="Look at where the value comes from: quotes or hyphens may have become typographic ones.",
        )


def _check_one_line(system: str, what: str, value: str) -> None:
    if _UNSENDABLE.search(value):
        raise UsageError(
            f"system {system}: {what} has a line break, a control character or blanks at an end",
            hint="Look at where the value comes from: a secret saved to a file often ends with a line break.",
        )


def sign_jwt(auth: JwtAuth, now: float) -> str:
    """Return a compact HS256 token. `now` is in seconds since the epoch. Source: RFC 7515, section 3.1."""
    claims = dict(auth.claims)
    if auth.ttl_s is not None:
        claims |= {"iat": int(now), "exp": int(now + auth.ttl_s)}
    signed = b".".join(_base64url(_compact(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(auth.secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + _base64url(signature)).decode("ascii")


def token_request(auth: OAuth2Auth) -> TokenRequest:
    """Return the form that asks for a token."""
    form = {"grant_type": "client_credentials"}
    if auth.scopes:
        form["scope"] = " ".join(auth.scopes)
    if auth.audience:
        form["audience"] = auth.audience
    headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]
    if auth.style == "body":
        form |= {"client_id": auth.client_id, "client_secret": auth.client_secret}
    else:
        # Source: RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret)}"
        headers.append(("Authorization", "Basic " + base64.b64encode(pair.encode()).decode("ascii")))
    return TokenRequest(url=auth.token_url, headers=tuple(headers), content=urlencode(form).encode("ascii"))


def read_token(system: str, response: Response) -> tuple[str, float]:
    """Return the access token and its life in seconds (infinite when the answer names none).

    Raises TransportError (not sent) when asking again may help, ApiError when it cannot.
    """
    where = f"the token endpoint of system {system}"
    if response.status == 429 or response.status >= 500:
        raise TransportError(
            f"{where} answered {response.status}",
            sent=False,
            hint="Try again later; nothing was sent to the system itself.",
        )
    answer = _object(response)
    if response.status in (400, 401, 403):
        code = answer.get("error")
        detail = f" ({code})" if isinstance(code, str) and _OAUTH_ERROR.fullmatch(code) else ""
        raise ApiError(
            f"{where} refused to give a token: {response.status}{detail}",
            error_class=ErrorClass.UNAUTHORIZED,
            status=response.status,
            hint="Check the client id, client secret, scopes and audience, and how the secret is to be sent.",
        )
    token = answer.get("access_token")
    if response.status // 100 != 2 or not isinstance(token, str) or not token:
        raise ApiError(
            f"{where} answered {response.status} without a token",
            error_class=ErrorClass.MISCONFIGURED,
            status=response.status,
            hint="Check the token URL: it must be the address that gives out tokens, not a login page.",
        )
    return token, _life(answer.get("expires_in"))


def _life(stated: Json) -> float:
    # Some servers send the number as text. Nothing, or nothing sensible: valid until a 401 says otherwise.
    if isinstance(stated, bool) or not isinstance(stated, int | float | str):
        return math.inf
    try:
        seconds = float(stated)
    except ValueError:
        return math.inf
    return seconds if seconds > 0 else math.inf


def _object(response: Response) -> dict[str, Json]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _compact(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _bearer(system: str, token: str) -> Header:
    _check_sendable(system, "the token", token)
    return ("Authorization", f"Bearer {token}")


def _fixed_header(system: str, auth: BearerAuth | BasicAuth | HeaderAuth) -> Header:
    match auth:
        case BearerAuth(token=token):
            _check_present(system, "token", token)
            return _bearer(system, token)
        case BasicAuth(username=username, password=password):
            _check_present(system, "user name", username)
            _check_one_line(system, "the user name", username)
            _check_one_line(system, "the password", password)
            if ":" in username:
                raise UsageError(
                    f"system {system}: a user name for basic authentication cannot hold a colon",
                    hint="Check that the user name and the password stand in their own settings.",
                )
            pair = f"{username}:{password}".encode()
            return ("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        case HeaderAuth(name=name, value=value):
            _check_present(system, f"header {name}", value)
            check_header(system, name, value)
            return (name, value)


def _check_present(system: str, what: str, value: str) -> None:
    if not value:
        raise UsageError(
            f"system {system}: the {what} for signing in is empty",
            hint="Set the environment variable or file that it is read from.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    header: Header | None = field(repr=False)
    renew_at: float  # seconds since the epoch


class Authenticator:
    """Holds the header that signs requests in, and renews it in time. Safe to share between threads."""

    def __init__(
        self,
        system: str,
        auth: Auth,
        *,
        fetch: FetchToken,
        clock: Callable[[], float],
        on_token: Callable[[str], None] = lambda token: None,
    ) -> None:
        """Prepare without any request. Raises UsageError when a secret is empty or cannot be sent.

        `on_token` is told each token that is signed or fetched: it is as secret as what it was made from.
        """
        self._on_token = on_token
        self._system = system
        self._auth = auth
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._refused_at = -math.inf
        self._made = False  # something was written since the token was fetched, which may have changed its rights
        self._held: _Held | None = None
        match auth:
            case NoAuth():
                self._held = _Held(header=None, renew_at=math.inf)
            case BearerAuth() | BasicAuth() | HeaderAuth():
                self._held = _Held(header=_fixed_header(system, auth), renew_at=math.inf)
            case JwtAuth():
                _check_present(system, "JWT secret", auth.secret)
            case OAuth2Auth():
                _check_present(system, "client id", auth.client_id)
                _check_present(system, "client secret", auth.client_secret)
                _check_one_line(system, "the client id", auth.client_id)
                _check_one_line(system, "the client secret", auth.client_secret)

    def header(self) -> Header | None:
        """Return the header to send now, None for no sign-in; a token is signed or fetched when it is due.

        Raises ApiError when the token endpoint refuses, TransportError (not sent) when it cannot be reached.
        """
        held = self._held  # without the lock: one reference, replaced as a whole
        if held is not None and self._clock() < held.renew_at:
            return held.header
        with self._lock:
            held = self._held
            if held is None or self._clock() >= held.renew_at:
                held = self._renew()
            return held.header

    def header_after_refusal(self, refused: Header | None) -> Header | None:
        """Return another header to try once after a 401 or 403, or None when there is none to be had.

        A new one is fetched at once where something was written since: a new realm or project often gives rights that
        only a new token holds. Raises what `header` raises.
        """
        if not isinstance(self._auth, OAuth2Auth):
            return None
        with self._lock:
            if self._held is not None and self._held.header != refused:
                return self._held.header  # another thread has renewed it meanwhile
            now = self._clock()
            if now - self._refused_at < REFUSAL_PAUSE_S and not self._made:
                return None  # the system refuses fresh tokens too: more of them would not help
            renewed = self._renew()
            self._refused_at = now
            return renewed.header

    def note_write(self) -> None:
        """Remember that something was written with the token that is held."""
        self._made = True

    def renew_after_writes(self) -> bool:
        """Fetch a new token where something was written since the last one; tell whether there is another one now.

        Raises what `header` raises.
        """
        with self._lock:
            if not isinstance(self._auth, OAuth2Auth) or not self._made or self._held is None:
                return False
            before = self._held.header
            return self._renew().header != before

    def _renew(self) -> _Held:
        self._made = False
        now = self._clock()
        if isinstance(self._auth, OAuth2Auth):
            try:
                response = self._fetch(token_request(self._auth))
            except TransportError as error:
                # The request that needs the token was not sent, however far the one for the token came.
                error.sent = False
                raise
            token, life_s = read_token(self._system, response)
        elif isinstance(self._auth, JwtAuth):
            token = sign_jwt(self._auth, now)
            life_s = math.inf if self._auth.ttl_s is None else self._auth.ttl_s
        else:  # a fixed header is set at the start and never due
            raise AssertionError(type(self._auth).__name__)
        self._on_token(token)
        renew_at = now + life_s - min(RENEWAL_MARGIN_S, life_s / 10)
        self._held = _Held(header=_bearer(self._system, token), renew_at=renew_at)
        return self._held
