"""One schema with every sort of field, and strategies for its specs and for what a server may answer."""

from __future__ import annotations

from typing import Any

from core_builders import fields_of
from hypothesis import strategies as st

PROPERTIES: dict[str, Any] = {
    "title": {"type": "string", "x-name": "display_title"},
    "count": {"type": "integer", "x-form": "int64", "default": 3},
    "flag": {"type": "boolean", "x-absent": True},
    "wait": {"type": "string", "x-form": "duration"},
    "note": {"type": "string", "x-form": "base64-text"},
    "deep": {"type": "string", "x-name": "/inner/deep"},
    "settings": {
        "type": "object",
        "properties": {
            "level": {"type": "integer", "x-name": "lvl"},
            "mode": {"type": "string", "x-form": "lower"},
            "more": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
        },
    },
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "limits": {"type": "object", "additionalProperties": {"type": "integer", "x-form": "int64"}, "x-map": "keys"},
    "tags": {"type": "array", "items": {"type": "string", "x-form": "lower"}, "x-list": "set"},
    "steps": {
        "type": "array",
        "x-key": ["name"],
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "x-name": "step_name"},
                "rank": {"type": "integer", "x-form": "int64"},
                "options": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
            },
        },
    },
    "rules": {
        "type": "array",
        "x-list": "set",
        "x-key": ["code", "zone"],
        "items": {
            "type": "object",
            "properties": {
                "code": {"type": "integer", "x-form": "int64"},
                "zone": {"type": "string"},
                "note": {"type": "string", "x-form": "base64-text"},
            },
        },
    },
    "path": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer", "x-name": "ex"}}}},
}
INFO = fields_of(PROPERTIES)

_WORD = st.text("abAB=é", max_size=4)
_NAME = st.sampled_from(["n1", "n2", "n3", "n4"])
_NUMBER = st.integers(min_value=-2, max_value=2**40)
_PAIR = st.fixed_dictionaries({}, optional={"a": _NUMBER, "b": _NUMBER})


def _distinct(items: st.SearchStrategy[Any], *names: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=4, unique_by=lambda item: tuple(str(item.get(name)) for name in names))


SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "title": _WORD | st.none(),
        "count": _NUMBER | st.none(),
        "flag": st.booleans(),
        "wait": st.sampled_from(["1m", "60s", "0", "1h0m", "500ms"]),
        "note": _WORD,
        "deep": _WORD,
        "settings": st.fixed_dictionaries({}, optional={"level": _NUMBER, "mode": _WORD | st.none(), "more": _PAIR}),
        "labels": st.dictionaries(_WORD, _WORD, max_size=3),
        "limits": st.dictionaries(_NAME, _NUMBER | st.none(), max_size=3),
        "tags": st.lists(_WORD, max_size=4),
        "steps": _distinct(
            st.fixed_dictionaries({"name": _NAME}, optional={"rank": _NUMBER, "options": _PAIR}), "name"
        ),
        "rules": _distinct(
            st.fixed_dictionaries({"code": st.integers(0, 2), "zone": _NAME}, optional={"note": _WORD}), "code", "zone"
        ),
        "path": st.lists(st.fixed_dictionaries({}, optional={"x": _NUMBER}), max_size=3),
    },
)
"""What a manifest may state."""

_EXTRA = st.integers(0, 3)
_BASE64 = st.sampled_from(["", "YWI=", "YWI", "w6k="])
_WIRE_PAIR = st.fixed_dictionaries({}, optional={"a": _NUMBER, "b": _NUMBER, "extra": _EXTRA})

WIRE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"id": st.just("t-1")},
    optional={
        "display_title": _WORD | st.none(),
        "count": _NUMBER.map(str),
        "flag": st.booleans(),
        "wait": st.sampled_from(["60s", "1m0s", "0s", "3600s", "0.5s"]),
        "note": _BASE64,
        "inner": st.fixed_dictionaries({}, optional={"deep": _WORD, "extra": _EXTRA}),
        "settings": st.fixed_dictionaries(
            {}, optional={"lvl": _NUMBER, "mode": _WORD, "more": _WIRE_PAIR, "extra": _EXTRA}
        ),
        "labels": st.dictionaries(_WORD, _WORD, max_size=3),
        "limits": st.dictionaries(_NAME, _NUMBER.map(str), max_size=3),
        "tags": st.lists(_WORD, max_size=4, unique=True),
        "steps": _distinct(
            st.fixed_dictionaries(
                {"step_name": _NAME}, optional={"rank": _NUMBER.map(str), "options": _WIRE_PAIR, "extra": _EXTRA}
            ),
            "step_name",
        ),
        "rules": _distinct(
            st.fixed_dictionaries(
                {"code": st.integers(0, 2).map(str), "zone": _NAME}, optional={"note": _BASE64, "extra": _EXTRA}
            ),
            "code",
            "zone",
        ),
        "path": st.lists(st.fixed_dictionaries({}, optional={"ex": _NUMBER, "extra": _EXTRA}), max_size=3),
        "extra": _EXTRA,
    },
)
"""What a server may answer, with members that the schema does not know."""

FREE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value."""
