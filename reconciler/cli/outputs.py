"""Results in the formats that were asked for: one on stdout, others in files, all of the same run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from reconciler.console import Console
from reconciler.core.errors import InvalidInput, ReconcilerError, Refused, UsageError
from reconciler.core.model import Diagnostic, Plan
from reconciler.core.records import dataclass
from reconciler.core.report import Report
from reconciler.core.timings import Timings
from reconciler.render.escapes import json_text
from reconciler.render.findings import Findings
from reconciler.render.machine import diagnostics_document, error_document, plan_document, report_document
from reconciler.render.report import render_report
from reconciler.render.style import PLAIN, Style, render_error
from reconciler.render.text import plural, render_diagnostics, render_plan
from reconciler.shell.files.disk import display_path, read_documents, write_atomically

STDOUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run came to: any of these."""

    target: str = ""
    plan: Plan | None = None
    report: Report | None = None
    warnings: Sequence[Diagnostic] | None = None  # of a validation that found no mistake
    error: ReconcilerError | None = None
    ready: Mapping[str, str] = field(default_factory=dict)  # by format: what is none of the above


def target_of(options: argparse.Namespace) -> str:
    """Return the target that a run is about when it ended before that was told; "" where the files do not tell.

    A comment about it is found again by this name.
    """
    chosen = getattr(options, "target", None)
    config = getattr(options, "config", None)
    if chosen is not None or config is None:
        return chosen or ""
    documents, _ = read_documents(Path(config), config)
    data = documents[0].data if len(documents) == 1 else None
    targets = data.get("targets") if isinstance(data, dict) else None
    return str(next(iter(targets))) if isinstance(targets, dict) and len(targets) == 1 else ""


def check_outputs(options: argparse.Namespace) -> None:
    """Refuse files that cannot be written before anything is done. Raises UsageError."""
    report = getattr(options, "report", None)
    files = [name for _, name in getattr(options, "outputs", ())] + ([report] if report is not None else [])
    for name in files:
        if name != STDOUT and not Path(name).absolute().parent.is_dir():
            raise UsageError(f"{name} cannot be written: its folder does not exist", hint="make the folder first")


def deliver(result: Result, options: argparse.Namespace, console: Console) -> None:
    """Print the result on stdout, unless that is text, which the commands print as they go; write all other outputs.

    Raises UsageError when a file cannot be written.
    """
    if options.format == "text" and not getattr(options, "outputs", ()):
        return  # nothing to make, of thousands of changes perhaps
    findings = _findings(result, options, console)
    if options.format != "text":
        console.finished(_rendered(options.format, findings, result, options, console))
    for name, path in getattr(options, "outputs", ()):
        text = _rendered(name, findings, result, options, console)
        if path == STDOUT:
            console.finished(text)
        else:
            write_atomically(Path(path), text if text.endswith("\n") else text + "\n")


def write_report(report: Report, path: Path, console: Console, timings: Timings) -> None:
    """Write what became of an apply. Raises UsageError when that cannot be done."""
    write_atomically(path, _as_json(console.redactor.json(report_document(report, timings))) + "\n")


def _findings(result: Result, options: argparse.Namespace, console: Console) -> Findings:
    redact = console.redactor.json
    show = getattr(options, "show_requests", False)
    mistakes = result.error.diagnostics if isinstance(result.error, InvalidInput) else result.warnings
    failed = result.error is not None and not isinstance(result.error, InvalidInput)
    stopwatch = getattr(options, "stopwatch", None)  # of a run of the console script; there is none where others render
    timings = None if stopwatch is None else stopwatch.timings()
    return Findings(
        target=result.target,
        configuration=display_path(Path(options.config)) if getattr(options, "config", None) else "",
        plan=None if result.plan is None else redact(plan_document(result.plan, show_requests=show)),
        report=None if result.report is None else redact(report_document(result.report, timings)),
        mistakes=None if mistakes is None else redact(diagnostics_document(mistakes)),
        error=redact(error_document(result.error)) if failed and result.error is not None else None,
    )


def _rendered(name: str, findings: Findings, result: Result, options: argparse.Namespace, console: Console) -> str:
    if name in result.ready:
        return console.redactor.text(result.ready[name])
    # Each format is loaded only when it is asked for.
    match name:
        case "text":
            return console.redactor.text(text_of(result, options))
        case "json":
            found = (findings.error, findings.mistakes, findings.report, findings.plan)
            return _as_json(next(document for document in found if document is not None))
        case "sarif":
            from reconciler.render.sarif import sarif_document

            return _as_json(sarif_document(findings))
        case "markdown":
            from reconciler.render.markdown import render_markdown

            return render_markdown(findings, limit=options.markdown_limit, details_url=options.details_url)
        case "html":
            from reconciler.render.html.page import render_html

            return render_html(findings)
        case "github":
            from reconciler.render.github import render_github

            return render_github(findings)
        case _:
            from reconciler.render.junit import render_junit

            return render_junit(findings)


def _as_json(document: object) -> str:
    return json_text(json.dumps(document, indent=2, ensure_ascii=False))


def text_of(result: Result, options: argparse.Namespace, style: Style = PLAIN) -> str:
    """Return the result as text for people."""
    blocks = []
    if result.error is not None:
        blocks.append(error_text(result.error, style))
    if result.plan is not None:
        show = getattr(options, "show_requests", False)
        blocks.append(render_plan(result.plan, style, show_unchanged=options.verbose > 0, show_requests=show))
    if result.report is not None:
        blocks.append(render_report(result.report, style))
    if result.warnings:
        blocks.append(render_diagnostics(result.warnings, style))
    return "\n\n".join(blocks)


def error_text(error: ReconcilerError, style: Style) -> str:
    """Return what went wrong, the reasons first."""
    blocks = []
    if isinstance(error, (InvalidInput, Refused)) and error.diagnostics:
        blocks.append(render_diagnostics(error.diagnostics, style))
    if isinstance(error, InvalidInput):
        return "\n".join([*blocks, f"{plural(len(error.diagnostics), 'mistake')}; nothing was sent."])
    return "\n".join([*blocks, render_error(error.message, error.hint, style)])
