"""The cases of a definition: values that depend on a parameter of the system (an edition, an era). Pure.

Any value may be written as `{$by: edition, flat: …, wrapped: …}`. Choosing takes the case of the parameter's value; a
chosen null takes the key or item away. `written_path` leads from what was chosen back to what a person wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, Path


class CaseError(ValueError):
    """A `$by` names no parameter, or has no case for its value. `path` is where it stands."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


def choose_cases(value: Json, parameters: Mapping[str, Json], path: Path = ()) -> Any:
    """Return `value`, which stands at `path`, with every `{$by: …}` replaced by its case; MISSING for a null.

    Raises CaseError when the parameter is unknown or no case fits.
    """
    if isinstance(value, dict):
        if "$by" in value:
            chosen = _choice(value, parameters, path)
            found = value[chosen]
            return MISSING if found is None else choose_cases(found, parameters, (*path, chosen))
        pairs = ((key, choose_cases(item, parameters, (*path, key))) for key, item in value.items())
        return {key: item for key, item in pairs if item is not MISSING}
    if isinstance(value, list):
        items = (choose_cases(item, parameters, (*path, index)) for index, item in enumerate(value))
        return [item for item in items if item is not MISSING]
    return value


def _choice(value: Mapping[str, Json], parameters: Mapping[str, Json], path: Path) -> str:
    name = value["$by"]
    place = (*path, "$by")
    if not isinstance(name, str) or name not in parameters:
        raise CaseError(f"$by names the parameter {name!r}, which the system does not have", place)
    given = parameters[name]
    chosen = {True: "true", False: "false"}[given] if isinstance(given, bool) else str(given)
    if chosen not in value or chosen == "$by":
        raise CaseError(f"$by: {name} has no case for {chosen!r}", place)
    return chosen


def written_path(value: Json, path: Path, parameters: Mapping[str, Json]) -> Path:
    """Return where the part of the chosen definition at `path` stands in `value`, the definition as it was written.

    Steps that lead nowhere are left out: an item of a list that was written without its list, or the name that a
    checker gives to one of several forms.
    """
    found: list[str | int] = []
    value = _into_cases(value, found, parameters)
    for step in path:
        if isinstance(value, dict) and step in value:
            found.append(step)
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int):
            kept = [index for index, item in enumerate(value) if not _is_dropped(item, parameters)]
            if not 0 <= step < len(kept):
                continue
            found.append(kept[step])
            value = value[kept[step]]
        else:
            continue
        value = _into_cases(value, found, parameters)
    return tuple(found)


def _into_cases(value: Json, found: list[str | int], parameters: Mapping[str, Json]) -> Json:
    while isinstance(value, dict) and "$by" in value:
        try:
            chosen = _choice(value, parameters, ())
        except CaseError:
            return value  # nothing was chosen here, so what a person wrote is all there is
        found.append(chosen)
        value = value[chosen]
    return value


def _is_dropped(item: Json, parameters: Mapping[str, Json]) -> bool:
    return isinstance(item, dict) and "$by" in item and _into_cases(item, [], parameters) is None
