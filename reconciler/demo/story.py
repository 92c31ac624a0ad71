"""`reconciler demo`: validate, plan, apply, drift, mend, approve, prune, refuse, on emulations over loopback.

Reads and writes: a temporary folder, and the emulated systems. Every step states what must hold and checks it; the
exit code is 0 only if all of them did what they say.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import field, replace
from functools import partial
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import ExitCode, Refused, UsageError
from reconciler.core.model import Action, Plan
from reconciler.core.records import dataclass
from reconciler.core.report import Outcome, Report, Status
from reconciler.render.report import render_outcome, summarize_report
from reconciler.render.text import plural, render_diagnostics, render_plan, summarize_plan
from reconciler.sandbox.estate import SECRETS, Estate, build_estate
from reconciler.sandbox.http import EmulatedSystem
from reconciler.sandbox.server import SandboxServer
from reconciler.sandbox.workspace import WorkspaceError, write_workspace
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.approvals import apply_approved, compare_with_approval, open_approval, refuse, save_plan
from reconciler.workflow.commands import Connections, Options, Planned, apply, load, plan

LEDGER_KEY = "fake-ledger-key-not-real-but-long-enough"


@dataclass(slots=True)
class Story:
    """What the steps share, and what they found."""

    console: Console
    estate: Estate
    options: Options
    manifests: Path
    checks: list[tuple[str, bool]] = field(default_factory=list)
    requests: int = 0

    def title(self, number: int, text: str) -> None:
        self.console.result("\n" + self.console.style.paint(f"{number}. {text}", "bold", "cyan"))

    def tell(self, text: str) -> None:
        self.console.result(self.console.style.paint(text, "dim"))

    def check(self, what: str, holds: bool) -> None:
        """Note and show whether a step did what it says."""
        self.checks.append((what, holds))
        mark = self.console.style.paint("✓" if holds else "✗", "green" if holds else "red", "bold")
        self.console.result(f"  {mark} {what}")

    def plan(self, *, prune: bool = False) -> Plan:
        """Plan the whole estate, as `reconciler plan` does."""
        options = replace(self.options, prune=prune)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            made = plan(loaded, connections, options).plan
            self.requests += connections.attempts
        return made

    def apply(self, *, prune: bool = False, tell: bool = True) -> tuple[Planned, Report]:
        """Plan and apply the whole estate, as `reconciler apply --yes` does; without `tell`, tell of trouble only."""
        options = replace(self.options, prune=prune)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            planned = plan(loaded, connections, options)
            if planned.plan.blockers:
                self.console.result(render_diagnostics(planned.plan.blockers, self.console.style))
            report = apply(planned, loaded, connections, options, on_outcome=partial(self.show, tell=tell))
            self.requests += connections.attempts
        return planned, report

    def show(self, outcome: Outcome, *, tell: bool = True) -> None:
        if tell or outcome.status is not Status.APPLIED:
            self.console.result(render_outcome(outcome, self.console.style))

    def apply_saved(self, path: Path) -> Report:
        """Apply a saved plan, as `reconciler apply --plan` does. Raises Refused when it does not fit any more."""
        approval, options = open_approval(path, self.options, None)
        loaded = load(options)
        with Connections(loaded.settings, options) as connections:
            planned = plan(loaded, connections, options)
            found = compare_with_approval(approval, planned, loaded, options)
            refuse(found, loaded)
            report = apply_approved(found, planned, loaded, connections, options, self.show)
            self.requests += connections.attempts
        return report


def run_demo(
    console: Console,
    *,
    keep: str | None,
    program: str = "reconciler",
    around: Callable[[EmulatedSystem], EmulatedSystem] = lambda system: system,
) -> ExitCode:
    """Tell the story and return 0 if every step did what it says, else 1. Raises UsageError for a bad folder.

    `program` is how a person calls this program. `around` may put something (faults, say) between the story and each
    of its systems.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as temporary:
        folder = Path(keep) if keep is not None else Path(temporary)
        estate = build_estate()
        with SandboxServer([around(system) for system in estate.systems().values()]) as server:
            try:
                write_workspace(folder, packaged_folder, server.urls, {})
            except WorkspaceError as error:
                raise UsageError(str(error), hint="name an empty or new folder") from None
            console.redactor.add([*SECRETS.values(), LEDGER_KEY])
            options = Options(
                config=folder / "reconciler.yaml",
                environ={**SECRETS, "RECONCILER_LEDGER_KEY": LEDGER_KEY},
                redactor=console.redactor,
            )
            story = Story(console=console, estate=estate, options=options, manifests=folder / "manifests")
            console.result(console.style.paint("Reconciler demo", "bold") + ": four emulated systems on this machine")
            for name, url in server.urls.items():
                story.tell(f"  {name.ljust(10)} {url}")
            for number, step in enumerate(STEPS, start=1):
                step(story, number)
    return _summary(story, time.monotonic() - started, program)


