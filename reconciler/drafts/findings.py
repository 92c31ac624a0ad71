"""What the document tells about one resource, before any of it is written down: its fields, parents, id, key. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field

from reconciler.core.kinds.noted import decide, noted, plain
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import format_pointer
from reconciler.core.records import dataclass
from reconciler.drafts.names import joined, normal, stem, template_name, words
from reconciler.drafts.operations import Operation
from reconciler.drafts.paging import ListGuess, find_items
from reconciler.drafts.resources import ApiResource, Parent, blanked, parents_of
from reconciler.drafts.shapes import Shape, read_shape, with_variants
from reconciler.drafts.spec import Fields, Sides, merge_fields

_ENVELOPES = ("data", "result", "item", "resource", "response", "payload", "object", "value", "results", "attributes")


@dataclass(slots=True, kw_only=True)
class World:
    """What is known of the API as a whole. `parameters` grows with what calls need from the target's settings."""

    system: str
    kinds: Mapping[str, str]  # names of kinds by the blanked path of their items
    parameters: dict[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enveloped:
    """A shape, and the pointer to where it stands in a body."""

    shape: Shape | None
    at: str = ""


@dataclass(slots=True, kw_only=True)
class Findings:
    """Everything that the sections of one kind are written from."""

    resource: ApiResource
    world: World
    create: Operation | None
    update: Operation | None
    body: Mapping[str, Enveloped]  # of requests, by the call's title
    answer: Enveloped
    listed: ListGuess
    fields: Fields
    scope: dict[str, str] = field(default_factory=dict)  # spec fields by the blanked path up to their parameter
    wires: dict[str, str] = field(default_factory=dict)  # spec fields by their spelling on the wire, compared loosely
    carried: dict[str, str] = field(default_factory=dict)  # members of bodies that repeat what the path says
    own_field: str = ""  # the spec field that names the object, where the client chooses
    id: Json = "/id"
    key: list[str] = field(default_factory=list)

    @property
    def client_named(self) -> bool:
        """Tell whether the object is created at an address that the client chooses."""
        return not self.resource.singleton and self.resource.create is None and self.create is not None

    def path(self, operation: Operation) -> str:
        """Return the path of a call as a template: parents from the spec, the object itself by its id."""
        segments = operation.path.split("/")
        for index, segment in enumerate(segments):
            if segment.startswith("{"):
                spec = self.scope.get(blanked("/".join(segments[: index + 1])))
                segments[index] = "{id}" if spec is None else f"{{spec.{spec}}}"
        return "/".join(segments)

    def path_by_name(self, operation: Operation) -> str:
        """Return the path of a call with the field that the client names the object by in place of its id."""
        return self.path(operation).replace("{id}", f"{{spec.{self.own_field}}}")


def find(resource: ApiResource, world: World) -> Findings:
    """Return what the document tells about `resource`, its identity aside."""
    create = resource.create
    if create is None and resource.own_parameter:
        create = resource.put
    update = resource.patch or resource.put or resource.post
    bodies = {op.title: _request(op, resource.name) for op in (create, update) if op is not None}
    asked = {name for body in bodies.values() if body.shape is not None for name in body.shape.properties}
    listed = find_items(None if resource.listing is None else _success(resource.listing), resource.name)
    answer = _answer(resource, listed, asked)
    sides = Sides(
        create=None if create is None else bodies[create.title].shape,
        update=None if update is None else bodies[update.title].shape,
        answer=answer.shape,
        updatable=update is not None,
    )
    found = Findings(
        resource=resource,
        world=world,
        create=create,
        update=update,
        body=bodies,
        answer=answer,
        listed=listed,
        fields=merge_fields(sides),
    )
    _add_parents(found)
    _name_references(found)
    return found


# --------------------------------------------------------------------------- bodies


def _success(operation: Operation) -> Shape | None:
    answer = operation.success
    return None if answer is None or answer.schema is None else with_variants(read_shape([answer.schema]))


def _request(operation: Operation, noun: str) -> Enveloped:
    if operation.body is None:
        return Enveloped(shape=None)
    shape = with_variants(read_shape([operation.body]))
    if len(shape.properties) == 1:
        name = next(iter(shape.properties))
        child = shape.child(name)
        if child is not None and child.properties and normal(name) in (normal(noun), *_ENVELOPES):
            return Enveloped(shape=with_variants(child), at=format_pointer((name,)))
    return Enveloped(shape=shape if shape.properties else None)


def unwrapped(shape: Shape | None, noun: str, known: Collection[str]) -> Enveloped:
    """Return the object inside an answer. `known` are members that it has, and that no envelope has."""
    if shape is None or not shape.properties:
        return Enveloped(shape=None)
    if not known & shape.properties.keys() and "id" not in shape.properties:
        by_normal = {normal(name): name for name in reversed(list(shape.properties))}
        for wanted in (normal(noun), *_ENVELOPES):
            child = shape.child(by_normal[wanted]) if wanted in by_normal else None
            if child is not None and (inner := with_variants(child)).properties:
                return Enveloped(shape=inner, at=format_pointer((by_normal[wanted],)))
    return Enveloped(shape=shape)


def answer_of(operation: Operation | None, noun: str, known: Collection[str]) -> Enveloped:
    """Return the object that a call answers; without a shape when the document shows none."""
    return unwrapped(None if operation is None else _success(operation), noun, set(known))


def _answer(resource: ApiResource, listed: ListGuess, asked: set[str]) -> Enveloped:
    by_get = answer_of(resource.get, resource.name, asked)
    if by_get.shape is not None:
        return by_get
    if listed.item is not None and listed.item.properties:
        return Enveloped(shape=with_variants(listed.item))
    operations = (resource.create, resource.put, resource.patch)
    found = (answer_of(operation, resource.name, asked) for operation in operations)
    return next((one for one in found if one.shape is not None), Enveloped(shape=None))


# --------------------------------------------------------------------------- parents and references


def _add_parents(found: Findings) -> None:
    """Give each parameter of the path before the object itself a field, in front of the others."""
    fields = found.fields
    before: dict[str, JsonObject] = {}
    prefixes = _prefixes(found.resource.scope_path)
    for parent, prefix in zip(parents_of(found.resource, found.world.kinds), prefixes, strict=True):
        wire = _wire_of(parent, fields.properties)
        name = _free_name(parent, wire, found)
        schema = dict(fields.properties.pop(wire)) if wire is not None else _parameter_schema(parent, found)
        schema.pop("readOnly", None)
        if wire is not None:
            if wire != name:
                schema["x-name"] = wire
            asked = [body.shape for body in found.body.values() if body.shape is not None]
            if any(wire in shape.properties for shape in asked):
                found.carried[wire] = f"{{spec.{name}}}"
        _as_parent(schema, parent)
        before[name] = schema
        found.scope[prefix] = name
        found.wires[normal(parent.parameter)] = name
        fields.required = [n for n in fields.required if n != wire]
    fields.properties = {**before, **fields.properties}
    fields.required = [*before, *fields.required]


def _prefixes(path: str) -> list[str]:
    segments = path.rstrip("/").split("/")
    return [blanked("/".join(segments[: i + 1])) for i, segment in enumerate(segments) if segment.startswith("{")]


def _wire_of(parent: Parent, properties: Mapping[str, JsonObject]) -> str | None:
    """Return the member of bodies that holds the same id as the path."""
    said = {normal(parent.parameter)} if stem(parent.parameter) else set()
    if parent.kind:
        said |= {normal(parent.kind) + "id", normal("".join(parent.field)) + "id"}
    return next((name for name in properties if normal(name) in said - {"id", "name"}), None)


def _free_name(parent: Parent, wire: str | None, found: Findings) -> str:
    like = wire or (parent.parameter if len(words(parent.parameter)) > 1 else _style(found))
    name = template_name(joined(parent.field, like))
    if (name in found.fields.properties and name != wire) or name in found.scope.values():
        return template_name(parent.parameter if stem(parent.parameter) else joined([*parent.field, "id"], like))
    return name


def _style(found: Findings) -> str:
    return "_" if any("_" in name for name in found.fields.properties) else ""


def _parameter_schema(parent: Parent, found: Findings) -> JsonObject:
    operations = found.resource.operations()
    for operation in operations:
        for parameter in operation.parameters:
            if parameter.place == "path" and parameter.name == parent.parameter and parameter.schema is not None:
                shape = read_shape([parameter.schema])
                return {"type": "integer" if shape.types == ("integer",) else "string"}
    return {"type": "string"}


def _as_parent(schema: JsonObject, parent: Parent) -> None:
    if parent.kind:
        schema["x-ref"] = parent.kind
        schema.setdefault("description", f"The {parent.kind} that it belongs to.")
    else:
        schema.setdefault("description", f"What `{parent.parameter}` in the path of its calls stands for.")
        schema["description"] = decide(
            schema["description"],
            f"no kind has this id; if it is the same for a whole target, make it a parameter of the system and write "
            f"{{system.{template_name(parent.parameter)}}} in the paths",
        )
    schema["x-immutable"] = True
    _mention_number(schema)


def _mention_number(schema: JsonObject) -> None:
    if schema.get("type") == "integer" and "x-ref" in schema:
        schema["x-ref"] = noted(
            plain(schema["x-ref"]), f"a number: write it as ${{ref:{plain(schema['x-ref'])}/name#/id}}"
        )


def _name_references(found: Findings) -> None:
    """Name fields that hold the id of another kind by that kind, as manifests refer to objects, not to ids."""
    kinds = {normal(kind): kind for kind in found.world.kinds.values()}
    properties = found.fields.properties
    for wire in list(properties):
        schema, parts = properties[wire], words(wire)
        kind = kinds.get("".join(stem(wire)))
        if kind is None or len(parts) < 2 or parts[-1] not in ("id", "uuid") or "readOnly" in schema:
            continue
        name = joined(parts[:-1], wire)
        if name in properties or not {"string", "integer"} & set(types_of(schema)):
            continue
        renamed = {**schema, "x-name": wire, "x-ref": noted(kind, "guessed by its name")}
        _mention_number(renamed)
        found.fields.properties = properties = {
            (name if other == wire else other): (renamed if other == wire else value)
            for other, value in properties.items()
        }
        for names in (found.fields.required, found.fields.fixed, found.fields.unseen):
            names[:] = [name if other == wire else other for other in names]
        found.wires[normal(wire)] = name


def types_of(schema: Mapping[str, Json]) -> list[str]:
    """Return the types that a schema names, as a list."""
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else list(declared)
