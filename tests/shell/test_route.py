"""Proxies and certificate authorities from configuration and environment, as curl, Go and requests read them."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest
import trustme
from loopback import OK, TOKEN, closed_port, endpoint, get, header_of, peer, saying

from reconciler.core.errors import TransportError, UsageError
from reconciler.shell.network.authentication import OAuth2Auth
from reconciler.shell.network.client import Client
from reconciler.shell.network.route import environment_secrets, find_route, proxy_secrets

PROXY = "http://proxy.corp:3128"


@pytest.mark.parametrize(
    ("url", "environ", "proxy", "why"),
    [
        pytest.param("https://a.com", {}, None, "", id="nothing-set"),
        pytest.param("https://a.com", {"HTTPS_PROXY": PROXY}, PROXY, "HTTPS_PROXY", id="https"),
        pytest.param("http://a.com", {"HTTPS_PROXY": PROXY}, None, "", id="https-proxy-is-not-for-http"),
        pytest.param("http://a.com", {"HTTP_PROXY": PROXY}, PROXY, "HTTP_PROXY", id="http"),
        pytest.param("http://a.com", {"ALL_PROXY": PROXY}, PROXY, "ALL_PROXY", id="all"),
        pytest.param("https://a.com", {"HTTPS_PROXY": ""}, None, "", id="empty-is-unset"),
        pytest.param("https://a.com", {"HTTPS_PROXY": "x", "https_proxy": PROXY}, PROXY, "https_proxy", id="lower"),
        pytest.param("https://a.com", {"HTTPS_PROXY": "proxy.corp:3128"}, PROXY, "HTTPS_PROXY", id="without-scheme"),
        pytest.param("http://localhost:1", {"HTTP_PROXY": PROXY}, None, "loopback", id="localhost"),
        pytest.param("http://api.localhost", {"HTTP_PROXY": PROXY}, None, "loopback", id="below-localhost"),
        pytest.param("http://127.8.0.1", {"HTTP_PROXY": PROXY}, None, "loopback", id="loopback-4"),
        pytest.param("http://[::1]:80", {"ALL_PROXY": PROXY}, None, "loopback", id="loopback-6"),
    ],
)  # fmt: skip
def test_the_environment_names_a_proxy(url: str, environ: dict[str, str], proxy: str | None, why: str) -> None:
    route = find_route(url, None, environ)
    assert (route.proxy, route.why) == (proxy, why)


@pytest.mark.parametrize(
    ("host", "listed", "excepted"),
    [
        ("a.corp", "a.corp", True),
        ("A.Corp", "a.corp", True),
        ("x.a.corp", "a.corp", True),
        ("x.a.corp", ".a.corp", True),
        ("x.a.corp", "*.a.corp", True),
        ("a.corp", "x, a.corp", True),
        ("a.corp", "x a.corp", True),
        ("a.corp", "*", True),
        ("a.corp:8443", "a.corp:8443", True),
        ("a.corp:8443", "a.corp:443", False),
        ("a.corp", "a.corp:443", True),
        ("ba.corp", "a.corp", False),
        ("a.corp", "x.a.corp", False),
        ("a.corp", "", False),
        ("a.corp", ",,", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "2.3", False),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]", True),
        ("10.1.2.3", "not an address", False),
    ],
)
def test_no_proxy_lists_exceptions(host: str, listed: str, excepted: bool) -> None:
    route = find_route(f"https://{host}", None, {"HTTPS_PROXY": PROXY, "NO_PROXY": listed})
    assert (route.proxy is None) is excepted
    assert route.why == ("NO_PROXY" if excepted else "HTTPS_PROXY")


def test_the_configuration_outranks_the_environment() -> None:
    environ = {"HTTPS_PROXY": "http://other:1", "NO_PROXY": "*"}
    assert find_route("https://a.com", PROXY, environ).proxy == PROXY
    assert find_route("https://a.com", "none", {"HTTPS_PROXY": PROXY}).proxy is None


@pytest.mark.parametrize("value", ["socks5://proxy:1080", "http://", "http://a b", f"http://robot:{TOKEN}@h:x"])
def test_an_unusable_proxy_is_named_by_its_variable_and_never_shown(value: str) -> None:
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        find_route("https://a.com", None, {"HTTPS_PROXY": value})
    assert value not in caught.value.message + caught.value.hint
    assert TOKEN not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://robot:s%40cret@proxy:3128", ("s%40cret", "s@cret")),
        ("robot:secret@proxy:3128", ("secret", "secret")),
        ("http://token@proxy", ("token", "token")),
        ("http://proxy:3128/", ()),
        (None, ()),
    ],
)
def test_credentials_of_a_proxy_are_secret(url: str | None, secrets: tuple[str, ...]) -> None:
    assert proxy_secrets(url) == secrets
    assert environment_secrets({"no": "x", "https_proxy": url or ""}) == secrets


# --------------------------------------------------------------------------- on real sockets


def test_requests_go_through_the_proxy_of_the_environment(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="reconciler")
    with peer() as proxy:
        environ = {"HTTP_PROXY": f"http://robot:{TOKEN}@{proxy.address}"}
        with Client(endpoint("http://api.corp.example", environ=environ)) as client:
            assert client.send(get("/a")).status == 200
        assert f"api.corp.example:80 through the proxy {proxy.address} (HTTP_PROXY)" in caplog.text
    assert proxy.requests[0].startswith(b"GET http://api.corp.example")
    assert header_of(proxy.requests[0], "Proxy-Authorization") is not None
    assert TOKEN not in caplog.text


def test_loopback_is_reached_directly() -> None:
    environ = {"HTTP_PROXY": f"http://{closed_port()}", "ALL_PROXY": f"http://{closed_port()}"}
    with peer() as server, Client(endpoint(server.address, environ=environ)) as client:
        assert client.send(get()).status == 200


def test_system_and_token_endpoint_have_a_way_each() -> None:
    body = b'{"access_token": "fake", "expires_in": 600}'
    token = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with peer(saying(token)) as issuer, peer() as proxy:
        auth = OAuth2Auth(token_url=f"http://{issuer.address}/token", client_id="robot", client_secret=TOKEN)
        environ = {"HTTP_PROXY": f"http://{proxy.address}"}
        with Client(endpoint("http://api.corp.example", auth=auth, environ=environ)) as client:
            assert client.send(get()).status == 200
        assert len(issuer.requests) == 1
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_of_the_environment_are_trusted(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="reconciler")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ours = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ours)
    with peer(saying(OK), context) as server:
        url = f"https://{server.address}"
        with Client(endpoint(url, environ={name: str(ours)})) as client:
            assert client.send(get()).status == 200
        assert f"trusts the authorities in {ours} ({name})" in caplog.text
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        with (
            Client(endpoint(url, ca_file=str(other), environ={name: str(ours)})) as client,
            pytest.raises(TransportError, match="is not trusted"),
        ):
            client.send(get())


def test_a_file_of_authorities_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match=r"SSL_CERT_FILE /nowhere\.pem"):
        Client(endpoint("https://a.com", environ={"SSL_CERT_FILE": "/nowhere.pem"}))
