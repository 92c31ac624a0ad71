"""Why a field is not what was asked for, and that the line which is named for it does describe it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import pytest
from core_builders import PLACE, live_of, thing
from ruamel.yaml import YAML

from reconciler.core.address import Address
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import JsonObject, Resource
from reconciler.core.plan.considered import Considered
from reconciler.core.plan.leftovers import find_leftovers
from reconciler.core.pointer import MISSING
from reconciler.core.report import Leftover, LeftoverCause

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
TEXTS = {"type": "array", "items": {"type": "string"}}
PARTS = {"type": "array", "items": {"type": "object", "properties": {"sku": TEXT, "count": NUMBER}}}
A, B = {"sku": "a", "count": 1}, {"sku": "b", "count": 2}
UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def considered(kind: Kind, spec: JsonObject) -> Considered:
    resource = Resource(
        address=Address("shop", "Thing", "x"), spec=spec, source=PLACE, locate=lambda path, key=False: PLACE
    )
    return Considered(resource=resource, kind=kind, spec=spec, unknown=frozenset(), hidden=frozenset())


def leftovers(properties: JsonObject, spec: JsonObject, answer: JsonObject, before: Any = None) -> list[Leftover]:
    kind = thing({"name": TEXT, **properties})
    earlier = None if before is None else live_of(kind, {"name": "x", **before})
    mine = considered(kind, {"name": "x", **spec})
    return list(find_leftovers(mine, live_of(kind, {"name": "x", **answer}), earlier))


def only(properties: JsonObject, spec: JsonObject, answer: JsonObject, before: Any = None) -> Leftover:
    (found,) = leftovers(properties, spec, answer, before)
    return found


def described(properties: JsonObject, found: Leftover) -> JsonObject:
    """Return the properties with the line put where the finding says that it belongs."""
    changed = copy.deepcopy(properties)
    holder: Any = {"schema": {"properties": changed}}
    for step in found.place.split("."):
        holder = holder[step]
    holder.update(YAML(typ="safe").load(found.line))
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a server treats a field: it was asked for `wanted` and shows `held`."""

    schema: JsonObject
    wanted: Any
    held: Any  # MISSING: the answer has no such field
    cause: LeftoverCause
    line: str
    place: str = "schema.properties.f"
    path: tuple[str | int, ...] = ("f",)
    beside: JsonObject | None = None  # what else the answer holds

    @property
    def answer(self) -> JsonObject:
        return {**({} if self.held is MISSING else {"f": self.held}), **(self.beside or {})}


def way(id_: str, schema: JsonObject, wanted: Any, held: Any, cause: LeftoverCause, line: str, **more: Any) -> Any:
    return pytest.param(
        Way(schema=schema, wanted=wanted, held=held, cause=cause, line=line, **more), id=id_.replace(" ", "-")
    )


