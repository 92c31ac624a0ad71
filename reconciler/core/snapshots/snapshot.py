"""A snapshot: the live objects that manifests are about, without secrets, and a plan's inputs made of it again. Pure.

For those who may see a plan and may not reach the live systems, such as a pull request from a fork. What is secret by
its kind or by where it comes from, what a mask stands for, and what the kind does not describe is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.core.address import Address
from reconciler.core.canonical import canonical_json
from reconciler.core.compare.normalize import is_masked, item_key_of
from reconciler.core.graph import levels
from reconciler.core.kinds.catalog import Catalog, Kind
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.manifests.references import Known, parents_of
from reconciler.core.memory.ledger import FORGOTTEN, Ledger, Record, read_address
from reconciler.core.model import Json, JsonObject, LiveObject, Resource
from reconciler.core.plan.considered import Considered, Inputs, consider
from reconciler.core.pointer import MISSING, Path, parse_pointer
from reconciler.core.records import dataclass
from reconciler.core.saved_plans.planfile import Digest, KindInUse, Tool
from reconciler.core.sealed import SealedFile, SealedPart, seal
from reconciler.core.wire.answers import natural_key
from reconciler.core.withheld import LeftOut

FORMAT = 1
_MARK = "$leftOut"
LEFT_OUT: JsonObject = {_MARK: "secret"}
_MASKED: JsonObject = {_MARK: "masked"}


class KeptObject(SealedPart):
    """One live object. What was left out of `spec` and `body` stands there as `{"$leftOut": "secret"}`."""

    id: str = Field(description="The API's identifier.")
    spec: dict[str, Any] = Field(description="The fields that the kind describes, named as in a manifest.")
    body: dict[str, Any] = Field(description="Plain values as answered, for the paths of requests.")


class KeptRecord(SealedPart):
    """What the ledger remembers of one address: digests, never values, and none of a secret."""

    id: str
    fields: dict[str, str]
    secrets: list[str] = Field(description="Pointers only.")


class Snapshot(SealedPart):
    """The live state of a target at one time."""

    format: Literal[1] = Field(description="Number of this form.")
    kind: Literal["snapshot"]
    target: str
    taken_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")] = Field(description="In UTC.")
    revision: str = Field(description="Git revision of the manifests, for the audit only.")
    tool: Tool
    kinds: dict[str, KindInUse]
    objects: dict[str, KeptObject] = Field(description="By address.")
    absent: list[str] = Field(description="Addresses that were looked for and not found.")
    unreadable: dict[str, str] = Field(description="Addresses whose values cannot be read, and why.")
    ledger: dict[str, KeptRecord] = Field(description="By address.")
    digest: Digest = Field(description="SHA-256 of this document without this member, as canonical JSON.")


# --------------------------------------------------------------------------- made


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a snapshot tells beside the objects."""

    at: str  # RFC 3339, UTC
    revision: str
    tool_version: str
    kinds: JsonObject
    looked_for: frozenset[Address]


def make_snapshot(
    inputs: Inputs, ledger: Ledger, taken: Taken, redact: Callable[[JsonObject], JsonObject]
) -> JsonObject:
    """Return the document of a snapshot of what `inputs` hold. `redact` takes known secrets out before it is sealed."""
    known = Known(resources=inputs.resources, live=inputs.live)
    parts: JsonObject = {
        "format": FORMAT,
        "kind": "snapshot",
        "target": inputs.target,
        "takenAt": taken.at,
        "revision": taken.revision,
        "tool": {"name": "reconciler", "version": taken.tool_version},
        "kinds": taken.kinds,
        "objects": {
            str(address): _object(consider(address, inputs, known), live)
            for address, live in sorted(inputs.live.items())
        },
        "absent": sorted(str(a) for a in taken.looked_for if a not in inputs.live and a not in inputs.unreadable),
        "unreadable": {str(address): reason for address, reason in sorted(inputs.unreadable.items())},
        "ledger": {
            str(address): {"id": record.id, "fields": dict(record.fields), "secrets": sorted(record.secrets)}
            for address, record in sorted(ledger.records.items())
            if address in inputs.resources
        },
    }
    parts = redact(parts)
    return seal(parts)


def _object(considered: Considered, live: LiveObject) -> JsonObject:
    fields = considered.kind.fields
    known = {child.response_name: child for child in fields.properties.values()}
    plain = {n: v for n, v in live.body.items() if n in known and not isinstance(v, (dict, list))}
    body = {name: _kept(known[name], value, (known[name].name,), considered) for name, value in plain.items()}
    return {"id": considered.kind.kept_id(live.id), "spec": _kept(fields, live.spec, (), considered), "body": body}


def _kept(info: FieldInfo, value: Json, path: Path, considered: Considered) -> Json:
    """Return a live value without what is secret, and without what the kind does not describe."""
    if value is None:
        return None
    if is_masked(info, value):
        return _MASKED
    if (path and considered.hides(path)) or info.write_only:
        return LEFT_OUT
    if isinstance(value, dict):
        if _MARK in value:
            return LEFT_OUT
        free = info.values is not None or not info.properties
        return {
            name: _kept(info.child(name), item, (*path, name), considered)
            if free or name in info.properties
            else LEFT_OUT
            for name, item in value.items()
        }
    if isinstance(value, list):
        kept = [_kept(info.child(0), item, (*path, index), considered) for index, item in enumerate(value)]
        keys = [item.get(name) for item in kept if isinstance(item, dict) for name in info.key]
        # Items that are told apart by a secret cannot be told apart without it.
        by_secret = any(map(_holds_mark, keys if info.key else kept)) and (info.is_set or bool(info.key))
        return LEFT_OUT if by_secret else kept
    return value


