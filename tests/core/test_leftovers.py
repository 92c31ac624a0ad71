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


# --------------------------------------------------------------------------- pairs: wanted, kept, cause, line

MAP = {"type": "object", "additionalProperties": TEXT}
KEYED = {**PARTS, "x-list": "set", "x-key": ["sku"]}
WHOLE = {"type": "object", "x-map": "whole", "properties": {"a": TEXT, "b": TEXT}}
ADDRESSES = {"type": "array", "x-list": "set", "items": TEXT}
BCRYPT = "$2b$12$" + "a" * 53
SHA256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"
MD5, SHA1 = "5ebe2294ecd0e0f08eab7690d2a6ee69", "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"
C = LeftoverCause
NONE = object()  # nothing was there before

# Schema, wanted, before, kept, cause, line ("" where none would end the difference), place below that of
# the field (None: not looked at).
PAIRS: tuple[tuple[Any, Any, Any, Any, LeftoverCause, str, str | None], ...] = (
    (TEXT, "s3cret", NONE, "******", C.MASKED, r'x-mask: "\\*+"', ""),
    (TEXT, "s3cret", NONE, "••••••", C.MASKED, 'x-mask: "•+"', ""),
    (TEXT, "s3cret-key", NONE, "xxxxxxx", C.MASKED, 'x-mask: "x+"', ""),
    (TEXT, "abcd1234", NONE, "ab****34", C.MASKED, r'x-mask: ".*\\*{3,}.*"', ""),
    (TEXT, "s***t", NONE, "s***", C.LIMIT, "", ""),
    (TEXT, "secret", NONE, BCRYPT, C.HASHED, r'x-mask: "\\$2[abxy]?\\$.{56}"', ""),
    (TEXT, "secret", NONE, SHA256, C.HASHED, 'x-mask: "[0-9a-fA-F]{64}"', ""),
    (TEXT, "secret", NONE, MD5.upper(), C.HASHED, 'x-mask: "[0-9a-fA-F]{32}"', ""),
    (TEXT, "secret", NONE, SHA1, C.HASHED, 'x-mask: "[0-9a-fA-F]{40}"', ""),
    (TEXT, "secret", NONE, "{SSHA}abcdef", C.HASHED, r'x-mask: "\\{S?(SHA|MD5)\\d*\\}.+"', ""),
    (TEXT, "other", NONE, SHA256, C.CHANGED, "", ""),
    (TEXT, " a ", NONE, "a", C.BLANKS, "x-form: trim", ""),
    (TEXT, "a\n", "b", "a", C.BLANKS, "x-form: trim", ""),
    (TEXT, "Blue", NONE, "blue", C.CASE, "x-form: lower", ""),
    (TEXT, "Blue", "red", "BLUE", C.CASE, "x-form: upper", ""),
    (TEXT, "blue sky", NONE, "Blue Sky", C.CASE, "x-form: case-insensitive", ""),
    (TEXT, " Ab ", NONE, "ab", C.CASE, "x-form: [trim, lower]", ""),
    ({**TEXT, "x-form": "trim"}, "A", NONE, "a", C.CASE, "x-form: [trim, lower]", ""),
    (TEXT, "e\u0301", NONE, "\u00e9", C.COMPOSED, "x-form: nfc", ""),
    (TEXT, "e\u0301", "\u00e9", "\u00e9", C.COMPOSED, "x-form: nfc", ""),
    (NUMBER, 5, NONE, "5", C.NUMBER, "x-form: number", ""),
    ({"type": "number"}, 10.5, NONE, "10.50", C.NUMBER, "x-form: number", ""),
    (TEXT, "10", NONE, 10, C.NUMBER, "x-form: number", ""),
    ({"type": "number"}, 1.25, 3, 1.3, C.NUMBER, "", ""),
    (TEXT, "10.0.0.5/8", NONE, "10.0.0.0/8", C.NETWORK, "", ""),
    (TEXT, "10.0.0.5/8", "10.0.0.0/8", "10.0.0.0/8", C.NETWORK, "", ""),
    (TEXT, "2001:DB8::1", NONE, "2001:db8::1", C.CASE, "x-form: lower", ""),
    (TEXT, "2001:db8:0:0:0:0:0:1", NONE, "2001:db8::1", C.NETWORK, "", ""),
    (TEXT, "10.0.0.1", NONE, "10.0.0.1/32", C.NETWORK, "", ""),
    (TEXT, "90s", NONE, "1m30s", C.TIME, "x-form: duration", ""),
    (TEXT, "2030-01-01T00:00:00+02:00", NONE, "2029-12-31T22:00:00Z", C.TIME, "x-form: timestamp", ""),
    (TEXT, "https://e.com", NONE, "https://e.com/", C.URL, "x-form: url", ""),
    (TEXT, UUID, NONE, "jgOXjkDVQ928k2iUpX+TJA==", C.ENCODING, "x-form: uuid-base64", ""),
    (TEXT, "ab c", NONE, "YWIgYw==", C.ENCODING, "x-form: base64-text", ""),
    (TEXTS, ["b", "a"], NONE, ["a", "b"], C.ORDER, "x-list: set", ""),
    (TEXTS, ["b", "a", "b"], ["x"], ["a", "b"], C.ORDER, "x-list: set", ""),
    (PARTS, [B, A], NONE, [A, B], C.ORDER, "x-list: set", ""),
    (TEXTS, ["A", "b"], NONE, ["a", "b"], C.CASE, "x-form: lower", ".items"),
    (ADDRESSES, ["B", "a"], NONE, ["a", "b"], C.CASE, "x-form: lower", ".items"),
    (ADDRESSES, [" b", "c "], NONE, ["c", "b"], C.BLANKS, "x-form: trim", ".items"),
    (ADDRESSES, ["10.0.0.5/8"], NONE, ["10.0.0.0/8"], C.CHANGED, "", ""),
    (ADDRESSES, ["a", "b"], NONE, ["a"], C.REMOVED, "", ""),
    (ADDRESSES, ["a"], NONE, ["a", "b"], C.MEMBERS, "", ""),
    (TEXTS, ["a", "b"], NONE, ["a"], C.REMOVED, "", ""),
    ({**PARTS, "x-list": "set"}, [A, B], NONE, [{**B, "id": 2}, {**A, "id": 1}], C.MEMBERS, "x-key: [sku]", ""),
    (
        KEYED,
        [{"sku": "A", "count": 1}],
        NONE,
        [{"sku": "a", "count": 1}],
        C.CASE,
        "x-form: lower",
        ".items.properties.sku",
    ),
    (KEYED, [{"sku": "A", "count": 1}], [A], [A], C.CASE, "x-form: lower", ".items.properties.sku"),
    (KEYED, [{"sku": " a"}, B], NONE, [A, B], C.BLANKS, "x-form: trim", ".items.properties.sku"),
    (KEYED, [{"sku": "a", "count": 5}], NONE, [{"sku": "a", "count": "5"}], C.NUMBER, "x-form: number", None),
    (KEYED, [A, B], NONE, [A], C.REMOVED, "", None),
    (KEYED, [A], NONE, [A, B], C.MEMBERS, "", None),
    (KEYED, [A], [A, B], [A, B], C.MEMBERS, "", None),
    (MAP, {"a": "1"}, NONE, {"a": "1", "z": "2"}, C.MEMBERS, "x-map: keys", ""),
    (MAP, {"a": "1"}, {"a": "1", "z": "2"}, {"a": "1", "z": "2"}, C.IGNORED, "", None),
    (MAP, {"a": "1", "b": "2"}, NONE, {"a": "1"}, C.REMOVED, "", None),
    (MAP, {"a": "X"}, NONE, {"a": "x"}, C.CASE, "x-form: lower", ".additionalProperties"),
    ({"type": "array", "items": MAP}, [{"a": "1"}], NONE, [{"a": "1", "z": "2"}], C.MEMBERS, "x-map: keys", ".items"),
    (WHOLE, {"a": "1"}, NONE, {"a": "1", "b": "2"}, C.MEMBERS, "readOnly: true", ".properties.b"),
    ({**NUMBER, "default": 60}, 5, 10, 60, C.DEFAULT, "", ""),
    (NUMBER, 5, 10, 0, C.DEFAULT, "", ""),
    (NUMBER, 1, 10, 60, C.CHANGED, "", ""),
    (NUMBER, 500, 10, 100, C.LIMIT, "", ""),
    (NUMBER, 1, 10, 5, C.LIMIT, "", ""),
    (TEXT, "abcdef", "z", "abc", C.LIMIT, "", ""),
    (NUMBER, 30, 10, 10, C.IGNORED, "", ""),
    (TEXT, "new", "old", "old", C.IGNORED, "", ""),
    ({"type": "boolean"}, True, NONE, False, C.IGNORED, "", ""),
    ({"type": ["string", "null"]}, None, "x", "x", C.IGNORED, "", ""),
    ({"type": ["integer", "null"]}, None, NONE, 60, C.DEFAULT, "x-absent: 60", ""),
    (NUMBER, 0, NONE, MISSING, C.ZERO, "x-absent: 0", ""),
    ({"type": "boolean"}, False, NONE, None, C.ZERO, "x-absent: false", ""),
    ({**NUMBER, "default": 30}, 30, NONE, MISSING, C.DEFAULT, "x-absent: 30", ""),
    (TEXT, "s", NONE, MISSING, C.WRITE_ONLY, "writeOnly: true", ""),
    (TEXT, "s", "t", MISSING, C.CHANGED, "", ""),
    (TEXT, "a", "b", "c", C.CHANGED, "", ""),
)


