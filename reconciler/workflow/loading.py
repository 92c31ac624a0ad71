"""Reads and checks everything that a person wrote: configuration, manifests, kinds.

Reads: files, the ledger where something is to go, and the environment, through `shell`. Writes: the cache of what was
parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.core.accelerators import is_missing
from reconciler.core.address import Address
from reconciler.core.departure import Limits
from reconciler.core.errors import InvalidInput, Refused, UsageError
from reconciler.core.json_decoding import quick_decoder
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.manifests.selection import select
from reconciler.core.manifests.validation import validate
from reconciler.core.model import Diagnostic, Document, LiveObject, Resource, Severity
from reconciler.core.plan.considered import Inputs, PlanMemory, Resend
from reconciler.core.records import dataclass
from reconciler.core.schema.schema_gate import fast_judge
from reconciler.shell.files.checkout import missing_content
from reconciler.shell.files.definitions import Use, load_kinds
from reconciler.shell.files.disk import display_path, find_manifests, read_documents
from reconciler.shell.files.mark_cache import MarkCache
from reconciler.shell.files.parse_cache import ParseCache, judge_of, open_cache
from reconciler.shell.files.parsing import quick_reader
from reconciler.shell.memory.opening import open_memory
from reconciler.shell.options import Options
from reconciler.shell.settings.loading import Settings, load_settings
from reconciler.shell.settings.lookups import lookups_of
from reconciler.shell.settings.target_checks import parameter_mistakes, unconfigured
from reconciler.workflow.removals import named, prunes


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Manifests, kinds and settings of one target, all of them good."""

    settings: Settings
    catalog: Catalog
    resources: Mapping[Address, Resource]
    selected: frozenset[Address]
    leaving: frozenset[Address] = frozenset()  # stated, and to be destroyed all the same
    warnings: tuple[Diagnostic, ...] = ()
    documents: int = 0
    marks: MarkCache | None = None  # what earlier runs saw of whole lists


def declared(
    loaded: Loaded,
    options: Options,
    *,
    live: Mapping[Address, LiveObject],
    unreadable: Mapping[Address, str],
    memory: PlanMemory,
) -> Inputs:
    """Return what every plan is made of, on live systems and on a snapshot: what is declared, live and remembered."""
    policy = loaded.settings.policy
    return Inputs(
        target=loaded.settings.target,
        resources=loaded.resources,
        selected=loaded.selected,
        catalog=loaded.catalog,
        live=live,
        unreadable=unreadable,
        memory=memory,
        has_ledger=loaded.settings.ledger is not None,
        take_over=options.take_over,
        allow_replace=options.allow_replace,
        limits=Limits(max_deletes=policy.max_deletes, max_change_share=policy.max_change_share),
        resend=Resend.ALL if options.resend else Resend.UNSENT if policy.secrets == "resend" else Resend.NONE,
    )


def load(options: Options) -> Loaded:
    """Read and check everything that a person wrote. Raises InvalidInput with all mistakes, or UsageError."""
    settings = load_settings(
        options.config,
        options.target,
        options.environ,
        without_secrets=options.without_secrets,
        without_ledger=not options.reads_ledger,
        stage=options.stage,
    )
    options.redactor.add(settings.secret_values)
    if options.stage == "apply" and settings.policy.approval_required and not options.approved:
        raise Refused(
            f"the policy of {settings.target} requires approval: only saved plans are performed",
            hint="save the plan with `plan --out FILE` (with --prune for what is no longer declared), "
            "have it approved, and run `apply --plan FILE`",
        )
    recorded: frozenset[Address] = frozenset()
    if options.destroy or (options.reads_ledger and prunes(settings, options)):
        recorded = frozenset(open_memory(settings, options).read().folded.ledger.records)
    cache = open_cache(options.environ, settings.manifest_paths) if options.cache else None
    with options.stopwatch.phase("read"):
        documents, problems = _read_all(settings, options, cache)
    kept = cache if cache is not None and cache.pays else None
    with options.stopwatch.phase("check"):
        use = None if options.all_kinds else _use_of(documents, recorded, settings)
        checked = _check(documents, settings, options, use=use, cache=kept)
        if any(problem.severity is Severity.ERROR for problem in checked.problems):
            # To say what is wrong, all kinds must be known, if only to suggest the one that was meant.
            checked = _check(documents, settings, options, use=None)
    catalog, resources = checked.catalog, checked.resources
    problems += [*checked.problems, *settings.warnings, *_missing_content(settings, options)]
    if kept is not None:
        if not any(problem.severity is Severity.ERROR for problem in problems):
            kept.found_good(checked.judge)
        kept.save()
    if not documents and not problems and not (options.destroy or options.all_kinds):
        raise UsageError(
            f"no manifests in {', '.join(display_path(path) for path in settings.manifest_paths)}",
            hint="an empty set is never taken for a wish to have nothing; write a manifest, or correct `manifests`",
        )
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise InvalidInput(problems)
    for resource in resources:
        options.redactor.exempt([str(resource.address), resource.source.path])
    by_address = {resource.address: resource for resource in resources}
    leaving = named(options.destroy, by_address, recorded)
    return Loaded(
        settings=settings,
        catalog=catalog,
        resources=by_address,
        selected=frozenset() if options.destroy else select(resources, options.selection, recorded),
        leaving=leaving,
        warnings=tuple(problems),
        documents=len(documents),
        marks=None if kept is None else kept.marks(checked.judge),
    )


