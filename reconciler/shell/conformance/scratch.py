"""The scratch object: made here, looked at, written to, and taken away again. Nothing else is ever touched.

Reads and writes: one live system, through the functions given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from reconciler.core.errors import ApiError, ReconcilerError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call, WriteCall
from reconciler.core.model import JsonObject, LiveObject, Request, Response, Send
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import AnswerError, answered_id, live_object
from reconciler.core.wire.judge import Verdict as Judgement
from reconciler.core.wire.requests import Subject, Writing, call_request, context, write_request
from reconciler.core.wire.said import json_or_missing
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
    """The object as it was seen, after how many seconds of looking."""

    live: LiveObject | None
    seconds: float


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

    def ask_to(self, call: Call, request: Request) -> Judgement:
        """Send a write as it stands, and return what its answer means."""
        return judged(self.kind, call, request, self.send(request))

    def _write(self, call: WriteCall, spec: JsonObject, changed: frozenset[str], over: LiveObject | None) -> Answered:
        subject = Subject(spec=spec, id=None if over is None else over.id, live=over)
        request = write_request(self.kind, call, Writing(subject=subject, changed=changed, creating=over is None))
        assert request is not None
        response = self.send(request)
        return Answered(
            call=call, request=request, response=response, judgement=judged(self.kind, call, request, response)
        )

    # ------------------------------------------------------------------ looking

    def look(self) -> LiveObject | None:
        """Return the object as reading shows it now."""
        return self.reader.read_one(self.kind, self.spec, self.id)

    def look_until(self, enough: Callable[[LiveObject | None], bool]) -> Look:
        """Look until the object is as expected, or patience ends."""
        started, pause = self.clock(), FIRST_PAUSE_S
        while True:
            live = self.look()
            seconds = self.clock() - started
            if enough(live) or seconds >= self.patience_s:
                return Look(live=live, seconds=seconds)
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

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
        subject = Subject(spec=self.spec, id=remote_id or self.id, live=live)
        request = call_request(self.kind, delete.call, context(self.kind, subject), writes=True)
        return judged(self.kind, delete.call, request, self.send(request))

    def clean_up(self) -> str:
        """Take away what may be left, and return what could not be, for people; empty when nothing is left."""
        if not self.made:
            return ""
        try:
            live = self.look_until(lambda found: found is not None).live if self.id is None else self.look()
            if live is None:
                return ""
            self.id = live.id
            judgement = self.remove(live=live)
            if judgement.ok and self.look_until(lambda found: found is None).live is None:
                return ""
            reason = judgement.message or "it is still there"
        except (ApiError, ReconcilerError) as error:
            reason = error.message
        return f"the scratch object {self.kind.kept_id(self.id or '') or '(id unknown)'} is left behind: {reason}"
