"""Kinds and systems out of definition documents: parsed, checked together, bound to a target's parameters. Pure.

A definition may depend on a parameter of the system (an edition, an era): any value in it may be written as
`{$by: edition, flat: …, wrapped: …}`. Binding chooses; a chosen null takes the key away. A catalog is bound to the
parameters' defaults at first, and to a target's own with `bind`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from pydantic import BaseModel, ValidationError

from reconciler.core import definition as grammar
from reconciler.core.definition import KindDefinition, SystemDefinition, WriteCall
from reconciler.core.fields import FORMS, KEYWORDS, FieldInfo, read_fields, walk
from reconciler.core.forms import encode_scalar
from reconciler.core.model import Diagnostic, Document, Json, JsonObject, Severity, Source
from reconciler.core.pointer import MISSING, Path
from reconciler.core.suggest import did_you_mean
from reconciler.core.template import variables


class CaseError(ValueError):
    """A `$by` names no parameter, or has no case for its value."""


def choose_cases(value: Json, parameters: Mapping[str, Json]) -> Any:
    """Return `value` with every `{$by: …}` replaced by the case of the parameter's value; MISSING for null.

    Raises CaseError when the parameter is unknown or no case fits.
    """
    if isinstance(value, dict):
        if "$by" in value:
            name = value["$by"]
            if name not in parameters:
                raise CaseError(f"$by names the parameter {name!r}, which the system does not have")
            chosen = _text_of(parameters[name])
            if chosen not in value:
                raise CaseError(f"$by: {name} has no case for {chosen!r}")
            found = value[chosen]
            return MISSING if found is None else choose_cases(found, parameters)
        pairs = ((key, choose_cases(item, parameters)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not MISSING}
    if isinstance(value, list):
        return [item for item in (choose_cases(item, parameters) for item in value) if item is not MISSING]
    return value


def _text_of(value: Json) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource type, bound to its system's parameters: everything that the engine asks about it."""

    definition: KindDefinition
    system: SystemDefinition
    parameters: JsonObject
    fields: FieldInfo
    source: Source
    scope: tuple[str, ...]  # spec fields that the read calls need: one listing for each of their values

    @property
    def name(self) -> str:
        return self.definition.kind

    @property
    def full_name(self) -> str:
        return f"{self.definition.system}.{self.definition.kind}"

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(self.definition.identity.key)

    @property
    def unreadable(self) -> str:
        """Why live objects cannot be read on this target; empty when they can."""
        return self.definition.read.unreadable

    @property
    def is_lookup(self) -> bool:
        """Tell whether objects of the kind are only ever found, never written."""
        return self.definition.write.create is None and not self.definition.write.update


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All systems and kinds that were defined, bound to parameters."""

    systems: Mapping[str, SystemDefinition]
    kinds: Mapping[tuple[str, str], Kind]  # by system and kind
    documents: tuple[Document, ...] = field(repr=False)

    def find(self, system: str, kind: str) -> Kind | None:
        return self.kinds.get((system, kind))

    def ordered(self) -> list[Kind]:
        return [self.kinds[key] for key in sorted(self.kinds)]


def send_mode(call: WriteCall, *, creating: bool) -> str:
    """Return how a write call fills its body: as stated in the kind, else by what its method usually means."""
    if call.send is not None:
        return call.send
    if creating:
        return "stated"
    return "full" if call.method == "PUT" else "changed"


def load_catalog(
    documents: Sequence[Document],
    *,
    parameters: Mapping[str, JsonObject] | None = None,
    trusted: frozenset[str] = frozenset(),
) -> tuple[Catalog, list[Diagnostic]]:
    """Return the catalog of all definitions in `documents`, bound to `parameters` by system, and every mistake.

    A definition with mistakes is left out of the catalog. In the files of `trusted` the JSON Schemas are not
    checked again: the tests did that for those that ship with the package.
    """
    given = parameters or {}
    problems: list[Diagnostic] = []
    systems: dict[str, tuple[SystemDefinition, Document]] = {}
    for document in _with_key(documents, "system", problems):
        system = _parse(SystemDefinition, document.data, document, problems)
        if system is None:
            continue
        if system.system in systems:
            first = systems[system.system][1].source
            problems.append(
                _problem(
                    document,
                    ("system",),
                    "duplicate-definition",
                    f"system {system.system!r} is defined twice; first at {first}",
                )
            )
            continue
        systems[system.system] = (system, document)
    kinds: dict[tuple[str, str], Kind] = {}
    for document in documents:
        if not isinstance(document.data, dict) or "kind" not in document.data:
            continue
        checked = document.source.path not in trusted
        kind = _load_kind(document, systems, given, problems, check_schema=checked)
        if kind is None:
            continue
        key = (kind.definition.system, kind.name)
        if key in kinds:
            problems.append(
                _problem(
                    document,
                    ("kind",),
                    "duplicate-definition",
                    f"kind {kind.full_name} is defined twice; first at {kinds[key].source}",
                )
            )
            continue
        kinds[key] = kind
    catalog = Catalog(
        systems={name: system for name, (system, _) in systems.items()},
        kinds=kinds,
        documents=tuple(documents),
    )
    return catalog, problems


def _with_key(documents: Iterable[Document], key: str, problems: list[Diagnostic]) -> Iterator[Document]:
    for document in documents:
        if not isinstance(document.data, dict):
            problems.append(
                _problem(
                    document,
                    (),
                    "bad-definition",
                    "a definition is a mapping",
                    "start it with `system: name`, or with `apiVersion:` and `kind:`",
                )
            )
        elif key in document.data:
            yield document
        elif "kind" not in document.data:
            problems.append(
                _problem(
                    document,
                    (),
                    "bad-definition",
                    "neither a system nor a kind",
                    "start it with `system: name`, or with `apiVersion:` and `kind:`",
                )
            )


def default_parameters(system: SystemDefinition) -> JsonObject:
    """Return the parameters of a system that have a default."""
    properties = system.parameters.get("properties", {})
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema}


def bind_parameters(system: SystemDefinition, given: Mapping[str, Json]) -> JsonObject:
    """Return the parameters that a target's kinds see: what it states over the defaults, in their wire form."""
    properties = system.parameters.get("properties", {})
    bound = {**default_parameters(system), **given}
    return {
        name: encode_scalar(read_fields(properties[name]).forms, value) if name in properties else value
        for name, value in bound.items()
    }


