"""How large and how deep documents may be, whichever way they are read, and what the quick way gives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.core.model import Json

DEEPEST = 100
"""How deep mappings and lists may nest, the outermost one included."""

MOST_ALIASED = 100_000
"""How many values the aliases and merges of one file may add to those that are written out."""


class QuickDocument(NamedTuple):
    """One document: its data, and where its root begins (lines and columns from 1, `at` in characters from 0)."""

    data: Json
    line: int
    column: int
    at: int


class Kept(NamedTuple):
    """The documents of one file, and what an earlier run found out; empty texts where nothing is known."""

    documents: Sequence[QuickDocument]
    found_good_by: str = ""  # the judge that found no mistake in them
    fingerprint: str = ""  # tells the content of the file from any other
