"""Definitions: read, bound to parameters, and every mistake in them refused where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from core_files import documents_of, good_catalog, told

from reconciler.core.kinds.cases import CaseError, choose_cases, written_path
from reconciler.core.kinds.catalog import (
    Kind,
    bind_parameters,
    check_parameters,
    default_parameters,
    load_catalog,
    send_mode,
)
from reconciler.core.kinds.definition import SystemDefinition
from reconciler.core.pointer import MISSING

SYSTEM = """
system: shop
title: Shop
parameters:
  type: object
  required: [tenant]
  properties:
    tenant: {type: string, description: Number of the tenant.}
    edition: {type: string, enum: [flat, wrapped], default: flat, description: Edition of the server.}
    legacy: {type: boolean, default: false}
headers:
  X-Tenant: "{system.tenant}"
answers:
  - {status: 404, class: notFound, message: /error}
"""

THING = """
apiVersion: shop/v1
kind: Thing
schema:
  type: object
  properties:
    name: {type: string}
    size: {type: integer}
identity: {key: [name], name: name}
read:
  list:
    method: GET
    path: /things
write:
  create: {method: POST, path: /things}
  update: {method: PATCH, path: "/things/{id}"}
"""


def thing_in(folder: Path, text: str = THING, parameters: dict[str, Any] | None = None) -> Kind:
    catalog = good_catalog(folder, {"shop": parameters or {}}, system=SYSTEM, thing=text)
    found = catalog.find("shop", "Thing")
    assert found is not None
    return found


# --------------------------------------------------------------------------- good definitions


def test_a_kind_is_found_by_system_and_name(tmp_path: Path) -> None:
    kind = thing_in(tmp_path)
    assert (kind.name, kind.full_name, kind.key, kind.scope) == ("Thing", "shop.Thing", ("name",), ())
    assert kind.definition.api_version == "shop/v1"
    assert (kind.definition.system, kind.definition.version) == ("shop", "v1")
    assert str(kind.source) == "thing.yaml:1:1"
    assert kind.unreadable == ""
    assert kind.can_update


def test_kinds_are_listed_by_name_whatever_the_order_of_files(tmp_path: Path) -> None:
    other = THING.replace("Thing", "Gadget")
    catalog = good_catalog(tmp_path, a=THING, b=other, c=SYSTEM)
    assert [kind.full_name for kind in catalog.ordered()] == ["shop.Gadget", "shop.Thing"]
    assert catalog.find("shop", "Widget") is None
    assert catalog.find("store", "Thing") is None


def test_a_system_needs_no_definition(tmp_path: Path) -> None:
    catalog = good_catalog(tmp_path, thing=THING)
    assert catalog.systems == {}
    assert catalog.kinds["shop", "Thing"].system.system == "shop"


@pytest.mark.parametrize(
    ("old", "new", "scope"),
    [
        pytest.param("path: /things\nwrite", 'path: "/tenants/{spec.name}/things"\nwrite', ("name",), id="path"),
        pytest.param(
            "path: /things\nwrite", "path: /things\n    query: {s: '{spec.size}'}\nwrite", ("size",), id="query"
        ),
        pytest.param(
            "path: /things\nwrite", "path: /things\n    body: {a: ['{spec.size}']}\nwrite", ("size",), id="body"
        ),
        pytest.param(
            "list:\n    method: GET\n    path: /things",
            'get: {method: GET, path: "/t/{spec.name}"}',
            ("name",),
            id="get",
        ),
    ],
)
def test_the_fields_that_reading_needs_are_the_scope(
    tmp_path: Path, old: str, new: str, scope: tuple[str, ...]
) -> None:
    assert old in THING
    assert thing_in(tmp_path, THING.replace(old, new)).scope == scope


def test_an_unreadable_kind_is_scoped_by_what_its_update_names(tmp_path: Path) -> None:
    text = THING.replace("  list:\n    method: GET\n    path: /things", "  unreadable: The API never shows it.")
    kind = thing_in(tmp_path, text.replace("/things/{id}", "/things/{spec.name}"))
    assert kind.scope == ("name",)
    assert kind.unreadable == "The API never shows it."


@pytest.mark.parametrize(
    ("call", "creating", "mode"),
    [
        pytest.param("{method: POST, path: /t}", True, "stated", id="create"),
        pytest.param("{method: PUT, path: /t}", True, "stated", id="create-by-put"),
        pytest.param("{method: PATCH, path: /t}", False, "changed", id="patch"),
        pytest.param("{method: POST, path: /t}", False, "changed", id="rpc"),
        pytest.param("{method: PUT, path: /t}", False, "full", id="put"),
        pytest.param("{method: PUT, path: /t, send: changed}", False, "changed", id="as-stated"),
        pytest.param("{method: PATCH, path: /t, send: mergePatch}", False, "mergePatch", id="merge-patch"),
    ],
)
def test_how_a_body_is_filled_follows_from_the_method(tmp_path: Path, call: str, creating: bool, mode: str) -> None:
    text = THING.replace('{method: PATCH, path: "/things/{id}"}', call)
    assert send_mode(thing_in(tmp_path, text).definition.write.update[0], creating=creating) == mode


# --------------------------------------------------------------------------- parameters and cases


CASES = """
apiVersion: shop/v1
kind: Thing
schema:
  type: object
  properties:
    name: {type: string}
