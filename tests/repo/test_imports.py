"""Who may import whom, and through which doors the program reaches the outside.

Which of our modules may import which is in the contracts of `pyproject.toml`; the libraries and effects are in tables
here. The tables are complete: an import that is in none of them fails, and so does an entry that nothing uses.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from source_tree import ROOT, defaults, dotted, imports, modules


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def floor_of(name: str) -> str:
    return name.partition(".")[0]


# --------------------------------------------------------------------------- between our own modules


def test_the_contracts_of_layers_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --------------------------------------------------------------------------- libraries

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "deepdiff": ("core.compare.diff",),
    "httpx": ("shell.network.client", "shell.network.incoming", "sandbox.in_process"),
    "jinja2": ("render.html.page",),
    "jsonschema": ("core.kinds.kind_checks", "core.kinds.catalog", "core.schema.schema_gate"),
    "jsonschema_rs": ("core.schema.schema_gate",),
    "markupsafe": ("render.html.page",),
    "msgspec": ("core.json_decoding",),
    "pydantic": (
        "core.kinds.definition",
        "core.kinds.definition_calls",
        "core.kinds.grammar_mistakes",
        "core.kinds.catalog",
        "core.saved_plans.planfile",
        "core.sealed",
        "core.snapshots.snapshot",
        "core.strict_form",
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
    "logging": ("console", "shell.apply.mishaps", "shell.live.judging", "shell.network.client"),
    "secrets": ("shell.files.disk", "shell.memory.holder", "shell.memory.ledger_text"),
    "signal": ("cli.main", "cli.sandbox", "shell.git.command"),
    "socket": ("sandbox.server", "shell.network.endpoint"),  # the endpoint asks only whether a host resolves
    "ssl": ("shell.network.client", "shell.network.endpoint"),
    "subprocess": ("shell.git.command",),  # git, and nothing else
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
    assert {floor_of(name) for name in found} == {"cli", "console"}


def test_only_the_command_line_configures_logging() -> None:
    assert set(calls(frozenset(), frozenset({"addHandler", "basicConfig"}))) == {"console"}


WRITES = words(
    "chmod hardlink_to mkdir rename rmdir rmtree symlink_to touch unlink write_bytes write_text copytree copyfile"
)
READS = frozenset({"read_bytes", "read_text"})
OPENERS = frozenset(
    {"open", "os.open", "os.fdopen", "tempfile.mkstemp", "tempfile.TemporaryDirectory", "tempfile.NamedTemporaryFile"}
)

DISK: Mapping[str, frozenset[str]] = {
    "shell.files.disk": frozenset({"chmod", "mkdir", "os.open", "os.fdopen", "rmdir", "unlink"}),
    "shell.files.foreign": frozenset({"mkdir"}),  # the folder that drafts go to
    "shell.files.reading": frozenset({"os.open"}),
    "shell.memory.disk": frozenset({"os.open", "unlink"}),
    "shell.memory.file_store": frozenset({"mkdir", "unlink"}),  # writes through shell.files
    "shell.memory.git_store": frozenset({"mkdir", "unlink"}),  # its local journal, likewise
    "shell.memory.holder": frozenset({"read_text"}),  # what the system tells of processes
    "shell.files.disposable": frozenset({"mkdir", "read_bytes"}),  # writes through shell.files
    "shell.files.parse_cache": frozenset({"read_bytes", "unlink"}),  # writes through shell.files
    "console": frozenset({"os.open"}),  # the null device, behind a closed pipe
    "sandbox.workspace": frozenset({"mkdir", "read_text", "write_text", "unlink", "copytree", "copyfile"}),
    "demo.story": frozenset({"tempfile.TemporaryDirectory", "read_text", "write_text"}),
}
"""The only modules that open, write, make or remove files, and how."""


def test_files_are_opened_and_written_at_the_doors_only() -> None:
    found = calls(OPENERS, WRITES | READS)
    wrong = {name: sorted(uses - DISK.get(name, frozenset())) for name, uses in found.items()}
    assert {name: uses for name, uses in wrong.items() if uses} == {}
    assert set(found) == set(DISK)


STARTERS = re.compile(
    r"os\.(system|popen|fork|forkpty|exec\w+|spawn\w+|posix_spawn\w*)|pty\.\w+|(asyncio\.|\w*loop\.)?"
    r"(create_)?subprocess_(exec|shell)|subprocess\.\w+|multiprocessing\.\w+|ProcessPoolExecutor"
)


def test_programs_are_started_at_one_door() -> None:
    """Git, that is: no other module could run it, or anything else."""
    found = {
        name
        for name, module in modules().items()
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.Attribute, ast.Name)) and STARTERS.fullmatch(dotted(node))
    }
    assert found == {"shell.git.command"}


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
    assert made == {"cli.progress", "shell.connections", "shell.apply.executor", "sandbox.server"}
