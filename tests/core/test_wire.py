"""Requests from intentions: what bodies, headers and paths carry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from core_builders import body_of, fields_of, kind_of, live_of, thing, write
from core_estate import INFO, PROPERTIES, SPECS, WIRE
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import strictly_equal
from reconciler.core.compare.normalize import compare, distinct, encode, pair_items, shape
from reconciler.core.kinds.catalog import send_mode
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.kinds.template import TemplateError
from reconciler.core.model import Request
from reconciler.core.pointer import get, parse_pointer, put
from reconciler.core.wire.laying import merge
from reconciler.core.wire.requests import Subject, Writing, call_request, context, origin, respell, write_body

TEXT = {"type": "string"}
A_AND_B = {"name": TEXT, "a": TEXT, "b": TEXT}


# --------------------------------------------------------------------------- which fields a body holds


def test_a_create_holds_what_is_stated() -> None:
    request = write(thing(A_AND_B), {"name": "n", "a": "1"})
    assert request == Request(
        system="shop", method="POST", path="/things", body={"name": "n", "a": "1"}, has_body=True, writes=True
    )


@pytest.mark.parametrize(
    ("update", "body"),
    [
        pytest.param({}, {"a": "new"}, id="patch-carries-what-changed"),
        pytest.param({"send": "stated"}, {"name": "n", "a": "new"}, id="stated"),
        pytest.param({"method": "POST"}, {"a": "new"}, id="rpc-carries-what-changed"),
        pytest.param(
            {"method": "PUT"}, {"name": "n", "a": "new", "b": "kept", "id": "t-1", "x": {"y": 1}}, id="put-carries-all"
        ),
        pytest.param({"method": "PUT", "send": "changed"}, {"a": "new"}, id="put-that-is-partial"),
    ],
)
def test_an_update_holds_what_its_call_sends(update: Any, body: Any) -> None:
    kind = thing(A_AND_B, update)
    live = live_of(kind, {"name": "n", "a": "old", "b": "kept", "x": {"y": 1}})
    assert body_of(kind, {"name": "n", "a": "new"}, live, {"a"}) == body


@pytest.mark.parametrize(
    ("method", "creating", "mode"), [("POST", True, "stated"), ("PUT", True, "stated"), ("PUT", False, "full")]
)
def test_how_a_call_sends_follows_from_its_method(method: str, creating: bool, mode: str) -> None:
    call = thing(A_AND_B, {"method": method}, {"method": method})
    chosen = call.definition.write.create if creating else call.definition.write.update[0]
    assert chosen is not None
    assert send_mode(chosen, creating=creating) == mode


def test_nothing_changed_means_no_update_and_no_request_for_other_fields() -> None:
    kind = thing(A_AND_B, {"fields": ["a"]})
    live = live_of(kind, {"name": "n"})
    assert write(kind, {"name": "n", "b": "1"}, live, {"b"}) is None
    assert write(kind, {"name": "n"}, live, set()) is None
    assert write(kind, {"name": "n", "a": "1"}, live, {"a"}) is not None


def test_fields_that_another_call_takes_are_left_to_it() -> None:
    write_calls = {
        "create": {"method": "POST", "path": "/things"},
        "update": [
            {"method": "PUT", "path": "/things/{id}"},
            {"method": "PUT", "path": "/things/{id}/b", "fields": ["b"]},
        ],
    }
    kind = kind_of({"properties": A_AND_B, "write": write_calls})
    live = live_of(kind, {"name": "n", "a": "old", "b": "old"})
    spec = {"name": "n", "a": "new", "b": "new"}
    assert body_of(kind, spec, live, {"a", "b"}) == {"id": "t-1", "name": "n", "a": "new", "b": "old"}
    assert body_of(kind, spec, live, {"a", "b"}, call=1) == {"id": "t-1", "b": "new"}
    assert write(kind, spec, live, {"b"}) is None
    assert write(kind, spec, live, {"a"}, call=1) is None


MODES = ["stated", "changed", "full", "mergePatch", "jsonPatch"]


@pytest.mark.parametrize("mode", MODES)
def test_no_update_carries_what_it_cannot_set(mode: str) -> None:
    properties = {
        "name": TEXT,
        "a": TEXT,
        "made": {**TEXT, "readOnly": True},
        "first": {**TEXT, "x-createOnly": True},
        "later": {**TEXT, "x-updateOnly": True},
    }
    kind = thing(properties, {"send": mode, "path": "/by-name/{spec.name}"})
    live = live_of(kind, {"name": "n", "a": "old", "made": "m", "first": "f", "later": "l"})
    spec = {"name": "n", "a": "new", "first": "f2", "later": "new"}
    body = body_of(kind, spec, live, {"name", "a", "first", "later"})
    if mode == "jsonPatch":
        assert body == [
            {"op": "replace", "path": "/a", "value": "new"},
            {"op": "replace", "path": "/later", "value": "new"},
        ]
    else:
        assert {key: value for key, value in body.items() if key != "id"} == {"a": "new", "later": "new"}


def test_a_create_carries_what_only_a_create_can_set() -> None:
    kind = thing({"name": TEXT, "first": {**TEXT, "x-createOnly": True}, "later": {**TEXT, "x-updateOnly": True}})
    assert body_of(kind, {"name": "n", "first": "f", "later": "l"}) == {"name": "n", "first": "f"}


def test_read_only_members_are_dropped_at_any_depth_and_unknown_ones_carried() -> None:
    inner = {"type": "object", "properties": {"a": TEXT, "made": {**TEXT, "readOnly": True}}}
    kind = thing({"name": TEXT, "o": inner, "l": {"type": "array", "items": inner}}, {"method": "PUT"})
    item = {"a": "1", "made": "m", "x": 1}
    live = live_of(kind, {"name": "n", "o": item, "l": [item]})
    kept = {"a": "1", "x": 1}
    assert body_of(kind, {"name": "m"}, live) == {"id": "t-1", "name": "m", "o": kept, "l": [kept]}


# --------------------------------------------------------------------------- spelling and form


@pytest.mark.parametrize(
    ("schema", "create", "update"),
    [
        pytest.param({"x-name": "n"}, {"n": "v"}, {"n": "v"}, id="name"),
        pytest.param({"x-request": "q"}, {"q": "v"}, {"q": "v"}, id="request"),
        pytest.param({"x-request": {"create": "c", "update": "u"}}, {"c": "v"}, {"u": "v"}, id="by-verb"),
        pytest.param({"x-response": "r"}, {"name": "v"}, {"name": "v"}, id="answers-do-not-matter"),
        pytest.param({"x-request": "/in/ner"}, {"in": {"ner": "v"}}, {"in": {"ner": "v"}}, id="pointer"),
        pytest.param({"x-request": "/a~1b"}, {"a/b": "v"}, {"a/b": "v"}, id="escaped-pointer"),
        pytest.param({"x-form": "base64-text"}, {"name": "dg=="}, {"name": "dg=="}, id="form"),
    ],
)
def test_requests_have_their_own_spelling(schema: Any, create: Any, update: Any) -> None:
    kind = thing({"name": {**TEXT, **schema}})
    assert body_of(kind, {"name": "v"}) == create
    assert body_of(kind, {"name": "v"}, live_of(kind, {})) == update


@pytest.mark.parametrize("order", [["outer", "inner"], ["inner", "outer"]], ids=",".join)
def test_what_stands_inside_another_field_is_laid_over_it(order: list[str]) -> None:
    kind = thing({"outer": {"type": "object", "x-name": "o"}, "inner": {**TEXT, "x-name": "/o/i"}})
    values = {"outer": {"x": 1}, "inner": "v"}
    assert body_of(kind, {name: values[name] for name in order}) == {"o": {"x": 1, "i": "v"}}


def test_a_full_body_keeps_the_neighbours_of_what_stands_inside() -> None:
    kind = thing({"name": {**TEXT, "x-name": "/meta/name"}}, {"method": "PUT"})
    live = live_of(kind, {"meta": {"name": "old", "other": 1}})
    assert live.spec["name"] == "old"
    assert body_of(kind, {"name": "new"}, live) == {"id": "t-1", "meta": {"name": "new", "other": 1}}


def test_a_full_body_sends_unmanaged_values_as_they_came() -> None:
    kind = thing({"name": TEXT, "note": {**TEXT, "x-form": "base64-text"}, "n": {"x-form": "int64"}}, {"method": "PUT"})
    live = live_of(kind, {"name": "n", "note": "aGk=", "n": "5"})
    assert body_of(kind, {"name": "m"}, live) == {"id": "t-1", "name": "m", "note": "aGk=", "n": "5"}


def test_answers_and_requests_may_disagree_about_every_name() -> None:
    properties = {
        "name": TEXT,
        "host": {**TEXT, "x-request": "target_host", "x-response": "target"},
        "deep": {"type": "object", "properties": {"a": {"x-request": "req_a", "x-response": "resp_a"}, "b": {}}},
    }
    kind = thing(properties, {"method": "PUT"})
    live = live_of(kind, {"name": "n", "target": "old", "deep": {"resp_a": 1, "b": 2, "c": 3}})
    assert body_of(kind, {"host": "new"}, live) == {
        "id": "t-1",
        "name": "n",
        "target_host": "new",
        "deep": {"req_a": 1, "b": 2, "c": 3},
    }


# --------------------------------------------------------------------------- where the fields go


@pytest.mark.parametrize(
    ("call", "body"),
    [
        pytest.param({}, {"name": "n"}, id="the-body-itself"),
        pytest.param({"fieldsAt": "/data"}, {"data": {"name": "n"}}, id="below-a-member"),
        pytest.param({"fieldsAt": "/a/b"}, {"a": {"b": {"name": "n"}}}, id="deep"),
        pytest.param({"body": {"kind": "thing"}}, {"kind": "thing", "name": "n"}, id="beside-fixed-members"),
        pytest.param({"body": {"w": "{system.space}"}}, {"w": "s1", "name": "n"}, id="beside-templates"),
        pytest.param({"body": {"w": "{spec.none}"}}, {"name": "n"}, id="without-what-is-missing"),
        pytest.param(
            {"body": {"v": 1, "data": {"type": "t"}}, "fieldsAt": "/data"},
            {"v": 1, "data": {"type": "t", "name": "n"}},
            id="over-what-stands-there",
        ),
    ],
)
def test_where_the_fields_go(call: Any, body: Any) -> None:
    kind = kind_of(
        {
            "properties": {"name": TEXT, "none": TEXT},
            "write": {"create": {"method": "POST", "path": "/things", **call}},
        },
        system={"parameters": {"properties": {"space": TEXT}}},
        parameters={"space": "s1"},
    )
    assert body_of(kind, {"name": "n"}) == body


def test_fixed_members_may_come_from_the_live_object() -> None:
    kind = thing(A_AND_B, {"body": {"version": "{live.version}", "id": "{id}"}})
    live = live_of(kind, {"name": "n", "version": 7})
    assert body_of(kind, {"a": "1"}, live) == {"version": 7, "id": "t-1", "a": "1"}


# --------------------------------------------------------------------------- paths, queries, headers


def test_templates_see_values_in_the_form_of_the_wire() -> None:
    kind = thing({"name": {"x-form": "int64"}}, create={"path": "/things/{spec.name}", "query": {"n": "{spec.name}"}})
    request = write(kind, {"name": 5})
    assert request is not None
    assert (request.path, request.query, request.body) == ("/things/5", (("n", "5"),), {})


def test_a_hole_in_the_path_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"\{spec.name\}"):
        write(thing(A_AND_B, create={"path": "/things/{spec.name}"}), {"a": "1"})


def test_a_hole_in_the_path_does_not_matter_for_the_body_alone() -> None:
    kind = thing(A_AND_B, create={"path": "/things/{spec.name}"})
    call = kind.definition.write.create
    assert call is not None
    writing = Writing(subject=Subject(spec={"a": "1"}), changed=frozenset("a"), creating=True)
    assert write_body(kind, call, writing) == {"a": "1"}


def headers_of(update: Any, spec: Any = None, etag: str | None = None, **more: Any) -> dict[str, str]:
    kind = thing(A_AND_B, update, **more)
    request = write(kind, {"a": "1"} if spec is None else spec, live_of(kind, {"name": "n"}, etag))
    assert request is not None
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    return dict(request.headers)


@pytest.mark.parametrize(
    ("update", "headers"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"send": "mergePatch"}, {"Content-Type": "application/merge-patch+json"}, id="merge-patch"),
        pytest.param({"send": "jsonPatch"}, {"Content-Type": "application/json-patch+json"}, id="json-patch"),
        pytest.param(
            {"send": "mergePatch", "headers": {"content-type": "a/b"}}, {"content-type": "a/b"}, id="own-merge-patch"
        ),
        pytest.param(
            {"send": "jsonPatch", "headers": {"content-type": "a/b"}}, {"content-type": "a/b"}, id="own-json-patch"
        ),
        pytest.param({"headers": {"X-A": "{spec.a}", "X-B": "{spec.b}"}}, {"X-A": "1"}, id="templates"),
    ],
)
def test_headers(update: Any, headers: Any) -> None:
    assert headers_of(update) == headers


def test_a_header_without_a_value_is_left_out() -> None:
    assert headers_of({"headers": {"X-B": "{spec.b}"}}, {"a": "1", "b": None}) == {}


def test_the_systems_headers_come_first_and_the_calls_own_win() -> None:
    kind = kind_of(
        {
            "properties": A_AND_B,
            "write": {"create": {"method": "POST", "path": "/things", "headers": {"X-Two": "call"}}},
        },
        system={"headers": {"X-One": "system", "X-Two": "system"}},
    )
    request = write(kind, {"name": "n"})
    assert request is not None
    assert request.headers == (("X-One", "system"), ("X-Two", "call"))


@pytest.mark.parametrize(
    ("guard", "etag", "sent"),
    [
        pytest.param({"ifMatch": True}, '"v1"', '"v1"', id="guarded"),
        pytest.param({"ifMatch": True}, None, None, id="no-etag"),
        pytest.param({}, '"v1"', None, id="not-guarded"),
    ],
)
def test_if_match(guard: Any, etag: str | None, sent: str | None) -> None:
    assert headers_of({}, etag=etag, guard=guard).get("If-Match") == sent


def test_a_create_has_nothing_to_match() -> None:
    request = write(thing(A_AND_B, guard={"ifMatch": True}), {"name": "n"})
    assert request is not None
    assert "If-Match" not in dict(request.headers)


@pytest.mark.parametrize(
    ("changed", "mask"),
    [
        ({"a"}, "a"),
        ({"a", "b"}, "a,bee"),
        ({"deep"}, "meta.deep"),
        ({"a", "name"}, "a"),
        ({"a", "first"}, "a"),
    ],
    ids=["one", "several-by-their-spelling", "inside", "not-what-the-path-says", "not-what-cannot-be-set"],
)
def test_the_update_mask_names_what_the_body_carries(changed: set[str], mask: str) -> None:
    properties = {
        "name": TEXT,
        "a": TEXT,
        "b": {**TEXT, "x-name": "bee"},
        "deep": {**TEXT, "x-name": "/meta/deep"},
        "first": {**TEXT, "x-createOnly": True},
    }
    kind = thing(properties, {"path": "/by-name/{spec.name}", "query": {"updateMask": "{changed}"}})
    request = write(kind, dict.fromkeys(properties, "v"), live_of(kind, {}), changed)
    assert request is not None
    assert request.query == (("updateMask", mask),)


def test_a_call_without_fields_fills_its_templates_only() -> None:
    kind = thing(A_AND_B)
    call = kind.definition.write.update[0].model_copy(
        update={"method": "DELETE", "path": "/things/{id}", "query": {"hard": True}, "body": {"why": "{spec.a}"}}
    )
    request = call_request(kind, call, context(kind, Subject(spec={"a": "1"}, id="x y")), writes=True)
    assert request == Request(
        system="shop",
        method="DELETE",
        path="/things/x%20y",
        query=(("hard", "true"),),
        body={"why": "1"},
        has_body=True,
        writes=True,
    )
    bare = call_request(kind, kind.definition.read.lists[0], context(kind, Subject(spec={})))
    assert (bare.body, bare.has_body, bare.writes) == (None, False, False)


# --------------------------------------------------------------------------- fields that travel together


TOGETHER = {"name": TEXT, "url": TEXT, "token": {**TEXT, "writeOnly": True}, "other": TEXT}


@pytest.mark.parametrize(
    ("group", "changed", "carried"),
    [
        pytest.param({"fields": ["url", "token"]}, {"url"}, {"url", "token"}, id="any-of-them"),
        pytest.param({"fields": ["url", "token"]}, {"token"}, {"url", "token"}, id="any-other-of-them"),
        pytest.param({"fields": ["url", "token"]}, {"other"}, {"other"}, id="none-of-them"),
        pytest.param({"fields": ["url", "token"], "when": "url"}, {"token"}, {"token"}, id="only-when-one-changes"),
        pytest.param({"fields": ["token"], "when": "url"}, {"url"}, {"url", "token"}, id="when-is-no-member"),
        pytest.param({"fields": ["url", "unstated"]}, {"url"}, {"url"}, id="what-is-not-stated-stays-home"),
    ],
)
def test_fields_that_travel_together(group: Any, changed: set[str], carried: set[str]) -> None:
    kind = thing({**TOGETHER, "unstated": TEXT}, together=[group])
    spec = {"url": "https://new.example.com", "token": "fake-token-not-real", "other": "o"}
    live = live_of(kind, {"url": "https://old.example.com"})
    assert set(body_of(kind, spec, live, changed)) == carried


@pytest.mark.parametrize(
    ("before", "after", "travels"),
    [
        pytest.param("https://a.example/x", "https://a.example/y", False, id="path"),
        pytest.param("https://a.example", "https://A.EXAMPLE:443/", False, id="same-origin-other-spelling"),
        pytest.param("https://a.example", "http://a.example", True, id="scheme"),
        pytest.param("https://a.example", "https://b.example", True, id="host"),
        pytest.param("https://a.example", "https://a.example:8443", True, id="port"),
        pytest.param(None, "https://a.example", True, id="first-url"),
    ],
)
def test_a_secret_travels_with_a_url_whose_origin_changes(before: str | None, after: str, travels: bool) -> None:
    kind = thing(TOGETHER, together=[{"fields": ["url", "token"], "when": "url", "part": "origin"}])
    spec = {"url": after, "token": "fake-token-not-real"}
    body = body_of(kind, spec, live_of(kind, {"url": before}), {"url"})
    assert ("token" in body) is travels


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Example.com/a?b#c", ("https", "example.com", 443)),
        ("HTTP://example.com", ("http", "example.com", 80)),
        ("http://user:word@example.com:8080/", ("http", "example.com", 8080)),
        ("ws://example.com", ("ws", "example.com", None)),
        ("https://[::1]:1/", ("https", "::1", 1)),
        ("http://example.com:99999/", ("http://example.com:99999/", "", None)),
        ("http://[broken", ("http://[broken", "", None)),
        ("", ("", "", None)),
        (None, None),
        (5, None),
    ],
    ids=str,
)
def test_origin(url: Any, found: Any) -> None:
    assert origin(url) == found


# --------------------------------------------------------------------------- merging

ITEM = {"type": "object", "properties": {"k": TEXT, "v": TEXT}}
KEYED = {"type": "array", "items": ITEM, "x-key": ["k"]}


@pytest.mark.parametrize(
    ("schema", "desired", "live", "merged"),
    [
        pytest.param({"properties": {"a": {}}}, {"a": 1}, {"a": 0, "x": 2}, {"a": 1, "x": 2}, id="object"),
        pytest.param({"type": "object"}, {"a": 1}, {"a": 0, "x": 2}, {"a": 1}, id="free-map-whole"),
        pytest.param({"x-map": "keys"}, {"a": 1}, {"a": 0, "x": 2}, {"a": 1, "x": 2}, id="map-by-keys"),
        pytest.param(
            {"properties": {"a": {}}, "x-map": "whole"}, {"a": 1}, {"a": 0, "x": 2}, {"a": 1}, id="whole-object"
        ),
        pytest.param({}, [1], [2, 3], [1], id="list-of-values"),
        pytest.param({}, {"a": 1}, "text", {"a": 1}, id="object-over-text"),
        pytest.param({}, None, {"a": 1}, None, id="null-over-object"),
        pytest.param({"writeOnly": True, "properties": {"a": {}}}, {"a": 1}, {"x": 2}, {"a": 1}, id="write-only"),
        pytest.param(
            {"type": "array", "items": ITEM},
            [{"v": "n"}, {"v": "m"}],
            [{"v": "o", "x": 1}],
            [{"v": "n", "x": 1}, {"v": "m"}],
            id="items-by-position",
        ),
        pytest.param(
            KEYED,
            [{"k": "new"}, {"k": "a", "v": "2"}],
            [{"k": "a", "v": "1", "x": 1}],
            [{"k": "new"}, {"k": "a", "v": "2", "x": 1}],
            id="keyed-item-inserted-at-the-front",
        ),
        pytest.param(
            KEYED,
            [{"k": "b"}, {"k": "a"}],
            [{"k": "a", "x": 1}, {"k": "b", "x": 2}],
            [{"k": "b", "x": 2}, {"k": "a", "x": 1}],
            id="keyed-items-reordered",
        ),
        pytest.param(
            KEYED, [{"k": "b"}], [{"k": "a", "x": 1}, {"k": "b", "x": 2}], [{"k": "b", "x": 2}], id="keyed-item-removed"
        ),
        pytest.param(
            {**KEYED, "x-list": "set"}, [{"k": "a"}], [{"k": "b"}, {"k": "a", "x": 1}], [{"k": "a", "x": 1}], id="set"
        ),
        pytest.param({"x-form": "int64"}, 5, "4", "5", id="in-the-form-of-the-wire"),
    ],
)
def test_merge(schema: Any, desired: Any, live: Any, merged: Any) -> None:
    assert merge(fields_of({"one": schema}).child("one"), desired, live) == merged


def assert_nothing_is_lost(info: FieldInfo, desired: Any, live: Any, merged: Any) -> None:
    if isinstance(desired, dict) and isinstance(live, dict) and not info.is_whole:
        for name in live.keys() - desired.keys():
            assert strictly_equal(merged[name], live[name])
        for name in live.keys() & desired.keys():
            assert_nothing_is_lost(info.child(name), desired[name], live[name], merged[name])
    elif isinstance(desired, list) and isinstance(live, list):
        desired = distinct(info, desired)  # what a set states twice is sent once
        assert len(merged) == len(desired)
        for index, partner in enumerate(pair_items(info, desired, live)):
            if partner is not None:
                assert_nothing_is_lost(info.child(0), desired[index], live[partner], merged[index])


@given(SPECS, WIRE)
def test_merging_keeps_every_unmanaged_member(spec: Any, body: Any) -> None:
    live = shape(INFO, body)
    before = repr((spec, live))
    assert_nothing_is_lost(INFO, spec, live, merge(INFO, spec, live))
    assert repr((spec, live)) == before


@given(SPECS, WIRE)
def test_what_was_merged_says_what_is_desired(spec: Any, body: Any) -> None:
    sent = respell(INFO, merge(INFO, spec, shape(INFO, body)), creating=False)
    assert compare(INFO, spec, shape(INFO, sent)).equal


@given(WIRE)
def test_merging_what_is_there_changes_nothing(body: Any) -> None:
    assert respell(INFO, shape(INFO, body), creating=False) == body


# --------------------------------------------------------------------------- patches


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2: the function of the specification."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply_merge_patch(result.get(name), value)
    return result


def apply_json_patch(target: Any, operations: list[Any]) -> Any:
    """RFC 6902, section 4: add, replace and remove of members."""
    for operation in operations:
        path = parse_pointer(operation["path"])
        parent = get(target, path[:-1])
        assert isinstance(parent, dict), "the parent of the place must exist"
        if operation["op"] != "add":
            assert path[-1] in parent, "the place must exist"
        if operation["op"] == "remove":
            target = put(target, path[:-1], {name: value for name, value in parent.items() if name != path[-1]})
        else:
            target = put(target, path, operation["value"])
    return target


def without_nulls(value: Any) -> Any:
    """Return `value` without its null members, which a merge patch cannot tell from absent ones."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return value


