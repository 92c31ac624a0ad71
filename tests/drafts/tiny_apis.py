"""Small APIs in memory, each with the habits that one of the documents describes, served on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as an API sees it."""

    method: str
    steps: list[str]  # segments of the path, decoded
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


MISSING = Said(status=404, body={"message": "there is no such thing"})


@dataclass(slots=True)
class Served:
    """A running API: where it is, and what was asked of it."""

    url: str
    requests: list[Asked] = field(default_factory=list)

    def writes(self) -> list[Asked]:
        return [one for one in self.requests if one.method != "GET"]


@contextlib.contextmanager
def serve(answer: Callable[[Asked], Said]) -> Iterator[Served]:
    """Serve an API until the block ends."""
    served = Served(url="")
    one_by_one = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked = Asked(
                method=self.command,
                steps=[unquote(step) for step in parts.path.strip("/").split("/")],
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=json.loads(content) if content else None,
            )
            with one_by_one:
                served.requests.append(asked)
                said = answer(asked)
            payload = b"" if said.body is None else json.dumps(said.body).encode()
            self.send_response(said.status)
            if payload:
                self.send_header("Content-Type", "application/json")
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.status != 204:
                self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def do_GET(self) -> None:
            self._serve()

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  the server asks for these names

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


# --------------------------------------------------------------------------- the APIs


class Catalog:
    """Link paging; PUT replaces; a secret that no answer shows."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def __call__(self, asked: Asked) -> Said:
        if len(asked.steps) == 2:
            return self._page(asked) if asked.method == "GET" else self._create(asked)
        row = self.rows.get(asked.steps[2])
        if row is None:
            return MISSING
        match asked.method:
            case "PUT":
                row = self.rows[row["id"]] = {**asked.body, "id": row["id"], "createdAt": row["createdAt"]}
            case "DELETE":
                del self.rows[row["id"]]
                return Said(status=204)
        return Said(body=self._shown(row))

    def _create(self, asked: Asked) -> Said:
        number = str(len(self.rows) + 1)
        self.rows[number] = {"status": "draft", **asked.body, "id": number, "createdAt": "2024-05-01T00:00:00Z"}
        return Said(status=201, body=self._shown(self.rows[number]))

    def _page(self, asked: Asked) -> Said:
        size, page = int(asked.query["per_page"]), int(asked.query.get("page", "1"))
        rows = list(self.rows.values())
        more = page * size < len(rows)
        link = {"Link": f'<{asked.path}?page={page + 1}&per_page={size}>; rel="next"'} if more else {}
        return Said(body=[self._shown(row) for row in rows[(page - 1) * size : page * size]], headers=link)

    @staticmethod
    def _shown(row: Row) -> Row:
        shown = {name: value for name, value in row.items() if name != "webhookSecret"}
        if "launch" in shown:
            shown["launch"] = shown["launch"].replace("Z", ".000+00:00")
        return shown


class Incidents:
    """Cursor paging in an envelope; PATCH is a merge patch; every call says which version of the API it means."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def __call__(self, asked: Asked) -> Said:
        if asked.query.get("api-version") != "2024-06":
            return Said(status=400, body={"message": "which version?"})
        if len(asked.steps) == 2:
            return self._page(asked) if asked.method == "GET" else self._create(asked)
        row = self.rows.get(asked.steps[2])
        if row is None:
            return MISSING
        match asked.method:
            case "PATCH":
                if asked.headers["content-type"] != "application/merge-patch+json":
                    return Said(status=415)
                row = self.rows[asked.steps[2]] = _patched(row, asked.body)
            case "DELETE":
                del self.rows[asked.steps[2]]
                return Said(status=204)
        return Said(body=_without(row, "api_key"))

    def _create(self, asked: Asked) -> Said:
        number = f"mon-{len(self.rows) + 1}"
        self.rows[number] = {**asked.body, "monitor_id": number, "state": "unknown"}
        return Said(status=201, body=_without(self.rows[number], "api_key"))

    def _page(self, asked: Asked) -> Said:
        start, size = int(asked.query.get("cursor", "0")), int(asked.query["limit"])
        rows = list(self.rows.values())
        following = str(start + size) if start + size < len(rows) else None
        shown = [_without(row, "api_key") for row in rows[start : start + size]]
        return Said(body={"monitors": shown, "meta": {"next_cursor": following}})


