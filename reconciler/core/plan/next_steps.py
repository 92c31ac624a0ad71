"""What a person does next about a change that did not come to its end, where nobody nearer knew better. Pure."""

from __future__ import annotations

import re

from reconciler.core.errors import ApiError, ErrorClass, ReconcilerError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Change, Source
from reconciler.core.report import Status

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
        return _correct(error.message, change, kind)
    return _OF_CLASS[error.error_class].format(system=kind.definition.system, kind=kind.full_name)


def _correct(detail: str, change: Change, kind: Kind) -> str:
    about = f"`reconciler kinds show {kind.full_name}` describes the fields"
    if change.resource is None:
        return f"look at the object in {kind.definition.system}; {about}"
    name, source = _complained_of(detail, change, kind)
    return f"correct {name} at {source}, then apply again; {about}"


def _complained_of(detail: str, change: Change, kind: Kind) -> tuple[str, Source]:
    """Return the changed field that a server's words name, and where the manifest states it; or the whole manifest."""
    assert change.resource is not None
    for step in dict.fromkeys(str(field.path[0]) for field in change.fields):
        info = kind.fields.child(step)
        spellings = {step, info.create_name, info.update_name} - {""}
        if any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", detail) for one in spellings):
            return f"`{step}`", change.resource.locate(("spec", step))
    return "the manifest", change.resource.source
