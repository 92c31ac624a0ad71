"""The fenced blocks of `schemas/README.md`, whose first lines say what they are: yaml kind, console step and so on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "schemas" / "README.md"

_FENCE = re.compile(r"^```(\w*) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    language: str
    mark: str  # what stands behind the language: `kind`, `fields`, `file=schemas/beacon.yaml`
    text: str
    line: int  # of its first fence

    def __str__(self) -> str:
        return f"line-{self.line}"


def blocks(language: str, mark: str = "") -> list[Block]:
    """Return the blocks in `language` whose mark starts with `mark`, in order."""
    text = README.read_text(encoding="utf-8")
    found = [
        Block(language=match[1], mark=match[2], text=match[3], line=text.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(text)
    ]
    return [block for block in found if block.language == language and block.mark.startswith(mark)]


def walkthrough() -> list[Block]:
    """Return the files and commands of the worked example, in order."""
    steps = [*blocks("yaml", "file="), *blocks("console", "step")]
    return sorted(steps, key=lambda block: block.line)
