"""The `{…}` templates of kind definitions: values from the spec, the live object, the system, the page. Pure.

`{spec.name}`, `{live.version}`, `{system.workspaceId}`, `{page.cursor}`, `{id}`: a root and a dotted path.
A text that is one whole `{…}` keeps the type of its value; anything else becomes text. `{{` and `}}` stand for
the braces themselves. A value that is missing leaves out the query parameter or body member it stands in; in a
path, where nothing can be left out, it is an error. `{+id}` keeps the slashes of its value in a path (RFC 6570,
section 3.2.3), for ids that are paths themselves.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, get
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean

ROOTS = ("id", "spec", "live", "system", "page", "changed", "item", "answer", "location", "document", "items")
_BARE = ("id", "changed", "item", "location", "document", "items")  # stand alone; the others are followed by a name

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class TemplateError(ValueError):
    """A template cannot be read, or a value that it needs in a path is missing. `hint` says what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Variable:
    """One `{…}`: a root and the steps below it."""

    root: str
    steps: tuple[str, ...]
    keeps_slashes: bool = False  # a value of several segments; paths only

    def __str__(self) -> str:
        return "{" + "+" * self.keeps_slashes + ".".join((self.root, *self.steps)) + "}"


@functools.lru_cache(maxsize=4096)
def parse_template(text: str) -> tuple[str | Variable, ...]:
    """Return the literal parts and variables of `text`, in order. Raises TemplateError with the reason."""
    parts: list[str | Variable] = []
    literal = ""
    end = 0
    for token in _TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] in ("{{", "}}"):
            literal += token[0][0]
        elif token[1] is None:
            message = f"a single {token[0]!r}; write it twice to mean the brace itself"
            raise TemplateError(message, "a variable has two braces, as in {id}")
        else:
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(_variable(token[1]))
    literal += text[end:]
    if literal:
        parts.append(literal)
    return tuple(parts)


def _variable(text: str) -> Variable:
    keeps_slashes = text.startswith("+")
    root, *steps = text.removeprefix("+").split(".")
    if root not in ROOTS:
        message = f"unknown variable {{{text}}}; a variable starts with one of {', '.join(ROOTS)}"
        raise TemplateError(message, did_you_mean(root, ROOTS) or "a field of the manifest is {spec.name}")
    if root in _BARE:
        if steps:
            raise TemplateError(f"{{{text}}}: {{{root}}} has nothing below it", f"write {{{root}}}")
    elif not steps or not all(_NAME.fullmatch(step) or step.isdigit() for step in steps):
        message = f"{{{text}}} needs a name after the dot, as in {{{root}.name}}"
        raise TemplateError(message, "names are letters, digits, - and _; items of a list have numbers")
    return Variable(root, tuple(steps), keeps_slashes)


def variables(template: Json) -> Iterator[Variable]:
    """Yield every variable in a template value: text, or JSON with texts in it."""
    if isinstance(template, str):
        yield from (part for part in parse_template(template) if isinstance(part, Variable))
    elif isinstance(template, dict):
        for value in template.values():
            yield from variables(value)
    elif isinstance(template, list):
        for value in template:
            yield from variables(value)


def _value(variable: Variable, context: Mapping[str, Any]) -> Any:
    return get(context.get(variable.root, MISSING), variable.steps)


def as_text(value: Json) -> str:
    """Return a scalar as it stands in URLs and text: booleans in lower case, numbers without exponent games."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return str(value)


def render_value(template: Json, context: Mapping[str, Any]) -> Any:
    """Return `template` with its variables filled in; MISSING when a text needs a value that is not there."""
    if isinstance(template, str):
        parts = parse_template(template)
        if len(parts) == 1 and isinstance(parts[0], Variable):
            return _value(parts[0], context)
        values = [part if isinstance(part, str) else _value(part, context) for part in parts]
        if any(value is MISSING or value is None for value in values):
            return MISSING
        return "".join(as_text(value) for value in values)
    if isinstance(template, dict):
        rendered = {key: render_value(value, context) for key, value in template.items()}
        return {key: value for key, value in rendered.items() if value is not MISSING}
    if isinstance(template, list):
        return [value for value in (render_value(item, context) for item in template) if value is not MISSING]
    return template


def _percent_encoded(text: str) -> str:
    return quote(text, safe="")


def render_path(template: str, context: Mapping[str, Any], *, encode: Callable[[str], str] = _percent_encoded) -> str:
    """Return a path with each variable percent-encoded as one segment (RFC 3986, section 2.1), or as several.

    Raises TemplateError when a variable has no value, or one such as `..`: the path would name another object.
    """
    rendered = []
    for part in parse_template(template):
        if isinstance(part, str):
            rendered.append(part)
            continue
        value = _value(part, context)
        if value is MISSING or value is None or value == "" or isinstance(value, (dict, list)):
            raise TemplateError(f"{part} has no value that could stand in a path")
        # A location comes from the server as a path already, and is none of our values.
        text = as_text(value)
        segments = text.split("/") if part.keeps_slashes else [text]
        rendered.append(text if part.root == "location" else "/".join(map(encode, segments)))
    path = "".join(rendered)
    if any(segment in (".", "..") for segment in path.split("/")):
        # RFC 3986, section 5.2.4: these name another path, and percent-encoding does not change that.
        names = ", ".join(str(variable) for variable in variables(template))
        raise TemplateError(f"{names} must not make a path segment of dots only")
    return path


def render_query(templates: Mapping[str, Json], context: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return query pairs in order; a list value repeats its name, a missing or null value is left out."""
    pairs: list[tuple[str, str]] = []
    for name, template in templates.items():
        value = render_value(template, context)
        for item in value if isinstance(value, list) else [value]:
            if item is not MISSING and item is not None:
                pairs.append((name, as_text(item)))
    return tuple(pairs)
