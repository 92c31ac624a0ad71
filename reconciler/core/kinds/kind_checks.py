"""What is wrong with a definition that the grammar lets pass. Pure.

Here are the mistakes in its JSON Schemas and in our keywords, the names that name nothing, and the parts that are
needed together. What is found is reported at the place where a person wrote it, before any case was chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.core.kinds.cases import written_path
from reconciler.core.kinds.definition import Call, FollowUp, KindDefinition, SystemDefinition
from reconciler.core.kinds.definition_calls import EXPRESSION_HINT
from reconciler.core.kinds.fields import FORMS, KEYWORDS, FieldInfo
from reconciler.core.kinds.template import variables
from reconciler.core.model import Diagnostic, Document, Json, JsonObject, Severity
from reconciler.core.pointer import Path, get, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_gate import is_surely_a_schema
from reconciler.core.strict_form import StrictForm
from reconciler.core.suggest import choose_of, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A definition as a person wrote it, and the parameters that its cases were chosen by."""

    document: Document
    parameters: Mapping[str, Json]

    def problem(
        self, path: Path, message: str, hint: str = "", *, code: str = "bad-definition", at_key: bool = False
    ) -> Diagnostic:
        """Return a mistake at `path` of the chosen definition; `at_key` points at the member's name."""
        if at_key and path:  # the name itself: its value may be one of several cases
            place: Path = (*written_path(self.document.data, path[:-1], self.parameters), path[-1])
        else:
            place = written_path(self.document.data, path, self.parameters)
        source = self.document.locate(place, key=at_key)
        return Diagnostic(severity=Severity.ERROR, code=code, message=message, source=source, hint=hint)


# --------------------------------------------------------------------------- JSON Schemas


def check_kind_schema(schema: JsonObject, written: Written) -> Iterator[Diagnostic]:
    """Yield what is wrong with a kind's JSON Schema and with the keywords that are ours."""
    wrong = list(_metaschema_problems(schema, ("schema",), written))
    yield from wrong
    if not wrong:
        yield from _check_schema(schema, ("schema",), schema, written)


def check_system(system: SystemDefinition, written: Written) -> Iterator[Diagnostic]:
    """Yield what is wrong with the schema of a system's parameters and with the parameters that its headers name."""
    wrong = list(_metaschema_problems(system.parameters, ("parameters",), written))
    yield from wrong
    if not wrong:
        yield from _check_schema(system.parameters, ("parameters",), system.parameters, written)
        for name, header in system.headers.items():
            yield from _unknown_parameters(header, ("headers", name), system, written)


def _metaschema_problems(schema: JsonObject, path: Path, written: Written) -> Iterator[Diagnostic]:
    if is_surely_a_schema(schema):
        return
    import jsonschema  # here, because it takes a tenth of a second to load

    validator = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    for error in validator.iter_errors(schema):
        place = (*path, *error.absolute_path)
        message = f"not JSON Schema 2020-12: {error.message}"
        yield written.problem(place, message, _schema_hint(error.instance, place), code="bad-schema")


_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")


def _schema_hint(value: Json, place: Path) -> str:
    if "type" in place[-2:]:
        return choose_of(str(value), _TYPES, "types")
    return f"JSON Schema 2020-12, at {place[-1]!r}, says what may stand there"


_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
_SCHEMAS = (
    "additionalProperties", "unevaluatedProperties", "propertyNames", "items", "unevaluatedItems", "contains",
    "not", "if", "then", "else", "allOf", "anyOf", "oneOf", "prefixItems",
)  # fmt: skip


