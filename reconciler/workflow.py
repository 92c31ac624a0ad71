"""The commands as functions: load, validate, plan, apply. The only place where core and doors are wired together.

Reads: files and environment through `shell`. Writes: what `execute` writes, and the ledger after an apply.
"""

from __future__ import annotations

import functools
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import ApiError, InvalidInput, ReconcilerError, Refused, UsageError
from reconciler.core.expressions import ExpressionError, Lookups
from reconciler.core.kinds import Catalog, check_parameters, load_catalog
from reconciler.core.ledger import Applied, Ledger, Record, make_record
from reconciler.core.model import (
    Address,
    Diagnostic,
    Document,
    LiveObject,
    Outcome,
    Plan,
    Report,
    Request,
    Resource,
    Response,
    Severity,
)
from reconciler.core.planning import Considered, Inputs, make_plan
from reconciler.core.redaction import Redactor
from reconciler.core.references import Known
from reconciler.core.selection import Selection, select, with_parents
from reconciler.core.validation import validate
from reconciler.shell.client import Client
from reconciler.shell.endpoint import Endpoint
from reconciler.shell.executor import Tools, execute
from reconciler.shell.files import (
    TextFileError,
    display_path,
    find_manifests,
    read_documents,
    read_text_inside,
)
from reconciler.shell.following import find_due
from reconciler.shell.ledger_file import KEY_NAME, read_ledger, write_ledger
from reconciler.shell.packaged import packaged_folder
from reconciler.shell.refresh import LiveReader, refresh
from reconciler.shell.sending import Pace, Sender, Timing
from reconciler.shell.settings import (
    SYSTEM_KEYS,
    FileLedger,
    Settings,
    SystemSettings,
    environment_value,
    load_settings,
)

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says, and the doors that a caller may replace."""

    config: Path
    target: str | None = None
    selection: Selection = Selection()
    parallelism: int = 10
    resend: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor, repr=False)
    timing: Timing = Timing()
    transport: Callable[[str], httpx.BaseTransport] | None = None  # by system; None: the network


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Manifests, kinds and settings of one target, all of them good."""

    settings: Settings
    catalog: Catalog
    resources: Mapping[Address, Resource]
    selected: frozenset[Address]
    warnings: tuple[Diagnostic, ...] = ()
    documents: int = 0


# --------------------------------------------------------------------------- definitions


def read_definitions(folders: Iterable[Path]) -> tuple[list[Document], list[Diagnostic]]:
    """Return the definition documents of `folders`, and every mistake in reading them."""
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    for folder in folders:
        paths, found = find_manifests([folder], Path())
        problems += found
        for path in paths:
            read, found = read_documents(path, display_path(path))
            documents += [d for d in read if not _is_plain_schema(d)]
            problems += found
    return documents, problems


def shipped_systems() -> list[str]:
    """Return the names of the systems that ship: each has a folder of its own."""
    return sorted(folder.name for folder in packaged_folder("schemas").iterdir() if folder.is_dir())


@functools.lru_cache(maxsize=64)
def _shipped_definitions(system: str) -> tuple[tuple[Document, ...], tuple[Diagnostic, ...]]:
    """Read the definitions of one system that ships, once for each process: they do not change while it runs."""
    documents, problems = read_definitions([packaged_folder("schemas") / system])
    return tuple(documents), tuple(problems)


def _is_plain_schema(document: Document) -> bool:
    """Tell a JSON Schema file, which definitions may lie beside, from a definition."""
    return isinstance(document.data, dict) and "$schema" in document.data and "kind" not in document.data


def load_kinds(
    own: Iterable[Path],
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    systems: Iterable[str] | None = None,
) -> tuple[Catalog, list[Diagnostic]]:
    """Return the catalog of the definitions that ship and those in the folders `own`, and every mistake.

    Of those that ship only the ones of `systems` are read, which saves time; None means all of them.
    """
    known = shipped_systems()
    wanted = known if systems is None else sorted(set(systems) & set(known))
    shipped = [document for name in wanted for document in _shipped_definitions(name)[0]]
    problems = [problem for name in wanted for problem in _shipped_definitions(name)[1]]
    added, found = read_definitions(own)
    catalog, mistakes = load_catalog(
        [*shipped, *added],
        parameters={name: dict(values) for name, values in (parameters or {}).items()},
        trusted=frozenset(document.source.path for document in shipped),
    )
    return catalog, [*problems, *found, *mistakes]


# --------------------------------------------------------------------------- load and validate


