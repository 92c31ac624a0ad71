"""How large and how deep documents may be, whichever way they are read. Pure."""

from __future__ import annotations

DEEPEST = 100
"""How deep mappings and lists may nest, the outermost one included."""

MOST_ALIASED = 100_000
"""How many values the aliases and merges of one file may add to those that are written out."""
