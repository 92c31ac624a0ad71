"""What stands around the spec of a manifest: its members, its metadata, its lifecycle; what is wrong there. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from reconciler.core.model import Document, Lifecycle, Source
from reconciler.core.pointer import MISSING, Path, get, parse_pointer
from reconciler.core.suggest import did_you_mean

SHOW_KINDS = "`reconciler kinds list` shows every kind with its apiVersion"
REQUIRED = {
    "apiVersion": SHOW_KINDS,
    "kind": SHOW_KINDS,
    "metadata": "add `metadata` with a `name` below it",
    "spec": "add `spec` with the fields that are to be managed",
}
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_TOP = ("apiVersion", "kind", "metadata", "lifecycle", "spec")
_METADATA = ("name", "labels")
_NOTHING_SPECIAL = Lifecycle()


class ReportProblem(Protocol):
    """Takes one mistake: where, its code, what is wrong, what to do."""

    def __call__(self, source: Source, code: str, message: str, hint: str = "") -> None: ...


def check_members(document: Document, report: ReportProblem) -> None:
    """Report what a manifest has beside its members, and those that it needs and has not."""
    if document.data.keys() >= REQUIRED.keys() and len(document.data) == len(REQUIRED):
        return
    _check_names(document, (), _TOP, f"a manifest has {', '.join(_TOP)}", report)
    for key, hint in REQUIRED.items():
        if key not in document.data:
            report(document.source, "missing-field", f"the field {key!r} is required", hint)


def _check_names(document: Document, path: Path, known: Sequence[str], otherwise: str, report: ReportProblem) -> None:
    """Report the members at `path` that are not `known`; `otherwise` is the hint where none is near."""
    for key in get(document.data, path):
        if key not in known:
            report(
                document.locate((*path, key), key=True),
                "unknown-field",
                f"unknown field {key!r}" + "".join(f" of {step}" for step in path),
                did_you_mean(key, known) or otherwise,
            )


def read_metadata(document: Document, report: ReportProblem) -> tuple[str | None, Mapping[str, str]]:
    """Return the name and the labels of a manifest as far as they are right, and report what is not."""
    metadata = document.data.get("metadata", MISSING)
    if metadata is MISSING:
        return None, {}
    if not isinstance(metadata, dict):
        where = document.locate(("metadata",))
        report(where, "invalid-value", "metadata is a mapping with a name", REQUIRED["metadata"])
        return None, {}
    if "namespace" in metadata:
        where = document.locate(("metadata", "namespace"), key=True)
        hint = "there are no namespaces: where its kind has a parent, a field of spec names it"
        report(where, "unknown-field", "unknown field 'namespace' of metadata", hint)
    _check_names(document, ("metadata",), (*_METADATA, "namespace"), "metadata has name and labels", report)
    name = metadata.get("name")
    if "name" not in metadata:
        where = document.locate(("metadata",))
        hint = "give it a name that no other resource of its kind has"
        report(where, "missing-field", "the field 'name' is required in metadata", hint)
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        report(
            document.locate(("metadata", "name")),
            "invalid-value",
            "metadata.name is text of letters, digits, '.', '_' and '-', with a letter or digit at both ends",
            _how_to_name(name),
        )
        name = None
    labels = metadata.get("labels")
    good: dict[str, str] = {}
    if labels is not None and not isinstance(labels, dict):
        where = document.locate(("metadata", "labels"))
        report(where, "invalid-value", "labels map names to texts", "write them as in `labels: {team: support}`")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if not isinstance(value, str):
            report(
                document.locate(("metadata", "labels", key)),
                "invalid-value",
                f"the label {key!r} must be text",
                "put it in quotes",
            )
        else:
            good[key] = value
    return name, good


def _how_to_name(name: object) -> str:
    """Return what to write in place of what is no name."""
    if not isinstance(name, str):
        return "a name that looks like a number needs quotes" if isinstance(name, (int, float)) else "write a text"
    if "${" in name:
        return "a name is fixed: expressions stand in spec only"
    fit = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:253].strip("._-")
    return f"write {fit!r}, say; a field of spec may hold any text" if fit else "write a text such as 'main'"


def read_lifecycle(document: Document, report: ReportProblem) -> Lifecycle:
    """Return the lifecycle of a manifest as far as it is right, and report what is not."""
    block = document.data.get("lifecycle")
    if block is None:
        return _NOTHING_SPECIAL
    known = ("protect", "ignore", "lookup", "replace", "adopt")
    if not isinstance(block, dict):
        report(document.locate(("lifecycle",)), "invalid-value", "lifecycle is a mapping", f"it has {', '.join(known)}")
        return _NOTHING_SPECIAL
    _check_names(document, ("lifecycle",), known, f"known: {', '.join(known)}", report)
    flags = {}
    for key in ("protect", "lookup", "replace"):
        flags[key] = block.get(key, False)
        if not isinstance(flags[key], bool):
            where = document.locate(("lifecycle", key))
            computed = isinstance(flags[key], str) and "${" in flags[key]
            hint = "expressions stand in spec only: write the value itself" if computed else "write it without quotes"
            report(where, "invalid-value", f"lifecycle.{key} is true or false", hint)
    adopt, adopt_id = _read_adopt(document, block.get("adopt", True), report)
    ignore: list[Path] = []
    pointers = block.get("ignore", [])
    if not isinstance(pointers, list):
        report(
            document.locate(("lifecycle", "ignore")),
            "invalid-value",
            "lifecycle.ignore is a list of pointers",
            "write it as in `ignore: [/timeout]`",
        )
        pointers = []
    for index, pointer in enumerate(pointers):
        if not isinstance(pointer, str) or not pointer.startswith("/"):
            report(
                document.locate(("lifecycle", "ignore", index)),
                "invalid-value",
                "a pointer into spec starts with '/', as in /timeout",
                "name a field that spec states",
            )
        else:
            ignore.append(parse_pointer(pointer))
    set_flags = {key: value is True for key, value in flags.items()}
    return Lifecycle(**set_flags, ignore=tuple(ignore), adopt=adopt, adopt_id=adopt_id)


def _read_adopt(document: Document, value: object, report: ReportProblem) -> tuple[bool, str]:
    """Return whether an object that is there may be adopted, and which one; empty: the one of the natural key."""
    if isinstance(value, bool):
        return value, ""
    remote_id = value.get("id") if isinstance(value, dict) and len(value) == 1 else None
    if isinstance(remote_id, (str, int)) and not isinstance(remote_id, bool) and remote_id != "":
        return True, str(remote_id)
    report(
        document.locate(("lifecycle", "adopt")),
        "invalid-value",
        "lifecycle.adopt is true, false or the id of the object that is meant",
        "write it as in `adopt: {id: 42}`",
    )
    return True, ""
