"""Models: what a call of a language model costs (section 6 of the facts). Pure."""

from __future__ import annotations

from reconciler.sandbox.galtea.collection import Collection
from reconciler.sandbox.galtea.fields import choice, number, text
from reconciler.sandbox.galtea.lists import unless
from reconciler.sandbox.galtea.state import ProblemError, State
from reconciler.sandbox.rows import Row

_COSTS = (
    "inputCostPerToken",
    "outputCostPerToken",
    "cacheReadInputTokenCost",
    "cacheCreationInputTokenCost",
    # The facts give these two by their ending only; the beginning is taken from the two above.
    "inputCostPerTokenAbove128kTokens",
    "outputCostPerTokenAbove128kTokens",
)


def _settle(state: State, row: Row, before: Row | None) -> None:
    if before is not None and row["isDefault"]:
        raise ProblemError(403, "Predefined models cannot be changed")
    MODELS.check_name(state, row)


MODELS = Collection(
    name="models",
    what="Model",
    prefix="model",
    scope="organizationId",
    writable={
        "name": text(blank=False),
        **dict.fromkeys(_COSTS, number(0)),
        "tokenizerProvider": text(nullable=True),
        # An enum in openapi, free text in the SDK: taken as the enum.
        "source": choice("PREDEFINED", "CUSTOM", nullable=True),
    },
    required=("name",),
    defaults={**dict.fromkeys(_COSTS), "tokenizerProvider": None, "source": "CUSTOM", "isDefault": False},
    filters={"includeDefaultEntities": unless("isDefault")},
    settle=_settle,
    shown=lambda _state, row: {name: value for name, value in row.items() if name != "isDefault"},
    used_by=(("versions", "modelId"),),
)
"""Predefined models belong to no organization (`organizationId` None, `isDefault`) and share the list."""
