"""Identity and reading that cannot work, guards that are never sent, rules about fields that have no effect. Pure."""

from __future__ import annotations

from reconciler.core.kinds.answered import secret_id
from reconciler.core.kinds.catalog import send_mode
from reconciler.core.kinds.checks.calls import calls_of, variables_of
from reconciler.core.kinds.checks.finding import Bound, Finding, Findings, doubt
from reconciler.core.kinds.fields import FieldInfo, walk
from reconciler.core.kinds.template import variables
from reconciler.core.pointer import MISSING, Path, parse_pointer
from reconciler.core.suggest import did_you_mean

# --------------------------------------------------------------------------- identity


def unusable_keys(bound: Bound) -> Findings:
    """Yield fields of the natural key that cannot find an object."""
    key = bound.definition.identity.key
    for index, name in enumerate(key):
        place = ("identity", "key", index)
        info = bound.fields.properties.get(name)
        if info is None:
            continue
        if name in key[:index]:
            yield doubt(place, f"{name!r} stands in the natural key twice")
        elif info.read_only:
            message = f"the natural key cannot hold {name!r}: the server sets it, so no manifest can state it"
            yield Finding(place, message, "name fields that a manifest states")
        elif info.write_only:
            yield Finding(place, f"the natural key cannot hold {name!r}: it is write-only, so no live object shows it")
        elif info.mask is not None:
            yield Finding(place, f"the natural key cannot hold {name!r}: the server shows a mask in its place")
        elif info.create_only:
            yield doubt(place, f"{name!r} is x-createOnly: what is not compared cannot tell objects apart")
        elif name not in bound.required and info.default is MISSING:
            hint = f"add {name!r} to `required` of the schema"
            yield doubt(place, f"the natural key needs {name!r}, which a manifest may leave out", hint)


def unusable_names(bound: Bound) -> Findings:
    """Yield an identity.name or identity.id that cannot be what it says."""
    identity = bound.definition.identity
    info = bound.fields.properties.get(identity.name or "")
    if info is not None and info.types and "string" not in info.types:
        yield Finding(("identity", "name"), f"metadata.name is text, and {identity.name!r} cannot hold text")
    if info is not None and info.read_only:
        yield Finding(("identity", "name"), f"{identity.name!r} is set by the server, so metadata.name cannot fill it")
    for variable in () if identity.id.startswith("/") else variables(identity.id):
        if variable.root not in ("spec", "live", "system"):
            hint = "an id is made of {spec.…}, {live.…} and {system.…}"
            yield Finding(("identity", "id"), f"{variable} has no value in an id", hint)
    if secret_id(identity.id, bound.fields):
        message = "the id is secret, so it is kept nowhere: objects are found by their natural key alone"
        lost = "this loses: renamed manifests are not recognized, nothing is pruned or destroyed by its record, "
        yield doubt(("identity", "id"), message, f"{lost}and an object made anew under its key counts as the same one")
    write = bound.definition.write
    if identity.singleton and write.create is not None:
        yield doubt(
            ("write", "create"), "a singleton exists as soon as its parent does: it is never created", at_key=True
        )


# --------------------------------------------------------------------------- reading


def contradictory_reads(bound: Bound) -> Findings:
    """Yield keys of `read` that contradict one another, or have no effect."""
    read = bound.definition.read
    stated = read.model_fields_set
    if read.unreadable:
        for name in ("lists", "find", "get", "gone", "ready", "failed", "settle_seconds"):
            if name in stated and getattr(read, name):
                key = type(read).model_fields[name].alias or name
                message = f"{key} contradicts `unreadable`, which says that nothing can be read"
                yield Finding(
                    ("read", key), message, "remove one of them, or make it depend on a parameter", at_key=True
                )
    if "ready_seconds" in stated and not read.ready:
        yield doubt(("read", "readySeconds"), "readySeconds has no effect without `ready`", at_key=True)
    if read.absent == "default" and all(info.default is MISSING for _, info in walk(bound.fields)):
        yield doubt(("read", "absent"), "absent: default has no effect: no field of the schema has a default")
    if read.find is not None:
        used = {v.steps[0] for _, v in variables_of(read.find) if v.root == "spec"}
        if not used & set(bound.definition.identity.key):
            message = "find narrows the list by no field of the natural key"
            yield Finding(
                ("read", "find"), message, "send {spec.…} of a key field in its path, query or body", at_key=True
            )
        if read.get is not None and not any(v.root == "id" for _, v in variables_of(read.get)):
            message = "find has no effect: `get` reads one object without its id"
            yield doubt(("read", "find"), message, at_key=True)


