"""What a pull request can influence: each point of that section of .github/README.md has tests; here are some of them.

A pull request is taken for hostile; the configuration and own kinds are not part of it, as the section says.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from console_script import Finished, assert_clean, open_scene, run, write_small

from reconciler.cli.output_arguments import FORMATS
from reconciler.core.model import Json
from reconciler.sandbox.http import SandboxRequest, SandboxResponse, empty_response, json_response
from reconciler.sandbox.server import SandboxServer
from reconciler.shell.files import parsing
from reconciler.shell.files.parsing import parse

ROOT = Path(__file__).parents[2]

PROOFS: Mapping[str, tuple[str, ...]] = {
    "What it can name": (
        "shell/test_settings.py::test_only_names_on_the_list_of_the_chosen_target_are_read",
        "shell/test_settings.py::test_manifests_get_their_environment_from_the_settings",
        "shell/test_files.py::test_nothing_else_is_read",
        "shell/test_files.py::test_links_are_followed_inside_their_root_only",
        "cli/test_cli_untrusted.py::test_a_manifest_reads_nothing_of_the_machine",
    ),
    "Secrets": (
        "cli/test_cli_untrusted.py::test_a_secret_in_an_ordinary_field_is_sent_nowhere_by_a_plan_and_never_shown",
        "estate/test_estate_accepting.py::test_a_live_value_that_looks_like_an_expression_is_written_as_text",
    ),
    "Nothing runs": (
        "core/test_expressions.py::test_values_are_filled_in",
        "shell/test_settings.py::test_a_value_from_the_environment_is_never_searched_again",
        "cli/test_cli_untrusted.py::test_nothing_in_a_manifest_is_run",
    ),
    "Git": ("memory/test_git_command.py::test_a_bare_repository_in_the_work_tree_is_never_used",),
    "Size": (
        "cli/test_cli_untrusted.py::test_both_ways_to_read_yaml_have_the_same_bounds",
        "shell/test_files.py::test_alias_bombs_are_refused_without_being_expanded",
        "shell/test_files.py::test_a_file_over_the_limit_is_refused_unread",
    ),
    "Not where, and not under which rules": (
        "cli/test_cli_untrusted.py::test_a_manifest_cannot_say_where_or_under_which_rules",
        "cli/test_cli_untrusted.py::test_a_configuration_among_the_manifests_is_a_mistake",
    ),
    "Credentials": (
        "shell/test_client.py::test_credentials_go_to_their_own_origin_only",
        "shell/test_client.py::test_a_path_cannot_lead_to_another_host",
        "cli/test_cli_untrusted.py::test_nothing_is_ever_sent_to_another_origin_than_the_configured_one",
    ),
    "What is shown": (
        "render/test_render_escapes.py::test_a_terminal_gets_one_harmless_line",
        "cli/test_cli_untrusted.py::test_names_and_values_command_no_pipeline",
    ),
}
"""The first words of each point of the section, and the tests that prove it."""


def test_each_point_has_its_tests() -> None:
    text = (ROOT / ".github" / "README.md").read_text(encoding="utf-8")
    section = text.partition("## What a pull request can influence\n")[2].partition("\n## ")[0]
    assert re.findall(r"^- \*\*(.+?)\.\*\*", section, re.MULTILINE) == list(PROOFS)
    for proof in (proof for proofs in PROOFS.values() for proof in proofs):
        name, _, test = proof.partition("::")
        tree = ast.parse((ROOT / "tests" / name).read_text())
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof


# --------------------------------------------------------------------------- what it can name

MANIFEST = """\
apiVersion: galtea/v1
kind: Product
metadata: {{name: {name}}}
spec:
  description: {value}
