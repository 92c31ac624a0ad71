"""The `${…}` of manifests: split, filled in, kept for later, and resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.core.address import Address
from reconciler.core.manifests.expressions import (
    ExpressionError,
    Filled,
    Lookups,
    fill,
    parse_reference,
    resolve,
    split,
)
from reconciler.core.model import Expression, Reference
from reconciler.core.pointer import MISSING
from reconciler.core.redaction import Redactor

ENVIRONMENT = {"TOKEN": "fake-token-not-real", "TRICK": "${env:OTHER} $${ ${ref:Shop/a}"}
FILES = {"note.txt": "two\nlines"}
VARIABLES: Mapping[str, Any] = {
    "region": "eu",
    "count": 7,
    "share": 0.5,
    "on": True,
    "off": False,
    "many": [1, {"a": 2}],
    "shape": {"a": 1},
    "nothing": None,
    "trick": "${env:TOKEN}",
    "leak": "prefix-fake-token-not-real",
}


def look_up(values: Mapping[str, str], what: str, name: str) -> str:
    if name not in values:
        raise ExpressionError(f"no {what} {name}", "set it")
    return values[name]


LOOKUPS = Lookups(
    environment=lambda name: look_up(ENVIRONMENT, "variable", name),
    file=lambda name: look_up(FILES, "file", name),
    variables=VARIABLES,
    holds_secret=Redactor(["fake-token-not-real"]).holds_secret,
)


def filled(value: Any) -> Filled:
    return fill(value, "shop", LOOKUPS)


def shop(name: str) -> Reference:
    return Reference(address=Address("shop", "Shop", name))


# --------------------------------------------------------------------------- split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", [""], id="empty"),
        pytest.param("plain $ {text}", ["plain $ {text}"], id="plain"),
        pytest.param("${env:A}", [("env", "A")], id="whole"),
        pytest.param("a ${var:b} c", ["a ", ("var", "b"), " c"], id="inside-text"),
        pytest.param("${var:a}${var:b}", [("var", "a"), ("var", "b")], id="two"),
        pytest.param("$${env:A}", ["${env:A}"], id="escaped"),
        pytest.param("$${${var:a}}", ["${", ("var", "a"), "}"], id="escape-before-expression"),
        pytest.param("$$${var:a}", ["$${var:a}"], id="dollar-before-escape"),
        pytest.param("$$$${", ["$$${"], id="dollars-before-escape"),
        pytest.param("${file:a b/c.txt}", [("file", "a b/c.txt")], id="path"),
        pytest.param("${ref:Shop/a#/b:c}", [("ref", "Shop/a#/b:c")], id="colon-in-argument"),
        pytest.param("{var:a} $var", ["{var:a} $var"], id="other-brackets"),
        pytest.param("é${var:a}", ["é", ("var", "a")], id="not-ascii"),
    ],
)
def test_a_text_is_split_into_its_parts(text: str, parts: list[Any]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("${", "a `${` without its `}`", "write `$${`"),
        ("a ${env:A", "a `${` without its `}`", "write `$${`"),
        ("${env:${var:a}}", "a `${` without its `}`", "write `$${`"),
        ("${}", "unknown expression `${}`", "use ${ref:Kind/name}"),
        ("${env}", "unknown expression `${env}`", "did you mean 'env'?"),
        ("${env:}", "unknown expression `${env:}`", "did you mean 'env'?"),
        ("${evn:A}", "unknown expression `${evn:A}`", "did you mean 'env'?"),
        ("${ENV:A}", "unknown expression `${ENV:A}`", "did you mean 'env'?"),
        ("${ env:A }", "unknown expression `${ env:A }`", "did you mean 'env'?"),
        ("${secret:A}", "unknown expression `${secret:A}`", "use ${ref:Kind/name}"),
    ],
)
def test_what_cannot_be_split_says_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        split(text)
    assert str(caught.value) == message
    assert caught.value.hint.startswith(hint)


# --------------------------------------------------------------------------- fill


@pytest.mark.parametrize(
    ("value", "result"),
    [
        pytest.param("${var:region}", "eu", id="text"),
        pytest.param("${var:count}", 7, id="whole-keeps-its-type"),
        pytest.param("${var:share}", 0.5, id="number"),
        pytest.param("${var:on}", True, id="boolean"),
        pytest.param("${var:many}", [1, {"a": 2}], id="list"),
        pytest.param("${var:shape}", {"a": 1}, id="mapping"),
        pytest.param("${var:nothing}", None, id="null"),
        pytest.param("n${var:count}", "n7", id="inside-text-it-is-text"),
        pytest.param("${var:count}${var:count}", "77", id="two-are-text"),
        pytest.param("${var:on}/${var:off}", "true/false", id="booleans-in-text"),
        pytest.param("${file:note.txt}", "two\nlines", id="file-as-it-is"),
        pytest.param({"a": ["${var:region}", {"b": "${var:count}"}]}, {"a": ["eu", {"b": 7}]}, id="at-any-depth"),
        pytest.param({"$${region}": 1, "a": 2}, {"${region}": 1, "a": 2}, id="keys-hold-literals-only"),
        pytest.param("$${var:region}", "${var:region}", id="escaped"),
        pytest.param("${var:trick}", "${env:TOKEN}", id="variable-is-not-searched-again"),
        pytest.param("${env:TRICK}", "${env:OTHER} $${ ${ref:Shop/a}", id="environment-is-not-searched-again"),
        pytest.param([1, None, True, 0.5], [1, None, True, 0.5], id="other-values"),
    ],
)
def test_values_are_filled_in(value: Any, result: Any) -> None:
    found = filled(value)
    assert found.value == result
    assert type(found.value) is type(result)
    assert (found.problems, found.expressions) == ([], [])


def test_what_comes_from_environment_and_files_is_secret_by_its_path() -> None:
    value = {"a": "${env:TOKEN}", "b": [1, "x${file:note.txt}"], "c": "${var:region}", "d": "$${env:TOKEN}"}
    assert filled(value).sensitive == {("a",), ("b", 1)}


def test_a_variable_that_holds_a_known_secret_is_secret_too() -> None:
    assert filled({"a": "${var:leak}", "b": "${var:region}"}).sensitive == {("a",)}


def test_references_stay_in_place_and_are_remembered() -> None:
    found = filled({"a": "${ref:Shop/x}", "b": ["at ${ref:store.Shop/y#/p/0} in ${var:region}"]})
    assert found.value == {"a": "${ref:Shop/x}", "b": ["at ${ref:store.Shop/y#/p/0} in ${var:region}"]}
    other = Reference(address=Address("store", "Shop", "y"), pointer=("p", "0"))
    assert found.expressions == [
        Expression(path=("a",), parts=(shop("x"),)),
        Expression(path=("b", 0), parts=("at ", other, " in ", "eu")),
    ]
    assert found.expressions[1].references == (other,)
    assert (found.problems, found.sensitive) == ([], set())


def test_a_secret_beside_a_reference_makes_the_whole_value_secret() -> None:
    found = filled({"a": "${ref:Shop/x}:${env:TOKEN}"})
    assert found.sensitive == {("a",)}
    assert found.expressions[0].parts == (shop("x"), ":", "fake-token-not-real")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("${env:NOPE}", "no variable NOPE", id="environment"),
        pytest.param("${file:nope}", "no file nope", id="file"),
        pytest.param("${var:nope}", "variable 'nope' is not set for this target", id="variable"),
        pytest.param("a ${var:many}", "a list, a mapping or null cannot stand inside text", id="list-in-text"),
        pytest.param("a ${var:shape}", "a list, a mapping or null cannot stand inside text", id="mapping-in-text"),
        pytest.param("a ${var:nothing}", "a list, a mapping or null cannot stand inside text", id="null-in-text"),
        pytest.param(
            "${ref:Shop/a}${var:many}", "a list, a mapping or null cannot stand inside text", id="list-at-reference"
        ),
        pytest.param("${ref:shop}", "cannot read the reference 'shop'", id="reference"),
        pytest.param("${env:A", "a `${` without its `}`", id="syntax"),
    ],
)
def test_problems_are_collected_with_their_paths_and_the_text_stays(text: str, message: str) -> None:
    found = filled({"good": "${var:region}", "bad": [text], "worse": text})
    assert found.value == {"good": "eu", "bad": [text], "worse": text}
    assert [(path, str(error)) for path, error in found.problems] == [(("bad", 0), message), (("worse",), message)]
    assert all(error.hint for _, error in found.problems)
    assert found.expressions == []


def test_filling_leaves_its_input_alone() -> None:
    value = {"a": ["${var:count}"]}
    filled(value)
    assert value == {"a": ["${var:count}"]}


# --------------------------------------------------------------------------- references


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        pytest.param("Shop/a", Reference(address=Address("shop", "Shop", "a")), id="own-system"),
        pytest.param("store.Shop/a", Reference(address=Address("store", "Shop", "a")), id="other-system"),
        pytest.param("my-shop2.Shop/a", Reference(address=Address("my-shop2", "Shop", "a")), id="dashes"),
        pytest.param("Shop/a.b-c_d", Reference(address=Address("shop", "Shop", "a.b-c_d")), id="name"),
        pytest.param(
            "Shop/a#/b/c~1d", Reference(address=Address("shop", "Shop", "a"), pointer=("b", "c/d")), id="pointer"
        ),
        pytest.param("Shop/a#/", Reference(address=Address("shop", "Shop", "a"), pointer=("",)), id="empty-step"),
        pytest.param("Depot/a", Reference(address=Address("elsewhere", "Depot", "a")), id="only-home-of-the-kind"),
    ],
)
def test_a_reference_is_read(text: str, reference: Reference) -> None:
    def home(system: str, kind: str) -> str:
        return "elsewhere" if kind == "Depot" else system

    assert parse_reference(text, "shop", home) == reference


def test_a_reference_shows_as_it_is_written() -> None:
    reference = Reference(address=Address("shop", "Shop", "a"), pointer=("b", "c/d"))
    assert str(reference) == "Shop/a#/b/c~1d"
    assert str(shop("a")) == "Shop/a"


@pytest.mark.parametrize(
    "text", ["Shop", "Shop/", "shop/a", "/a", "Shop/a/b", "Shop/a b", "Shop/a#", "Shop/a#b", "a.b.Shop/a", "Shop:a"]
)
def test_what_is_no_reference_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ExpressionError, match="cannot read the reference") as caught:
        parse_reference(text, "shop", lambda system, kind: system)
    assert caught.value.hint == "write ${ref:Kind/name} or ${ref:Kind/name#/field}"


# --------------------------------------------------------------------------- resolve


def resolved(value: Any, known: Mapping[str, Any]) -> tuple[Any, frozenset[tuple[str | int, ...]]]:
    """Resolve `value` where `known` holds the values of shops by name."""
    found = filled(value)
    return resolve(found.value, tuple(found.expressions), lambda r: known.get(r.address.name, MISSING))


@pytest.mark.parametrize(
    ("value", "result"),
    [
        pytest.param("${ref:Shop/a}", 5, id="whole-keeps-its-type"),
        pytest.param("n${ref:Shop/a}", "n5", id="inside-text"),
        pytest.param("${ref:Shop/b}", None, id="null"),
        pytest.param("${ref:Shop/c}", [1], id="list"),
        pytest.param({"x": ["${ref:Shop/a}", "-"]}, {"x": [5, "-"]}, id="deep"),
        pytest.param("${ref:Shop/d}-${ref:Shop/a}", "true-5", id="two"),
        pytest.param("${ref:Shop/e}", "${ref:Shop/a}", id="not-searched-again"),
    ],
)
def test_known_references_are_filled_in(value: Any, result: Any) -> None:
    known = {"a": 5, "b": None, "c": [1], "d": True, "e": "${ref:Shop/a}"}
    assert resolved(value, known) == (result, frozenset())


def test_unknown_references_keep_their_text_and_are_named() -> None:
    value = {"a": "${ref:Shop/a}", "b": ["${ref:Shop/b}"], "c": "${ref:Shop/a}${ref:Shop/b}"}
    assert resolved(value, {"a": 5}) == (
        {"a": 5, "b": ["${ref:Shop/b}"], "c": "${ref:Shop/a}${ref:Shop/b}"},
        frozenset({("b", 0), ("c",)}),
    )


def test_a_list_that_would_stand_inside_text_is_refused_with_its_path() -> None:
    with pytest.raises(ExpressionError, match=r"^/a/0: a list, a mapping or null cannot stand inside text$"):
        resolved({"a": ["at ${ref:Shop/a}"]}, {"a": [1]})


def test_without_references_the_spec_itself_comes_back() -> None:
    spec = {"a": [1]}
    assert resolve(spec, (), lambda reference: MISSING) == (spec, frozenset())
