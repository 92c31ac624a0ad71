"""Says where a system is, how to reach it, and in words why it could not be reached. Pure.

Every URL in an `Endpoint` has been checked; none is ever quoted in an error, since it may hold a secret.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import SplitResult, urlsplit

from reconciler.core.errors import ErrorClass, TransportError, UsageError
from reconciler.core.records import dataclass
from reconciler.shell.network.authentication import Auth, Header, NoAuth, OAuth2Auth
from reconciler.shell.network.route import DIRECT, Route, find_route

_NO_AUTH = NoAuth()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One system as the client sees it. Raises UsageError for a URL that cannot be one."""

    system: str
    url: str  # may have a path, which goes before the path of every request
    auth: Auth = _NO_AUTH
    ca_file: str | None = None  # instead of the public authorities, not beside them
    proxy: str | None = field(default=None, repr=False)  # URL, may hold credentials; DIRECT: none, whatever is set
    verify: bool = True
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0  # between two parts of the answer
    headers: tuple[Header, ...] = field(default=(), repr=False)
    pool_size: int = 10  # connections kept open between requests; the concurrency of the system
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # proxies and authorities, if not set here

    def __post_init__(self) -> None:
        parts = _split(self.system, "URL", self.url)
        if parts.query or parts.fragment:
            raise UsageError(
                f"system {self.system}: the URL holds a query or fragment",
                hint="Give the address up to the path only.",
            )
        if self.proxy is not None and self.proxy != DIRECT:
            _split(self.system, "proxy URL", self.proxy, userinfo=True)
        if isinstance(self.auth, OAuth2Auth):
            _split(self.system, "token URL", self.auth.token_url)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where requests go."""
        return (self.url, self.auth.token_url) if isinstance(self.auth, OAuth2Auth) else (self.url,)

    def route(self, url: str) -> Route:
        """Return how `url` is reached. Raises UsageError when the environment names an unusable proxy."""
        return find_route(url, self.proxy, self.environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a request goes, in words that are safe to show."""

    label: str
    address: str  # host:port
    proxy: str  # host:port, empty without a proxy
    route: Route
    connect_timeout_s: float
    read_timeout_s: float


def _split(system: str, what: str, url: str, *, userinfo: bool = False) -> SplitResult:
    # The URL itself is never shown: what makes it wrong may be a secret in it.
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        if host is None or parts.scheme not in ("http", "https") or re.search(r"[\x00-\x20\x7f]", url):
            raise ValueError(url)
        host.encode("idna")
    except ValueError:
        raise UsageError(
            f"system {system}: the {what} is not an address of the form http(s)://host[:port]",
            hint="Check it for spelling, and that the variables in it are set.",
        ) from None
    if "@" in parts.netloc and not userinfo:
        raise UsageError(
            f"system {system}: the {what} holds a user name or password",
            hint="Put credentials under `auth`, where they are kept secret.",
        )
    return parts


def place_of(endpoint: Endpoint, label: str, url: str) -> Place:
    """Return the place of `url`, which the settings of `endpoint` apply to."""
    route = endpoint.route(url)
    return Place(
        label=label,
        address=_host_and_port(url),
        proxy="" if route.proxy is None else _host_and_port(route.proxy),
        route=route,
        connect_timeout_s=endpoint.connect_timeout_s,
        read_timeout_s=endpoint.read_timeout_s,
    )


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def final_error(message: str, *, sent: bool, hint: str) -> TransportError:
    """Return an error that sending again cannot mend."""
    error = TransportError(message, sent=sent, hint=hint)
    error.error_class = ErrorClass.MISCONFIGURED
    return error


def not_connected(cause: OSError | None, place: Place) -> TransportError:
    """Return what `cause`, met while connecting, means for the person."""
    hop = f"the proxy {place.proxy} on the way to {place.address}" if place.proxy else place.address
    where = f"{place.label}: {hop}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return final_error(
            f"{place.label}: the certificate of {place.address} is not trusted: {cause.verify_message}",
            sent=False,
            hint="Set caFile (or SSL_CERT_FILE) to the system's certificate authority; "
            "check that the URL has the right host.",
        )
    # A handshake cut short is a busy or restarting server; any other failure of it stays as it is.
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return final_error(
            f"{place.label}: no TLS connection to {place.address}: {cause.reason or 'the handshake failed'}",
            sent=False,
            hint="Check whether the URL needs http or https, its port, and caFile.",
        )
    if isinstance(cause, socket.gaierror):
        message, hint = f"{where}: the host name cannot be resolved", "Check its spelling, DNS and the VPN."
    elif isinstance(cause, ConnectionRefusedError):
        message, hint = f"{where}: connection refused", "Check the port, and that the system is running."
    else:
        message, hint = f"{where}: no connection", "Check the URL, the network, firewalls and the VPN."
    return TransportError(message, sent=False, hint=hint)
