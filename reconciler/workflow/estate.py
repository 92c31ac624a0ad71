"""What is live and who manages it, and manifests for what nobody does. Never writes to a live system or the ledger.

Reads: the live systems, the ledger, manifests. Writes: files of an export.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from reconciler.core.address import Address
from reconciler.core.drift.edits import Edit
from reconciler.core.errors import ApiError, UsageError
from reconciler.core.export.drafting import Draft, Drafting, Drafts
from reconciler.core.export.inventory import Inventory, KindSurvey, Standing, take_stock
from reconciler.core.export.naming import as_file_name, unique, words
from reconciler.core.export.wanted import Wanted
from reconciler.core.kinds.catalog import Kind, reference_names
from reconciler.core.kinds.fields import walk
from reconciler.core.memory.ledger import Ledger
from reconciler.core.model import Json, Plan
from reconciler.core.records import dataclass
from reconciler.shell.files.disk import LARGEST_DOCUMENT_FILE, display_path, read_documents, write_together
from reconciler.shell.files.manifest_text import file_text
from reconciler.shell.files.reading import TooLargeError, read_bounded, reason_for
from reconciler.shell.files.rewriting import Wanted as WantedEdits
from reconciler.shell.files.rewriting import rewrite
from reconciler.shell.live.estate import read_estate
from reconciler.workflow.commands import Connections, Loaded, Options, Planned, load, plan, reader_of

EXAMPLE_ENVIRONMENT = ".env.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything that was read of a target."""

    planned: Planned
    kinds: list[KindSurvey]
    requests_made: int
    holds_secret: Callable[[str], bool] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What the command line says about an export."""

    output: Path
    wanted: Wanted = Wanted()
    everything: bool = False  # also what manifests declare already
    layout: str = "object"  # or kind, parent
    lookups: bool = True  # manifests that find what is referred to and not exported
    given: Mapping[str, Sequence[Json]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The files that an export writes, by path, and what they hold."""

    drafts: Drafts
    files: Mapping[Path, str] = field(repr=False)  # of manifests
    changed: Mapping[Path, tuple[str, str]] = field(default_factory=dict, repr=False)  # before and after
    inventory: Inventory


def survey(
    loaded: Loaded,
    connections: Connections,
    options: Options,
    wanted: Wanted,
    given: Given,
    *,
    with_referred: bool = False,
) -> Survey:
    """Read everything that is live of the wanted kinds, and what is declared and recorded. Raises ApiError.

    `given` holds values for fields that lists need and no parent gives. With `with_referred`, the kinds that the
    wanted ones refer to are read too.
    """
    systems = loaded.settings.systems
    kinds = [
        kind for kind in loaded.catalog.ordered() if kind.definition.system in systems and wanted.may_include(kind)
    ]
    if wanted.patterns and not kinds:
        raise UsageError(
            f"no kind of the target's systems fits {', '.join(wanted.patterns)}",
            hint="name kinds as in Product, shop.Product or 'shop.*'; `reconciler kinds list` shows them",
        )
    if with_referred:
        kinds = _with_referred(kinds, loaded)
    planned = plan(loaded, connections, options, whole=True)
    known = {**_declared_values(planned), **given}
    found = read_estate(planned.reader, kinds, known)
    return Survey(
        planned=planned,
        kinds=found,
        requests_made=connections.attempts,
        holds_secret=options.redactor.holds_secret,
    )


Given = Mapping[str, Sequence[Json]]


def glance(loaded: Loaded, connections: Connections, options: Options) -> dict[str, str]:
    """Read one list of each system, and return what was seen, in words, by system. Raises ReconcilerError."""
    reader = reader_of(loaded, Ledger(target=loaded.settings.target), connections, options)
    found: dict[str, str] = {}
    for kind in loaded.catalog.ordered():
        system = kind.definition.system
        if system in found or system not in loaded.settings.systems or kind.scope or not kind.definition.read.lists:
            continue
        try:
            count = len(reader.listed(kind, {}).objects)
            found[system] = f"can be read: {count} of the kind {kind.name}"
        except ApiError as error:
            found[system] = f"cannot be read: {error.message}" + (f" ({error.hint})" if error.hint else "")
    others = sorted(loaded.settings.systems.keys() - found.keys())
    return found | dict.fromkeys(others, "was not looked at: none of its kinds has a list that needs nothing")


