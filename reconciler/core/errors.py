"""What stops a run, with the exit code and the next step for the person. Pure.

ReconcilerError
├── InvalidInput      3   diagnostics about what a person wrote
├── UsageError        3   the command line or the environment
├── Refused           4   limit, blocker, stale plan, conflict
│   └── Unreadable    1   a blocker is that something could not be read
└── ApiError          1   the API answered with a failure
    ├── TransportError    no usable answer came at all
    └── DoubtfulList      a list contradicts itself, so what it does not show may exist
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from reconciler.core.model import Diagnostic
from reconciler.core.model import ErrorClass as ErrorClass


class ExitCode(enum.IntEnum):
    """The exit codes, a contract of the command line."""

    DONE = 0
    FAILED = 1
    PENDING = 2
    INVALID = 3
    REFUSED = 4
    BUG = 70
    INTERRUPTED = 130


class ReconcilerError(Exception):
    """Something that stops the run. `message` says what happened, `hint` what to do next."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(ReconcilerError):
    """Mistakes in files, all of them at once."""

    exit_code = ExitCode.INVALID

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(f"{len(diagnostics)} mistakes" if len(diagnostics) != 1 else "1 mistake")
        self.diagnostics = tuple(diagnostics)


class UsageError(ReconcilerError):
    """The command line, configuration or environment asks for something that cannot be."""

    exit_code = ExitCode.INVALID


class Refused(ReconcilerError):
    """The tool could, but must not. `diagnostics` are the reasons one by one, where there are several."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, hint: str = "", diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class Unreadable(Refused):
    """A part of the plan could not be made, since a live system could not be read."""

    exit_code = ExitCode.FAILED


class ApiError(ReconcilerError):
    """The API answered, and the answer means failure. `fields` are those that it names, as it writes their paths."""

    def __init__(
        self,
        message: str,
        *,
        error_class: ErrorClass,
        status: int = 0,
        hint: str = "",
        fields: Sequence[tuple[str, ...]] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.error_class = error_class
        self.status = status
        self.fields = tuple(fields)


class TransportError(ApiError):
    """No usable answer. `sent` tells whether the request may have reached the server."""

    def __init__(self, message: str, *, sent: bool, hint: str = "") -> None:
        super().__init__(message, error_class=ErrorClass.TRANSIENT, hint=hint)
        self.sent = sent


class DoubtfulList(ApiError):
    """Something was looked for in a list that contradicts itself, and the list does not show it."""

    def __init__(self, kind: str, doubt: str) -> None:
        super().__init__(
            f"{kind}: whether it exists is not known: the list does not show it, and contradicts itself ({doubt})",
            error_class=ErrorClass.FAILED,
            hint=WHERE_LISTS_DOUBT,
        )


WHERE_LISTS_DOUBT = (
    "run again when the list is steady; describe `find` in the kind, or a `get` by the natural key; where the list is "
    "right and only its total counts more, `total: estimate` of read.list, or --trust-list KIND for one run"
)
