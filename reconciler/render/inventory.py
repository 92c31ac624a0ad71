"""An inventory as text, JSON and Markdown, and as diagnostics for all other formats. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.export.inventory import Entry, Inventory, KindInventory, Standing
from reconciler.core.model import Diagnostic, JsonObject, Severity
from reconciler.render.escapes import markdown_code, markdown_text, printable
from reconciler.render.style import PLAIN, Style

_COLUMNS = (
    Standing.MANAGED,
    Standing.UNMANAGED,
    Standing.LOOKUP,
    Standing.READ_ONLY,
    Standing.BUILT_IN,
    Standing.COMPUTED,
    Standing.UNSET,
    Standing.LEFT_ALONE,
    Standing.GONE,
)
_PAINT = {Standing.MANAGED: "green", Standing.UNMANAGED: "yellow", Standing.GONE: "red"}


def summarize_inventory(inventory: Inventory) -> str:
    """Return the line that says what came of it."""
    counts = [f"{inventory.count(one)} {one.value}" for one in _COLUMNS if inventory.count(one)]
    total = sum(len(kind.entries) for kind in inventory.kinds) - inventory.count(Standing.GONE)
    objects = f"{total} live {'object' if total == 1 else 'objects'}"
    unseen = sum(bool(kind.unseen) for kind in inventory.kinds)
    tail = f"; {unseen} {'kind was' if unseen == 1 else 'kinds were'} not looked at" if unseen else ""
    return f"{inventory.target}: {objects}{': ' if counts else ''}{', '.join(counts)}{tail}"


def render_inventory(inventory: Inventory, style: Style = PLAIN, *, objects: bool = False) -> str:
    """Return a table of counts by kind, and with `objects` each object."""
    shown = [one for one in _COLUMNS if inventory.count(one)]
    rows = [("kind", *(one.value for one in shown))]
    kinds = [kind for kind in inventory.kinds if kind.entries]
    rows += [(kind.kind.full_name, *(str(kind.count(one) or "-") for one in shown)) for kind in kinds]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [summarize_inventory(inventory), ""]
    if kinds:
        for number, row in enumerate(rows):
            cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
            line = "  " + "  ".join(cells)
            lines.append(style.paint(line, "dim") if number == 0 else line)
            if objects and number:
                lines += [_object_line(entry, style) for entry in kinds[number - 1].entries]
        lines.append("")
    lines += [f"not looked at: {kind.kind.full_name}: {printable(kind.unseen)}" for kind in _unseen(inventory)]
    lines += [f"may be incomplete: {k.kind.full_name}: {printable(k.doubt)}" for k in inventory.kinds if k.doubt]
    if inventory.count(Standing.UNMANAGED):
        lines.append("`reconciler export --output DIR` writes manifests for what is unmanaged.")
    return "\n".join(lines).rstrip("\n")


def _object_line(entry: Entry, style: Style) -> str:
    name = printable(entry.name if entry.address is None else str(entry.address))
    since = f"  since {entry.since}" if entry.since else ""
    since += f"  {printable(entry.reason)}" if entry.reason else ""
    standing = style.paint(entry.standing.value, _PAINT.get(entry.standing, "dim"))
    return f"      {standing}  {name}  id {printable(entry.id)}{since}"


def _unseen(inventory: Inventory) -> Iterator[KindInventory]:
    return (kind for kind in inventory.kinds if kind.unseen)


def inventory_document(inventory: Inventory) -> JsonObject:
    """Return the inventory for machines."""
    return {
        "format": 1,
        "kind": "inventory",
        "target": inventory.target,
        "headline": summarize_inventory(inventory),
        "requests": inventory.requests_made,
        "counts": {one.value: inventory.count(one) for one in _COLUMNS},
        "kinds": [
            {
                "kind": kind.kind.full_name,
                "counts": {one.value: kind.count(one) for one in _COLUMNS if kind.count(one)},
                "unseen": kind.unseen,
                "doubt": kind.doubt,
                "objects": [_entry_document(entry) for entry in kind.entries],
            }
            for kind in inventory.kinds
        ],
    }


def _entry_document(entry: Entry) -> JsonObject:
    return {
        "id": entry.id,
        "name": entry.name,
        "standing": entry.standing.value,
        "address": None if entry.address is None else str(entry.address),
        "since": entry.since,
        "reason": entry.reason,
    }


def inventory_markdown(inventory: Inventory) -> str:
    """Return the inventory as a table and a folded list of what is unmanaged."""
    shown = [one for one in _COLUMNS if inventory.count(one)]
    lines = [f"### {markdown_text(summarize_inventory(inventory))}", ""]
    lines += ["| Kind | " + " | ".join(one.value for one in shown) + " |", "|---|" + "--:|" * len(shown)]
    for kind in inventory.kinds:
        if kind.entries:
            cells = " | ".join(str(kind.count(one) or "") for one in shown)
            lines.append(f"| {markdown_code(kind.kind.full_name)} | {cells} |")
    for kind in inventory.kinds:
        unmanaged = [entry for entry in kind.entries if entry.standing is Standing.UNMANAGED]
        if unmanaged:
            lines += ["", f"<details><summary>Unmanaged: {kind.kind.full_name} ({len(unmanaged)})</summary>", ""]
            lines += [f"- {markdown_code(entry.name)} (id {markdown_code(entry.id)})" for entry in unmanaged]
            lines += ["", "</details>"]
    lines += [
        "",
        *(f"- not looked at: {markdown_code(k.kind.full_name)}: {markdown_text(k.unseen)}" for k in _unseen(inventory)),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def inventory_diagnostics(inventory: Inventory) -> list[Diagnostic]:
    """Return a warning for each object that nobody manages, and for each kind that was not looked at."""
    found = [
        Diagnostic(
            severity=Severity.WARNING,
            code="unmanaged",
            message=f"{kind.kind.full_name} {entry.name} (id {entry.id}) is live, and no manifest declares it",
            hint="export it, or list it as deliberately unmanaged",
        )
        for kind in inventory.kinds
        for entry in kind.entries
        if entry.standing is Standing.UNMANAGED
    ]
    return found + [
        Diagnostic(severity=Severity.NOTE, code="not-looked-at", message=f"{kind.kind.full_name}: {kind.unseen}")
        for kind in _unseen(inventory)
    ]
