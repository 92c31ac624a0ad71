"""What a kind's JSON Schema says about its fields, gathered into a tree."""

from __future__ import annotations

from typing import Any

import pytest
from core_builders import fields_of

from reconciler.core.kinds.fields import EMPTY, FieldInfo, read_fields, walk
from reconciler.core.pointer import MISSING


def one(schema: dict[str, Any], **more: Any) -> FieldInfo:
    return fields_of({"one": schema}, **more).properties["one"]


def test_an_unannotated_field_is_spelled_as_in_the_manifest_and_free_of_semantics() -> None:
    info = one({"type": "string"})
    assert (info.create_name, info.update_name, info.response_name) == ("one", "one", "one")
    assert info.absent is MISSING
    assert info.default is MISSING
    assert not any([info.read_only, info.write_only, info.immutable, info.sensitive, info.is_set, info.key])


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        pytest.param({"x-name": "n"}, ("n", "n", "n"), id="everywhere"),
        pytest.param({"x-request": "q"}, ("q", "q", "one"), id="in-requests"),
        pytest.param({"x-response": "r"}, ("one", "one", "r"), id="in-answers"),
        pytest.param({"x-request": {"create": "c", "update": "u"}}, ("c", "u", "one"), id="by-verb"),
        pytest.param({"x-request": {"create": "c"}}, ("c", "one", "one"), id="one-verb-only"),
        pytest.param({"x-name": "n", "x-request": {"update": "u"}}, ("n", "u", "n"), id="verb-over-name"),
        pytest.param({"x-name": "n", "x-response": "r"}, ("n", "n", "r"), id="answer-over-name"),
        pytest.param({"x-name": "/deep/n"}, ("/deep/n", "/deep/n", "/deep/n"), id="pointer"),
    ],
)
def test_spellings(schema: dict[str, Any], names: tuple[str, str, str]) -> None:
    info = one(schema)
    assert (info.create_name, info.update_name, info.response_name) == names


@pytest.mark.parametrize(
    ("keyword", "value", "attribute", "found"),
    [
        ("readOnly", True, "read_only", True),
        ("writeOnly", True, "write_only", True),
        ("default", None, "default", None),
        ("x-form", "trim", "forms", ("trim",)),
        ("x-form", ["trim", "lower"], "forms", ("trim", "lower")),
        ("x-list", "set", "is_set", True),
        ("x-list", "ordered", "is_set", False),
        ("x-key", ["a", "b"], "key", ("a", "b")),
        ("x-map", "keys", "ownership", "keys"),
        ("x-absent", 0, "absent", 0),
        ("x-means", {"up": "on"}, "means", {"up": "on"}),
        ("x-mask", r"\*+", "mask", r"\*+"),
        ("x-present", "hasIt", "presence", "hasIt"),
        ("x-immutable", True, "immutable", True),
        ("x-sensitive", True, "sensitive", True),
        ("x-createOnly", True, "create_only", True),
        ("x-updateOnly", True, "update_only", True),
        ("x-ref", "Other", "reference", "Other"),
        ("x-unit", "seconds", "unit", "seconds"),
        ("x-evidence", "inferred", "evidence", "inferred"),
        ("type", ["string", "null"], "types", frozenset({"string", "null"})),
    ],
)
def test_keywords(keyword: str, value: Any, attribute: str, found: Any) -> None:
    assert getattr(one({keyword: value}), attribute) == found


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"$ref": "#/$defs/secret"}, id="behind-a-reference"),
        pytest.param({"allOf": [{"type": "string"}, {"$ref": "#/$defs/secret"}]}, id="inside-allOf"),
        pytest.param({"anyOf": [{"type": "null"}, {"x-sensitive": True}]}, id="inside-anyOf"),
        pytest.param({"oneOf": [{"type": "null"}, {"x-sensitive": True}]}, id="inside-oneOf"),
        pytest.param({"if": {"type": "string"}, "then": {"x-sensitive": True}}, id="inside-then"),
        pytest.param({"if": {"type": "string"}, "else": {"x-sensitive": True}}, id="inside-else"),
        pytest.param({"$ref": "#/$defs/alias"}, id="behind-two-references"),
    ],
)
def test_annotations_are_found_wherever_they_may_stand(schema: dict[str, Any]) -> None:
    definitions = {"secret": {"type": "string", "x-sensitive": True}, "alias": {"$ref": "#/$defs/secret"}}
    assert one(schema, **{"$defs": definitions}).sensitive


