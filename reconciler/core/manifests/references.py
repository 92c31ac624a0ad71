"""What references resolve to, from what the manifests state and what the live systems hold. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import field
from typing import Any

from reconciler.core.address import Address
from reconciler.core.errors import InvalidInput
from reconciler.core.kinds.catalog import Catalog
from reconciler.core.kinds.fields import walk
from reconciler.core.manifests.expressions import ExpressionError, resolve
from reconciler.core.model import Diagnostic, JsonObject, LiveObject, Reference, Resource, Severity
from reconciler.core.pointer import MISSING, Path, get
from reconciler.core.records import dataclass
from reconciler.core.withheld import Withheld

_NOTHING: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The values that references may take: resources by address, and live objects found so far."""

    resources: Mapping[Address, Resource]
    live: Mapping[Address, LiveObject]
    # What references with a pointer have led to, filled in once: a chain of them would be walked again for each link.
    # Whoever asks about a resource has come to know the live objects that it depends on before.
    _filled: dict[Address, tuple[JsonObject, frozenset[Path]]] = field(default_factory=dict, init=False, repr=False)

    def value_of(self, reference: Reference) -> Any:
        """Return the remote id or field that `reference` names, or MISSING when it is known only later.

        A field that the manifest states is known at once; any other is read from the live object.
        """
        found = self.live.get(reference.address)
        if reference.pointer is None:
            return MISSING if found is None else found.id
        resource = self.resources.get(reference.address)
        if resource is not None:
            stated = get(resource.spec, reference.pointer)
            if stated is not MISSING:
                spec, unknown = self._filled.get(resource.address) or self._fill(resource)
                waits = any(_overlap(reference.pointer, path) for path in unknown)
                return MISSING if waits else get(spec, reference.pointer)
        return MISSING if found is None else get(found.spec, reference.pointer)

    def _fill(self, resource: Resource) -> tuple[JsonObject, frozenset[Path]]:
        found = self._filled[resource.address] = self.spec_of(resource)
        return found

    def spec_of(self, resource: Resource) -> tuple[JsonObject, frozenset[Path]]:
        """Return the spec of `resource` with its references filled in, and the paths not known yet.

        Raises InvalidInput when a list, a mapping or null would have to stand inside text.
        """
        if not resource.expressions:
            return resource.spec, _NOTHING
        try:
            return resolve(resource.spec, resource.expressions, self.value_of)
        except ExpressionError as error:
            problem = Diagnostic(
                severity=Severity.ERROR,
                code="bad-expression",
                message=str(error),
                source=resource.locate(("spec",)),
                hint=error.hint,
                address=resource.address,
            )
            raise InvalidInput([problem]) from None


def awaits_parent(
    resource: Resource, scope: Collection[str], resources: Container[Address], there: Container[Address]
) -> bool:
    """Tell whether a field that says where the object is refers to something that does not exist yet.

    The field may have a value all the same: one that the manifest of the parent states.
    """
    return any(
        reference.address in resources and reference.address not in there
        for expression in resource.expressions
        if expression.path and expression.path[0] in scope
        for reference in expression.references
    )


def parents_of(resources: Mapping[Address, Resource]) -> dict[Address, list[Address]]:
    """Return, for each of `resources`, those among them that it refers to."""
    return {a: [p for p in r.depends_on if p in resources] if r.expressions else [] for a, r in resources.items()}


def _overlap(pointer: Path, path: Path) -> bool:
    """Tell whether one of two places is or contains the other; a pointer names the items of lists by text."""
    return all(str(one) == str(other) for one, other in zip(pointer, path, strict=False))


def hidden_paths(
    resource: Resource,
    resources: Mapping[Address, Resource],
    catalog: Catalog,
    found: dict[Address, frozenset[Path]] | None = None,
) -> frozenset[Path]:
    """Return the paths of `resource` whose values are secret by origin.

    That is what comes from the environment, from files, and from fields of other resources that are secret, or hold
    something secret, by their kind or by origin themselves. References must not run in a circle.
    What was `found` for others is not worked out again.
    """
    if not resource.expressions:
        return resource.sensitive
    return _Origins(resources=resources, catalog=catalog, known={} if found is None else found).hidden(resource)


@dataclass(slots=True, kw_only=True)
class _Origins:
    resources: Mapping[Address, Resource]
    catalog: Catalog
    known: dict[Address, frozenset[Path]]

    def hidden(self, resource: Resource) -> frozenset[Path]:
        waiting = [resource]  # the last one first: chains of references can be long
        while waiting:
            one = waiting[-1]
            before = [other for other in self._pointed_at(one) if other.address not in self.known]
            if before:
                waiting += before
                continue
            secret = {e.path for e in one.expressions if any(map(self._is_secret, e.references))}
            self.known[one.address] = one.sensitive | secret
            waiting.pop()
        return self.known[resource.address]

    def _pointed_at(self, resource: Resource) -> Iterator[Resource]:
        for expression in resource.expressions:
            for reference in expression.references:
                if reference.pointer is not None and reference.address in self.resources:
                    yield self.resources[reference.address]

    def _is_secret(self, reference: Reference) -> bool:
        kind = self.catalog.find(reference.address.system, reference.address.kind)
        if reference.pointer is None:
            return kind is not None and kind.secret_id
        if kind is not None and (
            kind.fields.hides(reference.pointer, ever=True)
            or any(info.sensitive or info.sensitive_when for _, info in walk(kind.fields.at(reference.pointer)))
        ):
            return True
        other = self.resources.get(reference.address)
        return other is not None and any(_overlap(reference.pointer, path) for path in self.known[other.address])


def withheld_paths(resource: Resource) -> frozenset[Path]:
    """Return the paths of `resource` whose values are secrets that this run does without."""
    if not resource.expressions:
        return _NOTHING
    return frozenset(e.path for e in resource.expressions if any(isinstance(part, Withheld) for part in e.parts))


def is_hidden_in(paths: frozenset[Path], path: Path) -> bool:
    """Tell whether `path` is, holds or stands inside one of `paths`; an index in them stands for every item."""
    for hidden in paths:
        if len(path) >= len(hidden) and all(
            isinstance(mine, int) or mine == theirs for mine, theirs in zip(hidden, path, strict=False)
        ):
            return True
    return False
