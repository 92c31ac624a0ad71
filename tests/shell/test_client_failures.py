"""What the failures of real sockets mean, and that the messages help and hold no secret."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from loopback import OK, TOKEN, Answering, closed_port, endpoint, get, header_of, peer, post, saying

from reconciler.core.errors import ErrorClass, TransportError, UsageError
from reconciler.core.model import Request
from reconciler.shell.network.authentication import BearerAuth
from reconciler.shell.network.client import Client, Endpoint


def failure(client_of: Endpoint, request: Request | None = None) -> TransportError:
    with Client(client_of) as client, pytest.raises(TransportError) as caught:
        client.send(request or get())
    assert "demo" in caught.value.message
    assert caught.value.hint
    return caught.value


def test_refused_connection() -> None:
    address = closed_port()
    error = failure(endpoint(address))
    assert not error.sent
    assert error.error_class is ErrorClass.TRANSIENT
    assert f"{address}: connection refused" in error.message


def test_unknown_host() -> None:
    error = failure(endpoint("nowhere.invalid"))
    assert not error.sent
    assert "nowhere.invalid:80: the host name cannot be resolved" in error.message


def test_connect_timeout() -> None:
    # A listener whose queue of one is full leaves further connections without an answer.
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            connection = waiting.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex(listener.getsockname())
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        error = failure(endpoint(address, connect_timeout_s=0.1))
    assert not error.sent
    assert f"{address}: no connection within 0.1 s" in error.message


def test_read_timeout() -> None:
    def late(connection: socket.socket, request: bytes) -> None:
        time.sleep(0.3)

    with peer(late) as server:
        address = server.address
        error = failure(endpoint(address, read_timeout_s=0.1), post({}))
    assert error.sent
    assert f"{address}: no answer within 0.1 s" in error.message


def dripping(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.05)


def silent(connection: socket.socket, request: bytes) -> None:
    time.sleep(0.5)


@pytest.mark.parametrize("reply", [dripping, silent])
def test_an_answer_that_takes_longer_than_the_run_may(reply: Answering) -> None:
    with peer(reply) as server, Client(endpoint(server.address, read_timeout_s=30)) as client:
        began = time.monotonic()
        with pytest.raises(TransportError, match="the time limit of the run passed before the whole answer") as caught:
            client.send(get(), left_s=0.2)
        took_s = time.monotonic() - began
    assert caught.value.sent
    assert took_s < 1


def test_an_answer_that_comes_whole_with_the_last_bytes_in_time_counts() -> None:
    with peer(saying(OK)) as server, Client(endpoint(server.address)) as client:
        assert client.send(get(), left_s=0.0).status == 200


def reset(connection: socket.socket, request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang_up(connection: socket.socket, request: bytes) -> None:
    connection.close()


def hang_up_midway(connection: socket.socket, request: bytes) -> None:
    connection.sendall(OK.replace(b"Content-Length: 2", b"Content-Length: 200"))
    connection.close()


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(reset, id="reset"),
        pytest.param(hang_up, id="hung-up"),
        pytest.param(hang_up_midway, id="hung-up-midway"),
        pytest.param(saying(b"SSH-2.0-demo\r\n\r\n"), id="not-http"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
            id="not-gzip",
        ),
    ],
)
def test_an_answer_lost_on_the_way(reply: Answering) -> None:
    with peer(reply) as server:
        address = server.address
        error = failure(endpoint(address, auth=BearerAuth(token=TOKEN)), post({"password": TOKEN}))
        assert len(server.requests) == 1
    assert error.sent
    assert error.error_class is ErrorClass.TRANSIENT
    assert address in error.message
    assert TOKEN not in error.message + error.hint


@dataclass(frozen=True)
class Certificates:
    ca_file: str
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return Certificates(ca_file=str(ca_file), server=context)


def test_tls_with_the_right_authority(certificates: Certificates) -> None:
    with (
        peer(tls=certificates.server) as server,
        Client(endpoint(f"https://{server.address}", ca_file=certificates.ca_file)) as client,
    ):
        assert client.send(get()).status == 200


def test_tls_without_checking(certificates: Certificates) -> None:
    with (
        peer(tls=certificates.server) as server,
        Client(endpoint(f"https://{server.address}", verify=False)) as client,
    ):
        assert client.send(get()).status == 200


def test_tls_with_an_unknown_authority(certificates: Certificates) -> None:
    with peer(tls=certificates.server) as server:
        address = server.address
        error = failure(endpoint(f"https://{address}"))
        assert server.requests == []
    assert not error.sent
    assert error.error_class is ErrorClass.MISCONFIGURED
    assert address in error.message
    assert "caFile" in error.hint


def test_tls_with_the_wrong_host_name(certificates: Certificates) -> None:
    with peer(tls=certificates.server) as server:
        port = server.address.rpartition(":")[2]
        error = failure(endpoint(f"https://localhost:{port}", ca_file=certificates.ca_file))
    assert not error.sent
    assert "localhost" in error.message


def test_tls_to_a_plain_port() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"

    def answer_plainly() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.settimeout(1)
            with contextlib.suppress(OSError):
                connection.recv(4096)

    thread = threading.Thread(target=answer_plainly)
    thread.start()
    error = failure(endpoint(f"https://{address}"))
    thread.join(timeout=10)
    listener.close()
    assert not error.sent
    assert error.error_class is ErrorClass.MISCONFIGURED
    assert "http or https" in error.hint


def test_unusable_ca_files(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path, says in [(tmp_path / "absent.pem", "No such file"), (empty, "PEM")]:
        with pytest.raises(UsageError, match=says) as caught:
            Client(endpoint("https://api.example.com", ca_file=str(path)))
        assert str(path) in caught.value.message


def test_unreachable_proxy() -> None:
    proxy = closed_port()
    error = failure(endpoint("https://api.example.com", proxy=f"http://robot:{TOKEN}@{proxy}"))
    assert not error.sent
    assert f"the proxy {proxy} on the way to api.example.com:443" in error.message
    assert TOKEN not in error.message + error.hint


def test_a_proxy_that_refuses() -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with peer(saying(refusal)) as proxy:
        address = proxy.address
        error = failure(endpoint("https://api.example.com", proxy=f"http://robot:{TOKEN}@{address}"), post({}))
        assert header_of(proxy.requests[0], "Proxy-Authorization") is not None
    assert proxy.requests[0].startswith(b"CONNECT api.example.com:443 ")
    assert not error.sent
    assert f"the proxy {address} did not connect to api.example.com:443 (407)" in error.message
    assert TOKEN not in error.message + error.hint


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectTimeout, False),
        (httpx.ConnectError, False),
        (httpx.PoolTimeout, False),
        (httpx.ProxyError, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.LocalProtocolError, False),
        (httpx.ReadTimeout, True),
        (httpx.WriteTimeout, True),
        (httpx.ReadError, True),
        (httpx.WriteError, True),
        (httpx.CloseError, True),
        (httpx.RemoteProtocolError, True),
    ],
)
def test_says_for_every_failure_whether_the_request_may_have_arrived(
    error: type[httpx.TransportError], sent: bool
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error(f"Illegal header value b'{TOKEN}'")

    with (
        Client(endpoint("api.example.com"), transport=httpx.MockTransport(fail)) as client,
        pytest.raises(TransportError) as caught,
    ):
        client.send(post({}))
    assert caught.value.sent is sent
    assert "api.example.com:80" in caught.value.message
    assert TOKEN not in caught.value.message + caught.value.hint
    assert caught.value.hint
