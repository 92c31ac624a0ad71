"""A company network on loopback: one proxy, which alone knows where the hosts are, and notes what goes through it."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CREDENTIALS = "robot:fake-proxy-password"


@dataclass(kw_only=True)
class ForwardProxy:
    """An HTTP proxy: tunnels for https (CONNECT), forwarded requests for http. Asks for a password."""

    hosts: Mapping[str, str]  # host:port as clients name it, to the address on loopback
    seen: list[str] = field(default_factory=list)  # "METHOD host:port"
    refused: int = 0
    address: str = ""

    @property
    def url(self) -> str:
        return f"http://{CREDENTIALS}@{self.address}"

    def attend(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                part = client.recv(65_536)
                if not part:
                    return
                head += part
            line, _, rest = head.partition(b"\r\n")
            method, target, _ = line.decode().split(" ")
            wanted = b"Proxy-Authorization: Basic " + base64.b64encode(CREDENTIALS.encode())
            if wanted.lower() not in rest.lower():
                self.refused += 1
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, path = target.removeprefix("http://").partition("/")
            host = host if ":" in host else f"{host}:80"
            self.seen.append(f"{method} {host}")
            if host not in self.hosts:
                client.sendall(b"HTTP/1.1 502 Unknown Host\r\nContent-Length: 0\r\n\r\n")
                return
            name, _, port = self.hosts[host].partition(":")
            with socket.create_connection((name, int(port)), timeout=10) as server:
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    closing = rest.replace(b"Connection: keep-alive", b"Connection: close")
                    server.sendall(f"{method} /{path} HTTP/1.1\r\n".encode() + closing)
                other = threading.Thread(target=_pump, args=(client, server), daemon=True)
                other.start()
                _pump(server, client)
                other.join(timeout=10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def forward_proxy(hosts: Mapping[str, str]) -> Iterator[ForwardProxy]:
    """Serve until the end of the `with`."""
    proxy = ForwardProxy(hosts=hosts)
    listener = socket.create_server(("127.0.0.1", 0))
    proxy.address = f"127.0.0.1:{listener.getsockname()[1]}"
    over = threading.Event()

    def serve() -> None:
        while True:
            client, _ = listener.accept()
            if over.is_set():
                client.close()
                return
            threading.Thread(target=proxy.attend, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        over.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(timeout=10)
        listener.close()
