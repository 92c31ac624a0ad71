"""Mistakes in `reconciler.yaml`, all at once and in words. Pure.

No message ever holds a value, only keys: values may come from the environment.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.core.model import Json
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean
from reconciler.shell.settings.form import (
    AS_WRITTEN,
    SYSTEM_KEYS,
    ConfigurationForm,
    RuleError,
    form_at,
    keys_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsProblem:
    """One mistake, at the value that stands at `path`, or at its key."""

    path: Path
    message: str
    hint: str
    code: str = "invalid-setting"
    on_key: bool = False


def check_form(data: Json) -> Iterator[SettingsProblem]:
    """Yield every mistake that a whole configuration, as written, makes against the form."""
    yield from check_part(ConfigurationForm, data, (), as_written=True)
    yield from _misspelt_settings(data)


def check_part(form: type[BaseModel], data: Json, at: Path, *, as_written: bool = False) -> Iterator[SettingsProblem]:
    """Yield every mistake of `data`, which stands at `at`, against `form`.

    With `as_written`, texts with a `${` are not judged by their content.
    """
    try:
        form.model_validate(data, context=AS_WRITTEN if as_written else None)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            yield _mistake((*at, *found["loc"]), found["type"], found.get("ctx", {}))


def _misspelt_settings(data: Json) -> Iterator[SettingsProblem]:
    """Yield the parameters that are so near to a setting that they must be meant for it."""
    settings = {key.casefold(): key for key in SYSTEM_KEYS}
    for target, system, parameters in _systems(data):
        for name in parameters:
            folded = re.sub(r"[_-]", "", str(name)).casefold()
            near = difflib.get_close_matches(folded, settings, n=1, cutoff=0.9)
            if near and name not in SYSTEM_KEYS:
                yield SettingsProblem(
                    path=("targets", target, "systems", system, name),
                    on_key=True,
                    code="unknown-setting",
                    message=f"unknown key {name!r}",
                    hint=f"did you mean {settings[near[0]]!r}?",
                )


def _systems(data: Json) -> Iterator[tuple[str, str, dict[str, Json]]]:
    targets = data.get("targets") if isinstance(data, dict) else None
    for target, content in targets.items() if isinstance(targets, dict) else ():
        systems = content.get("systems") if isinstance(content, dict) else None
        for system, settings in systems.items() if isinstance(systems, dict) else ():
            if isinstance(settings, dict):
                yield target, system, settings


_WORDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_EXAMPLES = {
    "text": "write text; put numbers and words such as true in quotes",
    "a whole number": "write digits without quotes; environment values are text and cannot stand here",
    "a number": "write it without quotes; environment values are text and cannot stand here",
    "true or false": "write true or false without quotes",
    "a list": "write [one, two], or one item a line after `- `",
    "a mapping": "write `key: value` lines below it",
}
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}


def _mistake(path: Path, kind: str, context: dict[str, Any]) -> SettingsProblem:
    # pydantic marks a key so; an unknown key of that very name is not meant.
    on_key = bool(path) and path[-1] == "[key]" and kind != "extra_forbidden"
    if on_key:
        path = path[:-1]
    name = _label(path)
    match kind:
        case "missing":
            key = path[-1]
            where = f" in {_label(path[:-1])}" if len(path) > 1 else ""
            return SettingsProblem(path=path[:-1], message=f"`{key}` is missing{where}", hint=f"add `{key}`")
        case "extra_forbidden":
            known = keys_of(form_at(path[:-1]))
            hint = did_you_mean(str(path[-1]), known) or f"the keys known here are {', '.join(known)}"
            return SettingsProblem(
                path=path, on_key=True, code="unknown-setting", message=f"unknown key {path[-1]!r}", hint=hint
            )
        case "string_too_short" | "too_short":
            return SettingsProblem(path=path, message=f"{name} must not be empty", hint="fill it, or remove the key")
        case "literal_error":
            return SettingsProblem(
                path=path, message=f"{name} must be one of {context['expected']}", hint="choose one of them"
            )
        case "value_error":
            error = context["error"]
            hint = error.hint if isinstance(error, RuleError) else "correct it"
            return SettingsProblem(path=path, on_key=on_key, message=f"{name} {error}", hint=hint)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return SettingsProblem(path=path, message=f"{name} must be {words} {context[bound]}", hint=_of_number(path))
    word = _WORDS.get(kind, "something else")
    hint = _EXAMPLES.get(word, "see the example in the documentation of reconciler.yaml")
    return SettingsProblem(path=path, message=f"{name} must be {word}", hint=hint)


def _of_number(path: Path) -> str:
    """Return what to write for the number at `path`: what the form says of it, if anything."""
    form = form_at(path[:-1]) if path[-2:-1] == ("policy",) else None
    known = {} if form is None else {field.alias or name: field for name, field in form.model_fields.items()}
    field = known.get(str(path[-1]))
    return (field.description if field is not None else None) or "correct the number"


def _label(path: Path) -> str:
    """Return how a person calls what stands at `path`; never a value."""
    if not path:
        return "the configuration"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_label(path[:-1])}"
    return f"`{path[-1]}`"
