"""Systems in trouble: a clear message and an honest exit code, never a traceback, never a secret, never a guess."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
import trustme
from console_script import PRODUCT, Batch, Finished, assert_clean, run, write_small

from reconciler.sandbox.estate import POOL, SECRETS, WORKSPACE
from reconciler.sandbox.galtea import Galtea
from reconciler.sandbox.goldmine import Goldmine
from reconciler.sandbox.http import EmulatedSystem, SandboxResponse, json_response
from reconciler.sandbox.recording import Recording
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.vices import (
    Attempt,
    Fault,
    Vice,
    Vices,
    answer,
    delay,
    drop,
    html,
    invalid_json,
    requests_to,
    too_many_requests,
    truncate,
)

KEY = SECRETS["GALTEA_API_KEY"]
JSON = {"content-type": "application/json"}

SESSION = f"""\
apiVersion: goldmine/v1
kind: Session
metadata: {{name: s}}
spec: {{pool: {POOL}, token: sess-not-there, provider: {POOL}, enabled: true}}
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A system with faults, and what a plan makes of it."""

    faults: Sequence[Fault] = ()
    path: str = ""  # after the host of the system's url
    more: str = ""  # settings of the system
    seeds: int = 1  # objects with the natural key
    code: int = 1
    words: tuple[str, ...] = ()  # in stderr, or in stdout with a code other than 1
    requests: int = 1
    arguments: tuple[str, ...] = ("plan",)


def always(vice: Vice) -> tuple[Fault, ...]:
    return (Fault(vice=vice, times=None),)


def saying(value: object) -> tuple[Fault, ...]:
    return always(lambda _: json_response(200, value))


CASES: dict[str, Case] = {
    "401": Case(
        faults=always(answer(401, json.dumps({"message": f"bad key {KEY}"}), headers=JSON)),
        words=("GET /products: status 401: bad key (sensitive)", "check the credentials"),
    ),
    "403": Case(
        faults=always(answer(403, '{"message": "no grant"}', headers=JSON)),
        words=("status 403: no grant", "lacks the role"),
    ),
    "wrong-path-html": Case(
        path="/wrong", words=("status 404: an HTML page instead of JSON", "check the system's url in reconciler.yaml")
    ),
    "bare-404": Case(faults=always(answer(404)), words=("status 404", "check the system's url in reconciler.yaml")),
    "html-200": Case(faults=always(html(200)), words=("status 200: an HTML page instead of JSON", "system's url")),
    "html-502": Case(
        faults=always(html(502)), words=("status 502: an HTML page", "in trouble; try again later"), requests=4
    ),
    "500": Case(faults=always(answer(500, "boom")), words=("status 500", "try again later"), requests=4),
    "invalid-json": Case(faults=always(invalid_json()), words=("is something that is not JSON", "system's url")),
    "no-list": Case(faults=saying({"status": "ok"}), words=("no list at the root of the answer", "system's url")),
    "timeout": Case(
        faults=always(delay(1.0)),
        more="timeouts: {read: 0.2}",
        words=("no answer within 0.2 s", "a longer read timeout"),
        requests=4,
    ),
    "429-with-an-end": Case(
        faults=[Fault(vice=too_many_requests("1"), times=2)], code=0, words=("1 to update",), requests=3
    ),
    "429-without-end": Case(
        faults=always(too_many_requests("1")), words=("status 429", "lower requestsPerSecond"), requests=4
    ),
    "429-for-an-hour": Case(
        faults=always(too_many_requests("3600")),
        words=("status 429", "the server asks to wait 3600 s", "run again after that"),
        requests=1,
    ),
    "two-of-a-name": Case(
        seeds=2,
        code=4,
        words=("manifests/only.yaml:1:1: error: ambiguous-match: 2 live objects", "none is chosen by guessing"),
    ),
    "two-of-a-name-apply": Case(
        seeds=2, code=4, words=("ambiguous-match", "blocked by 1 problem"), arguments=("apply", "--yes")
    ),
    "redirect": Case(
        faults=always(answer(302, headers={"location": "https://login.example.com/?next=1"})),
        words=("302: a redirect to https://login.example.com/, which is never followed", "asks to sign in"),
    ),
    "cut-short": Case(
        faults=always(truncate()), words=("the connection broke before the whole answer was there",), requests=4
    ),
    "cut-short-and-silent": Case(faults=always(truncate(announced=False)), words=("not JSON",)),
    "reset": Case(faults=always(drop()), words=("the connection broke before the whole answer",), requests=4),
    "paging-that-is-ignored": Case(
        faults=saying([{"id": f"p{n}", "name": f"n{n}", "description": "x"} for n in range(100)]),
        code=4,
        words=("doubtful-list",),
        requests=4,
    ),
}


@dataclass
class Stage:
    """Servers of this module, and the workspaces that point at them."""

    root: Path
    stack: ExitStack
    recordings: dict[str, Recording] = field(default_factory=dict)
    vices: dict[str, Vices] = field(default_factory=dict)

    def serve(self, name: str, system: EmulatedSystem) -> str:
        recording = self.recordings[name] = Recording(system)
        return self.stack.enter_context(SandboxServer([recording])).urls[system.name]

    def prepare(self, name: str, case: Case) -> Callable[[], Finished]:
        galtea = Galtea(api_key=KEY)
        for _ in range(case.seeds):
            galtea.seed("products", {"name": "support-bot", "description": "somebody's own words", "tags": ["support"]})
        self.vices[name] = Vices(galtea, *case.faults)
        folder = write_small(self.root / name, self.serve(name, self.vices[name]) + case.path, more=case.more)
        return partial(run, folder, *case.arguments, env={"GALTEA_API_KEY": KEY})

    def point(self, name: str, url: str, **more: str) -> Callable[[], Finished]:
        return partial(run, write_small(self.root / name, url, **more), "plan", env={"GALTEA_API_KEY": KEY})


class EmptyList(http.server.BaseHTTPRequestHandler):
    """Inherits because the library demands it; says that there is nothing, and nothing on the terminal."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def tls_server(authority: trustme.CA, host: str) -> Iterator[str]:
    """Serve empty lists on loopback, with a certificate for `host`, and yield host and port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    with http.server.HTTPServer(("127.0.0.1", 0), EmptyList) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def transports(stage: Stage) -> dict[str, Callable[[], Finished]]:
    """Prepare what goes wrong below HTTP."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(stage.root / "authority.pem"))
    with_tls = stage.stack.enter_context(tls_server(authority, "127.0.0.1"))
    wrong_name = stage.stack.enter_context(tls_server(authority, "elsewhere.example.com"))
    plain = stage.serve("plain", Galtea(api_key=KEY))
    ca_file = f"caFile: {stage.root / 'authority.pem'}"
    return {
        "refused": stage.point("refused", "http://127.0.0.1:9"),
        "no-such-host": stage.point("no-such-host", "https://api.invalid"),
        "unknown-authority": stage.point("unknown-authority", f"https://{with_tls}"),
        "known-authority": stage.point("known-authority", f"https://{with_tls}", more=ca_file),
        "wrong-host-name": stage.point("wrong-host-name", f"https://{wrong_name}", more=ca_file),
        "http-to-a-tls-port": stage.point("http-to-a-tls-port", f"http://{with_tls}"),
        "https-to-a-plain-port": stage.point("https-to-a-plain-port", plain.replace("http://", "https://")),
    }


