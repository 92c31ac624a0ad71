"""Rules of schemas that are made of parts, and rules that are about writing only."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_files import documents_of, good_catalog

from reconciler.core.manifests.expressions import Lookups
from reconciler.core.manifests.validation import validate

KIND = """
apiVersion: shop/v1
kind: Thing
schema:
  type: object
  allOf:
    - {properties: {name: {type: string, not: {enum: [admin]}}, mode: {type: string, pattern: "^[a-z]+$"}}}
    - {properties: {size: {type: integer, minimum: 1}}, required: [size]}
    - if: {properties: {mode: {const: fast}}, required: [mode]}
      then: {properties: {speed: {type: integer}}}
  unevaluatedProperties: false
identity: {key: [name], name: name}
read: {list: {method: GET, path: /things}}
"""


def nowhere(name: str) -> str:
    raise AssertionError(name)


def codes(folder: Path, manifest: str) -> list[tuple[str, str]]:
    catalog = good_catalog(folder, thing=KIND)
    lookups = Lookups(environment=nowhere, file=nowhere, variables={})
    _, found = validate(documents_of(folder, m=manifest), catalog, lookups)
    return [(one.code, one.message) for one in found]


HEAD = "apiVersion: shop/v1\nkind: Thing\nmetadata: {name: NAME}\n"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("{size: 1, mode: slow}", [], id="good"),
        pytest.param("{size: 1, mode: fast, speed: 3}", [], id="good-by-a-condition"),
        pytest.param("{size: 1, moed: slow}", [("unknown-field", "unknown field 'moed'")], id="misspelt-alone"),
        pytest.param(
            "{size: 0, mode: slow, moed: x}",
            [
                ("unknown-field", "unknown field 'moed'"),
                ("invalid-value", "spec.size: 0 is too small: at least 1"),
            ],
            id="misspelt-beside-a-wrong-value",
        ),
        pytest.param(
            "{size: 1, mode: slow, speed: 3}",
            [("unknown-field", "the field 'speed' is not allowed together with the others")],
            id="known-and-not-together",
        ),
    ],
)
def test_a_valid_field_beside_a_misspelt_one_is_not_called_unknown(
    tmp_path: Path, spec: str, expected: list[tuple[str, str]]
) -> None:
    assert sorted(codes(tmp_path, f"{HEAD}spec: {spec}\n")) == sorted(expected)


def test_rules_about_writing_do_not_apply_to_a_lookup(tmp_path: Path) -> None:
    manifest = HEAD.replace("NAME", "admin") + "spec: {mode: A1}\n"
    assert {code for code, _ in codes(tmp_path, manifest)} == {"invalid-value", "missing-field"}
    assert codes(tmp_path, manifest + "lifecycle: {lookup: true}\n") == []
    wrong = manifest.replace("A1", "7") + "lifecycle: {lookup: true}\n"
    assert [code for code, _ in codes(tmp_path, wrong)] == ["invalid-value"], "of the wrong type all the same"
