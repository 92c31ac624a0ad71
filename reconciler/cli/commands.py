"""The commands: options in, work done through `workflow`, results to the console, exit code out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.outputs import Result, check_outputs, deliver, text_of, write_report
from reconciler.cli.progress import Watch
from reconciler.console import Console
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.manifests.selection import read_selection
from reconciler.core.memory.ledger import slow_digests
from reconciler.core.model import Plan
from reconciler.core.report import Ending, Report, Status
from reconciler.render.report import render_report
from reconciler.render.text import plural, render_diagnostics
from reconciler.shell.network.route import environment_secrets
from reconciler.workflow.commands import (
    LEDGER_KEY_NAME,
    Connections,
    Loaded,
    Options,
    Planned,
    apply,
    blocked,
    load,
    missing_accelerators,
    open_memory,
    plan,
)
from reconciler.workflow.revisions import refuse_older

_INTERRUPTED = "interrupted: what has begun is finished, nothing more begins; once more stops at once"


_MANY = 200  # manifests, from which on speed is worth a word
_MANY_SLOW = 50  # digests that were made without a key: from here on they take more than a second


def run_command(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    """Run the command that was chosen and return its exit code. Raises ReconcilerError."""
    check_outputs(options)
    console.redactor.add(environment_secrets(environ))
    match options.command:
        case "validate":
            return _validate(options, console, environ)
        case "plan":
            return _plan(options, console, environ)
        case "snapshot":
            from reconciler.cli.snapshots import take_snapshot

            return take_snapshot(options, console, _options(options, console, environ))
        case "drift":
            from reconciler.cli.drift import run_drift

            return run_drift(options, console, _options(options, console, environ))
        case "init":
            from reconciler.cli.init import run_init

            return run_init(options, console, environ)
        case "inventory" | "export":
            from reconciler.cli.estate import run_export, run_inventory

            run = run_inventory if options.command == "inventory" else run_export
            return run(options, console, _options(options, console, environ))
        case "apply":
            return _apply(options, console, environ)
        case "comment" | "issue" | "pull-request":
            from reconciler.cli.hosting import run_hosting

            return run_hosting(options, console, environ)
        case "approved-run":
            from reconciler.cli.hosting import run_approved

            return run_approved(options, console, environ)
        case "ledger":
            from reconciler.cli.ledger import run_ledger

            return run_ledger(options, console, environ)
        case "destroy":
            return _plan_and_perform(options, console, _options(options, console, environ))
        case "kinds":
            if options.kinds_command == "verify":
                from reconciler.cli.verify import run_verify

                return run_verify(options, console, environ)
            from reconciler.cli.kinds import run_kinds

            return run_kinds(options, console)
        case "sandbox":
            from reconciler.cli.sandbox import run_sandbox

            return run_sandbox(options, console)
        case _:
            from reconciler.demo.story import run_demo

            return run_demo(console, keep=options.keep, program=_program())


def _program() -> str:
    """Return how this program was called, for commands that a person may paste."""
    return sys.argv[0] if Path(sys.argv[0]).name == "reconciler" else "reconciler"


def _options(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> Options:
    return Options(
        config=Path(options.config),
        target=options.target,
        selection=read_selection(getattr(options, "selector", []), getattr(options, "address", [])),
        parallelism=getattr(options, "parallelism", 10),
        cache=not getattr(options, "no_cache", False),
        resend=getattr(options, "resend", False),
        stage="apply" if options.command in ("apply", "destroy") else "plan",
        take_over=getattr(options, "take_over", False),
        trust_secrets=getattr(options, "trust_secrets", False),
        on_interrupt=lambda: console.complain(_INTERRUPTED),
        without_secrets=getattr(options, "without_secrets", False) or bool(getattr(options, "snapshot", None)),
        reads_ledger=not (options.command == "validate" and options.without_secrets),
        time_limit_s=getattr(options, "deadline", None),
        lock_timeout_s=getattr(options, "lock_timeout", 0.0),
        prune=getattr(options, "prune", None),
        allow_replace=getattr(options, "allow_replace", False),
        skip_unreadable=getattr(options, "skip_unreadable", False),
        trust_list=tuple(getattr(options, "trust_list", None) or ()),
        allow_older=getattr(options, "allow_older", False),
        destroy=tuple(options.addresses) if options.command == "destroy" else (),
        environ=environ,
        redactor=console.redactor,
        stopwatch=options.stopwatch,
    )


def _load(given: Options, console: Console) -> Loaded:
    loaded = load(given)
    missing = missing_accelerators() if loaded.documents >= _MANY else ()
    if missing:
        *others, last = missing
        names = f"{', '.join(others)} and {last}" if others else last
        install = "pip install 'reconciler-gitops[fast]'"
        console.say(f"note: without {names} many manifests take long; install it with: {install}")
    return loaded


# --------------------------------------------------------------------------- validate


def _validate(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    loaded = _load(_options(options, console, environ), console)
    options.kept = loaded  # until the process ends
    deliver(Result(target=loaded.settings.target, warnings=loaded.warnings), options, console)
    if options.format != "text":
        return ExitCode.DONE
    if loaded.warnings:
        console.complain(render_diagnostics(loaded.warnings, console.err_style))
    if console.verbosity:
        for address in sorted(loaded.selected):
            console.result(f"  {address}  {loaded.resources[address].source}")
    kinds = len({(a.system, a.kind) for a in loaded.selected})
    console.result(
        f"{plural(len(loaded.selected), 'manifest')} of {plural(kinds, 'kind')} valid "
        f"for the target {loaded.settings.target}."
    )
    return ExitCode.DONE


# --------------------------------------------------------------------------- plan and apply


def _plan(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    given = _options(options, console, environ)
    made = _made_plan(options, console, given)
    _show(Result(target=made.target, plan=made), options, console)
    if made.blockers:
        return blocked(made).exit_code
    if options.out is not None:
        console.say(f"saved the plan in {options.out}; perform it with: reconciler apply --plan {options.out}")
    return ExitCode.PENDING if made.has_work and options.exit_code else ExitCode.DONE


def _made_plan(options: argparse.Namespace, console: Console, given: Options) -> Plan:
    """Return the plan, of the live systems or of a snapshot, and save it for approval where that was asked for."""
    if options.snapshot is not None:
        from reconciler.cli.snapshots import offline_plan

        return offline_plan(options, given)
    loaded = _load(given, console)
    with Connections(loaded.settings, given) as connections, Watch(console, connections):
        planned = plan(loaded, connections, given)
    options.kept = planned  # until the process ends
    _say_why_it_was_slow(console)
    if options.out is not None and not planned.plan.blockers:
        from reconciler.workflow.approvals import save_plan

        if save_plan(planned, loaded, given, Path(options.out)).dirty:
            console.say("note: files in use differ from the commit that is checked out; the saved plan records that")
    return planned.plan


def _say_why_it_was_slow(console: Console) -> None:
    made = slow_digests()
    if made >= _MANY_SLOW:
        console.say(
            f"note: {made} secrets were hashed slowly, since {LEDGER_KEY_NAME} is not set; with a key of your own it "
            "takes no time (set it once and keep it: with another key nothing tells whether secrets have changed)"
        )


def _show(result: Result, options: argparse.Namespace, console: Console) -> None:
    if options.format == "text":
        console.result(text_of(result, options, console.style))
    deliver(result, options, console)


def _apply(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    if options.plan is not None:
        from reconciler.cli.approved import apply_saved_plan

        made, report = apply_saved_plan(options, console, _options(options, console, environ))
        return _finish(made, report, options, console)
    if options.only_approved or options.max_age is not None:
        raise UsageError("--only-approved and --max-age belong to --plan", hint="name the saved plan with --plan FILE")
    return _plan_and_perform(options, console, _options(options, console, environ))


def _plan_and_perform(options: argparse.Namespace, console: Console, given: Options) -> ExitCode:
    loaded = _load(given, console)
    with open_memory(loaded.settings, given) as memory, Connections(loaded.settings, given) as connections:
        memory.lock(given.lock_timeout_s, console.say)
        with Watch(console, connections):
            planned = plan(loaded, connections, given, memory)
        made = planned.plan
        if made.blockers:
            _show(Result(target=made.target, plan=made), options, console)
            refused = blocked(made)
            console.error(refused.message, refused.hint)
            return refused.exit_code
        shown = text_of(Result(plan=made), options, console.style)
        if options.format == "text":
            console.result(shown)
        if made.has_work and not options.yes:
            refuse_older(planned.folded.ledger, loaded.settings, given)
            if options.format != "text":
                console.complain(shown)
            _ask(made, console)
        report = _perform(planned, loaded, connections, given, console)
    _say_why_it_was_slow(console)
    return _finish(made, report, options, console)


def _finish(made: Plan, report: Report, options: argparse.Namespace, console: Console) -> ExitCode:
    """Show and write what became of an apply, and return the exit code that it amounts to."""
    if options.report is not None:
        write_report(report, Path(options.report), console, options.stopwatch.timings())
    if options.format == "text":
        console.result("\n" + render_report(report, console.style))
    deliver(Result(target=made.target, plan=made, report=report), options, console)
    return exit_code_of(report)


def _perform(planned: Planned, loaded: Loaded, connections: Connections, given: Options, console: Console) -> Report:
    with Watch(console, connections, total=len(planned.plan.pending)) as watch:
        return apply(planned, loaded, connections, given, on_begin=watch.begin, on_outcome=watch.outcome)


def _ask(made: Plan, console: Console) -> None:
    """Ask for consent. Raises UsageError when nobody can be asked, or the answer is not yes."""
    verb = "destroy" if made.destroys else "apply"
    if not sys.stdin.isatty():
        raise UsageError(
            f"{verb} needs consent, and there is no terminal to ask on",
            hint="run it with --yes after the plan has been looked at",
        )
    count = len(made.pending) + len(made.follow_ups)
    asked = f"Destroy {plural(count, 'object')} in" if made.destroys else f"Apply {plural(count, 'change')} to"
    console.err.write(f"\n{asked} {made.target}? Only 'yes' will do: ")
    console.err.flush()
    if sys.stdin.readline().strip() != "yes":
        raise UsageError(f"not confirmed: nothing was {'deleted' if made.destroys else 'applied'}")


def exit_code_of(report: Report) -> ExitCode:
    """Return what the outcomes of an apply amount to."""
    found = {outcome.status for outcome in report.outcomes} | {one.status for one in report.follow_ups}
    if any(problem.code == "bug" for problem in report.problems):
        return ExitCode.BUG
    if report.ending in (Ending.INTERRUPTED, Ending.CUT_OFF):
        return ExitCode.INTERRUPTED
    if report.ending is Ending.OUT_OF_TIME or report.problems or found & {Status.FAILED, Status.IN_DOUBT}:
        return ExitCode.FAILED
    return ExitCode.REFUSED if found & {Status.CONFLICT, Status.SKIPPED} else ExitCode.DONE
