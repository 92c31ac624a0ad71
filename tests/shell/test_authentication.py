"""Which header signs a request in, when tokens are renewed, and that no secret shows."""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest

from reconciler.core.errors import ApiError, ErrorClass, TransportError, UsageError
from reconciler.core.model import Response
from reconciler.shell.network.authentication import (
    Auth,
    Authenticator,
    BasicAuth,
    BearerAuth,
    HeaderAuth,
    JwtAuth,
    NoAuth,
    OAuth2Auth,
    TokenRequest,
    check_header,
    read_token,
    sign_jwt,
    token_request,
)

SECRET = "fake-secret-not-real"
OAUTH = OAuth2Auth(token_url="https://id.example.com/token", client_id="robot", client_secret=SECRET)


def answer(value: object, status: int = 200) -> Response:
    return Response(status=status, content=json.dumps(value).encode())


def no_fetch(request: TokenRequest) -> Response:
    raise AssertionError("nothing is fetched for this")


@dataclass
class Issuer:
    """A token endpoint that numbers its tokens."""

    life_s: object = 600
    issued: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: TokenRequest) -> Response:
        with self.lock:
            self.issued += 1
            return answer({"access_token": f"fake-{self.issued}", "expires_in": self.life_s})


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def signed_in(
    auth: Auth,
    fetch: Callable[[TokenRequest], Response] = no_fetch,
    clock: Callable[[], float] = Clock(),  # noqa: B008 - only read
) -> Authenticator:
    return Authenticator("demo", auth, fetch=fetch, clock=clock)


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        pytest.param(NoAuth(), None, id="none"),
        pytest.param(BearerAuth(token=SECRET), ("Authorization", f"Bearer {SECRET}"), id="bearer"),
        pytest.param(HeaderAuth(name="X-API-Key", value=SECRET), ("X-API-Key", SECRET), id="header"),
        # Source: the example of RFC 7617, section 2.1, whose password holds a character outside ASCII.
        pytest.param(
            BasicAuth(username="test", password="123£"),
            ("Authorization", "Basic dGVzdDoxMjPCow=="),
            id="basic",
        ),
    ],
)
def test_sends_fixed_credentials(auth: Auth, header: tuple[str, str] | None) -> None:
    authenticator = signed_in(auth)
    assert authenticator.header() == header
    assert authenticator.header_after_refusal(header) is None


ALL_AUTHS = [
    BearerAuth(token=SECRET),
    BasicAuth(username="robot", password=SECRET),
    HeaderAuth(name="X-API-Key", value=SECRET),
    JwtAuth(secret=SECRET),
    OAUTH,
    token_request(OAUTH),
    token_request(OAuth2Auth(token_url="https://x.example", client_id="r", client_secret=SECRET, style="body")),
]


@pytest.mark.parametrize("value", ALL_AUTHS, ids=lambda value: type(value).__name__)
def test_reprs_keep_secrets(value: object) -> None:
    encoded = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    assert SECRET not in repr(value)
    assert encoded not in repr(value)


@pytest.mark.parametrize(
    "auth",
    [
        pytest.param(BearerAuth(token=SECRET + "\n"), id="bearer-line-break"),
        pytest.param(BearerAuth(token=SECRET + "\r\nX-Other: 1"), id="bearer-header-injection"),
        pytest.param(BearerAuth(token=" " + SECRET), id="bearer-leading-blank"),
        pytest.param(BearerAuth(token=SECRET + "\N{EN DASH}"), id="bearer-typographic"),
        pytest.param(BearerAuth(token=""), id="bearer-empty"),
        pytest.param(BasicAuth(username="robot", password=SECRET + "\n"), id="basic-line-break"),
        pytest.param(BasicAuth(username="ro:bot", password=SECRET), id="basic-colon"),
        pytest.param(BasicAuth(username="", password=SECRET), id="basic-empty"),
        pytest.param(HeaderAuth(name="X-API-Key", value=SECRET + "\x00"), id="header-control-character"),
        pytest.param(HeaderAuth(name="X-API-Key:", value=SECRET), id="header-name"),
        pytest.param(HeaderAuth(name="X-API-Key", value=""), id="header-empty"),
        pytest.param(JwtAuth(secret=""), id="jwt-empty"),
        pytest.param(
            OAuth2Auth(token_url="https://x.example", client_id="r", client_secret=SECRET + "\n"),
            id="oauth2-line-break",
        ),
        pytest.param(OAuth2Auth(token_url="https://x.example", client_id="", client_secret=SECRET), id="oauth2-empty"),
    ],
)
def test_refuses_unusable_secrets_without_showing_them(auth: Auth) -> None:
    with pytest.raises(UsageError) as caught:
        signed_in(auth)
    assert "system demo" in caught.value.message
    assert caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint


