"""What people write wrong: each mistake with its place and a hint, all of them at once, and nothing is ever sent."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from console_script import CONFIG, PRODUCT, Batch, Finished, assert_clean, run, write_small

from reconciler.sandbox.estate import SECRETS
from reconciler.sandbox.galtea import Galtea
from reconciler.sandbox.recording import Recording
from reconciler.sandbox.server import SandboxServer

FILE_SECRET = "fake-file-secret-not-real"


def product(name: str, spec: str = "{description: x}") -> str:
    return f"apiVersion: galtea/v1\nkind: Product\nmetadata: {{name: {name}}}\nspec: {spec}\n"


@dataclass(frozen=True)
class Case:
    """One file with one mistake: where it stands, its code, and words that the message and hint hold."""

    text: str
    line: int
    column: int
    code: str
    words: str


CASES: Mapping[str, Case] = {
    "unknown-kind": Case(
        product("a1").replace("Product", "Produkt"), 2, 7, "unknown-kind", "'Produkt'.* did you mean 'Product'"
    ),
    "unknown-system": Case(
        product("a2").replace("galtea", "galtia"), 1, 13, "unknown-kind", "'galtia'.* did you mean 'galtea'"
    ),
    "unknown-version": Case(product("a3").replace("/v1", "/v2"), 1, 13, "unknown-kind", "apiVersion: galtea/v1"),
    "unknown-field": Case(
        product("a4", "{description: x, tagz: []}"), 4, 24, "unknown-field", "'tagz'.* did you mean 'tags'"
    ),
    "unknown-top-field": Case(product("a5") + "lifecycel: {}\n", 5, 1, "unknown-field", "did you mean 'lifecycle'"),
    "wrong-type": Case(product("a6", "{description: 7}"), 4, 21, "invalid-value", "expected string, got integer"),
    "wrong-type-quoted": Case(
        product("a7", '{description: x, autoCloseInactivityMinutes: "5"}'), 4, 52, "invalid-value", "remove the quotes"
    ),
    "out-of-range": Case(
        product("a8", "{description: x, autoCloseInactivityMinutes: 0}"), 4, 52, "invalid-value", "at least 1 min"
    ),
    "not-in-enum": Case(
        product("a9", "{description: x, autoCloseScope: PRODUCTOIN}"),
        4,
        40,
        "invalid-value",
        "did you mean 'PRODUCTION'",
    ),
    "null-that-cannot-clear": Case(
        product("b1", "{description: null}"), 4, 21, "invalid-value", "leave it out to leave it unmanaged"
    ),
    "read-only": Case(product("b2", "{description: x, id: y}"), 4, 24, "read-only-field", "set by the server"),
    "missing-field": Case(product("b3", "{tags: []}"), 4, 7, "missing-field", "'description' is required"),
    "missing-rule": Case(
        product(
            "b4",
            '{product: p, name: n, url: "https://a.example", authType: BEARER}',
        ).replace("Product", "EndpointConnection"),
        4,
        7,
        "invalid-value",
        "BEARER and API_KEY need authToken",
    ),
    "bad-name": Case(product("a b"), 3, 18, "invalid-value", "metadata.name"),
    "duplicate-address": Case(
        product("b5") + "---\n" + product("b5"), 8, 18, "duplicate-address", r"b5 is declared twice; first at .*:1:1"
    ),
    "duplicate-key": Case(
        product("b6", "\n  description: x\n  description: y"), 6, 3, "duplicate-key", "first on line 5"
    ),
    "date": Case(product("b7", "{description: 2026-01-31}"), 4, 21, "date-not-quoted", '"2026-01-31"'),
    "anchor-bomb": Case(
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)),
        4,
        5,
        "alias-limit",
        "100,000",
    ),
    "syntax": Case("apiVersion: galtea/v1\nkind: [Product\n", 2, 7, "yaml-syntax", "not closed"),
    "tab": Case("apiVersion: galtea/v1\n\tkind: Product\n", 2, 1, "yaml-syntax", "indent with spaces"),
    "no-mapping": Case("- one\n- two\n", 1, 1, "not-a-manifest", "apiVersion, kind, metadata and spec"),
    "not-utf8": Case("kind: \udcff\n", 1, 7, "not-utf8", "save the file as UTF-8"),
    "missing-reference": Case(
        product("c1", "{description: '${ref:Product/c2#/description}'}"), 4, 21, "missing-reference", "Product/c2"
    ),
    "unknown-kind-in-reference": Case(
        product("c3", "{description: '${ref:Produkt/c1}'}"), 4, 21, "missing-reference", "did you mean 'Product'"
    ),
    "reference-cycle": Case(
        product("d1", "{description: '${ref:Product/d2#/description}'}")
        + "---\n"
        + product("d2", "{description: '${ref:Product/d1#/description}'}"),
        1,
        1,
        "reference-cycle",
        "d1 → galtea.Product/d2 → galtea.Product/d1",
    ),
    "unset-variable": Case(
        product("e1", "{description: '${var:regio}'}"), 4, 21, "bad-expression", "'regio'.* did you mean 'region'"
    ),
    "unset-environment": Case(
        product("e2", "{description: '${env:NOT_THERE}'}"), 4, 21, "bad-expression", "NOT_THERE is not set"
    ),
    "environment-not-allowed": Case(
        product("e3", "{description: '${env:HOME}'}"), 4, 21, "bad-expression", "HOME may not be read.* `secrets`"
    ),
    "file-outside": Case(
        product("e4", "{description: '${file:../secret.txt}'}"), 4, 21, "bad-expression", "outside the folder"
    ),
    "file-missing": Case(
        product("e6", "{description: '${file:none.txt}'}"), 4, 21, "bad-expression", "none.txt' does not exist"
    ),
    "unknown-expression": Case(
        product("e7", "{description: '${rf:Product/x}'}"), 4, 21, "bad-expression", "did you mean 'ref'"
    ),
    "open-expression": Case(product("e8", "{description: '${ref'}"), 4, 21, "bad-expression", "without its `}`"),
}


@dataclass(frozen=True)
class Seen:
    """The runs over all cases together, and how many requests they made."""

    text: Finished
    json: Finished
    requests: int


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("bad")
    recording = Recording(Galtea(api_key=SECRETS["GALTEA_API_KEY"]))
    with SandboxServer([recording]) as server:
        write_small(folder, server.urls["galtea"], more="")
        config = (folder / "reconciler.yaml").read_text()
        config = config.replace("[GALTEA_API_KEY]", "[GALTEA_API_KEY, NOT_THERE]") + "    vars: {region: eu}\n"
        (folder / "reconciler.yaml").write_text(config)
        (folder / "secret.txt").write_text(FILE_SECRET)
        for name, case in CASES.items():
            (folder / "manifests" / f"{name}.yaml").write_text(case.text, errors="surrogateescape")
        env = {"GALTEA_API_KEY": SECRETS["GALTEA_API_KEY"]}
        text = run(folder, "apply", "--yes", env=env)
        machine = run(folder, "plan", "--format", "json", env=env)
    return Seen(text=text, json=machine, requests=len(recording.requests))


def test_all_mistakes_are_told_at_once_and_nothing_is_sent(seen: Seen) -> None:
    assert_clean(seen.text)
    assert (seen.text.code, seen.text.out, seen.requests) == (3, "", 0)
    assert f"{len(CASES)} mistakes; nothing was sent." in seen.text.err
    assert FILE_SECRET not in seen.text.everything + seen.json.everything


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_has_its_place_its_reason_and_a_hint(name: str, seen: Seen) -> None:
    case = CASES[name]
    place = f"manifests/{name}.yaml:{case.line}:{case.column}: error: {case.code}: "
    lines = seen.text.err.splitlines()
    found = [index for index, line in enumerate(lines) if line.startswith(f"manifests/{name}.yaml")]
    assert len(found) == 1, [lines[index] for index in found]
    assert lines[found[0]].startswith(place)
    hint = lines[found[0] + 1]
    assert hint.startswith("    hint: ")
    assert re.search(case.words, lines[found[0]] + hint), (lines[found[0]], hint)


@pytest.mark.parametrize("name", CASES)
def test_machines_get_the_same_on_stdout(name: str, seen: Seen) -> None:
    case = CASES[name]
    assert (seen.json.code, seen.json.err) == (3, "")
    document: dict[str, Any] = json.loads(seen.json.out)
    assert (document["format"], document["kind"]) == (1, "diagnostics")
    found = [one for one in document["diagnostics"] if one["path"] == f"manifests/{name}.yaml"]
    assert [(one["severity"], one["code"], one["line"], one["column"]) for one in found] == [
        ("error", case.code, case.line, case.column)
    ]
    assert found[0]["hint"]


def test_several_mistakes_of_one_document_are_all_told(tmp_path: Path) -> None:
    spec = "{descripton: x, tags: [1], policies: '${env:HOME}', primaryTask: '${ref:Product/none}'}"
    write_small(tmp_path, "http://127.0.0.1:9", manifest=product("a", spec).replace("{name: a}", "{name: a, lable: x}"))
    finished = run(tmp_path, "validate", env=SECRETS)
    assert finished.code == 3
    assert sorted(re.findall(r"error: ([a-z-]+):", finished.err)) == [
        "bad-expression",
        "invalid-value",
        "missing-field",
        "missing-reference",
        "unknown-field",
        "unknown-field",
    ]


# --------------------------------------------------------------------------- configuration

URL = "http://127.0.0.1:9"
GOOD = CONFIG.format(url=URL, more="")

CONFIGURATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "many-at-once": (
        """\