def _holds_mark(value: Json) -> bool:
    if isinstance(value, dict):
        return _MARK in value or any(map(_holds_mark, value.values()))
    return isinstance(value, list) and any(map(_holds_mark, value))


# --------------------------------------------------------------------------- read


_FILE = SealedFile(
    form=Snapshot,
    kind="snapshot",
    format=FORMAT,
    words="snapshot",
    again="take it again with `reconciler snapshot --out FILE`",
)


def read_snapshot(document: Json, name: str) -> Snapshot:
    """Return the snapshot in `document`, which is called `name`.

    Raises UsageError for something else than a snapshot, and Refused when its seal does not fit.
    """
    return _FILE.read(document, name)


def snapshot_schema() -> JsonObject:
    """Return the JSON Schema 2020-12 of the file."""
    return _FILE.schema("A snapshot taken by `reconciler snapshot --out`")


def _with_gaps(value: Json) -> Json:
    if isinstance(value, dict):
        if _MARK in value:
            return LeftOut(masked=value[_MARK] == "masked")
        return {name: _with_gaps(item) for name, item in value.items()}
    return [_with_gaps(item) for item in value] if isinstance(value, list) else value


# --------------------------------------------------------------------------- matched with manifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """The live state that a snapshot tells about, for the manifests of the day."""

    live: Mapping[Address, LiveObject]
    unreadable: Mapping[Address, str]
    ledger: Ledger
    untold: Mapping[Address, frozenset[Path]]  # secrets that were applied once
    missing: tuple[Address, ...]  # nothing in the snapshot is about them: whether they exist is not known


def recall(snapshot: Snapshot, resources: Mapping[Address, Resource], catalog: Catalog) -> Recalled:
    """Return what the snapshot holds of `resources`: by address, and else by natural key, parents first."""
    ledger = Ledger(
        target=snapshot.target,
        records={
            read_address(text): Record(id=one.id, fields=one.fields, secrets=dict.fromkeys(one.secrets, FORGOTTEN))
            for text, one in snapshot.ledger.items()
        },
    )
    work = _Recall(
        resources=resources,
        catalog=catalog,
        ledger=ledger,
        reasons=snapshot.unreadable,
        absent=frozenset(snapshot.absent),
    )
    for text, kept in snapshot.objects.items():
        work.add(read_address(text), LiveObject(id=kept.id, body=_with_gaps(kept.body), spec=_with_gaps(kept.spec)))
    for layer in levels(parents_of(resources)):
        for address in sorted(layer):
            work.find(resources[address])
    untold = {address: frozenset(map(parse_pointer, one.secrets)) for address, one in ledger.records.items()}
    return Recalled(
        live=work.live,
        unreadable=work.unreadable,
        ledger=ledger,
        untold=untold,
        missing=tuple(sorted(work.missing)),
    )


@dataclass(slots=True, kw_only=True)
class _Recall:
    resources: Mapping[Address, Resource]
    catalog: Catalog
    ledger: Ledger
    reasons: Mapping[str, str]
    absent: frozenset[str]
    kept: dict[Address, LiveObject] = field(default_factory=dict)
    by_key: dict[str, LiveObject] = field(default_factory=dict)
    live: dict[Address, LiveObject] = field(default_factory=dict)
    unreadable: dict[Address, str] = field(default_factory=dict)
    missing: list[Address] = field(default_factory=list)

    def add(self, address: Address, live: LiveObject) -> None:
        kind = self.catalog.find(address.system, address.kind)
        if kind is not None:
            self.kept[address] = live
            key = _key(kind, live.spec, desired=False)
            if key is not None:
                self.by_key.setdefault(key, live)

    def find(self, resource: Resource) -> None:
        address = resource.address
        kind = self.catalog.kinds[address.system, address.kind]
        spec, unknown = Known(resources=self.resources, live=self.live).spec_of(resource)
        telling = not any(path and path[0] in {*kind.scope, *kind.key} for path in unknown)
        key = _key(kind, spec, desired=True) if telling else None
        mine = self.kept.get(address)
        renamed = key is not None and mine is not None and _key(kind, mine.spec, desired=False) not in (key, None)
        if renamed and address not in self.ledger.records:
            mine = None  # without a memory only its natural key tells an object
        found = mine if mine is not None or key is None else self.by_key.get(key)
        if found is not None:
            self.live[address] = found
        reason = self.reasons.get(str(address)) or kind.unreadable
        if found is None and telling and kind.definition.identity.singleton:
            # It is there as soon as its parent is, and nothing tells what it holds.
            self.live[address] = LiveObject(
                id=str(address), body={}, spec={name: spec[name] for name in kind.scope if name in spec}
            )
            reason = reason or "not in the snapshot"
        elif found is None and not reason and str(address) not in self.absent:
            self.missing.append(address)
        if reason:
            self.unreadable[address] = reason


def _key(kind: Kind, spec: JsonObject, *, desired: bool) -> str | None:
    """Return what tells an object from others of its kind and scope; None where that is secret."""
    if any(isinstance(spec.get(name), LeftOut) for name in (*kind.scope, *kind.key)):
        return None
    scope = [item_key_of(kind.fields.child(n), spec.get(n, MISSING), desired=desired) for n in sorted(kind.scope)]
    return canonical_json([kind.full_name, scope, natural_key(kind, spec, desired=desired)])


def other_kinds(snapshot: Snapshot, kinds: JsonObject) -> Iterator[str]:
    """Yield the kinds that are not what they were when the snapshot was taken."""
    for name, then in sorted(snapshot.kinds.items()):
        now = kinds.get(name)
        if now is not None and (now["version"], now["digest"]) != (then.version, then.digest):
            yield name
