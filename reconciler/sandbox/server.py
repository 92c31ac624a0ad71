"""Emulated systems on loopback, each behind a small HTTP/1.1 server with keep-alive.

Reads: requests on 127.0.0.1. Writes: answers to them, nothing else.
After `close()` no thread and no socket is left.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import struct
import threading
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any

from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse, text_response
from reconciler.sandbox.target import split_target
from reconciler.sandbox.vices import ConnectionDropped

_HOST = "127.0.0.1"
_LONGEST_LINE = 65536
_JOIN_S = 5.0


class SandboxServer:
    """Serves systems from construction on until `close()`; use it as a context manager."""

    def __init__(self, systems: Iterable[EmulatedSystem], *, ports: Mapping[str, int] | None = None) -> None:
        """Start one server per system, on its port in `ports`, by default on any free one.

        Raises ValueError for two systems of one name, and OSError for a port in use; then nothing stays open.
        """
        self.urls: dict[str, str] = {}
        self._servers: list[tuple[_Server, threading.Thread]] = []
        try:
            for system in systems:
                if system.name in self.urls:
                    raise ValueError(f"two systems are called {system.name!r}; rename one of them")
                self._start(system, (ports or {}).get(system.name, 0))
        except BaseException:
            self.close()
            raise

    def _start(self, system: EmulatedSystem, port: int) -> None:
        server = _Server(system, port)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), name=f"sandbox-{system.name}", daemon=True)
        self._servers.append((server, thread))
        thread.start()
        self.urls[system.name] = f"http://{_HOST}:{server.server_address[1]}"

    def close(self) -> None:
        """Stop listening, cut idle connections, and wait for all threads. Harmless when repeated."""
        for server, thread in self._servers:
            server.shutdown()
            thread.join(_JOIN_S)
            server.server_close()
        self._servers.clear()

    def __enter__(self) -> SandboxServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(http.server.ThreadingHTTPServer):
    """Inherits because the library demands it. Keeps track of its connections so that it can end them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, system: EmulatedSystem, port: int) -> None:
        self.system = system
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._resetting: set[socket.socket] = set()
        super().__init__((_HOST, port), _Handler)

    def server_bind(self) -> None:
        # The library would look up the host's name, which can take seconds without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        name = f"sandbox-{self.system.name}-connection"
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name=name, daemon=True
        )
        with self._lock:
            self._connections[request] = thread
        thread.start()

    def reset(self, connection: socket.socket) -> None:
        """Make the end of `connection` an abrupt one: a reset in place of an orderly close."""
        # Linger for zero seconds: close() then discards what is unsent and resets.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self._lock:
            self._resetting.add(connection)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.pop(request, None)
            reset = request in self._resetting
            self._resetting.discard(request)
        if reset:
            self.close_request(request)  # the library's way would say an orderly goodbye first
        else:
            super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            open_now = dict(self._connections)
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_now.values():
            thread.join(_JOIN_S)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that has gone is everyday life; anything else is a bug of an emulation and must be seen.
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Inherits because the library demands it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # TCP_NODELAY
    wbufsize = -1  # one packet for head and body
    server: _Server

    def handle_one_request(self) -> None:
        """Read one request of any method and answer it."""
        self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if len(self.raw_requestline) > _LONGEST_LINE:
            self.requestline, self.request_version, self.command = "", "", ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            self.close_connection = True
            return
        if not self.parse_request():
            return
        body = self._body()
        if body is None:
            return
        # Not self.path: the library folds leading slashes there, and `//path` must stay what it is.
        path, query = split_target(self.requestline.split()[1])
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        request = SandboxRequest(method=self.command, path=path, query=query, headers=headers, body=body)
        try:
            response = self.server.system.handle(request)
        except ConnectionDropped as dropped:
            if dropped.reset:
                self.server.reset(self.connection)
            self.close_connection = True
            return
        self._answer(response)

    def _body(self) -> bytes | None:
        if "transfer-encoding" in self.headers:
            self._answer(text_response(411, "Length Required: send a Content-Length"), last=True)
            return None
        length = self.headers.get("content-length", "0").strip()
        if not (length.isascii() and length.isdigit()):
            self._answer(text_response(400, "Bad Content-Length"), last=True)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _answer(self, response: SandboxResponse, *, last: bool = False) -> None:
        lengthless = response.status in (204, 304)
        bodiless = lengthless or self.command == "HEAD"
        body = b"" if bodiless else response.body
        headers = {name.lower(): value for name, value in response.headers.items()}
        announced = int(headers.pop("content-length", len(response.body)))
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        for name, value in headers.items():
            self.send_header(name, value)
        if not lengthless:
            self.send_header("Content-Length", str(announced))
        if last or (not bodiless and announced > len(body)):
            self.send_header("Connection", "close")  # sets close_connection, too
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet; a `Recording` tells what was asked."""
