"""What goes over the wire, what comes back and what people get to see, mostly against real sockets."""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from loopback import OK, TOKEN, closed_port, endpoint, get, header_of, peer, post, saying

import reconciler
from reconciler.core.errors import ApiError, ErrorClass, TransportError, UsageError
from reconciler.shell.network.authentication import Auth, BearerAuth, HeaderAuth, NoAuth, OAuth2Auth
from reconciler.shell.network.client import Client, Endpoint
from reconciler.shell.network.incoming import MAX_RESPONSE_BYTES
from reconciler.shell.network.outgoing import MAX_TARGET_LENGTH

# ------------------------------------------------------------------------------------ what goes out


@pytest.mark.parametrize(
    ("base", "path", "query", "target"),
    [
        pytest.param("", "/a%2Fb/", (), "/a%2Fb/", id="encoded-slash-and-slash-at-the-end"),
        pytest.param("", "//", (), "//", id="two-slashes"),
        pytest.param("", "//x//y", (), "//x//y", id="two-slashes-at-the-start"),
        pytest.param("", "/a/../b/./c", (), "/a/../b/./c", id="dots"),
        pytest.param("", "/%2f%2F%7E~", (), "/%2f%2F%7E~", id="either-case-of-escapes"),
        pytest.param("", "/x:y@z!$&'()*+,;=[]|", (), "/x:y@z!$&'()*+,;=[]|", id="punctuation"),
        pytest.param("", "/acme.v1.Service/Get", (), "/acme.v1.Service/Get", id="rpc"),
        pytest.param("", "", (), "/", id="nothing"),
        pytest.param("/api/v1/", "/x", (), "/api/v1/x", id="prefix-with-slash-at-the-end"),
        pytest.param("/api/v1", "", (), "/api/v1", id="prefix-only"),
        pytest.param("", "/ö x#1", (), "/%C3%B6%20x%231", id="what-no-target-can-hold"),
        pytest.param("", "/x", (("b", "2"), ("a", "1"), ("b", "1")), "/x?b=2&a=1&b=1", id="query-in-order"),
        pytest.param("", "/x", (("ids[]", "a&b"), ("q", "ü +")), "/x?ids%5B%5D=a%26b&q=%C3%BC%20%2B", id="query"),
        pytest.param("", "/x", (("empty", ""),), "/x?empty=", id="empty-value"),
        pytest.param("", "/x?a=1", (("b", "2"),), "/x?a=1&b=2", id="query-in-the-path-too"),
    ],
)
def test_sends_the_path_byte_for_byte(base: str, path: str, query: tuple[tuple[str, str], ...], target: str) -> None:
    with peer() as server, Client(endpoint(f"http://{server.address}{base}")) as client:
        assert client.send(get(path, query=query)).json() == {}
        assert server.requests[0].startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_sends_paths_byte_for_byte_through_a_proxy() -> None:
    with (
        peer() as proxy,
        Client(endpoint("http://api.example.com", proxy=f"http://{proxy.address}")) as client,
    ):
        client.send(get("/a%2Fb/../c//"))
    target = proxy.requests[0].split(b" ")[1].replace(b":80/", b"/", 1)  # the port may be spelt out or not
    assert target == b"http://api.example.com/a%2Fb/../c//"
    assert header_of(proxy.requests[0], "Host") == "api.example.com"


@pytest.mark.parametrize("path", ["things", "http://evil.example.com/", "@evil.example.com/", ".evil.example.com/"])
def test_a_path_cannot_lead_to_another_host(path: str) -> None:
    with (
        Client(endpoint("api.example.com", auth=BearerAuth(token=TOKEN))) as client,
        pytest.raises(UsageError),
    ):
        client.send(get(path))


def test_refuses_endless_targets() -> None:
    with Client(endpoint("api.example.com")) as client, pytest.raises(UsageError):
        client.send(get("/" + "x" * MAX_TARGET_LENGTH))


def test_a_request_for_another_system_is_a_bug() -> None:
    with Client(endpoint("api.example.com")) as client, pytest.raises(ValueError, match="other"):
        client.send(get(system="other"))


