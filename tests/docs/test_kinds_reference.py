"""The reference in `schemas/README.md` names all there is, and its examples are good."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from readme_blocks import README, Block, blocks

from reconciler.core.compare.normalize import compare, shape
from reconciler.core.errors import ErrorClass
from reconciler.core.kinds import definition, definition_calls
from reconciler.core.kinds.catalog import Kind, load_catalog
from reconciler.core.kinds.checks.definitions import check_definitions
from reconciler.core.kinds.definition import WriteCall
from reconciler.core.kinds.fields import FORMS, KEYWORDS
from reconciler.core.kinds.template import ROOTS
from reconciler.core.model import Document, LiveObject, Response
from reconciler.core.strict_form import StrictForm
from reconciler.core.wire.judge import judge
from reconciler.core.wire.requests import Subject, Writing, write_request
from reconciler.shell.files.disk import read_documents
from reconciler.shell.settings.form import SYSTEM_KEYS, AuthForm, keys_of
from reconciler.shell.settings.mistakes import check_form

TEXT = README.read_text(encoding="utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", TEXT))


# --------------------------------------------------------------------------- nothing is left out


def models() -> Iterator[type[StrictForm]]:
    for module in (definition, definition_calls):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, StrictForm) and value is not StrictForm:
                yield value


def keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def choices(annotation: Any) -> Iterator[str]:
    """Yield the texts that a field may hold, where they are few."""
    if typing.get_origin(annotation) is typing.Literal:
        yield from (value for value in typing.get_args(annotation) if isinstance(value, str))
    else:
        for argument in typing.get_args(annotation):
            yield from choices(argument)


PARTS = sorted(set(models()), key=lambda model: model.__name__)


def test_the_models_are_found() -> None:
    assert {"SystemDefinition", "KindDefinition", "ListCall", "WriteCall", "Paging"} <= {m.__name__ for m in PARTS}


@pytest.mark.parametrize("model", PARTS, ids=lambda model: model.__name__)
def test_every_key_of_the_grammar_is_explained(model: type[BaseModel]) -> None:
    assert [key for key in keys(model) if key not in CODE] == []


@pytest.mark.parametrize("model", PARTS, ids=lambda model: model.__name__)
def test_every_choice_of_the_grammar_is_explained(model: type[BaseModel]) -> None:
    words = {word for info in model.model_fields.values() for word in choices(info.annotation)}
    assert sorted(word for word in words if word not in CODE) == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(KEYWORDS, id="keywords"),
        pytest.param(FORMS, id="forms"),
        pytest.param([error.value for error in ErrorClass], id="classes"),
        pytest.param(["readOnly", "writeOnly", "default", "required", "$by"], id="standard"),
    ],
)
def test_every_word_is_explained(words: typing.Iterable[str]) -> None:
    assert sorted(word for word in words if not any(code.startswith(word) for code in CODE)) == []


def test_every_template_variable_is_explained() -> None:
    explained = {match[1] for code in CODE for match in re.finditer(r"\{([a-z]+)[.}]", code)}
    assert set(ROOTS) - explained == set()


def test_every_way_to_sign_in_and_every_setting_of_a_system_is_named() -> None:
    section = TEXT[TEXT.index("### 3.15") :]
    assert [key for key in (*keys_of(AuthForm), *SYSTEM_KEYS) if not re.search(rf"\b{key}\b", section)] == []


# --------------------------------------------------------------------------- examples are good

SYSTEM: dict[str, Any] = {
    "system": "shop",
    "parameters": {
        "type": "object",
        "properties": {
            "edition": {"enum": ["old", "new"], "default": "new"},
            "region": {"type": "string", "default": "eu"},
        },
    },
}


def read(text: str, folder: Path, suffix: str = "yaml") -> list[Document]:
    path = folder / f"example.{suffix}"
    path.write_text(text, encoding="utf-8")
    documents, problems = read_documents(path, path.name)
    assert problems == []
    return documents


def data_of(block: Block, folder: Path) -> Any:
    (document,) = read(block.text, folder)
    return document.data


def base(folder: Path) -> dict[str, Any]:
    """Return the kind that the examples share."""
    shared: dict[str, Any] = data_of(blocks("yaml", "kind")[0], folder)
    return shared


def load(kind: Any, folder: Path, system: Any = SYSTEM) -> Kind:
    """Return a kind that has no mistakes."""
    documents = read(json.dumps(system), folder, "json") + read(json.dumps(kind), folder, "json")
    catalog, problems = load_catalog(documents)
    assert [str(problem) for problem in problems] == []
    (loaded,) = catalog.kinds.values()
    return loaded


@pytest.mark.parametrize("block", blocks("yaml", "kind"), ids=str)
def test_kinds_are_good(block: Block, tmp_path: Path) -> None:
    load(data_of(block, tmp_path), tmp_path)
    parents = [base(tmp_path) | {"kind": name} for name in ("Category", "Folder", "Model")]
    beside = [document for one in (SYSTEM, *parents) for document in read(json.dumps(one), tmp_path, "json")]
    found = check_definitions(read(block.text, tmp_path), beside)
    assert [f"{one.source}: {one.message}" for one in found] == []


@pytest.mark.parametrize("block", blocks("yaml", "fields"), ids=str)
def test_fields_are_good(block: Block, tmp_path: Path) -> None:
    kind = base(tmp_path)
    kind["schema"]["properties"] |= data_of(block, tmp_path)
    load(kind, tmp_path)


@pytest.mark.parametrize("block", blocks("yaml", "part"), ids=str)
def test_parts_are_good(block: Block, tmp_path: Path) -> None:
    load(base(tmp_path) | data_of(block, tmp_path), tmp_path)


@pytest.mark.parametrize("block", blocks("yaml", "system"), ids=str)
def test_systems_are_good(block: Block, tmp_path: Path) -> None:
    load(base(tmp_path), tmp_path, data_of(block, tmp_path))


@pytest.mark.parametrize("block", blocks("yaml", "config"), ids=str)
def test_configurations_are_good(block: Block, tmp_path: Path) -> None:
    assert list(check_form(data_of(block, tmp_path))) == []


def test_every_block_of_yaml_says_what_it_is() -> None:
    known = {"kind", "fields", "part", "system", "config", "manifest"}
    marks = {block.mark.split(" ")[0] for block in blocks("yaml")}
    assert {mark for mark in marks if not mark.startswith("file=")} <= known


# --------------------------------------------------------------------------- what it says is so


@pytest.mark.parametrize("block", blocks("json", "send="), ids=lambda block: block.mark)
def test_each_send_mode_makes_the_body_that_is_shown(block: Block, tmp_path: Path) -> None:
    kind = load(base(tmp_path), tmp_path)
    manifest = data_of(blocks("yaml", "manifest")[0], tmp_path)
    spec = {"name": manifest["metadata"]["name"], **manifest["spec"]}
    body = json.loads(blocks("json", "live")[0].text)
    live = LiveObject(id="p1", body=body, spec=shape(kind.fields, body))
    found = compare(kind.fields, spec, live.spec)
    changed = frozenset(name for name in spec if found.desired.get(name) != found.live.get(name))
    mode = block.mark.removeprefix("send=")
    call = WriteCall.model_validate({"method": "PATCH", "path": "/products/{id}", "send": mode})
    writing = Writing(subject=Subject(spec=spec, id="p1", live=live), changed=changed, creating=False)
    request = write_request(kind, call, writing)
    assert request is not None
    assert request.body == json.loads(block.text)
    types = {"mergePatch": "application/merge-patch+json", "jsonPatch": "application/json-patch+json"}
    assert dict(request.headers).get("Content-Type") == types.get(mode)


def usual_statuses() -> Iterator[tuple[str, int]]:
    """Yield each class with the statuses that the table of classes gives it."""
    for name, statuses in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", TEXT[TEXT.index("| Class |") :], re.MULTILINE):
        for status in re.findall(r"\b[1-5](?:\d\d|xx)\b", statuses):
            yield name, int(status.replace("xx", "03"))


@pytest.mark.parametrize(("name", "status"), list(usual_statuses()))
def test_statuses_mean_what_the_table_says(name: str, status: int, tmp_path: Path) -> None:
    content = b"" if (name, status) == ("misconfigured", 404) else b'{"message": "no"}'
    headers = {"content-type": "application/json"}
    if (name, status) == ("rateLimited", 403):
        headers["retry-after"] = "1"  # as the table says
    response = Response(status=status, headers=headers, content=content)
    found = judge(load(base(tmp_path), tmp_path), response).error_class
    assert ("success" if found is None else found.value) == name


def test_links_inside_lead_somewhere() -> None:
    headings = re.findall(r"^#{2,3} (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) - anchors == set()