def test_the_field_itself_has_the_first_word() -> None:
    info = one({"$ref": "#/$defs/a", "description": "mine"}, **{"$defs": {"a": {"description": "theirs"}}})
    assert info.description == "mine"


def test_a_field_that_only_a_branch_describes_is_known() -> None:
    info = read_fields({"type": "object", "oneOf": [{"properties": {"a": {"x-name": "b"}}}, {"properties": {"c": {}}}]})
    assert set(info.properties) == {"a", "c"}
    assert info.properties["a"].response_name == "b"


def test_what_several_subschemas_say_about_one_field_is_put_together() -> None:
    info = read_fields(
        {
            "properties": {"a": {"type": "object", "properties": {"x": {"x-sensitive": True}}}},
            "allOf": [{"properties": {"a": {"x-immutable": True, "properties": {"y": {}}}}}],
        }
    )
    assert info.properties["a"].immutable
    assert set(info.properties["a"].properties) == {"x", "y"}


def test_a_recursive_schema_ends() -> None:
    tree = {"type": "object", "properties": {"name": {"x-sensitive": True}, "next": {"$ref": "#/$defs/tree"}}}
    info = one({"$ref": "#/$defs/tree"}, **{"$defs": {"tree": tree}})
    assert info.hides(("next", "name"))
    assert sum(1 for _ in walk(info)) < 20


def test_a_reference_to_itself_ends() -> None:
    assert one({"$ref": "#/$defs/a"}, **{"$defs": {"a": {"$ref": "#/$defs/a", "type": "string"}}}).types == {"string"}


@pytest.mark.parametrize(
    ("schema", "whole"),
    [
        pytest.param({"type": "object", "additionalProperties": {"type": "string"}}, True, id="free-map"),
        pytest.param({"type": "object"}, True, id="object-without-properties"),
        pytest.param({"type": "object", "properties": {"a": {}}}, False, id="object-with-properties"),
        pytest.param({"type": "object", "x-map": "keys"}, False, id="free-map-by-keys"),
        pytest.param({"type": "object", "properties": {"a": {}}, "x-map": "whole"}, True, id="whole-object"),
        pytest.param({}, True, id="nothing-known"),
    ],
)
def test_who_owns_the_keys(schema: dict[str, Any], whole: bool) -> None:
    assert one(schema).is_whole is whole


NESTED = fields_of(
    {
        "plain": {"type": "string"},
        "secret": {"type": "object", "x-sensitive": True, "properties": {"inner": {"type": "string"}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"token": {"x-sensitive": True}}}},
        "map": {"type": "object", "additionalProperties": {"x-sensitive": True}},
        "pattern": {"type": "object", "patternProperties": {"^x-": {"x-sensitive": True}}},
    }
)


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        (("plain",), False),
        (("secret",), True),
        (("secret", "inner"), True),
        (("secret", "unknown"), True),
        (("list",), False),
        (("list", 0), False),
        (("list", 0, "token"), True),
        (("list", "by-key", "token"), True),
        (("map",), False),
        (("map", "any"), True),
        (("pattern", "x-a"), True),
        (("unknown", "deep"), False),
        ((), False),
    ],
    ids=str,
)
def test_what_must_never_be_shown(path: tuple[str | int, ...], hidden: bool) -> None:
    assert NESTED.hides(path) is hidden


def test_fields_are_found_by_path() -> None:
    assert NESTED.at(("list", 3, "token")).sensitive
    assert NESTED.at(("list", "by-key", "token")).sensitive
    assert NESTED.at(("map", "any")).sensitive
    assert NESTED.at(("plain", "deeper")) == EMPTY
    assert NESTED.at(()) is NESTED


def test_walk_names_items_and_values_with_a_star_parents_first() -> None:
    paths = [path for path, _ in walk(NESTED)]
    assert ("list", "*", "token") in paths
    assert ("map", "*") in paths
    assert paths.index(("list",)) < paths.index(("list", "*")) < paths.index(("list", "*", "token"))
