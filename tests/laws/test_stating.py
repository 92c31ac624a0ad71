"""Laws of stating, for every kind that ships, on random specs: what is written means what lives, without secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mirror import kept_by
from specs import specs

from reconciler.core.canonical import canonical_json
from reconciler.core.compare.diff import field_changes
from reconciler.core.compare.normalize import compare
from reconciler.core.export.stating import Names, Stated, state, without_comments
from reconciler.core.export.suspicion import looks_secret
from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import walk
from reconciler.core.manifests.expressions import Lookups, fill
from reconciler.core.model import JsonObject, LiveObject
from reconciler.core.pointer import format_pointer
from reconciler.core.schema.schema_gate import CompiledSchema
from reconciler.workflow.commands import load_kinds

CATALOG, _ = load_kinds([])
every_kind = pytest.mark.parametrize("kind", CATALOG.ordered(), ids=lambda kind: kind.full_name)
law = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def names() -> Names:
    return Names(
        reference=lambda names, remote_id: None,
        secret=lambda place: "S" + "".join(c if c.isalnum() else f"_{ord(c):x}_" for c in format_pointer(place)),
    )


def read_back(kind: Kind, stated: Stated) -> JsonObject:
    """Return the spec that a run reads from what was stated, when everybody has set the secrets."""
    values = {one.name: one.value or "given-by-a-person" for one in stated.secrets}
    filled = fill(
        without_comments(stated.spec),
        kind.definition.system,
        Lookups(environment=values.__getitem__, file=str, variables={}),
    )
    assert not filled.problems
    found: JsonObject = filled.value
    return found


@every_kind
@law
@given(data=st.data())
def test_what_is_stated_is_valid_and_plans_to_nothing(kind: Kind, data: st.DataObject) -> None:
    live = kept_by(kind, data.draw(specs(kind)))
    stated = state(kind, live, names())
    if stated.impossible:
        # Only what no answer shows can make it so, or a rule about what cannot be shown.
        assert any(info.write_only or info.mask or info.create_only for _, info in walk(kind.fields)), stated.impossible
        return
    spec = read_back(kind, stated)
    assert CompiledSchema(kind.definition.schema_).is_valid(spec)
    sides = compare(kind.fields, spec, live.spec, absent=kind.definition.read.absent)
    assert field_changes(sides, stated=spec, hidden=lambda path: False) == ()


@every_kind
@law
@given(data=st.data())
def test_no_secret_is_written(kind: Kind, data: st.DataObject) -> None:
    live = kept_by(kind, data.draw(specs(kind)))
    stated = state(kind, live, names())
    written = canonical_json(without_comments(stated.spec))
    for text in secrets_in(kind, live):
        assert canonical_json(text) not in written


def secrets_in(kind: Kind, live: LiveObject) -> list[str]:
    """Return the texts of a live object that its kind calls sensitive, long enough not to be found by accident."""
    found: list[str] = []

    def look(info: Any, value: Any) -> None:
        if info.sensitive and isinstance(value, str) and len(value) >= 6:
            found.append(value)
        if isinstance(value, dict):
            for name, item in value.items():
                look(info.child(name), item)
        elif isinstance(value, list):
            for item in value:
                look(info.child(0), item)

    look(kind.fields, live.spec)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clientSecret", "x"),
        ("api_key", "abc"),
        ("apiKey", "abc"),
        ("accessToken", "abc"),
        ("note", "Bearer abcdefgh1234"),
        ("url", "https://user:fake-not-real@host.example"),
        ("pem", "-----BEGIN RSA " + "PRIVATE KEY-----\nfake"),
        ("value", "fA9kQ2mZ7xW4pR8sT1vB6nC3"),
        ("digest", "9f86d081884c7d659a2feaa0c55ad015"),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str) -> None:
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokenUrl", "https://id.example.com/token"),
        ("tokenType", "bearer"),
        ("secretName", "database"),
        ("keyword", "token"),
        ("id", "018f8c21-2222-7eee-8ddd-3d3d3d3d3d3d"),
        ("name", "customer-support-assistant-production-2024"),
        ("kind", "CustomerSupportAssistantProduction"),
        ("path", "/v1/chat/completions/with/a/long/path"),
        ("text", ""),
        ("password", ""),
    ],
)
def test_what_does_not_look_like_one(name: str, value: str) -> None:
    assert not looks_secret(name, value)


def test_an_id_that_is_a_secret_is_not_written_where_it_is_referred_to() -> None:
    kind = next(kind for kind in CATALOG.ordered() if kind.full_name == "galtea.Version")
    live = LiveObject(id="version-1", body={}, spec={"product": "product-fake-id", "name": "one"})
    told = names()
    plain = state(kind, live, told)
    assert plain.spec["product"] == "product-fake-id"
    hidden = state(kind, live, replace(told, secret_ids=frozenset({("galtea", "Product")})))
    assert hidden.spec["product"].startswith("${env:")
    assert "product-fake-id" not in canonical_json(hidden.spec)
