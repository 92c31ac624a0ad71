"""The server that is measured against: asyncio on a bare socket protocol, pages made beforehand, in its own process.

    python server.py KIND COUNT LATENCY_MS [chained]

It prints its port. `GET /stats` tells how many requests it has answered and how many seconds of CPU that took, which
shows whether it is a bottleneck; `POST /reset` starts both again and takes back all changes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from estate import PAGE_SIZE, PATHS, live_object


class Estate:
    """The objects of one kind, and every answer that is asked for often, as bytes."""

    def __init__(self, kind: str, count: int, *, chained: bool) -> None:
        self.kind, self.count, self.chained = kind, count, chained
        self.path = "/" + PATHS[kind]
        self.requests = self.writes = 0
        self.started = time.process_time()
        self.objects: list[dict[str, Any]] = []
        self.places: dict[str, int] = {}
        self.pages: dict[int, bytes] = {}
        self.fill()

    def fill(self) -> None:
        self.objects = [live_object(i, self.kind, chained=self.chained) for i in range(self.count)]
        self.places = {one["id"]: place for place, one in enumerate(self.objects)}
        self.pages = {n: self.page(n) for n in range(self.count // PAGE_SIZE + 2)}

    def page(self, number: int) -> bytes:
        items = self.objects[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
        more = (number + 1) * PAGE_SIZE < self.count
        return answer({"items": items, "total": self.count, "next": str(number + 1) if more else None})

    def reply(self, method: str, target: str, body: bytes) -> bytes:
        if target == "/stats":
            seconds = time.process_time() - self.started
            return answer({"requests": self.requests, "writes": self.writes, "cpu_s": seconds})
        if target == "/reset":
            if self.writes:
                self.fill()
            self.requests = self.writes = 0
            self.started = time.process_time()
            return answer({})
        self.requests += 1
        parts = urlsplit(target)
        if parts.path == self.path:
            asked = dict(parse_qsl(parts.query))
            number = int(asked["page"]) - 1 if "page" in asked else int(asked.get("cursor", 0))
            return self.pages.get(number) or answer({"items": [], "total": self.count, "next": None})
        place = self.places.get(parts.path.rpartition("/")[2])
        if place is None:
            return answer({"message": "not found"}, "404 Not Found")
        if method == "PATCH":
            self.writes += 1
            self.objects[place] = {**self.objects[place], **json.loads(body)}
            self.pages[place // PAGE_SIZE] = self.page(place // PAGE_SIZE)
        return answer(self.objects[place])


def answer(value: Any, status: str = "200 OK") -> bytes:
    content = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


class Connection(asyncio.Protocol):
    """One connection; requests are answered in order, each after the latency that was asked for."""

    def __init__(self, estate: Estate, latency_s: float) -> None:
        self.estate, self.latency_s, self.buffer = estate, latency_s, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n")[1:]:
                if line[:15].lower() == b"content-length:":
                    length = int(line[15:])
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            method, target, _ = head.split(b" ", 2)
            reply = self.estate.reply(method.decode(), target.decode(), rest[:length])
            if self.latency_s:
                asyncio.get_running_loop().call_later(self.latency_s, self.transport.write, reply)
            else:
                self.transport.write(reply)


async def serve(estate: Estate, latency_s: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(estate, latency_s), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    kind, count, latency_ms = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    asyncio.run(serve(Estate(kind, count, chained="chained" in sys.argv[4:]), latency_ms / 1000))
