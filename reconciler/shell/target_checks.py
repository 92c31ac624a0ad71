"""What a target's configuration lacks, or has wrong, for the kinds and manifests in use. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.kinds import Catalog, check_parameters
from reconciler.core.model import Diagnostic, Resource, Severity
from reconciler.shell.reading import display_path
from reconciler.shell.settings import SYSTEM_KEYS, Settings


def parameter_mistakes(catalog: Catalog, settings: Settings) -> dict[str, list[Diagnostic]]:
    """Return the mistakes in the parameters of each system that has some."""
    found: dict[str, list[Diagnostic]] = {}
    for name, system in settings.systems.items():
        definition = catalog.systems.get(name)
        for parameter, message, hint in check_parameters(definition, system.parameters, SYSTEM_KEYS):
            source = system.parameter_sources.get(parameter, system.source)
            found.setdefault(name, []).append(
                Diagnostic(
                    severity=Severity.ERROR,
                    code="invalid-setting",
                    message=f"system {name}: {message}",
                    source=source,
                    hint=hint,
                )
            )
    return found


def unconfigured(resources: Iterable[Resource], settings: Settings) -> list[Diagnostic]:
    """Return a mistake for each system of `resources` that the target does not name."""
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
