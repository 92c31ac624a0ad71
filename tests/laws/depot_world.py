"""One estate in its depots, prepared once, and tried with faults as often as one likes."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from depot_estates import APPLIED_ONCE, WANTED, Estate, Thing
from depot_faults import Fault, Line, PowerCut
from depots import COLLECTIONS, KINDS, PARENTS, PIN, SECRET_FIELDS, SECRETS, TOKEN, Deed, Depot, Row
from fake_time import FakeTime
from list_vices import Vice
from repositories import REF, git, git_environment

from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Plan
from reconciler.core.redaction import Redactor
from reconciler.core.report import Outcome, Report
from reconciler.render.machine import report_document
from reconciler.render.report import render_outcome, render_report
from reconciler.sandbox.in_process import in_process_transport
from reconciler.workflow.commands import Connections, Loaded, Options, apply, load, plan

OLD = {"DEPOT_OLD_TOKEN": "fake-old-token-not-real", "DEPOT_OLD_PIN": "fake-old-pin-not-real"}
ENVIRON = {**SECRETS, **OLD, "RECONCILER_LEDGER_KEY": "fake-ledger-key-not-real-but-long-enough"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is run."""

    ledger: bool
    prune: bool
    git: bool = False  # where the ledger is: in a ref, or in a file


@dataclass
class Tried:
    """One run: how it ended, and everything that it said."""

    report: Report | None = None
    error: ReconcilerError | None = None
    killed: bool = False
    said: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


