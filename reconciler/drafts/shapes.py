"""Schemas of OpenAPI, put together: references followed, `allOf` merged, null told apart, and written as JSON Schema.

Pure. Source: OpenAPI 3.0.3 "Schema Object" (a dialect of its own: `nullable`, boolean `exclusiveMinimum`), OpenAPI
3.1.0 (JSON Schema 2020-12).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from reconciler.core.kinds.noted import noted
from reconciler.core.model import Json, JsonObject
from reconciler.core.records import dataclass
from reconciler.drafts.names import looks_secret
from reconciler.drafts.source import Node

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean"})
_TEXTS = ("format", "pattern")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_FLAGS = ("uniqueItems", "deprecated")
_KEPT = (*_TEXTS, *_COUNTS, *_NUMBERS, *_FLAGS, "default")
_FORMS = {"date-time": "timestamp", "byte": "base64", "uuid": "case-insensitive"}
_DEEPEST = 8
_LONGEST_DESCRIPTION = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a schema says in all, one level of it: members and items are read when they are needed."""

    types: tuple[str, ...] = ()
    nullable: bool = False
    keywords: Mapping[str, Json] = field(default_factory=dict)
    enum: tuple[Json, ...] | None = None
    properties: Mapping[str, tuple[tuple[Node, ...], ...]] = field(default_factory=dict)  # by variant
    required: frozenset[str] = frozenset()
    items: Node | None = None
    values: Node | bool | None = None  # additionalProperties
    variants: tuple[Node, ...] = ()
    exclusive: bool = False  # the variants are oneOf, not anyOf
    read_only: bool = False
    write_only: bool = False
    recursive: str = ""  # the name of the schema that it is part of itself, and so not read again

    @property
    def is_object(self) -> bool:
        return bool(self.properties) or self.types == ("object",)

    def child(self, name: str) -> Shape | None:
        """Return the shape of the member `name`: of all variants that have one."""
        alternatives = self.properties.get(name)
        if alternatives is None:
            return None
        return loosened([read_shape(nodes) for nodes in alternatives])

    def item(self) -> Shape | None:
        return None if self.items is None else read_shape([self.items])


def read_shape(nodes: Iterable[Node]) -> Shape:
    """Return what all schemas at `nodes` say together."""
    recursive: list[str] = []
    parts = [part for node in nodes for part in _parts(node, recursive)]
    nulls, variants, exclusive = False, [], False
    for part in list(parts):
        for keyword in ("oneOf", "anyOf"):
            branches = part.listed(keyword)
            rest = [branch for branch in branches if not _is_null(branch)]
            nulls = nulls or len(rest) < len(branches)
            if len(rest) == 1:
                parts += _parts(rest[0], recursive)
            elif rest:
                variants, exclusive = rest, keyword == "oneOf"
    declared = _first(parts, "type")
    listed = [declared] if isinstance(declared, str) else declared if isinstance(declared, list) else []
    properties: dict[str, tuple[Node, ...]] = {}
    for part in parts:
        for name, node in part.children("properties").items():
            properties[name] = (*properties.get(name, ()), node)
    items = next((found for part in parts if (found := part.child("items")) is not None), None)
    types = tuple(t for t in listed if isinstance(t, str) and t in _TYPES)
    enum = _enum(parts)
    return Shape(
        types=types or (("object",) if properties else ("array",) if items is not None else ()),
        nullable=nulls or "null" in listed or any(part.members.get("nullable") is True for part in parts),
        keywords=_keywords(parts),
        enum=enum,
        properties={name: (found,) for name, found in properties.items()},
        required=frozenset(
            name for part in parts for name in _texts(part.members.get("required")) if name in properties
        ),
        items=items,
        values=_values(parts),
        variants=tuple(variants),
        exclusive=exclusive,
        read_only=any(part.members.get("readOnly") is True for part in parts),
        write_only=any(part.members.get("writeOnly") is True for part in parts),
        recursive=recursive[0] if recursive else "",
    )


def _parts(node: Node, recursive: list[str]) -> Iterator[Node]:
    """Yield the schemas that all hold at `node`, the outermost first."""
    yield node
    target = node.target()
    if target is None:
        recursive.append(str(node.members["$ref"]).rpartition("/")[2])
    elif target is not node:
        yield from _parts(target, recursive)
    for branch in node.listed("allOf"):
        # A variant that is built on the type whose variants are being read adds nothing to it by saying so.
        if branch.target() is not None:
            yield from _parts(branch, recursive)