DESCRIBED = [
    way("reordered", TEXTS, ["b", "a"], ["a", "b"], LeftoverCause.ORDER, "x-list: set"),
    way("repetitions removed", TEXTS, ["b", "a", "b"], ["a", "b"], LeftoverCause.ORDER, "x-list: set"),
    way("objects reordered", PARTS, [B, A], [A, B], LeftoverCause.ORDER, "x-list: set"),
    way(
        "ids added to the items of a set",
        {**PARTS, "x-list": "set"},
        [A, B],
        [{**B, "id": 2}, {**A, "id": 1}],
        LeftoverCause.MEMBERS,
        "x-key: [sku]",
    ),
    way(
        "labels of others",
        {"type": "object", "additionalProperties": TEXT},
        {"a": "1"},
        {"a": "1", "theirs": "2"},
        LeftoverCause.MEMBERS,
        "x-map: keys",
        path=("f", "theirs"),
    ),
    way("lower case", TEXT, "Blue", "blue", LeftoverCause.CASE, "x-form: lower"),
    way("upper case", TEXT, "Blue", "BLUE", LeftoverCause.CASE, "x-form: upper"),
    way("another case", TEXT, "blue sky", "Blue Sky", LeftoverCause.CASE, "x-form: case-insensitive"),
    way("trimmed", TEXT, " a b ", "a b", LeftoverCause.BLANKS, "x-form: trim"),
    way("trimmed and lower", TEXT, " A ", "a", LeftoverCause.CASE, "x-form: [trim, lower]"),
    way("a form more", {**TEXT, "x-form": "trim"}, "A", "a", LeftoverCause.CASE, "x-form: [trim, lower]"),
    way("number as text", NUMBER, 5, "5", LeftoverCause.NUMBER, "x-form: number"),
    way("decimal as text", {"type": "number"}, 10.5, "10.50", LeftoverCause.NUMBER, "x-form: number"),
    way("zone", TEXT, "2030-01-01T00:00:00+02:00", "2029-12-31T22:00:00.000Z", LeftoverCause.TIME, "x-form: timestamp"),
    way("duration", TEXT, "90s", "1m30s", LeftoverCause.TIME, "x-form: duration"),
    way("slash added to a url", TEXT, "https://e.com", "https://e.com/", LeftoverCause.URL, "x-form: url"),
    way("default port of a url", TEXT, "https://E.com:443/a", "https://e.com/a", LeftoverCause.URL, "x-form: url"),
    way("uuid as bytes", TEXT, UUID, "jgOXjkDVQ928k2iUpX+TJA==", LeftoverCause.ENCODING, "x-form: uuid-base64"),
    way("base64 unpadded", TEXT, "YWI=", "YWI", LeftoverCause.ENCODING, "x-form: base64"),
    way("text as base64", TEXT, "ab c", "YWIgYw==", LeftoverCause.ENCODING, "x-form: base64-text"),
    way(
        "items of a list in lower case",
        TEXTS,
        ["A", "b"],
        ["a", "b"],
        LeftoverCause.CASE,
        "x-form: lower",
        place="schema.properties.f.items",
    ),
    way("zero left out", NUMBER, 0, MISSING, LeftoverCause.ZERO, "x-absent: 0"),
    way("false as null", {"type": "boolean"}, False, None, LeftoverCause.ZERO, "x-absent: false"),
    way("default left out", {**NUMBER, "default": 30}, 30, MISSING, LeftoverCause.DEFAULT, "x-absent: 30"),
    way("null becomes the default", {"type": ["integer", "null"]}, None, 60, LeftoverCause.DEFAULT, "x-absent: 60"),
    way("not shown", TEXT, "s", MISSING, LeftoverCause.WRITE_ONLY, "writeOnly: true"),
    way("stars", TEXT, "s3cr", "********", LeftoverCause.MASKED, 'x-mask: "\\\\*+"'),
    way("stars but for the end", TEXT, "abcd1234", "****1234", LeftoverCause.MASKED, 'x-mask: ".*\\\\*{3,}.*"'),
    way(
        "called otherwise",
        {**NUMBER, "x-request": "shelf_life"},
        5,
        MISSING,
        LeftoverCause.SPELLING,
        "x-name: shelf_life",
        beside={"shelf_life": 5},
    ),
]


@pytest.mark.parametrize("case", [w for w in DESCRIBED if w.id != "called-otherwise"])
def test_the_line_names_the_way_and_describes_it(case: Way) -> None:
    found = only({"f": case.schema}, {"f": case.wanted}, case.answer)
    assert (found.cause, found.line, found.place, found.path) == (case.cause, case.line, case.place, case.path)
    assert leftovers(described({"f": case.schema}, found), {"f": case.wanted}, case.answer) == []


def test_a_field_that_the_answer_calls_otherwise() -> None:
    found = only({"shelfLife": NUMBER}, {"shelfLife": 5}, {"shelf_life": 5})
    assert (found.cause, found.line) == (LeftoverCause.SPELLING, "x-name: shelf_life")
    assert leftovers(described({"shelfLife": NUMBER}, found), {"shelfLife": 5}, {"shelf_life": 5}) == []


