"""Manifests: good ones become resources, and every mistake in bad ones is told at once, where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from core_files import documents_of, good_catalog, places, told

from reconciler.core.address import Address
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.manifests.expressions import ExpressionError, Lookups
from reconciler.core.manifests.validation import validate
from reconciler.core.model import Diagnostic, Lifecycle, Resource, Severity
from reconciler.core.redaction import Redactor
from reconciler.shell.files.disk import TextFileError, read_text_inside
from reconciler.shell.settings.expressions import not_allowed, not_set

SHOP = """
apiVersion: shop/v1
kind: Shop
schema:
  type: object
  additionalProperties: false
  required: [title]
  properties:
    id: {type: string, readOnly: true}
    title: {type: string}
    partner: {type: string}
    secret: {type: string, x-sensitive: true}
identity: {key: [title], name: title}
read: {list: {method: GET, path: /shops}}
"""

PRODUCT = r"""
apiVersion: shop/v1
kind: Product
schema:
  type: object
  additionalProperties: false
  required: [title, shop]
  dependentRequired: {price: [currency]}
  properties:
    title: {type: string, minLength: 2, maxLength: 12, description: Name on the shelf.}
    shop: {type: string, x-ref: Shop, description: The shop that sells it.}
    stock: {type: integer, minimum: 0, maximum: 100, x-unit: pieces, description: Pieces in store.}
    weight: {type: number, exclusiveMinimum: 0, exclusiveMaximum: 50, x-unit: kg}
    pack: {type: integer, multipleOf: 6}
    colour: {type: string, enum: [red, green, blue]}
    code: {type: string, pattern: '^[A-Z]{3}$', description: Three capital letters.}
    mail: {type: string, format: email}
    fixed: {const: 7}
    active: {type: boolean}
    note: {type: [string, "null"]}
    limit: {anyOf: [{type: integer}, {type: "null"}]}
    tags: {type: array, items: {type: string}, uniqueItems: true, minItems: 1, maxItems: 3}
    price: {type: number}
    currency: {type: string}
    forbidden: false
    sizes:
      type: array
      items:
        type: object
        additionalProperties: false
        required: [size]
        properties:
          size: {type: string}
          count: {type: integer}
          sold: {type: integer, readOnly: true}
    headers:
      type: object
      propertyNames: {pattern: '^[a-z-]+$'}
      minProperties: 1
      additionalProperties: {type: string, x-sensitive: true}
    shipping:
      oneOf:
        - {type: object, additionalProperties: false, required: [carrier], properties: {carrier: {type: string}}}
        - {type: object, additionalProperties: false, required: [pickup], properties: {pickup: {type: boolean}}}
    token: {type: string, minLength: 20, pattern: '^tok-', x-sensitive: true}
    pin: {enum: ["0000", "1111"], x-sensitive: true}
    login:
      type: object
      maxProperties: 1
      properties: {user: {type: string}, password: {type: string, x-sensitive: true}}
    id: {type: string, readOnly: true}
  allOf:
    - if: {properties: {active: {const: true}}, required: [active]}
      then: {required: [stock], x-message: an active product needs stock}
    - not: {required: [tags, sizes]}
      x-message: tags and sizes exclude each other
identity: {key: [shop, title]}
read: {list: {method: GET, path: "/shops/{spec.shop}/products"}}
"""

MAIN = """
apiVersion: shop/v1
kind: Shop
metadata: {name: main}
spec: {}
"""

MANIFEST = """
apiVersion: shop/v1
kind: Product
metadata:
  name: tea
  labels: {team: leaves}
lifecycle:
  ignore: [/stock]
spec:
  title: Tea
  shop: ${ref:Shop/main}
  stock: 5
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("schemas")
    other = SHOP.replace("shop/v1", "store/v1").replace("Shop", "Depot")
    return good_catalog(folder, shop=SHOP, product=PRODUCT, depot=other)


ENVIRONMENT = {"TOKEN": "fake-token-not-real", "HIDDEN": "fake-hidden-not-real"}


def lookups(root: Path) -> Lookups:
    """The lookups of a target that allows two names, one of them not set, and has a few variables."""

    def environment(name: str) -> str:
        allowed = frozenset({"TOKEN", "UNSET"})
        if name not in allowed:
            raise not_allowed(name, allowed, "test")
        problem = not_set(name, ENVIRONMENT)
        if problem is not None:
            raise problem
        return ENVIRONMENT[name]

    def file(name: str) -> str:
        try:
            return read_text_inside(root, name)
        except TextFileError as error:
            raise ExpressionError(error.message, error.hint) from None

    variables = {"region": "eu", "count": 7, "many": [1, 2], "leak": "x-fake-token-not-real-x"}
    redactor = Redactor([ENVIRONMENT["TOKEN"]])
    return Lookups(
        environment=environment,
        file=file,
        variables=variables,
        holds_secret=redactor.holds_secret,
        secret_in_name=redactor.secret_in_name,
    )


