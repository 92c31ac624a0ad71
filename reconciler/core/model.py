"""The frozen values that every module speaks in. Pure.

Bodies are plain JSON, copied once at the border and by agreement never changed in place afterwards.
"""

from __future__ import annotations

import codecs
import enum
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, NamedTuple, TypeAlias

from reconciler.core.address import Address
from reconciler.core.departure import Departure, Limits
from reconciler.core.json_decoding import decode_json
from reconciler.core.pointer import Path, format_pointer
from reconciler.core.records import dataclass
from reconciler.core.withheld import Withheld

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]


# --------------------------------------------------------------------------- where things come from


class Source(NamedTuple):
    """A place in a file that a person wrote. Lines and columns count from 1; 0 means the file as a whole."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


Locate: TypeAlias = Callable[..., Source]
"""`locate(path, key=False)`: the source of the value at `path`, or of its key; of the nearest one that exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a YAML or JSON file: plain JSON data, and where each part of it stands."""

    data: Json
    source: Source
    locate: Locate = field(compare=False, repr=False)
    literal: bool = field(default=False, compare=False)  # surely no `${` in it, which need not be looked for
    fingerprint: str = field(default="", compare=False)  # tells its text from any other, where that was worked out
    found_good_by: str = field(default="", compare=False)  # the judge that found no mistake in it in an earlier run


class Severity(enum.Enum):
    """How bad a diagnostic is; only `ERROR` stops the run."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


UNDECLARED = "undeclared-objects"
"""Code of the note that counts recorded objects which no manifest declares any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something that a person can mend, with its place and what to do about it."""

    severity: Severity
    code: str  # stable, kebab-case: for machines and for searching the documentation
    message: str
    source: Source | None = None
    hint: str = ""
    address: Address | None = None


