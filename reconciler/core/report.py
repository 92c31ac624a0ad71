"""What an apply did: frozen values, as all others. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from reconciler.core.address import Address
from reconciler.core.model import Action, Diagnostic, PlannedRequest, Source
from reconciler.core.pointer import MISSING, Path
from reconciler.core.records import dataclass


class Status(enum.Enum):
    """The fate of one change."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"  # not tried because of another change
    CONFLICT = "conflict"  # the live object moved since the plan; nothing was sent
    IN_DOUBT = "in doubt"  # sent, answer lost, and reading could not settle it


class Ending(enum.Enum):
    """How an apply came to its end."""

    COMPLETE = "complete"  # everything was tried that nothing stood in the way of
    OUT_OF_TIME = "out of time"  # nothing more began after the deadline; what had begun was finished
    INTERRUPTED = "interrupted"  # nothing more began after the first interrupt; what had begun was finished
    CUT_OFF = "cut off"  # a second interrupt: what had begun was left to itself
    HALTED = "halted"  # nothing more was sent: no journal, no memory, or a bug that came twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One managed field that is no longer what the plan was made on. MISSING: not set. Redacted where sensitive."""

    path: Path
    planned: Any = MISSING  # the live value that the plan was made on
    now: Any = MISSING
    wanted: Any = MISSING  # what the manifest states
    sensitive: bool = False


class LeftoverCause(enum.Enum):
    """Why the server did not keep a field, in words for people and machines."""

    DEFAULT = "server default"
    ZERO = "zero left out"
    ORDER = "order"
    MEMBERS = "members added"
    REMOVED = "members removed"
    CASE = "case"
    BLANKS = "blanks"
    NUMBER = "number form"
    TIME = "time form"
    URL = "URL form"
    ENCODING = "encoding"
    LIMIT = "limit"
    SPELLING = "spelling"
    WRITE_ONLY = "write-only"
    MASKED = "masked"
    HASHED = "hashed"
    COMPOSED = "composed letters"
    NETWORK = "network form"
    OTHER_CALL = "written by another call"
    IGNORED = "ignored"
    CHANGED = "changed by the server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One field that the server did not keep as asked. Values are redacted where sensitive; MISSING: not set."""

    path: Path
    cause: LeftoverCause
    line: str  # of the kind's definition, which would describe it; "" where none does
    place: str  # where in the definition the line belongs: schema.properties.timeout
    source: Source  # the nearest place that is there already
    wanted: Any = MISSING
    held: Any = MISSING
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change."""

    address: Address
    action: Action
    status: Status
    detail: str = ""
    hint: str = ""
    remote_id: str | None = None
    because_of: tuple[Address, ...] = ()  # on skipped: the changes whose fate it shares; none: the run was stopped
    requests: int = 0
    attempts: int = 0  # the same, each repetition counted
    seconds: float = 0.0
    moved: tuple[Moved, ...] = ()  # on conflict: what moved, from all three sides
    leftovers: tuple[Leftover, ...] = ()  # on failed: what the server did not keep as asked
    unguarded: tuple[str, ...] = ()  # which of the guards that its kind asks for its writes had not, and why
    source: Source | None = None  # of its manifest; None where no manifest states it


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpOutcome:
    """What became of one follow-up."""

    title: str
    system: str
    request: PlannedRequest
    status: Status
    detail: str = ""
    hint: str = ""
    because_of: tuple[Address, ...] = ()
    key: str = ""  # as a later plan will have it, with what was not known before the run; "" as in the plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an apply did."""

    target: str
    plan_digest: str
    outcomes: tuple[Outcome, ...]
    follow_ups: tuple[FollowUpOutcome, ...] = ()
    ending: Ending = Ending.COMPLETE
    seconds: float = 0.0
    requests: int = 0
    attempts: int = 0  # the same, each repetition counted
    started_at: str = ""  # RFC 3339, in UTC
    finished_at: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)  # version of each kind that was used: shop.Product to v1
    problems: tuple[Diagnostic, ...] = ()  # what went wrong beside the changes, such as a ledger not written