def inventory_of(found: Survey, loaded: Loaded, wanted: Wanted) -> Inventory:
    """Return the standing of every wanted object."""
    inputs, ledger = found.planned.inputs, found.planned.folded.ledger
    declared = {a: (inputs.resources[a], live) for a, live in inputs.live.items() if a in inputs.resources}
    recorded = {address: (record.id, record.applied_at) for address, record in ledger.records.items()}
    kinds = take_stock(
        found.kinds,
        declared=declared,
        recorded=recorded,
        wanted=wanted,
        left_alone=loaded.settings.unmanaged,
        holds_secret=found.holds_secret,
    )
    chosen = [one for one in kinds if wanted.may_include(one.kind)]
    return Inventory(target=loaded.settings.target, kinds=tuple(chosen), requests_made=found.requests_made)


def make_export(found: Survey, loaded: Loaded, options: Options, export: ExportOptions) -> Export:
    """Return the files for what is wanted and not declared. Writes nothing. Raises UsageError."""
    settings = loaded.settings
    everything = inventory_of(found, loaded, Wanted())
    chosen = inventory_of(found, loaded, export.wanted)
    standings = {Standing.UNMANAGED, *([Standing.MANAGED] if export.everything else [])}
    wanted = {
        one.kind.full_name: frozenset(e.live.id for e in one.entries if e.live and e.standing in standings)
        for one in chosen.kinds
    }
    secret = {n: value for n, value in settings.environment.items() if n not in settings.open_environment}
    known = {value: name for name, value in secret.items() if len(value) >= 4}
    drafting = Drafting(
        everything=everything.kinds,
        wanted=wanted,
        taken=frozenset(loaded.resources),
        known_secrets=known,
        holds_secret=found.holds_secret,
        again=export.everything,
        lookups=export.lookups,
    )
    drafts = drafting.drafts()
    options.redactor.add(secret.value for secret in drafts.secrets if secret.value is not None)
    files = _files(drafts.manifests, export)
    changed = _configuration(drafts, loaded) | _example_environment(drafts, loaded)
    return Export(drafts=drafts, files=files, changed=changed if files else {}, inventory=chosen)


def write_export(export: Export) -> None:
    """Write all files of an export, or none. Raises UsageError when one of them cannot be written."""
    new = {**export.files, **{path: after for path, (_, after) in export.changed.items() if not path.exists()}}
    write_together({path: after for path, (_, after) in export.changed.items() if path not in new}, new)


def plan_on(export: Export, options: Options, given: ExportOptions) -> Plan:
    """Return the plan that what was written makes, with the live values in the place of exported secrets."""
    values = {one.name: one.value or f"unknown-{one.name}" for one in export.drafts.secrets}
    inside = given.output if given.everything else None
    options = replace(
        options,
        environ={**values, **options.environ},
        manifests=None if inside is None else (inside,),
        all_kinds=False,
    )
    loaded = load(options)
    if given.everything:  # what was recorded of the manifests that this estate has is nothing about these
        loaded = replace(loaded, settings=replace(loaded.settings, ledger=None))
    with Connections(loaded.settings, options) as connections:
        return plan(loaded, connections, options, whole=True).plan


# --------------------------------------------------------------------------- details


def _with_referred(kinds: Sequence[Kind], loaded: Loaded) -> list[Kind]:
    """Return `kinds` and those whose ids their fields hold, and so on."""
    found = {kind.names: kind for kind in kinds}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        for names in {reference_names(kind, info.reference) for _, info in walk(kind.fields)}:
            other = None if names is None or names in found else loaded.catalog.find(*names)
            if other is not None and other.definition.system in loaded.settings.systems:
                found[other.names] = other
                waiting.append(other)
    return list(found.values())


def _declared_values(planned: Planned) -> dict[str, list[Json]]:
    """Return values that manifests name for fields which lists need, such as the name of a project."""
    found: dict[str, list[Json]] = {}
    inputs = planned.inputs
    for address, live in inputs.live.items():
        kind = inputs.catalog.find(address.system, address.kind)
        for name in kind.scope if kind is not None else ():
            value = live.spec.get(name)
            if isinstance(value, (str, int)) and value not in found.setdefault(name, []):
                found[name].append(value)
    return found


