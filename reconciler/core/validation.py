"""From documents to resources: every mistake at once, each with its place. Pure.

References are checked here as well: a reference must name a resource of the same set, and the references must not
run in a circle. Nothing is filled with defaults: an absent field is an unmanaged field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jsonschema.protocols import Validator

from reconciler.core.expressions import Filled, Lookups, fill
from reconciler.core.graph import find_cycle
from reconciler.core.kinds import Catalog, Kind
from reconciler.core.model import (
    Address,
    Diagnostic,
    Document,
    Json,
    JsonObject,
    Lifecycle,
    Resource,
    Severity,
    Source,
)
from reconciler.core.pointer import MISSING, Path, get, parse_pointer
from reconciler.core.schema_errors import Mistake, compile_schema, mistakes
from reconciler.core.suggest import did_you_mean

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_TOP = ("apiVersion", "kind", "metadata", "lifecycle", "spec")


@dataclass(slots=True)
class _Work:
    """What one run of `validate` collects."""

    catalog: Catalog
    lookups: Lookups
    problems: list[Diagnostic] = field(default_factory=list)
    validators: dict[str, Validator] = field(default_factory=dict)

    def report(self, source: Source, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Diagnostic(severity=Severity.ERROR, code=code, message=message, source=source, hint=hint))

    def validator(self, kind: Kind) -> Validator:
        if kind.full_name not in self.validators:
            self.validators[kind.full_name] = compile_schema(kind.definition.schema_)
        return self.validators[kind.full_name]


def validate(
    documents: Sequence[Document], catalog: Catalog, lookups: Lookups
) -> tuple[list[Resource], list[Diagnostic]]:
    """Return the resources of all good documents by address order, and every mistake in document order.

    With any mistake of severity error the resources are not fit for planning.
    """
    home = replace(lookups, system_of_kind=_system_finder(catalog))
    work = _Work(catalog=catalog, lookups=home)
    resources: dict[Address, Resource] = {}
    attempted: set[Address] = set()
    for document in documents:
        address, resource = _read(document, work)
        if address is not None and address in attempted:
            first = resources[address].source if address in resources else None
            where = f"; first at {first}" if first else ""
            work.report(
                document.locate(("metadata", "name")),
                "duplicate-address",
                f"{address} is declared twice{where}",
                "give one of them another metadata.name",
            )
            continue
        if address is not None:
            attempted.add(address)
        if resource is not None:
            resources[resource.address] = resource
    _check_references(resources, attempted, work)
    return [resources[address] for address in sorted(resources)], work.problems


def _system_finder(catalog: Catalog) -> Callable[[str, str], str]:
    homes: dict[str, list[str]] = {}
    for system, kind in catalog.kinds:
        homes.setdefault(kind, []).append(system)

    def find(system: str, kind: str) -> str:
        systems = homes.get(kind, [])
        return systems[0] if system not in systems and len(systems) == 1 else system

    return find


# --------------------------------------------------------------------------- one document


def _read(document: Document, work: _Work) -> tuple[Address | None, Resource | None]:
    data = document.data
    if not isinstance(data, dict):
        work.report(
            document.source,
            "not-a-manifest",
            "a manifest is a mapping",
            "start it with apiVersion, kind, metadata and spec",
        )
        return None, None
    before = len(work.problems)
    for key in data:
        if key not in _TOP:
            work.report(
                document.locate((key,), key=True),
                "unknown-field",
                f"unknown field {key!r}",
                did_you_mean(key, _TOP) or f"a manifest has {', '.join(_TOP)}",
            )
    for key in ("apiVersion", "kind", "metadata", "spec"):
        if key not in data:
            work.report(document.source, "missing-field", f"the field {key!r} is required")
    kind = _kind_of(document, work)
    name, labels = _metadata(document, work)
    lifecycle = _lifecycle(document, work)
    if kind is None or name is None:
        return None, None
    address = Address(kind.definition.system, kind.name, name)
    spec = data.get("spec", MISSING)
    if spec is None:
        spec = {}
    if spec is not MISSING and not isinstance(spec, dict):
        work.report(document.locate(("spec",)), "invalid-value", "spec is a mapping of fields")
    if not isinstance(spec, dict):
        return address, None
    filled = fill(spec, address.system, work.lookups)
    for path, error in filled.problems:
        work.report(document.locate(("spec", *path)), "bad-expression", str(error), error.hint)
    name_field = kind.definition.identity.name
    if name_field is not None and name_field not in filled.value:
        filled.value = {name_field: name, **filled.value}
    _check_spec(document, kind, filled, lifecycle, work)
    if len(work.problems) > before:
        return address, None
    return address, Resource(
        address=address,
        spec=filled.value,
        source=document.source,
        locate=document.locate,
        labels=labels,
        lifecycle=lifecycle,
        expressions=tuple(filled.expressions),
        sensitive=frozenset(filled.sensitive),
    )


def _kind_of(document: Document, work: _Work) -> Kind | None:
    api_version, name = document.data.get("apiVersion"), document.data.get("kind")
    if "apiVersion" not in document.data or "kind" not in document.data:
        return None
    if not isinstance(api_version, str) or not re.fullmatch(r"[a-z][a-z0-9-]*/v[0-9][a-z0-9]*", api_version):
        work.report(
            document.locate(("apiVersion",)),
            "invalid-value",
            "apiVersion is the system and the version of the kind, as in shop/v1",
        )
        return None
    if not isinstance(name, str):
        work.report(document.locate(("kind",)), "invalid-value", "kind is the name of a kind")
        return None
    system, _, version = api_version.partition("/")
    kind = work.catalog.find(system, name)
    if kind is None:
        systems = {s for s, _ in work.catalog.kinds}
        if system not in systems:
            work.report(
                document.locate(("apiVersion",)),
                "unknown-kind",
                f"unknown system {system!r}",
                did_you_mean(system, systems) or f"known systems: {', '.join(sorted(systems))}",
            )
        else:
            names = [k for s, k in work.catalog.kinds if s == system]
            work.report(
                document.locate(("kind",)),
                "unknown-kind",
                f"unknown kind {name!r} of {system}",
                did_you_mean(name, names) or f"kinds of {system}: {', '.join(sorted(names))}",
            )
        return None
    if kind.definition.version != version:
        work.report(
            document.locate(("apiVersion",)),
            "unknown-kind",
            f"{name} has version {kind.definition.version}, not {version}",
            f"write apiVersion: {kind.definition.api_version}",
        )
        return None
    return kind


def _metadata(document: Document, work: _Work) -> tuple[str | None, Mapping[str, str]]:
    metadata = document.data.get("metadata", MISSING)
    if metadata is MISSING:
        return None, {}
    if not isinstance(metadata, dict):
        work.report(document.locate(("metadata",)), "invalid-value", "metadata is a mapping with a name")
        return None, {}
    for key in metadata:
        if key not in ("name", "labels"):
            work.report(
                document.locate(("metadata", key), key=True),
                "unknown-field",
                f"unknown field {key!r} of metadata",
                did_you_mean(key, ("name", "labels")) or "metadata has name and labels",
            )
    name = metadata.get("name")
    if "name" not in metadata:
        work.report(document.locate(("metadata",)), "missing-field", "the field 'name' is required in metadata")
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        work.report(
            document.locate(("metadata", "name")),
            "invalid-value",
            "metadata.name is text of letters, digits, '.', '_' and '-', with a letter or digit at both ends",
            "a name that looks like a number needs quotes",
        )
        name = None
    labels = metadata.get("labels")
    good: dict[str, str] = {}
    if labels is not None and not isinstance(labels, dict):
        work.report(document.locate(("metadata", "labels")), "invalid-value", "labels map names to texts")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if not isinstance(value, str):
            work.report(
                document.locate(("metadata", "labels", key)),
                "invalid-value",
                f"the label {key!r} must be text",
                "put it in quotes",
            )
        else:
            good[key] = value
    return name, good


def _lifecycle(document: Document, work: _Work) -> Lifecycle:
    block = document.data.get("lifecycle")
    if block is None:
        return Lifecycle()
    known = ("protect", "ignore", "lookup")
    if not isinstance(block, dict):
        work.report(document.locate(("lifecycle",)), "invalid-value", f"lifecycle has {', '.join(known)}")
        return Lifecycle()
    for key in block:
        if key not in known:
            work.report(
                document.locate(("lifecycle", key), key=True),
                "unknown-field",
                f"unknown field {key!r} of lifecycle",
                did_you_mean(key, known) or f"known: {', '.join(known)}",
            )
    flags = {}
    for key in ("protect", "lookup"):
        flags[key] = block.get(key, False)
        if not isinstance(flags[key], bool):
            work.report(document.locate(("lifecycle", key)), "invalid-value", f"lifecycle.{key} is true or false")
    ignore: list[Path] = []
    pointers = block.get("ignore", [])
    if not isinstance(pointers, list):
        work.report(
            document.locate(("lifecycle", "ignore")),
            "invalid-value",
            "lifecycle.ignore is a list of pointers",
        )
        pointers = []
    for index, pointer in enumerate(pointers):
        if not isinstance(pointer, str) or not pointer.startswith("/"):
            work.report(
                document.locate(("lifecycle", "ignore", index)),
                "invalid-value",
                "a pointer into spec starts with '/', as in /timeout",
            )
        else:
            ignore.append(parse_pointer(pointer))
    return Lifecycle(protect=flags["protect"] is True, lookup=flags["lookup"] is True, ignore=tuple(ignore))


# --------------------------------------------------------------------------- the spec


def _check_spec(document: Document, kind: Kind, filled: Filled, lifecycle: Lifecycle, work: _Work) -> None:
    broken = frozenset(path for path, _ in filled.problems)
    unknown = frozenset(e.path for e in filled.expressions) | broken

    def hidden(path: Path) -> bool:
        return any(path[: len(s)] == s or s[: len(path)] == path for s in filled.sensitive) or kind.fields.hides(path)

    for mistake in mistakes(work.validator(kind), filled.value, hidden=hidden, unknown=unknown):
        if lifecycle.lookup and mistake.code == "missing-field" and not _concerns_key(mistake, kind):
            continue
        source = document.locate(("spec", *mistake.path), key=mistake.at_key)
        work.report(source, mistake.code, _in_spec(mistake), mistake.hint)
    for name in filled.value:
        info = kind.fields.properties.get(name)
        if info is not None and info.read_only:
            work.report(
                document.locate(("spec", name), key=True),
                "read-only-field",
                f"{name!r} is set by the server",
                "remove it; a manifest states only what is to be managed",
            )
    for index, path in enumerate(lifecycle.ignore):
        if get(filled.value, path) is MISSING:
            work.report(
                document.locate(("lifecycle", "ignore", index)),
                "invalid-value",
                f"spec states nothing at {'/' + '/'.join(map(str, path))}",
                "lifecycle.ignore names stated fields that are left alone after the create",
            )


def _concerns_key(mistake: Mistake, kind: Kind) -> bool:
    return not mistake.path and any(repr(name) in mistake.message for name in kind.key)


def _in_spec(mistake: Mistake) -> str:
    where = "spec" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in mistake.path)
    return mistake.message if mistake.at_key else f"{where}: {mistake.message}"


# --------------------------------------------------------------------------- references


def _check_references(resources: Mapping[Address, Resource], attempted: set[Address], work: _Work) -> None:
    names: dict[tuple[str, str], list[str]] = {}
    for address in attempted:
        names.setdefault((address.system, address.kind), []).append(address.name)
    for resource in resources.values():
        for expression in resource.expressions:
            for reference in expression.references:
                source = resource.locate(("spec", *expression.path))
                if reference.address not in attempted:
                    _report_missing(reference.address, names, source, work)
                elif reference.pointer is not None:
                    _check_pointer(reference.address, reference.pointer, source, work)
    cycle = find_cycle({r.address: [a for a in r.depends_on if a in resources] for r in resources.values()})
    if cycle:
        first = resources[cycle[0]]
        work.report(
            first.source,
            "reference-cycle",
            "references run in a circle: " + " → ".join(str(address) for address in cycle),
            "remove one of the references",
        )


def _report_missing(
    address: Address, names: Mapping[tuple[str, str], Iterable[str]], source: Source, work: _Work
) -> None:
    if work.catalog.find(address.system, address.kind) is None:
        kinds = [kind for _, kind in work.catalog.kinds]
        work.report(
            source,
            "missing-reference",
            f"reference to the unknown kind {address.kind!r}",
            did_you_mean(address.kind, kinds),
        )
        return
    same = list(names.get((address.system, address.kind), []))
    work.report(
        source,
        "missing-reference",
        f"reference to {address}, which no manifest declares",
        did_you_mean(address.name, same)
        or "declare it; for an object that others manage add `lifecycle: {lookup: true}`",
    )


def _check_pointer(address: Address, pointer: Path, source: Source, work: _Work) -> None:
    kind = work.catalog.find(address.system, address.kind)
    known: JsonObject | dict[str, Json] = dict(kind.fields.properties) if kind is not None else {}
    if pointer and pointer[0] not in known:
        work.report(
            source,
            "missing-reference",
            f"{address.kind} has no field {str(pointer[0])!r}",
            did_you_mean(str(pointer[0]), known),
        )