def check_parameters(
    system: SystemDefinition | None, given: Mapping[str, Json], settings: Iterable[str] = ()
) -> list[tuple[str, str, str]]:
    """Return what is wrong with a target's parameters for a system: parameter, message, hint.

    A system without a definition takes no parameters. `settings` are the keys that stand beside the parameters in
    the configuration: a misspelt parameter may be one of them.
    """
    schema = {"type": "object", **(system.parameters if system is not None else {})}
    known = schema.get("properties", {})
    listed = f"its parameters are {', '.join(sorted(known))}" if known else "it takes no parameters"
    found = [
        (name, f"unknown key {name!r}", did_you_mean(name, [*known, *settings]) or listed)
        for name in given
        if name not in known
    ]
    for name in schema.get("required", ()):
        if name not in given:
            found.append((name, f"the parameter {name!r} is required", known.get(name, {}).get("description", "")))
    for name in given.keys() & known.keys():
        for error in jsonschema.Draft202012Validator(known[name]).iter_errors(given[name]):
            found.append((name, f"{name}: {error.message}", known[name].get("description", "")))
    return found


def _load_kind(
    document: Document,
    systems: Mapping[str, tuple[SystemDefinition, Document]],
    given: Mapping[str, JsonObject],
    problems: list[Diagnostic],
    *,
    check_schema: bool,
) -> Kind | None:
    api_version = document.data.get("apiVersion")
    name = api_version.partition("/")[0] if isinstance(api_version, str) else ""
    system = systems[name][0] if name in systems else _implied_system(name)
    if system is None:
        _refuse(document, ("apiVersion",), "apiVersion is `system/version`, as in `shop/v1`", problems)
        return None
    bound = bind_parameters(system, given.get(name, {}))
    try:
        data = choose_cases(document.data, bound)
    except CaseError as error:
        _refuse(document, (), str(error), problems)
        return None
    parsed = _parse(KindDefinition, data, document, problems)
    if parsed is None:
        return None
    before = len(problems)
    if check_schema:
        _check_schema(parsed, document, problems)
    if len(problems) == before:
        fields = read_fields(parsed.schema_)
        _check_consistency(parsed, fields, document, problems)
    if len(problems) > before:
        return None
    return Kind(
        definition=parsed,
        system=system,
        parameters=bound,
        fields=fields,
        source=document.source,
        scope=_scope(parsed),
    )


