"""Values that a run does without: secrets that are not there, and what a snapshot does not hold. Pure.

Neither ever counts as a value: what is withheld is not known, and what was left out cannot be compared.
"""

from __future__ import annotations

import enum

from reconciler.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Withheld:
    """A secret of a manifest that this run does without; `name` says where it would come from, as in `env:TOKEN`."""

    name: str


class Gap(enum.Enum):
    """What a run does not know of a secret field."""

    NONE = "none"
    WANTED = "wanted"  # the value of the manifest
    APPLIED = "applied"  # which value was applied, although one was


class LeftOut(str):
    """A live value that a snapshot does not hold, since it is secret. As text it is what people are shown."""

    masked: bool

    def __new__(cls, *, masked: bool = False) -> LeftOut:
        """Return it; `masked`: the server itself shows a mask in place of the value, so nobody can read it."""
        made = super().__new__(cls, "(sensitive)")
        made.masked = masked
        return made
