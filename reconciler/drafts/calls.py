"""The calls of a drafted kind: how objects are listed, read and written, and what guards them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.kinds.noted import decide, noted
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import format_pointer
from reconciler.drafts.findings import Enveloped, Findings, answer_of
from reconciler.drafts.names import normal, template_name, word_set
from reconciler.drafts.operations import JSON_PATCH, MERGE_PATCH, Operation, Parameter
from reconciler.drafts.paging import guess_paging
from reconciler.drafts.shapes import own_keywords, read_shape

_OWN_HEADERS = word_set(
    "accept content-type authorization if-match if-none-match user-agent host idempotency-key x-idempotency-key"
)
_VERSION_FIELDS = word_set("resourceversion lockversion etag revision rev optlock")


# --------------------------------------------------------------------------- reading


def read_section(found: Findings) -> JsonObject:
    """Return the `read` section."""
    resource = found.resource
    section: JsonObject = {}
    if resource.listing is not None:
        section["list"] = _list_call(resource.listing, found)
    if resource.get is not None:
        by_name = found.client_named and resource.listing is None
        path = found.path_by_name(resource.get) if by_name else found.path(resource.get)
        section["get"] = _call(resource.get, path, found, object_at=found.answer.at)
    if not section:
        section["unreadable"] = decide("the API document describes no call that reads it", "find the call that does")
    elif "list" not in section and "{id}" in section["get"]["path"]:
        question = "nothing lists these objects, so only the ledger can find one again; find a list, or a query"
        section["get"] = decide(section["get"], question)
    return section


def _list_call(operation: Operation, found: Findings) -> Json:
    guess = found.listed
    shape = None
    if operation.success is not None and operation.success.schema is not None:
        shape = read_shape([operation.success.schema])
    paging = guess_paging(operation, shape)
    call = _call(operation, found.path(operation), found, query=paging.query)
    if guess.items:
        call["items"] = guess.items
    if not guess.sure:
        call["items"] = decide(guess.items, "the document does not say where the answer holds the list")
    if guess.keyed:
        name = found.key[-1] if found.key else "name"
        call["keyAs"] = noted(name, "guessed: the answer is an object by name")
    call.update(_items_are(found))
    if paging.section is not None:
        question = f"guessed ({paging.why}): check that the list is read to its end"
        if paging.section.get("size") == 1 and "{page.size}" not in paging.query.values():
            question += "; `size` is what the server puts on a page, and 1 reads on until a page is empty"
        call["paging"] = decide(paging.section, question)
        return call
    why = f" ({paging.why})" if paging.why else ""
    return decide(call, f"the document shows no paging{why}: check that one answer holds the whole list")


def _items_are(found: Findings) -> JsonObject:
    """Tell lists of ids and of summaries from lists of whole objects."""
    item, answer = found.listed.item, found.answer.shape
    if found.resource.get is None or item is None or answer is None:
        return {}
    if item.types and not item.is_object:
        return {"itemsAre": noted("ids", "the list holds ids only, each object is read by itself")}
    missing = [
        wire
        for name, schema in found.fields.properties.items()
        if "readOnly" not in schema and "writeOnly" not in schema and name not in found.scope.values()
        if (wire := str(schema.get("x-name", name))) in answer.properties and wire not in item.properties
    ]
    if not item.properties or not missing:
        return {}
    return {"itemsAre": noted("summaries", f"items of the list lack {', '.join(missing[:5])}")}


# --------------------------------------------------------------------------- one call


def _call(
    operation: Operation, path: str, found: Findings, *, query: Mapping[str, Json] | None = None, object_at: str = ""
) -> JsonObject:
    call: JsonObject = {"method": operation.method, "path": path}
    asked = {**_required(operation.query(), found, set(query or ())), **(query or {})}
    if asked:
        call["query"] = asked
    headers = _required(
        [p for p in operation.headers() if p.name.lower() not in _OWN_HEADERS and not _is_credential(p)], found, set()
    )
    if headers:
        call["headers"] = headers
    if object_at:
        call["object"] = object_at
    return call


def _is_credential(parameter: Parameter) -> bool:
    # Credentials stand in the target's settings, never in a kind.
    return normal(parameter.name) in ("xapikey", "apikey", "xauthtoken", "token", "cookie")


def _required(parameters: Iterable[Parameter], found: Findings, given: set[str]) -> JsonObject:
    """Return a value for each parameter that a call cannot do without: a field, a constant, a system's parameter."""
    values: JsonObject = {}
    for parameter in parameters:
        if not parameter.required or parameter.name in given:
            continue
        name = found.wires.get(normal(parameter.name))
        if name is None and parameter.name in found.fields.properties:
            name = parameter.name
        if name is not None and "readOnly" not in found.fields.properties[name]:
            values[parameter.name] = f"{{spec.{name}}}"
            continue
        schema = {} if parameter.schema is None else own_keywords(read_shape([parameter.schema]))
        listed = schema.get("enum", [])
        if len(listed) == 1 or "default" in schema:
            constant = listed[0] if len(listed) == 1 else schema["default"]
            values[parameter.name] = (
                constant.replace("{", "{{").replace("}", "}}")
                if isinstance(constant, str)
                else (str(constant).lower() if isinstance(constant, bool) else str(constant))
            )
            continue
        wanted = template_name(parameter.name)
        schema.setdefault("type", "string")
        schema.setdefault(
            "description", parameter.node.text("description") or f"What {parameter.name} is on all calls."
        )
        found.world.parameters.setdefault(wanted, schema)
        values[parameter.name] = f"{{system.{wanted}}}"
    return values