BY_MODE = {mode: thing(PROPERTIES, {"send": mode}) for mode in MODES}
ESTATE, ESTATE_BY_OPERATIONS, ESTATE_WHOLE = BY_MODE["mergePatch"], BY_MODE["jsonPatch"], BY_MODE["full"]


@given(SPECS.filter(bool), WIRE)
def test_a_merge_patch_leads_to_what_a_full_replacement_would_send(spec: Any, body: Any) -> None:
    patched = apply_merge_patch(body, body_of(ESTATE, spec, live_of(ESTATE, body)))
    assert compare(INFO, spec, shape(INFO, patched)).equal
    whole = body_of(ESTATE_WHOLE, spec, live_of(ESTATE_WHOLE, body))
    assert without_nulls(patched) == without_nulls(whole)


@given(SPECS.filter(bool), WIRE)
def test_a_json_patch_leads_to_what_a_full_replacement_would_send(spec: Any, body: Any) -> None:
    body = {**body, "inner": body.get("inner", {})}
    patched = apply_json_patch(body, body_of(ESTATE_BY_OPERATIONS, spec, live_of(ESTATE_BY_OPERATIONS, body)))
    assert compare(INFO, spec, shape(INFO, patched)).equal
    whole = body_of(ESTATE_WHOLE, spec, live_of(ESTATE_WHOLE, body))
    top = {name: value for name, value in whole.items() if value is not None}
    assert {name: value for name, value in patched.items() if value is not None} == top