def validated(folder: Path, catalog: Catalog, **texts: str) -> tuple[list[Resource], list[Diagnostic]]:
    return validate(documents_of(folder, **texts), catalog, lookups(folder))


def good(folder: Path, catalog: Catalog, **texts: str) -> dict[str, Resource]:
    """Return resources that have no mistakes, by name."""
    resources, problems = validated(folder, catalog, **texts)
    assert problems == [], told(problems)
    return {resource.address.name: resource for resource in resources}


# --------------------------------------------------------------------------- good manifests


def test_a_manifest_becomes_a_resource(tmp_path: Path, catalog: Catalog) -> None:
    found = good(tmp_path, catalog, main=MAIN, tea=MANIFEST)["tea"]
    assert found.address == Address("shop", "Product", "tea")
    assert found.spec == {"title": "Tea", "shop": "${ref:Shop/main}", "stock": 5}
    assert found.labels == {"team": "leaves"}
    assert found.lifecycle == Lifecycle(ignore=(("stock",),))
    assert found.depends_on == {Address("shop", "Shop", "main")}
    assert str(found.source) == "tea.yaml:1:1"
    assert str(found.locate(("spec", "stock"))) == "tea.yaml:11:10"
    assert str(found.locate(("spec", "stock"), key=True)) == "tea.yaml:11:3"


def test_resources_come_by_address_whatever_the_order_of_documents(tmp_path: Path, catalog: Catalog) -> None:
    texts = {"a": MAIN.replace("main", "zoo"), "b": MANIFEST, "c": MAIN}
    resources, problems = validated(tmp_path, catalog, **texts)
    assert problems == []
    assert [str(resource.address) for resource in resources] == ["shop.Product/tea", "shop.Shop/main", "shop.Shop/zoo"]


def test_many_documents_of_one_file(tmp_path: Path, catalog: Catalog) -> None:
    found = good(tmp_path, catalog, all=f"{MAIN}---{MANIFEST}")
    assert str(found["tea"].source) == "all.yaml:6:1"


def test_the_name_fills_the_field_that_the_kind_says(tmp_path: Path, catalog: Catalog) -> None:
    other = MAIN.replace("main", "other").replace("{}", "{title: Other}")
    found = good(tmp_path, catalog, main=MAIN, other=other)
    assert found["main"].spec == {"title": "main"}
    assert found["other"].spec == {"title": "Other"}


def test_nothing_is_filled_with_defaults_and_an_empty_spec_is_empty(tmp_path: Path, catalog: Catalog) -> None:
    assert good(tmp_path, catalog, main=MAIN.replace("spec: {}", "spec:"))["main"].spec == {"title": "main"}


def test_null_is_kept_where_the_kind_allows_it(tmp_path: Path, catalog: Catalog) -> None:
    text = MANIFEST + "  note: null\n  limit: null\n"
    spec = good(tmp_path, catalog, main=MAIN, tea=text)["tea"].spec
    assert spec["note"] is None
    assert spec["limit"] is None


def test_values_from_outside_are_filled_in_and_remembered_as_secret(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "note.txt").write_text("from a file", encoding="utf-8")
    text = MANIFEST + "  note: ${file:note.txt}\n  code: ABC\n  mail: ${env:TOKEN}@x\n"
    text = text.replace("stock: 5", "stock: ${var:count}").replace("title: Tea", "title: ${var:region}-tea")
    found = good(tmp_path, catalog, main=MAIN, tea=text)["tea"]
    assert found.spec == {
        "title": "eu-tea",
        "shop": "${ref:Shop/main}",
        "stock": 7,
        "note": "from a file",
        "code": "ABC",
        "mail": "fake-token-not-real@x",
    }
    assert found.sensitive == {("note",), ("mail",)}
    assert "fake-token-not-real" not in str(found.source)


def test_what_stands_in_for_a_reference_is_not_judged(tmp_path: Path, catalog: Catalog) -> None:
    """Whether the code fits its pattern can only be told when the other object's field is known."""
    text = MANIFEST + "  code: ${ref:Shop/main#/id}\n  stock: ${ref:Shop/main#/partner}\n"
    text = text.replace("  stock: 5\n", "")
    assert good(tmp_path, catalog, main=MAIN, tea=text)["tea"].depends_on == {Address("shop", "Shop", "main")}