@pytest.mark.parametrize(
    ("schema", "wanted", "before", "held", "cause", "line"),
    [
        pytest.param(NUMBER, 30, 10, 10, LeftoverCause.IGNORED, "x-immutable: true", id="as-it-was"),
        pytest.param(TEXT, "new", "old", "old", LeftoverCause.IGNORED, "x-immutable: true", id="text-as-it-was"),
        pytest.param(NUMBER, 500, 10, 100, LeftoverCause.LIMIT, "maximum: 100", id="cut-to-a-maximum"),
        pytest.param(NUMBER, 1, 10, 5, LeftoverCause.LIMIT, "minimum: 5", id="raised-to-a-minimum"),
        pytest.param({"type": "number"}, 1.25, 3, 1.3, LeftoverCause.NUMBER, "", id="rounded"),
        pytest.param(TEXT, "abcdef", "z", "abc", LeftoverCause.LIMIT, "maxLength: 3", id="cut"),
        pytest.param({**NUMBER, "default": 60}, 5, 10, 60, LeftoverCause.DEFAULT, "", id="reset-to-the-default"),
        pytest.param(TEXT, "a", "b", "c", LeftoverCause.CHANGED, "", id="something-else"),
        pytest.param(TEXT, "Blue", "blue", "blue", LeftoverCause.CASE, "x-form: lower", id="a-form-before-ignored"),
        pytest.param({"type": ["string", "null"]}, None, "x", "x", LeftoverCause.IGNORED, "", id="not-cleared"),
    ],
)
def test_after_an_update(
    schema: JsonObject, wanted: Any, before: Any, held: Any, cause: LeftoverCause, line: str
) -> None:
    found = only({"f": schema}, {"f": wanted}, {"f": held}, {"f": before})
    assert (found.cause, found.line) == (cause, line)


@pytest.mark.parametrize(
    ("schema", "wanted", "held"),
    [
        pytest.param({**NUMBER, "default": 60}, 30, 60, id="default"),
        pytest.param({"type": "boolean"}, True, False, id="false"),
    ],
)
def test_a_create_that_ignores_a_field_may_leave_it_to_an_update(schema: JsonObject, wanted: Any, held: Any) -> None:
    found = only({"f": schema}, {"f": wanted}, {"f": held})
    assert (found.cause, found.line) == (LeftoverCause.IGNORED, "x-updateOnly: true")


def test_fields_inside_others_have_their_place() -> None:
    nested = {"type": "object", "properties": {"inner": {"type": "array", "items": {"properties": {"x": TEXT}}}}}
    found = only({"f": nested}, {"f": {"inner": [{"x": "A"}]}}, {"f": {"inner": [{"x": "a"}]}})
    assert found.place == "schema.properties.f.properties.inner.items.properties.x"
    assert found.path == ("f", "inner", 0, "x")
    assert found.source == PLACE


def test_each_field_is_told_about_once() -> None:
    found = leftovers({"f": PARTS, "g": TEXT}, {"f": [B, A], "g": "G"}, {"f": [A, B], "g": "g"})
    assert [(one.path, one.cause) for one in found] == [(("f",), LeftoverCause.ORDER), (("g",), LeftoverCause.CASE)]


def test_no_secret_stands_in_what_is_found() -> None:
    secret = {"type": "string", "x-sensitive": True}
    for held in ("fake-other-secret", "FAKE-SECRET-VALUE", "fake-s", "****alue", None):
        for found in leftovers({"f": secret}, {"f": "fake-secret-value"}, {"f": held}):
            assert found.sensitive
            assert "fake" not in repr(found).lower()
            assert "alue" not in repr(found).replace("value", "")


def test_no_secret_stands_in_the_line_either() -> None:
    pin = {"type": ["integer", "null"], "x-sensitive": True}
    assert only({"f": pin}, {"f": None}, {"f": 4711}).line == ""
    assert only({"f": pin}, {"f": 9999}, {"f": 4711}, {"f": 1}).line == ""


def test_what_is_kept_is_not_told_about() -> None:
    assert leftovers({"f": TEXTS}, {"f": ["a"]}, {"f": ["a"], "more": 1}) == []