def load(options: Options) -> Loaded:
    """Read and check everything that a person wrote. Raises InvalidInput with all mistakes, or UsageError."""
    settings = load_settings(options.config, options.target, options.environ)
    options.redactor.add(settings.secret_values)
    parameters = {name: system.parameters for name, system in settings.systems.items()}
    paths, problems = find_manifests(settings.manifest_paths, settings.root)
    documents: list[Document] = []
    for path in paths:
        read, found = read_documents(path, display_path(path))
        documents += read
        problems += found
    catalog, found = load_kinds(settings.schema_paths, parameters, systems=_systems_in_use(documents, settings))
    problems += found
    problems += _parameter_mistakes(catalog, settings)
    resources, mistakes = validate(documents, catalog, _lookups(settings, options.redactor))
    problems += mistakes
    problems += _unconfigured(resources, settings)
    if not documents and not problems:
        raise UsageError(
            f"no manifests in {', '.join(display_path(path) for path in settings.manifest_paths)}",
            hint="an empty set is never taken for a wish to have nothing; write a manifest, or correct `manifests`",
        )
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InvalidInput(problems)
    by_address = {resource.address: resource for resource in resources}
    return Loaded(
        settings=settings,
        catalog=catalog,
        resources=by_address,
        selected=select(resources, options.selection),
        warnings=tuple(problems),
        documents=len(documents),
    )


def _systems_in_use(documents: Iterable[Document], settings: Settings) -> set[str] | None:
    """Return the systems that are configured or in manifests; None when one of them does not ship.

    Then all definitions are needed, if only to say which systems there are.
    """
    stated = {d.data.get("apiVersion") for d in documents if isinstance(d.data, dict)}
    names = {text.partition("/")[0] for text in stated if isinstance(text, str)} | settings.systems.keys()
    return names if names <= set(shipped_systems()) else None


def _lookups(settings: Settings, redactor: Redactor) -> Lookups:
    root = settings.manifest_paths[0] if settings.manifest_paths else settings.root

    def read_file(name: str) -> str:
        try:
            text = read_text_inside(root, name)
        except TextFileError as error:
            raise ExpressionError(str(error), error.hint) from None
        redactor.add([text, text.strip()])
        return text

    return Lookups(
        environment=lambda name: environment_value(settings, name),
        file=read_file,
        variables=settings.variables,
        secret_values=settings.secret_values,
    )


def _parameter_mistakes(catalog: Catalog, settings: Settings) -> list[Diagnostic]:
    found = []
    for name, system in settings.systems.items():
        definition = catalog.systems.get(name)
        for parameter, message, hint in check_parameters(definition, system.parameters, SYSTEM_KEYS):
            source = system.parameter_sources.get(parameter, system.source)
            found.append(
                Diagnostic(
                    severity=Severity.ERROR,
                    code="invalid-setting",
                    message=f"system {name}: {message}",
                    source=source,
                    hint=hint,
                )
            )
    return found


def _unconfigured(resources: Iterable[Resource], settings: Settings) -> list[Diagnostic]:
    missing: dict[str, Diagnostic] = {}
    for resource in resources:
        system = resource.address.system
        if system not in settings.systems and system not in missing:
            missing[system] = Diagnostic(
                severity=Severity.ERROR,
                code="unconfigured-system",
                message=f"the target {settings.target!r} does not say where {system} is",
                source=resource.locate(("apiVersion",)),
                hint=f"add it under targets.{settings.target}.systems in {display_path(settings.config)}",
            )
    return list(missing.values())


# --------------------------------------------------------------------------- connections


class Connections:
    """One client and one sender per system, opened when first needed; closes them all."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self._settings = settings
        self._options = options
        self._clients: dict[str, Client] = {}
        self._senders: dict[str, Sender] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for client in self._clients.values():
            client.close()

    def send(self, request: Request) -> Response:
        """Send to the system that the request names, within its limits and with its retries."""
        with self._lock:
            sender = self._senders.get(request.system) or self._open(self._settings.systems[request.system])
        try:
            return sender.send(request)
        except ApiError as error:
            if request.system not in error.message:
                error.message = f"{request.system}: {error.message}"
            raise

    def _open(self, system: SystemSettings) -> Sender:
        concurrency = system.concurrency or self._options.parallelism
        transport = None if self._options.transport is None else self._options.transport(system.name)
        client = Client(_endpoint(system, concurrency), transport=transport)
        self._clients[system.name] = client
        pace = Pace(concurrency=concurrency, requests_per_second=system.requests_per_second)
        sender = Sender(client.send, pace=pace, timing=self._options.timing)
        self._senders[system.name] = sender
        return sender

    @property
    def requests(self) -> int:
        """How many requests were sent so far, attempts included."""
        return sum(sender.counters.requests for sender in self._senders.values())


def _endpoint(system: SystemSettings, pool_size: int) -> Endpoint:
    return Endpoint(
        system=system.name,
        url=system.url,
        auth=system.auth,
        ca_file=None if system.ca_file is None else str(system.ca_file),
        proxy=system.proxy,
        verify=not system.insecure_skip_verify,
        connect_timeout_s=system.connect_timeout_s,
        read_timeout_s=system.read_timeout_s,
        headers=system.headers,
        pool_size=pool_size,
    )


def run_all(workers: int) -> Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]:
    """Return a function that maps in parallel, at most `workers` at a time; nested use is safe."""

    def run(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        known = list(items)
        if len(known) <= 1 or workers == 1:
            return [function(item) for item in known]
        # A pool of its own for each call: tasks that wait for inner tasks must not take their places.
        pool = ThreadPoolExecutor(max_workers=min(workers, len(known)), thread_name_prefix="read")
        interrupted = False
        try:
            return list(pool.map(function, known))
        except KeyboardInterrupt:
            interrupted = True  # reads in flight are left to themselves
            raise
        finally:
            pool.shutdown(wait=not interrupted, cancel_futures=True)

    return run


# --------------------------------------------------------------------------- plan and apply


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what apply needs to carry it out."""

    plan: Plan
    inputs: Inputs = field(repr=False)
    reader: LiveReader = field(repr=False)
    ledger: Ledger = field(repr=False)


