"""What references resolve to, and which values are secret because of where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from core_files import documents_of, good_catalog, told

from reconciler.core.address import Address
from reconciler.core.errors import ExitCode, InvalidInput
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.manifests.expressions import Lookups
from reconciler.core.manifests.references import Known, hidden_paths
from reconciler.core.manifests.validation import validate
from reconciler.core.model import LiveObject, Reference, Resource
from reconciler.core.pointer import MISSING

NODE = """
apiVersion: net/v1
kind: Node
schema:
  type: object
  properties:
    id: {type: string, readOnly: true}
    name: {type: string}
    peer: {}
    port: {type: integer}
    tags: {type: array, items: {type: string}}
    token: {type: string, x-sensitive: true}
    login: {type: object, properties: {user: {type: string}, password: {type: string, x-sensitive: true}}}
    headers: {type: array, items: {type: object, properties: {n: {type: string}, v: {x-sensitive: true}}}}
    issued: {type: string, readOnly: true, x-sensitive: true}
identity: {key: [name], name: name}
read: {list: {method: GET, path: /nodes}}
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return good_catalog(tmp_path_factory.mktemp("schemas"), node=NODE)


def nodes(folder: Path, catalog: Catalog, **specs: str) -> dict[Address, Resource]:
    """Return resources by address; each spec is written as YAML in one line."""
    head = "apiVersion: net/v1\nkind: Node\nmetadata: {name: "
    texts = {name: f"{head}{name}}}\nspec: {{{spec}}}\n" for name, spec in specs.items()}
    lookups = Lookups(environment=lambda name: f"fake-{name}", file=lambda name: f"fake-{name}", variables={"v": 1})
    resources, problems = validate(documents_of(folder, **texts), catalog, lookups)
    assert problems == [], told(problems)
    return {resource.address: resource for resource in resources}


def node(name: str) -> Address:
    return Address("net", "Node", name)


def reference(name: str, *pointer: str) -> Reference:
    return Reference(address=node(name), pointer=pointer or None)


def live(**bodies: dict[str, Any]) -> dict[Address, LiveObject]:
    return {node(name): LiveObject(id=f"id-of-{name}", body=body, spec=body) for name, body in bodies.items()}


# --------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        pytest.param(reference("a"), "id-of-a", id="id"),
        pytest.param(reference("b"), MISSING, id="id-of-what-is-not-there"),
        pytest.param(reference("a", "port"), 5, id="stated-over-live"),
        pytest.param(reference("a", "id"), "7", id="live"),
        pytest.param(reference("a", "tags", "1"), "y", id="item-of-a-list"),
        pytest.param(reference("a", "tags", "9"), MISSING, id="no-such-item"),
        pytest.param(reference("a", "tags"), ["x", "y"], id="whole-list"),
        pytest.param(reference("b", "port"), 6, id="stated-before-it-is-there"),
        pytest.param(reference("b", "id"), MISSING, id="field-of-what-is-not-there"),
        pytest.param(reference("c", "peer"), "id-of-a", id="reference-of-a-reference"),
        pytest.param(reference("d", "peer"), MISSING, id="reference-of-an-unknown-reference"),
        pytest.param(reference("d", "tags", "0"), MISSING, id="item-that-is-not-known"),
        pytest.param(reference("d", "tags", "1"), "known", id="known-item-beside-it"),
        pytest.param(reference("d", "tags"), MISSING, id="list-with-an-unknown-item"),
        pytest.param(reference("d", "login", "user"), MISSING, id="below-an-unknown-value"),
        pytest.param(reference("x", "port"), 9, id="live-only"),
    ],
)
def test_the_value_of_a_reference(tmp_path: Path, catalog: Catalog, wanted: Reference, value: Any) -> None:
    resources = nodes(
        tmp_path,
        catalog,
        a="port: 5, tags: [x, y]",
        b="port: 6",
        c="peer: '${ref:Node/a}'",
        d="peer: '${ref:Node/b}', tags: ['${ref:Node/b}', known], login: '${ref:Node/b#/id}'",
    )
    known = Known(resources=resources, live=live(a={"id": "7", "port": 4}, x={"port": 9}))
    assert known.value_of(wanted) == value


def test_a_spec_is_filled_as_far_as_it_is_known(tmp_path: Path, catalog: Catalog) -> None:
    resources = nodes(tmp_path, catalog, a="", b="", c="peer: '${ref:Node/a}', tags: ['x-${ref:Node/b}']")
    known = Known(resources=resources, live=live(a={}))
    assert known.spec_of(resources[node("c")]) == (
        {"name": "c", "peer": "id-of-a", "tags": ["x-${ref:Node/b}"]},
        frozenset({("tags", 0)}),
    )