def _summary(story: Story, seconds: float, program: str) -> ExitCode:
    good = sum(holds for _, holds in story.checks)
    all_good = good == len(story.checks)
    style = story.console.style
    verdict = style.paint("All as told" if all_good else "Not as told", "green" if all_good else "red", "bold")
    story.console.result(
        f"\n{verdict}: {good} of {plural(len(story.checks), 'check')} hold; "
        f"{plural(story.requests, 'request')} in {seconds:.1f} s."
    )
    if all_good:
        story.tell(f"Next: `{program} sandbox --dir try` serves the same systems for your own commands.")
    return ExitCode.DONE if all_good else ExitCode.FAILED


# --------------------------------------------------------------------------- the steps


def _validate(story: Story, number: int) -> None:
    story.title(number, "Validate: the manifests are checked before anything is sent")
    loaded = load(story.options)
    kinds = Counter(address.system for address in loaded.resources)
    story.tell("  " + ", ".join(f"{count} of {system}" for system, count in sorted(kinds.items())))
    story.check(f"{plural(len(loaded.resources), 'manifest')} valid", len(loaded.resources) > 20)


def _first_plan(story: Story, number: int) -> None:
    story.title(number, "Plan: the live systems have drifted from Git, and some things are missing")
    made = story.plan()
    counts = Counter(change.action for change in made.changes)
    story.console.result(summarize_plan(made, story.console.style))
    # One update of each system tells enough; the sandbox shows them all.
    updates = {c.address.system: c for c in made.pending if c.action is Action.UPDATE}
    shown = render_plan(replace(made, changes=tuple(updates.values())), story.console.style)
    story.console.result("\n" + shown.partition("\n\n")[2])
    others = Counter(change.address.system for change in made.pending) - Counter(updates.keys())
    more = ", ".join(f"{count} of {system}" for system, count in sorted(others.items()))
    story.tell(f"\n  and {others.total()} more: {more}")
    story.console.result("")
    found = all(counts[action] for action in (Action.CREATE, Action.UPDATE, Action.UNCHANGED))
    story.check(f"to create {counts[Action.CREATE]}, to update {counts[Action.UPDATE]}, unchanged "
                f"{counts[Action.UNCHANGED]}", found and not made.blockers)  # fmt: skip


def _first_apply(story: Story, number: int) -> None:
    story.title(number, "Apply: exactly that plan, in order, each object read again before it is written")
    planned, report = story.apply(tell=False)
    story.console.result("  " + summarize_report(report, story.console.style))
    story.check("every change was applied and read back as asked", _succeeded(report, planned))


def _succeeded(report: Report, planned: Planned) -> bool:
    statuses = Counter(outcome.status for outcome in report.outcomes)
    return statuses[Status.APPLIED] == len(planned.plan.pending) and not (
        statuses.keys() - {Status.APPLIED, Status.UNCHANGED}
    )


def _quiet(story: Story, number: int) -> None:
    story.title(number, "Plan again: nothing to do")
    made = story.plan()
    story.console.result("  " + summarize_plan(made, story.console.style))
    story.check("the second plan is empty", not made.pending and not made.blockers)


def _drift(story: Story, number: int) -> None:
    story.title(number, "Somebody changes things behind our back")
    story.tell("  in the consoles: a timeout, a weight, a proxy's host; and a tag that Git knows nothing of")
    estate = story.estate
    estate.galtea.edit("endpointConnections", lambda row: row["name"] == "support-bot-prod", {"timeout": 5})
    upstream = next(row for row in estate.trustgate.stored("upstreams") if row["name"] == "support-backend")
    targets = [{**target, "weight": 99 if index == 0 else 1} for index, target in enumerate(upstream["targets"])]
    tags = ["owned-by-support", "incident-42"]
    estate.trustgate.edit("upstreams", upstream["id"], {"targets": targets, "tags": tags})
    estate.goldmine.edit("sessions", lambda row: row["token"] == "sess-eu-static-1", {"host": "203.0.113.77"})
    made = story.plan()
    story.console.result(render_plan(made, story.console.style))
    causes = {change.cause.value for one in made.pending for change in one.fields}
    story.console.result("")
    story.check("exactly the three managed edits show up, as drift", len(made.pending) == 3 and causes == {"drift"})


