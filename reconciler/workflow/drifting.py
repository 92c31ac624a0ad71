"""Drift as functions: what moved live, and the manifests that accept it.

Reads and writes: manifest files, through `shell`; the live systems only through `workflow`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from reconciler.core.address import Address
from reconciler.core.drift.accepting import Accepted, accept, escaped
from reconciler.core.drift.edits import Edit, field_of
from reconciler.core.drift.filtering import VANISHED, drift_of
from reconciler.core.errors import UsageError
from reconciler.core.manifests.references import Known
from reconciler.core.model import Action, Cause, Change, Diagnostic, Json, Plan, Resource, Severity, Source
from reconciler.core.plan.considered import consider
from reconciler.core.pointer import Path as Place
from reconciler.core.pointer import format_pointer
from reconciler.core.records import dataclass
from reconciler.shell.files.disk import LARGEST_DOCUMENT_FILE, read_documents, write_together
from reconciler.shell.files.reading import TooLargeError, read_bounded, reason_for
from reconciler.shell.files.rewriting import Wanted, rewrite
from reconciler.workflow.commands import Loaded, Planned

_BOTH = "it moved live and in the manifest: say which of the two holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewText:
    """A manifest file before and after; None: nothing is left in it, so it goes away."""

    before: str = field(repr=False)
    after: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The manifests that accept a drift, by the path that people are shown, and what to say about it."""

    texts: Mapping[str, NewText]
    remarks: tuple[Diagnostic, ...] = ()


def find_drift(planned: Planned, loaded: Loaded) -> Plan:
    """Return the part of the plan that is about what moved live. It is shown, never applied."""
    return drift_of(planned.plan, planned.inputs.memory, has_ledger=loaded.settings.ledger is not None)


def accept_drift(
    drift: Plan,
    planned: Planned,
    loaded: Loaded,
    *,
    remove_deleted: bool,
    holds_secret: Callable[[str], bool],
    dry_run: bool = False,
) -> Acceptance:
    """Return the manifests that state what lives. Writes nothing; `dry_run` tells that nobody else will.

    Raises UsageError when a file cannot be read again, or when documents cannot be removed for want of a ledger.
    """
    if remove_deleted and loaded.settings.ledger is None:
        raise UsageError(
            "--remove-deleted needs a ledger: without one, nobody knows whether an object was ever there",
            hint="give the target a `ledger` in reconciler.yaml",
        )
    work = _Work(
        drift=drift, planned=planned, remove_deleted=remove_deleted, holds_secret=holds_secret, dry_run=dry_run
    )
    for change in drift.pending:
        work.take(change)
    return work.result()


def write_manifests(acceptance: Acceptance) -> None:
    """Write all files of an acceptance, or none. Raises UsageError when one of them cannot be written."""
    write_together({Path(name): new.after for name, new in acceptance.texts.items()})


