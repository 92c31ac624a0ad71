"""The requests that a plan shows: what will be sent, without anything hidden."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from core_builders import kind_of, live_of, thing
from core_estate import PROPERTIES, SPECS, WIRE
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.compare.diff import SENSITIVE
from reconciler.core.kinds.catalog import Kind
from reconciler.core.manifests.references import is_hidden_in
from reconciler.core.model import LiveObject, PlannedRequest
from reconciler.core.plan.preview import CARRIED, preview_requests
from reconciler.core.pointer import Path, get, parse_pointer
from reconciler.core.wire.requests import Subject, Writing, write_body, write_request

TEXT = {"type": "string"}
SECRET_TEXT = {"type": "string", "x-sensitive": True}
SECRET = "fake-token-not-real"


def preview(
    kind: Kind,
    spec: dict[str, Any],
    live: LiveObject | None = None,
    changed: set[str] | None = None,
    hidden: frozenset[Path] = frozenset(),
) -> tuple[PlannedRequest, ...]:
    writing = Writing(
        subject=Subject(spec=spec, id=None if live is None else live.id, live=live),
        changed=frozenset(spec if changed is None else changed),
        creating=live is None,
    )
    return preview_requests(kind, writing, lambda path: kind.fields.hides(path) or is_hidden_in(hidden, path))


def only(requests: tuple[PlannedRequest, ...]) -> PlannedRequest:
    assert len(requests) == 1
    return requests[0]


def test_a_create() -> None:
    request = only(preview(thing({"name": TEXT, "token": SECRET_TEXT}), {"name": "n", "token": SECRET}))
    assert request == PlannedRequest(
        method="POST", path="/things", body={"name": "n", "token": SENSITIVE}, has_body=True
    )


def test_an_update_and_no_request_where_nothing_changed() -> None:
    kind = thing({"name": TEXT, "a": TEXT})
    live = live_of(kind, {"name": "n", "a": "old"})
    request = only(preview(kind, {"name": "n", "a": "new"}, live, {"a"}))
    assert (request.method, request.path, request.body) == ("PATCH", "/things/t-1", {"a": "new"})
    assert preview(kind, {"name": "n"}, live, set()) == ()


def test_every_call_of_an_update_that_has_something_to_say() -> None:
    calls = [
        {"method": "PATCH", "path": "/things/{id}"},
        {"method": "PUT", "path": "/things/{id}/b", "fields": ["b"], "send": "changed"},
        {"method": "PUT", "path": "/things/{id}/c", "fields": ["c"], "send": "changed"},
    ]
    kind = kind_of({"properties": {"name": TEXT, "b": TEXT, "c": TEXT}, "write": {"update": calls}})
    found = preview(kind, {"name": "m", "b": "1", "c": "2"}, live_of(kind, {}), {"name", "c"})
    assert [(r.path, r.body) for r in found] == [("/things/t-1", {"name": "m"}), ("/things/t-1/c", {"c": "2"})]


@pytest.mark.parametrize(
    ("spec", "follows"),
    [
        pytest.param({"name": "n", "later": "x"}, True, id="stated"),
        pytest.param({"name": "n", "later": "usual"}, False, id="stated-as-the-default"),
        pytest.param({"name": "n"}, False, id="not-stated"),
    ],
)
def test_what_a_create_cannot_set_follows_in_an_update(spec: Any, follows: bool) -> None:
    kind = thing({"name": TEXT, "later": {**TEXT, "x-updateOnly": True, "default": "usual"}})
    first, *rest = preview(kind, spec)
    assert first.body == {"name": "n"}
    assert [(r.path, r.body, bool(r.only_if)) for r in rest] == (
        [("/things/{id}", {"later": "x"}, True)] if follows else []
    )


def test_what_is_not_known_yet_is_spelled_out_in_the_path() -> None:
    kind = thing({"name": TEXT, "pool": TEXT}, create={"path": "/pools/{spec.pool}/things/{spec.name}"})
    shown = only(preview(kind, {"name": "a b", "pool": "${ref:Pool/blue}"})).path
    assert shown == "/pools/${ref:Pool/blue}/things/a%20b"
    assert only(preview(kind, {"pool": "p"})).path == "/pools/p/things/{spec.name}"


def test_a_path_is_shown_encoded_with_its_query() -> None:
    call = {"path": "/things/{id}/{+spec.folder}", "query": {"by": "{spec.name}", "not": "{spec.none}", "all": True}}
    kind = thing({"name": TEXT, "folder": TEXT, "none": TEXT}, call)
    spec = {"name": "ä/b?", "folder": "x y/z"}
    live = live_of(kind, {"id": "t 1", "name": "n"})
    writing = Writing(
        subject=Subject(spec=spec, id=live.id, live=live), changed=frozenset({"name", "folder"}), creating=False
    )
    sent = write_request(kind, kind.definition.write.update[0], writing)
    assert sent is not None
    query = urlencode(sent.query, quote_via=quote)
    assert (
        only(preview(kind, spec, live)).path
        == f"{sent.path}?{query}"
        == "/things/t%201/x%20y/z?by=%C3%A4%2Fb%3F&all=true"
    )


def test_a_set_is_sent_and_shown_without_repetitions() -> None:
    texts = {"type": "array", "x-list": "set", "items": {**TEXT, "x-form": "lower"}}
    objects = {"type": "array", "x-list": "set", "x-key": ["sku"], "items": {"properties": {"sku": TEXT}}}
    kind = thing({"name": TEXT, "tags": texts, "parts": objects, "rows": {"type": "array", "items": TEXT}})
    spec = {"tags": ["b", "a", "B", "a"], "parts": [{"sku": "x"}, {"sku": "x"}], "rows": ["r", "r"]}
    for live in (None, live_of(kind, {"tags": ["c"], "parts": [{"sku": "x", "n": 1}], "rows": ["s"]})):
        shown = only(preview(kind, spec, live)).body
        assert shown["tags"] == ["b", "a"]
        assert [part["sku"] for part in shown["parts"]] == ["x"]
        assert shown["rows"] == ["r", "r"]


@pytest.mark.parametrize("pointer", ["/version", "/meta/version"])
def test_the_version_that_guards_an_update_is_shown(pointer: str) -> None:
    kind = thing({"name": TEXT, "a": TEXT}, guard={"version": pointer})
    live = live_of(kind, {"version": 7, "meta": {"version": 7}, "a": "old"})
    body = only(preview(kind, {"a": "new"}, live)).body
    assert get(body, parse_pointer(pointer)) == CARRIED


def test_fields_of_the_path_are_not_in_the_body_unless_a_template_says_so() -> None:
    create = {"path": "/things/{spec.name}", "body": {"title": "{spec.name}"}}
    request = only(preview(thing({"name": TEXT, "a": TEXT}, create=create), {"name": "n", "a": "1"}))
    assert request.body == {"title": "n", "a": "1"}


def test_what_is_carried_is_named_and_not_shown() -> None:
    properties = {
        "name": TEXT,
        "known": TEXT,
        "deep": {"type": "object", "properties": {"a": TEXT}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"a": TEXT}}},
        "map": {"type": "object", "additionalProperties": TEXT},
    }
    kind = thing(properties, {"method": "PUT"})
    item = {"a": "1", "x": SECRET}
    live = live_of(kind, {"name": "n", "known": "k", "deep": item, "l": [item], "map": {"m": "1"}, "x": {"y": SECRET}})
    carried = {"a": "1", "x": CARRIED}
    assert only(preview(kind, {"name": "m"}, live)).body == {
        "id": CARRIED,
        "name": "m",
        "known": "k",
        "deep": carried,
        "l": [carried],
        "map": {"m": "1"},
        "x": CARRIED,
    }


# --------------------------------------------------------------------------- nothing hidden is shown

PLACES: dict[str, Any] = {
    "name": TEXT,
    "token": SECRET_TEXT,
    "form": {**SECRET_TEXT, "x-form": "base64-text"},
    "map": {"type": "object", "additionalProperties": SECRET_TEXT},
    "deep": {"type": "object", "properties": {"token": SECRET_TEXT, "a": TEXT}},
    "l": {
        "type": "array",
        "x-key": ["a"],
        "items": {"type": "object", "properties": {"a": TEXT, "token": SECRET_TEXT}},
    },
    "whole": {"type": "object", "x-sensitive": True, "properties": {"a": TEXT}},
    "plain": TEXT,
}
STATED: dict[str, Any] = {
    "name": "n",
    "token": SECRET,
    "form": SECRET,
    "map": {"k": SECRET},
    "deep": {"token": SECRET, "a": "1"},
    "l": [{"a": "k", "token": SECRET}],
    "whole": {"a": SECRET},
    "plain": SECRET,
}
FROM_OUTSIDE = frozenset({("plain",)})
TEMPLATES = {
    "path": "/things/{id}/{spec.token}/{live.token}/{live.plain}/{live.unknown}",
    "body": {"t": "{spec.plain}", "u": "x{live.token}", "v": "{live.deep}", "w": "{live.plain}", "y": "{live.unknown}"},
}


@pytest.mark.parametrize("mode", ["stated", "changed", "full", "mergePatch", "jsonPatch"])
@pytest.mark.parametrize("call", [{}, TEMPLATES], ids=["plain", "templates"])
@pytest.mark.parametrize("in_live", [True, False], ids=["in-live", "not-in-live"])
def test_no_secret_is_shown(mode: str, call: Any, in_live: bool) -> None:
    if mode == "jsonPatch" and call:
        call = {"path": TEMPLATES["path"]}
    kind = thing(PLACES, {"send": mode, **call})
    body = {**STATED, "unknown": SECRET} if in_live else {}
    shown = repr(preview(kind, STATED, live_of(kind, body), hidden=FROM_OUTSIDE))
    assert SECRET not in shown
    assert "ZmFrZS10b2tlbi1ub3QtcmVhb" not in shown  # the same in base64
    assert SENSITIVE in shown


def test_no_secret_of_a_create_is_shown() -> None:
    kind = thing(PLACES, create={"path": "/{spec.token}/{spec.plain}", "body": {"x": "{spec.token}{spec.plain}"}})
    shown = repr(preview(kind, STATED, hidden=FROM_OUTSIDE))
    assert SECRET not in shown


def test_a_stand_in_is_not_taken_for_a_value_to_encode() -> None:
    kind = thing(
        {"name": TEXT, "one": {**SECRET_TEXT, "x-form": "base64-text"}, "two": {**SECRET_TEXT, "x-form": "upper"}}
    )
    assert only(preview(kind, {"one": SECRET, "two": SECRET})).body == {"one": SENSITIVE, "two": SENSITIVE}


# --------------------------------------------------------------------------- laws

BY_MODE = {mode: thing(PROPERTIES, {"send": mode}) for mode in ("stated", "changed", "full", "mergePatch", "jsonPatch")}


@pytest.mark.parametrize("mode", list(BY_MODE))
@given(spec=SPECS.filter(bool), body=WIRE, data=st.data())
def test_what_is_shown_is_what_is_sent(mode: str, spec: Any, body: Any, data: st.DataObject) -> None:
    kind = BY_MODE[mode]
    live = live_of(kind, {key: value for key, value in body.items() if key not in ("extra", "id")})
    changed = data.draw(st.sets(st.sampled_from(sorted(spec)), min_size=1))
    writing = Writing(subject=Subject(spec=spec, id=live.id, live=live), changed=frozenset(changed), creating=False)
    sent = write_body(kind, kind.definition.write.update[0], writing)
    assert without_carried(only(preview(kind, spec, live, changed)).body) == without_unknown(sent)


def without_carried(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_carried(item) for key, item in value.items() if item != CARRIED}
    return [without_carried(item) for item in value] if isinstance(value, list) else value


def without_unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_unknown(item) for key, item in value.items() if key not in ("extra", "id")}
    return [without_unknown(item) for item in value] if isinstance(value, list) else value