def cursor_in_a_circle(attempt: Attempt) -> SandboxResponse:
    """Name a next page for ever, in turns."""
    cursor = json.loads(attempt.request.body).get("cursor", "")
    return json_response(200, {"sessionIds": [], "nextCursor": "b" if cursor == "a" else "a"})


def circle(stage: Stage) -> Callable[[], Finished]:
    lists = requests_to(path=".*/ListSessions")
    system = Goldmine(api_key=KEY, workspace_id=WORKSPACE)
    url = stage.serve("circle", Vices(system, Fault(vice=cursor_in_a_circle, when=lists, times=None)))
    folder = write_small(stage.root / "circle", url, manifest=SESSION, more=f"workspaceId: {WORKSPACE}")
    config = folder / "reconciler.yaml"
    config.write_text(config.read_text().replace("galtea:", "goldmine:"))
    return partial(run, folder, "plan", env={"GALTEA_API_KEY": KEY})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(root=tmp_path_factory.mktemp("trouble"), stack=stack)


@pytest.fixture(scope="module")
def runs(stage: Stage) -> Iterator[Batch]:
    jobs = {"circle": circle(stage), **transports(stage)}
    jobs |= {name: stage.prepare(name, case) for name, case in CASES.items()}
    with closing(Batch(jobs)) as batch:
        yield batch


