"""Annotations of GitHub: one workflow command for each thing to say, at the line of the manifest that causes it. Pure.

GitHub shows ten of each level for a step, so that the worst come first.
"""

from __future__ import annotations

from reconciler.render.escapes import command_message, command_property
from reconciler.render.findings import Findings, Issue, issues

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render_github(findings: Findings) -> str:
    """Return the commands, one on each line, and last a notice with what came of the run."""
    lines = [_command(issue) for issue in issues(findings, each_field=False)]
    return "\n".join([*lines, f"::notice title=reconciler::{command_message(findings.headline)}"])


def _command(issue: Issue) -> str:
    properties = {"title": issue.rule}
    if issue.path:
        properties["file"] = issue.path
        if issue.line:
            properties |= {"line": str(issue.line), "col": str(issue.column)}
    stated = ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
    message = issue.message + (f"\nhint: {issue.hint}" if issue.hint else "")
    return f"::{_COMMANDS[issue.level]} {stated}::{command_message(message)}"
