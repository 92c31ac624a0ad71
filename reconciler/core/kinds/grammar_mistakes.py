"""Mistakes against the grammar of definitions, in words for the person who wrote the definition. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo as Details

from reconciler.core.kinds.definition import KindDefinition, SystemDefinition
from reconciler.core.kinds.fields import KEYWORDS
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, Path, get
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarProblem:
    """One mistake in a definition. `at_key` points at the member's name instead of its value."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False


def explain(model: type[BaseModel], data: Json, error: ValidationError) -> list[GrammarProblem]:
    """Return what is wrong with `data`, which is no `model`, in the order of its parts."""
    found: dict[tuple[Path, str], GrammarProblem] = {}
    branches: dict[Path, list[Mapping[str, Any]]] = {}
    for one in error.errors(include_url=False, include_input=False):
        raw = tuple(one["loc"])
        path, is_branch = _as_written(data, raw)
        if is_branch:
            # One of several forms that a value may have: which of them was meant is told below.
            branches.setdefault(_before_branch(data, raw), []).append(one)
            continue
        mistake = _mistake(model, data, path, one)
        found.setdefault((mistake.path, mistake.message), mistake)
    for place, several in branches.items():
        for mistake in _of_branches(model, data, place, several):
            found.setdefault((mistake.path, mistake.message), mistake)
    # Whoever got a key wrong may not know what it is for.
    return [one if one.hint else replace(one, hint=_about(model, one.path)) for one in found.values()]


def _as_written(data: Json, raw: Sequence[int | str]) -> tuple[Path, bool]:
    """Return `raw` without the steps that only the checker takes, and whether it names one of several forms."""
    path: list[int | str] = []
    is_branch = False
    value = data
    for position, step in enumerate(raw):
        if isinstance(step, int) and not isinstance(value, list):
            continue  # written without its list
        last = position == len(raw) - 1
        inside = get(value, (step,))
        if inside is MISSING and not last:
            is_branch = True
            continue
        if inside is MISSING and isinstance(value, (dict, list)) is False:
            is_branch = True
            continue
        path.append(step)
        value = inside
    return tuple(path), is_branch


def _before_branch(data: Json, raw: Sequence[int | str]) -> Path:
    path: list[int | str] = []
    value = data
    for step in raw:
        if isinstance(step, int) and not isinstance(value, list):
            continue
        value = get(value, (step,))
        if value is MISSING:
            break
        path.append(step)
    return tuple(path)


def _of_branches(
    model: type[BaseModel], data: Json, place: Path, several: list[Mapping[str, Any]]
) -> Iterator[GrammarProblem]:
    """Yield the mistakes of the form that was meant: of those that the value at `place` is no other type than."""
    inside = [one for one in several if one["type"] not in _TYPES or _as_written(data, one["loc"])[0] != place]
    if inside:
        for one in inside:
            yield _mistake(model, data, _as_written(data, one["loc"])[0], one)
    else:
        yield _wrong_type(model, data, place, " or ".join(dict.fromkeys(_TYPES[one["type"]] for one in several)))


def _mistake(model: type[BaseModel], data: Json, path: Path, one: Mapping[str, Any]) -> GrammarProblem:
    sort, context = one["type"], one.get("ctx", {})
    value = get(data, path)
    if sort == "extra_forbidden":
        name = str(path[-1])
        return GrammarProblem(path=path, message=f"unknown key {name!r}", hint=_place_for(model, path), at_key=True)
    if sort == "missing":
        return GrammarProblem(path=path[:-1], message=f"the key {path[-1]!r} is missing", hint=_about(model, path))
    if sort in _TYPES:
        return _wrong_type(model, data, path, _TYPES[sort])
    if path and path[-1] == "[key]":
        return GrammarProblem(
            path=path[:-1],
            message=f"{_dotted(path[:-2])}: unknown key {path[-2]!r}",
            hint=f"known here: {_listed(context)}",
            at_key=True,
        )
    hint = ""
    if sort == "literal_error":
        words = [word.strip("'") for word in _listed(context).split(", ")]
        message = f"must be one of {', '.join(words)}"
        hint = did_you_mean(str(value), words)
    elif sort == "string_pattern_mismatch":
        message = _PATTERNS.get(context["pattern"], f"must match {context['pattern']}")
    elif sort in _LIMITS:
        message = _LIMITS[sort].format(*context.values())
    else:
        message = str(one["msg"]).removeprefix("Value error, ")
        hint = did_you_mean(str(value), message.split("one of ", 1)[1].split(", ")) if "one of " in message else ""
        hint = hint or "; ".join(getattr(context.get("error"), "__notes__", ()))
    return GrammarProblem(path=path, message=_at(path, message), hint=hint)


def _listed(context: Mapping[str, Any]) -> str:
    return str(context.get("expected", "")).replace(" or ", ", ")


def _dotted(path: Path) -> str:
    return ".".join(str(step) for step in path)