def idle_guards(bound: Bound) -> Findings:
    """Yield guards that no request ever carries."""
    guard, read, write = bound.definition.guard, bound.definition.read, bound.definition.write
    if guard.if_match and read.get is None and write.inside is None:
        message = "ifMatch has no effect: an ETag comes from read.get only, and there is none"
        yield doubt(("guard", "ifMatch"), message, "add read.get", at_key=True)
    if guard.version is not None:
        # An object takes the version in by itself; a list of operations, or no body at all, has no place for it.
        carried = write.inside is not None or any(
            send_mode(call, creating=False) != "jsonPatch" and (call.send != "nothing" or call.body is not None)
            for call in write.update
        )
        sent = any(
            v.root == "live" and v.steps == tuple(map(str, parse_pointer(guard.version or "")))
            for _, use, call in calls_of(bound)
            if use in ("update", "delete")
            for _, v in variables_of(call)
        )
        if not carried and not sent:
            name = guard.version.strip("/").replace("/", ".")
            yield doubt(("guard", "version"), "the version is never sent back", f"put {{live.{name}}} into the update")
    if (guard.if_match or guard.version is not None) and not write.update and write.inside is None:
        yield doubt(("guard",), "there is nothing to guard: the kind is never updated", at_key=True)


# --------------------------------------------------------------------------- rules about fields


def idle_groups(bound: Bound) -> Findings:
    """Yield groups of fields that travel together to no effect."""
    for index, group in enumerate(bound.definition.together):
        place: Path = ("together", index)
        if len({*group.fields, *([group.when] if group.when else [])}) < 2:
            yield doubt((*place, "fields"), "one field alone has no company to travel in")
        for position, name in enumerate(group.fields):
            if bound.fields.child(name).read_only:
                yield Finding((*place, "fields", position), f"{name!r} never travels: the server sets it")
        if group.part is not None:
            first = group.fields[0] if group.fields else ""
            yield from _origin(bound, place, group.when or first, guessed=group.when is None)
        hidden = any(_is_hidden(bound.fields.child(name)) for name in group.fields)
        if group.complete and not hidden:
            message = "complete has no effect: the server shows all of these fields"
            yield doubt((*place, "complete"), message, "it is about write-only and masked fields", at_key=True)
    if bound.definition.together and not bound.definition.write.update:
        yield doubt(("together",), "together has no effect: the kind is never updated", at_key=True)


def _origin(bound: Bound, place: Path, name: str, *, guessed: bool) -> Findings:
    types = bound.fields.child(name).types
    if types and "string" not in types:
        yield Finding((*place, "part"), f"part is about a URL, and {name!r} cannot hold text", at_key=True)
    elif guessed:
        hint = f"add `when: {name}`, or the field that holds the URL"
        yield doubt((*place, "part"), f"part looks at {name!r}, the first of the fields", hint, at_key=True)


def _is_hidden(info: FieldInfo) -> bool:
    inner = [one for _, one in walk(info)]
    return any(one.write_only or one.mask is not None or one.presence is not None for one in (info, *inner))


def idle_requirements(bound: Bound) -> Findings:
    """Yield requirements on objects that no field refers to, or on fields that those do not have."""
    for index, requirement in enumerate(bound.definition.requires):
        info = bound.fields.properties.get(requirement.field)
        if info is None:
            continue
        place: Path = ("requires", index)
        if info.reference is None:
            message = f"{requirement.field!r} refers to nothing, so there is no object to look at"
            yield Finding((*place, "field"), message, f"add x-ref to {requirement.field!r}")
            continue
        parent = bound.others.get(_full_name(bound, info.reference))
        first = (parse_pointer(requirement.at) or (None,))[0]
        if parent is not None and first is not None and first not in parent.properties:
            message = f"{info.reference} has no field {str(first)!r}"
            yield doubt((*place, "at"), message, did_you_mean(str(first), parent.properties))


def _full_name(bound: Bound, reference: str) -> str:
    return reference if "." in reference else f"{bound.definition.system}.{reference}"


def unknown_references(bound: Bound) -> Findings:
    """Yield fields that refer to a kind that nobody defines."""
    for path, info in walk(bound.fields):
        if info.reference is not None and _full_name(bound, info.reference) not in bound.others:
            place = ("schema", *(step for name in path for step in _into(name)), "x-ref")
            names = [*bound.others, *(name.partition(".")[2] for name in bound.others)]
            message = f"x-ref names {info.reference!r}, which is no kind"
            yield doubt(place, message, did_you_mean(info.reference, names) or "kinds: " + ", ".join(bound.others))


def _into(step: str | int) -> Path:
    return ("items",) if step == "*" else ("properties", step)


CHECKS = (
    unusable_keys,
    unusable_names,
    contradictory_reads,
    idle_guards,
    idle_groups,
    idle_requirements,
    unknown_references,
)