def _check_schema(schema: Json, path: Path, root: JsonObject, written: Written) -> Iterator[Diagnostic]:
    """Yield mistakes in a subschema, or in a list of them, that its metaschema does not know of."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _check_schema(item, (*path, index), root, written)
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        place = (*path, keyword)
        if keyword.startswith("x-"):
            message, hint = _keyword_mistake(keyword, value)
            if message:
                yield written.problem(place, message, hint, code="bad-schema", at_key=keyword not in KEYWORDS)
        elif keyword in _SCHEMAS:
            yield from _check_schema(value, place, root, written)
        elif keyword in _SCHEMAS_BY_NAME:
            for name, inner in value.items():
                if keyword == "patternProperties" and not _is_expression(name):
                    message = f"{name!r} is no regular expression"
                    yield written.problem((*place, name), message, EXPRESSION_HINT, code="bad-schema", at_key=True)
                yield from _check_schema(inner, (*place, name), root, written)
        elif keyword == "pattern" and not _is_expression(value):
            yield written.problem(place, f"{value!r} is no regular expression", EXPRESSION_HINT, code="bad-schema")
        elif keyword in ("$ref", "$dynamicRef") and not _leads_somewhere(value, root):
            message = f"{keyword} {value!r} leads nowhere in this schema"
            hint = "write a pointer to a part of the same schema, as in #/$defs/name"
            yield written.problem(place, message, hint, code="bad-schema")


def _leads_somewhere(reference: str, root: JsonObject) -> bool:
    pointer = reference.removeprefix("#")
    if pointer == reference or (pointer and not pointer.startswith("/")):
        return False
    return isinstance(get(root, parse_pointer(pointer)), (dict, bool))


def _is_expression(value: Json) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError):
        return False
    return True


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool)


def _is_request_name(value: Json) -> bool:
    if isinstance(value, dict):
        return value.keys() <= {"create", "update"} and all(map(_is_text, value.values()))
    return _is_text(value)


def _is_key(value: Json) -> bool:
    return isinstance(value, list) and value != [] and all(map(_is_text, value))


def _are_values(value: Json) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    lists = [found if isinstance(found, list) else [found] for found in value.values()]
    return all(found and not any(isinstance(one, (dict, list)) for one in found) for found in lists)


_VALUES: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "x-name": (_is_text, "a name"),
    "x-request": (_is_request_name, "a name, or {create: name, update: name}"),
    "x-response": (_is_text, "a name"),
    "x-list": (lambda value: value in ("ordered", "set"), "ordered or set"),
    "x-key": (_is_key, "a list of names of fields"),
    "x-map": (lambda value: value in ("whole", "keys"), "whole or keys"),
    "x-means": (lambda value: isinstance(value, dict) and value != {}, "a mapping of texts to values"),
    "x-mask": (_is_expression, "a regular expression"),
    "x-present": (_is_text, "the name of a field"),
    "x-kept": (_is_flag, "true or false"),
    "x-immutable": (_is_flag, "true or false"),
    "x-sensitive": (_is_flag, "true or false"),
    "x-sensitiveWhen": (_are_values, "a mapping of fields beside it to a value, or a list of values"),
    "x-createOnly": (_is_flag, "true or false"),
    "x-updateOnly": (_is_flag, "true or false"),
    "x-ref": (_is_text, "the name of a kind"),
    "x-unit": (_is_text, "a unit"),
    "x-message": (_is_text, "a sentence"),
    "x-evidence": (
        lambda value: value in ("stated", "documented", "inferred", "unknown"),
        "stated, documented, inferred or unknown",
    ),
}


def _keyword_mistake(keyword: str, value: Json) -> tuple[str, str]:
    """Return the message and hint for one of our keywords; an empty message when all is well."""
    if keyword not in KEYWORDS:
        return f"unknown keyword {keyword!r}", did_you_mean(keyword, KEYWORDS) or f"known: {', '.join(KEYWORDS)}"
    if keyword == "x-form":
        for form in value if isinstance(value, list) else [value]:
            if form not in FORMS:
                hint = did_you_mean(str(form), FORMS) or KEYWORDS[keyword]
                return f"unknown form {form!r}; known are {', '.join(FORMS)}", hint
    fits, words = _VALUES.get(keyword, (lambda _: True, ""))
    return ("", "") if fits(value) else (f"{keyword} is {words}", KEYWORDS[keyword])


# --------------------------------------------------------------------------- names


def check_consistency(
    parsed: KindDefinition, system: SystemDefinition, fields: FieldInfo, written: Written
) -> Iterator[Diagnostic]:
    """Yield the names in a definition that name no field or parameter, and what it lacks to be of use."""
    known = set(fields.properties)
    for path, what, name in _names_of_fields(parsed):
        if name not in known:
            message = f"{what} names {name!r}, which is no field of the schema"
            yield written.problem(path, message, choose_of(name, fields.properties, "its fields"))
    for place, call in _calls(parsed):
        for part in ("path", "query", "headers", "body"):
            yield from _unknown_parameters(getattr(call, part), (*place, part), system, written)
        if isinstance(call, FollowUp) and call.each is not None:
            yield from _unknown_parameters("{" + call.each + "}", (*place, "each"), system, written)
    for name, info in fields.properties.items():
        if info.presence is not None and info.presence not in known:
            message = f"x-present names {info.presence!r}, which is no field of the schema"
            hint = choose_of(info.presence, fields.properties, "its fields")
            yield written.problem(("schema", "properties", name, "x-present"), message, hint)
    yield from _check_names_beside(fields, ("schema",), written)
    yield from _missing_parts(parsed, written)


def _missing_parts(parsed: KindDefinition, written: Written) -> Iterator[Diagnostic]:
    read = parsed.read
    if not read.lists and read.get is None and not read.unreadable:
        yield written.problem(
            ("read",),
            "the kind cannot be read",
            "state read.list or read.get, or say why not in read.unreadable",
        )
    if not parsed.identity.key and not parsed.identity.singleton:
        yield written.problem(
            ("identity",),
            "the kind has no natural key",
            "name the fields that find the live object in identity.key",
        )
    if read.get is None and read.parts:
        yield written.problem(
            ("read", "parts"), "parts are read after read.get, and there is none", "add read.get", at_key=True
        )
    if read.parts and any(call.items_are == "objects" for call in (*read.lists, *([read.find] if read.find else []))):
        yield written.problem(
            ("read", "parts"),
            "the list shows objects without their parts",
            "state itemsAre: summaries in the list, so that each object is read with its parts",
            at_key=True,
        )
    if read.get is None and any(call.items_are != "objects" for call in read.lists):
        yield written.problem(
            ("read", "list"),
            "the list does not return whole objects, so read.get is needed",
            "add read.get, the call that returns one object",
        )


def _names_of_fields(parsed: KindDefinition) -> Iterator[tuple[Path, str, str]]:
    """Yield each place where a definition names a top-level field: its path, what it is, the name."""
    for index, name in enumerate(parsed.identity.key):
        yield ("identity", "key", index), "identity.key", name
    if parsed.identity.name is not None:
        yield ("identity", "name"), "identity.name", parsed.identity.name
    for variable in variables(parsed.identity.id):
        if variable.root == "spec":
            yield ("identity", "id"), f"identity.id {variable}", variable.steps[0]
    for index, requirement in enumerate(parsed.requires):
        yield ("requires", index, "field"), "requires.field", requirement.field
    for index, group in enumerate(parsed.together):
        for position, name in enumerate(group.fields):
            yield ("together", index, "fields", position), "together", name
        if group.when is not None:
            yield ("together", index, "when"), "together.when", group.when
    creates = [] if parsed.write.create is None else [(("write", "create"), parsed.write.create)]
    updates = [(("write", "update", index), call) for index, call in enumerate(parsed.write.update)]
    for place, write in [*creates, *updates]:
        for part, names in (("fields", write.fields or []), ("required", write.required)):
            for position, name in enumerate(names):
                yield (*place, part, position), f"write.{place[1]}", name
    for place, call in _calls(parsed):
        what = ".".join(str(step) for step in place)
        for part in ("path", "query", "headers", "body"):
            for variable in variables(getattr(call, part)):
                if variable.root == "spec":
                    yield (*place, part), f"{what} {variable}", variable.steps[0]


def _unknown_parameters(template: Json, path: Path, system: SystemDefinition, written: Written) -> Iterator[Diagnostic]:
    known = {*system.parameters.get("properties", {}), *written.parameters}
    for variable in variables(template):
        if variable.root == "system" and variable.steps[0] not in known:
            message = f"{variable} names {variable.steps[0]!r}, which is no parameter of {system.system}"
            hint = did_you_mean(variable.steps[0], known) or f"declare it under `parameters` of {system.system}"
            yield written.problem(path, message, hint)


def _check_names_beside(fields: FieldInfo, path: Path, written: Written) -> Iterator[Diagnostic]:
    """Yield the names in an `x-key` that are no fields of the items, and those that name nothing beside a field."""
    for name, info in fields.properties.items():
        place = (*path, "properties", name)
        known = info.items.properties if info.items is not None else {}
        for key in info.key:
            if key not in known:
                message = f"x-key names {key!r}, which is no field of the items"
                yield written.problem((*place, "x-key"), message, choose_of(key, known, "their fields"))
        for telltale in info.sensitive_when:
            if telltale.name not in fields.properties:
                message = f"x-sensitiveWhen names {telltale.name!r}, which is no field beside {name!r}"
                hint = choose_of(telltale.name, fields.properties, "the fields there")
                yield written.problem((*place, "x-sensitiveWhen", telltale.name), message, hint, at_key=True)
        yield from _check_names_beside(info, place, written)
        if info.items is not None:
            yield from _check_names_beside(info.items, (*place, "items"), written)


def _calls(part: Any, path: Path = ()) -> Iterator[tuple[Path, Call]]:
    """Yield every call in a part of a definition, which stands at `path`, with its own path."""
    if isinstance(part, Call):
        yield path, part
    if isinstance(part, StrictForm):
        for name, field in type(part).model_fields.items():
            yield from _calls(getattr(part, name), (*path, field.alias or name))
    elif isinstance(part, list):
        for index, item in enumerate(part):
            yield from _calls(item, (*path, index))
