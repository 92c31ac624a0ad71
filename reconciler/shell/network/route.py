"""The way to a URL: through which proxy, and which certificate authorities are trusted. Pure.

The configuration outranks the environment. The environment is read as curl, Go and Python's requests read it: names in
lower case outrank those in upper case, HTTPS_PROXY is for https URLs and HTTP_PROXY for http ones, ALL_PROXY for both,
NO_PROXY lists exceptions. A loopback address is never reached through a proxy of the environment.
Sources: curl(1), ENVIRONMENT and --noproxy; pkg.go.dev/golang.org/x/net/http/httpproxy; requests, "Proxies" and
"SSL Cert Verification"; openssl-env(7), SSL_CERT_FILE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import unquote, urlsplit

from reconciler.core.errors import UsageError
from reconciler.core.records import dataclass

DIRECT = "none"  # as a proxy in the configuration: reach the system directly, whatever the environment says
AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # the first one that is set counts
_PROXIES = {"https": ("https_proxy", "all_proxy"), "http": ("http_proxy", "all_proxy")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a URL is reached."""

    proxy: str | None = field(default=None, repr=False)  # URL, may hold credentials; None: directly
    why: str = ""  # which setting or variable says so; "" where nothing says anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """Which certificate authorities are trusted instead of the public ones."""

    path: str | None = None  # a file in PEM form, or a folder as `openssl rehash` makes it; None: the public ones
    why: str = ""


def find_route(url: str, configured: str | None, environ: Mapping[str, str]) -> Route:
    """Return how `url` is reached. Raises UsageError when a variable holds no proxy that can be used."""
    if configured is not None:
        return Route(proxy=None if configured == DIRECT else configured, why="proxy in the configuration")
    parts = urlsplit(url)
    name, value = _first(environ, _PROXIES[parts.scheme])
    if not value:
        return Route()
    host = (parts.hostname or "").rstrip(".")
    if _is_loopback(host):
        return Route(why="loopback")
    exceptions, listed = _first(environ, ("no_proxy",))
    if _is_excepted(host, parts.port or (443 if parts.scheme == "https" else 80), listed):
        return Route(why=exceptions)
    return Route(proxy=_as_url(name, value), why=name)


def find_authorities(configured: str | None, environ: Mapping[str, str]) -> Authorities:
    """Return what to trust instead of the public authorities."""
    if configured is not None:
        return Authorities(path=configured, why="caFile")
    name = next((name for name in AUTHORITIES if environ.get(name)), "")
    return Authorities(path=environ.get(name), why=name)


def proxy_secrets(url: str | None) -> tuple[str, ...]:
    """Return the credentials in the URL of a proxy, as written and decoded: the password, or a name without one."""
    if not url:
        return ()
    userinfo = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", url).split("/", 1)[0].rpartition("@")[0]
    name, _, password = userinfo.partition(":")
    secret = password or name
    return (secret, unquote(secret)) if secret else ()


def environment_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the credentials in the proxies that the environment names, whether they are used or not."""
    names = {name for names in _PROXIES.values() for name in names}
    values = (environ.get(spelt) for name in sorted(names) for spelt in (name, name.upper()))
    return tuple(secret for value in values for secret in proxy_secrets(value))


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    """Return the first variable of `names` that is set, in lower or upper case, and its value."""
    spelt = (one for name in names for one in (name, name.upper()))
    found = next((name for name in spelt if environ.get(name, "").strip()), "")
    return found, environ.get(found, "").strip()


def _as_url(name: str, value: str) -> str:
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\x00-\x20\x7f]", url):  # not shown: it may hold a password
        raise UsageError(
            f"the proxy in the environment variable {name} is not an address of the form http(s)://host[:port]",
            hint=f"correct or unset {name}; `proxy: none` in the settings of a system reaches it directly",
        )
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _is_excepted(host: str, port: int, listed: str) -> bool:
    """Tell whether NO_PROXY names the host: itself, a domain above it, its port, an address or a network."""
    address = _address(host)
    for entry in re.split(r"[,\s]+", listed.lower()):
        name, wanted = entry, ""
        if bracketed := re.fullmatch(r"\[(.+)\](?::(\d+))?", entry):
            name, wanted = bracketed[1], bracketed[2] or ""
        elif entry.count(":") == 1:
            name, _, wanted = entry.partition(":")
        if wanted and wanted != str(port):
            continue
        if name == "*":
            return True
        name = name.removeprefix("*").strip(".")
        if not name:
            continue
        if address is None and (host == name or host.endswith(f".{name}")):
            return True
        if address is not None and _holds(name, host):
            return True
    return False


def _address(host: str):  # type: ignore[no-untyped-def]  # either of two types of a module that is seldom needed
    if not re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.%]*:[0-9a-fA-F:.%]*", host):
        return None
    from ipaddress import ip_address  # here, because most hosts have names

    try:
        return ip_address(host)
    except ValueError:
        return None


def _holds(network: str, host: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
