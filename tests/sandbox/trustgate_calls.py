"""A TrustGate for tests, and short ways to ask it."""

from __future__ import annotations

import json
from typing import Any, Literal

from reconciler.sandbox.http import SandboxRequest, SandboxResponse
from reconciler.sandbox.trustgate import TrustGate, sign_token

SECRET = "fake-server-secret-not-real"
TARGET = {"host": "llm.example.com", "port": 443, "protocol": "https"}


class Gate:
    """A TrustGate with a clock that moves a second per request, and a short way to ask it."""

    def __init__(self, era: Literal["S", "L"] = "S", **options: Any) -> None:
        self.now = 1_760_000_000.0
        self.era = era
        self.system = TrustGate(era=era, secret=SECRET, clock=lambda: self.now, **options)
        self.token = sign_token(SECRET)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> SandboxResponse:
        self.now += 1
        path, _, query = path.partition("?")
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json", **headers}
        return self.system.handle(
            SandboxRequest(
                method=method,
                path=path if path.startswith("//") else "/api/v1" + path,
                query=tuple((k, v) for k, _, v in (pair.partition("=") for pair in query.split("&") if pair)),
                headers={name: value for name, value in sent.items() if value},
                body=body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b"",
            )
        )

    def json(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status == status, answer.body
        return json.loads(answer.body) if answer.body else None

    def gateway(self, **fields: Any) -> str:
        return str(self.json("POST", "/gateways", {"name": "edge", **fields}, status=201)["id"])

    def upstream(self, gateway: str, **fields: Any) -> Any:
        body = {"name": "llm", "algorithm": "round-robin", "targets": [TARGET], **fields}
        return self.json("POST", f"/gateways/{gateway}/upstreams", body, status=201)

    def service(self, gateway: str, upstream: str, **fields: Any) -> Any:
        body = {"name": "chat", "type": "upstream", "upstream_id": upstream, **fields}
        return self.json("POST", f"/gateways/{gateway}/services", body, status=201)

    def chat(self, **fields: Any) -> tuple[str, str, Any]:
        gateway = self.gateway()
        upstream = self.upstream(gateway)["id"]
        return gateway, upstream, self.service(gateway, upstream, **fields)


def error(answer: SandboxResponse) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["error"]
