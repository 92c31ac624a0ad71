"""The fast judge of values and the reference judge alike, so that the mistakes are the same with and without it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.schema import schema_gate
from reconciler.core.schema.patterns import compile_pattern, has_one_meaning
from reconciler.core.schema.schema_errors import mistakes
from reconciler.core.schema.schema_gate import CompiledSchema
from reconciler.workflow.commands import load_kinds

pytest.importorskip("jsonschema_rs", reason="it is installed only where it has wheels")

CATALOG, _ = load_kinds([])


def judged(schema: Any, value: Any) -> tuple[bool, bool]:
    """What the gate and the reference say."""
    compiled = CompiledSchema(schema)
    return compiled.passes(value), compiled._reference.is_valid(value)


def test_every_kind_that_ships_has_a_gate() -> None:
    without = [kind.full_name for kind in CATALOG.ordered() if CompiledSchema(kind.definition.schema_)._gate is None]
    assert without == []


def spoilt(value: Any) -> list[Any]:
    """Copies of `value`, each with one value in it replaced by something else."""
    found: list[Any] = [
        v for v in (None, True, 1, 1.5, -1, "", "x", "a\n", "١", [], {}, ["x", "x"], {"x": 1}) if v != value
    ]
    if isinstance(value, dict):
        for name, item in value.items():
            found += [{**value, name: other} for other in spoilt(item)]
            found.append({other: v for other, v in value.items() if other != name})
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += [[*value[:index], other, *value[index + 1 :]] for other in spoilt(item)]
    return found


@pytest.mark.parametrize("kind", CATALOG.ordered(), ids=lambda kind: kind.full_name)
def test_examples_and_their_spoilt_copies_are_judged_alike(kind: Any) -> None:
    compiled = CompiledSchema(kind.definition.schema_)
    for example in kind.definition.examples:
        for value in [example, *spoilt(copy.deepcopy(example))[:400]]:
            assert compiled.passes(value) == compiled._reference.is_valid(value), value


NUMBERS = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.0, 1.0, 1.5, -0.5, 1e300, 2**53, 2**53 + 1, 10**30]), st.booleans()
)
TEXTS = st.sampled_from(
    [
        "",
        "a",
        "ab",
        "aa",
        "a\n",
        "\n",
        "1",
        "١",
        "é",
        "😀",
        "_",
        " ",
        "\xa0",
        "\ufeff",
        "\u2028",
        "\r",
        "a b",
        "a.b",
        "2020-01-01",
        "127.0.0.1",
        "x@y",
    ]
)
SCALARS = st.one_of(st.none(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
PATTERNS = st.sampled_from(
    [
        *(
            "^a",
            "a$",
            "^a$",
            r"^\d+$",
            r"\S",
            r"^\s*$",
            r"^\w+$",
            "^.$",
            "^[^a]*$",
            r"^[\d.]+$",
            r"a|b$",
            r"^(a|b){1,2}$",
        ),
        *(r"^a(?!\n)", r"\D", r"^\W$", r"^[\s\w]$", r"\$", r"[$.]", r"^(?:x|)$", r"\.", "é", "^[a-z_]*$", r"^\u0061$"),
    ]
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries({"properties": st.dictionaries(TEXTS, inner, max_size=2)}),
        st.fixed_dictionaries({"patternProperties": st.dictionaries(PATTERNS, inner, max_size=2)}),
        st.fixed_dictionaries({"additionalProperties": inner, "properties": st.just({"a": {}})}),
        st.fixed_dictionaries({"items": inner}),
        st.fixed_dictionaries({"propertyNames": inner}),
        st.fixed_dictionaries({"contains": inner}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
        *(
            st.fixed_dictionaries({word: st.lists(inner, min_size=1, max_size=2)})
            for word in ("anyOf", "oneOf", "allOf")
        ),
    )


LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({"type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(VALUES, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": VALUES}),
    st.fixed_dictionaries({"pattern": PATTERNS}),
    st.fixed_dictionaries(
        {"format": st.sampled_from(["date", "ipv4", "email", "uuid", "uri", "date-time", "unheard-of"])}
    ),
    *(
        st.fixed_dictionaries({word: st.integers(0, 3)})
        for word in ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
    ),
    *(
        st.fixed_dictionaries({word: st.integers(-2, 3) | st.sampled_from([0.5, 2**53])})
        for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    ),
    st.fixed_dictionaries({"multipleOf": st.sampled_from([1, 2, 3, 0.1, 0.5])}),
    st.just({"uniqueItems": True}),
    st.fixed_dictionaries({"required": st.lists(TEXTS, max_size=2, unique=True)}),
    st.just({"dependentRequired": {"a": ["b"]}}),
)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.recursive(LEAVES, schemas, max_leaves=4), VALUES)
def test_made_up_schemas_never_let_a_mistake_pass(schema: Any, value: Any) -> None:
    if isinstance(schema, bool):
        schema = {"not": {}} if not schema else {}
    passes, valid = judged(schema, value)
    assert not passes or valid


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        pytest.param("^a$", "a\n", False, id="the-end-is-the-end"),
        pytest.param(r"^\d$", "١", False, id="digits-are-ascii"),
        pytest.param(r"^\w$", "é", False, id="word-characters-are-ascii"),
        pytest.param(r"^\s$", "\ufeff", True, id="a-byte-order-mark-is-space"),
        pytest.param(r"^[\s]$", "\x85", False, id="next-line-is-none"),
        pytest.param("^.$", "\u2028", False, id="a-line-separator-is-no-character"),
        pytest.param(r"^\$[$.]$", "$.", True, id="escaped-and-in-a-class"),
    ],
)
def test_patterns_are_those_of_ecma_262(pattern: str, text: str, fits: bool) -> None:
    assert bool(compile_pattern(pattern).search(text)) == fits
    assert judged({"pattern": pattern}, text) == (fits, fits)


@pytest.mark.parametrize("pattern", [r"\bx", r"(a)\1", r"(?P<n>a)", r"[\D]", r"\p{L}", "[]x]", "[a[b]"])
def test_patterns_that_readers_take_differently_go_to_the_reference(pattern: str) -> None:
    assert not has_one_meaning(pattern)
    assert CompiledSchema({"pattern": pattern})._gate is None


def test_without_the_compiled_judge_the_mistakes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"properties": {"a": {"type": "integer", "maximum": 3}}, "additionalProperties": False}
    values = [{"a": 1}, {"a": 9}, {"a": "1", "b": 2}, {}]

    def found() -> list[Any]:
        compiled = CompiledSchema(schema)
        return [mistakes(compiled, value, hidden=lambda path: False, unknown=frozenset()) for value in values]

    with_gate = found()
    monkeypatch.setattr(schema_gate, "fast_judge", lambda: None)
    assert found() == with_gate
    assert [len(one) for one in with_gate] == [0, 1, 2, 0]
