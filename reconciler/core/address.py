"""The identity of a resource. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """The identity of a resource, and its only dictionary key. A tuple, because nothing is compared more often."""

    system: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.system}.{self.kind}/{self.name}"
