"""What the command line asks for, and the doors that a caller may replace. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reconciler.core.manifests.selection import Selection
from reconciler.core.records import dataclass
from reconciler.core.redaction import Redactor
from reconciler.shell.network.sending import Timing
from reconciler.shell.stopwatch import Stopwatch

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says, and the doors that a caller may replace."""

    config: Path
    target: str | None = None
    selection: Selection = Selection()
    scratch: Path | None = None  # a manifest beside those of the configuration
    manifests: tuple[Path, ...] | None = None  # instead of those of the configuration
    all_kinds: bool = False  # of the systems of the target, declared or not; manifests need not exist
    parallelism: int = 10
    resend: bool = False
    reads_ledger: bool = True
    take_over: bool = False  # adopt objects that bear the mark of another tool
    trust_secrets: bool = False  # secrets that were never sent from here are recorded as if they had been
    without_secrets: bool = False  # values of environment and files that are not there count as unknown
    cache: bool = True  # of parsed manifests
    on_interrupt: Callable[[], None] = lambda: None  # called when an apply begins to end because of an interrupt
    prune: bool | None = None  # None: as the policy of the target says
    allow_replace: bool = False
    skip_unreadable: bool = False  # what cannot be read, and what depends on it, is left out
    trust_list: tuple[str, ...] = ()  # kinds whose lists count as whole, whatever contradicts them
    allow_older: bool = False  # apply a revision that does not come after the one that was applied last
    destroy: tuple[str, ...] = ()  # address patterns; anything in them: delete those, and do nothing else
    stage: Literal["plan", "apply"] = "plan"  # whose credentials are used; "apply" where live systems are written to
    approved: bool = False  # a saved plan is performed
    time_limit_s: float | None = None  # of the whole run; nothing begins afterwards
    lock_timeout_s: float = 0.0  # how long an apply waits for the lock of its target
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    redactor: Redactor = field(default_factory=Redactor, repr=False)
    timing: Timing = Timing()
    stopwatch: Stopwatch = field(default_factory=Stopwatch, repr=False)
    transport: Callable[[str], httpx.BaseTransport] | None = None  # by system; None: the network
