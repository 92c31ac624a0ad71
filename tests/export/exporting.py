"""Inventories and exports of a bench, as the commands make them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import Bench

from reconciler.core.export.inventory import Inventory
from reconciler.core.export.wanted import Wanted
from reconciler.core.model import Plan
from reconciler.workflow.commands import Connections, load
from reconciler.workflow.estate import (
    Export,
    ExportOptions,
    inventory_of,
    make_export,
    plan_on,
    survey,
    write_export,
)


def inventory(bench: Any, *patterns: str, where: tuple[Any, ...] = (), given: Any = None) -> Inventory:
    options = bench.options(all_kinds=True)
    loaded = load(options)
    wanted = Wanted(patterns=patterns, where=where)
    with Connections(loaded.settings, options) as connections:
        return inventory_of(survey(loaded, connections, options, wanted, given or {}), loaded, wanted)


def export(bench: Any, output: Path, *patterns: str, **more: Any) -> tuple[Export, Plan | None]:
    """Write an export; return it, and the plan on it where anything was written."""
    options = bench.options(all_kinds=True)
    chosen = ExportOptions(output=output, wanted=Wanted(patterns=patterns), **more)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        found = survey(loaded, connections, options, chosen.wanted, chosen.given, with_referred=True)
    made = make_export(found, loaded, options, chosen)
    if not made.files:
        return made, None
    write_export(made)
    return made, plan_on(made, replace(options, all_kinds=False), chosen)


def with_secrets(bench: Bench, made: Export) -> None:
    """Set what the export names, as a person does."""
    for secret in made.drafts.secrets:
        bench.environ.setdefault(secret.name, secret.value or "given-by-a-person-not-real")


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yaml"))}
