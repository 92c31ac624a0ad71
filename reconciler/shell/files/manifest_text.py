"""Manifests as the text of a file, as a person would write them: block style, long texts as blocks, comments. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.core.export.drafting import Draft
from reconciler.core.export.stating import Commented
from reconciler.core.pointer import format_pointer
from reconciler.shell.files.value_text import block_lines, flow_text, literal_text

_INDENT = "  "


def file_text(drafts: Iterable[Draft], schema: str = "") -> str:
    """Return the text of one file. `schema` is the place of the JSON Schema for editors, seen from the file."""
    documents = ["\n".join(_document(draft)) + "\n" for draft in drafts]
    first = f"# yaml-language-server: $schema={schema}\n" if schema else ""
    return first + "---\n".join(documents)


def _document(draft: Draft) -> list[str]:
    definition = draft.kind.definition
    head: dict[str, Any] = {
        "apiVersion": definition.api_version,
        "kind": definition.kind,
        "metadata": {"name": draft.address.name},
    }
    if draft.lookup:
        head["lifecycle"] = {"lookup": True}
    lines = block_lines(head)
    spec = _lines(draft.stated.spec)
    has_members = any(not line.startswith("#") for line in spec)
    lines.append("spec:" if has_members else "spec: {}")
    lines += [_INDENT + line if line else line for line in spec]
    if draft.stated.omitted:
        lines.append("# Not exported, and so left as it is:")
        lines += [f"# {format_pointer(one.place)}: {' '.join(one.reason.split())}" for one in draft.stated.omitted]
    return lines


def _lines(value: Any) -> list[str]:
    """Return a mapping or list as lines, its `Commented` members as comments."""
    if isinstance(value, dict):
        return [line for name, item in value.items() for line in _member(name, item)]
    found = []
    for item in value:
        nested = item and isinstance(item, (dict, list)) and not _is_comment(item)
        first, *rest = _lines(item) if nested else [_scalar(item)]
        found += ["- " + first, *(_INDENT + line for line in rest)]
    return found


def _member(name: str, item: Any) -> list[str]:
    (key,) = (line.removesuffix(" 0") for line in block_lines({name: 0}))  # quoted where that is needed
    if isinstance(item, Commented):
        return [f"# {key} {item.text}  # {item.reason}"]
    if item and isinstance(item, (dict, list)):
        nested = [_INDENT + line if line else line for line in _lines(item)]
        return (
            [f"# {key}", *(f"# {line.replace('# ', '', 1)}" for line in nested)]
            if _is_comment(item)
            else [key, *nested]
        )
    return (f"{key} {_scalar(item)}").split("\n")


def _is_comment(value: Any) -> bool:
    """Tell a mapping in which every member is a comment."""
    if isinstance(value, dict):
        return bool(value) and all(isinstance(item, Commented) or _is_comment(item) for item in value.values())
    return False


def _scalar(value: Any) -> str:
    block = literal_text(value, _INDENT, "\n") if isinstance(value, str) and "\n" in value else None
    quote = "'" if isinstance(value, str) and '"' in value and "'" not in value else None
    return flow_text(value, style=quote) if block is None else block
