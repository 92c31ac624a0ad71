"""Builders for tests of the core: kinds out of plain data, live objects as the reader makes them, answers."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

from reconciler.core.kinds.catalog import Kind, load_catalog
from reconciler.core.kinds.fields import FieldInfo, read_fields
from reconciler.core.model import Document, JsonObject, LiveObject, Request, Response, Source
from reconciler.core.wire.answers import live_object
from reconciler.core.wire.requests import Subject, Writing, write_request

PLACE = Source("shop.yaml", 1, 1)


def document(data: Any) -> Document:
    """Return `data` as a document every part of which stands at one place."""
    return Document(data=data, source=PLACE, locate=lambda path, key=False: PLACE)


def kind_of(definition: JsonObject, system: JsonObject | None = None, parameters: JsonObject | None = None) -> Kind:
    """Return the kind that `definition` describes: it needs `properties`; calls and identity have plain defaults."""
    properties = definition.get("properties", {"name": {"type": "string"}})
    data: JsonObject = {
        "apiVersion": "shop/v1",
        "kind": "Thing",
        "schema": {"type": "object", "properties": properties},
        "identity": {"key": [next(iter(properties))]},
        "read": {"list": {"method": "GET", "path": "/things"}},
        "write": {
            "create": {"method": "POST", "path": "/things"},
            "update": {"method": "PATCH", "path": "/things/{id}"},
        },
        **{key: value for key, value in definition.items() if key != "properties"},
    }
    documents = [document({"system": "shop", **(system or {})}), document(data)]
    catalog, problems = load_catalog(documents, parameters={"shop": parameters or {}})
    assert not problems, problems
    found = catalog.find("shop", "Thing")
    assert found is not None
    return found


def thing(
    properties: JsonObject, update: JsonObject | None = None, create: JsonObject | None = None, **more: Any
) -> Kind:
    """Return a kind with these fields, and these calls where they are not the usual ones."""
    write = {
        "create": {"method": "POST", "path": "/things", **(create or {})},
        "update": {"method": "PATCH", "path": "/things/{id}", **(update or {})},
    }
    return kind_of({"properties": properties, "write": write, **more})


def fields_of(properties: JsonObject, **more: Any) -> FieldInfo:
    """Return what a schema with these properties says about them."""
    return read_fields({"type": "object", "properties": properties, **more})


def answer(
    body: Any = None,
    status: int = 200,
    content: bytes | None = None,
    content_type: str = "application/json",
    **headers: str,
) -> Response:
    """Return an answer with a JSON `body`, or with raw `content`."""
    raw = content if content is not None else b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers={"content-type": content_type, **named}, content=raw)


def page_answer(text: str, status: int = 200) -> Response:
    """Return an HTML answer."""
    return answer(content=text.encode(), status=status, content_type="text/html; charset=utf-8")


def live_of(kind: Kind, body: JsonObject, etag: str | None = None) -> LiveObject:
    """Return the live object that `body` is an answer of."""
    return replace(live_object(kind, {"id": "t-1", **body}, Subject(spec={})), etag=etag)


def write(
    kind: Kind, spec: JsonObject, live: LiveObject | None = None, changed: set[str] | None = None, call: int = 0
) -> Request | None:
    """Return the request that writes `spec`: a create without `live`, else the update call number `call`."""
    creating = live is None
    subject = Subject(spec=spec, id=None if live is None else live.id, live=live)
    writing = Writing(subject=subject, changed=frozenset(spec if changed is None else changed), creating=creating)
    chosen = kind.definition.write.create if creating else kind.definition.write.update[call]
    assert chosen is not None
    return write_request(kind, chosen, writing)


def body_of(
    kind: Kind, spec: JsonObject, live: LiveObject | None = None, changed: set[str] | None = None, call: int = 0
) -> Any:
    """Return the body of the request that `write` gives."""
    request = write(kind, spec, live, changed, call)
    assert request is not None
    return request.body


def archive(members: dict[str, bytes]) -> bytes:
    """Return a ZIP archive with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue()
