"""The commands as functions: plan and apply what was loaded. Where core and doors are wired together.

Reads: the live systems and the ledger, through `shell`. Writes: what `execute` writes, and the ledger after an apply.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.core.address import Address
from reconciler.core.errors import ApiError, ReconcilerError, Refused, Unreadable, UsageError
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.manifests.references import Known
from reconciler.core.manifests.selection import with_parents
from reconciler.core.memory.journal import Folded, Found, rfc3339, settle_intents
from reconciler.core.memory.ledger import Ledger
from reconciler.core.model import Change, Diagnostic, Plan, Severity
from reconciler.core.plan.considered import Inputs
from reconciler.core.plan.looking import look
from reconciler.core.plan.planning import make_plan
from reconciler.core.plan.removal.limits import exceeded
from reconciler.core.plan.renames import follow_renames
from reconciler.core.plan.sealing import digest_of_plan
from reconciler.core.plan.unread import UNREADABLE_KIND, Failure, Unread, find_unread, left_out
from reconciler.core.records import dataclass
from reconciler.core.report import Outcome, Report
from reconciler.core.suggest import did_you_mean
from reconciler.shell.connections import Connections, run_all
from reconciler.shell.files.definitions import load_kinds, read_definitions
from reconciler.shell.git.revision import Revision
from reconciler.shell.live.following import find_due
from reconciler.shell.live.fresh_lists import FreshLists
from reconciler.shell.live.matching import LiveState, refresh
from reconciler.shell.live.refresh import LiveReader
from reconciler.shell.memory.ledger_text import KEY_NAME as LEDGER_KEY_NAME
from reconciler.shell.memory.memory import Memory
from reconciler.shell.memory.opening import open_memory
from reconciler.shell.memory.recorder import Kept, Recorder
from reconciler.shell.options import Options
from reconciler.workflow.loading import Loaded, declared, load, missing_accelerators
from reconciler.workflow.removals import Scene, find_remnants, owing, to_be_read
from reconciler.workflow.revisions import refuse_older, revision_in_use
from reconciler.workflow.unguarded import find_unguarded

if TYPE_CHECKING:
    from reconciler.shell.apply.run import Tools

__all__ = [
    "LEDGER_KEY_NAME",
    "Connections",
    "Loaded",
    "Options",
    "Planned",
    "apply",
    "blocked",
    "load",
    "load_kinds",
    "missing_accelerators",
    "open_memory",
    "plan",
    "read_definitions",
    "reader_of",
]


# --------------------------------------------------------------------------- plan and apply


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what apply needs to carry it out."""

    plan: Plan
    inputs: Inputs = field(repr=False)
    reader: LiveReader = field(repr=False)
    memory: Memory = field(repr=False)
    folded: Folded = field(repr=False)  # what the plan was made on: the ledger, and what no reading could settle
    version: str  # of the memory then


def plan(
    loaded: Loaded,
    connections: Connections,
    options: Options,
    memory: Memory | None = None,
    *,
    whole: bool = False,
) -> Planned:
    """Read the live state and make the plan. Sends no write, and takes no lock.

    `memory` is given by who holds its lock already. Raises ApiError where nothing, or not the `whole`, can be read.
    """
    memory = memory or open_memory(loaded.settings, options)
    remembered = memory.read()
    ledger, begun = remembered.folded.ledger, remembered.folded.open
    catalog = loaded.catalog
    memory.wait_for(
        [one for one in begun if one.address in loaded.resources],
        lambda a: catalog.kinds[a.system, a.kind].definition.read.settle_seconds,
    )
    reader = reader_of(loaded, ledger, connections, options)
    chosen = loaded.selected
    if options.destroy:
        chosen = loaded.leaving | to_be_read(loaded.resources, ledger, options)
    needed = with_parents({*chosen, *(intent.address for intent in begun)}, loaded.resources)
    with options.stopwatch.phase("refresh"):
        state = refresh(reader.once(), [one for address, one in loaded.resources.items() if address in needed])
    required = loaded.resources.keys() if whole or options.destroy else {intent.address for intent in begun}
    unread = _find_unread(loaded, state, ledger, required)
    lost = unread.causes.keys()
    loaded = replace(loaded, selected=loaded.selected - lost)
    said = [*_unread(unread, state, loaded, chosen, options), *(p for p in state.problems if p.address not in lost)]
    folded, settled = _settled(memory, loaded, state)
    known = Known(resources=loaded.resources, live=state.objects)
    scene = Scene(
        settings=loaded.settings,
        catalog=catalog,
        resources=loaded.resources,
        chosen=chosen - lost,
        ledger=folded.ledger,
        unread=unread,
    )
    remnants, notes = find_remnants(reader, known, scene, options)
    inputs = replace(
        declared(loaded, options, live=state.objects, unreadable=state.unreadable, memory=folded.ledger),
        due=tuple(find_due(reader, known, loaded.selected, owing(scene, loaded.selected, options))),
        rivals=state.rivals,
        remnants=remnants,
        unread=unread,
        leaving=loaded.leaving,
        named=bool(options.destroy),
    )
    with options.stopwatch.phase("decide"):
        if loaded.marks is not None:
            inputs = replace(inputs, seen=look(state.lists, loaded.marks))
            loaded.marks.save()
        made = make_plan(inputs, [*loaded.warnings, *settled, *said, *_lifted(reader), *notes])
    unguarded = tuple(find_unguarded(made, inputs, reader)) if not made.blockers else ()
    made = replace(made, diagnostics=(*made.diagnostics, *unguarded), requests_made=connections.attempts)
    return Planned(plan=made, inputs=inputs, reader=reader, memory=memory, folded=folded, version=remembered.version)


