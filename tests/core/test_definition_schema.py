"""The published schema of definitions: made from the grammar, right about what ships, of one mind with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_files import documents_of
from jsonschema import Draft202012Validator

from reconciler.core.kinds.catalog import load_catalog
from reconciler.core.kinds.definition_schema import KEYWORD_SCHEMAS, definition_schema
from reconciler.core.kinds.fields import KEYWORDS
from reconciler.render.json_text import WIDTH, json_text
from reconciler.render.new_kind import new_definition
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.commands import read_definitions

SCHEMA = definition_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

KIND = """
apiVersion: shop/v1
kind: Thing
schema: {type: object, properties: {name: {type: string}}}
identity: {key: [name]}
read: {list: {method: GET, path: /things}}
"""


def test_the_published_file_is_what_the_grammar_says() -> None:
    published = packaged_folder("schemas") / "definition.schema.json"
    hint = "write it anew: reconciler kinds schema --definitions --output schemas/definition.schema.json"
    assert published.read_text(encoding="utf-8") == json_text(SCHEMA) + "\n", hint


def test_it_is_a_good_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json_text(SCHEMA)) == SCHEMA


def test_the_definitions_that_ship_fit() -> None:
    documents, _ = read_definitions([packaged_folder("schemas")])
    found = [
        (str(d.source), error.json_path, error.message) for d in documents for error in VALIDATOR.iter_errors(d.data)
    ]
    assert found == []
    assert len(documents) >= 12


def test_a_new_definition_fits(tmp_path: Path) -> None:
    for document in documents_of(tmp_path, new=new_definition("shop", "Thing", with_system=True)):
        assert VALIDATOR.is_valid(document.data)


def parts() -> list[tuple[str, str, Any]]:
    models = SCHEMA["$defs"]
    return [(model, key, value) for model in models for key, value in models[model].get("properties", {}).items()]


def test_every_key_is_explained() -> None:
    silent = [f"{model}.{key}" for model, key, value in parts() if not value.get("description")]
    assert silent == []
    assert len(parts()) > 130
    assert [name for name, model in SCHEMA["$defs"].items() if not model.get("description")] == []


def test_every_keyword_of_ours_is_known() -> None:
    assert set(KEYWORD_SCHEMAS) == set(KEYWORDS)
    assert set(KEYWORDS) <= set(SCHEMA["$defs"]["FieldSchema"]["properties"])


MISTAKES = [
    pytest.param("kind: Thing", "kind: thing", id="kind"),
    pytest.param("kind: Thing", "kind: Thing\nxyz: 1", id="unknown-key"),
    pytest.param("identity:", "identitee:", id="misspelt-key"),
    pytest.param("method: GET", "method: get", id="method"),
    pytest.param("path: /things", "path: 3", id="type"),
    pytest.param("path: /things", "path: {$by: edition, a: /b, c: 3}", id="type-in-a-case"),
    pytest.param("path: /things", "path: /things, itemsAre: keys", id="choice"),
    pytest.param("path: /things", "path: /things, paging: {style: offset, size: 0}", id="range"),
    pytest.param("path: /things", "path: /things, items: data", id="pointer"),
    pytest.param("path: /things", "path: /things, paging: {size: 3}", id="missing-key"),
    pytest.param("name: {type: string}", "name: {type: string, x-nmae: n}", id="keyword"),
    pytest.param("name: {type: string}", "name: {type: string, x-form: hex}", id="form"),
    pytest.param("name: {type: string}", "name: {type: text}", id="type-of-a-field"),
    pytest.param("identity:", "evidence: {certain: [x]}\nidentity:", id="evidence"),
]


@pytest.mark.parametrize(("old", "new"), MISTAKES)
def test_editor_and_loader_refuse_the_same(tmp_path: Path, old: str, new: str) -> None:
    assert old in KIND
    system = "system: shop\nparameters: {properties: {edition: {enum: [a, c], default: c}}}"
    documents = documents_of(tmp_path, system=system, thing=KIND.replace(old, new))
    assert load_catalog(documents)[1] != []
    assert not VALIDATOR.is_valid(documents[1].data)


GOOD = [
    pytest.param("path: /things", "path: {$by: edition, a: /b, c: {$by: other, d: /e}}", id="cases-in-cases"),
    pytest.param("read: {list: {method: GET, path: /things}}", "read: {$by: edition, a: {}, c: null}", id="whole-part"),
    pytest.param("read: {list: {method: GET, path: /things}}", "read: {list: [{method: GET, path: /t}]}", id="list"),
    pytest.param("name: {type: string}", "name: {$by: edition, a: null, c: {type: string}}", id="field"),
    pytest.param("{type: string}", "{type: {$by: edition, a: string, c: [string, 'null']}}", id="type"),
    pytest.param("path: /things", "path: /things, object: '', skip: {at: /a, equals: null}", id="one-for-a-list"),
    pytest.param("path: /things", "path: /things, query: {a: {$by: edition, a: 1, c: [2]}}", id="query"),
]


@pytest.mark.parametrize(("old", "new"), GOOD)
def test_what_is_right_fits(tmp_path: Path, old: str, new: str) -> None:
    assert old in KIND
    (document,) = documents_of(tmp_path, thing=KIND.replace(old, new))
    assert [error.message for error in VALIDATOR.iter_errors(document.data)] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({}, "{}", id="empty"),
        pytest.param({"a": [1, None, "ä"]}, '{"a": [1, null, "ä"]}', id="short"),
        pytest.param(["x" * 70, "y" * 70], f'[\n  "{"x" * 70}",\n  "{"y" * 70}"\n]', id="long-list"),
        pytest.param(
            {"a": {"b": "x" * 120, "c": 1}}, f'{{\n  "a": {{\n    "b": "{"x" * 120}",\n    "c": 1\n  }}\n}}', id="deep"
        ),
    ],
)
def test_json_for_people(value: Any, text: str) -> None:
    assert json_text(value) == text
    assert json.loads(text) == value


def test_lines_of_json_are_short() -> None:
    too_long = [line for line in json_text(SCHEMA).splitlines() if len(line) > WIDTH and line.count('": ') != 1]
    assert too_long == []