def test_header_values_may_hold_latin_1_and_inner_tabs() -> None:
    check_header("demo", "X-Team", "größe\tzwei")


# ------------------------------------------------------------------------------------------------ JWT


@pytest.mark.parametrize(
    ("auth", "payload", "signature"),
    [
        pytest.param(
            JwtAuth(secret=SECRET, claims=(("team_id", "t-1"),), ttl_s=300),
            {"team_id": "t-1", "iat": 1000, "exp": 1300},
            "6Uu4_4SNse5JiEuRJ2MwxeaqGiV5FDVqoqCpmv3bJY4",
            id="with-an-end",
        ),
        pytest.param(JwtAuth(secret=SECRET), {}, "y8fOQgi9Snr6u1-51XzlCixc4jsBGvzBZl-FgkqMpQY", id="no-claims"),
    ],
)
def test_signs_tokens(auth: JwtAuth, payload: object, signature: str) -> None:
    """Signatures made by `openssl dgst -sha256 -hmac`."""
    first, second, third = sign_jwt(auth, 1000.9).split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (first, second)]
    assert decoded == [{"alg": "HS256", "typ": "JWT"}, payload]
    assert third == signature


def test_signs_anew_before_the_token_ends() -> None:
    clock = Clock()
    authenticator = signed_in(JwtAuth(secret=SECRET, ttl_s=300), clock=clock)
    first = authenticator.header()
    clock.now += 269
    assert authenticator.header() == first
    clock.now += 2
    second = authenticator.header()
    assert second != first
    assert second == ("Authorization", "Bearer " + sign_jwt(JwtAuth(secret=SECRET, ttl_s=300), 1271))


def test_a_token_without_an_end_serves_for_good() -> None:
    clock = Clock()
    authenticator = signed_in(JwtAuth(secret=SECRET), clock=clock)
    first = authenticator.header()
    clock.now += 10**8
    assert authenticator.header() == first


# --------------------------------------------------------------------------------------------- OAuth 2


def test_asks_with_a_basic_header() -> None:
    """The id and the secret are form-encoded first: RFC 6749, section 2.3.1."""
    request = token_request(
        OAuth2Auth(
            token_url="https://id.example.com/token",
            client_id="robot 1",
            client_secret="fake:secret/ü",
            scopes=("read", "write"),
            audience="https://api.example.com",
        )
    )
    assert dict(parse_qsl(request.content.decode())) == {
        "grant_type": "client_credentials",
        "scope": "read write",
        "audience": "https://api.example.com",
    }
    headers = dict(request.headers)
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    credentials = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert credentials == "robot+1:fake%3Asecret%2F%C3%BC"


