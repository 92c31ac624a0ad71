"""What the checks speak in: a bound definition, and what was found in it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TypeAlias

from reconciler.core.kinds.definition import KindDefinition, SystemDefinition
from reconciler.core.kinds.fields import FieldInfo
from reconciler.core.model import Json, Severity
from reconciler.core.pointer import Path
from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A kind's definition as it is for certain values of the system's parameters."""

    definition: KindDefinition
    system: SystemDefinition
    fields: FieldInfo
    parameters: Mapping[str, Json] = field(default_factory=dict)
    others: Mapping[str, FieldInfo | None] = field(default_factory=dict)  # kinds by full name, as far as they load

    @property
    def required(self) -> frozenset[str]:
        """Top-level fields that every manifest has: those that the schema requires, and the one that is filled in."""
        filled = {self.definition.identity.name} - {None}
        return frozenset(map(str, [*self.definition.schema_.get("required", []), *filled]))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something at `path` of the bound definition. `at_key` points at the member's name instead of its value."""

    path: Path
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    at_key: bool = False

    @property
    def code(self) -> str:
        return "bad-definition" if self.severity is Severity.ERROR else "doubtful-definition"


Findings: TypeAlias = Iterator[Finding]
CheckOfKind: TypeAlias = Callable[[Bound], Findings]


def doubt(path: Path, message: str, hint: str = "", *, at_key: bool = False) -> Finding:
    """Return a warning: what is written can be meant, and probably is not."""
    return Finding(path, message, hint, Severity.WARNING, at_key)
