"""The kinds that ship are verified on the emulations, which were written without them: both say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, make_bench

from reconciler.core.address import Address
from reconciler.core.conformance.claims import ClaimVerdict
from reconciler.core.conformance.variation import Trial, refuse_what_cannot_be_verified
from reconciler.core.errors import Refused
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import JsonObject
from reconciler.render.json_text import json_text
from reconciler.shell.files.disk import read_documents
from reconciler.workflow.commands import Connections, load, load_kinds
from reconciler.workflow.verification import verify

CATALOG, _ = load_kinds([])

UNUSED: dict[str, JsonObject] = {
    "apinizer.ProxyEndpoint": {"name": "/scratch"},
    "galtea.Specification": {"description": "Scratch"},
    "galtea.Version": {"facts": {"commit": "scratch"}},
    "goldmine.Provider": {"type": "PROVIDER_TYPE_OXYLABS_RESIDENTIAL", "credentials": "fake-token-not-real"},
    "goldmine.Session": {"token": "sess-scratch"},
    "trustgate.Rule": {"path": "/scratch"},
}
"""What the scratch object states in place of the example, where the name alone does not make it another object."""

LIES = {
    "trustgate.Upstream": {"delete removes the object"},
}
"""Claims that the systems themselves break. TrustGate's list of upstreams is answered from a cache that a DELETE does
not drop (fact sheet, section 4)."""


def verifiable() -> Iterator[Kind]:
    for kind in CATALOG.ordered():
        try:
            refuse_what_cannot_be_verified(kind)
        except Refused:
            continue
        yield kind


KINDS = list(verifiable())


def example(bench: Bench, kind: Kind) -> JsonObject:
    """Return the first example manifest of a kind, as that of another object."""
    for path in sorted(bench.manifests.rglob("*.yaml")):
        for document in read_documents(path, str(path))[0]:
            data: Any = document.data
            if data["kind"] == kind.name and data["apiVersion"] == kind.definition.api_version:
                spec = {**data["spec"], **UNUSED.get(kind.full_name, {})}
                if kind.definition.identity.name in spec:
                    spec[kind.definition.identity.name] = "scratch"
                return {**{k: data[k] for k in ("apiVersion", "kind")}, "metadata": {"name": "scratch"}, "spec": spec}
    raise AssertionError(f"no example of {kind.full_name}")


def test_many_kinds_can_be_verified() -> None:
    assert {kind.definition.system for kind in KINDS} == {"apinizer", "galtea", "goldmine", "trustgate"}
    assert len(KINDS) >= 12


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.full_name)
def test_what_the_kind_claims_holds_on_the_emulation(tmp_path: Path, kind: Kind) -> None:
    bench = make_bench(tmp_path)
    bench.apply()
    scratch = bench.folder / "scratch.json"
    scratch.write_text(json_text(example(bench, kind)))
    options = replace(bench.options(), scratch=scratch)
    loaded = load(options)
    with Connections(loaded.settings, options) as connections:
        trial = Trial(address=Address(kind.definition.system, kind.name, "scratch"))
        found = verify(loaded, connections, options, trial, 10.0)
    broken = {claim.title: claim.detail for claim in found.claims if claim.verdict is ClaimVerdict.FAILS}
    assert broken.keys() == LIES.get(kind.full_name, set()), broken
    assert bool(found.left_behind) == (kind.full_name in LIES), found.left_behind
    assert found.count(ClaimVerdict.HOLDS) >= 8
    assert bench.plan().pending == (), "the walk has moved something that was not its own"