identity: {key: [name]}
read:
  list:
    method: GET
    path: {$by: edition, flat: /things, wrapped: /v2/things}
  unreadable: {$by: legacy, "true": Old servers never show it., "false": null}
write:
  update:
    - {$by: edition, flat: null, wrapped: {method: PUT, path: /first}}
    - {method: PATCH, path: /second}
"""


@pytest.mark.parametrize(
    ("parameters", "path", "updates", "unreadable"),
    [
        pytest.param({}, "/things", ["/second"], "", id="defaults"),
        pytest.param({"edition": "wrapped"}, "/v2/things", ["/first", "/second"], "", id="text"),
        pytest.param({"legacy": True}, "/things", ["/second"], "Old servers never show it.", id="boolean"),
    ],
)
def test_a_parameter_chooses_the_cases(
    tmp_path: Path, parameters: dict[str, Any], path: str, updates: list[str], unreadable: str
) -> None:
    kind = thing_in(tmp_path, CASES, parameters)
    assert kind.definition.read.lists[0].path == path
    assert [call.path for call in kind.definition.write.update] == updates
    assert kind.unreadable == unreadable


def test_cases_may_hold_cases(tmp_path: Path) -> None:
    text = CASES.replace("wrapped: /v2/things", 'wrapped: {$by: legacy, "true": /old, "false": /new}')
    kind = thing_in(tmp_path, text, {"edition": "wrapped", "legacy": True})
    assert kind.definition.read.lists[0].path == "/old"


def test_a_case_may_be_chosen_by_a_number() -> None:
    assert choose_cases({"$by": "era", "1": "one", "2": "two"}, {"era": 2}) == "two"


def test_null_as_the_whole_is_nothing() -> None:
    assert choose_cases({"$by": "era", "1": None}, {"era": 1}) is MISSING


def test_choosing_leaves_its_input_alone() -> None:
    value = {"a": [{"$by": "era", "1": None}, {"b": {"$by": "era", "1": 5}}]}
    assert choose_cases(value, {"era": 1}) == {"a": [{"b": 5}]}
    assert value == {"a": [{"$by": "era", "1": None}, {"b": {"$by": "era", "1": 5}}]}


@pytest.mark.parametrize(
    ("value", "message", "path"),
    [
        pytest.param({"a": {"$by": "b"}}, "$by names the parameter 'b'", ("a", "$by"), id="no-parameter"),
        pytest.param({"a": {"$by": ["era"]}}, "$by names the parameter ['era']", ("a", "$by"), id="not-a-name"),
        pytest.param({"a": {"$by": {}}}, "$by names the parameter {}", ("a", "$by"), id="mapping"),
        pytest.param({"a": {"$by": None}}, "$by names the parameter None", ("a", "$by"), id="null"),
        pytest.param([0, {"$by": "era", "2": 0}], "$by: era has no case for '1'", (1, "$by"), id="no-case"),
        pytest.param({"$by": "era", "1": [{"$by": "x"}]}, "names the parameter 'x'", ("1", 0, "$by"), id="in-a-case"),
    ],
)
def test_a_case_that_cannot_be_chosen_says_where(value: Any, message: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises(CaseError) as caught:
        choose_cases(value, {"era": 1})
    assert message in str(caught.value)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("path", "written"),
    [
        pytest.param(("a",), ("a", "1"), id="into-the-case"),
        pytest.param(("a", "b"), ("a", "1", "b"), id="below-the-case"),
        pytest.param(("list", 0), ("list", 1), id="behind-a-dropped-item"),
        pytest.param(("list", 1, "d"), ("list", 2, "1", "d"), id="item-that-is-a-case"),
        pytest.param(("list", 7, "d"), ("list",), id="no-such-item"),
        pytest.param(("a", "FormOfIt", "b"), ("a", "1", "b"), id="name-of-a-form"),
        pytest.param(("one", 0, "x"), ("one", "x"), id="item-without-its-list"),
    ],
)
def test_the_way_back_to_what_was_written(path: tuple[str | int, ...], written: tuple[str | int, ...]) -> None:
    value = {
        "a": {"$by": "era", "1": {"b": 0}},
        "list": [{"$by": "era", "1": None}, {"c": 0}, {"$by": "era", "1": {"d": 0}}],
        "one": {"x": 0},
    }
    assert written_path(value, path, {"era": 1}) == written


def definition_of(parameters: dict[str, Any]) -> SystemDefinition:
    return SystemDefinition.model_validate({"system": "shop", "parameters": {"properties": parameters}})


def test_binding_lays_what_is_given_over_the_defaults_and_encodes_it() -> None:
    system = definition_of(
        {
            "tenant": {"type": "string", "x-form": "uuid-base64"},
            "era": {"type": "string", "default": "S"},
            "limit": {"type": "integer", "x-form": "int64", "default": 5},
        }
    )
    assert default_parameters(system) == {"era": "S", "limit": 5}
    assert bind_parameters(system, {}) == {"era": "S", "limit": "5"}
    given = {"tenant": "00112233-4455-6677-8899-aabbccddeeff", "era": "L", "other": 1}
    assert bind_parameters(system, given) == {
        "tenant": "ABEiM0RVZneImaq7zN3u/w==",
        "era": "L",
        "limit": "5",
        "other": 1,
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({"tenant": "7"}, [], id="good"),
        pytest.param({}, [("tenant", "the parameter 'tenant' is required", "Number of the tenant.")], id="required"),
        pytest.param(
            {"tenant": "7", "editon": "flat"},
            [("editon", "unknown key 'editon'", "did you mean 'edition'?")],
            id="misspelt",
        ),
        pytest.param(
            {"tenant": "7", "timeot": 5},
            [("timeot", "unknown key 'timeot'", "did you mean 'timeout'?")],
            id="misspelt-setting",
        ),
        pytest.param(
            {"tenant": "7", "zzz": 5},
            [("zzz", "unknown key 'zzz'", "its parameters are edition, legacy, tenant")],
            id="unknown",
        ),
        pytest.param(
            {"tenant": 7},
            [("tenant", "tenant: 7 is not of type 'string'", "Number of the tenant.")],
            id="wrong-type",
        ),
        pytest.param(
            {"tenant": 7, "edition": "round", "nope": 1},
            [
                ("nope", "unknown key 'nope'", "its parameters are edition, legacy, tenant"),
                ("tenant", "tenant: 7 is not of type 'string'", "Number of the tenant."),
                ("edition", "edition: 'round' is not one of flat, wrapped", "Edition of the server."),
            ],
            id="all-at-once",
        ),
    ],
)
def test_parameters_of_a_target_are_checked(
    tmp_path: Path, given: dict[str, Any], found: list[tuple[str, str, str]]
) -> None:
    system = good_catalog(tmp_path, system=SYSTEM).systems["shop"]
    assert check_parameters(system, given, ("url", "timeout")) == found


def test_a_system_without_a_definition_takes_no_parameters() -> None:
    assert check_parameters(None, {"tenant": "7"}) == [("tenant", "unknown key 'tenant'", "it takes no parameters")]
    assert check_parameters(None, {}) == []


# --------------------------------------------------------------------------- mistakes


def refused(folder: Path, system: str, thing: str) -> list[str]:
    """Return what a person is told about two definitions, neither of which may come through with a mistake."""
    catalog, problems = load_catalog(documents_of(folder, system=system, thing=thing))
    wrong = {problem.source.path for problem in problems if problem.source is not None}
    assert ("shop" in catalog.systems) == ("system.yaml" not in wrong)
    if "thing.yaml" in wrong:
        assert catalog.find("shop", "Thing") is None
    return told(problems)


def mistakes() -> Iterator[Any]:
    """Read the cases of `kind_mistakes.txt`, whose head explains them."""
    text = Path(__file__).with_name("kind_mistakes.txt").read_text(encoding="utf-8")
    for section in text.split("\n=== ")[1:]:
        about, *cases = section.split("\n--- ")
        for case in cases:
            name, *lines = case.rstrip().splitlines()
            old = "\n".join(line[2:] for line in lines if line.startswith("- "))
            new = "\n".join(line[2:] for line in lines if line.startswith("+ "))
            found = [line for line in lines if line[:2] not in ("- ", "+ ")]
            yield pytest.param(about.strip(), old, new, found, id=f"{about.strip()}-{name.replace(' ', '-')}")


@pytest.mark.parametrize(("about", "old", "new", "found"), list(mistakes()))
def test_a_mistake_is_refused_where_it_stands(tmp_path: Path, about: str, old: str, new: str, found: list[str]) -> None:
    texts = {"system": SYSTEM, "thing": THING}
    assert texts[about].count(old) == 1
    texts[about] = texts[about].replace(old, new)
    said = refused(tmp_path, texts["system"], texts["thing"])
    assert [line.removesuffix(" | ") for line in said] == [f"{about}.yaml:{line}" for line in found]


def test_each_of_many_mistakes_has_a_place_and_a_suggestion() -> None:
    cases = [case.values for case in mistakes()]
    assert len({(about, old, new) for about, old, new, _ in cases}) > 110
    for _, _, _, found in cases:
        assert found
        for line in found:
            assert re.fullmatch(r"\d+:\d+: bad-(definition|schema): .+ \| .+", line), line


@pytest.mark.parametrize("text", ["- 1", "just text", "schema: {}"], ids=["list", "text", "neither"])
def test_what_is_no_definition_is_refused(tmp_path: Path, text: str) -> None:
    (said,) = refused(tmp_path, SYSTEM, text)
    assert said.startswith("thing.yaml:1:1: bad-definition: ")
    assert said.endswith(" | start it with `system: name`, or with `apiVersion:` and `kind:`")


def test_all_mistakes_of_all_definitions_come_at_once(tmp_path: Path) -> None:
    system = SYSTEM.replace("title: Shop", "titel: Shop")
    store = THING.replace("shop/v1", "store/v1")
    first = store.replace("PATCH", "PTACH").replace("name: name", "nme: name")
    second = store.replace("Thing", "Gadget").replace("integer", "string, x-unti: s, x-list: bag")
    problems = load_catalog(documents_of(tmp_path, system=system, a=first, b=second))[1]
    assert [str(problem.source) for problem in problems] == [
        "system.yaml:2:1",
        "a.yaml:8:25",
        "a.yaml:15:20",
        "b.yaml:7:26",
        "b.yaml:7:45",
    ]


def test_a_kind_of_a_system_with_mistakes_is_not_blamed_for_them(tmp_path: Path) -> None:
    text = THING.replace('"/things/{id}"', '"/{system.tenant}/{id}"')
    assert refused(tmp_path, SYSTEM.replace("title: Shop", "titel: Shop"), text) == [
        "system.yaml:2:1: bad-definition: unknown key 'titel' | did you mean 'title'?"
    ]


def test_two_definitions_of_one_name_are_refused_at_the_second(tmp_path: Path) -> None:
    catalog, problems = load_catalog(documents_of(tmp_path, a=SYSTEM, b=SYSTEM, c=THING, d=THING))
    assert [(str(problem.source), problem.code, problem.message) for problem in problems] == [
        ("b.yaml:1:9", "duplicate-definition", "system 'shop' is defined twice; first at a.yaml:1:1"),
        ("d.yaml:2:7", "duplicate-definition", "kind shop.Thing is defined twice; first at c.yaml:1:1"),
    ]
    assert all(problem.hint == "remove or rename one of the two" for problem in problems)
    assert str(catalog.kinds["shop", "Thing"].source) == "c.yaml:1:1"


def test_a_case_is_checked_for_the_parameters_of_the_target(tmp_path: Path) -> None:
    documents = documents_of(tmp_path, system=SYSTEM, thing=CASES.replace("/v2/things", "v2/things"))
    assert load_catalog(documents)[1] == []
    (problem,) = load_catalog(documents, parameters={"shop": {"edition": "wrapped"}})[1]
    assert str(problem.source) == "thing.yaml:11:50"
    assert problem.message == "read.list.path: a path starts with one '/', relative to the system's url"


def test_a_mistake_behind_a_case_that_was_taken_away_stands_where_it_was_written(tmp_path: Path) -> None:
    text = CASES.replace("{method: PATCH, path: /second}", "{method: PTACH, path: /second}")
    (problem,) = load_catalog(documents_of(tmp_path, system=SYSTEM, thing=text))[1]
    assert str(problem.source) == "thing.yaml:16:16"


def test_the_schemas_of_trusted_files_are_not_checked_again(tmp_path: Path) -> None:
    documents = documents_of(tmp_path, thing=THING.replace("type: integer", "type: integer, x-unti: s"))
    assert len(load_catalog(documents)[1]) == 1
    assert load_catalog(documents, trusted=frozenset({"thing.yaml"}))[1] == []