def _adopted_ids(loaded: Loaded) -> dict[Address, str]:
    """Return the ids of objects that manifests name themselves, for as long as the ledger does not record them."""
    return {a: one.lifecycle.adopt_id for a, one in loaded.resources.items() if one.lifecycle.adopt_id}


def reader_of(loaded: Loaded, ledger: Ledger, connections: Connections, options: Options) -> LiveReader:
    """Return what reads the live systems of a target, with what the ledger remembers of ids."""
    catalog = loaded.catalog
    trusted = frozenset(name for text in options.trust_list for name in _named_kinds(text, catalog))
    return LiveReader(
        catalog=catalog,
        send=partial(connections.send, deadline=connections.deadline),
        run_all=run_all(options.parallelism, connections.waits),
        run_apart=run_all(options.parallelism),
        waits=connections.waits,
        fresh=FreshLists(options.timing.clock),
        remote_ids={**_adopted_ids(loaded), **ledger.remote_ids()},
        places={address: dict(record.removal.place) for address, record in ledger.records.items() if record.removal},
        trusted=trusted,
    )


def _named_kinds(text: str, catalog: Catalog) -> list[str]:
    """Return the full names of the kinds that a person calls `text`. Raises UsageError when there is none."""
    names = [kind.full_name for kind in catalog.ordered() if text in (kind.name, kind.full_name)]
    if not names:
        known = [kind.full_name for kind in catalog.ordered()]
        hint = did_you_mean(text, known) or "`reconciler kinds list` shows all"
        raise UsageError(f"--trust-list: there is no kind {text!r}", hint=hint)
    return names


def _lifted(reader: LiveReader) -> list[Diagnostic]:
    """Say which doubts about lists did not count, and why."""
    return [
        Diagnostic(
            severity=Severity.NOTE,
            code="trusted-list",
            message=f"the list of {name} is taken for whole ({reason}), although it contradicts itself: {doubt}",
        )
        for (name, reason), doubt in sorted(reader.lifted.items())
    ]


def _find_unread(loaded: Loaded, state: LiveState, ledger: Ledger, needed: Collection[Address]) -> Unread:
    """Return what cannot be read. Raises ApiError where that leaves nothing to plan, or is `needed`."""
    unread = find_unread(state.failures.keys(), loaded.resources, ledger.records, loaded.catalog)
    lost = unread.causes.keys()
    if lost and (loaded.selected <= lost or any(address in lost for address in needed)):
        raise _all_failures(state.failures.values())
    return unread


def _unread(
    unread: Unread, state: LiveState, loaded: Loaded, chosen: frozenset[Address], options: Options
) -> Iterable[Diagnostic]:
    failures = {address: Failure(message=one.message, hint=one.hint) for address, one in state.failures.items()}
    return left_out(unread, failures, loaded.resources, chosen, skipped=options.skip_unreadable)


def _all_failures(failures: Iterable[ApiError]) -> ReconcilerError:
    distinct = {error.message: error for error in failures}
    first = next(iter(distinct.values()))
    if len(distinct) == 1:
        return first
    hints = dict.fromkeys(error.hint for error in distinct.values() if error.hint)
    return ApiError("\n".join(distinct), error_class=first.error_class, status=first.status, hint="; ".join(hints))


def _settled(memory: Memory, loaded: Loaded, state: LiveState) -> tuple[Folded, list[Diagnostic]]:
    """Return what is remembered once cut-short runs are settled and renamed manifests followed, and what to say."""
    found = Found(
        resources=loaded.resources,
        live=state.objects,
        unreadable=state.unreadable.keys(),
        ambiguous={one.address for one in state.problems if one.address is not None and one.severity is Severity.ERROR},
        selected=loaded.selected,
        kept_id=lambda address, remote_id: loaded.catalog.kinds[address.system, address.kind].kept_id(remote_id),
    )
    folded, said = settle_intents(memory.remembered.folded, found)
    ledger, renamed = follow_renames(folded.ledger, loaded.resources, state.objects)
    return replace(folded, ledger=ledger), [*memory.remembered.notes, *said, *renamed]


