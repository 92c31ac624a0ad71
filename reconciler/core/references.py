"""What references resolve to, from what the manifests state and what the live systems hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.expressions import resolve
from reconciler.core.kinds import Catalog
from reconciler.core.model import Address, JsonObject, LiveObject, Reference, Resource
from reconciler.core.pointer import MISSING, Path, get, starts_with


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The values that references may take: resources by address, and live objects found so far."""

    resources: Mapping[Address, Resource]
    live: Mapping[Address, LiveObject]

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
                spec, unknown = self.spec_of(resource)
                waits = any(starts_with(reference.pointer, p) or starts_with(p, reference.pointer) for p in unknown)
                return MISSING if waits else get(spec, reference.pointer)
        return MISSING if found is None else get(found.spec, reference.pointer)

    def spec_of(self, resource: Resource) -> tuple[JsonObject, frozenset[Path]]:
        """Return the spec of `resource` with its references filled in, and the paths not known yet."""
        return resolve(resource.spec, resource.expressions, self.value_of)


def hidden_paths(resource: Resource, resources: Mapping[Address, Resource], catalog: Catalog) -> frozenset[Path]:
    """Return the paths of `resource` whose values are secret by origin: environment, files, secret fields of others."""
    hidden = set(resource.sensitive)
    for expression in resource.expressions:
        for reference in expression.references:
            if reference.pointer is None:
                continue
            kind = catalog.find(reference.address.system, reference.address.kind)
            other = resources.get(reference.address)
            by_kind = kind is not None and kind.fields.hides(reference.pointer)
            if by_kind or (other is not None and any(starts_with(reference.pointer, s) for s in other.sensitive)):
                hidden.add(expression.path)
    return frozenset(hidden)
