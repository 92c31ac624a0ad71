"""Laws of accepting drift, for every kind that ships: the manifest then says what lives, or tells where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mirror import kept_by
from specs import specs

from reconciler.core.address import Address
from reconciler.core.compare.diff import field_changes
from reconciler.core.drift.accepting import accept, escaped
from reconciler.core.drift.edits import edited
from reconciler.core.kinds.catalog import Kind
from reconciler.core.manifests.expressions import Lookups, fill
from reconciler.core.model import FieldChange, JsonObject, LiveObject, Resource, Source
from reconciler.core.plan.considered import Considered
from reconciler.core.pointer import Path, get
from reconciler.core.schema.schema_gate import CompiledSchema
from reconciler.workflow.commands import load_kinds

CATALOG, _ = load_kinds([])
every_kind = pytest.mark.parametrize("kind", CATALOG.ordered(), ids=lambda kind: kind.full_name)
law = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def considered(kind: Kind, spec: JsonObject) -> Considered:
    place = Source("m.yaml", 1, 1)
    address = Address(kind.definition.system, kind.name, "one")
    resource = Resource(address=address, spec=spec, source=place, locate=lambda path, key=False: place)
    return Considered(resource=resource, kind=kind, spec=spec, unknown=frozenset(), hidden=frozenset())


def differing(about: Considered, live: LiveObject) -> tuple[FieldChange, ...]:
    return field_changes(about.compared_with(live), stated=about.spec, hidden=about.hides)


def meet(path: Path, place: Path) -> bool:
    steps = zip(path, place, strict=False)
    return all(mine == theirs or isinstance(theirs, int) for mine, theirs in steps)


@every_kind
@law
@given(data=st.data())
def test_the_manifest_says_what_lives_or_it_is_told_where_not(kind: Kind, data: st.DataObject) -> None:
    spec, live = data.draw(specs(kind)), kept_by(kind, data.draw(specs(kind)))
    before = considered(kind, spec)
    moved = differing(before, live)
    accepted = accept(before, live, spec, moved)
    new = edited(spec, accepted.edits)
    left = [one.place for one in accepted.left]
    rest = [change.path for change in differing(considered(kind, new), live)]
    assert [path for path in rest if not any(meet(path, place) for place in left)] == []
    assert CompiledSchema(kind.definition.schema_).is_valid(new)
    if not moved:
        assert (accepted.edits, accepted.left) == ((), ())


def whole_around(kind: Kind, path: Path) -> Path:
    """Return the path of the outermost list that holds `path`; the path itself where none does."""
    info = kind.fields
    for length, step in enumerate(path):
        if info.items is not None:
            return path[:length]
        info = info.child(step)
    return path


@every_kind
@law
@given(data=st.data())
def test_only_what_moved_is_touched(kind: Kind, data: st.DataObject) -> None:
    spec, live = data.draw(specs(kind)), kept_by(kind, data.draw(specs(kind)))
    about = considered(kind, spec)
    moved = differing(about, live)
    # What differs in one list moved together: a list is remembered as one.
    parts = sorted({whole_around(kind, change.path) for change in moved}, key=str)
    kept = {part for part in parts if data.draw(st.booleans())}
    chosen = [change for change in moved if whole_around(kind, change.path) in kept]
    accepted = accept(about, live, spec, chosen)
    places = [change.path for change in chosen]
    assert [edit.place for edit in accepted.edits if not any(meet(path, edit.place) for path in places)] == []
    assert all(edit.removes or not about.hides(edit.place) for edit in accepted.edits)


JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.sampled_from(["${env:HOME}", "$${x}", "$$${file:a}", "${"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON)
def test_a_live_value_is_never_an_expression(value: Any) -> None:
    def refuse(name: str) -> str:
        raise AssertionError(name)

    written = {"value": escaped(value)}
    filled = fill(written, "shop", Lookups(environment=refuse, file=refuse, variables={}))
    assert filled.problems == []
    assert filled.expressions == []
    assert get(filled.value, ("value",)) == value
