"""Kinds explained: for people as text, for machines as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.definition import Call
from reconciler.core.fields import FieldInfo, walk
from reconciler.core.kinds import Catalog, Kind, send_mode
from reconciler.core.model import Json, JsonObject
from reconciler.core.pointer import MISSING, Path
from reconciler.render.style import PLAIN, Style


def render_kinds(catalog: Catalog, style: Style = PLAIN) -> str:
    """Return a table of all kinds with their descriptions."""
    kinds = catalog.ordered()
    width = max((len(kind.full_name) for kind in kinds), default=0)
    lines = []
    for kind in kinds:
        name = style.paint(kind.full_name.ljust(width), "bold")
        lines.append(f"{name}  {kind.definition.api_version.ljust(14)}  {_first_sentence(kind.definition.description)}")
    return "\n".join(lines)


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".")


def render_kind(kind: Kind, style: Style = PLAIN) -> str:
    """Return everything that the definition says about a kind."""
    definition = kind.definition
    blocks = [
        style.paint(kind.full_name, "bold") + f"  ({definition.api_version}, {kind.source.path})",
        " ".join(definition.description.split()),
        _section("Identity", _identity(kind), style),
        _section("Fields", _fields(kind, style), style),
        _section("Calls", _calls(kind), style),
        _section("Guard", [_guard(kind)], style),
        _section("Rules", _rules(kind), style),
        _section("Evidence", [f"{k}: {t}" for k, texts in definition.evidence.items() for t in texts], style),
        _section("Documentation", definition.documentation, style),
    ]
    return "\n\n".join(block for block in blocks if block)


def _section(title: str, lines: list[str], style: Style) -> str:
    return "" if not lines else "\n".join([style.paint(title, "bold"), *("  " + line for line in lines)])


def _identity(kind: Kind) -> list[str]:
    identity = kind.definition.identity
    lines = [f"remote id    {identity.id}"]
    if identity.key:
        lines.append(f"natural key  {', '.join(identity.key)}")
    if identity.name:
        lines.append(f"name         {identity.name} is metadata.name where it is left out")
    if identity.singleton:
        lines.append("singleton    exists as soon as its parent does")
    if kind.unreadable:
        lines.append(f"unreadable   {kind.unreadable}")
    return lines


def _fields(kind: Kind, style: Style) -> list[str]:
    required = set(kind.definition.schema_.get("required", []))
    rows = []
    for path, info in walk(kind.fields):
        marks = list(_marks(path, info, required))
        rows.append((_dotted(path), _type(info), ", ".join(marks), _first_sentence(info.description)))
    name_width = min(max((len(row[0]) for row in rows), default=0), 44)
    type_width = min(max((len(row[1]) for row in rows), default=0), 34)
    lines = []
    for name, kind_of, marks_text, description in rows:
        text = f"{name.ljust(name_width)}  {kind_of.ljust(type_width)}"
        if marks_text:
            text += f"  [{marks_text}]"
        lines.append(text.rstrip())
        if description:
            lines.append(style.paint("    " + description, "dim"))
    return lines


def _dotted(path: Path) -> str:
    return "".join("[]" if step == "*" else (f".{step}" if index else str(step)) for index, step in enumerate(path))


def _type(info: FieldInfo) -> str:
    enum = info.schema.get("enum")
    if isinstance(enum, list):
        return "|".join(str(value) for value in enum)
    text = "|".join(sorted(info.types)) or "any"
    low, high = info.schema.get("minimum"), info.schema.get("maximum")
    if low is not None or high is not None:
        text += f" {low if low is not None else '…'}–{high if high is not None else '…'}"
    return f"{text} {info.unit}".rstrip()


def _marks(path: Path, info: FieldInfo, required: set[str]) -> Iterator[str]:
    if len(path) == 1 and path[0] in required:
        yield "required"
    flags = {
        "computed by the server": info.read_only,
        "write-only": info.write_only,
        "secret": info.sensitive,
        "immutable": info.immutable,
        "set only on create": info.create_only,
        "set only after create": info.update_only,
        "set": info.is_set,
        "masked on read": info.mask is not None,
    }
    yield from (name for name, holds in flags.items() if holds)
    if info.reference:
        yield f"id of {info.reference}"
    if info.default is not MISSING:
        yield f"default {info.default!r}"
    if info.evidence:
        yield info.evidence


def _calls(kind: Kind) -> list[str]:
    read, write = kind.definition.read, kind.definition.write
    lines = [f"list    {_call(call)}{' (ids only)' if call.items_are == 'ids' else ''}" for call in read.lists]
    if read.find is not None:
        lines.append(f"find    {_call(read.find)}")
    if read.get is not None:
        lines.append(f"get     {_call(read.get)}")
    if write.create is not None:
        lines.append(f"create  {_call(write.create)}  ({send_mode(write.create, creating=True)} fields)")
    lines += [f"update  {_call(call)}  ({send_mode(call, creating=False)} fields)" for call in write.update]
    if write.delete is not None and write.delete.call is not None:
        lines.append(f"delete  {_call(write.delete.call)}")
    if write.create is None:
        lines.append("        cannot be created through the API: it is adopted")
    return lines


def _call(call: Call) -> str:
    return f"{call.method} {call.path}"


def _guard(kind: Kind) -> str:
    guard = kind.definition.guard
    words = ["each object is read again and compared right before it is written"]
    if guard.if_match:
        words.append("its ETag is sent as If-Match")
    if guard.version is not None:
        words.append(f"its version {guard.version} is sent back")
    settle = kind.definition.read.settle_seconds
    if settle:
        words.append(f"reads may lag writes by {settle:g} s")
    return "; ".join(words)


def _rules(kind: Kind) -> list[str]:
    lines = [f"{r.field}: {r.message}" for r in kind.definition.requires]
    for group in kind.definition.together:
        when = f" when {group.part + ' of ' if group.part else ''}{group.when} changes" if group.when else ""
        lines.append(
            f"travel together{when}: {', '.join(group.fields)}" + (f" ({group.reason})" if group.reason else "")
        )
    delete = kind.definition.write.delete
    if delete is not None and delete.warning:
        lines.append(f"delete: {delete.warning}")
    return lines


def kind_document(kind: Kind) -> JsonObject:
    """Return a kind as JSON: its identity, fields and calls."""
    definition = kind.definition
    fields: list[Json] = [
        {
            "path": _dotted(path),
            "type": _type(info),
            "unit": info.unit or None,
            "description": info.description,
            "readOnly": info.read_only,
            "writeOnly": info.write_only,
            "sensitive": info.sensitive,
            "immutable": info.immutable,
            "evidence": info.evidence or "stated",
        }
        for path, info in walk(kind.fields)
    ]
    return {
        "name": kind.full_name,
        "apiVersion": definition.api_version,
        "description": " ".join(definition.description.split()),
        "path": kind.source.path,
        "naturalKey": list(kind.key),
        "unreadable": kind.unreadable or None,
        "fields": fields,
        "calls": _calls(kind),
        "guard": _guard(kind),
        "schema": definition.schema_,
    }