@pytest.mark.parametrize(
    ("schema", "live", "desired", "patch"),
    [
        pytest.param({}, "old", "new", "new", id="value"),
        pytest.param({}, "old", None, None, id="null"),
        pytest.param({"properties": {"a": {}, "b": {}}}, {"a": 1, "b": 2}, {"a": 3}, {"a": 3}, id="member"),
        pytest.param({"type": "object"}, {"a": 1, "b": 2}, {"a": 1}, {"b": None}, id="free-map-without-a-key"),
        pytest.param({"x-map": "keys"}, {"a": 1, "b": 2}, {"a": 3}, {"a": 3}, id="map-by-keys"),
        pytest.param({"type": "array"}, [1, 2], [1], [1], id="list-whole"),
        pytest.param({"properties": {"a": {"x-name": "z"}}}, {"z": 1}, {"a": 2}, {"z": 2}, id="spelling"),
        pytest.param({"x-form": "base64-text"}, "aGk=", "hi there", "aGkgdGhlcmU=", id="form"),
        pytest.param(
            {"properties": {"a": {"x-form": "int64"}, "b": {}}},
            {"a": "1", "b": 1},
            {"a": 1, "b": 2},
            {"b": 2},
            id="what-is-the-same-in-its-form-is-left-out",
        ),
    ],
)
def test_merge_patch(schema: Any, live: Any, desired: Any, patch: Any) -> None:
    kind = thing({"one": schema}, {"send": "mergePatch"})
    assert body_of(kind, {"one": desired}, live_of(kind, {"one": live})) == {"one": patch}