manifest: [manifests]
targets:
  test:
    systems:
      galtea:
        url: 5
        auth: {bearer: "${env:GALTEA_API_KEY}"}
        timeouts: {read: soon}
        concurrency: 0
        requestPerSecond: 3
    secrets: GALTEA_API_KEY
    policy: {maxChangeShare: 30, prune: yes}
    ledger: {}
""",
        (
            "1:1: error: unknown-setting: .*'manifest'.*did you mean 'manifests'",
            "6:14: error: invalid-setting: `url` must be text",
            "8:26: error: invalid-setting: `read` must be a number",
            "9:22: error: invalid-setting: `concurrency` must be .*at least 1",
            "10:9: error: unknown-setting: .*did you mean 'requestsPerSecond'",
            "11:14: error: invalid-setting: `secrets` must be a list",
            "12:30: error: invalid-setting: `maxChangeShare` must be at most 1.*a share from 0 to 1, as 0.3",
            "12:41: error: invalid-setting: `prune` must be true or false",
            "13:13: error: invalid-setting: `ledger` must name exactly one of",
        ),
    ),
    "unknown-parameter": (
        CONFIG.format(url=URL, more="edition: flat"),
        ("7:9: error: invalid-setting: system galtea: unknown key 'edition'",),
    ),
    "unset-credential": (
        GOOD.replace("GALTEA_API_KEY", "NOT_THERE"),
        ("6:24: error: bad-expression: .*NOT_THERE is not set.*set NOT_THERE before the run",),
    ),
    "credential-not-allowed": (
        GOOD.replace("[GALTEA_API_KEY]", "[]"),
        ("6:24: error: bad-expression: .*GALTEA_API_KEY may not be read.*`secrets`",),
    ),
    "password-in-the-url": (
        GOOD.replace(URL, "http://me:fake-url-password-not-real@127.0.0.1:9"),
        ("5:14: error: invalid-setting: `url` may not hold a user name or password.*`auth`",),
    ),
    "system-not-configured": (
        GOOD.replace("      galtea:", "      trustgate:"),
        ("1:13: error: unconfigured-system: .*does not say where galtea is.*targets.test.systems",),
    ),
    "misspelt-system": (
        GOOD.replace("      galtea:", "      galtae:"),
        ("4:7: error: unconfigured-system: .*does not say where galtea is.*'galtae'.*did you mean 'galtea'",),
    ),
    "empty": ("", ("reconciler.yaml: error: invalid-setting: the configuration must be one document",)),
    "syntax": (GOOD.replace("[GALTEA_API_KEY]", "[GALTEA_API_KEY"), ("8:14: error: yaml-syntax",)),
    "no-such-ca-file": (
        CONFIG.format(url=URL, more="caFile: none.pem"),
        ("7:17: error: invalid-setting: `caFile` names no file",),
    ),
}

FOLDERS: Mapping[str, str] = {
    "missing": "manifests: error: root-unreadable: manifests does not exist",
    "empty": "manifests: error: no-manifests: manifests holds no manifest",
    "a-dead-link": "manifests/dead.yaml: error: link-broken",
    "a-link-to-the-outside": "manifests/outside.yaml: error: link-leaves-root",
    "no-regular-file": "manifests/pipe.yaml: error: file-unreadable",
    "comments-only": "error: no manifests in manifests",
}


def spoil(folder: Path, name: str) -> None:
    """Make the manifest folder of a workspace as `name` says."""
    manifests = folder / "manifests"
    match name:
        case "missing":
            shutil.rmtree(manifests)
        case "empty":
            (manifests / "only.yaml").rename(manifests / "only.txt")
        case "a-dead-link":
            (manifests / "dead.yaml").symlink_to("nowhere.yaml")
        case "a-link-to-the-outside":
            (folder / "outside.yaml").write_text(product("outside"))
            (manifests / "outside.yaml").symlink_to("../outside.yaml")
        case "no-regular-file":
            os.mkfifo(manifests / "pipe.yaml")
        case "comments-only":
            (manifests / "only.yaml").write_text("# later\n---\n# much later\n")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    jobs = {}
    for name, (config, _) in CONFIGURATIONS.items():
        folder = write_small(tmp_path_factory.mktemp("configuration"), URL)
        (folder / "reconciler.yaml").write_text(config)
        jobs[f"configuration {name}"] = partial(run, folder, "plan", env={"GALTEA_API_KEY": SECRETS["GALTEA_API_KEY"]})
    for name in FOLDERS:
        folder = write_small(tmp_path_factory.mktemp("folder"), URL)
        spoil(folder, name)
        jobs[f"folder {name}"] = partial(run, folder, "plan", env=SECRETS)
    batch = Batch(jobs)
    yield batch
    batch.close()


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_broken_configuration(name: str, runs: Batch) -> None:
    finished = runs[f"configuration {name}"]
    assert_clean(finished)
    assert (finished.code, finished.out) == (3, "")
    assert "fake-url-password" not in finished.err
    one_line_each = finished.err.replace("\n    hint:", " hint:")
    _, mistakes = CONFIGURATIONS[name]
    for mistake in mistakes:
        assert re.search(mistake, one_line_each), (mistake, finished)
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}; nothing was sent."
    assert count in finished.err
    assert one_line_each.count(" hint: ") >= len(mistakes)


@pytest.mark.parametrize("name", FOLDERS)
def test_manifests_that_cannot_be_read_are_never_taken_for_none(name: str, runs: Batch) -> None:
    finished = runs[f"folder {name}"]
    assert_clean(finished)
    assert (finished.code, finished.out) == (3, ""), finished
    assert FOLDERS[name] in finished.err
    assert "hint:" in finished.err


def test_the_small_workspace_itself_is_good(tmp_path: Path) -> None:
    finished = run(write_small(tmp_path, URL, manifest=PRODUCT), "validate", "--format", "json", env=SECRETS)
    assert (finished.code, finished.err) == (0, "")
    assert json.loads(finished.out) == {"format": 1, "kind": "diagnostics", "diagnostics": []}


def test_a_system_that_nothing_defines_is_a_warning(tmp_path: Path) -> None:
    write_small(tmp_path, URL)
    config = (tmp_path / "reconciler.yaml").read_text()
    (tmp_path / "reconciler.yaml").write_text(
        config.replace("    secrets:", '      nowhere: {url: "http://127.0.0.1:9"}\n    secrets:')
    )
    finished = run(tmp_path, "validate", env={"GALTEA_API_KEY": "fake-key-not-real"})
    assert finished.code == 0, finished
    assert re.search(r"reconciler.yaml:\d+:7: warning: undefined-system: .*'nowhere'", finished.err), finished


@pytest.mark.parametrize(
    "auth",
    [
        '{bearer: "fake-literal-not-real"}',
        '{basic: {username: me, password: "fake-literal-not-real"}}',
        '{header: {name: X-Key, value: "fake-literal-not-real"}}',
        '{jwt: {secret: "fake-literal-not-real"}}',
        '{oauth2: {tokenUrl: "http://127.0.0.1:9/t", clientId: me, clientSecret: "fake-literal-not-real"}}',
    ],
)
def test_a_literal_secret_in_the_configuration_is_a_warning(tmp_path: Path, auth: str) -> None:
    write_small(tmp_path, URL)
    config = (tmp_path / "reconciler.yaml").read_text()
    (tmp_path / "reconciler.yaml").write_text(config.replace('{bearer: "${env:GALTEA_API_KEY}"}', auth))
    finished = run(tmp_path, "validate", env={"GALTEA_API_KEY": "fake-key-not-real"})
    assert finished.code == 0, finished
    assert re.search(r"reconciler.yaml:6:\d+: warning: literal-secret: ", finished.err), finished
    assert "${env:NAME}" in finished.err
    assert "fake-literal-not-real" not in finished.everything
