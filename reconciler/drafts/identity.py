"""What makes a drafted kind's objects themselves: the remote id and the natural key. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.core.kinds.noted import decide
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import format_pointer
from reconciler.drafts.findings import Findings, types_of
from reconciler.drafts.names import natural_key, normal, template_name, words


def identify(found: Findings) -> None:
    """Find the remote id, and the fields that tell objects apart."""
    resource, properties = found.resource, found.fields.properties
    if resource.singleton:
        found.id = _singleton_id(found)
        return
    own = resource.own_parameter
    shown = _id_member(found, own)
    if found.client_named or (not resource.collection_path and own):
        said = {normal(own), *words(own)[-1:]}
        if shown is not None and normal(shown) not in said:
            shown = None  # a number that the server gives besides, of which no path knows
        found.own_field = shown or _own_name(own, properties)
        schema = properties.pop(found.own_field, {"type": "string"})
        schema.pop("readOnly", None)
        schema.setdefault("description", f"The name in the path of its calls (`{own}`).")
        found.fields.properties = {**_first_of(properties, found), found.own_field: schema, **properties}
        schema["x-immutable"] = True
        _require(found, found.own_field)
        if shown is None or resource.listing is None:
            found.id = f"{{spec.{found.own_field}}}"
            if resource.listing is not None:
                found.id = decide(found.id, "the document does not say where items of the list hold the name")
        else:
            found.id = format_pointer((shown,))
        asked = [body.shape for body in found.body.values() if body.shape is not None]
        if any(found.own_field in shape.properties for shape in asked):
            found.carried[found.own_field] = f"{{spec.{found.own_field}}}"
        found.key = [*found.scope.values(), found.own_field]
        return
    if shown is not None:
        found.id = format_pointer((shown,))
    else:
        found.id = decide("/id", "the document shows no id in answers; say where it stands")
    found.key = [*found.scope.values(), *_key(found, shown)]
    for name in found.key:
        properties[name].pop("readOnly", None)


def _first_of(properties: dict[str, JsonObject], found: Findings) -> dict[str, JsonObject]:
    return {name: properties.pop(name) for name in found.scope.values()}


def _require(found: Findings, name: str) -> None:
    if name not in found.fields.required:
        found.fields.required.insert(len(found.scope), name)


def _singleton_id(found: Findings) -> Json:
    if found.scope:
        return "/".join(f"{{spec.{name}}}" for name in found.scope.values())
    shape = found.answer.shape
    if shape is not None and "id" in shape.properties:
        return "/id"
    found.world.parameters.setdefault(
        "instance",
        {"type": "string", "default": "default", "description": "Name of the one instance; it is sent nowhere."},
    )
    return "{system.instance}"


def _id_member(found: Findings, own: str) -> str | None:
    """Return the member of answers that is the remote id."""
    shape = found.answer.shape
    if shape is None:
        return None
    scalars = [n for n in shape.properties if (c := shape.child(n)) is not None and not c.is_object and not c.items]
    by_normal = {normal(name): name for name in reversed(scalars)}
    noun = normal(found.resource.name)
    said = words(own)
    wanted = [normal(own)] if own and normal(own) != "id" else []
    if said and said[-1] in ("name", "slug", "key", "code") and len(said) > 1:
        wanted.append(said[-1])
    wanted += ["id", "uuid", "guid", f"{noun}id", f"{noun}uuid", "uid", "identifier", "sid"]
    return next((by_normal[name] for name in wanted if name in by_normal), None)


def _own_name(own: str, properties: Mapping[str, JsonObject]) -> str:
    if own in properties:
        return own
    said = words(own)
    if said and said[-1] in properties:
        return said[-1]
    return template_name(said[-1] if said and said[-1] in ("name", "slug", "key") else own)


def _key(found: Findings, shown: str | None) -> list[str]:
    """Return the natural key beside the parents: a name if there is one, else the first field that must be stated."""
    properties = found.fields.properties
    stated = [
        name
        for name, schema in properties.items()
        if name not in found.scope.values() and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name)
        if "string" in types_of(schema) and not {"writeOnly", "x-sensitive"} & schema.keys()
    ]
    writable = [name for name in stated if "readOnly" not in properties[name]] or stated
    guess = natural_key(writable, found.resource.name)
    if guess is None:
        guess = next((name for name in writable if name in found.fields.required), next(iter(writable), None))
    if guess is None:
        guess = next((name for name in properties if name not in found.scope.values()), shown)
    return [] if guess is None else [guess]
