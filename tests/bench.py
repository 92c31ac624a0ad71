"""A workbench for tests: the example estate in process, a workspace in a folder, and the commands on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fake_time import FakeTime

from reconciler.core.errors import InvalidInput
from reconciler.core.manifests.selection import Selection, read_selection, select
from reconciler.core.model import Change, Plan
from reconciler.core.redaction import Redactor
from reconciler.core.report import Outcome, Report, Status
from reconciler.sandbox.estate import SECRETS, Estate, build_estate
from reconciler.sandbox.galtea import Galtea
from reconciler.sandbox.in_process import in_process_transport
from reconciler.sandbox.recording import Recorded, Recording
from reconciler.sandbox.vices import Fault, Vices
from reconciler.sandbox.workspace import write_workspace
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.commands import Connections, Loaded, Options, Planned, apply, load, plan

LEDGER_KEY = "fake-ledger-key-not-real-but-long-enough"
USUAL_FAULT_CASES = 2000  # of tests/laws/test_faults_*.py; --fault-cases asks for another number

PLACES = {
    "apinizer.apiProxies": ("project", "name"),
    "galtea.products": ("name",),
    "galtea.endpointConnections": ("productId", "name"),
    "galtea.models": ("organizationId", "name"),
    "galtea.userGroups": ("name",),
    "galtea.specifications": ("productId", "name"),
    "galtea.phoneConnections": ("productId", "name"),
    "galtea.webRtcConnections": ("productId", "name"),
    "galtea.versions": ("productId", "name"),
    "galtea.monitors": ("productId", "name"),
    "goldmine.sessions": ("poolId", "token"),
    "trustgate.gateways": ("name",),
    "trustgate.upstreams": ("gateway_id", "name"),
    "trustgate.services": ("gateway_id", "name"),
}
"""Where the systems keep things, and what tells them apart."""


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
    environ: dict[str, str] = field(default_factory=lambda: dict(SECRETS) | {"RECONCILER_LEDGER_KEY": LEDGER_KEY})
    _loaded: tuple[Any, Loaded] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "reconciler.yaml"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.json"

    def without_ledger(self) -> Bench:
        """Take the ledger out of the configuration, and return this bench."""
        lines = self.config.read_text().splitlines(keepends=True)
        self.config.write_text("".join(line for line in lines if "ledger:" not in line))
        return self

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    def url(self, system: str) -> str:
        return f"http://{system}.test"

    def record(self) -> None:
        for name, system in self.estate.systems().items():
            self.recordings[name] = Recording(self.wrapped.get(name, system), is_write=is_write)

    def options(self, *, selection: Selection | None = None, parallelism: int = 4, **more: Any) -> Options:
        self.record()

        def transport(name: str) -> httpx.BaseTransport:
            return in_process_transport({self.url(name): self.recordings[name]})

        return Options(
            config=self.config,
            environ=dict(self.environ),
            redactor=self.redactor,
            timing=self.time.timing(),
            transport=transport,
            selection=selection or Selection(),
            parallelism=parallelism,
            **more,
        )

    def load(self, options: Options | None = None) -> Loaded:
        """Return what is loaded from the files as they are now; files are read again only when they changed."""
        chosen = options or self.options()
        if chosen.prune is not None or chosen.destroy or "prune: true" in self.config.read_text():
            return load(chosen)  # the ledger has a say as well
        written = [self.config, *sorted(self.manifests.rglob("*"))]
        state = [(str(path), path.read_bytes() if path.is_file() else b"") for path in written], dict(self.environ)
        if self._loaded is None or self._loaded[0] != state:
            try:
                self._loaded = state, load(replace(chosen, selection=Selection()))
            except InvalidInput as error:
                error.add_note("\n".join(f"{d.source}: {d.message}" for d in error.diagnostics))
                raise
        loaded = self._loaded[1]
        return replace(loaded, selected=select(loaded.resources.values(), chosen.selection))

    def plan(self, *addresses: str, **more: Any) -> Plan:
        return self.planned(*addresses, **more).plan

    def planned(self, *addresses: str, **more: Any) -> Planned:
        options = self.options(selection=read_selection([], addresses), **more)
        loaded = self.load(options)
        with Connections(loaded.settings, options) as connections:
            return plan(loaded, connections, options)

    def apply(self, *addresses: str, **more: Any) -> Report:
        """Plan and apply; `between` is called after the plan, as somebody else would act."""
        between = more.pop("between", None)
        options = self.options(selection=read_selection([], addresses), **more)
        loaded = self.load(options)
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

    def only(self, text: str) -> Bench:
        """Let `text` be all the manifests, and return this bench."""
        for path in sorted(self.manifests.rglob("*.yaml")):
            path.unlink()
        self.manifest("only.yaml", text)
        return self

    def keep(self, system: str) -> Bench:
        """Let the examples of `system` be all the manifests, and return this bench."""
        for folder in self.manifests.iterdir():
            if folder.name != system:
                shutil.rmtree(folder)
        return self

    def rewrite(self, old: str, new: str) -> None:
        """Replace `old`, which stands exactly once in all the manifests together."""
        holders = [path for path in sorted(self.manifests.rglob("*.yaml")) if old in path.read_text()]
        assert len(holders) == 1, f"{old!r} stands in {len(holders)} manifests"
        text = holders[0].read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {holders[0]}"
        holders[0].write_text(text.replace(old, new))

    def drop(self, *names: str) -> None:
        """Take the manifests with these names away; each is there."""
        for name in names:
            holders = [p for p in sorted(self.manifests.rglob("*.yaml")) if f"\n  name: {name}\n" in p.read_text()]
            assert len(holders) == 1, f"{name!r} is declared in {len(holders)} files"
            documents = holders[0].read_text().split("\n---\n")
            rest = [text for text in documents if f"\n  name: {name}\n" not in text]
            holders[0].write_text("\n---\n".join(rest))

    def policy(self, text: str) -> None:
        """Give the target a policy, as in `prune: true`."""
        self.config.write_text(self.config.read_text() + f"    policy: {{{text}}}\n")

    def wrap(self, system: str, *faults: Fault) -> Vices:
        """Put faults in front of a system, and return them."""
        wrapped = Vices(self.estate.systems()[system], *faults, sleep=self.time.sleep, is_write=is_write)
        self.wrapped[system] = wrapped
        return wrapped


def make_bench(folder: Path, variants: Mapping[str, str] | None = None, *, populated: bool = True) -> Bench:
    chosen = dict(variants or {})
    bench = Bench(folder=folder, estate=build_estate(chosen, populated=populated), variants=chosen)
    urls = {name: bench.url(name) for name in bench.estate.systems()}
    write_workspace(folder, packaged_folder, urls, chosen)
    return bench


def with_empty_answers(estate: Estate) -> Estate:
    """Return the estate with a Galtea that holds the same, and answers writes without the object."""
    quiet = Galtea(api_key=SECRETS["GALTEA_API_KEY"], empty_answers=True)
    for collection in quiet.collections:
        for row in estate.galtea.stored(collection):
            quiet.seed(collection, row)
    return replace(estate, galtea=quiet)


def change_of(plan: Plan, name: str) -> Change:
    """Return the change whose address ends in `name`."""
    (found,) = [change for change in plan.changes if str(change.address).endswith(name)]
    return found


def outcome_of(report: Report, name: str) -> Outcome:
    """Return the outcome whose address ends in `name`."""
    (found,) = [outcome for outcome in report.outcomes if str(outcome.address).endswith(name)]
    return found


def assert_applied(report: Report) -> None:
    """Assert that everything was applied, or was in place already."""
    trouble = [o for o in report.outcomes if o.status not in (Status.APPLIED, Status.UNCHANGED)]
    assert not trouble, [(str(o.address), o.status.value, o.detail) for o in trouble]


def rows(bench: Bench, place: str, **values: Any) -> list[dict[str, Any]]:
    """Return the rows of `place` (`system.collection`) that are not deleted and hold `values`."""
    system, _, collection = place.partition(".")
    stored = getattr(bench.estate, system).stored(collection)
    return [r for r in stored if all(r[n] == v for n, v in values.items()) and r.get("deletedAt") is None]


def write_count(bench: Bench) -> int:
    """Return how many writes there were since the plan."""
    return sum(len(bench.writes(name)) for name in bench.recordings)


def bodies(recorded: list[Recorded]) -> list[Any]:
    """Return the JSON bodies of recorded requests, None where there was none."""
    return [json.loads(one.request.body) if one.request.body else None for one in recorded]
