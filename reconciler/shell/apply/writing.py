"""One write: its request, its answer judged, and the wait for what the answer only promises.

Reads and writes: one live system, through the functions of the work.

A write is sent once, unless it carries a key by which the server tells a repeat. What is not known to have failed is
not an error here: the answer is lost, and reading decides.
"""

from __future__ import annotations

from reconciler.core.errors import ApiError, ErrorClass, TransportError
from reconciler.core.kinds.definition import Call, Wait, WriteCall
from reconciler.core.kinds.template import variables
from reconciler.core.model import LiveObject, Request, Response
from reconciler.core.pointer import MISSING, get
from reconciler.core.records import dataclass
from reconciler.core.report import Status
from reconciler.core.wire.answers import AnswerError, answered_object, live_object, promise
from reconciler.core.wire.carrying import carried_fields
from reconciler.core.wire.guards import tagged
from reconciler.core.wire.judge import all_hold, holds, status_fits
from reconciler.core.wire.requests import Subject, Writing, call_fields, call_request, context, write_request
from reconciler.core.wire.said import json_or_missing, reason_in
from reconciler.shell.apply.work import HalfDone, Refusal, Stop, Work
from reconciler.shell.live.judging import judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from a write that was not refused."""

    response: Response | None
    lost: str = ""  # without a response: what is known of the loss, for people; otherwise ""


def request_for(
    work: Work, call: WriteCall, live: LiveObject | None, changed: frozenset[str], *, creating: bool
) -> Request | None:
    """Return the request of `call` over `live`; None when none of the `changed` fields is for this call."""
    return write_request(work.kind, call, _writing(work, live, changed, creating=creating))


def fields_of(work: Work, call: WriteCall, live: LiveObject, changed: frozenset[str]) -> frozenset[str]:
    """Return which of the `changed` fields the update of `call` is for."""
    return changed & call_fields(work.kind, call, _writing(work, live, changed, creating=False))


def carried_by(work: Work, call: WriteCall, live: LiveObject | None, changed: frozenset[str]) -> frozenset[str]:
    """Return the stated fields whose values the request of `call` over `live` carries."""
    return carried_fields(work.kind, call, _writing(work, live, changed, creating=live is None))


def _subject(work: Work, live: LiveObject | None) -> Subject:
    considered = work.considered
    remote_id = None if live is None else live.id
    return Subject(spec=considered.spec, id=remote_id, live=live, hides=considered.hides)


def _writing(work: Work, live: LiveObject | None, changed: frozenset[str], *, creating: bool) -> Writing:
    subject = Subject(
        spec=work.considered.spec, id=None if live is None else live.id, live=live, hides=work.considered.hides
    )
    return Writing(subject=subject, changed=changed, creating=creating, intent=work.intent)


def write(work: Work, call: Call, request: Request, *, absent_ok: bool = False) -> Answer:
    """Send `request`, a write by `call`; with `absent_ok`, that there is no such object counts as success.

    Raises Refusal and Stop on a conflict, ApiError when the server refused it or surely never saw it.
    """
    try:
        response = work.send(request)
    except TransportError as error:
        if error.sent:
            return Answer(response=None, lost=f"the answer was lost ({error.message})")
        raise
    verdict = judged(work.kind, call, request, response)
    if verdict.ok:
        return Answer(response=response)
    fields = [reason.field for reason in verdict.reasons if reason.field]
    message = f"{request}: {verdict.message}"
    match verdict.error_class:
        case ErrorClass.TRANSIENT | None:
            return Answer(response=None, lost=message)
        case ErrorClass.CONFLICT:
            hint = verdict.hint or "something on the server is in the way; plan again"
            raise Refusal(Status.CONFLICT, message, hint, fields=fields)
        case ErrorClass.NOT_FOUND if absent_ok:
            return Answer(response=response)
        case ErrorClass.NOT_FOUND:
            gone = "the object, or something that it refers to, is not there; plan again"
            raise Stop(Status.CONFLICT, message, verdict.hint or gone, fields=fields)
        case error_class:
            # What was answered with success, or is called a failure of the server, may have begun to act.
            begun = error_class is ErrorClass.FAILED or 200 <= response.status < 300
            refused = HalfDone if begun else ApiError
            raise refused(message, error_class=error_class, status=response.status, hint=verdict.hint, fields=fields)


def write_and_wait(work: Work, call: WriteCall, request: Request, live: LiveObject | None) -> Answer:
    """Send the write of `call` and wait until it has been carried out. Raises Stop and ApiError."""
    answer = write(work, call, request)
    if answer.response is not None and call.wait is not None:
        wait_until_done(work, call.wait, answer.response, live)
    return answer


def _promises(work: Work, wait: Wait, response: Response) -> bool:
    """Tell whether an answer only promises what it was asked for: some servers act at once where it is quickly done.

    An answer that names nothing to ask about does not; of an object that can be read, reading tells the rest.
    """
    if wait.status:
        return any(status_fits(pattern, response.status) for pattern in wait.status)
    values = promise(response)
    found = {
        one: get(values[one.root], one.steps) not in (MISSING, None)
        for one in variables([wait.path, dict(wait.query), wait.body])
        if one.root in values
    }
    promises = all(found[one] for one in variables(wait.path) if one in found) and (not found or any(found.values()))
    if not promises and work.kind.unreadable:
        raise Stop(
            Status.IN_DOUBT,
            "accepted, and the answer names nothing to ask about",
            "state the `status` of the answers that `wait` is for",
        )
    return promises


def wait_until_done(work: Work, wait: Wait, response: Response, live: LiveObject | None) -> None:
    """Ask until the write that `response` only promised has been carried out. Raises Stop when it is not."""
    if not _promises(work, wait, response):
        return
    subject = Subject(
        spec=work.considered.spec, id=None if live is None else live.id, live=live, hides=work.considered.hides
    )
    request = call_request(work.kind, wait, context(work.kind, subject, **promise(response)))
    deadline = work.clock() + wait.seconds
    while True:
        try:
            answer = work.reader.ask(work.kind, wait, request, absent_ok=True)
        except ApiError as error:
            raise Stop(
                Status.IN_DOUBT,
                f"accepted, and asking how it went failed: {error.message}",
                "plan again: what has been done counts",
            ) from None
        body = json_or_missing(answer)
        if any(holds(condition, body) for condition in wait.failed):
            said = body if answer is None else answer.fit_to_show(body)
            raise Stop(Status.FAILED, f"accepted, and then it went wrong: {reason_in(work.kind, said)}", "plan again")
        if answer is not None and all_hold(wait.until, body):
            return
        if work.clock() >= deadline:
            raise Stop(
                Status.IN_DOUBT,
                f"accepted, and not done after {wait.seconds:g} s",
                "plan again: what has been done by then counts",
            )
        work.sleep(wait.every_seconds)


def object_in(work: Work, call: WriteCall, response: Response | None) -> LiveObject | None:
    """Return the object that the answer to `call` shows, None when it shows none."""
    body = None if response is None else answered_object(work.kind, call, response)
    if response is None or body is None:
        return None
    try:
        return tagged(live_object(work.kind, body, Subject(spec=work.considered.spec)), response.headers)
    except AnswerError:
        return None
