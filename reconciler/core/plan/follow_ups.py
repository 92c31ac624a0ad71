"""Calls that are made once after all changes that concern them, such as a deployment of their parent. Pure.

Two changes lead to the same follow-up when its request comes out the same for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.core.address import Address
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.definition import Call, FollowUp
from reconciler.core.kinds.template import as_text
from reconciler.core.model import Json, JsonObject, LiveObject, PlannedFollowUp, PlannedRequest, Request
from reconciler.core.plan.shown import shown_target
from reconciler.core.records import dataclass
from reconciler.core.wire.requests import Subject, call_request, context


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One follow-up of a kind, for one value of its `each`, about one resource."""

    kind: Kind
    follow_up: FollowUp
    item: Json
    address: Address
    spec: JsonObject
    live: LiveObject | None

    @property
    def key(self) -> str:
        """The same for all resources whose request comes out the same."""

        def of_this(variable: str) -> str:
            return f"{variable} of {self.address}"

        path = shown_target(self.kind, self.follow_up, self._values(), of_this, of_this)
        return f"{self.kind.definition.system} {self.follow_up.title}: {self.follow_up.method} {path}"

    def shown(self) -> PlannedRequest:
        path = shown_target(self.kind, self.follow_up, self._values(), str)
        return PlannedRequest(method=self.follow_up.method, path=path)

    def request(self, call: Call, *, writes: bool) -> Request:
        """Return the request of the follow-up or its check. Raises TemplateError when its path has a hole."""
        return call_request(self.kind, call, self._values(), writes=writes)

    def _values(self) -> dict[str, Json]:
        remote_id = None if self.live is None else self.live.id
        return context(self.kind, Subject(spec=self.spec, id=remote_id, live=self.live), item=self.item)


def occasions(kind: Kind, address: Address, spec: JsonObject, live: LiveObject | None) -> Iterator[Occasion]:
    """Yield the follow-ups that a change of one resource leads to."""
    for follow_up in kind.definition.write.after:
        for item in _items(kind, follow_up):
            yield Occasion(kind=kind, follow_up=follow_up, item=item, address=address, spec=spec, live=live)


def _items(kind: Kind, follow_up: FollowUp) -> list[Json]:
    """Return the values of `each`: a parameter that is a list, or texts with commas between them; one without it."""
    if follow_up.each is None:
        return [None]
    value = kind.parameters.get(follow_up.each.partition(".")[2])
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return value
    return [part.strip() for part in as_text(value).split(",") if part.strip()]


def plan_follow_ups(changed: Iterable[Occasion], due: Iterable[Occasion]) -> tuple[PlannedFollowUp, ...]:
    """Return the follow-ups of all changes, and those that are due anyway, each once, in the order of their keys."""
    found: dict[str, tuple[Occasion, set[Address], bool]] = {}
    for occasion, changes in [*((o, True) for o in changed), *((o, False) for o in due)]:
        _, addresses, _ = found.setdefault(occasion.key, (occasion, set(), not changes))
        if changes:
            addresses.add(occasion.address)
    return tuple(
        PlannedFollowUp(
            key=key,
            system=occasion.kind.definition.system,
            title=occasion.follow_up.title,
            address=occasion.address,
            item=occasion.item,
            request=occasion.shown(),
            waits_for=frozenset(addresses),
            overdue=overdue,
        )
        for key, (occasion, addresses, overdue) in sorted(found.items())
    )