def _patched(value: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, item in patch.items():
        if item is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), item)
    return result


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


class Forge:
    """Nested collections with numbers as ids; answers spell fields differently; creates answer the id only."""

    def __init__(self) -> None:
        self.projects: dict[int, Row] = {}
        self.environments: dict[int, Row] = {}
        self.variables: dict[tuple[int, str], Row] = {}

    def __call__(self, asked: Asked) -> Said:
        steps = asked.steps[1:]  # after /api
        match steps:
            case ["projects"]:
                return self._projects(asked)
            case ["projects", number]:
                return self._project(asked, int(number))
            case ["projects", number, "environments"]:
                return self._environments(asked, int(number))
            case ["projects", number, "environments", inner]:
                return self._environment(asked, int(number), int(inner))
            case ["projects", _, "environments", inner, "variables", *key]:
                return self._variables(asked, int(inner), key[0] if key else None)
            case _:
                return MISSING

    def _projects(self, asked: Asked) -> Said:
        if asked.method == "POST":
            number = len(self.projects) + 100
            self.projects[number] = {"visibility": "private", **asked.body, "id": number}
            return Said(status=201, body=self._shown(self.projects[number]))
        start, size = int(asked.query["offset"]), int(asked.query["limit"])
        rows = [self._shown(row) for row in self.projects.values()][start : start + size]
        return Said(body={"count": len(rows), "projects": rows})

    def _project(self, asked: Asked, number: int) -> Said:
        if number not in self.projects:
            return MISSING
        if asked.method == "PATCH":
            self.projects[number].update(asked.body)
        return Said(body=self._shown(self.projects[number]))

    @staticmethod
    def _shown(row: Row) -> Row:
        return {**row, "owner": {"id": row["owner"], "login": "somebody"}} if "owner" in row else row

    def _environments(self, asked: Asked, project: int) -> Said:
        if asked.method == "GET":
            return Said(body=[row for row in self.environments.values() if row["project_id"] == project])
        number = len(self.environments) + 7
        body = {"environment_id": number, "project_id": project, "name": asked.body["name"]}
        self.environments[number] = {**body, "auto_deploy": asked.body.get("autoDeploy", False)}
        return Said(status=201, body={"environment_id": number})

    def _environment(self, asked: Asked, project: int, number: int) -> Said:
        row = self.environments.get(number)
        if row is None or row["project_id"] != project:
            return MISSING
        if asked.method == "PATCH":
            names = {"autoDeploy": "auto_deploy", "name": "name"}
            row.update({names[name]: value for name, value in asked.body.items()})
            return Said(status=204)
        return Said(body=row)

    def _variables(self, asked: Asked, environment: int, key: str | None) -> Said:
        if asked.method == "GET":
            return Said(body=[row for (owner, _), row in self.variables.items() if owner == environment])
        if key is None:
            assert set(asked.body) == {"key", "value"}
            self.variables[environment, asked.body["key"]] = dict(asked.body)
            return Said(status=201, body=asked.body)
        self.variables[environment, key].update(asked.body)
        return Said(body=self.variables[environment, key])


