"""One change carried out: read again, checked, sent, judged, read back and compared.

Reads and writes: one live system, through the functions given.

A write is sent once. When its answer is lost, reading settles what became of it; what reading cannot tell stays in
doubt, and says so. A success of which reading shows nothing is a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.core.answers import (
    AnswerError,
    NothingFound,
    answered_id,
    answered_object,
    json_or_missing,
    live_object,
    promise,
)
from reconciler.core.considered import Considered
from reconciler.core.definition import Inside, Wait, WriteCall
from reconciler.core.diff import field_changes
from reconciler.core.documents import document_request, read_document
from reconciler.core.errors import ApiError, ErrorClass, TransportError
from reconciler.core.judge import all_hold, holds, judge, reason_in
from reconciler.core.kinds import Kind
from reconciler.core.model import Action, Change, FieldChange, LiveObject, Operation, Request, Response, Send, Status
from reconciler.core.normalize import canonical_json, nothing_remembered, strictly_equal
from reconciler.core.pointer import format_pointer
from reconciler.core.wire import Subject, Writing, call_request, context, write_request
from reconciler.shell.locks import KeyedLocks
from reconciler.shell.refresh import LiveReader

MIN_LOOKS = 3  # reads before a lost write counts as not done, also where reads are said to agree at once
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


class Stop(Exception):
    """Ends a change with an outcome other than applied."""

    def __init__(self, status: Status, detail: str, hint: str = "", moved: tuple[FieldChange, ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.hint, self.moved = status, detail, hint, moved


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What carrying out one change needs. `considered` has all of its references filled in."""

    change: Change
    considered: Considered
    reader: LiveReader
    send: Send
    clock: Callable[[], float]  # seconds
    sleep: Callable[[float], None]
    locks: KeyedLocks
    trouble: str = "the answer was lost"  # with the last write; what the server said of it, if anything

    @property
    def kind(self) -> Kind:
        return self.considered.kind

    @property
    def after(self) -> Considered:
        """The resource as it is judged after a write: what cannot be read then counts as kept."""
        return replace(self.considered, remembers=nothing_remembered, readable=True)

    def perform(self) -> LiveObject:
        """Carry out the change and return the object as it is then. Raises Stop, or ApiError before any write."""
        inside = self.kind.definition.write.inside
        match self.change.action:
            case Action.CREATE | Action.UPDATE if inside is not None:
                return self._write_inside(inside)
            case Action.CREATE:
                return self._create()
            case Action.UPDATE:
                return self._update()
            case _:
                raise Stop(Status.FAILED, f"{self.change.action.value} cannot be carried out")

    # ------------------------------------------------------------------ create

    def _create(self) -> LiveObject:
        kind, spec = self.kind, self.considered.spec
        if self.reader.read_one(kind, spec, None) is not None:
            raise Stop(
                Status.CONFLICT,
                "it has appeared on the server since the plan",
                "plan again: it will be compared instead of created",
            )
        call = kind.definition.write.create
        assert call is not None
        request = write_request(kind, call, self._writing(None, frozenset(spec), creating=True))
        assert request is not None
        response = self._write(request)
        if response is not None and call.wait is not None:
            self._wait(call.wait, response, None)
        live = None if response is None else self._created(call, response)
        if live is None:
            live = self._read_back(None, lost=response is None, sent=frozenset())
        self.reader.note(kind, live)
        later = frozenset(n for n, f in kind.fields.properties.items() if f.update_only and n in spec)
        outstanding = later & self._outstanding(live)
        return self._send_updates(live, outstanding) if outstanding else self._verified(live)

    def _created(self, call: WriteCall, response: Response) -> LiveObject | None:
        """Return the object from the answer, or read it by the id in the answer; None when neither is to be had."""
        live = self._answered(call, response)
        if live is not None:
            return live
        remote_id = answered_id(self.kind, call, response, self.considered.spec)
        return None if remote_id is None else self._read_back(remote_id, lost=False, sent=frozenset())

    # ------------------------------------------------------------------ update

    def _update(self) -> LiveObject:
        planned = self.change.live
        if planned is None:
            return self._update_new_singleton()
        fresh: LiveObject | None = planned
        if self.considered.readable:
            fresh = self.reader.read_one(self.kind, self.considered.spec, planned.id)
            if fresh is None:
                raise Stop(
                    Status.CONFLICT, "it has gone from the server since the plan", "plan again: it will be created"
                )
            self._refuse_if_moved(planned, fresh)
        assert fresh is not None
        return self._send_updates(fresh, frozenset(str(f.path[0]) for f in self.change.fields))

    def _update_new_singleton(self) -> LiveObject:
        """Update an object that has come into being together with its parent, in this run."""
        kind, spec = self.kind, self.considered.spec
        if kind.unreadable:
            subject = Subject(spec=spec)
            return self._send_updates(live_object(kind, {}, subject), frozenset(spec) - set(kind.scope))
        fresh = self.reader.read_one(kind, spec, None)
        if fresh is None:
            raise Stop(
                Status.FAILED,
                "it is not there although its parent is",
                "plan again; if this repeats, it is no singleton, and the kind needs write.create",
            )
        return self._send_updates(fresh, self._outstanding(fresh))

    def _refuse_if_moved(self, planned: LiveObject, fresh: LiveObject) -> None:
        """Stop with a conflict when a managed field is no longer what the plan was made on."""
        before, now = self.considered.compared_with(planned), self.considered.compared_with(fresh)
        if strictly_equal(before.live, now.live):
            return
        moved = field_changes(replace(now, desired=now.live, live=before.live), stated={}, hidden=self.considered.hides)
        names = ", ".join(format_pointer(change.path) for change in moved)
        raise Stop(
            Status.CONFLICT,
            f"changed by somebody else since the plan: {names}",
            "plan again and look at the difference",
            moved,
        )

    def _send_updates(self, live: LiveObject, changed: frozenset[str]) -> LiveObject:
        kind = self.kind
        for call in kind.definition.write.update:
            request = write_request(kind, call, self._writing(live, changed, creating=False))
            if request is None:
                continue
            response = self._write(request)
            if response is not None and call.wait is not None:
                self._wait(call.wait, response, live)
            answered = None if response is None else self._answered(call, response)
            if answered is not None:
                live = answered
            elif not kind.unreadable:
                live = self._read_back(live.id, lost=response is None, sent=changed)
            elif response is None:
                raise Stop(
                    Status.IN_DOUBT,
                    f"{self.trouble}; the object cannot be read",
                    "look at the object in the system itself, then apply again: the write is repeated",
                )
        return self._verified(live)

    # ------------------------------------------------------------------ inside another object's document

    def _write_inside(self, inside: Inside) -> LiveObject:
        """Read the document, put the object into its list or map, and write the document back."""
        kind, spec = self.kind, self.considered.spec
        subject = Subject(spec=spec, id=None if self.change.live is None else self.change.live.id)
        values = context(kind, subject)
        reading = call_request(kind, inside.read, values)
        # Others of this run may be about to write the same document: one after the other, each on a fresh read.
        with self.locks.of(f"{reading.system} {reading}"):
            response = self.reader.ask(kind, reading)
            assert response is not None
            document = read_document(kind, inside, response, subject)
            mine = document.find(kind, subject)
            if self.change.action is Action.CREATE and mine is not None:
                raise Stop(Status.CONFLICT, "it has appeared on the server since the plan", "plan again")
            if self.change.action is Action.UPDATE:
                if mine is None or self.change.live is None:
                    raise Stop(Status.CONFLICT, "it has gone from the server since the plan", "plan again")
                self._refuse_if_moved(self.change.live, mine)
            answer = self._write(document_request(kind, inside, document, mine, values))
        live = self._read_back(None if mine is None else mine.id, lost=answer is None, sent=frozenset())
        return self._verified(live)

    # ------------------------------------------------------------------ sending

    def _writing(self, live: LiveObject | None, changed: frozenset[str], *, creating: bool) -> Writing:
        subject = Subject(spec=self.considered.spec, id=None if live is None else live.id, live=live)
        return Writing(subject=subject, changed=changed, creating=creating)

    def _write(self, request: Request) -> Response | None:
        """Send a write and return its answer, or None when it is lost or says nothing about the outcome."""
        try:
            response = self.send(request)
        except TransportError as error:
            if error.sent:
                self.trouble = f"the answer was lost ({error.message})"
                return None
            raise
        verdict = judge(self.kind, response)
        if verdict.ok:
            return response
        message = f"{request.method} {request.path}: {verdict.message}"
        match verdict.error_class:
            case ErrorClass.TRANSIENT | None:
                self.trouble = message
                return None
            case ErrorClass.CONFLICT:
                raise Stop(
                    Status.CONFLICT, message, verdict.hint or "something on the server is in the way; plan again"
                )
            case ErrorClass.NOT_FOUND:
                gone = "the object, or something that it refers to, is not there; plan again"
                raise Stop(Status.CONFLICT, message, verdict.hint or gone)
            case error_class:
                raise ApiError(message, error_class=error_class, status=response.status, hint=verdict.hint)

    def _wait(self, wait: Wait, response: Response, live: LiveObject | None) -> None:
        """Ask until the write that `response` only promised has been carried out. Raises Stop when it is not."""
        subject = Subject(spec=self.considered.spec, id=None if live is None else live.id, live=live)
        request = call_request(self.kind, wait, context(self.kind, subject, **promise(response)))
        deadline = self.clock() + wait.seconds
        while True:
            try:
                answer = self.reader.ask(self.kind, request, absent_ok=True)
            except ApiError as error:
                raise Stop(
                    Status.IN_DOUBT,
                    f"accepted, and asking how it went failed: {error.message}",
                    "plan again: what has been done counts",
                ) from None
            body = json_or_missing(answer)
            if any(holds(condition, body) for condition in wait.failed):
                raise Stop(Status.FAILED, f"accepted, and then it went wrong: {reason_in(body)}", "plan again")
            if answer is not None and all_hold(wait.until, body):
                return
            if self.clock() >= deadline:
                raise Stop(
                    Status.IN_DOUBT,
                    f"accepted, and not done after {wait.seconds:g} s",
                    "plan again: what has been done by then counts",
                )
            self.sleep(wait.every_seconds)

    def _answered(self, call: WriteCall, response: Response) -> LiveObject | None:
        body = answered_object(self.kind, call, response)
        if body is None:
            return None
        try:
            subject = Subject(spec=self.considered.spec)
            return live_object(self.kind, body, subject, response.headers.get("etag"))
        except AnswerError:
            return None

    # ------------------------------------------------------------------ truth after writing

    def _outstanding(self, live: LiveObject) -> frozenset[str]:
        """Return the top-level fields that `live` does not hold as asked."""
        comparison = self.after.compared_with(live)
        fields = field_changes(comparison, stated=self.considered.spec, hidden=self.considered.hides)
        return frozenset(str(field.path[0]) for field in fields)

    def _read_back(self, remote_id: str | None, *, lost: bool, sent: frozenset[str]) -> LiveObject:
        """Return the object as it is now, read until it agrees with what was asked or the kind's patience ends.

        `lost` tells that the write's answer was lost, and `sent` which fields an update carried. Raises Stop when the
        object is not there, or when reading cannot tell what became of a lost write.
        """
        read = self.kind.definition.read
        deadline = self.clock() + read.settle_seconds
        ready_by = self.clock() + max(read.settle_seconds, read.ready_seconds)
        pause, looks = FIRST_PAUSE_S, 0
        while True:
            live = self._look(remote_id, lost=lost)
            looks += 1
            settled = live is not None and self._settles(live)
            if live is not None and any(holds(condition, live.body) for condition in read.failed):
                raise Stop(Status.FAILED, f"the server took it, and reports a failure: {reason_in(live.body)}")
            if settled and live is not None and not all_hold(read.ready, live.body):
                if self.clock() >= ready_by:
                    raise Stop(Status.FAILED, f"written, and not ready after {read.ready_seconds:g} s", "plan again")
            elif settled or (self.clock() >= deadline and looks >= (MIN_LOOKS if lost else 1)):
                break
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        if live is None:
            if lost:
                raise Stop(Status.FAILED, f"{self.trouble}; reading shows that nothing was done", "apply again")
            raise Stop(
                Status.FAILED,
                "the server reported success, but the object cannot be found",
                "plan again; if this repeats, check identity and settleSeconds of the kind",
            )
        if lost and not settled:
            raise Stop(Status.FAILED, f"{self.trouble}; reading shows that it was not done", "plan again")
        if lost and sent and not sent & self._comparable(live):
            raise Stop(
                Status.IN_DOUBT,
                f"{self.trouble}; what was sent cannot be read back: {', '.join(sorted(sent))}",
                "apply again with --resend",
            )
        return live

    def _settles(self, live: LiveObject) -> bool:
        """Tell whether nothing is outstanding, fields aside that only a later update can set."""
        later = {n for n, f in self.kind.fields.properties.items() if f.update_only}
        creating = self.change.action is Action.CREATE
        return not self._outstanding(live) - (later if creating else set())

    def _comparable(self, live: LiveObject) -> frozenset[str]:
        hidden = {str(path[0]) for path in self.after.compared_with(live).incomparable}
        return frozenset(self.considered.spec) - hidden

    def _look(self, remote_id: str | None, *, lost: bool) -> LiveObject | None:
        try:
            return self.reader.read_one(self.kind, self.considered.spec, remote_id)
        except NothingFound as error:
            raise Stop(
                Status.IN_DOUBT if lost else Status.FAILED,
                f"{self.trouble if lost else 'the write was accepted'}; reading shows nothing of it: {error}",
                "check the parameters of the system in reconciler.yaml: body and place of reading depend on them",
            ) from None
        except ApiError as error:
            done = self.trouble if lost else "the write was accepted"
            raise Stop(
                Status.IN_DOUBT if lost else Status.FAILED,
                f"{done}; reading back failed: {error.message}",
                "plan again when the system can be read: the object is found by its natural key",
            ) from None

    def _verified(self, live: LiveObject) -> LiveObject:
        """Return the object once it holds what was asked. Raises Stop with the fields that the server did not keep."""
        ready = all_hold(self.kind.definition.read.ready, live.body)
        if self.kind.unreadable or (ready and not self._outstanding(live)):
            return live
        # An answer may be older, or poorer, than what reading shows.
        live = self._read_back(live.id, lost=False, sent=frozenset())
        comparison = self.after.compared_with(live)
        if comparison.equal:
            return live
        fields = field_changes(comparison, stated=self.considered.spec, hidden=self.considered.hides)
        kept = "; ".join(
            f"{format_pointer(f.path)} (secret)"
            if f.sensitive
            else f"{format_pointer(f.path)}: wanted {canonical_json(f.after)}, is {_held(f)}"
            for f in fields
        )
        raise Stop(
            Status.FAILED,
            f"the server answered with success but did not keep: {kept}",
            "state the values that it keeps, or describe in the kind how it treats these fields",
        )


def _held(change: FieldChange) -> str:
    return "not set" if change.operation is Operation.ADD else canonical_json(change.before)