@pytest.mark.parametrize("name", CASES)
def test_an_answer_in_trouble(name: str, stage: Stage, runs: Batch) -> None:
    case, finished = CASES[name], runs[name]
    assert_clean(finished)
    assert finished.code == case.code, finished
    assert "hint:" in finished.everything or case.code == 0
    if case.code == 1:
        assert finished.out == ""  # no plan at all, least of all one that creates what is there
    for words in case.words:
        assert words in (finished.err if case.code == 1 else finished.out), finished
    recorded = stage.recordings[name]
    # A request is recorded with its answer; one that is still delayed counts as a hit already.
    assert max(len(recorded.requests), stage.vices[name].hits) == case.requests
    assert recorded.writes() == []


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("refused", "127.0.0.1:9: connection refused", "that the system is running"),
        ("no-such-host", "api.invalid:443: the host name cannot be resolved", "spelling, DNS and the VPN"),
        ("unknown-authority", "is not trusted: unable to get local issuer certificate", "Set caFile"),
        ("wrong-host-name", "is not trusted: IP address mismatch", "check that the URL has the right host"),
        ("http-to-a-tls-port", "the connection broke before the whole answer was there", "needs https"),
        ("https-to-a-plain-port", "no TLS connection to 127.0.0.1", "whether the URL needs http or https"),
        ("circle", "the list runs in a circle: the same page is asked for again", "read section of the kind"),
    ],
)
def test_no_way_to_the_answer(name: str, message: str, hint: str, runs: Batch) -> None:
    finished = runs[name]
    assert_clean(finished)
    assert (finished.code, finished.out) == (1, ""), finished
    assert message in finished.err
    assert hint in finished.err


def test_a_known_authority_is_trusted(runs: Batch) -> None:
    finished = runs["known-authority"]
    assert finished.code == 0, finished
    assert "1 to create" in finished.out


def test_trouble_of_one_system_is_told_with_that_of_the_others(tmp_path: Path) -> None:
    write_small(tmp_path, "http://127.0.0.1:9", manifest=f"{PRODUCT}---\n{SESSION}")
    config = tmp_path / "reconciler.yaml"
    extra = f"      goldmine: {{url: 'https://api.invalid', workspaceId: {WORKSPACE}}}\n    secrets"
    config.write_text(config.read_text().replace("    secrets", extra, 1))
    finished = run(tmp_path, "plan", env={"GALTEA_API_KEY": KEY})
    assert_clean(finished)
    assert finished.code == 1
    assert "system galtea: 127.0.0.1:9: connection refused" in finished.err
    assert "system goldmine: api.invalid:443: the host name cannot be resolved" in finished.err


# --------------------------------------------------------------------------- writes


def test_a_write_whose_answer_is_lost_is_settled_by_reading(tmp_path: Path) -> None:
    galtea = Galtea(api_key=KEY)
    lost = Fault(vice=drop(after_acting=True), when=requests_to("POST", "/products"))
    recording = Recording(Vices(galtea, lost))
    with SandboxServer([recording]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        finished = run(folder, "apply", "--yes", env={"GALTEA_API_KEY": KEY})
        again = run(folder, "plan", "--exit-code", env={"GALTEA_API_KEY": KEY})
    assert_clean(finished)
    assert finished.code == 0, finished
    assert "1 applied" in finished.out
    assert len(recording.writes()) == 1
    assert len(galtea.stored("products")) == 1
    assert again.code == 0


def test_a_server_that_accepts_and_does_not_keep_fails_the_apply(tmp_path: Path) -> None:
    galtea = Galtea(api_key=KEY)

    def forgetful(attempt: Attempt) -> SandboxResponse:
        body = json.loads(attempt.request.body)
        return attempt.act(replace(attempt.request, body=json.dumps({**body, "tags": []}).encode()))

    with SandboxServer([Vices(galtea, Fault(vice=forgetful, when=requests_to("POST"), times=None))]) as server:
        folder = write_small(tmp_path, server.urls["galtea"])
        finished = run(folder, "apply", "--yes", "--format", "json", env={"GALTEA_API_KEY": KEY})
    assert_clean(finished)
    assert finished.code == 1, finished
    report = json.loads(finished.out)
    assert {status: count for status, count in report["summary"].items() if count} == {"failed": 1}
    assert "did not keep: /tags" in report["outcomes"][0]["detail"]
