"""Kinds and systems out of definition documents: parsed, checked together, bound to a target's parameters. Pure.

A catalog is bound to parameters as it is loaded: to a target's own, over those that have a default. The cases of a
definition are chosen by them first, so that everything behind sees one definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from pydantic import ValidationError

from reconciler.core.kinds import definition as grammar
from reconciler.core.kinds.answered import secret_id
from reconciler.core.kinds.cases import CaseError, choose_cases
from reconciler.core.kinds.definition import KindDefinition, SystemDefinition, WriteCall
from reconciler.core.kinds.fields import FieldInfo, read_fields
from reconciler.core.kinds.forms import encode_scalar
from reconciler.core.kinds.grammar_mistakes import explain
from reconciler.core.kinds.kind_checks import Written, check_consistency, check_kind_schema, check_system
from reconciler.core.kinds.template import variables
from reconciler.core.model import Diagnostic, Document, Json, JsonObject, Locate, Source
from reconciler.core.pointer import Path, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource type, bound to its system's parameters: everything that the engine asks about it."""

    definition: KindDefinition
    system: SystemDefinition
    parameters: JsonObject
    fields: FieldInfo
    source: Source
    locate: Locate = field(compare=False, repr=False)
    scope: tuple[str, ...]  # spec fields that the read calls need: one listing for each of their values
    place: tuple[str, ...]  # spec fields that reading and deleting one object needs beside its id
    key: tuple[str, ...]  # spec fields of the natural key
    id_path: Path | None  # where an object holds its id; None where the id is made of several values
    key_fields: tuple[tuple[str, FieldInfo], ...] = field(repr=False, compare=False)  # what is known about each of them
    full_name: str  # with the system, as in shop.Product
    names: tuple[str, str]  # system and kind, as addresses have them
    secret_id: bool = False  # the remote id is, or holds, a secret: it is kept nowhere and shown nowhere

    @property
    def name(self) -> str:
        return self.definition.kind

    def kept_id(self, remote_id: str) -> str:
        """Return the remote id as files and messages may hold it: "" where it is secret."""
        return "" if self.secret_id else remote_id

    def shown_id(self, remote_id: str) -> str:
        """Return the remote id as people may see it."""
        return "(sensitive)" if self.secret_id else remote_id

    @property
    def unreadable(self) -> str:
        """Why live objects cannot be read on this target; empty when they can."""
        return self.definition.read.unreadable

    @property
    def can_create(self) -> bool:
        """Tell whether the API can make objects of the kind."""
        return self.definition.write.create is not None or self.definition.write.inside is not None

    @property
    def can_update(self) -> bool:
        """Tell whether the API can change objects of the kind."""
        return bool(self.definition.write.update) or self.definition.write.inside is not None


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


def replaced_by(definition: KindDefinition, call: WriteCall) -> str:
    """Return what an update replaces: "object", "fields" (its own), or "" where nothing tells, or none is replaced.

    It makes a difference only where the fields are split over several updates.
    """
    if send_mode(call, creating=False) != "full":
        return ""
    split = call.fields is not None or any(other.fields is not None for other in definition.write.update)
    if call.replaces is not None or not split:
        return call.replaces or "object"
    path, own = call.path.rstrip("/"), _own_path(definition)
    if not own:
        return ""
    get = definition.read.get
    if path == own and call.query.keys() <= (get.query.keys() if get is not None else set()):
        return "object"
    return "fields" if path.startswith(f"{own}/") else ""


def _own_path(definition: KindDefinition) -> str:
    """Return the path at which one object stands, as its get, its delete or its updates say; empty where none does."""
    delete, get = definition.write.delete, definition.read.get
    if get is not None:
        return get.path.rstrip("/") if get.method == "GET" else ""
    if delete is not None and delete.call is not None and delete.call.method == "DELETE":
        return delete.call.path.rstrip("/")
    paths = sorted((call.path.rstrip("/") for call in definition.write.update), key=len)
    return paths[0] if len(paths) > 1 and all(path.startswith(f"{paths[0]}/") for path in paths[1:]) else ""


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
    systems, broken = _load_systems(documents, problems, trusted)
    kinds: dict[tuple[str, str], Kind] = {}
    for document in documents:
        if not isinstance(document.data, dict) or "kind" not in document.data or "system" in document.data:
            continue
        name = _system_of(document)
        if name in broken:
            continue  # whether it is right cannot be told before the system is
        system = systems.get(name) or _implied_system(name)
        written = Written(document=document, parameters={})
        if "apiVersion" not in document.data:
            _parse(KindDefinition, document.data, written, problems)
            continue
        if system is None:
            hint = "a system is lower-case, a version starts with v"
            problems.append(written.problem(("apiVersion",), "apiVersion is `system/version`, as in `shop/v1`", hint))
            continue
        written = Written(document=document, parameters=bind_parameters(system, given.get(name, {})))
        kind = _load_kind(written, system, problems, check_schema=document.source.path not in trusted)
        if kind is None:
            continue
        if kind.names in kinds:
            message = f"kind {kind.full_name} is defined twice; first at {kinds[kind.names].source}"
            hint = "remove or rename one of the two"
            problems.append(written.problem(("kind",), message, hint, code="duplicate-definition"))
            continue
        kinds[kind.names] = kind
    return Catalog(systems=systems, kinds=kinds, documents=tuple(documents)), problems