@dataclass(slots=True, kw_only=True)
class _Work:
    drift: Plan
    planned: Planned
    remove_deleted: bool
    holds_secret: Callable[[str], bool]
    dry_run: bool
    wanted: dict[str, dict[Source, tuple[Address, Wanted]]] = field(default_factory=dict)
    remarks: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    written: dict[Source, Json] = field(default_factory=dict)  # documents as they are written

    def take(self, change: Change) -> None:
        """Find out what one manifest has to say."""
        resource = change.resource
        assert resource is not None, "without pruning, all changes are about manifests"
        document = self._document(resource)
        if change.action is Action.CREATE:
            self._vanished(resource)
            return
        assert change.live is not None
        for one in change.fields:
            if one.cause is Cause.BOTH:
                self._leave(resource, one.path, _BOTH)
        inputs = self.planned.inputs
        considered = consider(change.address, inputs, Known(resources=inputs.resources, live=inputs.live))
        moved = [one for one in change.fields if one.cause is not Cause.BOTH]
        accepted = accept(considered, change.live, document.get("spec") or {}, moved, self.holds_secret)
        for left in accepted.left:
            self._leave(resource, left.place, left.reason)
        self._want(resource, Wanted(source=resource.source, edits=_in_document(accepted)))

    def _vanished(self, resource: Resource) -> None:
        others = sorted(
            str(one.address)
            for one in self.planned.inputs.resources.values()
            if resource.address in one.depends_on and not self._is_removed(one.address)
        )
        if self._is_removed(resource.address) and not others:
            self._want(resource, Wanted(source=resource.source, removes=True))
        elif self.remove_deleted:
            self._say(
                resource, (), f"{VANISHED}, and others refer to it: {', '.join(others)}", "decide about them first"
            )
        else:
            hint = "remove the document (`--remove-deleted` does), or apply to make the object again"
            self._say(resource, (), VANISHED, hint)

    def _is_removed(self, address: Address) -> bool:
        gone = {one.address for one in self.drift.pending if one.action is Action.CREATE}
        return self.remove_deleted and address in gone

    def _want(self, resource: Resource, wanted: Wanted) -> None:
        if wanted.edits or wanted.removes:
            self.wanted.setdefault(resource.source.path, {})[resource.source] = (resource.address, wanted)

    def result(self) -> Acceptance:
        texts: dict[str, NewText] = {}
        for name, of_file in sorted(self.wanted.items()):
            before = self.texts[name]
            strict_json = Path(name).suffix.lower() == ".json"
            made = rewrite(before, name, [wanted for _, wanted in of_file.values()], strict_json=strict_json)
            if made.text != before:
                texts[name] = NewText(before=before, after=made.text)
            for source, (address, wanted) in of_file.items():
                resource = self.planned.inputs.resources[address]
                refused = [one for one in made.refused if one.source == source]
                for one in refused:
                    self._leave(resource, one.place[1:], one.reason)
                fields = dict.fromkeys(field_of(edit) for edit in wanted.edits)
                done = [place for place in fields if not any(one.place == place for one in refused)]
                removed = wanted.removes and not refused
                self.remarks += _done(resource, done, removed=removed, dry_run=self.dry_run)
        order = sorted(self.remarks, key=lambda one: (one.source or Source(""), one.message))
        return Acceptance(texts=texts, remarks=tuple(order))

    def _leave(self, resource: Resource, place: Place, reason: str) -> None:
        self._say(resource, place, reason, "left to you: the file was not changed here")

    def _say(self, resource: Resource, place: Place, reason: str, hint: str) -> None:
        where = f" {format_pointer(place)}" if place else ""
        self.remarks.append(
            Diagnostic(
                severity=Severity.WARNING,
                code="left-to-you",
                message=f"{resource.address}{where}: {reason}",
                source=resource.locate(("spec", *place)) if place else resource.source,
                hint=hint,
                address=resource.address,
            )
        )

    def _document(self, resource: Resource) -> dict[str, Json]:
        """Return a document as it is written now. Raises UsageError when it is no longer there."""
        name = resource.source.path
        if name not in self.texts:
            self.texts[name] = _text_of(name)
            documents, _ = read_documents(Path(name), name)
            self.written |= {document.source: document.data for document in documents}
        found = self.written.get(resource.source)
        if not isinstance(found, dict) or (found.get("metadata") or {}).get("name") != resource.address.name:
            raise UsageError(f"{name} changed while the plan was made", hint="run the command again")
        return found


def _in_document(accepted: Accepted) -> tuple[Edit, ...]:
    return tuple(
        replace(edit, place=("spec", *edit.place), value=edit.value if edit.removes else escaped(edit.value))
        for edit in accepted.edits
    )


def _text_of(name: str) -> str:
    try:
        return read_bounded(Path(name), LARGEST_DOCUMENT_FILE).decode("utf-8")
    except (OSError, TooLargeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read again: it {reason_for(error)}", hint="run the command again") from None


def _done(resource: Resource, places: Sequence[Place], *, removed: bool, dry_run: bool) -> Iterator[Diagnostic]:
    if not (places or removed):
        return
    fields = ", ".join(format_pointer(place[1:]) for place in places)
    what = "the document goes away" if removed else f"as it lives now: {fields}"
    if dry_run:
        what = "the document would go away" if removed else f"would be stated as it lives now: {fields}"
    yield Diagnostic(
        severity=Severity.NOTE,
        code="would-accept" if dry_run else "accepted",
        message=f"{resource.address}: {what}",
        source=resource.source,
        address=resource.address,
    )