def _implied_system(name: str) -> SystemDefinition | None:
    try:
        return SystemDefinition.model_validate({"system": name})
    except ValidationError:
        return None


def _scope(definition: KindDefinition) -> tuple[str, ...]:
    calls: list[grammar.Call] = [*definition.read.lists]
    if not calls:
        # What cannot be read is still told apart by what its writes name.
        calls = [definition.read.get] if definition.read.get is not None else [*definition.write.update]
    templates: list[Json] = []
    for call in calls:
        templates += [call.path, dict(call.query), call.body]
    names = [v.steps[0] for template in templates for v in variables(template) if v.root == "spec"]
    return tuple(dict.fromkeys(names))


# --------------------------------------------------------------------------- checks


def _problem(document: Document, path: Path, code: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, source=document.locate(path), hint=hint)


def _refuse(document: Document, path: Path, message: str, problems: list[Diagnostic]) -> None:
    problems.append(_problem(document, path, "bad-definition", message))


@functools.lru_cache(maxsize=1)
def _grammar_words() -> frozenset[str]:
    words: set[str] = set()
    for value in vars(grammar).values():
        if isinstance(value, type) and issubclass(value, BaseModel):
            words.update(info.alias or name for name, info in value.model_fields.items())
    return frozenset(words)


def _parse(model: type[Any], data: Json, document: Document, problems: list[Diagnostic]) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for mistake in error.errors(include_url=False, include_input=False, include_context=False):
            path = tuple(mistake["loc"])
            hint = ""
            message = mistake["msg"].removeprefix("Value error, ")
            if mistake["type"] == "extra_forbidden":
                message = f"unknown key {path[-1]!r}"
                hint = did_you_mean(str(path[-1]), _grammar_words())
            elif mistake["type"] == "missing":
                message = f"the key {path[-1]!r} is missing"
                path = path[:-1]
            elif path:
                message = f"{'.'.join(str(step) for step in path)}: {message}"
            problems.append(_problem(document, path, "bad-definition", message, hint))
        return None


def _check_schema(parsed: KindDefinition, document: Document, problems: list[Diagnostic]) -> None:
    validator = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    for error in validator.iter_errors(parsed.schema_):
        path = ("schema", *error.absolute_path)
        problems.append(_problem(document, path, "bad-schema", f"not JSON Schema 2020-12: {error.message}"))
    _check_keywords(parsed.schema_, ("schema",), document, problems)