def _files(drafts: Iterable[Draft], export: ExportOptions) -> dict[Path, str]:
    """Return the texts of the files by path; files that are there already are left alone."""
    groups: dict[tuple[str, ...], list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(_place(draft, export.layout), []).append(draft)
    texts: dict[Path, str] = {}
    taken: dict[Path, set[str]] = {}
    for place, of_file in sorted(groups.items()):
        folder = export.output.joinpath(*place[:-1])
        names = taken.setdefault(folder, _names_in(folder))
        name = unique(as_file_name(place[-1]), names)
        names.add(name.lower())
        texts[folder / f"{name}.yaml"] = file_text(of_file)
    return texts


def _place(draft: Draft, layout: str) -> tuple[str, ...]:
    """Return folders and name of the file that a manifest goes into."""
    system, kind = draft.kind.definition.system, "-".join(words(draft.kind.name)).lower()
    if layout == "kind":
        return system, kind
    if layout == "parent":
        parent = draft.parent or draft.address
        return system, f"{parent.kind}-{parent.name}".lower()
    return system, kind, draft.address.name


def _names_in(folder: Path) -> set[str]:
    try:
        return {one.stem.lower() for one in folder.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise UsageError(f"{display_path(folder)} {reason_for(error)}", hint="choose another folder") from None


def _configuration(drafts: Drafts, loaded: Loaded) -> dict[Path, tuple[str, str]]:
    """Return the configuration with the names of new secrets listed; nothing where there are none."""
    settings = loaded.settings
    names = sorted({one.name for one in drafts.secrets} - settings.allowed_environment)
    if not names:
        return {}
    path = settings.config
    before = _text(path)
    documents, _ = read_documents(path, str(path))
    (document,) = documents
    at = ("targets", settings.target, "secrets")
    listed = (document.data["targets"][settings.target] or {}).get("secrets")
    if listed:
        edits = [Edit(place=(*at, len(listed)), value=name, adds=True) for name in names]
    else:
        edits = [Edit(place=at, value=names, adds=listed is None)]
    strict_json = path.suffix.lower() == ".json"
    wanted = WantedEdits(source=document.source, edits=tuple(edits))
    made = rewrite(before, str(path), [wanted], strict_json=strict_json)
    if made.refused or made.text is None:
        raise UsageError(
            f"{display_path(path)}: the names of secrets cannot be added: "
            + "; ".join(one.reason for one in made.refused),
            hint=f"add these to `secrets` of the target {settings.target}, and export again: {', '.join(names)}",
        )
    return {path: (before, made.text)}


def _example_environment(drafts: Drafts, loaded: Loaded) -> dict[Path, tuple[str, str]]:
    """Return the file that lists the names of secrets, without values, with the new ones in it."""
    names = sorted({one.name for one in drafts.secrets})
    path = loaded.settings.root / EXAMPLE_ENVIRONMENT
    before = _text(path) if path.exists() else "# Secrets that the manifests name. Never commit values.\n"
    there = {line.partition("=")[0].strip() for line in before.splitlines()}
    new = [name for name in names if name not in there]
    if not new:
        return {}
    after = before + ("" if before.endswith("\n") else "\n") + "".join(f"{name}=\n" for name in new)
    return {path: (before if path.exists() else "", after)}


def _text(path: Path) -> str:
    try:
        return read_bounded(path, LARGEST_DOCUMENT_FILE).decode("utf-8")
    except (OSError, TooLargeError, UnicodeDecodeError) as error:
        raise UsageError(f"{display_path(path)} cannot be read: it {reason_for(error)}", hint="mend it first") from None


def unseen_of(inventory: Inventory) -> dict[str, str]:
    """Return why kinds were not, or not wholly, looked at, by name."""
    return {one.kind.full_name: one.unseen for one in inventory.kinds if one.unseen}


def addresses_of(drafts: Drafts) -> list[Address]:
    """Return the addresses of what was written."""
    return [draft.address for draft in drafts.manifests]
