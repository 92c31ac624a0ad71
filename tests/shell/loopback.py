"""A server on loopback that does exactly what a test says, and short ways to write requests for it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from reconciler.core.model import Request
from reconciler.shell.network.client import Endpoint

TOKEN = "fake-token-not-real"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"

Answering = Callable[[socket.socket, bytes], None]


def saying(*answers: bytes) -> Answering:
    """Give the answers in order, the last one again and again."""
    left = list(answers)

    def reply(connection: socket.socket, request: bytes) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return reply


@dataclass
class Peer:
    """A server that notes every request as it came, byte for byte."""

    reply: Answering
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with ThreadPoolExecutor(8) as pool:
            while True:
                connection, _ = self.listener.accept()
                if self.connections < 0:
                    connection.close()
                    return
                self.connections += 1
                pool.submit(self.attend, connection)

    def attend(self, plain: socket.socket) -> None:
        # A client that hangs up in the middle, as some tests make it, is no failure of the server.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(plain)
            plain.settimeout(5)
            connection = plain
            if self.tls is not None:
                connection = stack.enter_context(self.tls.wrap_socket(plain, server_side=True))
            while request := read_request(connection):
                self.requests.append(request)
                self.reply(connection, request)


def read_request(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    body = b""
    length = int(header_of(head, "content-length") or 0)
    while len(body) < length:
        body += connection.recv(length - len(body))
    return head + body


def header_of(request: bytes, name: str) -> str | None:
    for line in request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
        found, _, value = line.partition(": ")
        if found.lower() == name.lower():
            return value
    return None


@contextlib.contextmanager
def peer(reply: Answering = saying(OK), tls: ssl.SSLContext | None = None) -> Iterator[Peer]:  # noqa: B008 - constant
    server = Peer(reply=reply, tls=tls)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.connections = -1
        socket.create_connection(server.listener.getsockname()).close()
        thread.join(timeout=10)
        server.listener.close()


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def get(path: str = "/things", **changes: object) -> Request:
    return Request(**{"system": "demo", "method": "GET", "path": path, **changes})  # type: ignore[arg-type]


def post(body: object, path: str = "/things", **changes: object) -> Request:
    return get(path, method="POST", body=body, has_body=True, writes=True, **changes)


def endpoint(address: str, **changes: object) -> Endpoint:
    url = address if "://" in address else f"http://{address}"
    return Endpoint(**{"system": "demo", "url": url, **changes})  # type: ignore[arg-type]