def test_sends_json_and_says_so() -> None:
    with peer() as server, Client(endpoint(server.address)) as client:
        address = server.address
        client.send(post({"name": "größe", "list": [1, 1.5, None]}))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == '{"name":"größe","list":[1,1.5,null]}'.encode()
    assert head.startswith(b"POST /things HTTP/1.1")
    assert header_of(head, "Host") == address
    assert header_of(head, "Content-Type") == "application/json"
    assert header_of(head, "Accept") == "application/json"
    assert header_of(head, "User-Agent") == f"reconciler/{reconciler.__version__}"
    assert header_of(head, "Accept-Encoding") == "gzip, deflate"
    assert header_of(head, "Authorization") is None


def test_null_is_a_body_and_none_is_not() -> None:
    with peer() as server, Client(endpoint(server.address)) as client:
        client.send(post(None))
        client.send(get(method="POST"))
        client.send(get())
    assert server.requests[0].endswith(b"\r\n\r\nnull")
    assert server.requests[1].endswith(b"\r\n\r\n")
    assert header_of(server.requests[1], "Content-Length") == "0"
    assert header_of(server.requests[1], "Content-Type") is None
    assert header_of(server.requests[2], "Content-Length") is None


def test_headers_of_the_request_win_over_those_of_the_system() -> None:
    changes = {"headers": (("X-Team", "a"), ("accept", "text/plain")), "auth": BearerAuth(token=TOKEN)}
    with peer() as server, Client(endpoint(server.address, **changes)) as client:
        client.send(post({}, headers=(("x-team", "b"), ("Content-Type", "application/merge-patch+json"))))
    request = server.requests[0]
    assert header_of(request, "X-Team") == "b"
    assert header_of(request, "Accept") == "text/plain"
    assert header_of(request, "Content-Type") == "application/merge-patch+json"
    assert header_of(request, "Authorization") == f"Bearer {TOKEN}"
    assert request.lower().count(b"\r\nx-team:") == 1


@pytest.mark.parametrize("value", [float("nan"), "\ud800"], ids=["not-finite", "half-a-character"])
def test_refuses_bodies_that_are_not_json(value: object) -> None:
    with Client(endpoint("api.example.com")) as client, pytest.raises(UsageError, match="JSON"):
        client.send(post({"x": value}))


@pytest.mark.parametrize(
    ("name", "value"), [("X-Key", TOKEN + "\n"), ("X-Key", TOKEN + "\N{BULLET}"), ("X Key", TOKEN)]
)
def test_refuses_headers_that_cannot_be_sent_without_showing_them(name: str, value: str) -> None:
    with pytest.raises(UsageError) as configured:
        Client(endpoint("api.example.com", headers=((name, value),)))
    with Client(endpoint("api.example.com")) as client, pytest.raises(UsageError) as requested:
        client.send(get(headers=((name, value),)))
    for caught in (configured, requested):
        assert TOKEN not in caught.value.message + caught.value.hint
        assert "system demo" in caught.value.message


def test_connections_are_kept_for_the_next_request() -> None:
    with peer() as server, Client(endpoint(server.address)) as client:
        for _ in range(5):
            client.send(get())
        assert server.connections == 1


def test_threads_share_the_client_and_no_answer_gets_lost() -> None:
    with peer() as server, Client(endpoint(server.address, pool_size=6)) as client:
        with ThreadPoolExecutor(6) as pool:
            answers = [pool.submit(client.send, get(f"/{number}")) for number in range(300)]
            assert {answer.result(timeout=10).status for answer in answers} == {200}
        assert server.connections <= 6
        assert len(server.requests) == 300


def test_no_more_connections_are_kept_than_allowed() -> None:
    together = threading.Barrier(3)

    def meet(connection: socket.socket, request: bytes) -> None:
        if b"/first" in request:
            together.wait(timeout=5)
        connection.sendall(OK)

    with peer(meet) as server, Client(endpoint(server.address, pool_size=1)) as client:
        with ThreadPoolExecutor(3) as pool:
            for answer in [pool.submit(client.send, get("/first")) for _ in range(3)]:
                assert answer.result(timeout=10).status == 200
        assert server.connections == 3
        for _ in range(3):
            client.send(get())
        assert server.connections == 3


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{closed_port()}")
    with peer() as server, Client(endpoint(server.address)) as client:
        assert client.send(get()).status == 200


