"""What a person does next about a change that did not come to its end, where nobody nearer knew better. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.core.errors import ApiError, ErrorClass, ReconcilerError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.model import Change, Json, Source
from reconciler.core.pointer import Path
from reconciler.core.report import Status
from reconciler.core.wire.reasons import letters

_MOST = 3  # fields that one step names

_OF_STATUS = {
    Status.FAILED: "plan again: it shows what is left to do",
    Status.SKIPPED: "apply again to go on",
    Status.CONFLICT: "plan again, and look at what is there now",
    Status.IN_DOUBT: "plan again: it is read, and what is missing is planned anew",
}
_OF_CLASS = {
    ErrorClass.NOT_FOUND: "plan again: something that the plan found is not there",
    ErrorClass.CONFLICT: "plan again, and look at what is there now",
    ErrorClass.UNAUTHORIZED: "check the credentials of {system} in reconciler.yaml, then apply again",
    ErrorClass.FORBIDDEN: "give the account of {system} the right to do this, then apply again",
    ErrorClass.RATE_LIMITED: "apply again later, or lower the concurrency of {system} in reconciler.yaml",
    ErrorClass.TRANSIENT: "apply again: what is done already is not repeated",
    ErrorClass.MISCONFIGURED: "check the url of {system} in reconciler.yaml, and the calls of `kinds show {kind}`",
    ErrorClass.FAILED: "look into the logs of {system}, then apply again",
}


def usual_step(status: Status) -> str:
    """Return what to do about a change of this status; empty where nothing is left to do."""
    return _OF_STATUS.get(status, "")


def step_after(error: ReconcilerError, change: Change, kind: Kind) -> str:
    """Return what to do about a change that `error` ended."""
    if error.hint:
        return error.hint
    if not isinstance(error, ApiError):
        return usual_step(Status.FAILED)
    if error.error_class is ErrorClass.INVALID:
        return _correct(error, change, kind)
    return _OF_CLASS[error.error_class].format(system=kind.definition.system, kind=kind.full_name)


def fields_named(named: Sequence[Sequence[str]], change: Change, kind: Kind) -> list[Path]:
    """Return the fields of the manifest that an answer means by the paths it has `named`, each once."""
    spec = {} if change.resource is None else change.resource.spec
    found = (_field_of(kind.fields, spec, steps) for steps in named)
    return list(dict.fromkeys(path for path in found if path))


def place_of(named: Sequence[Sequence[str]], change: Change, kind: Kind) -> Source | None:
    """Return where the manifest states the first field that an answer has named; the manifest where it names none."""
    if change.resource is None:
        return None
    path = next(iter(fields_named(named, change, kind)), None)
    return change.resource.source if path is None else change.resource.locate(("spec", *path))


def _field_of(info: FieldInfo, spec: Json, steps: Sequence[str]) -> Path:
    """Return the field that a path ends at or in; frameworks put in front what holds the fields: `body`, `arg0`."""
    for start in range(len(steps)):
        path = _down(info, spec, steps[start:])
        if path:
            return path
    return ()


def _down(info: FieldInfo, value: Json, steps: Sequence[str]) -> Path:
    path: Path = ()
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            path, value, info = (*path, int(step)), value[int(step)], info.items or EMPTY
            continue
        name = next((name for name, child in info.properties.items() if _is_called(child, step)), None)
        if name is None:
            break
        path, info = (*path, name), info.properties[name]
        value = value.get(name) if isinstance(value, dict) else None
    return path


def _is_called(info: FieldInfo, name: str) -> bool:
    return letters(name) in map(letters, (info.name, info.create_name, info.update_name, info.response_name))


def _correct(error: ApiError, change: Change, kind: Kind) -> str:
    about = f"`reconciler kinds show {kind.full_name}` describes the fields"
    if change.resource is None:
        return f"look at the object in {kind.definition.system}; {about}"
    named = fields_named(error.fields, change, kind) or _in_the_words(error.message, change, kind)
    places = [f"`{'.'.join(map(str, path))}` at {change.resource.locate(('spec', *path))}" for path in named[:_MOST]]
    return f"correct {' and '.join(places) or f'the manifest at {change.resource.source}'}, then apply again; {about}"


def _in_the_words(detail: str, change: Change, kind: Kind) -> list[Path]:
    """Return the changed field that a server's words name."""
    for step in dict.fromkeys(str(field.path[0]) for field in change.fields):
        info = kind.fields.child(step)
        spellings = {step, info.create_name, info.update_name} - {""}
        if any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", detail) for one in spellings):
            return [(step,)]
    return []
