"""The API that `schemas/README.md` writes kinds for: an invented uptime monitor, kept in memory.

`python tests/docs/beacon.py 8900` serves it on loopback, so that the commands of the README can be tried by hand.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "fake-key-not-real"
DEFAULTS = {"interval": 60, "regions": ["eu"], "note": ""}
SETTABLE = frozenset({"name", "url", "interval", "regions", "token", "note"})
WINDOW = frozenset({"title", "starts_at", "minutes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, taken apart."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


Answer = tuple[int, Any]


def refusal(status: int, code: str, message: str) -> Answer:
    return status, {"error": {"code": code, "message": message}}


@dataclass
class Beacon:
    """The account: one monitor that somebody made by hand, and no maintenance windows."""

    monitors: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "m1": {
                **DEFAULTS,
                "id": "m1",
                "name": "website",
                "url": "https://www.example.com/",
                "interval": 300,
                "regions": ["us", "eu"],
                "note": "ask Kim before changing",
                "created_at": "2024-03-01T09:00:00Z",
            }
        }
    )
    windows: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked, authorization: str) -> Answer:
        """Return status and body. Serves one request after the other."""
        with self.lock:
            self.requests.append(asked)
            if authorization != f"Bearer {KEY}":
                return refusal(401, "bad_key", "the key is missing or wrong")
            for pattern, route in ROUTES:
                found = re.fullmatch(pattern, f"{asked.method} {asked.path}")
                if found:
                    return route(self, asked, *found.groups())
        return 404, None

    # ------------------------------------------------------------------ monitors

    def list_monitors(self, asked: Asked) -> Answer:
        size = min(int(asked.query.get("per_page", 20)), 50)
        start = (int(asked.query.get("page", 1)) - 1) * size
        rows = [shown(row) for row in self.monitors.values()]
        return 200, {"monitors": rows[start : start + size], "total": len(rows)}

    def get_monitor(self, asked: Asked, monitor: str) -> Answer:
        row = self.monitors.get(monitor)
        return (200, {"monitor": shown(row)}) if row else no_monitor(monitor)

    def create_monitor(self, asked: Asked) -> Answer:
        sent = asked.body["monitor"]
        refused = self._refused(sent, "")
        if refused:
            return refused
        number = f"m{len(self.monitors) + 1}"
        self.monitors[number] = {**DEFAULTS, **sent, "id": number, "created_at": "2024-03-01T09:30:00Z"}
        return 201, {"monitor": shown(self.monitors[number])}

    def replace_monitor(self, asked: Asked, monitor: str) -> Answer:
        row = self.monitors.get(monitor)
        if row is None:
            return no_monitor(monitor)
        sent = asked.body["monitor"]
        refused = self._refused(sent, monitor)
        if refused:
            return refused
        kept: dict[str, Any] = {name: row[name] for name in ("id", "created_at", "token") if name in row}
        self.monitors[monitor] = {**DEFAULTS, **kept, **sent}
        return 200, {"monitor": shown(self.monitors[monitor])}

    def _refused(self, sent: dict[str, Any], monitor: str) -> Answer | None:
        unknown = sorted(sent.keys() - SETTABLE)
        if unknown:
            return refusal(422, "unknown_field", f"{unknown[0]} cannot be set")
        if any(row["name"] == sent["name"] and row["id"] != monitor for row in self.monitors.values()):
            return refusal(422, "name_taken", f"another monitor is called {sent['name']}")
        return None

    # ------------------------------------------------------------------ maintenance windows

    def list_windows(self, asked: Asked, monitor: str) -> Answer:
        if monitor not in self.monitors:
            return no_monitor(monitor)
        return 200, [
            {name: value for name, value in row.items() if name != "monitor"}
            for row in self.windows.values()
            if row["monitor"] == monitor
        ]

    def create_window(self, asked: Asked, monitor: str) -> Answer:
        unknown = sorted(asked.body.keys() - WINDOW)
        if unknown:
            return refusal(422, "unknown_field", f"{unknown[0]} cannot be set")
        number = f"w{len(self.windows) + 1}"
        self.windows[number] = {**asked.body, "id": number, "monitor": monitor}
        # Beacon keeps moments in universal time, with milliseconds.
        self.windows[number]["starts_at"] = in_universal_time(asked.body["starts_at"])
        return 201, {"id": number}

    def change_window(self, asked: Asked, window: str) -> Answer:
        if window not in self.windows:
            return refusal(404, "not_found", f"no window {window}")
        self.windows[window].update(asked.body)
        return 204, None


ROUTES: list[tuple[str, Callable[..., Answer]]] = [
    (r"GET /v2/monitors", Beacon.list_monitors),
    (r"POST /v2/monitors", Beacon.create_monitor),
    (r"GET /v2/monitors/([^/]+)", Beacon.get_monitor),
    (r"PUT /v2/monitors/([^/]+)", Beacon.replace_monitor),
    (r"GET /v2/monitors/([^/]+)/windows", Beacon.list_windows),
    (r"POST /v2/monitors/([^/]+)/windows", Beacon.create_window),
    (r"PATCH /v2/windows/([^/]+)", Beacon.change_window),
]


def no_monitor(monitor: str) -> Answer:
    return refusal(404, "not_found", f"no monitor {monitor}")


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a monitor as answers show it: without its token, with its state, regions in Beacon's own order."""
    rest = {name: value for name, value in row.items() if name != "token"}
    return {**rest, "regions": sorted(row["regions"], reverse=True), "state": "up"}


def in_universal_time(text: str) -> str:
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --------------------------------------------------------------------------- server


@contextmanager
def served(beacon: Beacon, port: int = 0) -> Iterator[str]:
    """Serve `beacon` on loopback and give the url of its API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

        def respond(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            asked = Asked(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                body=json.loads(content) if content else None,
            )
            status, body = beacon.answer(asked, self.headers.get("Authorization", ""))
            answer = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            if answer:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    for method in ("GET", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.respond)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v2"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    with served(Beacon(), int(sys.argv[1])) as url:
        sys.stdout.write(f"Beacon listens on {url}; the key is {KEY}. End it with Ctrl-C.\n")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