def test_an_object_that_is_only_looked_up_needs_its_key_alone(tmp_path: Path, catalog: Catalog) -> None:
    text = MANIFEST.replace("  ignore: [/stock]", "  lookup: true").replace("  stock: 5\n", "")
    found = good(tmp_path, catalog, main=MAIN, tea=text)["tea"]
    assert found.lifecycle.lookup
    _, problems = validated(tmp_path, catalog, main=MAIN, tea=text.replace("  title: Tea\n", ""))
    assert places(problems) == [("missing-field", 9, 3)]


@pytest.mark.parametrize("text", ["Depot/d", "store.Depot/d"], ids=["only-home", "with-system"])
def test_a_reference_reaches_another_system(tmp_path: Path, catalog: Catalog, text: str) -> None:
    depot = MAIN.replace("shop/v1", "store/v1").replace("Shop", "Depot").replace("main", "d")
    main = MAIN.replace("{}", "{partner: '${ref:" + text + "}'}")
    assert good(tmp_path, catalog, d=depot, main=main)["main"].depends_on == {Address("store", "Depot", "d")}


def test_nothing_is_nothing(catalog: Catalog, tmp_path: Path) -> None:
    assert validate([], catalog, lookups(tmp_path)) == ([], [])


# --------------------------------------------------------------------------- mistakes


def cases() -> Iterator[Any]:
    """Read the cases of `manifest_mistakes.txt`, whose head explains them."""
    text = Path(__file__).with_name("manifest_mistakes.txt").read_text(encoding="utf-8")
    for case in text.split("\n--- ")[1:]:
        name, *lines = case.rstrip().splitlines()
        old = "\n".join(line[2:] for line in lines if line.startswith("- "))
        new = "\n".join(line[2:] for line in lines if line.startswith("+ "))
        found = [line for line in lines if line[:2] not in ("- ", "+ ")]
        yield pytest.param(old, new, found, id=name.replace(" ", "-"))


@pytest.mark.parametrize(("old", "new", "found"), list(cases()))
def test_a_mistake_is_told_where_it_stands(
    tmp_path: Path, catalog: Catalog, old: str, new: str, found: list[str]
) -> None:
    assert MANIFEST.count(old) == 1
    resources, problems = validated(tmp_path, catalog, main=MAIN, tea=MANIFEST.replace(old, new))
    assert told(problems) == [f"tea.yaml:{line}" for line in found]
    assert all(problem.severity is Severity.ERROR for problem in problems)
    assert all(problem.hint and "\n" not in problem.message + problem.hint for problem in problems)
    assert "main" in [resource.address.name for resource in resources]


def test_there_are_many_cases() -> None:
    assert len(list(cases())) > 60


@pytest.mark.parametrize(
    ("text", "place"),
    [("- 1\n- 2", "1:1"), ("just text", "1:1"), ("# about nothing\n\n42", "3:1"), ("null", "1:1")],
    ids=["list", "text", "number", "null"],
)
def test_a_document_that_is_no_mapping_is_refused(tmp_path: Path, catalog: Catalog, text: str, place: str) -> None:
    _, problems = validated(tmp_path, catalog, main=text)
    hint = "start it with apiVersion, kind, metadata and spec"
    assert told(problems) == [f"main.yaml:{place}: not-a-manifest: a manifest is a mapping | {hint}"]


def test_an_address_may_be_declared_once(tmp_path: Path, catalog: Catalog) -> None:
    texts = {"a": f"{MAIN}---{MAIN}", "b": MAIN.replace("spec: {}", "spec: {titel: x}")}
    resources, problems = validated(tmp_path, catalog, **texts)
    assert [(str(p.source), p.code, p.message) for p in problems] == [
        ("a.yaml:8:18", "duplicate-address", "shop.Shop/main is declared twice; first at a.yaml:1:1"),
        ("b.yaml:3:18", "duplicate-address", "shop.Shop/main is declared twice; first at a.yaml:1:1"),
        ("b.yaml:4:8", "unknown-field", "unknown field 'titel'"),
    ]
    assert all(problem.hint for problem in problems)
    assert [str(resource.source) for resource in resources] == ["a.yaml:1:1"]


def test_the_first_of_two_is_named_even_when_it_has_mistakes_itself(tmp_path: Path, catalog: Catalog) -> None:
    _, problems = validated(tmp_path, catalog, a=MAIN.replace("{}", "{titel: x}"), b=MAIN)
    assert [problem.message for problem in problems if problem.code == "duplicate-address"] == [
        "shop.Shop/main is declared twice; first at a.yaml:1:1"
    ]


def test_the_same_name_may_stand_for_different_kinds(tmp_path: Path, catalog: Catalog) -> None:
    depot = MAIN.replace("shop/v1", "store/v1").replace("Shop", "Depot")
    _, problems = validated(tmp_path, catalog, a=MAIN, b=depot)
    assert problems == []


