"""The `${…}` of manifests: references, environment, variables and files, found and filled in. Pure.

`${ref:Kind/name}` stays in place and is filled when ids are known; `${env:NAME}`, `${var:name}` and `${file:path}`
are filled at once through the functions of `Lookups`. `$${` is the literal `${`. Nothing else is interpreted:
there is no template language, and a filled-in value is never searched again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from reconciler.core.address import Address
from reconciler.core.model import Expression, Json, Reference
from reconciler.core.pointer import MISSING, Path, format_pointer, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean
from reconciler.core.withheld import Withheld

_TOKEN = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_REFERENCE = re.compile(
    r"(?:(?P<system>[a-z][a-z0-9-]*)\.)?(?P<kind>[A-Z][A-Za-z0-9]*)/(?P<name>[^#/\s]+)(?:#(?P<pointer>/.*))?"
)
SORTS = ("ref", "env", "var", "file")
_LATER = (Reference, Withheld)  # without a value of their own


class ExpressionError(ValueError):
    """A `${…}` cannot be read or filled. `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Where values come from. Each function raises ExpressionError with a reason when it has none.

    A run that does without secrets gets Withheld in the place of those that are not there.
    """

    environment: Callable[[str], str | Withheld]
    file: Callable[[str], str | Withheld]
    variables: Mapping[str, Json]  # a value may be Withheld too
    # A variable that holds a secret is secret too, and no name may hold one.
    holds_secret: Callable[[str], bool] = field(default=lambda text: False, repr=False)
    secret_in_name: Callable[[str], bool] = field(default=lambda name: False, repr=False)
    open_environment: frozenset[str] = frozenset()  # names whose values are not secret
    system_of_kind: Callable[[str, str], str] = lambda system, kind: system


@dataclass(slots=True)
class Filled:
    """What `fill` found: the value with everything but references filled in, and what to know about it."""

    value: Json = field(repr=False)
    expressions: list[Expression] = field(default_factory=list)
    sensitive: set[Path] = field(default_factory=set)
    problems: list[tuple[Path, ExpressionError]] = field(default_factory=list)


def fill(value: Json, system: str, lookups: Lookups, *, literal: bool = False) -> Filled:
    """Return `value` with its environment, variable and file values filled in, for a manifest of `system`.

    A `literal` one holds no `${` and is returned as it is.
    """
    result = Filled(value=value)
    if literal:
        return result
    result.value = _fill(value, (), system, lookups, result)
    return result


def _fill(value: Json, path: Path, system: str, lookups: Lookups, result: Filled) -> Json:
    if isinstance(value, dict):
        keys = {key: _key(key, path, result) if "${" in key else key for key in value}
        return {keys[key]: _fill(item, (*path, key), system, lookups, result) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, (*path, index), system, lookups, result) for index, item in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    try:
        parts = [_part(part, path, system, lookups, result) for part in split(value)]
        if len(parts) == 1 and not isinstance(parts[0], _LATER):
            return parts[0]
        texts = tuple(part if isinstance(part, _LATER) else _text(part) for part in parts)
    except ExpressionError as error:
        result.problems.append((path, error))
        return value
    if any(isinstance(part, _LATER) for part in texts):
        result.expressions.append(Expression(path=path, parts=texts))
        return value
    return "".join(str(text) for text in texts)


def _key(key: str, path: Path, result: Filled) -> str:
    """Return a key with `${` in it as it is meant; an expression in it is a mistake, since nothing fills it in."""
    try:
        parts = split(key)
        if not all(isinstance(part, str) for part in parts):
            raise ExpressionError("an expression cannot be in a key", "write the key itself; `$${` is a literal `${`")
    except ExpressionError as error:
        result.problems.append(((*path, key), error))
        return key
    return "".join(part for part in parts if isinstance(part, str))


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)) or value is None:
        raise ExpressionError("a list, a mapping or null cannot stand inside text", "let the `${…}` be the whole value")
    return str(value)


def split(text: str) -> list[str | tuple[str, str]]:
    """Return the literal parts of `text` and its `(sort, argument)` pairs, in order. Raises ExpressionError."""
    parts: list[str | tuple[str, str]] = []
    literal = ""
    end = 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] == "$${":
            literal += "${"
        elif token[1] is None:
            raise ExpressionError("a `${` without its `}`", "write `$${` to mean the characters themselves")
        else:
            sort, colon, argument = token[1].partition(":")
            if sort not in SORTS or not colon or not argument:
                raise ExpressionError(
                    f"unknown expression `{token[0]}`",
                    did_you_mean(sort, SORTS)
                    or "use ${ref:Kind/name}, ${env:NAME}, ${var:name} or ${file:path}; `$${` is a literal `${`",
                )
            if literal:
                parts.append(literal)
                literal = ""
            parts.append((sort, argument))
    literal += text[end:]
    if literal or not parts:
        parts.append(literal)
    return parts


def _part(
    part: str | tuple[str, str], path: Path, system: str, lookups: Lookups, result: Filled
) -> Json | Reference | Withheld:
    if isinstance(part, str):
        return part
    sort, argument = part
    if sort == "ref":
        return parse_reference(argument, system, lookups.system_of_kind)
    if sort == "var":
        value = lookups.variables.get(argument, MISSING)
        if value is MISSING:
            raise ExpressionError(
                f"variable {argument!r} is not set for this target",
                did_you_mean(argument, lookups.variables) or "add it under `vars` of the target in reconciler.yaml",
            )
        if isinstance(value, Withheld) or (isinstance(value, str) and lookups.holds_secret(value)):
            result.sensitive.add(path)
        return value
    if not (sort == "env" and argument in lookups.open_environment):
        result.sensitive.add(path)
    return lookups.environment(argument) if sort == "env" else lookups.file(argument)


def parse_reference(text: str, system: str, system_of_kind: Callable[[str, str], str]) -> Reference:
    """Return the reference that `Kind/name`, `system.Kind/name` or either with `#/pointer` means."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ExpressionError(
            f"cannot read the reference {text!r}", "write ${ref:Kind/name} or ${ref:Kind/name#/field}"
        )
    home = match["system"] or system_of_kind(system, match["kind"])
    pointer = None if match["pointer"] is None else parse_pointer(match["pointer"])
    return Reference(address=Address(home, match["kind"], match["name"]), pointer=pointer)


def resolve(
    spec: Json, expressions: tuple[Expression, ...], value_of: Callable[[Reference], Any]
) -> tuple[Json, frozenset[Path]]:
    """Return `spec` with its references filled in, and the paths of those that are not known yet.

    `value_of` gives the value of a reference or MISSING. An unknown one keeps the manifest's text.

    Raises ExpressionError, with the path in its message, for a value that cannot stand inside text.
    """
    unknown: set[Path] = set()
    known: dict[Path, Json] = {}
    for expression in expressions:
        values = [
            part if isinstance(part, str) else MISSING if isinstance(part, Withheld) else value_of(part)
            for part in expression.parts
        ]
        if any(value is MISSING for value in values):
            unknown.add(expression.path)
            continue
        try:
            known[expression.path] = values[0] if len(values) == 1 else "".join(_text(v) for v in values)
        except ExpressionError as error:
            raise ExpressionError(f"{format_pointer(expression.path)}: {error}", error.hint) from None
    return _replace(spec, (), known), frozenset(unknown)


def _replace(value: Json, path: Path, known: Mapping[Path, Json]) -> Json:
    if not known:
        return value
    if path in known:
        return known[path]
    if isinstance(value, dict):
        return {key: _replace(item, (*path, key), known) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, (*path, index), known) for index, item in enumerate(value)]
    return value
