"""Who may import whom, and through which doors the program reaches the outside.

The tables are complete: what stands in none of them is forbidden, and what stands in them and is no longer used fails
as well, so that they keep telling the truth.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping

import pytest
from source_tree import Import, Module, defaults, dotted, imports, modules

from reconciler.core.graph import find_cycle

# --------------------------------------------------------------------------- between our own modules

FLOORS: Mapping[str, tuple[str, ...]] = {
    "core": ("core",),
    "render": ("core", "render"),
    "drafts": ("core", "drafts"),
    "shell": ("core", "shell"),  # narrowed by SHELL
    "sandbox": ("sandbox",),
    "workflow": ("core", "shell", "workflow"),
    "hosting": ("core", "shell", "hosting"),
    "cli": ("core", "render", "cli", "workflow", "hosting"),  # widened by DOORS_OF_CLI
    "demo": ("core", "render", "workflow", "sandbox"),  # widened by DOORS_OF_CLI
    "__main__": ("cli.main",),
}
"""What each floor may import. `""`, the package itself, holds the version only and is open to all."""

DOORS_OF_CLI: Mapping[str, tuple[str, ...]] = {
    "cli.commands": ("demo.story",),
    "cli.drafts": ("drafts.definitions", "shell.files.disk", "shell.files.foreign", "shell.files.yaml_text"),
    "cli.main": ("shell.stopwatch",),
    "cli.outputs": ("shell.files.disk",),  # writes what was asked for
    "cli.hosting": ("shell.files.reading",),  # reads the text that is posted
    "cli.ledger": ("shell.memory.memory", "shell.memory.upkeep", "shell.options"),
    "cli.kinds": (
        "shell.files.disk",
        "shell.files.foreign",
        "shell.settings.loading",
    ),  # reads definitions, and where a configuration says they are
    "cli.verify": ("shell.files.disk",),
    "cli.sandbox": ("sandbox.estate", "sandbox.server", "sandbox.workspace", "shell.files.packaged"),
    "demo.story": ("cli.console", "shell.files.packaged"),  # the story is told to a person
}
"""What single modules of the command line may import beyond their floor."""

SHELL: Mapping[str, tuple[str, ...]] = {
    "apply.attempt": ("apply.guarding", "apply.inside", "apply.truth", "apply.work", "apply.writing"),
    "apply.executor": ("apply.attempt", "apply.removing", "apply.work", "live.following", "live.locks", "live.refresh"),
    "apply.guarding": ("apply.work",),
    "apply.inside": ("apply.guarding", "apply.truth", "apply.work", "apply.writing"),
    "apply.removing": ("apply.attempt", "apply.guarding", "apply.truth", "apply.work", "apply.writing"),
    "apply.truth": ("apply.work",),
    "apply.work": ("live.locks", "live.refresh"),
    "apply.writing": ("apply.work",),
    "conformance.scratch": ("live.refresh",),
    "conformance.walk": ("conformance.scratch",),
    "files.definitions": ("files.disk", "files.packaged", "files.parsing"),
    "files.disk": ("files.parsing", "files.reading", "files.search"),
    "files.documents": ("files.limits", "files.nodes", "files.positions", "files.scalars"),
    "files.foreign": ("files.foreign_nodes", "files.reading"),
    "files.foreign_nodes": (
        "files.json_nodes",
        "files.nodes",
        "files.positions",
        "files.reading",
        "files.scalars",
        "files.yaml_nodes",
    ),
    "files.json_document": ("files.disk", "files.reading"),
    "files.json_nodes": ("files.limits", "files.nodes"),
    "files.lookups": ("files.disk", "settings.loading"),
    "files.disposable": ("files.disk",),
    "files.mark_cache": ("files.disposable",),
    "files.parse_cache": ("files.disposable", "files.limits", "files.mark_cache"),
    "files.parsing": (
        "files.documents",
        "files.json_nodes",
        "files.limits",
        "files.nodes",
        "files.positions",
        "files.quick_yaml",
        "files.reading",
        "files.yaml_nodes",
    ),
    "files.quick_yaml": ("files.limits", "files.positions", "files.scalars"),
    "files.rewriting": (
        "files.json_nodes",
        "files.nodes",
        "files.parsing",
        "files.positions",
        "files.splicing",
        "files.yaml_nodes",
    ),
    "files.search": ("files.reading",),
    "files.splicing": ("files.nodes", "files.value_text"),
    "files.value_text": ("files.scalars", "files.yaml_text"),
    "files.yaml_nodes": ("files.limits", "files.nodes", "files.positions"),
    "live.following": ("live.refresh",),
    "live.fresh_lists": ("live.locks",),
    "live.matching": ("live.refresh",),
    "live.refresh": ("live.fresh_lists", "live.pages"),
    "live.survey": ("live.refresh",),
    "memory.disk": ("files.reading", "memory.journal_text"),
    "memory.file_store": ("files.disk", "memory.disk", "memory.journal_text", "memory.ledger_text", "memory.store"),
    "memory.git_ref": ("memory.git_command",),
    "memory.git_store": (
        "files.disk",
        "memory.commit_message",
        "memory.disk",
        "memory.git_ref",
        "memory.holder",
        "memory.journal_text",
        "memory.ledger_text",
        "memory.store",
    ),
    "memory.journal_text": ("memory.ledger_text",),
    "memory.ledger_text": ("memory.ledger_form",),
    "memory.memory": ("memory.store", "network.sending"),
    "memory.opening": (
        "memory.file_store",
        "memory.git_command",
        "memory.git_ref",
        "memory.git_store",
        "memory.holder",
        "memory.ledger_text",
        "memory.memory",
        "memory.store",
        "options",
        "settings.loading",
    ),
    "memory.recorder": ("memory.memory",),
    "memory.upkeep": ("memory.memory", "memory.opening", "options", "settings.loading"),
    "network.client": ("network.authentication", "network.endpoint", "network.outgoing"),
    "network.connections": ("network.client", "network.endpoint", "network.sending", "options", "settings.loading"),
    "network.endpoint": ("network.authentication",),
    "network.sending": ("network.pacing",),
    "options": ("network.sending", "stopwatch"),
    "settings.expressions": ("settings.mistakes",),
    "settings.loading": (
        "files.disk",
        "network.authentication",
        "settings.expressions",
        "settings.form",
        "settings.mistakes",
        "settings.values",
    ),
    "settings.mistakes": ("settings.form",),
    "settings.target_checks": ("files.reading", "settings.loading"),
    "settings.values": ("network.authentication",),
}
"""Which rooms of the shell know each other. The network and the reading of live state, for one, do not."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def floor_of(name: str) -> str:
    return name.partition(".")[0]


