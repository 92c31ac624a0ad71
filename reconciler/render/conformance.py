"""What a walk has shown of a definition, for people and for machines. Pure."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.core.conformance.claims import Claim, ClaimVerdict, Conformance
from reconciler.core.model import JsonObject, Source
from reconciler.core.pointer import Path, format_pointer
from reconciler.render.style import PLAIN, Style
from reconciler.render.text import plural

FORMAT = 1
_MARKS = {ClaimVerdict.HOLDS: ("✓", "green"), ClaimVerdict.FAILS: ("✗", "red"), ClaimVerdict.UNTESTED: ("–", "dim")}

Locate = Callable[[Path], Source]
"""The place of a path in the definition, or of the nearest thing above it that there is."""


def render_conformance(name: str, found: Conformance, locate: Locate, style: Style = PLAIN) -> str:
    """Return one line for each claim, with the place and the line to write where it does not hold."""
    counts = ", ".join(
        f"{found.count(verdict)} {words}"
        for verdict, words in (
            (ClaimVerdict.HOLDS, "hold"),
            (ClaimVerdict.FAILS, "do not"),
            (ClaimVerdict.UNTESTED, "not tested"),
        )
    )
    head = f"{name}: of {plural(len(found.claims), 'claim')} {counts}; {plural(found.requests, 'request')}."
    lines = [style.paint(head, "bold"), ""]
    for claim in found.claims:
        mark, colour = _MARKS[claim.verdict]
        detail = f": {claim.detail}" if claim.detail else ""
        lines.append(f"  {style.paint(mark, colour)} {claim.title}{detail}")
        if claim.verdict is ClaimVerdict.FAILS and claim.place:
            cure = f": {claim.cure}" if claim.cure else ""
            lines.append(style.paint(f"      {locate(claim.place)}: {_dotted(claim.place)}{cure}", "yellow"))
    lines += ["", found.left_behind or "The scratch object is gone."]
    return "\n".join(lines)


def _dotted(place: Path) -> str:
    return ".".join(str(step) for step in place)


def conformance_document(name: str, found: Conformance, locate: Locate) -> JsonObject:
    """Return the same as JSON."""
    return {
        "format": FORMAT,
        "kind": "conformance",
        "of": name,
        "holds": found.holds,
        "requests": found.requests,
        "seconds": round(found.seconds, 3),
        "leftBehind": found.left_behind,
        "claims": [_claim(claim, locate) for claim in found.claims],
    }


def _claim(claim: Claim, locate: Locate) -> JsonObject:
    place = {"at": format_pointer(claim.place), "source": str(locate(claim.place))} if claim.place else {}
    return {
        "title": claim.title,
        "verdict": claim.verdict.value,
        "detail": claim.detail,
        **({"cure": claim.cure} if claim.cure else {}),
        **place,
    }