@pytest.mark.parametrize("pair", PAIRS, ids=[f"{p[4].name}-{p[1]}-{p[3]}" for p in PAIRS])
def test_the_cause_is_what_the_answers_show_and_a_line_ends_the_difference(pair: Any) -> None:
    schema, wanted, before, kept, cause, line, below = pair
    held = {} if kept is MISSING else {"f": kept}
    found = only({"f": schema}, {"f": wanted}, held, None if before is NONE else {"f": before})
    assert (found.cause, found.line) == (cause, line)
    if line:
        if below is not None:
            assert found.place == "schema.properties.f" + below
        assert leftovers(described({"f": schema}, found), {"f": wanted}, held) == []


def test_there_are_enough_pairs() -> None:
    assert len(PAIRS) >= 60
    assert len({pair[4] for pair in PAIRS}) >= 18


def test_a_field_that_a_later_call_wrote_over() -> None:
    kind = thing({"name": TEXT, "f": TEXT})
    live = live_of(kind, {"name": "x", "f": "B"})
    (found,) = find_leftovers(considered(kind, {"name": "x", "f": "b"}), live, None, frozenset({"f"}))
    assert (found.cause, found.line) == (LeftoverCause.OTHER_CALL, "")


def test_a_line_that_the_checks_refuse_is_not_given() -> None:
    """The id of the object stands in its path: hiding it would break the kind."""
    kind = thing({"name": TEXT, "f": TEXT}, identity={"key": ["f"]})
    (found,) = find_leftovers(considered(kind, {"f": "s"}), live_of(kind, {"name": "x"}), None)
    assert (found.cause, found.line) == (LeftoverCause.WRITE_ONLY, "")


@pytest.mark.parametrize(
    ("schema", "wanted", "before", "held", "cause", "line"),
    [
        pytest.param(NUMBER, 30, 10, 10, LeftoverCause.IGNORED, "", id="as-it-was"),
        pytest.param(TEXT, "new", "old", "old", LeftoverCause.IGNORED, "", id="text-as-it-was"),
        pytest.param(NUMBER, 500, 10, 100, LeftoverCause.LIMIT, "", id="cut-to-a-maximum"),
        pytest.param(NUMBER, 1, 10, 5, LeftoverCause.LIMIT, "", id="raised-to-a-minimum"),
        pytest.param({"type": "number"}, 1.25, 3, 1.3, LeftoverCause.NUMBER, "", id="rounded"),
        pytest.param(TEXT, "abcdef", "z", "abc", LeftoverCause.LIMIT, "", id="cut"),
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
def test_a_create_that_ignores_a_field(schema: JsonObject, wanted: Any, held: Any) -> None:
    found = only({"f": schema}, {"f": wanted}, {"f": held})
    assert (found.cause, found.line) == (LeftoverCause.IGNORED, "")


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