def partners(**edges: str) -> dict[str, str]:
    """Return manifests of shops, each with the other shop that it names as its partner."""
    return {
        name: MAIN.replace("main", name).replace("{}", "{partner: '${ref:Shop/" + other + "}'}")
        for name, other in edges.items()
    }


def test_a_circle_of_references_is_told_once_from_its_first_address(tmp_path: Path, catalog: Catalog) -> None:
    _, problems = validated(tmp_path, catalog, **partners(x="a", c="b", a="c", b="a"))
    circle = "shop.Shop/a → shop.Shop/c → shop.Shop/b → shop.Shop/a"
    assert told(problems) == [
        f"a.yaml:1:1: reference-cycle: references run in a circle: {circle} | remove one of the references"
    ]


def test_every_circle_is_told(tmp_path: Path, catalog: Catalog) -> None:
    _, problems = validated(tmp_path, catalog, **partners(a="b", b="a", c="c", d="e", e="d"))
    assert [problem.message.removeprefix("references run in a circle: ") for problem in problems] == [
        "shop.Shop/a → shop.Shop/b → shop.Shop/a",
        "shop.Shop/c → shop.Shop/c",
        "shop.Shop/d → shop.Shop/e → shop.Shop/d",
    ]


def test_all_mistakes_of_all_documents_come_at_once_in_order_of_place(tmp_path: Path, catalog: Catalog) -> None:
    first = MANIFEST.replace("stock: 5", "stok: 5").replace("Shop/main", "Shop/mian").replace("[/stock]", "stock")
    second = MANIFEST.replace("tea", "milk").replace("Product", "Prodct").replace("stock: 5", "stok: 5")
    third = MANIFEST.replace("tea", "rice").replace("leaves", "3").replace("title: Tea", "title: ${var:nope}")
    texts = {"z": f"{first}---{second}", "m": MAIN.replace("{}", "[]"), "a": third}
    resources, problems = validated(tmp_path, catalog, **texts)
    assert [f"{problem.source}: {problem.code}" for problem in problems] == [
        "a.yaml:5:19: invalid-value",
        "a.yaml:9:10: bad-expression",
        "m.yaml:4:7: invalid-value",
        "z.yaml:7:11: invalid-value",
        "z.yaml:10:9: missing-reference",
        "z.yaml:11:3: unknown-field",
        "z.yaml:14:7: unknown-kind",
    ]
    assert resources == []


def test_what_refers_to_a_resource_with_mistakes_is_not_blamed(tmp_path: Path, catalog: Catalog) -> None:
    resources, problems = validated(tmp_path, catalog, main=MAIN.replace("{}", "{titel: x}"), tea=MANIFEST)
    assert [str(problem.source) for problem in problems] == ["main.yaml:4:8"]
    assert [resource.address.name for resource in resources] == ["tea"]


SECRETS = [
    "token: fake-secret-not-real",
    "token: [fake-secret-not-real]",
    "token: {fake-secret-not-real: fake-secret-not-real}",
    "pin: fake-secret-not-real",
    "pin: [fake-secret-not-real]",
    "login: {user: a, password: fake-secret-not-real}",
    "login: [{password: fake-secret-not-real}]",
    "headers: {authorization: [fake-secret-not-real]}",
    "headers: [fake-secret-not-real]",
    "colour: ${env:TOKEN}",
    "stock: ${env:TOKEN}",
    "tags: ['${env:TOKEN}', '${env:TOKEN}']",
    "tags: ['${env:TOKEN}', b, c, d]",
    "sizes: ['${env:TOKEN}']",
    "sizes: [{size: S, count: '${env:TOKEN}'}]",
    "shipping: '${env:TOKEN}'",
    "shipping: {carrier: ['${env:TOKEN}']}",
    "code: x${var:leak}x",
    "colour: ${file:secret.txt}",
    "weight: ${file:secret.txt}",
]


@pytest.mark.parametrize("line", SECRETS)
def test_no_secret_stands_in_any_message(tmp_path: Path, catalog: Catalog, line: str) -> None:
    (tmp_path / "secret.txt").write_text("fake-secret-not-real", encoding="utf-8")
    text = MANIFEST.replace("  stock: 5\n", "").replace("  ignore: [/stock]\n", "  protect: false\n")
    _, problems = validated(tmp_path, catalog, main=MAIN, tea=text + f"  {line}\n  active: true\n  price: 3\n")
    assert problems != []
    said = "\n".join(told(problems)).replace("unknown field 'fake-secret-not-real'", "")
    assert "fake-secret" not in said
    assert "fake-token" not in said
