"""Calls that cannot do what they are for: variables without a value, lists that never go on, unfit verbs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.core.kinds.checks.finding import Bound, Finding, Findings, doubt
from reconciler.core.kinds.definition import Call, FindFields, GetCall, ListCall, WriteCall
from reconciler.core.kinds.fields import EMPTY, FieldInfo
from reconciler.core.kinds.template import Variable, variables
from reconciler.core.model import Json
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a call is for: its words, the roots of variables that have a value in it, and the verbs that fit."""

    words: str
    roots: frozenset[str]
    verbs: frozenset[str] = frozenset({"POST", "PUT", "PATCH"})
    names_object: bool = False  # the call has to say which object it is about


_READING = frozenset({"GET", "HEAD", "POST"})
_ALWAYS = frozenset({"spec", "system"})
_EXISTING = _ALWAYS | {"id", "live"}
_REMOVING = frozenset({"DELETE", "POST", "PUT", "PATCH"})

USES: Mapping[str, Use] = {
    "list": Use(words="a list", roots=_ALWAYS | {"page"}, verbs=_READING),
    "find": Use(words="a list", roots=_ALWAYS | {"page"}, verbs=_READING),
    "get": Use(words="a read", roots=_ALWAYS | {"id"}, verbs=_READING, names_object=True),
    "parts": Use(words="a read of a part", roots=_EXISTING, verbs=_READING, names_object=True),
    "create": Use(words="a create", roots=_ALWAYS | {"changed"}),
    "update": Use(words="an update", roots=_EXISTING | {"changed"}, names_object=True),
    "delete": Use(words="a delete", roots=_EXISTING, verbs=_REMOVING, names_object=True),
    "wait of create": Use(words="a wait after a create", roots=_ALWAYS | {"answer", "location"}, verbs=_READING),
    "wait of update": Use(words="a wait after an update", roots=_EXISTING | {"answer", "location"}, verbs=_READING),
    "wait of delete": Use(words="a wait after a delete", roots=_EXISTING | {"answer", "location"}, verbs=_READING),
    "inside.read": Use(words="the read of a document", roots=_ALWAYS | {"id"}, verbs=_READING),
    "inside.write": Use(words="the write of a document", roots=_ALWAYS | {"id", "document", "items"}),
    "after": Use(words="a follow-up", roots=_EXISTING | {"item"}, verbs=_REMOVING | {"GET"}),
    "check": Use(words="the check of a follow-up", roots=_EXISTING | {"item"}, verbs=_READING),
}

_MEANINGS: Mapping[str, str] = {
    "id": "an id is known only once the object is found",
    "live": "there is no live object yet, or none was read",
    "page": "only lists have pages",
    "changed": "only creates and updates carry fields",
    "item": "only follow-ups with `each` have items",
    "answer": "only a `wait` follows an answer",
    "location": "only a `wait` follows an answer",
    "document": "only write.inside.write has a document",
    "items": "only write.inside.write has items",
}

_PAGE_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "offset": ("offset", "size"),
    "page": ("number", "size"),
    "cursor": ("cursor", "size"),
    "link": ("size",),
    "url": ("size",),
}


def calls_of(bound: Bound) -> Iterator[tuple[Path, str, Call]]:
    """Yield every call of a kind with its path and its use, a key of `USES`."""
    read, write = bound.definition.read, bound.definition.write
    for index, listing in enumerate(read.lists):
        yield ("read", "list", index), "list", listing
    for use, found in (("find", read.find), ("get", read.get)):
        if found is not None:
            yield ("read", use), use, found
    for index, part in enumerate(read.parts):
        yield ("read", "parts", index), "parts", part
    writes = [] if write.create is None else [(("write", "create"), "create", write.create)]
    # mypy takes the length of the paths for part of their type: those of the first line have two steps.
    writes += [(("write", "update", i), "update", call) for i, call in enumerate(write.update)]  # type: ignore[misc]
    for path, use, call in writes:
        yield path, use, call
        if call.wait is not None:
            yield (*path, "wait"), f"wait of {use}", call.wait
    if write.delete is not None and write.delete.call is not None:
        yield ("write", "delete", "call"), "delete", write.delete.call
    if write.delete is not None and write.delete.wait is not None:
        yield ("write", "delete", "wait"), "wait of delete", write.delete.wait
    if write.inside is not None:
        yield ("write", "inside", "read"), "inside.read", write.inside.read
        yield ("write", "inside", "write"), "inside.write", write.inside.write
    for index, follow_up in enumerate(write.after):
        yield ("write", "after", index), "after", follow_up
        if follow_up.check is not None:
            yield ("write", "after", index, "check"), "check", follow_up.check


