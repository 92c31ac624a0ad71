"""A workbench for tests: the example estate in process, a workspace in a folder, and the commands on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.core.model import Plan, Report
from reconciler.core.redaction import Redactor
from reconciler.core.selection import Selection, read_selection
from reconciler.sandbox.estate import SECRETS, Estate, build_estate
from reconciler.sandbox.in_process import in_process_transport
from reconciler.sandbox.recording import Recorded, Recording
from reconciler.sandbox.workspace import write_workspace
from reconciler.shell.packaged import packaged_folder
from reconciler.shell.sending import Timing
from reconciler.workflow import Connections, Loaded, Options, Planned, apply, load, plan


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def timing(self) -> Timing:
        return Timing(clock=self.clock, sleep=self.sleep, jitter=lambda upper: upper / 2, wall_clock=self.clock)


def is_write(request: Any) -> bool:
    """Tell writes from reads, also where everything is a POST."""
    if request.path.startswith("/proxies.v1.Proxies/"):
        return not request.path.rsplit("/", 1)[1].startswith(("Get", "List"))
    return request.method not in ("GET", "HEAD")


@dataclass
class Bench:
    """One target with its emulated systems. `wrap` puts something (faults, say) between recording and system."""

    folder: Path
    estate: Estate
    variants: Mapping[str, str] = field(default_factory=dict)
    time: FakeTime = field(default_factory=FakeTime)
    redactor: Redactor = field(default_factory=Redactor)
    recordings: dict[str, Recording] = field(default_factory=dict)
    wrapped: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "reconciler.yaml"

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    def url(self, system: str) -> str:
        return f"http://{system}.test"

    def record(self) -> None:
        for name, system in self.estate.systems().items():
            self.recordings[name] = Recording(self.wrapped.get(name, system), is_write=is_write)

    def options(self, *, selection: Selection | None = None, parallelism: int = 4, resend: bool = False) -> Options:
        self.record()

        def transport(name: str) -> httpx.BaseTransport:
            return in_process_transport({self.url(name): self.recordings[name]})

        return Options(
            config=self.config,
            environ=dict(SECRETS) | {"RECONCILER_LEDGER_KEY": "fake-ledger-key-not-real"},
            redactor=self.redactor,
            timing=self.time.timing(),
            transport=transport,
            selection=selection or Selection(),
            parallelism=parallelism,
            resend=resend,
        )

    def load(self, options: Options | None = None) -> Loaded:
        return load(options or self.options())

    def plan(self, *addresses: str, **more: Any) -> Plan:
        return self.planned(*addresses, **more).plan

    def planned(self, *addresses: str, **more: Any) -> Planned:
        options = self.options(selection=read_selection([], addresses), **more)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            return plan(loaded, connections, options)

    def apply(self, *addresses: str, **more: Any) -> Report:
        """Plan and apply; `between` is called after the plan, as somebody else would act."""
        between = more.pop("between", None)
        options = self.options(selection=read_selection([], addresses), **more)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            made = plan(loaded, connections, options)
            for recording in self.recordings.values():
                recording.clear()
            if between is not None:
                between()
            return apply(made, loaded, connections, options)

    def writes(self, system: str) -> list[Recorded]:
        return list(self.recordings[system].writes())

    def requests(self, system: str) -> list[Recorded]:
        return list(self.recordings[system].requests)

    def manifest(self, name: str, text: str) -> Path:
        """Write one manifest file, and return its path."""
        path = self.manifests / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def only(self, text: str) -> None:
        """Let `text` be all the manifests."""
        for path in sorted(self.manifests.rglob("*.yaml")):
            path.unlink()
        self.manifest("only.yaml", text)


def make_bench(folder: Path, variants: Mapping[str, str] | None = None, *, populated: bool = True) -> Bench:
    chosen = dict(variants or {})
    bench = Bench(folder=folder, estate=build_estate(chosen, populated=populated), variants=chosen)
    urls = {name: bench.url(name) for name in bench.estate.systems()}
    write_workspace(folder, packaged_folder("manifests"), urls, chosen)
    return bench


def bodies(recorded: list[Recorded]) -> list[Any]:
    """Return the JSON bodies of recorded requests, None where there was none."""
    return [json.loads(one.request.body) if one.request.body else None for one in recorded]
