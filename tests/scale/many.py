"""Any number of objects of one kind behind a small paged API, with manifests that agree with them."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_time import FakeTime

from reconciler.sandbox.http import SandboxRequest, SandboxResponse, json_response
from reconciler.sandbox.in_process import in_process_transport
from reconciler.workflow.commands import Connections, Loaded, Options, Planned, load, plan

KIND = """\
apiVersion: many/v1
kind: Thing
schema:
  type: object
  additionalProperties: false
  required: [name]
  properties:
    id: {{type: string, readOnly: true}}
    name: {{type: string}}
    size: {{type: integer}}
    after: {{type: string, x-ref: Thing}}
    words: {{type: array, x-list: set, items: {{type: string}}}}
identity: {{id: /id, key: [name], name: name}}
read:
  list: {{method: GET, path: /things, query: {{{query}}}, items: /items, paging: {{{paging}}}}}
{get}write:
  update: {{method: PATCH, path: "/things/{{id}}"}}
"""

GET = '  get: {method: GET, path: "/things/{id}"}\n'

STYLES = {
    "page": ('page: "{page.number}", n: "{page.size}"', "style: page, size: 100, total: /total"),
    "offset": ('from: "{page.offset}", n: "{page.size}"', "style: offset, size: 100, total: /total"),
    "endless": ('page: "{page.number}", n: "{page.size}"', "style: page, size: 100"),
    "cursor": ('after: "{page.cursor}", n: "{page.size}"', "style: cursor, size: 100, next: /next"),
}


@dataclass
class Many:
    """The API and the folder of the manifests."""

    folder: Path
    count: int
    style: str = "page"
    largest_page: int = 100
    said_total: int | None = None  # where the server counts wrongly
    seen: list[str] = field(default_factory=list)
    at_once: int = 0  # the most requests that were in flight
    wait_for: int = 0  # requests behind the first wait until so many are in flight
    name: str = "many"
    alone: bool = True  # single objects can be read
    answer_s: float = 1.0  # that each answer seems to take
    cache: str = ""  # the folder of caches; none where it is empty
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Condition()
        self._in_flight = 0
        for index in range(self.count):
            self.objects[f"id{index}"] = {
                "id": f"id{index}",
                "name": f"n{index:05d}",
                "size": index,
                "words": ["b", "a"],
            }

    def write(self, *, chain: int = 0, drift: int = 0, copies: int = 0) -> None:
        """Write the manifests: rows of `chain` resources that refer to the one before; `drift` of them differ.

        In rows of `copies` each one but the first states the size of the one before.
        """
        (self.folder / "schemas").mkdir(exist_ok=True)
        (self.folder / "manifests").mkdir(exist_ok=True)
        query, paging = STYLES[self.style]
        text = KIND.format(query=query, paging=paging, get=GET if self.alone else "")
        (self.folder / "schemas" / "many.yaml").write_text(text)
        target = "schemas: [schemas]\ntargets: {t: {systems: {many: {url: http://many.test}}}}\n"
        (self.folder / "reconciler.yaml").write_text(target)
        texts = []
        for index in range(self.count):
            after = ""
            if chain and index % chain:
                after = f", after: '${{ref:Thing/n{index - 1:05d}}}'"
                self.objects[f"id{index}"]["after"] = f"id{index - 1}"
            size: object = index + (index < drift)
            if copies and index % copies:
                size = f"'${{ref:Thing/n{index - 1:05d}#/size}}'"
                self.objects[f"id{index}"]["size"] = index - index % copies
            spec = f"{{size: {size}, words: [a, b]{after}}}"
            texts.append(f"apiVersion: many/v1\nkind: Thing\nmetadata: {{name: n{index:05d}}}\nspec: {spec}\n")
        for begin in range(0, self.count, 50):
            path = self.folder / "manifests" / f"{begin:05d}.yaml"
            path.write_text("---\n".join(texts[begin : begin + 50]))

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        with self._lock:
            first = not self.seen
            self.seen.append(f"{request.method} {request.path}?{dict(request.query)}")
            self._in_flight += 1
            self.at_once = max(self.at_once, self._in_flight)
            self._lock.notify_all()
            if not first and self.wait_for:
                self._lock.wait_for(lambda: self.at_once >= self.wait_for, timeout=5)
        try:
            return self._answer(request)
        finally:
            with self._lock:
                self._in_flight -= 1

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        asked = dict(request.query)
        remote_id = request.path.rpartition("/")[2]
        if request.path != "/things":
            if request.method == "PATCH":
                self.objects[remote_id] = {**self.objects[remote_id], **json.loads(request.body)}
            return json_response(200, self.objects[remote_id])
        size = min(int(asked["n"]), self.largest_page)
        begin = int(asked.get("from") or asked.get("after") or 0)
        if "page" in asked:
            begin = (int(asked["page"]) - 1) * size
        if begin > self.count:
            return json_response(404, {"message": "no such page"})
        items = list(self.objects.values())[begin : begin + size]
        following = str(begin + size) if begin + size < self.count else None
        total = self.count if self.said_total is None else self.said_total
        return json_response(200, {"items": items, "total": total, "next": following})

    def options(self, parallelism: int = 10) -> Options:
        return Options(
            config=self.folder / "reconciler.yaml",
            environ={"XDG_CACHE_HOME": self.cache} if self.cache else {},
            transport=lambda name: in_process_transport({"http://many.test": self}),
            parallelism=parallelism,
            timing=FakeTime().timing(self.answer_s),  # what is counted must not depend on how busy the machine is
        )

    def loaded(self, options: Options) -> Loaded:
        return load(options)

    def plan(self, parallelism: int = 10) -> Planned:
        options = self.options(parallelism)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            return plan(loaded, connections, options)