@pytest.mark.parametrize(
    ("schema", "live", "desired", "operations"),
    [
        pytest.param({}, {"one": 1}, 2, [("replace", "/one", 2)], id="there"),
        pytest.param({}, {}, 2, [("add", "/one", 2)], id="not-there"),
        pytest.param({}, {"one": None}, 2, [("replace", "/one", 2)], id="null-there"),
        pytest.param({}, {"one": 1}, None, [("remove", "/one", None)], id="cleared"),
        pytest.param({}, {}, None, [], id="cleared-already"),
        pytest.param({"x-name": "a/b~c"}, {"a/b~c": 1}, 2, [("replace", "/a~1b~0c", 2)], id="escaped"),
        pytest.param({"x-name": "/in/ner"}, {"in": {"ner": 1}}, 2, [("replace", "/in/ner", 2)], id="inside"),
        pytest.param({"x-name": "/in/ner"}, {"in": {}}, 2, [("add", "/in/ner", 2)], id="inside-what-is-there"),
    ],
)
def test_json_patch(schema: Any, live: Any, desired: Any, operations: list[tuple[str, str, Any]]) -> None:
    kind = thing({"one": schema}, {"send": "jsonPatch"})
    body = body_of(kind, {"one": desired}, live_of(kind, live))
    assert [(one["op"], one["path"], one.get("value")) for one in body] == operations
    assert all(("value" in one) is (one["op"] != "remove") for one in body)