def within(name: str, allowed: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)


def our_imports(module: Module) -> list[Import]:
    return [found for found in imports(module) if found.ours and not found.type_only and found.target]


@pytest.mark.parametrize("module", [m for m in modules().values() if m.name], ids=lambda m: m.name)
def test_a_module_imports_only_what_its_floor_allows(module: Module) -> None:
    allowed = [*FLOORS[floor_of(module.name)], *DOORS_OF_CLI.get(module.name, ())]
    wrong = [f"{i.place} imports {i.target}" for i in our_imports(module) if not within(i.target, allowed)]
    assert wrong == []


def test_rooms_of_the_shell_know_only_these_others() -> None:
    actual = {
        name.removeprefix("shell."): tuple(
            sorted({i.target.removeprefix("shell.") for i in our_imports(module) if within(i.target, ("shell",))})
        )
        for name, module in modules().items()
        if name.startswith("shell.")
    }
    assert {name: targets for name, targets in actual.items() if targets} == SHELL


def test_no_door_of_the_command_line_is_left_open_for_nothing() -> None:
    unused = [
        f"{name} → {target}"
        for name, targets in DOORS_OF_CLI.items()
        for target in targets
        if target not in {i.target for i in our_imports(modules()[name])}
    ]
    assert unused == []


def test_only_the_workflow_wires_the_live_shell() -> None:
    live = (
        "shell.network.client",
        "shell.network.sending",
        "shell.live.refresh",
        "shell.memory.recorder",
        "shell.network.authentication",
    )
    wirers = {
        name
        for name, module in modules().items()
        if not name.startswith("shell") and any(within(i.target, live) for i in our_imports(module))
    }
    assert wirers == {"hosting.sending", "workflow.verification", "workflow.commands"}


