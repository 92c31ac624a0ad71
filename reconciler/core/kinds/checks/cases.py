"""The cases of definitions: which parameters they depend on, which values these can have, which cases are never chosen.

Pure. Every combination of values is to be checked, since each makes a definition of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.kinds.checks.finding import Finding, Findings, doubt
from reconciler.core.kinds.definition import SystemDefinition
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import Path
from reconciler.core.suggest import did_you_mean

MOST_COMBINATIONS = 64


def cases_in(value: Json, path: Path = ()) -> Iterator[tuple[Path, JsonObject]]:
    """Yield every `{$by: …}` in a definition as it was written, with its path, outer ones first."""
    if isinstance(value, dict):
        if isinstance(value.get("$by"), str):
            yield path, value
        for key, inner in value.items():
            yield from cases_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from cases_in(inner, (*path, index))


def combinations(definitions: Sequence[Json], system: SystemDefinition) -> list[JsonObject]:
    """Return values for the parameters that `definitions` depend on: every combination, or each value once.

    Parameters with other than a few values get those that the definitions have cases for.
    """
    values: dict[str, list[Json]] = {}
    for definition in definitions:
        for _, choice in cases_in(definition):
            name = choice["$by"]
            known = parameter_values(system, name)
            if known == []:
                continue  # there is no such parameter, which loading tells
            if known is None:
                known = [*values.get(name, []), *(case for case in choice if case != "$by")]
            values[name] = list({case_name(value): value for value in known}.values())
    count = 1
    for known in values.values():
        count *= len(known)
    if count <= MOST_COMBINATIONS:
        return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]
    first = {name: known[0] for name, known in values.items()}
    return [{**first, name: value} for name, known in values.items() for value in known]


def parameter_values(system: SystemDefinition, name: str) -> list[Json] | None:
    """Return the values that a parameter can have; None when they are not a few, empty when there is none such."""
    properties: Mapping[str, Json] = system.parameters.get("properties", {})
    if name not in properties:
        return []
    schema = properties[name]
    if "enum" in schema:
        return list(schema["enum"])
    if "const" in schema:
        return [schema["const"]]
    return [False, True] if schema.get("type") == "boolean" else None


def case_name(value: Json) -> str:
    """Return the key that the case of a parameter's value has."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def check_cases(definition: Json, system: SystemDefinition) -> Findings:
    """Yield the cases of a written definition that are never chosen, or that some value does not have."""
    for path, choice in cases_in(definition):
        name = choice["$by"]
        known = parameter_values(system, name)
        if known is None:
            message = f"the parameter {name!r} may have other values than those that have a case here"
            yield doubt((*path, "$by"), message, f"give {name!r} an `enum` in the system's parameters")
            continue
        names = [case_name(value) for value in known]
        for case in choice:
            if names and case != "$by" and case not in names:
                hint = did_you_mean(case, names) or f"its values are {', '.join(names)}"
                yield doubt((*path, case), f"never chosen: {case!r} is no value of {name!r}", hint, at_key=True)
        if all(choice.get(each) == choice.get(names[0]) for each in names) and len(names) > 1:
            yield doubt((*path, "$by"), f"all cases are the same, so this does not depend on {name!r}")


def misplaced_cases(system: Json) -> Findings:
    """Yield the cases in a system's definition as it was written: only kinds have them."""
    for path, _ in cases_in(system):
        hint = "let the kinds of the system depend on the parameter"
        yield Finding((*path, "$by"), "a system has no cases: all its kinds and targets share it", hint, at_key=True)


def unused_parameters(system: SystemDefinition, used: frozenset[str]) -> Findings:
    """Yield the parameters of a system that none of its kinds, and no header, uses."""
    for name in system.parameters.get("properties", {}):
        if name not in used:
            message = f"no kind and no header of {system.system} uses the parameter {name!r}"
            yield doubt(("parameters", "properties", name), message, "remove it", at_key=True)
