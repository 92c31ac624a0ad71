"""The values that say how an object goes away, and how much may go in one run. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from reconciler.core.address import Address
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass


class Way(enum.Enum):
    """What becomes of an object that is to go: a closed set."""

    DELETE = "delete"  # by the kind's call, or out of the document that it stands in
    DISABLE = "disable"  # it is switched off by an update, and no longer managed
    FORGET = "forget"  # it stays as it is, and is no longer managed
    GONE = "gone"  # it is not there, or is managed under another address: only its record goes

    @property
    def sends(self) -> bool:
        """Tell whether anything is sent."""
        return self in (Way.DELETE, Way.DISABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """How one object goes away, and what of it must be as it was when that was decided."""

    way: Way
    place: Mapping[str, Any] = field(default_factory=dict, repr=False)  # fields of the spec that its calls name
    watched: tuple[Path, ...] = ()  # whose values are compared with those planned on right before
    hidden: frozenset[Path] = frozenset()  # paths whose values are secret by origin: never shown
    parents: frozenset[Address] = frozenset()  # what it referred to: they go after it
    replaced: Address | None = None  # the resource whose new object takes its place
    first: bool = False  # it goes before the new one comes, since both would have the same natural key


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one run may change. They travel in the plan, and are checked when it is made and when it is applied."""

    max_deletes: int
    max_change_share: float | None = None  # 0 to 1, of the managed objects; None: as many as there are
    managed: frozenset[Address] = field(default=frozenset(), repr=False)  # the whole of which the share is taken
