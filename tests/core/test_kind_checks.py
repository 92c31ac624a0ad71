"""What `kinds check` finds in definitions: contradictions, keys without effect, values that do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from core_files import documents_of, told

from reconciler.core.kinds.checks.cases import MOST_COMBINATIONS, combinations
from reconciler.core.kinds.checks.definitions import check_definitions
from reconciler.core.kinds.checks.schemas import TYPES_OF_FORMS
from reconciler.core.kinds.definition import SystemDefinition
from reconciler.core.kinds.fields import FORMS
from reconciler.core.model import Severity
from reconciler.render.new_kind import new_definition
from reconciler.shell.files.packaged import packaged_folder
from reconciler.workflow.commands import read_definitions

SYSTEM = """
system: shop
parameters:
  type: object
  properties:
    tenant: {type: string}
    edition: {type: string, enum: [flat, wrapped], default: flat}
    legacy: {type: boolean, default: false}
headers:
  X-Tenant: "{system.tenant}"
  X-Edition: "{system.edition} {system.legacy}"
answers:
  - {status: 404, class: notFound, message: /error}
"""

SORT = """
apiVersion: shop/v1
kind: Sort
schema:
  type: object
  additionalProperties: false
  required: [name]
  properties:
    name: {type: string}
    type: {type: string, readOnly: true}
identity: {key: [name]}
read:
  list: {method: GET, path: /sorts}
"""

THING = """
apiVersion: shop/v1
kind: Thing
schema:
  type: object
  additionalProperties: false
  required: [name]
  properties:
    name: {type: string}
    kind_of:
      type: string
      x-ref: Sort
      x-immutable: true
    size: {type: integer}
    url: {type: string}
    place: {type: object, additionalProperties: false, properties: {city: {type: string}}}
    tags: {type: array, x-list: set, items: {type: string}}
    token: {type: string, writeOnly: true, x-sensitive: true}
    mask: {type: string, x-mask: "[*]+", x-sensitive: true}
    enabled: {type: boolean, x-updateOnly: true}
    version: {type: integer, readOnly: true}
    id: {type: string, readOnly: true}
identity: {id: /id, key: [name], name: name}
read:
  gone: []
  settleSeconds: 1
  list:
    method: GET
    path: /things
    query: {limit: "{page.size}", offset: "{page.offset}"}
    paging: {style: offset, size: 100}
  get: {method: GET, path: "/things/{id}"}
guard: {}
write:
  create:
    method: POST
    path: /things
    required: [kind_of]
  update:
    method: PATCH
    path: "/things/{id}"
  delete:
    call: {method: DELETE, path: "/things/{id}"}