# --------------------------------------------------------------------------- identity and desired state


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What `${ref:Kind/name#/pointer}` names: the remote id of a resource, or a field of it."""

    address: Address
    pointer: Path | None = None  # None: the remote id

    def __str__(self) -> str:
        tail = "" if self.pointer is None else "#" + format_pointer(self.pointer)
        return f"{self.address.kind}/{self.address.name}{tail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A value that is not known at once, in parts. A single reference keeps its type; anything else is text."""

    path: Path
    parts: tuple[str | Reference | Withheld, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(part for part in self.parts if isinstance(part, Reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The optional `lifecycle` block of a manifest."""

    protect: bool = False  # never deleted or replaced
    ignore: tuple[Path, ...] = ()  # stated on create, left alone afterwards
    lookup: bool = False  # only found, never created, changed or deleted
    replace: bool = False  # may be replaced by a new object where a field cannot change
    adopt: bool = True  # an object that is there already, and that the ledger does not record, becomes managed
    adopt_id: str = ""  # of the object that is meant, where its natural key does not tell it from another one


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One desired thing.

    `spec` has its environment, variable and file values filled in; where it holds references, the manifest's
    text still stands and `expressions` tells how to fill it. Never print `spec`: print it through `sensitive`.
    """

    address: Address
    spec: JsonObject = field(repr=False)
    source: Source
    locate: Locate = field(compare=False, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    lifecycle: Lifecycle = Lifecycle()
    expressions: tuple[Expression, ...] = ()
    sensitive: frozenset[Path] = frozenset()  # values that come from the environment or a file
    fingerprint: str = field(default="", compare=False)  # of its manifest, where that is all there is to it: no `${`

    @property
    def depends_on(self) -> frozenset[Address]:
        if not self.expressions:
            return frozenset()
        return frozenset(r.address for e in self.expressions for r in e.references)


# --------------------------------------------------------------------------- the wire and the live state


class ErrorClass(enum.Enum):
    """What a failed answer means, whatever its status; kinds classify answers with these words."""

    NOT_FOUND = "notFound"
    CONFLICT = "conflict"
    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rateLimited"
    TRANSIENT = "transient"
    MISCONFIGURED = "misconfigured"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, before authentication. `path` is relative to the system's URL and percent-encoded.

    Of its parts only `method` and `shown` stand in messages, logs and reports; the others may hold secrets.
    """

    system: str
    method: str
    path: str = field(repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: Json = field(default=None, repr=False)  # None: no body at all
    has_body: bool = False
    writes: bool = False  # may change the live system; decides what may be retried
    repeatable: bool = False  # a write that the server tells from its repeats, so that repeating does no harm
    located: bool = False  # the server named the path, which may repeat the path of the system's URL
    # What an answer to it means, by the rules of its kind; without it, by the answer's status alone.
    meaning: Callable[[Response], ErrorClass | None] | None = field(default=None, compare=False, repr=False)
    shown: str = field(default="(sensitive)", compare=False)  # path and query as they may be shown, and nothing else
    hidden: tuple[str, ...] = field(default=(), compare=False, repr=False)  # what `shown` leaves out

    def __str__(self) -> str:
        return f"{self.method} {self.shown.partition('?')[0]}"

    @property
    def identity(self) -> str:
        """What tells this request from any other one: never shown."""
        parts = [self.system, self.method, self.path, self.query, self.headers, self.has_body, self.body]
        return json.dumps(parts, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP answer. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)
    redact: Callable[[str], str] = field(default=str, compare=False, repr=False)  # what makes its words fit to be shown
    _decoded: list[Json] = field(default_factory=list, init=False, compare=False, repr=False)  # once asked for

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding that the answer declares, as Python calls it; UTF-8 where it names none that is known."""
        declared = re.search(r";\s*charset\s*=\s*[\"']?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        try:
            found = codecs.lookup("utf-8" if declared is None else declared[1])
        except LookupError:
            return "utf-8"
        return "utf-8" if found.name == "ascii" else found.name

    def text(self) -> str:
        """Return the body as text, whatever cannot be decoded replaced."""
        try:
            return self.content.decode(self.charset, "replace").removeprefix("\ufeff")
        except LookupError:  # a codec, and none of text
            return self.content.decode("utf-8", "replace").removeprefix("\ufeff")

    @property
    def is_text(self) -> bool:
        """Whether the body can be read by people: hardly anything in it is not printable."""
        text = self.text()[:2000]
        odd = sum((not c.isprintable() and not c.isspace()) or c == "\ufffd" for c in text)
        return 20 * odd <= len(text)

    def json(self) -> Json:
        """Return the decoded body, read-only. Raises ValueError when it is not JSON in the charset it declares."""
        if not self._decoded:
            content = self.content if self.charset == "utf-8" else self.text().encode(errors="surrogatepass")
            self._decoded.append(decode_json(content))
        return self._decoded[0]

    def fit_to_show(self, value: Json) -> Json:
        """Return a part of it without known secrets: before anything is cut, since half of one is hard to recognize."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {self.redact(name): self.fit_to_show(item) for name, item in value.items()}
        return [self.fit_to_show(item) for item in value] if isinstance(value, list) else value


Send: TypeAlias = Callable[[Request], Response]
"""Performs one request and returns its answer, whatever its status. Raises TransportError without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveObject:
    """One thing that the API returned."""

    id: str  # remote id, as it stands in paths before percent-encoding
    body: JsonObject = field(repr=False)  # as answered; never printed
    spec: JsonObject = field(repr=False)  # the same in the manifest's spelling; never printed
    etag: str | None = None  # a strong one
    no_etag: str = ""  # why there is none, where the object was read by itself


class Comparability(enum.Enum):
    """Whether live values of a resource can be known at all."""

    READ = "read"
    UNREADABLE = "unreadable"  # write-only on this target: only the ledger can tell what was sent


# --------------------------------------------------------------------------- plan


class Action(enum.Enum):
    """What a plan does to one address: a closed set; match on it exhaustively."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    UNCHANGED = "unchanged"


class Operation(enum.Enum):
    """What happens to one field."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


class Cause(enum.Enum):
    """Why a field differs. Shown to people, never branched on. UNKNOWN without a ledger record."""

    MANIFEST = "manifest"
    DRIFT = "drift"
    BOTH = "both"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs. `before` and `after` are already redacted where `sensitive`: never the values."""

    operation: Operation
    path: Path
    before: Json = None
    after: Json = None
    sensitive: bool = False
    known: bool = True  # False: after is known only when another change has been applied
    cause: Cause = Cause.UNKNOWN
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """A request as the plan shows it: unknown parts spelled out, secrets left out. For people, never sent."""

    method: str
    path: str
    body: Json = None
    has_body: bool = False
    only_if: str = ""  # the condition under which it is sent at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the plan does to one address, and everything that the executor needs to do it."""

    address: Address
    action: Action
    resource: Resource | None  # None: no manifest states it (any more), it is deleted
    fields: tuple[FieldChange, ...] = ()
    live: LiveObject | None = field(default=None, repr=False)  # as planned on; re-read before any write
    live_digest: str = ""  # of the managed fields as planned on; "" when there was no object
    desired_digest: str = ""  # of the managed fields as wanted, of a new object all that is stated; "" for a delete
    digest: str = ""  # of what a person approves: address, action, fields, digests, methods, paths; "" when unchanged
    guard: str = ""  # how the write is protected, in words
    reason: str = ""  # why this action; for people
    requests: tuple[PlannedRequest, ...] = ()
    waits_for: frozenset[Address] = frozenset()  # changes of this plan that must be done first
    comparability: Comparability = Comparability.READ
    notes: tuple[str, ...] = ()  # what a person must see, also of an unchanged resource
    caveats: tuple[str, ...] = ()  # what the comparison could not tell
    unsent: tuple[Path, ...] = ()  # wanted secrets that were never sent from here, as far as the ledger knows
    forgotten: tuple[Path, ...] = ()  # wanted secrets that were sent when the ledger had another key
    departure: Departure | None = None  # of a delete: how `live` goes away
    taken_with: Address | None = None  # with whose old object the server may delete `live`: it is made again then

    @property
    def is_idle(self) -> bool:
        """Tell a change that sends nothing: the object is as declared, recorded already or from now on."""
        return self.action is Action.UNCHANGED or self.action is Action.ADOPT


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFollowUp:
    """A call that is made once, after all of the changes that it waits for."""

    key: str  # the same request has the same key
    system: str
    title: str
    address: Address  # a resource that it is about, for filling in its request
    request: PlannedRequest
    item: Json = None
    waits_for: frozenset[Address] = frozenset()
    overdue: bool = False  # due although nothing changes now


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes by address order, and what stands in their way. Complete, frozen, and what apply executes."""

    target: str
    changes: tuple[Change, ...]  # one for each selected resource, unchanged ones included, and for what is deleted
    diagnostics: tuple[Diagnostic, ...] = ()
    blockers: tuple[Diagnostic, ...] = ()  # any of them: nothing is applied
    follow_ups: tuple[PlannedFollowUp, ...] = ()
    limits: Limits | None = None
    requests_made: int = 0  # to make the plan
    snapshot_at: str = ""  # RFC 3339: made offline, from a snapshot of that time; never carried out
    digest_as: str = ""  # of the whole plan, where this is the part of it that was approved
    shows_drift: bool = False  # only what moved live: for people, never carried out
    destroys: bool = False  # only what was named to be destroyed

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if not c.is_idle)

    @property
    def adopted(self) -> tuple[Change, ...]:
        """The objects that are as declared and that the ledger does not record yet; no request is sent for them."""
        return tuple(c for c in self.changes if c.action is Action.ADOPT)

    @property
    def has_work(self) -> bool:
        """Tell whether an apply would do anything."""
        return bool(self.pending or self.follow_ups)
