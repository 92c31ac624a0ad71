"""Where output goes: results to stdout, everything else to stderr, known secrets taken out of both."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from reconciler.core.model import Json
from reconciler.core.redaction import Redactor
from reconciler.render.escapes import json_text
from reconciler.render.style import Style, render_error


@dataclass(slots=True, kw_only=True)
class Console:
    """The two streams, and how to write to them."""

    out: TextIO
    err: TextIO
    quiet: bool = False
    verbosity: int = 0
    colour_allowed: bool = True
    redactor: Redactor = field(default_factory=Redactor)

    @property
    def style(self) -> Style:
        """Decoration of results."""
        return Style(colour=self.colour_allowed and self.out.isatty())

    @property
    def err_style(self) -> Style:
        return Style(colour=self.colour_allowed and self.err.isatty())

    def result(self, text: str) -> None:
        """Print a result."""
        _write(self.out, self.redactor.text(text))

    def document(self, value: Json) -> None:
        """Print a result as JSON."""
        _write(self.out, json_text(json.dumps(self.redactor.json(value), indent=2, ensure_ascii=False)))

    def finished(self, text: str) -> None:
        """Print a result that was made of values without secrets, as it is: a page's script must stay what it is."""
        _write(self.out, text.removesuffix("\n"))

    def say(self, text: str) -> None:
        """Print something that is not the result; not with --quiet."""
        if not self.quiet:
            _write(self.err, self.redactor.text(text))

    def complain(self, text: str) -> None:
        """Print what went wrong."""
        _write(self.err, self.redactor.text(text))

    def error(self, message: str, hint: str = "") -> None:
        """Print an error and what to do about it."""
        self.complain(render_error(message, hint, self.err_style))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:
        # A terminal that cannot show a character gets its escape instead of a crash.
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def open_console(*, quiet: bool, verbosity: int, no_color: bool, environ: Mapping[str, str]) -> Console:
    """Return the console of this process; NO_COLOR and TERM=dumb switch colours off."""
    plain = no_color or bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return Console(out=sys.stdout, err=sys.stderr, quiet=quiet, verbosity=verbosity, colour_allowed=not plain)


class _RedactingFormatter(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(levelname).1s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


def configure_logging(console: Console) -> None:
    """Send the package's log to stderr: warnings, with -v also outcomes, with -vv also every request."""
    handler = logging.StreamHandler(console.err)
    handler.setFormatter(_RedactingFormatter(console.redactor))
    logger = logging.getLogger("reconciler")
    for old in list(logger.handlers):
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.propagate = False
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    logger.setLevel(levels[min(console.verbosity, 2)])


def silence_stdout() -> None:
    """Let the interpreter exit quietly when the reader of stdout has gone away."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