class World:
    """An estate that was applied once, and that others have worked on since."""

    def __init__(self, folder: Path, estate: Estate, way: Way) -> None:
        self.folder, self.estate, self.way = folder, estate, way
        self.things = {thing.name: thing for thing in estate.things}
        self.time = FakeTime()
        self.redactor = Redactor()
        self.lines = {name: Line(depot=Depot(name=name), time=self.time) for name in PARENTS}
        self._write_config()
        wanted = self._load(estate.manifests(before=False))
        if any(estate.of(APPLIED_ONCE)):
            first = self.run(self._load(estate.manifests(before=True, rotated=way.ledger)), prune=False)
            assert first.report is not None, first.error
            assert {outcome.status.value for outcome in first.report.outcomes} == {"applied"}, first.report.outcomes
        self.wanted = wanted
        for thing in estate.things:
            self._meddle(thing)
        self._start = {name: line.depot for name, line in self.lines.items()}
        self._files = self.files()
        self._ref = git(self._remote, "for-each-ref", "--format=%(objectname)", REF) if self.way.git else ""

    # ------------------------------------------------------------------ before

    def _write_config(self) -> None:
        target: dict[str, Any] = {
            "systems": {n: {"url": f"http://{n}.test", "auth": {"bearer": "${env:DEPOT_KEY}"}} for n in PARENTS},
            "secrets": [*SECRETS, *OLD],
            "policy": {"maxDeletes": 100, "maxChangeShare": 1.0},
        }
        if self.way.ledger:
            target["ledger"] = {"git": REF} if self.way.git else {"file": "memory/ledger.json"}
        for name in ("schemas", "manifests", "memory"):
            (self.folder / name).mkdir(exist_ok=True)
        if self.way.git:
            self._remote.mkdir()
            git(self._remote, "init", "--quiet", "--bare")
            git(self.folder, "init", "--quiet")
            git(self.folder, "remote", "add", "origin", str(self._remote))
        (self.folder / "schemas" / "depots.yaml").write_text(KINDS)
        self.config.write_text(json.dumps({"schemas": ["schemas"], "targets": {"test": target}}))

    @property
    def _remote(self) -> Path:
        return self.folder / "remote.git"

    @property
    def config(self) -> Path:
        return self.folder / "reconciler.yaml"

    def _load(self, manifests: str) -> Loaded:
        (self.folder / "manifests" / "all.yaml").write_text(manifests)
        return load(self.options())

    def _meddle(self, thing: Thing) -> None:
        """Do what others have done since the first apply."""
        depot = self.lines[thing.system].depot
        if thing.fate in ("adopt", "foreign"):
            body: Row = {"name": thing.name, "size": 8, "label": "theirs", "note": "theirs"}
            body[SECRET_FIELDS[thing.system]] = self.secret(thing.system)
            if thing.parent:
                body[depot.parent_field] = depot.of_name(thing.parent)[0]["id"]
            depot.add(COLLECTIONS[thing.kind], body)
            return
        for row in depot.of_name(thing.name):
            if thing.fate == "vanished":
                depot.take(COLLECTIONS[thing.kind], row)
            elif thing.fate == "drifted":
                depot.change(row, {"size": 9, "label": "drifted"})

    def prunes(self, system: str) -> bool:
        """Tell whether what is left in a system goes: it is proven ours, and something is still wanted there."""
        return self.way.prune and self.way.ledger and any(t.system == system for t in self.estate.of(WANTED))

    @staticmethod
    def secret(system: str) -> str:
        return PIN if system == "harbor" else TOKEN

    def files(self) -> dict[str, bytes]:
        """Return what is remembered on disk."""
        found = {}
        for path in (self.folder / "memory").iterdir():
            with contextlib.suppress(FileNotFoundError):  # another thread is about to put it in its place
                found[path.name] = path.read_bytes()
        return found

    def _put_files(self, files: Mapping[str, bytes]) -> None:
        for path in (self.folder / "memory").iterdir():
            path.unlink()
        for name, content in files.items():
            (self.folder / "memory" / name).write_bytes(content)

    def again(self, faults: tuple[Fault, ...] = ()) -> None:
        """Begin anew where others have finished their work; then `faults` happen to the next run."""
        self._put_files(self._files)
        if self.way.git:
            git(self._remote, "update-ref", *([REF, self._ref] if self._ref else ["-d", REF]))
        self.past: list[Deed] = []  # of earlier runs
        self.lines = {
            name: Line(depot=depot.copy(), time=self.time, faults=faults, on_cut=self._cut)
            for name, depot in self._start.items()
        }

    def lie(self, vice: Vice) -> None:
        """Let all lists of the next run be what `vice` makes of them."""
        for line in self.lines.values():
            before = frozenset(row["id"] for _, row in line.depot.every())
            line.depot.lists = partial(vice, before)

    def mend(self) -> None:
        """Let nothing go wrong any more, and some time pass."""
        self.time.sleep(100)
        for line in self.lines.values():
            line.act_late()
            self.past += line.depot.deeds
            line.depot.deeds = []
            line.depot.lists = Depot(name=line.name).lists
        self.lines = {name: Line(depot=line.depot, time=self.time) for name, line in self.lines.items()}

    # ------------------------------------------------------------------ runs

    def _cut(self) -> None:
        """Keep what is on disk at this instant; nothing is sent any more."""
        self._cut_files = self.files()
        for line in self.lines.values():
            line.dead = True

    def options(self, *, prune: bool = False) -> Options:
        return Options(
            config=self.config,
            environ={**ENVIRON, **git_environment(self.folder)} if self.way.git else ENVIRON,
            redactor=self.redactor,
            timing=self.time.timing(),
            transport=self._transport,
            parallelism=1,
            prune=prune,
            allow_replace=True,
            cache=False,
        )

    def _transport(self, name: str) -> httpx.BaseTransport:
        return in_process_transport({f"http://{name}.test": self.lines[name]})

    def run(self, loaded: Loaded | None = None, *, prune: bool | None = None) -> Tried:
        """Plan and apply as the command line does, and keep everything that is said."""
        options = self.options(prune=self.way.prune if prune is None else prune)
        chosen, tried, logged = loaded or self.wanted, Tried(), _Logged()
        logger = logging.getLogger("reconciler")
        logger.addHandler(logged)
        try:
            with Connections(chosen.settings, options) as connections:
                made = plan(chosen, connections, options)
                for line in self.lines.values():
                    line.planned = line.came
                tried.said += [d.message + d.hint for d in (*made.plan.blockers, *made.plan.diagnostics)]
                tried.report = apply(made, chosen, connections, options, on_outcome=tried.outcomes.append)
                tried.said.append(render_report(tried.report))
                tried.said += [render_outcome(outcome) for outcome in tried.outcomes]
                tried.said.append(json.dumps(report_document(tried.report)))
        except ReconcilerError as error:
            tried.error = error
            tried.said += [error.message, error.hint, *(d.message for d in getattr(error, "diagnostics", ()))]
        except PowerCut:
            tried.killed = True
            self._put_files(self._cut_files)
        finally:
            logger.removeHandler(logged)
        tried.said += logged.lines
        tried.said = [self.redactor.text(text) for text in tried.said]  # the way that all text leaves the program
        return tried

    def plan(self) -> Plan:
        options = self.options(prune=self.way.prune)
        with Connections(self.wanted.settings, options) as connections:
            return plan(self.wanted, connections, options).plan

    def rows(self, thing: Thing) -> list[Row]:
        return self.lines[thing.system].depot.of_name(thing.name)


class _Logged(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
