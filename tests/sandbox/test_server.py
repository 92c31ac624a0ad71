"""The loopback server, the in-process transport and the recording: what a client sees and what is left."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response, json_response
from reconciler.sandbox.in_process import in_process_transport
from reconciler.sandbox.recording import Recording
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.vices import ConnectionDropped


class Echo:
    """Answers with what arrived; some paths have a fate of their own."""

    def __init__(self, name: str = "echo") -> None:
        self.name = name

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.path == "/reset":
            raise ConnectionDropped
        if request.path == "/close":
            raise ConnectionDropped(reset=False)
        if request.path == "/empty":
            return empty_response(204)
        if request.path == "/cut":
            return SandboxResponse(status=200, headers={"Content-Length": "100"}, body=b"{")
        seen = {
            "method": request.method,
            "path": request.path,
            "query": [list(pair) for pair in request.query],
            "body": request.body.decode(),
            "authorization": request.headers.get("authorization"),
        }
        return json_response(200, seen, {"x-system": self.name})


@pytest.fixture(params=["loopback", "in process"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    if request.param == "loopback":
        with SandboxServer([Echo()]) as sandbox, httpx.Client(base_url=sandbox.urls["echo"]) as client:
            yield client
    else:
        transport = in_process_transport({"http://echo.test": Echo()})
        with httpx.Client(base_url="http://echo.test", transport=transport) as client:
            yield client


def absolute(client: httpx.Client, path: str) -> str:
    return str(client.base_url).rstrip("/") + path  # httpx would tidy slashes when it joins


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/", "/a//b", "//a", "/a%2Fb/%C3%A9", "/v1.Service/Get%20All", "/a:b/(c)"]
)
def test_paths_arrive_as_they_were_sent(client: httpx.Client, path: str) -> None:
    assert client.get(absolute(client, path)).json()["path"] == path


def test_query_keeps_order_repeats_and_blanks(client: httpx.Client) -> None:
    seen = client.get(absolute(client, "/l?ids[]=b&ids[]=a&x=&y=1%202%26&z=a+b")).json()
    assert seen["query"] == [["ids[]", "b"], ["ids[]", "a"], ["x", ""], ["y", "1 2&"], ["z", "a b"]]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
def test_any_method_may_carry_a_body(client: httpx.Client, method: str) -> None:
    seen = client.request(method, "/a", content="ünï".encode(), headers={"Authorization": "Bearer fake"}).json()
    assert (seen["method"], seen["body"], seen["authorization"]) == (method, "ünï", "Bearer fake")


def test_head_announces_a_length_and_sends_no_body(client: httpx.Client) -> None:
    answer = client.head("/a")
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0
    assert client.get("/a").json()["method"] == "GET"  # the connection is still in step


def test_204_has_neither_body_nor_length(client: httpx.Client) -> None:
    answer = client.delete("/empty")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def test_a_reset_is_a_read_error(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadError):
        client.get("/reset")
    assert client.get("/a").status_code == 200


@pytest.mark.parametrize("path", ["/close", "/cut"])
def test_an_early_end_is_a_protocol_error(client: httpx.Client, path: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(path)
    assert client.get("/a").status_code == 200


def test_each_system_has_its_own_address() -> None:
    with SandboxServer([Echo("one"), Echo("two")]) as sandbox:
        answers = {name: httpx.get(url).headers["x-system"] for name, url in sandbox.urls.items()}
    assert answers == {"one": "one", "two": "two"}


def test_two_systems_of_one_name_are_refused_and_leave_nothing_behind() -> None:
    with pytest.raises(ValueError, match="two systems"):
        SandboxServer([Echo(), Echo()])
    assert not [t.name for t in threading.enumerate() if t.name.startswith("sandbox-")]


def test_a_wanted_port_is_used_and_a_taken_one_refused() -> None:
    with SandboxServer([Echo()]) as sandbox:
        port = urlsplit(sandbox.urls["echo"]).port
        assert port is not None
    with SandboxServer([Echo()], ports={"echo": port}) as sandbox:
        assert sandbox.urls["echo"] == f"http://127.0.0.1:{port}"
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(OSError, match="in use"):
                SandboxServer([Echo()], ports={"echo": taken.getsockname()[1]})


def test_connections_are_kept_alive_and_delays_are_not_added() -> None:
    with SandboxServer([Echo()]) as sandbox, httpx.Client(base_url=sandbox.urls["echo"]) as client:
        connections = {client.get("/a").extensions["network_stream"].get_extra_info("client_addr") for _ in "abc"}
    assert len(connections) == 1


def test_close_ends_idle_and_busy_connections_and_all_threads() -> None:
    sandbox = SandboxServer([Echo("one"), Echo("two")])
    idle = httpx.Client(base_url=sandbox.urls["one"])
    idle.get("/a")
    port = urlsplit(sandbox.urls["two"]).port
    half = socket.create_connection(("127.0.0.1", port or 0))
    half.sendall(b"POST /a HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
    sandbox.close()
    sandbox.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("sandbox-")]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port or 0))
    half.close()
    idle.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param("Transfer-Encoding: chunked", 411, id="chunked"),
        pytest.param("Content-Length: -5", 400, id="negative length"),
    ],
)
def test_bodies_of_unknown_length_are_refused(head: str, status: int) -> None:
    with SandboxServer([Echo()]) as sandbox:
        port = urlsplit(sandbox.urls["echo"]).port
        with socket.create_connection(("127.0.0.1", port or 0)) as connection:
            connection.sendall(f"POST /a HTTP/1.1\r\n{head}\r\n\r\n".encode())
            answer = connection.makefile("rb").read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_an_unknown_origin_cannot_be_reached_in_process() -> None:
    transport = in_process_transport({"http://echo.test": Echo()})
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
        client.get("http://other.test/")


def test_the_longest_base_url_wins_and_is_taken_off_the_path() -> None:
    transport = in_process_transport(
        {
            "http://host.test": Echo("root"),
            "http://host.test/api/": Echo("api"),
            "https://host.test": Echo("tls"),
        }
    )
    with httpx.Client(transport=transport) as client:
        seen = {
            url: (answer.headers["x-system"], answer.json()["path"])
            for url in ["http://host.test/api/v1/", "http://host.test:80/apis", "https://host.test:443/api"]
            for answer in [client.get(url)]
        }
    assert list(seen.values()) == [("api", "/v1/"), ("root", "/apis"), ("tls", "/api")]


def test_a_recording_counts_requests_of_many_threads() -> None:
    recording = Recording(Echo())
    with SandboxServer([recording]) as sandbox, httpx.Client(base_url=sandbox.urls["echo"]) as client:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: client.request("GET" if n % 2 else "PUT", f"/{n}"), range(64)))
        with pytest.raises(httpx.ReadError):
            client.post("/reset", json={"a": 1})
    assert len(recording.requests) == 65
    assert len(recording.writes()) == 33
    last = recording.requests[-1]
    assert (str(last), last.status, last.json()) == ("POST /reset dropped", None, {"a": 1})
    assert "fake" not in repr(recording.requests)
    recording.clear()
    assert recording.requests == []