# --------------------------------------------------------------------------- writing


def write_section(found: Findings) -> JsonObject:
    """Return the `write` section."""
    section: JsonObject = {}
    if found.create is not None:
        section["create"] = _create(found.create, found)
    if found.update is not None:
        section["update"] = _update(found.update, found)
    if found.resource.delete is not None:
        section["delete"] = {"call": _call(found.resource.delete, found.path(found.resource.delete), found)}
    elif section:
        section["delete"] = noted({"forget": True}, "the document describes no call that deletes")
    return section


def _create(operation: Operation, found: Findings) -> Json:
    path = found.path_by_name(operation) if found.client_named else found.path(operation)
    call = _write_call(operation, path, found, creating=True)
    if any(header.name.lower() == "if-none-match" for header in operation.headers()):
        call["headers"] = {**call.get("headers", {}), "If-None-Match": "*"}
    return _answering(call, operation, found, creating=True)


def _update(operation: Operation, found: Findings) -> Json:
    call = _write_call(operation, found.path(operation), found, creating=False)
    question = ""
    match operation.method:
        case "PATCH" if operation.media == MERGE_PATCH:
            call["send"] = "mergePatch"
        case "PATCH" if set(operation.bodies) == {JSON_PATCH}:
            call["send"] = "jsonPatch"
        case "PATCH":
            call["send"] = "changed"
        case "PUT":
            call["send"] = "full"
            question = _erased(found)
            call.update(_only_taken(operation, call["path"], found))
        case _:
            call["send"] = "changed"
            question = "a POST to the object: check that it keeps what is not sent; if not, write `send: full`"
    return _answering(call, operation, found, creating=False, question=question)


def _erased(found: Findings) -> str:
    kept = "a PUT erases what it leaves out, so the object as last read is sent with the manifest's fields over it"
    if found.fields.unseen:
        names = ", ".join(found.fields.unseen)
        return f"{kept}; what no answer shows is erased unless a manifest states it: {names}"
    return f"{kept}; check that answers show all that a PUT takes"


def _only_taken(operation: Operation, path: str, found: Findings) -> JsonObject:
    """Name the fields of a PUT where it does not take all that a manifest may state."""
    shape = found.body[operation.title].shape
    if shape is None:
        return {}
    stated = [
        (name, str(schema.get("x-name", name)))
        for name, schema in found.fields.properties.items()
        if "readOnly" not in schema and f"{{spec.{name}}}" not in path
    ]
    taken = [name for name, wire in stated if wire in shape.properties]
    return {} if len(taken) == len(stated) else {"fields": taken}


