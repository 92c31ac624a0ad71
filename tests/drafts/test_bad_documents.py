"""Documents that cannot be drafted from: every mistake with its place, exit code 3, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.main import main

HEAD = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\n"
SCHEMA = "{content: {application/json: {schema: {$ref: '%s'}}}}"
WIDGETS = (
    HEAD + "paths:\n  /widgets:\n    get: {responses: {200: {description: ''}}}\n"
    f"    post:\n      requestBody: {SCHEMA}\n  /widgets/{{id}}:\n    delete: {{}}\n"
)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("a.yaml", "openapi: [3\n", ["a.yaml:1:10: error: yaml-syntax"], id="yaml"),
        pytest.param("a.json", '{"openapi": }', ["a.json:1:13: error: json-syntax"], id="json"),
        pytest.param("a.yaml", "", ["empty-file", "holds no document"], id="empty"),
        pytest.param("a.yaml", "- 1\n", ["bad-openapi", "it is not a mapping"], id="list"),
        pytest.param("a.yaml", "kind: X\n", ["has no key `openapi`"], id="other"),
        pytest.param("a.yaml", "swagger: '2.0'\n", ["a.yaml:1:1", "Swagger 2.0", "convert it"], id="swagger"),
        pytest.param("a.yaml", "openapi: 4.0.0\npaths: {}\n", ["OpenAPI 4.0.0 is not read"], id="version"),
        pytest.param("a.yaml", HEAD, ["describes no paths"], id="no-paths"),
        pytest.param("a.yaml", HEAD + "paths: {}\n", ["a.yaml:3:1", "describes no paths"], id="empty-paths"),
        pytest.param(
            "a.yaml", HEAD + "paths: {/x: {get: {}}}\n", ["no path of the document looks like"], id="no-kinds"
        ),
        pytest.param("a.yaml", HEAD + HEAD, ["duplicate-key", "a.yaml:3:1"], id="duplicate-key"),
        pytest.param(
            "a.yaml", WIDGETS % "#/components/schemas/W", ["a.yaml:7", "leads nowhere"], id="broken-reference"
        ),
        pytest.param("a.yaml", WIDGETS % "parts.yaml#/W", ["parts.yaml does not exist", "leads nowhere"], id="no-file"),
        pytest.param("a.yaml", WIDGETS % "../x.yaml", ["stands outside the folder"], id="outside"),
        pytest.param("a.yaml", WIDGETS % "https://x.example/y.yaml", ["nothing is fetched"], id="network"),
        pytest.param(
            "a.yaml", WIDGETS.replace(SCHEMA, "{$ref: '#/a'}") + "a: {$ref: '#/a'}\n", ["back to itself"], id="circle"
        ),
        pytest.param("a.yaml", "a: &x [*x]\n", ["holds itself"], id="alias"),
    ],
)
def test_mistakes_are_told_with_their_place(
    name: str,
    text: str,
    said: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    assert main(["kinds", "from-openapi", name, "--output", "out"]) == 3
    shown = capsys.readouterr()
    assert [part for part in said if part not in shown.err] == [], shown.err
    assert "Traceback" not in shown.err
    assert not Path("out").exists()


def test_all_broken_references_show_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text((WIDGETS % "#/a").replace("delete: {}", f"patch: {{requestBody: {SCHEMA % '#/b'}}}"))
    assert main(["kinds", "from-openapi", str(path)]) == 3
    shown = capsys.readouterr().err
    assert "'#/a'" in shown
    assert "'#/b'" in shown


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kinds", "from-openapi", str(tmp_path / "none.yaml")]) == 3
    assert "does not exist" in capsys.readouterr().err


def test_a_draft_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = str(Path(__file__).parent / "documents" / "catalog-3.0.yaml")
    assert main(["kinds", "from-openapi", document, "--output", str(tmp_path)]) == 0
    (tmp_path / "product.yaml").write_text("mine")
    assert main(["kinds", "from-openapi", document, "--output", str(tmp_path)]) == 3
    assert "already holds" in capsys.readouterr().err
    assert (tmp_path / "product.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--path", "/none"], "no path starts with /none"),
        (["--path", "/product"], "no path starts with /product"),
        (["--system", "Not One"], "'Not One' is no name of a system"),
    ],
)
def test_wrong_options(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = str(Path(__file__).parent / "documents" / "catalog-3.0.yaml")
    assert main(["kinds", "from-openapi", document, *arguments]) == 3
    assert said in capsys.readouterr().err