together: []
requires: []
answers: []
examples: []
"""


def found_in(folder: Path, system: str = SYSTEM, thing: str = THING) -> list[str]:
    """Return what is told about definitions: the severity before the place."""
    documents = documents_of(folder, system=system, sort=SORT, thing=thing)
    findings = check_definitions(documents, [])
    return [f"{f.severity.value}: {text.removesuffix(' | ')}" for f, text in zip(findings, told(findings), strict=True)]


def test_good_definitions_are_in_order(tmp_path: Path) -> None:
    assert found_in(tmp_path) == []


def test_a_body_may_hold_the_value_of_a_field_under_its_own_name(tmp_path: Path) -> None:
    thing = THING.replace("    required: [kind_of]", '    body: {size: "{spec.size}"}')
    assert thing != THING
    assert found_in(tmp_path, SYSTEM, thing) == []


def cases() -> Iterator[Any]:
    """Read the cases of `kind_findings.txt`, whose head explains them."""
    text = Path(__file__).with_name("kind_findings.txt").read_text(encoding="utf-8")
    for section in text.split("\n=== ")[1:]:
        about, *blocks = section.split("\n--- ")
        for block in blocks:
            name, *lines = block.rstrip().splitlines()
            old = "\n".join(line[2:] for line in lines if line[:2] == "- ")
            new = "\n".join(line[2:] for line in lines if line[:2] == "+ ")
            findings = [line for line in lines if line[:2] not in ("- ", "+ ")]
            yield pytest.param(about.strip(), old, new, findings, id=f"{about.strip()}-{name.replace(' ', '-')}")


@pytest.mark.parametrize(("about", "old", "new", "findings"), list(cases()))
def test_a_finding_stands_where_it_was_written(
    tmp_path: Path, about: str, old: str, new: str, findings: list[str]
) -> None:
    texts = {"system": SYSTEM, "thing": THING}
    assert texts[about].count(old) == 1
    texts[about] = texts[about].replace(old, new)
    assert found_in(tmp_path, texts["system"], texts["thing"]) == findings
    assert findings


def test_there_are_many_cases() -> None:
    assert len(list(cases())) > 80


# --------------------------------------------------------------------------- as a whole


def test_what_loading_refuses_is_told_as_well(tmp_path: Path) -> None:
    thing = THING.replace("key: [name]", "key: [nmae]").replace(
        "size: {type: integer", "size: {type: integer, x-list: set"
    )
    found, refused = found_in(tmp_path, thing=thing)
    assert found.startswith("error: thing.yaml:13:27: bad-definition: x-list is about a list, not an integer")
    assert refused.startswith("error: thing.yaml:22:27: bad-definition: identity.key names 'nmae', which is no field")


def test_a_finding_in_several_cases_is_told_once(tmp_path: Path) -> None:
    thing = THING.replace("path: /things\n    query", "path: {$by: edition, flat: /a, wrapped: /b}\n    query")
    (told_once,) = found_in(tmp_path, thing=thing.replace("name: name", "name: size"))
    assert "metadata.name is text" in told_once


def test_definitions_beside_are_known_and_not_checked(tmp_path: Path) -> None:
    bad_sort = SORT.replace("key: [name]", "key: [nme]")
    system, sort, thing = documents_of(tmp_path, system=SYSTEM, sort=bad_sort, thing=THING)
    assert check_definitions([thing], [system, sort]) == []
    alone = check_definitions([thing], [])
    assert [f.message for f in alone if "Sort" in f.message] == ["x-ref names 'Sort', which is no kind"]


def test_a_definition_takes_the_place_of_the_one_beside(tmp_path: Path) -> None:
    old, new = documents_of(tmp_path, old=SORT, new=SORT)
    assert check_definitions([new], [old]) == []
    assert [f.code for f in check_definitions([old, new], [])] == ["duplicate-definition"]


def test_kinds_of_a_system_with_mistakes_are_looked_at_as_far_as_they_go(tmp_path: Path) -> None:
    (finding,) = found_in(tmp_path, system=SYSTEM.replace("system: shop", "system: shop\ntitel: Shop"))
    assert "unknown key 'titel'" in finding


@pytest.mark.parametrize("text", ["- 1", "just text", "schema: {}", "system: [a]", "kind: 3\napiVersion: []"])
def test_what_is_no_definition_is_refused(tmp_path: Path, text: str) -> None:
    findings = check_definitions(documents_of(tmp_path, odd=text), [])
    assert findings
    assert {finding.severity for finding in findings} == {Severity.ERROR}


def system_with(**parameters: Any) -> SystemDefinition:
    return SystemDefinition(system="shop", parameters={"type": "object", "properties": parameters})


def test_every_combination_of_values_is_checked() -> None:
    system = system_with(a={"enum": [1, 2]}, b={"type": "boolean"}, c={"const": "x"}, d={"type": "string"})
    cases = [{"$by": "a"}, {"x": [{"$by": "b"}, {"$by": "c"}]}, {"$by": "d", "p": 1, "q": {"$by": "unknown"}}]
    found = combinations(cases, system)
    assert len(found) == 8
    assert {"a": 1, "b": True, "c": "x", "d": "q"} in found
    assert combinations([], system) == [{}]


def test_too_many_combinations_are_checked_value_by_value() -> None:
    many = {name: {"enum": list(range(10))} for name in "abc"}
    found = combinations([{"$by": name} for name in many], system_with(**many))
    assert len(found) == 30 < MOST_COMBINATIONS
    assert {"a": 0, "b": 9, "c": 0} in found


def test_every_form_is_about_some_types() -> None:
    assert set(TYPES_OF_FORMS) == set(FORMS)


@pytest.mark.parametrize("with_system", [True, False], ids=["with-system", "without"])
def test_a_new_definition_is_in_order(tmp_path: Path, with_system: bool) -> None:
    text = new_definition("shop", "PriceList", with_system=with_system)
    documents = documents_of(tmp_path, new=text)
    assert check_definitions(documents, []) == []
    assert len(documents) == (2 if with_system else 1)


def test_the_definitions_that_ship_are_in_order() -> None:
    documents, problems = read_definitions([packaged_folder("schemas")])
    assert told([*problems, *check_definitions(documents, [])]) == []
    assert len(documents) >= 12


def test_messages_have_neither_classes_nor_indexes_of_the_checker() -> None:
    text = Path(__file__).with_name("kind_findings.txt").read_text(encoding="utf-8")
    assert re.findall(r"Input should|Value error|function-|type=", text) == []