def plan(loaded: Loaded, connections: Connections, options: Options) -> Planned:
    """Read the live state and make the plan. Sends no write. Raises ApiError when the state cannot be read."""
    ledger = _read_ledger(loaded.settings, options)
    catalog = loaded.catalog
    reader = LiveReader(
        catalog=catalog,
        send=connections.send,
        run_all=run_all(options.parallelism),
        remote_ids=ledger.remote_ids(),
    )
    needed = with_parents(loaded.selected, loaded.resources)
    state = refresh(reader, [loaded.resources[address] for address in sorted(needed)])
    if state.failures:
        raise _all_failures(state.failures)
    known = Known(resources=loaded.resources, live=state.objects)
    inputs = Inputs(
        target=loaded.settings.target,
        resources=loaded.resources,
        selected=loaded.selected,
        catalog=catalog,
        live=state.objects,
        unreadable=state.unreadable,
        memory=ledger,
        due=tuple(find_due(reader, known, loaded.selected)),
        resend=options.resend,
    )
    made = make_plan(inputs, [*loaded.warnings, *state.problems])
    made = replace(made, requests_made=connections.requests)
    return Planned(plan=made, inputs=inputs, reader=reader, ledger=ledger)


def _all_failures(failures: Iterable[ApiError]) -> ReconcilerError:
    distinct = {error.message: error for error in failures}
    first = next(iter(distinct.values()))
    if len(distinct) == 1:
        return first
    hints = dict.fromkeys(error.hint for error in distinct.values() if error.hint)
    return ApiError("\n".join(distinct), error_class=first.error_class, status=first.status, hint="; ".join(hints))


def _read_ledger(settings: Settings, options: Options) -> Ledger:
    match settings.ledger:
        case None:
            return Ledger(target=settings.target)
        case FileLedger(path=path):
            key = options.environ.get(KEY_NAME, "")
            options.redactor.add([key] if key else [])
            return read_ledger(path, settings.target, key.encode())
        case _:
            raise UsageError(
                "a ledger in a Git ref is not supported by this version",
                hint="use `ledger: {file: PATH}`, or leave `ledger` out",
            )


def apply(
    planned: Planned,
    loaded: Loaded,
    connections: Connections,
    options: Options,
    *,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> Report:
    """Carry out a plan and record it in the ledger. Raises Refused when the plan has blockers; sends nothing then."""
    if planned.plan.blockers:
        count = len(planned.plan.blockers)
        raise Refused(
            f"nothing was applied: {count} {'blocker' if count == 1 else 'blockers'}",
            hint="solve them, or leave their resources out with --address or -l",
        )
    started = time.monotonic()
    before = connections.requests
    recorder = _Recorder(planned.ledger, loaded.settings)
    tools = Tools(
        send=connections.send,
        reader=planned.reader,
        clock=options.timing.clock,
        sleep=options.timing.sleep,
        workers=options.parallelism,
        on_outcome=on_outcome,
        on_applied=recorder,
    )
    try:
        outcomes, follow_ups = execute(planned.plan, planned.inputs, tools)
    finally:
        recorder.write()
    return Report(
        target=planned.plan.target,
        plan_digest=planned.plan.digest,
        outcomes=outcomes,
        follow_ups=follow_ups,
        seconds=time.monotonic() - started,
        requests=connections.requests - before,
    )


class _Recorder:
    """Collects what was applied and writes the ledger, when the target has one."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._path = settings.ledger.path if isinstance(settings.ledger, FileLedger) else None
        self._revision = _revision(settings.root) if self._path is not None else ""
        self._records: dict[Address, Record] = {}
        self._lock = threading.Lock()

    def __call__(self, considered: Considered, live: LiveObject) -> None:
        if self._path is None:
            return
        address = considered.resource.address
        applied = Applied(
            address=address,
            remote_id=live.id,
            stated=considered.spec,
            canonical=considered.compared_with(live).desired,
            hides=considered.hides,
        )
        record = make_record(applied, self._ledger.secret)
        old = self._ledger.records.get(address)
        if old is not None and (old.id, old.fields, old.secrets) == (
            record.id,
            record.fields,
            record.secrets,
        ):
            return
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._lock:
            self._records[address] = replace(record, applied_at=now, revision=self._revision)

    def write(self) -> None:
        if self._path is not None and self._records:
            write_ledger(self._path, replace(self._ledger, records={**self._ledger.records, **self._records}))


def _revision(root: Path) -> str:
    """Return the Git revision of the manifests for the record, or nothing where there is no Git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
