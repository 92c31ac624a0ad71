"""The schema of manifests for editors: complete about fields, silent about what a `${…}` leaves open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_files import good_catalog
from jsonschema import Draft202012Validator

from reconciler.core.manifests.manifest_schema import manifests_schema
from reconciler.core.model import JsonObject
from reconciler.render.json_text import json_text
from reconciler.shell.files.disk import find_manifests, read_documents
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.commands import load_kinds

THING = """
apiVersion: shop/v1
kind: Thing
description: A thing that is sold.
schema:
  type: object
  additionalProperties: false
  required: [name, place]
  properties:
    name: {type: string}
    place: {type: string, x-ref: Place, description: Where it stands.}
    size: {type: integer, minimum: 1, x-unit: cm, description: How long it is.}
    mode:
      type: string
      enum: [plain, secret]
    token: {type: string, x-sensitive: true, description: Token.}
    tags: {type: array, items: {type: string, enum: [a, b]}}
    limits: {type: object, additionalProperties: {type: integer}}
    either: {oneOf: [{type: integer}, {type: string, pattern: "^x"}]}
    part: {$ref: "#/$defs/part"}
    url: {type: string, not: {pattern: "^http:"}, x-message: the url is no http:// url}
    id: {type: string, readOnly: true}
  allOf:
    - if: {properties: {mode: {const: secret}}, required: [mode]}
      then: {required: [token], x-message: mode secret needs a token}
      else: {not: {required: [token]}}
    - if: {properties: {part: {$ref: "#/$defs/large"}}, required: [part]}
      then: {required: [size]}
    - not: {properties: {size: {maximum: 9}, limits: {not: {properties: {top: {const: 1}}}}}, required: [size, limits]}
  $defs:
    part: {type: object, additionalProperties: false, required: [n], properties: {n: {type: integer}}}
    large: {properties: {n: {minimum: 100}}, required: [n]}
identity: {key: [name], name: name}
read: {list: {method: GET, path: /things}}
examples:
  - {name: a, place: b}
"""
PLACE = """
apiVersion: shop/v1
kind: Place
schema: {type: object, properties: {name: {type: string}, note: {type: string}}, required: [name, note]}
identity: {key: [name]}
read: {list: {method: GET, path: /places}}
"""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> JsonObject:
    return manifests_schema(good_catalog(tmp_path_factory.mktemp("kinds"), thing=THING, place=PLACE).ordered())


@pytest.fixture(scope="module")
def published() -> Draft202012Validator:
    return Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))


def manifest(spec: Any, kind: str = "Thing", **more: Any) -> JsonObject:
    return {"apiVersion": "shop/v1", "kind": kind, "metadata": {"name": "first"}, "spec": spec, **more}


def thing(**fields: Any) -> JsonObject:
    return manifest({"place": "here", **fields})


def test_it_is_a_good_schema(schema: JsonObject) -> None:
    Draft202012Validator.check_schema(schema)


RIGHT = [
    pytest.param(thing(), id="name-is-filled-in"),
    pytest.param(thing(name="other", size=3, tags=["a"], limits={"top": 1}), id="values"),
    pytest.param(thing(size="${var:size}", tags=["${var:tag}"], limits={"x": "${var:x}"}), id="scalars"),
    pytest.param(thing(tags="${var:tags}", limits="${var:limits}", part="${var:part}"), id="whole-values"),
    pytest.param(thing(mode="${var:mode}", token="${env:TOKEN}"), id="open-condition-needs-neither"),
    pytest.param(thing(mode="${var:mode}"), id="open-condition-with-neither"),
    pytest.param(thing(mode="secret", token="${env:TOKEN}"), id="condition-with-a-secret"),
    pytest.param(thing(part={"n": "${var:n}"}), id="open-condition-behind-a-reference"),
    pytest.param(thing(url="${var:url}"), id="not-of-an-open-value"),
    pytest.param(thing(either="${var:either}"), id="one-of"),
    pytest.param(thing(size=5, limits={"top": "${var:top}"}), id="not-within-not"),
    pytest.param(thing(name="it costs $${var}"), id="literal-in-text"),
    pytest.param(manifest({"name": "a", "note": "b"}, "Place"), id="other-kind"),
    pytest.param(manifest({"name": "a"}, "Place", lifecycle={"lookup": True}), id="lookup-states-the-key-only"),
    pytest.param({**thing(), "lifecycle": {"protect": True, "ignore": ["/size"]}}, id="lifecycle"),
    pytest.param({**thing(), "lifecycle": None, "metadata": {"name": "a.b-c", "labels": {"x": "y"}}}, id="labels"),
]


@pytest.mark.parametrize("document", RIGHT)
def test_what_is_right_or_open_fits(schema: JsonObject, document: JsonObject) -> None:
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []


WRONG = [
    pytest.param(thing(size="3"), "$.spec.size", id="type"),
    pytest.param(thing(size=0), "$.spec.size", id="range"),
    pytest.param(thing(size="$${var:size}"), "$.spec.size", id="literal-instead-of-a-number"),
    pytest.param(thing(size="${vra:size}"), "$.spec.size", id="misspelt-expression"),
    pytest.param(thing(mode="open"), "$.spec.mode", id="enum"),
    pytest.param(thing(sise=3), "$.spec", id="unknown-field"),
    pytest.param(thing(id="7"), "$.spec", id="computed-field"),
    pytest.param(thing(tags=["c"]), "$.spec.tags[0]", id="item"),
    pytest.param(thing(part={"m": 1}), "$.spec.part", id="behind-a-reference"),
    pytest.param(thing(mode="secret"), "$.spec", id="condition"),
    pytest.param(thing(mode="plain", token="t"), "$.spec", id="else"),
    pytest.param(thing(part={"n": 200}), "$.spec", id="condition-behind-a-reference"),
    pytest.param(thing(size=5, limits={"top": 2}), "$.spec", id="not-within-not"),
    pytest.param(thing(url="http://x"), "$.spec.url", id="not"),
    pytest.param(manifest({}), "$.spec", id="missing-field"),
    pytest.param(manifest({"note": "b"}, "Place"), "$.spec", id="missing-name"),
    pytest.param(manifest({}, "Place", lifecycle={"lookup": True}), "$.spec", id="lookup-without-key"),
    pytest.param(manifest({}, "Plaec"), "$.kind", id="kind"),
    pytest.param({**thing(), "apiVersion": "shop/v2"}, "$.apiVersion", id="version"),
    pytest.param({**thing(), "specs": {}}, "$", id="top-level"),
    pytest.param({**thing(), "metadata": {}}, "$.metadata", id="metadata"),
    pytest.param({**thing(), "metadata": {"name": "-a"}}, "$.metadata.name", id="name"),
    pytest.param({**thing(), "lifecycle": {"ignore": ["size"]}}, "$.lifecycle.ignore[0]", id="ignore"),
]


@pytest.mark.parametrize(("document", "place"), WRONG)
def test_what_is_wrong_is_told(schema: JsonObject, document: JsonObject, place: str) -> None:
    found = [error.json_path for error in Draft202012Validator(schema).iter_errors(document)]
    assert found
    assert any(path.startswith(place) for path in found), found


def test_people_are_told_what_our_keywords_say(schema: JsonObject) -> None:
    fields = schema["$defs"]["shop.Thing.spec"]["properties"]
    assert fields["size"]["description"] == "How long it is. Unit: cm."
    assert fields["token"]["description"] == "Token. Secret: write ${env:NAME} or ${file:path}, never the value itself."
    assert fields["place"]["description"] == "Where it stands. Best as a reference: ${ref:Place/name}."
    assert fields["url"]["else"]["errorMessage"] == "the url is no http:// url"
    assert fields["id"] is False
    assert schema["$defs"]["shop.Thing.spec"]["examples"] == [{"name": "a", "place": "b"}]
    assert schema["$defs"]["shop.Thing"]["description"] == "A thing that is sold."


def test_our_keywords_are_gone(schema: JsonObject) -> None:
    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*(keys(inner) for inner in value.values()))
        return set().union(*(keys(inner) for inner in value)) if isinstance(value, list) else set()

    assert [key for key in keys(schema) if key.startswith("x-")] == []


# --------------------------------------------------------------------------- what ships

PUBLISHED = packaged_folder("schemas") / "manifests.schema.json"
EXAMPLES = [Path(found.path) for found in find_manifests([packaged_folder("manifests")], Path())[0]]


def test_the_published_schema_is_of_the_kinds_that_ship() -> None:
    made = json_text(manifests_schema(load_kinds([])[0].ordered())) + "\n"
    hint = "kinds have changed; write it anew: reconciler kinds schema --output schemas/manifests.schema.json"
    assert PUBLISHED.read_text(encoding="utf-8") == made, hint


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_says_where_its_schema_is_and_fits_it(published: Draft202012Validator, path: Path) -> None:
    prefix, equals, place = path.read_text(encoding="utf-8").splitlines()[0].partition("=")
    assert (prefix, equals) == ("# yaml-language-server: $schema", "=")
    assert (path.parent / place).resolve() == PUBLISHED.resolve()
    documents, problems = read_documents(path, path.name)
    assert problems == []
    assert documents
    assert [(str(d.source), e.json_path, e.message) for d in documents for e in published.iter_errors(d.data)] == []