---
"""
VALUE_LINE = 5


def manifests(values: Iterable[str]) -> str:
    """Return one manifest for each value of a field."""
    return "".join(MANIFEST.format(name=f"n{number}", value=value) for number, value in enumerate(values))


def codes(finished: Finished) -> dict[int, str]:
    """Return what was wrong with each manifest, by its number; checks that it is said at the value's line."""
    lines = MANIFEST.count("\n")
    found = {}
    for line, code in re.findall(r"^manifests/only.yaml:(\d+):\d+: error: ([a-z-]+): ", finished.err, re.MULTILINE):
        assert int(line) % lines == (1 if code == "reference-cycle" else VALUE_LINE), finished
        found[int(line) // lines] = code
    return found


ENVIRON = {"GALTEA_API_KEY": "fake-key-not-real", "HOME": "/nonexistent"}
UNREADABLE = {
    "${env:HOME}": "bad-expression",  # not allowed
    "${env:GALTEA_API_KEY:-x}": "bad-expression",  # no syntax of shells
    "${file:/etc/hostname}": "bad-expression",
    "${file:../reconciler.yaml}": "bad-expression",
    "${file:link}": "bad-expression",
    "${file:.git/config}": "bad-expression",
    "${config:targets}": "bad-expression",
    "${var:GALTEA_API_KEY}": "bad-expression",  # a secret is no variable
    "${ref:Product/n8#/description}": "reference-cycle",
}


def test_a_manifest_reads_nothing_of_the_machine(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "repository", "http://127.0.0.1:9", manifest=manifests(UNREADABLE))
    (tmp_path / "secret").write_text("fake-secret-not-real")
    (folder / "manifests" / "link").symlink_to(tmp_path / "secret")
    (folder / "manifests" / ".git").mkdir()
    (folder / "manifests" / ".git" / "config").write_text("fake-secret-not-real")
    finished = run(folder, "plan", env=ENVIRON)
    assert finished.code == 3
    assert codes(finished) == dict(enumerate(UNREADABLE.values()))
    assert "fake-" not in finished.everything
    assert_clean(finished)


def test_a_secret_in_an_ordinary_field_is_sent_nowhere_by_a_plan_and_never_shown(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        products = scene.folder / "manifests" / "galtea" / "products.yaml"
        text = products.read_text()
        assert "description: Answers customers'" in text
        products.write_text(re.sub("description: Answers.*", "description: ${env:SUPPORT_BOT_TOKEN}", text))
        finished = scene.run("plan", "--show-requests", "--address", "galtea.Product/*")  # checks that none is shown
        assert "~ /description  (sensitive, will change)" in finished.out
        assert scene.writes() == []
        token = scene.secrets["SUPPORT_BOT_TOKEN"]
        assert [one for one in scene.requests() if token in str(one.request)] == []


# --------------------------------------------------------------------------- nothing runs


RUN_ELSEWHERE = {
    "'{{ 7 * 7 }}'": None,
    "'{% for x in y %}'": None,
    "'$(touch run) `touch run` $((7*7))'": None,
    "'<%= 7 * 7 %> #{7*7} %{7*7}'": None,
    '\'__import__("os").system("touch run")\'': None,
    "'${{ secrets.TOKEN }}'": "bad-expression",
    "!!python/object/apply:os.system [touch run]": "unknown-tag",
    "!!python/name:os.system": "unknown-tag",
    "!include secret": "unknown-tag",
    "!!js/function 'x'": "unknown-tag",
}


def test_nothing_in_a_manifest_is_run(tmp_path: Path) -> None:
    folder = write_small(tmp_path, "http://127.0.0.1:9", manifest=manifests(RUN_ELSEWHERE))
    refused = run(folder, "validate", env=ENVIRON)
    assert refused.code == 3
    assert codes(refused) == {number: code for number, code in enumerate(RUN_ELSEWHERE.values()) if code}
    text = [value for value, code in RUN_ELSEWHERE.items() if code is None]
    (folder / "manifests" / "only.yaml").write_text(manifests(text))
    taken = run(folder, "validate", "-v", env=ENVIRON)
    assert taken.code == 0
    for finished in (refused, taken):
        assert "49" not in finished.everything
        assert_clean(finished)
    assert not (folder / "run").exists()


# --------------------------------------------------------------------------- size

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
BOUNDS = {
    "far too deep": ("[" * 1_000_000, "too-deep"),
    "a little too deep": ("a: " + "[" * 100 + "]" * 100, "too-deep"),
    "deep by mappings": ("{a: " * 200_000, "too-deep"),
    "deep by dashes": ("- " * 200_000, "too-deep"),
    "deep by questions": ("? " * 100_000, "too-deep"),
    "deep by aliases": ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200)), "too-deep"),
    "many by aliases": (LAUGHS, "alias-limit"),
    "many by merges": (
        "a: &a {"
        + ",".join(f"k{i}: 1" for i in range(500))
        + "}\n"
        + "".join(f"b{i}: {{<<: *a}}\n" for i in range(250)),
        "alias-limit",
    ),
    "a number without end": ("a: " + "9" * 1_000_000, "not-a-json-number"),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_both_ways_to_read_yaml_have_the_same_bounds(name: str) -> None:
    """The quick reader never takes what the careful one refuses, and neither needs long for it."""
    text, code = BOUNDS[name]
    quick = parsing.quick_reader()
    assert quick is None or quick(text) is None
    documents, problems = parse(text, "m.yaml", json=False)
    assert documents == []
    assert code in {problem.code for problem in problems}
    if "*" not in text and "{a:" not in text:
        continued, mistakes = parse(text.replace("a: ", '{"a": ', 1), "m.json", json=True)
        assert (continued, bool(mistakes)) == ([], True)


