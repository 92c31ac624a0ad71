"""What carrying out one change needs, and how it ends other than well. Reads and writes nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace

from reconciler.core.compare.diff import field_changes
from reconciler.core.compare.normalize import nothing_remembered
from reconciler.core.errors import ApiError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Change, FieldChange, LiveObject, Send
from reconciler.core.plan.considered import Considered
from reconciler.core.records import dataclass
from reconciler.core.report import Leftover, Moved, Status
from reconciler.shell.live.locks import KeyedLocks
from reconciler.shell.live.refresh import LiveReader


class Stop(Exception):
    """Ends a change with an outcome other than applied."""

    def __init__(
        self,
        status: Status,
        detail: str,
        hint: str = "",
        *,
        moved: tuple[Moved, ...] = (),
        leftovers: tuple[Leftover, ...] = (),
        fields: Sequence[tuple[str, ...]] = (),  # that the server has named, as it writes their paths
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.hint = status, detail, hint
        self.moved, self.leftovers, self.fields = moved, leftovers, fields


class Refusal(Stop):
    """The server refused a write because of what it holds: nothing was written."""


class HalfDone(ApiError):
    """The server refused a write in a way that does not tell whether a part of it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One change to carry out. `considered` has all of its references filled in."""

    change: Change
    considered: Considered
    reader: LiveReader
    send: Send
    clock: Callable[[], float]  # seconds
    sleep: Callable[[float], None]
    locks: KeyedLocks
    intent: str  # the same for one change of one run, and for no other: repeats are told by it
    ready: int  # the moment of `reader.fresh` when nothing was left to wait for: what is read after it is fresh
    on_created: Callable[[LiveObject], None] = lambda live: None  # told as soon as a new object is known
    renew: Callable[[], bool] = lambda: False  # signs in anew where something was written since; whether it did
    unguarded: set[str] = field(default_factory=set)  # which of the server's guards its writes had not, and why
    carried: set[str] = field(default_factory=set)  # top-level fields that its writes have carried so far

    @property
    def kind(self) -> Kind:
        return self.considered.kind

    @property
    def after(self) -> Considered:
        """The resource as it is judged after a write: what cannot be read then counts as kept."""
        return replace(self.considered, remembers=nothing_remembered, readable=True)

    def unkept(self, live: LiveObject) -> list[FieldChange]:
        """Return how `live` differs from what was asked."""
        comparison = self.after.compared_with(live)
        return list(field_changes(comparison, stated=self.considered.spec, hidden=self.considered.hides))

    def outstanding(self, live: LiveObject) -> frozenset[str]:
        """Return the top-level fields that `live` does not hold as asked."""
        return frozenset(str(field.path[0]) for field in self.unkept(live))