def _is_null(branch: Node) -> bool:
    found = branch.members
    return found.get("type") in ("null", ["null"]) or found.get("enum") == [None] or found.get("const", 0) is None


def _first(parts: Sequence[Node], keyword: str, fallback: Any = None) -> Any:
    return next((part.members[keyword] for part in parts if keyword in part.members), fallback)


def _texts(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _enum(parts: Sequence[Node]) -> tuple[Json, ...] | None:
    for part in parts:
        if "const" in part.members:
            return (part.members["const"],)
        if isinstance(part.members.get("enum"), list) and part.members["enum"]:
            return tuple(part.members["enum"])
    return None


def _values(parts: Sequence[Node]) -> Node | bool | None:
    for part in parts:
        found = part.child("additionalProperties")
        if found is not None:
            return found.value if isinstance(found.value, bool) else found
    return None


def _keywords(parts: Sequence[Node]) -> JsonObject:
    found: JsonObject = {}
    for part in parts:
        for keyword in ("description", "title", *_KEPT):
            if keyword in part.members:
                found.setdefault(keyword, part.members[keyword])
        for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            # OpenAPI 3.0: a boolean that says how to read the bound beside it.
            if isinstance(found.get(bound), bool):
                exclusive = found.pop(bound)
                if exclusive and limit in found:
                    found[bound] = found.pop(limit)
    return found


# --------------------------------------------------------------------------- variants


def loosened(shapes: Sequence[Shape]) -> Shape:
    """Return a shape that allows what any of `shapes` allows, as far as one shape can say it."""
    first = shapes[0]
    if len(shapes) == 1:
        return first
    types = tuple(dict.fromkeys(t for shape in shapes for t in shape.types))
    enum = None
    if all(shape.enum is not None for shape in shapes):
        listed = [value for shape in shapes for value in shape.enum or ()]
        enum = tuple({repr(value): value for value in listed}.values())
    kept = {
        keyword: value
        for keyword, value in first.keywords.items()
        if keyword in ("description", "title") or all(shape.keywords.get(keyword) == value for shape in shapes)
    }
    return replace(first, types=types, nullable=any(shape.nullable for shape in shapes), enum=enum, keywords=kept)


def with_variants(shape: Shape) -> Shape:
    """Return `shape` with the members of all its variants beside its own; what only some require is not required."""
    branches = [with_variants(read_shape([node])) for node in shape.variants]
    if not branches or not all(branch.properties for branch in branches):
        return shape
    properties = dict(shape.properties)
    for branch in branches:
        for name, alternatives in branch.properties.items():
            if name not in shape.properties:
                properties[name] = (*properties.get(name, ()), *alternatives)
    required = frozenset.intersection(*(branch.required for branch in branches))
    return replace(shape, types=("object",), properties=properties, required=shape.required | required, variants=())


# --------------------------------------------------------------------------- JSON Schema


@dataclass(slots=True)
class Budget:
    """How many more members one field may hold: a document's types may refer to one another without end."""

    left: int = 300

    def affords(self, shape: Shape) -> bool:
        """Tell whether all members of `shape` may be written down, and count them; if not, none of them."""
        cost = 1 + len(shape.properties) + len(shape.variants)
        if cost > self.left:
            return False
        self.left -= cost
        return True


def description(text: Json) -> str:
    """Return the first paragraph of a description in one line, cut to a length that people read."""
    if not isinstance(text, str):
        return ""
    paragraph = " ".join(re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0].split())
    if len(paragraph) <= _LONGEST_DESCRIPTION:
        return paragraph
    cut = paragraph[:_LONGEST_DESCRIPTION]
    end = cut.rfind(". ")
    return cut[: end + 1] if end > 60 else cut.rsplit(" ", 1)[0] + " …"


