"""Checks definition documents in full: all that loading refuses and all that the checks find, for every case. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.core.kinds.cases import CaseError, choose_cases
from reconciler.core.kinds.catalog import Catalog, bind_parameters, load_catalog
from reconciler.core.kinds.checks import calls, conditions, identity, schemas, values, writes
from reconciler.core.kinds.checks.cases import cases_in, check_cases, combinations, misplaced_cases, unused_parameters
from reconciler.core.kinds.checks.finding import Bound, CheckOfKind, Finding
from reconciler.core.kinds.definition import KindDefinition, SystemDefinition
from reconciler.core.kinds.fields import FieldInfo, read_fields
from reconciler.core.kinds.kind_checks import Written, check_kind_schema
from reconciler.core.kinds.template import variables
from reconciler.core.model import Diagnostic, Document, Json, JsonObject, Severity, Source

CHECKS: tuple[CheckOfKind, ...] = (
    *schemas.CHECKS,
    *values.CHECKS,
    *identity.CHECKS,
    *calls.CHECKS,
    *writes.CHECKS,
    *conditions.CHECKS,
)


def check_definitions(documents: Sequence[Document], beside: Sequence[Document]) -> list[Diagnostic]:
    """Return everything that is wrong or doubtful in `documents`, by position.

    The documents `beside` them are taken into account as far as they are not defined anew, and not checked.
    """
    defined = {_name(document) for document in documents}
    around = [document for document in beside if _name(document) not in defined]
    found: dict[tuple[Source | None, str], Diagnostic] = {}
    for diagnostic in _all(documents, around):
        found.setdefault((diagnostic.source, diagnostic.message), diagnostic)
    return sorted(found.values(), key=lambda one: (one.source or Source(""), one.severity is not Severity.ERROR))


def _name(document: Document) -> tuple[str, str]:
    """Return what a document defines: a system, or a kind of it."""
    data = document.data if isinstance(document.data, dict) else {}
    return (str(data.get("system")), "") if "system" in data else (_system_of(document), str(data.get("kind")))


def _system_of(document: Document) -> str:
    return str(document.data.get("apiVersion")).partition("/")[0] if isinstance(document.data, dict) else ""


def _is_kind(document: Document) -> bool:
    return isinstance(document.data, dict) and "kind" in document.data and "system" not in document.data


def _all(documents: Sequence[Document], around: Sequence[Document]) -> Iterator[Diagnostic]:
    mine = {id(document) for document in documents}
    everything = [*around, *documents]
    catalog, _ = load_catalog(everything, trusted=frozenset(document.source.path for document in around))
    paths = frozenset(document.source.path for document in documents)
    for name in dict.fromkeys(_system_of(d) if _is_kind(d) else _name(d)[0] for d in documents):
        family = [d for d in everything if (_system_of(d) if _is_kind(d) else _name(d)[0]) == name]
        system = catalog.systems.get(name) or SystemDefinition.model_construct(system=name)
        kinds = [document for document in family if _is_kind(document) and id(document) in mine]
        for chosen in combinations([document.data for document in kinds], system):
            _, problems = load_catalog(family, parameters={name: chosen})
            yield from (p for p in problems if p.source is not None and p.source.path in paths)
            for document in kinds:
                yield from _check_kind(document, system, chosen, (catalog, everything))
        for document in kinds:
            yield from _told(document, check_cases(document.data, system), {})
        yield from _check_system(name, family, catalog, mine)


# --------------------------------------------------------------------------- kinds


def _check_kind(
    document: Document, system: SystemDefinition, chosen: JsonObject, around: tuple[Catalog, Sequence[Document]]
) -> Iterator[Diagnostic]:
    parameters = bind_parameters(system, chosen)
    bound = _bind(document, system, parameters, around)
    if bound is None:
        return
    for check in CHECKS:
        yield from _told(document, check(bound), parameters)


def _bind(
    document: Document, system: SystemDefinition, parameters: JsonObject, around: tuple[Catalog, Sequence[Document]]
) -> Bound | None:
    """Return a kind's definition as far as its grammar and its schema are right; loading tells what is not."""
    catalog, documents = around
    try:
        definition = KindDefinition.model_validate(choose_cases(document.data, parameters))
    except (CaseError, ValueError):
        return None
    written = Written(document=document, parameters=parameters)
    if any(check_kind_schema(definition.schema_, written)):
        return None
    others: dict[str, FieldInfo | None] = {
        f"{_system_of(d)}.{d.data['kind']}": None for d in documents if _is_kind(d) and isinstance(d.data, dict)
    }
    others |= {kind.full_name: kind.fields for kind in catalog.ordered()}
    return Bound(
        definition=definition,
        system=system,
        fields=read_fields(definition.schema_),
        parameters=parameters,
        others=others,
    )


def _told(document: Document, findings: Iterable[Finding], parameters: JsonObject) -> Iterator[Diagnostic]:
    written = Written(document=document, parameters=parameters)
    for finding in findings:
        told = written.problem(finding.path, finding.message, finding.hint, code=finding.code, at_key=finding.at_key)
        yield replace(told, severity=finding.severity)


# --------------------------------------------------------------------------- systems


def _check_system(name: str, family: Sequence[Document], catalog: Catalog, mine: set[int]) -> Iterator[Diagnostic]:
    used: set[str] = set()
    for document in family:
        used |= {choice["$by"] for _, choice in cases_in(document.data)}
        used |= set(_parameters_named(document.data))
    for document in family:
        if _is_kind(document) or id(document) not in mine:
            continue
        yield from _told(document, misplaced_cases(document.data), {})
        system = catalog.systems.get(name)
        if system is None:
            continue
        yield from _told(document, conditions.check_conditions(system), {})
        yield from _told(document, conditions.check_answers(system.answers), {})
        yield from _told(document, values.schema_values(system.parameters, ("parameters",)), {})
        if any(_is_kind(other) for other in family):
            yield from _told(document, unused_parameters(system, frozenset(used)), {})


def _parameters_named(value: Json) -> Iterator[str]:
    """Yield the parameters that any text of a written definition names, as {system.name} or in `each`."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _parameters_named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parameters_named(inner)
    elif isinstance(value, str):
        if value.startswith("system."):
            yield value.partition(".")[2]
        try:
            yield from (v.steps[0] for v in variables(value) if v.root == "system")
        except ValueError:
            return
