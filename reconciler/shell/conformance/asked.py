"""Whether an object holds what was asked for, and how a definition would put it. Reads and writes nothing itself."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.normalize import compare
from reconciler.core.conformance.claims import Claim, fails, holds, listed
from reconciler.core.conformance.seen import how_kept
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import JsonObject, LiveObject, Resource
from reconciler.core.plan.considered import Considered
from reconciler.core.plan.leftovers import find_leftovers
from reconciler.core.pointer import MISSING, Path
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An object of `kind` as it is to be: `spec`, which may differ by a trial from what its manifest states."""

    kind: Kind
    resource: Resource
    spec: JsonObject

    def unkept(self, live: LiveObject | None) -> frozenset[str]:
        """Return the top-level fields that `live` does not hold as asked."""
        return frozenset(self._differences(live))

    def _differences(self, live: LiveObject | None) -> Iterator[str]:
        if live is None:
            yield from self.spec
            return
        fields = self.kind.fields
        stated = {n: v for n, v in self.spec.items() if not fields.child(n).create_only}
        sides = compare(fields, stated, live.spec, absent=self.kind.definition.read.absent)
        for name in stated:
            one, other = sides.desired.get(name, MISSING), sides.live.get(name, MISSING)
            if (one is MISSING) != (other is MISSING) or (one is not MISSING and not strictly_equal(one, other)):
                yield name

    def how(self, name: str, live: LiveObject | None) -> str:
        """Say how a field of `live` differs, without a value."""
        shown = None if live is None else live.spec.get(name)
        return how_kept(self.kind.fields.child(name), self.spec.get(name), shown)

    def advised(self, name: str, live: LiveObject | None, before: LiveObject | None) -> tuple[Path, str]:
        """Return where in the definition a line belongs that describes how a field was kept, and the line, tried."""
        if live is None:
            return (), ""
        considered = Considered(
            resource=self.resource, kind=self.kind, spec=self.spec, unknown=frozenset(), hidden=frozenset()
        )
        found = find_leftovers(considered, live, before)
        line = next((one for one in found if one.path[0] == name and one.line), None)
        return ((), "") if line is None else (tuple(line.place.split(".")), line.line)

    def kept_by_create(self, live: LiveObject, later: set[str]) -> Claim:
        """Return the claim that a create keeps what is stated, but for what only an update can set."""
        title = "create keeps what is stated"
        unkept = self.unkept(live) - later
        if not unkept:
            return holds(title)
        names = listed(f"{name} ({self.how(name, live)})" for name in unkept)
        hidden = {name for name, info in self.kind.fields.properties.items() if info.write_only} | later
        if len(unkept) > 1 and unkept >= {*self.spec} - {*self.kind.key, *self.kind.scope} - hidden:
            cure = "how its body holds the fields: fieldsAt, body, x-name"
            return fails(title, f"it does not keep {names}: nothing of it", ("write", "create"), cure)
        for name in sorted(unkept):
            place, line = self.advised(name, live, None)
            if line:
                return fails(title, f"it does not keep {names}", place, line)
        return fails(title, f"it does not keep {names}", ("schema", "properties", min(unkept)))
