"""A Galtea to ask in a few words."""

from __future__ import annotations

import json
from typing import Any

from reconciler.sandbox.galtea import Galtea
from reconciler.sandbox.http import SandboxRequest, SandboxResponse

KEY = "gsk_fake-key-not-real"


class Api:
    """A Galtea with a clock that moves a second per request, and a short way to ask it."""

    def __init__(self, **options: Any) -> None:
        self.now = 1_790_000_000.0
        self.system = Galtea(api_key=KEY, clock=lambda: self.now, **options)
        self.product = self.system.seed("products", {"name": "bot", "description": "d"})

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> SandboxResponse:
        self.now += 1
        path, _, query = path.partition("?")
        sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers}
        return self.system.handle(
            SandboxRequest(
                method=method,
                path=path,
                query=tuple((k, v) for k, _, v in (pair.partition("=") for pair in query.split("&") if pair)),
                headers={name: value for name, value in sent.items() if value},
                body=body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b"",
            )
        )

    def json(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status == status, answer.body
        return json.loads(answer.body) if answer.body else None

    def fields(self, **changes: Any) -> dict[str, Any]:
        start = {
            "productId": self.product,
            "name": "chat",
            "type": "CONVERSATION",
            "url": "https://bot.example.com/v1/chat",
            "httpMethod": "POST",
            "authType": "NONE",
            "inputTemplate": '{"prompt": "{{ input.user_message }}"}',
            "outputMapping": {"output": "$.text"},
        }
        return {name: value for name, value in {**start, **changes}.items() if value is not ...}

    def connect(self, **changes: Any) -> Any:
        return self.json("POST", "/endpointConnections", self.fields(**changes), status=201)

    def patch(self, row_id: str, *, status: int = 200, **changes: Any) -> Any:
        return self.json("PATCH", f"/endpointConnections/{row_id}", changes, status=status)

    def stored(self, row_id: str) -> dict[str, Any]:
        return next(row for row in self.system.stored("endpointConnections") if row["id"] == row_id)


def message(answer: SandboxResponse) -> str:
    body = json.loads(answer.body)
    assert body.keys() == {"error", "message"}
    return str(body["message"])