def test_no_module_imports_itself_through_others() -> None:
    edges = {name: [i.target for i in our_imports(module)] for name, module in modules().items()}
    assert find_cycle(edges) == []


# --------------------------------------------------------------------------- libraries

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "deepdiff": ("core.compare.diff",),
    "httpx": ("shell.network.client", "sandbox.in_process"),
    "jsonschema": ("core.kinds.kind_checks", "core.kinds.catalog", "core.schema.schema_gate"),
    "jsonschema_rs": ("core.schema.schema_gate",),
    "msgspec": ("core.json_decoding",),
    "pydantic": (
        "core.kinds.definition",
        "core.kinds.definition_calls",
        "core.kinds.grammar_mistakes",
        "core.kinds.catalog",
        "core.saved_plans.planfile",
        "core.sealed",
        "core.snapshots.snapshot",
        "shell.memory.ledger_form",
        "shell.settings.form",
        "shell.settings.mistakes",
    ),
    "referencing": ("drafts.source",),
    "ruamel": (
        "shell.files.documents",
        "shell.files.foreign_nodes",
        "shell.files.json_nodes",
        "shell.files.nodes",
        "shell.files.rewriting",
        "shell.files.splicing",
        "shell.files.yaml_nodes",
        "shell.files.yaml_text",
    ),
    "shtab": ("cli.completion",),
    "yaml": ("shell.files.quick_yaml",),
}
"""The only modules that may touch each library; imports for types alone do not count."""


def test_each_library_is_touched_in_its_own_places_only() -> None:
    actual: dict[str, set[str]] = {}
    for name, module in modules().items():
        for found in imports(module):
            if not found.ours and not found.type_only and found.target not in sys.stdlib_module_names:
                actual.setdefault(found.target, set()).add(name)
    assert actual == {library: set(places) for library, places in LIBRARIES.items()}


EFFECTFUL = words(
    "asyncio concurrent fcntl getpass glob http logging multiprocessing os pathlib platform random "
    "secrets select selectors shutil signal socket ssl subprocess sys tempfile threading time webbrowser"
)


@pytest.mark.parametrize("floor", ["core", "drafts", "render"])
def test_pure_floors_import_nothing_that_could_have_an_effect(floor: str) -> None:
    wrong = [
        f"{found.place} imports {found.target}"
        for name, module in modules().items()
        if floor_of(name) == floor
        for found in imports(module)
        if not found.ours and found.target in EFFECTFUL
    ]
    assert wrong == []


OF_FEW: Mapping[str, tuple[str, ...]] = {
    "http": ("sandbox.server",),
    "logging": ("cli.console", "shell.network.client"),
    "secrets": ("shell.memory.holder", "shell.memory.ledger_text"),
    "signal": ("cli.main", "cli.sandbox"),
    "socket": ("sandbox.server", "shell.network.endpoint"),  # the endpoint asks only whether a host resolves
    "ssl": ("shell.network.client", "shell.network.endpoint"),
    "subprocess": ("shell.memory.git_command", "shell.revision"),  # git, and nothing else
}
"""Parts of the standard library that reach outside, and the only modules that may use them."""


def test_doors_of_the_standard_library_open_in_few_places() -> None:
    actual: dict[str, set[str]] = {}
    for name, module in modules().items():
        for found in imports(module):
            if not found.ours and found.target in OF_FEW:
                actual.setdefault(found.target, set()).add(name)
    assert actual == {library: set(places) for library, places in OF_FEW.items()}


# --------------------------------------------------------------------------- effects


def mentions(names: frozenset[str]) -> dict[str, set[str]]:
    """Return which module mentions which of the dotted `names`."""
    found: dict[str, set[str]] = {}
    for name, module in modules().items():
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.Attribute, ast.Name)) and dotted(node) in names:
                found.setdefault(name, set()).add(dotted(node))
    return found


def calls(names: frozenset[str], methods: frozenset[str] = frozenset()) -> dict[str, set[str]]:
    """Return which module calls which of the dotted `names`, or which of the `methods` on anything."""
    found: dict[str, set[str]] = {}
    for name, module in modules().items():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            if dotted(node.func) in names:
                found.setdefault(name, set()).add(dotted(node.func))
            elif isinstance(node.func, ast.Attribute) and node.func.attr in methods:
                found.setdefault(name, set()).add(node.func.attr)
    return found


