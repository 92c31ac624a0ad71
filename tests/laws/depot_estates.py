"""Random small estates in depots: what was applied once, what was done by others since, and what is wanted now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from depots import CHILDREN, PARENTS, SECRET_FIELDS
from hypothesis import strategies as st

AFTER_A_PARENT = {
    "new": ("new",),
    "as": ("new", "as", "changed", "drifted", "left", "vanished", "adopt", "foreign", "replaced"),
    "changed": ("new", "changed", "drifted", "left", "adopt", "replaced"),
    "drifted": ("new", "as", "changed", "left", "foreign"),
    "vanished": ("new", "vanished", "left"),
    "adopt": ("new", "adopt", "foreign"),
    "left": ("left",),
    "foreign": ("foreign",),
}
"""What may become of a child, by what becomes of its parent; its keys are all the fates that there are:

new: wanted, and not there. as, changed, drifted: applied once, and wanted now as it was, otherwise, or as it was while
somebody else changed it. vanished: applied once, gone since, wanted. adopt: made by somebody else with other values,
and wanted. replaced: applied once, and wanted with another value where none can change; children only. left: applied
once, not wanted any more. foreign: somebody else's, never wanted.
"""
APPLIED_ONCE = frozenset({"as", "changed", "drifted", "vanished", "left", "replaced"})
WANTED = frozenset({"new", "as", "changed", "drifted", "vanished", "adopt", "replaced"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object of an estate. Its name tells it from all others."""

    name: str
    system: str
    kind: str
    fate: str
    parent: str = ""  # name
    peer: str = ""  # name of one whose id it holds
    states: tuple[str, ...] = ()  # which of size, label and secret its manifest states

    @property
    def address(self) -> str:
        return f"{self.system}.{self.kind}/{self.name}"

    def values(self, *, before: bool, rotated: bool = True) -> dict[str, Any]:
        """Return the stated fields as they were once, or are wanted now; secrets as references.

        Unless `rotated`, secrets that nobody can read were the same once. No two things have the same values: one that
        is gone and a new one would be taken for a renamed one.
        """
        old = before and self.fate == "changed"
        found: dict[str, Any] = {}
        if "size" in self.states:
            found["size"] = (100 if old else 200) + int(self.name.removeprefix("n"))
        if self.fate == "replaced":
            found["grade"] = "a" if before else "b"
        if "label" in self.states:
            found["label"] = f"{'old' if old else 'new'} {self.name}"
        if "secret" in self.states:
            name = SECRET_FIELDS[self.system].upper()
            known = rotated or self.system == "harbor"
            found[SECRET_FIELDS[self.system]] = f"${{env:DEPOT_{'OLD_' if old and known else ''}{name}}}"
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """All the objects of one try."""

    things: tuple[Thing, ...]

    def of(self, fates: frozenset[str]) -> Iterator[Thing]:
        return (thing for thing in self.things if thing.fate in fates)

    def manifests(self, *, before: bool, rotated: bool = True) -> str:
        """Return the manifests of the first apply, or of the one that is tried."""
        stated = {thing.name: thing for thing in self.of(APPLIED_ONCE if before else WANTED)}
        return "\n---\n".join(
            json.dumps(_manifest(t, stated, t.values(before=before, rotated=rotated))) for t in stated.values()
        )


def _manifest(thing: Thing, stated: dict[str, Thing], values: dict[str, Any]) -> dict[str, Any]:
    spec = dict(values)
    if thing.parent:
        spec[PARENTS[thing.system].lower()] = f"${{ref:{PARENTS[thing.system]}/{thing.parent}}}"
    if thing.peer in stated:
        spec["peer"] = f"${{ref:{stated[thing.peer].kind}/{thing.peer}}}"
    return {
        "apiVersion": f"{thing.system}/v1",
        "kind": thing.kind,
        "metadata": {"name": thing.name},
        "spec": spec,
    }


_STATES = (("size",), ("size", "label"), ("size", "secret"), ("size", "label", "secret"), ("label",), ("secret",))


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """Draw 3 to 12 objects in up to three systems, parents before their children."""
    systems = draw(st.lists(st.sampled_from(sorted(PARENTS)), min_size=1, max_size=3, unique=True))
    things: list[Thing] = []

    def add(system: str, kind: str, fate: str, parent: str = "") -> Thing:
        peers = [one.name for one in things if not one.parent and one.fate in WANTED]
        peer = draw(st.sampled_from(["", "", *peers])) if fate in WANTED else ""
        thing = Thing(
            name=f"n{len(things)}",
            system=system,
            kind=kind,
            fate=fate,
            parent=parent,
            peer=peer,
            states=draw(st.sampled_from(_STATES)),
        )
        things.append(thing)
        return thing

    for system in systems:
        for fate in draw(st.lists(st.sampled_from(sorted(AFTER_A_PARENT)), min_size=1, max_size=3)):
            parent = add(system, PARENTS[system], fate)
            most = min(3, 12 - len(things) - 3 * (len(systems) - 1 - systems.index(system)))
            for child in draw(st.lists(st.sampled_from(AFTER_A_PARENT[fate]), max_size=max(0, most))):
                add(system, CHILDREN[system], child, parent.name)
    while len(things) < 3 or not any(thing.fate in WANTED for thing in things):
        add(systems[0], PARENTS[systems[0]], "new")
    return Estate(things=tuple(things))
