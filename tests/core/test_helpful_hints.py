"""Hints that work when they are followed."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_files import documents_of, good_catalog

from reconciler.core.manifests.expressions import Lookups
from reconciler.core.manifests.validation import validate
from reconciler.core.suggest import nearest_of

KIND = """
apiVersion: shop/v1
kind: Thing
schema:
  type: object
  additionalProperties: false
  properties:
    name: {type: string}
    timeout: {type: integer, x-unit: seconds}
    pause: {type: integer, x-unit: ms}
    days: {type: integer, x-unit: days}
    count: {type: integer, x-unit: pieces}
    plain: {type: integer}
    data: {type: object}
identity: {key: [name], name: name}
read: {list: {method: GET, path: /things}}
"""


def nowhere(name: str) -> str:
    raise AssertionError(name)


def hints(folder: Path, *, metadata: str = "{name: one}", more: str = "", spec: str = "{}") -> list[str]:
    manifest = f"apiVersion: shop/v1\nkind: Thing\nmetadata: {metadata}\n{more}\nspec: {spec}\n"
    lookups = Lookups(environment=nowhere, file=nowhere, variables={})
    _, found = validate(documents_of(folder, m=manifest), good_catalog(folder, thing=KIND), lookups)
    return [one.hint for one in found]


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        pytest.param("{timeout: 2m}", "write the number alone, in seconds: 120", id="minutes-in-seconds"),
        pytest.param("{timeout: 2 s}", "write the number alone, in seconds: 2", id="the-same-unit"),
        pytest.param("{pause: 3s}", "write the number alone, in ms: 3000", id="seconds-in-milliseconds"),
        pytest.param("{days: 48h}", "write the number alone, in days: 2", id="hours-in-days"),
        pytest.param("{days: 5h}", "write the number alone, in days", id="no-whole-number"),
        pytest.param("{count: 3kg}", "write the number alone, in pieces", id="another-unit"),
        pytest.param("{count: 3 pieces}", "write the number alone: 3", id="the-unit-itself"),
        pytest.param("{plain: 2m}", "write the number alone, in the unit of the field", id="no-unit-known"),
    ],
)
def test_a_number_with_a_unit(tmp_path: Path, spec: str, hint: str) -> None:
    assert hints(tmp_path, spec=spec) == [hint]


@pytest.mark.parametrize(
    ("metadata", "hint"),
    [
        pytest.param("{name: my thing}", "write 'my-thing', say; a field of spec may hold any text", id="blank"),
        pytest.param('{name: "${var:x}"}', "a name is fixed: expressions stand in spec only", id="expression"),
        pytest.param("{name: 7}", "a name that looks like a number needs quotes", id="number"),
        pytest.param('{name: ""}', "write a text such as 'main'", id="empty"),
    ],
)
def test_a_name_that_is_none(tmp_path: Path, metadata: str, hint: str) -> None:
    assert hints(tmp_path, metadata=metadata) == [hint]


def test_there_are_no_namespaces(tmp_path: Path) -> None:
    (hint,) = hints(tmp_path, metadata="{name: one, namespace: prod}")
    assert "there are no namespaces" in hint


def test_an_expression_in_a_key_is_refused(tmp_path: Path) -> None:
    hint = "write the key itself; `$${` is a literal `${`"
    assert hint in hints(tmp_path, spec='{data: {"${var:x}": 1}}')
    assert hints(tmp_path, spec='{data: {"$${x}": 1, plain: 2}}') == []


def test_of_many_kinds_the_nearest_are_named() -> None:
    many = [f"Kind{number}" for number in range(50)] + ["ProxyPool", "PoolMember"]
    assert nearest_of("Zzz", many, "kinds of s", "`kinds list`") == "`kinds list` lists all 52"
    named = nearest_of("PlMbr", many, "kinds of s", "`kinds list`")
    assert named.startswith("did you mean 'PoolMember'?") or "PoolMember" in named
    assert nearest_of("Zzz", ["B", "A"], "kinds of s", "x") == "kinds of s: A, B"
    assert nearest_of("ProxyPol", many, "kinds of s", "x") == "did you mean 'ProxyPool'?"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ('"${var:x}"', "expressions stand in spec only: write the value itself"),
        ('"true"', "write it without quotes"),
    ],
)
def test_what_protects_is_written_as_it_is(tmp_path: Path, value: str, hint: str) -> None:
    assert hints(tmp_path, more=f"lifecycle: {{protect: {value}}}") == [hint]