def _load_systems(
    documents: Iterable[Document], problems: list[Diagnostic], trusted: frozenset[str]
) -> tuple[dict[str, SystemDefinition], set[str]]:
    """Return the systems by name, and the names of those that have mistakes."""
    systems: dict[str, SystemDefinition] = {}
    sources: dict[str, Source] = {}
    broken: set[str] = set()
    for document in _with_key(documents, "system", problems):
        written = Written(document=document, parameters={})
        before = len(problems)
        system = _parse(SystemDefinition, document.data, written, problems)
        if system is not None and document.source.path not in trusted:
            problems += check_system(system, written)
        if len(problems) > before:
            broken.add(str(document.data["system"]))
        elif system.system in systems:
            message = f"system {system.system!r} is defined twice; first at {sources[system.system]}"
            hint = "remove or rename one of the two"
            problems.append(written.problem(("system",), message, hint, code="duplicate-definition"))
        else:
            systems[system.system] = system
            sources[system.system] = document.source
    return systems, broken


def _system_of(document: Document) -> str:
    api_version = document.data.get("apiVersion")
    return api_version.partition("/")[0] if isinstance(api_version, str) else ""


def _with_key(documents: Iterable[Document], key: str, problems: list[Diagnostic]) -> Iterator[Document]:
    hint = "start it with `system: name`, or with `apiVersion:` and `kind:`"
    for document in documents:
        written = Written(document=document, parameters={})
        if not isinstance(document.data, dict):
            problems.append(written.problem((), "a definition is a mapping", hint))
        elif key in document.data:
            yield document
        elif "kind" not in document.data:
            problems.append(written.problem((), "neither a system nor a kind", hint))


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
    stated = [name for name in given if name in known]
    if stated:
        import jsonschema  # here, because it takes a tenth of a second to load
    for name in stated:
        for error in jsonschema.Draft202012Validator(known[name]).iter_errors(given[name]):
            choices = [str(one) for one in error.validator_value] if error.validator == "enum" else []
            wrong = f"{given[name]!r} is not one of {', '.join(choices)}" if choices else error.message
            near = did_you_mean(str(given[name]), choices)
            found.append((name, f"{name}: {wrong}", near or known[name].get("description", "")))
    return found


def _load_kind(
    written: Written, system: SystemDefinition, problems: list[Diagnostic], *, check_schema: bool
) -> Kind | None:
    try:
        data = choose_cases(written.document.data, written.parameters)
    except CaseError as error:
        # Its path needs no way back: it is that of the document as it was written.
        hint = "declare it under `parameters` of the system, and give each of its values a case (null takes away)"
        as_written = replace(written, parameters={})
        problems.append(as_written.problem(error.path, str(error), hint))
        return None
    parsed = _parse(KindDefinition, data, written, problems)
    if parsed is None:
        return None
    found = list(check_kind_schema(parsed.schema_, written)) if check_schema else []
    fields = FieldInfo()
    if not found:
        fields = read_fields(parsed.schema_)
        found = list(check_consistency(parsed, system, fields, written))
    problems += found
    if found:
        return None
    return Kind(
        definition=parsed,
        system=system,
        parameters=dict(written.parameters),
        fields=fields,
        source=written.document.source,
        locate=written.document.locate,
        scope=_scope(parsed),
        place=_place(parsed),
        key=tuple(parsed.identity.key),
        id_path=parse_pointer(parsed.identity.id) if parsed.identity.id.startswith("/") else None,
        key_fields=tuple((name, fields.child(name)) for name in parsed.identity.key),
        full_name=f"{parsed.system}.{parsed.kind}",
        names=(parsed.system, parsed.kind),
        secret_id=secret_id(parsed.identity.id, fields),
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
    return _spec_fields(calls)


def _place(definition: KindDefinition) -> tuple[str, ...]:
    calls: list[grammar.Call] = [*definition.read.lists]
    calls += [definition.read.get] if definition.read.get is not None else []
    calls += definition.read.parts
    inside, delete = definition.write.inside, definition.write.delete
    calls += [inside.read, inside.write] if inside is not None else []
    if delete is not None and delete.call is not None:
        calls.append(delete.call)
    if delete is not None and delete.disable is not None:
        calls += definition.write.update
    return tuple(dict.fromkeys((*_scope(definition), *_spec_fields(calls))))


def _spec_fields(calls: Iterable[grammar.Call]) -> tuple[str, ...]:
    """Return the fields of the spec that the paths, queries, headers and bodies of `calls` name."""
    templates = [template for call in calls for template in (call.path, call.query, call.headers, call.body)]
    return tuple(dict.fromkeys(v.steps[0] for template in templates for v in variables(template) if v.root == "spec"))


def _parse(model: type[Any], data: Json, written: Written, problems: list[Diagnostic]) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for mistake in explain(model, data, error):
            found = written.problem(mistake.path, mistake.message, mistake.hint, at_key=mistake.at_key)
            problems.append(found)
        return None


def reference_names(kind: Kind, reference: str | None) -> tuple[str, str] | None:
    """Return system and kind that an `x-ref` of `kind` names."""
    if reference is None:
        return None
    system, dot, name = reference.rpartition(".")
    return (system, name) if dot else (kind.definition.system, reference)