# --------------------------------------------------------------------------------------- what comes back


def test_returns_answers_as_they_are() -> None:
    page = b"<html>maintenance</html>"
    headers = b"Content-Type: text/html; charset=utf-8\r\nRETRY-After: 7\r\nX-A: 1\r\nX-A: 2\r\n"
    answer = b"HTTP/1.1 503 Busy\r\n" + headers + b"Content-Length: %d\r\n\r\n" % len(page) + page
    with peer(saying(answer)) as server, Client(endpoint(server.address)) as client:
        response = client.send(get())
    assert response.status == 503
    assert response.content == page
    assert response.content_type == "text/html"
    assert response.headers["retry-after"] == "7"
    assert response.headers["x-a"] == "1, 2"


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/elsewhere", "/login", "http://[broken"])
def test_follows_no_redirect(location: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    with (
        peer(saying(answer)) as server,
        Client(endpoint(server.address, auth=BearerAuth(token=TOKEN))) as client,
    ):
        response = client.send(get())
        assert (response.status, response.headers["location"]) == (302, location)
        assert len(server.requests) == 1


def test_keeps_no_cookies() -> None:
    answer = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=fake\r\n\r\n")
    with peer(saying(answer)) as server, Client(endpoint(server.address)) as client:
        client.send(get())
        client.send(get())
    assert header_of(server.requests[1], "Cookie") is None


def test_reads_compressed_answers() -> None:
    body = gzip.compress(b'{"a": 1}')
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with peer(saying(answer)) as server, Client(endpoint(server.address)) as client:
        assert client.send(get()).json() == {"a": 1}


def test_an_answer_that_is_too_large_is_an_error_that_repeating_cannot_mend() -> None:
    chunk = bytes(1 << 20)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += len(chunk)
            yield chunk

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=endless()))
    with (
        Client(endpoint("api.example.com"), transport=transport) as client,
        pytest.raises(TransportError, match="64 MiB") as caught,
    ):
        client.send(get())
    assert caught.value.sent
    assert caught.value.error_class is ErrorClass.MISCONFIGURED
    assert sent <= MAX_RESPONSE_BYTES + len(chunk)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://api.example.com:port",
        "https://a..b",
        "https://api.example.com/\n",
        f"https://robot:{TOKEN}@api.example.com",
        f"https://api.example.com?key={TOKEN}",
        f"https://api.example.com#{TOKEN}",
    ],
)
def test_refuses_unusable_urls_without_showing_them(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint(system="demo", url=url)
    assert TOKEN not in caught.value.message
    assert caught.value.hint


def test_refuses_proxies_that_it_cannot_use() -> None:
    with pytest.raises(UsageError, match="proxy URL"):
        endpoint("https://api.example.com", proxy="socks5://127.0.0.1:1080")


# ----------------------------------------------------------------------------------------- signing in


def oauth(address: str) -> OAuth2Auth:
    return OAuth2Auth(token_url=f"http://{address}/token?tenant=a", client_id="robot", client_secret=TOKEN)


def token(number: int) -> bytes:
    body = json.dumps({"access_token": f"fake-{number}", "expires_in": 600}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


def test_fetches_one_token_and_renews_it_after_a_401() -> None:
    with (
        peer(saying(token(1), token(2))) as issuer,
        peer(saying(OK, UNAUTHORIZED, OK)) as server,
        Client(endpoint(server.address, auth=oauth(issuer.address))) as client,
    ):
        assert [client.send(post({"a": 1})).status for _ in range(3)] == [200, 200, 200]
    sent = [header_of(request, "Authorization") for request in server.requests]
    assert sent == ["Bearer fake-1", "Bearer fake-1", "Bearer fake-2", "Bearer fake-2"]
    assert all(request.endswith(b'{"a":1}') for request in server.requests)
    assert len(issuer.requests) == 2
    assert issuer.requests[0].startswith(b"POST /token?tenant=a HTTP/1.1\r\n")
    assert issuer.requests[0].endswith(b"grant_type=client_credentials")


def test_returns_the_second_401() -> None:
    with (
        peer(saying(token(1), token(2))) as issuer,
        peer(saying(UNAUTHORIZED)) as server,
        Client(endpoint(server.address, auth=oauth(issuer.address))) as client,
    ):
        assert client.send(get()).status == 401
    assert len(server.requests) == 2


def test_a_fixed_token_is_tried_once() -> None:
    with (
        peer(saying(UNAUTHORIZED)) as server,
        Client(endpoint(server.address, auth=BearerAuth(token=TOKEN))) as client,
    ):
        assert client.send(get()).status == 401
    assert len(server.requests) == 1


def test_credentials_go_to_their_own_origin_only() -> None:
    with peer(saying(token(1))) as issuer, peer() as server:
        headers = (("X-Key", TOKEN),)
        with Client(endpoint(server.address, auth=oauth(issuer.address), headers=headers)) as client:
            client.send(get())
    assert TOKEN.encode() not in issuer.requests[0]
    assert header_of(issuer.requests[0], "X-Key") is None
    assert header_of(server.requests[0], "Authorization") == "Bearer fake-1"


def test_an_unreachable_token_endpoint_is_named_and_nothing_was_sent() -> None:
    with peer() as server:
        address = closed_port()
        system = endpoint(server.address, auth=oauth(address))
        with Client(system) as client, pytest.raises(TransportError) as caught:
            client.send(post({}))
        assert server.requests == []
    assert not caught.value.sent
    assert f"token endpoint of system demo: {address}" in caught.value.message


def test_a_refusing_token_endpoint_ends_it() -> None:
    with (
        peer(saying(UNAUTHORIZED)) as issuer,
        peer() as server,
        Client(endpoint(server.address, auth=oauth(issuer.address))) as client,
    ):
        with pytest.raises(ApiError) as caught:
            client.send(get())
        assert server.requests == []
    assert caught.value.error_class is ErrorClass.UNAUTHORIZED


# -------------------------------------------------------------------------------- what people get to see


def test_one_debug_line_per_request_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ticks = itertools.count(10.0, 0.025)
    transport = httpx.MockTransport(lambda request: httpx.Response(204))
    auth = HeaderAuth(name="X-API-Key", value=TOKEN)
    with Client(endpoint("api.example.com/v1", auth=auth), transport=transport, clock=lambda: next(ticks)) as client:
        client.send(get(f"/{TOKEN}/x", query=(("limit", "5"), ("api_key", TOKEN)), shown="/(sensitive)/x?limit=5"))
        client.send(get(f"/{TOKEN}/x"))  # made without a form that may be shown
    assert [record.getMessage() for record in caplog.records] == [
        "system demo: GET /v1/(sensitive)/x?limit=5: 204, 25 ms",
        "system demo: GET /v1(sensitive): 204, 25 ms",
    ]
    assert caplog.records[0].name == "reconciler.shell.network.client"


def test_the_libraries_below_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with peer() as server, Client(endpoint(server.address, auth=BearerAuth(token=TOKEN))) as client:
        client.send(get(query=(("token", TOKEN),)))
    assert [record.name for record in caplog.records] == ["reconciler.shell.network.client"]
    assert TOKEN not in caplog.text
    caplog.clear()
    with Client(endpoint(closed_port())) as client, pytest.raises(TransportError):
        client.send(get(shown="/things"))
    assert [record.getMessage().partition(": no answer,")[0] for record in caplog.records] == [
        "system demo: GET /things"
    ]


@pytest.mark.parametrize("auth", [NoAuth(), BearerAuth(token=TOKEN), oauth("id.example.com")])
def test_the_repr_of_an_endpoint_keeps_secrets(auth: Auth) -> None:
    value = endpoint("api.example.com", auth=auth, proxy=f"http://u:{TOKEN}@proxy:1", headers=(("X-Key", TOKEN),))
    assert TOKEN not in repr(value)
