"""`reconciler kinds`: list, show, check, new and schema, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.main import main
from reconciler.shell.files.disk import read_documents


@dataclass(frozen=True, slots=True)
class Finished:
    code: int
    out: str
    err: str


Run = Callable[..., Finished]

CONFIG = "targets: {test: {systems: {galtea: {url: https://galtea.example.com, auth: none}}}}\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `reconciler kinds` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def kinds(*arguments: str) -> Finished:
        code = main(["kinds", *arguments])
        return Finished(code, *capsys.readouterr())

    return kinds


@pytest.fixture
def own(run: Run, tmp_path: Path) -> Path:
    """Return the file of a good definition in the folder `schemas`."""
    (tmp_path / "schemas").mkdir()
    assert run("new", "shop/Product", "--output", "schemas/product.yaml").code == 0
    return tmp_path / "schemas" / "product.yaml"


# --------------------------------------------------------------------------- list and show


def test_kinds_are_listed_with_their_first_words(run: Run, own: Path) -> None:
    lines = [" ".join(line.split()) for line in run("list").out.splitlines()]
    assert "galtea.Product galtea/v1 An AI product under evaluation" in lines
    assert not any(line.startswith("shop.") for line in lines)
    with_own = " ".join(run("list", "--schemas", "schemas").out.split())
    assert "shop.Product shop/v1 What one product is, in a sentence or two" in with_own


def test_kinds_are_listed_for_machines(run: Run) -> None:
    document = json.loads(run("list", "--format", "json").out)
    (product,) = [kind for kind in document["kinds"] if kind["name"] == "galtea.Product"]
    assert document["kind"] == "kinds"
    assert product["naturalKey"] == ["name"]
    assert product["evidence"]["unknown"]


def test_a_kind_is_explained(run: Run) -> None:
    shown = run("show", "EndpointConnection")
    assert shown.code == 0
    for text in (
        "galtea.EndpointConnection   galtea/v1",
        "\nIdentity\n  remote id    /id of the live object\n  natural key  product, name\n",
        "\nFields   * required\n  product *                 string · id of Product · immutable · inferred\n",
        "  authToken                 string · secret · write-only · documented\n",
        "    (any other)             string · secret · masked on read\n",
        "  inputTemplate             string or null · needed to create\n",
        "\nComputed by the server   can be referred to\n  id            string · computed\n",
        "\nCalls\n  list    GET /endpointConnections          in pages by offset, 100 each\n",
        "  update  PATCH /endpointConnections/{id}   carries changed fields\n",
        "\nWrites are protected by\n  reading the object again right before each write",
        "  url, authToken, password, headers travel together when origin of url changes",
        "\nEvidence\n  stated\n    - PATCH /endpointConnections/{id} is the only verb that updates",
        "  fields that are inferred: product, type\n",
    ):
        assert text in shown.out, text
    assert max(map(len, shown.out.splitlines())) <= 100


@pytest.mark.parametrize(("columns", "most"), [("20", 80), ("80", 80), ("100", 100), ("300", 120)])
def test_a_page_is_as_wide_as_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, columns: str, most: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    widths = [len(line) for line in run("show", "trustgate.Upstream").out.splitlines()]
    assert most - 15 < max(widths) <= most


def test_a_parameter_chooses_what_is_shown(run: Run) -> None:
    assert "priority" not in run("show", "Upstream").out
    shown = run("show", "Upstream", "--set", "trustgate.era=S").out
    assert "    priority " in shown
    assert "shown for    era: S (--set trustgate.NAME=VALUE shows another)" in shown


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("trustgate.era=Q", "--set trustgate.era: era: 'Q' is not one of S, L", "Which part of v1.x"),
        ("trustgate.ear=S", "--set trustgate.ear: unknown key 'ear'", "did you mean 'era'?"),
        ("trustgat.era=S", "unknown system 'trustgat'", "did you mean 'trustgate'?"),
        ("era=S", "--set era=S cannot be read", "write --set SYSTEM.NAME=VALUE"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(run: Run, given: str, message: str, hint: str) -> None:
    refused = run("show", "Upstream", "--set", given)
    assert refused.code == 3
    assert message in refused.err
    assert hint in refused.err


def test_a_kind_is_described_for_machines(run: Run) -> None:
    document = json.loads(run("show", "galtea.EndpointConnection", "--format", "json").out)
    fields = {field["path"]: field for field in document["fields"]}
    assert fields["authToken"]["sensitive"] is fields["authToken"]["writeOnly"] is True
    assert fields["timeout"]["unit"] == "s"
    assert fields["product"] | {"reference": "Product", "immutable": True, "required": True} == fields["product"]
    assert {"name": "get", "request": "GET /endpointConnections/{id}", "says": ""} in document["calls"]
    assert document["guard"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("Prodct", "no kind is called 'Prodct'", "did you mean 'Product'?"),
        ("Zzz", "no kind is called 'Zzz'", "`reconciler kinds list` lists them"),
        ("galtea.Session", "no kind is called 'galtea.Session'", "did you mean"),
    ],
)
def test_an_unknown_kind_is_refused(run: Run, name: str, message: str, hint: str) -> None:
    refused = run("show", name)
    assert (refused.code, refused.out) == (3, "")
    assert message in refused.err
    assert hint in refused.err


def test_two_kinds_of_one_name_have_to_be_told_apart(run: Run, own: Path) -> None:
    refused = run("show", "Product", "--schemas", "schemas")
    assert refused.code == 3
    assert "hint: say which: galtea.Product, shop.Product" in refused.err


# --------------------------------------------------------------------------- check


def test_good_definitions_pass_with_a_summary(run: Run, own: Path) -> None:
    checked = run("check", "schemas/product.yaml")
    assert (checked.code, checked.err) == (0, "")
    assert checked.out == "2 definitions checked: all in order.\n"


def test_mistakes_are_told_where_they_stand(run: Run, own: Path) -> None:
    text = own.read_text().replace("key: [name]", "key: [nam]")
    own.write_text(text.replace("x-list: set", "x-lits: set"))
    checked = run("check", "schemas")
    assert (checked.code, checked.out) == (3, "")
    lines = checked.err.splitlines()
    line = next(n for n, written in enumerate(own.read_text().splitlines(), 1) if "x-lits" in written)
    assert f"schemas/product.yaml:{line}:7: error: bad-schema: unknown keyword 'x-lits'" in lines
    assert "    hint: did you mean 'x-list'?" in lines
    assert lines[-1] == "2 definitions checked: 1 mistake."


def test_warnings_alone_pass(run: Run, own: Path) -> None:
    own.write_text(own.read_text().replace("  additionalProperties: false\n  # What every", "  # What every"))
    checked = run("check", "schemas")
    assert checked.code == 0
    assert "warning: doubtful-definition: misspelt fields of a manifest would pass unnoticed" in checked.err
    assert checked.out == "2 definitions checked: no mistake, 1 warning.\n"


def test_what_is_found_is_told_to_machines(run: Run, own: Path) -> None:
    own.write_text(own.read_text().replace('"/products/{id}"', '"/products/{page.id}"'))
    checked = run("check", "schemas", "--format", "json")
    document = json.loads(checked.out)
    assert (checked.code, checked.err) == (3, "")
    assert (document["kind"], document["definitions"]) == ("diagnostics", 2)
    assert {one["severity"] for one in document["diagnostics"]} == {"error", "warning"}
    assert all(one["path"] == "schemas/product.yaml" and one["line"] for one in document["diagnostics"])


def test_a_file_that_cannot_be_read_is_told(run: Run, own: Path) -> None:
    own.write_text("a: [")
    checked = run("check", "schemas")
    assert checked.code == 3
    assert "schemas/product.yaml:" in checked.err
    assert run("check", "nowhere").code == 3


def test_the_configured_folders_are_checked_by_default(run: Run, own: Path, tmp_path: Path) -> None:
    assert "there is nothing to check" in run("check").err
    (tmp_path / "reconciler.yaml").write_text(f"schemas: [schemas]\n{CONFIG}")
    assert run("check").out == "2 definitions checked: all in order.\n"


def test_a_kind_is_checked_with_the_system_that_ships(run: Run, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(run("new", "trustgate/Policy").out.replace("/policies", "/{system.ear}/p"))
    checked = run("check", "one.yaml")
    assert checked.code == 3
    assert "{system.ear} names 'ear', which is no parameter of trustgate" in checked.err
    assert "did you mean 'era'?" in checked.err


def test_a_copy_of_what_ships_may_be_changed_and_checked(run: Run, tmp_path: Path) -> None:
    import shutil

    from reconciler.shell.files.packaged import packaged_folder

    shutil.copytree(packaged_folder("schemas") / "galtea", tmp_path / "galtea")
    assert run("check", "galtea").out.endswith(" definitions checked: all in order.\n")


# --------------------------------------------------------------------------- new


def test_a_new_definition_is_printed(run: Run) -> None:
    made = run("new", "shop/PriceList")
    assert (made.code, made.err) == (0, "")
    assert "kind: PriceList" in made.out
    assert "path: /price-lists" in made.out
    assert "system: shop" in made.out


def test_a_system_that_is_defined_is_not_defined_again(run: Run) -> None:
    assert "system:" not in run("new", "galtea/Metric").out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop", "'shop' is not SYSTEM/KIND"),
        ("shop/product", "'shop/product' is not SYSTEM/KIND"),
        ("Shop/Product", "'Shop/Product' is not SYSTEM/KIND"),
        ("galtea/Product", "galtea.Product is defined already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(run: Run, name: str, message: str) -> None:
    refused = run("new", name)
    assert (refused.code, refused.out) == (3, "")
    assert message in refused.err
    assert "hint: " in refused.err


# --------------------------------------------------------------------------- schema


def test_the_schema_of_manifests_is_written(run: Run, own: Path, tmp_path: Path) -> None:
    written = run("schema", "--schemas", "schemas", "--output", "manifests.schema.json")
    assert (written.code, written.out, written.err) == (0, "", "wrote manifests.schema.json\n")
    schema = json.loads((tmp_path / "manifests.schema.json").read_text())
    assert "shop/v1" in schema["properties"]["apiVersion"]["enum"]
    assert "galtea.Product" in schema["$defs"]


def test_the_schema_follows_a_parameter(run: Run) -> None:
    def fields(*given: str) -> Any:
        definitions = json.loads(run("schema", *given).out)["$defs"]
        return definitions["trustgate.Upstream.spec"]["$defs"]["target"]["properties"]

    assert "priority" not in fields()
    assert "priority" in fields("--set", "trustgate.era=S")


def test_the_schema_of_definitions_is_printed(run: Run, own: Path) -> None:
    schema = json.loads(run("schema", "--definitions").out)
    documents, _ = read_documents(own, "product.yaml")
    assert [list(Draft202012Validator(schema).iter_errors(document.data)) for document in documents] == [[], []]


MODELINE = "# yaml-language-server: $schema=../manifests.schema.json\n"


def test_a_manifest_may_name_its_schema_for_editors(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = "apiVersion: galtea/v1\nkind: Product\nmetadata: {name: bot}\nspec: {description: Answers questions.}\n"
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "bot.yaml").write_text(MODELINE + manifest)
    (tmp_path / "reconciler.yaml").write_text(CONFIG)
    code = main(["validate"])
    said = capsys.readouterr()
    assert (code, said.out) == (0, "1 manifest of 1 kind valid for the target test.\n"), said.err
    documents, _ = read_documents(tmp_path / "manifests" / "bot.yaml", "bot.yaml")
    schema = json.loads(run("schema").out)
    assert Draft202012Validator(schema).is_valid(documents[0].data)


def test_a_folder_without_definitions_is_not_in_order(run: Run, tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "manifests.schema.json").write_text("{}")
    finished = run("check", "schemas")
    assert (finished.code, finished.out) == (3, "")
    assert "there is no definition in schemas" in finished.err


def test_a_misspelt_choice(run: Run) -> None:
    finished = run("show", "apinizer.Environment", "--set", "apinizer.edition=wraped")
    assert finished.code == 3
    assert "'wraped' is not one of flat, wrapped" in finished.err
    assert "did you mean 'wrapped'?" in finished.err