def _mend(story: Story, number: int) -> None:
    story.title(number, "Mend it")
    planned, report = story.apply()
    story.console.result("  " + summarize_report(report, story.console.style))
    story.check("the drift is mended", _succeeded(report, planned) and len(planned.plan.pending) == 3)
    upstream = next(row for row in story.estate.trustgate.stored("upstreams") if row["name"] == "support-backend")
    story.check("what Git does not manage was left alone", "incident-42" in upstream.get("tags", []))


def _approve(story: Story, number: int) -> None:
    story.title(number, "A plan is saved and approved; then somebody else is faster")
    path = story.manifests / "galtea" / "support-bot-prod.yaml"
    path.write_text(path.read_text().replace("timeout: 30", "timeout: 25"))
    loaded = load(story.options)
    with Connections(loaded.settings, story.options) as connections:
        planned = plan(loaded, connections, story.options)
        story.requests += connections.attempts
    saved = story.manifests.parent / "plan.json"
    save_plan(planned, loaded, story.options, saved)
    story.console.result("  saved " + summarize_plan(planned.plan, story.console.style))
    edit = partial(story.estate.galtea.edit, "endpointConnections", lambda row: row["name"] == "support-bot-prod")
    edit({"timeout": 40})
    refusal = _perform(story, saved)
    story.check("what moved since the approval is refused by name", "support-bot-prod" in str(refusal))
    edit({"timeout": 30})
    story.check("with the edit taken back, exactly what was approved is performed", _perform(story, saved) == 1)
    story.check("performing it again does nothing", _perform(story, saved) == 0)


def _perform(story: Story, saved: Path) -> int | str:
    """Apply a saved plan, and return how many changes that were, or why it was refused."""
    try:
        report = story.apply_saved(saved)
    except Refused as error:
        refusal = "; ".join(one.message for one in error.diagnostics)
        story.tell(f"  apply --plan: {refusal}")
        return refusal
    return sum(outcome.status is Status.APPLIED for outcome in report.outcomes)


def _prune(story: Story, number: int) -> None:
    story.title(number, "A manifest goes away: its object stays, unless pruning is asked for")
    path = story.manifests / "galtea" / "versions.yaml"
    path.write_text(path.read_text().partition("\n---\n")[0] + "\n")  # the second of two documents
    story.check("without --prune nothing is to be done", not story.plan().pending)
    made = story.plan(prune=True)
    story.console.result(render_plan(made, story.console.style))
    planned, report = story.apply(prune=True)
    deletes = [change for change in made.pending if change.action is Action.DELETE]
    story.check("with --prune one object is deleted", len(deletes) == 1 and _succeeded(report, planned))


def _refuse(story: Story, number: int) -> None:
    story.title(number, "A change that cannot be made is refused before anything is sent")
    path = story.manifests / "galtea" / "support-bot-close.yaml"
    original = path.read_text()
    path.write_text(original.replace("type: FINALIZATION", "type: INITIALIZATION")
                    .replace("outputMapping: {}", "outputMapping: {session_id: $.id}"))  # fmt: skip
    try:
        made = story.plan()
        story.console.result(render_plan(made, story.console.style))
        refused = False
        try:
            story.apply()
        except Refused as error:
            refused = True
            story.tell(f"\n  apply: {error.message}")
    finally:
        path.write_text(original)
    replaces = [change for change in made.pending if change.action is Action.REPLACE]
    story.check("the immutable field is named, and nothing was sent", refused and len(replaces) == 1)
    story.check("with the manifest put back, the plan is empty", not story.plan().pending)


STEPS: tuple[Callable[[Story, int], None], ...] = (
    _validate,
    _first_plan,
    _first_apply,
    _quiet,
    _drift,
    _mend,
    _approve,
    _prune,
    _refuse,
)
