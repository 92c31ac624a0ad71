"""`kinds verify`: the claims of a kind put to the test on a scratch object that a person names."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from reconciler.console import Console
from reconciler.core.address import Address
from reconciler.core.conformance.variation import Trial
from reconciler.core.errors import ExitCode, UsageError
from reconciler.core.kinds.catalog import Kind
from reconciler.core.model import Json, Source
from reconciler.core.pointer import Path as Place
from reconciler.render.conformance import conformance_document, render_conformance
from reconciler.shell.files.disk import display_path
from reconciler.workflow.commands import Connections, Loaded, Options, load
from reconciler.workflow.verification import verify


def run_verify(options: argparse.Namespace, console: Console, environ: Mapping[str, str]) -> ExitCode:
    """Verify a kind and return the exit code: 0 when every claim held, 1 otherwise. Raises ReconcilerError."""
    scratch = Path(options.scratch)
    if not scratch.is_file():
        raise UsageError(f"there is no file {scratch}", hint="--scratch FILE names a manifest of the scratch object")
    given = Options(
        config=Path(options.config),
        target=options.target,
        scratch=scratch,
        stage="apply",
        environ=environ,
        redactor=console.redactor,
    )
    loaded = load(given)
    address = _address(loaded, scratch, options.kind)
    kind = loaded.catalog.kinds[address.system, address.kind]
    trial = Trial(address=address, given=_changes(options.changes, kind))
    with Connections(loaded.settings, given) as connections:
        found = verify(loaded, connections, given, trial, options.patience)

    def locate(place: Place) -> Source:
        return _locate(loaded, kind, place)

    name = f"{kind.full_name} on {loaded.settings.target}"
    if options.format == "json":
        console.document(conformance_document(name, found, locate))
    else:
        console.result(render_conformance(name, found, locate, console.style))
    return ExitCode.DONE if found.holds else ExitCode.FAILED


def _address(loaded: Loaded, scratch: Path, wanted: str) -> Address:
    """Return the address of the one manifest in `scratch`, which has to be of the kind `wanted`."""
    shown = display_path(scratch.absolute())
    found = [a for a, resource in loaded.resources.items() if resource.source.path == shown]
    if len(found) != 1:
        raise UsageError(f"{scratch} holds {len(found)} manifests", hint="it has to hold one: the scratch object")
    (address,) = found
    if wanted not in (address.kind, f"{address.system}.{address.kind}"):
        raise UsageError(f"{scratch} is a manifest of {address.system}.{address.kind}, not of {wanted}")
    return address


def _changes(texts: list[str], kind: Kind) -> dict[str, Json]:
    """Return the fields and values of texts such as `interval=90`; text is what is no JSON, or for a field of texts."""
    found: dict[str, Json] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(f"--change {text} cannot be read", hint="write --change FIELD=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
        if kind.fields.child(name).schema.get("type") == "string" and not isinstance(found[name], str):
            found[name] = value
    return found


def _locate(loaded: Loaded, kind: Kind, place: Place) -> Source:
    for document in loaded.catalog.documents:
        if document.source == kind.source:
            return document.locate(place)
    return kind.source
