"""The `{…}` templates of kind definitions."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.kinds.template import (
    TemplateError,
    Variable,
    as_text,
    parse_template,
    render_path,
    render_query,
    render_value,
    variables,
)
from reconciler.core.pointer import MISSING

CONTEXT: dict[str, Any] = {
    "id": "a/b c",
    "spec": {
        "name": "blue",
        "size": 3,
        "on": True,
        "nothing": None,
        "tags": ["x", "y"],
        "deep": {"er": {"est": 1}},
        "empty": "",
    },
    "live": {"version": 7},
    "system": {"workspace-id": "w"},
    "page": {"offset": 0},
    "changed": "a,b",
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", (), id="empty"),
        pytest.param("plain", ("plain",), id="plain"),
        pytest.param("{id}", (Variable("id", ()),), id="whole"),
        pytest.param("/a/{spec.b}/c", ("/a/", Variable("spec", ("b",)), "/c"), id="inside"),
        pytest.param("{+spec.a}", (Variable("spec", ("a",), keeps_slashes=True),), id="with-slashes"),
        pytest.param("{id}{changed}", (Variable("id", ()), Variable("changed", ())), id="side-by-side"),
        pytest.param("{spec.a.0.b_c-d}", (Variable("spec", ("a", "0", "b_c-d")),), id="steps"),
        pytest.param("{{id}}", ("{id}",), id="braces"),
        pytest.param("{{{id}}}", ("{", Variable("id", ()), "}"), id="braces-around-a-variable"),
    ],
)
def test_parts(text: str, parts: tuple[Any, ...]) -> None:
    assert parse_template(text) == parts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "a single '{'"),
        ("}", "a single '}'"),
        ("{id", "a single '{'"),
        ("{id}}", "a single '}'"),
        ("{}", "unknown variable"),
        ("{name}", "starts with one of id, spec, live"),
        ("{spec}", "needs a name after the dot"),
        ("{spec.}", "needs a name after the dot"),
        ("{spec.a..b}", "needs a name after the dot"),
        ("{spec.a b}", "needs a name after the dot"),
        ("{id.x}", "has nothing below it"),
        ("{changed.x}", "has nothing below it"),
    ],
)
def test_a_template_that_cannot_be_read_says_why(text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=reason.replace("{", r"\{").replace("}", r"\}")):
        parse_template(text)


def test_a_variable_reads_as_it_was_written() -> None:
    assert [str(v) for v in variables("{spec.a.b}{id}")] == ["{spec.a.b}", "{id}"]


def test_variables_are_found_anywhere_in_json() -> None:
    template = {"a": "{id}", "b": [1, {"c": "x{live.version}"}], "d": None}
    assert [v.root for v in variables(template)] == ["id", "live"]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        pytest.param("{spec.size}", 3, id="a-whole-variable-keeps-its-type"),
        pytest.param("{spec.on}", True, id="also-a-boolean"),
        pytest.param("{spec.tags}", ["x", "y"], id="also-a-list"),
        pytest.param("{spec.nothing}", None, id="also-null"),
        pytest.param("{spec.tags.1}", "y", id="an-item"),
        pytest.param("{spec.deep.er.est}", 1, id="deep"),
        pytest.param("v{spec.size}-{spec.on}", "v3-true", id="inside-text-it-is-text"),
        pytest.param("{spec.none}", MISSING, id="missing"),
        pytest.param("x{spec.none}", MISSING, id="text-with-a-hole"),
        pytest.param("x{spec.nothing}", MISSING, id="text-with-null"),
        pytest.param("{spec.empty}", "", id="empty-text-is-a-value"),
        pytest.param({"a": "{spec.none}", "b": "{id}"}, {"b": "a/b c"}, id="a-member-without-value-is-left-out"),
        pytest.param(["{spec.none}", 1, "{spec.name}"], [1, "blue"], id="an-item-without-value-is-left-out"),
        pytest.param({"a": {"b": "{spec.none}"}}, {"a": {}}, id="only-the-innermost-is-left-out"),
        pytest.param(5, 5, id="numbers-stand-for-themselves"),
        pytest.param(None, None, id="null-stands-for-itself"),
        pytest.param("{{{spec.name}}}", "{blue}", id="braces"),
    ],
)
def test_render_value(template: Any, value: Any) -> None:
    assert render_value(template, CONTEXT) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        (3.0, "3"),
        (1e22, "1" + "0" * 22),
        (1e-7, "0.0000001"),
        ("x", "x"),
    ],
    ids=str,
)
def test_as_text(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/things/{id}", "/things/a%2Fb%20c"),
        ("/things/{+id}", "/things/a/b%20c"),
        ("/things/{+id}:start", "/things/a/b%20c:start"),
        ("/things/{spec.name}:disable", "/things/blue:disable"),
        ("/{system.workspace-id}/{spec.size}/{spec.on}", "/w/3/true"),
        ("/a%20b/{{x}}", "/a%20b/{x}"),
    ],
)
def test_render_path(template: str, path: str) -> None:
    assert render_path(template, CONTEXT) == path


@pytest.mark.parametrize("hole", ["spec.none", "spec.nothing", "spec.empty", "spec.tags", "spec.deep"])
def test_a_path_with_a_hole_is_refused(hole: str) -> None:
    with pytest.raises(TemplateError, match=hole):
        render_path("/things/{" + hole + "}", CONTEXT)


@pytest.mark.parametrize("name", [".", ".."])
def test_a_path_that_would_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(TemplateError, match="id"):
        render_path("/things/{id}", {"id": name})
    assert render_path("/things/{id}.json", {"id": name}) == f"/things/{name}.json"
    with pytest.raises(TemplateError, match="id"):
        render_path("/things/{+id}", {"id": f"a/{name}/b"})


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_any_text_is_one_segment_of_a_path(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    path = render_path("/things/{id}/end", {"id": text})
    segments = path.split("/")
    assert len(segments) == 4
    assert unquote(segments[2]) == text
    assert path.isascii()
    assert not set(path) & set("?# ")


def test_render_query() -> None:
    templates = {
        "limit": 10,
        "tag": "{spec.tags}",
        "on": "{spec.on}",
        "gone": "{spec.none}",
        "null": "{spec.nothing}",
        "offset": "{page.offset}",
        "fixed": ["a", "{spec.none}", "b"],
    }
    assert render_query(templates, CONTEXT) == (
        ("limit", "10"),
        ("tag", "x"),
        ("tag", "y"),
        ("on", "true"),
        ("offset", "0"),
        ("fixed", "a"),
        ("fixed", "b"),
    )