def test_the_environment_is_read_in_one_place() -> None:
    assert set(mentions(frozenset({"os.environ", "os.getenv", "os.environb"}))) == {"cli.main"}


def test_only_the_command_line_has_the_streams() -> None:
    found = mentions(frozenset({"sys.stdout", "sys.stderr", "sys.stdin", "print", "input"}))
    assert {floor_of(name) for name in found} == {"cli"}


def test_only_the_command_line_configures_logging() -> None:
    assert set(calls(frozenset(), frozenset({"addHandler", "basicConfig"}))) == {"cli.console"}


WRITES = words(
    "chmod hardlink_to mkdir rename rmdir rmtree symlink_to touch unlink write_bytes write_text copytree copyfile"
)
READS = frozenset({"read_bytes", "read_text"})
OPENERS = frozenset(
    {"open", "os.open", "os.fdopen", "tempfile.mkstemp", "tempfile.TemporaryDirectory", "tempfile.NamedTemporaryFile"}
)

DISK: Mapping[str, frozenset[str]] = {
    "shell.files.disk": frozenset({"os.open", "os.fdopen", "tempfile.mkstemp", "unlink"}),
    "shell.files.foreign": frozenset({"mkdir"}),  # the folder that drafts go to
    "shell.files.reading": frozenset({"os.open"}),
    "shell.memory.disk": frozenset({"os.open", "unlink"}),
    "shell.memory.file_store": frozenset({"mkdir", "unlink"}),  # writes through shell.files
    "shell.memory.git_store": frozenset({"mkdir", "unlink"}),  # its local journal, likewise
    "shell.memory.holder": frozenset({"read_text"}),  # what the system tells of processes
    "shell.files.disposable": frozenset({"mkdir", "read_bytes"}),  # writes through shell.files
    "shell.files.parse_cache": frozenset({"read_bytes", "unlink"}),  # writes through shell.files
    "cli.console": frozenset({"os.open"}),  # the null device, behind a closed pipe
    "sandbox.workspace": frozenset({"mkdir", "read_text", "write_text", "unlink", "copytree", "copyfile"}),
    "demo.story": frozenset({"tempfile.TemporaryDirectory", "read_text", "write_text"}),
}
"""The only modules that open, write, make or remove files, and how."""


def test_files_are_opened_and_written_at_the_doors_only() -> None:
    found = calls(OPENERS, WRITES | READS)
    wrong = {name: sorted(uses - DISK.get(name, frozenset())) for name, uses in found.items()}
    assert {name: uses for name, uses in wrong.items() if uses} == {}
    assert set(found) == set(DISK)


CLOCKS = words(
    "time.time time.monotonic time.perf_counter time.sleep time.time_ns time.monotonic_ns datetime.now "
    "datetime.utcnow random.random random.uniform random.randint random.choice random.shuffle uuid.uuid1 "
    "uuid.uuid4"
)

CLOCK_READERS: Mapping[str, frozenset[str]] = {
    "demo.story": frozenset({"time.monotonic"}),  # tells a person how long the story took
    "shell.network.sending": frozenset({"random.uniform"}),  # the default of the jitter
}
"""Who uses a clock or chance other than as the default of a parameter or field."""


def test_time_and_chance_are_given_from_outside() -> None:
    actual: dict[str, set[str]] = {}
    for name, module in modules().items():
        given = defaults(module.tree)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and dotted(node) in CLOCKS and node not in given:
                actual.setdefault(name, set()).add(dotted(node))
    assert actual == {name: set(uses) for name, uses in CLOCK_READERS.items()}


def test_threads_are_made_in_few_places() -> None:
    """To read with, to apply with, to paint the progress with; the sandbox's server has threads of its own."""
    made = {
        name
        for name, module in modules().items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and dotted(node.func) in ("ThreadPoolExecutor", "threading.Thread")
    }
    assert made == {"cli.progress", "shell.network.connections", "shell.apply.executor", "sandbox.server"}