# --------------------------------------------------------------------------- where, and under which rules


ELSEWHERE = (
    "target: production",
    "url: http://127.0.0.1:9",
    "systems: {galtea: {url: 'http://127.0.0.1:9'}}",
    "policy: {prune: true, maxDeletes: 1000}",
    "ledger: {file: /tmp/x}",
    "secrets: [HOME]",
    "auth: {bearer: x}",
    "lifecycle: {policy: {}}",
)


def test_a_manifest_cannot_say_where_or_under_which_rules(tmp_path: Path) -> None:
    documents = [manifests([f"x\n{line}"]) for line in ELSEWHERE]
    folder = write_small(tmp_path, "http://127.0.0.1:9", manifest="".join(documents))
    finished = run(folder, "plan", env=ENVIRON)
    assert finished.code == 3
    for number, line in enumerate(ELSEWHERE):
        place = f"manifests/only.yaml:{number * documents[0].count(chr(10)) + VALUE_LINE + 1}:"
        key = "policy" if line.startswith("lifecycle") else line.partition(":")[0]
        assert re.search(f"^{place}\\d+: error: unknown-field: unknown field '{key}'", finished.err, re.MULTILINE), line


def test_a_configuration_among_the_manifests_is_a_mistake(tmp_path: Path) -> None:
    folder = write_small(tmp_path, "http://127.0.0.1:9")
    for name in ("reconciler.yaml", "kind.yaml"):
        (folder / "manifests" / name).write_text((folder / "reconciler.yaml").read_text())
        finished = run(folder, "plan", env=ENVIRON)
        assert finished.code == 3
        assert f"manifests/{name}:1:1: error: unknown-field: unknown field 'targets'" in finished.err
        (folder / "manifests" / name).unlink()


# --------------------------------------------------------------------------- credentials

TOKEN = "fake-key-not-real"
KIND = """\
system: odd
---
apiVersion: odd/v1
kind: Thing
schema:
  type: object
  properties: {name: {type: string}, size: {type: integer}}
identity: {key: [name], name: name, id: /id}
read:
  list: {method: GET, path: /things, items: ITEMS, paging: {PAGING}}
  get: {method: GET, path: "/things/{id}"}
write:
  create: {method: POST, path: /things, returns: nothing}
  update: {method: PATCH, path: "/things/{id}", returns: object}
"""


