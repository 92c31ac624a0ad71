"""A transport for httpx that reaches emulated systems without a socket. Pure.

Paths arrive as they were sent: nothing is decoded, and no slash is added or lost.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from reconciler.sandbox.http import EmulatedSystem, SandboxRequest, SandboxResponse
from reconciler.sandbox.target import split_target
from reconciler.sandbox.vices import ConnectionDropped


def in_process_transport(systems: Mapping[str, EmulatedSystem]) -> httpx.BaseTransport:
    """Return a transport that routes by base URL; a system sees the path below its base URL.

    Of several base URLs that fit, the longest wins. A request that fits none raises `httpx.ConnectError`, a
    dropped connection `httpx.ReadError` (reset) or `httpx.RemoteProtocolError` (orderly close, or cut short).
    """
    return _InProcessTransport(systems)


class _InProcessTransport(httpx.BaseTransport):
    """Inherits because httpx demands it."""

    def __init__(self, systems: Mapping[str, EmulatedSystem]) -> None:
        mounts = [(*_split_base(url), system) for url, system in systems.items()]
        self._mounts = sorted(mounts, key=lambda mount: len(mount[1]), reverse=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode("ascii")
        path, query = split_target(target)
        system, below = self._find(request, path)
        arrived = SandboxRequest(
            method=request.method,
            path=below,
            query=query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.read(),
        )
        try:
            answer = system.handle(arrived)
        except ConnectionDropped as dropped:
            if dropped.reset:
                raise httpx.ReadError("connection reset by peer", request=request) from dropped
            message = "server disconnected without sending a response"
            raise httpx.RemoteProtocolError(message, request=request) from dropped
        return _response(request, answer)

    def _find(self, request: httpx.Request, path: str) -> tuple[EmulatedSystem, str]:
        origin = _origin(request.url)
        for mount_origin, prefix, system in self._mounts:
            if mount_origin != origin:
                continue
            if not prefix or path == prefix or path.startswith(prefix + "/"):
                return system, path[len(prefix) :] or "/"
        raise httpx.ConnectError(f"no emulated system at {origin}", request=request)


def _split_base(url: str) -> tuple[str, str]:
    parsed = httpx.URL(url)
    return _origin(parsed), split_target(parsed.raw_path.decode("ascii"))[0].rstrip("/")


def _origin(url: httpx.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"


def _response(request: httpx.Request, answer: SandboxResponse) -> httpx.Response:
    bodiless = request.method == "HEAD" or answer.status in (204, 304)
    body = b"" if bodiless else answer.body
    headers = {name.lower(): value for name, value in answer.headers.items()}
    announced = int(headers.get("content-length", len(answer.body)))
    if not bodiless and announced > len(body):
        message = "peer closed connection without sending complete message body"
        raise httpx.RemoteProtocolError(message, request=request)
    if answer.status not in (204, 304):
        headers["content-length"] = str(announced)
    return httpx.Response(answer.status, headers=headers, stream=httpx.ByteStream(body), request=request)
