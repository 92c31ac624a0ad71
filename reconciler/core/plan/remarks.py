"""What a person is told of a resource beside its change: what is no longer stated, what nothing could compare. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.compare.normalize import Comparison
from reconciler.core.kinds.catalog import Kind, send_mode
from reconciler.core.model import Json, JsonObject, Resource
from reconciler.core.plan.considered import Considered, Inputs
from reconciler.core.pointer import Path, format_pointer, get, starts_with
from reconciler.core.withheld import Gap


def notes_on(resource: Resource, kind: Kind, spec: JsonObject, inputs: Inputs) -> tuple[str, ...]:
    """Return which fields were stated when the resource was last applied, and are not any more."""
    record = inputs.memory.record_of(resource.address)
    if record is None:
        return ()
    # All that was stated still is, as of most resources: told by the texts alone, which costs a fifth.
    texts = set(_pointers(spec))
    if record.fields.keys() <= texts and record.secrets.keys() <= texts:
        return ()
    before = inputs.memory.stated_before(resource.address)
    stated = _leaves(spec)
    gone = (p for p in sorted(before, key=format_pointer) if not any(_overlaps(p, s) for s in stated))
    released = [path for path in gone if not _goes_with_its_map(path, kind, spec)]
    names = ", ".join(format_pointer(path) for path in released)
    return (f"no longer stated, the value stays as it is: {names}",) if released else ()


def _goes_with_its_map(path: Path, kind: Kind, spec: JsonObject) -> bool:
    """Tell whether the field is a member of a map that is stated, and managed as one value."""
    above = (path[:length] for length in range(1, len(path)))
    return any(isinstance(get(spec, place), dict) and kind.fields.at(place).is_whole for place in above)


def caveats_of(considered: Considered, comparison: Comparison, inputs: Inputs) -> tuple[str, ...]:
    """Return what the comparison could not tell."""
    caveats = [*unverified(considered, inputs)]
    if not (considered.readable or comparison.equal) and _replaces_whole(considered.kind):
        caveats.append("the call replaces the whole object: what the manifest leaves out may be reset")
    unsent, forgotten = untold_secrets(considered, comparison, inputs)
    others = tuple(path for path in comparison.incomparable if path not in unsent + forgotten)
    for paths, why in ((unsent, "never sent from here"), (forgotten, "sent with another ledger key"), (others, "")):
        if paths:
            names = ", ".join(sorted(map(format_pointer, paths)))
            said = f"{why}, so not comparable" if why else "not comparable"
            caveats.append(f"{said}, taken as equal: {names} (`--resend` sends them)")
    return tuple(caveats)


def untold_secrets(
    considered: Considered, comparison: Comparison, inputs: Inputs
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the wanted secrets of which the ledger does not tell whether they were applied: those that were never
    sent from here, and those that were sent when it had another key."""
    if not inputs.has_ledger or considered.resource.lifecycle.lookup:
        return (), ()
    untold = [p for p in comparison.incomparable if considered.hides(p) and considered.gap(p) is Gap.NONE]
    record = inputs.memory.record_of(considered.resource.address)
    forgotten = [path for path in untold if record is not None and record.has_forgotten(path)]
    return tuple(path for path in untold if path not in forgotten), tuple(forgotten)


def unverified(considered: Considered, inputs: Inputs) -> tuple[str, ...]:
    """Return why nothing was compared with the live object, where that is so."""
    if considered.readable:
        return ()
    return ("not verified against live: " + inputs.unreadable[considered.resource.address],)


def _replaces_whole(kind: Kind) -> bool:
    return any(send_mode(call, creating=False) == "full" for call in kind.definition.write.update)


def _overlaps(one: Path, other: Path) -> bool:
    return starts_with(one, other) or starts_with(other, one)


def _pointers(value: Json, prefix: str = "") -> Iterator[str]:
    """Yield the JSON Pointers of what `_leaves` finds."""
    if value.__class__ is dict and value:
        for name, item in value.items():
            step = name if "~" not in name and "/" not in name else format_pointer((name,))[1:]
            if item.__class__ is dict:
                yield from _pointers(item, f"{prefix}/{step}")
            else:
                yield f"{prefix}/{step}"
    else:
        yield prefix


def _leaves(value: Json, path: Path = ()) -> list[Path]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    return [path]
