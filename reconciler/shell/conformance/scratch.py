"""The scratch object: made here, looked at, written to, and taken away again. Nothing else is ever touched.

Reads and writes: one live system, through the functions given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from reconciler.core.errors import ApiError, ErrorClass, ReconcilerError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call, Wait, WriteCall
from reconciler.core.kinds.template import TemplateError
from reconciler.core.model import JsonObject, LiveObject, Request, Response, Send
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import AnswerError, answered_id, live_object, promise
from reconciler.core.wire.judge import Verdict as Judgement
from reconciler.core.wire.judge import all_hold, holds
from reconciler.core.wire.requests import Subject, Writing, call_request, context, write_request
from reconciler.core.wire.said import json_or_missing, reason_in
from reconciler.shell.live.judging import judged
from reconciler.shell.live.refresh import LiveReader

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A write, and what the system said to it."""

    call: WriteCall
    request: Request
    response: Response
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The object as it was seen, by a read that began so many seconds after the last write was answered."""

    live: LiveObject | None
    seconds: float
    stale_s: float | None = None  # when the last read began that did not agree with the write; None: all agreed
    agreed: bool = True  # otherwise patience ended


@dataclass(slots=True, kw_only=True)
class Scratch:
    """One object of `kind` that this run makes from `spec`, and knows by `id` once it is there."""

    kind: Kind
    spec: JsonObject = field(repr=False)
    reader: LiveReader
    send: Send
    clock: Callable[[], float]  # seconds
    sleep: Callable[[float], None]
    patience_s: float  # how long reads may lag behind writes before they count as wrong
    id: str | None = None
    made: bool = False  # something of this run may be there
    written_at: float = 0.0  # when the last write was answered and carried out

    def create(self) -> Answered:
        """Send the create, which may be sent once only. Raises TransportError without an answer."""
        call = self.kind.definition.write.create
        assert call is not None
        self.made = True
        return self._write(call, self.spec, frozenset(self.spec), None)

    def update(self, spec: JsonObject, changed: str, over: LiveObject) -> list[Answered]:
        """Send the updates that changing one field takes, laid over `over`; stop at the first one that is refused."""
        answers = []
        for call in self.kind.definition.write.update:
            subject = Subject(spec=spec, id=over.id, live=over)
            writing = Writing(subject=subject, changed=frozenset({changed}), creating=False)
            if write_request(self.kind, call, writing) is not None:
                answers.append(self._write(call, spec, frozenset({changed}), over))
                if not answers[-1].judgement.ok:
                    break
        return answers

    def request_of(self, spec: JsonObject, changed: str, over: LiveObject) -> tuple[WriteCall, Request] | None:
        """Return the first update that changing one field takes."""
        for call in self.kind.definition.write.update:
            subject = Subject(spec=spec, id=over.id, live=over)
            writing = Writing(subject=subject, changed=frozenset({changed}), creating=False)
            request = write_request(self.kind, call, writing)
            if request is not None:
                return call, request
        return None

    def ask_to(self, call: WriteCall, request: Request, over: LiveObject) -> Judgement:
        """Send a write as it stands, and return what its answer means."""
        return self._sent(call, request, over).judgement

    def _write(self, call: WriteCall, spec: JsonObject, changed: frozenset[str], over: LiveObject | None) -> Answered:
        subject = Subject(spec=spec, id=None if over is None else over.id, live=over)
        request = write_request(self.kind, call, Writing(subject=subject, changed=changed, creating=over is None))
        assert request is not None
        return self._sent(call, request, over)

    def _sent(self, call: WriteCall, request: Request, over: LiveObject | None) -> Answered:
        response = self.send(request)
        judgement = judged(self.kind, call, request, response)
        if judgement.ok and call.wait is not None:
            judgement = self._waited(call.wait, response, over)
        self.written_at = self.clock()
        return Answered(call=call, request=request, response=response, judgement=judgement)

    def _waited(self, wait: Wait, response: Response, over: LiveObject | None) -> Judgement:
        """Ask until what an answer only promised has been carried out, and return what came of it."""
        subject = Subject(spec=self.spec, id=self.id if over is None else over.id, live=over)
        request = call_request(self.kind, wait, context(self.kind, subject, **promise(response)))
        deadline = self.clock() + wait.seconds
        while True:
            body = json_or_missing(self.reader.ask(self.kind, wait, request, absent_ok=True))
            if any(holds(condition, body) for condition in wait.failed):
                said = f"accepted, and then it went wrong: {reason_in(self.kind, body)}"
                return Judgement(error_class=ErrorClass.FAILED, message=said)
            if body is not MISSING and all_hold(wait.until, body):
                return Judgement()
            if self.clock() >= deadline:
                said = f"accepted, and not done after {wait.seconds:g} s"
                return Judgement(error_class=ErrorClass.TRANSIENT, message=said)
            self.sleep(wait.every_seconds)

    # ------------------------------------------------------------------ looking

    def look(self) -> LiveObject | None:
        """Return the object as reading shows it now."""
        return self.reader.read_one(self.kind, self.spec, self.id)

    def look_until(self, enough: Callable[[LiveObject | None], bool]) -> Look:
        """Look until the object is ready and as expected, or patience ends.

        How long a read itself takes says nothing about how long reads lag behind writes: when it began does.
        """
        read = self.kind.definition.read
        patience_s = self.patience_s + (read.ready_seconds if read.ready else 0.0)
        pause, stale_s = FIRST_PAUSE_S, None
        while True:
            seconds = self.clock() - self.written_at
            live = self.look()
            ready = live is None or all_hold(read.ready, live.body)
            if ready and enough(live):
                return Look(live=live, seconds=seconds, stale_s=stale_s)
            stale_s = seconds if ready else stale_s
            if seconds >= patience_s:
                return Look(live=live, seconds=seconds, stale_s=stale_s, agreed=False)
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def is_gone(self, live: LiveObject | None) -> bool:
        """Tell whether this object is not what reading shows: nothing, or another one with its name."""
        return live is None or (self.id is not None and live.id != self.id)

    def in_list(self) -> LiveObject | None:
        """Return the object as the list itself shows it, None where it does not or there is no such list."""
        for call in self.kind.definition.read.lists:
            if call.items_are != "objects":
                return None
        listed = self.reader.list_objects(self.kind, self.spec, fresh=True) if self.kind.definition.read.lists else []
        return next((one for one in listed if one.id == self.id), None)

    def known_id(self, answered: Answered) -> str | None:
        """Return the id that the answer to a create tells."""
        return answered_id(self.kind, answered.call, answered.response, self.spec)

    def known_object(self, answered: Answered) -> LiveObject | None:
        """Return the object that the answer to a create holds, None where it holds none."""
        body = json_or_missing(answered.response)
        held = get(body, parse_pointer(answered.call.object)) if answered.call.returns == "object" else MISSING
        try:
            return live_object(self.kind, held, Subject(spec=self.spec, id=None)) if isinstance(held, dict) else None
        except AnswerError:
            return None

    # ------------------------------------------------------------------ taking away

    def remove(self, remote_id: str | None = None, live: LiveObject | None = None) -> Judgement:
        """Send the delete of this object, or of another one that this run has made. Raises ReconcilerError."""
        delete = self.kind.definition.write.delete
        assert delete is not None
        assert delete.call is not None
        request = self._delete_request(delete.call, remote_id, live)
        response = self.send(request)
        judgement = judged(self.kind, delete.call, request, response)
        if judgement.ok and delete.wait is not None:
            judgement = self._waited(delete.wait, response, live)
        self.written_at = self.clock()
        return judgement

    def _delete_request(self, call: Call, remote_id: str | None, live: LiveObject | None) -> Request:
        subject = Subject(spec=self.spec, id=remote_id or self.id, live=live)
        return call_request(self.kind, call, context(self.kind, subject), writes=True)

    def clean_up(self) -> str:
        """Take away what may be left, and return what could not be, for people; empty when nothing is left."""
        if not self.made:
            return ""
        live = None
        try:
            live = self.look_until(lambda found: found is not None).live if self.id is None else self._seen()
            if self.is_gone(live) or live is None:
                return ""
            self.id = live.id
            judgement = self.remove(live=live)
            if judgement.ok and self.is_gone(self.look_until(self.is_gone).live):
                return ""
            reason = judgement.message or "it is still there"
        except (ApiError, ReconcilerError) as error:
            reason = error.message
        name = self.kind.kept_id(self.id or "") or "(id unknown)"
        return f"the scratch object {name} is left behind: {reason}{self._by_hand(live)}"

    def _seen(self) -> LiveObject | None:
        """Return the object as reading shows it; where a missing one is read as an error, as the list does."""
        try:
            return self.look()
        except ApiError:
            if not self.kind.definition.read.lists:
                raise
            listed = self.reader.list_objects(self.kind, self.spec, fresh=True)
            return next((one for one in listed if one.id == self.id), None)

    def _by_hand(self, live: LiveObject | None) -> str:
        """Return the request that removes the object, where its id is known."""
        delete = self.kind.definition.write.delete
        if self.id is None or delete is None or delete.call is None:
            return ""
        try:
            request = self._delete_request(delete.call, None, live)
        except TemplateError:
            return ""
        return f"; remove it with {request}"
