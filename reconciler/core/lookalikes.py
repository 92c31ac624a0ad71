"""Texts that differ and look the same: what differs in them is spelled out. Pure."""

from __future__ import annotations

import re
import unicodedata

_SELECTORS = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # of variations, and the joiner of graphemes


def told_apart(one: str, other: str) -> tuple[str, str]:
    """Return both texts, with every character outside ASCII as its escape where they differ and look the same.

    That is so where composition, width or characters without a shape of their own are all that differs.
    """
    if one == other or (one.isascii() and other.isascii()) or _look(one) != _look(other):
        return one, other
    return _escaped(one), _escaped(other)


def _look(text: str) -> str:
    """Return what is seen of a text (Unicode Standard Annex 15, form NFKC; default ignorable code points left out)."""
    composed = unicodedata.normalize("NFKC", text)
    if composed.isprintable() and not _SELECTORS.search(composed):  # nearly all, and fast for long ones
        return composed
    return "".join(" " if c.isspace() else c for c in composed if not _is_unseen(c))


def _is_unseen(character: str) -> bool:
    return bool(_SELECTORS.match(character)) or unicodedata.category(character) in ("Cf", "Cc")


def _escaped(text: str) -> str:
    return "".join(c if c.isascii() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)