def own_keywords(shape: Shape, *, with_default: bool = True) -> JsonObject:
    """Return everything that JSON Schema says of `shape` itself; members and items left out."""
    schema: JsonObject = {}
    types = [*shape.types, "null"] if shape.nullable and shape.types else list(shape.types)
    if types:
        schema["type"] = types[0] if len(types) == 1 else types
    if shape.enum is not None:
        listed = list(shape.enum)
        if shape.nullable and None not in listed:
            listed.append(None)
        schema["enum"] = listed
    dropped = ""
    for keyword in _KEPT:
        if keyword not in shape.keywords or (keyword == "default" and not with_default):
            continue
        value = shape.keywords[keyword]
        if not _fits(keyword, value):
            continue  # the document is wrong here, and the schema says one thing less
        if keyword == "pattern" and not _is_python(value):
            dropped = f"the document's pattern is no expression of Python and left out: {value}"
            continue
        schema[keyword] = value
    form = _FORMS.get(str(shape.keywords.get("format")))
    if shape.types == ("string",) and shape.enum is None:
        form = "int64" if shape.keywords.get("format") in ("int64", "uint64") else form
        if form is not None:
            schema["x-form"] = form
    text = description(shape.keywords.get("description")) or description(shape.keywords.get("title"))
    if text:
        schema["description"] = noted(text, dropped) if dropped else text
    elif dropped:
        schema["description"] = noted("", dropped)
    return schema


def _fits(keyword: str, value: Json) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if keyword in _COUNTS:
        return isinstance(value, int) and number and value >= 0
    if keyword in _FLAGS:
        return value is True
    if keyword == "multipleOf":
        return number and value > 0
    return number if keyword in _NUMBERS else keyword == "default" or isinstance(value, str)


def _is_python(pattern: Json) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError):
        return False
    return True


def json_schema(shape: Shape, budget: Budget, *, level: int = 0, closed: bool = True) -> Json:
    """Return `shape` as JSON Schema, with comments where it had to be cut. Objects with fixed members are closed."""
    schema = own_keywords(shape)
    holds_more = shape.properties or shape.variants or shape.items is not None or isinstance(shape.values, Node)
    if shape.recursive or (holds_more and (level > _DEEPEST or not budget.affords(shape))):
        why = f"{shape.recursive} holds itself" if shape.recursive else "this nests deeper than a draft goes"
        schema["description"] = noted(
            schema.get("description", "") or "Taken as it is.", f"cut here: {why}; anything is accepted below"
        )
        return schema
    if shape.properties:
        if shape.required:
            schema["required"] = [name for name in shape.properties if name in shape.required]
        close_members = closed and not shape.variants
        members = {}
        for name in shape.properties:
            child = shape.child(name)
            assert child is not None
            inner = json_schema(child, budget, level=level + 1)
            members[name] = with_secret(name, child, inner)
        schema["properties"] = members
        if close_members and shape.values is None:
            schema["additionalProperties"] = False
    if shape.values is not None:
        schema["additionalProperties"] = values_schema(shape, budget, level)
    if shape.items is not None:
        schema["items"] = json_schema(read_shape([shape.items]), budget, level=level + 1)
    if shape.variants:
        branches = [
            json_schema(read_shape([node]), budget, level=level + 1, closed=not shape.properties)
            for node in shape.variants
        ]
        if shape.nullable and not shape.types:
            branches.append({"type": "null"})
        # As anyOf: variants that differ by their members alone may both fit a value that states few of them.
        if all(branches):
            schema["anyOf"] = branches
    return schema


def with_secret(name: str, shape: Shape, schema: JsonObject) -> JsonObject:
    """Return `schema` marked as secret when the field's name or format says so."""
    if not holds_secret(name, shape):
        return schema
    marked = {key: value for key, value in schema.items() if key != "default"}
    by = "its format" if shape.keywords.get("format") == "password" else "its name"
    return {**marked, "x-sensitive": noted(True, f"guessed by {by}")}


def holds_secret(name: str, shape: Shape) -> bool:
    """Tell whether a field is most probably secret: only text, lists and objects can be."""
    if shape.keywords.get("format") == "password":
        return True
    if shape.types and not {"string", "object", "array"} & set(shape.types):
        return False
    if shape.properties or isinstance(shape.values, Node):
        return False  # what is secret is inside, and found there
    return shape.enum is None and looks_secret(name)


def values_schema(shape: Shape, budget: Budget, level: int) -> Json:
    """Return what `additionalProperties` says of members without a fixed name; True when nothing is said."""
    if isinstance(shape.values, Node):
        return json_schema(read_shape([shape.values]), budget, level=level + 1)
    return shape.values if shape.values is not None else True
