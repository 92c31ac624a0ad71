"""A small hosting service on loopback: GitHub's and GitLab's REST APIs as far as comments and the like go.

It checks tokens and what they may do, gives lists in pages of `page_size` however many are asked for, with a Link
header, gives numbers, keeps what is written, and answers once with each of the `troubles` that it is given.
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

GITHUB_TOKEN = "fake-github-token-not-real"
GITLAB_TOKEN = "fake-gitlab-token-not-real"
REPOSITORY = "acme/config"
BOT = {"login": "github-actions[bot]", "type": "Bot", "id": 7}
PERSON = {"login": "somebody", "type": "User", "id": 8}


@dataclass
class FakeHosting:
    """What the service holds. `writes` names what the token may write: comments, issues, pulls."""

    page_size: int = 2
    writes: set[str] = field(default_factory=lambda: {"comments", "issues", "pulls"})
    user: dict[str, Any] | None = None  # whose token it is; None: an app's, which has no user
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # by number of the pull request
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    merged: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # pull requests by commit
    troubles: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # methods: done once, and the answer never comes
    late: int = 0  # how often it is asked for pull requests of a commit before it knows them
    vanishing: bool = False  # a comment is deleted just before it would be changed
    odd: dict[str, Any] = field(default_factory=dict)  # answers to paths that end so, as another API would give them
    seen: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    _next: int = 100

    def number(self) -> int:
        self._next += 1
        return self._next

    @property
    def author(self) -> dict[str, Any]:
        return self.user or BOT

    def add_comment(self, number: int, body: str, author: dict[str, Any]) -> dict[str, Any]:
        one = {"id": self.number(), "body": body, "user": author, "author": author, "system": False}
        self.comments.setdefault(number, []).append(one)
        return one

    # ------------------------------------------------------------------ answers: status, body

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        for end, answer in self.odd.items():
            if path.endswith(end):
                return 200, answer
        for pattern, methods in ROUTES:
            match = re.fullmatch(pattern, path)
            if match is not None and method in methods:
                return methods[method](self, match, query, body)
        return 404, {"message": "Not Found"}

    def allowed(self, what: str) -> bool:
        return what in self.writes


def _refused() -> tuple[int, Any]:
    return 403, {"message": "Resource not accessible by integration"}


def _whoami(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    return (200, fake.user) if fake.user is not None else _refused()


def _list_comments(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    return 200, fake.comments.get(int(match[1]), [])


def _post_comment(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    if not fake.allowed("comments"):
        return _refused()
    if len(body["body"]) > 65_536:
        return 422, {"message": "Validation Failed"}
    return 201, fake.add_comment(int(match[1]), body["body"], fake.author)


def _change_comment(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    found = [one for some in fake.comments.values() for one in some if one["id"] == int(match.groups()[-1])]
    if not found or fake.vanishing:
        return 404, {"message": "Not Found"}
    if not fake.allowed("comments") or found[0]["user"] != fake.author:
        return _refused()
    found[0]["body"] = body["body"]
    return 200, found[0]


def _list_issues(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    among = [*fake.issues, *({**one, "pull_request": {}} for one in fake.pulls)]
    return 200, [one for one in among if one["state"] in ("open", "opened")]


def _thing(fake: FakeHosting, body: Any, state: str) -> dict[str, Any]:
    number = fake.number()
    text = body.get("body", body.get("description"))
    return {
        "id": 9000 + number,
        "number": number,
        "iid": number,
        "title": body["title"],
        "body": text,
        "description": text,
        "state": state,
        "user": fake.author,
        "author": fake.author,
        "html_url": f"{fake.url}/{number}",
        "web_url": f"{fake.url}/{number}",
    }


def _post_issue(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    if not fake.allowed("issues"):
        return _refused()
    fake.issues.append(_thing(fake, body, "open"))
    return 201, fake.issues[-1]


def _change(among: str) -> Callable[..., tuple[int, Any]]:
    def change(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
        found = [one for one in getattr(fake, among) if one["number"] == int(match[1])]
        if not found or not fake.allowed(among):
            return 404, {"message": "Not Found"}
        found[0].update({name: value for name, value in body.items() if name in ("title", "state")})
        text = body.get("body", body.get("description"))
        found[0].update(body=text, description=text)
        if body.get("state_event") == "close":
            found[0]["state"] = "closed"
        return 200, found[0]

    return change


def _list_pulls(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    head = query.get("head", "").rpartition(":")[2] or query.get("source_branch")
    return 200, [one for one in fake.pulls if one["state"] == "open" and one["head"]["ref"] == head]


def _post_pull(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    if not fake.allowed("pulls"):
        return _refused()
    head, base = body.get("head", body.get("source_branch")), body.get("base", body.get("target_branch"))
    fake.pulls.append({**_thing(fake, body, "open"), "head": {"ref": head}, "base": {"ref": base}})
    return 201, fake.pulls[-1]


def _merged(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    if fake.late:
        fake.late -= 1
        return 200, []
    return 200, fake.merged.get(match[1], [])


def _artifacts(fake: FakeHosting, match: Any, query: Any, body: Any) -> tuple[int, Any]:
    found = [one for one in fake.artifacts if one["name"] == query["name"]]
    return 200, {"total_count": len(found), "artifacts": found}


_GITHUB = f"/repos/{REPOSITORY}"
_GITLAB = "/projects/acme/config"
ROUTES: list[tuple[str, dict[str, Callable[..., tuple[int, Any]]]]] = [
    ("/user", {"GET": _whoami}),
    (_GITHUB + r"/issues/(\d+)/comments", {"GET": _list_comments, "POST": _post_comment}),
    (_GITHUB + r"/issues/comments/(\d+)", {"PATCH": _change_comment}),
    (_GITHUB + "/issues", {"GET": _list_issues, "POST": _post_issue}),
    (_GITHUB + r"/issues/(\d+)", {"PATCH": _change("issues")}),
    (_GITHUB + "/pulls", {"GET": _list_pulls, "POST": _post_pull}),
    (_GITHUB + r"/pulls/(\d+)", {"PATCH": _change("pulls")}),
    (_GITHUB + r"/commits/(\w+)/pulls", {"GET": _merged}),
    (_GITHUB + "/actions/artifacts", {"GET": _artifacts}),
    (_GITLAB + r"/merge_requests/(\d+)/notes", {"GET": _list_comments, "POST": _post_comment}),
    (_GITLAB + r"/merge_requests/(\d+)/notes/(\d+)", {"PUT": _change_comment}),
    (_GITLAB + "/issues", {"GET": _list_issues, "POST": _post_issue}),
    (_GITLAB + r"/issues/(\d+)", {"PUT": _change("issues")}),
    (_GITLAB + "/merge_requests", {"GET": _list_pulls, "POST": _post_pull}),
    (_GITLAB + r"/merge_requests/(\d+)", {"PUT": _change("pulls")}),
]


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHosting
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        fake = self.fake
        fake.seen.append((self.command, unquote(parts.path)))
        given = (self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN"))
        headers: dict[str, str] = {}
        if fake.troubles:
            status, headers = fake.troubles.pop(0)
            answer: Any = {"message": "trouble"}
        elif given not in ((f"Bearer {GITHUB_TOKEN}", None), (None, GITLAB_TOKEN)):
            status, answer = 401, {"message": "Bad credentials"}
        else:
            path = unquote(parts.path).removeprefix(urlsplit(fake.url).path)
            status, answer = fake.answer(self.command, path, query, body)
            if isinstance(answer, list):
                page, size = int(query.get("page", 1)), min(int(query.get("per_page", 30)), fake.page_size)
                if page * size < len(answer):
                    headers["Link"] = f'<{fake.url}{parts.path}?page={page + 1}>; rel="next"'
                answer = answer[(page - 1) * size : page * size]
        if self.command in fake.lost:
            fake.lost.remove(self.command)
            self.close_connection = True
            return
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815  the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serve(fake: FakeHosting, tls: ssl.SSLContext | None = None) -> Iterator[FakeHosting]:
    """Serve `fake` until the end of the `with`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    server.daemon_threads = True
    fake.url = f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_address[1]}"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def environment_of(fake: FakeHosting, hosting: str) -> dict[str, str]:
    """Return the variables that a pipeline of `hosting` sets for pull request 5."""
    if hosting == "gitlab":
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": fake.url,
            "CI_PROJECT_ID": REPOSITORY,
            "CI_MERGE_REQUEST_IID": "5",
            "GITLAB_TOKEN": GITLAB_TOKEN,
        }
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": fake.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_REF": "refs/pull/5/merge",
        "GITHUB_TOKEN": GITHUB_TOKEN,
    }
