"""Suggestions for misspelt words. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest of `known`, or the empty string when none is near."""
    import difflib  # here, because nothing is misspelt in most runs

    words = sorted(set(known))
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if not close:
        by_case = {w.casefold(): w for w in words}
        near = difflib.get_close_matches(word.casefold(), list(by_case), n=1, cutoff=0.6)
        close = [by_case[near[0]]] if near else []
    return f"did you mean {close[0]!r}?" if close else ""


def nearest_of(word: str, known: Iterable[str], what: str, where: str, *, most: int = 12) -> str:
    """Return the word that is meant, or all that are known as `what`; of many the nearest, and `where` to see all."""
    import difflib

    words = sorted(set(known))
    meant = did_you_mean(word, words)
    if meant or len(words) <= most:
        return meant or f"{what}: {', '.join(words)}"
    near = sorted(difflib.get_close_matches(word, words, n=5, cutoff=0.3))
    found = f"the nearest are {', '.join(near)}; " if near else ""
    return f"{found}{where} lists all {len(words)}"


def choose_of(word: str, known: Iterable[str], what: str) -> str:
    """Return the nearest of `known`, or else all of them as `what`, such as "its fields"; empty without any."""
    words = list(known)
    return did_you_mean(word, words) or (f"{what} are {', '.join(words)}" if words else "")
