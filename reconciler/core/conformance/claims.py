"""What a definition claims of a system, and whether it was seen to hold. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from reconciler.core.pointer import Path
from reconciler.core.records import dataclass


class ClaimVerdict(enum.Enum):
    """Whether a claim held."""

    HOLDS = "holds"
    FAILS = "fails"
    UNTESTED = "not tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim, and what was seen. `detail` and `cure` never hold a value of the object."""

    title: str
    verdict: ClaimVerdict
    detail: str = ""
    place: Path = ()  # in the definition of the kind, where the claim is made or would have to be
    cure: str = ""  # the line to write there, or what else would make the claim true


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """What a walk has shown."""

    claims: tuple[Claim, ...]
    requests: int = 0
    seconds: float = 0.0
    left_behind: str = ""  # what could not be removed, and how to remove it

    def count(self, verdict: ClaimVerdict) -> int:
        return sum(claim.verdict is verdict for claim in self.claims)

    @property
    def holds(self) -> bool:
        """Tell whether nothing speaks against the definition."""
        return not self.left_behind and not self.count(ClaimVerdict.FAILS)


def holds(title: str, detail: str = "") -> Claim:
    """Return a claim that was seen to hold."""
    return Claim(title=title, verdict=ClaimVerdict.HOLDS, detail=detail)


def fails(title: str, detail: str, place: Path = (), cure: str = "") -> Claim:
    """Return a claim that was seen to be wrong."""
    return Claim(title=title, verdict=ClaimVerdict.FAILS, detail=detail, place=place, cure=cure)


def untested(title: str, detail: str) -> Claim:
    """Return a claim that could not be put to the test, and why."""
    return Claim(title=title, verdict=ClaimVerdict.UNTESTED, detail=detail)


def listed(names: Iterable[str]) -> str:
    """Return names for people, in order."""
    return ", ".join(sorted(names))
