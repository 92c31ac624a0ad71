"""Where output goes: results to stdout, everything else to stderr, known secrets taken out of both."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import field
from typing import TextIO

from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Json
from reconciler.core.records import dataclass
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
    live_allowed: bool = False  # whether the terminal can take a line back
    redactor: Redactor = field(default_factory=Redactor)
    _shown: str = ""  # the line that stands below everything else at the moment
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def style(self) -> Style:
        """Decoration of results."""
        return Style(colour=self.colour_allowed and self.out.isatty())

    @property
    def err_style(self) -> Style:
        return Style(colour=self.colour_allowed and self.err.isatty())

    @property
    def live(self) -> bool:
        """Whether a line may be shown that is taken back."""
        return self.live_allowed and not self.quiet and self.err.isatty()

    @property
    def columns(self) -> int:
        """The width of the terminal behind stderr."""
        try:
            return os.get_terminal_size(self.err.fileno()).columns or 80
        except OSError:
            return 80

    def show_live(self, text: str) -> None:
        """Show `text` below everything else in place of what stood there; "" takes it away. Only where `live`."""
        with self._lock:
            text = self.redactor.text(text)
            if text != self._shown:
                self.err.write(_ERASE + text)
                self.err.flush()
            self._shown = text

    def _print(self, stream: TextIO, text: str) -> None:
        with self._lock:
            if self._shown:
                self.err.write(_ERASE)
                self.err.flush()
            try:
                _write(stream, text)
            except BrokenPipeError:
                raise
            except OSError as error:
                if stream is self.out:  # what cannot be complained about is lost, and the exit code still tells
                    silence_stdout()
                    raise ReconcilerError(
                        f"the output cannot be written: {error.strerror}",
                        hint="look where stdout leads, and for space there",
                    ) from None
            if self._shown:
                self.err.write(self._shown)
                self.err.flush()

    def result(self, text: str) -> None:
        """Print a result."""
        self._print(self.out, self.redactor.text(text))

    def document(self, value: Json) -> None:
        """Print a result as JSON."""
        self._print(self.out, json_text(json.dumps(self.redactor.json(value), indent=2, ensure_ascii=False)))

    def finished(self, text: str) -> None:
        """Print a result that was made of values without secrets, as it is: a page's script must stay what it is."""
        self._print(self.out, text.removesuffix("\n"))

    def say(self, text: str) -> None:
        """Print something that is not the result; not with --quiet."""
        if not self.quiet:
            self._print(self.err, self.redactor.text(text))

    def complain(self, text: str) -> None:
        """Print what went wrong."""
        self._print(self.err, self.redactor.text(text))

    def error(self, message: str, hint: str = "") -> None:
        """Print an error and what to do about it."""
        self.complain(render_error(message, hint, self.err_style))


_ERASE = "\r\x1b[K"  # back to the start of the line, and nothing on it (ECMA-48, EL)


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
    return Console(
        out=sys.stdout,
        err=sys.stderr,
        quiet=quiet,
        verbosity=verbosity,
        colour_allowed=not plain,
        live_allowed=environ.get("TERM", "") not in ("", "dumb"),
    )


class _ToConsole(logging.Handler):
    """Prints log lines as everything else is printed: without secrets, and not into the line that is shown live."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname).1s %(name)s: %(message)s"))
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._console.complain(self.format(record))
        except Exception:  # noqa: BLE001  a line that cannot be logged stops no run
            self.handleError(record)


def configure_logging(console: Console) -> None:
    """Send the package's log to stderr: warnings, with -v also outcomes, with -vv also every request."""
    handler = _ToConsole(console)
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