def variables_of(call: Call) -> Iterator[tuple[Path, Variable]]:
    """Yield the variables of a call with their path below the call."""
    for variable in variables(call.path):
        yield ("path",), variable
    for part, templates in (("query", call.query), ("headers", call.headers)):
        for name, template in templates.items():
            for variable in variables(template):
                yield (part, name), variable
    yield from _variables_in(call.body, ("body",))
    if isinstance(call, GetCall) and call.archive is not None:
        for variable in variables(call.archive.zip):
            yield ("archive", "zip"), variable


def _variables_in(template: Json, path: Path) -> Iterator[tuple[Path, Variable]]:
    if isinstance(template, (dict, list)):
        pairs = template.items() if isinstance(template, dict) else enumerate(template)
        for step, inner in pairs:
            yield from _variables_in(inner, (*path, step))
    else:
        for variable in variables(template):
            yield path, variable


# --------------------------------------------------------------------------- variables


def unusable_variables(bound: Bound) -> Findings:
    """Yield variables that never have a value where they stand."""
    for place, name, call in calls_of(bound):
        use = USES[name]
        for path, variable in variables_of(call):
            if variable.root not in use.roots:
                message = f"{variable} has no value in {use.words}: {_MEANINGS[variable.root]}"
                roots = ", ".join(f"{{{root}}}" for root in sorted(use.roots))
                yield Finding((*place, *path), message, f"here one can use {roots}")
            elif variable.keeps_slashes and path != ("path",):
                plain = str(variable).replace("+", "")
                yield Finding((*place, *path), f"{variable}: only in a path can slashes be kept", f"write {plain}")
            elif variable.root == "spec":
                yield from _of_spec((*place, *path), variable, bound, reading=use.verbs == _READING)


def _of_spec(path: Path, variable: Variable, bound: Bound, *, reading: bool) -> Findings:
    in_path = path[-1] == "path"
    name = variable.steps[0]
    if name not in bound.fields.properties:
        return  # told already when it was loaded
    info = _field_at(bound.fields, variable.steps)
    if info is None:
        yield Finding(path, f"{variable} leads to no field", "correct its steps below the first one")
        return
    if info.read_only:
        yield Finding(path, f"{variable} never has a value: the server sets {name!r}, no manifest can state it")
    elif in_path and name not in bound.required:
        hint = f"add {name!r} to `required` of the schema"
        yield doubt(path, f"the path needs {variable}, which a manifest may leave out", hint)
    if info.sensitive and (in_path or "query" in path):
        yield doubt(path, f"{variable} is secret, and addresses end up in logs", "send it in the body or in a header")
    if reading and info.write_only:
        yield doubt(path, f"{variable} is write-only; reading by it needs it in every manifest")


def _field_at(fields: FieldInfo, steps: tuple[str, ...]) -> FieldInfo | None:
    found = fields
    for step in steps:
        if found.schema.get("additionalProperties") is False and step not in found.properties:
            return None
        found = found.child(int(step) if step.isdigit() and found.items is not None else step)
        if found is EMPTY:
            return EMPTY
    return found


# --------------------------------------------------------------------------- which object


def nameless_calls(bound: Bound) -> Findings:
    """Yield calls that say nowhere which object they are about."""
    if bound.definition.identity.singleton:
        return
    for place, name, call in calls_of(bound):
        if not USES[name].names_object or {"id", "spec", "live"} & {v.root for _, v in variables_of(call)}:
            continue
        if isinstance(call, WriteCall):
            carried = bound.definition.identity.key
            if call.send not in (None, "changed", "mergePatch", "jsonPatch") or call.method == "PUT":
                continue  # the whole object travels, its natural key with it
            hint = f"name it by {{id}}, or by {{spec.{carried[0] if carried else 'name'}}}"
            yield doubt((*place, "path"), f"{USES[name].words} names no object, and carries changed fields only", hint)
        else:
            yield Finding(
                (*place, "path"),
                f"{USES[name].words} names no object: it would be about the same one whatever is asked",
                "put {id} or {spec.…} into its path, query or body; or state identity.singleton",
            )


