"""What has to be remembered of an object while it is stated, so that it can be removed later. Pure."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.memory.ledger import Removal
from reconciler.core.plan.considered import Considered


def remembered(considered: Considered, holds_secret: Callable[[str], bool]) -> Removal:
    """Return what removing the object takes when its manifest is gone; secrets are left out."""
    kind, resource = considered.kind, considered.resource
    place = {
        name: considered.spec[name]
        for name in kind.place
        if name in considered.spec and not considered.hides((name,)) and not holds_secret(str(considered.spec[name]))
    }
    return Removal(protect=resource.lifecycle.protect, place=place, parents=tuple(sorted(resource.depends_on)))