def _at(path: Path, message: str) -> str:
    return f"{_dotted(path)}: {message}" if path else message


# --------------------------------------------------------------------------- types and forms

_TYPES: Mapping[str, str] = {
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
}
_LIMITS: Mapping[str, str] = {
    "greater_than": "must be more than {:g}",
    "greater_than_equal": "must be at least {:g}",
    "less_than": "must be less than {:g}",
    "less_than_equal": "must be at most {:g}",
    "finite_number": "must be a finite number",
}
_PATTERNS: Mapping[str, str] = {
    r"^[A-Za-z][A-Za-z0-9_-]*$": "must be a name: letters, digits, - and _, a letter first",
    r"^[a-z][a-z0-9-]*$": "must be lower-case letters, digits and -, a letter first",
    r"^[A-Z][A-Za-z0-9]*$": "must be letters and digits, an upper-case letter first",
    r"^[a-z][a-z0-9-]*/v[0-9][a-z0-9]*$": "must be `system/version`, as in `shop/v1`",
    r"^system\.[A-Za-z][A-Za-z0-9_-]*$": "must be the name of a parameter, as in `system.regions`",
}


def _wrong_type(model: type[BaseModel], data: Json, path: Path, words: str) -> GrammarProblem:
    value = get(data, path)
    message = f"must be {words}, not {_type_name(value)}"
    hint = ""
    if isinstance(value, str) and (("number" in words and _is_number(value)) or value in ("true", "false")):
        hint = "" if "text" in words else "remove the quotes"
    elif isinstance(value, (bool, int, float)) and "text" in words:
        hint = "put it in quotes"
    elif words == "a list" and isinstance(value, (str, int, float)) and not _holds_parts(model, path):
        hint = f"put it in brackets: [{value}]"
    elif value is None:
        hint = "remove the key, or give it a value"
    return GrammarProblem(path=path, message=_at(path, message), hint=hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _type_name(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


# --------------------------------------------------------------------------- keys


def _place_for(model: type[BaseModel], path: Path) -> str:
    """Return where the unknown key at `path` belongs, or which key was perhaps meant."""
    name = str(path[-1])
    here = keys_at(model, path[:-1])
    elsewhere = _places(model).get(name, ())
    if elsewhere:
        return f"{name!r} belongs under {' or '.join(elsewhere[:3])}"
    if model is KindDefinition and (name in KEYWORDS or name in ("type", "properties", "$defs")):
        return f"{name!r} belongs into the schema"
    other = SystemDefinition if model is KindDefinition else KindDefinition
    if len(path) == 1 and name in (key for key, _ in _members(other)):
        return f"{name!r} belongs to a {'system' if other is SystemDefinition else 'kind'}"
    near = did_you_mean(name, here)
    if near:
        return near
    far = did_you_mean(name, _places(model))
    if far:
        word = far.removeprefix("did you mean '").removesuffix("'?")
        return f"{far} It belongs under {' or '.join(_places(model)[word][:3])}"
    return f"known here: {', '.join(here)}"


@functools.cache
def _places(model: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    """Return for each key of the grammar below `model` the parts under which it may stand, nearest first."""
    found: dict[str, list[str]] = {}
    layer: list[tuple[str, type[BaseModel], tuple[type[BaseModel], ...]]] = [("", model, ())]
    while layer:
        following = []
        for place, one, above in layer:
            for key, info in _members(one):
                if place:
                    found.setdefault(key, []).append(place)
                inside = f"{place}.{key}".lstrip(".")
                inner = [m for m in _models(info.annotation) if m not in above]
                following += [(inside, m, (*above, one)) for m in inner]
        layer = following
    return {key: tuple(places) for key, places in found.items()}


def _about(model: type[BaseModel], path: Path) -> str:
    """Return what the grammar says about the key at `path`, or about the last one above it that it knows."""
    for end in range(len(path), 0, -1):
        for one in _models_at(model, path[: end - 1]):
            for key, info in _members(one):
                if key == path[end - 1] and info.description:
                    return info.description
    return ""


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys of the grammar at `path` below `model`."""
    return list(dict.fromkeys(key for one in _models_at(model, path) for key, _ in _members(one)))


def _holds_parts(model: type[BaseModel], path: Path) -> bool:
    """Tell whether mappings stand at `path` below `model`."""
    details = (info for one in _models_at(model, path[:-1]) for key, info in _members(one) if key == path[-1])
    return any(True for info in details for _ in _models(info.annotation))


def _models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """Return the parts of the grammar at `path`; indexes and names of forms lead nowhere new."""
    here = [model]
    for step in path:
        below = [info.annotation for one in here for key, info in _members(one) if key == step]
        here = [inner for annotation in below for inner in _models(annotation)] or here
    return here


def _members(model: type[BaseModel]) -> list[tuple[str, Details]]:
    return [(info.alias or name, info) for name, info in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