def test_a_json_patch_can_stand_below_a_member() -> None:
    kind = thing({"one": {}}, {"send": "jsonPatch", "fieldsAt": "/patch", "body": {"id": "{id}"}})
    body = body_of(kind, {"one": 2}, live_of(kind, {}))
    assert body == {"id": "t-1", "patch": [{"op": "add", "path": "/one", "value": 2}]}


# --------------------------------------------------------------------------- laws of bodies


@given(SPECS.filter(bool), WIRE, st.sampled_from(MODES))
def test_a_body_is_plain_json_and_nothing_is_changed_in_place(spec: Any, body: Any, mode: str) -> None:
    kind = BY_MODE[mode]
    live = live_of(kind, body)
    before = repr((spec, live.spec, live.body))
    sent = body_of(kind, spec, live)
    assert json.loads(json.dumps(sent)) == sent
    assert repr((spec, live.spec, live.body)) == before


@given(SPECS.filter(bool), WIRE, st.data())
def test_a_partial_body_holds_changed_fields_only(spec: Any, body: Any, data: st.DataObject) -> None:
    kind = BY_MODE["changed"]
    changed = data.draw(st.sets(st.sampled_from(sorted(spec)), min_size=1))
    sent = shape(INFO, body_of(kind, spec, live_of(kind, body), changed))
    assert {name for name in sent if name != "inner"} == changed
    stated = {
        name: encode(INFO.child(name), spec[name]) for name in changed if not isinstance(spec[name], (dict, list))
    }
    assert {name: sent[name] for name in stated} == stated