def test_asks_with_the_secret_in_the_form() -> None:
    request = token_request(
        OAuth2Auth(token_url="https://id.example.com", client_id="robot", client_secret="fake&ü", style="body")
    )
    assert dict(parse_qsl(request.content.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "robot",
        "client_secret": "fake&ü",
    }
    assert "Authorization" not in dict(request.headers)


@pytest.mark.parametrize(
    ("stated", "life_s"),
    [(600, 600.0), ("600", 600.0), (None, math.inf), ("soon", math.inf), (0, math.inf), (True, math.inf)],
)
def test_reads_the_life_of_a_token(stated: object, life_s: float) -> None:
    response = answer({"access_token": "fake-1", "expires_in": stated})
    assert read_token("demo", response) == ("fake-1", life_s)


@pytest.mark.parametrize(
    ("response", "error_class", "says"),
    [
        pytest.param(
            answer({"error": "invalid_client", "error_description": SECRET}, 401),
            ErrorClass.UNAUTHORIZED,
            "401 (invalid_client)",
            id="wrong-secret",
        ),
        pytest.param(answer({"error": SECRET + "!"}, 400), ErrorClass.UNAUTHORIZED, "400", id="odd-code"),
        pytest.param(Response(status=403, content=b"<html>"), ErrorClass.UNAUTHORIZED, "403", id="forbidden"),
        pytest.param(Response(status=404), ErrorClass.MISCONFIGURED, "404", id="not-there"),
        pytest.param(Response(status=302), ErrorClass.MISCONFIGURED, "302", id="redirect-to-login"),
        pytest.param(Response(status=200, content=b"<html>"), ErrorClass.MISCONFIGURED, "200", id="html"),
        pytest.param(answer(["fake-1"]), ErrorClass.MISCONFIGURED, "200", id="list"),
        pytest.param(answer({"access_token": ""}), ErrorClass.MISCONFIGURED, "200", id="empty-token"),
        pytest.param(answer({"access_token": 7}), ErrorClass.MISCONFIGURED, "200", id="number-token"),
    ],
)
def test_explains_why_there_is_no_token(response: Response, error_class: ErrorClass, says: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_token("demo", response)
    assert caught.value.error_class is error_class
    assert caught.value.status == response.status
    assert says in caught.value.message
    assert SECRET not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_token_endpoint_may_be_asked_again(status: int) -> None:
    with pytest.raises(TransportError) as caught:
        read_token("demo", Response(status=status))
    assert not caught.value.sent


def test_fetches_lazily_and_renews_before_the_end() -> None:
    clock, issuer = Clock(), Issuer()
    authenticator = signed_in(OAUTH, issuer, clock)
    assert issuer.issued == 0
    assert authenticator.header() == ("Authorization", "Bearer fake-1")
    clock.now += 539
    assert authenticator.header() == ("Authorization", "Bearer fake-1")
    clock.now += 2
    assert authenticator.header() == ("Authorization", "Bearer fake-2")


def test_a_short_life_is_used_to_nine_tenths() -> None:
    clock, issuer = Clock(), Issuer(life_s=20)
    authenticator = signed_in(OAUTH, issuer, clock)
    authenticator.header()
    clock.now += 17
    authenticator.header()
    assert issuer.issued == 1
    clock.now += 2
    authenticator.header()
    assert issuer.issued == 2


def test_renews_a_refused_token_once() -> None:
    clock, issuer = Clock(), Issuer()
    authenticator = signed_in(OAUTH, issuer, clock)
    first = authenticator.header()
    second = authenticator.header_after_refusal(first)
    assert second == ("Authorization", "Bearer fake-2")
    # A thread that was refused with the first token gets the second one without asking for a third.
    assert authenticator.header_after_refusal(first) == second
    # The fresh token is refused as well: asking for more would not help for now.
    assert authenticator.header_after_refusal(second) is None
    clock.now += 11
    assert authenticator.header_after_refusal(second) == ("Authorization", "Bearer fake-3")
    assert issuer.issued == 3


def test_an_unreachable_token_endpoint_means_that_the_request_was_not_sent() -> None:
    def lost(request: TokenRequest) -> Response:
        raise TransportError("token endpoint: no answer", sent=True)

    with pytest.raises(TransportError) as caught:
        signed_in(OAUTH, lost).header()
    assert not caught.value.sent


def test_a_failed_fetch_is_tried_again_by_the_next_request() -> None:
    issuer = Issuer()
    failed = False

    def once_busy(request: TokenRequest) -> Response:
        nonlocal failed
        if not failed:
            failed = True
            return Response(status=503)
        return issuer(request)

    authenticator = signed_in(OAUTH, once_busy)
    with pytest.raises(TransportError):
        authenticator.header()
    assert authenticator.header() == ("Authorization", "Bearer fake-1")


def test_many_threads_fetch_one_token() -> None:
    issuer = Issuer()

    def slowly(request: TokenRequest) -> Response:
        time.sleep(0.02)
        return issuer(request)

    authenticator = signed_in(OAUTH, slowly)
    with ThreadPoolExecutor(10) as pool:
        first = {future.result() for future in [pool.submit(authenticator.header) for _ in range(10)]}
        again = [pool.submit(authenticator.header_after_refusal, ("Authorization", "Bearer fake-1")) for _ in range(10)]
        second = {future.result() for future in again}
    assert first == {("Authorization", "Bearer fake-1")}
    assert second == {("Authorization", "Bearer fake-2")}
    assert issuer.issued == 2