class Buckets:
    """PUT at a name that the client chooses; ETag and If-Match; the list holds names only; a 404 has no body."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.versions: dict[str, int] = {}

    def __call__(self, asked: Asked) -> Said:
        if len(asked.steps) == 1:
            return self._page(asked)
        name = asked.steps[1]
        match asked.method:
            case "PUT":
                return self._put(asked, name)
            case _ if name not in self.rows:
                return Said(status=404)
            case "DELETE":
                del self.rows[name]
                return Said(status=204)
        return Said(body={"name": name, **_without(self.rows[name], "accessKey")}, headers={"ETag": self._etag(name)})

    def _put(self, asked: Asked, name: str) -> Said:
        exists = name in self.rows
        if exists and (asked.headers.get("if-none-match") == "*" or asked.headers.get("if-match") != self._etag(name)):
            return Said(status=412, body={"message": "it has moved"})
        if set(asked.body) - {"storage", "retention", "accessKey", "policy"} or "since" in asked.body.get(
            "retention", {}
        ):
            return Said(status=422, body={"message": "unknown member"})
        self.rows[name] = asked.body
        if "retention" in asked.body:
            self.rows[name]["retention"] = {**asked.body["retention"], "since": "today"}
        self.versions[name] = self.versions.get(name, 0) + 1
        return Said(status=200 if exists else 201)

    def _etag(self, name: str) -> str:
        return f'"{self.versions[name]}"'

    def _page(self, asked: Asked) -> Said:
        size = int(asked.query["max-results"])
        names = sorted(self.rows)
        start = names.index(asked.query["marker"]) if "marker" in asked.query else 0
        following = {"nextMarker": names[start + size]} if start + size < len(names) else {}
        return Said(body={"items": [{"name": name} for name in names[start : start + size]], **following})


class Directory:
    """Everything in envelopes; numbered pages from 0 with a total; an update must repeat the version it is based on."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def __call__(self, asked: Asked) -> Said:
        if not asked.path.endswith("/"):
            return Said(status=404)
        if asked.steps == ["rest", "users"]:
            return self._page(asked) if asked.method == "GET" else self._create(asked)
        row = self.rows.get(asked.steps[2])
        if row is None:
            return MISSING
        if asked.method == "PUT":
            user = asked.body["user"]
            if user.pop("version", None) != row["version"]:
                return Said(status=409, body={"message": "it has moved"})
            row = self.rows[row["uuid"]] = {**user, "uuid": row["uuid"], "version": row["version"] + 1}
        return Said(body={"status": "ok", "data": _without(row, "password")})

    def _create(self, asked: Asked) -> Said:
        number = f"u-{len(self.rows)}"
        self.rows[number] = {**asked.body["user"], "uuid": number, "version": 1}
        return Said(status=201, body={"status": "ok", "data": _without(self.rows[number], "password")})

    def _page(self, asked: Asked) -> Said:
        number, size = int(asked.query["page"]), int(asked.query["pageSize"])
        rows = [_without(row, "password") for row in self.rows.values()]
        page = rows[number * size : (number + 1) * size]
        return Said(body={"status": "ok", "data": {"users": page, "warnings": [], "totalCount": len(rows)}})


class Mailer:
    """Settings that simply exist, of the whole system and of each domain; lists go on at an address."""

    def __init__(self) -> None:
        self.settings: Row = {"sender": "nobody@example.com", "retries": 3, "smtpPassword": "fake-old-not-real"}
        self.domains: dict[str, Row] = {}
        self.tracking: dict[str, Row] = {}

    def __call__(self, asked: Asked) -> Said:
        match asked.steps:
            case ["settings"]:
                if asked.method == "PUT":
                    self.settings = asked.body
                    return Said(status=204)
                return Said(body=_without(self.settings, "smtpPassword"))
            case ["accounts", "acme", "domains"]:
                return self._domains(asked)
            case ["accounts", "acme", "domains", number]:
                return Said(body=self.domains[number]) if number in self.domains else MISSING
            case ["accounts", "acme", "domains", number, "tracking"] if number in self.domains:
                if asked.method == "PATCH":
                    self.tracking[number].update(asked.body)
                return Said(body=self.tracking[number])
            case _:
                return MISSING

    def _domains(self, asked: Asked) -> Said:
        if asked.method == "POST":
            number = f"d{len(self.domains)}"
            self.domains[number] = {**asked.body, "id": number, "verified": False}
            self.tracking[number] = {"opens": False, "clicks": False}
            return Said(status=201, body=self.domains[number])
        start = int(asked.query.get("from", "0"))
        rows = list(self.domains.values())
        following = f"{asked.path}?from={start + 1}" if start + 1 < len(rows) else None
        return Said(body={"domains": rows[start : start + 1], "next": following})
