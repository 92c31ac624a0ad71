"""Colour and symbols as decoration: the text says the same without them. Pure."""

from __future__ import annotations

from reconciler.core.records import dataclass
from reconciler.render.escapes import printable

_CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How to decorate text."""

    colour: bool = False

    def paint(self, text: str, *names: str) -> str:
        """Return `text` in the named colours or weights (ECMA-48 SGR), or as it is without colour."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"


PLAIN = Style()


def render_error(message: str, hint: str = "", style: Style = PLAIN) -> str:
    """Return an error, each of its lines marked, and what to do about it."""
    word = style.paint("error:", "red", "bold")
    lines = [f"{word} {printable(line)}" for line in message.splitlines() or [""]]
    if hint:
        shown = "\n          ".join(printable(line) for line in hint.splitlines())
        lines.append(style.paint(f"    hint: {shown}", "dim"))
    return "\n".join(lines)
