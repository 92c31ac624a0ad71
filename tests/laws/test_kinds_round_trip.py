"""Laws of every kind that ships, on random valid specs: what was applied is not to be applied again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mirror import kept_by
from specs import shuffled, specs

from reconciler.core.canonical import canonical_json
from reconciler.core.compare.diff import field_changes
from reconciler.core.compare.normalize import canonical, compare, nothing_remembered
from reconciler.core.kinds.catalog import Kind, send_mode
from reconciler.core.kinds.definition import WriteCall
from reconciler.core.model import Json, JsonObject, LiveObject
from reconciler.core.pointer import MISSING, get, parse_pointer
from reconciler.core.wire.requests import Subject, Writing, call_fields, with_companions, write_request
from reconciler.workflow.commands import load_kinds

CATALOG, _ = load_kinds([])
KINDS = CATALOG.ordered()
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.full_name)
law = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def compared(kind: Kind, spec: JsonObject, live: LiveObject) -> Any:
    return compare(kind.fields, spec, live.spec, absent=kind.definition.read.absent, remembers=nothing_remembered)


@every_kind
@law
@given(data=st.data())
def test_the_plan_of_the_applied_is_empty(kind: Kind, data: st.DataObject) -> None:
    spec = data.draw(specs(kind))
    sides = compared(kind, spec, kept_by(kind, spec))
    assert field_changes(sides, stated=spec, hidden=lambda path: False) == ()


@every_kind
@law
@given(data=st.data())
def test_normalizing_twice_is_normalizing_once(kind: Kind, data: st.DataObject) -> None:
    live = kept_by(kind, data.draw(specs(kind)))
    absent = kind.definition.read.absent
    once = canonical(kind.fields, live.spec, absent)
    assert once is MISSING or canonical_json(canonical(kind.fields, once, absent)) == canonical_json(once)


@every_kind
@law
@given(data=st.data())
def test_the_order_of_fields_and_of_sets_is_irrelevant(kind: Kind, data: st.DataObject) -> None:
    spec = data.draw(specs(kind))
    other = data.draw(st.composite(lambda draw: shuffled(draw, kind.fields, spec))())
    one, two = (compared(kind, side, kept_by(kind, spec)) for side in (spec, other))
    assert canonical_json(one.desired) == canonical_json(two.desired)
    assert canonical_json(one.live) == canonical_json(two.live)


@every_kind
@law
@given(data=st.data())
def test_what_is_not_managed_is_never_sent_otherwise_than_it_was(kind: Kind, data: st.DataObject) -> None:
    """A partial body holds changed fields only; a full one holds everything else exactly as it was read."""
    before, wanted = data.draw(specs(kind)), data.draw(specs(kind))
    managed = {n: v for n, v in wanted.items() if data.draw(st.booleans()) or n in (*kind.scope, *kind.key)}
    live = kept_by(kind, before, somebodyElses="kept as it is")
    sides = compared(kind, managed, live)
    changed = frozenset(
        str(change.path[0]) for change in field_changes(sides, stated=managed, hidden=lambda path: False)
    )
    writing = Writing(subject=Subject(spec=managed, id=live.id, live=live), changed=changed, creating=False)
    for call in kind.definition.write.update:
        request = write_request(kind, call, writing)
        if request is not None:
            _assert_only_ours(kind, call, writing, get(request.body, parse_pointer(call.fields_at)))


def _assert_only_ours(kind: Kind, call: WriteCall, writing: Writing, fields: Json) -> None:
    live = writing.subject.live
    assert live is not None
    mode = send_mode(call, creating=False)
    if mode == "jsonPatch" or not isinstance(fields, dict):
        return
    ours = _fixed_members(call) | {kind.definition.guard.version or ""}
    for name, info in kind.fields.properties.items():
        spelling = info.update_name or name
        sent = get(fields, parse_pointer(spelling) if spelling.startswith("/") else (spelling,))
        if sent is MISSING or spelling in ours:
            continue
        travels = with_companions(kind, writing, call_fields(kind, call, writing) & writing.changed)
        if mode in ("changed", "mergePatch"):
            assert name in travels, f"{name} is sent, and has not changed"
        elif mode == "stated":
            assert name in writing.subject.spec, f"{name} is sent, and no manifest states it"
        elif name not in writing.subject.spec:
            was = get(
                live.body, parse_pointer(info.response_name) if "/" in info.response_name else (info.response_name,)
            )
            assert canonical_json(sent) == canonical_json(was), f"{name} is not managed, and sent otherwise than read"
    if mode == "full" and not kind.definition.write.inside:
        assert fields.get("somebodyElses") == "kept as it is"


def _fixed_members(call: WriteCall) -> set[str]:
    """Return the members that the call itself states."""
    around = get(call.body, parse_pointer(call.fields_at)) if call.body is not None else None
    return set(around) if isinstance(around, dict) else set()