def _write_call(operation: Operation, path: str, found: Findings, *, creating: bool) -> JsonObject:
    call = _call(operation, path, found)
    media = operation.media
    if media not in ("", "application/json", MERGE_PATCH, JSON_PATCH):
        call["headers"] = {**call.get("headers", {}), "Content-Type": media}
    body = found.body.get(operation.title, Enveloped(shape=None))
    around: JsonObject = {}
    if body.shape is not None:
        in_path = {v for v in found.carried.values() if v in path}
        # What the path says is left out of bodies; these want it in both.
        wanted = body.shape.required if operation.method == "PATCH" else body.shape.properties.keys()
        around = {name: value for name, value in found.carried.items() if value in in_path and name in wanted}
        if not creating and (version := version_field(found)) is not None:
            around[version] = f"{{live.{version}}}"
    if around:
        call["body"] = {body.at[1:]: around} if body.at else around
    if body.at:
        call["fieldsAt"] = body.at
    return call


def _answering(call: JsonObject, operation: Operation, found: Findings, *, creating: bool, question: str = "") -> Json:
    """Add what the answer of a write holds: the object, its id only, or nothing to be trusted."""
    known = found.fields.properties.keys()
    answered = answer_of(operation, found.resource.name, known)
    whole = found.answer.shape
    questions = [question] if question else []
    members = set() if answered.shape is None else set(answered.shape.properties)
    expected = members if whole is None else set(whole.properties)
    if answered.shape is not None and len(members & expected) * 2 >= len(expected):
        if answered.at:
            call["object"] = answered.at
        if not question:
            questions.append("the document says that the answer holds the object; if not, write `returns: nothing`")
    else:
        call["returns"] = "nothing"
        pointer = found.id if isinstance(found.id, str) else ""
        if creating and members and pointer.startswith("/") and pointer[1:] in members:
            call["idAt"] = answered.at + pointer
        elif not question:
            questions.append("no object in the answer is documented, so it is read again; check whether there is one")
    success = operation.success
    if success is not None and success.status == "202":
        questions.append("202 promises only: add `wait`, the call that tells when the work is done")
    if not questions:
        return call
    result: Json = call
    for line in questions:
        result = decide(result, line)
    return result


# --------------------------------------------------------------------------- guards and answers


def guard_section(found: Findings) -> Json:
    """Return the `guard` section; empty when the document shows nothing of the kind."""
    operations = [op for op in (found.resource.put, found.resource.patch, found.resource.delete) if op is not None]
    matched = any(h.name.lower() == "if-match" for op in operations for h in op.headers())
    get = found.resource.get
    tagged = get is not None and get.success is not None and "etag" in get.success.headers
    if get is not None and (matched or tagged):
        why = "writes take If-Match" if matched else "guessed by the ETag of reads: check that writes heed If-Match"
        return {"ifMatch": noted(True, why)}
    version = version_field(found)
    if version is not None:
        return {"version": decide(format_pointer((version,)), "guessed by its name: updates send back what was read")}
    return {}


def version_field(found: Findings) -> str | None:
    """Return the member that answers hold and updates send back to tell that nothing has moved, or None."""
    body = None if found.update is None else found.body[found.update.title].shape
    answer = found.answer.shape
    if body is None or answer is None:
        return None
    for name in body.properties:
        child = body.child(name)
        if name not in answer.properties or child is None or child.read_only:
            continue
        numbered = normal(name) in ("version", "generation") and child.types == ("integer",)
        if numbered or normal(name) in _VERSION_FIELDS:
            return name
    return None


def answer_rules(found: Findings) -> list[Json]:
    """Return the kind's own rules about answers: a 404 without a body is "not found" only if the document says so."""
    get = found.resource.get
    missing = None if get is None else get.answers.get("404")
    if missing is None or missing.has_content:
        return []
    rule = {"status": 404, "class": "notFound"}
    question = "the document gives a 404 no body; a wrong url may look the same, and then an object would be made anew"
    return [decide(rule, question)]
