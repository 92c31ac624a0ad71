"""From documents to resources: every mistake at once, each with its place. Pure.

References are checked here as well: a reference must name a resource of the same set, and the references must not
run in a circle. Nothing is filled with defaults: an absent field is an unmanaged field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace

from reconciler.core.address import Address
from reconciler.core.kinds.catalog import Catalog, Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.manifests.envelope import (
    REQUIRED,
    SHOW_KINDS,
    check_members,
    read_lifecycle,
    read_metadata,
)
from reconciler.core.manifests.expressions import Filled, Lookups, fill
from reconciler.core.manifests.keyed_lists import has_keyed_lists, repeated_keys
from reconciler.core.manifests.reference_checks import check_references
from reconciler.core.model import Diagnostic, Document, Json, JsonObject, Lifecycle, Resource, Severity, Source
from reconciler.core.pointer import MISSING, Path, format_pointer, get
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_errors import SchemaProblem, mistakes
from reconciler.core.schema.schema_gate import CompiledSchema
from reconciler.core.suggest import did_you_mean, nearest_of


@dataclass(slots=True)
class _Work:
    """What one run of `validate` collects."""

    catalog: Catalog
    lookups: Lookups
    judge: str = ""
    problems: list[Diagnostic] = field(default_factory=list)
    validators: dict[str, CompiledSchema] = field(default_factory=dict)
    known: dict[tuple[str, str], Kind] = field(default_factory=dict)  # by what manifests write: apiVersion and kind
    keyed: dict[str, bool] = field(default_factory=dict)  # kinds with lists whose items a key tells apart

    def report(self, source: Source, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Diagnostic(severity=Severity.ERROR, code=code, message=message, source=source, hint=hint))

    def has_keyed_lists(self, kind: Kind) -> bool:
        if kind.full_name not in self.keyed:
            self.keyed[kind.full_name] = has_keyed_lists(kind.fields)
        return self.keyed[kind.full_name]

    def validator(self, kind: Kind) -> CompiledSchema:
        if kind.full_name not in self.validators:
            self.validators[kind.full_name] = CompiledSchema(kind.definition.schema_)
        return self.validators[kind.full_name]


def validate(
    documents: Sequence[Document], catalog: Catalog, lookups: Lookups, judge: str = ""
) -> tuple[list[Resource], list[Diagnostic]]:
    """Return the resources of all good documents by address order, and every mistake by file, line and column.

    With any mistake of severity error the resources are not fit for planning. Documents that the `judge` of this run,
    as the catalog and this code make it, has found good before are not looked through again.
    """
    home = replace(lookups, system_of_kind=_system_finder(catalog))
    work = _Work(catalog=catalog, lookups=home, judge=judge)
    read: list[Resource] = []
    good: dict[Address, Resource] = {}
    declared: dict[Address, Source] = {}
    for document in documents:
        before = len(work.problems)
        address, resource = _read(document, work)
        if resource is not None:
            read.append(resource)
        if address is None:
            continue
        if address in declared:
            work.report(
                document.locate(("metadata", "name")),
                "duplicate-address",
                f"{address} is declared twice; first at {declared[address]}",
                "give one of them another metadata.name",
            )
            continue
        declared[address] = document.source
        if resource is not None and len(work.problems) == before:
            good[address] = resource
    check_references(read, declared, catalog, work.report)
    # Nothing without a source is reported here; the order of equal places stays.
    problems = sorted(work.problems, key=lambda problem: problem.source or Source(""))
    return [good[address] for address in sorted(good)], problems


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
    """Return the address and the resource of a document as far as they can be made out, mistakes or not."""
    data = document.data
    if document.literal and work.judge and document.found_good_by == work.judge:
        return _read_good(document, work)
    if not isinstance(data, dict):
        work.report(
            document.source,
            "not-a-manifest",
            "a manifest is a mapping",
            "start it with apiVersion, kind, metadata and spec",
        )
        return None, None
    check_members(document, work.report)
    kind = _kind_of(document, work)
    name, labels = read_metadata(document, work.report)
    lifecycle = read_lifecycle(document, work.report)
    if kind is None or name is None:
        return None, None
    address = Address(*kind.names, name)
    _check_name(document, name, work)
    spec = data.get("spec", MISSING)
    if spec is None:
        spec = {}
    if spec is not MISSING and not isinstance(spec, dict):
        work.report(document.locate(("spec",)), "invalid-value", "spec is a mapping of fields", REQUIRED["spec"])
    if not isinstance(spec, dict):
        return address, None
    filled = fill(spec, address.system, work.lookups, literal=document.literal)
    for path, error in filled.problems:
        hint = error.hint or "`$${` is a literal `${`"
        work.report(document.locate(("spec", *path)), "bad-expression", str(error), hint)
    value = _named(filled.value, name, kind)
    if not work.validator(kind).passes(value):
        _check_schema(document, kind, filled, value, lifecycle, work)
    _check_spec(document, kind, value, lifecycle, work)
    return address, Resource(
        address=address,
        spec=value,
        source=document.source,
        locate=document.locate,
        labels=labels,
        lifecycle=lifecycle,
        expressions=tuple(filled.expressions),
        sensitive=frozenset(filled.sensitive),
        fingerprint=document.fingerprint if document.literal else "",
    )


def _read_good(document: Document, work: _Work) -> tuple[Address | None, Resource | None]:
    """Return what `_read` does of a document without mistakes and without `${`."""
    data = document.data
    kind = _kind_of(document, work)
    if kind is None:
        return None, None
    metadata = data["metadata"]
    name = metadata["name"]
    address = Address(*kind.names, name)
    _check_name(document, name, work)
    return address, Resource(
        address=address,
        spec=_named(data["spec"] or {}, name, kind),
        source=document.source,
        locate=document.locate,
        labels=metadata.get("labels") or {},
        lifecycle=read_lifecycle(document, work.report),
        fingerprint=document.fingerprint,
    )


def _check_name(document: Document, name: str, work: _Work) -> None:
    """Report a name that holds a secret: addresses are shown everywhere, and kept in files that others may read."""
    if work.lookups.secret_in_name(name):
        work.report(
            document.locate(("metadata", "name")),
            "secret-in-name",
            "metadata.name holds the value of a secret, and names are shown everywhere",
            "choose another name; if the value is not secret, list its variable under `environment` of the target",
        )


def _named(spec: JsonObject, name: str, kind: Kind) -> JsonObject:
    """Return `spec` with the name of the manifest where the kind has a field for it and `spec` does not state it."""
    field_name = kind.definition.identity.name
    return spec if field_name is None or field_name in spec else {field_name: name, **spec}


def _kind_of(document: Document, work: _Work) -> Kind | None:
    api_version, name = document.data.get("apiVersion"), document.data.get("kind")
    known = work.known.get((api_version, name)) if isinstance(api_version, str) and isinstance(name, str) else None
    if known is not None:
        return known
    if "apiVersion" not in document.data or "kind" not in document.data:
        return None
    if not isinstance(api_version, str) or not re.fullmatch(r"[a-z][a-z0-9-]*/v[0-9][a-z0-9]*", api_version):
        work.report(
            document.locate(("apiVersion",)),
            "invalid-value",
            "apiVersion is the system and the version of the kind, as in shop/v1",
            SHOW_KINDS,
        )
        return None
    if not isinstance(name, str):
        work.report(document.locate(("kind",)), "invalid-value", "kind is the name of a kind", SHOW_KINDS)
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
                nearest_of(name, names, f"kinds of {system}", "`reconciler kinds list`"),
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
    work.known[api_version, name] = kind
    return kind


# --------------------------------------------------------------------------- the spec


def _check_schema(
    document: Document, kind: Kind, filled: Filled, value: Json, lifecycle: Lifecycle, work: _Work
) -> None:
    broken = frozenset(path for path, _ in filled.problems)
    unknown = frozenset(e.path for e in filled.expressions) | broken

    def hidden(path: Path) -> bool:
        return any(path[: len(s)] == s or s[: len(path)] == path for s in filled.sensitive) or kind.fields.hides(
            path, ever=True
        )

    for mistake in mistakes(work.validator(kind), value, hidden=hidden, unknown=unknown):
        # An object of others need not keep the rules for those that are written; only what finds it counts.
        missing = mistake.code == "missing-field" and not _concerns_key(mistake, kind)
        if lifecycle.lookup and (missing or mistake.restricts):
            continue
        source = document.locate(("spec", *mistake.path), key=mistake.at_key)
        hint = mistake.hint or f"`reconciler kinds show {kind.full_name}` lists its fields"
        work.report(source, mistake.code, _in_spec(mistake), hint)


def _check_spec(document: Document, kind: Kind, value: Json, lifecycle: Lifecycle, work: _Work) -> None:
    for path in _read_only(value, kind.fields):
        work.report(
            document.locate(("spec", *path), key=True),
            "read-only-field",
            f"{str(path[-1])!r} is set by the server",
            "remove it; a manifest states only what is to be managed",
        )
    if work.has_keyed_lists(kind):
        for path, first, names in repeated_keys(value, kind.fields):
            work.report(
                document.locate(("spec", *path)),
                "repeated-key",
                f"{format_pointer(path)} and {format_pointer(first)} are one item of the list: they have the same "
                f"{', '.join(names)}; the first is at {document.locate(('spec', *first))}",
                "remove one of them, or let it differ: items of this list are told apart by that (`x-key`)",
            )
    for index, path in enumerate(lifecycle.ignore):
        if get(value, path) is MISSING:
            work.report(
                document.locate(("lifecycle", "ignore", index)),
                "invalid-value",
                f"spec states nothing at {format_pointer(path)}",
                "lifecycle.ignore names stated fields that are left alone after the create",
            )


def _read_only(value: Json, info: FieldInfo, path: Path = ()) -> Iterator[Path]:
    """Yield the paths in `value`, which stands at `path`, that only the server sets."""
    if path and info.read_only:
        yield path
    elif not info.computed:
        return
    elif isinstance(value, dict):
        # Few fields are set by the server, and hardly ever is one of them stated.
        if info.values is not None or not info.computed_in.isdisjoint(value):
            for name in value:
                yield from _read_only(value[name], info.child(name), (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _read_only(item, info.child(index), (*path, index))


def _concerns_key(mistake: SchemaProblem, kind: Kind) -> bool:
    return not mistake.path and any(repr(name) in mistake.message for name in kind.key)


def _in_spec(mistake: SchemaProblem) -> str:
    where = "spec" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in mistake.path)
    return mistake.message if mistake.at_key else f"{where}: {mistake.message}"
