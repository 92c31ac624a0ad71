"""Sends request values to one system over HTTP and returns response values; httpx stands behind it.

Reads: the network, the CA file. Writes: the network, one DEBUG line per request, one INFO line about the way there.
The environment is read only through the endpoint: proxies and certificate authorities. A redirect is an answer like
any other, so credentials never leave the origin that they are for. Foreign exceptions end here as TransportError, whose
`sent` is False only when the request is known not to have reached the system.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from reconciler import __version__
from reconciler.core.errors import ErrorClass, TransportError, UsageError
from reconciler.core.model import Request, Response
from reconciler.shell.network.authentication import Authenticator, Header, TokenRequest, check_header
from reconciler.shell.network.endpoint import Endpoint as Endpoint
from reconciler.shell.network.endpoint import Place, final_error, not_connected, place_of
from reconciler.shell.network.incoming import InTime, limited, out_of_time
from reconciler.shell.network.outgoing import quote_path, request_content, request_target
from reconciler.shell.network.route import Authorities, find_authorities

_SHORTEST_S = 0.05  # a timeout of 0 would fail before anything was tried
KEEP_ALIVE_S = 20.0  # below the idle limit of common servers, which would cut a connection just being reused

_log = logging.getLogger(__name__)


class _Lines:
    """Lends a transport to one request at a time, and keeps it open for the next one.

    Threads do not share one connection pool: httpcore may close a connection that another thread has just
    begun to use, which would leave a write in doubt. Source: encode/httpcore issue 1110.
    """

    def __init__(self, open_line: Callable[[], httpx.BaseTransport], *, keep: int) -> None:
        self._open_line = open_line
        self._keep = keep
        self._lock = threading.Lock()
        self._free: list[httpx.BaseTransport] = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[httpx.BaseTransport]:
        with self._lock:
            line = self._free.pop() if self._free else None
        if line is None:
            line = self._open_line()
        try:
            yield line
        finally:
            with self._lock:
                kept = len(self._free) < self._keep
                if kept:
                    self._free.append(line)
            if not kept:
                line.close()

    def close(self) -> None:
        with self._lock:
            self._keep = 0
            lines, self._free = self._free, []
        for line in lines:
            line.close()


class Client:
    """Sends requests to one system. Safe to share between threads; close it, or use it in a `with`."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        lap: Callable[[], float] = time.monotonic,
        on_token: Callable[[str], None] = lambda token: None,
    ) -> None:
        """Prepare without any request. `on_token` is told each token made.

        `clock` gives seconds since the epoch, `lap` seconds from any start, never set back.
        `transport` takes the place of the network. Raises UsageError for a host name, CA file, header or
        secret that cannot be used.
        """
        for name, value in endpoint.headers:
            check_header(endpoint.system, name, value)
        _check_hosts(endpoint)
        _silence_foreign_loggers()
        self._endpoint = endpoint
        self._clock, self._lap = clock, lap
        parts = urlsplit(endpoint.url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._place = place_of(endpoint, f"system {endpoint.system}", endpoint.url)
        self._lines = {} if transport is not None else _lines_by_proxy(endpoint)
        self._transport = transport
        if transport is None:
            _say_the_way(endpoint)
        self._authenticator = Authenticator(
            endpoint.system, endpoint.auth, fetch=self._fetch_token, clock=clock, on_token=on_token
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, those in use when their requests are done, or the transport given."""
        for lines in self._lines.values():
            lines.close()
        if self._transport is not None:
            self._transport.close()

    def _lend(self, place: Place) -> contextlib.AbstractContextManager[httpx.BaseTransport]:
        if self._transport is not None:
            return contextlib.nullcontext(self._transport)
        return self._lines[place.route.proxy].lend()

    def send(self, request: Request, left_s: float = math.inf) -> Response:
        """Send `request` and return the answer, whatever its status; a new token is tried once after a refusal.

        The whole answer has to be there within `left_s` seconds, however slowly it comes in.
        Raises TransportError without an answer, ApiError when no token is to be had, UsageError when the
        request cannot be sent as it stands.
        """
        if request.system != self._endpoint.system:
            raise ValueError(f"a request for {request.system} came to the client of {self._endpoint.system}")
        target = request_target(self._prefix, request)
        ends = self._lap() + left_s
        credential = self._authenticator.header()
        shown = self._prefix + request.shown
        response = self._exchange(self._place, self._outgoing(request, target, credential), shown, ends)
        if _is_refused(request, response):
            renewed = self._authenticator.header_after_refusal(credential)
            if renewed is not None:
                response = self._exchange(self._place, self._outgoing(request, target, renewed), shown, ends)
        if request.writes and response.status < 300:
            self._authenticator.note_write()
        return response

    def renew_after_writes(self) -> bool:
        """Sign in anew where something was written since the last time, which may have changed what may be seen.

        Tells whether there is another token now. Raises TransportError and ApiError when none is to be had.
        """
        return self._authenticator.renew_after_writes()

    def _outgoing(self, request: Request, target: str, credential: Header | None) -> httpx.Request:
        headers = [("Accept", "application/json"), *self._endpoint.headers]
        if request.has_body:
            headers.append(("Content-Type", "application/json"))
        for name, value in request.headers:
            check_header(request.system, name, value)
            headers.append((name, value))
        if credential is not None:
            headers.append(credential)
        return _httpx_request(request.method, (self._origin, target), headers, request_content(request))

    def _fetch_token(self, request: TokenRequest) -> Response:
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        target = quote_path((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        place = place_of(self._endpoint, f"token endpoint of system {self._endpoint.system}", request.url)
        outgoing = _httpx_request("POST", (origin, target), list(request.headers), request.content)
        return self._exchange(place, outgoing, parts.path or "/")

    def _exchange(self, place: Place, outgoing: httpx.Request, shown: str, ends: float = math.inf) -> Response:
        started = self._clock()
        silent_s = max(_SHORTEST_S, min(place.read_timeout_s, ends - self._lap()))
        result = "no answer"
        try:
            outgoing.extensions["timeout"] = {
                "connect": place.connect_timeout_s,
                "read": silent_s,
                "write": silent_s,
                "pool": place.connect_timeout_s + place.read_timeout_s,
            }
            with self._lend(place) as line, contextlib.closing(line.handle_request(outgoing)) as answer:
                answer.stream = InTime(answer.stream, lambda: ends - self._lap(), place)
                content = b"".join(limited(answer, place))
            result = str(answer.status_code)
            return Response(status=answer.status_code, headers=dict(answer.headers.items()), content=content)
        except httpx.LocalProtocolError as error:
            raise _translated(error, place) from None  # its text quotes the header that is at fault
        except httpx.TimeoutException as error:
            raise (out_of_time(place) if self._lap() >= ends else _translated(error, place)) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _translated(error, place) from error
        finally:
            if _log.isEnabledFor(logging.DEBUG):
                elapsed_ms = (self._clock() - started) * 1000
                _log.debug("%s: %s %s: %s, %.0f ms", place.label, outgoing.method, shown, result, elapsed_ms)


def _is_refused(request: Request, response: Response) -> bool:
    """Tell an answer that says that the credentials, or their rights, do not suffice."""
    if response.status != 403 or request.meaning is None:
        return response.status == 401 or (response.status == 403 and "retry-after" not in response.headers)
    return request.meaning(response) in (ErrorClass.UNAUTHORIZED, ErrorClass.FORBIDDEN)


def _check_hosts(endpoint: Endpoint) -> None:
    for url in _urls(endpoint):
        try:
            httpx.URL(url)
        except httpx.InvalidURL:
            raise UsageError(
                f"system {endpoint.system}: {place_of(endpoint, '', url).address} is not a possible address",
                hint="Check the host name for spelling and for characters that names cannot have.",
            ) from None


def _urls(endpoint: Endpoint) -> list[str]:
    proxies = (endpoint.route(url).proxy for url in endpoint.urls)
    return [*endpoint.urls, *(proxy for proxy in proxies if proxy is not None)]


def _silence_foreign_loggers() -> None:
    # Both would write unredacted URLs into the output of `--verbose`, httpcore headers as well.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _uses_tls(endpoint: Endpoint) -> bool:
    return any(urlsplit(url).scheme == "https" for url in _urls(endpoint))


def _say_the_way(endpoint: Endpoint) -> None:
    """Log through which proxy each URL is reached, and whom TLS trusts, where a setting or variable says so."""
    for url in endpoint.urls:
        place = place_of(endpoint, f"system {endpoint.system}", url)
        if place.route.why:
            way = f"through the proxy {place.proxy}" if place.proxy else "directly, through no proxy"
            _log.info("%s: %s %s (%s)", place.label, place.address, way, place.route.why)
    trusted = find_authorities(endpoint.ca_file, endpoint.environ)
    if trusted.why and endpoint.verify and _uses_tls(endpoint):
        _log.info("system %s: trusts the authorities in %s (%s)", endpoint.system, trusted.path, trusted.why)


def _lines_by_proxy(endpoint: Endpoint) -> dict[str | None, _Lines]:
    """Return the connections for each proxy that is used. Raises UsageError for an unusable CA file, now."""
    # Without TLS it is never used, and costs nothing without authorities.
    context = _tls_context(endpoint) if _uses_tls(endpoint) else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    proxies = {endpoint.route(url).proxy for url in endpoint.urls}
    return {proxy: _Lines(_line_opener(context, proxy), keep=endpoint.pool_size) for proxy in proxies}


def _line_opener(context: ssl.SSLContext, url: str | None) -> Callable[[], httpx.BaseTransport]:
    """Return what opens a transport through the proxy at `url`, or a direct one."""
    proxy = None
    if url is not None:
        proxy = httpx.Proxy(url, ssl_context=context if urlsplit(url).scheme == "https" else None)
    # One connection to the system and one to its token endpoint.
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=KEEP_ALIVE_S)

    def open_line() -> httpx.BaseTransport:
        # Not httpx.Client: no redirects to follow, no cookies kept, no environment read, and half the time.
        return httpx.HTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)

    return open_line


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    trusted = find_authorities(endpoint.ca_file, endpoint.environ) if endpoint.verify else Authorities()
    try:
        return _shared_tls_context(trusted.path, endpoint.verify)
    except OSError as error:
        reason = "holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageError(
            f"system {endpoint.system}: {trusted.why} {trusted.path}: {reason}",
            hint="Give the path of a readable file with the certificate authority in PEM form.",
        ) from error


@functools.lru_cache(maxsize=32)  # loading the public authorities takes 20 ms, and a context can be shared
def _shared_tls_context(ca_file: str | None, verify: bool) -> ssl.SSLContext:
    if verify and ca_file is not None:
        folder = Path(ca_file).is_dir()  # as requests takes it
        return ssl.create_default_context(capath=ca_file) if folder else ssl.create_default_context(cafile=ca_file)
    return httpx.create_ssl_context(verify=verify, trust_env=False)


class _ExactUrl(httpx.URL):
    """A URL whose target goes out byte for byte: httpx resolves `..`, which would reach another object."""

    def __init__(self, origin: str, target: str) -> None:
        super().__init__(origin + target)
        self._target = target.encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return self._target


def _httpx_request(method: str, url: tuple[str, str], headers: list[Header], content: bytes) -> httpx.Request:
    """Return the outgoing request; of headers with the same name the last one counts."""
    ours = [("Accept-Encoding", "gzip, deflate"), ("User-Agent", f"reconciler/{__version__}")]
    merged = {name.lower(): (name, value) for name, value in (*ours, *headers)}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in merged.values()]
    exact = _ExactUrl(*url)
    request = httpx.Request(method, exact, headers=raw, content=content or None)
    request.url = exact  # httpx keeps a copy that is resolved again
    return request


def _translated(error: httpx.TransportError | httpx.DecodingError, place: Place) -> TransportError:
    """Return what `error` means for the person. Its own text is left out: it may quote what was sent."""
    where = f"{place.label}: {place.address}"
    match error:
        case httpx.ProxyError():
            status = re.match(r"\d{3}", str(error))
            said = f" ({status[0]})" if status else ""
            return TransportError(
                f"{place.label}: the proxy {place.proxy} did not connect to {place.address}{said}",
                sent=False,
                hint="Check the proxy's address and credentials, and whether it lets this destination pass.",
            )
        case httpx.ConnectTimeout():
            return TransportError(
                f"{where}: no connection within {place.connect_timeout_s:g} s",
                sent=False,
                hint="Check the URL, firewalls and the VPN; a slow network needs a longer connect timeout.",
            )
        case httpx.ConnectError():
            return not_connected(_system_error(error), place)
        case httpx.PoolTimeout():
            return TransportError(
                f"{where}: no connection became free",
                sent=False,
                hint="Lower the concurrency of the system, or raise its timeouts.",
            )
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return final_error(
                f"{where}: the request cannot be expressed in HTTP",
                sent=False,
                hint="Check the headers and paths in the kind and the configuration of the system.",
            )
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return TransportError(
                f"{where}: no answer within {place.read_timeout_s:g} s",
                sent=True,
                hint="See whether the system is slow or overloaded; a slow one needs a longer read timeout.",
            )
        case httpx.DecodingError():
            return TransportError(
                f"{where}: the answer is not compressed in the way it says",
                sent=True,
                hint="Look into what stands before the system, such as a proxy or a content filter.",
            )
        case _:
            return TransportError(
                f"{where}: the connection broke before the whole answer was there",
                sent=True,
                hint="Run again; if it happens every time, check whether the URL needs https, and look into the logs "
                "of the system and its proxies.",
            )


def _system_error(error: BaseException | None) -> OSError | None:
    # The nearest one: further on may stand an older exception that the caller was busy with. Contexts as well
    # as causes, because httpcore cuts the chain of causes.
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
