"""All settings blocks of an API proxy. Pure.

Adding a block is adding a row to one of the two tables. Invariant: every key of a proxy's row (`stored`, or
a field of a block that has none) belongs to one block only.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from reconciler.sandbox.apinizer.client_blocks import CLIENT_BLOCKS
from reconciler.sandbox.apinizer.routing_blocks import ROUTING_BLOCKS

BLOCKS: Final = ROUTING_BLOCKS + CLIENT_BLOCKS


def untouched() -> dict[str, Any]:
    """Return the part of a new proxy's row that the blocks own."""
    row: dict[str, Any] = {block.stored: {} for block in BLOCKS if block.stored}
    for block in BLOCKS:
        if not block.stored:
            row |= {name: copy.deepcopy(field.default) for name, field in block.fields.items()}
    return row
