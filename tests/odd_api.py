"""A small odd API for one bullet of the grammar, and the engine on it: definitions and manifests as text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_time import FakeTime

from reconciler.core.model import Plan
from reconciler.core.report import Outcome, Report
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response, json_response
from reconciler.sandbox.in_process import in_process_transport
from reconciler.workflow.commands import Connections, Options, apply, load, plan

Handler = Callable[[SandboxRequest], SandboxResponse]


@dataclass
class OddApi:
    """One target with one system called `odd`, answered by `handle`."""

    folder: Path
    handle: Handler
    name: str = "odd"
    seen: list[SandboxRequest] = field(default_factory=list)
    time: FakeTime = field(default_factory=FakeTime)
    environ: dict[str, str] = field(default_factory=dict)

    def define(self, kinds: str, manifests: str, *, parameters: str = "", target: str = "") -> None:
        """Write definitions, manifests and configuration; `target` holds further keys of the target."""
        (self.folder / "schemas").mkdir(exist_ok=True)
        (self.folder / "manifests").mkdir(exist_ok=True)
        (self.folder / "schemas" / "odd.yaml").write_text(textwrap.dedent(kinds))
        (self.folder / "manifests" / "all.yaml").write_text(textwrap.dedent(manifests))
        (self.folder / "reconciler.yaml").write_text(
            "schemas: [schemas]\ntargets:\n  test:\n    systems:\n      odd:\n        url: http://odd.test\n"
            + textwrap.indent(textwrap.dedent(parameters), "        ")
            + textwrap.indent(textwrap.dedent(target), "    ")
        )

    def manifests(self, text: str) -> None:
        """Let `text` be all the manifests."""
        (self.folder / "manifests" / "all.yaml").write_text(textwrap.dedent(text))

    def options(self, **more: Any) -> Options:
        recorder = _Recorder(self)
        return Options(
            config=self.folder / "reconciler.yaml",
            environ=self.environ,
            timing=self.time.timing(),
            transport=lambda name: in_process_transport({"http://odd.test": recorder}),
            **{"parallelism": 4, **more},
        )

    def plan(self, **more: Any) -> Plan:
        options = self.options(**more)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            return plan(loaded, connections, options).plan

    def apply(
        self,
        *,
        between: Callable[[], object] = lambda: None,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        **more: Any,
    ) -> Report:
        """Plan and apply; `between` is called after the plan, as somebody else would act."""
        options = self.options(**more)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            made = plan(loaded, connections, options)
            self.seen.clear()
            between()
            return apply(made, loaded, connections, options, on_outcome=on_outcome)

    def writes(self) -> list[tuple[str, str, Any]]:
        return [(r.method, r.path, body_of(r)) for r in self.seen if r.method != "GET"]


class _Recorder:
    def __init__(self, api: OddApi) -> None:
        self.name = "odd"
        self._api = api

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self._api.seen.append(request)
        return self._api.handle(request)


def body_of(request: SandboxRequest) -> Any:
    return json.loads(request.body) if request.body else None


def not_found() -> SandboxResponse:
    return json_response(404, {"message": "no such thing"})


__all__ = ["OddApi", "SandboxRequest", "SandboxResponse", "body_of", "empty_response", "json_response", "not_found"]
