"""What the process brings along: its umask, variables that are not text, and secrets that are not there."""

from __future__ import annotations

import ast
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from console_script import LEDGER_KEY, Finished, Scene, assert_clean, open_scene, run, write_small

from reconciler.cli.main import main

PACKAGE = Path(__file__).parents[2] / "reconciler"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_scene(tmp_path) as one:
        yield one


# --------------------------------------------------------------------------- umask


@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_the_umask_holds_for_every_file(scene: Scene, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(scene.folder.rglob("*"))
    monkeypatch.chdir(scene.folder)
    for name, value in {**scene.secrets, "HOME": str(scene.folder), "XDG_CACHE_HOME": ""}.items():
        monkeypatch.setenv(name, value)
    for arguments in (
        "plan --out plan.json --output html=plan.html --output json=plan-result.json",
        "snapshot --out snapshot.json",
        "apply --plan plan.json --report report.json",
        "drift --format json --output markdown=drift.md",
        "ledger move galtea.Product/support-bot other",
    ):
        usual = os.umask(umask)
        try:
            assert main(arguments.split()) == 0
        finally:
            os.umask(usual)
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in scene.folder.rglob("*") if path not in before}
    assert {"plan.json", "plan.html", "snapshot.json", "report.json", "ledger.json"} <= {path.name for path in made}
    assert [f"{path} {mode:o}" for path, mode in made.items() if mode & umask] == []
    ours = [mode for path, mode in made.items() if ".cache" not in path.parts and path.is_file()]
    assert set(ours) == {0o666 & ~umask}


# --------------------------------------------------------------------------- variables that are no text

NO_TEXT = os.fsdecode(b"caf\xe9\xff")


def names_in_the_program() -> list[str]:
    """Return every text in the package that can be the name of an environment variable."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if "sandbox" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.update(
                        re.findall(r"\A[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z|\A(?:HOME|USER|TERM|PATH)\Z", node.value)
                    )
                    found.update(re.findall(r"\A[a-z]+_proxy\Z", node.value))
    return sorted(found)


def test_no_variable_that_is_no_text_ends_in_a_traceback(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write_small(scene.folder / "small", scene.urls["galtea"])
    config = folder / "reconciler.yaml"
    config.write_text(f"{config.read_text()}    ledger: {{file: ledger.json}}\n")
    monkeypatch.chdir(folder)
    names = [*names_in_the_program(), "GALTEA_API_KEY"]
    assert {"RECONCILER_LEDGER_KEY", "https_proxy", "GITHUB_TOKEN", "GITLAB_USER_NAME", "XDG_CACHE_HOME"} <= {*names}
    for name, value in {**scene.secrets, "RECONCILER_LEDGER_KEY": LEDGER_KEY, "HOME": str(folder)}.items():
        monkeypatch.setenv(name, value)

    def harmless(command: str, *names: str) -> bool:
        with monkeypatch.context() as patch:
            for name in names:
                patch.setenv(name, NO_TEXT)
            code = main(command.split())
        said = "".join(capfd.readouterr())
        assert code in (0, 3), (names, command, said)
        assert "Traceback" not in said, (names, command, said)
        return code == 0

    together = [name for name in names if harmless("ledger show", name)]
    assert {*names} - {*together} == {"GALTEA_API_KEY", "RECONCILER_LEDGER_KEY"}
    assert harmless("apply --yes", *together)


@pytest.mark.parametrize("where", ["auth", "manifest"])
def test_a_secret_that_is_no_text_is_an_error_that_names_it(tmp_path: Path, where: str) -> None:
    folder = write_small(tmp_path, "http://127.0.0.1:9")
    secrets = {"GALTEA_API_KEY": "fake-key-not-real"}
    if where == "auth":
        secrets["GALTEA_API_KEY"] = NO_TEXT
    else:
        config = folder / "reconciler.yaml"
        config.write_text(config.read_text().replace("[GALTEA_API_KEY]", "[GALTEA_API_KEY, OTHER]"))
        manifest = folder / "manifests" / "only.yaml"
        manifest.write_text(re.sub("description: .*", "description: ${env:OTHER}", manifest.read_text()))
        secrets["OTHER"] = NO_TEXT
    finished = run(folder, "plan", env=secrets)
    assert finished.code == 3, finished
    name = "GALTEA_API_KEY" if where == "auth" else "OTHER"
    assert f"the environment variable {name} is not UTF-8 text" in finished.err
    assert "caf" not in finished.everything
    assert_clean(finished)


def test_a_secret_that_is_no_text_and_not_used_is_in_nobodys_way(scene: Scene) -> None:
    config = scene.folder / "reconciler.yaml"
    config.write_text(config.read_text().replace("secrets: [", "secrets: [UNUSED, ", 1))
    finished = run(scene.folder, "plan", env={**scene.secrets, "UNUSED": NO_TEXT})
    assert finished.code == 0, finished


# --------------------------------------------------------------------------- without secrets


def validated(folder: Path) -> Finished:
    finished = run(folder, "validate", "--without-secrets")
    assert_clean(finished)
    return finished


SETTINGS = {
    "url": "'${env:X}'",
    "proxy": "'${env:X}'",
    "caFile": "'${env:X}'",
    "headers": "{X-Tenant: '${env:X}'}",
    "auth": "{oauth2: {tokenUrl: '${env:X}', clientId: '${env:X}', clientSecret: '${env:X}'}}",
}


@pytest.mark.parametrize("key", SETTINGS)
def test_validate_without_secrets_needs_no_value_of_a_setting(tmp_path: Path, key: str) -> None:
    folder = write_small(tmp_path, "http://127.0.0.1:9")
    config = yaml.safe_load((folder / "reconciler.yaml").read_text())
    config["targets"]["test"]["secrets"].append("X")
    config["targets"]["test"]["systems"]["galtea"][key] = yaml.safe_load(SETTINGS[key])
    (folder / "reconciler.yaml").write_text(yaml.safe_dump(config))
    assert validated(folder).code == 0
    needs = run(folder, "validate", env={"GALTEA_API_KEY": "fake"})
    assert needs.code == 3
    assert "environment variable X is not set" in needs.err


@pytest.mark.parametrize(
    "more",
    [
        {"ledger": {"file": "${env:X}/ledger.json"}},
        {"ledger": {"git": "refs/reconciler/x"}},  # in no repository
        {"ledger": {"file": "reconciler.yaml"}},  # which is no ledger
    ],
)
def test_validate_without_secrets_reads_no_ledger(tmp_path: Path, more: dict[str, object]) -> None:
    folder = write_small(tmp_path, "http://127.0.0.1:9", more="caFile: missing.pem")
    config = yaml.safe_load((folder / "reconciler.yaml").read_text())
    config["targets"]["test"] |= more | {"policy": {"prune": True}, "secrets": ["GALTEA_API_KEY", "X"]}
    (folder / "reconciler.yaml").write_text(yaml.safe_dump(config))
    finished = run(folder, "validate", "--without-secrets", env={"RECONCILER_LEDGER_KEY": "fake-weak"})
    assert_clean(finished)
    assert finished.code == 0, finished
    assert run(folder, "validate", env={"GALTEA_API_KEY": "fake"}).code == 3


def test_validate_without_secrets_of_a_whole_estate(scene: Scene) -> None:
    assert validated(scene.folder).code == 0
