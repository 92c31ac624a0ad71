"""One kind explained on a page: identity, fields, calls, what protects writes, and how sure all of that is. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from reconciler.core.kinds.catalog import Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json
from reconciler.core.pointer import MISSING
from reconciler.core.records import dataclass
from reconciler.render.kind_calls import calls_of, guard_of
from reconciler.render.style import PLAIN, Style

LEAST_WIDTH, MOST_WIDTH = 80, 120
_BETWEEN = " · "  # facts about a field
_NAME_WIDTH = 30  # columns; a longer name gets a line of its own


def render_kind(kind: Kind, style: Style = PLAIN, width: int = 100) -> str:
    """Return everything that the definition says about a kind, in lines of at most `width` columns where they break."""
    definition = kind.definition
    page = _Page(style=style, width=min(max(width, LEAST_WIDTH), MOST_WIDTH))
    settable = {name: info for name, info in kind.fields.properties.items() if not info.read_only}
    computed = {name: info for name, info in kind.fields.properties.items() if info.read_only}
    required = frozenset(definition.schema_.get("required", []))
    create = definition.write.create
    to_create = frozenset() if create is None else frozenset(create.required)
    blocks = [
        style.paint(kind.full_name, "bold") + f"   {definition.api_version}   {kind.source.path}",
        page.paragraph(definition.description),
        page.section("Identity", page.table(list(_identity(kind)))),
        page.section("Fields", page.fields(settable, required, to_create), note="* required"),
        page.section("Computed by the server", page.fields(computed), note="can be referred to"),
        page.section("Calls", page.table([(call.name, call.request, call.says) for call in calls_of(kind)])),
        page.section("Writes are protected by", page.bullets(guard_of(kind))),
        page.section("Rules", page.bullets(_rules(kind))),
        page.section("Evidence", page.evidence(kind)),
        page.section("Documentation", page.bullets(definition.documentation)),
    ]
    return "\n\n".join(block for block in blocks if block)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Lays out text in columns of a page."""

    style: Style
    width: int

    def wrap(self, text: str, indent: int, *, first: int | None = None) -> list[str]:
        """Return `text` in lines that are indented; the first one by `first`, where that differs."""
        return textwrap.wrap(
            " ".join(text.split()),
            self.width,
            initial_indent=" " * (indent if first is None else first),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def paragraph(self, text: str) -> str:
        return "\n".join(self.wrap(text, 0))

    def section(self, title: str, lines: Sequence[str], note: str = "") -> str:
        """Return a block with its title, or nothing when it is empty."""
        if not lines:
            return ""
        head = self.style.paint(title, "bold") + (self.style.paint(f"   {note}", "dim") if note else "")
        return "\n".join([head, *lines])

    def bullets(self, texts: Sequence[str]) -> list[str]:
        return [line for text in texts for line in self.wrap(text, 4, first=2)]

    def table(self, rows: Sequence[tuple[str, ...]]) -> list[str]:
        """Return rows of a name, a value, and perhaps a remark that goes below where it does not fit beside."""
        names = max((len(row[0]) for row in rows), default=0) + 4
        values = max((len(row[1]) for row in rows if len(row[1]) <= self.width // 2), default=0) + 2
        lines = []
        for name, value, *remarks in rows:
            lead = "  " + name.ljust(names - 2)
            remark = remarks[0] if remarks else ""
            if not remarks:
                wrapped = self.wrap(value, names)
                lines += [lead + wrapped[0].lstrip(), *wrapped[1:]]
            elif remark and len(value) < values and names + values + len(remark) <= self.width:
                lines.append(lead + value.ljust(values) + self.style.paint(remark, "dim"))
            else:
                below = self.wrap(remark, names + 2)
                lines += [lead + value, *(self.style.paint(line, "dim") for line in below)]
        return lines

    def fields(
        self,
        fields: dict[str, FieldInfo],
        required: frozenset[str] = frozenset(),
        to_create: frozenset[str] = frozenset(),
    ) -> list[str]:
        """Return a tree of fields: name, type and marks beside it, the description below."""
        rows: list[tuple[str, str, str]] = []
        for name, info in fields.items():
            (shown, facts, description), *inner = _rows(name, info, 0, required=name in required)
            if name in to_create and name not in required:
                facts += f"{_BETWEEN}needed to create"
            rows += [(shown, facts, description), *inner]
        column = 2 + min(max((len(name) for name, _, _ in rows), default=0), _NAME_WIDTH) + 2
        lines = []
        for name, facts, description in rows:
            wrapped = self.wrap(facts, column)
            lead = "  " + name
            if len(lead) + 1 < column and wrapped:
                lines += [lead.ljust(column) + wrapped[0].lstrip(), *wrapped[1:]]
            else:
                lines += [lead, *wrapped]
            lines += [self.style.paint(line, "dim") for line in self.wrap(description, column)]
        return lines

    def evidence(self, kind: Kind) -> list[str]:
        lines = []
        for sort, sentences in kind.definition.evidence.items():
            lines.append("  " + self.style.paint(sort, "bold"))
            lines += [line for text in sentences for line in self.wrap("- " + text, 6, first=4)]
        by_sort: dict[str, list[str]] = {}
        for name, info in kind.fields.properties.items():
            if info.evidence not in ("", "stated"):
                by_sort.setdefault(info.evidence, []).append(name)
        for words, names in by_sort.items():
            lines += self.wrap(f"fields that are {words}: {', '.join(names)}", 4, first=2)
        return lines


# --------------------------------------------------------------------------- identity and rules


def _identity(kind: Kind) -> Iterator[tuple[str, str]]:
    identity = kind.definition.identity
    yield "remote id", identity.id if not identity.id.startswith("/") else f"{identity.id} of the live object"
    if identity.key:
        yield "natural key", ", ".join(identity.key)
    if identity.name:
        yield "name", f"{identity.name} is metadata.name where a manifest leaves it out"
    if identity.singleton:
        yield "singleton", "exists as soon as its parent does"
    if kind.scope:
        yield "listed per", ", ".join(kind.scope)
    if kind.unreadable:
        yield "unreadable", kind.unreadable
    shown = [f"{name}: {value}" for name, value in kind.parameters.items() if isinstance(value, (str, int, bool))]
    if shown:
        yield "shown for", f"{', '.join(shown)} (--set {kind.definition.system}.NAME=VALUE shows another)"


def _rules(kind: Kind) -> list[str]:
    definition = kind.definition
    lines = [f"{rule.field}: {rule.message}" for rule in definition.requires]
    for group in definition.together:
        when = f" when {group.part + ' of ' if group.part else ''}{group.when} changes" if group.when else ""
        why = f": {group.reason}" if group.reason else ""
        whole = "; what cannot be read has to be stated" if group.complete else ""
        lines.append(f"{', '.join(group.fields)} travel together{when}{why}{whole}")
    for call in definition.write.update:
        lines += [f"an update is refused: {rule.message}" for rule in call.refuse]
    if definition.write.delete is not None and definition.write.delete.warning:
        lines.append(f"delete: {' '.join(definition.write.delete.warning.split())}")
    return lines


# --------------------------------------------------------------------------- fields


def _rows(name: str, info: FieldInfo, depth: int, *, required: bool) -> Iterator[tuple[str, str, str]]:
    """Yield name, facts and description of a field and of what it contains."""
    shown = "  " * depth + name + (" *" if required else "")
    yield shown, _BETWEEN.join([type_words(info), *marks(info)]), info.description
    inner = info.items if info.items is not None and not _is_plain(info.items) else info
    needed = _required_of(inner)
    for key, child in inner.properties.items():
        yield from _rows(key, child, depth + 1, required=key in needed)
    if inner.values is not None and not _is_plain(inner.values):
        yield from _rows("(any other)" if inner.properties else "(any)", inner.values, depth + 1, required=False)
    elif info.items is not None and inner is info.items and not inner.properties and inner.values is None:
        yield from _rows("(each)", inner, depth + 1, required=False)


def _required_of(info: FieldInfo) -> frozenset[str]:
    return frozenset(info.schema.get("required", []))


def _is_plain(info: FieldInfo) -> bool:
    """Tell whether the type says all about an item or value of a map."""
    return not (info.properties or info.values or info.items or info.description or list(marks(info)))


def type_words(info: FieldInfo) -> str:
    """Return what a field holds: its type with range and unit, or its values."""
    words = _values_of(info) or _type_of(info)
    low, high = info.schema.get("minimum"), info.schema.get("maximum")
    if low is not None and high is not None:
        words += f" {low}–{high}"
    elif low is not None or high is not None:
        words += f" from {low}" if low is not None else f" up to {high}"
    if info.unit:
        words += f" ({info.unit})"
    return words + (" or null" if "null" in info.types else "")


def _values_of(info: FieldInfo) -> str:
    enum = info.schema.get("enum")
    if isinstance(enum, list):
        return " | ".join(_shown(value) for value in enum if value is not None)
    return _shown(info.schema["const"]) if "const" in info.schema else ""


def _type_of(info: FieldInfo) -> str:
    names = []
    for name in sorted(info.types - {"null"}):
        if name == "array" and info.items is not None:
            plain = type_words(info.items) if _is_plain(info.items) or not info.items.properties else "objects"
            names.append(f"{'set' if info.is_set else 'list'} of {plain}")
        elif name == "object" and not info.properties and info.values is not None and _is_plain(info.values):
            names.append(f"map of {type_words(info.values)}")
        else:
            names.append({"object": "map" if not info.properties else "object", "array": "list"}.get(name, name))
    return " or ".join(names) or "any"


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return '""' if value == "" else str(value)


def _telltales(info: FieldInfo) -> str:
    return " and ".join(f"{one.name} is {' or '.join(map(_shown, one.values))}" for one in info.sensitive_when)


def marks(info: FieldInfo) -> Iterator[str]:
    """Yield what is special about a field, in words."""
    if info.reference:
        yield f"id of {info.reference}"
    flags = {
        "computed": info.read_only,
        "secret": info.sensitive,
        "write-only": info.write_only,
        f"secret and write-only while {_telltales(info)}": bool(info.sensitive_when),
        "masked on read": info.mask is not None,
        "immutable": info.immutable and not info.read_only,
        "sent on create only": info.create_only,
        "set after create": info.update_only,
        "replaced as a whole": info.ownership == "whole",
        "other keys are left alone": info.ownership == "keys",
    }
    yield from (words for words, holds in flags.items() if holds)
    for shown, meant in info.means.items():
        yield f"{shown} means {_shown(meant)}"
    if info.key:
        yield f"items told apart by {', '.join(info.key)}"
    if info.default is not MISSING:
        values = info.default if isinstance(info.default, list) else [info.default]
        yield f"default {' '.join(_shown(value) for value in values) or 'none'}"
    if info.evidence not in ("", "stated"):
        yield info.evidence