def missing_accelerators() -> tuple[str, ...]:
    """Return the names of packages that this run has looked for in vain, and without which large sets are slow."""
    loaders = {"PyYAML's compiled parser": quick_reader, "jsonschema-rs": fast_judge, "msgspec": quick_decoder}
    return tuple(name for name, loader in loaders.items() if is_missing(loader))


def _read_all(
    settings: Settings, options: Options, cache: ParseCache | None
) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of all manifests, and what is wrong with the files."""
    files, problems = find_manifests(_roots(settings, options), settings.root)
    if options.all_kinds:
        problems = [one for one in problems if one.code != "no-manifests"]
    documents: list[Document] = []
    for path, display in files:
        read, found = read_documents(path, display, cache)
        documents += read
        problems += found
    return documents, problems


def _missing_content(settings: Settings, options: Options) -> list[Diagnostic]:
    """Return what the checkout has left out: warnings, and errors where what no manifest declares is deleted."""

    def left_out(top: Path, paths: Sequence[Path]) -> list[str]:
        from reconciler.shell.git.command import Git  # here, because few checkouts are sparse

        listed = Git(top, options.environ).run("ls-files", "-t", "-z", "--", *map(str, paths))
        return [name[2:] for name in listed.text.split("\0") if name.startswith("S ")]

    found = missing_content([*settings.manifest_paths, *settings.schema_paths], left_out)
    if not prunes(settings, options):
        return found
    refused = "; nothing is deleted for lack of a manifest while manifests may be missing"
    return [replace(one, severity=Severity.ERROR, message=one.message + refused) for one in found]


def _roots(settings: Settings, options: Options) -> list[Path]:
    """Return where manifests are; with a scratch manifest, those that it may refer to need not exist yet."""
    given = options.manifests
    roots = list(settings.manifest_paths) if given is None else [path.absolute() for path in given]
    if options.scratch is None and not options.all_kinds:
        return roots
    scratch = [] if options.scratch is None else [options.scratch.absolute()]
    return [root for root in roots if (settings.root / root).exists()] + scratch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    catalog: Catalog
    resources: list[Resource]
    problems: list[Diagnostic]
    judge: str  # of what found these; empty without a cache


def _check(
    documents: list[Document],
    settings: Settings,
    options: Options,
    *,
    use: Use | None,
    cache: ParseCache | None = None,
) -> _Checked:
    parameters = {name: system.parameters for name, system in settings.systems.items()}
    catalog, problems = load_kinds(settings.schema_paths, parameters, use=use, cache=cache)
    wrong = parameter_mistakes(catalog, settings)
    if wrong:
        # A definition that is chosen by a wrong parameter has mistakes that are none of its own.
        usable = {name: values for name, values in parameters.items() if name not in wrong}
        catalog, problems = load_kinds(settings.schema_paths, usable, use=use, cache=cache)
    problems += [mistake for mistakes in wrong.values() for mistake in mistakes]
    judge = "" if cache is None else judge_of(catalog)
    resources, mistakes = validate(documents, catalog, lookups_of(settings, options.redactor), judge)
    problems += mistakes
    problems += unconfigured(resources, settings, catalog)
    return _Checked(catalog=catalog, resources=resources, problems=problems, judge=judge)


def _use_of(documents: Iterable[Document], recorded: Iterable[Address], settings: Settings) -> Use:
    """Return what the manifests and the configuration name, and what the ledger may hold to be deleted."""
    named: set[tuple[str, str]] = set()
    for data in (document.data for document in documents if isinstance(document.data, dict)):
        version, kind = data.get("apiVersion"), data.get("kind")
        if isinstance(version, str) and isinstance(kind, str):
            named.add((version, kind))
    systems = {version.partition("/")[0] for version, _ in named}
    kinds = {kind for _, kind in named} | {address.kind for address in recorded}
    return Use(systems=frozenset(systems | settings.systems.keys()), kinds=frozenset(kinds))
