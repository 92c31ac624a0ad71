"""Kinds listed for people as text, and described for machines as JSON. Pure."""

from __future__ import annotations

from reconciler.core.kinds.catalog import Catalog, Kind
from reconciler.core.kinds.fields import FieldInfo, walk
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import MISSING, Path
from reconciler.render.kind_calls import calls_of, guard_of
from reconciler.render.kind_page import type_words
from reconciler.render.style import PLAIN, Style

__all__ = ["kind_document", "render_kinds"]


def render_kinds(catalog: Catalog, style: Style = PLAIN) -> str:
    """Return a table of all kinds with their descriptions."""
    kinds = catalog.ordered()
    names = max((len(kind.full_name) for kind in kinds), default=0)
    versions = max((len(kind.definition.api_version) for kind in kinds), default=0)
    lines = []
    for kind in kinds:
        name = style.paint(kind.full_name.ljust(names), "bold")
        version = kind.definition.api_version.ljust(versions)
        lines.append(f"{name}  {version}  {_in_short(kind.definition.description)}".rstrip())
    return "\n".join(lines)


def _in_short(text: str) -> str:
    """Return the first sentence, up to a colon or semicolon."""
    sentence = " ".join(text.split()).split(". ")[0].rstrip(".")
    for mark in (": ", "; "):
        sentence = sentence.split(mark)[0]
    return sentence


def kind_document(kind: Kind) -> JsonObject:
    """Return a kind as JSON: its identity, fields, calls and guards, and how sure all of that is."""
    definition = kind.definition
    required = frozenset(definition.schema_.get("required", []))
    fields: list[Json] = [_field(path, info, required) for path, info in walk(kind.fields)]
    return {
        "name": kind.full_name,
        "apiVersion": definition.api_version,
        "description": " ".join(definition.description.split()),
        "path": kind.source.path,
        "naturalKey": list(kind.key),
        "remoteId": definition.identity.id,
        "singleton": definition.identity.singleton,
        "unreadable": kind.unreadable or None,
        "parameters": dict(kind.parameters),
        "fields": fields,
        "calls": [{"name": call.name, "request": call.request, "says": call.says} for call in calls_of(kind)],
        "guard": guard_of(kind),
        "evidence": {sort: list(sentences) for sort, sentences in definition.evidence.items()},
        "documentation": list(definition.documentation),
        "schema": definition.schema_,
    }


def _field(path: Path, info: FieldInfo, required: frozenset[str]) -> JsonObject:
    return {
        "path": "".join(
            "[]" if step == "*" else (f".{step}" if index else str(step)) for index, step in enumerate(path)
        ),
        "type": type_words(info),
        "unit": info.unit or None,
        "description": info.description,
        "required": len(path) == 1 and path[0] in required,
        "default": None if info.default is MISSING else info.default,
        "reference": info.reference,
        "readOnly": info.read_only,
        "writeOnly": info.write_only,
        "sensitive": info.sensitive,
        "sensitiveWhen": {one.name: list(one.values) for one in info.sensitive_when},
        "immutable": info.immutable,
        "evidence": info.evidence or "stated",
    }
