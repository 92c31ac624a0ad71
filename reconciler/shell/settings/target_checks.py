"""What a target's configuration lacks, or has wrong, for the kinds and manifests in use. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.kinds.catalog import Catalog, check_parameters
from reconciler.core.model import Diagnostic, Resource, Severity
from reconciler.core.suggest import did_you_mean
from reconciler.shell.files.reading import display_path
from reconciler.shell.settings.loading import SYSTEM_KEYS, Settings, SystemSettings


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


def unconfigured(resources: Iterable[Resource], settings: Settings, catalog: Catalog) -> list[Diagnostic]:
    """Return a mistake for each system of `resources` that the target does not name.

    A system that the target names, and of which no definition exists, may be meant for it; otherwise it is a warning.
    """
    # A kind may be all that there is of its system.
    defined = {*catalog.systems, *(system for system, _ in catalog.kinds)}
    unknown = {name: system for name, system in settings.systems.items() if name not in defined}
    found: dict[str, Diagnostic] = {}
    for resource in resources:
        system = resource.address.system
        if system in settings.systems or system in found:
            continue
        from difflib import get_close_matches  # here, because nothing is misspelt in most runs

        near = next(iter(get_close_matches(system, unknown, n=1)), None)
        misspelt = None if near is None else unknown.pop(near)
        found[system] = Diagnostic(
            severity=Severity.ERROR,
            code="unconfigured-system",
            message=f"the target {settings.target!r} does not say where {system} is"
            + ("" if misspelt is None else f", and nothing defines a system {misspelt.name!r}"),
            source=resource.locate(("apiVersion",)) if misspelt is None else misspelt.source,
            hint=f"add it under targets.{settings.target}.systems in {display_path(settings.config)}"
            if misspelt is None
            else f"did you mean {system!r}?",
        )
    return [*found.values(), *(_undefined(system, catalog) for system in unknown.values())]


def _undefined(system: SystemSettings, catalog: Catalog) -> Diagnostic:
    advice = did_you_mean(system.name, catalog.systems)
    return Diagnostic(
        severity=Severity.WARNING,
        code="undefined-system",
        message=f"nothing defines a system {system.name!r}: no manifest can be of it",
        source=system.source,
        hint=advice or "remove it, or name the folder of its definition under `schemas`",
    )
