"""The walk: create, read, change each field, reorder, clear, race, delete, and what each step has shown.

Reads and writes: one live system, through the scratch object.
"""

from __future__ import annotations

from dataclasses import field, replace

from reconciler.core.conformance.claims import Claim, fails, holds, listed, untested
from reconciler.core.conformance.seen import (
    lost_members,
    moved_beside,
    object_place,
    poorer_fields,
    read_only_fields,
    secrets_shown,
    unknown_members,
)
from reconciler.core.conformance.variation import Trials, may_be_null, reversed_list, switches
from reconciler.core.errors import ApiError, ErrorClass, ReconcilerError, Refused
from reconciler.core.kinds.catalog import send_mode
from reconciler.core.model import Json, JsonObject, LiveObject, Resource
from reconciler.core.pointer import MISSING, Path
from reconciler.core.records import dataclass
from reconciler.core.wire.answers import NothingFound, answered_object
from reconciler.core.wire.said import json_or_missing
from reconciler.shell.conformance.asked import Asked
from reconciler.shell.conformance.scratch import Answered, Look, Scratch

NOTICED_S = 0.05


_TROUBLE = (ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED)  # says nothing about the definition


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One field to change to one value, what that claims, and what to write in the definition if it does not hold."""

    name: str
    value: Json = field(repr=False)
    title: str
    cure: str = "x-immutable: true"

    @property
    def place(self) -> Path:
        return ("schema", "properties", self.name)


@dataclass(slots=True, kw_only=True)
class Walk:
    """One walk with one scratch object. `trials` says what may be tried on it."""

    scratch: Scratch
    trials: Trials
    resource: Resource
    spec: JsonObject = field(repr=False)  # what the object is to be like now
    claims: list[Claim] = field(default_factory=list)
    stale_s: float = -1.0  # after a write, when the last read began that did not agree with it; below 0: all agreed
    agreed_s: float = 0.0  # and when the first one began that did
    careless: set[int] = field(default_factory=set)  # update calls that were seen to change other fields as well
    lost: set[str] = field(default_factory=set)  # fields that a create or a trial has left otherwise than asked

    def run(self) -> str:
        """Make the object, try everything, take it away; return what is left behind, empty when nothing is.

        `claims` grows with every step, also when a step ends the walk. Raises Refused, before anything is sent that
        writes, when the object is there already; ApiError and TransportError when the system cannot be used.
        """
        if self.scratch.look() is not None:
            raise Refused(
                "the scratch object is there already, and only what this command made is touched",
                hint="choose a name that nothing has",
            )
        try:
            live = self._create()
            if live is not None:
                self._read(live)
                self._change_fields()
                self._reorder_lists()
                self._clear_fields()
                self._race()
                self._create_again()
                self._remove()
        finally:
            left = self.scratch.clean_up()
        return left

    # ------------------------------------------------------------------ create and read

    def _create(self) -> LiveObject | None:
        answered = self.scratch.create()
        if not answered.judgement.ok:
            hint = answered.judgement.hint or "read the API's documentation of it again"
            self._say(fails("create makes an object", answered.judgement.message, ("write", "create"), hint))
            return None
        self.scratch.id = self.scratch.known_id(answered)
        look = self.scratch.look_until(lambda found: found is not None)
        if look.live is None:
            detail = f"the answer was a success, and nothing is found within {look.seconds:.1f} s"
            cure = "check read, identity, and whether the answer's id is that of the object"
            self._say(fails("create makes an object", detail, ("identity",), cure))
            return None
        self.scratch.id = look.live.id
        self._say(holds("create makes an object"))
        self._say(self._answer_shows_object("create", answered, look.live))
        later = {n for n, f in self.scratch.kind.fields.properties.items() if f.update_only}
        settled = self.scratch.look_until(lambda found: not (self._unkept(found) - later))
        self._note_time(look if look.stale_s is not None and settled.stale_s is None else settled)
        live = settled.live or look.live
        self._say(self._asked().kept_by_create(live, later))
        self.lost |= self._unkept(live) - later
        return live

    def _answer_shows_object(self, what: str, answered: Answered, live: LiveObject) -> Claim:
        kind, call = self.scratch.kind, answered.call
        place: Path = ("write", "create") if what == "create" else ("write", "update")
        shown = answered_object(kind, call, answered.response)
        body = json_or_missing(answered.response)
        title = f"the answer to {what} holds the object"
        if call.returns == "nothing":
            return untested(title, "the definition says that it holds nothing (returns: nothing)")
        if kind.definition.read.parts:
            return untested(title, "parts of it are read by calls of their own, so it is read again each time")
        if shown is not None:
            return holds(title)
        where = object_place(kind, body, live.id)
        if where is not None and where != call.object:
            return fails(title, f"it stands at {where or 'the root'}", (*place, "object"), f"object: {where}")
        return fails(title, "no object with its id is in it: it is read again each time", place, "returns: nothing")

    def _read(self, live: LiveObject) -> None:
        kind = self.scratch.kind
        self._say(read_only_fields(kind, live))
        self._say(unknown_members(kind, live))
        for claim in secrets_shown(kind, self.scratch.spec, live):
            self._say(claim)
        in_list = self.scratch.in_list()
        if in_list is not None and kind.definition.read.get is not None:
            poorer = poorer_fields(kind, in_list, live)
            title = "the list shows whole objects"
            if poorer:
                detail = f"it does not show {listed(poorer)}"
                self._say(fails(title, detail, ("read", "list"), "itemsAre: summaries"))
            else:
                self._say(holds(title))

    # ------------------------------------------------------------------ change

    def _change_fields(self) -> None:
        names = self.trials.changeable()
        if not names:
            self._say(untested("updates change fields", "the manifest states no field that an update may change"))
        for name in names:
            value = replace(self.trials, spec=self.spec).other_value(name)
            if name in self.lost:
                self._say(untested(f"an update changes {name}", "what is stated was not kept before"))
            elif value is MISSING:
                switching = "other fields depend on it" if name in switches(self.trials.kind) else ""
                hint = f"{switching or 'no other valid value is known'}; give one with --change {name}=…"
                self._say(untested(f"an update changes {name}", hint))
            else:
                self._try(_Attempt(name=name, value=value, title=f"an update changes {name}"))

    def _try(self, attempt: _Attempt) -> bool:
        """Change one field, and say whether it was kept and everything else left alone. Returns whether it was kept."""
        name, title, place, cure = attempt.name, attempt.title, attempt.place, attempt.cure
        before = self.scratch.look()
        if before is None:
            self._say(fails(title, "the object is gone", place))
            return False
        wanted = {**self.spec, name: attempt.value}
        answers = self.scratch.update(wanted, name, before)
        refused = next((answer for answer in answers if not answer.judgement.ok), None)
        if refused is not None:
            message = f"refused: {refused.judgement.message}"
            if refused.judgement.error_class in _TROUBLE:
                self._say(untested(title, message))
            elif self.trials.is_sure_of(name, attempt.value):
                self._say(fails(title, message, place, cure))
            else:
                self._say(untested(title, f"a guessed value was {message}; give a good one with --change {name}=…"))
            self._undo(name, before)
            return False
        if not answers:
            self._say(untested(title, "no update takes it"))
            return False
        old, self.spec = self.spec, wanted
        look = self.scratch.look_until(lambda found: name not in self._unkept(found))
        after = look.live
        if after is None or name in self._unkept(after):
            detail = "accepted, and not kept: " + self._asked().how(name, after)
            place, cure = self._asked().advised(name, after, before)
            self._say(fails(title, detail, place or attempt.place, cure))
            self.spec = old
            self._undo(name, before)
        else:
            self._note_time(look)
            unseen = self.scratch.kind.fields.child(name).write_only
            self._say(holds(title, "accepted; it cannot be read back" if unseen else ""))
        if after is not None:
            self._left_alone(name, answers[-1], before, after)
        return self.spec is wanted

    def _undo(self, name: str, before: LiveObject) -> None:
        """Take a trial back that failed, so that no other one is blamed for what it has left."""
        now = self.scratch.look()
        if now is None or not moved_beside(self.scratch.kind, "", before, now):
            return
        self.scratch.update(self.spec, name, now)
        look = self.scratch.look_until(
            lambda found: found is None or not moved_beside(self.scratch.kind, "", before, found)
        )
        if look.live is not None:
            self.lost |= set(moved_beside(self.scratch.kind, "", before, look.live))

    def _left_alone(self, name: str, answered: Answered, before: LiveObject, after: LiveObject) -> None:
        kind = self.scratch.kind
        moved = moved_beside(kind, name, before, after) + lost_members(kind, before, after)
        if not moved:
            return
        index = kind.definition.write.update.index(answered.call)
        if index in self.careless:
            return  # said once: it is the same call
        self.careless.add(index)
        mode = send_mode(answered.call, creating=False)
        cure = "send: full" if mode != "full" else "the server does not keep them; state them, or mark them readOnly"
        self._say(
            fails(
                f"an update of {name} leaves everything else as it was",
                f"it moved {listed(moved)} as well",
                ("write", "update", index),
                cure,
            )
        )

    # ------------------------------------------------------------------ reorder and clear

    def _reorder_lists(self) -> None:
        fields = self.scratch.kind.fields.properties
        for name in self.trials.changeable():
            turned = reversed_list(self.spec.get(name))
            if turned is None or not self.trials.fits({**self.spec, name: turned}):
                continue
            title = f"the order of {name} is kept"
            if fields[name].is_set:
                self._say(untested(title, "it is a set: its order means nothing"))
            else:
                self._try(_Attempt(name=name, value=turned, title=title, cure="x-list: set"))

    def _clear_fields(self) -> None:
        for name in self.trials.changeable():
            info = self.scratch.kind.fields.child(name)
            if isinstance(self.spec.get(name), list) and self.trials.fits({**self.spec, name: []}):
                self._try(_Attempt(name=name, value=[], title=f"an empty list empties {name}", cure="minItems: 1"))
            stated = self.spec.get(name) is not None
            if stated and may_be_null(info) and self.trials.fits({**self.spec, name: None}):
                self._try(_Attempt(name=name, value=None, title=f"null clears {name}", cure='a type without "null"'))

    # ------------------------------------------------------------------ races and doubles

    def _race(self) -> None:
        guard = self.scratch.kind.definition.guard
        before = self.scratch.look()
        name, value = self._next_change()
        if before is None or name is None:
            if guard.if_match or guard.version is not None:
                self._say(untested("a stale write is refused", "no field was left to change"))
            return
        title = "a stale ETag is refused (If-Match)" if guard.version is None else "a stale version is refused"
        if guard.if_match and before.etag is None:
            detail = "reads answer no ETag"
            self._say(fails(title, detail, ("guard", "ifMatch"), "remove ifMatch, or read by a `get` that answers one"))
            return
        if before.etag is None and guard.version is None:
            return
        if not self._try(_Attempt(name=name, value=value, title=f"an update changes {name} once more")):
            return
        found = self.scratch.request_of({**self.spec, name: self.scratch.spec.get(name)}, name, before)
        if found is None:
            return
        call, request = found
        if before.etag is not None and not guard.if_match:
            request = replace(request, headers=(*request.headers, ("If-Match", before.etag)))
        judgement = self.scratch.ask_to(call, request, before)
        refused = judgement.error_class is ErrorClass.CONFLICT
        if guard.if_match or guard.version is not None:
            place: Path = ("guard", "ifMatch" if guard.if_match else "version")
            detail = judgement.message or "it was taken"
            self._say(holds(title) if refused else fails(title, detail, place, "it protects nothing: remove it"))
        elif refused:
            self._say(
                fails(
                    "nothing beside reading again protects writes",
                    "a stale ETag is refused",
                    ("guard",),
                    "ifMatch: true",
                )
            )

    def _next_change(self) -> tuple[str | None, Json]:
        for name in self.trials.changeable():
            value = replace(self.trials, spec=self.spec, given={}).other_value(name)
            if value is not MISSING and name in self.scratch.spec:
                return name, value
        return None, None

    def _create_again(self) -> None:
        """Try to make a second object with the same natural key: apply relies on the server's answer to that."""
        title = "a second object with the same natural key is refused as a conflict"
        create = self.scratch.kind.definition.write.create
        assert create is not None
        answered = self.scratch.create()
        if answered.judgement.error_class in _TROUBLE:
            self._say(untested(title, answered.judgement.message))
        elif answered.judgement.ok:
            other = self.scratch.known_id(answered)
            if other is not None and other != self.scratch.id:
                self.scratch.remove(other, self.scratch.known_object(answered))
                self.scratch.look_until(lambda found: found is None or found.id == self.scratch.id)
                self._say(
                    holds("a second object with the same natural key can be made", "apply looks first, as always")
                )
            else:
                put = "; a PUT may write the same object again" if create.method == "PUT" else ""
                self._say(untested(title, f"it was taken, and no second object is known of{put}"))
        elif answered.judgement.error_class is ErrorClass.CONFLICT:
            self._say(holds(title))
        else:
            cure = f"answers: [{{status: {answered.response.status}, matches: …, class: conflict}}]"
            self._say(fails(title, answered.judgement.message, ("answers",), cure))

    # ------------------------------------------------------------------ delete

    def _remove(self) -> None:
        judgement = self.scratch.remove(live=self.scratch.look())
        if judgement.error_class in _TROUBLE:
            self._say(untested("delete removes the object", judgement.message))
            return
        if not judgement.ok:
            self._say(fails("delete removes the object", judgement.message, ("write", "delete"), judgement.hint))
            return
        try:
            look = self.scratch.look_until(self.scratch.is_gone)
        except (ApiError, NothingFound) as error:
            message = error.message if isinstance(error, ReconcilerError) else str(error)
            if isinstance(error, ApiError) and error.error_class in _TROUBLE:
                raise
            cure = "answers: a rule with class: notFound for such an answer, if it means that the object is gone"
            self._say(fails("a missing object is read as missing", message, ("read",), cure))
            return
        if look.agreed:
            self._say(
                holds("delete removes the object", f"after {look.seconds:.1f} s" if look.seconds > NOTICED_S else "")
            )
            self._say(holds("a missing object is read as missing"))
            self.scratch.made = False
        else:
            detail = f"it is still there after {look.seconds:.1f} s"
            self._say(
                fails("delete removes the object", detail, ("read",), "gone: the condition that tells deleted ones")
            )

    # ------------------------------------------------------------------ saying

    def _say(self, claim: Claim) -> None:
        self.claims.append(claim)

    def _asked(self) -> Asked:
        return Asked(kind=self.scratch.kind, resource=self.resource, spec=self.spec)

    def _unkept(self, live: LiveObject | None) -> frozenset[str]:
        return self._asked().unkept(live)

    def _note_time(self, look: Look) -> None:
        if look.stale_s is not None and look.agreed and look.stale_s > self.stale_s:
            self.stale_s, self.agreed_s = look.stale_s, look.seconds


def settling(walk: Walk) -> Claim:
    """Return the claim about how long reads lag behind writes."""
    stated = walk.scratch.kind.definition.read.settle_seconds
    title = f"reads agree with writes within {stated:g} s"
    if walk.stale_s >= stated:
        cure = f"settleSeconds: {max(1.0, -(-walk.agreed_s // 1)):g}"
        return fails(title, f"it took {walk.agreed_s:.1f} s", ("read", "settleSeconds"), cure)
    return holds(title)