def _check_keywords(schema: Json, path: Path, document: Document, problems: list[Diagnostic]) -> None:
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            _check_keywords(item, (*path, index), document, problems)
    if not isinstance(schema, dict):
        return
    inside_names = path[-1] in ("properties", "$defs", "patternProperties", "dependentSchemas")
    for keyword, value in schema.items():
        if keyword in ("const", "enum", "default", "examples") and not inside_names:
            continue
        if not inside_names and keyword.startswith("x-"):
            if keyword not in KEYWORDS:
                problems.append(
                    _problem(
                        document,
                        (*path, keyword),
                        "bad-schema",
                        f"unknown keyword {keyword!r}",
                        did_you_mean(keyword, KEYWORDS),
                    )
                )
            elif keyword == "x-form":
                for form in value if isinstance(value, list) else [value]:
                    if form not in FORMS:
                        problems.append(
                            _problem(
                                document,
                                (*path, keyword),
                                "bad-schema",
                                f"unknown form {form!r}; known are {', '.join(FORMS)}",
                            )
                        )
            elif keyword == "x-list" and value not in ("ordered", "set"):
                problems.append(_problem(document, (*path, keyword), "bad-schema", "x-list is ordered or set"))
            elif keyword == "x-map" and value not in ("whole", "keys"):
                problems.append(_problem(document, (*path, keyword), "bad-schema", "x-map is whole or keys"))
            continue
        _check_keywords(value, (*path, keyword), document, problems)


def _check_consistency(
    parsed: KindDefinition, fields: FieldInfo, document: Document, problems: list[Diagnostic]
) -> None:
    known = set(fields.properties)

    def need(name: str, path: Path, what: str) -> None:
        if name not in known:
            problems.append(
                _problem(
                    document,
                    path,
                    "bad-definition",
                    f"{what} names {name!r}, which is no field of the schema",
                    did_you_mean(name, known),
                )
            )

    for index, name in enumerate(parsed.identity.key):
        need(name, ("identity", "key", index), "identity.key")
    if parsed.identity.name is not None:
        need(parsed.identity.name, ("identity", "name"), "identity.name")
    for index, requirement in enumerate(parsed.requires):
        need(requirement.field, ("requires", index, "field"), "requires.field")
    written = [("create", parsed.write.create), *(("update", call) for call in parsed.write.update)]
    for sort, write in written:
        for name in [*(write.fields or []), *write.required] if write is not None else []:
            need(name, ("write", sort), f"write.{sort}")
    for index, group in enumerate(parsed.together):
        for name in [*group.fields, *([group.when] if group.when else [])]:
            need(name, ("together", index), "together")
    for place, call in _calls(parsed):
        for variable in variables([call.path, dict(call.query), dict(call.headers), call.body]):
            if variable.root == "spec":
                need(variable.steps[0], place, f"{'.'.join(str(p) for p in place)} {variable}")
    read = parsed.read
    if not read.lists and read.get is None and not read.unreadable:
        problems.append(
            _problem(
                document,
                ("read",),
                "bad-definition",
                "the kind cannot be read",
                "state read.list or read.get, or say why not in read.unreadable",
            )
        )
    if not parsed.identity.key and not parsed.identity.singleton:
        problems.append(
            _problem(
                document,
                ("identity",),
                "bad-definition",
                "the kind has no natural key",
                "name the fields that find the live object in identity.key",
            )
        )
    if any(call.items_are != "objects" for call in read.lists) and read.get is None:
        problems.append(
            _problem(
                document,
                ("read", "list"),
                "bad-definition",
                "the list does not return whole objects, so read.get is needed",
            )
        )
    for name, info in walk_top(fields):
        if info.presence is not None and info.presence not in known:
            problems.append(
                _problem(
                    document,
                    ("schema", "properties", name),
                    "bad-definition",
                    f"x-present names {info.presence!r}, which is no field of the schema",
                )
            )


def walk_top(fields: FieldInfo) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the top-level fields of a spec with their names."""
    for path, info in walk(fields):
        if len(path) == 1:
            yield str(path[0]), info


def _calls(parsed: KindDefinition) -> Iterator[tuple[Path, grammar.Call]]:
    for index, listing in enumerate(parsed.read.lists):
        yield ("read", "list", index), listing
    for name in ("find", "get"):
        found = getattr(parsed.read, name)
        if found is not None:
            yield ("read", name), found
    if parsed.write.create is not None:
        yield ("write", "create"), parsed.write.create
    for index, call in enumerate(parsed.write.update):
        yield ("write", "update", index), call
    if parsed.write.delete is not None and parsed.write.delete.call is not None:
        yield ("write", "delete", "call"), parsed.write.delete.call
