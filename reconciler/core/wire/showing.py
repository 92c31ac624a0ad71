"""Requests as people may see them: made where the request is made, of the same template and the same values. Pure.

What the kind or the manifest calls secret has a stand-in, and so has a live value that no schema describes: nobody has
said whether it is secret. No other text is made of the path and the query of a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from reconciler.core.kinds.answered import field_answered_as
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.kinds.template import Variable, as_text, parse_template, render_path, render_query, variables
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING, Path, get, put
from reconciler.core.redaction import STAND_IN

HIDES = "hides"  # the member of a template's context that tells which fields of the manifest are secret

_SOUNDS_SECRET = re.compile(r"token|secret|passw|pwd|key|auth|credential|signature|^sig$|session|code", re.IGNORECASE)


def shown_target(kind: Kind, path: str, query: Mapping[str, Json], values: Mapping[str, Any]) -> str:
    """Return path and query as they may be shown, percent-encoded as they are sent, but for the stand-ins."""
    hidden = {one for one in (*variables(path), *variables(dict(query))) if _is_hidden(kind, one, values)}
    if not hidden:
        return with_query(render_path(path, values), render_query(query, values))
    parts = []
    for part in parse_template(path):
        if part in hidden:
            parts.append(STAND_IN)
        else:
            parts.append(part if isinstance(part, str) else render_path(str(part), values))
    return with_query("".join(parts), _shown_query(query, values, hidden))


def hidden_values(kind: Kind, path: str, query: Mapping[str, Json], values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the secrets in path and query, which an answer may repeat and nobody else knows: the server made them."""
    used = (*variables(path), *variables(dict(query)))
    hidden = [one for one in used if one.root != "location" and _is_hidden(kind, one, values)]
    return tuple(text for one in hidden for text in _texts(get(values.get(one.root, MISSING), one.steps)))


def _shown_query(
    query: Mapping[str, Json], values: Mapping[str, Any], hidden: set[Variable]
) -> Iterable[tuple[str, str]]:
    for name, template in query.items():
        pairs = render_query({name: template}, values)
        secret = not hidden.isdisjoint(variables(template))
        yield from ((name, STAND_IN if secret else value) for _, value in pairs)


def with_query(path: str, query: Iterable[tuple[str, str]]) -> str:
    """Return path and query for people, with a stand-in for the values of parameters whose names sound secret."""
    pairs = (
        f"{quote(name)}={STAND_IN if value == STAND_IN or _SOUNDS_SECRET.search(name) else quote(value)}"
        for name, value in query
    )
    joined = "&".join(pairs)
    return f"{path}?{joined}" if joined else path


def without_secrets(
    kind: Kind, templates: Iterable[Json], values: Mapping[str, Any], stand_in: Callable[[str], str]
) -> dict[str, Any]:
    """Return the context of `templates` with a stand-in for each secret that they use."""
    shown = dict(values)
    for variable in (one for template in templates for one in variables(template)):
        there = get(values.get(variable.root, MISSING), variable.steps)
        if there in (MISSING, None, "") or not _is_hidden(kind, variable, values):
            continue
        whole = shown[variable.root]
        if not variable.steps:
            shown[variable.root] = stand_in(str(variable))
        elif isinstance(whole, dict):
            # Below a list, the whole field: its other items are not used by themselves.
            path = (
                variable.steps
                if all(isinstance(get(whole, variable.steps[:n]), dict) for n in range(1, len(variable.steps)))
                else variable.steps[:1]
            )
            shown[variable.root] = put(whole, path, stand_in(str(variable)))
    return shown


def shown_address(shown: str, path: str, query: Iterable[tuple[str, str]], *, same_path: bool) -> str:
    """Return as it may be shown an address that a server gave, where the request before was shown as `shown`.

    What that one hid, this one may repeat: then no more than the names of its parameters is shown.
    """
    before, _, _ = shown.partition("?")
    if STAND_IN in shown:
        return with_query(before if same_path else STAND_IN, ((name, STAND_IN) for name, _ in query))
    return with_query(before if same_path else path, query)


def _is_hidden(kind: Kind, variable: Variable, values: Mapping[str, Any]) -> bool:
    match variable.root:
        case "spec":
            path: Path = tuple(int(step) if step.isdigit() else step for step in variable.steps)
            hides: Callable[[Path], bool] | None = values.get(HIDES)
            return kind.fields.hides(path, ever=True) or (hides is not None and hides(path))
        case "id":
            return kind.secret_id
        case "live":
            return _is_hidden_answer(kind, variable.steps, described=False)
        case "answer":
            return _is_hidden_answer(kind, variable.steps, described=True) or bool(_SOUNDS_SECRET.search(str(variable)))
        case "location":
            return kind.secret_id or _repeats_a_secret(kind, values)
        case _:
            return False


def _is_hidden_answer(kind: Kind, steps: tuple[str, ...], *, described: bool) -> bool:
    """Tell whether a value of an answer is secret, or in no schema where not all that are shown are `described`."""
    if kind.id_path is not None and tuple(map(str, kind.id_path)) == steps:
        return kind.secret_id
    info = field_answered_as(kind.fields, steps)
    return (info is EMPTY and not described) or info.sensitive or bool(info.sensitive_when)


def _repeats_a_secret(kind: Kind, values: Mapping[str, Any]) -> bool:
    """Tell whether a location holds one of the secrets that the request is about."""
    location = str(values.get("location", ""))
    hides = values.get(HIDES)
    found = [*_secrets(kind.fields, values.get("spec"), (), hides)]
    for answer in (values.get("live"), values.get("answer")):
        for name, value in answer.items() if isinstance(answer, dict) else ():
            if _is_hidden_answer(kind, (name,), described=True):
                found += _texts(value)
    return any(quote(text, safe="") in location or text in location for text in found)


def _secrets(info: FieldInfo, value: Any, path: Path, hides: Callable[[Path], bool] | None) -> Iterable[str]:
    if path and (info.sensitive or info.sensitive_when or (hides is not None and hides(path))):
        yield from _texts(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _secrets(info.child(name), item, (*path, name), hides)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(info.child(index), item, (*path, index), hides)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value not in (MISSING, None, "") and not isinstance(value, bool):
        yield as_text(value)