class Leading:
    """A system that leads clients to another origin wherever an answer can."""

    name = "odd"

    def __init__(self, evil: str, way: str) -> None:
        self.evil, self.way = evil, way
        self.seen: list[SandboxRequest] = []

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.seen.append(request)
        thing: dict[str, Json] = {"id": "1", "name": "one", "size": 1}
        if self.way.isdigit() and (request.method != "GET" or self.way == "302"):
            return empty_response(int(self.way), {"location": f"{self.evil}{request.path}"})
        if request.method == "POST":
            return json_response(201, {}, {"location": f"{self.evil}/things/1"})
        if request.path != "/things":
            return json_response(200, thing)
        first = not request.query and self.way in ("link", "url")
        following = f"{self.evil}/things?at=2" if first else None
        headers = {"link": f'<{following}>; rel="next"'} if first and self.way == "link" else {}
        rows = [] if first or self.way in ("location", "307", "308") else [thing]
        return json_response(200, {"rows": rows, "next": following}, headers)


class Evil:
    """The other origin, which notes whatever reaches it."""

    name = "evil"

    def __init__(self) -> None:
        self.seen: list[SandboxRequest] = []

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        self.seen.append(request)
        return json_response(200, {"rows": [], "id": "1", "name": "one", "size": 2})


@pytest.mark.parametrize("way", ["302", "307", "308", "link", "url", "location"])
def test_nothing_is_ever_sent_to_another_origin_than_the_configured_one(tmp_path: Path, way: str) -> None:
    evil = Evil()
    with SandboxServer([evil]) as elsewhere:
        system = Leading(elsewhere.urls["evil"], way)
        paging: dict[str, Any] = {"link": {"style": "link"}, "url": {"style": "url", "next": "/next"}}
        with SandboxServer([system]) as server:
            definition = KIND.replace("ITEMS", "/rows")
            definition = definition.replace("{PAGING}", json.dumps(paging.get(way, {"style": "link"})))
            for folder in ("schemas", "manifests"):
                (tmp_path / folder).mkdir()
            (tmp_path / "schemas" / "odd.yaml").write_text(definition)
            (tmp_path / "manifests" / "one.yaml").write_text(
                "apiVersion: odd/v1\nkind: Thing\nmetadata: {name: one}\nspec: {size: 2}\n"
            )
            (tmp_path / "reconciler.yaml").write_text(
                "schemas: [schemas]\ntargets:\n  test:\n    secrets: [ODD_TOKEN]\n    systems:\n      odd:\n"
                f"        url: {server.urls['odd']}\n        auth: {{bearer: '${{env:ODD_TOKEN}}'}}\n"
            )
            finished = run(tmp_path, "apply", "--yes", env={"ODD_TOKEN": TOKEN})
    assert evil.seen == []
    assert len(system.seen) >= 1, finished
    assert {one.headers["authorization"] for one in system.seen} == {f"Bearer {TOKEN}"}
    assert TOKEN not in finished.everything
    if way in ("link", "url"):  # asked for, but where the configuration says
        assert ("at", "2") in [pair for one in system.seen for pair in one.query]
    if way == "location":
        assert ("GET", "/things/1") in [(one.method, one.path) for one in system.seen]


# --------------------------------------------------------------------------- what is shown


def test_names_and_values_command_no_pipeline(tmp_path: Path) -> None:
    hostile = '"\\e[2J\\u202e\\r\\n::set-env name=X::y\\n##vso[task.setvariable]z <script>alert(1)</script>"'
    manifest = MANIFEST.format(name="n", value=hostile).replace("---\n", f"  labels: {hostile}\n")
    folder = write_small(tmp_path, "http://127.0.0.1:9", manifest=manifest)
    outputs = [part for name in FORMATS for part in ("--output", f"{name}=out.{name}")]
    finished = run(folder, "validate", *outputs, env=ENVIRON)
    assert finished.code == 3
    texts = {name: (folder / f"out.{name}").read_text() for name in FORMATS}
    for name, text in {**texts, "stdout": finished.out, "stderr": finished.err}.items():
        assert not re.search("[\x1b\u202e\r]|^(::set-env|##vso)|<script>alert", text, re.MULTILINE), name