def test_a_list_that_turns_up_inside_text_is_a_mistake_of_the_manifest(tmp_path: Path, catalog: Catalog) -> None:
    resources = nodes(tmp_path, catalog, a="", c="port: 1, tags: ['x-${ref:Node/a#/peer}']")
    known = Known(resources=resources, live=live(a={"peer": [1]}))
    with pytest.raises(InvalidInput) as caught:
        known.spec_of(resources[node("c")])
    (problem,) = caught.value.diagnostics
    assert str(problem.source) == "c.yaml:4:7"
    assert problem.message == "/tags/0: a list, a mapping or null cannot stand inside text"
    assert problem.hint == "let the `${…}` be the whole value"
    assert caught.value.exit_code is ExitCode.INVALID


# --------------------------------------------------------------------------- secrecy


@pytest.mark.parametrize(
    ("spec", "hidden"),
    [
        pytest.param("port: 1", set(), id="nothing"),
        pytest.param("peer: '${env:A}', tags: [x, '${file:b}']", {("peer",), ("tags", 1)}, id="own"),
        pytest.param("peer: '${ref:Node/b}'", set(), id="an-id-is-no-secret"),
        pytest.param("peer: '${ref:Node/b#/port}'", set(), id="plain-field"),
        pytest.param("peer: '${ref:Node/b#/token}'", {("peer",)}, id="secret-by-kind"),
        pytest.param("peer: '${ref:Node/b#/issued}'", {("peer",)}, id="secret-that-the-server-made"),
        pytest.param("peer: '${ref:Node/b#/login/password}'", {("peer",)}, id="member-that-is-secret"),
        pytest.param("peer: '${ref:Node/b#/login/user}'", set(), id="member-beside-a-secret"),
        pytest.param("peer: '${ref:Node/b#/login}'", {("peer",)}, id="mapping-with-a-secret-in-it"),
        pytest.param("peer: '${ref:Node/b#/headers/0/v}'", {("peer",)}, id="secret-in-a-list"),
        pytest.param("peer: '${ref:Node/b#/headers}'", {("peer",)}, id="list-with-secrets-in-it"),
        pytest.param("peer: '${ref:Node/b#/headers/0/n}'", set(), id="item-beside-a-secret"),
        pytest.param("peer: '${ref:Node/c#/name}'", set(), id="plain-field-of-one-with-secrets"),
        pytest.param("peer: '${ref:Node/c#/peer}'", {("peer",)}, id="from-the-environment-of-another"),
        pytest.param("peer: '${ref:Node/c#/tags/1}'", {("peer",)}, id="item-from-the-environment"),
        pytest.param("peer: '${ref:Node/c#/tags/0}'", set(), id="item-beside-it"),
        pytest.param("peer: '${ref:Node/c#/tags}'", {("peer",)}, id="list-with-an-item-from-the-environment"),
        pytest.param("tags: ['a ${ref:Node/c#/peer} b']", {("tags", 0)}, id="inside-text"),
        pytest.param("peer: '${ref:Node/d#/peer}'", {("peer",)}, id="through-another-reference"),
        pytest.param("peer: '${ref:Node/e#/peer}'", {("peer",)}, id="through-two-references"),
        pytest.param("peer: '${ref:Node/d#/port}'", set(), id="beside-a-reference"),
    ],
)
def test_what_is_secret_by_origin(tmp_path: Path, catalog: Catalog, spec: str, hidden: set[Any]) -> None:
    resources = nodes(
        tmp_path,
        catalog,
        a=spec,
        b="token: t, login: {user: u, password: p}, headers: [{n: n, v: v}]",
        c="peer: '${env:A}', tags: [x, '${env:B}']",
        d="peer: '${ref:Node/c#/peer}', port: 1",
        e="peer: '${ref:Node/d#/peer}'",
    )
    assert hidden_paths(resources[node("a")], resources, catalog) == hidden


def test_a_reference_out_of_the_set_is_judged_by_its_kind(tmp_path: Path, catalog: Catalog) -> None:
    resources = nodes(tmp_path, catalog, a="peer: '${ref:Node/b#/token}', tags: ['${ref:Node/b#/port}']", b="port: 1")
    assert hidden_paths(resources[node("a")], {}, catalog) == {("peer",)}
