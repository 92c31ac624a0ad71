"""Short ways to draft from documents that a test writes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.core.kinds.catalog import load_catalog
from reconciler.core.kinds.noted import plain
from reconciler.core.model import Document, JsonObject
from reconciler.drafts.definitions import Draft, Origin, draft_definitions
from reconciler.shell.files.disk import read_documents
from reconciler.shell.files.foreign import files_beside, read_foreign
from reconciler.shell.files.yaml_text import yaml_text

DOCUMENTS = Path(__file__).parent / "documents"
SAMPLES = sorted(path.name for path in DOCUMENTS.iterdir() if path.is_file())


def draft(path: Path, *prefixes: str, system: str | None = None) -> list[Draft]:
    """Return the drafts from the document at `path`."""
    document, problems = read_foreign(path, path.name)
    assert document is not None, problems
    origin = Origin(uri=path.resolve().as_uri(), retrieve=files_beside(path))
    return draft_definitions(document, origin, prefixes=prefixes, system=system)


def text_of(one: Draft) -> str:
    return yaml_text(one.data, header=one.header, footer=one.footer)


def read_back(drafts: list[Draft], folder: Path) -> list[Document]:
    """Return the drafts as the definitions that their YAML text is read as, and check that nothing is lost."""
    found = []
    for one in drafts:
        path = folder / f"{one.name}.yaml"
        path.write_text(text_of(one))
        documents, problems = read_documents(path, path.name)
        assert problems == []
        assert [document.data for document in documents] == [plain(one.data)]
        found += documents
    return found


def kinds(root: JsonObject, folder: Path) -> dict[str, Any]:
    """Return the definitions drafted from a document, by name, after the catalog has found nothing wrong with them."""
    import json

    path = folder / "document.json"
    path.write_text(json.dumps(root))
    drafts = draft(path)
    _, problems = load_catalog(read_back(drafts, folder))
    assert problems == []
    return {one.name: plain(one.data) for one in drafts}


def answer(schema: JsonObject, status: str = "200") -> JsonObject:
    return {"responses": {status: {"description": "", "content": {"application/json": {"schema": schema}}}}}


def takes(schema: JsonObject, media: str = "application/json") -> JsonObject:
    return {"requestBody": {"content": {media: {"schema": schema}}}}


def members(*names: str, **more: JsonObject) -> JsonObject:
    """Return an object with text members `names` and others."""
    return {"type": "object", "properties": {**{name: {"type": "string"} for name in names}, **more}}


def api(paths: JsonObject, **more: Any) -> JsonObject:
    return {"openapi": "3.1.0", "info": {"title": "Test", "version": "1"}, "paths": paths, **more}


def widgets(
    stored: JsonObject, given: JsonObject | None = None, *, query: tuple[JsonObject, ...] = (), listed: Any = None
) -> JsonObject:
    """Return a document with one plain collection: what is stored, what is given, and how the list answers."""
    given = stored if given is None else given
    return api(
        {
            "/widgets": {
                "get": {"parameters": list(query), **answer(listed or {"type": "array", "items": stored})},
                "post": {**takes(given), **answer(stored, "201")},
            },
            "/widgets/{id}": {
                "get": answer(stored),
                "patch": {**takes(given), **answer(stored)},
                "delete": {"responses": {"204": {"description": ""}}},
            },
        }
    )


def asked(name: str, **schema: Any) -> JsonObject:
    """Return an optional query parameter."""
    return {"name": name, "in": "query", "schema": {"type": "integer", **schema}}