def unfitting_verbs(bound: Bound) -> Findings:
    """Yield verbs that do not do what the call is for (RFC 9110, section 9)."""
    for place, name, call in calls_of(bound):
        if call.method not in USES[name].verbs:
            fitting = ", ".join(sorted(USES[name].verbs))
            yield doubt((*place, "method"), f"{call.method} does not fit {USES[name].words}", f"usual are {fitting}")
        if call.method in ("GET", "HEAD") and call.body is not None:
            yield doubt((*place, "body"), f"servers pay no attention to the body of a {call.method}", at_key=True)


# --------------------------------------------------------------------------- lists


def broken_paging(bound: Bound) -> Findings:
    """Yield lists that never get to their second page, and keys of paging without effect."""
    for place, _, call in calls_of(bound):
        if not isinstance(call, ListCall):
            continue
        used = [(path, v) for path, v in variables_of(call) if v.root == "page"]
        if call.paging is None:
            for path, variable in used:
                yield Finding(
                    (*place, *path), f"{variable} has no value without `paging`", "state `paging` of the list"
                )
            continue
        known = _PAGE_VARIABLES[call.paging.style]
        for path, variable in used:
            if variable.steps[0] not in known:
                message = f"{variable} has no value with style {call.paging.style}"
                hint = did_you_mean(variable.steps[0], known) or f"it has {', '.join(f'{{page.{n}}}' for n in known)}"
                yield Finding((*place, *path), message, hint)
            elif path == ("path",) and variable.steps[0] == "cursor":
                yield Finding((*place, *path), "the first page has no cursor yet, so the path would have a hole")
        names = {variable.steps[0] for _, variable in used}
        if call.paging.style in ("offset", "page", "cursor") and known[0] not in names:
            message = f"style {call.paging.style} asks for the same page again: {{page.{known[0]}}} stands nowhere"
            yield Finding(
                (*place, "paging", "style"), message, f"send {{page.{known[0]}}} in query or body of the call"
            )
        yield from _unused_paging((*place, "paging"), call, names)


_KEYS_OF_STYLES: Mapping[str, tuple[str, ...]] = {
    "first": ("page",),
    "next": ("cursor", "url"),
}


def _unused_paging(place: Path, call: ListCall, names: set[str]) -> Findings:
    assert call.paging is not None
    stated = call.paging.model_fields_set
    for key, styles in _KEYS_OF_STYLES.items():
        if key in stated and call.paging.style not in styles:
            message = f"{key} has no effect with style {call.paging.style}"
            yield doubt((*place, key), message, f"it belongs to style {' or '.join(styles)}", at_key=True)
    if "size" in stated and "size" not in names:
        message = "size is never sent: the server's own size decides, and a shorter page counts as the last one"
        yield doubt((*place, "size"), message, "send {page.size} in query or body of the call", at_key=True)


def unused_keys_of_reads(bound: Bound) -> Findings:
    """Yield keys of reads that have no effect, or ask for more than there is."""
    fields = bound.fields.properties
    for place, use, call in calls_of(bound):
        if isinstance(call, ListCall):
            if call.items_are == "ids" and "object" in call.model_fields_set:
                message = "object has no effect where the items are ids"
                yield doubt((*place, "object"), message, "idAt says where an item holds its id", at_key=True)
            if call.items_are != "ids" and "id_at" in call.model_fields_set:
                message = "idAt has no effect: the items are no ids"
                yield doubt((*place, "idAt"), message, "identity.id says where an object holds its id", at_key=True)
            spellings = {info.response_name for info in fields.values()}
            id_name = bound.definition.identity.id.removeprefix("/")
            if call.key_as is not None and call.key_as not in spellings | {id_name}:
                message = f"keyAs {call.key_as!r} is neither a field of the schema nor the id"
                yield doubt((*place, "keyAs"), message, did_you_mean(call.key_as, [*spellings, id_name]))
        elif isinstance(call, GetCall):
            yield from _unused_keys_of_get(place, use, call, len(fields))


def _unused_keys_of_get(place: Path, use: str, call: GetCall, fields: int) -> Findings:
    if isinstance(call.object, FindFields) and call.object.with_fields > fields:
        message = f"withFields asks for {call.object.with_fields} fields, and the schema has {fields}"
        yield Finding((*place, "object", "withFields"), message)
    if call.id_as is not None and (use != "get" or "id" not in {v.root for _, v in variables_of(call)}):
        message = "idAs has no effect: the call does not ask for an id"
        yield doubt(
            (*place, "idAs"), message, "it belongs to a `get` with {id} in its path, query or body", at_key=True
        )


CHECKS = (unusable_variables, nameless_calls, unfitting_verbs, broken_paging, unused_keys_of_reads)
