"""Every row of the symptoms in `schemas/README.md` is tried: with the key that cures, and without it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from readme_blocks import README
from ruamel.yaml import YAML
from symptom_shop import KIND, MANIFEST, Answer, Shop, action, applied, blockers, creating, listing, workspace

from reconciler.core.errors import ApiError
from reconciler.core.model import Action
from reconciler.core.report import Status
from reconciler.workflow.commands import apply, plan

TESTS = Path(__file__).parent.parent


def with_field(schema: dict[str, Any], **kind: Any) -> dict[str, Any]:
    """Return the kind with a field `f` of this schema."""
    properties = {**KIND["schema"]["properties"], "f": schema}
    return {**KIND, "schema": {**KIND["schema"], "properties": properties}, **kind}


def reading(**keys: Any) -> dict[str, Any]:
    return {**KIND, "read": {**KIND["read"], **keys}}


def updating(**keys: Any) -> dict[str, Any]:
    update = {"method": "PATCH", "path": "/products/{id}", **keys}
    return {**KIND, "write": {**KIND["write"], "update": update}}


TEA: dict[str, Any] = {"id": "p1", "name": "tea", "price": 5}


def showing(*products: Any) -> Answer:
    def answer(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        found = {f"/products/{one['id']}": one for one in products if "id" in one}
        return (200, {"products": list(products)}) if path == "/products" else (200, found[path])

    return answer


# --------------------------------------------------------------------------- comparing

NOTHING = object()
ITEM = {"type": "object", "properties": {"sku": {"type": "string"}}}
MAP = {"type": "object", "additionalProperties": {"type": "string"}}
COMPARED: dict[str, tuple[dict[str, Any], dict[str, Any], Any, Any]] = {
    # name: the field without the cure, the cure, what the server shows, what the manifest states
    "zero": ({"type": "integer"}, {"x-absent": 0}, NOTHING, 0),
    "default": ({"type": "string", "default": "std"}, {"x-absent": "std"}, NOTHING, "std"),
    "means": ({"type": "string"}, {"x-means": {"CAPPED": "ACTIVE"}}, "CAPPED", "ACTIVE"),
    "set": ({"type": "array"}, {"x-list": "set"}, ["b", "a"], ["a", "b"]),
    "key": (
        {"type": "array", "x-list": "set", "items": ITEM},
        {"x-key": ["sku"]},
        [{"sku": "b", "id": 2}, {"sku": "a", "id": 1}],
        [{"sku": "a"}, {"sku": "b"}],
    ),
    "map": (MAP, {"x-map": "keys"}, {"a": "1", "theirs": "2"}, {"a": "1"}),
    "int64": ({"type": "integer"}, {"x-form": "int64"}, "5", 5),
    "number": ({"type": "number"}, {"x-form": "number"}, "10.50", 10.5),
    "time": ({"type": "string"}, {"x-form": "timestamp"}, "2029-12-31T22:00:00.000Z", "2030-01-01T00:00:00+02:00"),
    "duration": ({"type": "string"}, {"x-form": "duration"}, "1m30s", "90s"),
    "url": ({"type": "string"}, {"x-form": "url"}, "https://example.com:443/", "https://example.com"),
    "lower": ({"type": "string"}, {"x-form": "lower"}, "tea@example.com", "Tea@Example.com"),
    "trim": ({"type": "string"}, {"x-form": "trim"}, "tea", " tea "),
    "base64": ({"type": "string"}, {"x-form": "base64"}, "-_8", "+/8="),
    "mask": ({"type": "string", "x-sensitive": True}, {"x-mask": "[*]+"}, "****", "fake-word"),
    "never shown": ({"type": "string", "x-sensitive": True}, {"writeOnly": True}, NOTHING, "fake-word"),
    "spelling": ({"type": "string"}, {"x-name": "eff"}, NOTHING, "x"),
    "answer": ({"type": "string"}, {"x-response": "/eff"}, NOTHING, "x"),
}


@pytest.mark.parametrize("name", COMPARED)
def test_values_that_mean_the_same(tmp_path: Path, name: str) -> None:
    schema, cure, shown, stated = COMPARED[name]
    tea = {**TEA, "eff": "x"} if shown is NOTHING else {**TEA, "f": shown}
    manifest = {**MANIFEST, "spec": {"f": stated}}
    assert action(tmp_path, with_field(schema), showing(tea), manifest) is Action.UPDATE
    assert action(tmp_path, with_field({**schema, **cure}), showing(tea), manifest) is Action.UNCHANGED


@pytest.mark.parametrize(("absent", "stated"), [("zero", 0), ("default", 7)])
def test_values_that_all_answers_leave_out(tmp_path: Path, absent: str, stated: int) -> None:
    manifest = {**MANIFEST, "spec": {"f": stated}}
    kind = with_field({"type": "integer", "default": 7})
    assert action(tmp_path, kind, showing(TEA), manifest) is Action.UPDATE
    cured = {**kind, "read": {**KIND["read"], "absent": absent}}
    assert action(tmp_path, cured, showing(TEA), manifest) is Action.UNCHANGED


# --------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("cure", "shown"),
    [({"x-name": "title"}, {"title": "tea"}), ({"x-form": "case-insensitive"}, {"name": "TEA"})],
    ids=["spelling", "case"],
)
def test_a_key_that_is_spelled_otherwise(tmp_path: Path, cure: dict[str, Any], shown: dict[str, Any]) -> None:
    tea = {"id": "p1", "price": 5, **shown}
    cured = {**KIND["schema"]["properties"], "name": {"type": "string", **cure}}
    if "x-form" in cure:
        assert blockers(tmp_path, KIND, showing(tea))[0].startswith("perhaps-the-same: ")
    else:
        assert action(tmp_path, KIND, showing(tea)) is Action.CREATE
    kind = {**KIND, "schema": {**KIND["schema"], "properties": cured}}
    assert action(tmp_path, kind, showing(tea)) is Action.UNCHANGED


def test_a_filter_that_hides(tmp_path: Path) -> None:
    def answer(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, {"products": [TEA] if query.get("state") == "all" else []}

    assert action(tmp_path, listing(), answer) is Action.CREATE
    assert action(tmp_path, listing(query={"state": "all"}), answer) is Action.UNCHANGED


def test_a_base_path_of_another_tenant(tmp_path: Path) -> None:
    def answer(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, {"products": [TEA] if path == "/t/7/products" else []}

    assert action(tmp_path, listing(path="/t/8/products"), answer) is Action.CREATE
    assert action(tmp_path, listing(path="/t/7/products"), answer) is Action.UNCHANGED


def test_an_object_that_is_wrapped(tmp_path: Path) -> None:
    def answer(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, {"products": [{"id": "p1"}]} if path == "/products" else [TEA]

    short = {"method": "GET", "path": "/products", "items": "/products", "itemsAre": "summaries"}
    get = {"method": "GET", "path": "/products/{id}"}
    with pytest.raises(ApiError, match="no object at the root of the answer"):
        action(tmp_path, reading(list=short, get=get), answer)
    assert action(tmp_path, reading(list=short, get={**get, "object": "/0"}), answer) is Action.UNCHANGED


def test_an_id_of_another_name(tmp_path: Path) -> None:
    answer = showing({"name": "tea", "price": 5, "uid": "p1"})
    with pytest.raises(ApiError, match="no id at /id of the object"):
        action(tmp_path, KIND, answer)
    for place in ("/uid", "{spec.name}"):
        kind = {**KIND, "identity": {**KIND["identity"], "id": place}}
        assert action(tmp_path, kind, answer) is Action.UNCHANGED


def test_an_id_that_the_list_shows_elsewhere(tmp_path: Path) -> None:
    def answer(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, {"products": [{"uid": "p1"}]} if path == "/products" else TEA

    with pytest.raises(ApiError, match="no id at /id of the object"):
        action(tmp_path, listing(itemsAre="summaries"), answer)
    assert action(tmp_path, listing(itemsAre="ids", idAt="/uid"), answer) is Action.UNCHANGED


@pytest.mark.parametrize("status", [200, 400])
def test_what_is_not_there_and_says_so_in_its_own_way(tmp_path: Path, status: int) -> None:
    kind = reading(list=[], get={"method": "GET", "path": "/products/{spec.name}"})

    def answer(*asked: Any) -> tuple[int, Any]:
        return status, {"error": "E17: no such product"}

    with pytest.raises(ApiError):
        action(tmp_path, kind, answer)
    rule = {"at": "/error", "matches": "^E17", "class": "notFound"}
    assert action(tmp_path, {**kind, "answers": [rule]}, answer) is Action.CREATE


def test_deleted_and_built_in_objects(tmp_path: Path) -> None:
    for mark, cure in (("deletedAt", reading), ("builtIn", listing)):
        answer = showing({**TEA, mark: True})
        condition = {"at": f"/{mark}", "present": True}
        assert action(tmp_path, KIND, answer) is Action.UNCHANGED
        key = {"gone": condition} if cure is reading else {"skip": condition}
        assert action(tmp_path, cure(**key), answer) is Action.CREATE


def test_a_field_that_another_call_shows(tmp_path: Path) -> None:
    def answer(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "/products/p1/f":
            return 200, {"value": "x"}
        return 200, {"products": [TEA]} if path == "/products" else TEA

    manifest = {**MANIFEST, "spec": {"f": "x"}}
    kind = with_field({"type": "string"})
    assert action(tmp_path, kind, answer, manifest) is Action.UPDATE
    part = {"method": "GET", "path": "/products/{id}/f", "object": "/value", "into": "/f"}
    short = {**KIND["read"]["list"], "itemsAre": "summaries"}
    cured = {**kind, "read": {**KIND["read"], "list": short, "parts": part}}
    assert action(tmp_path, cured, answer, manifest) is Action.UNCHANGED


def test_two_objects_with_one_key(tmp_path: Path) -> None:
    answer = showing({**TEA, "f": "a"}, {**TEA, "id": "p2", "f": "b"})
    manifest = {**MANIFEST, "spec": {"f": "b"}}
    kind = with_field({"type": "string"})
    with workspace(tmp_path, kind, Shop(answer), manifest) as (loaded, connections, options):
        made = plan(loaded, connections, options).plan
        assert "ambiguous-match" in {problem.code for problem in (*made.diagnostics, *made.blockers)}
    kind = {**kind, "identity": {"key": ["name", "f"], "name": "name"}}
    assert action(tmp_path, kind, answer, manifest) is Action.UNCHANGED


# --------------------------------------------------------------------------- writing


class Store:
    """One product that is kept; `write` says what a write makes of it, or with what it is refused."""

    def __init__(self, write: Any, **product: Any) -> None:
        self.product = {**TEA, **product} if product.pop("exists", True) else {}
        self.write = write

    def __call__(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if method == "GET":
            products = [self.product] if self.product else []
            return 200, {"products": products} if path == "/products" else self.product
        refused = self.write(self, method, path, body)
        return refused if refused is not None else (200, self.product)


def cured(tmp_path: Path, without: Any, cure: Any, make: Any, status: Status = Status.FAILED) -> tuple[Store, Store]:
    """Apply with both kinds, each on a store of its own: only the second one is all right. Returns both stores."""
    ill, well = make(), make()
    assert applied(tmp_path, without, Shop(ill))[0] is status
    assert applied(tmp_path, cure, Shop(well)) == (Status.APPLIED, "")
    return ill, well


def test_an_update_that_erases(tmp_path: Path) -> None:
    def replaced(store: Store, method: str, path: str, body: Any) -> None:
        store.product = {"id": "p1", "name": "tea", **body}

    def make() -> Store:
        return Store(replaced, price=4, note="by hand")

    ill, well = cured(
        tmp_path, updating(method="PUT", send="changed"), updating(method="PUT"), make, status=Status.APPLIED
    )
    assert ("note" in ill.product, "note" in well.product) == (False, True)


def test_what_the_server_sets_travels_back(tmp_path: Path) -> None:
    def strict(store: Store, method: str, path: str, body: Any) -> Any:
        if "f" in body:
            return 400, {"message": "f cannot be set"}
        store.product |= body
        return None

    put = {"write": {"update": {"method": "PUT", "path": "/products/{id}"}}}
    cured(
        tmp_path, {**KIND, **put}, with_field({"readOnly": True}, **put), lambda: Store(strict, price=4, f="server's")
    )


def test_a_name_that_a_create_does_not_know(tmp_path: Path) -> None:
    def strict(store: Store, method: str, path: str, body: Any) -> Any:
        if "cents" not in body:
            return 400, {"message": f"unknown field in {sorted(body)}"}
        store.product = {"id": "p1", "name": body["name"], "price": body["cents"]}
        return None

    price = {"price": {"type": "integer", "x-request": {"create": "cents"}}}
    properties = {**KIND["schema"]["properties"], **price}
    cure = {**KIND, "schema": {**KIND["schema"], "properties": properties}}
    cured(tmp_path, KIND, cure, lambda: Store(strict, exists=False))


@pytest.mark.parametrize(
    ("needs", "cure"),
    [
        ({"name": "tea"}, updating(body={"name": "{spec.name}"})),
        ({"sort": "x"}, updating(body={"sort": "{live.sort}"})),
        ({"id": "p1", "version": 3}, updating(body={"id": "{id}", "version": "{live.version}"})),
    ],
    ids=["stated", "live", "id and version"],
)
def test_what_each_update_needs(tmp_path: Path, needs: dict[str, Any], cure: dict[str, Any]) -> None:
    def strict(store: Store, method: str, path: str, body: Any) -> Any:
        if needs.items() - body.items():
            return 422, {"message": f"needs {sorted(needs)}"}
        store.product |= body
        return None

    cured(tmp_path, KIND, cure, lambda: Store(strict, price=4, sort="x", version=3))


def test_bodies_that_are_wrapped(tmp_path: Path) -> None:
    def strict(store: Store, method: str, path: str, body: Any) -> Any:
        if set(body) != {"product", "type"}:
            return 400, {"message": "where is the product?"}
        store.product |= body["product"]
        return None

    cured(tmp_path, KIND, updating(fieldsAt="/product", body={"type": "x"}), lambda: Store(strict, price=4))


def test_ids_of_items_that_get_lost(tmp_path: Path) -> None:
    def numbered(store: Store, method: str, path: str, body: Any) -> None:
        for item in body.get("f", ()):
            item.setdefault("id", "new")
        store.product |= body

    manifest = {**MANIFEST, "spec": {"f": [{"sku": "b"}, {"sku": "a"}], "price": 5}}
    shown = [{"sku": "a", "id": 1}, {"sku": "b", "id": 2}]
    ids: list[list[Any]] = []
    for items in ({**ITEM, "properties": {**ITEM["properties"], "id": {"readOnly": True}}}, ITEM):  # type: ignore[dict-item]
        store = Store(numbered, f=[dict(item) for item in shown])
        kind = with_field({"type": "array", "x-key": ["sku"], "items": items})
        with workspace(tmp_path, kind, Shop(store), manifest) as (loaded, connections, options):
            apply(plan(loaded, connections, options), loaded, connections, options)
        ids.append([item["id"] for item in store.product["f"]])
    assert ids == [["new", "new"], [2, 1]]


def test_a_second_one_that_is_refused_in_its_own_way(tmp_path: Path) -> None:
    def taken(store: Store, method: str, path: str, body: Any) -> Any:
        return 422, {"code": "taken"}

    rule = {"status": 422, "at": "/code", "equals": "taken", "class": "conflict"}
    for kind, status in ((creating(), Status.FAILED), (creating(answers=[rule]), Status.CONFLICT)):
        assert applied(tmp_path, kind, Shop(Store(taken, exists=False)))[0] is status


def test_a_name_that_the_server_changes_is_asked_about(tmp_path: Path) -> None:
    def lowered(store: Store, method: str, path: str, body: Any) -> None:
        store.product = {"id": "p1", **body, "name": body["name"].lower()}

    name = {"name": {"type": "string", "x-form": "case-insensitive"}}
    properties = {**KIND["schema"]["properties"], **name}
    cure = {**KIND, "schema": {**KIND["schema"], "properties": properties}}
    manifest = {**MANIFEST, "metadata": {"name": "Tea"}}
    store = Store(lowered, exists=False)
    store("POST", "/products", {}, {"name": "Tea", "price": 5})
    assert blockers(tmp_path, KIND, store, manifest)[0].startswith("perhaps-the-same: ")
    assert action(tmp_path, cure, store, manifest) is Action.UNCHANGED


# --------------------------------------------------------------------------- all rows have a proof

PROOFS: list[dict[str, str]] = YAML(typ="safe").load(Path(__file__).with_name("symptoms.yaml").read_text())


def test_every_row_has_a_proof() -> None:
    text = README.read_text(encoding="utf-8")
    section = text[text.index("## 4. Symptoms") : text.index("## 5. ")]
    rows = [line[2:] for line in re.findall(r"^\|.*$", section, re.MULTILINE) if not re.match(r"\| Symptom|\|-", line)]
    assert len(rows) == len(PROOFS)
    for row, one in zip(rows, PROOFS, strict=True):
        ((begins, proof),) = one.items()
        assert (row if begins[0] != " " else f" {row}").startswith(begins), (row, begins)
        module, _, name = proof.partition("::")
        tree = ast.parse((TESTS / f"{module}.py").read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof
