"""One schema of a kind's spec out of what creates take, updates take and answers hold. Pure.

Requests say what may be stated; answers say what can be compared. A member that only answers have is read-only, one
that only requests have can never be compared, one that only creates take is immutable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from reconciler.core.kinds.noted import decide, noted
from reconciler.core.model import JsonObject
from reconciler.core.records import dataclass
from reconciler.drafts.names import looks_secret, normal
from reconciler.drafts.shapes import Budget, Shape, holds_secret, json_schema, own_keywords, values_schema, with_secret

_DEEPEST_MERGE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The three descriptions of one thing; None where the document has none."""

    create: Shape | None = None
    update: Shape | None = None
    answer: Shape | None = None
    updatable: bool = True  # False: no call updates, whatever a create takes

    def names(self) -> list[str]:
        """Return the members of all sides in their order, those of requests first."""
        sides = (self.create, self.update, self.answer)
        return list(dict.fromkeys(name for side in sides if side is not None for name in side.properties))

    def member(self, name: str, answered_as: str) -> Sides:
        """Return the sides of a member. What a request marks read-only it does not take; likewise for answers."""
        create, update = (_taken(side, name) for side in (self.create, self.update))
        answer = None if self.answer is None else self.answer.child(answered_as)
        return Sides(create=create, update=update, answer=None if answer is not None and answer.write_only else answer)

    def items(self) -> Sides:
        create, update, answer = (None if s is None else s.item() for s in (self.create, self.update, self.answer))
        return Sides(create=create, update=update, answer=answer)

    @property
    def request(self) -> Shape | None:
        return self.create or self.update


def _taken(side: Shape | None, name: str) -> Shape | None:
    found = None if side is None else side.child(name)
    return None if found is not None and found.read_only else found


@dataclass(slots=True, kw_only=True)
class Fields:
    """The fields of a spec, and what was found out about them on the way."""

    properties: dict[str, JsonObject] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)  # top-level fields that are, or hold, secrets
    unseen: list[str] = field(default_factory=list)  # stated in requests, shown by no answer
    fixed: list[str] = field(default_factory=list)  # taken on create only
    open: bool = False  # further members are allowed


def merge_fields(sides: Sides) -> Fields:
    """Return the fields of a spec. Without an answer nothing is told about what can be compared."""
    found = Fields()
    other_spelling = _other_spellings(sides)
    for name in sides.names():
        if name in other_spelling.values():
            continue
        inner = sides.member(name, other_spelling.get(name, name))
        if inner.request is None and inner.answer is None:
            continue
        schema = _field(name, inner, Budget(), 1)
        if name in other_spelling:
            schema["x-response"] = noted(other_spelling[name], "guessed: answers seem to spell it so")
        _mark(name, sides, inner, schema, found)
        if "x-sensitive" in schema or _has_secret(schema):
            found.secrets.append(name)
        found.properties[name] = schema
    if sides.create is not None:
        taken = [n for n in sides.create.properties if n in sides.create.required]
        found.required = [n for n in taken if n in found.properties and "readOnly" not in found.properties[n]]
    request = sides.request
    found.open = request is not None and request.values not in (None, False)
    return found


def _other_spellings(sides: Sides) -> dict[str, str]:
    """Return the members that requests and answers spell differently: `dryRun` here, `dry_run` there."""
    if sides.answer is None:
        return {}
    requests = [side for side in (sides.create, sides.update) if side is not None]
    asked = dict.fromkeys(name for side in requests for name in side.properties)
    shown = {normal(name): name for name in sides.answer.properties if name not in asked}
    return {
        name: shown[normal(name)] for name in asked if name not in sides.answer.properties and normal(name) in shown
    }


def _mark(name: str, sides: Sides, inner: Sides, schema: JsonObject, found: Fields) -> None:
    """Add what the presence of a top-level field on each side says about it."""
    if inner.request is None:
        schema["readOnly"] = True
        return
    if sides.create is not None and (sides.update is not None or not sides.updatable):
        if inner.create is None:
            schema["x-updateOnly"] = noted(True, "guessed: creates do not take it")
        elif inner.update is None:
            found.fixed.append(name)
            fixed = "guessed: updates do not take it" if sides.updatable else "no call updates it"
            schema["x-immutable" if inner.answer is not None else "x-createOnly"] = noted(True, fixed)
            if inner.answer is None:
                return
    if sides.answer is not None and inner.answer is None:
        found.unseen.append(name)
        schema["writeOnly"] = _never_shown(secret="x-sensitive" in schema)


def _never_shown(*, secret: bool) -> object:
    if secret:
        return True
    question = "no answer shows it, so it is never compared; say so, or name its spelling in answers with x-response"
    return decide(True, question)


# --------------------------------------------------------------------------- one field


def _field(name: str, sides: Sides, budget: Budget, level: int) -> JsonObject:
    """Return the schema of one field, members inside it merged as well."""
    shape = sides.request
    if shape is None:
        assert sides.answer is not None
        return _answer_only(name, sides.answer)
    answer = sides.answer
    schema: JsonObject
    alone = answer is None or not (answer.properties or answer.items)
    if answer is None or alone or shape.recursive or level > _DEEPEST_MERGE or not budget.affords(shape):
        schema = json_schema(shape, budget, level=level)
    elif shape.properties and answer.properties and not shape.variants:
        schema = _object(shape, sides, budget, level)
    elif shape.items is not None and answer.items is not None:
        schema = own_keywords(shape)
        items = sides.items()
        schema["items"] = json_schema(shape, budget) if items.request is None else _field("", items, budget, level + 1)
    else:
        schema = json_schema(shape, budget, level=level)
        _spelt_as_object(shape, answer, name, schema)
    return with_secret(name, shape, schema)


def _object(shape: Shape, sides: Sides, budget: Budget, level: int) -> JsonObject:
    schema = own_keywords(shape)
    if shape.required:
        schema["required"] = [name for name in shape.properties if name in shape.required]
    members: JsonObject = {}
    for name in sides.names():
        inner = sides.member(name, name)
        if inner.request is None and inner.answer is None:
            continue
        member = _field(name, inner, budget, level + 1)
        if inner.request is None:
            member["readOnly"] = True
        elif inner.answer is None:
            member["writeOnly"] = _never_shown(secret="x-sensitive" in member)
        members[name] = member
    schema["properties"] = members
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if "readOnly" not in members.get(name, {})]
        if not schema["required"]:
            del schema["required"]
    if shape.values in (None, False):
        schema["additionalProperties"] = False
    elif shape.values is not True:
        schema["additionalProperties"] = values_schema(shape, budget, level)
    return schema


def _answer_only(name: str, shape: Shape) -> JsonObject:
    """Return the schema of a field that only answers hold: what it is, without what is inside."""
    schema = own_keywords(shape, with_default=False)
    kept: JsonObject = {key: schema[key] for key in ("type", "format", "description") if key in schema}
    inside = [*shape.properties] if shape.item() is None else [*shape.properties, *_item_names(shape)]
    if holds_secret(name, shape) or any(looks_secret(member) for member in inside):
        kept["x-sensitive"] = noted(True, "guessed by its name, or by a name inside it")
    return kept


def _item_names(shape: Shape) -> Sequence[str]:
    item = shape.item()
    return [] if item is None else [*item.properties]


def _spelt_as_object(shape: Shape, answer: Shape, name: str, schema: JsonObject) -> None:
    """Guess where an answer holds an id when it answers the whole object in place of it."""
    if not {"string", "integer"} & set(shape.types) or not answer.properties:
        return
    inner = next((n for n in ("id", "uuid", "key", "slug", "name") if n in answer.properties), None)
    if inner is not None:
        schema["x-response"] = noted(f"/{name}/{inner}", "guessed: requests take an id, answers hold the object")


def _has_secret(schema: object) -> bool:
    from reconciler.core.kinds.noted import plain

    if isinstance(schema, dict):
        return "x-sensitive" in schema or any(_has_secret(plain(value)) for value in schema.values())
    return isinstance(schema, list) and any(map(_has_secret, schema))