_LEFT_OUT = "leave their resources out with --address or -l"


def blocked(plan: Plan) -> Refused:
    """Return why a plan with blockers is not carried out."""
    count = len(plan.blockers)
    unread = any(one.code == UNREADABLE_KIND for one in plan.blockers)
    done, way = ("deleted", "name only the others") if plan.destroys else ("applied", _LEFT_OUT)
    return (Unreadable if unread else Refused)(
        f"nothing was {done}: {count} {'blocker' if count == 1 else 'blockers'}",
        hint=f"solve {'it' if count == 1 else 'them'}, or {way}",
    )


def _check_fit(plan: Plan) -> None:
    """Raise Refused for a plan that must not be carried out, whatever came between."""
    if plan.blockers:
        raise blocked(plan)
    beyond = exceeded(plan)
    if beyond:
        raise Refused("nothing was applied: the plan goes beyond its limits", diagnostics=beyond)
    if plan.snapshot_at:
        raise Refused("a plan from a snapshot is never carried out", hint="plan on the live systems")


def apply(
    planned: Planned,
    loaded: Loaded,
    connections: Connections,
    options: Options,
    *,
    on_begin: Callable[[Change], None] = lambda change: None,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    uses: str = "",
) -> Report:
    """Carry out a plan, record it in journal and ledger, and tell the functions of each change.

    `uses` is the digest of the saved plan that is used up by this, if all of it succeeds.

    Raises Refused when the plan has blockers, another run holds the lock or was there since, or the revision does not
    come after the last one; sends nothing then.
    """
    from reconciler.shell.apply.executor import execute  # here, because most runs only plan

    _check_fit(planned.plan)
    refuse_older(planned.folded.ledger, loaded.settings, options)
    planned.memory.lock_as_read(planned.version)
    timing = options.timing
    started, started_at = timing.clock(), timing.wall_clock()
    attempts, retries = connections.attempts, connections.retries
    revision = revision_in_use(loaded.settings, options) if planned.memory.lasting else Revision()
    kept = _kept(loaded, options)
    recorder = Recorder(
        planned.memory, planned.folded, planned.plan, str(revision), kept, trust_secrets=options.trust_secrets
    )
    tools = _tools(planned, connections, options, recorder, on_begin, on_outcome)
    try:
        with options.stopwatch.phase("apply"):
            execution = execute(planned.plan, planned.inputs, tools)
        recorder.settle_follow_ups(execution.follow_ups)
        if uses and execution.complete:
            recorder.use_up(uses)
    finally:
        problems = recorder.finish()
    attempts = connections.attempts - attempts
    return Report(
        target=planned.plan.target,
        plan_digest=digest_of_plan(planned.plan),
        outcomes=execution.outcomes,
        follow_ups=execution.follow_ups,
        ending=execution.ending,
        seconds=timing.clock() - started,
        requests=attempts - (connections.retries - retries),
        attempts=attempts,
        started_at=rfc3339(started_at),
        finished_at=rfc3339(timing.wall_clock()),
        kinds=_versions(planned),
        problems=(*execution.problems, *problems),
    )


def _kept(loaded: Loaded, options: Options) -> Kept:
    holds_secret = options.redactor.holds_secret

    def id_of(address: Address, remote_id: str) -> str:
        kind = loaded.catalog.find(address.system, address.kind)
        kept = remote_id if kind is None else kind.kept_id(remote_id)
        return "" if holds_secret(kept) else kept

    return Kept(id_of=id_of, holds_secret=holds_secret)


def _tools(
    planned: Planned,
    connections: Connections,
    options: Options,
    recorder: Recorder,
    on_begin: Callable[[Change], None],
    on_outcome: Callable[[Outcome], None],
) -> Tools:
    from reconciler.shell.apply.run import Tools

    begun = {intent.address: intent.run for intent in planned.memory.remembered.folded.open}
    return Tools(
        send=connections.send,
        reader=planned.reader,
        clock=options.timing.clock,
        sleep=options.timing.sleep,
        workers=options.parallelism,
        remembers=planned.memory.lasting,
        deadline=connections.deadline,
        run_of=lambda address: begun.get(address, planned.memory.run.token),
        on_interrupt=options.on_interrupt,
        on_begin=on_begin,
        on_write=recorder.begin,
        on_outcome=recorder.telling(on_outcome),
        renew=connections.renew_after_writes,
        on_applied=recorder.applied,
        on_created=recorder.created,
        on_removed=recorder.forget,
    )


def _versions(planned: Planned) -> dict[str, str]:
    """Return the version of each kind that the plan is about."""
    names = sorted({(change.address.system, change.address.kind) for change in planned.plan.changes})
    kinds = [planned.inputs.catalog.kinds[name] for name in names]
    return {kind.full_name: kind.definition.version for kind in kinds}
